#ifndef INTERNS1_EMBEDS_H
#define INTERNS1_EMBEDS_H

/**
 * @file
 * Embeddings: what encoders make and the decoder takes. Immutable once made, shared between
 * threads.
 */

#include "interns1/runtime.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Rows of numbers, [n_tokens][dim], one row in the place of one token. */
typedef struct ins1_embeds ins1_embeds;

/* DLPack 1.x. Only named here: callers include their own dlpack.h. */
struct DLManagedTensorVersioned;

/* What embeddings came from. */
enum {
    INS1_MODALITY_TEXT = 1,
    INS1_MODALITY_IMAGE = 2,
    INS1_MODALITY_VIDEO = 3,
    INS1_MODALITY_TIMESERIES = 4
};

/* How rows become one. */
enum {
    INS1_POOL_LAST = 0, /* that of the last token */
    INS1_POOL_MEAN = 1, /* the mean over all tokens */
    INS1_POOL_NONE = 2  /* one row per token */
};

enum {
    INS1_POOL_UNIT = 1u /* rows are divided by their length, zeros stay: products are cosines */
};

/* What embeddings are. The grid is what position schemes with time, height and width need; the
 * decoder reads it by itself. */
typedef struct ins1_embeds_info {
    uint32_t struct_size; /* sizeof(ins1_embeds_info) */
    int32_t dtype;        /* DLPack's code << 16 | bits; 0 where it is an input */
    size_t n_tokens;      /* rows */
    size_t dim;           /* numbers of a row */
    int32_t modality;     /* INS1_MODALITY_* */
    int32_t device;       /* index of the device that holds them */
    int32_t grid_t;       /* steps in time; 0 is no grid */
    int32_t grid_h;       /* rows of the grid */
    int32_t grid_w;       /* columns of the grid */
    int32_t reserved0;    /* 0 */
    const double *times;  /* video: seconds of each step in time; lives as long as the embeddings */
    size_t n_times;       /* entries of `times` */
} ins1_embeds_info;

/**
 * What the embeddings are.
 *
 * @param out  At most `out->struct_size` bytes are written.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_embeds_info_get(const ins1_embeds *embeds, ins1_embeds_info *out,
                                          const ins1_call *call);

/**
 * Copy rows out.
 *
 * @param first     The first row.
 * @param n_tokens  How many rows.
 * @param out       Receives at most `capacity` floats of [n_tokens][dim].
 * @param count     Receives n_tokens * dim.
 * @param call      Optional.
 *
 * @retval INS1_E_ARGUMENT  There are not so many rows.
 * @retval INS1_E_BUFFER    `*count > capacity`; the first `capacity` floats are valid.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_embeds_read_f32(const ins1_embeds *embeds, size_t first, size_t n_tokens,
                                          float *out, size_t capacity, size_t *count,
                                          const ins1_call *call);

/**
 * Make embeddings from numbers of the host.
 *
 * @param out      Receives the embeddings; the caller releases them.
 * @param runtime  Kept until the last release.
 * @param info     Number of rows, width, modality, grid and times; dtype is 0 or INS1_DTYPE_F32.
 * Copied.
 * @param values   [info->n_tokens][info->dim], dense. Copied.
 * @param call     Optional.
 *
 * @retval INS1_E_ARGUMENT     There are no rows or no values, the width is 0, sizes overflow, the
 *                             modality is unknown, the grid is negative, or times are missing.
 * @retval INS1_E_UNSUPPORTED  The type is another, or the device is not the CPU.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_embeds_from_f32(ins1_embeds **out, ins1_runtime *runtime,
                                          const ins1_embeds_info *info, const float *values,
                                          const ins1_call *call);

/**
 * One row for all of them, as a search or a comparison wants it.
 *
 * @param out      Receives the embeddings, [1][dim] or with INS1_POOL_NONE [n_tokens][dim], of the
 * same modality and without grid and times; the caller releases them.
 * @param embeds   Borrowed for the call.
 * @param pooling  INS1_POOL_*. Sums are F64, in the order of the rows.
 * @param flags    INS1_POOL_UNIT, or 0.
 * @param call     Optional.
 *
 * @retval INS1_E_ARGUMENT  The pooling is unknown, or there are no rows.
 * @retval INS1_E_VERSION   A flag is unknown.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_embeds_pool(ins1_embeds **out, const ins1_embeds *embeds, int32_t pooling,
                                      uint32_t flags, const ins1_call *call);

/**
 * Show embeddings as a DLPack tensor, [n_tokens][dim], without a copy and marked read-only.
 *
 * @param out     Receives the tensor; its deleter takes away the owner that this call added. The
 * deleter may be called on any thread.
 * @param embeds  Kept until the deleter is called.
 * @param call    Optional.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_embeds_to_dlpack(struct DLManagedTensorVersioned **out,
                                           ins1_embeds *embeds, const ins1_call *call);

/**
 * Make embeddings from a DLPack tensor.
 *
 * @param out      Receives the embeddings; the caller releases them.
 * @param runtime  Kept until the last release.
 * @param tensor   [n_tokens][dim]. Taken on success: its deleter is called when it is no longer
 * needed. A tensor of another major version of DLPack is only deleted.
 * @param info     NULL, or modality, grid and times; shape, type and device come from the tensor.
 * Copied.
 * @param call     Optional.
 *
 * @retval INS1_E_ARGUMENT     The tensor has another number of axes than 2, no elements, or sizes
 * and strides that overflow.
 * @retval INS1_E_UNSUPPORTED  The type is none of F32, F16 and BF16, or the tensor is not in host
 * memory.
 * @retval INS1_E_VERSION      The tensor has another major version.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_embeds_from_dlpack(ins1_embeds **out, ins1_runtime *runtime,
                                             struct DLManagedTensorVersioned *tensor,
                                             const ins1_embeds_info *info, const ins1_call *call);

/** Add an owner. Any thread. */
INS1_API void ins1_embeds_retain(ins1_embeds *embeds);

/** Take an owner away. NULL is allowed. Any thread. */
INS1_API void ins1_embeds_release(ins1_embeds *embeds);

#ifdef __cplusplus
}
#endif

#endif
