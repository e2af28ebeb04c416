#ifndef INTERNS1_VISION_H
#define INTERNS1_VISION_H

#include "interns1/embeds.h"
#include "interns1/model.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ins1_vision_encoder ins1_vision_encoder;
enum {
    INS1_PIXEL_RGB8 = 1,
    INS1_PIXEL_RGBA8 = 2,
    INS1_PIXEL_GRAY8 = 3,
    INS1_PIXEL_BGR8 = 4,
    INS1_PIXEL_BGRA8 = 5,
    INS1_PIXEL_RGB16 = 6,
    INS1_PIXEL_RGBA16 = 7,
    INS1_PIXEL_GRAY16 = 8, /* host byte order, upper 8 bits are used */
    INS1_PIXEL_RGB_F32 = 9 /* 0..1, clamped; a NaN is INS1_E_ARGUMENT */
};
typedef struct ins1_image { /* alpha is dropped, as the reference does */
    uint32_t struct_size;
    int32_t format, width, height;
    const void *pixels;
    ptrdiff_t pixel_stride, row_stride; /* bytes, may be negative; 0 = dense */
} ins1_image;
enum {
    INS1_VIDEO_ALL_FRAMES =
        1u /* use the frames as given; default: sample as the checkpoint's processor does */
};
typedef struct ins1_video { /* frames of one size and format */
    uint32_t struct_size;
    uint32_t flags;
    const ins1_image *frames;
    size_t n_frames;
    double fps;               /* of `frames`; 0 = unknown: what the reference assumes */
    const double *timestamps; /* n_frames seconds, rising; NULL = i / fps */
} ins1_video;
enum {
    INS1_VISION_ENCODER_NO_WEIGHTS =
        1u /* from the JSON files alone: tokens and preprocess work, encoding is INS1_E_STATE */
};
typedef struct ins1_vision_encoder_options {
    uint32_t struct_size;
    uint32_t flags;
    int32_t device,
        precision; /* device index; ops that it lacks run on the CPU. INS1_PRECISION_* */
    int32_t max_tokens, reserved0; /* per image or video; 0 = the checkpoint's limit */
    uint64_t scratch_budget;       /* bytes; 0 = library's choice within the runtime budget */
} ins1_vision_encoder_options;
INS1_API ins1_status ins1_vision_encoder_create(ins1_vision_encoder **out, ins1_model *model,
                                                const ins1_vision_encoder_options *options,
                                                const ins1_call *call);
/* What encoding will give, without encoding. Of a video only sizes, count and times are read;
 * pixels may be NULL. */
INS1_API ins1_status ins1_vision_encoder_tokens(const ins1_vision_encoder *encoder, int32_t width,
                                                int32_t height, size_t *n_tokens,
                                                const ins1_call *call);
INS1_API ins1_status ins1_vision_encoder_video_tokens(const ins1_vision_encoder *encoder,
                                                      const ins1_video *video, size_t *n_tokens,
                                                      const ins1_call *call);
/* out: n_images handles; all of them or none. The bits of an image do not depend on its neighbours.
 */
INS1_API ins1_status ins1_vision_encoder_encode(ins1_embeds **out, ins1_vision_encoder *encoder,
                                                const ins1_image *images, size_t n_images,
                                                const ins1_call *call);
INS1_API ins1_status ins1_vision_encoder_encode_video(ins1_embeds **out,
                                                      ins1_vision_encoder *encoder,
                                                      const ins1_video *video,
                                                      const ins1_call *call);
INS1_API void ins1_vision_encoder_release(ins1_vision_encoder *encoder);

#ifdef __cplusplus
}
#endif

#endif
