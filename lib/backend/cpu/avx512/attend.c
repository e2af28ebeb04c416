#include "vectors.h"

/* Attention inside segments: products of F32, or of pairs of BF16. */

#define PANEL     4
#define HAS_PAIRS 1
#define IN_TURN   0

V_INLINE vec v_dot(vec a, vec b, vec sum, bool pairs)
{
    return pairs ? _mm512_dpbf16_ps(sum, (__m512bh)_mm512_castps_si512(a),
                                    (__m512bh)_mm512_castps_si512(b))
                 : v_fma(a, b, sum);
}

/* 32 neighbours as 16 pairs. */
V_INLINE vec v_pairs(vec first, vec second)
{
    return _mm512_castsi512_ps((__m512i)_mm512_cvtne2ps_pbh(second, first));
}

/* A pair of each column of two rows. */
V_INLINE vec v_pair(vec even, vec odd)
{
    __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(even));
    __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(odd));
    return _mm512_castsi512_ps(_mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
}

/* Half as many pairs. */
V_INLINE void v_store_pairs(float *to, vec v)
{
    _mm256_storeu_si256((__m256i *)(void *)to, (__m256i)_mm512_cvtneps_pbh(v));
}

#include "backend/cpu/vector_attend.inc"

void s1_attention_init_avx512(s1_kernels *kernels)
{
    kernels->attend = attend_vector;
}
