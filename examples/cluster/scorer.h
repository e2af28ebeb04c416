#ifndef CLUSTER_SCORER_H
#define CLUSTER_SCORER_H

#include <interns1/interns1.h>

#include <stddef.h>
#include <stdint.h>

#define SCORER_MOST_IDS 4096

/* A checkpoint that says how probable an answer is. */
typedef struct scorer {
    ins1_runtime *runtime;
    ins1_model *model;
    ins1_tokenizer *tokenizer;
    ins1_decoder *decoder;
    ins1_session *session;
    ins1_error error; /* of the last call that failed */
    int32_t ids[SCORER_MOST_IDS];
} scorer;

/* Mapped, as by default: processes on one machine share the pages. On failure scorer_close all the
 * same. */
ins1_status scorer_open(scorer *s, const char *path, int32_t n_threads);

/* The logarithm of the probability of `answer` after `question` in the checkpoint's chat template,
 * without reasoning. Neither acts as a special token. */
ins1_status scorer_score(scorer *s, ins1_text question, ins1_text answer, float *out);

void scorer_close(scorer *s);

#endif
