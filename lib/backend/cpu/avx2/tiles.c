#include "internal.h"
#include "lines.h"

#include <math.h>

/* Prefill: 32 rows by one chunk of weights are laid out as pairs in scratch, which stays in the
 * first cache while all tokens run past it, six at a time. Meanwhile the next chunk is fetched, a
 * line every few steps: the rows of a tile are too many streams for the machine to foresee. */

enum {
    ROWS = 32,
    TOKENS = 6,
    PIECE = 4, /* rows of one run of the innermost loop: two pairs, twelve sums with six tokens */
    PIECES = ROWS / PIECE,
    STEPS = S1_SCALE_BLOCK / 4,
    TURN = 4, /* steps between lines that are fetched */
    TOKEN_SUMS = ROWS * 4,
    NEAR_CELLS = 96 << 10, /* numbers in cells that stay in the second cache */
};

typedef float piece[STEPS][2][8];

/* The scratch of a worker. */
typedef struct tile {
    piece w[PIECES];
    float sums[]; /* [t][TOKEN_SUMS] */
} tile;

/* --- what is read next --- */

/* Lines of some rows that are left to be fetched. Addresses are numbers: the last ones may lie
 * behind the weights, nothing is read. */
typedef struct fetching {
    uintptr_t row;
    int64_t row_size;
    int64_t n_rows;
    int64_t line, n_lines; /* of a row */
    int64_t a_turn;
} fetching;

static fetching fetching_of(const uint8_t *w, int64_t row_size, int64_t n_rows, int64_t size,
                            int64_t turns)
{
    fetching f = {
        .row = (uintptr_t)w / 64 * 64,
        .row_size = row_size,
        .n_rows = n_rows,
        .n_lines = s1_ceil_div((int64_t)((uintptr_t)w % 64) + size, 64),
    };
    f.a_turn = s1_ceil_div(f.n_rows * f.n_lines, turns);
    return f;
}

S1_INLINE void fetch_turn(fetching *f)
{
    for (int64_t i = 0; i < f->a_turn && f->n_rows > 0; i++) {
        _mm_prefetch((const char *)(f->row + 64 * (uintptr_t)f->line), _MM_HINT_T1);
        if (++f->line == f->n_lines) {
            f->line = 0;
            f->row += (uintptr_t)f->row_size;
            f->n_rows--;
        }
    }
}

/* --- laying out --- */

S1_INLINE void lay_rows(tile *out, const s1_product *p, int64_t row, int64_t end, int64_t column,
                        int64_t n, int32_t dtype)
{
    const int64_t size = element_size(dtype);

    for (int64_t pair = 0; pair < ROWS / 2; pair++) {
        int64_t first = row + 2 * pair;
        const uint8_t *a = p->w + ((first < end ? first : end - 1) * p->stride + column) * size;
        const uint8_t *b =
            p->w + ((first + 1 < end ? first + 1 : end - 1) * p->stride + column) * size;
        float(*to)[2][8] = &out->w[pair / 2][0];
        __m256i most = _mm256_setzero_si256();

        for (int64_t j = 0; j < n; j += COLUMNS) {
            __m256 w[4];
            if (n - j >= COLUMNS)
                load_pairs(w, a + j * size, b + j * size, dtype, &most);
            else
                load_some_pairs(w, a + j * size, b + j * size, n - j, dtype, &most);
            S1_UNROLL
            for (int64_t i = 0; i < 4; i++)
                _mm256_store_ps(to[j / 4 + i][pair % 2], w[i]);
        }
        if (dtype == INS1_DTYPE_F8_E4M3 && has_nan(most)) {
            /* One is enough for all that is summed from it. */
            if (row_has_nan(a, n))
                to[0][pair % 2][0] = to[0][pair % 2][1] = NAN;
            if (row_has_nan(b, n))
                to[0][pair % 2][4] = to[0][pair % 2][5] = NAN;
        }
    }
}

/* Transposed weights: rows are neighbours in memory. Four columns of eight rows become four pairs.
 */
