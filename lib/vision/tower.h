#ifndef S1_VISION_TOWER_H
#define S1_VISION_TOWER_H

#include "base/call.h"
#include "interns1/vision.h"
#include "vision/pixels.h"

/* A vision tower with its projector or merger on a device, and its scratch memory. */
typedef struct s1_tower s1_tower;
struct s1_vision_weights;

/* `options` was imported. `weights` and `runtime` outlive the tower. */
ins1_status s1_tower_create(s1_tower **out, ins1_runtime *runtime,
                            const struct s1_vision_weights *weights,
                            const ins1_vision_encoder_options *options, const s1_call *call);

/* NULL is allowed. */
void s1_tower_destroy(s1_tower *tower);

/* Rows that pixels of this shape become, and values of a row; before the projector or merger, or
 * after it. */
size_t s1_tower_rows(const s1_tower *tower, const s1_pixels *shape, bool stop_before_projector);
size_t s1_tower_width(const s1_tower *tower, bool stop_before_projector);

/* `pixels` of `shape`, normalised, to `out`, [rows][width]. Bits of a unit do not depend on its
 * neighbours. */
ins1_status s1_tower_encode(s1_tower *tower, const float *pixels, const s1_pixels *shape,
                            bool stop_before_projector, float *out, const s1_call *call);

#endif
