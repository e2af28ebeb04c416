#include "answer.h"

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

static const char *object_of(const wishes *w)
{
    return w->route != ROUTE_CHAT ? "text_completion"
           : w->is_stream         ? "chat.completion.chunk"
                                  : "chat.completion";
}

bool answer_init(answer *a, served *s, job *j, const wishes *w)
{
    static atomic_uint count;
    const long long now = (long long)time(NULL);
    *a = (answer){ .s = s, .job = j, .wishes = *w };
    snprintf(a->id, sizeof(a->id), "%s-%llx%08x", prefix_of(w->route), now,
             atomic_fetch_add(&count, 1) + 1);
    a->n = j->n_works * (size_t)j->n_choices;
    a->replies = calloc(a->n, sizeof(*a->replies));
    text_print(&a->head, "{\"id\":\"%s\",\"object\":\"%s\",\"created\":%lld,\"model\":", a->id,
               object_of(w), now);
    text_string(&a->head, s->name, strlen(s->name));
    return a->replies && !a->head.has_failed;
}

void answer_free(answer *a)
{
    for (size_t i = 0; a->replies && i < a->n; i++) {
        reply *r = &a->replies[i];
        text_free(&r->content);
        text_free(&r->reasoning);
        text_free(&r->calls);
        text_free(&r->arguments);
        logprobs_free(&r->logprobs);
    }
    free(a->replies);
    text_free(&a->head);
    text_free(&a->out);
}

/* --- what every response has --- */

static void put_usage(answer *a)
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
    text_print(&a->out, "\"usage\":{\"prompt_tokens\":%zu,\"total_tokens\":%zu", prompt,
               prompt + completion);
    text_print(&a->out, ",\"prompt_tokens_details\":{\"cached_tokens\":%zu}", cached);
    if (!a->job->is_embedding)
        text_print(&a->out,
                   ",\"completion_tokens\":%zu,"
                   "\"completion_tokens_details\":{\"reasoning_tokens\":%zu}",
                   completion, reasoning);
    text_puts(&a->out, "}");
}

static void put_head(answer *a)
{
    text_append(&a->out, &a->head);
    text_puts(&a->out, ",\"choices\":[");
}

/* The end of a choice, behind what it says. */
static void put_rest(answer *a, const logprobs *said, const char *finish)
{
    text *out = &a->out;
    text_puts(out, ",\"logprobs\":");
    if (said)
        logprobs_put(out, said, a->wishes.route);
    else
        text_puts(out, "null");
    text_puts(out, ",\"finish_reason\":");
    text_puts(out, finish ? "\"" : "null");
    if (finish) {
        text_puts(out, finish);
        text_puts(out, "\"");
    }
    text_puts(out, "}");
}

/* One piece of one reply, as JSON. */
static void send_choice(answer *a, size_t i, const text *delta, const logprobs *said,
                        const char *finish)
{
    text_puts(&a->out, "data: ");
    put_head(a);
    text_print(&a->out, "{\"index\":%zu,\"%s\":", i,
               a->wishes.route == ROUTE_CHAT ? "delta" : "text");
    text_append(&a->out, delta);
    put_rest(a, said, finish);
    text_puts(&a->out, a->wishes.wants_usage ? "],\"usage\":null}\n\n" : "]}\n\n");
}

/* --- the beginning --- */

/* The prompt as the text that it is. */
static void echo(answer *a, size_t i)
{
    const work *w = &a->job->works[i / (size_t)a->job->n_choices];
    text delta = { 0 };
    size_t size = 0;
    ins1_tokenizer_decode(a->s->tokenizer, w->ids, w->n_tokens, INS1_DECODE_SKIP_SPECIAL, NULL, 0,
                          &size, NULL);
    char *prompt = malloc(size + 1);
    if (!prompt ||
        ins1_tokenizer_decode(a->s->tokenizer, w->ids, w->n_tokens, INS1_DECODE_SKIP_SPECIAL,
                              prompt, size, &size, NULL) != INS1_OK) {
        a->out.has_failed = true;
    } else if (a->wishes.is_stream) {
        text_string(&delta, prompt, size);
        send_choice(a, i, &delta, NULL, NULL);
    } else {
        text_add(&a->replies[i].content, prompt, size);
        a->n_held += size;
    }
    text_free(&delta);
    free(prompt);
}

