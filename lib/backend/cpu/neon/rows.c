#include "vectors.h"

/* The row operations of this level. */

typedef struct wide_sums {
    float64x2_t part[8];
} wide_sums;

S1_INLINE void add_part(float64x2_t *sum, float64x2_t v, float64x2_t less, bool square)
{
    if (square) {
        v = vsubq_f64(v, less);
        v = vmulq_f64(v, v);
    }
    *sum = vaddq_f64(*sum, v);
}

S1_INLINE void add_parts(wide_sums *sums, const float *x, double less, bool square)
{
    const float64x2_t all = vdupq_n_f64(less);

    S1_UNROLL
    for (int i = 0; i < 4; i++) {
        float32x4_t v = vld1q_f32(x + 4 * i);
        add_part(&sums->part[2 * i], vcvt_f64_f32(vget_low_f32(v)), all, square);
        add_part(&sums->part[2 * i + 1], vcvt_high_f64_f32(v), all, square);
    }
}

V_INLINE void wide_sums_add(wide_sums *sums, const float *x)
{
    add_parts(sums, x, 0, false);
}

/* Square and sum are rounded one by one. */
V_INLINE void wide_sums_add_squares(wide_sums *sums, const float *x, double less)
{
    add_parts(sums, x, less, true);
}

#include "backend/cpu/vector_rows.inc"

void s1_rows_init_neon(s1_kernels *kernels)
{
    init_rows(kernels);
}
