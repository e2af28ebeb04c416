#ifndef CLI_MEDIA_H
#define CLI_MEDIA_H

#include "engine.h"

#include <interns1/io.h>

/* Files to pixels, through libinterns1_io. A build without that library answers
 * INS1_E_UNSUPPORTED. */

/* Read PNG or JPEG; `view` lives until media_image_release. */
ins1_status media_image_open(ins1_io_image **out, ins1_image *view, engine *e, const char *path);
void media_image_release(ins1_io_image *image);

#endif