void answer_begin(answer *a)
{
    const bool is_chat = a->wishes.route == ROUTE_CHAT;
    text role = { 0 };
    text_puts(&role, "{\"role\":\"assistant\",\"content\":\"\"}");
    for (size_t i = 0; i < a->n; i++)
        if (a->wishes.wants_echo)
            echo(a, i);
        else if (is_chat && a->wishes.is_stream)
            send_choice(a, i, &role, NULL, NULL);
    text_free(&role);
}

/* --- text --- */

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

/* Text of either kind: kept for the whole, or sent as a piece. */
static void take_piece(answer *a, reply *r, const job_event *e, text *delta)
{
    const bool is_chat = a->wishes.route == ROUTE_CHAT, is_text = e->kind == INS1_EVENT_TEXT;
    text piece = { 0 };

    text *to = a->wishes.is_stream ? &piece : is_text ? &r->content : &r->reasoning;
    if (is_text)
        take_text(r, e->text, e->size, is_chat, to);
    else
        take_reasoning(r, e->text, e->size, to);
    a->out.has_failed = a->out.has_failed || to->has_failed;
    if (piece.size) {
        text_puts(delta, !is_chat ? "" : is_text ? "{\"content\":" : "{\"reasoning_content\":");
        text_string(delta, piece.at, piece.size);
        text_puts(delta, is_chat ? "}" : "");
    }
    text_free(&piece);
}

/* --- calls of tools --- */

/* The arguments of the last call are all there. */
static void close_call(reply *r)
{
    if (!r->calls.size)
        return;
    text_string(&r->calls, r->arguments.at, r->arguments.size);
    text_puts(&r->calls, "}}");
    r->calls.has_failed = r->calls.has_failed || r->arguments.has_failed;
    r->arguments.size = 0;
}

/* What a call has beside its place in the list; it ends where the arguments begin. */
static void put_call(text *to, const answer *a, const job_event *e)
{
    text_print(to, "\"id\":\"call_%s_%zu_%d\",\"type\":\"function\",\"function\":{\"name\":", a->id,
               e->choice, e->tool_index);
    text_string(to, e->text, e->size);
    text_puts(to, ",\"arguments\":");
}

static void begin_call(answer *a, reply *r, const job_event *e, text *delta)
{
    r->n_calls++;
    if (a->wishes.is_stream) {
        text_print(delta, "{\"tool_calls\":[{\"index\":%d,", e->tool_index);
        put_call(delta, a, e);
        text_puts(delta, "\"\"}}]}");
    } else {
        close_call(r);
        text_puts(&r->calls, r->calls.size ? ",{" : "{");
        put_call(&r->calls, a, e);
    }
}

static void take_arguments(answer *a, reply *r, const job_event *e, text *delta)
{
    if (a->wishes.is_stream) {
        text_print(delta,
                   "{\"tool_calls\":[{\"index\":%d,\"function\":{\"arguments\":", e->tool_index);
        text_string(delta, e->text, e->size);
        text_puts(delta, "}}]}");
    } else {
        text_add(&r->arguments, e->text, e->size);
    }
}

/* --- events --- */

/* Tokens that came with the event. */
static void take_tokens(answer *a, reply *r, const job_event *e)
{
    r->n_tokens += e->n_tokens;
    r->n_reasoning += e->kind == INS1_EVENT_REASONING ? e->n_tokens : 0;
    /* The token that ends a reply is counted and not shown. */
    if (a->wishes.wants_logprobs && e->end_reason != INS1_END_EOS)
        logprobs_add(&r->logprobs, a->s->tokenizer, a->wishes.route, e, &r->offset);
    a->out.has_failed = a->out.has_failed || logprobs_failed(&r->logprobs);
}

static const char *finish_of(const reply *r, int32_t reason)
{
    return reason == INS1_END_LENGTH || reason == INS1_END_FULL ? "length"
           : r->n_calls                                         ? "tool_calls"
                                                                : "stop";
}

