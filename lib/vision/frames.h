#ifndef S1_VISION_FRAMES_H
#define S1_VISION_FRAMES_H

#include "base/error.h"
#include "interns1/vision.h"
#include "vision/processor.h"

#include <stdbool.h>
#include <stddef.h>

/* A host's video that was checked: one size, times that rise. */
typedef struct s1_clip {
    ins1_video video; /* its fps set: the reference's assumption where none is given */
    int32_t width, height;
    size_t n_used; /* frames that are sampled */
    bool is_even;  /* S1_VISION_PATCHES: both ends are in; else the middles of equal parts */
} s1_clip;

/* INS1_E_ARGUMENT names the frame or time. Of the frames only the size is read. */
ins1_status s1_clip_read(s1_clip *out, const ins1_video *video,
                         const s1_vision_processor *processor, ins1_error *error);

/* The index of frame `i` of the sampled ones. */
size_t s1_clip_index(const s1_clip *clip, size_t i);

/* Seconds of frame `i` of the sampled ones. */
double s1_clip_time(const s1_clip *clip, size_t i);

/* The mean of the first and the last time of step `i` of `temporal` frames; the last frame is
 * repeated where frames lack. */
double s1_clip_step_time(const s1_clip *clip, size_t i, size_t temporal);

/* Frame `index` of the video, imported. */
ins1_status s1_clip_image(const s1_clip *clip, size_t index, ins1_image *out, ins1_error *error);

#endif
