#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

/* A number of a key and one of a value for each invocation, as far as their page is one of those
 * that are bound. */

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint K_TYPE = 0;
layout(constant_id = 1) const uint V_TYPE = 0;

layout(push_constant) uniform Push {
    uint k_at, k_stride[2], v_at, v_stride[2];
    uint rows_at, rows_stride, pages_at, pages_stride;
    uint k_pool_at, k_pool_stride[3], v_pool_at, v_pool_stride[3];
    uint first_row, n_rows, groups, d;
    uint page_length, page_begin, page_end;
};

BUFFER(0, k)
BUFFER(1, v)
BUFFER(2, rows)
BUFFER(3, pages)
BUFFER(4, k_pool)
BUFFER(5, v_pool)

/* Without 16-bit stores two invocations share a word, and each changes its own half of it. */
#ifdef HALVES
#define PUT_HALF(pool, at, bits) pool##_h[at] = uint16_t(bits)
#else
#define PUT_HALF(pool, at, bits)                                                                   \
    {                                                                                              \
        uint shift = ((at) & 1u) * 16u;                                                            \
        atomicAnd(pool##_word[(at) >> 1], ~(0xffffu << shift));                                    \
        atomicOr(pool##_word[(at) >> 1], (bits) << shift);                                         \
    }
#endif
#define PUT(pool, type, at, value)                                                                 \
    if (type == F32) {                                                                             \
        pool##_float[at] = value;                                                                  \
    } else {                                                                                       \
        uint bits = type == F16 ? to_f16(value) : to_bf16(value);                                  \
        PUT_HALF(pool, at, bits);                                                                  \
    }

void main()
{
    uint at = gl_WorkGroupID.x * 64u + gl_LocalInvocationID.x;
    if (at >= n_rows * groups * d)
        return;
    uint i = at % d, g = at / d % groups, t = first_row + at / d / groups;
    uint line = rows_word[rows_at + t * rows_stride];
    uint position = rows_word[rows_at + t * rows_stride + 1u];
    uint page = pages_word[pages_at + line * pages_stride + position / page_length];
    if (page < page_begin || page >= page_end)
        return;
    position %= page_length;
    uint k_to = k_pool_at + page * k_pool_stride[0] + g * k_pool_stride[1] +
                position * k_pool_stride[2] + i;
    uint v_to = v_pool_at + page * v_pool_stride[0] + g * v_pool_stride[1] +
                position * v_pool_stride[2] + i;
    PUT(k_pool, K_TYPE, k_to, k_float[k_at + t * k_stride[0] + g * k_stride[1] + i])
    PUT(v_pool, V_TYPE, v_to, v_float[v_at + t * v_stride[0] + g * v_stride[1] + i])
}
