/* The entry, and the calls that belong to no stream. */

#include "backend/vulkan/vulkan.h"

#include <string.h>

static void shutdown_vulkan(void *self)
{
    s1_vk *vk = self;
    s1_vk_close(vk);
    s1_vk_give_back(vk, vk->api->host, vk, sizeof(*vk));
}

static int32_t device_count(void *self)
{
    const s1_vk *vk = self;
    return vk->n_entries;
}

static int32_t score_of(int32_t kind)
{
    switch (kind) {
    case INS1_DEVICE_GPU:
        return 1000;
    case INS1_DEVICE_IGPU:
        return 60;
    default: /* software, and what nobody knows: by name only */
        return 1;
    }
}

static int32_t device_info(void *self, int32_t device, ins1_device_info *out)
{
    const s1_vk *vk = self;
    const s1_vk_entry *entry = &vk->entries[device];
    ins1_device_info info = {
        .struct_size = out->struct_size,
        .kind = entry->kind,
        .backend = "vulkan",
        .name = entry->hardware,
        .hardware = entry->hardware,
        .level = entry->level,
        .max_buffer = entry->most_buffer,
        .score = score_of(entry->kind),
    };
    s1_vk_memory_of(vk, entry, &info.mem_total, &info.mem_free);
    memcpy(out, &info, out->struct_size < sizeof(info) ? out->struct_size : sizeof(info));
    return INS1_OK;
}

static int32_t device_open(void *self, int32_t device, void **context)
{
    s1_vk *vk = self;
    s1_vk_device *opened = NULL;
    int32_t status = s1_vk_device_open(vk, &vk->entries[device], &opened);
    *context = opened;
    return status;
}

static void device_close(void *context)
{
    s1_vk_device_close(context);
}

static int32_t buffer_new(void *context, uint64_t bytes, int32_t kind, uint64_t *id,
                          void **host_address)
{
    s1_vk_device *device = context;
    s1_vk_buffer *buffer = NULL;
    (void)kind;
    int32_t status = s1_vk_buffer_new(device, device->vk->api->host, bytes, &buffer);
    *id = (uintptr_t)buffer;
    *host_address = NULL;
    return status;
}

static void buffer_free(void *context, uint64_t id)
{
    s1_vk_device *device = context;
    s1_vk_buffer_free(device, device->vk->api->host, (s1_vk_buffer *)(uintptr_t)id);
}

static int32_t stream_new(void *context, void *host, void **stream)
{
    s1_vk_stream *made = NULL;
    int32_t status = s1_vk_stream_new(context, host, &made);
    *stream = made;
    return status;
}

static void stream_free(void *stream)
{
    s1_vk_stream_free(stream);
}

int32_t ins1_backend_entry(uint32_t abi, const ins1_host_api *host, ins1_backend_api *out);

__attribute__((visibility("default"))) int32_t
ins1_backend_entry(uint32_t abi, const ins1_host_api *host, ins1_backend_api *out)
{
    if (abi >> 16 != INS1_BACKEND_ABI_MAJOR)
        return INS1_E_VERSION;
    s1_vk *vk = host->alloc(host->host, sizeof(*vk), 64, INS1_MEM_OBJECT);
    if (!vk)
        return INS1_E_MEMORY;
    memset(vk, 0, sizeof(*vk));
    vk->api = host;
    s1_vk_open(vk);

    *out = (ins1_backend_api){
        .struct_size = sizeof(*out),
        .abi = abi < INS1_BACKEND_ABI ? abi : INS1_BACKEND_ABI,
        .name = "vulkan",
        .version = "1",
        .self = vk,
        .shutdown = shutdown_vulkan,
        .device_count = device_count,
        .device_info = device_info,
        .device_open = device_open,
        .device_close = device_close,
        .buffer_new = buffer_new,
        .buffer_free = buffer_free,
        .stream_new = stream_new,
        .stream_free = stream_free,
        .write = s1_vk_write,
        .read = s1_vk_read,
        .copy = s1_vk_copy,
        .supports = s1_vk_supports,
        .run = s1_vk_run,
        .sync = s1_vk_sync,
    };
    return INS1_OK;
}
