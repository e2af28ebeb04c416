#include "internal.h"
#include "lines.h"

/* Decode: blocks of eight rows, all of whose bytes lie in one piece. Eight streams at once would
 * starve the machine's own prefetching, so the piece is fetched in the order of its addresses. The
 * last row of a block is needed as soon as its first, so fetching leads by nearly a block. */

enum {
    ROWS = 8,
    PAIRS = ROWS / 2,
    LATENCY = 8 << 10, /* bytes that arrive while a line is on its way */
};

/* Addresses are numbers where they may lie behind the weights: they are hints, nothing is read. */
typedef struct reader {
    const uint8_t *rows[ROWS];
    uintptr_t fetch; /* the next line to ask for */
    uintptr_t fetch_end;
    s1_ahead ahead;
} reader;

/* As many lines as one line of each row. */
S1_INLINE void fetch_lines(reader *r, int n)
{
    S1_UNROLL
    for (int i = 0; i < n; i++)
        _mm_prefetch((const char *)(r->fetch + 64 * (unsigned)i), _MM_HINT_T0);
    if (r->fetch + 64 * (unsigned)n < r->fetch_end) {
        r->fetch += 64 * (unsigned)n;
    } else if (r->ahead.size > 0) {
        r->fetch = (uintptr_t)r->ahead.w;
        r->fetch_end = r->fetch + (uintptr_t)r->ahead.size;
        r->ahead.size = 0;
    }
}

/* 16 columns of eight rows, n of them inside, for all tokens. */
S1_INLINE void use_columns(__m256 u[PAIRS][FEW_TOKENS], const reader *r, int64_t at, int64_t n,
                           const float *cells, int g, int32_t dtype, __m256i *most)
{
    S1_UNROLL
    for (int pair = 0; pair < PAIRS; pair++) {
        const uint8_t *a = r->rows[2 * pair] + at;
        const uint8_t *b = r->rows[2 * pair + 1] + at;
        __m256 w[4];

        if (n >= COLUMNS)
            load_pairs(w, a, b, dtype, most);
        else
            load_some_pairs(w, a, b, n, dtype, most);
        S1_UNROLL
        for (int step = 0; step < 4; step++) {
            if (n <= step * 4)
                break;
            S1_UNROLL
            for (int i = 0; i < g; i++)
                u[pair][i] = _mm256_fmadd_ps(w[step], broadcast_cell(cells + (step * g + i) * 4),
                                             u[pair][i]);
        }
    }
}

/* A row with a NaN among its weights has no other sum. */
static void spread_nan(__m256 sums[PAIRS][FEW_TOKENS], const reader *r, int64_t k, int g)
{
    for (int64_t row = 0; row < ROWS; row++) {
        if (!row_has_nan(r->rows[row], k))
            continue;
        __m256i lanes = row % 2 ? _mm256_setr_epi32(0, 0, 0, 0, -1, -1, -1, -1)
                                : _mm256_setr_epi32(-1, -1, -1, -1, 0, 0, 0, 0);
        for (int i = 0; i < g; i++)
            sums[row / 2][i] = _mm256_or_ps(sums[row / 2][i], _mm256_castsi256_ps(lanes));
    }
}

S1_INLINE void block_of_rows(__m256 sums[PAIRS][FEW_TOKENS], const s1_product *p, reader *r,
                             int64_t row, int g, int32_t dtype)
{
    const int64_t size = element_size(dtype);
    __m256i most = _mm256_setzero_si256();

    for (int pair = 0; pair < PAIRS; pair++)
        for (int i = 0; i < g; i++)
            sums[pair][i] = _mm256_setzero_ps();
    for (int64_t column = 0; column < p->k; column += S1_SCALE_BLOCK) {
        int64_t n = p->k - column < S1_SCALE_BLOCK ? p->k - column : S1_SCALE_BLOCK;
        const float *cells = (const float *)(const void *)p->panel + column * g;
        __m256 scale = _mm256_set1_ps(chunk_scale(p, row, column));
        __m256 u[PAIRS][FEW_TOKENS];
        int64_t j = 0;

        for (int pair = 0; pair < PAIRS; pair++)
            for (int i = 0; i < g; i++)
                u[pair][i] = _mm256_setzero_ps();
        for (; n - j >= COLUMNS; j += COLUMNS, cells += COLUMNS * g) {
            use_columns(u, r, (column + j) * size, COLUMNS, cells, g, dtype, &most);
            fetch_lines(r, (int)(COLUMNS * ROWS * size / 64));
        }
        if (j < n)
            use_columns(u, r, (column + j) * size, n - j, cells, g, dtype, &most);
        for (int pair = 0; pair < PAIRS; pair++)
            for (int i = 0; i < g; i++)
                sums[pair][i] = _mm256_fmadd_ps(u[pair][i], scale, sums[pair][i]);
    }
    if (dtype == INS1_DTYPE_F8_E4M3 && has_nan(most))
        spread_nan(sums, r, p->k, g);
}

S1_INLINE void stream(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead, int g,
                      int32_t dtype)
{
    const int64_t row_size = p->stride * element_size(dtype);
    reader r = {
        .fetch = (uintptr_t)p->w + (uintptr_t)((begin + ROWS - 1) * row_size + LATENCY),
        .fetch_end = (uintptr_t)p->w + (uintptr_t)(end * row_size),
        .ahead = ahead,
    };

    for (int64_t row = begin; row < end; row += ROWS) {
        __m256 sums[PAIRS][FEW_TOKENS];

        /* Rows behind the end are the last one again, and not stored. */
        for (int64_t i = 0; i < ROWS; i++)
            r.rows[i] = p->w + (row + i < end ? row + i : end - 1) * row_size;
        block_of_rows(sums, p, &r, row, g, dtype);
        for (int i = 0; i < g; i++)
            store_sums(p, row, end, i, sum_lanes(sums[0][i], sums[1][i], sums[2][i], sums[3][i]));
    }
}

typedef void stream_fn(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead);

#define STREAM(name, tokens, dtype)                                                              \
    static void name##_##tokens(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead) \
    {                                                                                            \
        stream(p, begin, end, ahead, tokens, dtype);                                             \
    }

#define STREAMS(name, dtype) \
    STREAM(name, 1, dtype)   \
    STREAM(name, 2, dtype)   \
    static stream_fn *const name[FEW_TOKENS] = { name##_1, name##_2 };

STREAMS(stream_f8, INS1_DTYPE_F8_E4M3)
STREAMS(stream_bf16, INS1_DTYPE_BF16)
STREAMS(stream_f16, INS1_DTYPE_F16)
STREAMS(stream_f32, INS1_DTYPE_F32)

void s1_stream_avx2(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead)
{
    stream_fn *const *by_tokens = p->dtype == INS1_DTYPE_F8_E4M3 ? stream_f8
                                  : p->dtype == INS1_DTYPE_BF16  ? stream_bf16
                                  : p->dtype == INS1_DTYPE_F16   ? stream_f16
                                                                 : stream_f32;
    by_tokens[p->t - 1](p, begin, end, ahead);
}