static void lay_transposed(tile *out, const s1_product *p, int64_t row, int64_t end, int64_t column,
                           int64_t n)
{
    const int64_t size = element_size(p->dtype);

    for (int64_t block = 0; block < ROWS / 8; block++) {
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

/* --- multiplying --- */

/* One chunk of the tile for a group of tokens. */
typedef struct group_run {
    float *sums; /* of the chunks before, [token][TOKEN_SUMS] */
    const piece *w;
    const float *cells; /* [step][token] */
    uintptr_t behind;   /* the cells that are run next, or some address */
    int64_t n_steps;
    float scale;
    bool first; /* of the chunks */
    fetching *next;
} group_run;

typedef void run_fn(const group_run *r);

S1_INLINE void run_step(__m256 u[TOKENS][2], const float (*w)[8], const float *cells, int g)
{
    __m256 w0 = _mm256_load_ps(w[0]);
    __m256 w1 = _mm256_load_ps(w[1]);

    S1_UNROLL
    for (int i = 0; i < g; i++) {
        __m256 x = broadcast_cell(cells + i * 4);
        u[i][0] = _mm256_fmadd_ps(w0, x, u[i][0]);
        u[i][1] = _mm256_fmadd_ps(w1, x, u[i][1]);
    }
}

/* `behind`: a share of the cells that are run next, a line for each turn. They come from
 * a cache that is far away, in stretches too short for the machine to foresee. */
S1_INLINE void run_piece(const group_run *r, float *sums, const float (*w)[2][8], uintptr_t behind,
                         int g)
{
    const float *cells = r->cells;
    int64_t n_steps = r->n_steps;
    __m256 u[TOKENS][2];

    S1_UNROLL
    for (int i = 0; i < g; i++)
        u[i][0] = u[i][1] = _mm256_setzero_ps();
    while (n_steps > 0) {
        int64_t turn = n_steps < TURN ? n_steps : TURN;
        n_steps -= turn;
        for (; turn > 0; turn--, w++, cells += g * 4)
            run_step(u, *w, cells, g);
        _mm_prefetch((const char *)behind, _MM_HINT_T0);
        behind += 64;
        fetch_turn(r->next);
    }

    __m256 by = _mm256_broadcast_ss(&r->scale);
    S1_UNROLL
    for (int i = 0; i < g; i++) {
        float *sum = sums + i * TOKEN_SUMS;
        __m256 a = r->first ? _mm256_setzero_ps() : _mm256_load_ps(sum);
        __m256 b = r->first ? _mm256_setzero_ps() : _mm256_load_ps(sum + 8);
        _mm256_store_ps(sum, _mm256_fmadd_ps(u[i][0], by, a));
        _mm256_store_ps(sum + 8, _mm256_fmadd_ps(u[i][1], by, b));
    }
}

#define RUN(g)                                                                               \
    static void run_##g(const group_run *r)                                                  \
    {                                                                                        \
        for (int i = 0; i < PIECES; i++)                                                     \
            run_piece(r, r->sums + i * PIECE * 4, r->w[i],                                   \
                      i < g ? r->behind + i * (STEPS / TURN * 64) : (uintptr_t)r->cells, g); \
    }

RUN(1)
RUN(2)
RUN(3)
RUN(4)
RUN(5)
RUN(6)

static run_fn *const runs[TOKENS] = { run_1, run_2, run_3, run_4, run_5, run_6 };

static const float *cells_at(const s1_product *p, int64_t group, int64_t column)
{
    const int64_t all_steps = s1_panel_steps(S1_PANEL_F32, p->k);
    int64_t token = s1_group_begin(p->t, p->n_groups, group);
    int64_t g = s1_group_begin(p->t, p->n_groups, group + 1) - token;

    return (const float *)(const void *)p->panel + token * all_steps * 4 + column * g;
}

/* One chunk for all tokens. */
static void multiply_chunk(tile *scratch, const s1_product *p, int64_t row, int64_t column,
                           int64_t n, fetching *next)
{
    const int64_t column_behind = column + S1_SCALE_BLOCK < p->k ? column + S1_SCALE_BLOCK : 0;
    const bool far = p->t * p->k > NEAR_CELLS;
    const float scale = chunk_scale(p, row, column);

    for (int64_t group = 0; group < p->n_groups; group++) {
        int64_t token = s1_group_begin(p->t, p->n_groups, group);
        int64_t g = s1_group_begin(p->t, p->n_groups, group + 1) - token;
        const float *cells = cells_at(p, group, column);
        const float *behind = group + 1 < p->n_groups ? cells_at(p, group + 1, column)
                                                      : cells_at(p, 0, column_behind);
        group_run r = {
            .sums = scratch->sums + token * TOKEN_SUMS,
            .w = (const piece *)scratch->w,
            .cells = cells,
            .behind = (uintptr_t)(far ? behind : cells),
            .n_steps = s1_panel_steps(S1_PANEL_F32, n),
            .scale = scale,
            .first = column == 0,
            .next = next,
        };
        runs[g - 1](&r);
    }
}

static int64_t chunk_columns(const s1_product *p, int64_t column)
{
    return p->k - column < S1_SCALE_BLOCK ? p->k - column : S1_SCALE_BLOCK;
}

/* The chunk behind this one: of the same rows, or the first of the rows after them. */
static fetching fetching_next(const s1_product *p, int64_t row, int64_t end, int64_t column,
                              s1_ahead ahead)
{
    const int64_t size = element_size(p->dtype);
    int64_t turns = p->n_groups * PIECES *
                    s1_ceil_div(s1_panel_steps(S1_PANEL_F32, chunk_columns(p, column)), TURN);
    int64_t behind = column + S1_SCALE_BLOCK;

    if (p->transposed)
        return (fetching){ 0 };
    if (behind < p->k)
        return fetching_of(p->w + (row * p->stride + behind) * size, p->stride * size, end - row,
                           chunk_columns(p, behind) * size, turns);
    if (ahead.size <= 0)
        return (fetching){ 0 };
    int64_t rows = ahead.size / ahead.row_size;
    int64_t first_chunk =
        S1_SCALE_BLOCK * size < ahead.row_size ? S1_SCALE_BLOCK * size : ahead.row_size;
    return fetching_of(ahead.w, ahead.row_size, rows < ROWS ? rows : ROWS, first_chunk, turns);
}

static void multiply_tile(tile *scratch, const s1_product *p, int64_t row, int64_t end,
                          s1_ahead ahead)
{
    if (p->k == 0)
        memset(scratch->sums, 0, (size_t)p->t * TOKEN_SUMS * sizeof(float));
    for (int64_t column = 0; column < p->k; column += S1_SCALE_BLOCK) {
        int64_t n = chunk_columns(p, column);
        fetching next = fetching_next(p, row, end, column, ahead);

        lay_tile(scratch, p, row, end, column, n);
        multiply_chunk(scratch, p, row, column, n, &next);
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

void s1_tiles_avx2(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead, void *scratch)
{
    const int64_t row_size = p->stride * element_size(p->dtype);

    for (int64_t row = begin; row < end; row += ROWS) {
        int64_t tile_end = row + ROWS < end ? row + ROWS : end;
        s1_ahead next = { p->w + tile_end * row_size, (end - tile_end) * row_size, row_size };

        multiply_tile(scratch, p, row, tile_end, tile_end < end ? next : ahead);
        finish_tile(scratch, p, row, tile_end);
    }
}
