#ifndef S1_TENSOR_TENSOR_H
#define S1_TENSOR_TENSOR_H

#include "interns1/device.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { S1_MAX_RANK = 5 }; /* of a convolution over time; views of buffers have at most 4 axes */

/* A tensor in host memory: a shape over bytes that somebody else owns. dtype 0 is "no tensor". */
typedef struct s1_tensor {
    int32_t dtype; /* INS1_DTYPE_* */
    int32_t rank;
    uint64_t shape[S1_MAX_RANK];
    int64_t stride[S1_MAX_RANK]; /* elements */
    const void *data;
    uint64_t size; /* bytes from element 0 to the end of the last */
} s1_tensor;

/* Bytes of one element; 0 for a dtype that is not known. */
size_t s1_dtype_size(int32_t dtype);

/* "BF16" and so on, as safetensors spells them; "?" for a dtype that is not known. */
const char *s1_dtype_name(int32_t dtype);

bool s1_dtype_is_float(int32_t dtype);

/* Dense, last axis fastest. The caller has compared the shape with `data`. */
s1_tensor s1_tensor_dense(int32_t dtype, int32_t rank, const uint64_t *shape, const void *data);

uint64_t s1_tensor_count(const s1_tensor *tensor);

/* Element `at` of a dense float tensor, widened. */
float s1_tensor_f32(const s1_tensor *tensor, uint64_t at);

#endif
