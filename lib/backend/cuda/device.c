/* A device that is open: the driver's primary context, which a program that uses CUDA itself
 * shares, and the kernels in it. */

#include "backend/cuda/cuda.h"

#include <stdio.h>
#include <string.h>

#define NAME_OF_KERNEL(name, argument, threads) "s1_" #name,
static const char *const names[] = { S1_CUDA_KERNELS(NAME_OF_KERNEL) };

int32_t s1_cuda_enter(const s1_cuda_device *device, void *host)
{
    CUresult result = device->driver->cuCtxPushCurrent_v2(device->context);
    return s1_cuda_judge(device->cuda, host, result, "making the device current");
}

void s1_cuda_leave(const s1_cuda_device *device)
{
    CUcontext context;
    device->driver->cuCtxPopCurrent_v2(&context);
}

static int32_t load_kernels(s1_cuda_device *d, void *host)
{
    char text[128];

    CUresult result = d->driver->cuModuleLoadData(&d->module, s1_cuda_image);
    if (result != S1_CU_SUCCESS) {
        d->module = NULL;
        snprintf(text, sizeof(text), "loading the kernels for compute capability %d.%d",
                 d->entry->major, d->entry->minor);
        return s1_cuda_judge(d->cuda, host, result, text);
    }
    for (int i = 0; i < S1_CUDA_N_KERNELS; i++) {
        result = d->driver->cuModuleGetFunction(&d->kernels[i], d->module, names[i]);
        if (result != S1_CU_SUCCESS) {
            snprintf(text, sizeof(text), "looking for kernel %s", names[i]);
            return s1_cuda_judge(d->cuda, host, result, text);
        }
    }
    return INS1_OK;
}

int32_t s1_cuda_device_open(s1_cuda *cuda, const s1_cuda_entry *entry, s1_cuda_device **out)
{
    void *host = cuda->api->host;
    s1_cuda_device *d = s1_cuda_take(cuda, host, sizeof(*d));

    if (!d)
        return INS1_E_MEMORY;
    memset(d, 0, sizeof(*d));
    d->cuda = cuda;
    d->driver = &cuda->driver;
    d->entry = entry;
    CUresult result = d->driver->cuDevicePrimaryCtxRetain(&d->context, entry->device);
    if (result != S1_CU_SUCCESS)
        d->context = NULL;
    int32_t status = s1_cuda_judge(cuda, host, result, "opening the device");
    if (status == INS1_OK)
        status = s1_cuda_enter(d, host);
    if (status == INS1_OK) {
        status = load_kernels(d, host);
        s1_cuda_leave(d);
    }
    if (status == INS1_OK)
        *out = d;
    else
        s1_cuda_device_close(d);
    return status;
}

void s1_cuda_device_close(s1_cuda_device *d)
{
    s1_cuda *cuda = d->cuda;

    if (d->module && d->driver->cuCtxPushCurrent_v2(d->context) == S1_CU_SUCCESS) {
        d->driver->cuModuleUnload(d->module);
        s1_cuda_leave(d);
    }
    if (d->context)
        d->driver->cuDevicePrimaryCtxRelease_v2(d->entry->device);
    s1_cuda_give_back(cuda, cuda->api->host, d, sizeof(*d));
}
