#include "lines.h"

/* Vectors of 8 for the row operations. */

#define V_INLINE S1_INLINE

enum { WIDTH = 8 };

typedef __m256 vec;

V_INLINE vec v_set(float f)
{
    return _mm256_set1_ps(f);
}

V_INLINE vec v_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

V_INLINE __m256i mask_of(int64_t n)
{
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), index);
}

V_INLINE vec v_load_some(const float *p, int64_t n)
{
    return _mm256_maskload_ps(p, mask_of(n));
}

V_INLINE void v_store(float *p, vec v)
{
    _mm256_storeu_ps(p, v);
}

V_INLINE void v_store_some(float *p, vec v, int64_t n)
{
    _mm256_maskstore_ps(p, mask_of(n), v);
}

V_INLINE vec v_add(vec a, vec b)
{
    return _mm256_add_ps(a, b);
}

V_INLINE vec v_sub(vec a, vec b)
{
    return _mm256_sub_ps(a, b);
}

V_INLINE vec v_mul(vec a, vec b)
{
    return _mm256_mul_ps(a, b);
}

V_INLINE vec v_div(vec a, vec b)
{
    return _mm256_div_ps(a, b);
}

/* Of a NaN the second, in both. */
V_INLINE vec v_max(vec a, vec b)
{
    return _mm256_max_ps(a, b);
}

V_INLINE vec v_min(vec a, vec b)
{
    return _mm256_min_ps(a, b);
}

V_INLINE vec v_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}

V_INLINE vec v_round(vec a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* In two halves, so that neither power of two is out of range. */
V_INLINE vec v_scale(vec a, vec n)
{
    __m256i whole = _mm256_cvtps_epi32(n);
    __m256i half = _mm256_srai_epi32(whole, 1);
    __m256i bias = _mm256_set1_epi32(127);
    __m256i first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
    __m256i rest = _mm256_sub_epi32(whole, half);
    __m256i second = _mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23);
    return _mm256_mul_ps(_mm256_mul_ps(a, _mm256_castsi256_ps(first)), _mm256_castsi256_ps(second));
}

V_INLINE vec v_widen(const uint8_t *from, int32_t dtype)
{
    return load_8(from, dtype);
}

V_INLINE void v_narrow(uint8_t *out, vec v, int32_t dtype)
{
    __m128i h;

    if (dtype == INS1_DTYPE_BF16) {
        __m256i bits = _mm256_srli_epi32(_mm256_castps_si256(round_bf16(v)), 16);
        h = _mm_packus_epi32(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1));
    } else {
        h = _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }
    _mm_storeu_si128((__m128i *)(void *)out, h);
}

typedef struct wide_sums {
    __m256d quarter[4];
} wide_sums;

V_INLINE void wide_sums_add(wide_sums *sums, const float *x)
{
    S1_UNROLL
    for (int i = 0; i < 4; i++)
        sums->quarter[i] =
            _mm256_add_pd(sums->quarter[i], _mm256_cvtps_pd(_mm_loadu_ps(x + 4 * i)));
}

/* Square and sum are rounded one by one. */
V_INLINE void wide_sums_add_squares(wide_sums *sums, const float *x, double less)
{
    S1_UNROLL
    for (int i = 0; i < 4; i++) {
        __m256d v = _mm256_sub_pd(_mm256_cvtps_pd(_mm_loadu_ps(x + 4 * i)), _mm256_set1_pd(less));
        sums->quarter[i] = _mm256_add_pd(sums->quarter[i], _mm256_mul_pd(v, v));
    }
}

#include "backend/cpu/vector_rows.inc"

void s1_rows_init_avx2(s1_kernels *kernels)
{
    init_rows(kernels);
}
