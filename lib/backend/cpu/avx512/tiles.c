#include "internal.h"
#include "lay.h"

/* Prefill: 32 rows by one chunk of weights are laid out as quads in scratch, which stays in the
 * first cache while all tokens run past it, six at a time. Laying out F8 takes other parts of the
 * core than multiplying does, so the next chunk is laid out between the steps of this one; with
 * BF16, which has nothing to convert, that costs more cache than it saves. */

enum {
    TOKENS = 6,
    TOKEN_SUMS = ROWS / 4 * 16, /* a vector for each four rows */
    TURN = 4,                   /* steps between sets that are laid out */
};

/* The scratch of a worker. */
typedef struct tile {
    uint8_t w[2][PIECES * PIECE_BYTES]; /* this chunk and the next */
    float sums[];                       /* [t][TOKEN_SUMS] */
} tile;

/* One chunk of one piece for a group of tokens. */
typedef struct piece_run {
    const s1_product *p;
    float *sums;          /* of the chunks before, [token][TOKEN_SUMS] */
    const uint8_t *w;     /* [step][PIECE_QUADS] */
    const uint8_t *cells; /* [step][token] */
    int64_t n_steps;
    int64_t row, end; /* rows of w */
    int64_t token;    /* the first */
    float scale;
    bool first, last; /* of the chunks */
    lay_job *job;     /* done meanwhile, in part */
} piece_run;

typedef void run_fn(const piece_run *r);

S1_INLINE void run_step(__m512 u[TOKENS][PIECE_QUADS], const uint8_t *w, const uint8_t *cells,
                        int g, int32_t kind)
{
    __m512i quads[PIECE_QUADS];

    S1_UNROLL
    for (int q = 0; q < PIECE_QUADS; q++)
        quads[q] = _mm512_load_si512(w + q * 64);
    S1_UNROLL
    for (int i = 0; i < g; i++) {
        __m512i x = broadcast_cell(cells + i * S1_CELL);
        S1_UNROLL
        for (int q = 0; q < PIECE_QUADS; q++)
            u[i][q] = multiply_add(u[i][q], quads[q], x, kind);
    }
}

/* Adds the chunk to the sums; after the last they are results. */
S1_INLINE void run_end(const piece_run *r, __m512 u[TOKENS][PIECE_QUADS], int g)
{
    __m512 by = _mm512_set1_ps(r->scale);

    S1_UNROLL
    for (int i = 0; i < g; i++) {
        float *sums = r->sums + i * TOKEN_SUMS;
        S1_UNROLL
        for (int q = 0; q < PIECE_QUADS; q++) {
            __m512 before = r->first ? _mm512_setzero_ps() : _mm512_load_ps(sums + q * 16);
            u[i][q] = _mm512_fmadd_ps(u[i][q], by, before);
        }
        if (r->last) {
            store_sums(r->p, r->row, r->end, r->token + i,
                       sum_lanes(u[i][0], u[i][1], u[i][2], u[i][3]));
        } else {
            S1_UNROLL
            for (int q = 0; q < PIECE_QUADS; q++)
                _mm512_store_ps(sums + q * 16, u[i][q]);
        }
    }
}

/* `dtype` is that of the job's weights; 0: there is no job. */
S1_INLINE void run(const piece_run *r, int g, int32_t kind, int32_t dtype)
{
    const uint8_t *w = r->w;
    const uint8_t *cells = r->cells;
    const int64_t n_steps = r->n_steps;
    __m512 u[TOKENS][PIECE_QUADS];

    S1_UNROLL
    for (int i = 0; i < g; i++) {
        S1_UNROLL
        for (int q = 0; q < PIECE_QUADS; q++)
            u[i][q] = _mm512_setzero_ps();
    }
    for (int64_t step = 0; step < n_steps;) {
        int64_t end = dtype && step + TURN < n_steps ? step + TURN : n_steps;
        for (; step < end; step++, w += STEP_BYTES, cells += g * S1_CELL)
            run_step(u, w, cells, g, kind);
        if (dtype && r->job->quad < r->job->n_quads) {
            const f8_tables tables = f8_tables_load();
            int64_t turn = 0;
            do
                lay_set(r->job, dtype, kind, &tables);
            while (++turn < r->job->a_turn && r->job->quad < r->job->n_quads);
        }
    }
    /* Without this the compiler keeps the sums of all chunks in registers, and spills them. */
    __asm__ volatile("" ::: "memory");
    run_end(r, u, g);
}

#define RUN(name, g, kind, dtype)              \
    static void name##_##g(const piece_run *r) \
    {                                          \
        run(r, g, kind, dtype);                \
    }

#define RUNS(name, kind, dtype)                                    \
    RUN(name, 1, kind, dtype)                                      \
    RUN(name, 2, kind, dtype)                                      \
    RUN(name, 3, kind, dtype)                                      \
    RUN(name, 4, kind, dtype)                                      \
    RUN(name, 5, kind, dtype)                                      \
    RUN(name, 6, kind, dtype)                                      \
    static run_fn *const name[TOKENS] = {                          \
        name##_1, name##_2, name##_3, name##_4, name##_5, name##_6 \
    };

RUNS(run_f32, S1_PANEL_F32, 0)
RUNS(run_bf16, S1_PANEL_BF16, 0)
RUNS(run_f8, S1_PANEL_BF16, INS1_DTYPE_F8_E4M3)

