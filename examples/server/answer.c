#include "answer.h"

#include "logprobs.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- life --- */

static const char *prefix_of(endpoint route)
{
    return route == ROUTE_CHAT ? "chatcmpl" : route == ROUTE_TEXT ? "cmpl" : "embd";
}

bool answer_init(answer *a, served *s, job *j, const wishes *w)
{
    static atomic_uint count;
    *a = (answer){ .s = s, .job = j, .wishes = *w, .created = (int64_t)time(NULL) };
    snprintf(a->id, sizeof(a->id), "%s-%llx%08x", prefix_of(w->route), (long long)a->created,
             atomic_fetch_add(&count, 1) + 1);
    a->n = j->n_works * (size_t)j->n_choices;
    a->replies = calloc(a->n, sizeof(*a->replies));
    return a->replies != NULL;
}

void answer_free(answer *a)
{
    for (size_t i = 0; a->replies && i < a->n; i++) {
        reply *r = &a->replies[i];
        text_free(&r->content);
        text_free(&r->reasoning);
        text_free(&r->arguments);
        json_decref(r->calls);
        json_decref(r->logprobs);
    }
    free(a->replies);
    text_free(&a->out);
}

/* --- what every response has --- */

static json_t *usage_of(const answer *a)
{
    size_t prompt = 0, cached = 0, completion = 0, reasoning = 0;
    for (size_t i = 0; i < a->job->n_works; i++) {
        prompt += a->job->works[i].n_tokens;
        cached += a->job->works[i].n_cached;
    }
    for (size_t i = 0; i < a->n; i++) {
        completion += a->replies[i].n_tokens;
        reasoning += a->replies[i].n_reasoning;
    }
    return json_pack("{s:I, s:I, s:I, s:{s:I}, s:{s:I}}", "prompt_tokens", (json_int_t)prompt,
                     "completion_tokens", (json_int_t)completion, "total_tokens",
                     (json_int_t)(prompt + completion), "prompt_tokens_details", "cached_tokens",
                     (json_int_t)cached, "completion_tokens_details", "reasoning_tokens",
                     (json_int_t)reasoning);
}

static json_t *frame(const answer *a, json_t *choices)
{
    const bool is_chat = a->wishes.route == ROUTE_CHAT;
    const char *object = !is_chat              ? "text_completion"
                         : a->wishes.is_stream ? "chat.completion.chunk"
                                               : "chat.completion";
    return json_pack("{s:s, s:s, s:I, s:s, s:o}", "id", a->id, "object", object, "created",
                     (json_int_t)a->created, "model", a->s->name, "choices", choices);
}

static void send_frame(answer *a, json_t *whole)
{
    text_puts(&a->out, "data: ");
    text_json(&a->out, whole);
    text_puts(&a->out, "\n\n");
}

/* One piece of one reply; `delta` and `logprobs` are given away. */
static void send_choice(answer *a, size_t i, json_t *delta, json_t *logprobs, const char *finish)
{
    json_t *choice = json_pack("{s:i, s:o, s:o, s:s?}", "index", (int)i,
                               a->wishes.route == ROUTE_CHAT ? "delta" : "text", delta, "logprobs",
                               logprobs ? logprobs : json_null(), "finish_reason", finish);
    json_t *whole = frame(a, json_pack("[o]", choice));
    if (a->wishes.wants_usage)
        json_object_set_new(whole, "usage", json_null());
    send_frame(a, whole);
}

/* The prompt as the text that it is. */
static void echo(answer *a, size_t i)
{
    const work *w = &a->job->works[i / (size_t)a->job->n_choices];
    text *to = &a->replies[i].content;
    size_t size = 0;
    ins1_tokenizer_decode(a->s->tokenizer, w->ids, w->n_tokens, INS1_DECODE_SKIP_SPECIAL, NULL, 0,
                          &size, NULL);
    char *prompt = malloc(size + 1);
    if (!prompt ||
        ins1_tokenizer_decode(a->s->tokenizer, w->ids, w->n_tokens, INS1_DECODE_SKIP_SPECIAL,
                              prompt, size, &size, NULL) != INS1_OK)
        a->out.has_failed = true;
    else if (a->wishes.is_stream)
        send_choice(a, i, json_text(prompt, size), NULL, NULL);
    else
        text_add(to, prompt, size);
    free(prompt);
}

