#include "vectors.h"

/* The row operations of this level. */

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
