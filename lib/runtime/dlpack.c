/* Embeddings to and from other people's tensors. */

#include "runtime/dlpack.h"

#include "base/checked.h"
#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "interns1/device.h"
#include "runtime/embeds.h"
#include "runtime/runtime.h"
#include "tensor/tensor.h"

#include <inttypes.h>

/* ---- out --------------------------------------------------------------------------------------
 */

/* The tensor that goes out, and the reference that it holds. */
typedef struct lent {
    struct DLManagedTensorVersioned managed; /* first: what the consumer sees */
    int64_t shape[2];
    int64_t strides[2];
    ins1_embeds *embeds;
    const ins1_allocator *memory;
} lent;

/* Any thread. The memory goes back while the embeds still keep the runtime alive. */
static void give_back(struct DLManagedTensorVersioned *managed)
{
    lent *tensor = (lent *)managed;
    ins1_embeds *embeds = tensor->embeds;
    s1_free(tensor->memory, tensor, sizeof(*tensor), INS1_MEM_OBJECT);
    ins1_embeds_release(embeds);
}

ins1_status ins1_embeds_to_dlpack(struct DLManagedTensorVersioned **out, ins1_embeds *embeds,
                                  const ins1_call *call)
{
    size_t n_tokens, dim;

    if (out)
        *out = NULL;
    if (!out || !embeds)
        return s1_fail(s1_error_of(call), INS1_E_ARGUMENT,
                       "no place for a tensor, or no embeddings");
    const ins1_allocator *memory = s1_runtime_memory(s1_embeds_runtime(embeds));
    lent *tensor = s1_alloc(memory, sizeof(*tensor), INS1_MEM_OBJECT);
    if (!tensor)
        return s1_out_of_memory(memory, sizeof(*tensor), "a tensor", s1_error_of(call));
    const float *values = s1_embeds_values(embeds, &n_tokens, &dim);
    tensor->shape[0] = (int64_t)n_tokens;
    tensor->shape[1] = (int64_t)dim;
    tensor->strides[0] = (int64_t)dim;
    tensor->strides[1] = 1;
    tensor->memory = memory;
    tensor->managed = (struct DLManagedTensorVersioned){
        .major = S1_DLPACK_MAJOR,
        .deleter = give_back,
        .flags = S1_DLPACK_READ_ONLY,
        .tensor = {
            .data = (void *)(uintptr_t)values,
            .device_type = S1_DLPACK_CPU,
            .ndim = 2,
            .dtype_code = INS1_DTYPE_F32 >> 16,
            .dtype_bits = INS1_DTYPE_F32 & 0xff,
            .dtype_lanes = 1,
            .shape = tensor->shape,
            .strides = tensor->strides,
        },
    };
    ins1_embeds_retain(embeds);
    tensor->embeds = embeds;
    *out = &tensor->managed;
    return INS1_OK;
}

/* ---- in ---------------------------------------------------------------------------------------
 */

/* A tensor of rows, compared and understood. */
typedef struct rows {
    const unsigned char *data;
    int32_t dtype;
    size_t n, dim;
    int64_t row_step, step; /* bytes */
} rows;

static bool fits(int64_t count, int64_t stride, uint64_t size, int64_t *step)
{
    uint64_t apart = stride < 0 ? 0 - (uint64_t)stride : (uint64_t)stride;
    uint64_t bytes = 0;
    uint64_t all = 0;
    if (!s1_mul(apart, size, &bytes) || !s1_mul(bytes, (uint64_t)count, &all) ||
        all > INT64_MAX / 4)
        return false;
    *step = stride < 0 ? -(int64_t)bytes : (int64_t)bytes;
    return true;
}

