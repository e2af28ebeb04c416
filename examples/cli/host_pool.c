#include "host_pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct worker {
    struct host_pool *pool;
    pthread_t thread;
    int32_t index;
} worker;

struct host_pool {
    pthread_mutex_t one_run; /* held by the caller of a run */
    pthread_mutex_t lock;    /* of all below but `next` */
    pthread_cond_t begins, ends;
    ins1_task_fn fn;
    void *arg;
    int32_t n;
    atomic_int next; /* task to take */
    uint64_t run;    /* counts the runs */
    int32_t n_busy;  /* workers that have not finished this run */
    bool is_over;
    int32_t n_workers; /* threads of ours; the caller is worker 0 */
    worker workers[];
};

static void work(host_pool *pool, int32_t index)
{
    for (int32_t i; (i = atomic_fetch_add(&pool->next, 1)) < pool->n;)
        pool->fn(pool->arg, i, index);
}

static void *thread_main(void *arg)
{
    worker *w = arg;
    host_pool *pool = w->pool;
    uint64_t seen = 0;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->run == seen && !pool->is_over)
            pthread_cond_wait(&pool->begins, &pool->lock);
        if (pool->is_over)
            break;
        seen = pool->run;
        pthread_mutex_unlock(&pool->lock);
        work(pool, w->index);
        pthread_mutex_lock(&pool->lock);
        if (--pool->n_busy == 0)
            pthread_cond_signal(&pool->ends);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

host_pool *host_pool_create(int32_t n_threads)
{
    size_t n = n_threads > 1 ? (size_t)n_threads - 1 : 0;
    host_pool *pool = calloc(1, sizeof(*pool) + n * sizeof(*pool->workers));
    if (!pool)
        return NULL;
    pthread_mutex_init(&pool->one_run, NULL);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->begins, NULL);
    pthread_cond_init(&pool->ends, NULL);
    for (size_t i = 0; i < n; i++) {
        worker *w = &pool->workers[i];
        *w = (worker){ .pool = pool, .index = (int32_t)i + 1 };
        if (pthread_create(&w->thread, NULL, thread_main, w) != 0) {
            host_pool_destroy(pool);
            return NULL;
        }
        pool->n_workers++;
    }
    return pool;
}

void host_pool_destroy(host_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->is_over = true;
    pthread_cond_broadcast(&pool->begins);
    pthread_mutex_unlock(&pool->lock);
    for (int32_t i = 0; i < pool->n_workers; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->ends);
    pthread_cond_destroy(&pool->begins);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->one_run);
    free(pool);
}

int32_t host_pool_run(void *user, ins1_task_fn fn, void *arg, int32_t n)
{
    host_pool *pool = user;

    pthread_mutex_lock(&pool->one_run);
    pthread_mutex_lock(&pool->lock);
    pool->fn = fn;
    pool->arg = arg;
    pool->n = n;
    atomic_store(&pool->next, 0);
    pool->n_busy = pool->n_workers;
    pool->run++;
    pthread_cond_broadcast(&pool->begins);
    pthread_mutex_unlock(&pool->lock);

    work(pool, 0);

    pthread_mutex_lock(&pool->lock);
    while (pool->n_busy)
        pthread_cond_wait(&pool->ends, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    pthread_mutex_unlock(&pool->one_run);
    return 0;
}
