#include "backend/cpu/neon/internal.h"
#include "backend/cpu/neon/lines.h"

/* Products of BF16 by the instruction that multiplies two rows of weights, four columns of each, by
 * as many of two tokens, and adds to four sums. Everything else is level neon's.
 *
 * A chunk has one sum for each row and token, to which the instruction adds four columns after the
 * other: the sum of two products, then that of the next two, each rounded to odd and denormals
 * taken for zero. Then sums of chunks = fma(chunk, scale, sums of chunks).
 *
 * Nothing here has run on an ARM core yet: results are tested under emulation, speed was judged
 * from the machine code. */

enum {
    TOKENS = 8,
    TOKEN_PAIRS = TOKENS / 2,
    TILE = 32,
    STREAM_ROWS = 8,
    PIECE =
        8, /* rows of one run of the innermost loop: sixteen vectors of sums with eight tokens */
    ROW_PAIRS = PIECE / 2,
    STEP = 8, /* columns of a cell */
    CHUNK = 2 * S1_SCALE_BLOCK,
};

/* Two rows, four neighbouring columns of each. */
typedef bfloat16x8_t block;

S1_INLINE block low_block(uint16x8_t a, uint16x8_t b)
{
    return vreinterpretq_bf16_u64(vzip1q_u64(vreinterpretq_u64_u16(a), vreinterpretq_u64_u16(b)));
}

S1_INLINE block high_block(uint16x8_t a, uint16x8_t b)
{
    return vreinterpretq_bf16_u64(vzip2q_u64(vreinterpretq_u64_u16(a), vreinterpretq_u64_u16(b)));
}

/* 16 columns of a row. */
S1_INLINE void load_row(uint16x8_t out[2], const uint8_t *from, int32_t dtype)
{
    if (dtype == INS1_DTYPE_F8_E4M3) {
        f8_bytes bytes = widen_f8(vld1q_u8(from));
        out[0] = low_codes(bytes);
        out[1] = high_codes(bytes);
    } else {
        out[0] = load_halves(from);
        out[1] = load_halves(from + 16);
    }
}

/* 16 columns of two rows, or the first n and zeros: nothing behind is read. */
S1_INLINE void load_blocks(block out[4], const uint8_t *a, const uint8_t *b, int64_t n,
                           int32_t dtype)
{
    uint8_t all[2][2 * COLUMNS] = { { 0 } };
    uint16x8_t rows[2][2];

    if (n < COLUMNS) {
        a = memcpy(all[0], a, (size_t)(n * element_size(dtype)));
        b = memcpy(all[1], b, (size_t)(n * element_size(dtype)));
    }
    load_row(rows[0], a, dtype);
    load_row(rows[1], b, dtype);
    S1_UNROLL
    for (int i = 0; i < 2; i++) {
        out[2 * i] = low_block(rows[0][i], rows[1][i]);
        out[2 * i + 1] = high_block(rows[0][i], rows[1][i]);
    }
}

/* The cells of two tokens, the second of which may be the first once more. */
S1_INLINE void load_cells(block out[2], const uint8_t *cells, int second)
{
    uint16x8_t a = load_halves(cells);
    uint16x8_t b = load_halves(cells + second * S1_CELL);
    out[0] = low_block(a, b);
    out[1] = high_block(a, b);
}

/* Sums of two tokens, [row][token], of eight rows: finished, for one of them. */
S1_INLINE pair of_token(const float32x4_t sums[ROW_PAIRS], int token)
{
    float32x4_t rows[2];

    S1_UNROLL
    for (int i = 0; i < 2; i++)
        rows[i] = token ? vuzp2q_f32(sums[2 * i], sums[2 * i + 1])
                        : vuzp1q_f32(sums[2 * i], sums[2 * i + 1]);
    return (pair){ { rows[0], rows[1] } };
}

/* --- decode: two tokens at most, weights are used as they are read --- */

