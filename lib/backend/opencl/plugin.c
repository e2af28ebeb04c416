/* The entry, and the calls that belong to no stream. */

#include "backend/opencl/opencl.h"

#include <stdio.h>
#include <string.h>

static void shutdown_opencl(void *self)
{
    s1_cl *cl = self;
    s1_cl_close(cl);
    s1_cl_give_back(cl, cl->api->host, cl, sizeof(*cl));
}

static int32_t device_count(void *self)
{
    const s1_cl *cl = self;
    return cl->n_entries;
}

static int32_t score_of(int32_t kind)
{
    switch (kind) {
    case INS1_DEVICE_GPU:
        return 900;
    case INS1_DEVICE_IGPU:
        return 50;
    default: /* software, and what nobody knows: by name only */
        return 1;
    }
}

/* OpenCL does not tell how much is free. */
static int32_t device_info(void *self, int32_t device, ins1_device_info *out)
{
    const s1_cl *cl = self;
    const s1_cl_entry *entry = &cl->entries[device];
    ins1_device_info info = {
        .struct_size = out->struct_size,
        .kind = entry->kind,
        .backend = "opencl",
        .name = entry->hardware,
        .hardware = entry->hardware,
        .level = entry->level,
        .mem_total = entry->memory,
        .max_buffer = entry->most_buffer,
        .score = score_of(entry->kind),
    };
    memcpy(out, &info, out->struct_size < sizeof(info) ? out->struct_size : sizeof(info));
    return INS1_OK;
}

static int32_t device_open(void *self, int32_t device, void **context)
{
    s1_cl *cl = self;
    s1_cl_device *opened = NULL;
    int32_t status = s1_cl_device_open(cl, &cl->entries[device], &opened);
    *context = opened;
    return status;
}

static void device_close(void *context)
{
    s1_cl_device_close(context);
}

static int32_t buffer_new(void *context, uint64_t bytes, int32_t kind, uint64_t *id,
                          void **host_address)
{
    const s1_cl_device *d = context;
    const s1_cl *cl = d->cl;
    char text[128];
    cl_int result;

    (void)kind;
    *id = 0;
    *host_address = NULL;
    if (bytes > d->entry->most_buffer) {
        snprintf(text, sizeof(text), "a buffer of %llu bytes, %llu are the most of the device",
                 (unsigned long long)bytes, (unsigned long long)d->entry->most_buffer);
        cl->api->fail(cl->api->host, INS1_E_MEMORY, 0, text);
        return INS1_E_MEMORY;
    }
    cl_mem buffer =
        cl->clCreateBuffer(d->context, CL_MEM_READ_WRITE, (size_t)(bytes + !bytes), NULL, &result);
    if (result == CL_SUCCESS)
        *id = (uintptr_t)buffer;
    snprintf(text, sizeof(text), "a buffer of %llu bytes", (unsigned long long)bytes);
    return s1_cl_judge(cl, cl->api->host, result, text);
}

static void buffer_free(void *context, uint64_t id)
{
    const s1_cl_device *d = context;
    d->cl->clReleaseMemObject((cl_mem)(uintptr_t)id);
}

static int32_t stream_new(void *context, void *host, void **stream)
{
    s1_cl_stream *made = NULL;
    int32_t status = s1_cl_stream_new(context, host, &made);
    *stream = made;
    return status;
}

static void stream_free(void *stream)
{
    s1_cl_stream_free(stream);
}

int32_t ins1_backend_entry(uint32_t abi, const ins1_host_api *host, ins1_backend_api *out);

__attribute__((visibility("default"))) int32_t
ins1_backend_entry(uint32_t abi, const ins1_host_api *host, ins1_backend_api *out)
{
    if (abi >> 16 != INS1_BACKEND_ABI_MAJOR)
        return INS1_E_VERSION;
    s1_cl *cl = host->alloc(host->host, sizeof(*cl), 64, INS1_MEM_OBJECT);
    if (!cl)
        return INS1_E_MEMORY;
    memset(cl, 0, sizeof(*cl));
    cl->api = host;
    s1_cl_open(cl);

    *out = (ins1_backend_api){
        .struct_size = sizeof(*out),
        .abi = abi < INS1_BACKEND_ABI ? abi : INS1_BACKEND_ABI,
        .name = "opencl",
        .version = "1",
        .self = cl,
        .shutdown = shutdown_opencl,
        .device_count = device_count,
        .device_info = device_info,
        .device_open = device_open,
        .device_close = device_close,
        .buffer_new = buffer_new,
        .buffer_free = buffer_free,
        .stream_new = stream_new,
        .stream_free = stream_free,
        .write = s1_cl_write,
        .read = s1_cl_read,
        .copy = s1_cl_copy,
        .supports = s1_cl_supports,
        .run = s1_cl_run,
        .sync = s1_cl_sync,
    };
    return INS1_OK;
}
