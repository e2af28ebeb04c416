#ifndef S1_VISION_PATCHES_H
#define S1_VISION_PATCHES_H

#include "vision/pixels.h"

/* The shape of an image of that size, and of `n_frames` frames. INS1_E_ARGUMENT for sizes that the
 * reference refuses. */
ins1_status s1_patches_of_image(s1_pixels *out, const s1_vision_processor *processor, int32_t width,
                                int32_t height, ins1_error *error);
ins1_status s1_patches_of_video(s1_pixels *out, const s1_vision_processor *processor,
                                size_t n_frames, int32_t width, int32_t height, ins1_error *error);

/* One step in time, [grid_h * grid_w][3 * temporal * patch * patch]: `frames` are `temporal`
 * canvases of [height][width][3]. */
void s1_patches_write(float *out, const s1_vision_processor *processor, const s1_pixels *pixels,
                      const uint8_t *const *frames, const s1_table *table);

#endif
