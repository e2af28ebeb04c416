/* The loader, and what can be used of the devices behind it. */

#include "backend/opencl/opencl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static void say(const s1_cl *cl, int32_t level, const char *text)
{
    cl->api->log(cl->api->host, level, text);
}

/* The first call that is missing, or NULL. */
static const char *find_calls(s1_cl *cl)
{
    void *symbol;
#define FIND(name)                      \
    symbol = dlsym(cl->library, #name); \
    if (!symbol)                        \
        return #name;                   \
    memcpy(&cl->name, &symbol, sizeof(symbol));
    S1_CL_CALLS(FIND)
#undef FIND
    return NULL;
}

/* As much of a text as there is room for: the driver gives none that is longer than what it is
 * offered. */
static void read_text(const s1_cl *cl, cl_device_id device, cl_device_info what, char *to,
                      size_t size)
{
    char whole[1024] = "";
    if (cl->clGetDeviceInfo(device, what, sizeof(whole), whole, NULL) != CL_SUCCESS)
        memcpy(whole, "unknown", sizeof("unknown"));
    whole[sizeof(whole) - 1] = 0;
    memcpy(to, whole, size);
    to[size - 1] = 0;
}

/* 0 where the driver does not say. */
static cl_ulong read_number(const s1_cl *cl, cl_device_id device, cl_device_info what, size_t size)
{
    cl_ulong number = 0;
    cl_uint half = 0;
    cl_int result = size == sizeof(half) ? cl->clGetDeviceInfo(device, what, size, &half, NULL)
                                         : cl->clGetDeviceInfo(device, what, size, &number, NULL);
    if (result != CL_SUCCESS)
        return 0;
    return size == sizeof(half) ? half : number;
}

static int32_t kind_of(const s1_cl *cl, cl_device_id device)
{
    cl_ulong type = read_number(cl, device, CL_DEVICE_TYPE, sizeof(cl_device_type));
    if (type & CL_DEVICE_TYPE_GPU)
        return read_number(cl, device, CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof(cl_bool))
                   ? INS1_DEVICE_IGPU
                   : INS1_DEVICE_GPU;
    return type & CL_DEVICE_TYPE_CPU ? INS1_DEVICE_SOFTGPU : INS1_DEVICE_ACCELERATOR;
}

/* Why the device is of no use, or NULL. */
static const char *wrong_with(const s1_cl *cl, cl_device_id device)
{
    char version[64] = "";
    int major = 0, minor = 0;

    read_text(cl, device, CL_DEVICE_VERSION, version, sizeof(version));
    if (sscanf(version, "OpenCL %d.%d", &major, &minor) != 2 || major * 10 + minor < 12)
        return "its driver is older than OpenCL 1.2";
    if (!read_number(cl, device, CL_DEVICE_AVAILABLE, sizeof(cl_bool)))
        return "its driver says that it is not available";
    if (!read_number(cl, device, CL_DEVICE_COMPILER_AVAILABLE, sizeof(cl_bool)))
        return "its driver has no compiler";
    if (!read_number(cl, device, CL_DEVICE_ENDIAN_LITTLE, sizeof(cl_bool)))
        return "its numbers are big-endian";
    if (read_number(cl, device, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof(size_t)) < S1_CL_ITEMS)
        return "its work groups are too small";
    if (read_number(cl, device, CL_DEVICE_LOCAL_MEM_SIZE, sizeof(cl_ulong)) < 32 << 10)
        return "it has less than 32 KiB of local memory";
    return NULL;
}

static void add_device(s1_cl *cl, cl_platform_id platform, cl_device_id device)
{
    char text[256], version[64], platform_name[80] = "unknown";
    s1_cl_entry entry = {
        .platform = platform,
        .device = device,
        .kind = kind_of(cl, device),
        .units = (cl_uint)read_number(cl, device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(cl_uint)),
        .memory = read_number(cl, device, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof(cl_ulong)),
        .most_buffer = read_number(cl, device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof(cl_ulong)),
        .local = read_number(cl, device, CL_DEVICE_LOCAL_MEM_SIZE, sizeof(cl_ulong)),
    };

    read_text(cl, device, CL_DEVICE_NAME, entry.hardware, sizeof(entry.hardware));
    read_text(cl, device, CL_DRIVER_VERSION, version, sizeof(version));
    if (cl->clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof(platform_name), platform_name,
                              NULL) != CL_SUCCESS)
        snprintf(platform_name, sizeof(platform_name), "unknown");
    snprintf(entry.level, sizeof(entry.level), "%s %s", platform_name, version);
    const char *wrong = wrong_with(cl, device);
    if (wrong) {
        snprintf(text, sizeof(text), "'%s' cannot be used: %s", entry.hardware, wrong);
        say(cl, INS1_LOG_INFO, text);
    } else if (cl->n_entries < S1_CL_MOST_DEVICES) {
        cl->entries[cl->n_entries++] = entry;
    }
}

static void list_devices(s1_cl *cl)
{
    cl_platform_id platforms[S1_CL_MOST_PLATFORMS];
    cl_device_id devices[S1_CL_MOST_DEVICES];
    cl_uint n_platforms = 0, n = 0;

    if (cl->clGetPlatformIDs(S1_CL_MOST_PLATFORMS, platforms, &n_platforms) != CL_SUCCESS)
        n_platforms = 0;
    if (!n_platforms)
        say(cl, INS1_LOG_WARN, "no device: no driver for OpenCL is installed");
    for (cl_uint i = 0; i < n_platforms && i < S1_CL_MOST_PLATFORMS; i++) {
        if (cl->clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, S1_CL_MOST_DEVICES, devices, &n) !=
            CL_SUCCESS)
            continue;
        for (cl_uint k = 0; k < n && k < S1_CL_MOST_DEVICES; k++)
            add_device(cl, platforms[i], devices[k]);
    }
    if (n_platforms && !cl->n_entries)
        say(cl, INS1_LOG_WARN,
            "no device: the drivers for OpenCL that are installed have none of use");
}

/* The library stays when the plugin goes: drivers have threads that do not end. */
void s1_cl_open(s1_cl *cl)
{
    char text[128];

    cl->library = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!cl->library) {
        say(cl, INS1_LOG_WARN, "no device: there is no libOpenCL.so.1");
        return;
    }
    const char *missing = find_calls(cl);
    if (missing) {
        snprintf(text, sizeof(text), "no device: libOpenCL.so.1 has no %s, of OpenCL 1.2", missing);
        say(cl, INS1_LOG_WARN, text);
        return;
    }
    list_devices(cl);
}

void s1_cl_close(s1_cl *cl)
{
    if (cl->library)
        dlclose(cl->library);
}
