#include "lines.h"

#include <math.h>

/* Products of I8 by way of 16 bits: the instruction that multiplies bytes stops at 16 bits, which
 * the sum of two products exceeds. */

enum {
    TOKENS = 2, /* of a group: eight sums of four rows */
    ROWS = 16,
    PIECE = 4,             /* rows of one run of the innermost loop */
    CHUNK = 512,           /* columns of a tile that are laid out at once, 16 KiB */
    A_STORE = 8,           /* rows */
    TURN = 8,              /* steps between lines that are fetched */
    NEAR_BYTES = 24 << 10, /* of x, that stay in the first cache */
};

/* --- rounding --- */

/* Eight floats from `at` on, zeros behind the end. */
S1_INLINE __m256 load_floats(const float *x, int64_t at, int64_t k)
{
    if (k - at >= 8)
        return _mm256_loadu_ps(x + at);
    return at < k ? load_some((const uint8_t *)(x + at), k - at, INS1_DTYPE_F32)
                  : _mm256_setzero_ps();
}

/* As integers, sizes of floats have their order, infinity and NaN behind all others. */
static float scale_of(const float *x, int64_t k)
{
    const __m256i size = _mm256_set1_epi32(INT32_MAX);
    __m256i most = _mm256_setzero_si256();
    int32_t all[8], bits = 0;
    float largest;

    for (int64_t at = 0; at < k; at += 8) {
        __m256i v = _mm256_castps_si256(load_floats(x, at, k));
        most = _mm256_max_epi32(most, _mm256_and_si256(v, size));
    }
    _mm256_storeu_si256((__m256i *)(void *)all, most);
    for (int i = 0; i < 8; i++)
        bits = all[i] > bits ? all[i] : bits;
    memcpy(&largest, &bits, sizeof(largest));
    return isfinite(largest) ? largest / 127.5f : NAN;
}

/* 16 quotients, held to what a byte can be. */
S1_INLINE __m128i round_16(__m256 a, __m256 b, __m256 scale)
{
    __m256i low = _mm256_cvtps_epi32(_mm256_div_ps(a, scale));
    __m256i high = _mm256_cvtps_epi32(_mm256_div_ps(b, scale));
    __m256i halves = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
    return _mm_packs_epi16(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
}

S1_INLINE __m128i fold_halves(__m256i v)
{
    return _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

static void fill_row(uint8_t *to, int64_t step_size, const float *x, int64_t k)
{
    s1_i8_row row = { .scale = scale_of(x, k) };
    const bool any = row.scale > 0;
    const __m256 scale = _mm256_set1_ps(row.scale);
    __m256i sums = _mm256_setzero_si256();

    for (int64_t at = 0; at < k; at += 16, to += step_size) {
        __m128i q = any ? round_16(load_floats(x, at, k), load_floats(x, at + 8, k), scale)
                        : _mm_setzero_si128();
        _mm_storeu_si128((__m128i *)(void *)to, q);
        sums = _mm256_add_epi32(sums,
                                _mm256_madd_epi16(_mm256_cvtepi8_epi16(q), _mm256_set1_epi16(1)));
    }
    __m128i sum = fold_halves(sums);
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    row.sum = _mm_cvtsi128_si32(sum) + _mm_extract_epi32(sum, 1);
    memcpy(to, &row, sizeof(row));
}

static void fill_i8(uint8_t *cells, const float *const *x, int64_t g, int64_t k)
{
    for (int64_t i = 0; i < g; i++)
        fill_row(cells + i * S1_CELL, g * S1_CELL, x[i], k);
}

/* --- results --- */

/* Of eight rows of w, or fewer before `end`. */
static __m256 load_scales(const s1_product *p, int64_t row, int64_t end)
{
    const int64_t size = element_size(p->scale_dtype);
    const int64_t n = end - row < A_STORE ? end - row : A_STORE;
    float scales[A_STORE] = { 0 };

    if (p->scale_stride == 1 && n == A_STORE)
        return load_8(p->scale + row * size, p->scale_dtype);
    for (int64_t i = 0; i < n; i++)
        scales[i] = _mm256_cvtss_f32(
            load_some(p->scale + (row + i) * p->scale_stride * size, 1, p->scale_dtype));
    return _mm256_loadu_ps(scales);
}

/* Of eight rows. `last` is the last cell of the token. */
static inline void store_products(const s1_product *p, int64_t row, int64_t end, int64_t token,
                                  __m256i sums, __m256 scales, const uint8_t *last)
{
    s1_i8_row x;

    memcpy(&x, last, sizeof(x));
    store_sums(
        p, row, end, token,
        _mm256_mul_ps(_mm256_cvtepi32_ps(sums), _mm256_mul_ps(_mm256_set1_ps(x.scale), scales)));
}

/* Lanes of four rows become four sums. */
S1_INLINE __m128i add_lanes(__m256i a, __m256i b, __m256i c, __m256i d)
{
    __m256i ab = _mm256_add_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    __m256i cd = _mm256_add_epi32(_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
    return fold_halves(
        _mm256_add_epi32(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd)));
}

/* 16 columns, n of them inside, in 16 bits. */
S1_INLINE __m256i load_wide(const uint8_t *from, int64_t n)
{
    uint8_t all[16] = { 0 };

    if (n < 16) {
        memcpy(all, from, (size_t)n);
        from = all;
    }
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)from));
}

