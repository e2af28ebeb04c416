#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

/* A row for each work group: RMSNORM, or with CENTERED LAYERNORM. */

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint CENTERED = 0;

const uint WIDTH = 64;

layout(push_constant) uniform Push {
    uint x_at, x_stride[3], y_at, y_stride[3]; /* of the three axes before the last */
    uint dim[2];                               /* of the second and third of them */
    uint first_row, n;
    uint weight_at, weight_type, bias_at, bias_type;
    float eps;
};

BUFFER(0, x)
BUFFER(1, weight)
BUFFER(2, bias)
BUFFER(3, y)
ELEMENTS(weight)
ELEMENTS(bias)

shared float parts[WIDTH];

float sum_of_all(float mine)
{
    uint n_parts = WIDTH;
    barrier();
#ifdef SUBGROUPS
    n_parts = gl_NumSubgroups;
    float all = subgroupAdd(mine);
    if (gl_SubgroupInvocationID == 0)
        parts[gl_SubgroupID] = all;
#else
    parts[gl_LocalInvocationID.x] = mine;
#endif
    barrier();
    float sum = 0;
    for (uint i = 0; i < n_parts; i++)
        sum += parts[i];
    return sum;
}

void main()
{
    uint row = first_row + gl_WorkGroupID.x, lane = gl_LocalInvocationID.x;
    uint c = row % dim[1], b = row / dim[1] % dim[0], a = row / dim[1] / dim[0];
    uint from = x_at + a * x_stride[0] + b * x_stride[1] + c * x_stride[2];
    uint to = y_at + a * y_stride[0] + b * y_stride[1] + c * y_stride[2];
    float mean = 0, mine = 0;

    if (CENTERED != 0) {
        for (uint i = lane; i < n; i += WIDTH)
            mine += x_float[from + i];
        mean = sum_of_all(mine) / float(n);
        mine = 0;
    }
    for (uint i = lane; i < n; i += WIDTH) {
        float d = x_float[from + i] - mean;
        mine += d * d;
    }
    float factor = 1.0 / sqrt(sum_of_all(mine) / float(n) + eps);
    for (uint i = lane; i < n; i += WIDTH) {
        float value = (x_float[from + i] - mean) * factor *
                      weight_element(weight_type, weight_at + i);
        if (bias_type != NONE)
            value += bias_element(bias_type, bias_at + i);
        y_float[to + i] = value;
    }
}
