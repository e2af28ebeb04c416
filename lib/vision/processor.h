#ifndef S1_VISION_PROCESSOR_H
#define S1_VISION_PROCESSOR_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* How the pixels of an image become what a tower takes. */
typedef enum s1_vision_kind {
    S1_VISION_TILES = 1, /* Intern-S1: a grid of tiles of one size, and a thumbnail */
    S1_VISION_PATCHES,   /* Intern-S1-Pro: patches of an image in its own proportions */
} s1_vision_kind;

/* x = (p - mean) / std of a value p from 0 to 255: the reference's mean and deviation times 255, as
 * it rounds them. */
typedef struct s1_vision_scale {
    float mean[3], std[3];
} s1_vision_scale;

/* Which frames of a video are used. */
typedef struct s1_vision_sampling {
    bool samples;                   /* false: all of them, as given */
    double fps;                     /* frames per second to use; 0: none is said */
    int32_t n_frames;               /* frames to use whatever the rate; 0: none is said */
    int32_t min_frames, max_frames; /* S1_VISION_PATCHES */
} s1_vision_sampling;

/* What the checkpoint's JSON says of images and videos, checked and complete. */
typedef struct s1_vision_processor {
    s1_vision_kind kind;
    s1_vision_scale image, video;
    s1_vision_sampling sampling;

    /* S1_VISION_TILES */
    int32_t tile_height, tile_width; /* of frames of videos too */
    int32_t tokens_per_tile;
    int32_t min_tiles, max_tiles; /* without the thumbnail */

    /* S1_VISION_PATCHES */
    int32_t patch;    /* side, pixels */
    int32_t temporal; /* frames of a patch */
    int32_t merge;    /* patches of a token, a side */
    int64_t min_pixels, max_pixels;
    int64_t video_min_pixels, video_max_pixels; /* of all frames together */
} s1_vision_processor;

/* Lower the limits so that images, and videos of few frames, become at most `max_tokens` tokens; 0
 * changes nothing. INS1_E_ARGUMENT where a single tile has more. */
ins1_status s1_vision_limit(s1_vision_processor *processor, int32_t max_tokens, ins1_error *error);

#endif
