#ifndef INTERNS1_SESSION_H
#define INTERNS1_SESSION_H

/**
 * @file
 * Timelines on a decoder: feed, step, score, rewind, fork, save. A session belongs to one thread at
 * a time; any number of sessions may share a decoder.
 */

#include "interns1/decoder.h"
#include "interns1/embeds.h"
#include "interns1/model.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sequences 0 .. n_seq - 1, each with its own keys and values. */
typedef struct ins1_session ins1_session;

/* Types of stored keys and values. */
enum {
    INS1_KV_DEFAULT = 0, /* follows precision: F32 for f32, BF16 for bf16 and int8 */
    INS1_KV_F32 = 1,
    INS1_KV_BF16 = 2,
    INS1_KV_F16 = 3,
    INS1_KV_Q8 = 4 /* 8 bits with a scale per head and position */
};

enum {
    INS1_SESSION_KEEP_HIDDEN =
        1u /* keep final hidden states of every position, for ins1_session_embeds */
};

/* Zero means the default in every field but struct_size. */
struct ins1_session_options {
    uint32_t struct_size; /* sizeof(ins1_session_options) */
    uint32_t flags;       /* INS1_SESSION_* */
    int32_t n_ctx;        /* most tokens of a sequence; 0 is the model's limit, at most 4096 */
    int32_t n_seq;        /* sequences; 0 is 1 */
    int32_t n_batch;      /* tokens computed at once; 0 is the library's choice; changes no bit */
    int32_t kv_type;      /* INS1_KV_* */
    uint64_t kv_budget;   /* bytes of keys and values; 0 is what n_ctx and n_seq need */
};

/* What the zeros became. */
typedef struct ins1_session_info {
    uint32_t struct_size;   /* sizeof(ins1_session_info) */
    int32_t precision;      /* INS1_PRECISION_* of the decoder */
    int32_t n_ctx;          /* most tokens of a sequence */
    int32_t n_seq;          /* sequences */
    int32_t n_batch;        /* tokens computed at once */
    int32_t kv_type;        /* INS1_KV_* */
    uint64_t kv_bytes;      /* keys and values of all sequences */
    uint64_t state_bytes;   /* recurrent state of all sequences */
    uint64_t scratch_bytes; /* activations */
} ins1_session_info;

/* A stretch of a prompt: exactly one of ids and embeds is set. */
typedef struct ins1_span {
    uint32_t struct_size; /* sizeof(ins1_span), which is also the array's stride */
    uint32_t flags;       /* 0 */
    const int32_t *ids;   /* token ids */
    size_t n_ids;         /* entries of `ids` */
    ins1_embeds *embeds;  /* rows of the decoder's width */
    size_t first;         /* the first row to take */
    size_t count;         /* how many rows; 0 is all to the end */
} ins1_span;

/* What one sequence gets. */
typedef struct ins1_feed {
    uint32_t struct_size;   /* sizeof(ins1_feed), which is also the array's stride */
    int32_t seq;            /* the sequence */
    const ins1_span *spans; /* one after the other */
    size_t n_spans;         /* entries of `spans` */
} ins1_feed;

/* One further token of a sequence. Frozen. */
typedef struct ins1_step {
    int32_t seq;   /* the sequence */
    int32_t token; /* its next token */
} ins1_step;

/* A token and the natural logarithm of its probability. Frozen. */
typedef struct ins1_logprob {
    int32_t token; /* its id */
    float logprob; /* at most 0 */
} ins1_logprob;

/* A list of token ids. Frozen. */
typedef struct ins1_ids {
    const int32_t *ids; /* token ids */
    size_t n_ids;       /* entries of `ids` */
} ins1_ids;

/* Takes bytes, in order, on the calling thread. */
typedef struct ins1_writer {
    uint32_t struct_size; /* sizeof(ins1_writer) */
    uint32_t flags;       /* 0 */
    /* Takes all `size` bytes and returns 0; any other number ends the call with INS1_E_CALLBACK. */
    int32_t (*write)(void *user, const void *data, size_t size);
    void *user; /* handed to `write` */
} ins1_writer;

