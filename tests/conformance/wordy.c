/* The OpenCL plugin where drivers say more than is expected: every text has 300 characters more.
 * The plugin's own sources find the driver's calls through this file. */

#undef dlsym

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <dlfcn.h>
#include <string.h>

void *wordy_dlsym(void *library, const char *name);

typedef cl_int CL_API_CALL info_call(cl_device_id device, cl_device_info what, size_t size,
                                     void *value, size_t *needed);

static info_call *read_info;

static cl_int CL_API_CALL read_wordy_info(cl_device_id device, cl_device_info what, size_t size,
                                          void *value, size_t *needed)
{
    enum { MORE = 300 };
    char text[1024];
    size_t length = 0;

    if (what != CL_DEVICE_VERSION && what != CL_DEVICE_NAME && what != CL_DRIVER_VERSION)
        return read_info(device, what, size, value, needed);
    cl_int result = read_info(device, what, sizeof(text) - MORE, text, &length);
    if (result != CL_SUCCESS)
        return result;
    memset(text + length - 1, 'x', MORE);
    text[length - 1 + MORE] = '\0';
    if (length + MORE > size)
        return CL_INVALID_VALUE;
    memcpy(value, text, length + MORE);
    return CL_SUCCESS;
}

void *wordy_dlsym(void *library, const char *name)
{
    info_call *mine = read_wordy_info;
    void *symbol = dlsym(library, name);

    if (!symbol || strcmp(name, "clGetDeviceInfo") != 0)
        return symbol;
    memcpy(&read_info, &symbol, sizeof(symbol));
    memcpy(&symbol, &mine, sizeof(mine));
    return symbol;
}
