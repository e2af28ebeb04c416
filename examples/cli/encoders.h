#ifndef CLI_ENCODERS_H
#define CLI_ENCODERS_H

#include "engine.h"

/* Files to what stands in the place of tokens. The encoders of a model are made when they are first
 * needed; when their device is lost, the CPU encodes. */

typedef struct encoders {
    engine *e;
    const settings *s;
    const char *model;
    ins1_timeseries_encoder *series; /* NULL until then */
    ins1_vision_encoder *vision;     /* the same */
    int32_t device;                  /* that they were made for */
} encoders;

/* PNG or JPEG; the caller releases the embeddings. */
ins1_status encoders_image(encoders *all, const char *path, ins1_embeds **out);

/* `folder` and `fps` as in frames_open; the caller releases the embeddings. */
ins1_status encoders_video(encoders *all, const char *folder, double fps, ins1_embeds **out);

/* `rate` as in media_series_open; the caller releases the embeddings. */
ins1_status encoders_series(encoders *all, const char *path, double rate, ins1_embeds **out);
void encoders_end(encoders *all);

#endif
