#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

/* A row of the router for each work group. An expert is chosen when fewer than k / groups of its
 * group are better; the order among the chosen is that of their numbers. */

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint MOST = 512; /* experts that fit */

const uint WIDTH = 64;

layout(push_constant) uniform Push {
    uint logits_at, logits_row, ids_at, ids_row, gates_at, gates_row;
    uint first_row, n, k, groups, normalizes;
};

BUFFER(0, logits)
BUFFER(1, ids)
BUFFER(2, gates)

shared float logit[MOST];
shared uint chosen[MOST];
shared float parts[WIDTH];

void main()
{
    uint row = first_row + gl_WorkGroupID.x, lane = gl_LocalInvocationID.x, group = n / groups;

    for (uint i = lane; i < n; i += WIDTH) {
        float value = logits_float[logits_at + row * logits_row + i];
        logit[i] = is_nan(value) ? LOWEST : value;
    }
    barrier();
    float top = LOWEST, sum = 0, kept = 0;
    for (uint i = 0; i < n; i++)
        top = max(top, logit[i]);
    for (uint i = lane; i < n; i += WIDTH) {
        uint rank = 0, first = i / group * group;
        for (uint j = first; j < first + group; j++)
            rank += logit[j] > logit[i] || (logit[j] == logit[i] && j < i) ? 1u : 0u;
        chosen[i] = rank < k / groups ? 1u : 0u;
        sum += exp(logit[i] - top);
    }
    parts[lane] = sum;
    barrier();
    sum = 0;
    for (uint i = 0; i < WIDTH; i++)
        sum += parts[i];
    for (uint i = 0; i < n; i++)
        kept += chosen[i] != 0 ? exp(logit[i] - top) / sum : 0.0;

    for (uint i = lane; i < n; i += WIDTH) {
        if (chosen[i] == 0)
            continue;
        uint place = 0;
        for (uint j = 0; j < i; j++)
            place += chosen[j];
        float gate = exp(logit[i] - top) / sum;
        ids_word[ids_at + row * ids_row + place] = i;
        gates_float[gates_at + row * gates_row + place] = normalizes != 0 ? gate / (kept + 1e-20) : gate;
    }
}
