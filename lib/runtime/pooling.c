/* Embeddings of many rows as one row, and rows of length 1. */

#include "base/memory.h"
#include "runtime/embeds.h"
#include "runtime/runtime.h"

#include <math.h>
#include <string.h>

static void mean_of(const float *rows, size_t n, size_t dim, float *out)
{
    for (size_t j = 0; j < dim; j++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += rows[i * dim + j];
        out[j] = (float)(sum / (double)n);
    }
}

static void make_unit(float *row, size_t dim)
{
    double sum = 0;
    for (size_t j = 0; j < dim; j++)
        sum += (double)row[j] * row[j];
    if (sum == 0)
        return;
    for (size_t j = 0; j < dim; j++)
        row[j] = (float)(row[j] / sqrt(sum));
}

void s1_pool_rows(float *out, const float *rows, size_t n, size_t dim, int32_t pooling)
{
    if (pooling == INS1_POOL_NONE)
        memcpy(out, rows, n * dim * sizeof(*rows));
    else if (pooling == INS1_POOL_MEAN)
        mean_of(rows, n, dim, out);
    else
        memcpy(out, rows + (n - 1) * dim, dim * sizeof(*rows));
}

ins1_status s1_pool_check(int32_t pooling, ins1_error *error)
{
    if (pooling < INS1_POOL_LAST || pooling > INS1_POOL_NONE)
        return s1_fail(error, INS1_E_ARGUMENT, "pooling %d, known are 0 to %d", pooling,
                       INS1_POOL_NONE);
    return INS1_OK;
}

ins1_status ins1_embeds_pool(ins1_embeds **out, const ins1_embeds *embeds, int32_t pooling,
                             uint32_t flags, const ins1_call *call)
{
    ins1_error *error = s1_error_of(call);
    ins1_embeds_info info = { .struct_size = sizeof(info) };
    float *values = NULL;
    size_t n, dim;

    if (out)
        *out = NULL;
    if (!out || !embeds)
        return s1_fail(error, INS1_E_ARGUMENT, "no embeddings, or no place for what they become");
    if (flags & ~INS1_POOL_UNIT)
        return s1_fail(error, INS1_E_VERSION, "pooling flags 0x%x are too new", flags);
    ins1_status status = s1_pool_check(pooling, error);
    if (status == INS1_OK)
        status = ins1_embeds_info_get(embeds, &info, call);
    if (status != INS1_OK)
        return status;

    const float *rows = s1_embeds_values(embeds, &n, &dim);
    if (!n)
        return s1_fail(error, INS1_E_ARGUMENT, "embeddings of no rows cannot be pooled");
    const ins1_embeds_info pooled = {
        .struct_size = sizeof(pooled),
        .n_tokens = pooling == INS1_POOL_NONE ? n : 1,
        .dim = dim,
        .modality = info.modality,
    };
    status = s1_embeds_make_values(&values, s1_embeds_runtime(embeds), &pooled, error);
    if (status != INS1_OK)
        return status;
    s1_pool_rows(values, rows, n, dim, pooling);
    for (size_t i = 0; flags & INS1_POOL_UNIT && i < pooled.n_tokens; i++)
        make_unit(values + i * dim, dim);
    return s1_embeds_finish_values(out, s1_embeds_runtime(embeds), &pooled, values, error);
}
