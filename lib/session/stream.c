#include "interns1/stream.h"

#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "session/choose.h"
#include "session/reply.h"
#include "session/sampler.h"
#include "session/session.h"
#include "session/stop.h"
#include "tokenizer/scratch.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/unicode.h"

#include <string.h>

/* A token waits here until an event speaks of its last byte. */
typedef struct waiting {
    ins1_logprob *tokens; /* [n] */
    uint64_t *ends;       /* [n]: its last byte is before this byte of the text */
    ins1_logprob *top;    /* [n][n_top] */
    size_t n, first;      /* the first waiting one is number `first` of the reply */
    size_t n_given;       /* of these: the last event's, gone with the next call */
    size_t capacity, ends_capacity, top_capacity;
} waiting;

struct ins1_stream {
    s1_guard guard;
    const ins1_allocator *memory;
    ins1_session *session; /* all four are kept */
    int32_t seq;
    ins1_tokenizer *tokenizer;
    ins1_sampler *sampler;

    size_t max_tokens, n_top;
    uint32_t flags; /* INS1_STREAM_* */
    ins1_detokenizer *detokenizer;
    s1_stop stop;
    s1_reply reply;
    uint64_t n_text; /* bytes that the detokenizer gave */
    waiting waiting;
    size_t n_accepted;
    int32_t end_reason; /* INS1_END_*, 0 while it goes on */
    bool is_closed;     /* it has ended and the parser knows */

    /* What a call that failed has done already. */
    bool has_pick, has_step;
    ins1_logprob pick; /* has_pick: chosen and not accepted */
    int32_t step;      /* has_step: accepted and not in the session */
};

/* --- life --- */

static void destroy(ins1_stream *s)
{
    if (!s)
        return;
    const ins1_allocator *memory = s->memory;
    waiting *w = &s->waiting;
    s1_scratch_free(memory, w->tokens, w->capacity, sizeof(*w->tokens), INS1_MEM_OBJECT);
    s1_scratch_free(memory, w->ends, w->ends_capacity, sizeof(*w->ends), INS1_MEM_OBJECT);
    s1_scratch_free(memory, w->top, w->top_capacity, sizeof(*w->top), INS1_MEM_OBJECT);
    s1_reply_finish(&s->reply);
    s1_stop_finish(&s->stop);
    ins1_detokenizer_release(s->detokenizer);
    s1_free(memory, s, sizeof(*s), INS1_MEM_OBJECT);
}

static ins1_status read_options(ins1_stream_options *out, const ins1_stream_options *given,
                                const ins1_session *session, ins1_error *error)
{
    ins1_status status = s1_struct_import(out, given, sizeof(*out), error);
    if (status != INS1_OK)
        return status;
    if (out->flags & ~INS1_STREAM_IGNORE_EOS)
        return s1_fail(error, INS1_E_VERSION, "stream flags 0x%x are too new", out->flags);
    if (out->n_top < 0 || (size_t)out->n_top > session->n_outputs)
        return s1_fail(error, INS1_E_ARGUMENT, "n_top is %d, the vocabulary has %zu", out->n_top,
                       session->n_outputs);
    return INS1_OK;
}

static ins1_status init(ins1_stream *s, const ins1_stream_options *options, const s1_call *call)
{
    s->max_tokens = options->max_tokens;
    s->n_top = (size_t)options->n_top;
    s->flags = options->flags;
    ins1_status status =
        s1_stop_init(&s->stop, s->memory, options->stop, options->n_stop, call->error);
    if (status == INS1_OK)
        status = s1_reply_init(&s->reply, s->memory, options->reply_flags, NULL, call->error);
    return status;
}

ins1_status ins1_stream_open(ins1_stream **out, ins1_session *session, int32_t seq,
                             ins1_tokenizer *tokenizer, ins1_sampler *sampler,
                             const ins1_stream_options *given, const ins1_call *given_call)
{
    ins1_stream_options options;
    ins1_stream *s = NULL;
    s1_sequence *sequence;
    s1_call call;
    ins1_status status = s1_call_begin(&call, given_call);

    if (out)
        *out = NULL;
    if (status == INS1_OK && (!out || !session || !tokenizer || !sampler))
        status = s1_fail(call.error, INS1_E_ARGUMENT,
                         "a stream needs a session, a tokenizer, a sampler and a place for it");
    if (status == INS1_OK)
        status = s1_session_sequence(session, seq, &sequence, &call);
    if (status == INS1_OK)
        status = read_options(&options, given, session, call.error);
    if (status != INS1_OK)
        return status;

    s = s1_alloc(session->memory, sizeof(*s), INS1_MEM_OBJECT);
    if (!s)
        return s1_out_of_memory(session->memory, sizeof(*s), "a stream", call.error);
    s->memory = session->memory;
    s->stop.memory = s->reply.memory = s->memory;
    s1_guard_leave(&s->guard);
    status = init(s, &options, &call);
    if (status == INS1_OK)
        status = ins1_detokenizer_create(&s->detokenizer, tokenizer, 0, given_call);
    if (status != INS1_OK) {
        destroy(s);
        return status;
    }

    s1_session_retain(session);
    ins1_tokenizer_retain(tokenizer);
    s1_sampler_retain(sampler);
    s->session = session;
    s->seq = seq;
    s->tokenizer = tokenizer;
    s->sampler = sampler;
    *out = s;
    return INS1_OK;
}

