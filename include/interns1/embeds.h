#ifndef INTERNS1_EMBEDS_H
#define INTERNS1_EMBEDS_H

#include "interns1/runtime.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ins1_embeds ins1_embeds;
struct DLManagedTensorVersioned; /* DLPack 1.x; only named here: callers include their own dlpack.h
                                  */
enum {
    INS1_MODALITY_TEXT = 1,
    INS1_MODALITY_IMAGE = 2,
    INS1_MODALITY_VIDEO = 3,
    INS1_MODALITY_TIMESERIES = 4
};
typedef struct ins1_embeds_info { /* grid: what position schemes with (t,h,w) need; the decoder
                                     reads it itself */
    uint32_t struct_size;
    int32_t dtype; /* DLPack code << 16 | bits */
    size_t n_tokens, dim;
    int32_t modality, device, grid_t, grid_h, grid_w, reserved0;
    const double *times;
    size_t n_times; /* video: seconds of each temporal patch; lives as long as the embeds */
} ins1_embeds_info;
INS1_API ins1_status ins1_embeds_info_get(const ins1_embeds *embeds, ins1_embeds_info *out,
                                          const ins1_call *call);
INS1_API ins1_status ins1_embeds_read_f32(const ins1_embeds *embeds, size_t first, size_t n_tokens,
                                          float *out, size_t capacity, size_t *count,
                                          const ins1_call *call); /* [n_tokens][dim] */
/* values: [n_tokens][dim] as info says, copied. */
INS1_API ins1_status ins1_embeds_from_f32(ins1_embeds **out, ins1_runtime *runtime,
                                          const ins1_embeds_info *info, const float *values,
                                          const ins1_call *call);
INS1_API ins1_status ins1_embeds_to_dlpack(struct DLManagedTensorVersioned **out,
                                           ins1_embeds *embeds,
                                           const ins1_call *call); /* zero-copy, read-only */
/* The tensor is taken on success. info gives modality, grid and times; shape, dtype and device come
 * from the tensor. NULL = a plain list. */
INS1_API ins1_status ins1_embeds_from_dlpack(ins1_embeds **out, ins1_runtime *runtime,
                                             struct DLManagedTensorVersioned *tensor,
                                             const ins1_embeds_info *info, const ins1_call *call);
INS1_API void ins1_embeds_retain(ins1_embeds *embeds);
INS1_API void ins1_embeds_release(ins1_embeds *embeds);

#ifdef __cplusplus
}
#endif

#endif
