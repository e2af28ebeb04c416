/* What comes out of a session: logits, log-probabilities, scores, rewards, embeddings. */

#include "base/memory.h"
#include "base/meter.h"
#include "runtime/embeds.h"
#include "session/session.h"

#include <math.h>
#include <string.h>

static bool gives_rewards(const ins1_session *session)
{
    return s1_session_config(session)->reward_token >= 0;
}

/* Is there a place for what is asked for? */
static ins1_status need(bool is_there, const char *what, const s1_call *call)
{
    return is_there ? INS1_OK : s1_fail(call->error, INS1_E_ARGUMENT, "no place for %s", what);
}

double s1_log_sum_exp(const float *logits, size_t n)
{
    float most = logits[0];
    double sum = 0;
    for (size_t i = 1; i < n; i++)
        most = logits[i] > most ? logits[i] : most;
    for (size_t i = 0; i < n; i++)
        sum += exp((double)logits[i] - most);
    return most + log(sum);
}

/* The sequence, when it has the outputs of its last token. */
static ins1_status finished_sequence(ins1_session *session, int32_t seq, s1_sequence **out,
                                     const s1_call *call)
{
    ins1_status status = s1_session_sequence(session, seq, out, call);
    if (status == INS1_OK && !(*out)->has_logits)
        status =
            s1_fail(call->error, INS1_E_STATE,
                    "sequence %d of %zu tokens has no outputs: feed it first", seq, (*out)->length);
    return status;
}

static ins1_status refuse_rewards(const ins1_session *session, const s1_call *call)
{
    if (gives_rewards(session))
        return s1_fail(call->error, INS1_E_UNSUPPORTED,
                       "a reward checkpoint has rewards and no logits");
    return INS1_OK;
}

ins1_status ins1_session_logits(ins1_session *session, int32_t seq, const float **logits,
                                size_t *count, const ins1_call *given)
{
    s1_sequence *sequence = NULL;
    s1_call call;

    if (logits)
        *logits = NULL;
    if (count)
        *count = 0;
    ins1_status status = s1_session_enter(session, &call, given);
    if (status != INS1_OK)
        return status;
    status = need(logits && count, "logits and their number", &call);
    if (status == INS1_OK)
        status = refuse_rewards(session, &call);
    if (status == INS1_OK)
        status = finished_sequence(session, seq, &sequence, &call);
    if (status == INS1_OK) {
        *logits = sequence->logits;
        *count = session->n_outputs;
    }
    s1_session_leave(session);
    return status;
}

ins1_status ins1_session_reward(ins1_session *session, int32_t seq, float *out,
                                const ins1_call *given)
{
    s1_sequence *sequence = NULL;
    s1_call call;

    if (out)
        *out = 0;
    ins1_status status = s1_session_enter(session, &call, given);
    if (status != INS1_OK)
        return status;
    status = need(out, "a reward", &call);
    if (status == INS1_OK && !gives_rewards(session))
        status = s1_fail(call.error, INS1_E_UNSUPPORTED, "the checkpoint has no reward head");
    if (status == INS1_OK)
        status = finished_sequence(session, seq, &sequence, &call);
    if (status == INS1_OK)
        *out = sequence->logits[0];
    s1_session_leave(session);
    return status;
}

/* --- the best next tokens --- */

static bool is_better(ins1_logprob a, ins1_logprob b)
{
    return a.logprob > b.logprob || (a.logprob == b.logprob && a.token < b.token);
}

/* Best first, by insertion: k is small beside the vocabulary, and most tokens fail the first test.
 */
static void best_of(const float *logits, size_t n, ins1_logprob *out, size_t k)
{
    size_t held = 0;
    for (size_t i = 0; i < n; i++) {
        ins1_logprob next = { (int32_t)i, logits[i] };
        if (held == k && !is_better(next, out[k - 1]))
            continue;
        size_t at = held < k ? held++ : k - 1;
        for (; at > 0 && is_better(next, out[at - 1]); at--)
            out[at] = out[at - 1];
        out[at] = next;
    }
}