/* Addresses as numbers: the hint may reach behind the weights, nothing is read. */
static void fetch(uintptr_t from, int64_t size)
{
    for (int64_t at = 0; at < size; at += 64)
        _mm_prefetch((const char *)(from + (uintptr_t)at), _MM_HINT_T1);
}

static lay_job job_of(const s1_product *p, int64_t row, int64_t end, int64_t column, uint8_t *out)
{
    const int64_t size = element_size(p->dtype);
    const int64_t chunk = s1_chunk(p);
    int64_t n = p->k - column < chunk ? p->k - column : chunk;
    int64_t lines = s1_ceil_div(n * size, 64);
    int64_t turns = p->n_groups * PIECES * s1_ceil_div(s1_panel_steps(p->panel_kind, n), TURN);

    return (lay_job){
        .out = out,
        .w = p->w + (row * p->stride + column) * size,
        .row_size = p->stride * size,
        .last_row = end - 1 - row,
        .size = n * size,
        .n_quads = n > 0 ? ROWS / 4 : 0,
        .a_turn = s1_ceil_div(lines * (ROWS / 4), turns > 0 ? turns : 1),
    };
}

/* One chunk for all tokens; a share of `next` is fetched into the second cache with each group. */
static void multiply_chunk(tile *scratch, const uint8_t *w, const s1_product *p, int64_t row,
                           int64_t end, int64_t column, lay_job *job, s1_ahead next)
{
    run_fn *const *runs = p->panel_kind == S1_PANEL_F32    ? run_f32
                          : p->dtype == INS1_DTYPE_F8_E4M3 ? run_f8
                                                           : run_bf16;
    const int64_t chunk = s1_chunk(p);
    const int64_t n = p->k - column < chunk ? p->k - column : chunk;
    const int64_t steps = s1_panel_steps(p->panel_kind, n);
    const int64_t first_step = column / s1_panel_columns(p->panel_kind);
    const int64_t all_steps = s1_panel_steps(p->panel_kind, p->k);
    const int64_t n_shares = s1_ceil_div(p->k, chunk) * p->n_groups;
    const float scale = chunk_scale(p, row, column);

    for (int64_t group = 0; group < p->n_groups; group++) {
        int64_t token = s1_group_begin(p->t, p->n_groups, group);
        int64_t g = s1_group_begin(p->t, p->n_groups, group + 1) - token;
        int64_t share = column / chunk * p->n_groups + group;
        int64_t from = next.size * share / n_shares;
        piece_run r = {
            .p = p,
            .sums = scratch->sums + token * TOKEN_SUMS,
            .w = w,
            .cells = p->panel + (token * all_steps + first_step * g) * S1_CELL,
            .n_steps = steps,
            .row = row,
            .end = end,
            .token = token,
            .scale = scale,
            .first = column == 0,
            .last = column + chunk >= p->k,
            .job = job,
        };

        fetch((uintptr_t)next.w + (uintptr_t)from, next.size * (share + 1) / n_shares - from);
        for (; r.row < end; r.row += PIECE) {
            runs[g - 1](&r);
            r.sums += PIECE_QUADS * 16;
            r.w += PIECE_BYTES;
        }
    }
}

static void multiply_tile(tile *scratch, const s1_product *p, int64_t row, int64_t end,
                          s1_ahead next)
{
    const int64_t chunk = s1_chunk(p);
    const bool between = p->panel_kind == S1_PANEL_BF16 && p->dtype == INS1_DTYPE_F8_E4M3;
    int now = 0;

    if (between) {
        lay_job first = job_of(p, row, end, 0, scratch->w[now]);
        lay_all(&first, p->dtype, p->panel_kind);
    }
    for (int64_t column = 0; column < p->k; column += chunk) {
        lay_job job = { 0 };
        if (between) {
            if (column + chunk < p->k)
                job = job_of(p, row, end, column + chunk, scratch->w[!now]);
        } else if (p->transposed) {
            lay_transposed(scratch->w[now], p, row, end, column,
                           p->k - column < chunk ? p->k - column : chunk);
        } else {
            job = job_of(p, row, end, column, scratch->w[now]);
            lay_all(&job, p->dtype, p->panel_kind);
        }
        multiply_chunk(scratch, scratch->w[now], p, row, end, column, &job, next);
        if (between) {
            lay_all(&job, p->dtype, p->panel_kind);
            now = !now;
        }
    }
}

/* Over no columns there is no chunk that could end. */
static void store_nothing(const s1_product *p, int64_t begin, int64_t end)
{
    for (int64_t row = begin; row < end; row += 16)
        for (int64_t token = 0; token < p->t; token++)
            store_sums(p, row, end, token, _mm512_setzero_ps());
}

void s1_tiles_avx512(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead, void *scratch)
{
    int64_t tile_size = p->transposed ? 0 : ROWS * p->stride * element_size(p->dtype);

    if (p->k == 0) {
        store_nothing(p, begin, end);
        return;
    }
    for (int64_t row = begin; row < end; row += ROWS) {
        int64_t tile_end = row + ROWS < end ? row + ROWS : end;
        s1_ahead next = { p->w + tile_end / ROWS * tile_size, tile_size, tile_size / ROWS };
        if (tile_end == end)
            next = (s1_ahead){ ahead.w, ahead.size < tile_size ? ahead.size : tile_size,
                               ahead.row_size };
        multiply_tile(scratch, p, row, tile_end, next);
    }
}