S1_INLINE void stream_chunk(float32x4_t u[ROW_PAIRS], const uint8_t *const rows[STREAM_ROWS],
                            int64_t at, int64_t n, const uint8_t *cells, int g, int32_t dtype)
{
    const int64_t size = element_size(dtype);

    for (int64_t j = 0; j < n; j += COLUMNS, cells += 2 * g * S1_CELL) {
        block x[2][2];
        const bool both = n - j > STEP;

        load_cells(x[0], cells, g - 1);
        load_cells(x[1], both ? cells + g * S1_CELL : cells, g - 1);
        S1_UNROLL
        for (int i = 0; i < ROW_PAIRS; i++) {
            block w[4];
            load_blocks(w, rows[2 * i] + (at + j) * size, rows[2 * i + 1] + (at + j) * size, n - j,
                        dtype);
            u[i] = vbfmmlaq_f32(u[i], w[0], x[0][0]);
            u[i] = vbfmmlaq_f32(u[i], w[1], x[0][1]);
            if (!both)
                continue;
            u[i] = vbfmmlaq_f32(u[i], w[2], x[1][0]);
            u[i] = vbfmmlaq_f32(u[i], w[3], x[1][1]);
        }
    }
}

S1_INLINE void stream(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead, int g,
                      int32_t dtype)
{
    const int64_t chunk = s1_chunk(p);
    const int64_t row_size = p->stride * element_size(dtype);
    const uint8_t *last = p->w + (end - 1) * row_size;

    for (int64_t row = begin; row < end; row += STREAM_ROWS) {
        const uint8_t *rows[STREAM_ROWS];
        float32x4_t sums[ROW_PAIRS];
        fetching next = fetching_of(
            row + STREAM_ROWS < end ? p->w + (row + STREAM_ROWS) * row_size : ahead.w, row_size,
            row + STREAM_ROWS < end || ahead.size >= STREAM_ROWS * row_size ? STREAM_ROWS : 0,
            row_size, s1_ceil_div(p->k, S1_SCALE_BLOCK / 2));

        /* Rows behind the end are the last one again, and not stored. */
        for (int64_t i = 0; i < STREAM_ROWS; i++)
            rows[i] = row + i < end ? p->w + (row + i) * row_size : last;
        for (int i = 0; i < ROW_PAIRS; i++)
            sums[i] = vdupq_n_f32(0);
        for (int64_t column = 0; column < p->k; column += chunk) {
            const int64_t n = p->k - column < chunk ? p->k - column : chunk;
            const float32x4_t scale = vdupq_n_f32(chunk_scale(p, row, column));
            float32x4_t u[ROW_PAIRS] = { vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0),
                                         vdupq_n_f32(0) };

            for (int64_t at = 0; at < n; at += S1_SCALE_BLOCK / 2) {
                int64_t some = n - at < S1_SCALE_BLOCK / 2 ? n - at : S1_SCALE_BLOCK / 2;
                stream_chunk(u, rows, column + at, some,
                             p->panel + (column + at) / STEP * g * S1_CELL, g, dtype);
                fetch_turn(&next);
            }
            for (int i = 0; i < ROW_PAIRS; i++)
                sums[i] = vfmaq_f32(sums[i], u[i], scale);
        }
        for (int i = 0; i < g; i++)
            store_sums(p, row, end, i, of_token(sums, i));
    }
}

static void stream_rows(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead)
{
    const bool one = p->t == 1;

    if (p->dtype == INS1_DTYPE_F8_E4M3 && one)
        stream(p, begin, end, ahead, 1, INS1_DTYPE_F8_E4M3);
    else if (p->dtype == INS1_DTYPE_F8_E4M3)
        stream(p, begin, end, ahead, 2, INS1_DTYPE_F8_E4M3);
    else if (one)
        stream(p, begin, end, ahead, 1, INS1_DTYPE_BF16);
    else
        stream(p, begin, end, ahead, 2, INS1_DTYPE_BF16);
}

/* --- prefill: tiles of weights are laid out in scratch, tokens run past them --- */

/* Eight columns of eight rows. */
typedef struct step_blocks {
    uint16_t of[ROW_PAIRS][2][STEP];
} step_blocks;

/* The scratch of a worker. */
typedef struct tile {
    step_blocks w[TILE / PIECE][CHUNK / STEP];
    float sums[]; /* [token pair][row pair][2][2] */
} tile;

enum { PAIR_SUMS = TILE / 2 * 4 };

