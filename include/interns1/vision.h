#ifndef INTERNS1_VISION_H
#define INTERNS1_VISION_H

/**
 * @file
 * Pixels to embeddings: a checkpoint's image processor and its vision tower. Images and videos are
 * resized, cut and normalised as the reference does it, to the bit.
 */

#include "interns1/embeds.h"
#include "interns1/model.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A checkpoint's vision part with its scratch memory; one thread at a time. Scratch is made for the
 * first image, grows with larger ones and is kept. Tiles take the room of four of them at once, an
 * image in patches about 20 bytes times the tower's width for each patch, and its pixels as floats:
 * 1.3 GB and 0.4 GB for the largest image of Intern-S1-Pro, 16.7 million pixels. With less at hand,
 * fewer rows go through at once; the bits stay the same. */
typedef struct ins1_vision_encoder ins1_vision_encoder;

/* How a pixel lies in memory. Alpha is dropped, as the reference does. */
enum {
    INS1_PIXEL_RGB8 = 1,
    INS1_PIXEL_RGBA8 = 2,
    INS1_PIXEL_GRAY8 = 3,
    INS1_PIXEL_BGR8 = 4,
    INS1_PIXEL_BGRA8 = 5,
    INS1_PIXEL_RGB16 = 6,  /* host byte order; the upper 8 bits are used */
    INS1_PIXEL_RGBA16 = 7, /* the same */
    INS1_PIXEL_GRAY16 = 8, /* the same */
    INS1_PIXEL_RGB_F32 = 9 /* 0 to 1, clamped, to the nearest of 256 values; a NaN is
                              INS1_E_ARGUMENT */
};

/* An image in the host's memory, [height][width] pixels, first row on top. */
typedef struct ins1_image {
    uint32_t struct_size;   /* sizeof(ins1_image), which is also the array's stride */
    int32_t format;         /* INS1_PIXEL_* */
    int32_t width;          /* pixels */
    int32_t height;         /* pixels */
    const void *pixels;     /* the first pixel of the first row */
    ptrdiff_t pixel_stride; /* bytes to the next pixel, may be negative; 0 is dense */
    ptrdiff_t row_stride;   /* bytes to the next row, may be negative; 0 is dense */
} ins1_image;

enum {
    INS1_VIDEO_ALL_FRAMES =
        1u /* use the frames as given; default: sample as the checkpoint's processor */
};

/* Frames of one size and format. */
typedef struct ins1_video {
    uint32_t struct_size;     /* sizeof(ins1_video) */
    uint32_t flags;           /* INS1_VIDEO_* */
    const ins1_image *frames; /* in order of time */
    size_t n_frames;          /* entries of `frames` */
    double fps; /* frames per second of `frames`; 0 is what the reference assumes, 24 */
    const double *timestamps; /* n_frames seconds, rising; NULL is frame / fps */
} ins1_video;

enum {
    /* From the JSON files alone: numbers of tokens and preprocessing work, encoding is
       INS1_E_STATE. */
    INS1_VISION_ENCODER_NO_WEIGHTS = 1u
};

/* Zero means the default in every field but struct_size. */
typedef struct ins1_vision_encoder_options {
    uint32_t struct_size; /* sizeof(ins1_vision_encoder_options) */
    uint32_t flags;       /* INS1_VISION_ENCODER_* */
    /* Index. Operations that it lacks run on the CPU, over the same memory; a device with memory of
       its own that lacks one leaves the whole encoder to the CPU, with a warning in the log. */
    int32_t device;
    int32_t precision; /* INS1_PRECISION_* */
    /* Of an image or a video: a lower limit than the checkpoint's, to which both are shrunk; what
       cannot be is INS1_E_ARGUMENT. 0 is the checkpoint's. */
    int32_t max_tokens;
    int32_t reserved0;       /* 0 */
    uint64_t scratch_budget; /* bytes of the tower's scratch; 0 is the library's choice within the
                                runtime's budget */
} ins1_vision_encoder_options;

