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

/* The encoders of a model, each made from the model when it is first needed. */
typedef struct media {
    engine *e;
    const settings *s;
    const char *model;
    ins1_timeseries_encoder *series;
} media;

ins1_status media_encode_series(media *m, const char *path, double rate, ins1_embeds **out);
void media_end(media *m);

#endif