/**
 * Begin empty sequences on a decoder. Everything that feeding and stepping need is allocated now;
 * they allocate nothing.
 *
 * @param out      Receives the session; the caller releases it.
 * @param decoder  Kept until the session is released.
 * @param options  NULL for all defaults. Borrowed for the call.
 * @param call     Optional.
 *
 * @retval INS1_E_ARGUMENT     A number is negative, or the type of keys and values is unknown.
 * @retval INS1_E_BUDGET       Keys and values do not fit `kv_budget`, or all of it not the
 * runtime's.
 * @retval INS1_E_UNSUPPORTED  The type of keys and values is not in this version.
 *
 * Threads: any; the session belongs to one thread at a time.
 */
INS1_API ins1_status ins1_session_create(ins1_session **out, ins1_decoder *decoder,
                                         const ins1_session_options *options,
                                         const ins1_call *call);

/**
 * What the session was made with.
 *
 * @param out  At most `out->struct_size` bytes are written.
 */
INS1_API ins1_status ins1_session_info_get(const ins1_session *session, ins1_session_info *out,
                                           const ins1_call *call);

/**
 * Append to sequences. Each is as it would be alone, fed at once or in pieces.
 *
 * @param feeds  Of distinct sequences. Borrowed for the call, embeddings included.
 * @param done   NULL, or `n_feeds` entries: how many tokens of each feed were appended. All of them
 * on success, none on failure but for cancel and deadline.
 * @param call   Optional. Reports INS1_PHASE_PREFILL.
 *
 * @retval INS1_E_ARGUMENT  There is no such sequence, one occurs twice, an id is outside the
 * vocabulary, a span has both or neither of ids and embeds, or rows that do not exist or have
 *                          another width than the decoder.
 * @retval INS1_E_FULL      A feed does not fit its sequence; nothing was appended to any. Nothing
 * is ever shifted out.
 * @retval INS1_E_CANCELED, INS1_E_DEADLINE  What `done` says was appended and stays; feed the rest
 * to go on. Logits of sequences that are not done are not defined: INS1_E_STATE.
 */
INS1_API ins1_status ins1_session_prefill(ins1_session *session, const ins1_feed *feeds,
                                          size_t n_feeds, size_t *done, const ins1_call *call);

/**
 * Append one token to each of several sequences, in one batch. All or nothing.
 *
 * @param steps  Of distinct sequences.
 * @param call   Optional.
 *
 * @retval INS1_E_ARGUMENT  There is no such sequence, one occurs twice, or a token is outside the
 *                          vocabulary.
 * @retval INS1_E_FULL      One of the sequences is full.
 */
INS1_API ins1_status ins1_session_step(ins1_session *session, const ins1_step *steps,
                                       size_t n_steps, const ins1_call *call);

/**
 * The logits after a sequence's last token. Forks and snapshots carry them along.
 *
 * @param logits  Receives a pointer into the session, valid until the next call that changes it.
 * @param count   Receives the number of floats: the rows of the embedding, padding included.
 * @param call    Optional.
 *
 * @retval INS1_E_ARGUMENT     There is no such sequence.
 * @retval INS1_E_STATE        The sequence is empty, or was cut and not fed since.
 * @retval INS1_E_UNSUPPORTED  A reward checkpoint has no logits.
 */
INS1_API ins1_status ins1_session_logits(ins1_session *session, int32_t seq, const float **logits,
                                         size_t *count, const ins1_call *call);

/**
 * The most probable next tokens with their log-softmax, best first, equal ones by lower id.
 *
 * @param k      How many; at most as many as there are logits.
 * @param out    Receives at most `capacity` entries.
 * @param count  Receives the number of entries.
 * @param call   Optional.
 *
 * @retval INS1_E_BUFFER  `*count > capacity`; the first `capacity` entries are valid.
 * @retval INS1_E_ARGUMENT, INS1_E_STATE, INS1_E_UNSUPPORTED  As ins1_session_logits.
 */
