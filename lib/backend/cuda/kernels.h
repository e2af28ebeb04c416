#ifndef S1_BACKEND_CUDA_KERNELS_H
#define S1_BACKEND_CUDA_KERNELS_H

/* What the host and the kernels agree on: their names, their threads, and the one argument that
 * each takes. Plain C that is C++ too. Strides count elements; a stride of an axis without a second
 * element is 0. */

#include <stdint.h>

/* Types as kernels number them. */
enum {
    S1_CUDA_F32 = 0,
    S1_CUDA_F16 = 1,
    S1_CUDA_BF16 = 2,
    S1_CUDA_F8 = 3,
    S1_CUDA_U8 = 4, /* scales only: a power of two */
    S1_CUDA_NONE = 5,
};

enum {
    S1_CUDA_FEW_ROWS = 8,         /* of x that one matvec takes at once */
    S1_CUDA_MATVEC_THREADS = 128, /* a warp for each row of weights */
    S1_CUDA_TILE_THREADS = 256,   /* of a product in tiles: 16 x 16 */
    S1_CUDA_TILE_SIDE = 16,       /* a tile is so many threads high, each with 1 or 4 rows */
    S1_CUDA_TILE_COLUMNS = 64,    /* rows of weights of a tile */
    S1_CUDA_SORT_THREADS = 256,
    S1_CUDA_ROW_THREADS = 128,
    S1_CUDA_MOST_EXPERTS = 2048, /* that a router chooses from */
    S1_CUDA_ATTENTION_THREADS = 128,
    S1_CUDA_QUERIES = 16,     /* of a tile of attention */
    S1_CUDA_MOST_WIDTH = 256, /* of a head */
};

/* Every argument begins with it: blocks along y are counted from there, so that the host may launch
 * a grid in pieces. */
typedef struct s1_cuda_piece {
    uint32_t first;
    uint32_t unused;
} s1_cuda_piece;

/* ---- products ---------------------------------------------------------------------------------
 */

typedef struct s1_cuda_expert {
    const void *w, *scale;
} s1_cuda_expert;

/* y[t][n] = w * x: matvec (blocks: rows of weights, rows of x) and tiled (tiles of weights, tiles
 * of x). With `experts` a row of y is result t of ids, from row t / each of x. */
typedef struct s1_cuda_product {
    s1_cuda_piece piece;
    int32_t scale_type, bias_type, adds, rounds;
    int64_t t, n, k; /* t: rows of y */
    const void *w, *scale, *bias;
    int64_t w_row, w_column, scale_row;
    const float *x;
    int64_t x_row;
    float *y;
    int64_t y_row;
    const s1_cuda_expert *experts; /* or NULL */
    const int32_t *ids;
    int64_t each;
    const int32_t *lists; /* what sort_experts wrote; tiled only */
} s1_cuda_product;

/* Lists for tiled: results in order of their experts, cut into tiles of one expert each.
 * lists: n_tiles, then three numbers for each tile (expert, first of its results, how many), then
 * from `order` on the results. One block. */
typedef struct s1_cuda_sort {
    s1_cuda_piece piece;
    const int32_t *ids;
    int32_t *lists;
    int64_t results, experts, tile, order;
    int32_t *counts; /* room for three numbers for each expert */
} s1_cuda_sort;

/* ---- rows -------------------------------------------------------------------------------------
 */

/* A block for each row of up to three outer axes (y). */
typedef struct s1_cuda_norm {
    s1_cuda_piece piece;
    const float *x;
    float *y;
    const void *weight, *bias;
    int64_t x_stride[3], y_stride[3], dim[2], n;
    int32_t weight_type, bias_type, is_centered;
    float epsilon;
} s1_cuda_norm;

/* A block for each row t (y); its threads walk over groups, heads and pairs. */
typedef struct s1_cuda_rope {
    s1_cuda_piece piece;
    const float *x, *cosine, *sine;
    float *y;
    int64_t x_stride[3], y_stride[3], cosine_stride[2], sine_stride[2];
    int64_t groups, heads, half;
} s1_cuda_rope;

/* A block for each row (y). */
typedef struct s1_cuda_route {
    s1_cuda_piece piece;
    const float *logits;
    int32_t *ids;
    float *gates;
    int64_t logits_row, ids_row, gates_row;
    int32_t n, k, groups, normalizes;
} s1_cuda_route;

/* A thread for each number: columns along x, rows along y. */
typedef struct s1_cuda_rows {
    s1_cuda_piece piece;
    const void *a, *b;
    float *y;
    int64_t a_row, b_row, y_row, a_segment, n;
    int64_t count; /* COMBINE: experts of a row; ADD: rows of b; MEAN: rows of a segment */
    int32_t act, type;
    float factor;
    int32_t unused;
} s1_cuda_rows;

/* A block for each row (y). */
typedef struct s1_cuda_put {
    s1_cuda_piece piece;
    const float *k, *v;
    const int32_t *rows, *pages;
    void *k_pool, *v_pool;
    int64_t k_stride[2], v_stride[2], rows_row, pages_row, k_pool_stride[3], v_pool_stride[3];
    int64_t groups, width, page_length;
    int32_t k_type, v_type;
} s1_cuda_put;

