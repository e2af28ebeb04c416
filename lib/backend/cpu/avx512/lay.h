#ifndef S1_BACKEND_CPU_AVX512_LAY_H
#define S1_BACKEND_CPU_AVX512_LAY_H

#include "lines.h"

/* Laying out tiles of weights as quads, [piece][step][PIECE_QUADS]. */

enum {
    ROWS = 32,
    PIECE = 16, /* rows of one run of the innermost loop */
    PIECES = ROWS / PIECE,
    PIECE_QUADS = PIECE / 4, /* 24 sums with six tokens */
    STEP_BYTES = PIECE_QUADS * 64,
    PIECE_BYTES = 32 * STEP_BYTES,
};

S1_INLINE void lay_lines(uint8_t *out, const uint8_t *const *rows, int64_t at, __mmask64 mask,
                         int32_t dtype, int32_t kind, const f8_tables *tables)
{
    const int quads = quads_a_quarter(dtype, kind);
    __m512i lines[4];

    S1_UNROLL
    for (int i = 0; i < 4; i++)
        lines[i] = _mm512_maskz_loadu_epi8(mask, rows[i] + at);
    transpose_quarters(lines);
    S1_UNROLL
    for (int quarter = 0; quarter < 4; quarter++) {
        __m512i w[4];
        widen_quarter(w, lines[quarter], dtype, kind, tables);
        S1_UNROLL
        for (int q = 0; q < quads; q++)
            _mm512_store_si512(out + (quarter * quads + q) * STEP_BYTES, w[q]);
    }
}

/* Lines of a chunk of the tile that are to be laid out, in sets of the same line of four rows. */
typedef struct lay_job {
    uint8_t *out;
    const uint8_t *w; /* the chunk in the first row */
    int64_t row_size;
    int64_t last_row; /* of the tile; rows behind it are laid out as this one again */
    int64_t size;     /* bytes of the chunk in a row */
    int64_t quad, at; /* the next set: rows from 4 * quad on, byte of the chunk */
    int64_t n_quads;  /* 0: nothing to do */
    int64_t a_turn;   /* sets that are laid out at once */
} lay_job;

/* The four rows of a set, and where its first line goes. */
S1_INLINE uint8_t *lay_target(const uint8_t *rows[4], const lay_job *job)
{
    S1_UNROLL
    for (int i = 0; i < 4; i++) {
        int64_t row = 4 * job->quad + i;
        rows[i] = job->w + (row < job->last_row ? row : job->last_row) * job->row_size;
    }
    return job->out + job->quad / PIECE_QUADS * PIECE_BYTES + job->quad % PIECE_QUADS * 64;
}

S1_INLINE void lay_set(lay_job *job, int32_t dtype, int32_t kind, const f8_tables *tables)
{
    const int64_t line_bytes_out = 4 * quads_a_quarter(dtype, kind) * STEP_BYTES;
    const uint8_t *rows[4];
    uint8_t *out = lay_target(rows, job) + job->at / 64 * line_bytes_out;

    lay_lines(out, rows, job->at, line_mask(job->size - job->at), dtype, kind, tables);
    job->at += 64;
    if (job->at >= job->size) {
        job->at = 0;
        job->quad++;
    }
}

/* Whole rows of sets, from the beginning of the next one on. */
S1_INLINE void lay_rows(lay_job *job, int32_t dtype, int32_t kind)
{
    const f8_tables tables = f8_tables_load();
    const int64_t line_bytes_out = 4 * quads_a_quarter(dtype, kind) * STEP_BYTES;

    for (; job->quad < job->n_quads; job->quad++) {
        const uint8_t *rows[4];
        uint8_t *out = lay_target(rows, job);
        int64_t at = 0;

        for (; job->size - at >= 64; at += 64, out += line_bytes_out)
            lay_lines(out, rows, at, ~(__mmask64)0, dtype, kind, &tables);
        if (at < job->size)
            lay_lines(out, rows, at, line_mask(job->size - at), dtype, kind, &tables);
    }
}

S1_INLINE void lay_rest(lay_job *job, int32_t dtype, int32_t kind)
{
    const f8_tables tables = f8_tables_load();

    while (job->at > 0)
        lay_set(job, dtype, kind, &tables);
    lay_rows(job, dtype, kind);
}

/* Transposed weights: rows are neighbours in memory. Four columns of 16 rows become four quads. */
static void lay_transposed(uint8_t *out, const s1_product *p, int64_t row, int64_t end,
                           int64_t column, int64_t n)
{
    const int64_t size = element_size(p->dtype);

    for (int64_t half = 0; half < 2; half++) {
        int64_t first = row + 16 * half;
        int64_t left = end - first;
        __mmask16 mask = left <= 0 ? 0 : left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1);

        for (int64_t j = 0; j < n; j += 4) {
            __m512 v[4];
            __m512i quads[4];
            for (int64_t i = 0; i < 4; i++) {
                const uint8_t *from = p->w + ((column + j + i) * p->stride + first) * size;
                v[i] = j + i < n && mask ? load_16(from, mask, p->dtype) : _mm512_setzero_ps();
            }
            __m512d ab0 = _mm512_castps_pd(_mm512_unpacklo_ps(v[0], v[1]));
            __m512d ab2 = _mm512_castps_pd(_mm512_unpackhi_ps(v[0], v[1]));
            __m512d cd0 = _mm512_castps_pd(_mm512_unpacklo_ps(v[2], v[3]));
            __m512d cd2 = _mm512_castps_pd(_mm512_unpackhi_ps(v[2], v[3]));
            quads[0] = _mm512_castpd_si512(_mm512_unpacklo_pd(ab0, cd0));
            quads[1] = _mm512_castpd_si512(_mm512_unpackhi_pd(ab0, cd0));
            quads[2] = _mm512_castpd_si512(_mm512_unpacklo_pd(ab2, cd2));
            quads[3] = _mm512_castpd_si512(_mm512_unpackhi_pd(ab2, cd2));
            transpose_quarters(quads);
            for (int64_t i = 0; i < 4; i++)
                _mm512_store_si512(out + half * PIECE_BYTES + j / 4 * STEP_BYTES + i * 64,
                                   quads[i]);
        }
    }
}

/* All that is left of a job. */
static void lay_all(lay_job *job, int32_t dtype, int32_t kind)
{
    switch (dtype) {
    case INS1_DTYPE_F8_E4M3:
        if (kind == S1_PANEL_BF16)
            lay_rest(job, INS1_DTYPE_F8_E4M3, S1_PANEL_BF16);
        else
            lay_rest(job, INS1_DTYPE_F8_E4M3, S1_PANEL_F32);
        break;
    case INS1_DTYPE_BF16:
        if (kind == S1_PANEL_BF16)
            lay_rest(job, INS1_DTYPE_BF16, S1_PANEL_BF16);
        else
            lay_rest(job, INS1_DTYPE_BF16, S1_PANEL_F32);
        break;
    case INS1_DTYPE_F16:
        lay_rest(job, INS1_DTYPE_F16, S1_PANEL_F32);
        break;
    default:
        lay_rest(job, INS1_DTYPE_F32, S1_PANEL_F32);
        break;
    }
}

#endif
