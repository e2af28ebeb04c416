#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

/* Many rows of x: a tile of y for each work group. Tiles of x and of the weights, widened and
 * scaled, go through shared memory; each invocation keeps HIGH x WIDE sums. With experts the rows of
 * a tile are those that went to one of them, from the lists that experts.comp made. */

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint TYPE = 0; /* of the weights */
layout(constant_id = 1) const uint HIGH = 4; /* 8 * HIGH rows of x */
layout(constant_id = 2) const uint WIDE = 4; /* 8 * WIDE rows of weights */
layout(constant_id = 3) const uint EXPERTS = 0;

const uint SIDE = 8, WIDTH = 64, DEPTH = 16;
const uint TILE_T = SIDE * HIGH, TILE_N = SIDE * WIDE;

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
BUFFER(5, lists)
BUFFER(6, table)
ELEMENTS(w)
ELEMENTS(scale)
ELEMENTS(bias)

shared float xs[TILE_T][DEPTH + 1];
shared float ws[TILE_N][DEPTH + 1];
shared uint results[TILE_T]; /* rows of y */

void load_x(uint n_rows, uint k0)
{
    for (uint i = gl_LocalInvocationID.x; i < TILE_T * DEPTH; i += WIDTH) {
        uint row = i / DEPTH, k = k0 + i % DEPTH;
        float value = 0;
        if (row < n_rows && k < k_end) {
            uint t = EXPERTS != 0 ? results[row] / each : results[row];
            value = x_float[x_at + t * x_row + k];
            value = rounds != 0 ? round_to_bf16(value) : value;
        }
        xs[row][i % DEPTH] = value;
    }
}

/* Along the axis that is dense in memory. */
void load_w(uint weights, uint scales, uint n0, uint k0)
{
    for (uint i = gl_LocalInvocationID.x; i < TILE_N * DEPTH; i += WIDTH) {
        uint row = w_column == 1u ? i / DEPTH : i % TILE_N;
        uint column = w_column == 1u ? i % DEPTH : i / TILE_N;
        uint n = n0 + row, k = k0 + column;
        float value = 0;
        if (n < n_end && k < k_end) {
            value = w_element(TYPE, weights + n * w_row + k * w_column);
            if (scale_type != NONE)
                value *= scale_element(scale_type, scales + (n >> 7) * scale_row + (k >> 7));
        }
        ws[row][column] = value;
    }
}

void main()
{
    uint lane = gl_LocalInvocationID.x, high = lane / SIDE, wide = lane % SIDE;
    uint n0 = n_begin + gl_WorkGroupID.x * TILE_N, t0 = t_begin + gl_WorkGroupID.y * TILE_T;
    uint weights = w_at, scales = scale_at, n_rows, first = 0;
    float sum[HIGH * WIDE];

    if (EXPERTS != 0) {
        uint tile = t_begin + gl_WorkGroupID.y;
        if (tile >= lists_word[0])
            return;
        uint entry = lists_word[ids_at + tile * 3u] * 4u;
        if (table_word[entry] != group)
            return;
        weights = table_word[entry + 1u];
        scales = table_word[entry + 2u];
        first = lists_word[ids_at + tile * 3u + 1u];
        n_rows = lists_word[ids_at + tile * 3u + 2u];
    } else {
        n_rows = min(TILE_T, t_end - t0);
    }
    for (uint i = lane; i < n_rows; i += WIDTH)
        results[i] = EXPERTS != 0 ? lists_word[first + i] : t0 + i;
    [[unroll]] for (uint i = 0; i < HIGH * WIDE; i++)
        sum[i] = 0;

    for (uint k0 = k_begin; k0 < k_end; k0 += DEPTH) {
        barrier();
        load_x(n_rows, k0);
        load_w(weights, scales, n0, k0);
        barrier();
        for (uint k = 0; k < DEPTH; k++) {
            float a[HIGH], b[WIDE];
            [[unroll]] for (uint i = 0; i < HIGH; i++)
                a[i] = xs[high + i * SIDE][k];
            [[unroll]] for (uint j = 0; j < WIDE; j++)
                b[j] = ws[wide + j * SIDE][k];
            [[unroll]] for (uint i = 0; i < HIGH; i++)
                [[unroll]] for (uint j = 0; j < WIDE; j++)
                    sum[i * WIDE + j] += a[i] * b[j];
        }
    }
    barrier();
    [[unroll]] for (uint i = 0; i < HIGH; i++) {
        uint row = high + i * SIDE;
        if (row >= n_rows)
            continue;
        [[unroll]] for (uint j = 0; j < WIDE; j++) {
            uint n = n0 + wide + j * SIDE;
            if (n >= n_end)
                continue;
            float result = sum[i * WIDE + j];
            if (bias_type != NONE)
                result += bias_element(bias_type, bias_at + n);
            uint to = y_at + results[row] * y_row + n;
            y_float[to] = adds != 0 ? y_float[to] + result : result;
        }
    }
}
