#ifndef S1_BACKEND_CPU_NEEDS_H
#define S1_BACKEND_CPU_NEEDS_H

#include "backend/cpu/kernels.h"

/* How much scratch a queue takes beside S1_CPU_WORKER_BYTES for each worker. The arithmetic is here
 * alone: queues make room by it, and plans ask it. */

/* Each part is as large as the largest operation wants it. */
typedef struct s1_cpu_needs {
    uint64_t panel;    /* rounded rows of x */
    uint64_t plan;     /* what a region of tasks is about */
    uint64_t partials; /* of attention, in stretches */
} s1_cpu_needs;

/* Products that share their x. */
typedef struct s1_cpu_product_size {
    int32_t panel_kind;       /* s1_cpu_panel_kind */
    int64_t results, columns; /* rows of y; numbers in a row of x */
    int64_t experts;          /* 1 where all rows meet the same matrix */
    int32_t together;
} s1_cpu_product_size;

typedef struct s1_cpu_attention_size {
    int64_t t, groups, heads, d; /* of q; heads of a group */
    int64_t page_length;
    int64_t positions; /* most of a line */
} s1_cpu_attention_size;

/* S1_PANEL_* for weights of that type; `precision` is INS1_PRECISION_*. */
int32_t s1_cpu_panel_kind(const s1_kernels *kernels, int32_t dtype, int32_t precision,
                          bool is_transposed);

void s1_cpu_need_product(s1_cpu_needs *needs, const s1_kernels *kernels,
                         const s1_cpu_product_size *p);

/* As many rows as a->t or fewer, none behind a->positions. */
void s1_cpu_need_attention(s1_cpu_needs *needs, const s1_kernels *kernels, int32_t workers,
                           const s1_cpu_attention_size *a);

static inline uint64_t s1_cpu_needs_sum(const s1_cpu_needs *needs)
{
    return needs->panel + needs->plan + needs->partials;
}

static inline void s1_cpu_need(uint64_t *part, int64_t bytes)
{
    *part = (uint64_t)bytes > *part ? (uint64_t)bytes : *part;
}

#endif
