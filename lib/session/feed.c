/* What goes into a session: prefill and step. */

#include "base/struct.h"
#include "runtime/embeds.h"
#include "session/session.h"

#include <string.h>

/* --- reading what the caller gives --- */

static ins1_status read_span(ins1_span *out, const ins1_span *spans, size_t i, const s1_call *call)
{
    ins1_status status = s1_struct_import(out, s1_struct_at(spans, i), sizeof(*out), call->error);
    if (status == INS1_OK && out->flags)
        status = s1_fail(call->error, INS1_E_VERSION, "span flags 0x%x are too new", out->flags);
    return status;
}

static ins1_status read_feed(ins1_feed *out, const ins1_feed *feeds, size_t i, const s1_call *call)
{
    ins1_status status = s1_struct_import(out, s1_struct_at(feeds, i), sizeof(*out), call->error);
    if (status == INS1_OK && out->n_spans && !out->spans)
        status = s1_fail(call->error, INS1_E_ARGUMENT, "feed %zu has %zu spans at NULL", i,
                         out->n_spans);
    return status;
}

static ins1_status check_ids(const s1_decoder_config *config, const int32_t *ids, size_t n,
                             const s1_call *call)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= config->n_vocab)
            return s1_fail(call->error, INS1_E_ARGUMENT,
                           "token %d at place %zu, the vocabulary has 0 to %d", ids[i], i,
                           config->n_vocab - 1);
    return INS1_OK;
}

/* Tokens of a span, after every claim in it was checked. */
static ins1_status check_span(const s1_decoder_config *config, const ins1_span *span, size_t *n,
                              const s1_call *call)
{
    *n = 0;
    if (span->embeds) {
        size_t rows, width;
        s1_embeds_values(span->embeds, &rows, &width);
        if (span->ids || span->n_ids)
            return s1_fail(call->error, INS1_E_ARGUMENT, "a span has both ids and embeddings");
        if (width != (size_t)config->n_embd)
            return s1_fail(call->error, INS1_E_ARGUMENT,
                           "embeddings of %zu values, the decoder takes %d", width, config->n_embd);
        if (span->first > rows || span->count > rows - span->first)
            return s1_fail(call->error, INS1_E_ARGUMENT,
                           "rows %zu and %zu more of embeddings that have %zu", span->first,
                           span->count, rows);
        *n = span->count ? span->count : rows - span->first;
        return INS1_OK;
    }
    if (!span->ids)
        return s1_fail(call->error, INS1_E_ARGUMENT,
                       "a span has neither embeddings nor ids, of which it says %zu", span->n_ids);
    *n = span->n_ids;
    return check_ids(config, span->ids, span->n_ids, call);
}

static ins1_status take_sequence(ins1_session *session, int32_t seq, s1_sequence **out,
                                 const s1_call *call)
{
    ins1_status status = s1_session_sequence(session, seq, out, call);
    if (status == INS1_OK && session->taken[seq])
        status = s1_fail(call->error, INS1_E_ARGUMENT, "sequence %d is named twice", seq);
    if (status == INS1_OK)
        session->taken[seq] = true;
    return status;
}

static ins1_status check_room(const ins1_session *session, int32_t seq, size_t more,
                              const s1_call *call)
{
    size_t length = session->sequences[seq].length, n_ctx = (size_t)session->forward.sizes.n_ctx;
    if (more > n_ctx - length)
        return s1_fail(call->error, INS1_E_FULL,
                       "sequence %d holds %zu tokens and cannot take %zu more, its context is %zu",
                       seq, length, more, n_ctx);
    return INS1_OK;
}

static ins1_status check_feed(ins1_session *session, const ins1_feed *feed, size_t *total,
                              const s1_call *call)
{
    s1_sequence *sequence = NULL;
    size_t more = 0;
    ins1_status status = take_sequence(session, feed->seq, &sequence, call);
    for (size_t i = 0; status == INS1_OK && i < feed->n_spans; i++) {
        ins1_span span;
        size_t n;
        status = read_span(&span, feed->spans, i, call);
        if (status == INS1_OK)
            status = check_span(s1_session_config(session), &span, &n, call);
        if (status == INS1_OK && n > SIZE_MAX - more)
            status = s1_fail(call->error, INS1_E_ARGUMENT, "feed of more tokens than fit a size");
        if (status == INS1_OK)
            more += n;
    }
    if (status == INS1_OK)
        status = check_room(session, feed->seq, more, call);
    if (status != INS1_OK)
        return status;
    sequence->start = sequence->length;
    sequence->had_logits = sequence->has_logits;
    *total += more;
    return INS1_OK;
}

