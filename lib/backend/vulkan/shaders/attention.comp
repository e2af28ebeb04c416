#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

/* A tile of queries of one group for each work group: keys and values pass through shared memory a
 * tile of positions at a time, and the softmax streams. What one work group cannot or shall not see
 * of the positions (a split of a long line, pages that are bound in another pass) it leaves out: it
 * then writes the largest score, the sum of weights and the weighted sum, for merge.comp, or for
 * the next pass to go on with, which gives the same bits as one pass.
 *
 * PAGED: ATTENTION, queries of up to ROWS rows, keys and values in pages; neighbours of one line
 * share a pass. Else SELF_ATTENTION: a segment and head have their own keys. */

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint ROOM = 64;    /* numbers of a head that fit, a multiple of 64 */
layout(constant_id = 1) const uint QUERIES = 16; /* of a tile */
layout(constant_id = 2) const uint POSITIONS = 32;
layout(constant_id = 3) const uint PAGED = 1;
layout(constant_id = 4) const uint K_TYPE = 0;
layout(constant_id = 5) const uint V_TYPE = 0;

const uint WIDTH = 64, COLUMNS = ROOM / WIDTH, SUMS = COLUMNS * QUERIES;
const uint STEP = WIDTH / POSITIONS, SCORES = (QUERIES + STEP - 1) / STEP; /* of an invocation */

layout(push_constant) uniform Push {
    uint q_at, q_stride[3], y_at, y_stride[3];
    uint k_at, k_stride[3], v_at, v_stride[3];
    uint rows_at, rows_stride, pages_at, pages_stride;
    uint t_begin, t_end, heads; /* PAGED: heads of a group, else of a segment */
    uint page_length, page_begin, page_end; /* the length of a segment where there are no pages */
    uint from, split, state_at; /* positions that a work group takes of a line, and the first */
    uint flags; /* 1: writes the state; 2: rounds; 4: causal; 8: goes on with the state */
    float factor;
    uint width; /* of a head */
};

BUFFER(0, q)
BUFFER(1, k)
BUFFER(2, v)
BUFFER(3, rows)
BUFFER(4, pages)
BUFFER(5, y)
BUFFER(6, state)
ELEMENTS(k)
ELEMENTS(v)

shared float queries[QUERIES][ROOM + 1];
shared float tile[POSITIONS][ROOM + 1];
shared float weight[QUERIES][POSITIONS + 1];
shared float largest[QUERIES], total[QUERIES], rescale[QUERIES];
shared uint limit[QUERIES]; /* positions that a query sees; 0 outside of the run */
shared uint k_from[POSITIONS], v_from[POSITIONS];
shared bool is_here[POSITIONS];
shared uint is_wild; /* a value of the tile is not finite: its product with a weight of 0 is no 0 */

bool rounds()
{
    return (flags & 2u) != 0;
}

/* Which query stands at place i of the tile: its row of t and its head. */
struct place {
    uint t, head;
    bool is_there;
};

place place_of(uint i)
{
    place p;
    if (PAGED != 0) {
        uint n_heads = min(heads, QUERIES), n_rows = QUERIES / n_heads;
        uint chunks = (heads + n_heads - 1) / n_heads;
        p.t = t_begin + gl_WorkGroupID.x / chunks * n_rows + i / n_heads;
        p.head = gl_WorkGroupID.x % chunks * n_heads + i % n_heads;
        p.is_there = i / n_heads < n_rows && p.t < t_end && p.head < heads;
    } else {
        p.t = t_begin + gl_WorkGroupID.x * QUERIES + i;
        p.head = 0;
        p.is_there = p.t < t_end;
    }
    return p;
}

uint query_at(place p)
{
    return PAGED != 0 ? q_at + p.t * q_stride[0] + gl_WorkGroupID.y * q_stride[1] + p.head * q_stride[2]
                      : q_at + gl_WorkGroupID.z * q_stride[0] + p.t * q_stride[1] +
                            gl_WorkGroupID.y * q_stride[2];
}

uint result_at(place p)
{
    return PAGED != 0 ? y_at + p.t * y_stride[0] + gl_WorkGroupID.y * y_stride[1] + p.head * y_stride[2]
                      : y_at + gl_WorkGroupID.z * y_stride[0] + p.t * y_stride[1] +
                            gl_WorkGroupID.y * y_stride[2];
}

