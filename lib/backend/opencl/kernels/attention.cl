/* A tile of queries for each group: keys and values pass through local memory a tile of positions
 * at a time, and the softmax streams. Queries stand in fours: a vector has the same number of four
 * of them. What a split of the positions leaves is for attention_merge. */

#define QUADS (S1_CL_QUERIES / 4)

/* Which query stands at a place of the tile. */
typedef struct place {
    long t, head;
    bool is_there;
} place;

/* Where a group works. */
typedef struct spot {
    long outer, inner; /* with pages: group, chunk of its heads; else segment, head */
    long t0, t1;
    long per_row; /* with pages: heads of a row in the tile */
} spot;

spot spot_of(const s1_cl_attention *p)
{
    spot s;
    if (p->has_pages) {
        long chunks = (p->heads + S1_CL_QUERIES - 1) / S1_CL_QUERIES;
        s.outer = (long)get_group_id(0) / chunks;
        s.inner = (long)get_group_id(0) % chunks;
        s.per_row = min(p->heads, (long)S1_CL_QUERIES);
        s.t0 = group_y(p->first) * p->rows_a_tile;
        s.t1 = min(s.t0 + p->rows_a_tile, p->t);
    } else {
        long tiles = (p->t + S1_CL_QUERIES - 1) / S1_CL_QUERIES;
        s.outer = group_y(p->first) / tiles;
        s.inner = get_group_id(0);
        s.per_row = 1;
        s.t0 = group_y(p->first) % tiles * S1_CL_QUERIES;
        s.t1 = min(s.t0 + S1_CL_QUERIES, p->t);
    }
    return s;
}

place place_of(const s1_cl_attention *p, const spot *s, int query)
{
    place at;
    at.t = s->t0 + query / s->per_row;
    at.head = p->has_pages ? s->inner * s->per_row + query % s->per_row : s->inner;
    at.is_there = at.t < s->t1 && (!p->has_pages || at.head < p->heads);
    return at;
}

/* Elements from the first of q or y. */
long query_at(const s1_cl_attention *p, const long *stride, const spot *s, const place *at)
{
    return p->has_pages ? at->t * stride[0] + s->outer * stride[1] + at->head * stride[2]
                        : s->outer * stride[0] + at->t * stride[1] + at->head * stride[2];
}

/* Elements from the first of k or v to a position; `page` where there are pages. */
long key_at(const s1_cl_attention *p, const long *stride, const spot *s, long page, long position)
{
    return p->has_pages ? page * stride[0] + s->outer * stride[1] + position * stride[2]
                        : s->outer * stride[0] + position * stride[1] + s->inner * stride[2];
}

/* Positions from `from` on into a tile, one after the other. Is a number of this work item's not
 * finite? */
bool load_tile(const s1_cl_attention *p, int type, bytes from, local const long *at, int n,
               local float *tile)
{
    bool is_wild = false;

    for (int i = get_local_id(0); i < n * p->width; i += S1_CL_ITEMS) {
        int position = i / p->width, column = i % p->width;
        float number = element(type, from, at[position] + column);
        number = p->rounds ? round_to_bf16(number) : number;
        tile[position * (p->width + 1) + column] = number;
        is_wild = is_wild || !is_finite(number);
    }
    return is_wild;
}

/* A value as the four queries see it that have these limits: 0 where it is beyond. */
float4 seen(float value, long position, local const long *limit)
{
    return (float4)(position < limit[0] ? value : 0, position < limit[1] ? value : 0,
                    position < limit[2] ? value : 0, position < limit[3] ? value : 0);
}

