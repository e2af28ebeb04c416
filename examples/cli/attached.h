#ifndef CLI_ATTACHED_H
#define CLI_ATTACHED_H

#include "encoders.h"
#include "json.h"

/* What stands before the text of a JSON line: images, then videos, then signals. */

enum { MAX_ATTACHED = 16 }; /* of each kind */

typedef struct attached {
    struct medium {
        int32_t kind; /* INS1_MODALITY_* */
        ins1_embeds *embeds;
    } at[3 * MAX_ATTACHED];
    size_t n;
} attached;

/* Encode the "images", "videos" and "series" of a line into `out`, which begins as zeros; a failure
 * is said in `error`, and what was encoded before it stays in `out`. */
ins1_status attached_read(attached *out, encoders *all, const json *line, ins1_error *error);
void attached_release(attached *a);

#endif
