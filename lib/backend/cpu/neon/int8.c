#include "backend/cpu/weights.h"

#include <arm_neon.h>

/* Products of I8 on cores without instructions for them: to 16 bits, then two neighbours to 32.
 * Adding two products in 16 bits would overflow where all four are -128. */

enum { BLOCK = 1 };

S1_INLINE int32x4_t multiply(int32x4_t sums, int8x16_t w, int8x16_t x)
{
    sums = vpadalq_s16(sums, vmull_s8(vget_low_s8(w), vget_low_s8(x)));
    return vpadalq_s16(sums, vmull_high_s8(w, x));
}

#define EACH_STREAM(use) use(1) use(2)
#define EACH_RUN(use)    use(1) use(2) use(3) use(4)

#include "backend/cpu/neon/int8.inc"

void s1_i8_init_neon(s1_kernels *kernels)
{
    kernels->most_tokens[S1_PANEL_I8] = TOKENS;
    kernels->fill_i8 = fill_i8;
    kernels->product_i8 = product_i8;
}
