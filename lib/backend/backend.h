#ifndef S1_BACKEND_BACKEND_H
#define S1_BACKEND_BACKEND_H

#include "base/call.h"
#include "base/pool.h"
#include "interns1/sys/backend.h"
#include "tensor/tensor.h"

#include <stdbool.h>

/* The front door: the one place where operations are checked on their way to a backend, and where a
 * backend's answers are judged on their way back. Nobody above it knows which backend it talks to.
 */

/* What all devices of a runtime share; the runtime owns it. Also the `host` of ins1_host_api. */
typedef struct s1_host {
    const ins1_allocator *memory;
    s1_pool *pool;
    ins1_log_fn log; /* may be NULL */
    void *log_user;
    int32_t log_level;
    _Atomic uint64_t *device_bytes; /* counts buffers that are not host memory; may be NULL */
} s1_host;

void s1_log(const s1_host *host, int32_t level, const char *component, const char *format, ...)
    S1_PRINTF(4, 5);

/* One device of one backend, opened on first use, shared between threads. */
typedef struct s1_device s1_device;

/* The devices of a runtime: device 0 is the CPU. */
typedef struct s1_registry s1_registry;

/* `cpu_level` as in ins1_runtime_options. `host` is kept. */
ins1_status s1_registry_create(s1_registry **out, const s1_host *host, const char *cpu_level,
                               ins1_error *error);
void s1_registry_destroy(s1_registry *registry);
ins1_status s1_registry_load(s1_registry *registry, const char *absolute_path, ins1_error *error);
/* A backend that is linked in, by its entry. */
ins1_status s1_registry_enter(s1_registry *registry, ins1_backend_entry_fn entry,
                              ins1_error *error);
int32_t s1_registry_count(const s1_registry *registry);
ins1_status s1_registry_info(const s1_registry *registry, int32_t index, ins1_device_info *out,
                             ins1_error *error);
ins1_status s1_registry_find(const s1_registry *registry, const char *name, int32_t *index,
                             ins1_error *error);
/* Opened on first use; lives as long as the registry. */
ins1_status s1_registry_device(s1_registry *registry, int32_t index, s1_device **out,
                               ins1_error *error);

/* Bytes on a device. `host` is their address where the device's memory is the host's, else NULL. */
typedef struct s1_buffer {
    s1_device *device; /* NULL: no buffer */
    uint64_t id;
    uint64_t size;
    void *host;
} s1_buffer;

/* Zeroed. `kind` is INS1_MEM_*. */
ins1_status s1_buffer_create(s1_buffer *out, s1_device *device, uint64_t size, int32_t kind,
                             ins1_error *error);
/* A view of host memory that the caller keeps alive, without a copy where the device can, else a
 * copy
 * (`kind` then says what for). `size` may be 0. */
ins1_status s1_buffer_wrap(s1_buffer *out, s1_device *device, const void *address, uint64_t size,
                           int32_t kind, ins1_error *error);
/* Of a buffer that was never made: nothing. */
void s1_buffer_destroy(s1_buffer *buffer);

/* A queue on a device, one thread at a time. `host` is kept until it is destroyed. */
typedef struct s1_stream s1_stream;
ins1_status s1_stream_create(s1_stream **out, s1_device *device, const s1_host *host,
                             ins1_error *error);
void s1_stream_destroy(s1_stream *stream);

/* Checks every operation against its definition in sys/backend.h (shapes, types, ranges of buffers;
 * not ids and pages, which the caller made), runs them in order and waits. The reasons go to
 * `call->error`; cancel and deadline are those of `call`. */
ins1_status s1_stream_run(s1_stream *stream, const ins1_op *ops, int32_t n, const s1_call *call);

/* Make room for operations as large as these, or smaller in their rows, where that is ours to do:
 * running them on the CPU then allocates nothing. They are not run. */
ins1_status s1_stream_reserve(s1_stream *stream, const ins1_op *ops, int32_t n, ins1_error *error);

/* Would every one of them find somebody who does it, the device or the CPU over the same memory? */
bool s1_stream_can(const s1_stream *stream, const ins1_op *ops, int32_t n);

/* Wait included. */
ins1_status s1_stream_write(s1_stream *stream, const s1_buffer *to, uint64_t at, const void *src,
                            uint64_t n, const s1_call *call);
ins1_status s1_stream_read(s1_stream *stream, const s1_buffer *from, uint64_t at, void *dst,
                           uint64_t n, const s1_call *call);
ins1_status s1_stream_copy(s1_stream *stream, const s1_buffer *to, uint64_t to_at,
                           const s1_buffer *from, uint64_t from_at, uint64_t n,
                           const s1_call *call);

/* A dense view of `buffer` from byte `at` on; axes outermost first. */
ins1_tensor_desc s1_view(const s1_buffer *buffer, uint64_t at, int32_t dtype, int32_t ndim,
                         const int64_t *dim);

/* The view of a tensor that was wrapped as a whole into `buffer`, its strides included. */
ins1_tensor_desc s1_view_of(const s1_buffer *buffer, const s1_tensor *tensor);

#endif
