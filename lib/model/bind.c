#include "model/bind.h"

#include "model/quantization.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 128 }; /* rows and columns that share a scale */

void s1_bind_miss(s1_binder *b, const char *name)
{
    size_t at = strlen(b->missing), left = sizeof(b->missing) - at;

    if (b->n_missing++ >= S1_MISSING_NAMED)
        return;
    s1_log(b->host, INS1_LOG_ERROR, "model", "tensor '%s' is missing", name);
    if (b->n_shown + 1 < b->n_missing) /* one before had no room */
        return;
    if (snprintf(b->missing + at, left, "%s%s", at ? ", " : "", name) < (int)left)
        b->n_shown++;
    else
        b->missing[at] = '\0';
}

/* The tensor of that name; dtype 0 where there is none, or nothing goes any more. */
s1_tensor s1_bind_get(s1_binder *b, const char *name)
{
    s1_tensor tensor = { 0 };
    if (b->status == INS1_OK)
        b->status = s1_checkpoint_get(b->checkpoint, name, &tensor, b->error);
    return tensor;
}

void s1_bind_refuse(s1_binder *b, const char *name, const s1_tensor *found, const char *expected)
{
    char shape[100];
    size_t at = 0;

    if (b->status != INS1_OK)
        return;
    shape[0] = 0;
    for (int32_t i = 0; i < found->rank; i++)
        at += (size_t)snprintf(shape + at, sizeof(shape) - at, "%s%" PRIu64, i ? ", " : "",
                               found->shape[i]);
    b->status = s1_fail(b->error, INS1_E_FORMAT, "tensor '%s' is %s [%s], %s is expected", name,
                        s1_dtype_name(found->dtype), shape, expected);
}

bool s1_has_shape(const s1_tensor *tensor, int32_t rank, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t shape[] = { a, b, c };
    if (tensor->rank != rank)
        return false;
    for (int32_t i = 0; i < rank; i++)
        if (tensor->shape[i] != shape[i])
            return false;
    return true;
}

static void expect(s1_binder *b, const char *name, const s1_tensor *tensor, int32_t rank,
                   uint64_t d0, uint64_t d1)
{
    char expected[64];
    if (s1_has_shape(tensor, rank, d0, d1, 0))
        return;
    if (rank == 1)
        snprintf(expected, sizeof(expected), "[%" PRIu64 "]", d0);
    else
        snprintf(expected, sizeof(expected), "[%" PRIu64 ", %" PRIu64 "]", d0, d1);
    s1_bind_refuse(b, name, tensor, expected);
}

/* Sizes of what decides the numbers; scales are the price of a type. */
void s1_bind_count(s1_binder *b, const s1_tensor *tensor, uint64_t n_used, uint64_t n_all)
{
    uint64_t n = s1_tensor_count(tensor);
    b->tally->n_params += n;
    b->tally->n_params_active += n_all ? n / n_all * n_used : n;
    b->tally->disk += n * s1_dtype_size(tensor->dtype);
}

bool s1_is_plain_float(const s1_tensor *tensor)
{
    return s1_dtype_is_float(tensor->dtype) && tensor->dtype != INS1_DTYPE_F8_E4M3;
}

s1_tensor s1_bind_vector(s1_binder *b, const char *name, int32_t n)
{
    s1_tensor tensor = s1_bind_get(b, name);
    if (!tensor.dtype) {
        s1_bind_miss(b, name);
        return tensor;
    }
    expect(b, name, &tensor, 1, (uint64_t)n, 0);
    if (!s1_is_plain_float(&tensor))
        s1_bind_refuse(b, name, &tensor, "F32, F16 or BF16");
    s1_bind_count(b, &tensor, 0, 0);
    return tensor;
}

void s1_bind_count_matrix(s1_binder *b, const s1_tensor *weight, uint64_t n_used, uint64_t n_all)
{
    uint64_t size = s1_tensor_count(weight) * s1_dtype_size(weight->dtype);
    if (weight->dtype == INS1_DTYPE_BF16 || weight->dtype == INS1_DTYPE_F8_E4M3)
        b->tally->narrow += size;
    else
        b->tally->wide += size;
    b->tally->has_fp8 = b->tally->has_fp8 || weight->dtype == INS1_DTYPE_F8_E4M3;
    b->tally->has_i8 = b->tally->has_i8 || weight->dtype == INS1_DTYPE_I8;
    s1_bind_count(b, weight, n_used, n_all);
}

