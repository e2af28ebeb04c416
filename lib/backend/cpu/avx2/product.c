#include "lines.h"

/* Products of this level: everything in F32, rows of x rounded before where that is asked for. Four
 * lanes along the columns for each row: lane l of a chunk adds columns l, l + 4, ... by fused
 * multiply-add. Then sums of chunks = fma(chunk, scale, sums of chunks), and the lanes as
 * (0 + 1) + (2 + 3). One or two tokens use weights as they are read; more of them run past a tile
 * that is laid out in scratch. Both add in the same order. */

enum {
    TILE = 32,
    PASS = 256,
    TOKENS = 6,
    PIECE = 4, /* rows of one run of the innermost loop: two pairs, twelve sums with six tokens */
    PIECES = TILE / PIECE,
    STEPS = S1_SCALE_BLOCK / 4,
    TOKEN_SUMS = TILE * 4,
    FEW_TOKENS = 2,
    STREAM_ROWS = 8,
};

typedef struct tile {
    float w[PIECES][STEPS][2][8];
    float sums[]; /* [t][TOKEN_SUMS] */
} tile;

static float load_one(const uint8_t *from, int32_t dtype)
{
    return _mm256_cvtss_f32(load_some(from, 1, dtype));
}

static float chunk_scale(const s1_product *p, int64_t row, int64_t column)
{
    if (!p->scale)
        return 1.0f;

    int64_t at = row / S1_SCALE_BLOCK * p->scale_stride + column / S1_SCALE_BLOCK;
    if (p->scale_dtype != INS1_DTYPE_U8)
        return load_one(p->scale + at * element_size(p->scale_dtype), p->scale_dtype);
    /* A power of two; its smallest is a denormal. */
    uint32_t bits = p->scale[at] ? (uint32_t)p->scale[at] << 23 : 0x400000;
    float scale;
    memcpy(&scale, &bits, sizeof(scale));
    return scale;
}

/* Eight finished sums of rows from `row` on, fewer at the end. */
static void store_sums(const s1_product *p, int64_t row, int64_t end, int64_t token, __m256 sums)
{
    float *y = p->y + (p->rows ? p->rows[token] : token) * p->y_stride + row;
    float out[8];

    if (end - row >= 8) {
        if (p->bias)
            sums = _mm256_add_ps(
                sums, load_8(p->bias + row * element_size(p->bias_dtype), p->bias_dtype));
        if (p->accumulate)
            sums = _mm256_add_ps(_mm256_loadu_ps(y), sums);
        _mm256_storeu_ps(y, sums);
        return;
    }
    _mm256_storeu_ps(out, sums);
    for (int64_t i = 0; i < 8 && row + i < end; i++) {
        float sum = out[i];
        if (p->bias)
            sum += load_one(p->bias + (row + i) * element_size(p->bias_dtype), p->bias_dtype);
        y[i] = p->accumulate ? y[i] + sum : sum;
    }
}

/* --- one or two tokens --- */

/* Eight columns of eight rows, n of them inside. */
S1_INLINE void use_columns(__m256 u[4][FEW_TOKENS], const uint8_t *const *rows, int64_t at,
                           int64_t n, const float *cells, int g, int32_t dtype)
{
    S1_UNROLL
    for (int pair = 0; pair < 4; pair++) {
        const uint8_t *a = rows[2 * pair] + at;
        const uint8_t *b = rows[2 * pair + 1] + at;
        __m256 w[2];
        if (n >= 8)
            make_pairs(w, load_8(a, dtype), load_8(b, dtype));
        else
            make_pairs(w, load_some(a, n, dtype), load_some(b, n, dtype));
        S1_UNROLL
        for (int i = 0; i < g; i++) {
            u[pair][i] = _mm256_fmadd_ps(w[0], broadcast_cell(cells + i * 4), u[pair][i]);
            if (n > 4)
                u[pair][i] = _mm256_fmadd_ps(w[1], broadcast_cell(cells + (g + i) * 4), u[pair][i]);
        }
    }
}