static ins1_status read_strides(rows *out, const s1_dl_tensor *t, ins1_error *error)
{
    uint64_t size = t->dtype_bits / 8;
    int64_t row_stride = t->strides ? t->strides[0] : t->shape[1];
    int64_t stride = t->strides ? t->strides[1] : 1;

    if (!fits(t->shape[0], row_stride, size, &out->row_step) ||
        !fits(t->shape[1], stride, size, &out->step))
        return s1_fail(error, INS1_E_ARGUMENT,
                       "a tensor of %" PRId64 " rows %" PRId64 " apart of %" PRId64
                       " elements %" PRId64 " apart",
                       t->shape[0], row_stride, t->shape[1], stride);
    return INS1_OK;
}

static ins1_status read_tensor(rows *out, const struct DLManagedTensorVersioned *managed,
                               ins1_error *error)
{
    const s1_dl_tensor *t = &managed->tensor;

    /* Of another major version nothing but these two numbers is known. */
    if (managed->major != S1_DLPACK_MAJOR)
        return s1_fail(error, INS1_E_VERSION, "a tensor of DLPack %u.%u, %d.x expected",
                       managed->major, managed->minor, S1_DLPACK_MAJOR);
    if (t->device_type != S1_DLPACK_CPU)
        return s1_fail(error, INS1_E_UNSUPPORTED, "a tensor on DLPack device %d, the CPU expected",
                       t->device_type);
    if (t->ndim != 2 || !t->shape)
        return s1_fail(error, INS1_E_ARGUMENT, "a tensor of %d axes, 2 expected", t->ndim);
    out->dtype = (int32_t)t->dtype_code << 16 | t->dtype_bits;
    if (t->dtype_lanes != 1 || !s1_dtype_is_float(out->dtype))
        return s1_fail(error, INS1_E_UNSUPPORTED,
                       "a tensor of DLPack type %d, %d bits, %d lanes; a float expected",
                       t->dtype_code, t->dtype_bits, t->dtype_lanes);
    if (t->shape[0] < 0 || t->shape[1] < 1 || (t->shape[0] && !t->data))
        return s1_fail(error, INS1_E_ARGUMENT, "a tensor of %" PRId64 " x %" PRId64, t->shape[0],
                       t->shape[1]);
    out->data = t->data ? (const unsigned char *)t->data + t->byte_offset : NULL;
    out->n = (size_t)t->shape[0];
    out->dim = (size_t)t->shape[1];
    return read_strides(out, t, error);
}

static float element(const rows *from, size_t row, size_t column)
{
    s1_tensor one = { .dtype = from->dtype };
    one.data = from->data + (int64_t)row * from->row_step + (int64_t)column * from->step;
    return s1_tensor_f32(&one, 0);
}

ins1_status ins1_embeds_from_dlpack(ins1_embeds **out, ins1_runtime *runtime,
                                    struct DLManagedTensorVersioned *managed,
                                    const ins1_embeds_info *given, const ins1_call *call)
{
    ins1_error *error = s1_error_of(call);
    ins1_embeds_info info;
    float *values = NULL;
    rows from = { 0 };

    if (out)
        *out = NULL;
    if (!out || !runtime || !managed)
        return s1_fail(error, INS1_E_ARGUMENT, "no place for embeddings, no runtime or no tensor");
    ins1_status status = s1_struct_import(&info, given, sizeof(info), error);
    if (status == INS1_OK)
        status = read_tensor(&from, managed, error);
    if (status != INS1_OK)
        return status;

    info.dtype = INS1_DTYPE_F32;
    info.device = 0;
    info.n_tokens = from.n;
    info.dim = from.dim;
    status = s1_embeds_make_values(&values, runtime, &info, error);
    if (status != INS1_OK)
        return status;
    for (size_t row = 0; row < from.n; row++)
        for (size_t column = 0; column < from.dim; column++)
            values[row * from.dim + column] = element(&from, row, column);
    status = s1_embeds_finish_values(out, runtime, &info, values, error);
    /* Copied: what was taken can go at once. */
    if (status == INS1_OK && managed->deleter)
        managed->deleter(managed);
    return status;
}
