#ifndef S1_BACKEND_OPENBLAS_OPENBLAS_H
#define S1_BACKEND_OPENBLAS_OPENBLAS_H

#include "interns1/sys/backend.h"

#include <stdbool.h>

/* What the two files of the plugin share. Buffers are host memory, so whatever is no product runs
 * on the CPU backend over the same bytes. */

typedef struct s1_blas {
    const ins1_host_api *api;
    bool usable; /* the OpenBLAS that is loaded has no threads of its own */
    char hardware[64];
    char level[64];
} s1_blas;

/* The id of a buffer is its address. */
typedef struct s1_blas_buffer {
    unsigned char *memory;
    uint64_t bytes;
    int32_t kind;
    bool owned;
} s1_blas_buffer;

typedef struct s1_blas_stream {
    s1_blas *blas;
    void *host;
    float *tile; /* S1_BLAS_TILE floats of widened weights */
    float *rows; /* S1_BLAS_TILE floats of copied inputs */
} s1_blas_stream;

enum { S1_BLAS_TILE = 1 << 18 };

static inline unsigned char *s1_blas_at(const ins1_tensor_desc *view)
{
    const s1_blas_buffer *buffer = (const s1_blas_buffer *)(uintptr_t)view->buffer;
    return view->dtype ? buffer->memory + view->offset : NULL;
}

bool s1_blas_can(const ins1_op *op);
int32_t s1_blas_matmul(s1_blas_stream *stream, const ins1_op *op);

/* Of OpenBLAS: its own header is not needed, and not everywhere in the same place. */
int openblas_get_parallel(void);
char *openblas_get_config(void);
char *openblas_get_corename(void);

#endif
