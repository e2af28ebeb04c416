#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

/* A number for each invocation: the operations that need nothing else of its row. */

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint OP = 0; /* the number of sys/backend.h */
layout(constant_id = 1) const uint ACT = 0; /* the same */
layout(constant_id = 2) const uint TYPE = 0; /* of the scale, or the table */

const uint COMBINE = 8, ACT_MUL = 9, ADD = 10, SCALE = 11, GET_ROWS = 12, ACTIVATE = 14, ADD_SCALED = 15, MEAN = 17;
const uint SILU = 1, GELU = 2, GELU_TANH = 3, RELU = 4;

layout(push_constant) uniform Push {
    uint y_at, y_row, a_at, a_row, a_segment, b_at, b_row;
    uint first_row, n, count; /* COMBINE: experts of a row; ADD: rows of b; MEAN: rows of a segment */
    uint row_begin, row_end; /* what is bound of the table of GET_ROWS, or of the segment of MEAN */
    float factor;
};

BUFFER(0, y)
BUFFER(1, a)
BUFFER(2, b)
ELEMENTS(a)
ELEMENTS(b)

/* Abramowitz and Stegun 7.1.26. */
float error_function(float x)
{
    float t = 1.0 / (1.0 + 0.3275911 * abs(x));
    float p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    float y = 1.0 - p * exp(-x * x);
    return x < 0.0 ? -y : y;
}

float activate(float x)
{
    if (ACT == SILU)
        return x / (1.0 + exp(-x));
    if (ACT == GELU)
        return 0.5 * x * (1.0 + error_function(x * 0.70710678118654752));
    if (ACT == GELU_TANH) {
        float u = 0.7978845608028654 * (x + 0.044715 * x * x * x);
        return x / (1.0 + exp(-2.0 * u));
    }
    return is_nan(x) ? x : max(x, 0.0);
}

void main()
{
    uint i = gl_WorkGroupID.x * 64u + gl_LocalInvocationID.x, t = first_row + gl_WorkGroupID.y;
    if (i >= n)
        return;
    uint y = y_at + t * y_row + i, a = a_at + t * a_row + i;

    if (OP == COMBINE) {
        float sum = y_float[y];
        for (uint j = 0; j < count; j++)
            sum += b_float[b_at + t * b_row + j] * a_float[a_at + (t * count + j) * a_row + i];
        y_float[y] = sum;
    } else if (OP == ACT_MUL) {
        y_float[y] = activate(a_float[a]) * b_float[b_at + t * b_row + i];
    } else if (OP == ADD) {
        y_float[y] = a_float[a] + b_float[b_at + t % count * b_row + i];
    } else if (OP == SCALE) {
        y_float[y] = a_float[a] * factor;
    } else if (OP == GET_ROWS) {
        uint row = b_word[b_at + t];
        if (row >= row_begin && row < row_end)
            y_float[y] = a_element(TYPE, a_at + row * a_row + i);
    } else if (OP == ACTIVATE) {
        y_float[y] = activate(a_float[a]);
    } else if (OP == ADD_SCALED) {
        y_float[y] += a_float[a] * b_element(TYPE, b_at + i);
    } else {
        float sum = row_begin > 0 ? y_float[y] : 0.0;
        for (uint j = row_begin; j < row_end; j++)
            sum += a_float[a_at + t * a_segment + j * a_row + i];
        y_float[y] = row_end == count ? sum / float(count) : sum;
    }
}
