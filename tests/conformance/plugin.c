/* plugin PLUGIN DEVICE [haste]: the suite on one device of a plugin. Errors and warnings in its log
 * are failures; Vulkan's validation layer speaks there, where it is installed and the environment
 * asks for it. */

#include "conformance.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIPPED = 77 };

static int n_cases, n_unsupported, n_messages;

static void print_result(void *user, const conformance_result *result)
{
    (void)user;
    n_cases += result->cases;
    n_unsupported += result->unsupported;
    printf("%s %s: %d cases, ", result->op, result->types, result->cases);
    if (result->failures)
        printf("FAILED %d: %s\n", result->failures, result->text);
    else
        printf("%d not supported, worst error %.3g of %.3g\n", result->unsupported, result->error,
               result->bound);
}

/* It may be any thread's turn to speak, so nothing else is done with it. */
static void listen(void *user, int32_t level, const char *text)
{
    conformance_host *host = user;
    printf("said: %s\n", text);
    n_messages += level <= INS1_LOG_WARN;
    if (!host->said[0])
        snprintf(host->said, sizeof(host->said), "%s", text);
}

static bool has_layer(void)
{
    char row[4096];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && !found && fgets(row, sizeof(row), maps))
        found = strstr(row, "VkLayer_khronos_validation") != NULL;
    if (maps)
        fclose(maps);
    return found;
}

static int run(const ins1_backend_api *api, conformance_host *host, int32_t device)
{
    ins1_device_info info = { .struct_size = sizeof(info) };

    if (device >= api->device_count(api->self)) {
        printf("skipped: there is no device %d: %s\n", device, host->said);
        return SKIPPED;
    }
    api->device_info(api->self, device, &info);
    int failures = conformance_run(api, host, device, true, print_result, NULL);
    printf("%s, %s%s: %d cases, %d not supported, %d failures, %d messages\n", info.hardware,
           info.level, has_layer() ? ", with the validation layer" : "", n_cases, n_unsupported,
           failures, n_messages);
    return failures || n_messages;
}

int main(int argc, char **argv)
{
    conformance_host host;
    ins1_backend_api api = { 0 };
    ins1_backend_entry_fn entry;

    if (argc < 3)
        return 2;
    conformance_host_init(&host);
    host.is_in_haste = argc > 3;
    host.api.log = listen;
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    void *symbol = library ? dlsym(library, INS1_BACKEND_ENTRY) : NULL;
    if (!symbol) {
        printf("%s\n", dlerror());
        return 1;
    }
    memcpy(&entry, &symbol, sizeof(entry));
    if (entry((INS1_BACKEND_ABI_MAJOR + 1) << 16, &host.api, &api) != INS1_E_VERSION ||
        entry(INS1_BACKEND_ABI, &host.api, &api) != INS1_OK) {
        printf("the entry takes another version, or not its own\n");
        return 1;
    }
    n_messages = 0;
    host.said[0] = 0;
    int status = run(&api, &host, atoi(argv[2]));
    api.shutdown(api.self);
    if (host.live) {
        printf("%lld bytes are not given back\n", host.live);
        status = 1;
    }
    dlclose(library);
    return status;
}
