#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

/* Which results belong to which expert, cut into tiles: one work group sorts them all by counting.
 * The lists: [0] number of tiles; from 1 on a number for each expert; then the results, expert after
 * expert; then of each tile its expert, where its results begin in the lists, and how many they are.
 */

layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
    uint ids_at, n_results, n_experts, tile;
};

BUFFER(0, ids)
BUFFER(1, lists)

void main()
{
    uint lane = gl_LocalInvocationID.x, results_at = 1u + n_experts;
    uint tiles_at = results_at + n_results;

    for (uint e = lane; e < n_experts; e += 64u)
        lists_word[1u + e] = 0;
    memoryBarrierBuffer();
    barrier();
    for (uint p = lane; p < n_results; p += 64u)
        atomicAdd(lists_word[1u + ids_word[ids_at + p]], 1u);
    memoryBarrierBuffer();
    barrier();
    if (lane == 0) {
        uint begin = results_at, n_tiles = 0;
        for (uint e = 0; e < n_experts; e++) {
            uint count = lists_word[1u + e];
            for (uint i = 0; i < count; i += tile) {
                lists_word[tiles_at + n_tiles * 3u] = e;
                lists_word[tiles_at + n_tiles * 3u + 1u] = begin + i;
                lists_word[tiles_at + n_tiles * 3u + 2u] = min(tile, count - i);
                n_tiles++;
            }
            lists_word[1u + e] = begin; /* from here on: where its next result goes */
            begin += count;
        }
        lists_word[0] = n_tiles;
    }
    memoryBarrierBuffer();
    barrier();
    for (uint p = lane; p < n_results; p += 64u) {
        uint place = atomicAdd(lists_word[1u + ids_word[ids_at + p]], 1u);
        lists_word[place] = p;
    }
}
