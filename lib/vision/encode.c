/* Pixels that were preprocessed elsewhere. */

#include "interns1/inspect.h"
#include "vision/vision.h"

static ins1_status refuse(ins1_embeds **out, ins1_vision_encoder *encoder, const ins1_call *given)
{
    s1_call call;

    if (out)
        *out = NULL;
    ins1_status status = s1_vision_enter(encoder, &call, given);
    if (status != INS1_OK)
        return status;
    status = s1_vision_needs_tower(encoder, &call);
    s1_vision_leave(encoder);
    return status;
}

ins1_status ins1_vision_encoder_encode_pixels(ins1_embeds **out, ins1_vision_encoder *encoder,
                                              const float *pixels, const ins1_pixels_info *info,
                                              const ins1_call *call)
{
    (void)pixels;
    (void)info;
    return refuse(out, encoder, call);
}

ins1_status ins1_vision_encoder_tower(ins1_embeds **out, ins1_vision_encoder *encoder,
                                      const float *pixels, const ins1_pixels_info *info,
                                      const ins1_call *call)
{
    (void)pixels;
    (void)info;
    return refuse(out, encoder, call);
}
