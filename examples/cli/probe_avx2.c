#include "probe.h"

#include <immintrin.h>

enum { SUMS = 12 }; /* enough to hide the latency of two multiply-adds a cycle */

static uint64_t read_avx2(const void *bytes, size_t n)
{
    const __m256i *at = bytes;
    __m256i sum[8];
    for (size_t k = 0; k < 8; k++)
        sum[k] = _mm256_setzero_si256();
    for (size_t i = 0; i < n / sizeof(*at); i += 8)
        for (size_t k = 0; k < 8; k++)
            sum[k] = _mm256_xor_si256(sum[k], _mm256_load_si256(at + i + k));
    for (size_t k = 1; k < 8; k++)
        sum[0] = _mm256_xor_si256(sum[0], sum[k]);
    return (uint64_t)_mm256_extract_epi64(sum[0], 0);
}

static uint64_t fp32_avx2(uint64_t rounds)
{
    const __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(0.5f);
    __m256 sum[SUMS];
    for (size_t k = 0; k < SUMS; k++)
        sum[k] = _mm256_set1_ps((float)k);
    for (uint64_t i = 0; i < rounds; i++)
        for (size_t k = 0; k < SUMS; k++)
            sum[k] = _mm256_fmadd_ps(sum[k], a, b);
    for (size_t k = 1; k < SUMS; k++)
        sum[0] = _mm256_add_ps(sum[0], sum[k]);
    return _mm256_cvtss_f32(sum[0]) > 0;
}

static uint64_t int8_avx2(uint64_t rounds)
{
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(5), sum[SUMS];
    for (size_t k = 0; k < SUMS; k++)
        sum[k] = _mm256_setzero_si256();
    for (uint64_t i = 0; i < rounds; i++) {
        __asm__("" : "+x"(a), "+x"(b)); /* else the products are computed once */
        for (size_t k = 0; k < SUMS; k++) {
            __m256i product = _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones);
            __asm__("" : "+x"(product));
            sum[k] = _mm256_add_epi32(sum[k], product);
        }
    }
    for (size_t k = 1; k < SUMS; k++)
        sum[0] = _mm256_add_epi32(sum[0], sum[k]);
    return (uint64_t)_mm256_extract_epi64(sum[0], 0);
}

void probe_use_avx2(probe_kernels *k)
{
    k->read = read_avx2;
    k->fp32 = fp32_avx2;
    k->fp32_per_round = SUMS * 8 * 2;
    k->int8 = int8_avx2;
    k->int8_per_round = SUMS * 32 * 2;
}