void answer_begin(answer *a)
{
    const bool is_chat = a->wishes.route == ROUTE_CHAT;
    for (size_t i = 0; i < a->n; i++)
        if (a->wishes.wants_echo)
            echo(a, i);
        else if (is_chat && a->wishes.is_stream)
            send_choice(a, i, json_pack("{s:s, s:s}", "role", "assistant", "content", ""), NULL,
                        NULL);
}

/* --- events --- */

/* Newlines around the reasoning belong to the template and not to what is said. */
static void take_reasoning(reply *r, const char *from, size_t size, text *piece)
{
    for (size_t i = 0; i < size; i++) {
        if (from[i] == '\n') {
            r->n_newlines += r->has_reasoning;
            continue;
        }
        for (; r->n_newlines; r->n_newlines--)
            text_puts(piece, "\n");
        text_add(piece, from + i, 1);
        r->has_reasoning = true;
    }
}

static void take_text(reply *r, const char *from, size_t size, bool is_chat, text *piece)
{
    while (is_chat && r->n_reasoning && !r->has_text && size && *from == '\n') {
        from++;
        size--;
    }
    r->has_text = r->has_text || size;
    text_add(piece, from, size);
}

static json_t *call_begin(answer *a, reply *r, size_t i, const job_event *e)
{
    char id[96];
    snprintf(id, sizeof(id), "call_%s_%zu_%d", a->id, i, e->tool_index);
    r->calls = r->calls ? r->calls : json_array();
    r->arguments.size = 0;
    json_array_append_new(r->calls, json_pack("{s:s, s:s, s:{s:o, s:s}}", "id", id, "type",
                                              "function", "function", "name",
                                              json_text(e->text, e->size), "arguments", ""));
    return json_pack("{s:[{s:i, s:s, s:s, s:{s:o, s:s}}]}", "tool_calls", "index", e->tool_index,
                     "id", id, "type", "function", "function", "name", json_text(e->text, e->size),
                     "arguments", "");
}

static json_t *call_arguments(reply *r, const job_event *e)
{
    json_t *last = json_array_get(r->calls, json_array_size(r->calls) - 1);
    text_add(&r->arguments, e->text, e->size);
    json_object_set_new(json_object_get(last, "function"), "arguments",
                        json_text(r->arguments.at, r->arguments.size));
    return json_pack("{s:[{s:i, s:{s:o}}]}", "tool_calls", "index", e->tool_index, "function",
                     "arguments", json_text(e->text, e->size));
}

/* Tokens that came with the event; a piece of a stream tells them at once. */
static json_t *take_tokens(answer *a, reply *r, const job_event *e)
{
    r->n_tokens += e->n_tokens;
    r->n_reasoning += e->kind == INS1_EVENT_REASONING ? e->n_tokens : 0;
    /* The token that ends a reply is counted and not shown. */
    if (!a->wishes.wants_logprobs || e->end_reason == INS1_END_EOS)
        return NULL;
    if (!a->wishes.is_stream) {
        r->logprobs = r->logprobs ? r->logprobs : logprobs_new(a->wishes.route);
        logprobs_add(r->logprobs, a->s->tokenizer, a->wishes.route, e, &r->offset);
        return NULL;
    }
    if (!e->n_tokens)
        return NULL;
    json_t *piece = logprobs_new(a->wishes.route);
    logprobs_add(piece, a->s->tokenizer, a->wishes.route, e, &r->offset);
    return piece;
}

static const char *finish_of(const reply *r, int32_t reason)
{
    return reason == INS1_END_LENGTH || reason == INS1_END_FULL ? "length"
           : json_array_size(r->calls)                          ? "tool_calls"
                                                                : "stop";
}

/* Text of either kind: kept for the whole, or sent as a piece. */
static json_t *take_piece(answer *a, reply *r, const job_event *e)
{
    const bool is_chat = a->wishes.route == ROUTE_CHAT, is_text = e->kind == INS1_EVENT_TEXT;
    text piece = { 0 };
    json_t *delta = NULL;

    text *to = a->wishes.is_stream ? &piece : is_text ? &r->content : &r->reasoning;
    if (is_text)
        take_text(r, e->text, e->size, is_chat, to);
    else
        take_reasoning(r, e->text, e->size, to);
    if (piece.size && !is_chat)
        delta = json_text(piece.at, piece.size);
    else if (piece.size)
        delta = json_pack("{s:o}", is_text ? "content" : "reasoning_content",
                          json_text(piece.at, piece.size));
    a->out.has_failed = a->out.has_failed || to->has_failed;
    text_free(&piece);
    return delta;
}

