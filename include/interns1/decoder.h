#ifndef INTERNS1_DECODER_H
#define INTERNS1_DECODER_H

#include "interns1/model.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ins1_decoder ins1_decoder;
/* Frozen. Layers that no placement names stay on device 0; overlaps are INS1_E_ARGUMENT. The
 * embedding goes with the first layer, the head with the last. n_layers 0 = as many as the budget
 * holds; a count that does not fit is INS1_E_BUDGET. budget 0 = what is free. */
typedef struct ins1_placement {
    int32_t device, first_layer, n_layers, reserved0;
    uint64_t budget;
} ins1_placement;
struct ins1_decoder_options {
    uint32_t struct_size;
    uint32_t flags;
    const ins1_placement *placements;
    size_t n_placements;          /* copied; none = all on the CPU */
    int32_t precision, reserved0; /* INS1_PRECISION_* */
};
INS1_API ins1_status ins1_decoder_create(ins1_decoder **out, ins1_model *model,
                                         const ins1_decoder_options *options,
                                         const ins1_call *call);
/* What was decided: runs of layers in order, every layer once, budget = bytes used there. */
INS1_API ins1_status ins1_decoder_placements(const ins1_decoder *decoder, ins1_placement *out,
                                             size_t capacity, size_t *count, const ins1_call *call);
INS1_API void ins1_decoder_retain(ins1_decoder *decoder);
INS1_API void ins1_decoder_release(ins1_decoder *decoder);

#ifdef __cplusplus
}
#endif

#endif
