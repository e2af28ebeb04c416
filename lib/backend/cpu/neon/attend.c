#include "vectors.h"

/* Attention inside segments: products of F32, of numbers rounded to BF16 before where that is asked
 * for. 24 sums, four vectors of keys or columns, and one weight fill 29 of the 32 registers. */

#define PANEL     4
#define HAS_PAIRS 0
#define IN_TURN   1

#include "backend/cpu/vector_attend.inc"

void s1_attention_init_neon(s1_kernels *kernels)
{
    kernels->attend = attend_vector;
}
