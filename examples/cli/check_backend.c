#include "commands.h"
#include "conformance.h"
#include "lines.h"

#include <interns1/status.h>

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct report {
    const char *device;
} report;

static void print_result(void *user, const conformance_result *result)
{
    const report *r = user;
    buffer out = { 0 };
    text_puts(&out, "{\"device\": ");
    text_json(&out, r->device, strlen(r->device));
    text_printf(&out, ", \"op\": \"%s\", \"types\": \"%s\", \"cases\": %d, \"unsupported\": %d",
                result->op, result->types, result->cases, result->unsupported);
    text_printf(&out, ", \"failures\": %d, \"error\": ", result->failures);
    text_real(&out, result->error);
    text_puts(&out, ", \"bound\": ");
    text_real(&out, result->bound);
    if (result->failures) {
        text_puts(&out, ", \"text\": ");
        text_json(&out, result->text, strlen(result->text));
    }
    text_puts(&out, "}");
    line_print(&out, NULL);
    text_free(&out);
}

/* The number of failures; -1 when the device cannot run here. */
static int check_device(const ins1_backend_api *api, conformance_host *host, int32_t index)
{
    ins1_device_info info = INS1_INIT(ins1_device_info);
    char name[128];
    int32_t status = api->device_info(api->self, index, &info);
    if (status != INS1_OK || info.score == 0) {
        fprintf(stderr, "ins1 check-backend: device %d of '%s' cannot run here: %s\n", index,
                api->name, host->said);
        return -1;
    }
    snprintf(name, sizeof(name), "%s", info.name ? info.name : api->name);
    report r = { name };
    return conformance_run(api, host, index, true, print_result, &r);
}

static int check_devices(const ins1_backend_api *api, conformance_host *host)
{
    int32_t n = api->device_count(api->self);
    int failures = 0, n_checked = 0;
    for (int32_t i = 0; i < n; i++) {
        int found = check_device(api, host, i);
        n_checked += found >= 0;
        failures += found > 0 ? found : 0;
    }
    if (!n_checked)
        fprintf(stderr, "ins1 check-backend: '%s' has no device that runs here\n", api->name);
    else if (failures)
        fprintf(stderr, "ins1 check-backend: %d failures\n", failures);
    return failures || !n_checked;
}

static int check(void *library, const char *path)
{
    conformance_host host;
    ins1_backend_api api = { 0 };
    ins1_backend_entry_fn entry;

    void *symbol = dlsym(library, INS1_BACKEND_ENTRY);
    if (!symbol) {
        fprintf(stderr, "ins1 check-backend: %s has no symbol %s\n", path, INS1_BACKEND_ENTRY);
        return 1;
    }
    memcpy(&entry, &symbol, sizeof(entry));
    conformance_host_init(&host);
    int32_t status = entry(INS1_BACKEND_ABI, &host.api, &api);
    if (status != INS1_OK) {
        fprintf(stderr, "ins1 check-backend: %s refuses: %s (%s)\n", path, host.said,
                ins1_status_name(status));
        return 1;
    }
    int exit_status = check_devices(&api, &host);
    if (api.shutdown)
        api.shutdown(api.self);
    if (host.live) {
        fprintf(stderr, "ins1 check-backend: %lld bytes were not given back\n", host.live);
        exit_status = 1;
    }
    return exit_status;
}

static int run(int argc, char **argv)
{
    settings s = { 0 };
    const char *path;
    int status = args_parse(&check_backend_command, NULL, 0, &s, argc, argv, &path);
    if (status != ARGS_OK)
        return status;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "ins1 check-backend: %s\n", dlerror());
        return 1;
    }
    status = check(library, path);
    dlclose(library);
    return status;
}

const command check_backend_command = {
    .name = "check-backend",
    .operands = "PLUGIN",
    .summary = "Hold a backend to the definitions of its operations",
    .about = "Runs the conformance suite on each device of a plugin. Prints a JSON line for each "
             "operation\n"
             "and combination of types: the largest error and the bound it is held to.",
    .example = "ins1 check-backend /usr/lib/x86_64-linux-gnu/interns1/ins1_openblas.so",
    .run = run,
};
