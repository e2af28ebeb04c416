#ifndef S1_BACKEND_CPU_AVX512_LINES_H
#define S1_BACKEND_CPU_AVX512_LINES_H

#include "backend/cpu/weights.h"

#include <immintrin.h>

/* From weights as they lie in memory to quads: vectors of four rows, 16 bytes of each, which are 8
 * BF16 or 4 F32 neighbours along the columns. A line is 64 bytes of one row. */

/* Four lines become four vectors, each with the same quarter of all lines. */
S1_INLINE void transpose_quarters(__m512i v[4])
{
    __m512i a = _mm512_shuffle_i32x4(v[0], v[1], 0x44);
    __m512i b = _mm512_shuffle_i32x4(v[2], v[3], 0x44);
    __m512i c = _mm512_shuffle_i32x4(v[0], v[1], 0xee);
    __m512i d = _mm512_shuffle_i32x4(v[2], v[3], 0xee);
    v[0] = _mm512_shuffle_i32x4(a, b, 0x88);
    v[1] = _mm512_shuffle_i32x4(a, b, 0xdd);
    v[2] = _mm512_shuffle_i32x4(c, d, 0x88);
    v[3] = _mm512_shuffle_i32x4(c, d, 0xdd);
}

/* The lower and the upper byte of the BF16 of the F8 codes 0 .. 127. */
static const uint8_t f8_low[128] = {
    0x00, 0x00, 0x80, 0xc0, 0x00, 0x20, 0x40, 0x60, 0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0,
    0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0,
    0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0,
    0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0,
    0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0,
    0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0,
    0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0,
    0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xc0,
};
static const uint8_t f8_high[128] = {
    0x00, 0x3b, 0x3b, 0x3b, 0x3c, 0x3c, 0x3c, 0x3c, 0x3c, 0x3c, 0x3c, 0x3c, 0x3c, 0x3c, 0x3c, 0x3c,
    0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d, 0x3d,
    0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e,
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
    0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40,
    0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41,
    0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42,
    0x43, 0x43, 0x43, 0x43, 0x43, 0x43, 0x43, 0x43, 0x43, 0x43, 0x43, 0x43, 0x43, 0x43, 0x43, 0x7f,
};

typedef struct f8_tables {
    __m512i low[2], high[2];
} f8_tables;

S1_INLINE f8_tables f8_tables_load(void)
{
    f8_tables tables;

    tables.low[0] = _mm512_loadu_si512(f8_low);
    tables.low[1] = _mm512_loadu_si512(f8_low + 64);
    tables.high[0] = _mm512_loadu_si512(f8_high);
    tables.high[1] = _mm512_loadu_si512(f8_high + 64);
    return tables;
}

/* 16 codes of each row become BF16: 8 of each row, and the next 8. */
S1_INLINE void widen_f8(__m512i out[2], __m512i codes, const f8_tables *tables)
{
    __m512i low = _mm512_permutex2var_epi8(tables->low[0], codes, tables->low[1]);
    __m512i high = _mm512_permutex2var_epi8(tables->high[0], codes, tables->high[1]);
    high = _mm512_ternarylogic_epi32(high, codes, _mm512_set1_epi8((char)0x80), 0xf8);
    out[0] = _mm512_unpacklo_epi8(low, high);
    out[1] = _mm512_unpackhi_epi8(low, high);
}

/* 8 BF16 of each row become F32: 4 of each row, and the next 4. */
S1_INLINE void widen_bf16(__m512i out[2], __m512i halves)
{
    out[0] = _mm512_unpacklo_epi16(_mm512_setzero_si512(), halves);
    out[1] = _mm512_unpackhi_epi16(_mm512_setzero_si512(), halves);
}

S1_INLINE void widen_f16(__m512i out[2], __m512i halves)
{
    const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    __m512i sorted = _mm512_permutexvar_epi64(order, halves);
    out[0] = _mm512_castps_si512(_mm512_cvtph_ps(_mm512_castsi512_si256(sorted)));
    out[1] = _mm512_castps_si512(_mm512_cvtph_ps(_mm512_extracti64x4_epi64(sorted, 1)));
}

