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
    /* of images and videos */
    float fps;        /* 0: 24 */
    flag_counts grid; /* of pixels, in patches */
    size_t n_tiles;   /* set by who encodes: rows are [tiles][rows of a tile]; 0: they are not */
} embed_task;

ins1_status embed_image(embed_task *t, const char *file, ins1_embeds **out);
ins1_status embed_pixels(embed_task *t, const char *file, ins1_embeds **out);
ins1_status embed_series(embed_task *t, const char *file, ins1_embeds **out);
ins1_status embed_video(embed_task *t, const char *folder, ins1_embeds **out);

#endif