static ins1_status check_feeds(ins1_session *session, const ins1_feed *feeds, size_t n_feeds,
                               size_t *total, const s1_call *call)
{
    ins1_status status = INS1_OK;
    *total = 0;
    if (n_feeds && !feeds)
        return s1_fail(call->error, INS1_E_ARGUMENT, "%zu feeds at NULL", n_feeds);
    if (n_feeds > (size_t)session->forward.sizes.n_seq)
        return s1_fail(call->error, INS1_E_ARGUMENT, "%zu feeds, the session has %d sequences",
                       n_feeds, session->forward.sizes.n_seq);
    memset(session->taken, 0, (size_t)session->forward.sizes.n_seq * sizeof(*session->taken));
    for (size_t i = 0; status == INS1_OK && i < n_feeds; i++) {
        ins1_feed feed;
        status = read_feed(&feed, feeds, i, call);
        if (status == INS1_OK)
            status = check_feed(session, &feed, total, call);
    }
    return status;
}

/* --- running rows --- */

ins1_status s1_session_run_rows(ins1_session *session, int32_t n, const s1_call *call)
{
    s1_forward *forward = &session->forward;
    const s1_row *rows = session->rows;
    ins1_status status = INS1_OK;

    for (int32_t begin = 0, end; status == INS1_OK && begin < n; begin = end) {
        for (end = begin + 1; end < n && rows[end].seq == rows[begin].seq; end++)
            ;
        status = s1_cache_reserve(&forward->cache, rows[begin].seq, (size_t)rows[begin].position,
                                  (size_t)rows[end - 1].position + 1, call);
    }
    if (status == INS1_OK)
        status = s1_forward_run(forward, rows, n, &session->observer, call);
    return status;
}

static void put_back_pages(ins1_session *session)
{
    for (int32_t i = 0; i < session->forward.sizes.n_seq; i++)
        s1_cache_truncate(&session->forward.cache, i, session->sequences[i].length);
}

static ins1_status show_logits(ins1_session *session, const s1_row *rows, size_t n,
                               const s1_call *call)
{
    for (size_t i = 0; i < n; i++) {
        const ins1_observation seen = {
            .struct_size = sizeof(seen),
            .what = INS1_OBSERVE_LOGITS,
            .seq = rows[i].seq,
            .layer = s1_session_config(session)->n_layer,
            .first = (size_t)rows[i].position,
            .n_tokens = 1,
            .width = session->n_outputs,
            .values = session->outputs + i * session->n_outputs,
        };
        int32_t answer = session->observer.callback(session->observer.user, &seen);
        if (answer)
            return s1_fail(call->error, INS1_E_CALLBACK, "the observer answered %d", answer);
    }
    return INS1_OK;
}

/* Heads of rows [first, first + n) of the last run, at most S1_HEAD_ROWS, into line `line` of
 * outputs and hidden. */
static ins1_status run_head(ins1_session *session, int32_t first, int32_t n, size_t line,
                            bool wants_logits, const s1_call *call)
{
    int32_t picks[S1_HEAD_ROWS];
    size_t n_embd = (size_t)s1_session_config(session)->n_embd;
    for (int32_t i = 0; i < n; i++)
        picks[i] = first + i;
    return s1_forward_head(&session->forward, picks, n, session->hidden + line * n_embd,
                           wants_logits ? session->outputs + line * session->n_outputs : NULL,
                           call);
}

/* What is kept of every row and not only of the last: hidden states, observed logits. */
static ins1_status keep_rows(ins1_session *session, int32_t n, const s1_call *call)
{
    bool wants_logits = session->observer.mask & INS1_OBSERVE_LOGITS;
    size_t n_embd = (size_t)s1_session_config(session)->n_embd;
    ins1_status status = INS1_OK;

    if (!wants_logits && !(session->flags & INS1_SESSION_KEEP_HIDDEN))
        return INS1_OK;
    for (int32_t at = 0, count; status == INS1_OK && at < n; at += count) {
        const s1_row *rows = session->rows + at;
        count = n - at < S1_HEAD_ROWS ? n - at : S1_HEAD_ROWS;
        status = run_head(session, at, count, 0, wants_logits, call);
        if (status == INS1_OK && wants_logits)
            status = show_logits(session, rows, (size_t)count, call);
        if (status != INS1_OK || !(session->flags & INS1_SESSION_KEEP_HIDDEN))
            continue;
        for (int32_t i = 0; i < count; i++)
            memcpy(session->sequences[rows[i].seq].all_hidden + (size_t)rows[i].position * n_embd,
                   session->hidden + (size_t)i * n_embd, n_embd * sizeof(float));
    }
    return status;
}

