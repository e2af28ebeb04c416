#ifndef CLI_MEDIA_H
#define CLI_MEDIA_H

#include "engine.h"

#include <interns1/io.h>

/* Files to pixels and samples, through libinterns1_io. A build without that library answers
 * INS1_E_UNSUPPORTED. */

/* Read PNG or JPEG; `view` lives until media_image_release. */
ins1_status media_image_open(ins1_io_image **out, ins1_image *view, engine *e, const char *path);
void media_image_release(ins1_io_image *image);

/* Read a signal; of a WFDB record the header is named, and its ".dat" is found beside it. A `rate`
 * other than 0 replaces the file's own. `view` lives until media_series_release. */
ins1_status media_series_open(ins1_io_series **out, ins1_timeseries *view, engine *e,
                              const char *path, double rate);
void media_series_release(ins1_io_series *series);

#endif
