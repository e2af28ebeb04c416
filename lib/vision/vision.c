/* The vision encoder of the public interface. Checkpoints with a vision part open and plan;
 * encoding is not in this version, and every call says so. */

#include "interns1/vision.h"

#include "base/error.h"
#include "interns1/inspect.h"

static ins1_status absent(const ins1_call *call)
{
    return s1_fail(s1_error_of(call), INS1_E_UNSUPPORTED,
                   "this version of the library has no vision encoder");
}

static void forget(ins1_embeds **out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = NULL;
}

ins1_status ins1_vision_encoder_create(ins1_vision_encoder **out, ins1_model *model,
                                       const ins1_vision_encoder_options *options,
                                       const ins1_call *call)
{
    (void)model;
    (void)options;
    *out = NULL;
    return absent(call);
}

ins1_status ins1_vision_encoder_tokens(const ins1_vision_encoder *encoder, int32_t width,
                                       int32_t height, size_t *n_tokens, const ins1_call *call)
{
    (void)encoder;
    (void)width;
    (void)height;
    *n_tokens = 0;
    return absent(call);
}

ins1_status ins1_vision_encoder_video_tokens(const ins1_vision_encoder *encoder,
                                             const ins1_video *video, size_t *n_tokens,
                                             const ins1_call *call)
{
    (void)encoder;
    (void)video;
    *n_tokens = 0;
    return absent(call);
}

ins1_status ins1_vision_encoder_encode(ins1_embeds **out, ins1_vision_encoder *encoder,
                                       const ins1_image *images, size_t n_images,
                                       const ins1_call *call)
{
    (void)encoder;
    (void)images;
    forget(out, n_images);
    return absent(call);
}

ins1_status ins1_vision_encoder_encode_video(ins1_embeds **out, ins1_vision_encoder *encoder,
                                             const ins1_video *video, const ins1_call *call)
{
    (void)encoder;
    (void)video;
    forget(out, 1);
    return absent(call);
}

void ins1_vision_encoder_release(ins1_vision_encoder *encoder)
{
    (void)encoder; /* none was ever made */
}
