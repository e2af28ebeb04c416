#ifndef SERVER_LOGPROBS_H
#define SERVER_LOGPROBS_H

#include "request.h"
#include "text.h"

/* What responses say of tokens, kept as the JSON that it becomes: chat in one list of objects,
 * completions, whose form is older, in four lists. {0} is none. */
enum { LOGPROB_LISTS = 4 };

typedef struct logprobs {
    text lists[LOGPROB_LISTS];
} logprobs;

/* Add the tokens of an event; `*offset` counts the bytes of their text. */
void logprobs_add(logprobs *to, const ins1_tokenizer *tokenizer, endpoint route,
                  const job_event *event, size_t *offset);
void logprobs_put(text *to, const logprobs *from, endpoint route);
size_t logprobs_size(const logprobs *of);
bool logprobs_failed(const logprobs *of);
void logprobs_free(logprobs *of);

/* The only row of embeddings, at length 1: numbers, or the base64 of their bytes in F32. */
void vector_put(text *to, const ins1_embeds *embeds, bool is_base64);

#endif
