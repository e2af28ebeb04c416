#include "backend/device.h"

#include "base/meter.h"

#include <string.h>

enum { FILL_SIZE = 16384 };

static void lock(s1_device *device)
{
    pthread_mutex_lock(&device->backend->lock);
}

static void unlock(s1_device *device)
{
    pthread_mutex_unlock(&device->backend->lock);
}

/* Only where the bytes do not already count as host memory. */
static void count(s1_device *device, const s1_buffer *buffer, bool more)
{
    if (buffer->host || !device->host->device_bytes)
        return;
    if (more)
        atomic_fetch_add(device->host->device_bytes, buffer->size);
    else
        atomic_fetch_sub(device->host->device_bytes, buffer->size);
}

/* The same bytes for the device that helps out; without it, that device cannot help with them. */
static ins1_status wrap_for_fallback(s1_device *device, s1_block *block, ins1_error *error)
{
    s1_device *other = device->fallback;
    if (!other || !block->host)
        return INS1_OK;

    lock(other);
    s1_door_open(&other->backend->door, NULL);
    int32_t answer = other->backend->api.buffer_wrap(other->context, block->host,
                                                     block->size ? block->size : 1, &block->twin);
    ins1_status status = s1_device_judge(other, &other->backend->door, answer, error);
    unlock(other);
    return status;
}

static void free_on_backend(s1_device *device, uint64_t id)
{
    lock(device);
    s1_door_open(&device->backend->door, NULL);
    device->backend->api.buffer_free(device->context, id);
    unlock(device);
}

static ins1_status remember(s1_device *device, const s1_block *block, ins1_error *error)
{
    pthread_rwlock_wrlock(&device->blocks_lock);
    ins1_status status = s1_blocks_reserve(&device->blocks, device->host->memory, error);
    bool is_new = status == INS1_OK && s1_blocks_insert(&device->blocks, block);
    pthread_rwlock_unlock(&device->blocks_lock);

    if (status == INS1_OK && !is_new) {
        atomic_store(&device->lost, true);
        status =
            s1_fail(error, INS1_E_DEVICE, "device '%s' gave the same buffer twice", device->name);
    }
    return status;
}

/* From what the backend made to a buffer of ours; gives it back when that fails. */
static ins1_status adopt(s1_buffer *out, s1_device *device, s1_block *block, ins1_error *error)
{
    ins1_status status = wrap_for_fallback(device, block, error);
    bool has_twin = status == INS1_OK && device->fallback && block->host;

    if (status == INS1_OK)
        status = remember(device, block, error);
    if (status == INS1_OK) {
        *out = (s1_buffer){ device, block->id, block->size, block->host };
        count(device, out, true);
        return INS1_OK;
    }
    if (has_twin)
        free_on_backend(device->fallback, block->twin);
    if (status != INS1_E_DEVICE)
        free_on_backend(device, block->id);
    return status;
}

/* `kind` of memory, with a host address wherever the device promised one. */
static ins1_status make(s1_buffer *out, s1_device *device, uint64_t size, int32_t kind,
                        ins1_error *error)
{
    bool on_host = device->info.caps & INS1_CAP_HOST_MEM;
    s1_block block = { .size = size };
    uint64_t asked = size ? size : 1;

    ins1_status status = s1_device_alive(device, error);
    if (status != INS1_OK)
        return status;
    if (on_host && !s1_meter_fits(device->host->memory, asked))
        return s1_out_of_memory(device->host->memory, asked, "a buffer", error);

    lock(device);
    s1_door_open(&device->backend->door, NULL);
    int32_t answer =
        device->backend->api.buffer_new(device->context, asked, kind, &block.id, &block.host);
    status = s1_device_judge(device, &device->backend->door, answer, error);
    unlock(device);
    if (status == INS1_E_MEMORY && on_host) /* a backend does not say how much was asked for */
        return s1_out_of_memory(device->host->memory, asked, "a buffer", error);
    if (status != INS1_OK)
        return status;

    if (on_host && !block.host) {
        atomic_store(&device->lost, true);
        return s1_fail(error, INS1_E_DEVICE, "device '%s' has host memory and gave no address",
                       device->name);
    }
    return adopt(out, device, &block, error);
}

