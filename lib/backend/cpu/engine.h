#ifndef S1_BACKEND_CPU_ENGINE_H
#define S1_BACKEND_CPU_ENGINE_H

#include "backend/cpu/cpu.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/needs.h"
#include "interns1/model.h"
#include "interns1/sys/backend.h"

#include <stdatomic.h>

/* What the files of the CPU backend share: the device, its buffers and streams, and one function
 * per group of operations. */

enum {
    S1_WORKER_SCRATCH = S1_CPU_WORKER_BYTES, /* a product's part of it comes first */
    S1_STRETCH = 256, /* most positions of attention that are summed on their own */
};

/* One per table: its `self` and its context. */
typedef struct s1_cpu {
    const ins1_host_api *api;
    s1_kernels kernels;
    char hardware[64];
} s1_cpu;

/* The id of a buffer is its address. */
typedef struct s1_cpu_buffer {
    s1_cpu *cpu;
    uint8_t *address;
    uint64_t bytes;
    int32_t kind;
    bool owned;
} s1_cpu_buffer;

/* Memory that grows to the largest that was asked for. */
typedef struct s1_scratch {
    void *memory;
    size_t size;
} s1_scratch;

/* Tasks that are left of one worker's stretch of them: first << 32 | behind the last. */
typedef struct s1_share {
    _Alignas(64) _Atomic uint64_t left;
} s1_share;

typedef struct s1_cpu_stream {
    s1_cpu *cpu;
    const ins1_host_api *api;
    void *host;
    const s1_kernels *kernels;
    int32_t workers;
    uint8_t *worker_scratch; /* [workers] of S1_WORKER_SCRATCH */
    s1_share *shares;        /* [workers] */
    s1_scratch panel;        /* the three of s1_cpu_needs */
    s1_scratch plan;
    s1_scratch partials;
    atomic_int stop; /* a task was told to stop: the status */
} s1_cpu_stream;

/* With room for the operations that it was told of in s1_cpu_reserve it does not grow.
 * NULL, with INS1_E_MEMORY told to the host, when there is none. What it held is gone. */
void *s1_scratch_get(s1_cpu_stream *stream, s1_scratch *scratch, size_t size);

static inline void *s1_worker_scratch(const s1_cpu_stream *stream, int32_t worker)
{
    return stream->worker_scratch + (size_t)worker * S1_WORKER_SCRATCH;
}

/* A region: fn once for each index, on all workers. */
int32_t s1_cpu_region(s1_cpu_stream *stream, void (*fn)(void *arg, int32_t index, int32_t worker),
                      void *arg, int64_t n);

/* Asked at the start of each task and between its tiles: non-zero when the task shall end. */
bool s1_cpu_stopped(s1_cpu_stream *stream);

/* A region in which neighbouring tasks go to the same worker where possible, so that it reads on
 * where it was: each has a stretch of tasks, and takes from the end of another's when its own is
 * done. `fn` gets the task that probably comes next, or -1. It asks s1_cpu_stopped itself. */
typedef void s1_stretch_fn(void *arg, int64_t task, int64_t next, int32_t worker);
int32_t s1_cpu_stretches(s1_cpu_stream *stream, s1_stretch_fn *fn, void *arg, int64_t n);

static inline uint8_t *s1_cpu_at(const ins1_tensor_desc *tensor)
{
    const s1_cpu_buffer *buffer = (const s1_cpu_buffer *)(uintptr_t)tensor->buffer;
    return tensor->dtype ? buffer->address + tensor->offset : NULL;
}

/* The operations. All answer a status. */
int32_t s1_cpu_products(s1_cpu_stream *stream, const ins1_op *ops, int32_t n);
int32_t s1_cpu_attention(s1_cpu_stream *stream, const ins1_op *op);
int32_t s1_cpu_kv_put(s1_cpu_stream *stream, const ins1_op *op);
int32_t s1_cpu_rows(s1_cpu_stream *stream, const ins1_op *op);
int32_t s1_cpu_mean(s1_cpu_stream *stream, const ins1_op *op);
int32_t s1_cpu_self_attention(s1_cpu_stream *stream, const ins1_op *op);
int32_t s1_cpu_route(s1_cpu_stream *stream, const ins1_op *op);

/* Query heads of this width that fit the scratch of a worker. */
int64_t s1_cpu_attention_rows(int64_t d);

/* How many operations, from the first on, are products that share what they read. At least 1. */
int32_t s1_cpu_products_together(const s1_cpu *cpu, const ins1_op *ops, int32_t n);

/* What a group of products takes, as s1_cpu_products_together found it, or an attention; the parts
 * of `needs` grow. */
void s1_cpu_products_need(s1_cpu_needs *needs, const s1_cpu_stream *stream, const ins1_op *ops,
                          int32_t n);
void s1_cpu_attention_needs(s1_cpu_needs *needs, const s1_cpu_stream *stream, const ins1_op *op);

int32_t s1_cpu_supports(void *context, const ins1_op *op);
int32_t s1_cpu_run(void *stream, const ins1_op *ops, int32_t n);

#endif