/* `delta` receives what a stream says of it. */
static void take_event(answer *a, reply *r, const job_event *e, text *delta)
{
    switch (e->kind) {
    case INS1_EVENT_TEXT:
    case INS1_EVENT_REASONING:
        take_piece(a, r, e, delta);
        break;
    case INS1_EVENT_TOOL_BEGIN:
        begin_call(a, r, e, delta);
        break;
    case INS1_EVENT_TOOL_ARGUMENTS:
        take_arguments(a, r, e, delta);
        break;
    case INS1_EVENT_END:
        r->finish = finish_of(r, e->end_reason);
        break;
    default:
        break;
    }
}

void answer_take(answer *a, const job_event *e)
{
    reply *r = &a->replies[e->choice];
    const size_t n_before = logprobs_size(&r->logprobs);
    text delta = { 0 };

    take_tokens(a, r, e);
    take_event(a, r, e, &delta);
    a->out.has_failed = a->out.has_failed || delta.has_failed;
    const size_t n_said = logprobs_size(&r->logprobs);
    const bool is_end = e->kind == INS1_EVENT_END;
    if (!a->wishes.is_stream) {
        a->n_held += e->size + n_said - n_before;
        a->is_too_large = a->n_held > (size_t)a->s->o->max_response;
    } else if (delta.size || n_said || is_end) {
        if (!delta.size)
            text_puts(&delta, a->wishes.route == ROUTE_CHAT ? "{}" : "\"\"");
        send_choice(a, e->choice, &delta, n_said ? &r->logprobs : NULL, is_end ? r->finish : NULL);
    }
    if (a->wishes.is_stream)
        logprobs_free(&r->logprobs);
    text_free(&delta);
}

/* --- the end --- */

static void put_message(text *to, reply *r)
{
    close_call(r);
    text_puts(to, "{\"role\":\"assistant\",\"content\":");
    if (r->content.size || !r->n_calls)
        text_string(to, r->content.at, r->content.size);
    else
        text_puts(to, "null");
    if (r->reasoning.size) {
        text_puts(to, ",\"reasoning_content\":");
        text_string(to, r->reasoning.at, r->reasoning.size);
    }
    if (r->n_calls) {
        text_puts(to, ",\"tool_calls\":[");
        text_append(to, &r->calls);
        text_puts(to, "]");
    }
    text_puts(to, "}");
}

static void put_whole(answer *a)
{
    const bool is_chat = a->wishes.route == ROUTE_CHAT;
    text *out = &a->out;
    put_head(a);
    for (size_t i = 0; i < a->n; i++) {
        reply *r = &a->replies[i];
        text_print(out, "%s{\"index\":%zu,\"%s\":", i ? "," : "", i, is_chat ? "message" : "text");
        if (is_chat)
            put_message(out, r);
        else
            text_string(out, r->content.at, r->content.size);
        put_rest(a, a->wishes.wants_logprobs ? &r->logprobs : NULL, r->finish ? r->finish : "stop");
    }
    text_puts(out, "],");
    put_usage(a);
    text_puts(out, "}");
}

static void put_embeddings(answer *a)
{
    text *out = &a->out;
    text_puts(out, "{\"object\":\"list\",\"model\":");
    text_string(out, a->s->name, strlen(a->s->name));
    text_puts(out, ",\"data\":[");
    for (size_t i = 0; i < a->job->n_works; i++) {
        text_print(out, "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":", i ? "," : "",
                   i);
        vector_put(out, a->job->works[i].vector, a->wishes.wants_base64);
        text_puts(out, "}");
    }
    text_puts(out, "],");
    put_usage(a);
    text_puts(out, "}");
}

static void put_stream_end(answer *a)
{
    if (a->job->why.http) {
        char *why = problem_json(&a->job->why);
        text_puts(&a->out, "data: ");
        text_puts(&a->out, why ? why : "{\"error\":{}}");
        text_puts(&a->out, "\n\n");
        free(why);
        return;
    }
    if (a->wishes.wants_usage) {
        text_puts(&a->out, "data: ");
        put_head(a);
        text_puts(&a->out, "],");
        put_usage(a);
        text_puts(&a->out, "}\n\n");
    }
    text_puts(&a->out, "data: [DONE]\n\n");
}

void answer_end(answer *a)
{
    if (a->wishes.is_stream)
        put_stream_end(a);
    else if (a->wishes.route == ROUTE_EMBEDDINGS)
        put_embeddings(a);
    else
        put_whole(a);
}
