#include "probe.h"

#include <immintrin.h>

enum { SUMS = 12 }; /* enough to hide the latency of a multiply-add, few enough to unroll */

static uint64_t read_avx512(const void *bytes, size_t n)
{
    const __m512i *at = bytes;
    __m512i sum[8];
    for (size_t k = 0; k < 8; k++)
        sum[k] = _mm512_setzero_si512();
    for (size_t i = 0; i < n / sizeof(*at); i += 8)
        for (size_t k = 0; k < 8; k++)
            sum[k] = _mm512_xor_si512(sum[k], _mm512_load_si512(at + i + k));
    for (size_t k = 1; k < 8; k++)
        sum[0] = _mm512_xor_si512(sum[0], sum[k]);
    return (uint64_t)_mm512_reduce_or_epi64(sum[0]);
}

static uint64_t fp32_avx512(uint64_t rounds)
{
    const __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(0.5f);
    __m512 sum[SUMS];
    for (size_t k = 0; k < SUMS; k++)
        sum[k] = _mm512_set1_ps((float)k);
    for (uint64_t i = 0; i < rounds; i++)
        for (size_t k = 0; k < SUMS; k++)
            sum[k] = _mm512_fmadd_ps(sum[k], a, b);
    for (size_t k = 1; k < SUMS; k++)
        sum[0] = _mm512_add_ps(sum[0], sum[k]);
    return _mm512_reduce_add_ps(sum[0]) > 0;
}

void probe_use_avx512(probe_kernels *k)
{
    k->read = read_avx512;
    k->fp32 = fp32_avx512;
    k->fp32_per_round = SUMS * 16 * 2;
}
