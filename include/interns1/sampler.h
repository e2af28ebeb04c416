#ifndef INTERNS1_SAMPLER_H
#define INTERNS1_SAMPLER_H

#include "interns1/session.h"
#include "interns1/tokenizer.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Order: bias, repetition (divide positive, multiply negative logits), frequency and presence
 * penalty, mask, then temperature, top-k, top-p, min-p. Ties go to the lower id. Temperature 0 =
 * arg-max, no draw. Draw number n (from 1) is the upper 53 bits of SplitMix64's output number n for
 * `seed`, over 2^53; the token is the first, from the most probable down, whose running sum in F64
 * exceeds it. */
typedef struct ins1_sampler ins1_sampler;
typedef struct ins1_sampler_options { /* all zero = greedy; 0 = off for each of them */
    uint32_t struct_size;
    uint32_t flags;
    float temperature, top_p, min_p, repeat_penalty, frequency_penalty, presence_penalty;
    int32_t top_k;
    int32_t repeat_last;          /* how far back the penalties look; 0 = all of the history */
    int32_t n_history, reserved0; /* accepted tokens kept; 0 = 4096; older ones are forgotten */
    uint64_t seed;
    const ins1_logprob *bias;
    size_t n_bias; /* added to logits; copied */
    ins1_tokenizer
        *tokenizer; /* kept; masks the vocabulary's padding rows; NULL = no row is padding */
    /* Comes with all bits set: clear bit id%32 of allowed[id/32] for what must not come. Nonzero,
     * or no bit left, = INS1_E_CALLBACK. */
    int32_t (*mask)(void *user, const int32_t *history, size_t n_history, uint32_t *allowed,
                    size_t n_vocab);
    void *mask_user;
} ins1_sampler_options;
INS1_API ins1_status ins1_sampler_create(ins1_sampler **out, ins1_runtime *runtime,
                                         const ins1_sampler_options *options,
                                         const ins1_call *call);
/* Chooses; out->logprob is the log-softmax of the logits as given. A NaN among them is
 * INS1_E_ARGUMENT. */
INS1_API ins1_status ins1_sampler_pick(ins1_sampler *sampler, const float *logits, size_t n_logits,
                                       ins1_logprob *out, const ins1_call *call);
INS1_API ins1_status
ins1_sampler_accept(ins1_sampler *sampler, int32_t token,
                    const ins1_call *call); /* into the history; prompts too, if they shall count */
INS1_API ins1_status ins1_sampler_reset(ins1_sampler *sampler, uint64_t seed,
                                        const ins1_call *call); /* empty history, draw number 1 */
INS1_API void ins1_sampler_release(ins1_sampler *sampler);

#ifdef __cplusplus
}
#endif

#endif
