#ifndef S1_BACKEND_CPU_KERNELS_H
#define S1_BACKEND_CPU_KERNELS_H

#include "base/error.h"
#include "interns1/device.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Every hot loop of the CPU backend, one entry each. A level fills in what it does better than the
 * level below; the scalar one has them all and is the definition.
 *
 * What no kernel may do: let a row of a result depend on the rows beside it. */

/* The rows of x of a product, rounded and laid out as the level reads them: tokens in groups, and
 * within a group one cell of 16 bytes (8 BF16 or 4 F32, zeros behind the end) for each step of
 * columns and each token: cell (step, token) of a group of g is number step * g + token. */
enum {
    S1_PANEL_F32 = 0,
    S1_PANEL_BF16 = 1,
    S1_PANEL_I8 = 2, /* 16 integers a cell, and one s1_i8_row for each token behind all steps */
    S1_PANEL_KINDS = 3,
};

enum {
    S1_CELL = 16,         /* bytes of a cell */
    S1_CHUNK = 256,       /* columns that are summed on their own; the sums are then added */
    S1_SCALE_BLOCK = 128, /* the same where weights have scales, and rows that share one */
    S1_MOST_TOKENS = 16,  /* of a group, on any level */
    S1_PRODUCT_SCRATCH = 160 << 10, /* bytes that a worker hands to `product` */
};

static inline int64_t s1_ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* The smallest number of groups of at most `most`, as equal as possible: the first ones are larger.
 */
static inline int64_t s1_group_begin(int64_t t, int64_t n_groups, int64_t group)
{
    int64_t larger = t % n_groups;
    return group * (t / n_groups) + (group < larger ? group : larger);
}

static inline int64_t s1_panel_columns(int32_t kind)
{
    return kind == S1_PANEL_I8 ? 16 : kind == S1_PANEL_BF16 ? 8 : 4;
}

/* Cells of a token. */
static inline int64_t s1_panel_steps(int32_t kind, int64_t k)
{
    return s1_ceil_div(k, s1_panel_columns(kind)) + (kind == S1_PANEL_I8);
}

/* The last cell of a token whose columns became integers. */
typedef struct s1_i8_row {
    float scale; /* what they were divided by; NaN, and all are 0, where one was not finite */
    int32_t sum;
    int32_t rest[2]; /* 0 */
} s1_i8_row;

_Static_assert(sizeof(s1_i8_row) == S1_CELL, "a row's scale is a cell");

/* t rows of x times one matrix: y[rows[i]][r] = sum of w[r][j] * x[i][j], then + bias[r], then
 * added to y where `accumulate` is set.
 *
 * Columns are cut into chunks (s1_chunk). The sum of a
 * chunk is exact to n * 2^-23 * sum |w x|; it is multiplied by its scale and added to the sum of
 * the chunks before. With a BF16 panel denormals count as zero where the machine's instruction says
 * so. With an I8 panel the sum of all columns is one integer, and
 * float(sum) * (scale of the token * scale[r]) on every level; nothing depends on an order. */
typedef struct s1_product {
    const uint8_t *w; /* element [0][0]; no alignment */
    int32_t dtype;
    bool transposed; /* w[r][j] is element j * stride + r, else r * stride + j */
    bool accumulate;
    int32_t panel_kind;
    int64_t stride;
    int64_t n, k;
    const uint8_t *scale; /* of [r / 128][j / 128], with I8 of [r]; NULL: none */
    int32_t scale_dtype;
    int32_t bias_dtype;
    int64_t scale_stride;
    const uint8_t *bias; /* NULL: none */
    const uint8_t *panel;
    int64_t t, n_groups;
    const int32_t *rows; /* the row of y of each token; NULL: its own number */
    float *y;
    int64_t y_stride;
} s1_product;

/* Columns that are summed on their own. */
static inline int64_t s1_chunk(const s1_product *p)
{
    return p->scale || p->panel_kind == S1_PANEL_F32 ? S1_SCALE_BLOCK : 2 * S1_SCALE_BLOCK;
}

