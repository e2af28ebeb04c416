/* Embeddings: a list of rows, immutable, shared between whoever holds it. */

#include "runtime/embeds.h"

#include "base/checked.h"
#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "interns1/device.h"
#include "runtime/runtime.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

struct ins1_embeds {
    atomic_uint owners;
    ins1_runtime *runtime;
    ins1_embeds_info info; /* `times` is owned */
    float *values;         /* owned, n_tokens * dim; NULL when there are none */
};

const float *s1_embeds_values(const ins1_embeds *embeds, size_t *n_tokens, size_t *dim)
{
    *n_tokens = embeds->info.n_tokens;
    *dim = embeds->info.dim;
    return embeds->values;
}

ins1_runtime *s1_embeds_runtime(const ins1_embeds *embeds)
{
    return embeds->runtime;
}

/* The number of floats; their bytes fit a size_t. */
static ins1_status count_values(const ins1_embeds_info *info, size_t *n, ins1_error *error)
{
    uint64_t count = 0;
    uint64_t bytes = 0;

    if (!info->dim || !s1_mul(info->n_tokens, info->dim, &count) ||
        !s1_mul(count, sizeof(float), &bytes) || bytes > PTRDIFF_MAX)
        return s1_fail(error, INS1_E_ARGUMENT, "embeddings of %zu tokens of %zu numbers",
                       info->n_tokens, info->dim);
    *n = (size_t)count;
    return INS1_OK;
}

static ins1_status check_info(const ins1_embeds_info *info, ins1_error *error)
{
    if (info->dtype && info->dtype != INS1_DTYPE_F32)
        return s1_fail(error, INS1_E_UNSUPPORTED, "embeddings of type 0x%x, F32 expected",
                       (unsigned)info->dtype);
    if (info->modality < 0 || info->modality > INS1_MODALITY_TIMESERIES)
        return s1_fail(error, INS1_E_ARGUMENT, "modality %d is not known", info->modality);
    if (info->device || info->reserved0)
        return s1_fail(error, INS1_E_UNSUPPORTED, "embeddings on device %d, 0 expected",
                       info->device);
    if (info->grid_t < 0 || info->grid_h < 0 || info->grid_w < 0)
        return s1_fail(error, INS1_E_ARGUMENT, "a grid of %d x %d x %d", info->grid_t, info->grid_h,
                       info->grid_w);
    if ((info->n_times && !info->times) || info->n_times > PTRDIFF_MAX / sizeof(double))
        return s1_fail(error, INS1_E_ARGUMENT, "%zu times, but no list of them", info->n_times);
    return INS1_OK;
}

static void destroy(ins1_embeds *embeds, const ins1_allocator *memory)
{
    if (!embeds)
        return;
    if (embeds->info.n_times)
        s1_free(memory, (void *)(uintptr_t)embeds->info.times,
                embeds->info.n_times * sizeof(double), INS1_MEM_OBJECT);
    if (embeds->values)
        s1_free(memory, embeds->values, embeds->info.n_tokens * embeds->info.dim * sizeof(float),
                INS1_MEM_OBJECT);
    s1_free(memory, embeds, sizeof(*embeds), INS1_MEM_OBJECT);
}

static ins1_status copy_times(ins1_embeds *embeds, const ins1_embeds_info *info, ins1_error *error)
{
    const ins1_allocator *memory = s1_runtime_memory(embeds->runtime);
    size_t size = info->n_times * sizeof(double);

    embeds->info.times = NULL;
    embeds->info.n_times = 0;
    if (!info->n_times)
        return INS1_OK;
    double *times = s1_alloc(memory, size, INS1_MEM_OBJECT);
    if (!times)
        return s1_out_of_memory(memory, size, "the times of embeddings", error);
    memcpy(times, info->times, size);
    embeds->info.times = times;
    embeds->info.n_times = info->n_times;
    return INS1_OK;
}

ins1_status s1_embeds_take(ins1_embeds **out, ins1_runtime *runtime, const ins1_embeds_info *info,
                           float *values, ins1_error *error)
{
    const ins1_allocator *memory = s1_runtime_memory(runtime);

    *out = NULL;
    ins1_status status = check_info(info, error);
    if (status != INS1_OK)
        return status;
    ins1_embeds *embeds = s1_alloc(memory, sizeof(*embeds), INS1_MEM_OBJECT);
    if (!embeds)
        return s1_out_of_memory(memory, sizeof(*embeds), "embeddings", error);

    atomic_init(&embeds->owners, 1);
    embeds->runtime = runtime;
    embeds->info = *info;
    embeds->info.struct_size = sizeof(embeds->info);
    embeds->info.dtype = INS1_DTYPE_F32;
    if (!embeds->info.modality)
        embeds->info.modality = INS1_MODALITY_TEXT;
    status = copy_times(embeds, info, error);
    if (status != INS1_OK) {
        destroy(embeds, memory);
        return status;
    }
    embeds->values = info->n_tokens ? values : NULL;
    ins1_runtime_retain(runtime);
    *out = embeds;
    return INS1_OK;
}

