#include "backend/cpu/kernels.h"
#include "tensor/widen.h"

#include <math.h>

/* The definitions of attention: what it does between its two products over pages, and the whole of
 * it inside a segment. */

static void soften_scalar(float *scores, int64_t valid, int64_t n, float scale, float *max,
                          float *sum)
{
    *max = scores[0] * scale;
    *sum = 0;
    for (int64_t i = 1; i < valid; i++)
        *max = scores[i] * scale > *max ? scores[i] * scale : *max;
    for (int64_t i = 0; i < valid; i++) {
        scores[i] = expf(scores[i] * scale - *max);
        *sum += scores[i];
    }
    for (int64_t i = valid; i < n; i++)
        scores[i] = 0;
}

static void merge_scalar(float *acc, float *max, float *sum, const float *next_acc, float next_max,
                         float next_sum, int64_t d)
{
    float both = next_max > *max ? next_max : *max;
    float a = expf(*max - both);
    float b = expf(next_max - both);

    *max = both;
    *sum = *sum * a + next_sum * b;
    for (int64_t j = 0; j < d; j++)
        acc[j] = acc[j] * a + next_acc[j] * b;
}

static void divide_scalar(float *y, const float *acc, float sum, int64_t d)
{
    for (int64_t j = 0; j < d; j++)
        y[j] = acc[j] / sum;
}

/* --- inside a segment --- */

typedef struct attend_scratch {
    float *max, *sum, *acc; /* [rows], [rows], [rows][d] */
    float *q, *k, *v;       /* rounded rows, a tile of them; [d] each */
    float *scores, *next;   /* [S1_ATTEND_KEYS], [d] */
} attend_scratch;

static attend_scratch attend_scratch_at(const s1_attend *a, float *at)
{
    attend_scratch s = { .max = at, .sum = at + a->rows, .acc = at + 2 * a->rows };

    s.q = s.acc + a->rows * a->d;
    s.k = s.q + a->rows * a->d;
    s.v = s.k + S1_ATTEND_KEYS * a->d;
    s.scores = s.v + S1_ATTEND_KEYS * a->d;
    s.next = s.scores + S1_ATTEND_KEYS;
    return s;
}

static float rounded(float x)
{
    return s1_from_bf16(s1_to_bf16(x));
}

static void copy_rows(const s1_attend *a, float *to, const float *from, int64_t stride, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < a->d; j++)
            to[i * a->d + j] = a->round ? rounded(from[i * stride + j]) : from[i * stride + j];
}

/* The tile's keys that row i sees. */
static int64_t count_seen(const s1_attend *a, int64_t i, int64_t begin, int64_t n)
{
    int64_t seen = a->causal ? a->first + i + 1 - begin : n;
    return seen < n ? seen : n;
}

static void attend_tile(const s1_attend *a, const attend_scratch *s, int64_t i, int64_t n,
                        float *acc, float *max, float *sum)
{
    for (int64_t p = 0; p < n; p++) {
        s->scores[p] = 0;
        for (int64_t j = 0; j < a->d; j++)
            s->scores[p] += s->q[i * a->d + j] * s->k[p * a->d + j];
    }
    soften_scalar(s->scores, n, n, a->scale, max, sum);
    for (int64_t j = 0; j < a->d; j++)
        acc[j] = 0;
    for (int64_t p = 0; p < n; p++) {
        float weight = a->round ? rounded(s->scores[p]) : s->scores[p];
        for (int64_t j = 0; j < a->d; j++)
            acc[j] += weight * s->v[p * a->d + j];
    }
}

static void attend_scalar(const s1_attend *a, int64_t begin, int64_t end, void *scratch)
{
    attend_scratch s = attend_scratch_at(a, scratch);
    float max, sum;

    if (begin == 0)
        copy_rows(a, s.q, a->q, a->q_stride, a->rows);
    for (int64_t at = begin; at < end; at += S1_ATTEND_KEYS) {
        int64_t n = end - at < S1_ATTEND_KEYS ? end - at : S1_ATTEND_KEYS;
        copy_rows(a, s.k, a->k + at * a->k_stride, a->k_stride, n);
        copy_rows(a, s.v, a->v + at * a->v_stride, a->v_stride, n);
        for (int64_t i = 0; i < a->rows; i++) {
            int64_t seen = count_seen(a, i, at, n);
            if (at == 0) {
                attend_tile(a, &s, i, seen, s.acc + i * a->d, &s.max[i], &s.sum[i]);
            } else if (seen > 0) {
                attend_tile(a, &s, i, seen, s.next, &max, &sum);
                merge_scalar(s.acc + i * a->d, &s.max[i], &s.sum[i], s.next, max, sum, a->d);
            }
        }
    }
    for (int64_t i = 0; i < a->rows && end == a->n; i++)
        divide_scalar(a->y + i * a->y_stride, s.acc + i * a->d, s.sum[i], a->d);
}

void s1_attention_init_scalar(s1_kernels *kernels)
{
    kernels->soften = soften_scalar;
    kernels->merge = merge_scalar;
    kernels->divide = divide_scalar;
    kernels->attend = attend_scalar;
}