/* Of a query: the largest score, the sum of weights, and the weighted sum. */
uint state_of(place p)
{
    uint n_rows = t_end - t_begin, n_queries = gl_NumWorkGroups.y * heads;
    uint query = gl_WorkGroupID.y * heads + p.head;
    return state_at +
           ((gl_WorkGroupID.z * n_rows + p.t - t_begin) * n_queries + query) * (width + 2u);
}

/* Where the positions of a tile lie, and which of them are for this pass. */
void locate(uint line, uint first, uint end)
{
    uint i = gl_LocalInvocationID.x, at = first + i;
    if (i >= POSITIONS)
        return;
    is_here[i] = at < end;
    if (at >= end)
        return;
    if (PAGED == 0) {
        k_from[i] = k_at + gl_WorkGroupID.z * k_stride[0] + at * k_stride[1] + gl_WorkGroupID.y * k_stride[2];
        v_from[i] = v_at + gl_WorkGroupID.z * v_stride[0] + at * v_stride[1] + gl_WorkGroupID.y * v_stride[2];
        return;
    }
    uint page = pages_word[pages_at + line * pages_stride + at / page_length];
    is_here[i] = page >= page_begin && page < page_end;
    at %= page_length;
    k_from[i] = k_at + page * k_stride[0] + gl_WorkGroupID.y * k_stride[1] + at * k_stride[2];
    v_from[i] = v_at + page * v_stride[0] + gl_WorkGroupID.y * v_stride[1] + at * v_stride[2];
}

/* Is one of them not finite? */
bool load(bool values)
{
    bool wild = false;
    for (uint i = gl_LocalInvocationID.x; i < POSITIONS * width; i += WIDTH) {
        uint position = i / width, column = i % width;
        float number = 0;
        if (is_here[position]) {
            number = values ? v_element(V_TYPE, v_from[position] + column)
                            : k_element(K_TYPE, k_from[position] + column);
            number = rounds() ? round_to_bf16(number) : number;
            wild = wild || !is_finite(number);
        }
        tile[position][column] = number;
    }
    return wild;
}

/* An invocation has one position and every STEP-th query. */
void score(uint first)
{
    uint i = gl_LocalInvocationID.x % POSITIONS, query = gl_LocalInvocationID.x / POSITIONS;
    float sums[SCORES];

    [[unroll]] for (uint s = 0; s < SCORES; s++)
        sums[s] = 0;
    for (uint j = 0; j < width; j++) {
        float k = tile[i][j];
        [[unroll]] for (uint s = 0; s < SCORES; s++)
            sums[s] += queries[min(query + s * STEP, QUERIES - 1u)][j] * k;
    }
    [[unroll]] for (uint s = 0; s < SCORES; s++) {
        uint q = query + s * STEP;
        if (q < QUERIES)
            weight[q][i] = is_here[i] && first + i < limit[q] ? sums[s] * factor : LOWEST;
    }
}

void soften(uint query, uint n)
{
    float top = largest[query], sum = 0;
    for (uint i = 0; i < n; i++)
        top = max(top, weight[query][i]);
    for (uint i = 0; i < n; i++) {
        float w = weight[query][i] == LOWEST ? 0.0 : exp(weight[query][i] - top);
        sum += w;
        weight[query][i] = rounds() ? round_to_bf16(w) : w;
    }
    rescale[query] = largest[query] == LOWEST ? 0.0 : exp(largest[query] - top);
    total[query] = total[query] * rescale[query] + sum;
    largest[query] = top;
}

/* The next rows of the tile that can share a pass: neighbours of one line, all of a segment. */
struct run {
    uint line, next, begin, end;
};

run run_from(uint t, uint t1)
{
    run r = run(0, t, 0, 0);
    if (PAGED == 0) {
        r.next = t1;
        r.end = (flags & 4u) != 0 ? t1 : page_length;
        return r;
    }
    r.line = rows_word[rows_at + t * rows_stride];
    r.begin = from + gl_WorkGroupID.z * split;
    for (; r.next < t1 && rows_word[rows_at + r.next * rows_stride] == r.line; r.next++)
        r.end = max(r.end, rows_word[rows_at + r.next * rows_stride + 1u] + 1u);
    r.end = min(r.end, r.begin + split);
    return r;
}