void answer_take(answer *a, const job_event *e)
{
    reply *r = &a->replies[e->choice];
    json_t *delta = NULL, *logprobs = take_tokens(a, r, e);
    const bool is_chat = a->wishes.route == ROUTE_CHAT;

    switch (e->kind) {
    case INS1_EVENT_TEXT:
    case INS1_EVENT_REASONING:
        delta = take_piece(a, r, e);
        break;
    case INS1_EVENT_TOOL_BEGIN:
        delta = call_begin(a, r, e->choice, e);
        break;
    case INS1_EVENT_TOOL_ARGUMENTS:
        delta = call_arguments(r, e);
        break;
    case INS1_EVENT_END:
        r->finish = finish_of(r, e->end_reason);
        break;
    default:
        break;
    }
    if (!a->wishes.is_stream) {
        json_decref(delta);
        return;
    }
    if (!delta && !logprobs && e->kind != INS1_EVENT_END)
        return;
    if (!delta)
        delta = is_chat ? json_object() : json_string("");
    send_choice(a, e->choice, delta, logprobs, e->kind == INS1_EVENT_END ? r->finish : NULL);
}

/* --- the end --- */

static json_t *whole_message(const reply *r)
{
    const bool has_content = r->content.size || !json_array_size(r->calls);
    json_t *message =
        json_pack("{s:s, s:o}", "role", "assistant", "content",
                  has_content ? json_text(r->content.at, r->content.size) : json_null());
    if (r->reasoning.size)
        json_object_set_new(message, "reasoning_content",
                            json_text(r->reasoning.at, r->reasoning.size));
    if (json_array_size(r->calls))
        json_object_set(message, "tool_calls", r->calls);
    return message;
}

static json_t *whole_choices(const answer *a)
{
    const bool is_chat = a->wishes.route == ROUTE_CHAT;
    json_t *choices = json_array();
    for (size_t i = 0; i < a->n; i++) {
        reply *r = &a->replies[i];
        json_t *said = is_chat ? whole_message(r) : json_text(r->content.at, r->content.size);
        json_array_append_new(choices, json_pack("{s:i, s:o, s:O, s:s}", "index", (int)i,
                                                 is_chat ? "message" : "text", said, "logprobs",
                                                 r->logprobs ? r->logprobs : json_null(),
                                                 "finish_reason", r->finish ? r->finish : "stop"));
    }
    return choices;
}

static void put_embeddings(answer *a)
{
    json_t *data = json_array(), *usage = usage_of(a);
    json_object_del(usage, "completion_tokens_details");
    json_object_del(usage, "completion_tokens");
    for (size_t i = 0; i < a->job->n_works; i++)
        json_array_append_new(
            data, json_pack("{s:s, s:i, s:o}", "object", "embedding", "index", (int)i, "embedding",
                            vector_json(a->job->works[i].vector, a->wishes.wants_base64)));
    text_json(&a->out, json_pack("{s:s, s:o, s:s, s:o}", "object", "list", "data", data, "model",
                                 a->s->name, "usage", usage));
}

static void put_stream_end(answer *a)
{
    if (a->job->why.http) {
        char *why = problem_json(&a->job->why);
        text_puts(&a->out, "data: ");
        text_puts(&a->out, why ? why : "{}");
        text_puts(&a->out, "\n\n");
        free(why);
        return;
    }
    if (a->wishes.wants_usage) {
        json_t *whole = frame(a, json_array());
        json_object_set_new(whole, "usage", usage_of(a));
        send_frame(a, whole);
    }
    text_puts(&a->out, "data: [DONE]\n\n");
}

void answer_end(answer *a)
{
    if (a->wishes.is_stream) {
        put_stream_end(a);
    } else if (a->wishes.route == ROUTE_EMBEDDINGS) {
        put_embeddings(a);
    } else {
        json_t *whole = frame(a, whole_choices(a));
        json_object_set_new(whole, "usage", usage_of(a));
        text_json(&a->out, whole);
    }
}
