#ifndef INTERNS1_RUNTIME_H
#define INTERNS1_RUNTIME_H

#include "interns1/call.h"
#include "interns1/status.h"
#include "interns1/version.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    INS1_MEM_WEIGHTS = 1,
    INS1_MEM_KV = 2,
    INS1_MEM_SCRATCH = 3,
    INS1_MEM_OBJECT = 4,
    INS1_MEM_IO = 5
};
typedef struct ins1_allocator { /* may be called from any library thread; must be thread-safe */
    uint32_t struct_size;
    uint32_t flags;
    void *(*alloc)(void *user, size_t size, size_t align, int32_t kind); /* NULL = out of memory */
    void (*free)(void *user, void *memory, size_t size, size_t align,
                 int32_t kind); /* never NULL; exact size, align, kind back */
    void *user;
} ins1_allocator;

enum { INS1_LOG_ERROR = 1, INS1_LOG_WARN = 2, INS1_LOG_INFO = 3, INS1_LOG_DEBUG = 4 };
typedef void (*ins1_log_fn)(void *user, int32_t level, const char *component,
                            const char *text); /* one whole record */

enum {
    INS1_THREADS_CALLER = 0 /* default: only the calling thread */,
    INS1_THREADS_OWN = 1,
    INS1_THREADS_HOST = 2
};
typedef void (*ins1_task_fn)(void *arg, int32_t index, int32_t worker);
typedef struct ins1_threading {
    uint32_t struct_size;
    int32_t mode;
    int32_t n_threads; /* OWN: pool size incl. caller. HOST: most workers ever seen at once */
    uint32_t flags;
    /* HOST: run fn(arg,i,w) once for every i in [0,n), w in [0,n_threads), no two live calls
     * sharing w; return 0 when all are done. Tasks never wait for each other, so running them
     * serially is correct. Nonzero = not all of them ran, none will any more: the library's call
     * ends with INS1_E_CALLBACK. */
    int32_t (*parallel_for)(void *user, ins1_task_fn fn, void *arg, int32_t n);
    void (*thread_start)(
        void *user, int32_t worker); /* OWN: first thing on each new thread (affinity, priority) */
    void (*thread_stop)(void *user,
                        int32_t worker); /* OWN: last thing on it, before it is joined */
    void *user;
} ins1_threading;

enum { INS1_RUNTIME_NO_DLOPEN = 1u, INS1_RUNTIME_NO_FILES = 2u };
typedef struct ins1_runtime_options {
    uint32_t struct_size;
    uint32_t flags;
    const ins1_allocator *allocator; /* copied; NULL = malloc/aligned_alloc */
    const ins1_threading *threading; /* copied; NULL = CALLER */
    ins1_log_fn log;
    void *log_user; /* NULL = silent; runs on any library thread */
    int32_t log_level;
    int32_t reserved0;
    uint64_t host_budget;  /* bytes of host memory, all kinds together; 0 = no limit */
    const char *cpu_level; /* NULL = best; "scalar", "avx2", "avx512", "neon", ...: exactly that
                              one, and INS1_E_UNSUPPORTED where the machine or the build lacks it */
} ins1_runtime_options;

typedef struct ins1_mem_stats {
    uint32_t struct_size, flags;
    uint64_t now, peak, budget, mapped, device;
} ins1_mem_stats;

INS1_API ins1_status ins1_runtime_create(ins1_runtime **out, const ins1_runtime_options *options,
                                         const ins1_call *call); /* [C] */
INS1_API ins1_status ins1_runtime_mem(const ins1_runtime *runtime, ins1_mem_stats *out,
                                      const ins1_call *call); /* [C] */
/* [C] Borrowed, lives as long as the runtime: the host's allocator behind the budget. For libraries
 * on top, such as io. */
INS1_API const ins1_allocator *ins1_runtime_allocator(const ins1_runtime *runtime);
INS1_API void ins1_runtime_retain(ins1_runtime *runtime);  /* [C] */
INS1_API void ins1_runtime_release(ins1_runtime *runtime); /* [C] the last one joins the pool */

#ifdef __cplusplus
}
#endif

#endif