/* ---- attention --------------------------------------------------------------------------------
 */

/* PAGED (ATTENTION): blocks are groups and chunks of their heads (x), tiles of rows (y), splits of
 * the positions (z). Else (SELF_ATTENTION): heads (x), segments and tiles of their rows (y). With
 * `state` the largest score, the sum of weights and the weighted sum of each query and split go
 * there, for attention_merge. */
typedef struct s1_cuda_attention {
    s1_cuda_piece piece;
    const float *q;
    float *y, *state;
    const void *k, *v;
    int64_t q_stride[3], y_stride[3], k_stride[3], v_stride[3];
    const int32_t *rows, *pages;
    int64_t rows_row, pages_row;
    int64_t t;           /* rows; of a segment where there are no pages */
    int64_t heads;       /* of a group */
    int64_t rows_a_tile; /* PAGED: that share a tile */
    int64_t page_length, split;
    int32_t k_type, v_type, rounds, is_causal;
    int32_t width;
    float factor;
} s1_cuda_attention;

/* A block for each row (y), groups and heads along x. */
typedef struct s1_cuda_merge {
    s1_cuda_piece piece;
    const float *state;
    float *y;
    int64_t y_stride[3], t, groups, heads, width, splits;
} s1_cuda_merge;

/* ---- all of them ------------------------------------------------------------------------------
 */

/* X(name, argument, threads). Those of one family stand side by side, in the order of types, then
 * of sizes. */
#define S1_CUDA_MATVECS(X, type)                                  \
    X(matvec_##type##_1, s1_cuda_product, S1_CUDA_MATVEC_THREADS) \
    X(matvec_##type##_2, s1_cuda_product, S1_CUDA_MATVEC_THREADS) \
    X(matvec_##type##_4, s1_cuda_product, S1_CUDA_MATVEC_THREADS) \
    X(matvec_##type##_8, s1_cuda_product, S1_CUDA_MATVEC_THREADS)
#define S1_CUDA_TILED(X, type)                                  \
    X(tiled_##type##_16, s1_cuda_product, S1_CUDA_TILE_THREADS) \
    X(tiled_##type##_64, s1_cuda_product, S1_CUDA_TILE_THREADS)
#define S1_CUDA_KERNELS(X)                                              \
    S1_CUDA_MATVECS(X, f32)                                             \
    S1_CUDA_MATVECS(X, f16)                                             \
    S1_CUDA_MATVECS(X, bf16)                                            \
    S1_CUDA_MATVECS(X, f8)                                              \
    S1_CUDA_TILED(X, f32)                                               \
    S1_CUDA_TILED(X, f16)                                               \
    S1_CUDA_TILED(X, bf16)                                              \
    S1_CUDA_TILED(X, f8)                                                \
    X(sort_experts, s1_cuda_sort, S1_CUDA_SORT_THREADS)                 \
    X(norm, s1_cuda_norm, S1_CUDA_ROW_THREADS)                          \
    X(rope, s1_cuda_rope, S1_CUDA_ROW_THREADS)                          \
    X(route, s1_cuda_route, S1_CUDA_ROW_THREADS)                        \
    X(combine, s1_cuda_rows, S1_CUDA_ROW_THREADS)                       \
    X(act_mul, s1_cuda_rows, S1_CUDA_ROW_THREADS)                       \
    X(add, s1_cuda_rows, S1_CUDA_ROW_THREADS)                           \
    X(scale_by, s1_cuda_rows, S1_CUDA_ROW_THREADS)                      \
    X(get_rows, s1_cuda_rows, S1_CUDA_ROW_THREADS)                      \
    X(activate, s1_cuda_rows, S1_CUDA_ROW_THREADS)                      \
    X(add_scaled, s1_cuda_rows, S1_CUDA_ROW_THREADS)                    \
    X(mean, s1_cuda_rows, S1_CUDA_ROW_THREADS)                          \
    X(kv_put, s1_cuda_put, S1_CUDA_ROW_THREADS)                         \
    X(attention_64, s1_cuda_attention, S1_CUDA_ATTENTION_THREADS)       \
    X(attention_128, s1_cuda_attention, S1_CUDA_ATTENTION_THREADS)      \
    X(attention_256, s1_cuda_attention, S1_CUDA_ATTENTION_THREADS)      \
    X(self_attention_64, s1_cuda_attention, S1_CUDA_ATTENTION_THREADS)  \
    X(self_attention_128, s1_cuda_attention, S1_CUDA_ATTENTION_THREADS) \
    X(self_attention_256, s1_cuda_attention, S1_CUDA_ATTENTION_THREADS) \
    X(attention_merge, s1_cuda_merge, S1_CUDA_ROW_THREADS)

#define S1_CUDA_NAME_OF_KERNEL(name, argument, threads) S1_CUDA_##name,
enum { S1_CUDA_KERNELS(S1_CUDA_NAME_OF_KERNEL) S1_CUDA_N_KERNELS };

#endif
