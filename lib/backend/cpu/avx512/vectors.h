#ifndef S1_BACKEND_CPU_AVX512_VECTORS_H
#define S1_BACKEND_CPU_AVX512_VECTORS_H

#include "lines.h"

/* Vectors of 16. */

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

/* To BF16 and back. */
V_INLINE vec v_rounded(vec v)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(to_bf16(v)), 16));
}

/* a * 2^n where neither that nor a is out of the range of normal numbers. */
V_INLINE vec v_times_power(vec a, vec n)
{
    return _mm512_scalef_ps(a, n);
}

/* The first n <= WIDTH of them, `other` behind. */
V_INLINE vec v_first(vec v, int64_t n, float other)
{
    return _mm512_mask_mov_ps(_mm512_set1_ps(other), (__mmask16)((1u << n) - 1), v);
}

V_INLINE float v_largest(vec v)
{
    return _mm512_reduce_max_ps(v);
}

/* Halves on halves. */
V_INLINE float v_total(vec v)
{
    __m256 h = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 m = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    m = _mm_add_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_add_ss(m, _mm_shuffle_ps(m, m, 1)));
}

/* Rows become columns. */
V_INLINE void v_transpose(vec *rows)
{
    __m512 t[16], u[16];

    S1_UNROLL
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
    }
    S1_UNROLL
    for (int i = 0; i < 4; i++) {
        u[4 * i] = _mm512_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
        u[4 * i + 1] = _mm512_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
        u[4 * i + 2] = _mm512_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
        u[4 * i + 3] = _mm512_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
    }
    /* Quarters: row 4 * q + i of column block c lies in quarter c of u[4 * q + i]. */
    S1_UNROLL
    for (int i = 0; i < 4; i++) {
        __m512 a = _mm512_shuffle_f32x4(u[i], u[4 + i], 0x88);
        __m512 b = _mm512_shuffle_f32x4(u[i], u[4 + i], 0xdd);
        __m512 c = _mm512_shuffle_f32x4(u[8 + i], u[12 + i], 0x88);
        __m512 d = _mm512_shuffle_f32x4(u[8 + i], u[12 + i], 0xdd);
        rows[i] = _mm512_shuffle_f32x4(a, c, 0x88);
        rows[4 + i] = _mm512_shuffle_f32x4(b, d, 0x88);
        rows[8 + i] = _mm512_shuffle_f32x4(a, c, 0xdd);
        rows[12 + i] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
}

#endif
