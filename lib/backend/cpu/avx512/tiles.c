#include "internal.h"
#include "lines.h"

/* Prefill: 32 rows by one chunk of weights are laid out as quads in scratch, which stays in the
 * first cache while all tokens run past it, six at a time. */

enum {
    ROWS = 32,
    PIECE = 16, /* rows of one run of the innermost loop */
    PIECES = ROWS / PIECE,
    PIECE_QUADS = PIECE / 4, /* 24 sums with six tokens */
    STEP_BYTES = PIECE_QUADS * 64,
    PIECE_BYTES = 32 * STEP_BYTES,
    TOKEN_SUMS = ROWS / 4 * 16, /* a vector for each four rows */
    TOKENS = 6,
};

/* The scratch of a worker. */
typedef struct tile {
    uint8_t w[PIECES][PIECE_BYTES]; /* [step][PIECE_QUADS] quads */
    float sums[];                   /* [t][TOKEN_SUMS] */
} tile;

/* --- laying out --- */

S1_INLINE void lay_lines(uint8_t *out, const uint8_t *const *rows, int64_t at, __mmask64 mask,
                         int32_t dtype, int32_t kind, const f8_tables *tables)
{
    const int quads = quads_a_quarter(dtype, kind);
    __m512i lines[4];

    S1_UNROLL
    for (int i = 0; i < 4; i++)
        lines[i] = _mm512_maskz_loadu_epi8(mask, rows[i] + at);
    transpose_quarters(lines);
    S1_UNROLL
    for (int quarter = 0; quarter < 4; quarter++) {
        __m512i w[4];
        widen_quarter(w, lines[quarter], dtype, kind, tables);
        S1_UNROLL
        for (int q = 0; q < quads; q++)
            _mm512_store_si512(out + (quarter * quads + q) * STEP_BYTES, w[q]);
    }
}

S1_INLINE void lay_rows(tile *out, const s1_product *p, int64_t row, int64_t end, int64_t column,
                        int64_t n, int32_t dtype, int32_t kind)
{
    const f8_tables tables = f8_tables_load();
    const int64_t size = element_size(dtype);
    const int line_bytes_out = 4 * quads_a_quarter(dtype, kind) * STEP_BYTES;

    for (int64_t quad = 0; quad < ROWS / 4; quad++) {
        const uint8_t *rows[4];
        uint8_t *to = out->w[quad / PIECE_QUADS] + quad % PIECE_QUADS * 64;
        for (int64_t i = 0; i < 4; i++) {
            int64_t r = row + 4 * quad + i;
            rows[i] = p->w + ((r < end ? r : end - 1) * p->stride + column) * size;
        }
        int64_t at = 0;
        for (; n * size - at >= 64; at += 64, to += line_bytes_out)
            lay_lines(to, rows, at, ~(__mmask64)0, dtype, kind, &tables);
        if (at < n * size)
            lay_lines(to, rows, at, line_mask(n * size - at), dtype, kind, &tables);
    }
}

/* Transposed weights: rows are neighbours in memory. Four columns of 16 rows become four quads. */
static void lay_transposed(tile *out, const s1_product *p, int64_t row, int64_t end, int64_t column,
                           int64_t n)
{
    const int64_t size = element_size(p->dtype);

    for (int64_t half = 0; half < 2; half++) {
        int64_t first = row + 16 * half;
        int64_t left = end - first;
        __mmask16 mask = left <= 0 ? 0 : left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1);

        for (int64_t j = 0; j < n; j += 4) {
            __m512 v[4];
            __m512i quads[4];
            for (int64_t i = 0; i < 4; i++) {
                const uint8_t *from = p->w + ((column + j + i) * p->stride + first) * size;
                v[i] = j + i < n && mask ? load_16(from, mask, p->dtype) : _mm512_setzero_ps();
            }
            __m512d ab0 = _mm512_castps_pd(_mm512_unpacklo_ps(v[0], v[1]));
            __m512d ab2 = _mm512_castps_pd(_mm512_unpackhi_ps(v[0], v[1]));
            __m512d cd0 = _mm512_castps_pd(_mm512_unpacklo_ps(v[2], v[3]));
            __m512d cd2 = _mm512_castps_pd(_mm512_unpackhi_ps(v[2], v[3]));
            quads[0] = _mm512_castpd_si512(_mm512_unpacklo_pd(ab0, cd0));
            quads[1] = _mm512_castpd_si512(_mm512_unpackhi_pd(ab0, cd0));
            quads[2] = _mm512_castpd_si512(_mm512_unpacklo_pd(ab2, cd2));
            quads[3] = _mm512_castpd_si512(_mm512_unpackhi_pd(ab2, cd2));
            transpose_quarters(quads);
            for (int64_t i = 0; i < 4; i++)
                _mm512_store_si512(out->w[half] + j / 4 * STEP_BYTES + i * 64, quads[i]);
        }
    }
}

