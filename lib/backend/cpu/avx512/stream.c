#include "internal.h"

#include "backend/cpu/reader.h"
#include "lines.h"

/* Decode: each line is used at once. */

enum { ROWS_A_STORE = 16 };

/* One line of each of the eight rows, for all tokens. */
S1_INLINE void use_lines(__m512 u[2][FEW_TOKENS], const reader *r, int64_t at, __mmask64 mask,
                         bool whole, const uint8_t *cells, int64_t n_steps, int g, int32_t dtype,
                         int32_t kind, const f8_tables *tables)
{
    const int quads = quads_a_quarter(dtype, kind);
    __m512i lines[2][4];

    S1_UNROLL
    for (int i = 0; i < ROWS; i++) {
        const uint8_t *from = r->rows[i] + at;
        lines[i / 4][i % 4] =
            whole ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi8(mask, from);
    }
    transpose_quarters(lines[0]);
    transpose_quarters(lines[1]);
    S1_UNROLL
    for (int quarter = 0; quarter < 4; quarter++) {
        __m512i w[2][4];
        widen_quarter(w[0], lines[0][quarter], dtype, kind, tables);
        widen_quarter(w[1], lines[1][quarter], dtype, kind, tables);
        S1_UNROLL
        for (int q = 0; q < quads; q++) {
            int step = quarter * quads + q;
            if (!whole && step >= n_steps)
                return;
            S1_UNROLL
            for (int i = 0; i < g; i++) {
                __m512i x = broadcast_cell(cells + (step * g + i) * S1_CELL);
                u[0][i] = multiply_add(u[0][i], w[0][q], x, kind);
                u[1][i] = multiply_add(u[1][i], w[1][q], x, kind);
            }
        }
    }
}

S1_INLINE void block_of_rows(__m512 sums[2][FEW_TOKENS], const s1_product *p, reader *r,
                             int64_t row, int g, int32_t dtype, int32_t kind,
                             const f8_tables *tables)
{
    const int64_t size = element_size(dtype);
    const int64_t chunk = s1_chunk(p);
    const int64_t steps_a_line = 4 * quads_a_quarter(dtype, kind);

    for (int i = 0; i < g; i++)
        sums[0][i] = sums[1][i] = _mm512_setzero_ps();
    for (int64_t column = 0; column < p->k; column += chunk) {
        int64_t n = p->k - column < chunk ? p->k - column : chunk;
        int64_t at = column * size;
        int64_t end = at + n * size;
        const uint8_t *cells = p->panel + column / s1_panel_columns(kind) * g * S1_CELL;
        __m512 scale = _mm512_set1_ps(chunk_scale(p, row, column));
        __m512 u[2][FEW_TOKENS];

        for (int i = 0; i < g; i++)
            u[0][i] = u[1][i] = _mm512_setzero_ps();
        for (; end - at >= 64; at += 64) {
            use_lines(u, r, at, 0, true, cells, 0, g, dtype, kind, tables);
            fetch_lines(r, ROWS);
            cells += steps_a_line * g * S1_CELL;
        }
        if (at < end)
            use_lines(u, r, at, line_mask(end - at), false, cells,
                      s1_panel_steps(kind, (end - at) / size), g, dtype, kind, tables);
        for (int i = 0; i < g; i++) {
            sums[0][i] = _mm512_fmadd_ps(u[0][i], scale, sums[0][i]);
            sums[1][i] = _mm512_fmadd_ps(u[1][i], scale, sums[1][i]);
        }
    }
}

S1_INLINE void stream(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead, int g,
                      int32_t dtype, int32_t kind)
{
    const f8_tables tables = f8_tables_load();
    reader r = reader_of(p, begin, end, ahead);

    for (int64_t row = begin; row < end; row += ROWS_A_STORE) {
        __m512 sums[2][2][FEW_TOKENS];

        for (int64_t half = 0; half < 2; half++) {
            int64_t first = row + half * ROWS;
            reader_move(&r, p, first, end);
            if (first < end)
                block_of_rows(sums[half], p, &r, first, g, dtype, kind, &tables);
            else
                for (int i = 0; i < g; i++)
                    sums[half][0][i] = sums[half][1][i] = _mm512_setzero_ps();
        }
        for (int i = 0; i < g; i++)
            store_sums(p, row, end, i,
                       sum_lanes(sums[0][0][i], sums[0][1][i], sums[1][0][i], sums[1][1][i]));
    }
}

typedef void stream_fn(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead);

#define STREAM(name, tokens, dtype, kind)                                                        \
    static void name##_##tokens(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead) \
    {                                                                                            \
        stream(p, begin, end, ahead, tokens, dtype, kind);                                       \
    }

#define STREAMS(name, dtype, kind) \
    STREAM(name, 1, dtype, kind)   \
    STREAM(name, 2, dtype, kind)   \
    STREAM(name, 3, dtype, kind)   \
    STREAM(name, 4, dtype, kind)   \
    static stream_fn *const name[] = { name##_1, name##_2, name##_3, name##_4 };

STREAMS(f8_bf16, INS1_DTYPE_F8_E4M3, S1_PANEL_BF16)
STREAMS(f8_f32, INS1_DTYPE_F8_E4M3, S1_PANEL_F32)
STREAMS(bf16_bf16, INS1_DTYPE_BF16, S1_PANEL_BF16)
STREAMS(bf16_f32, INS1_DTYPE_BF16, S1_PANEL_F32)
STREAMS(f16_f32, INS1_DTYPE_F16, S1_PANEL_F32)
STREAMS(f32_f32, INS1_DTYPE_F32, S1_PANEL_F32)

void s1_stream_avx512(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead)
{
    bool halves = p->panel_kind == S1_PANEL_BF16;
    stream_fn *const *by_tokens;

    switch (p->dtype) {
    case INS1_DTYPE_F8_E4M3:
        by_tokens = halves ? f8_bf16 : f8_f32;
        break;
    case INS1_DTYPE_BF16:
        by_tokens = halves ? bf16_bf16 : bf16_f32;
        break;
    case INS1_DTYPE_F16:
        by_tokens = f16_f32;
        break;
    default:
        by_tokens = f32_f32;
        break;
    }
    by_tokens[p->t - 1](p, begin, end, ahead);
}
