#include "probe.h"

#include "host_pool.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Far larger than any cache, so that it is read from memory. */
#define SIZE    ((size_t)256 << 20)
#define SECONDS 0.04 /* of each arithmetic probe */

struct prober {
    host_pool *pool;
    int32_t n_threads;
    probe_kernels kernels;
    unsigned char *bytes;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t read_plain(const void *bytes, size_t n)
{
    const uint64_t *at = bytes;
    uint64_t sum[8] = { 0 };
    for (size_t i = 0; i < n / sizeof(*at); i += 8)
        for (size_t k = 0; k < 8; k++)
            sum[k] += at[i + k];
    return sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7];
}

enum { LANES = 32 };

static uint64_t fp32_plain(uint64_t rounds)
{
    float sum[LANES] = { 0 };
    for (uint64_t i = 0; i < rounds; i++)
        for (size_t k = 0; k < LANES; k++)
            sum[k] = sum[k] * 0.999f + 0.5f;
    return sum[0] > 0;
}

static probe_kernels kernels_here(void)
{
    probe_kernels k = { .read = read_plain, .fp32 = fp32_plain, .fp32_per_round = 2 * LANES };
#ifdef HAS_X86_PROBES
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        probe_use_avx2(&k);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
        probe_use_avx512(&k);
    if (__builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni"))
        probe_use_avx512_dot(&k);
#endif
    return k;
}

prober *prober_create(int32_t n_threads)
{
    prober *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->n_threads = n_threads;
    p->kernels = kernels_here();
    p->pool = host_pool_create(n_threads);
    p->bytes = aligned_alloc(4096, SIZE);
    if (!p->pool || !p->bytes) {
        prober_destroy(p);
        return NULL;
    }
    memset(p->bytes, 1, SIZE);
    return p;
}

void prober_destroy(prober *p)
{
    if (!p)
        return;
    host_pool_destroy(p->pool);
    free(p->bytes);
    free(p);
}

/* One probe on all threads. */
typedef struct job {
    const prober *p;
    uint64_t (*compute)(uint64_t rounds); /* NULL: read */
    uint64_t rounds;
    _Atomic uint64_t result;
} job;

static void run_share(void *arg, int32_t index, int32_t worker)
{
    job *j = arg;
    (void)worker;
    uint64_t result;
    if (j->compute) {
        result = j->compute(j->rounds);
    } else {
        size_t share = SIZE / (size_t)j->p->n_threads / 4096 * 4096;
        result = j->p->kernels.read(j->p->bytes + (size_t)index * share, share);
    }
    atomic_fetch_add(&j->result, result);
}

static double seconds_of(const prober *p, uint64_t (*compute)(uint64_t), uint64_t rounds)
{
    job j = { .p = p, .compute = compute, .rounds = rounds };
    double begin = now();
    host_pool_run(p->pool, run_share, &j, p->n_threads);
    return now() - begin;
}

/* Billions of operations per second: rounds are doubled until they take long enough. */
static double rate_of(const prober *p, uint64_t (*compute)(uint64_t), double per_round)
{
    if (!compute)
        return 0;
    for (uint64_t rounds = 100000;; rounds *= 2) {
        double seconds = seconds_of(p, compute, rounds);
        if (seconds >= SECONDS)
            return (double)rounds * per_round * p->n_threads / seconds * 1e-9;
    }
}

probes prober_run(prober *p)
{
    const probe_kernels *k = &p->kernels;
    size_t read = SIZE / (size_t)p->n_threads / 4096 * 4096 * (size_t)p->n_threads;
    return (probes){
        .read_GBps = (double)read / seconds_of(p, NULL, 0) * 1e-9,
        .bf16_GFLOPs = rate_of(p, k->bf16, k->bf16_per_round),
        .int8_Gops = rate_of(p, k->int8, k->int8_per_round),
        .fp32_GFLOPs = rate_of(p, k->fp32, k->fp32_per_round),
    };
}
