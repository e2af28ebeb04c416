#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

/* Few rows of x: a work group reads two rows of weights once, its invocations side by side along k,
 * and multiplies them with up to eight rows of x. With a choice of experts each work group has one
 * row of y, whose expert it looks up. */

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint TYPE = 0;   /* of the weights */
layout(constant_id = 1) const uint ROWS = 1;   /* of x */
layout(constant_id = 2) const uint PACKED = 0; /* rows of weights begin with a word and end with one */
layout(constant_id = 3) const uint EXPERTS = 0;

const uint COLUMNS = 2, WIDTH = 64;

layout(push_constant) uniform Push {
    uint w_at, w_row, w_column; /* elements */
    uint x_at, x_row, y_at, y_row;
    uint scale_at, scale_row, scale_type;
    uint bias_at, bias_type;
    uint t_end, n_begin, n_end, k_begin, k_end;
    uint t_begin, rounds, adds;
    uint ids_at, each, group;
};

BUFFER(0, w)
BUFFER(1, scale)
BUFFER(2, x)
BUFFER(3, bias)
BUFFER(4, y)
BUFFER(5, ids)
BUFFER(6, table)
ELEMENTS(w)
ELEMENTS(scale)
ELEMENTS(bias)

shared float parts[COLUMNS * ROWS][WIDTH];

float scale_of(uint base, uint n, uint k)
{
    return scale_type == NONE ? 1.0
                              : scale_element(scale_type, base + (n >> 7) * scale_row + (k >> 7));
}

float input_of(uint row, uint k)
{
    float value = x_float[x_at + row * x_row + k];
    return rounds != 0 ? round_to_bf16(value) : value;
}

void main()
{
    uint n0 = n_begin + gl_WorkGroupID.x * COLUMNS, t0 = t_begin + gl_WorkGroupID.y * ROWS;
    uint lane = gl_LocalInvocationID.x;
    uint weights = w_at, scales = scale_at, row = t0;
    float sum[COLUMNS * ROWS];

    if (EXPERTS != 0) {
        uint entry = ids_word[ids_at + t0] * 4u;
        if (table_word[entry] != group)
            return;
        weights = table_word[entry + 1u];
        scales = table_word[entry + 2u];
        row = t0 / each;
    }
    [[unroll]] for (uint i = 0; i < COLUMNS * ROWS; i++)
        sum[i] = 0;

    uint step = PACKED == 0 || TYPE == F32 ? 1u : TYPE == F8 ? 4u : 2u;
    for (uint k = k_begin + lane * step; k < k_end; k += WIDTH * step) {
        [[unroll]] for (uint c = 0; c < COLUMNS; c++) {
            uint n = min(n0 + c, n_end - 1u);
            uint at = weights + n * w_row + k * w_column;
            float scale = scale_of(scales, n, k);
            if (step == 1u) {
                float value = w_element(TYPE, at) * scale;
                [[unroll]] for (uint t = 0; t < ROWS; t++)
                    sum[c * ROWS + t] += value * input_of(min(row + t, t_end - 1u), k);
            } else {
                uint word = w_word[TYPE == F8 ? at >> 2 : at >> 1];
                for (uint j = 0; j < step; j++) {
                    float value = TYPE == F8    ? from_f8(word & 0xffu)
                                  : TYPE == F16 ? from_f16(word & 0xffffu)
                                                : from_bf16(word & 0xffffu);
                    word >>= TYPE == F8 ? 8 : 16;
                    [[unroll]] for (uint t = 0; t < ROWS; t++)
                        sum[c * ROWS + t] += value * scale * input_of(min(row + t, t_end - 1u), k + j);
                }
            }
        }
    }

    uint n_parts = WIDTH;
#ifdef SUBGROUPS
    n_parts = gl_NumSubgroups;
    [[unroll]] for (uint i = 0; i < COLUMNS * ROWS; i++) {
        float all = subgroupAdd(sum[i]);
        if (gl_SubgroupInvocationID == 0)
            parts[i][gl_SubgroupID] = all;
    }
#else
    [[unroll]] for (uint i = 0; i < COLUMNS * ROWS; i++)
        parts[i][lane] = sum[i];
#endif
    barrier();
    if (lane >= COLUMNS * ROWS)
        return;
    uint n = n0 + lane / ROWS, t = t0 + lane % ROWS;
    if (n >= n_end || t >= t_end)
        return;
    float result = 0;
    for (uint i = 0; i < n_parts; i++)
        result += parts[lane][i];
    if (bias_type != NONE)
        result += bias_element(bias_type, bias_at + n);
    uint to = y_at + t * y_row + n;
    y_float[to] = adds != 0 ? y_float[to] + result : result;
}
