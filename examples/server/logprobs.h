#ifndef SERVER_LOGPROBS_H
#define SERVER_LOGPROBS_H

#include "request.h"

/* What responses say of tokens: chat in one form, completions in an older one. */
json_t *logprobs_new(endpoint route);

/* Add the tokens of an event; `*offset` counts the bytes of their text. */
void logprobs_add(json_t *to, const ins1_tokenizer *tokenizer, endpoint route,
                  const job_event *event, size_t *offset);

/* The only row of embeddings, at length 1: numbers, or the base64 of their bytes in F32. */
json_t *vector_json(const ins1_embeds *embeds, bool is_base64);

#endif
