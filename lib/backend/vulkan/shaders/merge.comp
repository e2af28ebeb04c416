#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

/* What several passes of attention.comp left of one query becomes its result: an invocation for each
 * number. */

layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
    uint y_at, y_stride[3];
    uint t_begin, n_rows, groups, heads, d, n_parts;
};

BUFFER(0, state)
BUFFER(1, y)

void main()
{
    uint at = gl_WorkGroupID.x * 64u + gl_LocalInvocationID.x, width = groups * heads;
    if (at >= n_rows * width * d)
        return;
    uint column = at % d, query = at / d, a_part = n_rows * width;
    uint head = query % heads, g = query / heads % groups, t = t_begin + query / width;
    float top = LOWEST, sum = 0, total = 0;

    for (uint i = 0; i < n_parts; i++)
        top = max(top, state_float[(i * a_part + query) * (d + 2u)]);
    for (uint i = 0; i < n_parts; i++) {
        uint from = (i * a_part + query) * (d + 2u);
        if (state_float[from] == LOWEST)
            continue;
        float factor = exp(state_float[from] - top);
        total += state_float[from + 1u] * factor;
        sum += state_float[from + 2u + column] * factor;
    }
    y_float[y_at + t * y_stride[0] + g * y_stride[1] + head * y_stride[2] + column] = sum / total;
}
