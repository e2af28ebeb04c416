#ifndef S1_BACKEND_CPU_NEON_VECTORS_H
#define S1_BACKEND_CPU_NEON_VECTORS_H

#include "lines.h"

/* Vectors of 4. */

#define V_INLINE S1_INLINE

enum { WIDTH = 4 };

typedef float32x4_t vec;

V_INLINE vec v_set(float f)
{
    return vdupq_n_f32(f);
}

V_INLINE vec v_load(const float *p)
{
    return vld1q_f32(p);
}

V_INLINE vec v_load_some(const float *p, int64_t n)
{
    float all[WIDTH] = { 0 };
    memcpy(all, p, (size_t)n * sizeof(*p));
    return v_load(all);
}

V_INLINE void v_store(float *p, vec v)
{
    vst1q_f32(p, v);
}

V_INLINE void v_store_some(float *p, vec v, int64_t n)
{
    float all[WIDTH];
    v_store(all, v);
    memcpy(p, all, (size_t)n * sizeof(*p));
}

V_INLINE vec v_add(vec a, vec b)
{
    return vaddq_f32(a, b);
}

V_INLINE vec v_sub(vec a, vec b)
{
    return vsubq_f32(a, b);
}

V_INLINE vec v_mul(vec a, vec b)
{
    return vmulq_f32(a, b);
}

V_INLINE vec v_div(vec a, vec b)
{
    return vdivq_f32(a, b);
}

/* Of a NaN, and of zeros of both signs, the second, in both; the machine's own instructions have
 * other rules. */
V_INLINE vec v_max(vec a, vec b)
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}

V_INLINE vec v_min(vec a, vec b)
{
    return vbslq_f32(vcltq_f32(a, b), a, b);
}

V_INLINE vec v_fma(vec a, vec b, vec c)
{
    return vfmaq_f32(c, a, b);
}

V_INLINE vec v_round(vec a)
{
    return vrndnq_f32(a);
}

V_INLINE vec power_of_two(int32x4_t n)
{
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
}

/* In two halves, so that neither power of two is out of range. */
V_INLINE vec v_scale(vec a, vec n)
{
    int32x4_t whole = vcvtnq_s32_f32(n);
    int32x4_t half = vshrq_n_s32(whole, 1);
    return vmulq_f32(vmulq_f32(a, power_of_two(half)), power_of_two(vsubq_s32(whole, half)));
}

V_INLINE vec v_widen(const uint8_t *from, int32_t dtype)
{
    uint16x4_t halves;
    uint32_t codes;

    switch (dtype) {
    case INS1_DTYPE_F16:
        return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(from)));
    case INS1_DTYPE_F8_E4M3:
        memcpy(&codes, from, sizeof(codes));
        return widen_low(low_codes(widen_f8(vreinterpretq_u8_u32(vdupq_n_u32(codes)))));
    default:
        halves = vreinterpret_u16_u8(vld1_u8(from));
        return vreinterpretq_f32_u32(vshll_n_u16(halves, 16));
    }
}

V_INLINE void v_narrow(uint8_t *out, vec v, int32_t dtype)
{
    if (dtype == INS1_DTYPE_BF16)
        vst1_u8(out, vreinterpret_u8_u16(vshrn_n_u32(vreinterpretq_u32_f32(round_bf16(v)), 16)));
    else
        vst1_u8(out, vreinterpret_u8_f16(vcvt_f16_f32(v)));
}

/* To BF16 and back. */
V_INLINE vec v_rounded(vec v)
{
    return round_bf16(v);
}

/* a * 2^n where neither that nor a is out of the range of normal numbers. */
V_INLINE vec v_times_power(vec a, vec n)
{
    int32x4_t power = vshlq_n_s32(vcvtnq_s32_f32(n), 23);
    return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(a), power));
}

/* The first n <= WIDTH of them, `other` behind. */
V_INLINE vec v_first(vec v, int64_t n, float other)
{
    static const int32_t index[WIDTH] = { 0, 1, 2, 3 };
    return vbslq_f32(vcltq_s32(vld1q_s32(index), vdupq_n_s32((int32_t)n)), v, v_set(other));
}

V_INLINE float v_largest(vec v)
{
    float32x2_t m = vget_low_f32(vextq_f32(v, v, 2));
    float32x2_t low = vget_low_f32(v);
    m = vbsl_f32(vcgt_f32(low, m), low, m);
    float a = vget_lane_f32(m, 0);
    float b = vget_lane_f32(m, 1);
    return a > b ? a : b;
}

/* Halves on halves. */
V_INLINE float v_total(vec v)
{
    float32x2_t m = vadd_f32(vget_low_f32(v), vget_high_f32(v));
    return vget_lane_f32(m, 0) + vget_lane_f32(m, 1);
}

V_INLINE void v_transpose(vec *rows)
{
    transpose_4(rows);
}

#endif
