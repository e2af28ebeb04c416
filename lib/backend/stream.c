#include "backend/check.h"
#include "backend/device.h"

#include "base/memory.h"
#include "base/meter.h"

#include <inttypes.h>
#include <string.h>

struct s1_stream {
    s1_device *device;
    const s1_host *host;
    s1_door door;
    void *handle;
    void *helper;  /* a stream on the fallback device, or NULL */
    s1_seen *seen; /* S1_N_SEEN entries */

    /* Views of one operation as the fallback device knows them. */
    ins1_tensor_desc *views;
    size_t n_views;
};

static const s1_call no_call = { .deadline_ns = INT64_MAX };

ins1_status s1_device_alive(const s1_device *device, ins1_error *error)
{
    if (atomic_load_explicit(&device->lost, memory_order_relaxed))
        return s1_fail(error, INS1_E_DEVICE, "device '%s' has failed before", device->name);
    return INS1_OK;
}

ins1_status s1_device_judge(s1_device *device, s1_door *door, int32_t answer, ins1_error *error)
{
    ins1_status status = s1_door_judge(door, answer, device->name, error);
    if (status == INS1_E_DEVICE)
        atomic_store(&device->lost, true);
    return status;
}

static ins1_status open_on(s1_device *device, s1_door *door, void **handle, ins1_error *error)
{
    s1_door_open(door, NULL);
    int32_t answer = device->backend->api.stream_new(device->context, door, handle);
    return s1_device_judge(device, door, answer, error);
}

ins1_status s1_stream_create(s1_stream **out, s1_device *device, const s1_host *host,
                             ins1_error *error)
{
    s1_stream *stream = NULL;
    void *handle = NULL;

    *out = NULL;
    ins1_status status = s1_device_alive(device, error);
    if (status != INS1_OK)
        return status;

    stream = s1_alloc(host->memory, sizeof(*stream), INS1_MEM_OBJECT);
    if (!stream) {
        status = s1_out_of_memory(host->memory, sizeof(*stream), "a stream", error);
        goto done;
    }
    stream->host = host;
    stream->door = (s1_door){ .host = host, .component = device->backend->api.name };
    stream->seen = s1_alloc_array(host->memory, S1_N_SEEN, sizeof(s1_seen), INS1_MEM_OBJECT);
    if (!stream->seen) {
        status = s1_out_of_memory(host->memory, S1_N_SEEN * sizeof(s1_seen), "a stream", error);
        goto done;
    }
    status = open_on(device, &stream->door, &handle, error);
    if (status != INS1_OK)
        goto done;
    stream->device = device;
    stream->handle = handle;
    if (device->fallback) {
        status = open_on(device->fallback, &stream->door, &handle, error);
        if (status != INS1_OK)
            goto done;
        stream->helper = handle;
    }
    *out = stream;
    stream = NULL;

done:
    s1_stream_destroy(stream);
    return status;
}

void s1_stream_destroy(s1_stream *stream)
{
    if (!stream)
        return;
    s1_device *device = stream->device;
    const ins1_allocator *memory = stream->host->memory;

    s1_door_open(&stream->door, NULL);
    if (stream->helper)
        device->fallback->backend->api.stream_free(stream->helper);
    if (device)
        device->backend->api.stream_free(stream->handle);
    if (stream->views)
        s1_free(memory, stream->views, stream->n_views * sizeof(ins1_tensor_desc), INS1_MEM_OBJECT);
    s1_free(memory, stream->seen, S1_N_SEEN * sizeof(s1_seen), INS1_MEM_OBJECT);
    s1_free(memory, stream, sizeof(*stream), INS1_MEM_OBJECT);
}

/* Wait for what was queued. Whatever `answer` says, nothing may be under way when the call returns:
 * the memory that the operations name is the caller's again. */
static int32_t finish(s1_device *device, void *handle, int32_t answer, const s1_call *call)
{
    int32_t (*sync)(void *, int64_t) = device->backend->api.sync;
    if (!sync)
        return answer;

    if (answer == INS1_OK) {
        int64_t left = INT64_MAX;
        if (call->deadline_ns != INT64_MAX)
            left = call->deadline_ns - s1_now_ns();
        answer = sync(handle, left > 0 ? left : 0);
    }
    if (answer != INS1_OK)
        sync(handle, INT64_MAX);
    return answer;
}