/**
 * Make an encoder for a checkpoint's vision part.
 *
 * @param out      Receives the encoder; the caller releases it.
 * @param model    Kept until the encoder is released. Needs INS1_PART_VISION, with
 *                 INS1_VISION_ENCODER_NO_WEIGHTS only config.json and what there is of
 *                 preprocessor_config.json and video_preprocessor_config.json.
 * @param options  NULL for all defaults. Borrowed for the call.
 * @param call     Optional.
 *
 * @retval INS1_E_ARGUMENT     A number is negative, `max_tokens` is less than a tile has, or there
 * is no such device or precision.
 * @retval INS1_E_FORMAT       The checkpoint's JSON contradicts itself.
 * @retval INS1_E_UNSUPPORTED  The checkpoint has no vision part, or prepares images in a way that
 * is not known; the key is named.
 *
 * Threads: an encoder belongs to one thread at a time.
 */
INS1_API ins1_status ins1_vision_encoder_create(ins1_vision_encoder **out, ins1_model *model,
                                                const ins1_vision_encoder_options *options,
                                                const ins1_call *call);

/**
 * How many tokens an image of this size becomes, without encoding it.
 *
 * @param width     Pixels.
 * @param height    Pixels.
 * @param n_tokens  Receives the number.
 * @param call      Optional.
 *
 * @retval INS1_E_ARGUMENT     The size is not positive, or too extreme for the checkpoint's
 * processor.
 *
 * Threads: any, also while the encoder is in use.
 */
INS1_API ins1_status ins1_vision_encoder_tokens(const ins1_vision_encoder *encoder, int32_t width,
                                                int32_t height, size_t *n_tokens,
                                                const ins1_call *call);

/**
 * How many tokens a video becomes, without encoding it. Of the frames only size and times are read;
 * their pixels may be NULL.
 *
 * @param n_tokens  Receives the number.
 * @param call      Optional.
 *
 * @retval INS1_E_ARGUMENT     As ins1_vision_encoder_tokens, or the frames differ in size.
 * @retval INS1_E_UNSUPPORTED  The checkpoint's files do not say how many frames to take.
 *
 * Threads: any, also while the encoder is in use.
 */
INS1_API ins1_status ins1_vision_encoder_video_tokens(const ins1_vision_encoder *encoder,
                                                      const ins1_video *video, size_t *n_tokens,
                                                      const ins1_call *call);

/**
 * Encode images. The bits of an image do not depend on its neighbours.
 *
 * @param out     Receives `n_images` handles, all or none; the caller releases each.
 * @param images  Borrowed for the call.
 * @param call    Optional. Reports INS1_PHASE_ENCODE.
 *
 * @retval INS1_E_ARGUMENT     An image has no pixels, an unknown format, a size as above, or a NaN.
 * @retval INS1_E_STATE        The encoder was made without weights.
 * @retval INS1_E_BUDGET       An image needs more scratch than `scratch_budget` or the runtime
 * allow.
 * @retval INS1_E_BUSY         Another thread is inside this encoder.
 * @retval INS1_E_CANCELED, INS1_E_DEADLINE  As `call` asked.
 */
INS1_API ins1_status ins1_vision_encoder_encode(ins1_embeds **out, ins1_vision_encoder *encoder,
                                                const ins1_image *images, size_t n_images,
                                                const ins1_call *call);

/**
 * Encode a video.
 *
 * @param out    Receives the embeddings; the caller releases them.
 * @param video  Borrowed for the call.
 * @param call   Optional. Reports INS1_PHASE_ENCODE.
 *
 * @retval INS1_E_UNSUPPORTED  The checkpoint's files do not say how many frames to take.
 * @retval INS1_E_ARGUMENT, INS1_E_STATE, INS1_E_BUDGET, INS1_E_BUSY, INS1_E_CANCELED,
 * INS1_E_DEADLINE  As ins1_vision_encoder_encode.
 */
INS1_API ins1_status ins1_vision_encoder_encode_video(ins1_embeds **out,
                                                      ins1_vision_encoder *encoder,
                                                      const ins1_video *video,
                                                      const ins1_call *call);

/** End the encoder. NULL is allowed. */
INS1_API void ins1_vision_encoder_release(ins1_vision_encoder *encoder);

#ifdef __cplusplus
}
#endif

#endif