void ins1_stream_release(ins1_stream *stream)
{
    if (!stream)
        return;
    ins1_session *session = stream->session;
    ins1_tokenizer *tokenizer = stream->tokenizer;
    ins1_sampler *sampler = stream->sampler;
    destroy(stream);
    ins1_sampler_release(sampler);
    ins1_tokenizer_release(tokenizer);
    ins1_session_release(session);
}

/* --- a token comes in --- */

static bool grow(const ins1_allocator *memory, void *at, size_t *capacity, size_t need, size_t item)
{
    void *data;
    memcpy(&data, at, sizeof(data));
    bool has_room = s1_scratch_grow(memory, &data, capacity, need, item, INS1_MEM_OBJECT);
    memcpy(at, &data, sizeof(data));
    return has_room;
}

/* Forget what the last event spoke of, and make room for one more token. */
static ins1_status reserve_token(ins1_stream *s, ins1_error *error)
{
    waiting *w = &s->waiting;
    size_t left = w->n - w->n_given, need = left + 1;

    if (w->n_given) {
        memmove(w->tokens, w->tokens + w->n_given, left * sizeof(*w->tokens));
        memmove(w->ends, w->ends + w->n_given, left * sizeof(*w->ends));
        if (s->n_top)
            memmove(w->top, w->top + w->n_given * s->n_top, left * s->n_top * sizeof(*w->top));
    }
    w->first += w->n_given;
    w->n = left;
    w->n_given = 0;
    if (!grow(s->memory, &w->tokens, &w->capacity, need, sizeof(*w->tokens)) ||
        !grow(s->memory, &w->ends, &w->ends_capacity, need, sizeof(*w->ends)) ||
        (s->n_top && !grow(s->memory, &w->top, &w->top_capacity, need * s->n_top, sizeof(*w->top))))
        return s1_out_of_memory(s->memory, need * sizeof(*w->tokens), "the tokens of a reply",
                                error);
    return INS1_OK;
}

/* The token's text goes behind the text that is held; `*size` is how long it is. */
static ins1_status decode(ins1_stream *s, int32_t token, size_t *size, const s1_call *call)
{
    ins1_error why_not = { .struct_size = sizeof(why_not) };
    const ins1_call inner = { .struct_size = sizeof(inner), .error = &why_not };
    size_t room = 64;
    ins1_status status;
    do {
        status = s1_stop_reserve(&s->stop, room, &why_not);
        if (status == INS1_OK)
            status = ins1_detokenizer_push(s->detokenizer, &token, 1, s->stop.held + s->stop.n_held,
                                           room, size, &inner);
    } while (status == INS1_E_BUFFER && (room = *size));
    return status == INS1_OK ? status : s1_fail(call->error, status, "%s", why_not.text);
}

/* Does the text of a token end inside a character? Then its last byte comes with a later token's.
 */
static bool ends_inside(const ins1_tokenizer *tokenizer, int32_t token)
{
    const char *bytes;
    size_t size;
    if (ins1_tokenizer_piece(tokenizer, token, &bytes, &size, NULL, NULL) != INS1_OK)
        return false;
    for (size_t back = 1; back <= 3 && back <= size; back++) {
        uint32_t c;
        s1_utf8_read((const uint8_t *)bytes + size - back, back, &c);
        if (c == S1_UTF8_CUT)
            return true;
        if (((unsigned char)bytes[size - back] & 0xc0) != 0x80)
            return false;
    }
    return false;
}

