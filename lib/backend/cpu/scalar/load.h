#ifndef S1_BACKEND_CPU_SCALAR_LOAD_H
#define S1_BACKEND_CPU_SCALAR_LOAD_H

#include "backend/cpu/kernels.h"
#include "tensor/widen.h"

#include <string.h>

/* Element `at` of weights, scales or a bias. */
static inline float load_float(const uint8_t *p, int32_t dtype, int64_t at)
{
    float f;
    uint16_t h;

    switch (dtype) {
    case INS1_DTYPE_F32:
        memcpy(&f, p + at * 4, sizeof(f));
        return f;
    case INS1_DTYPE_BF16:
        memcpy(&h, p + at * 2, sizeof(h));
        return s1_from_bf16(h);
    case INS1_DTYPE_F16:
        memcpy(&h, p + at * 2, sizeof(h));
        return s1_from_f16(h);
    case INS1_DTYPE_F8_E4M3:
        return s1_from_f8_e4m3(p[at]);
    default: /* U8: a power of two; its smallest is a denormal */
        return p[at] ? s1_from_bits((uint32_t)p[at] << 23) : 0x1p-127f;
    }
}

#endif