S1_INLINE void stream(const s1_product *p, int64_t begin, int64_t end, int g, int32_t dtype)
{
    const int64_t size = element_size(dtype);

    for (int64_t row = begin; row < end; row += STREAM_ROWS) {
        const uint8_t *rows[STREAM_ROWS];
        __m256 sums[4][FEW_TOKENS];

        /* Rows behind the end are the last one again, and not stored. */
        for (int64_t i = 0; i < STREAM_ROWS; i++)
            rows[i] = p->w + (row + i < end ? row + i : end - 1) * p->stride * size;
        for (int pair = 0; pair < 4; pair++)
            for (int i = 0; i < g; i++)
                sums[pair][i] = _mm256_setzero_ps();

        for (int64_t column = 0; column < p->k; column += S1_SCALE_BLOCK) {
            int64_t n = p->k - column < S1_SCALE_BLOCK ? p->k - column : S1_SCALE_BLOCK;
            const float *cells = (const float *)(const void *)p->panel + column * g;
            __m256 scale = _mm256_set1_ps(chunk_scale(p, row, column));
            __m256 u[4][FEW_TOKENS];
            int64_t j = 0;

            for (int pair = 0; pair < 4; pair++)
                for (int i = 0; i < g; i++)
                    u[pair][i] = _mm256_setzero_ps();
            for (; n - j >= 8; j += 8, cells += 8 * g)
                use_columns(u, rows, (column + j) * size, 8, cells, g, dtype);
            if (j < n)
                use_columns(u, rows, (column + j) * size, n - j, cells, g, dtype);
            for (int pair = 0; pair < 4; pair++)
                for (int i = 0; i < g; i++)
                    sums[pair][i] = _mm256_fmadd_ps(u[pair][i], scale, sums[pair][i]);
        }
        for (int i = 0; i < g; i++)
            store_sums(p, row, end, i, sum_lanes(sums[0][i], sums[1][i], sums[2][i], sums[3][i]));
    }
}

typedef void stream_fn(const s1_product *p, int64_t begin, int64_t end);

#define STREAM(name, dtype)                                               \
    static void name##_1(const s1_product *p, int64_t begin, int64_t end) \
    {                                                                     \
        stream(p, begin, end, 1, dtype);                                  \
    }                                                                     \
    static void name##_2(const s1_product *p, int64_t begin, int64_t end) \
    {                                                                     \
        stream(p, begin, end, 2, dtype);                                  \
    }

STREAM(stream_f8, INS1_DTYPE_F8_E4M3)
STREAM(stream_bf16, INS1_DTYPE_BF16)
STREAM(stream_f16, INS1_DTYPE_F16)
STREAM(stream_f32, INS1_DTYPE_F32)

/* --- tiles --- */

S1_INLINE void lay_rows(tile *out, const s1_product *p, int64_t row, int64_t end, int64_t column,
                        int64_t n, int32_t dtype)
{
    const int64_t size = element_size(dtype);

    for (int64_t pair = 0; pair < TILE / 2; pair++) {
        int64_t first = row + 2 * pair;
        const uint8_t *a = p->w + ((first < end ? first : end - 1) * p->stride + column) * size;
        const uint8_t *b =
            p->w + ((first + 1 < end ? first + 1 : end - 1) * p->stride + column) * size;
        float(*to)[2][8] = out->w[pair / 2];
        int64_t j = 0;

        for (; n - j >= 8; j += 8) {
            __m256 w[2];
            make_pairs(w, load_8(a + j * size, dtype), load_8(b + j * size, dtype));
            _mm256_store_ps(to[j / 4][pair % 2], w[0]);
            _mm256_store_ps(to[j / 4 + 1][pair % 2], w[1]);
        }
        if (j < n) {
            __m256 w[2];
            make_pairs(w, load_some(a + j * size, n - j, dtype),
                       load_some(b + j * size, n - j, dtype));
            _mm256_store_ps(to[j / 4][pair % 2], w[0]);
            _mm256_store_ps(to[j / 4 + 1][pair % 2], w[1]);
        }
    }
}

/* Transposed weights: rows are neighbours in memory. Four columns of eight rows become four pairs.
 */
