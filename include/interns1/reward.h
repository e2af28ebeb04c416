#ifndef INTERNS1_REWARD_H
#define INTERNS1_REWARD_H

/**
 * @file
 * Rewards of answers beside a reference answer, as POLAR checkpoints give them. Other reward
 * checkpoints take a rendered chat through ins1_session_score_many.
 */

#include "interns1/session.h"
#include "interns1/tokenizer.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    INS1_POLAR_PRETRAIN = 1u, /* base checkpoints: no line break between prompt and answer */
    INS1_POLAR_KEEP_TAIL = 2u /* of an answer that is too long keep the end; default: the start */
};

/* A prompt, a good answer to it, and answers to judge. Plain text without roles; a conversation is
 * its messages joined by line breaks. Zero means the default in every field but struct_size. */
typedef struct ins1_polar_request {
    uint32_t struct_size;        /* sizeof(ins1_polar_request) */
    uint32_t flags;              /* INS1_POLAR_* */
    ins1_text prompt;            /* what was asked; untrusted */
    ins1_text reference;         /* the good answer; untrusted */
    const ins1_text *candidates; /* the answers; untrusted */
    size_t n_candidates;         /* entries of `candidates` */
    int32_t max_tokens;          /* of a whole text, at least 2 * max_answer + 6; 0 is 16384 */
    int32_t max_answer;          /* tokens of an answer, begin-of-text included; 0 is 4096 */
} ins1_polar_request;

/**
 * How well each candidate agrees with the reference; larger is better. The text is
 *
 *     prompt \n reference <|reward|> prompt \n candidate <reward token>
 *
 * with the begin-of-text token in front, where answers longer than `max_answer` are cut and a
 * prompt that does not fit twice keeps its end (reward_func.py of POLAR, arXiv 2507.05197). What
 * the texts of all candidates begin with is computed once.
 *
 * @param seq      An empty sequence; empty again afterwards.
 * @param request  Borrowed for the call.
 * @param rewards  Receives `n_candidates` rewards, zeros after a failure.
 * @param call     Optional. Reports INS1_PHASE_PREFILL, then INS1_PHASE_SCORE.
 *
 * @retval INS1_E_ARGUMENT     There is no such sequence, text at NULL, or lengths as above.
 * @retval INS1_E_STATE        The sequence is not empty.
 * @retval INS1_E_FULL         A text exceeds the context of the session.
 * @retval INS1_E_UNSUPPORTED  The checkpoint has no reward head, or no token `<|reward|>`.
 */
INS1_API ins1_status ins1_polar_score(ins1_session *session, int32_t seq,
                                      const ins1_tokenizer *tokenizer,
                                      const ins1_polar_request *request, float *rewards,
                                      const ins1_call *call);

#ifdef __cplusplus
}
#endif

#endif
