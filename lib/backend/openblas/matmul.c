/* One product, cut into tiles that fit the cache: weights that are not F32, or have scales, are
 * widened a tile at a time. Each tile is short enough to ask between two whether to stop. */

#include "backend/openblas/openblas.h"

#include "interns1/model.h"
#include "tensor/widen.h"

#include <pthread.h>

enum {
    ROW_MAJOR = 101,
    NO_TRANSPOSE = 111,
    TRANSPOSE = 112,
    MOST_ROWS = 128,    /* of x in one call */
    MOST_COLUMNS = 128, /* of y in one call */
    BLOCK = 128,        /* of the weights' scales */
};

void cblas_sgemm(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                 const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);

/* Serial builds of OpenBLAS need not be safe to enter twice, and there is one in the process. */
static pthread_mutex_t openblas_lock = PTHREAD_MUTEX_INITIALIZER;

typedef struct product {
    const ins1_tensor_desc *w, *x, *scale, *bias, *y;
    int64_t t, n, k;
    int64_t most_k; /* columns of a tile */
    int64_t most_n; /* rows of a tile of weights */
    bool gathers;   /* rows of x are copied: they overlap, or become BF16 */
    bool rounds;    /* to BF16 */
    bool widens;    /* w is not taken as it is */
    bool adds;
} product;

static float element(const unsigned char *from, int32_t dtype, int64_t at)
{
    float full;
    uint16_t half;

    switch (dtype) {
    case INS1_DTYPE_F32:
        memcpy(&full, from + at * 4, sizeof(full));
        return full;
    case INS1_DTYPE_BF16:
        memcpy(&half, from + at * 2, sizeof(half));
        return s1_from_bf16(half);
    case INS1_DTYPE_F16:
        memcpy(&half, from + at * 2, sizeof(half));
        return s1_from_f16(half);
    case INS1_DTYPE_F8_E4M3:
        return s1_from_f8_e4m3(from[at]);
    default: /* U8: the power of two b - 127; 0 is the smallest there is */
        return from[at] ? s1_from_bits((uint32_t)from[at] << 23) : 0x1p-127f;
    }
}

static float scale_at(const product *p, int64_t n, int64_t k)
{
    const ins1_tensor_desc *scale = p->scale;
    return scale->dtype ? element(s1_blas_at(scale), scale->dtype,
                                  n / BLOCK * scale->stride[0] + k / BLOCK * scale->stride[1])
                        : 1.0f;
}

/* Rows n0 .. n0 + n of the weights, columns k0 .. k0 + k, times their scales. */
static void widen(const product *p, int64_t n0, int64_t n, int64_t k0, int64_t k, float *tile)
{
    const unsigned char *from = s1_blas_at(p->w);

    for (int64_t i = 0; i < n; i++) {
        for (int64_t begin = 0; begin < k;) {
            int64_t end = begin + BLOCK - (k0 + begin) % BLOCK;
            float scale = scale_at(p, n0 + i, k0 + begin);
            for (end = end < k ? end : k; begin < end; begin++)
                tile[i * k + begin] =
                    scale * element(from, p->w->dtype,
                                    (n0 + i) * p->w->stride[0] + (k0 + begin) * p->w->stride[1]);
        }
    }
}

static const float *row_of(const product *p, int64_t t)
{
    return (const float *)(const void *)s1_blas_at(p->x) + t * p->x->stride[0];
}

static void gather_rows(const product *p, int64_t t0, int64_t t, int64_t k0, int64_t k, float *rows)
{
    for (int64_t i = 0; i < t; i++)
        for (int64_t j = 0; j < k; j++) {
            float x = row_of(p, t0 + i)[k0 + j];
            rows[i * k + j] = p->rounds ? s1_from_bf16(s1_to_bf16(x)) : x;
        }
}

/* Leading dimensions are of interest only when there is a second row, but must not be small. */
static int leading(int64_t stride, int64_t width)
{
    return (int)(stride > width ? stride : width);
}