/* Text that no stop string can claim any more goes to the parser. */
static ins1_status pass_text(ins1_stream *s, ins1_error *error)
{
    bool is_found;
    size_t n = s1_stop_free_bytes(&s->stop, s->end_reason != 0, &is_found);
    ins1_status status = n ? s1_reply_push(&s->reply, s->stop.held, n, error) : INS1_OK;
    if (status != INS1_OK)
        return status;
    s1_stop_take(&s->stop, n);
    if (is_found) {
        s->stop.n_held = 0;
        s->end_reason = INS1_END_STOP;
    }
    return INS1_OK;
}

/* Half a character that the detokenizer held back. */
static ins1_status flush(ins1_stream *s, ins1_error *error)
{
    const ins1_call inner = { .struct_size = sizeof(inner), .error = error };
    const size_t room = 16;
    size_t size = 0;
    ins1_status status = s1_stop_reserve(&s->stop, room, error);
    if (status == INS1_OK)
        status = ins1_detokenizer_flush(s->detokenizer, s->stop.held + s->stop.n_held, room, &size,
                                        &inner);
    s->stop.n_held += status == INS1_OK ? size : 0;
    return status;
}

/* Bring the parser up to date. May be repeated when memory ran out. */
static ins1_status settle(ins1_stream *s, ins1_error *error)
{
    ins1_status status = INS1_OK;
    if (s->end_reason && s->end_reason != INS1_END_STOP)
        status = flush(s, error);
    if (status == INS1_OK)
        status = pass_text(s, error);
    if (status == INS1_OK && s->end_reason) {
        status = s1_reply_close(&s->reply, error);
        s->is_closed = status == INS1_OK;
    }
    return status;
}

static void remember(ins1_stream *s, ins1_logprob token, uint64_t last_byte)
{
    waiting *w = &s->waiting;
    w->tokens[w->n] = token;
    w->ends[w->n] = last_byte;
    w->n++;
    s->n_accepted++;
}

/* What can fail comes before what counts the token; only `settle` comes behind, which can be
 * repeated. */
static ins1_status take_token(ins1_stream *s, ins1_logprob token, const s1_call *call)
{
    const ins1_call inner = { .struct_size = sizeof(inner), .error = call->error };
    const bool is_end = s1_tokenizer_is_end(s->tokenizer, token.token);
    size_t size = 0, n_top;

    ins1_status status = reserve_token(s, call->error);
    if (status == INS1_OK && s->n_top)
        status = ins1_session_logprobs(s->session, s->seq, s->n_top,
                                       s->waiting.top + s->waiting.n * s->n_top, s->n_top, &n_top,
                                       &inner);
    if (status == INS1_OK && !is_end)
        status = decode(s, token.token, &size, call);
    if (status == INS1_OK)
        status = ins1_sampler_accept(s->sampler, token.token, &inner);
    if (status != INS1_OK)
        return status;

    bool is_cut = !is_end && (!size || ends_inside(s->tokenizer, token.token));
    s->stop.n_held += size;
    s->n_text += size;
    bool is_over = is_end && !(s->flags & INS1_STREAM_IGNORE_EOS);
    remember(s, token, is_over ? UINT64_MAX : s->n_text + is_cut);
    s->has_pick = false;
    if (is_over)
        s->end_reason = INS1_END_EOS;
    else if (s->n_accepted == s->max_tokens)
        s->end_reason = INS1_END_LENGTH;
    return INS1_OK;
}

/* --- an event goes out --- */

static size_t tokens_until(const ins1_stream *s, const s1_reply_event *seen)
{
    const waiting *w = &s->waiting;
    size_t n = w->n_given;
    while (n < w->n && (seen->kind == INS1_EVENT_END || w->ends[n] <= seen->end))
        n++;
    return n;
}

static ins1_status give_event(ins1_stream *s, ins1_event *out, ins1_error *error)
{
    waiting *w = &s->waiting;
    s1_reply_event seen;
    ins1_status status = s1_reply_next(&s->reply, &seen, error);
    if (status != INS1_OK)
        return status;

    size_t begin = w->n_given;
    size_t until = seen.kind == INS1_EVENT_NONE ? begin : tokens_until(s, &seen);
    const ins1_event full = {
        .struct_size = sizeof(full),
        .kind = seen.kind,
        .end_reason = seen.kind == INS1_EVENT_END ? s->end_reason : 0,
        .tool_index = seen.tool_index,
        .text = seen.text,
        .size = seen.size,
        .first_token = w->first + begin,
        .n_tokens = until - begin,
        .tokens = until > begin ? w->tokens + begin : NULL,
        .top = s->n_top && until > begin ? w->top + begin * s->n_top : NULL,
        .n_top = s->n_top,
    };
    status = s1_struct_export(out, &full, sizeof(full), error);
    if (status == INS1_OK)
        w->n_given = until;
    return status;
}

