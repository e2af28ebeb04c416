/* A tile of queries for each block: keys and values pass through shared memory a tile of positions
 * at a time, and the softmax streams. PAGED: ATTENTION, queries of some rows and one group, keys
 * and values in pages; neighbours of one line share a pass. Else SELF_ATTENTION: a segment and head
 * have keys of their own. */

#include "common.cuh"

enum { THREADS = S1_CUDA_ATTENTION_THREADS, QUERIES = S1_CUDA_QUERIES };

/* Which query stands at a place of the tile. */
struct place {
    int64_t t, head;
    bool is_there;
};

/* The rows that share a pass: their line, the row behind the last, and positions. */
struct run {
    int64_t line, next, begin, end;
};

/* Where a block works. */
template <bool PAGED> struct spot {
    int64_t outer, inner; /* PAGED: group, chunk of its heads; else segment, head */
    int64_t t0, t1;
    int64_t per_row; /* PAGED: heads of a row in the tile */

    INLINE spot at(const s1_cuda_attention &p)
    {
        spot s;
        if (PAGED) {
            int64_t chunks = (p.heads + QUERIES - 1) / QUERIES;
            s.outer = blockIdx.x / chunks;
            s.inner = blockIdx.x % chunks;
            s.per_row = least(p.heads, QUERIES);
            s.t0 = block_y(p.piece) * p.rows_a_tile;
            s.t1 = least(s.t0 + p.rows_a_tile, p.t);
        } else {
            int64_t tiles = (p.t + QUERIES - 1) / QUERIES;
            s.outer = block_y(p.piece) / tiles;
            s.inner = blockIdx.x;
            s.per_row = 1;
            s.t0 = block_y(p.piece) % tiles * QUERIES;
            s.t1 = least(s.t0 + QUERIES, p.t);
        }
        return s;
    }
};

template <bool PAGED>
INLINE place place_of(const s1_cuda_attention &p, const spot<PAGED> &s, int query)
{
    place at;
    at.t = s.t0 + query / s.per_row;
    at.head = PAGED ? s.inner * s.per_row + query % s.per_row : s.inner;
    at.is_there = at.t < s.t1 && (!PAGED || at.head < p.heads);
    return at;
}

/* Elements from the first of q or y. */
template <bool PAGED>
INLINE int64_t query_at(const int64_t *stride, const spot<PAGED> &s, const place &at)
{
    return PAGED ? at.t * stride[0] + s.outer * stride[1] + at.head * stride[2]
                 : s.outer * stride[0] + at.t * stride[1] + at.head * stride[2];
}

template <bool PAGED>
INLINE run run_from(const s1_cuda_attention &p, const spot<PAGED> &s, int64_t t)
{
    run r = { 0, s.t1, 0, p.is_causal ? s.t1 : p.t };
    if (!PAGED)
        return r;
    r.line = p.rows[t * p.rows_row];
    r.begin = blockIdx.z * p.split;
    r.end = 0;
    for (r.next = t; r.next < s.t1 && p.rows[r.next * p.rows_row] == r.line; r.next++)
        if (r.end < p.rows[r.next * p.rows_row + 1] + 1)
            r.end = p.rows[r.next * p.rows_row + 1] + 1;
    r.end = least(r.end, r.begin + p.split);
    return r;
}

/* How many positions a query sees. */
template <bool PAGED> INLINE int64_t limit_of(const s1_cuda_attention &p, const place &at)
{
    if (PAGED)
        return p.rows[at.t * p.rows_row + 1] + 1;
    return p.is_causal ? at.t + 1 : p.t;
}

/* Elements from the first of k or v to a position; `page` where there are pages. */
template <bool PAGED>
INLINE int64_t key_at(const int64_t *stride, const spot<PAGED> &s, int64_t page, int64_t position)
{
    return PAGED ? page * stride[0] + s.outer * stride[1] + position * stride[2]
                 : s.outer * stride[0] + position * stride[1] + s.inner * stride[2];
}

