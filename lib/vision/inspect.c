#include "interns1/inspect.h"
#include "base/error.h"

#include <string.h>

static ins1_status absent(const ins1_call *call)
{
    return s1_fail(s1_error_of(call), INS1_E_UNSUPPORTED,
                   "this version of the library has no vision encoder");
}

/* Of the info only its size is known to be the caller's. */
static void forget(size_t *count, ins1_pixels_info *info)
{
    *count = 0;
    if (info && info->struct_size > sizeof(info->struct_size))
        memset((char *)info + sizeof(info->struct_size), 0,
               info->struct_size - sizeof(info->struct_size));
}

ins1_status ins1_vision_encoder_preprocess(ins1_vision_encoder *encoder, const ins1_image *image,
                                           uint32_t flags, float *out, size_t capacity,
                                           size_t *count, ins1_pixels_info *info,
                                           const ins1_call *call)
{
    (void)encoder;
    (void)image;
    (void)flags;
    (void)out;
    (void)capacity;
    forget(count, info);
    return absent(call);
}

ins1_status ins1_vision_encoder_preprocess_video(ins1_vision_encoder *encoder,
                                                 const ins1_video *video, uint32_t flags,
                                                 float *out, size_t capacity, size_t *count,
                                                 ins1_pixels_info *info, const ins1_call *call)
{
    (void)encoder;
    (void)video;
    (void)flags;
    (void)out;
    (void)capacity;
    forget(count, info);
    return absent(call);
}
