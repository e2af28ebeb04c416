#ifndef S1_BACKEND_CPU_AVX2_VECTORS_H
#define S1_BACKEND_CPU_AVX2_VECTORS_H

#include "lines.h"

/* Vectors of 8. */

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

/* To BF16 and back. */
V_INLINE vec v_rounded(vec v)
{
    return round_bf16(v);
}

/* a * 2^n where neither that nor a is out of the range of normal numbers. */
V_INLINE vec v_times_power(vec a, vec n)
{
    __m256i power = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), power));
}

/* The first n <= WIDTH of them, `other` behind. */
V_INLINE vec v_first(vec v, int64_t n, float other)
{
    return _mm256_blendv_ps(_mm256_set1_ps(other), v, _mm256_castsi256_ps(mask_of(n)));
}

V_INLINE float v_largest(vec v)
{
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_shuffle_ps(m, m, 1)));
}

/* Halves on halves. */
V_INLINE float v_total(vec v)
{
    __m128 m = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    m = _mm_add_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_add_ss(m, _mm_shuffle_ps(m, m, 1)));
}

/* Rows become columns. */
V_INLINE void v_transpose(vec *rows)
{
    __m256 t[8], u[8];

    S1_UNROLL
    for (int i = 0; i < 4; i++) {
        t[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
        t[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
    }
    S1_UNROLL
    for (int i = 0; i < 2; i++) {
        u[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
        u[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
        u[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
        u[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
    }
    S1_UNROLL
    for (int i = 0; i < 4; i++) {
        rows[i] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
        rows[i + 4] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
    }
}

#endif