INS1_API ins1_status ins1_session_logprobs(ins1_session *session, int32_t seq, size_t k,
                                           ins1_logprob *out, size_t capacity, size_t *count,
                                           const ins1_call *call);

/**
 * How probable a continuation is, token by token. The sequence is left as it was.
 *
 * @param ids       The continuation.
 * @param logprobs  Receives `n_ids` entries: the log-softmax of ids[i] after the sequence and the
 * ids before it.
 * @param call      Optional. Reports INS1_PHASE_SCORE.
 *
 * @retval INS1_E_ARGUMENT     There is no such sequence, or an id is outside the vocabulary.
 * @retval INS1_E_STATE        The sequence is empty, or was cut and not fed since.
 * @retval INS1_E_FULL         Sequence and continuation together exceed the context.
 * @retval INS1_E_UNSUPPORTED  A reward checkpoint has no logits.
 */
INS1_API ins1_status ins1_session_score(ins1_session *session, int32_t seq, const int32_t *ids,
                                        size_t n_ids, float *logprobs, const ins1_call *call);

/**
 * How probable each of several continuations is as a whole. The sequence is computed once and left
 * as it was.
 *
 * Of a reward checkpoint the numbers are the rewards; its reward token is appended to candidates
 * that do not end with it, and the sequence may be empty.
 *
 * @param candidates  `n` continuations.
 * @param logprobs    Receives `n` entries: sums of what ins1_session_score gives, or rewards.
 * @param call        Optional. Reports INS1_PHASE_SCORE.
 *
 * @retval INS1_E_ARGUMENT  There is no such sequence, or an id is outside the vocabulary.
 * @retval INS1_E_STATE     The sequence is empty, or was cut and not fed since; not for rewards.
 * @retval INS1_E_FULL      Sequence and a continuation together exceed the context.
 */
INS1_API ins1_status ins1_session_score_many(ins1_session *session, int32_t seq,
                                             const ins1_ids *candidates, size_t n, float *logprobs,
                                             const ins1_call *call);

/**
 * The reward after a sequence's last token. Nothing is appended.
 *
 * @param out   Receives the reward.
 * @param call  Optional.
 *
 * @retval INS1_E_ARGUMENT     There is no such sequence.
 * @retval INS1_E_STATE        The sequence is empty, or was cut and not fed since.
 * @retval INS1_E_UNSUPPORTED  The checkpoint is none for rewards.
 */
INS1_API ins1_status ins1_session_reward(ins1_session *session, int32_t seq, float *out,
                                         const ins1_call *call);

/**
 * Final hidden states of a sequence, after the last norm, as embeddings.
 *
 * @param out      Receives the embeddings; the caller releases them.
 * @param pooling  INS1_POOL_*.
 * @param call     Optional.
 *
 * @retval INS1_E_ARGUMENT  There is no such sequence, or the pooling is unknown.
 * @retval INS1_E_STATE     The sequence is empty, or the session was made without
 *                          INS1_SESSION_KEEP_HIDDEN and the pooling is not INS1_POOL_LAST.
 */
INS1_API ins1_status ins1_session_embeds(ins1_embeds **out, ins1_session *session, int32_t seq,
                                         int32_t pooling, const ins1_call *call);

/**
 * How long a sequence is.
 *
 * @param n_tokens  Receives the number of tokens.
 * @param call      Optional.
 *
 * @retval INS1_E_ARGUMENT  There is no such sequence.
 */
INS1_API ins1_status ins1_session_length(const ins1_session *session, int32_t seq, size_t *n_tokens,
                                         const ins1_call *call);

/**
 * Go back towards the first `keep` tokens of a sequence: to the last place that can be restored and
 * is not after them. That is `keep` itself for models with attention alone; with recurrent layers
 * it is a checkpoint or the beginning. Feed the tokens from `*kept` on again.
 *
 * @param keep  A length beyond the sequence's own leaves it as it is.
 * @param kept  Receives the length that was reached.
 * @param call  Optional.
 *
 * @retval INS1_E_ARGUMENT  There is no such sequence.
 */
