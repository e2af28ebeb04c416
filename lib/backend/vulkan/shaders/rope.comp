#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

/* A pair of numbers for each invocation. */

layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
    uint x_at, x_stride[3], y_at, y_stride[3];
    uint cos_at, cos_stride[2], sin_at, sin_stride[2];
    uint first_row, n_rows, groups, heads, half_width;
};

BUFFER(0, x)
BUFFER(1, cosines)
BUFFER(2, sines)
BUFFER(3, y)

void main()
{
    uint at = gl_WorkGroupID.x * 64u + gl_LocalInvocationID.x;
    if (at >= n_rows * half_width)
        return;
    uint row = first_row + at / half_width, j = at % half_width;
    uint r = row % heads, g = row / heads % groups, t = row / heads / groups;
    uint from = x_at + t * x_stride[0] + g * x_stride[1] + r * x_stride[2] + j;
    uint to = y_at + t * y_stride[0] + g * y_stride[1] + r * y_stride[2] + j;
    float c = cosines_float[cos_at + t * cos_stride[0] + g * cos_stride[1] + j];
    float s = sines_float[sin_at + t * sin_stride[0] + g * sin_stride[1] + j];
    float a = x_float[from], b = x_float[from + half_width];

    y_float[to] = a * c - b * s;
    y_float[to + half_width] = b * c + a * s;
}