static ins1_status run_on(s1_stream *stream, s1_device *device, void *handle, const ins1_op *ops,
                          int32_t n, const s1_call *call)
{
    s1_door_open(&stream->door, call);
    int32_t answer = device->backend->api.run(handle, ops, n);
    answer = finish(device, handle, answer, call);
    return s1_device_judge(device, &stream->door, answer, call->error);
}

static ins1_status make_room_for_views(s1_stream *stream, size_t n, ins1_error *error)
{
    const ins1_allocator *memory = stream->host->memory;
    if (n <= stream->n_views)
        return INS1_OK;

    ins1_tensor_desc *views = s1_alloc_array(memory, n, sizeof(*views), INS1_MEM_OBJECT);
    if (!views)
        return s1_out_of_memory(memory, n * sizeof(*views), "a list of views", error);
    s1_free(memory, stream->views, stream->n_views * sizeof(*views), INS1_MEM_OBJECT);
    stream->views = views;
    stream->n_views = n;
    return INS1_OK;
}

static void translate(const s1_device *device, ins1_tensor_desc *out, const ins1_tensor_desc *in,
                      int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        out[i] = in[i];
        if (in[i].dtype)
            out[i].buffer = s1_blocks_find(&device->blocks, in[i].buffer)->twin;
    }
}

/* One operation that the device lacks, on the device that has them all, over the same memory. */
static ins1_status help_out(s1_stream *stream, const ins1_op *op, const s1_call *call)
{
    s1_device *device = stream->device;
    size_t n = (size_t)op->n_in + (size_t)op->n_out;
    ins1_op same = *op;

    if (!stream->helper)
        return s1_fail(call->error, INS1_E_UNSUPPORTED, "device '%s' cannot do operation %d",
                       device->name, op->op);
    ins1_status status = make_room_for_views(stream, n, call->error);
    if (status != INS1_OK)
        return status;

    pthread_rwlock_rdlock(&device->blocks_lock);
    translate(device, stream->views, op->in, op->n_in);
    translate(device, stream->views + op->n_in, op->out, op->n_out);
    pthread_rwlock_unlock(&device->blocks_lock);
    same.in = stream->views;
    same.out = stream->views + op->n_in;
    return run_on(stream, device->fallback, stream->helper, &same, 1, call);
}

/* How many operations from the first on the device does itself. The CPU has them all. */
static int32_t count_own(const s1_device *device, const ins1_op *ops, int32_t n)
{
    const ins1_backend_api *api = &device->backend->api;
    int32_t own = 0;

    if (device->has_all)
        return n;
    while (own < n && api->supports(device->context, &ops[own]) > 0)
        own++;
    return own;
}

bool s1_stream_can(const s1_stream *stream, const ins1_op *ops, int32_t n)
{
    return stream->helper || count_own(stream->device, ops, n) == n;
}

static ins1_status check_all(s1_stream *stream, const ins1_op *ops, int32_t n, ins1_error *error)
{
    ins1_status status = INS1_OK;

    pthread_rwlock_rdlock(&stream->device->blocks_lock);
    for (int32_t i = 0; i < n && status == INS1_OK; i++)
        status = s1_check_op(stream->device, stream->seen, &ops[i], error);
    pthread_rwlock_unlock(&stream->device->blocks_lock);
    return status;
}

ins1_status s1_stream_run(s1_stream *stream, const ins1_op *ops, int32_t n, const s1_call *call)
{
    call = call ? call : &no_call;
    ins1_status status = s1_device_alive(stream->device, call->error);
    if (status == INS1_OK)
        status = s1_call_check(call);
    if (status == INS1_OK)
        status = check_all(stream, ops, n, call->error);

    while (n > 0 && status == INS1_OK) {
        int32_t own = count_own(stream->device, ops, n);
        if (own > 0)
            status = run_on(stream, stream->device, stream->handle, ops, own, call);
        else
            status = help_out(stream, ops, call);
        ops += own > 0 ? own : 1;
        n -= own > 0 ? own : 1;
    }
    return status;
}

