#include "backend/cpu/scalar/load.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* The definition of products of I8: integers times integers, so that nothing but the rounding of
 * both factors decides the bits. */

enum { COLUMNS = 16, SMALLEST = -128, LARGEST = 127 };

static float scale_of(const float *x, int64_t k)
{
    float most = 0;
    bool is_finite = true;

    for (int64_t j = 0; j < k; j++) {
        float size = fabsf(x[j]);
        is_finite = is_finite && size <= FLT_MAX;
        most = size > most ? size : most;
    }
    return is_finite ? most / 127.5f : NAN;
}

static int8_t round_i8(float f)
{
    float whole = fmaxf(nearbyintf(f), SMALLEST);
    return (int8_t)fminf(whole, LARGEST);
}

static void fill_i8(uint8_t *cells, const float *const *x, int64_t g, int64_t k)
{
    int64_t steps = s1_panel_steps(S1_PANEL_I8, k) - 1;

    for (int64_t i = 0; i < g; i++) {
        s1_i8_row row = { .scale = scale_of(x[i], k) };
        for (int64_t j = 0; j < steps * COLUMNS; j++) {
            int8_t q = j < k && row.scale > 0 ? round_i8(x[i][j] / row.scale) : 0;
            cells[(j / COLUMNS * g + i) * S1_CELL + j % COLUMNS] = (uint8_t)q;
            row.sum += q;
        }
        memcpy(cells + (steps * g + i) * S1_CELL, &row, sizeof(row));
    }
}

/* Groups are of one token. */
static void product_i8(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead,
                       void *scratch)
{
    int64_t cells = s1_panel_steps(S1_PANEL_I8, p->k);
    (void)ahead;
    (void)scratch;

    for (int64_t r = begin; r < end; r++) {
        const int8_t *w = (const int8_t *)p->w + r * p->stride;
        float scale = load_float(p->scale, p->scale_dtype, r * p->scale_stride);
        float bias = p->bias ? load_float(p->bias, p->bias_dtype, r) : 0;

        for (int64_t i = 0; i < p->t; i++) {
            const int8_t *x = (const int8_t *)p->panel + i * cells * S1_CELL;
            float *y = p->y + (p->rows ? p->rows[i] : i) * p->y_stride + r;
            int32_t sum = 0;
            s1_i8_row row;

            memcpy(&row, x + (cells - 1) * S1_CELL, sizeof(row));
            for (int64_t j = 0; j < p->k; j++)
                sum += w[j] * x[j];
            float result = (float)sum * (row.scale * scale);
            if (p->bias)
                result += bias;
            *y = p->accumulate ? *y + result : result;
        }
    }
}

void s1_i8_init_scalar(s1_kernels *kernels)
{
    kernels->most_tokens[S1_PANEL_I8] = 1;
    kernels->fill_i8 = fill_i8;
    kernels->product_i8 = product_i8;
}