S1_INLINE void store_block(uint16_t *to, block b)
{
    vst1q_u16(to, vreinterpretq_u16_bf16(b));
}

S1_INLINE void lay(tile *out, const s1_product *p, int64_t row, int64_t end, int64_t column,
                   int64_t n, int32_t dtype)
{
    const int64_t size = element_size(dtype);

    for (int64_t at = 0; at < TILE / 2; at++) {
        const int64_t a = row + 2 * at < end ? row + 2 * at : end - 1;
        const int64_t b = a + 1 < end ? a + 1 : end - 1;
        const uint8_t *from_a = p->w + (a * p->stride + column) * size;
        const uint8_t *from_b = p->w + (b * p->stride + column) * size;
        step_blocks *to = out->w[at / ROW_PAIRS];

        for (int64_t j = 0; j < n; j += COLUMNS) {
            block w[4];
            load_blocks(w, from_a + j * size, from_b + j * size, n - j, dtype);
            S1_UNROLL
            for (int i = 0; i < 4; i++)
                store_block(to[j / STEP + i / 2].of[at % ROW_PAIRS][i % 2], w[i]);
        }
    }
}

/* One chunk of eight rows for a group of tokens, whose sums of the chunks before are read where
 * there are some. */
S1_INLINE void run(float *sums, const step_blocks *w, const uint8_t *cells, int64_t n_steps,
                   float scale, bool first, int g)
{
    const int pairs = (g + 1) / 2;
    float32x4_t u[TOKEN_PAIRS][ROW_PAIRS];

    S1_UNROLL
    for (int i = 0; i < pairs; i++) {
        S1_UNROLL
        for (int r = 0; r < ROW_PAIRS; r++)
            u[i][r] = vdupq_n_f32(0);
    }
    for (int64_t step = 0; step < n_steps; step++, w++, cells += g * S1_CELL) {
        block x[TOKEN_PAIRS][2];
        S1_UNROLL
        for (int i = 0; i < pairs; i++)
            load_cells(x[i], cells + 2 * i * S1_CELL, 2 * i + 1 < g);
        S1_UNROLL
        for (int half = 0; half < 2; half++) {
            S1_UNROLL
            for (int r = 0; r < ROW_PAIRS; r++) {
                block quad = vreinterpretq_bf16_u16(vld1q_u16(w->of[r][half]));
                S1_UNROLL
                for (int i = 0; i < pairs; i++)
                    u[i][r] = vbfmmlaq_f32(u[i][r], quad, x[i][half]);
            }
        }
    }
    S1_UNROLL
    for (int i = 0; i < pairs; i++) {
        S1_UNROLL
        for (int r = 0; r < ROW_PAIRS; r++) {
            float *sum = sums + i * PAIR_SUMS + r * 4;
            float32x4_t before = first ? vdupq_n_f32(0) : vld1q_f32(sum);
            vst1q_f32(sum, vfmaq_n_f32(before, u[i][r], scale));
        }
    }
}

typedef void run_fn(float *sums, const step_blocks *w, const uint8_t *cells, int64_t n_steps,
                    float scale, bool first);

#define RUN(g)                                                                                    \
    static void run_##g(float *sums, const step_blocks *w, const uint8_t *cells, int64_t n_steps, \
                        float scale, bool first)                                                  \
    {                                                                                             \
        run(sums, w, cells, n_steps, scale, first, g);                                            \
    }

RUN(1)
RUN(2)
RUN(3)
RUN(4)
RUN(5)
RUN(6)
RUN(7)
RUN(8)

static run_fn *const runs[TOKENS] = { run_1, run_2, run_3, run_4, run_5, run_6, run_7, run_8 };

static void multiply_chunk(tile *scratch, const s1_product *p, int64_t row, int64_t end,
                           int64_t column, int64_t n)
{
    const int64_t all_steps = s1_panel_steps(S1_PANEL_BF16, p->k);
    const float scale = chunk_scale(p, row, column);
    int64_t pairs = 0;

    for (int64_t group = 0; group < p->n_groups; group++) {
        const int64_t token = s1_group_begin(p->t, p->n_groups, group);
        const int64_t g = s1_group_begin(p->t, p->n_groups, group + 1) - token;
        const uint8_t *cells = p->panel + (token * all_steps + column / STEP * g) * S1_CELL;

        for (int64_t at = 0; row + at < end; at += PIECE)
            runs[g - 1](scratch->sums + pairs * PAIR_SUMS + at * 2, scratch->w[at / PIECE], cells,
                        s1_panel_steps(S1_PANEL_BF16, n), scale, column == 0);
        pairs += s1_ceil_div(g, 2);
    }
}