ins1_status ins1_session_logprobs(ins1_session *session, int32_t seq, size_t k, ins1_logprob *out,
                                  size_t capacity, size_t *count, const ins1_call *given)
{
    s1_sequence *sequence = NULL;
    s1_call call;

    if (count)
        *count = 0;
    ins1_status status = s1_session_enter(session, &call, given);
    if (status != INS1_OK)
        return status;
    status = need(count && (out || !capacity), "tokens or their number", &call);
    if (status == INS1_OK)
        status = refuse_rewards(session, &call);
    if (status == INS1_OK)
        status = finished_sequence(session, seq, &sequence, &call);
    if (status == INS1_OK) {
        *count = k < session->n_outputs ? k : session->n_outputs;
        size_t room = capacity < *count ? capacity : *count;
        if (room) {
            double all = s1_log_sum_exp(sequence->logits, session->n_outputs);
            best_of(sequence->logits, session->n_outputs, out, room);
            for (size_t i = 0; i < room; i++)
                out[i].logprob = (float)(out[i].logprob - all);
        }
        if (room < *count)
            status = s1_fail(call.error, INS1_E_BUFFER, "room for %zu tokens, %zu needed", capacity,
                             *count);
    }
    s1_session_leave(session);
    return status;
}

/* --- scores: rows are run behind the sequence and forgotten --- */

/* Called for each row that was run, in order, with its outputs. */
typedef void take_outputs(void *user, size_t row, const float *outputs);

/* Run `n` tokens after the sequence, give each one's outputs to `take`, and forget them. */
static ins1_status run_behind(ins1_session *session, int32_t seq, const int32_t *ids, size_t n,
                              take_outputs *take, void *user, const s1_call *call)
{
    size_t length = session->sequences[seq].length;
    size_t n_batch = (size_t)session->forward.sizes.n_batch;
    const s1_observer observer = session->observer;
    ins1_status status = INS1_OK;

    session->observer = (s1_observer){ 0 }; /* what is forgotten is not shown */
    for (size_t done = 0, count; status == INS1_OK && done < n; done += count) {
        count = n - done < n_batch ? n - done : n_batch;
        for (size_t i = 0; i < count; i++)
            session->rows[i] = (s1_row){ .seq = seq,
                                         .position = (int32_t)(length + done + i),
                                         .token = ids[done + i] };
        status = s1_call_check(call);
        if (status == INS1_OK)
            status = s1_session_run_rows(session, (int32_t)count, call);
        for (size_t at = 0; status == INS1_OK && at < count; at += S1_HEAD_ROWS) {
            int32_t picks[S1_HEAD_ROWS], m = 0;
            while (m < S1_HEAD_ROWS && at + (size_t)m < count) {
                picks[m] = (int32_t)at + m;
                m++;
            }
            status = s1_forward_head(&session->forward, picks, m, NULL, session->outputs, call);
            for (int32_t i = 0; status == INS1_OK && i < m; i++)
                take(user, done + at + (size_t)i,
                     session->outputs + (size_t)i * session->n_outputs);
        }
        if (status == INS1_OK)
            status = s1_call_progress(call, INS1_PHASE_SCORE, done + count, n);
    }
    session->observer = observer;
    s1_cache_truncate(&session->forward.cache, seq, length);
    return status;
}

static ins1_status check_candidate(const ins1_session *session, int32_t seq, const int32_t *ids,
                                   size_t n, size_t run, const s1_call *call)
{
    int32_t n_vocab = s1_session_config(session)->n_vocab;
    size_t length = session->sequences[seq].length, n_ctx = (size_t)session->forward.sizes.n_ctx;

    if (n && !ids)
        return s1_fail(call->error, INS1_E_ARGUMENT, "%zu ids at NULL", n);
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= n_vocab)
            return s1_fail(call->error, INS1_E_ARGUMENT,
                           "token %d at place %zu, the vocabulary has 0 to %d", ids[i], i,
                           n_vocab - 1);
    if (run > n_ctx - length)
        return s1_fail(call->error, INS1_E_FULL,
                       "sequence %d holds %zu tokens and cannot take %zu more, its context is %zu",
                       seq, length, run, n_ctx);
    return INS1_OK;
}