/* A matrix is FP8 when its scales are there, and only then. */
static void scales_of_fp8(s1_binder *b, s1_linear *out, const char *name, uint64_t rows,
                          uint64_t columns)
{
    s1_tensor scale = s1_bind_get(b, name);
    bool is_fp8 = out->weight.dtype == INS1_DTYPE_F8_E4M3;

    if (!scale.dtype && is_fp8)
        s1_bind_miss(b, name);
    if (!scale.dtype)
        return;
    if (!is_fp8)
        s1_bind_refuse(b, name, &scale, "no scale of a matrix that is not FP8");
    if (scale.dtype != INS1_DTYPE_F32 && scale.dtype != INS1_DTYPE_BF16 &&
        scale.dtype != INS1_DTYPE_U8)
        s1_bind_refuse(b, name, &scale, "F32, BF16 or E8M0");
    expect(b, name, &scale, 2, (rows + BLOCK - 1) / BLOCK, (columns + BLOCK - 1) / BLOCK);
    out->scale = scale;
    b->tally->disk += scale.size;
}

/* The same of I8, of which each row has a scale. */
static void scales_of_i8(s1_binder *b, s1_linear *out, const char *name, uint64_t rows)
{
    s1_tensor scale = s1_bind_get(b, name);
    bool is_i8 = out->weight.dtype == INS1_DTYPE_I8;

    if (!scale.dtype && is_i8)
        s1_bind_miss(b, name);
    if (!scale.dtype)
        return;
    if (!is_i8)
        s1_bind_refuse(b, name, &scale, "no scale of a matrix that is not I8");
    if (scale.dtype != INS1_DTYPE_F32 && scale.dtype != INS1_DTYPE_BF16)
        s1_bind_refuse(b, name, &scale, "F32 or BF16");
    expect(b, name, &scale, 2, rows, 1);
    out->scale = scale;
    b->tally->disk += scale.size;
}

/* Which types a matrix may have. I8 says nothing of how activations are rounded, so config.json
 * has to; encoders have none. */
static void check_type(s1_binder *b, const char *name, const s1_tensor *weight)
{
    if (s1_dtype_is_float(weight->dtype))
        return;
    if (weight->dtype != INS1_DTYPE_I8)
        s1_bind_refuse(b, name, weight, "a float");
    else if (!b->out)
        s1_bind_refuse(b, name, weight, "a float in an encoder");
    else if (!b->config->quantization || strcmp(b->config->quantization, S1_QUANTIZATION_INT8) != 0)
        s1_bind_refuse(b, name, weight,
                       "a float unless config.json's quantization_config is of compressed-tensors");
}

/* The linear layer `name` (without ".weight"), of which `n_used` of `n_all` work on a token. */
void s1_bind_linear_of(s1_binder *b, s1_linear *out, const char *name, int32_t rows,
                       int32_t columns, bool has_bias, int32_t n_used, int32_t n_all)
{
    char full[S1_MAX_NAME + 32];

    if (b->status != INS1_OK)
        return;
    snprintf(full, sizeof(full), "%s.weight", name);
    out->weight = s1_bind_get(b, full);
    if (!out->weight.dtype) {
        s1_bind_miss(b, full);
        return;
    }
    expect(b, full, &out->weight, 2, (uint64_t)rows, (uint64_t)columns);
    check_type(b, full, &out->weight);
    s1_bind_count_matrix(b, &out->weight, (uint64_t)n_used, (uint64_t)n_all);
    snprintf(full, sizeof(full), "%s.weight_scale_inv", name);
    scales_of_fp8(b, out, full, (uint64_t)rows, (uint64_t)columns);
    snprintf(full, sizeof(full), "%s.weight_scale", name);
    scales_of_i8(b, out, full, (uint64_t)rows);
    if (has_bias) {
        snprintf(full, sizeof(full), "%s.bias", name);
        out->bias = s1_bind_vector(b, full, rows);
    }
}

void s1_bind_linear(s1_binder *b, s1_linear *out, const char *base, const char *name, int32_t rows,
                    int32_t columns, bool has_bias)
{
    char full[S1_MAX_NAME];
    snprintf(full, sizeof(full), "%s%s", base, name);
    s1_bind_linear_of(b, out, full, rows, columns, has_bias, 0, 0);
}

s1_tensor s1_bind_norm(s1_binder *b, const char *base, const char *name, int32_t n)
{
    char full[S1_MAX_NAME];
    snprintf(full, sizeof(full), "%s%s.weight", base, name);
    return s1_bind_vector(b, full, n);
}

ins1_status s1_bind_end(s1_binder *b)
{
    char rest[80] = "";

    if (b->status != INS1_OK || !b->n_missing)
        return b->status;
    if (b->n_shown < b->n_missing)
        snprintf(rest, sizeof(rest), " and %" PRIu64 " more%s", b->n_missing - b->n_shown,
                 b->host->log ? "; the log names the first ten" : "");
    return b->status =
               s1_fail(b->error, INS1_E_FORMAT, "%" PRIu64 " %s missing: %s%s", b->n_missing,
                       b->n_missing == 1 ? "tensor is" : "tensors are", b->missing, rest);
}
