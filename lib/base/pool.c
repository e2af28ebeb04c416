/* Workers that join late: the caller publishes a region, takes part in it and waits only for pieces
 * that somebody has claimed, never for a thread to arrive. A worker that sleeps or was descheduled
 * costs nothing. */

#include "base/pool.h"

#include "base/call.h"
#include "base/memory.h"
#include "base/meter.h"
#include "base/park.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum {
    CACHE_LINE = 64,
    MAX_THREADS = 1024,
    MAX_CHUNKS = 65535,
    CHUNKS_PER_WORKER = 64,
    /* Waking a thread costs 40 to 80 microseconds, so a worker spins about that long between the
     * regions of one token and sleeps between tokens. With fewer cores than workers a spinner only
     * takes the core from whom it waits for. */
    SPIN_NS = 50000,
    SPIN_CROWDED_NS = 2000,
    SPINS_PER_LOOK = 32,
};

typedef struct thread {
    s1_pool *pool;
    int32_t worker;
    pthread_t handle;
} thread;

struct s1_pool {
    const ins1_allocator *memory;
    ins1_threading threading;
    int32_t workers;
    int32_t n_running; /* threads to join */
    thread *threads;   /* workers - 1 entries; NULL without threads of our own */
    pid_t process;
    int64_t spin_ns;

    /* The region. Written by the caller that holds `taken` while nothing is left of the last one.
     */
    atomic_flag taken;
    ins1_task_fn fn;
    void *arg;
    int32_t n;
    uint32_t chunks;

