#include "backend/cpu/kernels.h"
#include "tensor/widen.h"

#include <math.h>
#include <string.h>

/* The definition of attention over one stretch of positions. */

static float load_float(const uint8_t *p, int32_t dtype, int64_t at)
{
    float f;
    uint16_t h;

    if (dtype == INS1_DTYPE_F32) {
        memcpy(&f, p + at * 4, sizeof(f));
        return f;
    }
    memcpy(&h, p + at * 2, sizeof(h));
    return dtype == INS1_DTYPE_BF16 ? s1_from_bf16(h) : s1_from_f16(h);
}

static float dot(const s1_attention *a, const float *q, const uint8_t *k, int64_t position)
{
    float sum = 0;
    for (int64_t j = 0; j < a->d; j++)
        sum += q[j] * load_float(k, a->k_dtype, position * a->k_stride + j);
    return sum * a->scale;
}

static void attend_scalar(const s1_attention *a, const float *const *q, int64_t heads,
                          const uint8_t *k, const uint8_t *v, int64_t n, s1_partial out,
                          void *scratch)
{
    float *scores = scratch; /* [n] */

    for (int64_t h = 0; h < heads; h++) {
        float *acc = out.acc + h * a->d;
        float max = dot(a, q[h], k, 0);
        float sum = 0;

        for (int64_t i = 0; i < n; i++) {
            scores[i] = dot(a, q[h], k, i);
            max = scores[i] > max ? scores[i] : max;
        }
        memset(acc, 0, (size_t)a->d * sizeof(*acc));
        for (int64_t i = 0; i < n; i++) {
            float e = expf(scores[i] - max);
            sum += e;
            for (int64_t j = 0; j < a->d; j++)
                acc[j] += e * load_float(v, a->v_dtype, i * a->v_stride + j);
        }
        out.max[h] = max;
        out.sum[h] = sum;
    }
}

static void attend_merge_scalar(s1_partial into, s1_partial next, int64_t heads, int64_t d)
{
    for (int64_t h = 0; h < heads; h++) {
        float max = next.max[h] > into.max[h] ? next.max[h] : into.max[h];
        float a = expf(into.max[h] - max);
        float b = expf(next.max[h] - max);

        into.max[h] = max;
        into.sum[h] = into.sum[h] * a + next.sum[h] * b;
        for (int64_t j = h * d; j < (h + 1) * d; j++)
            into.acc[j] = into.acc[j] * a + next.acc[j] * b;
    }
}

static void attend_end_scalar(float *y, const float *acc, float sum, int64_t d)
{
    for (int64_t j = 0; j < d; j++)
        y[j] = acc[j] / sum;
}

void s1_attention_init_scalar(s1_kernels *kernels)
{
    kernels->attend = attend_scalar;
    kernels->attend_merge = attend_merge_scalar;
    kernels->attend_end = attend_end_scalar;
}
