#include "int8.h"

#include "backend/cpu/reader.h"

/* Decode: each line is used at once. For one token rows are read one after the other, as the
 * machine foresees it; for more, eight at a time share what is read of x. */

enum { ROWS_A_STORE = 16 };

/* --- one token --- */

/* 16 numbers whose sum is that of a row. Read by half lines; in whole ones memory is slower. */
S1_INLINE __m512i multiply_row(const s1_product *p, const uint8_t *w, const uint8_t *x)
{
    const __m256i plus = _mm256_set1_epi8((char)PLUS);
    __m256i u[4];
    int64_t at = 0;

    S1_UNROLL
    for (int i = 0; i < 4; i++)
        u[i] = _mm256_setzero_si256();
    for (; p->k - at >= 128; at += 128) {
        S1_UNROLL
        for (int i = 0; i < 4; i++) {
            const void *half = w + at + 32 * i;
            const void *columns = x + at + 32 * i;
            u[i] = _mm256_dpbusd_epi32(u[i], _mm256_xor_si256(_mm256_loadu_si256(half), plus),
                                       _mm256_loadu_si256(columns));
        }
    }
    __m512i sums = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_add_epi32(u[0], u[1])),
                                      _mm256_add_epi32(u[2], u[3]), 1);
    for (; at < p->k; at += 64) {
        __mmask64 mask = line_mask(p->k - at);
        sums = _mm512_dpbusd_epi32(sums, plus_128(_mm512_maskz_loadu_epi8(mask, w + at)),
                                   _mm512_maskz_loadu_epi8(mask, x + at));
    }
    return sums;
}

/* Each quarter becomes one sum: those of the first quarters of a, b, c, d, then of the second. */
S1_INLINE __m512i add_in_quarters(__m512i a, __m512i b, __m512i c, __m512i d)
{
    __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    return _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
}

/* Neighbouring quarters of a become one, then those of b. */
S1_INLINE __m512i add_quarters(__m512i a, __m512i b)
{
    return _mm512_add_epi32(_mm512_shuffle_i32x4(a, b, 0x88), _mm512_shuffle_i32x4(a, b, 0xdd));
}

static void stream_rows(const s1_product *p, int64_t begin, int64_t end)
{
    const uint8_t *cell = p->panel + (s1_panel_steps(S1_PANEL_I8, p->k) - 1) * S1_CELL;

    for (int64_t row = begin; row < end; row += ROWS_A_STORE) {
        __m512i u[16], four[4];
        for (int64_t i = 0; i < 16; i++) {
            const uint8_t *w = p->w + (row + i < end ? row + i : end - 1) * p->stride;
            u[i] = multiply_row(p, w, p->panel);
        }
        S1_UNROLL
        for (int64_t i = 0; i < 4; i++)
            four[i] = add_in_quarters(u[4 * i], u[4 * i + 1], u[4 * i + 2], u[4 * i + 3]);
        store_products(p, row, end, 0,
                       add_quarters(add_quarters(four[0], four[1]), add_quarters(four[2], four[3])),
                       load_scales(p, row, end), cell);
    }
}

/* --- a few --- */

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
        lines[i / 4][i % 4] = plus_128(line);
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
        fetch_lines(r, ROWS);
        cells += 4 * g * S1_CELL;
    }
    if (at < p->k)
        use_lines(u, r, at, p->k - at, cells, g);
}

/* Lanes of 16 rows in four vectors, four rows each, become 16 sums. */
S1_INLINE __m512i add_lanes(__m512i a, __m512i b, __m512i c, __m512i d)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, add_in_quarters(a, b, c, d));
}

S1_INLINE void stream(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead, int g)
{
    const uint8_t *last_cells = p->panel + (s1_panel_steps(S1_PANEL_I8, p->k) - 1) * g * S1_CELL;
    reader r = reader_of(p, begin, end, ahead);

    for (int64_t row = begin; row < end; row += ROWS_A_STORE) {
        const __m512 scales = load_scales(p, row, end);
        __m512i u[2][2][FEW_TOKENS];

        for (int64_t half = 0; half < 2; half++) {
            int64_t first = row + half * ROWS;
            reader_move(&r, p, first, end);
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

STREAM(2)
STREAM(3)
STREAM(4)
STREAM(5)
STREAM(6)
STREAM(7)
STREAM(8)
STREAM(9)
STREAM(10)
STREAM(11)
STREAM(12)

static stream_fn *const streams[FEW_TOKENS] = { NULL,     stream_2,  stream_3,  stream_4,
                                                stream_5, stream_6,  stream_7,  stream_8,
                                                stream_9, stream_10, stream_11, stream_12 };

void s1_i8_stream_avx512(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead)
{
    if (p->t == 1)
        stream_rows(p, begin, end);
    else
        streams[p->t - 1](p, begin, end, ahead);
}
