#include "internal.h"

#include "backend/cpu/weights.h"

#include <arm_neon.h>

/* Products of I8 by the instruction that multiplies 16 of them by as many and adds them to four
 * sums. Everything else is level neon's. */

enum { BLOCK = 1 };

S1_INLINE int32x4_t multiply(int32x4_t sums, int8x16_t w, int8x16_t x)
{
    return vdotq_s32(sums, w, x);
}

#define EACH_STREAM(use) use(1) use(2)
#define EACH_RUN(use)    use(1) use(2) use(3) use(4)

#include "backend/cpu/neon/int8.inc"

void s1_product_i8_neon_dotprod(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead,
                                void *scratch)
{
    product_i8(p, begin, end, ahead, scratch);
}

void s1_i8_init_neon_dotprod(s1_kernels *kernels)
{
    kernels->level = "neon_dotprod";
    kernels->most_tokens[S1_PANEL_I8] = TOKENS;
    kernels->has_i8_dot = true;
    kernels->fill_i8 = fill_i8;
    kernels->product_i8 = product_i8;
}