    /* {epoch : 32, chunks : 16, next : 16}. Claiming compares the whole word, so that a worker that
     * slept through a region cannot take a piece of the next one under the old one's terms. */
    alignas(CACHE_LINE) _Atomic uint64_t word;
    alignas(CACHE_LINE) s1_park left; /* pieces that are not finished; the caller sleeps here */
    atomic_bool caller_sleeps;
    alignas(CACHE_LINE) s1_park bell; /* changes when sleepers are woken; workers sleep here */
    atomic_int sleepers;
    atomic_bool stopping;
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static uint32_t chunks_of(uint64_t word)
{
    return (uint32_t)(word >> 16 & 0xffff);
}

static uint32_t next_of(uint64_t word)
{
    return (uint32_t)(word & 0xffff);
}

static bool has_work(s1_pool *pool)
{
    uint64_t word = atomic_load(&pool->word);
    return next_of(word) < chunks_of(word);
}

static bool claim(s1_pool *pool, uint32_t *chunk)
{
    uint64_t word = atomic_load_explicit(&pool->word, memory_order_acquire);
    while (next_of(word) < chunks_of(word)) {
        if (atomic_compare_exchange_weak_explicit(&pool->word, &word, word + 1,
                                                  memory_order_acq_rel, memory_order_acquire)) {
            *chunk = next_of(word);
            return true;
        }
    }
    return false;
}

/* A claimed piece keeps its region alive, so the fields of the region are stable here. */
static void run_chunk(s1_pool *pool, uint32_t chunk, int32_t worker)
{
    int64_t begin = (int64_t)pool->n * chunk / pool->chunks;
    int64_t end = (int64_t)pool->n * (chunk + 1) / pool->chunks;

    for (int64_t i = begin; i < end; i++)
        pool->fn(pool->arg, (int32_t)i, worker);
}

static void finish_chunk(s1_pool *pool)
{
    if (atomic_fetch_sub(&pool->left.value, 1) == 1 && atomic_load(&pool->caller_sleeps))
        s1_park_wake(&pool->left, 1);
}

/* Pieces until there are none to claim. */
static void take_part(s1_pool *pool, int32_t worker)
{
    uint32_t chunk;
    while (claim(pool, &chunk)) {
        run_chunk(pool, chunk, worker);
        finish_chunk(pool);
    }
}

static bool spin_for_work(s1_pool *pool)
{
    int64_t end = s1_now_ns() + pool->spin_ns;
    do {
        for (int i = 0; i < SPINS_PER_LOOK; i++) {
            if (has_work(pool) || atomic_load_explicit(&pool->stopping, memory_order_relaxed))
                return true;
            relax();
        }
    } while (s1_now_ns() < end);
    return false;
}

/* Announcing oneself comes before the last look for work, and publishing comes before looking for
 * sleepers: one of the two sees the other. */
static void sleep_for_work(s1_pool *pool)
{
    uint32_t seen = atomic_load(&pool->bell.value);
    atomic_fetch_add(&pool->sleepers, 1);
    if (!has_work(pool) && !atomic_load(&pool->stopping))
        s1_park_wait(&pool->bell, seen);
    atomic_fetch_sub(&pool->sleepers, 1);
}

static void *thread_main(void *arg)
{
    const thread *self = arg;
    s1_pool *pool = self->pool;
    const ins1_threading *hooks = &pool->threading;

    if (hooks->thread_start)
        hooks->thread_start(hooks->user, self->worker);
    while (!atomic_load(&pool->stopping)) {
        take_part(pool, self->worker);
        if (!spin_for_work(pool))
            sleep_for_work(pool);
    }
    if (hooks->thread_stop)
        hooks->thread_stop(hooks->user, self->worker);
    return NULL;
}

static void ring(s1_pool *pool, int32_t n)
{
    atomic_fetch_add(&pool->bell.value, 1);
    s1_park_wake(&pool->bell, n);
}

static void wait_for_rest(s1_pool *pool)
{
    int64_t end = s1_now_ns() + pool->spin_ns;
    do {
        for (int i = 0; i < SPINS_PER_LOOK; i++) {
            if (!atomic_load_explicit(&pool->left.value, memory_order_acquire))
                return;
            relax();
        }
    } while (s1_now_ns() < end);

    atomic_store(&pool->caller_sleeps, true);
    for (uint32_t left; (left = atomic_load(&pool->left.value)) != 0;)
        s1_park_wait(&pool->left, left);
    atomic_store(&pool->caller_sleeps, false);
}

static void run_serially(ins1_task_fn fn, void *arg, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        fn(arg, i, 0);
}

static void run_on_threads(s1_pool *pool, ins1_task_fn fn, void *arg, int32_t n)
{
    int32_t most = pool->workers * CHUNKS_PER_WORKER;
    if (most > MAX_CHUNKS)
        most = MAX_CHUNKS;
    uint32_t chunks = (uint32_t)(n < most ? n : most);
    uint64_t epoch = (atomic_load_explicit(&pool->word, memory_order_relaxed) >> 32) + 1;

    pool->fn = fn;
    pool->arg = arg;
    pool->n = n;
    pool->chunks = chunks;
    atomic_store(&pool->left.value, chunks);
    atomic_store(&pool->word, epoch << 32 | chunks << 16);

    int32_t sleepers = atomic_load(&pool->sleepers);
    if (sleepers > 0)
        ring(pool, (int32_t)chunks - 1 < sleepers ? (int32_t)chunks - 1 : sleepers);
    take_part(pool, 0);
    wait_for_rest(pool);
}

/* What the host's parallel-for did is counted: a host that skips, repeats or invents tasks is told.
 */
typedef struct host_run {
    ins1_task_fn fn;
    void *arg;
    int32_t n;
    int32_t workers;
    atomic_llong done;
    atomic_bool strange;
} host_run;

static void host_task(void *arg, int32_t index, int32_t worker)
{
    host_run *run = arg;
    if (index < 0 || index >= run->n || worker < 0 || worker >= run->workers) {
        atomic_store(&run->strange, true);
        return;
    }
    run->fn(run->arg, index, worker);
    atomic_fetch_add(&run->done, 1);
}

static ins1_status run_on_host(s1_pool *pool, ins1_task_fn fn, void *arg, int32_t n)
{
    host_run run = { .fn = fn, .arg = arg, .n = n, .workers = pool->workers };
    if (pool->threading.parallel_for(pool->threading.user, host_task, &run, n))
        return INS1_E_CALLBACK;
    bool all = atomic_load(&run.done) == n && !atomic_load(&run.strange);
    return all ? INS1_OK : INS1_E_CALLBACK;
}

ins1_status s1_pool_run(s1_pool *pool, ins1_task_fn fn, void *arg, int32_t n)
{
    if (pool->threads && getpid() != pool->process)
        return INS1_E_STATE;
    if (pool->threading.mode == INS1_THREADS_HOST && n > 0)
        return run_on_host(pool, fn, arg, n);

    bool alone = !pool->threads || n <= 1 ||
                 atomic_flag_test_and_set_explicit(&pool->taken, memory_order_acquire);
    if (alone) {
        run_serially(fn, arg, n);
        return INS1_OK;
    }
    run_on_threads(pool, fn, arg, n);
    atomic_flag_clear_explicit(&pool->taken, memory_order_release);
    return INS1_OK;
}

int32_t s1_pool_workers(const s1_pool *pool)
{
    return pool->workers;
}

static int32_t count_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        return CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : (int32_t)n;
}