/* `from` NULL: zeros. */
static ins1_status fill(const s1_buffer *buffer, const void *from, ins1_error *error)
{
    static const unsigned char zeros[FILL_SIZE];
    s1_device *device = buffer->device;
    const s1_call call = { .error = error, .deadline_ns = INT64_MAX };
    ins1_status status = INS1_OK;

    if (buffer->host) {
        if (from)
            memcpy(buffer->host, from, buffer->size);
        else
            memset(buffer->host, 0, buffer->size);
        return INS1_OK;
    }

    /* A stream of its own: those of the sessions belong to other threads. */
    s1_stream *stream = NULL;
    status = s1_stream_create(&stream, device, device->host, error);
    if (from && status == INS1_OK)
        status = s1_stream_write(stream, buffer, 0, from, buffer->size, &call);
    for (uint64_t at = 0; !from && at < buffer->size && status == INS1_OK; at += FILL_SIZE) {
        uint64_t n = buffer->size - at < FILL_SIZE ? buffer->size - at : FILL_SIZE;
        status = s1_stream_write(stream, buffer, at, zeros, n, &call);
    }
    s1_stream_destroy(stream);
    return status;
}

static ins1_status make_filled(s1_buffer *out, s1_device *device, const void *from, uint64_t size,
                               int32_t kind, ins1_error *error)
{
    ins1_status status = make(out, device, size, kind, error);
    if (status == INS1_OK && size)
        status = fill(out, from, error);
    if (status != INS1_OK)
        s1_buffer_destroy(out);
    return status;
}

ins1_status s1_buffer_create(s1_buffer *out, s1_device *device, uint64_t size, int32_t kind,
                             ins1_error *error)
{
    *out = (s1_buffer){ 0 };
    return make_filled(out, device, NULL, size, kind, error);
}

ins1_status s1_buffer_wrap(s1_buffer *out, s1_device *device, const void *address, uint64_t size,
                           int32_t kind, ins1_error *error)
{
    const ins1_backend_api *api = &device->backend->api;
    s1_block block = { .size = size, .host = (void *)(uintptr_t)address };

    *out = (s1_buffer){ 0 };
    ins1_status status = s1_device_alive(device, error);
    if (status != INS1_OK)
        return status;
    if (!api->buffer_wrap || !size)
        return make_filled(out, device, size ? address : NULL, size, kind, error);

    lock(device);
    s1_door_open(&device->backend->door, NULL);
    int32_t answer = api->buffer_wrap(device->context, block.host, size, &block.id);
    if (answer != INS1_E_UNSUPPORTED)
        status = s1_device_judge(device, &device->backend->door, answer, error);
    unlock(device);
    if (answer == INS1_E_UNSUPPORTED)
        return make_filled(out, device, address, size, kind, error);
    if (status != INS1_OK)
        return status;

    if (!(device->info.caps & INS1_CAP_HOST_MEM))
        block.host = NULL;
    return adopt(out, device, &block, error);
}

void s1_buffer_destroy(s1_buffer *buffer)
{
    s1_device *device = buffer->device;
    if (!device)
        return;

    pthread_rwlock_wrlock(&device->blocks_lock);
    const s1_block *found = s1_blocks_find(&device->blocks, buffer->id);
    s1_block block = found ? *found : (s1_block){ 0 };
    s1_blocks_remove(&device->blocks, buffer->id);
    atomic_fetch_add(&device->generation, 1);
    pthread_rwlock_unlock(&device->blocks_lock);

    if (block.used) {
        if (device->fallback && block.host)
            free_on_backend(device->fallback, block.twin);
        count(device, buffer, false);
        free_on_backend(device, buffer->id);
    }
    *buffer = (s1_buffer){ 0 };
}

ins1_tensor_desc s1_view(const s1_buffer *buffer, uint64_t at, int32_t dtype, int32_t ndim,
                         const int64_t *dim)
{
    ins1_tensor_desc view = {
        .struct_size = sizeof(view),
        .dtype = dtype,
        .layout = INS1_LAYOUT_STRIDED,
        .ndim = ndim,
        .buffer = buffer->id,
        .offset = at,
    };
    /* Unsigned, so that a shape too large wraps quietly and is refused where it is used. */
    uint64_t n = 1;
    for (int32_t i = ndim - 1; i >= 0; i--) {
        view.dim[i] = dim[i];
        view.stride[i] = (int64_t)(n > INT64_MAX ? INT64_MAX : n);
        n = dim[i] > 0 && n > UINT64_MAX / 16 / (uint64_t)dim[i] ? UINT64_MAX / 16
                                                                 : n * (uint64_t)dim[i];
    }
    view.bytes = n * s1_dtype_size(dtype);
    return view;
}

ins1_tensor_desc s1_view_of(const s1_buffer *buffer, const s1_tensor *tensor)
{
    ins1_tensor_desc view = {
        .struct_size = sizeof(view),
        .dtype = tensor->dtype,
        .layout = INS1_LAYOUT_STRIDED,
        .ndim = tensor->rank,
        .buffer = buffer->id,
        .bytes = tensor->size,
    };
    for (int32_t i = 0; i < tensor->rank; i++) {
        view.dim[i] = (int64_t)tensor->shape[i];
        view.stride[i] = tensor->stride[i];
    }
    return view;
}
