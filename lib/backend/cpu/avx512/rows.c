#include "vectors.h"

/* The row operations of this level. */

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
