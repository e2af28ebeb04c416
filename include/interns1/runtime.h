#ifndef INTERNS1_RUNTIME_H
#define INTERNS1_RUNTIME_H

/**
 * @file
 * What the host brings: memory, threads, a log and a budget.
 */

#include "interns1/call.h"
#include "interns1/status.h"
#include "interns1/version.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What memory is for, so that a host can place each kind where it wants it. */
enum {
    INS1_MEM_WEIGHTS = 1, /* large, read only after it was filled */
    INS1_MEM_KV = 2,      /* keys and values, recurrent state */
    INS1_MEM_SCRATCH = 3, /* activations and other intermediate results */
    INS1_MEM_OBJECT = 4,  /* handles, tables, results */
    INS1_MEM_IO = 5       /* what was read from files */
};

/* A source of memory. Called from any thread of the library, so it must be thread-safe. The library
 * asks this source for everything, what its dependencies need included. */
typedef struct ins1_allocator {
    uint32_t struct_size; /* sizeof(ins1_allocator) */
    uint32_t flags;       /* 0 */
    /* `size` bytes at a multiple of `align`, a power of two; `kind` is INS1_MEM_*. NULL: out of
     * memory. */
    void *(*alloc)(void *user, size_t size, size_t align, int32_t kind);
    /* `memory` is never NULL and comes back with exactly the size, alignment and kind it was asked
     * with. */
    void (*free)(void *user, void *memory, size_t size, size_t align, int32_t kind);
    void *user; /* handed to both */
} ins1_allocator;

/* How much is logged: everything up to and including the level. Prompts and token ids only at
 * DEBUG. */
enum { INS1_LOG_ERROR = 1, INS1_LOG_WARN = 2, INS1_LOG_INFO = 3, INS1_LOG_DEBUG = 4 };

/* One call is one whole record. `component` and `text` end with NUL, without line end, and live for
 * the call. Runs on any thread of the library. */
typedef void (*ins1_log_fn)(void *user, int32_t level, const char *component, const char *text);

/* Who computes. */
enum {
    INS1_THREADS_CALLER = 0, /* only the calling thread */
    INS1_THREADS_OWN = 1,    /* threads of the runtime, asleep between calls */
    INS1_THREADS_HOST = 2    /* the host's own parallel-for */
};

/* A task of the library: run with each index once. `worker` numbers those that run at the same
 * time. */
typedef void (*ins1_task_fn)(void *arg, int32_t index, int32_t worker);

/* How work is spread. It never changes a result. */
typedef struct ins1_threading {
    uint32_t struct_size; /* sizeof(ins1_threading) */
    int32_t mode;         /* INS1_THREADS_* */
    int32_t n_threads;    /* OWN: all of them, the caller included. HOST: most that run at once */
    uint32_t flags;       /* 0 */
    /* HOST: run fn(arg, i, w) once for every i in [0, n), w in [0, n_threads), no two live calls
     * sharing a w; return 0 when all are done. Tasks never wait for each other, so running them one
     * after another is correct. Non-zero says that not all of them ran and none will any more: the
     * library's call ends with INS1_E_CALLBACK. */
    int32_t (*parallel_for)(void *user, ins1_task_fn fn, void *arg, int32_t n);
    /* OWN: the first thing on each new thread, for affinity and priority; may be NULL. All signals
     * are blocked on these threads. */
    void (*thread_start)(void *user, int32_t worker);
    /* OWN: the last thing on it, before it is joined; may be NULL. */
    void (*thread_stop)(void *user, int32_t worker);
    void *user; /* handed to all three */
} ins1_threading;

enum {
    INS1_RUNTIME_NO_DLOPEN = 1u, /* ins1_backend_load is INS1_E_STATE */
    INS1_RUNTIME_NO_FILES = 2u   /* paths are INS1_E_UNSUPPORTED: memory and readers only */
};

/* Zero means the default in every field but struct_size. */
typedef struct ins1_runtime_options {
    uint32_t struct_size;            /* sizeof(ins1_runtime_options) */
    uint32_t flags;                  /* INS1_RUNTIME_* */
    const ins1_allocator *allocator; /* copied; NULL is the C heap */
    const ins1_threading *threading; /* copied; NULL is the calling thread alone */
    ins1_log_fn log;                 /* NULL is silence */
    void *log_user;                  /* handed to `log` */
    int32_t log_level;               /* INS1_LOG_*; 0 is INS1_LOG_WARN */
    int32_t reserved0;               /* 0 */
    uint64_t host_budget; /* most bytes of host memory, all kinds together; 0 is no limit */
    /* "scalar", "avx2", "avx512", "neon", "neon_dotprod", "neon_bf16", "neon_i8mm", ...: exactly
     * that level of the CPU. NULL is the best that the machine and the build have. */
    const char *cpu_level;
} ins1_runtime_options;

/* Bytes, at one moment. */
typedef struct ins1_mem_stats {
    uint32_t struct_size; /* sizeof(ins1_mem_stats) */
    uint32_t flags;       /* 0 */
    uint64_t now;         /* from the allocator, not yet given back */
    uint64_t peak;        /* the most that `now` ever was */
    uint64_t budget;      /* as in the options */
    uint64_t mapped;      /* files mapped into memory; not part of `now` */
    uint64_t device;      /* memory of devices other than the CPU */
} ins1_mem_stats;

/**
 * Take what the host brings.
 *
 * @param out      Receives the runtime; the caller releases it.
 * @param options  NULL for all defaults. Borrowed for the call, copied where it says so.
 * @param call     Optional.
 *
 * @retval INS1_E_ARGUMENT     The allocator lacks a function, the mode of threading is unknown, a
 *                             parallel-for is missing, or a number of threads is negative or above
 * 1024.
 * @retval INS1_E_UNSUPPORTED  The machine or the build lacks the CPU level.
 * @retval INS1_E_MEMORY       The allocator could not give enough, or a thread could not be
 * started.
 *
 * Threads: any. The runtime is shared between threads.
 */
INS1_API ins1_status ins1_runtime_create(ins1_runtime **out, const ins1_runtime_options *options,
                                         const ins1_call *call);

/**
 * How much memory is in use.
 *
 * @param out  At most `out->struct_size` bytes are written.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_runtime_mem(const ins1_runtime *runtime, ins1_mem_stats *out,
                                      const ins1_call *call);

/**
 * The runtime's source of memory: the host's allocator behind the budget. For libraries on top of
 * this one. Borrowed, lives as long as the runtime. Any thread.
 */
INS1_API const ins1_allocator *ins1_runtime_allocator(const ins1_runtime *runtime);

/** Add an owner. Any thread. */
INS1_API void ins1_runtime_retain(ins1_runtime *runtime);

/**
 * Take an owner away. NULL is allowed. The last one, children included, joins the threads; it must
 * not be one of them.
 */
INS1_API void ins1_runtime_release(ins1_runtime *runtime);

#ifdef __cplusplus
}
#endif

#endif
