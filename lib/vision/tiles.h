#ifndef S1_VISION_TILES_H
#define S1_VISION_TILES_H

#include "vision/pixels.h"

/* The shape of an image of that size, and of `n_frames` frames. */
void s1_tiles_of_image(s1_pixels *out, const s1_vision_processor *processor, int32_t width,
                       int32_t height);
void s1_tiles_of_video(s1_pixels *out, const s1_vision_processor *processor, size_t n_frames);

/* One tile, [3][height][width], cut out of `canvas`, whose rows are `stride` bytes, through the
 * values that `table` gives each channel. */
void s1_tiles_write(float *out, const s1_pixels *pixels, const uint8_t *canvas, size_t stride,
                    const s1_table *table);

#endif
