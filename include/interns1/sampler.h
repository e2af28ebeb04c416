#ifndef INTERNS1_SAMPLER_H
#define INTERNS1_SAMPLER_H

/**
 * @file
 * From logits to a token. The same options, seed and logits give the same token everywhere.
 *
 * Steps, in this order; a field that is 0 switches its step off:
 * 1. bias is added;
 * 2. repetition: of tokens in the history positive logits are divided by the penalty and negative
 * ones multiplied with it;
 * 3. frequency and presence: logit - count * frequency_penalty - (count > 0) * presence_penalty;
 * 4. padding rows and what the mask forbids are taken out;
 * 5. temperature: logits are divided by it; 0 takes the largest logit and draws nothing;
 * 6. top_k: the k most probable stay;
 * 7. top_p: of those, from the most probable down, the fewest whose probabilities reach p stay;
 * 8. min_p: those stay whose probability is at least min_p times the largest.
 *
 * Equal probabilities are ordered by lower id. Draw number n, from 1, is the upper 53 bits of the
 * n-th output of SplitMix64 (Steele, Lea, Flood 2014) for `seed`, over 2^53. The token is the
 * first, from the most probable down, whose running sum of renormalised probabilities in F64
 * exceeds it.
 */

#include "interns1/session.h"
#include "interns1/tokenizer.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Options, the history of accepted tokens and the number of the next draw; one thread at a time. */
typedef struct ins1_sampler ins1_sampler;

/* All zero is greedy. */
typedef struct ins1_sampler_options {
    uint32_t struct_size;    /* sizeof(ins1_sampler_options) */
    uint32_t flags;          /* 0 */
    float temperature;       /* at least 0 */
    float top_p;             /* 0 .. 1 */
    float min_p;             /* 0 .. 1 */
    float repeat_penalty;    /* above 0; 1 changes nothing */
    float frequency_penalty; /* any number */
    float presence_penalty;  /* any number */
    int32_t top_k;           /* at least 0 */
    int32_t repeat_last;     /* how many tokens back the penalties look; 0 is the whole history */
    int32_t n_history; /* accepted tokens that are kept; 0 is 4096; older ones are forgotten */
    int32_t reserved0; /* 0 */
    uint64_t seed;     /* of the draws */
    const ins1_logprob *bias;  /* added to the logits of these tokens; copied */
    size_t n_bias;             /* entries of `bias` */
    ins1_tokenizer *tokenizer; /* kept; its padding rows never come; NULL: no row is padding */
    /* Which tokens may come: `allowed` has all bits set; clear bit id % 32 of allowed[id / 32] for
     * what must not. Non-zero, or no bit left, is INS1_E_CALLBACK. May be NULL. */
    int32_t (*mask)(void *user, const int32_t *history, size_t n_history, uint32_t *allowed,
                    size_t n_vocab);
    void *mask_user; /* handed to `mask` */
} ins1_sampler_options;

/**
 * Make a sampler with an empty history.
 *
 * @param out      Receives the sampler; the caller releases it.
 * @param runtime  Kept until the sampler is released.
 * @param options  NULL is greedy. Borrowed for the call, but for what its comments say.
 * @param call     Optional.
 *
 * @retval INS1_E_ARGUMENT  A number is outside its range or is no number.
 *
 * Threads: any; the sampler belongs to one thread at a time.
 */
INS1_API ins1_status ins1_sampler_create(ins1_sampler **out, ins1_runtime *runtime,
                                         const ins1_sampler_options *options,
                                         const ins1_call *call);

/**
 * Choose a token. The history stays as it is: accept what is used.
 *
 * @param logits  [n_logits]. Borrowed for the call.
 * @param out     Receives the token and its log-softmax under the logits as given.
 * @param call    Optional.
 *
 * @retval INS1_E_ARGUMENT  There are no logits, another number than before, or a NaN among them.
 * @retval INS1_E_CALLBACK  The mask function reported failure or left nothing.
 */
INS1_API ins1_status ins1_sampler_pick(ins1_sampler *sampler, const float *logits, size_t n_logits,
                                       ins1_logprob *out, const ins1_call *call);

/**
 * Put a token into the history. Tokens of the prompt too, if penalties and mask shall see them.
 *
 * @retval INS1_E_ARGUMENT  The token is negative.
 */
INS1_API ins1_status ins1_sampler_accept(ins1_sampler *sampler, int32_t token,
                                         const ins1_call *call);

/** Begin again: an empty history, the first draw of `seed`. */
INS1_API ins1_status ins1_sampler_reset(ins1_sampler *sampler, uint64_t seed,
                                        const ins1_call *call);

/** End the sampler. NULL is allowed. */
INS1_API void ins1_sampler_release(ins1_sampler *sampler);

#ifdef __cplusplus
}
#endif

#endif
