#ifndef S1_VISION_READ_H
#define S1_VISION_READ_H

#include "base/error.h"
#include "interns1/vision.h"

/* An image of the host that was checked: how to walk it. */
typedef struct s1_picture {
    const unsigned char *pixels; /* the first pixel of the first row */
    int32_t format;              /* INS1_PIXEL_* */
    int32_t width, height;
    ptrdiff_t x, y; /* bytes to the next pixel and to the next row */
} s1_picture;

/* `image` was imported. `what` begins the sentence of a failure: "image 3". INS1_E_ARGUMENT for a
 * format that is not known, no pixels, a size that is not positive, and strides that no memory
 * has. */
ins1_status s1_picture_read(s1_picture *out, const ins1_image *image, const char *what,
                            ins1_error *error);

/* INS1_E_ARGUMENT names the first pixel that is not a number. */
ins1_status s1_picture_check_numbers(const s1_picture *picture, const char *what,
                                     ins1_error *error);

/* Row `row` as RGB of 8 bits, [width][3]. */
void s1_picture_row(const s1_picture *picture, int32_t row, uint8_t *out);

#endif