S1_INLINE __m256i multiply_add(__m256i sums, __m256i a, __m256i b)
{
    return _mm256_add_epi32(sums, _mm256_madd_epi16(a, b));
}

/* The same with factors that stay in memory, each product added at once: compilers would keep all
 * of them in registers. */
S1_INLINE __m256i multiply_add_from(__m256i sums, __m256i a, const int16_t *b)
{
    __m256i products;

    __asm__("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0"
            : "+x"(sums), "=&x"(products)
            : "x"(a), "m"(*(const __m256i *)(const void *)b));
    return sums;
}

/* --- prefill: tiles are laid out in 16 bits, tokens run past them --- */

/* The scratch of a worker. */
typedef struct tile {
    int16_t w[ROWS][CHUNK];
    int32_t sums[][ROWS]; /* [t] */
} tile;

/* Rows behind the end are the last one again. */
static void lay_tile(tile *out, const s1_product *p, int64_t row, int64_t end, int64_t column,
                     int64_t n)
{
    for (int64_t i = 0; i < ROWS; i++) {
        const uint8_t *from = p->w + (row + i < end ? row + i : end - 1) * p->stride + column;
        int64_t at = 0;

        for (; n - at >= 16; at += 16)
            _mm256_store_si256((__m256i *)(void *)(out->w[i] + at), load_wide(from + at, 16));
        if (at < n)
            _mm256_store_si256((__m256i *)(void *)(out->w[i] + at), load_wide(from + at, n - at));
    }
}

/* One chunk of the tile for a group of tokens. */
typedef struct group_run {
    int32_t (*sums)[ROWS]; /* of the chunks before */
    const int16_t (*w)[CHUNK];
    const uint8_t *cells; /* [step][token] */
    int64_t n_steps;
    bool first; /* of the chunks */
    fetching *next;
} group_run;

typedef void run_fn(const group_run *r);

S1_INLINE void run_step(__m256i u[PIECE][TOKENS], const int16_t *w, const uint8_t *cells, int g)
{
    __m256i x[TOKENS];
    S1_UNROLL
    for (int i = 0; i < g; i++)
        x[i] = load_wide(cells + i * S1_CELL, 16);
    S1_UNROLL
    for (int at = 0; at < PIECE; at++) {
        __m256i v = _mm256_load_si256((const __m256i *)(const void *)(w + at * CHUNK));
        S1_UNROLL
        for (int i = 0; i < g; i++)
            u[at][i] = multiply_add(u[at][i], v, x[i]);
    }
}

S1_INLINE void run_piece(const group_run *r, int64_t row, int g)
{
    const int16_t *w = r->w[row];
    const uint8_t *cells = r->cells;
    __m256i u[PIECE][TOKENS];

    S1_UNROLL
    for (int i = 0; i < PIECE * g; i++)
        u[i % PIECE][i / PIECE] = _mm256_setzero_si256();
    for (int64_t left = r->n_steps; left > 0; left -= TURN) {
        int64_t turn = left < TURN ? left : TURN;
        for (; turn > 0; turn--, w += 16, cells += g * S1_CELL)
            run_step(u, w, cells, g);
        fetch_turn(r->next);
    }
    S1_UNROLL
    for (int i = 0; i < g; i++) {
        __m128i *to = (__m128i *)(void *)(r->sums[i] + row);
        __m128i sums = add_lanes(u[0][i], u[1][i], u[2][i], u[3][i]);
        _mm_store_si128(to, r->first ? sums : _mm_add_epi32(_mm_load_si128(to), sums));
    }
}

#define RUN(g)                                          \
    static void run_##g(const group_run *r)             \
    {                                                   \
        for (int64_t row = 0; row < ROWS; row += PIECE) \
            run_piece(r, row, g);                       \
    }

RUN(1)
RUN(2)

static run_fn *const runs[TOKENS] = { run_1, run_2 };

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
            .w = (const int16_t(*)[CHUNK])scratch->w,
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

    for (int64_t at = 0; row + at < end; at += A_STORE) {
        const __m256 scales = load_scales(p, row + at, end);
        for (int64_t group = 0; group < p->n_groups; group++) {
            int64_t token = s1_group_begin(p->t, p->n_groups, group);
            int64_t behind = s1_group_begin(p->t, p->n_groups, group + 1);
            const uint8_t *cells = p->panel + (behind * all_cells - behind + token) * S1_CELL;
            for (; token < behind; token++, cells += S1_CELL) {
                const void *sums = scratch->sums[token] + at;
                store_products(p, row + at, end, token, _mm256_load_si256(sums), scales, cells);
            }
        }
    }
}

