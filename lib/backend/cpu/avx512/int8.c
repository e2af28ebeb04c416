#include "backend/cpu/kernels.h"
#include "lines.h"
#include "vectors.h"

#include <math.h>

/* Products of I8 with the dot product of bytes, whose first factor has no sign: weights get 128
 * more, and 128 times the sum of x is taken away in the end. */

enum {
    TOKENS = 12,    /* of a group: 24 sums of 16 rows */
    FEW_TOKENS = 8, /* that weights are used for as they are read */
    TILE_ROWS = 32,
    CHUNK = 512, /* columns of a tile that are laid out at once, 16 KiB */
    PLUS = 0x80,
};

/* --- rounding --- */

/* As integers, sizes of floats have their order, infinity and NaN behind all others. */
static float scale_of(const float *x, int64_t k)
{
    const __m512i size = _mm512_set1_epi32(INT32_MAX);
    __m512i most = _mm512_setzero_si512();
    float largest;

    for (int64_t at = 0; at < k; at += 16) {
        __mmask16 mask = k - at >= 16 ? 0xffff : (__mmask16)((1u << (k - at)) - 1);
        __m512i bits = _mm512_maskz_loadu_epi32(mask, x + at);
        most = _mm512_max_epi32(most, _mm512_and_si512(bits, size));
    }
    int32_t bits = _mm512_reduce_max_epi32(most);
    memcpy(&largest, &bits, sizeof(largest));
    return isfinite(largest) ? largest / 127.5f : NAN;
}

static void fill_row(uint8_t *to, int64_t step_size, const float *x, int64_t k)
{
    const s1_i8_row none = { .scale = scale_of(x, k) };
    const __m512 scale = _mm512_set1_ps(none.scale);
    const __mmask16 any = none.scale > 0 ? 0xffff : 0;
    __m128i sums = _mm_setzero_si128();
    s1_i8_row row = none;

    for (int64_t at = 0; at < k; at += 16, to += step_size) {
        __mmask16 mask = k - at >= 16 ? any : any & (__mmask16)((1u << (k - at)) - 1);
        __m512 ratio = _mm512_maskz_div_ps(mask, _mm512_maskz_loadu_ps(mask, x + at), scale);
        __m128i q = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(ratio));
        _mm_storeu_si128((__m128i *)(void *)to, q);
        sums = _mm_dpbusd_epi32(sums, _mm_set1_epi8(1), q);
    }
    sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, 0x4e));
    row.sum = _mm_cvtsi128_si32(sums) + _mm_extract_epi32(sums, 1);
    memcpy(to, &row, sizeof(row));
}

static void fill_i8(uint8_t *cells, const float *const *x, int64_t g, int64_t k)
{
    for (int64_t i = 0; i < g; i++)
        fill_row(cells + i * S1_CELL, g * S1_CELL, x[i], k);
}

/* --- results --- */

/* Of 16 rows of w, or fewer before `end`. */
static __m512 load_scales(const s1_product *p, int64_t row, int64_t end)
{
    const int64_t size = element_size(p->scale_dtype);
    float scales[16] = { 0 };

    if (p->scale_stride == 1)
        return load_16(p->scale + row * size,
                       end - row >= 16 ? 0xffff : (__mmask16)((1u << (end - row)) - 1),
                       p->scale_dtype);
    for (int64_t i = 0; i < 16 && row + i < end; i++)
        scales[i] = _mm512_cvtss_f32(
            load_16(p->scale + (row + i) * p->scale_stride * size, 1, p->scale_dtype));
    return _mm512_loadu_ps(scales);
}

/* `cell` is the last one of the token. */
S1_INLINE void store_products(const s1_product *p, int64_t row, int64_t end, int64_t token,
                              __m512i sums, __m512 scales, const uint8_t *cell)
{
    s1_i8_row x;

    memcpy(&x, cell, sizeof(x));
    sums = _mm512_sub_epi32(sums, _mm512_set1_epi32(PLUS * x.sum));
    store_sums(
        p, row, end, token,
        _mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_mul_ps(_mm512_set1_ps(x.scale), scales)));
}

/* --- prefill --- */

/* The scratch of a worker. */
typedef struct tile {
    uint8_t w[CHUNK / 4][2][64]; /* four columns of 16 rows, and of the next 16 */
    int32_t sums[][TILE_ROWS];   /* [t] */
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
        _mm512_store_si512(out + i * 128, _mm512_xor_si512(_mm512_castps_si512(v[i]),
                                                           _mm512_set1_epi8((char)PLUS)));
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
    int32_t (*sums)[TILE_ROWS]; /* of the chunks before */
    const uint8_t *w;
    const uint8_t *cells; /* [step][token] */
    int64_t n_steps;
    bool first; /* of the chunks */
    fetching *next;
} group_run;

typedef void run_fn(const group_run *r);