/* Weights that the same worker reads next: a hint. */
typedef struct s1_ahead {
    const uint8_t *w;
    int64_t size; /* 0: not known */
    int64_t row_size;
} s1_ahead;

/* Rows [begin, end) of w for at most `pass` tokens; `begin` is a multiple of `tile`. `scratch` is
 * S1_PRODUCT_SCRATCH bytes, 64-byte aligned. */
typedef void s1_product_fn(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead,
                           void *scratch);

/* Write the cells of one group of `g` tokens with these rows of x. `round`: to BF16, nearest even;
 * a BF16 panel is always rounded. */
typedef void s1_panel_fill_fn(uint8_t *cells, int32_t kind, bool round, const float *const *x,
                              int64_t g, int64_t k);
/* The same of an I8 panel. */
typedef void s1_fill_i8_fn(uint8_t *cells, const float *const *x, int64_t g, int64_t k);

/* Attention of neighbouring rows of one head of one segment over keys that begin with the segment:
 * y[i] = sum of softmax(scale * q[i] . k[p]) * v[p]. */
typedef struct s1_attend {
    const float *q; /* of the first row */
    float *y;
    const float *k, *v; /* of position 0 */
    int64_t q_stride, k_stride, v_stride, y_stride;
    int64_t rows;
    int64_t first; /* position of the first row: row i sees first + i + 1 keys, or... */
    bool causal;   /* ... all of them when this is not set */
    bool round;    /* q, k, v and the weights of v to BF16 */
    int64_t n, d;
    float scale;
} s1_attend;

enum {
    S1_ATTEND_KEYS = 128, /* that are summed on their own; the sums are then added */
    S1_ATTEND_GROUP =
        6, /* rows that a level may take together: all blocks but the last have so many */
    S1_ATTEND_ROWS = 384, /* most of one call */
    S1_ATTEND_SCRATCH = 640 << 10,
};

/* Rows of that width for which the scratch is large enough. */
static inline int64_t s1_attend_rows(int64_t d)
{
    enum { FLOATS = S1_ATTEND_SCRATCH / 4 - 32 * S1_ATTEND_KEYS };
    int64_t wide = s1_ceil_div(d, 16) * 16;
    int64_t rows = (FLOATS - 2 * S1_ATTEND_KEYS * wide) / (2 * wide + 2);
    rows = rows < S1_ATTEND_ROWS ? rows : S1_ATTEND_ROWS;
    return rows / S1_ATTEND_GROUP * S1_ATTEND_GROUP;
}

/* Keys [begin, end) of it, a slice after the other, `begin` a multiple of S1_ATTEND_KEYS; what came
 * out of the slices before is in the scratch (S1_ATTEND_SCRATCH bytes, 64-byte aligned). With the
 * last slice, end == n, the results are written. */
typedef void s1_attend_fn(const s1_attend *a, int64_t begin, int64_t end, void *scratch);

