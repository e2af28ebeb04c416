#include "vision/tower.h"

ins1_status s1_tower_create(s1_tower **out, ins1_runtime *runtime,
                            const struct s1_vision_weights *weights,
                            const ins1_vision_encoder_options *options, const s1_call *call)
{
    (void)runtime;
    (void)weights;
    (void)options;
    *out = NULL;
    return s1_fail(call->error, INS1_E_UNSUPPORTED,
                   "this version encodes no images; INS1_VISION_ENCODER_NO_WEIGHTS prepares them");
}

void s1_tower_destroy(s1_tower *tower)
{
    (void)tower; /* none was ever made */
}

size_t s1_tower_rows(const s1_tower *tower, const s1_pixels *shape, bool stop_before_projector)
{
    (void)tower;
    (void)shape;
    (void)stop_before_projector;
    return 0;
}

size_t s1_tower_width(const s1_tower *tower, bool stop_before_projector)
{
    (void)tower;
    (void)stop_before_projector;
    return 0;
}

ins1_status s1_tower_encode(s1_tower *tower, const float *pixels, const s1_pixels *shape,
                            bool stop_before_projector, float *out, const s1_call *call)
{
    (void)tower;
    (void)pixels;
    (void)shape;
    (void)stop_before_projector;
    (void)out;
    return s1_fail(call->error, INS1_E_UNSUPPORTED, "this version encodes no images");
}
