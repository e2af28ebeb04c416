#ifndef CLI_SPANS_H
#define CLI_SPANS_H

#include "json.h"

#include <interns1/session.h>

/* Ids of which some stand for rows of embeddings. */
typedef struct prompt {
    int32_t *ids;
    size_t n_tokens;
    bool *is_row;        /* [n_tokens]: the next row comes here instead of the id */
    ins1_embeds *embeds; /* all rows; NULL for none */
} prompt;

/* `embeds` is an array of float32 files or NULL; their rows must be as many as there are
 * placeholders. */
ins1_status prompt_read(prompt *out, ins1_runtime *runtime, const json *ids, const json *embeds,
                        const int32_t *placeholders, size_t n_placeholders, const ins1_call *call);
void prompt_free(prompt *p);

/* Tokens [first, first + count) as spans, which live until piece_free. */
typedef struct piece {
    ins1_span *spans;
} piece;
const ins1_span *prompt_piece(const prompt *p, size_t first, size_t count, piece *out,
                              size_t *n_spans);
void piece_free(piece *p);

#endif