/* --- the loop --- */

static ins1_status pick(ins1_stream *s, const s1_call *call)
{
    const ins1_call inner = s1_call_rest(call);
    const float *logits;
    size_t n;
    ins1_status status = ins1_session_logits(s->session, s->seq, &logits, &n, &inner);
    if (status == INS1_OK)
        status = ins1_sampler_pick(s->sampler, logits, n, &s->pick, &inner);
    s->has_pick = status == INS1_OK;
    return status;
}

/* The token that was accepted last goes into the session only when the next one is wanted, so that
 * its text is not late by one step. */
static ins1_status run_step(ins1_stream *s, const s1_call *call)
{
    ins1_error why_not = { .struct_size = sizeof(why_not) };
    ins1_call inner = s1_call_rest(call);
    const ins1_step one = { s->seq, s->step };
    inner.error = &why_not;
    ins1_status status = ins1_session_step(s->session, &one, 1, &inner);
    s->has_step = status != INS1_OK && status != INS1_E_FULL;
    if (status == INS1_E_FULL)
        s->end_reason = INS1_END_FULL;
    return s->has_step ? s1_fail(call->error, status, "%s", why_not.text) : INS1_OK;
}

static ins1_status next_token(ins1_stream *s, const s1_call *call)
{
    ins1_status status = s1_call_check(call);
    if (status == INS1_OK && s->has_step)
        status = run_step(s, call);
    if (status != INS1_OK || s->end_reason)
        return status;
    if (!s->has_pick)
        status = pick(s, call);
    if (status == INS1_OK)
        status = take_token(s, s->pick, call);
    if (status != INS1_OK)
        return status;
    s->step = s->pick.token;
    s->has_step = true;
    return INS1_OK;
}

static ins1_status enter(ins1_stream *s, ins1_event *event, s1_call *call, const ins1_call *given)
{
    ins1_status status = s1_call_begin(call, given);
    if (status != INS1_OK)
        return status;
    if (!s || !event)
        return s1_fail(call->error, INS1_E_ARGUMENT,
                       "the stream or the place for its event is NULL");
    /* An event that cannot be written must not be taken from the reply. */
    const ins1_event none = { .struct_size = sizeof(none) };
    status = s1_struct_export(event, &none, sizeof(none), call->error);
    if (status != INS1_OK)
        return status;
    return s1_guard_enter(&s->guard, call->error);
}

ins1_status ins1_stream_next(ins1_stream *stream, ins1_event *event, const ins1_call *given)
{
    s1_call call;
    ins1_status status = enter(stream, event, &call, given);
    if (status != INS1_OK)
        return status;
    for (;;) {
        status = give_event(stream, event, call.error);
        if (status != INS1_OK || event->kind != INS1_EVENT_NONE)
            break;
        if (!stream->end_reason)
            status = next_token(stream, &call);
        if (status == INS1_OK)
            status = settle(stream, call.error);
        if (status != INS1_OK)
            break;
    }
    s1_guard_leave(&stream->guard);
    return status;
}

static ins1_status take_given(ins1_stream *s, int32_t token, const s1_call *call)
{
    const ins1_call inner = s1_call_rest(call);
    const float *logits;
    size_t n;

    if (s->end_reason || s->has_step)
        return s1_fail(call->error, INS1_E_STATE,
                       s->end_reason ? "the reply has ended"
                                     : "ins1_stream_next has a token to feed first");
    ins1_status status = ins1_session_logits(s->session, s->seq, &logits, &n, &inner);
    if (status != INS1_OK)
        return status;
    if (token < 0 || (size_t)token >= n)
        return s1_fail(call->error, INS1_E_ARGUMENT, "token %d, the vocabulary has 0 to %zu", token,
                       n - 1);
    const ins1_logprob given = { token, s1_log_softmax(logits, n, token) };
    return take_token(s, given, call);
}

ins1_status ins1_stream_accept(ins1_stream *stream, int32_t token, ins1_event *event,
                               const ins1_call *given)
{
    s1_call call;
    ins1_status status = enter(stream, event, &call, given);
    if (status != INS1_OK)
        return status;
    if (token != -1)
        status = take_given(stream, token, &call);
    if (status == INS1_OK && !stream->is_closed)
        status = settle(stream, call.error);
    if (status == INS1_OK)
        status = give_event(stream, event, call.error);
    s1_guard_leave(&stream->guard);
    return status;
}
