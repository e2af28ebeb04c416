#ifndef CLI_HOST_POOL_H
#define CLI_HOST_POOL_H

#include <interns1/runtime.h>

/* The parallel-for of a host that brings its own threads: the simplest that is one. */
typedef struct host_pool host_pool;

host_pool *host_pool_create(int32_t n_threads); /* NULL when it cannot */
void host_pool_destroy(host_pool *pool);

/* ins1_threading.parallel_for; `user` is the pool. */
int32_t host_pool_run(void *user, ins1_task_fn fn, void *arg, int32_t n);

#endif