static void finish_tile(const tile *scratch, const s1_product *p, int64_t row, int64_t end)
{
    const float *of_group = scratch->sums;

    for (int64_t group = 0; group < p->n_groups; group++) {
        const int64_t token = s1_group_begin(p->t, p->n_groups, group);
        const int64_t g = s1_group_begin(p->t, p->n_groups, group + 1) - token;

        for (int64_t i = 0; i < g; i++)
            for (int64_t at = 0; row + at < end; at += PIECE) {
                const float *from = of_group + i / 2 * PAIR_SUMS + at * 2;
                const float32x4_t sums[ROW_PAIRS] = { vld1q_f32(from), vld1q_f32(from + 4),
                                                      vld1q_f32(from + 8), vld1q_f32(from + 12) };
                store_sums(p, row + at, end, token + i, of_token(sums, (int)(i % 2)));
            }
        of_group += s1_ceil_div(g, 2) * PAIR_SUMS;
    }
}

static void tiles(const s1_product *p, int64_t begin, int64_t end, tile *scratch)
{
    const int64_t chunk = s1_chunk(p);

    for (int64_t row = begin; row < end; row += TILE) {
        const int64_t tile_end = row + TILE < end ? row + TILE : end;

        if (p->k == 0) /* no chunk writes them; the last pair of each group may be of one token */
            memset(scratch->sums, 0,
                   (size_t)((p->t + p->n_groups) / 2 * PAIR_SUMS) * sizeof(float));
        for (int64_t column = 0; column < p->k; column += chunk) {
            const int64_t n = p->k - column < chunk ? p->k - column : chunk;
            if (p->dtype == INS1_DTYPE_F8_E4M3)
                lay(scratch, p, row, tile_end, column, n, INS1_DTYPE_F8_E4M3);
            else
                lay(scratch, p, row, tile_end, column, n, INS1_DTYPE_BF16);
            multiply_chunk(scratch, p, row, tile_end, column, n);
        }
        finish_tile(scratch, p, row, tile_end);
    }
}

/* --- the level --- */

static void panel_fill(uint8_t *cells, int32_t kind, bool round, const float *const *x, int64_t g,
                       int64_t k)
{
    if (kind != S1_PANEL_BF16) {
        s1_panel_fill_neon(cells, kind, round, x, g, k);
        return;
    }
    for (int64_t i = 0; i < g; i++) {
        uint8_t *to = cells + i * S1_CELL;
        for (int64_t at = 0; at < k; at += STEP, to += g * S1_CELL) {
            float rest[STEP] = { 0 };
            const float *from = x[i] + at;
            if (k - at < STEP)
                from = memcpy(rest, from, (size_t)(k - at) * sizeof(*from));
            /* The upper halves of what was rounded. */
            vst1q_u8(to, vreinterpretq_u8_u16(
                             vuzp2q_u16(vreinterpretq_u16_f32(round_bf16(vld1q_f32(from))),
                                        vreinterpretq_u16_f32(round_bf16(vld1q_f32(from + 4))))));
        }
    }
}

static void product(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead, void *scratch)
{
    if (p->panel_kind != S1_PANEL_BF16)
        s1_product_neon(p, begin, end, ahead, scratch);
    else if (p->t <= FEW_TOKENS)
        stream_rows(p, begin, end, ahead);
    else
        tiles(p, begin, end, scratch);
}

void s1_product_init_neon_bf16(s1_kernels *kernels)
{
    kernels->level = "neon_bf16";
    kernels->most_tokens[S1_PANEL_BF16] = TOKENS;
    kernels->tile = TILE;
    kernels->task_products = 8000000;
    kernels->panel_fill = panel_fill;
    kernels->product = product;
}
