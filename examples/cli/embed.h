#ifndef CLI_EMBED_H
#define CLI_EMBED_H

#include "engine.h"

/* `ins1 embed`: one file a kind of source. */

typedef struct embed_task {
    engine e;
    settings s;
    bool wants_tower;
    /* of series */
    float rate; /* 0: the file's */
    uint64_t max_samples;
    bool is_unbiased;
} embed_task;

ins1_status embed_series(embed_task *t, const char *file, ins1_embeds **out);

#endif