/* A call that fails leaves zeros. */
static void forget(float *logprobs, size_t n)
{
    if (logprobs && n)
        memset(logprobs, 0, n * sizeof(*logprobs));
}

typedef struct scoring {
    const int32_t *ids;
    float *logprobs; /* [n], or NULL: only the sum counts */
    double sum;
    size_t n_outputs;
} scoring;

static void score_token(scoring *s, size_t i, const float *logits)
{
    double logprob = logits[s->ids[i]] - s1_log_sum_exp(logits, s->n_outputs);
    if (s->logprobs)
        s->logprobs[i] = (float)logprob;
    s->sum += logprob;
}

/* The outputs of a row speak about the token after it. */
static void score_next(void *user, size_t row, const float *outputs)
{
    score_token(user, row + 1, outputs);
}

static ins1_status score_candidate(ins1_session *session, int32_t seq, scoring *s, size_t n,
                                   const s1_call *call)
{
    const s1_sequence *sequence = &session->sequences[seq];
    ins1_status status = check_candidate(session, seq, s->ids, n, n, call);
    if (status != INS1_OK || !n)
        return status;
    score_token(s, 0, sequence->logits);
    return run_behind(session, seq, s->ids, n - 1, score_next, s, call);
}

ins1_status ins1_session_score(ins1_session *session, int32_t seq, const int32_t *ids, size_t n_ids,
                               float *logprobs, const ins1_call *given)
{
    s1_sequence *sequence = NULL;
    s1_call call;

    forget(logprobs, n_ids);
    ins1_status status = s1_session_enter(session, &call, given);
    if (status != INS1_OK)
        return status;
    status = need(logprobs || !n_ids, "scores", &call);
    if (status == INS1_OK)
        status = refuse_rewards(session, &call);
    if (status == INS1_OK)
        status = finished_sequence(session, seq, &sequence, &call);
    if (status == INS1_OK) {
        scoring s = { .ids = ids, .logprobs = logprobs, .n_outputs = session->n_outputs };
        status = score_candidate(session, seq, &s, n_ids, &call);
    }
    if (status != INS1_OK)
        forget(logprobs, n_ids);
    s1_session_leave(session);
    return status;
}

static void keep_last(void *user, size_t row, const float *outputs)
{
    (void)row;
    *(float *)user = *outputs;
}

/* The reward of a candidate: the reward token is its last one, appended where it is not. */
static ins1_status reward_candidate(ins1_session *session, int32_t seq, const ins1_ids *candidate,
                                    float *reward, const s1_call *call)
{
    int32_t token = s1_session_config(session)->reward_token;
    size_t n = candidate->n_ids, run = n;
    int32_t *ids = NULL;
    ins1_status status;

    run += !n || !candidate->ids || candidate->ids[n - 1] != token;
    status = check_candidate(session, seq, candidate->ids, n, run, call);
    if (status != INS1_OK)
        return status;
    ids = s1_alloc_array(session->memory, run, sizeof(*ids), INS1_MEM_SCRATCH);
    if (!ids)
        return s1_out_of_memory(session->memory, run * sizeof(*ids), "ids", call->error);
    if (n)
        memcpy(ids, candidate->ids, n * sizeof(*ids));
    ids[run - 1] = token;
    status = run_behind(session, seq, ids, run, keep_last, reward, call);
    s1_free(session->memory, ids, run * sizeof(*ids), INS1_MEM_SCRATCH);
    return status;
}

