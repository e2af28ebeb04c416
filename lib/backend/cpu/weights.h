#ifndef S1_BACKEND_CPU_WEIGHTS_H
#define S1_BACKEND_CPU_WEIGHTS_H

#include "backend/cpu/kernels.h"

#include <string.h>

/* What the levels with vectors share. Everything here is compiled once for each of them, with its
 * flags. */

#if defined(__clang__)
#define S1_UNROLL _Pragma("clang loop unroll(full)")
#else
#define S1_UNROLL _Pragma("GCC unroll 16")
#endif

#define S1_INLINE static inline __attribute__((always_inline))

enum { COLUMNS = 16 }; /* that are widened at once */

S1_INLINE int64_t element_size(int32_t dtype)
{
    return dtype == INS1_DTYPE_F32                                 ? 4
           : dtype == INS1_DTYPE_F8_E4M3 || dtype == INS1_DTYPE_I8 ? 1
                                                                   : 2;
}

/* The scale of a chunk, 1 where there are none. */
S1_INLINE float chunk_scale(const s1_product *p, int64_t row, int64_t column)
{
    if (!p->scale)
        return 1.0f;

    int64_t at = row / S1_SCALE_BLOCK * p->scale_stride + column / S1_SCALE_BLOCK;
    uint32_t bits = 0;
    float scale;
    switch (p->scale_dtype) {
    case INS1_DTYPE_F32:
        memcpy(&bits, p->scale + 4 * at, 4);
        break;
    case INS1_DTYPE_BF16:
        memcpy((uint8_t *)&bits + 2, p->scale + 2 * at, 2);
        break;
    default: /* a power of two; its smallest is a denormal */
        bits = p->scale[at] ? (uint32_t)p->scale[at] << 23 : 0x400000;
        break;
    }
    memcpy(&scale, &bits, sizeof(scale));
    return scale;
}

/* Whether a code of a row is NaN. Seldom asked. */
static inline bool row_has_nan(const uint8_t *codes, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if ((codes[i] & 0x7f) == 0x7f)
            return true;
    return false;
}

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

static inline fetching fetching_of(const uint8_t *w, int64_t row_size, int64_t n_rows, int64_t size,
                                   int64_t turns)
{
    fetching f = {
        .row = (uintptr_t)w / 64 * 64,
        .row_size = row_size,
        .n_rows = n_rows,
        .n_lines = s1_ceil_div((int64_t)((uintptr_t)w % 64) + size, 64),
    };
    f.a_turn = turns > 0 ? s1_ceil_div(f.n_rows * f.n_lines, turns) : 0;
    return f;
}

S1_INLINE void fetch_turn(fetching *f)
{
    for (int64_t i = 0; i < f->a_turn && f->n_rows > 0; i++) {
        __builtin_prefetch((const void *)(f->row + 64 * (uintptr_t)f->line), 0, 2);
        if (++f->line == f->n_lines) {
            f->line = 0;
            f->row += (uintptr_t)f->row_size;
            f->n_rows--;
        }
    }
}

/* The chunk behind columns [column, column + chunk): of rows [row, end) as well, or the first of at
 * most `tile` rows after them. It is fetched in so many turns. */
static inline fetching fetching_next(const s1_product *p, int64_t row, int64_t end, int64_t column,
                                     int64_t chunk, int64_t tile, s1_ahead ahead, int64_t turns)
{
    const int64_t size = element_size(p->dtype);
    int64_t behind = column + chunk;
    int64_t n = p->k - behind < chunk ? p->k - behind : chunk;

    if (p->transposed)
        return (fetching){ 0 };
    if (n > 0)
        return fetching_of(p->w + (row * p->stride + behind) * size, p->stride * size, end - row,
                           n * size, turns);
    if (ahead.size <= 0)
        return (fetching){ 0 };
    int64_t rows = ahead.size / ahead.row_size;
    int64_t first_chunk = chunk * size < ahead.row_size ? chunk * size : ahead.row_size;
    return fetching_of(ahead.w, ahead.row_size, rows < tile ? rows : tile, first_chunk, turns);
}

#endif
