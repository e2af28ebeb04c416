#include "backend/cpu/kernels.h"
#include "interns1/sys/backend.h"
#include "tensor/widen.h"

#include <math.h>
#include <string.h>

/* The definitions of what works row by row. */

enum { LANES = 16 };

/* The lanes as a tree. */
static double add_lanes(double *sums)
{
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++)
            sums[l] += sums[l + half];
    return sums[0];
}

static void rmsnorm_scalar(float *y, const float *x, const float *weight, int64_t n, float epsilon)
{
    double sums[LANES] = { 0 };

    for (int64_t i = 0; i < n; i++)
        sums[i % LANES] += (double)x[i] * (double)x[i];
    float factor = (float)(1.0 / sqrt(add_lanes(sums) / (double)n + (double)epsilon));
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] * factor * weight[i];
}

static void layernorm_scalar(float *y, const float *x, const float *weight, const float *bias,
                             int64_t n, float epsilon)
{
    double sums[LANES] = { 0 };
    double squares[LANES] = { 0 };

    for (int64_t i = 0; i < n; i++)
        sums[i % LANES] += (double)x[i];
    double mean = add_lanes(sums) / (double)n;
    for (int64_t i = 0; i < n; i++)
        squares[i % LANES] += ((double)x[i] - mean) * ((double)x[i] - mean);

    float middle = (float)mean;
    float factor = (float)(1.0 / sqrt(add_lanes(squares) / (double)n + (double)epsilon));
    for (int64_t i = 0; i < n; i++) {
        y[i] = (x[i] - middle) * factor * weight[i];
        if (bias)
            y[i] += bias[i];
    }
}

/* y may be x. */
static void rope_scalar(float *y, const float *x, const float *cos, const float *sin, int64_t half)
{
    for (int64_t j = 0; j < half; j++) {
        float a = x[j];
        float b = x[j + half];
        y[j] = a * cos[j] - b * sin[j];
        y[j + half] = b * cos[j] + a * sin[j];
    }
}

static float activate(float a, int32_t act)
{
    switch (act) {
    case INS1_ACT_SILU:
        return a / (1.0f + expf(-a));
    case INS1_ACT_GELU:
        return a * (1.0f + erff(a * 0.70710678f)) * 0.5f;
    case INS1_ACT_RELU:
        return a < 0 ? 0 : a; /* a NaN stays one */
    default:
        return 0.5f * a * (1.0f + tanhf(0.79788456f * (a + 0.044715f * a * a * a)));
    }
}

static void act_scalar(float *y, const float *x, int64_t n, int32_t act)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = activate(x[i], act);
}

static void act_mul_scalar(float *y, const float *a, const float *b, int64_t n, int32_t act)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = activate(a[i], act) * b[i];
}

static void add_scalar(float *y, const float *a, const float *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}

static void scale_scalar(float *y, const float *x, float by, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] * by;
}

static void add_scaled_scalar(float *y, const float *x, float by, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] += x[i] * by;
}

static void add_product_scalar(float *y, const float *x, const float *by, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] += x[i] * by[i];
}

static void widen_scalar(float *y, const uint8_t *x, int32_t dtype, int64_t n)
{
    uint16_t h;

    switch (dtype) {
    case INS1_DTYPE_F32:
        memcpy(y, x, (size_t)n * sizeof(*y));
        return;
    case INS1_DTYPE_F8_E4M3:
        for (int64_t i = 0; i < n; i++)
            y[i] = s1_from_f8_e4m3(x[i]);
        return;
    default:
        for (int64_t i = 0; i < n; i++) {
            memcpy(&h, x + 2 * i, sizeof(h));
            y[i] = dtype == INS1_DTYPE_BF16 ? s1_from_bf16(h) : s1_from_f16(h);
        }
    }
}

static void narrow_scalar(uint8_t *y, const float *x, int32_t dtype, int64_t n)
{
    if (dtype == INS1_DTYPE_F32) {
        memcpy(y, x, (size_t)n * sizeof(*x));
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        uint16_t h = dtype == INS1_DTYPE_BF16 ? s1_to_bf16(x[i]) : s1_to_f16(x[i]);
        memcpy(y + 2 * i, &h, sizeof(h));
    }
}

void s1_rows_init_scalar(s1_kernels *kernels)
{
    kernels->rmsnorm = rmsnorm_scalar;
    kernels->rope = rope_scalar;
    kernels->layernorm = layernorm_scalar;
    kernels->act = act_scalar;
    kernels->act_mul = act_mul_scalar;
    kernels->add = add_scalar;
    kernels->scale = scale_scalar;
    kernels->add_scaled = add_scaled_scalar;
    kernels->add_product = add_product_scalar;
    kernels->widen = widen_scalar;
    kernels->narrow = narrow_scalar;
}