static void lay_transposed(tile *out, const s1_product *p, int64_t row, int64_t end, int64_t column,
                           int64_t n)
{
    const int64_t size = element_size(p->dtype);

    for (int64_t block = 0; block < TILE / 8; block++) {
        int64_t first = row + 8 * block;
        int64_t left = end - first;

        for (int64_t j = 0; j < n; j += 4) {
            __m256 v[4];
            for (int64_t i = 0; i < 4; i++) {
                const uint8_t *from = p->w + ((column + j + i) * p->stride + first) * size;
                if (j + i >= n || left <= 0)
                    v[i] = _mm256_setzero_ps();
                else if (left >= 8)
                    v[i] = load_8(from, p->dtype);
                else
                    v[i] = load_some(from, left, p->dtype);
            }
            __m256d ab0 = _mm256_castps_pd(_mm256_unpacklo_ps(v[0], v[1]));
            __m256d ab2 = _mm256_castps_pd(_mm256_unpackhi_ps(v[0], v[1]));
            __m256d cd0 = _mm256_castps_pd(_mm256_unpacklo_ps(v[2], v[3]));
            __m256d cd2 = _mm256_castps_pd(_mm256_unpackhi_ps(v[2], v[3]));
            __m256 pairs[2][2]; /* rows 0, 4 and 1, 5, then 2, 6 and 3, 7 */
            __m256 sorted[2];
            pairs[0][0] = _mm256_castpd_ps(_mm256_unpacklo_pd(ab0, cd0));
            pairs[0][1] = _mm256_castpd_ps(_mm256_unpackhi_pd(ab0, cd0));
            pairs[1][0] = _mm256_castpd_ps(_mm256_unpacklo_pd(ab2, cd2));
            pairs[1][1] = _mm256_castpd_ps(_mm256_unpackhi_pd(ab2, cd2));
            for (int64_t half = 0; half < 2; half++) {
                make_pairs(sorted, pairs[half][0], pairs[half][1]);
                _mm256_store_ps(out->w[2 * block][j / 4][half], sorted[0]);
                _mm256_store_ps(out->w[2 * block + 1][j / 4][half], sorted[1]);
            }
        }
    }
}

static void lay_tile(tile *out, const s1_product *p, int64_t row, int64_t end, int64_t column,
                     int64_t n)
{
    if (p->transposed)
        lay_transposed(out, p, row, end, column, n);
    else if (p->dtype == INS1_DTYPE_F8_E4M3)
        lay_rows(out, p, row, end, column, n, INS1_DTYPE_F8_E4M3);
    else if (p->dtype == INS1_DTYPE_BF16)
        lay_rows(out, p, row, end, column, n, INS1_DTYPE_BF16);
    else if (p->dtype == INS1_DTYPE_F16)
        lay_rows(out, p, row, end, column, n, INS1_DTYPE_F16);
    else
        lay_rows(out, p, row, end, column, n, INS1_DTYPE_F32);
}

/* One chunk of one piece for a group of g tokens. */
typedef void run_fn(float *sums, const float (*w)[2][8], const float *cells, int64_t n_steps,
                    float scale, bool first);

S1_INLINE void run(float *sums, const float (*w)[2][8], const float *cells, int64_t n_steps,
                   float scale, bool first, int g)
{
    __m256 u[TOKENS][2];
    __m256 by = _mm256_set1_ps(scale);

    S1_UNROLL
    for (int i = 0; i < g; i++)
        u[i][0] = u[i][1] = _mm256_setzero_ps();
    for (int64_t step = 0; step < n_steps; step++, cells += g * 4) {
        __m256 w0 = _mm256_load_ps(w[step][0]);
        __m256 w1 = _mm256_load_ps(w[step][1]);
        S1_UNROLL
        for (int i = 0; i < g; i++) {
            __m256 x = broadcast_cell(cells + i * 4);
            u[i][0] = _mm256_fmadd_ps(w0, x, u[i][0]);
            u[i][1] = _mm256_fmadd_ps(w1, x, u[i][1]);
        }
    }
    S1_UNROLL
    for (int i = 0; i < g; i++) {
        float *sum = sums + i * TOKEN_SUMS;
        __m256 a = first ? _mm256_setzero_ps() : _mm256_load_ps(sum);
        __m256 b = first ? _mm256_setzero_ps() : _mm256_load_ps(sum + 8);
        _mm256_store_ps(sum, _mm256_fmadd_ps(u[i][0], by, a));
        _mm256_store_ps(sum + 8, _mm256_fmadd_ps(u[i][1], by, b));
    }
}

#define RUN(g)                                                                                   \
    static void run_##g(float *sums, const float(*w)[2][8], const float *cells, int64_t n_steps, \
                        float scale, bool first)                                                 \
    {                                                                                            \
        run(sums, w, cells, n_steps, scale, first, g);                                           \
    }

