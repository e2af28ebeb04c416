#include "vectors.h"

/* Attention inside segments: products of F32, of numbers rounded to BF16 before where that is asked
 * for. */

#define PANEL     2
#define HAS_PAIRS 0
#define IN_TURN   0

#include "backend/cpu/vector_attend.inc"

void s1_attention_init_avx2(s1_kernels *kernels)
{
    kernels->attend = attend_vector;
}
