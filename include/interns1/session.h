#ifndef INTERNS1_SESSION_H
#define INTERNS1_SESSION_H

#include "interns1/decoder.h"
#include "interns1/embeds.h"
#include "interns1/model.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ins1_session ins1_session;
enum {
    INS1_KV_DEFAULT = 0 /* follows precision: F32 for f32, BF16 for bf16 and int8 */,
    INS1_KV_F32 = 1,
    INS1_KV_BF16 = 2,
    INS1_KV_F16 = 3,
    INS1_KV_Q8 = 4
};
enum {
    INS1_SESSION_KEEP_HIDDEN =
        1u /* final hidden states of every position stay, for ins1_session_embeds */
};
struct ins1_session_options {
    uint32_t struct_size;
    uint32_t flags;
    int32_t n_ctx;                   /* tokens per sequence; 0 = min(the model's limit, 4096) */
    int32_t n_seq, n_batch, kv_type; /* sequences 0 .. n_seq-1 (0 = 1); rows computed at once (0 =
                                        library's choice); INS1_KV_* */
    uint64_t kv_budget; /* bytes; 0 = what n_ctx and n_seq need, within the runtime budget */
};
typedef struct ins1_session_info { /* what the zeros became */
    uint32_t struct_size;
    int32_t precision, n_ctx, n_seq, n_batch, kv_type;
    uint64_t kv_bytes, state_bytes, scratch_bytes;
} ins1_session_info;
typedef struct ins1_span { /* exactly one of ids / embeds */
    uint32_t struct_size;
    uint32_t flags;
    const int32_t *ids;
    size_t n_ids;
    ins1_embeds *embeds;
    size_t first, count; /* rows of embeds; count 0 = to the end */
} ins1_span;
typedef struct ins1_feed {
    uint32_t struct_size;
    int32_t seq;
    const ins1_span *spans;
    size_t n_spans;
} ins1_feed;
typedef struct ins1_step {
    int32_t seq, token;
} ins1_step; /* frozen */
typedef struct ins1_logprob {
    int32_t token;
    float logprob;
} ins1_logprob; /* frozen */
typedef struct ins1_ids {
    const int32_t *ids;
    size_t n_ids;
} ins1_ids; /* frozen */
enum { INS1_POOL_LAST = 0, INS1_POOL_MEAN = 1, INS1_POOL_NONE = 2 /* one row per token */ };
typedef struct ins1_writer { /* nonzero = INS1_E_CALLBACK; called in order, on the calling thread */
    uint32_t struct_size;
    uint32_t flags;
    int32_t (*write)(void *user, const void *data, size_t size);
    void *user;
} ins1_writer;
INS1_API ins1_status ins1_session_create(ins1_session **out, ins1_decoder *decoder,
                                         const ins1_session_options *options,
                                         const ins1_call *call);
INS1_API ins1_status ins1_session_info_get(const ins1_session *session, ins1_session_info *out,
                                           const ins1_call *call);
/* Appends to n distinct sequences. What does not fit is INS1_E_FULL before anything is fed: nothing
 * is ever shifted out. After CANCELED/DEADLINE the done[i] tokens of feed i stay valid: call again
 * with the rest. done: n_feeds entries or NULL. */
INS1_API ins1_status ins1_session_prefill(ins1_session *session, const ins1_feed *feeds,
                                          size_t n_feeds, size_t *done, const ins1_call *call);
/* One token for each of n distinct sequences in one batch; all or nothing. INS1_E_FULL when one of
 * them is full. */
INS1_API ins1_status ins1_session_step(ins1_session *session, const ins1_step *steps,
                                       size_t n_steps, const ins1_call *call);
/* Borrowed, *count floats (n_vocab), valid until the next call that changes the session. fork and
 * snapshots carry them; before the first token and after truncate to less than the length:
 * INS1_E_STATE. Reward checkpoints have none: INS1_E_UNSUPPORTED. */
INS1_API ins1_status ins1_session_logits(ins1_session *session, int32_t seq, const float **logits,
                                         size_t *count, const ins1_call *call);
/* The k best next tokens with log-softmax of the logits, best first, ties by lower id. */
INS1_API ins1_status ins1_session_logprobs(ins1_session *session, int32_t seq, size_t k,
                                           ins1_logprob *out, size_t capacity, size_t *count,
                                           const ins1_call *call);
/* logprobs: n_ids entries, each of ids[i] given the sequence and ids before it. The sequence is
 * left as it was. */
INS1_API ins1_status ins1_session_score(ins1_session *session, int32_t seq, const int32_t *ids,
                                        size_t n_ids, float *logprobs, const ins1_call *call);
/* logprobs: n entries, the sum over each candidate after the sequence, which is computed once and
 * left as it was. Reward checkpoints: its reward, reward_token_id appended where it is not last,
 * the sequence may be empty; otherwise an empty sequence is INS1_E_STATE. */
INS1_API ins1_status ins1_session_score_many(ins1_session *session, int32_t seq,
                                             const ins1_ids *candidates, size_t n, float *logprobs,
                                             const ins1_call *call);
INS1_API ins1_status ins1_session_reward(
    ins1_session *session, int32_t seq, float *out,
    const ins1_call *call); /* of the last token, nothing appended; reward checkpoints only */
/* Final (normed) hidden states; MEAN and NONE need INS1_SESSION_KEEP_HIDDEN, else INS1_E_STATE. */
INS1_API ins1_status ins1_session_embeds(ins1_embeds **out, ins1_session *session, int32_t seq,
                                         int32_t pooling, const ins1_call *call);
INS1_API ins1_status ins1_session_length(const ins1_session *session, int32_t seq, size_t *n_tokens,
                                         const ins1_call *call);
/* Goes back to the nearest position <= keep that can be restored: keep itself for attention-only
 * models, a checkpoint or 0 for models with recurrent layers. The caller prefills [*kept, keep)
 * again. */
INS1_API ins1_status ins1_session_truncate(ins1_session *session, int32_t seq, size_t keep,
                                           size_t *kept, const ins1_call *call);
INS1_API ins1_status ins1_session_checkpoint(ins1_session *session, int32_t seq,
                                             const ins1_call *call); /* makes "here" restorable */
/* Replaces what `to` held; KV is shared copy-on-write, state copied. */
INS1_API ins1_status ins1_session_fork(ins1_session *session, int32_t from, int32_t to,
                                       const ins1_call *call);
/* A snapshot belongs to one checkpoint, n_ctx base and kv_type (else INS1_E_STATE), not to a
 * device. A restore that fails leaves seq empty. */
INS1_API ins1_status ins1_session_save(ins1_session *session, int32_t seq, void *out,
                                       size_t capacity, size_t *count, const ins1_call *call);
INS1_API ins1_status ins1_session_save_to(ins1_session *session, int32_t seq,
                                          const ins1_writer *writer, const ins1_call *call);
INS1_API ins1_status ins1_session_restore(ins1_session *session, int32_t seq, const void *data,
                                          size_t size, const ins1_call *call);
INS1_API ins1_status ins1_session_restore_from(ins1_session *session, int32_t seq,
                                               const ins1_reader *reader,
                                               const ins1_call *call); /* closes the reader */
INS1_API void ins1_session_release(ins1_session *session);

#ifdef __cplusplus
}
#endif

#endif
