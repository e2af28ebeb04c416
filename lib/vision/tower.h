#ifndef S1_VISION_TOWER_H
#define S1_VISION_TOWER_H

#include "base/call.h"
#include "interns1/inspect.h"
#include "interns1/vision.h"
#include "vision/pixels.h"
#include "vision/weights.h"

/* A vision tower with its projector or merger on a device, and its scratch memory. */
typedef struct s1_tower s1_tower;

/* `options` was imported. `weights` and `runtime` outlive the tower. */
ins1_status s1_tower_create(s1_tower **out, ins1_runtime *runtime, const s1_vision_weights *weights,
                            const ins1_vision_encoder_options *options, const s1_call *call);

/* NULL is allowed. */
void s1_tower_destroy(s1_tower *tower);

/* Borrowed from the weights. */
const s1_vision_config *s1_tower_config(const s1_tower *tower);

/* INS1_E_ARGUMENT for pixels of a shape that the tower does not take. */
ins1_status s1_tower_check(const s1_tower *tower, const s1_pixels *shape, ins1_error *error);

/* Rows that pixels of this shape become, and values of a row; before the projector or merger, or
 * after it. */
size_t s1_tower_rows(const s1_tower *tower, const s1_pixels *shape, bool stop_before_projector);
size_t s1_tower_width(const s1_tower *tower, bool stop_before_projector);

/* A call begins that will encode pixels of so many rows before the projector, all together: what
 * its progress is a part of. Units are counted from 0 again. */
void s1_tower_begin(s1_tower *tower, size_t n_rows);

/* `pixels` of `shape`, which was checked, normalised, to `out`, [rows][width]. Bits of a unit do
 * not depend on its neighbours. */
ins1_status s1_tower_encode(s1_tower *tower, const float *pixels, const s1_pixels *shape,
                            bool stop_before_projector, float *out, const s1_call *call);

/* Show hidden states to `callback` from now on; NULL is nobody. */
void s1_tower_observe(s1_tower *tower, ins1_observe_fn callback, void *user);

/* The precision that options and checkpoint give; INS1_E_UNSUPPORTED for one that the checkpoint's
 * weights do not have. */
ins1_status s1_tower_precision(int32_t *out, const s1_vision_config *config, int32_t asked,
                               ins1_error *error);

/* What encoding pixels of a shape takes, for plans. */
typedef struct s1_tower_needs {
    uint64_t tables;                   /* of the tower, weights not among them */
    uint64_t scratch;                  /* workspace and staging, as `memory` allows */
    int64_t panel_rows, panel_columns; /* of the largest operand of a product */
} s1_tower_needs;
void s1_tower_plan(s1_tower_needs *out, const s1_vision_config *config, const s1_pixels *shape,
                   const ins1_allocator *memory);

#endif
