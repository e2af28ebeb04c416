#ifndef CLI_FRAMES_H
#define CLI_FRAMES_H

#include "engine.h"

#include <interns1/io.h>

/* A video in a folder: PNG or JPEG, a frame each, in the order of the bytes of their names; names
 * that begin with a dot are passed over. */

typedef struct frames {
    ins1_io_image **files;
    ins1_image *views; /* of the files */
    size_t n;
} frames;

/* `fps` 0: not known. `view` lives until frames_close, which is also due after a failure. */
ins1_status frames_open(frames *out, ins1_video *view, engine *e, const char *folder, double fps);
void frames_close(frames *f);

#endif
