/* The model's turn in a conversation, also when the device it computes on is lost. */

#include "talk.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* --- the prompt --- */

ins1_status talk_make_room(talk *t, size_t n_prompt)
{
    /* 0 lets the library choose; it never chooses less than this, nor more than the model's limit.
     */
    const size_t usual = 2048, spare = 1024;
    size_t n_ctx = 0;
    if (t->o->max_tokens > SIZE_MAX - n_prompt)
        n_ctx = SIZE_MAX; /* more than any context; said so where it is made */
    else if (t->o->max_tokens)
        n_ctx = n_prompt + (size_t)t->o->max_tokens;
    else if (n_prompt > usual)
        n_ctx = n_prompt + spare;
    t->room = n_prompt;
    ins1_status status = engine_session(t->e, t->s, n_ctx, 1, &t->session);
    if (status != INS1_E_DEVICE || !engine_uses_devices(t->e))
        return status;
    status = engine_leave_devices(t->e, t->s);
    return status == INS1_OK ? engine_session(t->e, t->s, n_ctx, 1, &t->session) : status;
}

/* Leave in the session what it has in common with the new ids, but never all of them: the last one
 * has to be computed for its logits. */
static ins1_status rewind_session(talk *t, const int32_t *ids, const void *const *rows, size_t n)
{
    size_t same = 0, kept = 0;
    while (same < t->n_ids && same + 1 < n && t->ids[same] == ids[same] &&
           t->rows[same] == rows[same])
        same++;
    ins1_status status = ins1_session_truncate(t->session, 0, same, &kept, &t->e->call);
    t->n_cached = kept;
    return status;
}

static size_t tokens_of(const ins1_span *span)
{
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    if (!span->embeds)
        return span->n_ids;
    if (span->count || ins1_embeds_info_get(span->embeds, &info, NULL) != INS1_OK)
        return span->count;
    return info.n_tokens - span->first;
}

/* Whose rows stand where. */
static void list_rows(const ins1_span *spans, size_t n_spans, const void **rows, size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i < n_spans; i++)
        for (size_t k = tokens_of(&spans[i]); k && at < n; k--)
            rows[at++] = spans[i].embeds;
}

/* The prompt without what the session holds already. */
static ins1_status feed_prompt(talk *t, const ins1_span *spans, size_t n_spans)
{
    ins1_span *rest = allocate(n_spans, sizeof(*rest));
    ins1_feed feed = INS1_INIT(ins1_feed);
    size_t skip = t->n_cached;

    for (size_t i = 0; i < n_spans; i++) {
        size_t n = tokens_of(&spans[i]), skipped = n < skip ? n : skip;
        ins1_span *span = &rest[feed.n_spans];
        skip -= skipped;
        if (n == skipped)
            continue;
        *span = spans[i];
        feed.n_spans++;
        if (span->embeds) {
            span->first += skipped;
            span->count = n - skipped;
        } else {
            span->ids += skipped;
            span->n_ids -= skipped;
        }
    }
    feed.spans = rest;
    ins1_status status = ins1_session_prefill(t->session, &feed, 1, NULL, &t->e->call);
    free(rest);
    return status;
}

/* What the prompt has become, where a device may be lost during the reply. */
static void keep_snapshot(talk *t)
{
    buffer *to = &t->snapshot;
    size_t size = 0;
    if (engine_uses_devices(t->e) &&
        ins1_session_save(t->session, 0, NULL, 0, &size, NULL) == INS1_E_BUFFER &&
        ins1_session_save(t->session, 0, text_room(to, size), size, &size, NULL) == INS1_OK)
        to->size = size;
}

/* The prompt is in the session: from its snapshot where there is one. */
static ins1_status fill_session(talk *t, const ins1_span *spans, size_t n_spans)
{
    if (t->snapshot.size)
        return ins1_session_restore(t->session, 0, t->snapshot.at, t->snapshot.size, &t->e->call);
    ins1_status status = feed_prompt(t, spans, n_spans);
    if (status == INS1_OK)
        keep_snapshot(t);
    return status;
}

static ins1_status take_prompt(talk *t, const ins1_prompt *prompt, uint32_t *reply_flags)
{
    ins1_prompt_info info = INS1_INIT(ins1_prompt_info);
    size_t n = 0;
    ins1_status status = ins1_prompt_info_get(prompt, &info, &t->e->call);
    if (status == INS1_OK && !t->session)
        status = talk_make_room(t, info.n_tokens > t->room ? info.n_tokens : t->room);
    if (status != INS1_OK)
        return status;

    int32_t *ids = allocate(info.n_tokens, sizeof(*ids));
    const void **rows = allocate(info.n_tokens, sizeof(*rows));
    const ins1_span *spans = NULL;
    size_t n_spans = 0;
    status = ins1_prompt_ids(prompt, ids, info.n_tokens, &n, &t->e->call);
    if (status == INS1_OK)
        status = ins1_prompt_spans(prompt, &spans, &n_spans, &t->e->call);
    if (status == INS1_OK) {
        list_rows(spans, n_spans, rows, n);
        status = rewind_session(t, ids, rows, n);
    }
    free(t->ids);
    free(t->rows);
    t->ids = ids;
    t->rows = rows;
    t->n_ids = t->n_prompt = n;
    *reply_flags = info.reply_flags;
    for (size_t i = 0; i < n && status == INS1_OK; i++)
        status = ins1_sampler_accept(t->sampler, ids[i], &t->e->call);
    return status == INS1_OK ? fill_session(t, spans, n_spans) : status;
}

/* --- the reply --- */

