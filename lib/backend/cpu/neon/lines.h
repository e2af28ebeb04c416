#ifndef S1_BACKEND_CPU_NEON_LINES_H
#define S1_BACKEND_CPU_NEON_LINES_H

#include "backend/cpu/weights.h"

#include <arm_neon.h>

/* From weights as they lie in memory to pairs, in F32. */

/* Two rows, four neighbouring columns of each; or eight neighbours. */
typedef struct pair {
    float32x4_t v[2];
} pair;

/* Four columns of a token. */
typedef float32x4_t cell;

/* Nothing is to be remembered of F8: its NaN is widened to one. */
typedef uint8_t nans;

S1_INLINE nans nans_none(void)
{
    return 0;
}

S1_INLINE bool has_nan(nans none)
{
    (void)none;
    return false;
}

/* The upper half of an F32 is a BF16. */
S1_INLINE float32x4_t widen_low(uint16x8_t bf16)
{
    return vreinterpretq_f32_u16(vzip1q_u16(vdupq_n_u16(0), bf16));
}

S1_INLINE float32x4_t widen_high(uint16x8_t bf16)
{
    return vreinterpretq_f32_u16(vzip2q_u16(vdupq_n_u16(0), bf16));
}

/* The bytes of BF16: codes of F8 from 8 on have a leading one, so their bits only move by four
 * places, and the exponent is another by 120. Those of the codes below come from tables. */
typedef struct f8_bytes {
    uint8x16_t low, high;
} f8_bytes;

static const uint8_t f8_low[16]
    __attribute__((aligned(16))) = { 0x00, 0x00, 0x80, 0xc0, 0x00, 0x20, 0x40, 0x60,
                                     0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0 };
static const uint8_t f8_high[16]
    __attribute__((aligned(16))) = { 0x00, 0x3b, 0x3b, 0x3b, 0x3c, 0x3c, 0x3c, 0x3c,
                                     0x3c, 0x3c, 0x3c, 0x3c, 0x3c, 0x3c, 0x3c, 0x3c };

S1_INLINE f8_bytes widen_f8(uint8x16_t codes)
{
    const uint8x16_t magnitude = vandq_u8(codes, vdupq_n_u8(0x7f));
    uint8x16_t high = vaddq_u8(vshrq_n_u8(magnitude, 4), vdupq_n_u8(0x3c));
    uint8x16_t low = vshlq_n_u8(codes, 4);

    /* What is not in the table stays as it is. */
    high = vqtbx1q_u8(high, vld1q_u8(f8_high), magnitude);
    low = vqtbx1q_u8(low, vld1q_u8(f8_low), magnitude);
    high = vorrq_u8(high, vceqq_u8(magnitude, vdupq_n_u8(0x7f))); /* NaN */
    return (f8_bytes){ low, vbslq_u8(vdupq_n_u8(0x80), codes, high) };
}

S1_INLINE uint16x8_t low_codes(f8_bytes bytes)
{
    return vreinterpretq_u16_u8(vzip1q_u8(bytes.low, bytes.high));
}

S1_INLINE uint16x8_t high_codes(f8_bytes bytes)
{
    return vreinterpretq_u16_u8(vzip2q_u8(bytes.low, bytes.high));
}

S1_INLINE uint16x8_t load_halves(const uint8_t *from)
{
    return vreinterpretq_u16_u8(vld1q_u8(from));
}

S1_INLINE float32x4_t load_floats(const uint8_t *from)
{
    return vreinterpretq_f32_u8(vld1q_u8(from));
}

/* Eight neighbours as F32. */
S1_INLINE pair load_8(const uint8_t *from, int32_t dtype)
{
    uint16x8_t halves;

    switch (dtype) {
    case INS1_DTYPE_F32:
        return (pair){ { load_floats(from), load_floats(from + 16) } };
    case INS1_DTYPE_F16:
        halves = load_halves(from);
        return (pair){ { vcvt_f32_f16(vget_low_f16(vreinterpretq_f16_u16(halves))),
                         vcvt_high_f32_f16(vreinterpretq_f16_u16(halves)) } };
    case INS1_DTYPE_F8_E4M3:
        halves = low_codes(widen_f8(vcombine_u8(vld1_u8(from), vdup_n_u8(0))));
        break;
    default:
        halves = load_halves(from);
        break;
    }
    return (pair){ { widen_low(halves), widen_high(halves) } };
}