static ins1_status read_threading(ins1_threading *out, const ins1_threading *given,
                                  ins1_error *error)
{
    *out = given ? *given : (ins1_threading){ .mode = INS1_THREADS_CALLER };
    if (out->flags)
        return s1_fail(error, INS1_E_VERSION, "threading flags 0x%x are too new", out->flags);
    if (out->n_threads < 0 || out->n_threads > MAX_THREADS)
        return s1_fail(error, INS1_E_ARGUMENT, "%d threads, 0 to %d expected", out->n_threads,
                       MAX_THREADS);

    switch (out->mode) {
    case INS1_THREADS_CALLER:
        out->n_threads = 1;
        return INS1_OK;
    case INS1_THREADS_OWN:
        if (!out->n_threads)
            out->n_threads = count_cores();
        return INS1_OK;
    case INS1_THREADS_HOST:
        if (!out->parallel_for)
            return s1_fail(error, INS1_E_ARGUMENT, "threads of the host without parallel_for");
        if (!out->n_threads)
            return s1_fail(error, INS1_E_ARGUMENT, "threads of the host, but n_threads is 0");
        return INS1_OK;
    default:
        return s1_fail(error, INS1_E_ARGUMENT, "threading mode %d is not known", out->mode);
    }
}

/* Threads inherit the mask of signals: theirs is full, so that the host's signals stay the host's.
 */
static ins1_status start_threads(s1_pool *pool, ins1_error *error)
{
    sigset_t all, before;
    int failed = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (!failed && pool->n_running < pool->workers - 1) {
        thread *t = &pool->threads[pool->n_running];
        *t = (thread){ .pool = pool, .worker = pool->n_running + 1 };
        failed = pthread_create(&t->handle, NULL, thread_main, t);
        if (!failed)
            pool->n_running++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed)
        return INS1_OK;

    ins1_status status = s1_fail(error, INS1_E_IO, "the system gave %d of %d threads",
                                 pool->n_running, pool->workers - 1);
    if (error && error->struct_size >= sizeof(*error))
        error->os_errno = failed;
    return status;
}

ins1_status s1_pool_create(s1_pool **out, const ins1_allocator *memory, const ins1_threading *given,
                           ins1_error *error)
{
    ins1_threading threading;
    s1_pool *pool = NULL;

    *out = NULL;
    ins1_status status = read_threading(&threading, given, error);
    if (status != INS1_OK)
        goto done;

    pool = s1_alloc(memory, sizeof(*pool), INS1_MEM_OBJECT);
    if (!pool) {
        status = s1_out_of_memory(memory, sizeof(*pool), "the thread pool", error);
        goto done;
    }
    pool->memory = memory;
    pool->threading = threading;
    pool->workers = threading.n_threads;
    pool->process = getpid();
    pool->spin_ns = pool->workers > count_cores() ? SPIN_CROWDED_NS : SPIN_NS;
    atomic_flag_clear(&pool->taken);
    s1_park_init(&pool->left);
    s1_park_init(&pool->bell);

    if (threading.mode == INS1_THREADS_OWN && pool->workers > 1) {
        size_t n = (size_t)pool->workers - 1;
        pool->threads = s1_alloc_array(memory, n, sizeof(thread), INS1_MEM_OBJECT);
        if (!pool->threads) {
            status = s1_out_of_memory(memory, n * sizeof(thread), "the thread pool", error);
            goto done;
        }
        status = start_threads(pool, error);
        if (status != INS1_OK)
            goto done;
    }
    *out = pool;
    pool = NULL;

done:
    s1_pool_destroy(pool);
    return status;
}

/* A forked child has the memory of the threads but not the threads. */
static void join_threads(s1_pool *pool)
{
    if (getpid() != pool->process)
        return;
    atomic_store(&pool->stopping, true);
    ring(pool, MAX_THREADS);
    for (int32_t i = 0; i < pool->n_running; i++)
        pthread_join(pool->threads[i].handle, NULL);
    s1_park_finish(&pool->left);
    s1_park_finish(&pool->bell);
}

void s1_pool_destroy(s1_pool *pool)
{
    if (!pool)
        return;
    join_threads(pool);
    if (pool->threads)
        s1_free(pool->memory, pool->threads, (size_t)(pool->workers - 1) * sizeof(thread),
                INS1_MEM_OBJECT);
    s1_free(pool->memory, pool, sizeof(*pool), INS1_MEM_OBJECT);
}
