#include "lines.h"

/* Vectors of 16 for the row operations. */

#define V_INLINE S1_INLINE

enum { WIDTH = 16 };

typedef __m512 vec;

V_INLINE vec v_set(float f)
{
    return _mm512_set1_ps(f);
}

V_INLINE vec v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

V_INLINE vec v_load_some(const float *p, int64_t n)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}

V_INLINE void v_store(float *p, vec v)
{
    _mm512_storeu_ps(p, v);
}

V_INLINE void v_store_some(float *p, vec v, int64_t n)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), v);
}

V_INLINE vec v_add(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}

V_INLINE vec v_sub(vec a, vec b)
{
    return _mm512_sub_ps(a, b);
}

V_INLINE vec v_mul(vec a, vec b)
{
    return _mm512_mul_ps(a, b);
}

V_INLINE vec v_div(vec a, vec b)
{
    return _mm512_div_ps(a, b);
}

/* Of a NaN the second, in both. */
V_INLINE vec v_max(vec a, vec b)
{
    return _mm512_max_ps(a, b);
}

V_INLINE vec v_min(vec a, vec b)
{
    return _mm512_min_ps(a, b);
}

V_INLINE vec v_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}

V_INLINE vec v_round(vec a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

V_INLINE vec v_scale(vec a, vec n)
{
    return _mm512_scalef_ps(a, n);
}

V_INLINE vec v_widen(const uint8_t *from, int32_t dtype)
{
    return load_16(from, 0xffff, dtype);
}

/* In integers, because the machine's own conversion takes denormals for zero. A NaN stays one. */
V_INLINE __m256i to_bf16(vec v)
{
    __m512i bits = _mm512_castps_si512(v);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    up = _mm512_mask_or_epi32(up, nan, bits, _mm512_set1_epi32(0x400000));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(up, 16));
}

V_INLINE void v_narrow(uint8_t *out, vec v, int32_t dtype)
{
    __m256i h = dtype == INS1_DTYPE_BF16
                    ? to_bf16(v)
                    : _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm256_storeu_si256((__m256i *)(void *)out, h);
}

typedef struct wide_sums {
    __m512d low, high;
} wide_sums;

V_INLINE void wide_sums_add(wide_sums *sums, const float *x)
{
    sums->low = _mm512_add_pd(sums->low, _mm512_cvtps_pd(_mm256_loadu_ps(x)));
    sums->high = _mm512_add_pd(sums->high, _mm512_cvtps_pd(_mm256_loadu_ps(x + 8)));
}

/* Square and sum are rounded one by one. */
V_INLINE void wide_sums_add_squares(wide_sums *sums, const float *x, double less)
{
    __m512d low = _mm512_sub_pd(_mm512_cvtps_pd(_mm256_loadu_ps(x)), _mm512_set1_pd(less));
    __m512d high = _mm512_sub_pd(_mm512_cvtps_pd(_mm256_loadu_ps(x + 8)), _mm512_set1_pd(less));
    sums->low = _mm512_add_pd(sums->low, _mm512_mul_pd(low, low));
    sums->high = _mm512_add_pd(sums->high, _mm512_mul_pd(high, high));
}

#include "backend/cpu/vector_rows.inc"

void s1_rows_init_avx512(s1_kernels *kernels)
{
    init_rows(kernels);
}
