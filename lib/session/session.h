#ifndef S1_SESSION_SESSION_H
#define S1_SESSION_SESSION_H

#include "base/guard.h"
#include "decoder/forward.h"
#include "interns1/session.h"

/* One timeline. */
typedef struct s1_sequence {
    size_t length;
    size_t start;       /* of a feed that runs: the length before it, and whether */
    bool had_logits;    /* there were logits */
    bool has_logits;    /* `logits` and `last_hidden` are those of the last token */
    float *logits;      /* [n_outputs] */
    float *last_hidden; /* [n_embd], after the final norm */
    float *all_hidden;  /* [n_ctx][n_embd] with INS1_SESSION_KEEP_HIDDEN, else NULL */
} s1_sequence;

struct ins1_session {
    _Atomic int32_t owners; /* the host, and streams that keep it */
    ins1_decoder *decoder;  /* one of its owners */
    const ins1_allocator *memory;
    s1_guard guard;
    uint32_t flags;   /* INS1_SESSION_* */
    int32_t kv_type;  /* INS1_KV_*, never DEFAULT */
    size_t n_outputs; /* logits of a token: rows of the vocabulary, or one reward */
    s1_forward forward;
    s1_observer observer;
    s1_sequence *sequences; /* owned, [n_seq] */
    float *outputs;         /* owned, [most rows of a head call][n_outputs] */
    float *hidden;          /* owned, [the same][n_embd] */
    size_t n_head_rows;
    s1_row *rows; /* owned, [n_batch] */
    bool *taken;  /* owned, [n_seq]: sequences that a call has already named */
};

/* Every public function begins and ends with these: the call block is read, the session is there,
 * no other thread is inside. */
ins1_status s1_session_enter(ins1_session *session, s1_call *call, const ins1_call *given);
void s1_session_leave(ins1_session *session);

/* The sequence of that number; INS1_E_ARGUMENT where there is none. */
ins1_status s1_session_sequence(ins1_session *session, int32_t seq, s1_sequence **out,
                                const s1_call *call);

/* Run `n` rows (at most n_batch) that continue their sequences: pages are reserved, nothing is
 * counted. After a failure the sequences are as before. */
ins1_status s1_session_run_rows(ins1_session *session, int32_t n, const s1_call *call);

/* log(sum(exp)) of n logits, in F64. */
double s1_log_sum_exp(const float *logits, size_t n);

/* One more owner; ins1_session_release drops one. */
void s1_session_retain(ins1_session *session);

/* Empty a sequence. */
void s1_session_clear(ins1_session *session, int32_t seq);

static inline const s1_decoder_config *s1_session_config(const ins1_session *session)
{
    return &session->decoder->config;
}

#endif