template <int ROOM, bool PAGED> INLINE void attend(const s1_cuda_attention &p)
{
    const int POSITIONS = ROOM > 128 ? 16 : 32;
    const int SPAN = ROOM < THREADS ? ROOM : THREADS; /* threads side by side along a head */
    const int WIDE = ROOM / SPAN, HIGH = QUERIES * SPAN / THREADS; /* sums of a thread */
    SHARED(float, queries, [QUERIES][ROOM + 1]);
    SHARED(float, tile, [POSITIONS][ROOM + 1]);
    SHARED(float, weight, [QUERIES][POSITIONS + 1]);
    SHARED(float, largest, [QUERIES]);
    SHARED(float, total, [QUERIES]);
    SHARED(float, rescale, [QUERIES]);
    SHARED(int64_t, limit, [QUERIES]);
    SHARED(int64_t, k_from, [POSITIONS]);
    SHARED(int64_t, v_from, [POSITIONS]);
    SHARED(bool, is_wild, [1]); /* a value is not finite: times a weight of 0 it is no 0 */
    const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
    const int first_query = thread / SPAN * HIGH;
    const spot<PAGED> s = spot<PAGED>::at(p);
    float sums[WIDE][HIGH] = { { 0 } };

    for (int i = thread; i < QUERIES * p.width; i += THREADS) {
        place at = place_of(p, s, i / p.width);
        float number = at.is_there ? p.q[query_at(p.q_stride, s, at) + i % p.width] : 0.0f;
        queries[i / p.width][i % p.width] = p.rounds ? round_to_bf16(number) : number;
    }
    if (thread < QUERIES) {
        largest[thread] = LOWEST;
        total[thread] = 0;
        rescale[thread] = 0;
    }
    for (int64_t t = s.t0; t < s.t1;) {
        run r = run_from(p, s, t);
        __syncthreads();
        if (thread < QUERIES) {
            place at = place_of(p, s, thread);
            bool is_here = at.is_there && at.t >= t && at.t < r.next;
            limit[thread] = is_here ? limit_of<PAGED>(p, at) : 0;
        }
        for (int64_t first = r.begin; first < r.end; first += POSITIONS) {
            int n = static_cast<int>(least(POSITIONS, r.end - first));
            if (thread < n) {
                int64_t position = first + thread, page = 0;
                if (PAGED) {
                    page = p.pages[r.line * p.pages_row + position / p.page_length];
                    position %= p.page_length;
                }
                k_from[thread] = key_at(p.k_stride, s, page, position);
                v_from[thread] = key_at(p.v_stride, s, page, position);
            }
            if (thread == 0)
                is_wild[0] = false;
            __syncthreads();
            for (int i = thread; i < n * p.width; i += THREADS) {
                float number = element(p.k_type, p.k, k_from[i / p.width] + i % p.width);
                tile[i / p.width][i % p.width] = p.rounds ? round_to_bf16(number) : number;
            }
            __syncthreads();

            /* Scores: a thread has one position and some queries. */
            const int position = thread % POSITIONS, STEP = THREADS / POSITIONS;
            const int SCORES = QUERIES / STEP;
            float scores[SCORES] = { 0 };
            for (int j = 0; j < p.width && position < n; j++) {
                float k = tile[position][j];
#pragma unroll
                for (int i = 0; i < SCORES; i++)
                    scores[i] += queries[thread / POSITIONS + i * STEP][j] * k;
            }
#pragma unroll
            for (int i = 0; i < SCORES; i++) {
                int query = thread / POSITIONS + i * STEP;
                bool is_seen = position < n && first + position < limit[query];
                weight[query][position] = is_seen ? scores[i] * p.factor : LOWEST;
            }
            __syncthreads();

            /* Softmax: a warp has some queries, its lanes are positions. Values come meanwhile. */
            for (int query = warp; query < QUERIES; query += THREADS / 32) {
                float before = largest[query];
                float score = lane < POSITIONS ? weight[query][lane] : LOWEST;
                float top = fmaxf(before, largest_of_warp(score));
                float w = score == LOWEST ? 0.0f : expf(score - top);
                float all = sum_of_warp(w);
                if (lane < POSITIONS)
                    weight[query][lane] = p.rounds ? round_to_bf16(w) : w;
                if (lane == 0) {
                    rescale[query] = before == LOWEST ? 0.0f : expf(before - top);
                    total[query] = total[query] * rescale[query] + all;
                    largest[query] = top;
                }
            }
            for (int i = thread; i < n * p.width; i += THREADS) {
                float number = element(p.v_type, p.v, v_from[i / p.width] + i % p.width);
                number = p.rounds ? round_to_bf16(number) : number;
                tile[i / p.width][i % p.width] = number;
                if (!is_finite(number))
                    is_wild[0] = true;
            }
            __syncthreads();
            const bool has_wild = is_wild[0];
#pragma unroll
            for (int c = 0; c < WIDE; c++) {
                int column = thread % SPAN + c * SPAN;
                if (column >= p.width)
                    continue;
#pragma unroll
                for (int i = 0; i < HIGH; i++)
                    sums[c][i] *= rescale[first_query + i];
                for (int j = 0; j < n && !has_wild; j++) {
                    float v = tile[j][column];
#pragma unroll
                    for (int i = 0; i < HIGH; i++)
                        sums[c][i] += weight[first_query + i][j] * v;
                }
                for (int j = 0; j < n && has_wild; j++) {
                    float v = tile[j][column];
#pragma unroll
                    for (int i = 0; i < HIGH; i++) {
                        bool is_seen = first + j < limit[first_query + i];
                        sums[c][i] += weight[first_query + i][j] * (is_seen ? v : 0.0f);
                    }
                }
            }
            __syncthreads();
        }
        t = r.next;
    }
    __syncthreads(); /* of `total`, where there was no position */
#pragma unroll
    for (int c = 0; c < WIDE; c++) {
#pragma unroll
        for (int i = 0; i < HIGH; i++) {
            int query = first_query + i, column = thread % SPAN + c * SPAN;
            place at = place_of(p, s, query);
            if (!at.is_there || column >= p.width)
                continue;
            if (!PAGED || !p.state) {
                p.y[query_at(p.y_stride, s, at) + column] = sums[c][i] / total[query];
                continue;
            }
            int64_t groups = gridDim.x / ((p.heads + QUERIES - 1) / QUERIES);
            int64_t slot =
                (blockIdx.z * p.t + at.t) * groups * p.heads + s.outer * p.heads + at.head;
            float *state = p.state + slot * (p.width + 2);
            state[2 + column] = sums[c][i];
            if (column == 0) {
                state[0] = largest[query];
                state[1] = total[query];
            }
        }
    }
}

