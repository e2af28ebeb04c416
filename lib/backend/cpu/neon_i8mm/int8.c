#include "backend/cpu/neon_dotprod/internal.h"
#include "backend/cpu/weights.h"

#include <arm_neon.h>

/* Products of I8 by the instruction that multiplies two rows of weights, eight columns of each, by
 * as many of two tokens, and adds to four sums. One token is level neon_dotprod's: nothing is to be
 * shared then. Everything else is level neon_bf16's. */

enum { BLOCK = 2 };

S1_INLINE int32x4_t multiply(int32x4_t sums, int8x16_t w, int8x16_t x)
{
    return vmmlaq_s32(sums, w, x);
}

#define EACH_STREAM(use) use(1) use(2) use(3) use(4) use(5) use(6) use(7) use(8)
#define EACH_RUN(use)    EACH_STREAM(use)

#include "backend/cpu/neon/int8.inc"

static void product(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead, void *scratch)
{
    if (p->t == 1)
        s1_product_i8_neon_dotprod(p, begin, end, ahead, scratch);
    else
        product_i8(p, begin, end, ahead, scratch);
}

void s1_i8_init_neon_i8mm(s1_kernels *kernels)
{
    kernels->level = "neon_i8mm";
    kernels->most_tokens[S1_PANEL_I8] = TOKENS;
    kernels->fill_i8 = fill_i8;
    kernels->product_i8 = product;
}
