#include "talk.h"

#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* --- the sampler --- */

/* A number of generation_config.json, `otherwise` when it has none. */
static double default_of(engine *e, const char *key, double otherwise)
{
    const char *value = NULL;
    size_t size = 0;
    json number;
    double out = otherwise;
    buffer path = { 0 };

    text_printf(&path, "generation_config.json/%s", key);
    if (ins1_model_meta(e->model, path.at, &value, &size, &e->call) == INS1_OK && value &&
        json_parse(&number, value, size, &e->error) == INS1_OK) {
        if (number.kind == JSON_TRUE || number.kind == JSON_FALSE)
            out = number.kind == JSON_TRUE;
        else
            json_real(&number, &out);
        json_free(&number);
    }
    text_free(&path);
    return out;
}

static float chosen(engine *e, float given, const char *key, double otherwise)
{
    return isnan(given) ? (float)default_of(e, key, otherwise) : given;
}

static ins1_status make_sampler(talk *t)
{
    const talk_options *o = t->o;
    ins1_sampler_options options = INS1_INIT(ins1_sampler_options);
    bool samples = default_of(t->e, "do_sample", 0) != 0;

    options.temperature =
        isnan(o->temperature) && !samples ? 0 : chosen(t->e, o->temperature, "temperature", 1);
    options.top_p = chosen(t->e, o->top_p, "top_p", 0);
    options.min_p = chosen(t->e, o->min_p, "min_p", 0);
    options.top_k = o->top_k < 0 ? (int32_t)default_of(t->e, "top_k", 50) : o->top_k;
    options.repeat_penalty = chosen(t->e, o->repeat_penalty, "repetition_penalty", 0);
    options.frequency_penalty = o->frequency_penalty;
    options.presence_penalty = o->presence_penalty;
    options.repeat_last = o->repeat_last;
    options.seed = o->seed;
    options.tokenizer = t->e->tokenizer;
    return ins1_sampler_create(&t->sampler, t->e->runtime, &options, &t->e->call);
}

/* --- the messages --- */

ins1_status talk_begin(talk *t, engine *e, const settings *s, const talk_options *o)
{
    *t = (talk){ .e = e, .s = s, .o = o };
    ins1_status status = make_sampler(t);
    if (status == INS1_OK && o->system)
        talk_add(t, "system", o->system, strlen(o->system));
    return status;
}

static void drop_messages(talk *t)
{
    for (size_t i = 0; i < t->n_messages; i++) {
        struct talk_message *m = &t->messages[i];
        for (size_t k = 0; k < m->n_media; k++)
            ins1_embeds_release(m->media[k].embeds);
        free(m->media);
        free(m->text);
    }
    free(t->messages);
    t->messages = NULL;
    t->n_messages = 0;
    /* What comes from embeddings that are gone is not found again. */
    for (size_t i = 0; i < t->n_ids; i++)
        if (t->rows[i])
            t->n_ids = i;
}

void talk_end(talk *t)
{
    drop_messages(t);
    free(t->ids);
    free(t->rows);
    ins1_session_release(t->session);
    ins1_sampler_release(t->sampler);
}

ins1_status talk_restart(talk *t, const char *system, size_t system_size)
{
    drop_messages(t);
    if (system)
        talk_add(t, "system", system, system_size);
    return ins1_sampler_reset(t->sampler, t->o->seed, &t->e->call);
}

void talk_add(talk *t, const char *role, const char *text, size_t size)
{
    buffer copy = { 0 };
    text_add(&copy, text, size);
    t->messages = reallocate(t->messages, t->n_messages + 1, sizeof(*t->messages));
    t->messages[t->n_messages++] =
        (struct talk_message){ .role = role, .text = copy.at, .size = size };
}

void talk_attach(talk *t, int32_t modality, ins1_embeds *embeds)
{
    struct talk_message *m = &t->messages[t->n_messages - 1];
    m->media = reallocate(m->media, m->n_media + 1, sizeof(*m->media));
    ins1_part *part = &m->media[m->n_media++];
    *part = (ins1_part)INS1_INIT(ins1_part);
    part->kind = modality;
    part->embeds = embeds;
}

ins1_status talk_prompt(talk *t, int32_t thinking, ins1_prompt **out)
{
    ins1_chat_options options = INS1_INIT(ins1_chat_options);
    ins1_message *messages = allocate(t->n_messages, sizeof(*messages));
    size_t n_parts = t->n_messages;

    for (size_t i = 0; i < t->n_messages; i++)
        n_parts += t->messages[i].n_media;
    ins1_part *parts = allocate(n_parts, sizeof(*parts)), *part = parts;
    for (size_t i = 0; i < t->n_messages; i++) {
        const struct talk_message *m = &t->messages[i];
        messages[i] = (ins1_message)INS1_INIT(ins1_message);
        messages[i].role = m->role;
        messages[i].parts = part;
        messages[i].n_parts = m->n_media + 1;
        for (size_t k = 0; k < m->n_media; k++)
            *part++ = m->media[k];
        *part = (ins1_part)INS1_INIT(ins1_part);
        part->kind = INS1_MODALITY_TEXT;
        part->text = m->text;
        part++->size = m->size;
    }
    options.thinking = thinking;
    options.add_generation_prompt = INS1_CHAT_ON;
    ins1_status status =
        ins1_prompt_create(out, t->e->tokenizer, messages, t->n_messages, &options, &t->e->call);
    free(parts);
    free(messages);
    return status;
}

/* --- the model's turn --- */

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
    return engine_session(t->e, t->s, n_ctx, 1, &t->session);
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

static ins1_status take_prompt(talk *t, const ins1_prompt *prompt, uint32_t *reply_flags)
{
    ins1_prompt_info info = INS1_INIT(ins1_prompt_info);
    size_t n = 0;
    ins1_status status = ins1_prompt_info_get(prompt, &info, &t->e->call);
    if (status == INS1_OK && !t->session)
        status = talk_make_room(t, info.n_tokens);
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
    return status == INS1_OK ? feed_prompt(t, spans, n_spans) : status;
}

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

static ins1_status follow(talk *t, ins1_stream *stream, talk_show_fn *show, void *user)
{
    ins1_event event = INS1_INIT(ins1_event);
    ins1_status status;
    do {
        status = ins1_stream_next(stream, &event, &t->e->call);
        if (status != INS1_OK)
            break;
        keep_ids(t, &event);
        show(user, &event);
    } while (event.kind != INS1_EVENT_END);
    t->end = status == INS1_OK ? event.end_reason : 0;
    return status;
}

ins1_status talk_reply(talk *t, const ins1_prompt *prompt, talk_show_fn *show, void *user)
{
    ins1_stream *stream = NULL;
    uint32_t reply_flags = 0;
    double begin = now();

    t->n_prompt = t->n_reply = t->n_cached = 0;
    t->end = 0;
    ins1_status status = take_prompt(t, prompt, &reply_flags);
    t->prompt_s = now() - begin;
    begin = now();
    if (status == INS1_OK)
        status = open_stream(t, reply_flags, &stream);
    if (status == INS1_OK)
        status = follow(t, stream, show, user);
    t->reply_s = now() - begin;
    ins1_stream_release(stream);
    if (status != INS1_OK)
        t->n_ids = 0; /* what the session holds now is not worth knowing */
    return status;
}