static void lay_tile(tile *out, const s1_product *p, int64_t row, int64_t end, int64_t column,
                     int64_t n)
{
    bool halves = p->panel_kind == S1_PANEL_BF16;

    if (p->transposed) {
        lay_transposed(out, p, row, end, column, n);
        return;
    }
    switch (p->dtype) {
    case INS1_DTYPE_F8_E4M3:
        if (halves)
            lay_rows(out, p, row, end, column, n, INS1_DTYPE_F8_E4M3, S1_PANEL_BF16);
        else
            lay_rows(out, p, row, end, column, n, INS1_DTYPE_F8_E4M3, S1_PANEL_F32);
        break;
    case INS1_DTYPE_BF16:
        if (halves)
            lay_rows(out, p, row, end, column, n, INS1_DTYPE_BF16, S1_PANEL_BF16);
        else
            lay_rows(out, p, row, end, column, n, INS1_DTYPE_BF16, S1_PANEL_F32);
        break;
    case INS1_DTYPE_F16:
        lay_rows(out, p, row, end, column, n, INS1_DTYPE_F16, S1_PANEL_F32);
        break;
    default:
        lay_rows(out, p, row, end, column, n, INS1_DTYPE_F32, S1_PANEL_F32);
        break;
    }
}

/* --- multiplying --- */

/* One chunk of one piece for a group of g tokens. */
typedef void run_fn(float *sums, const uint8_t *w, const uint8_t *cells, int64_t n_steps,
                    float scale, bool first);

S1_INLINE void run(float *sums, const uint8_t *w, const uint8_t *cells, int64_t n_steps,
                   float scale, bool first, int g, int32_t kind)
{
    __m512 u[TOKENS][PIECE_QUADS];
    __m512 by = _mm512_set1_ps(scale);

    S1_UNROLL
    for (int i = 0; i < g; i++)
        S1_UNROLL
    for (int q = 0; q < PIECE_QUADS; q++)
        u[i][q] = _mm512_setzero_ps();
    for (int64_t step = 0; step < n_steps; step++) {
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
        w += STEP_BYTES;
        cells += g * S1_CELL;
    }
    /* Without this the compiler keeps the sums of all chunks in registers, and spills them. */
    __asm__ volatile("" ::: "memory");
    S1_UNROLL
    for (int i = 0; i < g; i++)
        S1_UNROLL
    for (int q = 0; q < PIECE_QUADS; q++) {
        float *sum = sums + i * TOKEN_SUMS + q * 16;
        __m512 before = first ? _mm512_setzero_ps() : _mm512_load_ps(sum);
        _mm512_store_ps(sum, _mm512_fmadd_ps(u[i][q], by, before));
    }
}

#define RUN(g)                                                                                     \
    static void run_f32_##g(float *sums, const uint8_t *w, const uint8_t *cells, int64_t n_steps,  \
                            float scale, bool first)                                               \
    {                                                                                              \
        run(sums, w, cells, n_steps, scale, first, g, S1_PANEL_F32);                               \
    }                                                                                              \
    static void run_bf16_##g(float *sums, const uint8_t *w, const uint8_t *cells, int64_t n_steps, \
                             float scale, bool first)                                              \
    {                                                                                              \
        run(sums, w, cells, n_steps, scale, first, g, S1_PANEL_BF16);                              \
    }