static void store_head(ins1_session *session, int32_t seq, size_t line)
{
    s1_sequence *s = &session->sequences[seq];
    size_t n_embd = (size_t)s1_session_config(session)->n_embd;
    memcpy(s->logits, session->outputs + line * session->n_outputs,
           session->n_outputs * sizeof(float));
    memcpy(s->last_hidden, session->hidden + line * n_embd, n_embd * sizeof(float));
    s->has_logits = true;
}

/* --- prefill --- */

/* A walk over all tokens of all feeds. */
typedef struct cursor {
    const ins1_feed *feeds;
    size_t n_feeds, next_feed, next_span;
    ins1_feed feed;
    size_t left;     /* tokens of this feed that were not handed out */
    size_t position; /* of the next one in its sequence */
    ins1_span span;
    size_t at, count; /* in this span */
} cursor;

static ins1_status next_feed(ins1_session *session, cursor *c, const s1_call *call)
{
    ins1_status status = read_feed(&c->feed, c->feeds, c->next_feed++, call);
    c->next_span = c->at = c->count = c->left = 0;
    for (size_t i = 0; status == INS1_OK && i < c->feed.n_spans; i++) {
        size_t n = 0;
        status = read_span(&c->span, c->feed.spans, i, call);
        if (status == INS1_OK)
            status = check_span(s1_session_config(session), &c->span, &n, call);
        c->left += n;
    }
    c->position = session->sequences[c->feed.seq].length;
    return status;
}

static ins1_status next_span(ins1_session *session, cursor *c, const s1_call *call)
{
    ins1_status status = read_span(&c->span, c->feed.spans, c->next_span++, call);
    c->at = 0;
    if (status == INS1_OK)
        status = check_span(s1_session_config(session), &c->span, &c->count, call);
    return status;
}

/* The next token; `*row` has seq -1 when there are none left. */
static ins1_status next_row(ins1_session *session, cursor *c, s1_row *row, const s1_call *call)
{
    ins1_status status = INS1_OK;
    *row = (s1_row){ .seq = -1 };
    while (status == INS1_OK && !c->left && c->next_feed < c->n_feeds)
        status = next_feed(session, c, call);
    if (status != INS1_OK || !c->left)
        return status;
    while (status == INS1_OK && c->at == c->count)
        status = next_span(session, c, call);
    if (status != INS1_OK)
        return status;

    row->seq = c->feed.seq;
    row->position = (int32_t)c->position++;
    if (c->span.embeds) {
        size_t rows, width;
        const float *values = s1_embeds_values(c->span.embeds, &rows, &width);
        row->embedding = values + (c->span.first + c->at) * width;
    } else {
        row->token = c->span.ids[c->at];
    }
    c->at++;
    c->left--;
    return INS1_OK;
}

/* Rows of a batch after which a feed has ended. */
typedef struct ends {
    int32_t row[S1_HEAD_ROWS];
    int32_t n;
} ends;

/* Stops when the batch is full, and when as many feeds have ended as one head call takes. */
static ins1_status fill_batch(ins1_session *session, cursor *c, int32_t *n, ends *last,
                              const s1_call *call)
{
    last->n = 0;
    for (*n = 0; *n < session->forward.sizes.n_batch && last->n < S1_HEAD_ROWS; ++*n) {
        ins1_status status = next_row(session, c, &session->rows[*n], call);
        if (status != INS1_OK)
            return status;
        if (session->rows[*n].seq < 0)
            break;
        if (!c->left)
            last->row[last->n++] = *n;
    }
    return INS1_OK;
}

static ins1_status run_batch(ins1_session *session, int32_t n, const ends *last,
                             const s1_call *call)
{
    ins1_status status = s1_session_run_rows(session, n, call);
    if (status == INS1_OK)
        status = keep_rows(session, n, call);
    if (status == INS1_OK && last->n)
        status = s1_forward_head(&session->forward, last->row, last->n, session->hidden,
                                 session->outputs, call);
    if (status != INS1_OK) {
        put_back_pages(session);
        return status;
    }
    for (int32_t i = 0; i < n; i++) {
        s1_sequence *s = &session->sequences[session->rows[i].seq];
        s->length++;
        s->has_logits = false;
    }
    for (int32_t i = 0; i < last->n; i++)
        store_head(session, session->rows[last->row[i]].seq, (size_t)i);
    return INS1_OK;
}

static ins1_status run_feeds(ins1_session *session, const ins1_feed *feeds, size_t n_feeds,
                             size_t total, const s1_call *call)
{
    cursor c = { .feeds = feeds, .n_feeds = n_feeds };
    ins1_status status = INS1_OK;
    for (size_t fed = 0; status == INS1_OK && fed < total;) {
        ends last;
        int32_t n;
        status = s1_call_check(call);
        if (status == INS1_OK)
            status = fill_batch(session, &c, &n, &last, call);
        if (status == INS1_OK)
            status = run_batch(session, n, &last, call);
        if (status == INS1_OK) {
            fed += (size_t)n;
            status = s1_call_progress(call, INS1_PHASE_PREFILL, fed, total);
        }
    }
    return status;
}