KERNEL(attention_64, s1_cuda_attention, S1_CUDA_ATTENTION_THREADS)
{
    attend<64, true>(p);
}

KERNEL(attention_128, s1_cuda_attention, S1_CUDA_ATTENTION_THREADS)
{
    attend<128, true>(p);
}

KERNEL(attention_256, s1_cuda_attention, S1_CUDA_ATTENTION_THREADS)
{
    attend<256, true>(p);
}

KERNEL(self_attention_64, s1_cuda_attention, S1_CUDA_ATTENTION_THREADS)
{
    attend<64, false>(p);
}

KERNEL(self_attention_128, s1_cuda_attention, S1_CUDA_ATTENTION_THREADS)
{
    attend<128, false>(p);
}

KERNEL(self_attention_256, s1_cuda_attention, S1_CUDA_ATTENTION_THREADS)
{
    attend<256, false>(p);
}

/* What the splits left of a query becomes its result. */
KERNEL(attention_merge, s1_cuda_merge, S1_CUDA_ROW_THREADS)
{
    int64_t t = block_y(p.piece);
    int64_t i = static_cast<int64_t>(blockIdx.x) * S1_CUDA_ROW_THREADS + threadIdx.x;
    int64_t queries = p.groups * p.heads, query = i / p.width, column = i % p.width;
    float top = LOWEST, sum = 0, total = 0;

    if (query >= queries)
        return;
    const float *first = p.state + (t * queries + query) * (p.width + 2);
    int64_t step = p.t * queries * (p.width + 2);
    for (int64_t s = 0; s < p.splits; s++)
        top = fmaxf(top, first[s * step]);
    for (int64_t s = 0; s < p.splits; s++) {
        const float *part = first + s * step;
        float factor = part[0] == LOWEST ? 0.0f : expf(part[0] - top);
        total += part[1] * factor;
        sum += part[2 + column] * factor;
    }
    int64_t head = query % p.heads, g = query / p.heads;
    p.y[t * p.y_stride[0] + g * p.y_stride[1] + head * p.y_stride[2] + column] = sum / total;
}
