#include "probe.h"

#include <immintrin.h>

enum { SUMS = 12 }; /* enough to hide the latency of a multiply-add, few enough to unroll */

static uint64_t bf16_avx512(uint64_t rounds)
{
    const __m512bh a = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5f), _mm512_set1_ps(0.5f));
    __m512 sum[SUMS];
    for (size_t k = 0; k < SUMS; k++)
        sum[k] = _mm512_set1_ps((float)k);
    for (uint64_t i = 0; i < rounds; i++)
        for (size_t k = 0; k < SUMS; k++)
            sum[k] = _mm512_dpbf16_ps(sum[k], a, a);
    for (size_t k = 1; k < SUMS; k++)
        sum[0] = _mm512_add_ps(sum[0], sum[k]);
    return _mm512_reduce_add_ps(sum[0]) > 0;
}

static uint64_t int8_avx512(uint64_t rounds)
{
    const __m512i a = _mm512_set1_epi8(3);
    __m512i sum[SUMS];
    for (size_t k = 0; k < SUMS; k++)
        sum[k] = _mm512_setzero_si512();
    for (uint64_t i = 0; i < rounds; i++)
        for (size_t k = 0; k < SUMS; k++)
            sum[k] = _mm512_dpbusd_epi32(sum[k], a, a);
    for (size_t k = 1; k < SUMS; k++)
        sum[0] = _mm512_add_epi32(sum[0], sum[k]);
    return (uint64_t)_mm512_reduce_or_epi32(sum[0]);
}

void probe_use_avx512_dot(probe_kernels *k)
{
    k->bf16 = bf16_avx512;
    k->bf16_per_round = SUMS * 32 * 2;
    k->int8 = int8_avx512;
    k->int8_per_round = SUMS * 64 * 2;
}
