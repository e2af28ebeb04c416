/* The entry, and the calls that belong to no stream. */

#include "backend/cuda/cuda.h"

#include <stdio.h>
#include <string.h>

static void shutdown_cuda(void *self)
{
    s1_cuda *cuda = self;
    s1_cuda_close(cuda);
    s1_cuda_give_back(cuda, cuda->api->host, cuda, sizeof(*cuda));
}

static int32_t device_count(void *self)
{
    const s1_cuda *cuda = self;
    return cuda->n_entries;
}

/* How much is free is told by a device that is open only: a context takes hundreds of MiB. */
static int32_t device_info(void *self, int32_t device, ins1_device_info *out)
{
    const s1_cuda *cuda = self;
    const s1_cuda_entry *entry = &cuda->entries[device];
    ins1_device_info info = {
        .struct_size = out->struct_size,
        .kind = entry->kind,
        .backend = "cuda",
        .name = entry->hardware,
        .hardware = entry->hardware,
        .level = entry->level,
        .mem_total = entry->memory,
        .max_buffer = entry->memory,
        .score = entry->kind == INS1_DEVICE_GPU ? 1100 : 80,
    };
    memcpy(out, &info, out->struct_size < sizeof(info) ? out->struct_size : sizeof(info));
    return INS1_OK;
}

static int32_t device_open(void *self, int32_t device, void **context)
{
    s1_cuda *cuda = self;
    s1_cuda_device *opened = NULL;
    int32_t status = s1_cuda_device_open(cuda, &cuda->entries[device], &opened);
    *context = opened;
    return status;
}

static void device_close(void *context)
{
    s1_cuda_device_close(context);
}

static int32_t buffer_new(void *context, uint64_t bytes, int32_t kind, uint64_t *id,
                          void **host_address)
{
    s1_cuda_device *d = context;
    void *host = d->cuda->api->host;
    size_t free = 0, total = 0;
    CUdeviceptr address = 0;
    char text[128];

    (void)kind;
    *id = 0;
    *host_address = NULL;
    int32_t status = s1_cuda_enter(d, host);
    if (status != INS1_OK)
        return status;
    CUresult result = d->driver->cuMemAlloc_v2(&address, bytes + !bytes);
    if (result == S1_CU_SUCCESS) {
        *id = address;
    } else if (d->driver->cuMemGetInfo_v2(&free, &total) == S1_CU_SUCCESS) {
        snprintf(text, sizeof(text), "a buffer of %llu bytes, of %zu free on the device,",
                 (unsigned long long)bytes, free);
        status = s1_cuda_judge(d->cuda, host, result, text);
    } else {
        status = s1_cuda_judge(d->cuda, host, result, "memory of the device");
    }
    s1_cuda_leave(d);
    return status;
}

static void buffer_free(void *context, uint64_t id)
{
    s1_cuda_device *d = context;
    if (d->driver->cuCtxPushCurrent_v2(d->context) != S1_CU_SUCCESS)
        return; /* what lies on a lost device is gone with it */
    d->driver->cuMemFree_v2(id);
    s1_cuda_leave(d);
}

static int32_t stream_new(void *context, void *host, void **stream)
{
    s1_cuda_stream *made = NULL;
    int32_t status = s1_cuda_stream_new(context, host, &made);
    *stream = made;
    return status;
}

static void stream_free(void *stream)
{
    s1_cuda_stream_free(stream);
}

int32_t ins1_backend_entry(uint32_t abi, const ins1_host_api *host, ins1_backend_api *out);

__attribute__((visibility("default"))) int32_t
ins1_backend_entry(uint32_t abi, const ins1_host_api *host, ins1_backend_api *out)
{
    if (abi >> 16 != INS1_BACKEND_ABI_MAJOR)
        return INS1_E_VERSION;
    s1_cuda *cuda = host->alloc(host->host, sizeof(*cuda), 64, INS1_MEM_OBJECT);
    if (!cuda)
        return INS1_E_MEMORY;
    memset(cuda, 0, sizeof(*cuda));
    cuda->api = host;
    s1_cuda_open(cuda);

    *out = (ins1_backend_api){
        .struct_size = sizeof(*out),
        .abi = abi < INS1_BACKEND_ABI ? abi : INS1_BACKEND_ABI,
        .name = "cuda",
        .version = "1",
        .self = cuda,
        .shutdown = shutdown_cuda,
        .device_count = device_count,
        .device_info = device_info,
        .device_open = device_open,
        .device_close = device_close,
        .buffer_new = buffer_new,
        .buffer_free = buffer_free,
        .stream_new = stream_new,
        .stream_free = stream_free,
        .write = s1_cuda_write,
        .read = s1_cuda_read,
        .copy = s1_cuda_copy,
        .supports = s1_cuda_supports,
        .run = s1_cuda_run,
        .sync = s1_cuda_sync,
    };
    return INS1_OK;
}
