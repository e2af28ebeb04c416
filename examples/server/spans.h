#ifndef SERVER_SPANS_H
#define SERVER_SPANS_H

#include <interns1/interns1.h>

/* Tokens [first, first + count) of a prompt, in `out` of as many entries as the prompt has spans;
 * how many were needed. */
size_t spans_cut(const ins1_span *spans, size_t n_spans, size_t first, size_t count,
                 ins1_span *out);

/* How many tokens from the first on are these ids; what comes from embeddings is none. */
size_t spans_alike(const ins1_span *spans, size_t n_spans, const int32_t *ids, size_t n_ids);

/* The ids up to the first embeddings; how many there were. */
size_t spans_copy(const ins1_span *spans, size_t n_spans, int32_t *ids, size_t capacity);

#endif