/* A failure in a later batch takes back the earlier ones. Logits from before are still there unless
 * the feed had ended. */
static void take_back(ins1_session *session, const ins1_feed *feeds, size_t n_feeds)
{
    for (size_t i = 0; i < n_feeds; i++) {
        const ins1_feed *feed = s1_struct_at(feeds, i);
        s1_sequence *s = &session->sequences[feed->seq];
        if (s->length == s->start)
            continue;
        s->has_logits = s->had_logits && !s->has_logits;
        s->length = s->start;
    }
    put_back_pages(session);
}

/* Called before and after: the difference is what was fed. */
static void count_done(const ins1_session *session, const ins1_feed *feeds, size_t n_feeds,
                       size_t *done)
{
    for (size_t i = 0; done && i < n_feeds; i++) {
        const ins1_feed *feed = s1_struct_at(feeds, i);
        done[i] = session->sequences[feed->seq].length - done[i];
    }
}

ins1_status ins1_session_prefill(ins1_session *session, const ins1_feed *feeds, size_t n_feeds,
                                 size_t *done, const ins1_call *given)
{
    s1_call call;
    size_t total;

    for (size_t i = 0; done && i < n_feeds; i++)
        done[i] = 0;
    ins1_status status = s1_session_enter(session, &call, given);
    if (status != INS1_OK)
        return status;
    status = check_feeds(session, feeds, n_feeds, &total, &call);
    if (status == INS1_OK) {
        count_done(session, feeds, n_feeds, done);
        status = run_feeds(session, feeds, n_feeds, total, &call);
        if (status != INS1_OK && status != INS1_E_CANCELED && status != INS1_E_DEADLINE)
            take_back(session, feeds, n_feeds);
        count_done(session, feeds, n_feeds, done);
    }
    s1_session_leave(session);
    return status;
}

/* --- step --- */

static ins1_status check_steps(ins1_session *session, const ins1_step *steps, size_t n_steps,
                               const s1_call *call)
{
    ins1_status status = INS1_OK;
    if (n_steps && !steps)
        return s1_fail(call->error, INS1_E_ARGUMENT, "%zu steps at NULL", n_steps);
    if (n_steps > (size_t)session->forward.sizes.n_seq)
        return s1_fail(call->error, INS1_E_ARGUMENT, "%zu steps, the session has %d sequences",
                       n_steps, session->forward.sizes.n_seq);
    memset(session->taken, 0, (size_t)session->forward.sizes.n_seq * sizeof(*session->taken));
    for (size_t i = 0; status == INS1_OK && i < n_steps; i++) {
        s1_sequence *sequence = NULL;
        status = take_sequence(session, steps[i].seq, &sequence, call);
        if (status == INS1_OK)
            status = check_ids(s1_session_config(session), &steps[i].token, 1, call);
        if (status == INS1_OK)
            status = check_room(session, steps[i].seq, 1, call);
        if (status == INS1_OK)
            session->rows[i] = (s1_row){ .seq = steps[i].seq,
                                         .position = (int32_t)sequence->length,
                                         .token = steps[i].token };
    }
    return status;
}

/* All heads lie in `outputs` before the first sequence changes. */
static ins1_status run_steps(ins1_session *session, int32_t n, const s1_call *call)
{
    ins1_status status = s1_call_check(call);
    if (status == INS1_OK)
        status = s1_session_run_rows(session, n, call);
    if (status == INS1_OK)
        status = keep_rows(session, n, call);
    for (int32_t at = 0; status == INS1_OK && at < n; at += S1_HEAD_ROWS)
        status = run_head(session, at, n - at < S1_HEAD_ROWS ? n - at : S1_HEAD_ROWS, (size_t)at,
                          true, call);
    if (status != INS1_OK) {
        put_back_pages(session);
        return status;
    }
    for (int32_t i = 0; i < n; i++) {
        session->sequences[session->rows[i].seq].length++;
        store_head(session, session->rows[i].seq, (size_t)i);
    }
    return INS1_OK;
}

ins1_status ins1_session_step(ins1_session *session, const ins1_step *steps, size_t n_steps,
                              const ins1_call *given)
{
    s1_call call;
    ins1_status status = s1_session_enter(session, &call, given);
    if (status != INS1_OK)
        return status;
    status = check_steps(session, steps, n_steps, &call);
    if (status == INS1_OK && n_steps)
        status = run_steps(session, (int32_t)n_steps, &call);
    s1_session_leave(session);
    return status;
}
