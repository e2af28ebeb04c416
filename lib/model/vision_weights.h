#ifndef S1_MODEL_VISION_WEIGHTS_H
#define S1_MODEL_VISION_WEIGHTS_H

#include "model/weights.h"
#include "vision/weights.h"

/* The vision tower's tensors under their names in a checkpoint, with the memory of the list. */
typedef struct s1_vision_bound {
    s1_vision_config config;
    s1_vision_weights weights;
    s1_vision_layer *layers; /* n_layers */
    size_t n_layers;
    s1_tally tally;
} s1_vision_bound;

/* Does the checkpoint have tensors of a vision tower? */
bool s1_vision_is_there(const s1_checkpoint *checkpoint);

/* Binds every tensor that out->config wants and sets its default_precision. Missing ones:
 * INS1_E_FORMAT with their number and the first names. `out` stays where it is: the weights
 * point to its config. */
ins1_status s1_vision_bind(s1_vision_bound *out, s1_checkpoint *checkpoint, const s1_host *host,
                           const ins1_allocator *memory, const s1_call *call);
void s1_vision_bound_finish(s1_vision_bound *bound, const ins1_allocator *memory);

#endif