/* The tile behind, or the first of what is read next. */
static fetching fetching_tile(const s1_product *p, int64_t behind, int64_t end, s1_ahead ahead)
{
    s1_ahead next = { p->w + behind * p->stride, (end - behind) * p->stride, p->stride };
    const int64_t most = ROWS * p->stride;
    int64_t turns = s1_ceil_div(p->k, 16 * TURN) * p->n_groups * (ROWS / PIECE) + 1;

    if (behind >= end)
        next = ahead;
    return fetching_of(next.w, 0, 1, next.size < most ? next.size : most, turns);
}

static void tiles(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead, tile *scratch)
{
    for (int64_t row = begin; row < end; row += ROWS) {
        int64_t tile_end = row + ROWS < end ? row + ROWS : end;
        fetching next = fetching_tile(p, tile_end, end, ahead);

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

/* --- decode: rows are read one after the other, as the machine foresees it --- */

/* x in 16 bits, [token][step][16]. */
static void widen_cells(int16_t *x, const s1_product *p)
{
    const int64_t steps = s1_ceil_div(p->k, 16);

    for (int64_t step = 0; step < steps; step++)
        for (int64_t i = 0; i < p->t; i++)
            _mm256_store_si256((__m256i *)(void *)(x + (i * steps + step) * 16),
                               load_wide(p->panel + (step * p->t + i) * S1_CELL, 16));
}

/* One row for all tokens. */
S1_INLINE void multiply_row(__m256i sums[TOKENS], const s1_product *p, const uint8_t *w,
                            const int16_t *x, int g)
{
    const int64_t width = s1_ceil_div(p->k, 16) * 16;
    __m256i u[TOKENS];
    int64_t at = 0;

    S1_UNROLL
    for (int i = 0; i < g; i++)
        u[i] = _mm256_setzero_si256();
    for (; p->k - at >= 64; at += 64) {
        S1_UNROLL
        for (int step = 0; step < 4; step++) {
            __m256i v = load_wide(w + at + 16 * step, 16);
            S1_UNROLL
            for (int i = 0; i < g; i++)
                u[i] = multiply_add_from(u[i], v, x + i * width + at + 16 * step);
        }
    }
    for (; at < p->k; at += 16) {
        __m256i v = load_wide(w + at, p->k - at);
        S1_UNROLL
        for (int i = 0; i < g; i++)
            u[i] = multiply_add_from(u[i], v, x + i * width + at);
    }
    S1_UNROLL
    for (int i = 0; i < g; i++)
        sums[i] = u[i];
}

S1_INLINE void stream(const s1_product *p, int64_t begin, int64_t end, int16_t *x, int g)
{
    const uint8_t *cells = p->panel + (s1_panel_steps(S1_PANEL_I8, p->k) - 1) * g * S1_CELL;

    widen_cells(x, p);
    for (int64_t row = begin; row < end; row += A_STORE) {
        const __m256 scales = load_scales(p, row, end);
        __m256i u[A_STORE][TOKENS];

        /* Rows behind the end are the last one again, and not stored. */
        for (int64_t at = 0; at < A_STORE; at++)
            multiply_row(u[at], p, p->w + (row + at < end ? row + at : end - 1) * p->stride, x, g);
        for (int i = 0; i < g; i++) {
            __m128i low = add_lanes(u[0][i], u[1][i], u[2][i], u[3][i]);
            __m128i high = add_lanes(u[4][i], u[5][i], u[6][i], u[7][i]);
            store_products(p, row, end, i, _mm256_set_m128i(high, low), scales,
                           cells + i * S1_CELL);
        }
    }
}

#define STREAM(g)                                                                       \
    static void stream_##g(const s1_product *p, int64_t begin, int64_t end, int16_t *x) \
    {                                                                                   \
        stream(p, begin, end, x, g);                                                    \
    }

STREAM(1)
STREAM(2)

static void (*const streams[TOKENS])(const s1_product *p, int64_t begin, int64_t end,
                                     int16_t *x) = { stream_1, stream_2 };

static void product_i8(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead,
                       void *scratch)
{
    if (p->t == 1 || (p->t <= TOKENS && 2 * p->t * p->k <= NEAR_BYTES))
        streams[p->t - 1](p, begin, end, scratch);
    else
        tiles(p, begin, end, ahead, scratch);
}

void s1_i8_init_avx2(s1_kernels *kernels)
{
    kernels->most_tokens[S1_PANEL_I8] = TOKENS;
    kernels->fill_i8 = fill_i8;
    kernels->product_i8 = product_i8;
}