static ins1_status reserve_on(s1_stream *stream, s1_device *device, void *handle,
                              const ins1_op *ops, int32_t n, ins1_error *error)
{
    if (!device->backend->reserve)
        return INS1_OK;
    s1_door_open(&stream->door, NULL);
    return s1_device_judge(device, &stream->door, device->backend->reserve(handle, ops, n), error);
}

/* What the helper will be given one by one it is told of one by one. */
static ins1_status reserve_help(s1_stream *stream, const ins1_op *op, ins1_error *error)
{
    ins1_status status = make_room_for_views(stream, (size_t)op->n_in + (size_t)op->n_out, error);
    return status == INS1_OK
               ? reserve_on(stream, stream->device->fallback, stream->helper, op, 1, error)
               : status;
}

ins1_status s1_stream_reserve(s1_stream *stream, const ins1_op *ops, int32_t n, ins1_error *error)
{
    ins1_status status = s1_device_alive(stream->device, error);

    while (n > 0 && status == INS1_OK) {
        int32_t own = count_own(stream->device, ops, n);
        if (own > 0)
            status = reserve_on(stream, stream->device, stream->handle, ops, own, error);
        else if (stream->helper)
            status = reserve_help(stream, ops, error);
        ops += own > 0 ? own : 1;
        n -= own > 0 ? own : 1;
    }
    return status;
}

static ins1_status check_piece(const s1_stream *stream, const s1_buffer *buffer, uint64_t at,
                               uint64_t n, ins1_error *error)
{
    if (buffer->device != stream->device)
        return s1_fail(error, INS1_E_INTERNAL, "a buffer of another device on '%s'",
                       stream->device->name);
    if (at > buffer->size || n > buffer->size - at)
        return s1_fail(error, INS1_E_INTERNAL,
                       "%" PRIu64 " bytes at %" PRIu64 " of a buffer of %" PRIu64, n, at,
                       buffer->size);
    return s1_device_alive(stream->device, error);
}

static ins1_status finish_transfer(s1_stream *stream, int32_t answer, const s1_call *call)
{
    answer = finish(stream->device, stream->handle, answer, call);
    return s1_device_judge(stream->device, &stream->door, answer, call->error);
}

ins1_status s1_stream_write(s1_stream *stream, const s1_buffer *to, uint64_t at, const void *src,
                            uint64_t n, const s1_call *call)
{
    call = call ? call : &no_call;
    ins1_status status = check_piece(stream, to, at, n, call->error);
    if (status != INS1_OK || !n)
        return status;
    s1_door_open(&stream->door, call);
    int32_t answer = stream->device->backend->api.write(stream->handle, to->id, at, src, n);
    return finish_transfer(stream, answer, call);
}

ins1_status s1_stream_read(s1_stream *stream, const s1_buffer *from, uint64_t at, void *dst,
                           uint64_t n, const s1_call *call)
{
    call = call ? call : &no_call;
    ins1_status status = check_piece(stream, from, at, n, call->error);
    if (status != INS1_OK || !n)
        return status;
    s1_door_open(&stream->door, call);
    int32_t answer = stream->device->backend->api.read(stream->handle, from->id, at, dst, n);
    return finish_transfer(stream, answer, call);
}

ins1_status s1_stream_copy(s1_stream *stream, const s1_buffer *to, uint64_t to_at,
                           const s1_buffer *from, uint64_t from_at, uint64_t n, const s1_call *call)
{
    call = call ? call : &no_call;
    ins1_status status = check_piece(stream, to, to_at, n, call->error);
    if (status == INS1_OK)
        status = check_piece(stream, from, from_at, n, call->error);
    if (status != INS1_OK || !n)
        return status;
    s1_door_open(&stream->door, call);
    int32_t answer =
        stream->device->backend->api.copy(stream->handle, to->id, to_at, from->id, from_at, n);
    return finish_transfer(stream, answer, call);
}
