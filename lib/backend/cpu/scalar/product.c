#include "backend/cpu/scalar/load.h"
#include "tensor/widen.h"

#include <string.h>

/* The definition of a product. Four lanes along the columns, lane l adding columns l, l + 4, l + 8,
 * ... of a chunk; the chunks are added lane by lane, and the lanes as (0 + 1) + (2 + 3). */

enum { LANES = 4 };

static float chunk_scale(const s1_product *p, int64_t row, int64_t column)
{
    if (!p->scale)
        return 1.0f;
    return load_float(p->scale, p->scale_dtype,
                      row / S1_SCALE_BLOCK * p->scale_stride + column / S1_SCALE_BLOCK);
}

/* Columns [at, at + n) of a row, with zeros up to the end of the last step. */
static void load_weights(float *out, const s1_product *p, int64_t row, int64_t at, int64_t n)
{
    for (int64_t j = 0; j < n; j++)
        out[j] = load_float(p->w, p->dtype,
                            p->transposed ? (at + j) * p->stride + row : row * p->stride + at + j);
    for (int64_t j = n; j % LANES; j++)
        out[j] = 0;
}

static void finish_row(const s1_product *p, int64_t row, const float (*sums)[LANES])
{
    float bias = p->bias ? load_float(p->bias, p->bias_dtype, row) : 0;

    for (int64_t i = 0; i < p->t; i++) {
        float *y = p->y + (p->rows ? p->rows[i] : i) * p->y_stride + row;
        float sum = (sums[i][0] + sums[i][1]) + (sums[i][2] + sums[i][3]);
        if (p->bias)
            sum += bias;
        *y = p->accumulate ? *y + sum : sum;
    }
}

static void product_scalar(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead,
                           void *scratch)
{
    float(*sums)[LANES] = scratch; /* [t] */
    const float *x = (const float *)(const void *)p->panel;
    int64_t chunk = s1_chunk(p);
    int64_t width = s1_panel_steps(S1_PANEL_F32, p->k) * LANES;
    float w[S1_SCALE_BLOCK];
    (void)ahead;

    for (int64_t row = begin; row < end; row++) {
        memset(sums, 0, (size_t)p->t * sizeof(*sums));
        for (int64_t at = 0; at < p->k; at += chunk) {
            int64_t n = p->k - at < chunk ? p->k - at : chunk;
            float scale = chunk_scale(p, row, at);

            load_weights(w, p, row, at, n);
            for (int64_t i = 0; i < p->t; i++) {
                const float *xi = x + i * width + at;
                float u[LANES] = { 0 };
                for (int64_t j = 0; j < n; j += LANES)
                    for (int l = 0; l < LANES; l++)
                        u[l] += w[j + l] * xi[j + l];
                for (int l = 0; l < LANES; l++)
                    sums[i][l] += u[l] * scale;
            }
        }
        finish_row(p, row, (const float(*)[LANES])sums);
    }
}

static void panel_fill_scalar(uint8_t *cells, int32_t kind, bool round, const float *const *x,
                              int64_t g, int64_t k)
{
    int64_t steps = s1_panel_steps(kind, k);
    float *out = (float *)(void *)cells;

    for (int64_t i = 0; i < g; i++)
        for (int64_t j = 0; j < steps * LANES; j++) {
            float f = j < k ? x[i][j] : 0;
            out[(j / LANES * g + i) * LANES + j % LANES] = round ? s1_from_bf16(s1_to_bf16(f)) : f;
        }
}

void s1_product_init_scalar(s1_kernels *kernels)
{
    kernels->most_tokens[S1_PANEL_F32] = 1;
    kernels->most_tokens[S1_PANEL_BF16] = 0;
    kernels->tile = 1;
    kernels->pass = 64;
    kernels->task_products = 200000;
    kernels->panel_fill = panel_fill_scalar;
    kernels->product = product_scalar;
}