/* Quads of a quarter of four lines. How many there are is `quads_a_quarter`. */
S1_INLINE void widen_quarter(__m512i out[4], __m512i quarter, int32_t dtype, int32_t kind,
                             const f8_tables *tables)
{
    __m512i halves[2];

    switch (dtype) {
    case INS1_DTYPE_F8_E4M3:
        if (kind == S1_PANEL_BF16) {
            widen_f8(out, quarter, tables);
        } else {
            widen_f8(halves, quarter, tables);
            widen_bf16(out, halves[0]);
            widen_bf16(out + 2, halves[1]);
        }
        break;
    case INS1_DTYPE_BF16:
        if (kind == S1_PANEL_BF16)
            out[0] = quarter;
        else
            widen_bf16(out, quarter);
        break;
    case INS1_DTYPE_F16:
        widen_f16(out, quarter);
        break;
    default:
        out[0] = quarter;
        break;
    }
}

S1_INLINE int quads_a_quarter(int32_t dtype, int32_t kind)
{
    int quads = dtype == INS1_DTYPE_F32 ? 1 : dtype == INS1_DTYPE_F8_E4M3 ? 4 : 2;
    return kind == S1_PANEL_BF16 ? quads / 2 : quads;
}

/* The bytes of a line that are inside; `left` bytes of the row are. */
S1_INLINE __mmask64 line_mask(int64_t left)
{
    return left >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << left) - 1;
}

/* One quad: acc += w * x, four lanes for each of four rows. */
S1_INLINE __m512 multiply_add(__m512 acc, __m512i w, __m512i x, int32_t kind)
{
    if (kind == S1_PANEL_BF16)
        return _mm512_dpbf16_ps(acc, (__m512bh)w, (__m512bh)x);
    return _mm512_fmadd_ps(_mm512_castsi512_ps(w), _mm512_castsi512_ps(x), acc);
}

S1_INLINE __m512i broadcast_cell(const uint8_t *cell)
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)cell));
}

/* 16 neighbours of any type, those of the mask, as F32. */
S1_INLINE __m512 load_16(const uint8_t *from, __mmask16 mask, int32_t dtype)
{
    if (dtype == INS1_DTYPE_F32)
        return _mm512_maskz_loadu_ps(mask, from);
    if (dtype == INS1_DTYPE_F8_E4M3) {
        const f8_tables tables = f8_tables_load();
        __m128i codes = _mm_maskz_loadu_epi8(mask, from);
        __m512i halves[2];
        widen_f8(halves, _mm512_castsi128_si512(codes), &tables);
        __m256i both =
            _mm256_set_m128i(_mm512_castsi512_si128(halves[1]), _mm512_castsi512_si128(halves[0]));
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(both), 16));
    }
    __m256i halves = _mm256_maskz_loadu_epi16(mask, from);
    if (dtype == INS1_DTYPE_F16)
        return _mm512_cvtph_ps(halves);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

/* Lanes of 16 rows in four vectors, four rows each, become 16 sums: (0 + 1) + (2 + 3). */
S1_INLINE __m512 sum_lanes(__m512 a, __m512 b, __m512 c, __m512 d)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512d ab0 = _mm512_castps_pd(_mm512_unpacklo_ps(a, b));
    __m512d ab2 = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
    __m512d cd0 = _mm512_castps_pd(_mm512_unpacklo_ps(c, d));
    __m512d cd2 = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
    __m512 l0 = _mm512_castpd_ps(_mm512_unpacklo_pd(ab0, cd0));
    __m512 l1 = _mm512_castpd_ps(_mm512_unpackhi_pd(ab0, cd0));
    __m512 l2 = _mm512_castpd_ps(_mm512_unpacklo_pd(ab2, cd2));
    __m512 l3 = _mm512_castpd_ps(_mm512_unpackhi_pd(ab2, cd2));
    __m512 sum = _mm512_add_ps(_mm512_add_ps(l0, l1), _mm512_add_ps(l2, l3));
    return _mm512_permutexvar_ps(order, sum);
}

/* 16 finished sums of rows from `row` on (fewer before `end`) for one token: bias, y. */
S1_INLINE void store_sums(const s1_product *p, int64_t row, int64_t end, int64_t token, __m512 sums)
{
    float *y = p->y + (p->rows ? p->rows[token] : token) * p->y_stride + row;
    __mmask16 mask = end - row >= 16 ? 0xffff : (__mmask16)((1u << (end - row)) - 1);

    if (p->bias)
        sums = _mm512_add_ps(
            sums, load_16(p->bias + row * element_size(p->bias_dtype), mask, p->bias_dtype));
    if (p->accumulate)
        sums = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, y), sums);
    _mm512_mask_storeu_ps(y, mask, sums);
}

#endif