ins1_status s1_embeds_make_values(float **out, ins1_runtime *runtime, const ins1_embeds_info *info,
                                  ins1_error *error)
{
    const ins1_allocator *memory = s1_runtime_memory(runtime);
    size_t n = 0;

    *out = NULL;
    ins1_status status = count_values(info, &n, error);
    if (status != INS1_OK || !n)
        return status;
    *out = s1_alloc(memory, n * sizeof(float), INS1_MEM_OBJECT);
    if (!*out)
        return s1_out_of_memory(memory, n * sizeof(float), "embeddings", error);
    return INS1_OK;
}

ins1_status s1_embeds_finish_values(ins1_embeds **out, ins1_runtime *runtime,
                                    const ins1_embeds_info *info, float *values, ins1_error *error)
{
    ins1_status status = s1_embeds_take(out, runtime, info, values, error);
    if (status != INS1_OK)
        s1_free(s1_runtime_memory(runtime), values, info->n_tokens * info->dim * sizeof(float),
                INS1_MEM_OBJECT);
    return status;
}

ins1_status ins1_embeds_from_f32(ins1_embeds **out, ins1_runtime *runtime,
                                 const ins1_embeds_info *given, const float *values,
                                 const ins1_call *call)
{
    ins1_error *error = s1_error_of(call);
    ins1_embeds_info info;
    float *copy;

    if (out)
        *out = NULL;
    if (!out || !runtime || !given)
        return s1_fail(error, INS1_E_ARGUMENT,
                       "no place for embeddings, no runtime, or no shape of them");
    ins1_status status = s1_struct_import(&info, given, sizeof(info), error);
    if (status == INS1_OK)
        status = check_info(&info, error);
    if (status == INS1_OK && !values && info.n_tokens)
        status = s1_fail(error, INS1_E_ARGUMENT, "embeddings without values");
    if (status == INS1_OK)
        status = s1_embeds_make_values(&copy, runtime, &info, error);
    if (status != INS1_OK)
        return status;
    if (copy)
        memcpy(copy, values, info.n_tokens * info.dim * sizeof(float));
    return s1_embeds_finish_values(out, runtime, &info, copy, error);
}

ins1_status ins1_embeds_info_get(const ins1_embeds *embeds, ins1_embeds_info *out,
                                 const ins1_call *call)
{
    if (!embeds || !out)
        return s1_fail(s1_error_of(call), INS1_E_ARGUMENT,
                       "no embeddings, or no place for their info");
    return s1_struct_export(out, &embeds->info, sizeof(embeds->info), s1_error_of(call));
}

ins1_status ins1_embeds_read_f32(const ins1_embeds *embeds, size_t first, size_t n_tokens,
                                 float *out, size_t capacity, size_t *count, const ins1_call *call)
{
    if (count)
        *count = 0;
    if (!embeds || !count || (capacity && !out))
        return s1_fail(s1_error_of(call), INS1_E_ARGUMENT,
                       "no embeddings, or no place for numbers or how many they are");
    const ins1_embeds_info *info = &embeds->info;
    if (first > info->n_tokens || n_tokens > info->n_tokens - first)
        return s1_fail(s1_error_of(call), INS1_E_ARGUMENT, "tokens %zu and %zu more of %zu", first,
                       n_tokens, info->n_tokens);
    *count = n_tokens * info->dim;
    size_t n = *count < capacity ? *count : capacity;
    if (n)
        memcpy(out, embeds->values + first * info->dim, n * sizeof(float));
    if (*count > capacity)
        return s1_fail(s1_error_of(call), INS1_E_BUFFER, "room for %zu numbers, %zu needed",
                       capacity, *count);
    return INS1_OK;
}

void ins1_embeds_retain(ins1_embeds *embeds)
{
    if (embeds)
        atomic_fetch_add_explicit(&embeds->owners, 1, memory_order_relaxed);
}

void ins1_embeds_release(ins1_embeds *embeds)
{
    if (!embeds || atomic_fetch_sub_explicit(&embeds->owners, 1, memory_order_acq_rel) != 1)
        return;
    ins1_runtime *runtime = embeds->runtime;
    destroy(embeds, s1_runtime_memory(runtime));
    ins1_runtime_release(runtime);
}