S1_INLINE void run_columns(__m512i u[TOKENS][2], const uint8_t *w, const uint8_t *cells, int g)
{
    __m512i w0 = _mm512_load_si512(w);
    __m512i w1 = _mm512_load_si512(w + 64);

    S1_UNROLL
    for (int i = 0; i < g; i++) {
        int32_t columns;
        memcpy(&columns, cells + i * S1_CELL, sizeof(columns));
        __m512i x = _mm512_set1_epi32(columns);
        u[i][0] = _mm512_dpbusd_epi32(u[i][0], w0, x);
        u[i][1] = _mm512_dpbusd_epi32(u[i][1], w1, x);
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

static void tiles(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead, tile *scratch)
{
    for (int64_t row = begin; row < end; row += TILE_ROWS) {
        int64_t tile_end = row + TILE_ROWS < end ? row + TILE_ROWS : end;
        s1_ahead behind = { p->w + tile_end * p->stride, (end - tile_end) * p->stride, p->stride };
        if (tile_end == end)
            behind = ahead;
        int64_t most = TILE_ROWS * p->stride;
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

/* --- decode --- */

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
S1_INLINE void use_lines(__m512i u[2][FEW_TOKENS], const reader *r, int64_t at, int64_t n,
                         const uint8_t *cells, int g)
{
    __m512i lines[2][4];

    S1_UNROLL
    for (int i = 0; i < ROWS; i++) {
        const uint8_t *from = r->rows[i] + at;
        __m512i line =
            n >= 64 ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi8(line_mask(n), from);
        lines[i / 4][i % 4] = _mm512_xor_si512(line, _mm512_set1_epi8((char)PLUS));
    }
    transpose_quarters(lines[0]);
    transpose_quarters(lines[1]);
    S1_UNROLL
    for (int step = 0; step < 4; step++) {
        if (n <= step * 16)
            return;
        S1_UNROLL
        for (int i = 0; i < g; i++) {
            __m512i x = broadcast_cell(cells + (step * g + i) * S1_CELL);
            u[0][i] = _mm512_dpbusd_epi32(u[0][i], lines[0][step], x);
            u[1][i] = _mm512_dpbusd_epi32(u[1][i], lines[1][step], x);
        }
    }
}

S1_INLINE void block_of_rows(__m512i u[2][FEW_TOKENS], const s1_product *p, reader *r, int g)
{
    const uint8_t *cells = p->panel;
    int64_t at = 0;

    S1_UNROLL
    for (int i = 0; i < g; i++)
        u[0][i] = u[1][i] = _mm512_setzero_si512();
    for (; p->k - at >= 64; at += 64) {
        use_lines(u, r, at, 64, cells, g);
        fetch_lines(r);
        cells += 4 * g * S1_CELL;
    }
    if (at < p->k)
        use_lines(u, r, at, p->k - at, cells, g);
}

/* Lanes of 16 rows in four vectors, four rows each, become 16 sums. */
S1_INLINE __m512i add_lanes(__m512i a, __m512i b, __m512i c, __m512i d)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    __m512i sum = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    return _mm512_permutexvar_epi32(order, sum);
}

S1_INLINE void stream(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead, int g)
{
    const uint8_t *last_cells = p->panel + (s1_panel_steps(S1_PANEL_I8, p->k) - 1) * g * S1_CELL;
    reader r = {
        .fetch = (uintptr_t)p->w + (uintptr_t)((begin + ROWS - 1) * p->stride + LATENCY),
        .fetch_end = (uintptr_t)p->w + (uintptr_t)(end * p->stride),
        .ahead = ahead,
    };

    for (int64_t row = begin; row < end; row += ROWS_A_STORE) {
        const __m512 scales = load_scales(p, row, end);
        __m512i u[2][2][FEW_TOKENS];

        for (int64_t half = 0; half < 2; half++) {
            int64_t first = row + half * ROWS;
            /* Rows behind the end are the last one again, and not stored. */
            for (int64_t i = 0; i < ROWS; i++)
                r.rows[i] = p->w + (first + i < end ? first + i : end - 1) * p->stride;
            if (first < end)
                block_of_rows(u[half], p, &r, g);
            else
                for (int i = 0; i < g; i++)
                    u[half][0][i] = u[half][1][i] = _mm512_setzero_si512();
        }
        for (int i = 0; i < g; i++)
            store_products(p, row, end, i,
                           add_lanes(u[0][0][i], u[0][1][i], u[1][0][i], u[1][1][i]), scales,
                           last_cells + i * S1_CELL);
    }
}

typedef void stream_fn(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead);

#define STREAM(g)                                                                           \
    static void stream_##g(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead) \
    {                                                                                       \
        stream(p, begin, end, ahead, g);                                                    \
    }

STREAM(1)
STREAM(2)
STREAM(3)
STREAM(4)
STREAM(5)
STREAM(6)
STREAM(7)
STREAM(8)

static stream_fn *const streams[FEW_TOKENS] = { stream_1, stream_2, stream_3, stream_4,
                                                stream_5, stream_6, stream_7, stream_8 };

static void product_i8(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead,
                       void *scratch)
{
    if (p->t <= FEW_TOKENS)
        streams[p->t - 1](p, begin, end, ahead);
    else
        tiles(p, begin, end, ahead, scratch);
}

void s1_i8_init_avx512(s1_kernels *kernels)
{
    kernels->most_tokens[S1_PANEL_I8] = TOKENS;
    kernels->has_i8_dot = true;
    kernels->fill_i8 = fill_i8;
    kernels->product_i8 = product_i8;
}
