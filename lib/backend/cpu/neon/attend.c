#include "vectors.h"

/* Attention inside segments: products of F32, of numbers rounded to BF16 before where that is asked
 * for. 24 sums, four vectors of keys or columns, and one weight fill 29 of the 32 registers. */

#define PANEL     4
#define HAS_PAIRS 0
#define IN_TURN   1

V_INLINE vec v_dot(vec a, vec b, vec sum, bool pairs)
{
    (void)pairs;
    return v_fma(a, b, sum);
}

/* There are no pairs. */
V_INLINE vec v_pairs(vec first, vec second)
{
    (void)second;
    return first;
}

V_INLINE vec v_pair(vec even, vec odd)
{
    (void)odd;
    return even;
}

V_INLINE void v_store_pairs(float *to, vec v)
{
    v_store(to, v);
}

#include "backend/cpu/vector_attend.inc"

void s1_attention_init_neon(s1_kernels *kernels)
{
    kernels->attend = attend_vector;
}
