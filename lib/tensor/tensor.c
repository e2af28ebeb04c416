#include "tensor/tensor.h"

#include "tensor/widen.h"

static const struct {
    int32_t dtype;
    uint32_t size;
    const char *name;
} dtypes[] = {
    { INS1_DTYPE_F32, 4, "F32" }, { INS1_DTYPE_BF16, 2, "BF16" },
    { INS1_DTYPE_F16, 2, "F16" }, { INS1_DTYPE_F8_E4M3, 1, "F8_E4M3" },
    { INS1_DTYPE_I32, 4, "I32" }, { INS1_DTYPE_I8, 1, "I8" },
    { INS1_DTYPE_U8, 1, "U8" },
};

enum { N_DTYPES = sizeof(dtypes) / sizeof(dtypes[0]) };

size_t s1_dtype_size(int32_t dtype)
{
    for (int i = 0; i < N_DTYPES; i++)
        if (dtypes[i].dtype == dtype)
            return dtypes[i].size;
    return 0;
}

const char *s1_dtype_name(int32_t dtype)
{
    for (int i = 0; i < N_DTYPES; i++)
        if (dtypes[i].dtype == dtype)
            return dtypes[i].name;
    return "?";
}

bool s1_dtype_is_float(int32_t dtype)
{
    return dtype == INS1_DTYPE_F32 || dtype == INS1_DTYPE_BF16 || dtype == INS1_DTYPE_F16 ||
           dtype == INS1_DTYPE_F8_E4M3;
}

s1_tensor s1_tensor_dense(int32_t dtype, int32_t rank, const uint64_t *shape, const void *data)
{
    s1_tensor tensor = { .dtype = dtype, .rank = rank, .data = data, .size = s1_dtype_size(dtype) };
    int64_t stride = 1;
    for (int32_t i = rank - 1; i >= 0; i--) {
        tensor.shape[i] = shape[i];
        tensor.stride[i] = stride;
        stride *= (int64_t)shape[i];
        tensor.size *= shape[i];
    }
    return tensor;
}

uint64_t s1_tensor_count(const s1_tensor *tensor)
{
    uint64_t count = 1;
    for (int32_t i = 0; i < tensor->rank; i++)
        count *= tensor->shape[i];
    return count;
}

float s1_tensor_f32(const s1_tensor *tensor, uint64_t at)
{
    const uint8_t *from = (const uint8_t *)tensor->data + at * s1_dtype_size(tensor->dtype);
    uint16_t half;
    float full;

    switch (tensor->dtype) {
    case INS1_DTYPE_F32:
        memcpy(&full, from, sizeof(full));
        return full;
    case INS1_DTYPE_BF16:
        memcpy(&half, from, sizeof(half));
        return s1_from_bf16(half);
    case INS1_DTYPE_F16:
        memcpy(&half, from, sizeof(half));
        return s1_from_f16(half);
    case INS1_DTYPE_F8_E4M3:
        return s1_from_f8_e4m3(*from);
    default:
        return 0;
    }
}
