#include "backend/cpu/kernels.h"

#include <math.h>

/* The definition of what attention does between its two products. */

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

void s1_attention_init_scalar(s1_kernels *kernels)
{
    kernels->soften = soften_scalar;
    kernels->merge = merge_scalar;
    kernels->divide = divide_scalar;
}
