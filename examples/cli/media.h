#ifndef CLI_MEDIA_H
#define CLI_MEDIA_H

#include "engine.h"

#include <interns1/io.h>

/* Files to what stands in the place of tokens. */

/* A signal and the file that it came from; `rate` > 0 replaces the file's own. `file` is released
 * with ins1_io_series_release, also after a failure. */
typedef struct media_signal {
    ins1_io_series *file;
    ins1_timeseries series;
} media_signal;
ins1_status media_read_series(engine *e, const char *path, double rate, media_signal *out);
void media_free_series(media_signal *signal);

/* PNG or JPEG; `view` lives until media_image_release. */
ins1_status media_image_open(ins1_io_image **out, ins1_image *view, engine *e, const char *path);
void media_image_release(ins1_io_image *image);

/* The encoders of a model, each made from the model when it is first needed. */
typedef struct media {
    engine *e;
    const settings *s;
    const char *model;
    ins1_timeseries_encoder *series;
    ins1_vision_encoder *vision;
} media;

ins1_status media_encode_series(media *m, const char *path, double rate, ins1_embeds **out);
ins1_status media_encode_image(media *m, const char *path, ins1_embeds **out);
void media_end(media *m);

#endif