/* 16 columns of a row, of pairs the first or second part. */
S1_INLINE void load_columns(pair out[4], int part, const uint8_t *from, int32_t dtype)
{
    if (dtype == INS1_DTYPE_F8_E4M3) {
        f8_bytes bytes = widen_f8(vld1q_u8(from));
        uint16x8_t halves[2] = { low_codes(bytes), high_codes(bytes) };
        S1_UNROLL
        for (int i = 0; i < 2; i++) {
            out[2 * i].v[part] = widen_low(halves[i]);
            out[2 * i + 1].v[part] = widen_high(halves[i]);
        }
        return;
    }
    S1_UNROLL
    for (int i = 0; i < 2; i++) {
        pair eight = load_8(from + 8 * i * element_size(dtype), dtype);
        out[2 * i].v[part] = eight.v[0];
        out[2 * i + 1].v[part] = eight.v[1];
    }
}

/* 16 columns of two rows as four pairs. */
S1_INLINE void load_pairs(pair out[4], const uint8_t *a, const uint8_t *b, int32_t dtype,
                          nans *seen)
{
    (void)seen;
    load_columns(out, 0, a, dtype);
    load_columns(out, 1, b, dtype);
}

/* To BF16 and back, to nearest even; a NaN stays one. */
S1_INLINE float32x4_t round_bf16(float32x4_t v)
{
    uint32x4_t bits = vreinterpretq_u32_f32(v);
    uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    uint32x4_t up = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
    uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
    uint32x4_t rounded = vbslq_u32(vceqq_f32(v, v), up, quiet);
    return vreinterpretq_f32_u32(vandq_u32(rounded, vdupq_n_u32(0xffff0000)));
}

S1_INLINE cell cell_load(const float *from)
{
    return vld1q_f32(from);
}

/* 24 sums and the weights of a step leave four registers for tokens, and widening codes of F8 takes
 * many: with all loaded at once, compilers put sums into memory. */
S1_INLINE void load_no_earlier(void)
{
    __asm__ volatile("" ::: "memory");
}

S1_INLINE pair pair_set(float f)
{
    return (pair){ { vdupq_n_f32(f), vdupq_n_f32(f) } };
}

S1_INLINE pair pair_zero(void)
{
    return pair_set(0.0f);
}

S1_INLINE pair pair_load(const float *from)
{
    return (pair){ { vld1q_f32(from), vld1q_f32(from + 4) } };
}

S1_INLINE void pair_store(float *to, pair p)
{
    vst1q_f32(to, p.v[0]);
    vst1q_f32(to + 4, p.v[1]);
}

S1_INLINE pair pair_add(pair a, pair b)
{
    return (pair){ { vaddq_f32(a.v[0], b.v[0]), vaddq_f32(a.v[1], b.v[1]) } };
}

S1_INLINE pair pair_fma(pair a, pair b, pair c)
{
    return (pair){ { vfmaq_f32(c.v[0], a.v[0], b.v[0]), vfmaq_f32(c.v[1], a.v[1], b.v[1]) } };
}

S1_INLINE pair pair_fma_cell(pair w, cell x, pair sum)
{
    return (pair){ { vfmaq_f32(sum.v[0], w.v[0], x), vfmaq_f32(sum.v[1], w.v[1], x) } };
}

/* Rows become columns. */
S1_INLINE void transpose_4(float32x4_t rows[4])
{
    float32x4_t a = vzip1q_f32(rows[0], rows[2]);
    float32x4_t b = vzip2q_f32(rows[0], rows[2]);
    float32x4_t c = vzip1q_f32(rows[1], rows[3]);
    float32x4_t d = vzip2q_f32(rows[1], rows[3]);

    rows[0] = vzip1q_f32(a, c);
    rows[1] = vzip2q_f32(a, c);
    rows[2] = vzip1q_f32(b, d);
    rows[3] = vzip2q_f32(b, d);
}

/* Four columns of eight rows become four pairs. */
S1_INLINE void transpose_8(pair out[4], const pair columns[4])
{
    S1_UNROLL
    for (int half = 0; half < 2; half++) {
        float32x4_t rows[4] = { columns[0].v[half], columns[1].v[half], columns[2].v[half],
                                columns[3].v[half] };
        transpose_4(rows);
        out[2 * half] = (pair){ { rows[0], rows[1] } };
        out[2 * half + 1] = (pair){ { rows[2], rows[3] } };
    }
}

/* (0 + 1) + (2 + 3) of each of four rows. */
S1_INLINE float32x4_t sum_four(pair a, pair b)
{
    return vpaddq_f32(vpaddq_f32(a.v[0], a.v[1]), vpaddq_f32(b.v[0], b.v[1]));
}

/* Lanes of 8 rows become 8 sums. */
S1_INLINE pair sum_lanes(pair a, pair b, pair c, pair d)
{
    return (pair){ { sum_four(a, b), sum_four(c, d) } };
}

#include "backend/cpu/vector_lines.inc"

#endif
