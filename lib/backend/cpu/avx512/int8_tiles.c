#include "int8.h"
#include "vectors.h"

/* Prefill: 32 rows by one chunk of weights are laid out so that a vector has four columns of 16
 * rows. They stay in the first cache while all tokens run past them, twelve at a time. */

enum {
    TOKENS = S1_I8_TOKENS,
    ROWS = 32,
    CHUNK = 512, /* columns, 16 KiB */
};

/* The scratch of a worker. */
typedef struct tile {
    uint8_t w[CHUNK / 4][2][64]; /* four columns of 16 rows, and of the next 16 */
    int32_t sums[][ROWS];        /* [t] */
} tile;

/* One line of 16 rows. */
S1_INLINE void lay_lines(uint8_t *out, const uint8_t *const *rows, int64_t at, __mmask64 mask)
{
    __m512 v[16];

    S1_UNROLL
    for (int i = 0; i < 16; i++)
        v[i] = _mm512_castsi512_ps(_mm512_maskz_loadu_epi8(mask, rows[i] + at));
    v_transpose(v);
    S1_UNROLL
    for (int i = 0; i < 16; i++)
        _mm512_store_si512(out + i * 128, plus_128(_mm512_castps_si512(v[i])));
}

/* Rows behind the end are the last one again. */
static void lay_tile(tile *out, const s1_product *p, int64_t row, int64_t end, int64_t column,
                     int64_t n)
{
    for (int64_t half = 0; half < 2; half++) {
        const uint8_t *rows[16];
        for (int64_t i = 0; i < 16; i++) {
            int64_t at = row + 16 * half + i;
            rows[i] = p->w + (at < end ? at : end - 1) * p->stride + column;
        }
        for (int64_t at = 0; at < n; at += 64)
            lay_lines(out->w[at / 4][half], rows, at, line_mask(n - at));
    }
}

/* One chunk of the tile for a group of tokens. */
typedef struct group_run {
    int32_t (*sums)[ROWS]; /* of the chunks before */
    const uint8_t *w;
    const uint8_t *cells; /* [step][token] */
    int64_t n_steps;
    bool first; /* of the chunks */
    fetching *next;
} group_run;

typedef void run_fn(const group_run *r);

/* Four columns of a token come from memory with the instruction: compilers would load so many at
 * once that the sums have to leave their registers. */
S1_INLINE __m512i multiply_columns(__m512i sums, __m512i w, const uint8_t *x)
{
    __asm__("vpdpbusd %2%{1to16%}, %1, %0"
            : "+v"(sums)
            : "v"(w), "m"(*(const int32_t *)(const void *)x));
    return sums;
}

S1_INLINE void run_columns(__m512i u[TOKENS][2], const uint8_t *w, const uint8_t *cells, int g)
{
    __m512i w0 = _mm512_load_si512(w);
    __m512i w1 = _mm512_load_si512(w + 64);

    S1_UNROLL
    for (int i = 0; i < g; i++) {
        u[i][0] = multiply_columns(u[i][0], w0, cells + i * S1_CELL);
        u[i][1] = multiply_columns(u[i][1], w1, cells + i * S1_CELL);
    }
}

S1_INLINE void run(const group_run *r, int g)
{
    const uint8_t *w = r->w;
    const uint8_t *cells = r->cells;
    __m512i u[TOKENS][2];

    S1_UNROLL
    for (int i = 0; i < g; i++) {
        u[i][0] = r->first ? _mm512_setzero_si512() : _mm512_load_si512(r->sums[i]);
        u[i][1] = r->first ? _mm512_setzero_si512() : _mm512_load_si512(r->sums[i] + 16);
    }
    for (int64_t step = 0; step < r->n_steps; step++) {
        S1_UNROLL
        for (int q = 0; q < 4; q++)
            run_columns(u, w + q * 128, cells + q * 4, g);
        w += 4 * 128;
        cells += g * S1_CELL;
        fetch_turn(r->next);
    }
    S1_UNROLL
    for (int i = 0; i < g; i++) {
        _mm512_store_si512(r->sums[i], u[i][0]);
        _mm512_store_si512(r->sums[i] + 16, u[i][1]);
    }
}

#define RUN(g)                              \
    static void run_##g(const group_run *r) \
    {                                       \
        run(r, g);                          \
    }

RUN(1)
RUN(2)
RUN(3)
RUN(4)
RUN(5)
RUN(6)
RUN(7)
RUN(8)
RUN(9)
RUN(10)
RUN(11)
RUN(12)

static run_fn *const runs[TOKENS] = { run_1, run_2, run_3, run_4,  run_5,  run_6,
                                      run_7, run_8, run_9, run_10, run_11, run_12 };

/* One chunk for all tokens. */
static void multiply_chunk(tile *scratch, const s1_product *p, int64_t column, int64_t n,
                           fetching *next)
{
    const int64_t all_cells = s1_panel_steps(S1_PANEL_I8, p->k);

    for (int64_t group = 0; group < p->n_groups; group++) {
        int64_t token = s1_group_begin(p->t, p->n_groups, group);
        int64_t g = s1_group_begin(p->t, p->n_groups, group + 1) - token;
        group_run r = {
            .sums = scratch->sums + token,
            .w = scratch->w[0][0],
            .cells = p->panel + (token * all_cells + column / 16 * g) * S1_CELL,
            .n_steps = s1_ceil_div(n, 16),
            .first = column == 0,
            .next = next,
        };
        runs[g - 1](&r);
    }
}

static void finish_tile(const tile *scratch, const s1_product *p, int64_t row, int64_t end)
{
    const int64_t all_cells = s1_panel_steps(S1_PANEL_I8, p->k);

    for (int64_t at = 0; row + at < end; at += 16) {
        const __m512 scales = load_scales(p, row + at, end);
        for (int64_t group = 0; group < p->n_groups; group++) {
            int64_t token = s1_group_begin(p->t, p->n_groups, group);
            int64_t behind = s1_group_begin(p->t, p->n_groups, group + 1);
            const uint8_t *cells = p->panel + (behind * all_cells - behind + token) * S1_CELL;
            for (; token < behind; token++, cells += S1_CELL)
                store_products(p, row + at, end, token,
                               _mm512_load_si512(scratch->sums[token] + at), scales, cells);
        }
    }
}

void s1_i8_tiles_avx512(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead,
                        void *memory)
{
    tile *scratch = memory;

    for (int64_t row = begin; row < end; row += ROWS) {
        int64_t tile_end = row + ROWS < end ? row + ROWS : end;
        s1_ahead behind = { p->w + tile_end * p->stride, (end - tile_end) * p->stride, p->stride };
        if (tile_end == end)
            behind = ahead;
        int64_t most = ROWS * p->stride;
        fetching next = fetching_of(behind.w, 0, 1, behind.size < most ? behind.size : most,
                                    s1_ceil_div(p->k, 16) * p->n_groups + 1);

        if (p->k == 0)
            memset(scratch->sums, 0, (size_t)p->t * sizeof(scratch->sums[0]));
        for (int64_t column = 0; column < p->k; column += CHUNK) {
            int64_t n = p->k - column < CHUNK ? p->k - column : CHUNK;
            lay_tile(scratch, p, row, tile_end, column, n);
            multiply_chunk(scratch, p, column, n, &next);
        }
        finish_tile(scratch, p, row, tile_end);
    }
}
