#ifndef S1_IO_FRAME_H
#define S1_IO_FRAME_H

#include "common.h"

/* What an image file says about itself before anything is decoded. */
typedef struct s1_io_frame {
    uint32_t width, height;
    int orientation; /* of EXIF: 1 to 8 */
} s1_io_frame;

bool s1_io_is_png(const s1_io_bytes *file);
bool s1_io_is_jpeg(const s1_io_bytes *file);

/* Walk over the chunks of a PNG to its end and compare their checksums, or over the segments of a
 * JPEG: a file that was cut is noticed here, and so is what the decoder would not decode right. */
ins1_status s1_io_frame_png(s1_io_frame *out, const s1_io_job *job, const s1_io_bytes *file);
ins1_status s1_io_frame_jpeg(s1_io_frame *out, const s1_io_job *job, const s1_io_bytes *file);

#endif