static ins1_status open_stream(talk *t, uint32_t reply_flags, ins1_stream **out)
{
    ins1_stream_options options = INS1_INIT(ins1_stream_options);
    ins1_text stop[MAX_LISTED];
    for (size_t i = 0; i < t->o->stop.n; i++)
        stop[i] = (ins1_text){ t->o->stop.at[i], strlen(t->o->stop.at[i]) };
    options.reply_flags = reply_flags;
    options.max_tokens = (size_t)t->o->max_tokens;
    options.stop = stop;
    options.n_stop = t->o->stop.n;
    return ins1_stream_open(out, t->session, 0, t->e->tokenizer, t->sampler, &options, &t->e->call);
}

static void keep_ids(talk *t, const ins1_event *event)
{
    t->ids = reallocate(t->ids, t->n_ids + event->n_tokens, sizeof(*t->ids));
    t->rows = reallocate(t->rows, t->n_ids + event->n_tokens, sizeof(*t->rows));
    for (size_t i = 0; i < event->n_tokens && event->tokens; i++) {
        t->rows[t->n_ids] = NULL;
        t->ids[t->n_ids++] = event->tokens[i].token;
    }
    t->n_reply += event->n_tokens;
}

/* How much an event shows: the bytes of texts, and one for each end of a tool call. */
static size_t extent_of(const ins1_event *event)
{
    if (event->kind == INS1_EVENT_TOOL_BEGIN || event->kind == INS1_EVENT_TOOL_END)
        return 1;
    return event->size;
}

/* Of an event, what was not shown before. */
static void pass_on(talk *t, const ins1_event *event, talk_show_fn *show, void *user)
{
    ins1_event rest = *event;
    size_t extent = extent_of(event), again = extent < t->n_again ? extent : t->n_again;

    keep_ids(t, event);
    t->n_again -= again;
    t->n_shown += extent - again;
    if (again && again == extent)
        return;
    if (again) {
        rest.text += again;
        rest.size -= again;
    }
    show(user, &rest);
}

static ins1_status follow(talk *t, ins1_stream *stream, talk_show_fn *show, void *user)
{
    ins1_event event = INS1_INIT(ins1_event);
    ins1_status status;
    do {
        status = ins1_stream_next(stream, &event, &t->e->call);
        if (status != INS1_OK)
            break;
        pass_on(t, &event, show, user);
    } while (event.kind != INS1_EVENT_END);
    t->end = status == INS1_OK ? event.end_reason : 0;
    return status;
}

/* --- a device is lost --- */

/* One token of the reply so far: to the stream with the draw that it took, then to the session. */
static ins1_status say_again(talk *t, ins1_stream *stream, int32_t token, talk_show_fn *show,
                             void *user)
{
    const ins1_step step = { 0, token };
    ins1_event event = INS1_INIT(ins1_event);
    ins1_logprob drawn;
    const float *logits;
    size_t n = 0;

    ins1_status status = ins1_session_logits(t->session, 0, &logits, &n, &t->e->call);
    if (status == INS1_OK)
        status = ins1_sampler_pick(t->sampler, logits, n, &drawn, &t->e->call);
    while (status == INS1_OK) {
        status = ins1_stream_accept(stream, token, &event, &t->e->call);
        if (status != INS1_OK || event.kind == INS1_EVENT_NONE)
            break;
        pass_on(t, &event, show, user);
        token = -1;
    }
    return status == INS1_OK ? ins1_session_step(t->session, &step, 1, &t->e->call) : status;
}

/* A session on the CPU that is where the lost one was. */
static ins1_status go_on_with_cpu(talk *t, const ins1_prompt *prompt, ins1_stream **stream,
                                  talk_show_fn *show, void *user)
{
    size_t n = t->n_reply;
    uint32_t reply_flags = 0;
    int32_t *said = allocate(n, sizeof(*said));
    for (size_t i = 0; i < n; i++)
        said[i] = t->ids[t->n_prompt + i];

    ins1_stream_release(*stream);
    ins1_session_release(t->session);
    *stream = NULL;
    t->session = NULL;
    t->n_ids = t->n_reply = 0;
    t->n_again = t->n_shown;
    ins1_status status = engine_leave_devices(t->e, t->s);
    if (status == INS1_OK)
        status = ins1_sampler_reset(t->sampler, t->o->seed, &t->e->call);
    if (status == INS1_OK)
        status = take_prompt(t, prompt, &reply_flags);
    if (status == INS1_OK)
        status = open_stream(t, reply_flags, stream);
    for (size_t i = 0; i < n && status == INS1_OK; i++)
        status = say_again(t, *stream, said[i], show, user);
    free(said);
    return status == INS1_OK ? follow(t, *stream, show, user) : status;
}

ins1_status talk_reply(talk *t, const ins1_prompt *prompt, talk_show_fn *show, void *user)
{
    ins1_stream *stream = NULL;
    uint32_t reply_flags = 0;
    double begin = now();

    t->n_prompt = t->n_reply = t->n_cached = 0;
    t->n_shown = t->n_again = t->snapshot.size = 0;
    t->end = 0;
    ins1_status status = take_prompt(t, prompt, &reply_flags);
    t->prompt_s = now() - begin;
    begin = now();
    if (status == INS1_OK)
        status = open_stream(t, reply_flags, &stream);
    if (status == INS1_OK)
        status = follow(t, stream, show, user);
    if (status == INS1_E_DEVICE && engine_uses_devices(t->e))
        status = go_on_with_cpu(t, prompt, &stream, show, user);
    t->reply_s = now() - begin;
    ins1_stream_release(stream);
    if (status != INS1_OK)
        t->n_ids = 0; /* what the session holds now is not worth knowing */
    return status;
}
