#ifndef S1_BACKEND_OPENCL_KERNELS_H
#define S1_BACKEND_OPENCL_KERNELS_H

/* What the host and the kernels agree on; C, and OpenCL C before the kernels. Where a name ends in
 * `_at` it counts bytes from the start of a buffer; strides count elements, and that of an axis
 * without a second element is 0. */

#ifdef __OPENCL_VERSION__
typedef int int32_t;
typedef long int64_t;
#else
#include <stdint.h>
#endif

/* Types as kernels number them. */
enum {
    S1_CL_F32 = 0,
    S1_CL_F16 = 1,
    S1_CL_BF16 = 2,
    S1_CL_F8 = 3,
    S1_CL_U8 = 4, /* scales only: a power of two */
    S1_CL_NONE = 5,
};

enum {
    S1_CL_ITEMS = 64,          /* work items of every group */
    S1_CL_MATVEC_ROWS = 4,     /* of weights, for a group of a product with few rows of x */
    S1_CL_FEW_ROWS = 4,        /* of x, that such a group takes at most */
    S1_CL_TILE = 32,           /* rows of x, rows of weights and columns of both */
    S1_CL_MOST_EXPERTS = 2048, /* that a router chooses from */
    S1_CL_QUERIES = 16,        /* of a tile of attention, in fours */
    S1_CL_POSITIONS = 16,
};

/* Every argument begins with `first`: groups along y are counted from there, so that the host can
 * enqueue them in pieces. */

/* Where an expert's weights and scales lie. One enqueueing does the experts of one `group`: those
 * that share their buffers. */
typedef struct s1_cl_expert {
    int64_t w_at, scale_at, group;
} s1_cl_expert;

/* matvec_1, matvec_4, tiled. Groups: (tiles of) rows of x, rows of weights. */
typedef struct s1_cl_product {
    int64_t first;
    int64_t t, n, k; /* t: rows of y */
    int64_t w_at, w_row, w_column, scale_at, scale_row, bias_at;
    int64_t x_at, x_row, y_at, y_row;
    int64_t each; /* rows of y that one row of x makes */
    int64_t ids_at, table_at, group;
    int32_t type, scale_type, bias_type, adds, rounds, has_experts;
} s1_cl_product;

/* One group. lists: how many tiles; of each tile expert, first result and results; from `order`
 * on the results by expert; from `counts` on three numbers for each expert. */
typedef struct s1_cl_sort {
    int64_t first;
    int64_t ids_at, results, experts, order, counts;
} s1_cl_sort;

/* A group for each row of up to three outer axes. */
typedef struct s1_cl_norm {
    int64_t first;
    int64_t x_at, x_stride[3], y_at, y_stride[3], dim[2], n;
    int64_t weight_at, bias_at;
    int32_t weight_type, bias_type, is_centered;
    float epsilon;
} s1_cl_norm;

/* A group for each row t. */
typedef struct s1_cl_rope {
    int64_t first;
    int64_t x_at, x_stride[3], y_at, y_stride[3];
    int64_t cosine_at, cosine_stride[2], sine_at, sine_stride[2];
    int64_t groups, heads, half_width;
} s1_cl_rope;

/* A group for each row. */
typedef struct s1_cl_route {
    int64_t first;
    int64_t logits_at, logits_row, ids_at, ids_row, gates_at, gates_row;
    int32_t n, k, groups, normalizes;
} s1_cl_route;

/* A work item for each number. */
typedef struct s1_cl_rows {
    int64_t first;
    int64_t a_at, a_row, a_segment, b_at, b_row, y_at, y_row, n;
    int64_t count; /* COMBINE: experts of a row; ADD: rows of b; MEAN: rows of a segment */
    int32_t op, act, type;
    float factor;
} s1_cl_rows;

/* A group for each row. */
typedef struct s1_cl_put {
    int64_t first;
    int64_t k_at, k_stride[2], v_at, v_stride[2], rows_at, rows_row, pages_at, pages_row;
    int64_t k_pool_at, k_pool_stride[3], v_pool_at, v_pool_stride[3];
    int64_t groups, width, page_length;
    int32_t k_type, v_type;
} s1_cl_put;

/* With pages (ATTENTION) groups are: groups and chunks of their heads, tiles of rows, splits of the
 * positions; else (SELF_ATTENTION) heads, and segments and tiles of their rows. */
typedef struct s1_cl_attention {
    int64_t first;
    int64_t q_at, q_stride[3], y_at, y_stride[3], k_at, k_stride[3], v_at, v_stride[3];
    int64_t rows_at, rows_row, pages_at, pages_row;
    int64_t t, groups, heads; /* rows (of a segment), groups, heads of a group */
    int64_t rows_a_tile, page_length, split;
    int32_t k_type, v_type, has_pages, writes_state, rounds, is_causal, width;
    float factor;
} s1_cl_attention;

/* A group for each 64 numbers and row. */
typedef struct s1_cl_merge {
    int64_t first;
    int64_t y_at, y_stride[3], t, groups, heads, width, splits;
} s1_cl_merge;

#endif