uint limit_of(place p)
{
    if (PAGED != 0)
        return rows_word[rows_at + p.t * rows_stride + 1u] + 1u;
    return (flags & 4u) != 0 ? p.t + 1u : page_length;
}

/* Adds column c of n values, with their weights, to the sums. */
void add(uint first, uint n, uint c, inout float sums[SUMS])
{
    uint column = min(gl_LocalInvocationID.x + c * WIDTH, width - 1u);

    [[unroll]] for (uint q = 0; q < QUERIES; q++)
        sums[c * QUERIES + q] *= rescale[q];
    if (is_wild == 0)
        for (uint i = 0; i < n; i++) {
            float v = tile[i][column];
            [[unroll]] for (uint q = 0; q < QUERIES; q++)
                sums[c * QUERIES + q] += weight[q][i] * v;
        }
    else
        for (uint i = 0; i < n; i++) {
            float v = tile[i][column];
            [[unroll]] for (uint q = 0; q < QUERIES; q++)
                sums[c * QUERIES + q] += weight[q][i] * (first + i < limit[q] ? v : 0.0);
        }
}

/* The positions of a run, for the queries whose `limit` is not 0. */
void attend(run r, inout float sums[SUMS])
{
    uint lane = gl_LocalInvocationID.x;
    for (uint first = r.begin; first < r.end; first += POSITIONS) {
        uint n = min(POSITIONS, r.end - first);
        locate(r.line, first, r.end);
        if (lane == 0)
            is_wild = 0;
        barrier();
        for (uint values = 0; values < 2u; values++) {
            bool wild = load(values != 0);
            if (values != 0 && wild)
                atomicOr(is_wild, 1u);
            if (values != 0 && lane < QUERIES)
                soften(lane, n);
            barrier();
            if (values == 0) {
                score(first);
                barrier();
            }
        }
        [[unroll]] for (uint c = 0; c < COLUMNS; c++)
            add(first, n, c, sums);
        barrier();
    }
}

/* Begins where the pass before ended. */
void go_on(inout float sums[SUMS])
{
    uint lane = gl_LocalInvocationID.x;
    place mine = place_of(lane);

    if (lane < QUERIES && mine.is_there) {
        largest[lane] = state_float[state_of(mine)];
        total[lane] = state_float[state_of(mine) + 1u];
    }
    [[unroll]] for (uint s = 0; s < SUMS; s++) {
        uint column = lane + s / QUERIES * WIDTH;
        place p = place_of(s % QUERIES);
        if (p.is_there && column < width)
            sums[s] = state_float[state_of(p) + 2u + column];
    }
}

void main()
{
    uint lane = gl_LocalInvocationID.x;
    float sums[SUMS];

    [[unroll]] for (uint s = 0; s < SUMS; s++)
        sums[s] = 0;
    for (uint i = lane; i < QUERIES * width; i += WIDTH) {
        place p = place_of(i / width);
        float number = p.is_there ? q_float[query_at(p) + i % width] : 0.0;
        queries[i / width][i % width] = rounds() ? round_to_bf16(number) : number;
    }
    if (lane < QUERIES) {
        largest[lane] = LOWEST;
        total[lane] = 0;
    }
    if (PAGED != 0 && (flags & 8u) != 0)
        go_on(sums);
    barrier();
    uint t0 = place_of(0).t, t1 = min(t0 + (PAGED != 0 ? QUERIES / min(heads, QUERIES) : QUERIES), t_end);
    for (uint t = t0; t < t1;) {
        run r = run_from(t, t1);
        barrier();
        if (lane < QUERIES) {
            place p = place_of(lane);
            limit[lane] = p.is_there && p.t >= t && p.t < r.next ? limit_of(p) : 0u;
        }
        barrier();
        attend(r, sums);
        t = r.next;
    }

    bool writes_state = (flags & 1u) != 0;
    [[unroll]] for (uint s = 0; s < SUMS; s++) {
        uint query = s % QUERIES, column = lane + s / QUERIES * WIDTH;
        place p = place_of(query);
        if (!p.is_there || column >= width)
            continue;
        if (!writes_state) {
            y_float[result_at(p) + column] = sums[s] / total[query];
            continue;
        }
        uint to = state_of(p);
        state_float[to + 2u + column] = sums[s];
        if (column == 0) {
            state_float[to] = largest[query];
            state_float[to + 1u] = total[query];
        }
    }
}
