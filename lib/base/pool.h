#ifndef S1_BASE_POOL_H
#define S1_BASE_POOL_H

#include "base/error.h"
#include "interns1/runtime.h"

/* The workers of a runtime: the caller alone, threads of our own, or the host's parallel-for. */
typedef struct s1_pool s1_pool;

/* `threading` was imported and checked for its struct_size only. NULL: the caller alone. */
ins1_status s1_pool_create(s1_pool **out, const ins1_allocator *memory,
                           const ins1_threading *threading, ins1_error *error);

/* Joins the threads. NULL is allowed. */
void s1_pool_destroy(s1_pool *pool);

/* Most workers that run at once, the caller included; at least 1. */
int32_t s1_pool_workers(const s1_pool *pool);

/* Run fn(arg, i, worker) once for every i in [0, n), worker in [0, workers), no two live calls of
 * one run sharing a worker; returns when all are done. May be called from several threads at once:
 * one gets the threads, the others run on their own. INS1_E_CALLBACK when the host's parallel-for
 * refused; then not all of them ran and none will any more. INS1_E_STATE in a forked child of a
 * pool with threads. */
ins1_status s1_pool_run(s1_pool *pool, ins1_task_fn fn, void *arg, int32_t n);

#endif
