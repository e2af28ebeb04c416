#ifndef S1_RUNTIME_DLPACK_H
#define S1_RUNTIME_DLPACK_H

#include <stdint.h>

/* The tensors of DLPack 1.x, as its specification lays them out in memory. */

enum {
    S1_DLPACK_MAJOR = 1,
    S1_DLPACK_CPU = 1,
    S1_DLPACK_READ_ONLY = 1u,
};

typedef struct s1_dl_tensor {
    void *data;
    int32_t device_type;
    int32_t device_id;
    int32_t ndim;
    uint8_t dtype_code;
    uint8_t dtype_bits;
    uint16_t dtype_lanes;
    int64_t *shape;
    int64_t *strides; /* in elements; NULL: dense */
    uint64_t byte_offset;
} s1_dl_tensor;

struct DLManagedTensorVersioned {
    uint32_t major;
    uint32_t minor;
    void *manager_ctx;
    void (*deleter)(struct DLManagedTensorVersioned *self); /* may be NULL */
    uint64_t flags;
    s1_dl_tensor tensor;
};

#endif