static void multiply(const product *p, s1_blas_stream *s, int64_t t0, int64_t t, int64_t n0,
                     int64_t n, int64_t k0, int64_t k)
{
    const float *w = s->tile, *x = s->rows;
    float *y = (float *)(void *)s1_blas_at(p->y) + t0 * p->y->stride[0] + n0;
    bool transposed = p->k > 1 && p->w->stride[1] != 1;
    int ldw = (int)k, ldx = (int)k, order = TRANSPOSE;

    if (p->gathers) {
        gather_rows(p, t0, t, k0, k, s->rows);
    } else {
        x = row_of(p, t0) + k0;
        ldx = leading(p->x->stride[0], k);
    }
    if (!p->widens) {
        w = (const float *)(const void *)s1_blas_at(p->w) + n0 * p->w->stride[0] +
            k0 * p->w->stride[1];
        ldw = transposed ? leading(p->w->stride[1], n) : leading(p->w->stride[0], k);
        order = transposed ? NO_TRANSPOSE : TRANSPOSE;
    }
    pthread_mutex_lock(&openblas_lock);
    cblas_sgemm(ROW_MAJOR, NO_TRANSPOSE, order, (int)t, (int)n, (int)k, 1.0f, x, ldx, w, ldw,
                p->adds || k0 > 0 ? 1.0f : 0.0f, y, leading(p->y->stride[0], n));
    pthread_mutex_unlock(&openblas_lock);
}

static void add_bias(const product *p)
{
    const unsigned char *bias = s1_blas_at(p->bias);

    for (int64_t t = 0; bias && t < p->t; t++) {
        float *y = (float *)(void *)s1_blas_at(p->y) + t * p->y->stride[0];
        for (int64_t n = 0; n < p->n; n++)
            y[n] += element(bias, p->bias->dtype, n);
    }
}

/* The sum of nothing. */
static void clear(const product *p)
{
    for (int64_t t = 0; t < p->t && !p->adds; t++)
        memset((float *)(void *)s1_blas_at(p->y) + t * p->y->stride[0], 0,
               (size_t)p->n * sizeof(float));
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int32_t run_tiles(const product *p, s1_blas_stream *s)
{
    for (int64_t n0 = 0; n0 < p->n; n0 += p->most_n) {
        int64_t n = least(p->most_n, p->n - n0);
        for (int64_t k0 = 0; k0 < p->k; k0 += p->most_k) {
            int64_t k = least(p->most_k, p->k - k0);
            if (p->widens)
                widen(p, n0, n, k0, k, s->tile);
            for (int64_t t0 = 0; t0 < p->t; t0 += MOST_ROWS) {
                int32_t stop = s->blas->api->stop_requested(s->host);
                if (stop)
                    return stop;
                multiply(p, s, t0, least(MOST_ROWS, p->t - t0), n0, n, k0, k);
            }
        }
    }
    return INS1_OK;
}

bool s1_blas_can(const ins1_op *op)
{
    return op->op == INS1_OP_MATMUL && op->in[0].layout == INS1_LAYOUT_STRIDED &&
           (op->i[0] == INS1_PRECISION_F32 || op->i[0] == INS1_PRECISION_BF16);
}

int32_t s1_blas_matmul(s1_blas_stream *stream, const ins1_op *op)
{
    product p = {
        .w = &op->in[0],
        .x = &op->in[1],
        .scale = &op->in[2],
        .bias = &op->in[3],
        .y = &op->out[0],
        .t = op->in[1].dim[0],
        .n = op->in[0].dim[0],
        .k = op->in[0].dim[1],
        .rounds = op->i[0] == INS1_PRECISION_BF16,
        .adds = op->flags & INS1_OP_ACCUMULATE,
    };
    p.gathers = p.rounds || p.x->stride[0] < p.k;
    p.widens = p.w->dtype != INS1_DTYPE_F32 || p.scale->dtype;
    p.most_k = least(p.k, S1_BLAS_TILE / MOST_ROWS);
    p.most_n = MOST_COLUMNS;

    if (!p.t || !p.n)
        return stream->blas->api->stop_requested(stream->host);
    if (!p.k)
        clear(&p);
    int32_t status = run_tiles(&p, stream);
    if (status == INS1_OK)
        add_bias(&p);
    return status;
}
