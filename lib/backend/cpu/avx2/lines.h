#ifndef S1_BACKEND_CPU_AVX2_LINES_H
#define S1_BACKEND_CPU_AVX2_LINES_H

#include "backend/cpu/kernels.h"

#include <immintrin.h>
#include <string.h>

/* From weights as they lie in memory to pairs: vectors of two rows, four neighbouring columns of
 * each, in F32. */

#if defined(__clang__)
#define S1_UNROLL _Pragma("clang loop unroll(full)")
#else
#define S1_UNROLL _Pragma("GCC unroll 16")
#endif

#define S1_INLINE static inline __attribute__((always_inline))

S1_INLINE int64_t element_size(int32_t dtype)
{
    return dtype == INS1_DTYPE_F32 ? 4 : dtype == INS1_DTYPE_F8_E4M3 ? 1 : 2;
}

/* The code's bits are those of an F16 that is 2^8 too small; only NaN is not. */
S1_INLINE __m256 widen_f8(__m128i codes)
{
    const __m128i magnitude = _mm_set1_epi16(0x7f);
    __m128i wide = _mm_cvtepu8_epi16(codes);
    __m128i sign = _mm_slli_epi16(_mm_andnot_si128(magnitude, wide), 8);
    __m128i low = _mm_and_si128(wide, magnitude);
    __m128i nan = _mm_and_si128(_mm_cmpeq_epi16(low, magnitude), _mm_set1_epi16(0x7e00));
    __m128i half = _mm_or_si128(_mm_or_si128(sign, nan), _mm_slli_epi16(low, 7));
    return _mm256_mul_ps(_mm256_cvtph_ps(half), _mm256_set1_ps(256.0f));
}

/* Eight neighbours as F32. */
S1_INLINE __m256 load_8(const uint8_t *from, int32_t dtype)
{
    __m128i halves;

    switch (dtype) {
    case INS1_DTYPE_F32:
        return _mm256_loadu_ps((const float *)(const void *)from);
    case INS1_DTYPE_F8_E4M3:
        return widen_f8(_mm_loadl_epi64((const __m128i *)(const void *)from));
    case INS1_DTYPE_F16:
        return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)from));
    default:
        halves = _mm_loadu_si128((const __m128i *)(const void *)from);
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
    }
}

/* The first n < 8 of them, zeros behind; nothing else is read. */
S1_INLINE __m256 load_some(const uint8_t *from, int64_t n, int32_t dtype)
{
    uint8_t all[32] = { 0 };
    memcpy(all, from, (size_t)(n * element_size(dtype)));
    return load_8(all, dtype);
}

/* Four columns of both rows, and the next four. */
S1_INLINE void make_pairs(__m256 out[2], __m256 a, __m256 b)
{
    out[0] = _mm256_permute2f128_ps(a, b, 0x20);
    out[1] = _mm256_permute2f128_ps(a, b, 0x31);
}

/* To BF16 and back, to nearest even; a NaN stays one. */
S1_INLINE __m256 round_bf16(__m256 v)
{
    __m256i bits = _mm256_castps_si256(v);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    __m256i up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    __m256i rounded = _mm256_blendv_epi8(up, quiet, nan);
    return _mm256_castsi256_ps(_mm256_and_si256(rounded, _mm256_set1_epi32((int)0xffff0000)));
}

S1_INLINE __m256 broadcast_cell(const float *cell)
{
    return _mm256_broadcast_ps((const __m128 *)(const void *)cell);
}

/* Lanes of 8 rows in four vectors, two rows each, become 8 sums: (0 + 1) + (2 + 3). */
S1_INLINE __m256 sum_lanes(__m256 a, __m256 b, __m256 c, __m256 d)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256d ab0 = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
    __m256d ab2 = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
    __m256d cd0 = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
    __m256d cd2 = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
    __m256 l0 = _mm256_castpd_ps(_mm256_unpacklo_pd(ab0, cd0));
    __m256 l1 = _mm256_castpd_ps(_mm256_unpackhi_pd(ab0, cd0));
    __m256 l2 = _mm256_castpd_ps(_mm256_unpacklo_pd(ab2, cd2));
    __m256 l3 = _mm256_castpd_ps(_mm256_unpackhi_pd(ab2, cd2));
    __m256 sum = _mm256_add_ps(_mm256_add_ps(l0, l1), _mm256_add_ps(l2, l3));
    return _mm256_permutevar8x32_ps(sum, order);
}

#endif
