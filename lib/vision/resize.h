#ifndef S1_VISION_RESIZE_H
#define S1_VISION_RESIZE_H

#include "backend/backend.h"
#include "base/call.h"
#include "vision/read.h"

/* Bicubic with antialiasing, the same bytes as torchvision gives for tensors of uint8: to `out`,
 * [height][width][3]. The same for any number of threads. */
ins1_status s1_resize(uint8_t *out, int32_t width, int32_t height, const s1_picture *picture,
                      const s1_host *host, const s1_call *call);

#endif
