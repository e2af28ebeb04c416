#include "backend/cpu/cpu.h"
#include "backend/cpu/kernels.h"
#include "base/memory.h"
#include "base/pool.h"
#include "interns1/model.h"

#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* Speed of products through the CPU backend's table, beside the limits of the machine measured in
 * the same moment: the peak of the dot product of the weights' type (BF16 or I8, of F32 or of
 * 16-bit integers where there is no instruction for it), and one ascending read per thread.
 *
 *     gemm [threads [level [milliseconds [word in the name [tokens [bf16, f32 or i8]]]]]]
 */

enum { SAMPLES = 7, WEIGHT_BYTES = 512 << 20 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static s1_pool *pool;
static uint8_t *weights;
static volatile float sink;

/* --- probes --- */

enum { PEAK_STEPS = 40000 };

/* Written out, so that no compiler puts a load or a store between them. */
#define DOT(n) "vdpbf16ps %%zmm31, %%zmm30, %%zmm" #n "\n"
#define FMA(n) "vfmadd231ps %%ymm15, %%ymm14, %%ymm" #n "\n"

#define DOT_I8(n) "vpdpbusd %%zmm31, %%zmm30, %%zmm" #n "\n"
#define MADD(n)   "vpmaddwd %%ymm15, %%ymm14, %%ymm13\nvpaddd %%ymm13, %%ymm" #n ", %%ymm" #n "\n"

__attribute__((target("avx512f"))) static void dot_task(void *arg, int32_t index, int32_t worker)
{
    (void)arg;
    (void)index;
    (void)worker;
    __asm__ volatile("vpxord %%zmm30, %%zmm30, %%zmm30\n"
                     "vpxord %%zmm31, %%zmm31, %%zmm31\n" ::
                         : "zmm30", "zmm31");
    for (int step = 0; step < PEAK_STEPS; step++)
        __asm__ volatile(DOT(0) DOT(1) DOT(2) DOT(3) DOT(4) DOT(5) DOT(6) DOT(7) DOT(8) DOT(9)
                             DOT(10) DOT(11) DOT(12) DOT(13) DOT(14) DOT(15)::
                                 : "zmm0", "zmm1", "zmm2", "zmm3", "zmm4", "zmm5", "zmm6", "zmm7",
                                   "zmm8", "zmm9", "zmm10", "zmm11", "zmm12", "zmm13", "zmm14",
                                   "zmm15");
}

__attribute__((target("avx2,fma"))) static void fma_task(void *arg, int32_t index, int32_t worker)
{
    (void)arg;
    (void)index;
    (void)worker;
    __asm__ volatile("vxorps %%ymm14, %%ymm14, %%ymm14\n"
                     "vxorps %%ymm15, %%ymm15, %%ymm15\n" ::
                         : "ymm14", "ymm15");
    for (int step = 0; step < PEAK_STEPS; step++)
        __asm__ volatile(FMA(0) FMA(1) FMA(2) FMA(3) FMA(4) FMA(5) FMA(6) FMA(7) FMA(8) FMA(9)
                             FMA(10) FMA(11)::
                                 : "ymm0", "ymm1", "ymm2", "ymm3", "ymm4", "ymm5", "ymm6", "ymm7",
                                   "ymm8", "ymm9", "ymm10", "ymm11");
}

__attribute__((target("avx512f"))) static void dot_i8_task(void *arg, int32_t index, int32_t worker)
{
    (void)arg;
    (void)index;
    (void)worker;
    __asm__ volatile("vpxord %%zmm30, %%zmm30, %%zmm30\n"
                     "vpxord %%zmm31, %%zmm31, %%zmm31\n" ::
                         : "zmm30", "zmm31");
    for (int step = 0; step < PEAK_STEPS; step++)
        __asm__ volatile(DOT_I8(0) DOT_I8(1) DOT_I8(2) DOT_I8(3) DOT_I8(4) DOT_I8(5) DOT_I8(6)
                             DOT_I8(7) DOT_I8(8) DOT_I8(9) DOT_I8(10) DOT_I8(11) DOT_I8(12)
                                 DOT_I8(13) DOT_I8(14) DOT_I8(15)::
                                     : "zmm0", "zmm1", "zmm2", "zmm3", "zmm4", "zmm5", "zmm6",
                                       "zmm7", "zmm8", "zmm9", "zmm10", "zmm11", "zmm12", "zmm13",
                                       "zmm14", "zmm15");
}

__attribute__((target("avx2"))) static void madd_task(void *arg, int32_t index, int32_t worker)
{
    (void)arg;
    (void)index;
    (void)worker;
    __asm__ volatile("vpxor %%ymm14, %%ymm14, %%ymm14\n"
                     "vpxor %%ymm15, %%ymm15, %%ymm15\n" ::
                         : "ymm14", "ymm15");
    for (int step = 0; step < PEAK_STEPS; step++)
        __asm__ volatile(MADD(0) MADD(1) MADD(2) MADD(3) MADD(4) MADD(5) MADD(6) MADD(7) MADD(8)
                             MADD(9) MADD(10) MADD(11)::
                                 : "ymm0", "ymm1", "ymm2", "ymm3", "ymm4", "ymm5", "ymm6", "ymm7",
                                   "ymm8", "ymm9", "ymm10", "ymm11", "ymm13");
}

/* Products of one step, and how many of its multiply-adds there are. */
typedef struct peak {
    void (*task)(void *arg, int32_t index, int32_t worker);
    int per_step;
} peak;

static peak peak_of(int32_t precision)
{
    if (precision == INS1_PRECISION_INT8)
        return __builtin_cpu_supports("avx512vnni") ? (peak){ dot_i8_task, 16 * 64 }
                                                    : (peak){ madd_task, 12 * 16 };
    return __builtin_cpu_supports("avx512bf16") ? (peak){ dot_task, 16 * 32 }
                                                : (peak){ fma_task, 12 * 8 };
}

/* Multiply-adds per second of all threads. */
static double probe_peak(int32_t threads, int32_t precision)
{
    const peak probe = peak_of(precision);
    double start = now();
    s1_pool_run(pool, probe.task, NULL, threads);
    return (double)threads * PEAK_STEPS * probe.per_step / (now() - start);
}

typedef struct reading {
    size_t size, pieces;
} reading;

__attribute__((target("avx2"))) static void read_task(void *arg, int32_t index, int32_t worker)
{
    const reading *r = arg;
    size_t begin = r->size / r->pieces * (size_t)index;
    __m256i sum = _mm256_setzero_si256();
    (void)worker;

    for (size_t at = begin; at < begin + r->size / r->pieces; at += 256)
#pragma GCC unroll 8
        for (size_t half = 0; half < 256; half += 32) {
            __m256i v;
            __asm__ volatile("vmovdqu %1, %0" : "=x"(v) : "m"(weights[at + half]));
            sum = _mm256_add_epi64(sum, v);
        }
    sink = (float)_mm256_extract_epi64(sum, 0);
}

static double probe_read(int32_t threads)
{
    reading r = { 128 << 20, (size_t)threads };
    double start = now();
    s1_pool_run(pool, read_task, &r, threads);
    return (double)r.size / (now() - start);
}

/* --- the host --- */

static void *host_alloc(void *host, size_t size, size_t align, int32_t kind)
{
    (void)host;
    return s1_heap.alloc(s1_heap.user, size, align, kind);
}

static void host_free(void *host, void *memory, size_t size, size_t align, int32_t kind)
{
    (void)host;
    s1_heap.free(s1_heap.user, memory, size, align, kind);
}

static void host_fail(void *host, int32_t status, int32_t code, const char *text)
{
    (void)host;
    (void)code;
    fprintf(stderr, "%d: %s\n", status, text);
}

static int32_t host_stop(void *host)
{
    (void)host;
    return 0;
}

static int32_t host_parallel(void *host, void (*fn)(void *arg, int32_t index, int32_t worker),
                             void *arg, int32_t n)
{
    (void)host;
    return s1_pool_run(pool, fn, arg, n);
}

static int32_t host_workers(void *host)
{
    (void)host;
    return s1_pool_workers(pool);
}

static ins1_backend_api api;
static void *stream;
static uint64_t weight_buffer, x_buffer, y_buffer, ids_buffer;
static float *x, *y;
static int32_t *ids;

static ins1_tensor_desc view(uint64_t buffer, uint64_t at, int32_t dtype, int64_t size, int64_t a,
                             int64_t b)
{
    return (ins1_tensor_desc){
        .struct_size = sizeof(ins1_tensor_desc),
        .dtype = dtype,
        .ndim = 2,
        .dim = { a, b },
        .stride = { b, 1 },
        .buffer = buffer,
        .offset = at,
        .bytes = (uint64_t)(a * b * size),
    };
}

/* --- shapes --- */

typedef struct product {
    const char *name;
    int32_t dtype;
    int64_t n[3]; /* matrices that share x */
    int64_t k;
    int32_t experts, top; /* 0: dense */
} product;

static const product products[] = {
    { "bf16 q,k,v     4096 x 2048", INS1_DTYPE_BF16, { 2048, 1024, 1024 }, 2048, 0, 0 },
    { "bf16 o         2048 x 2048", INS1_DTYPE_BF16, { 2048 }, 2048, 0, 0 },
    { "bf16 gate,up  12288 x 2048", INS1_DTYPE_BF16, { 6144, 6144 }, 2048, 0, 0 },
    { "bf16 down      2048 x 6144", INS1_DTYPE_BF16, { 2048 }, 6144, 0, 0 },
    { "i8 q,k,v       4096 x 2048", INS1_DTYPE_I8, { 2048, 1024, 1024 }, 2048, 0, 0 },
    { "i8 o           2048 x 2048", INS1_DTYPE_I8, { 2048 }, 2048, 0, 0 },
    { "i8 gate,up    12288 x 2048", INS1_DTYPE_I8, { 6144, 6144 }, 2048, 0, 0 },
    { "i8 down        2048 x 6144", INS1_DTYPE_I8, { 2048 }, 6144, 0, 0 },
    { "i8 experts gate,up 128 x 1536 x 4096", INS1_DTYPE_I8, { 1536, 1536 }, 4096, 128, 8 },
    { "i8 experts down    128 x 4096 x 1536", INS1_DTYPE_I8, { 4096 }, 1536, 128, 8 },
    { "fp8 q,k,v      9216 x 4096", INS1_DTYPE_F8_E4M3, { 8192, 512, 512 }, 4096, 0, 0 },
    { "fp8 o          4096 x 8192", INS1_DTYPE_F8_E4M3, { 4096 }, 8192, 0, 0 },
    { "fp8 experts gate,up 128 x 1536 x 4096", INS1_DTYPE_F8_E4M3, { 1536, 1536 }, 4096, 128, 8 },
    { "fp8 experts down    128 x 4096 x 1536", INS1_DTYPE_F8_E4M3, { 4096 }, 1536, 128, 8 },
};

enum { MOST_EXPERTS = 128, MOST_IN = 2 + 2 * MOST_EXPERTS };

static ins1_tensor_desc in[3][MOST_IN], out[3];

/* The list of operations for one call; weights from a random place of the whole block. */
static int prepare(ins1_op *ops, const product *p, int64_t t, int32_t precision, uint64_t *bytes)
{
    int64_t size = p->dtype == INS1_DTYPE_BF16 ? 2 : 1;
    int32_t matrices = p->experts ? p->experts : 1;
    int64_t pairs = p->experts ? t * p->top : t;
    int64_t rows = p->experts && p->k < 4096 ? pairs : t; /* down takes a row for each pair */
    uint64_t y_at = 0;
    int n = 0;
    static uint64_t at;

    *bytes = 0;
    for (; n < 3 && p->n[n]; n++) {
        uint64_t one = (uint64_t)(p->n[n] * p->k * size);
        int first = p->experts ? 2 : 0;
        for (int32_t e = 0; e < matrices; e++) {
            if (at + one > WEIGHT_BYTES)
                at = 0;
            in[n][first + e] = view(weight_buffer, at, p->dtype, size, p->n[n], p->k);
            at += one;
            int scale = p->experts ? 2 + p->experts + e : 2;
            in[n][scale] = (ins1_tensor_desc){ 0 };
            if (p->dtype == INS1_DTYPE_I8)
                in[n][scale] = view(y_buffer, 0, INS1_DTYPE_F32, 4, p->n[n], 1);
            if (p->dtype == INS1_DTYPE_F8_E4M3)
                in[n][scale] =
                    view(y_buffer, 0, INS1_DTYPE_F32, 4, (p->n[n] + 127) / 128, (p->k + 127) / 128);
        }
        in[n][p->experts ? 0 : 1] = view(x_buffer, 0, INS1_DTYPE_F32, 4, rows, p->k);
        if (p->experts)
            in[n][1] = view(ids_buffer, 0, INS1_DTYPE_I32, 4, pairs, 1);
        out[n] = view(y_buffer, y_at, INS1_DTYPE_F32, 4, pairs, p->n[n]);
        y_at += out[n].bytes;
        *bytes += one * (uint64_t)(p->experts ? (pairs < matrices ? pairs : matrices) : 1);
        ops[n] = (ins1_op){
            .struct_size = sizeof(ops[n]),
            .op = p->experts ? INS1_OP_MATMUL_EXPERTS : INS1_OP_MATMUL,
            .n_in = p->experts ? 2 + 2 * p->experts : 3,
            .n_out = 1,
            .in = in[n],
            .out = &out[n],
            .i = { precision, (int32_t)(pairs / rows), p->experts },
        };
    }
    return n;
}

static int ascending(const void *a, const void *b)
{
    const double *x1 = a;
    const double *x2 = b;
    return *x1 < *x2 ? -1 : *x1 > *x2;
}

static void measure(const product *p, int64_t t, int32_t precision, int32_t threads, double least)
{
    double peaks[SAMPLES], reads[SAMPLES], rates[SAMPLES], bandwidths[SAMPLES];
    ins1_op ops[3];
    uint64_t bytes;

    for (int i = 0; i < 16384; i++)
        ids[i] = (int32_t)((unsigned)rand() % 128);
    for (int i = 0; i < 8; i++) /* of the first token: all different */
        ids[i] = 16 * i + 3;
    for (int s = 0; s < SAMPLES; s++) {
        double peak = probe_peak(threads, precision);
        double read = t <= 4 ? probe_read(threads) : 1;
        double work = 0, moved = 0;
        double start = now();
        double spent;
        do {
            int n = prepare(ops, p, t, precision, &bytes);
            if (api.run(stream, ops, n) != INS1_OK)
                exit(1);
            for (int i = 0; i < n; i++)
                work += (double)(out[i].dim[0] * out[i].dim[1] * p->k);
            moved += (double)bytes;
            spent = now() - start;
        } while (spent < least);
        double peak2 = probe_peak(threads, precision);
        double read2 = t <= 4 ? probe_read(threads) : 1;
        rates[s] = work / spent / ((peak + peak2) / 2);
        bandwidths[s] = moved / spent / ((read + read2) / 2);
        peaks[s] = (peak + peak2) / 2;
        reads[s] = (read + read2) / 2;
    }
    qsort(rates, SAMPLES, sizeof(*rates), ascending);
    qsort(bandwidths, SAMPLES, sizeof(*bandwidths), ascending);
    qsort(peaks, SAMPLES, sizeof(*peaks), ascending);
    qsort(reads, SAMPLES, sizeof(*reads), ascending);
    printf("%-40s t=%-4d %s", p->name, (int)t,
           precision == INS1_PRECISION_INT8   ? "i8  "
           : precision == INS1_PRECISION_BF16 ? "bf16"
                                              : "f32 ");
    if (t <= 4)
        printf("  %5.1f %% of read (best %5.1f; %.1f GB/s)", 100 * bandwidths[SAMPLES / 2],
               100 * bandwidths[SAMPLES - 1], 1e-9 * reads[SAMPLES / 2]);
    else
        printf("  %5.1f %% of peak (best %5.1f; %.0f G/s)", 100 * rates[SAMPLES / 2],
               100 * rates[SAMPLES - 1], 2e-9 * peaks[SAMPLES / 2]);
    printf("\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int32_t threads = argc > 1 ? atoi(argv[1]) : 2;
    const char *level = argc > 2 ? argv[2] : NULL;
    double least = argc > 3 ? atof(argv[3]) * 1e-3 : 0.05;
    static const int64_t tokens[] = { 1, 16, 128, 512 };
    static const struct {
        const char *name;
        int32_t precision;
    } precisions[] = { { "bf16", INS1_PRECISION_BF16 },
                       { "f32", INS1_PRECISION_F32 },
                       { "i8", INS1_PRECISION_INT8 } };
    const ins1_threading threading = {
        .struct_size = sizeof(threading),
        .mode = INS1_THREADS_OWN,
        .n_threads = threads,
    };
    const ins1_host_api host = {
        .struct_size = sizeof(host),
        .abi = INS1_BACKEND_ABI,
        .alloc = host_alloc,
        .free = host_free,
        .fail = host_fail,
        .stop_requested = host_stop,
        .parallel_for = host_parallel,
        .workers = host_workers,
    };
    void *context;

    if (s1_pool_create(&pool, &s1_heap, &threading, NULL) != INS1_OK ||
        s1_cpu_backend(&api, &host, level, NULL) != INS1_OK ||
        api.device_open(api.self, 0, &context) != INS1_OK ||
        api.stream_new(context, NULL, &stream) != INS1_OK)
        return 1;
    weights = mmap(NULL, WEIGHT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (weights == MAP_FAILED)
        return 1;
    madvise(weights, WEIGHT_BYTES, MADV_HUGEPAGE);
    memset(weights, 0x3c, WEIGHT_BYTES);
    x = aligned_alloc(64, 128 << 20);
    y = aligned_alloc(64, 256 << 20);
    ids = aligned_alloc(64, 1 << 20);
    for (size_t i = 0; i < (128u << 20) / sizeof(*x); i++)
        x[i] = (float)(i % 97) * 0.01f - 0.5f;
    memset(y, 0, 256 << 20);
    api.buffer_wrap(context, weights, WEIGHT_BYTES, &weight_buffer);
    api.buffer_wrap(context, x, 128 << 20, &x_buffer);
    api.buffer_wrap(context, y, 256 << 20, &y_buffer);
    api.buffer_wrap(context, ids, 1 << 20, &ids_buffer);

    for (size_t i = 0; i < sizeof(products) / sizeof(products[0]); i++) {
        if (argc > 4 && !strstr(products[i].name, argv[4]))
            continue;
        for (int t = 0; t < 4; t++) {
            if (argc > 5 && atoi(argv[5]) && atoi(argv[5]) != tokens[t])
                continue;
            for (size_t j = 0; j < sizeof(precisions) / sizeof(precisions[0]); j++)
                if ((argc <= 6 || !strcmp(argv[6], precisions[j].name)) &&
                    (precisions[j].precision == INS1_PRECISION_INT8) ==
                        (products[i].dtype == INS1_DTYPE_I8))
                    measure(&products[i], tokens[t], precisions[j].precision, threads, least);
        }
    }
    api.stream_free(stream);
    api.shutdown(api.self);
    s1_pool_destroy(pool);
    return 0;
}