typedef struct s1_kernels {
    const char *level;
    int32_t most_tokens[S1_PANEL_KINDS]; /* of a group; 0: this level has no such panel */
    int32_t tile;                        /* rows of w that a task begins at a multiple of */
    int32_t pass;                        /* most tokens of one product */
    int64_t task_products; /* multiplications that take some tenths of a millisecond */
    bool has_i8_dot;       /* products of I8 are by an instruction made for them */
    s1_panel_fill_fn *panel_fill;
    s1_product_fn *product; /* with panels of F32 and BF16 */
    s1_fill_i8_fn *fill_i8;
    s1_product_fn *product_i8;
    /* Of n scores the first `valid` > 0 count: each becomes exp(score * scale - max), `max` being
     * the largest score * scale, and the others become 0. Their sum does not depend on n. */
    void (*soften)(float *scores, int64_t valid, int64_t n, float scale, float *max, float *sum);
    /* What a later stretch of positions gave for one head is added to what the earlier ones did;
     * both are brought to the larger of the two maxima. */
    void (*merge)(float *acc, float *max, float *sum, const float *next_acc, float next_max,
                  float next_sum, int64_t d);
    /* y = acc / sum */
    void (*divide)(float *y, const float *acc, float sum, int64_t d);
    s1_attend_fn *attend;
    /* The squares are added in F64, in 16 lanes by index, the lanes as a tree: halves on halves. */
    void (*rmsnorm)(float *y, const float *x, const float *weight, int64_t n, float epsilon);
    /* Both halves of one head; products and sums are rounded one by one. */
    void (*rope)(float *y, const float *x, const float *cos, const float *sin, int64_t half);
    /* (x - mean) * factor * weight + bias, each step rounded; both sums of F64 in the lanes of
     * rmsnorm, the second of squares of differences. No bias: NULL. */
    void (*layernorm)(float *y, const float *x, const float *weight, const float *bias, int64_t n,
                      float epsilon);
    void (*act)(float *y, const float *x, int64_t n, int32_t act);
    void (*act_mul)(float *y, const float *a, const float *b, int64_t n, int32_t act);
    void (*add)(float *y, const float *a, const float *b, int64_t n);
    void (*scale)(float *y, const float *x, float by, int64_t n);
    /* y += x * by, product and sum rounded one by one. */
    void (*add_scaled)(float *y, const float *x, float by, int64_t n);
    /* y += x * by[i], the same. */
    void (*add_product)(float *y, const float *x, const float *by, int64_t n);
    /* Floats of any type to F32, exactly. */
    void (*widen)(float *y, const uint8_t *x, int32_t dtype, int64_t n);
    /* F32 to F32, F16 or BF16, to nearest even. */
    void (*narrow)(uint8_t *y, const float *x, int32_t dtype, int64_t n);
} s1_kernels;

enum {
    S1_CPU_AVX2 = 1 << 0,   /* with FMA and F16C */
    S1_CPU_AVX512 = 1 << 1, /* F, BW, VL, DQ, VNNI, BF16, VBMI */
    S1_CPU_NEON = 1 << 2,   /* every ARM64 core that Linux runs on */
    S1_CPU_NEON_DOTPROD = 1 << 3,
    S1_CPU_NEON_BF16 = 1 << 4, /* over dotprod */
    S1_CPU_NEON_I8MM = 1 << 5, /* over both */
};

/* What this machine and its operating system have. */
unsigned s1_cpu_features(void);

/* The best kernels of these features that the build has. */
void s1_kernels_init(s1_kernels *kernels, unsigned features);

/* Of the level with that name, NULL for the best. INS1_E_UNSUPPORTED for one that the machine or
 * the build lacks. */
ins1_status s1_kernels_choose(s1_kernels *kernels, const char *level, ins1_error *error);

/* The processor's name for people, always NUL-terminated. */
void s1_cpu_hardware(char *out, size_t capacity);

/* Levels. */
void s1_product_init_scalar(s1_kernels *kernels);
void s1_i8_init_scalar(s1_kernels *kernels);
void s1_attention_init_scalar(s1_kernels *kernels);
void s1_rows_init_scalar(s1_kernels *kernels);
void s1_product_init_avx2(s1_kernels *kernels);
void s1_rows_init_avx2(s1_kernels *kernels);
void s1_attention_init_avx2(s1_kernels *kernels);
void s1_i8_init_avx2(s1_kernels *kernels);
void s1_product_init_avx512(s1_kernels *kernels);
void s1_rows_init_avx512(s1_kernels *kernels);
void s1_attention_init_avx512(s1_kernels *kernels);
void s1_i8_init_avx512(s1_kernels *kernels);
void s1_product_init_neon(s1_kernels *kernels);
void s1_rows_init_neon(s1_kernels *kernels);
void s1_attention_init_neon(s1_kernels *kernels);
void s1_i8_init_neon(s1_kernels *kernels);
void s1_i8_init_neon_dotprod(s1_kernels *kernels);   /* over neon */
void s1_product_init_neon_bf16(s1_kernels *kernels); /* over neon_dotprod */
void s1_i8_init_neon_i8mm(s1_kernels *kernels);      /* over neon_bf16 */

#endif
