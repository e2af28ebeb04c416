#ifndef S1_BACKEND_CPU_READER_H
#define S1_BACKEND_CPU_READER_H

#include "backend/cpu/weights.h"

/* Decode: blocks of eight rows, all of whose bytes lie in one piece. Eight streams at once would
 * starve the machine's own prefetching, so the piece is fetched in the order of its addresses. The
 * last row of a block is needed as soon as its first, so fetching leads by nearly a block, which is
 * as much as the first cache holds: into the second one. */

enum {
    ROWS = 8,
    LATENCY = 8 << 10, /* bytes that arrive while a line is on its way */
};

/* Addresses are numbers where they may lie behind the weights: they are hints, nothing is read. */
typedef struct reader {
    const uint8_t *rows[ROWS];
    uintptr_t fetch; /* the next line to ask for */
    uintptr_t fetch_end;
    s1_ahead ahead;
} reader;

static inline reader reader_of(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead)
{
    const int64_t row_size = p->stride * element_size(p->dtype);

    return (reader){
        .fetch = (uintptr_t)p->w + (uintptr_t)((begin + ROWS - 1) * row_size + LATENCY),
        .fetch_end = (uintptr_t)p->w + (uintptr_t)(end * row_size),
        .ahead = ahead,
    };
}

/* Rows behind the end are the last one again, and not stored. */
static inline void reader_move(reader *r, const s1_product *p, int64_t row, int64_t end)
{
    const int64_t row_size = p->stride * element_size(p->dtype);

    for (int64_t i = 0; i < ROWS; i++)
        r->rows[i] = p->w + (row + i < end ? row + i : end - 1) * row_size;
}

S1_INLINE void fetch_lines(reader *r, int n)
{
    S1_UNROLL
    for (int i = 0; i < n; i++)
        __builtin_prefetch((const void *)(r->fetch + 64 * (unsigned)i), 0, 2);
    if (r->fetch + 64 * (unsigned)n < r->fetch_end) {
        r->fetch += 64 * (unsigned)n;
    } else if (r->ahead.size > 0) {
        r->fetch = (uintptr_t)r->ahead.w;
        r->fetch_end = r->fetch + (uintptr_t)r->ahead.size;
        r->ahead.size = 0;
    }
}

#endif
