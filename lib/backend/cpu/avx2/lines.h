#ifndef S1_BACKEND_CPU_AVX2_LINES_H
#define S1_BACKEND_CPU_AVX2_LINES_H

#include "backend/cpu/weights.h"

#include <immintrin.h>

/* From weights as they lie in memory to pairs: vectors of two rows, four neighbouring columns of
 * each, in F32. */

/* Two rows, four neighbouring columns of each; or eight neighbours. */
typedef __m256 pair;

/* Four columns of a token, twice. */
typedef __m256 cell;

/* Largest magnitudes of codes of F8. */
typedef __m256i nans;

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

/* Four columns of both rows, and the next four. */
S1_INLINE void make_pairs(__m256 out[2], __m256 a, __m256 b)
{
    out[0] = _mm256_permute2f128_ps(a, b, 0x20);
    out[1] = _mm256_permute2f128_ps(a, b, 0x31);
}

/* 16 bytes of each row. */
S1_INLINE __m256i load_both(const uint8_t *a, const uint8_t *b)
{
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)a);
    __m128i high = _mm_loadu_si128((const __m128i *)(const void *)b);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/* Four columns of each row become the upper bytes of numbers. */
#define TOPS(a, b, c, d)                                                                          \
    {                                                                                             \
        N, N, N, a, N, N, N, b, N, N, N, c, N, N, N, d, N, N, N, a, N, N, N, b, N, N, N, c, N, N, \
            N, d                                                                                  \
    }
#define N 0x80
static const uint8_t f8_tops[4][32]
    __attribute__((aligned(32))) = { TOPS(0, 1, 2, 3), TOPS(4, 5, 6, 7), TOPS(8, 9, 10, 11),
                                     TOPS(12, 13, 14, 15) };
#undef N
#undef TOPS

/* The order stays in memory: compilers would keep it in registers that the sums need. */
S1_INLINE __m256i shuffle_bytes(__m256i bytes, const uint8_t *order)
{
    __m256i out;
    __asm__("vpshufb %2, %1, %0"
            : "=x"(out)
            : "x"(bytes), "m"(*(const __m256i *)(const void *)order));
    return out;
}

/* The bits of a code, sign and all, moved into their places are an F32 that is 2^120 too small, the
 * codes without a leading one being denormals of F32 too. Only NaN is not: it becomes 480. The
 * largest magnitude of a code seen is kept in `most`, for has_nan. */
S1_INLINE void pairs_f8(__m256 out[4], __m256i both, nans *most)
{
    const __m256i places = _mm256_set1_epi32((int)0x87f00000);
    const __m256 factor = _mm256_set1_ps(0x1p120f);

    *most = _mm256_max_epu8(*most, _mm256_and_si256(both, _mm256_set1_epi8(0x7f)));
    S1_UNROLL
    for (int i = 0; i < 4; i++) {
        __m256i bits = _mm256_srai_epi32(shuffle_bytes(both, f8_tops[i]), 4);
        out[i] = _mm256_mul_ps(_mm256_castsi256_ps(_mm256_and_si256(bits, places)), factor);
    }
}

S1_INLINE nans nans_none(void)
{
    return _mm256_setzero_si256();
}

S1_INLINE bool has_nan(nans most)
{
    return !!_mm256_movemask_epi8(_mm256_cmpeq_epi8(most, _mm256_set1_epi8(0x7f)));
}

/* 16 columns of two rows as four pairs. */
S1_INLINE void load_pairs(__m256 out[4], const uint8_t *a, const uint8_t *b, int32_t dtype,
                          nans *most)
{
    const __m256i zero = _mm256_setzero_si256();

    switch (dtype) {
    case INS1_DTYPE_F8_E4M3:
        pairs_f8(out, load_both(a, b), most);
        break;
    case INS1_DTYPE_BF16:
        S1_UNROLL
        for (int i = 0; i < 2; i++) {
            __m256i both = load_both(a + 16 * i, b + 16 * i);
            out[2 * i] = _mm256_castsi256_ps(_mm256_unpacklo_epi16(zero, both));
            out[2 * i + 1] = _mm256_castsi256_ps(_mm256_unpackhi_epi16(zero, both));
        }
        break;
    case INS1_DTYPE_F16:
        S1_UNROLL
        for (int i = 0; i < 2; i++)
            make_pairs(out + 2 * i, load_8(a + 16 * i, dtype), load_8(b + 16 * i, dtype));
        break;
    default:
        S1_UNROLL
        for (int i = 0; i < 4; i++)
            out[i] = _mm256_castsi256_ps(load_both(a + 16 * i, b + 16 * i));
        break;
    }
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

S1_INLINE cell cell_load(const float *from)
{
    return _mm256_broadcast_ps((const __m128 *)(const void *)from);
}

/* Loads are parts of multiplications. */
S1_INLINE void load_no_earlier(void)
{
}

S1_INLINE pair pair_zero(void)
{
    return _mm256_setzero_ps();
}

S1_INLINE pair pair_set(float f)
{
    return _mm256_set1_ps(f);
}

S1_INLINE pair pair_load(const float *from)
{
    return _mm256_loadu_ps(from);
}

S1_INLINE void pair_store(float *to, pair p)
{
    _mm256_storeu_ps(to, p);
}

S1_INLINE pair pair_add(pair a, pair b)
{
    return _mm256_add_ps(a, b);
}

S1_INLINE pair pair_fma(pair a, pair b, pair c)
{
    return _mm256_fmadd_ps(a, b, c);
}

S1_INLINE pair pair_fma_cell(pair w, cell x, pair sum)
{
    return _mm256_fmadd_ps(w, x, sum);
}

/* Four columns of eight rows become four pairs. */
S1_INLINE void transpose_8(pair out[4], const pair columns[4])
{
    __m256d ab0 = _mm256_castps_pd(_mm256_unpacklo_ps(columns[0], columns[1]));
    __m256d ab2 = _mm256_castps_pd(_mm256_unpackhi_ps(columns[0], columns[1]));
    __m256d cd0 = _mm256_castps_pd(_mm256_unpacklo_ps(columns[2], columns[3]));
    __m256d cd2 = _mm256_castps_pd(_mm256_unpackhi_ps(columns[2], columns[3]));
    __m256 row0 = _mm256_castpd_ps(_mm256_unpacklo_pd(ab0, cd0)); /* and row 4 */
    __m256 row1 = _mm256_castpd_ps(_mm256_unpackhi_pd(ab0, cd0));
    __m256 row2 = _mm256_castpd_ps(_mm256_unpacklo_pd(ab2, cd2));
    __m256 row3 = _mm256_castpd_ps(_mm256_unpackhi_pd(ab2, cd2));

    out[0] = _mm256_permute2f128_ps(row0, row1, 0x20);
    out[1] = _mm256_permute2f128_ps(row2, row3, 0x20);
    out[2] = _mm256_permute2f128_ps(row0, row1, 0x31);
    out[3] = _mm256_permute2f128_ps(row2, row3, 0x31);
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

#include "backend/cpu/vector_lines.inc"

#endif
