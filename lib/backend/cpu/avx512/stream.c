#include "internal.h"
#include "lines.h"

/* Decode: blocks of eight rows, all of whose bytes lie in one piece. Eight streams at once would
 * starve the machine's own prefetching, so the piece is fetched in the order of its addresses. The
 * last row of a block is needed as soon as its first, so fetching leads by nearly a block, which is
 * as much as the first cache holds: into the second one. */

enum {
    ROWS = 8,
    ROWS_A_STORE = 16,
    LATENCY = 8 << 10, /* bytes that arrive while a line is on its way */
};

/* Addresses are numbers where they may lie behind the weights: they are hints, nothing is read. */
typedef struct reader {
    const uint8_t *rows[ROWS];
    uintptr_t fetch; /* the next line to ask for */
    uintptr_t fetch_end;
    s1_ahead ahead;
} reader;

S1_INLINE void fetch_lines(reader *r)
{
    S1_UNROLL
    for (int i = 0; i < ROWS; i++)
        _mm_prefetch((const char *)(r->fetch + 64 * (unsigned)i), _MM_HINT_T1);
    if (r->fetch + 64 * ROWS < r->fetch_end) {
        r->fetch += 64 * ROWS;
    } else if (r->ahead.size > 0) {
        r->fetch = (uintptr_t)r->ahead.w;
        r->fetch_end = r->fetch + (uintptr_t)r->ahead.size;
        r->ahead.size = 0;
    }
}

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
            fetch_lines(r);
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
    const int64_t row_size = p->stride * element_size(dtype);
    reader r = {
        .fetch = (uintptr_t)p->w + (uintptr_t)((begin + ROWS - 1) * row_size + LATENCY),
        .fetch_end = (uintptr_t)p->w + (uintptr_t)(end * row_size),
        .ahead = ahead,
    };

    for (int64_t row = begin; row < end; row += ROWS_A_STORE) {
        __m512 sums[2][2][FEW_TOKENS];

        for (int64_t half = 0; half < 2; half++) {
            int64_t first = row + half * ROWS;
            /* Rows behind the end are the last one again, and not stored. */
            for (int64_t i = 0; i < ROWS; i++)
                r.rows[i] = p->w + (first + i < end ? first + i : end - 1) * row_size;
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