static ins1_status score_all(ins1_session *session, int32_t seq, const ins1_ids *candidates,
                             size_t n, float *out, const s1_call *call)
{
    ins1_status status = INS1_OK;
    for (size_t i = 0; status == INS1_OK && i < n; i++) {
        if (gives_rewards(session)) {
            status = reward_candidate(session, seq, &candidates[i], &out[i], call);
            continue;
        }
        scoring s = { .ids = candidates[i].ids, .n_outputs = session->n_outputs };
        status = score_candidate(session, seq, &s, candidates[i].n_ids, call);
        out[i] = (float)s.sum;
    }
    return status;
}

ins1_status ins1_session_score_many(ins1_session *session, int32_t seq, const ins1_ids *candidates,
                                    size_t n, float *logprobs, const ins1_call *given)
{
    s1_sequence *sequence = NULL;
    s1_call call;

    forget(logprobs, n);
    ins1_status status = s1_session_enter(session, &call, given);
    if (status != INS1_OK)
        return status;
    if (n && (!candidates || !logprobs))
        status = s1_fail(call.error, INS1_E_ARGUMENT, "%zu candidates or their scores at NULL", n);
    else if (gives_rewards(session))
        status = s1_session_sequence(session, seq, &sequence, &call);
    else
        status = finished_sequence(session, seq, &sequence, &call);
    if (status == INS1_OK)
        status = score_all(session, seq, candidates, n, logprobs, &call);
    if (status != INS1_OK)
        forget(logprobs, n);
    s1_session_leave(session);
    return status;
}

/* --- embeddings --- */

static ins1_status make_embeds(ins1_embeds **out, ins1_session *session, const s1_sequence *s,
                               int32_t pooling, const s1_call *call)
{
    size_t width = (size_t)s1_session_config(session)->n_embd;
    size_t n = pooling == INS1_POOL_NONE ? s->length : 1;
    const ins1_embeds_info info = {
        .struct_size = sizeof(info),
        .dtype = INS1_DTYPE_F32,
        .n_tokens = n,
        .dim = width,
        .modality = INS1_MODALITY_TEXT,
    };
    float *values = s1_alloc_array(session->memory, n, width * sizeof(*values), INS1_MEM_OBJECT);
    if (!values)
        return s1_out_of_memory(session->memory, n * width * sizeof(*values), "embeddings",
                                call->error);

    if (s->all_hidden)
        s1_pool_rows(values, s->all_hidden, s->length, width, pooling);
    else
        memcpy(values, s->last_hidden, width * sizeof(*values));

    ins1_status status = s1_embeds_take(out, session->decoder->runtime, &info, values, call->error);
    if (status != INS1_OK)
        s1_free(session->memory, values, n * width * sizeof(*values), INS1_MEM_OBJECT);
    return status;
}

ins1_status ins1_session_embeds(ins1_embeds **out, ins1_session *session, int32_t seq,
                                int32_t pooling, const ins1_call *given)
{
    s1_sequence *sequence = NULL;
    s1_call call;

    if (out)
        *out = NULL;
    ins1_status status = s1_session_enter(session, &call, given);
    if (status != INS1_OK)
        return status;
    status = need(out, "embeddings", &call);
    if (status == INS1_OK)
        status = s1_session_sequence(session, seq, &sequence, &call);
    if (status == INS1_OK)
        status = s1_pool_check(pooling, call.error);
    if (status == INS1_OK && !sequence->length)
        status = s1_fail(call.error, INS1_E_STATE, "sequence %d is empty", seq);
    if (status == INS1_OK && !sequence->all_hidden &&
        (pooling != INS1_POOL_LAST || !sequence->has_logits))
        status = s1_fail(call.error, INS1_E_STATE,
                         "the hidden states were not kept: INS1_SESSION_KEEP_HIDDEN");
    if (status == INS1_OK)
        status = make_embeds(out, session, sequence, pooling, &call);
    s1_session_leave(session);
    return status;
}
