/* The driver, and what can be used of the devices behind it. */

#include "backend/cuda/cuda.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#ifndef S1_CUDA_LIBRARY /* tests have a driver of their own */
#define S1_CUDA_LIBRARY "libcuda.so.1"
#endif

enum { LEAST_MAJOR = 7, LEAST_MINOR = 5 }; /* of devices: what the image has code for */

static void say(const s1_cuda *cuda, int32_t level, const char *text)
{
    cuda->api->log(cuda->api->host, level, text);
}

int32_t s1_cuda_judge(const s1_cuda *cuda, void *host, CUresult result, const char *what)
{
    const char *name = NULL;
    char text[160];

    if (result == S1_CU_SUCCESS)
        return INS1_OK;
    int32_t status = result == S1_CU_OUT_OF_MEMORY ? INS1_E_MEMORY : INS1_E_DEVICE;
    if (cuda->driver.cuGetErrorName(result, &name) != S1_CU_SUCCESS || !name)
        name = "an error without a name";
    snprintf(text, sizeof(text), "%s gives %d, %s", what, (int)result, name);
    cuda->api->fail(host, status, (int32_t)result, text);
    return status;
}

/* The name of a call that the driver lacks, or NULL. */
static const char *find_calls(s1_cuda *cuda)
{
    const char *missing = NULL;
    void *symbol;
#define FIND(name, parameters)                           \
    symbol = dlsym(cuda->library, #name);                \
    memcpy(&cuda->driver.name, &symbol, sizeof(symbol)); \
    if (!symbol)                                         \
        missing = #name;
    S1_CUDA_CALLS(FIND)
#undef FIND
    return missing;
}

/* Why nothing can be used: the driver's answer, in a sentence of ours. */
static void say_why_not(const s1_cuda *cuda, CUresult result, const char *what)
{
    const char *name = NULL;
    char text[160];

    if (result == S1_CU_NO_DEVICE) {
        say(cuda, INS1_LOG_WARN, "no device: the driver finds no GPU");
        return;
    }
    if (cuda->driver.cuGetErrorName(result, &name) != S1_CU_SUCCESS || !name)
        name = "an error without a name";
    snprintf(text, sizeof(text), "no device: %s gives %d, %s", what, (int)result, name);
    say(cuda, INS1_LOG_WARN, text);
}

/* Code for one major version runs with every driver of that version and of later ones. */
static bool is_new_enough(const s1_cuda *cuda, int version)
{
    char text[160];

    if (version / 1000 >= s1_cuda_image_version / 1000)
        return true;
    snprintf(text, sizeof(text), "no device: the driver is for CUDA %d.%d, %d.0 or later expected",
             version / 1000, version % 1000 / 10, s1_cuda_image_version / 1000);
    say(cuda, INS1_LOG_WARN, text);
    return false;
}

/* False: the device is left out. */
static bool look_at(const s1_cuda *cuda, int version, int ordinal, s1_cuda_entry *entry)
{
    const s1_cuda_driver *d = &cuda->driver;
    int integrated = 0;
    char name[96] = "", text[256];

    CUresult result = d->cuDeviceGet(&entry->device, ordinal);
    if (result == S1_CU_SUCCESS)
        result = d->cuDeviceGetName(name, sizeof(name), entry->device);
    if (result == S1_CU_SUCCESS)
        result = d->cuDeviceTotalMem_v2(&entry->memory, entry->device);
    if (result == S1_CU_SUCCESS)
        result = d->cuDeviceGetAttribute(&entry->major, S1_CU_MAJOR, entry->device);
    if (result == S1_CU_SUCCESS)
        result = d->cuDeviceGetAttribute(&entry->minor, S1_CU_MINOR, entry->device);
    if (result == S1_CU_SUCCESS)
        result = d->cuDeviceGetAttribute(&entry->processors, S1_CU_MULTIPROCESSORS, entry->device);
    if (result == S1_CU_SUCCESS)
        result = d->cuDeviceGetAttribute(&integrated, S1_CU_INTEGRATED, entry->device);
    name[sizeof(name) - 1] = 0;
    entry->kind = integrated ? INS1_DEVICE_IGPU : INS1_DEVICE_GPU;
    snprintf(entry->hardware, sizeof(entry->hardware), "%s, compute capability %d.%d", name,
             entry->major, entry->minor);
    snprintf(entry->level, sizeof(entry->level), "CUDA %d.%d", version / 1000, version % 1000 / 10);
    if (result != S1_CU_SUCCESS) {
        say_why_not(cuda, result, "asking about a device");
        return false;
    }
    if (entry->major > LEAST_MAJOR || (entry->major == LEAST_MAJOR && entry->minor >= LEAST_MINOR))
        return true;
    snprintf(text, sizeof(text), "'%s' cannot be used: %d.%d or later expected", entry->hardware,
             LEAST_MAJOR, LEAST_MINOR);
    say(cuda, INS1_LOG_INFO, text);
    return false;
}

static void list_devices(s1_cuda *cuda, int version)
{
    int n = 0;
    CUresult result = cuda->driver.cuDeviceGetCount(&n);

    if (result != S1_CU_SUCCESS || n < 1) {
        say_why_not(cuda, result == S1_CU_SUCCESS ? S1_CU_NO_DEVICE : result, "cuDeviceGetCount");
        return;
    }
    for (int i = 0; i < n && cuda->n_entries < S1_CUDA_MOST_DEVICES; i++) {
        s1_cuda_entry entry = { 0 };
        if (look_at(cuda, version, i, &entry))
            cuda->entries[cuda->n_entries++] = entry;
    }
}

void s1_cuda_open(s1_cuda *cuda)
{
    int version = 0;
    char text[256];

    /* It stays where it is: it has threads of its own, and others may use it. */
    cuda->library = dlopen(S1_CUDA_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!cuda->library) {
        const char *why = dlerror();
        snprintf(text, sizeof(text), "no device: there is no driver: %s",
                 why ? why : S1_CUDA_LIBRARY);
        say(cuda, INS1_LOG_WARN, text);
        return;
    }
    const char *missing = find_calls(cuda);
    if (missing) {
        snprintf(text, sizeof(text), "no device: the driver is too old, it lacks %s", missing);
        say(cuda, INS1_LOG_WARN, text);
        return;
    }
    CUresult result = cuda->driver.cuInit(0);
    if (result == S1_CU_SUCCESS)
        result = cuda->driver.cuDriverGetVersion(&version);
    if (result != S1_CU_SUCCESS)
        say_why_not(cuda, result, "cuInit");
    else if (is_new_enough(cuda, version))
        list_devices(cuda, version);
}

void s1_cuda_close(s1_cuda *cuda)
{
    if (cuda->library)
        dlclose(cuda->library);
}