RUN(1)
RUN(2)
RUN(3)
RUN(4)
RUN(5)
RUN(6)

static run_fn *const runs[S1_PANEL_KINDS][TOKENS] = {
    { run_f32_1, run_f32_2, run_f32_3, run_f32_4, run_f32_5, run_f32_6 },
    { run_bf16_1, run_bf16_2, run_bf16_3, run_bf16_4, run_bf16_5, run_bf16_6 },
};

/* Addresses as numbers: the hint may reach behind the weights, nothing is read. */
static void fetch(uintptr_t from, int64_t size)
{
    for (int64_t at = 0; at < size; at += 64)
        _mm_prefetch((const char *)(from + (uintptr_t)at), _MM_HINT_T1);
}

/* All chunks of one tile; meanwhile `next` is fetched into the second cache, a share with each
 * group of tokens. */
static void multiply_tile(tile *scratch, const s1_product *p, int64_t row, int64_t end,
                          s1_ahead next)
{
    const int64_t chunk = s1_chunk(p);
    const int64_t columns = s1_panel_columns(p->panel_kind);
    const int64_t n_steps = s1_panel_steps(p->panel_kind, p->k);
    const int64_t n_shares = s1_ceil_div(p->k, chunk) * p->n_groups;
    int64_t share = 0;

    for (int64_t column = 0; column < p->k; column += chunk) {
        int64_t n = p->k - column < chunk ? p->k - column : chunk;
        int64_t steps = s1_panel_steps(p->panel_kind, n);
        float scale = s1_chunk_scale_avx512(p, row, column);

        lay_tile(scratch, p, row, end, column, n);
        for (int64_t group = 0; group < p->n_groups; group++, share++) {
            int64_t token = s1_group_begin(p->t, p->n_groups, group);
            int64_t g = s1_group_begin(p->t, p->n_groups, group + 1) - token;
            const uint8_t *cells = p->panel + (token * n_steps + column / columns * g) * S1_CELL;
            int64_t from = next.size * share / n_shares;

            fetch((uintptr_t)next.w + (uintptr_t)from, next.size * (share + 1) / n_shares - from);
            for (int64_t piece = 0; piece < PIECES; piece++)
                runs[p->panel_kind][g - 1](scratch->sums + token * TOKEN_SUMS +
                                               piece * PIECE_QUADS * 16,
                                           scratch->w[piece], cells, steps, scale, column == 0);
        }
    }
}

static void finish_tile(tile *scratch, const s1_product *p, int64_t row, int64_t end)
{
    for (int64_t token = 0; token < p->t; token++)
        for (int64_t half = 0; half < 2 && row + 16 * half < end; half++) {
            const float *quads = scratch->sums + token * TOKEN_SUMS + half * 64;
            float sums[16];
            _mm512_storeu_ps(sums,
                             sum_lanes(_mm512_load_ps(quads), _mm512_load_ps(quads + 16),
                                       _mm512_load_ps(quads + 32), _mm512_load_ps(quads + 48)));
            s1_store_sums_avx512(p, row + 16 * half, end, token, sums);
        }
}

void s1_tiles_avx512(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead, void *scratch)
{
    int64_t tile_size = p->transposed ? 0 : ROWS * p->stride * element_size(p->dtype);

    for (int64_t row = begin; row < end; row += ROWS) {
        int64_t tile_end = row + ROWS < end ? row + ROWS : end;
        s1_ahead next = { p->w + tile_end / ROWS * tile_size, tile_size };
        if (tile_end == end)
            next = (s1_ahead){ ahead.w, ahead.size < tile_size ? ahead.size : tile_size };
        multiply_tile(scratch, p, row, tile_end, next);
        finish_tile(scratch, p, row, tile_end);
    }
}