INS1_API ins1_status ins1_session_truncate(ins1_session *session, int32_t seq, size_t keep,
                                           size_t *kept, const ins1_call *call);

/**
 * Make the end of a sequence a place that ins1_session_truncate can restore. Costs nothing for
 * models with attention alone.
 *
 * @retval INS1_E_ARGUMENT  There is no such sequence.
 */
INS1_API ins1_status ins1_session_checkpoint(ins1_session *session, int32_t seq,
                                             const ins1_call *call);

/**
 * Make one sequence continue from where another is. What it held is forgotten. Keys and values are
 * shared until one of the two changes them.
 *
 * @param from  The sequence to continue from; may be `to`.
 * @param to    The sequence that is replaced.
 * @param call  Optional.
 *
 * @retval INS1_E_ARGUMENT  There is no such sequence.
 */
INS1_API ins1_status ins1_session_fork(ins1_session *session, int32_t from, int32_t to,
                                       const ins1_call *call);

/**
 * Write a sequence down: its keys, values, state and logits, not its token ids. A snapshot belongs
 * to one checkpoint, and where the length of the context enters the computation to one n_ctx, and
 * to one kv_type; not to a device.
 *
 * @param out    Receives at most `capacity` bytes.
 * @param count  Receives the size of the whole snapshot.
 * @param call   Optional.
 *
 * @retval INS1_E_ARGUMENT  There is no such sequence.
 * @retval INS1_E_BUFFER    `*count > capacity`.
 */
INS1_API ins1_status ins1_session_save(ins1_session *session, int32_t seq, void *out,
                                       size_t capacity, size_t *count, const ins1_call *call);

/**
 * The same, handed piece by piece to a writer.
 *
 * @param writer  Borrowed for the call.
 * @param call    Optional.
 *
 * @retval INS1_E_ARGUMENT  There is no such sequence.
 * @retval INS1_E_CALLBACK  The writer refused; what it has is no snapshot.
 */
INS1_API ins1_status ins1_session_save_to(ins1_session *session, int32_t seq,
                                          const ins1_writer *writer, const ins1_call *call);

/**
 * Make a sequence what a snapshot says. Bytes that are damaged are noticed by their checksums; on
 * any failure the sequence is empty.
 *
 * @param data  The snapshot. Borrowed for the call.
 * @param size  Its size in bytes.
 * @param call  Optional.
 *
 * @retval INS1_E_ARGUMENT     There is no such sequence.
 * @retval INS1_E_FORMAT       The bytes are no snapshot, or damaged.
 * @retval INS1_E_FULL         The snapshot is longer than this session's context.
 * @retval INS1_E_STATE        The snapshot belongs to another checkpoint, n_ctx or kv_type, or has
 * no hidden states and this session keeps them.
 * @retval INS1_E_UNSUPPORTED  The snapshot is compressed and the library was built without zstd.
 * @retval INS1_E_VERSION      The snapshot was made by a newer library.
 */
INS1_API ins1_status ins1_session_restore(ins1_session *session, int32_t seq, const void *data,
                                          size_t size, const ins1_call *call);

/**
 * The same from a reader, which is closed before the call returns, whatever it returns.
 *
 * @param reader  Borrowed for the call.
 * @param call    Optional.
 *
 * @retval INS1_E_IO  The reader refused.
 * @retval INS1_E_ARGUMENT, INS1_E_FORMAT, INS1_E_FULL, INS1_E_STATE, INS1_E_UNSUPPORTED,
 * INS1_E_VERSION As ins1_session_restore.
 */
INS1_API ins1_status ins1_session_restore_from(ins1_session *session, int32_t seq,
                                               const ins1_reader *reader, const ins1_call *call);

/** End all sequences and give back their memory. NULL is allowed. */
INS1_API void ins1_session_release(ins1_session *session);

#ifdef __cplusplus
}
#endif

#endif