KERNEL attention(const s1_cl_attention p, bytes q, bytes k, bytes v, bytes row_bytes,
                 bytes page_bytes, global uchar *y, global float *state, local float *queries,
                 local float *sums, local float *tile)
{
    local float4 weight[S1_CL_POSITIONS * QUADS];
    local float largest[S1_CL_QUERIES], total[S1_CL_QUERIES], rescale[S1_CL_QUERIES];
    local long limit[S1_CL_QUERIES], k_from[S1_CL_POSITIONS], v_from[S1_CL_POSITIONS];
    local int is_wild; /* a value is not finite: times a weight of 0 it is no 0 */
    global const int *rows = (global const int *)(row_bytes + p.rows_at);
    global const int *pages = (global const int *)(page_bytes + p.pages_at);
    local float *weights = (local float *)weight;
    const int item = get_local_id(0), position = item % S1_CL_POSITIONS;
    const int quad = item / S1_CL_POSITIONS;
    const spot s = spot_of(&p);

    for (int i = item; i < S1_CL_QUERIES * p.width; i += S1_CL_ITEMS) {
        int query = i / p.width, column = i % p.width;
        int to = (query / 4 * p.width + column) * 4 + query % 4;
        place at = place_of(&p, &s, query);
        float number = 0;
        if (at.is_there)
            number = ((global const float *)(q + p.q_at))[query_at(&p, p.q_stride, &s, &at) + column];
        queries[to] = p.rounds ? round_to_bf16(number) : number;
        sums[to] = 0;
    }
    if (item < S1_CL_QUERIES) {
        largest[item] = LOWEST;
        total[item] = 0;
        rescale[item] = 0;
    }
    for (long t = s.t0; t < s.t1;) {
        /* The next rows that can share a pass: neighbours of one line, all of a segment. */
        long line = 0, next = s.t1, begin = 0, end = p.is_causal ? s.t1 : p.t;
        if (p.has_pages) {
            line = rows[t * p.rows_row];
            begin = (long)get_group_id(2) * p.split;
            end = 0;
            for (next = t; next < s.t1 && rows[next * p.rows_row] == line; next++)
                end = max(end, (long)rows[next * p.rows_row + 1] + 1);
            end = min(end, begin + p.split);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < S1_CL_QUERIES) {
            place at = place_of(&p, &s, item);
            long sees = p.has_pages ? (at.is_there ? rows[at.t * p.rows_row + 1] + 1 : 0)
                                    : (p.is_causal ? at.t + 1 : p.t);
            limit[item] = at.is_there && at.t >= t && at.t < next ? sees : 0;
        }
        for (long first = begin; first < end; first += S1_CL_POSITIONS) {
            int n = (int)min((long)S1_CL_POSITIONS, end - first);
            if (item < n) {
                long at = first + item, page = 0;
                if (p.has_pages) {
                    page = pages[line * p.pages_row + at / p.page_length];
                    at %= p.page_length;
                }
                k_from[item] = key_at(&p, p.k_stride, &s, page, at);
                v_from[item] = key_at(&p, p.v_stride, &s, page, at);
            }
            if (item == 0)
                is_wild = 0;
            barrier(CLK_LOCAL_MEM_FENCE);
            load_tile(&p, p.k_type, k + p.k_at, k_from, n, tile);
            barrier(CLK_LOCAL_MEM_FENCE);

            /* Scores: a work item has one position and four queries. */
            float4 score = (float4)(0);
            for (int j = 0; j < p.width && position < n; j++)
                score += vload4(quad * p.width + j, queries) * tile[position * (p.width + 1) + j];
            score *= p.factor;
            score.x = position < n && first + position < limit[quad * 4] ? score.x : LOWEST;
            score.y = position < n && first + position < limit[quad * 4 + 1] ? score.y : LOWEST;
            score.z = position < n && first + position < limit[quad * 4 + 2] ? score.z : LOWEST;
            score.w = position < n && first + position < limit[quad * 4 + 3] ? score.w : LOWEST;
            weight[position * QUADS + quad] = score;
            barrier(CLK_LOCAL_MEM_FENCE);
            if (item < S1_CL_QUERIES) {
                float before = largest[item], top = before, sum = 0;
                for (int i = 0; i < n; i++)
                    top = max(top, weights[i * S1_CL_QUERIES + item]);
                for (int i = 0; i < n; i++) {
                    float w = weights[i * S1_CL_QUERIES + item];
                    w = w == LOWEST ? 0.0f : exp(w - top);
                    sum += w;
                    weights[i * S1_CL_QUERIES + item] = p.rounds ? round_to_bf16(w) : w;
                }
                rescale[item] = before == LOWEST ? 0.0f : exp(before - top);
                total[item] = total[item] * rescale[item] + sum;
                largest[item] = top;
            }
            if (load_tile(&p, p.v_type, v + p.v_at, v_from, n, tile))
                atomic_or(&is_wild, 1);
            barrier(CLK_LOCAL_MEM_FENCE);

            /* Sums: a work item has columns of four queries. */
            for (int i = item; i < QUADS * p.width; i += S1_CL_ITEMS) {
                int of = i / p.width, column = i % p.width;
                float4 sum = vload4(i, sums) * vload4(of, rescale);
                for (int j = 0; j < n && !is_wild; j++)
                    sum += weight[j * QUADS + of] * tile[j * (p.width + 1) + column];
                for (int j = 0; j < n && is_wild; j++)
                    sum += weight[j * QUADS + of] *
                           seen(tile[j * (p.width + 1) + column], first + j, limit + of * 4);
                vstore4(sum, i, sums);
            }
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        t = next;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = item; i < S1_CL_QUERIES * p.width; i += S1_CL_ITEMS) {
        int query = i / p.width, column = i % p.width;
        float sum = sums[(query / 4 * p.width + column) * 4 + query % 4];
        place at = place_of(&p, &s, query);
        if (!at.is_there)
            continue;
        if (!p.writes_state) {
            ((global float *)(y + p.y_at))[query_at(&p, p.y_stride, &s, &at) + column] = sum / total[query];
            continue;
        }
        long slot = (((long)get_group_id(2) * p.t + at.t) * p.groups + s.outer) * p.heads + at.head;
        global float *to = state + slot * (p.width + 2);
        to[2 + column] = sum;
        if (column == 0) {
            to[0] = largest[query];
            to[1] = total[query];
        }
    }
}

/* What the splits left of a query becomes its result. */
KERNEL attention_merge(const s1_cl_merge p, global const float *state, global uchar *y)
{
    long t = group_y(p.first), i = get_global_id(0);
    long n_queries = p.groups * p.heads, query = i / p.width, column = i % p.width;
    float top = LOWEST, sum = 0, total = 0;

    if (query >= n_queries)
        return;
    global const float *first = state + (t * n_queries + query) * (p.width + 2);
    long step = p.t * n_queries * (p.width + 2);
    for (long s = 0; s < p.splits; s++)
        top = max(top, first[s * step]);
    for (long s = 0; s < p.splits; s++) {
        global const float *part = first + s * step;
        float factor = part[0] == LOWEST ? 0.0f : exp(part[0] - top);
        total += part[1] * factor;
        sum += part[2 + column] * factor;
    }
    long at = t * p.y_stride[0] + query / p.heads * p.y_stride[1] + query % p.heads * p.y_stride[2];
    ((global float *)(y + p.y_at))[at + column] = sum / total;
}
