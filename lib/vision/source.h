#ifndef S1_VISION_SOURCE_H
#define S1_VISION_SOURCE_H

#include "backend/backend.h"
#include "base/call.h"
#include "vision/frames.h"
#include "vision/pixels.h"
#include "vision/read.h"

/* An image or a video on its way to a tower: its shape at once, its pixels unit by unit. */
typedef struct s1_source {
    const s1_vision_processor *processor;
    const s1_host *host;
    s1_pixels pixels;
    size_t max_tokens;
    bool is_video;
    s1_picture picture; /* the image */
    s1_clip clip;       /* the video */
    s1_table table;
    uint8_t *canvas; /* owned; images: the grid, then the thumbnail; videos: frames of a unit */
    size_t canvas_size;
    bool is_ready; /* the canvas holds the image */
} s1_source;

enum { S1_SOURCE_RAW = 1u /* bytes stay what they are */ };

/* Shapes alone; INS1_E_ARGUMENT as ins1_vision_encoder_tokens. Give back with s1_source_finish. */
ins1_status s1_source_of_size(s1_source *out, const s1_vision_processor *processor, int32_t width,
                              int32_t height, size_t max_tokens, ins1_error *error);
ins1_status s1_source_of_clip(s1_source *out, const s1_vision_processor *processor,
                              const ins1_video *video, size_t max_tokens, ins1_error *error);

/* With pixels, which are borrowed. `what` begins the sentence of a failure. */
ins1_status s1_source_of_image(s1_source *out, const s1_vision_processor *processor,
                               const ins1_image *image, const char *what, size_t max_tokens,
                               const s1_host *host, uint32_t flags, const s1_call *call);
ins1_status s1_source_of_video(s1_source *out, const s1_vision_processor *processor,
                               const ins1_video *video, size_t max_tokens, const s1_host *host,
                               uint32_t flags, const s1_call *call);
void s1_source_finish(s1_source *source);

/* Unit `unit`, s1_pixels_unit_values floats. */
ins1_status s1_source_read(s1_source *source, size_t unit, float *out, const s1_call *call);

/* Seconds of step `unit` of a video. */
double s1_source_time(const s1_source *source, size_t unit);

#endif