RUN(1)
RUN(2)
RUN(3)
RUN(4)
RUN(5)
RUN(6)

static run_fn *const runs[TOKENS] = { run_1, run_2, run_3, run_4, run_5, run_6 };

static void multiply_tile(tile *scratch, const s1_product *p, int64_t row, int64_t end)
{
    const int64_t n_steps = s1_panel_steps(S1_PANEL_F32, p->k);

    if (p->k == 0)
        memset(scratch->sums, 0, (size_t)p->t * TOKEN_SUMS * sizeof(float));
    for (int64_t column = 0; column < p->k; column += S1_SCALE_BLOCK) {
        int64_t n = p->k - column < S1_SCALE_BLOCK ? p->k - column : S1_SCALE_BLOCK;
        float scale = chunk_scale(p, row, column);

        lay_tile(scratch, p, row, end, column, n);
        for (int64_t group = 0; group < p->n_groups; group++) {
            int64_t token = s1_group_begin(p->t, p->n_groups, group);
            int64_t g = s1_group_begin(p->t, p->n_groups, group + 1) - token;
            const float *cells =
                (const float *)(const void *)p->panel + token * n_steps * 4 + column * g;

            for (int64_t piece = 0; piece < PIECES; piece++)
                runs[g - 1](scratch->sums + token * TOKEN_SUMS + piece * PIECE * 4,
                            (const float(*)[2][8])scratch->w[piece], cells,
                            s1_panel_steps(S1_PANEL_F32, n), scale, column == 0);
        }
    }
}

static void finish_tile(const tile *scratch, const s1_product *p, int64_t row, int64_t end)
{
    for (int64_t token = 0; token < p->t; token++)
        for (int64_t at = 0; row + at < end; at += 8) {
            const float *sums = scratch->sums + token * TOKEN_SUMS + at * 4;
            store_sums(p, row + at, end, token,
                       sum_lanes(_mm256_load_ps(sums), _mm256_load_ps(sums + 8),
                                 _mm256_load_ps(sums + 16), _mm256_load_ps(sums + 24)));
        }
}

static void product_avx2(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead,
                         void *scratch)
{
    (void)ahead;
    if (p->t <= FEW_TOKENS && !p->transposed) {
        bool two = p->t == 2;
        stream_fn *by_type = p->dtype == INS1_DTYPE_F8_E4M3 ? (two ? stream_f8_2 : stream_f8_1)
                             : p->dtype == INS1_DTYPE_BF16  ? (two ? stream_bf16_2 : stream_bf16_1)
                             : p->dtype == INS1_DTYPE_F16   ? (two ? stream_f16_2 : stream_f16_1)
                                                            : (two ? stream_f32_2 : stream_f32_1);
        by_type(p, begin, end);
        return;
    }
    for (int64_t row = begin; row < end; row += TILE) {
        int64_t tile_end = row + TILE < end ? row + TILE : end;
        multiply_tile(scratch, p, row, tile_end);
        finish_tile(scratch, p, row, tile_end);
    }
}

/* --- rows of x --- */

static void panel_fill_avx2(uint8_t *cells, int32_t kind, bool round, const float *const *x,
                            int64_t g, int64_t k)
{
    (void)kind;
    for (int64_t i = 0; i < g; i++) {
        float *to = (float *)(void *)cells + i * 4;
        for (int64_t at = 0; at < k; at += 8, to += 8 * g) {
            const uint8_t *from = (const uint8_t *)(x[i] + at);
            __m256 v = k - at >= 8 ? load_8(from, INS1_DTYPE_F32)
                                   : load_some(from, k - at, INS1_DTYPE_F32);
            if (round)
                v = round_bf16(v);
            _mm_storeu_ps(to, _mm256_castps256_ps128(v));
            if (k - at > 4)
                _mm_storeu_ps(to + 4 * g, _mm256_extractf128_ps(v, 1));
        }
    }
}

void s1_product_init_avx2(s1_kernels *kernels)
{
    kernels->level = "avx2";
    kernels->most_tokens[S1_PANEL_F32] = TOKENS;
    kernels->most_tokens[S1_PANEL_BF16] = 0;
    kernels->tile = TILE;
    kernels->pass = PASS;
    kernels->task_products = 8000000;
    kernels->panel_fill = panel_fill_avx2;
    kernels->product = product_avx2;
}
