#include "exchange.h"

#include "page.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* How often a waiting thread looks whether its client is still there, and how often a stream says
 * that it is. */
#define LOOK_NS INT64_C(100000000)
#define SIGN_NS INT64_C(5000000000)

/* --- responses that are there at once --- */

static enum MHD_Result respond(exchange *x, int status, const char *type,
                               struct MHD_Response *response)
{
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (status == 429 || status == 503)
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    if (status == 401)
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    if (status == 413 || status == 503)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result = MHD_queue_response(x->connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result respond_text(exchange *x, int status, char *owned, size_t size)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, owned, MHD_RESPMEM_MUST_FREE);
    if (!response)
        free(owned);
    return respond(x, status, "application/json", response);
}

enum MHD_Result exchange_refuse(exchange *x)
{
    char *json = problem_json(&x->why);
    return json ? respond_text(x, x->why.http, json, strlen(json)) : MHD_NO;
}

static enum MHD_Result respond_json(exchange *x, json_t *value)
{
    text out = { 0 };
    text_json(&out, value);
    if (!out.has_failed)
        return respond_text(x, 200, out.at, out.size);
    text_free(&out);
    refuse(&x->why, 503, "out_of_memory", NULL, "no memory for the response");
    return exchange_refuse(x);
}

static json_t *model_json(const served *s)
{
    return json_pack("{s:s, s:s, s:I, s:s, s:I, s:b, s:b}", "id", s->name, "object", "model",
                     "created", (json_int_t)s->created, "owned_by", "libinterns1", "max_model_len",
                     (json_int_t)s->n_ctx, "sees_images", s->vision != NULL, "takes_series",
                     s->series != NULL);
}

static enum MHD_Result respond_health(exchange *x)
{
    const engine_load load = engine_load_get(x->e);
    ins1_mem_stats mem = INS1_INIT(ins1_mem_stats);
    ins1_runtime_mem(x->s->runtime, &mem, NULL);
    return respond_json(x, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "status", "ok", "slots",
                                     (json_int_t)load.n_slots, "busy", (json_int_t)load.n_busy,
                                     "requests", (json_int_t)load.n_requests, "tokens",
                                     (json_int_t)load.n_tokens, "steps", (json_int_t)load.n_steps,
                                     "bytes", (json_int_t)mem.now));
}

/* --- waiting --- */

/* Its further requests do not count as a sign of life. */
bool exchange_has_gone(void *user)
{
    const exchange *x = user;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct pollfd fd = { .fd = info ? info->connect_fd : -1, .events = POLLRDHUP };
    return fd.fd >= 0 && poll(&fd, 1, 0) > 0 && fd.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

/* Take what is there, waiting a while for the first of it. False: the client has gone. */
static bool take_events(exchange *x)
{
    const int64_t last_ns = now_ns() + SIGN_NS;
    job_event *event = NULL;
    while (!event && !job_is_over(x->job)) {
        event = job_take(x->job, now_ns() + LOOK_NS);
        if (!event && exchange_has_gone(x)) {
            atomic_store(&x->job->is_gone, true);
            return false;
        }
        if (!event && now_ns() > last_ns)
            return true;
    }
    for (; event; event = job_take(x->job, 0)) {
        answer_take(&x->answer, event);
        free(event);
        if (x->answer.out.size > 1 << 16 || x->answer.is_too_large || x->answer.out.has_failed)
            break;
    }
    return true;
}

/* --- a stream --- */

/* What is sent next; called on the connection's own thread, which may wait here. */
static ssize_t read_stream(void *user, uint64_t position, char *to, size_t size)
{
    exchange *x = user;
    text *out = &x->answer.out;
    (void)position;
    if (x->n_sent == out->size) {
        out->size = x->n_sent = 0;
        if (x->is_done)
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (!take_events(x) || out->has_failed)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        if (job_is_over(x->job)) {
            answer_end(&x->answer);
            x->is_done = true;
        } else if (!out->size) {
            text_puts(out, ": still here\n\n");
        }
        if (out->has_failed)
            return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    const size_t n = out->size - x->n_sent < size ? out->size - x->n_sent : size;
    memcpy(to, out->at + x->n_sent, n);
    x->n_sent += n;
    return (ssize_t)n;
}

static enum MHD_Result respond_stream(exchange *x)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, read_stream, x, NULL);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
    return respond(x, 200, "text/event-stream", response);
}

/* --- a whole answer --- */

static enum MHD_Result respond_whole(exchange *x)
{
    /* The client does nothing now and is not to be thrown out for it. */
    MHD_set_connection_option(x->connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
    while (!job_is_over(x->job) && !x->answer.is_too_large && !x->answer.out.has_failed)
        if (!take_events(x))
            return MHD_NO;
    MHD_set_connection_option(x->connection, MHD_CONNECTION_OPTION_TIMEOUT,
                              (unsigned)x->s->o->idle_limit);
    if (job_is_over(x->job))
        x->why = x->job->why;
    text *out = &x->answer.out;
    if (!x->why.http && x->answer.is_too_large)
        refuse(&x->why, 400, "response_too_large", NULL,
               "the answer has more than %lld bytes, expected at most that unless 'stream' is true",
               (long long)x->s->o->max_response);
    if (!x->why.http && !out->has_failed)
        answer_end(&x->answer);
    if (!x->why.http && out->has_failed)
        refuse(&x->why, 503, "out_of_memory", NULL, "no memory for the response");
    if (x->why.http)
        return exchange_refuse(x);
    char *owned = out->at;
    const size_t size = out->size;
    *out = (text){ 0 };
    return respond_text(x, 200, owned, size);
}

/* --- something for the engine --- */

bool exchange_book(exchange *x, size_t size)
{
    const long long most = x->s->o->max_bodies, wanted = (long long)size;
    x->n_booked += size;
    return atomic_fetch_add(x->booked, wanted) + wanted <= most ||
           refuse(&x->why, 503, "too_busy", NULL,
                  "all requests need more than %lld bytes together; try later", most);
}

/* jansson drops a character of a string where it has no memory for it, and goes on. So its memory
 * is watched: what it read while some was missing is not what was sent. */
static _Thread_local bool json_lacks_memory;

static void *json_memory(size_t size)
{
    void *memory = malloc(size);
    json_lacks_memory = json_lacks_memory || !memory;
    return memory;
}

void exchange_watch_json(void)
{
    json_set_alloc_funcs(json_memory, free);
}

/* About the bytes that the values of a JSON text take. */
static size_t weight(const text *body)
{
    size_t size = body->size;
    for (size_t i = 0; i < body->size; i++)
        size += body->at[i] == ','   ? 64
                : body->at[i] == ':' ? 96
                : body->at[i] == '[' ? 144
                : body->at[i] == '{' ? 288
                                     : 0;
    return size;
}

static bool read_json(exchange *x)
{
    json_error_t error;
    if (!exchange_book(x, weight(&x->body)))
        return false;
    json_lacks_memory = false;
    x->json = json_loadb(x->body.size ? x->body.at : "", x->body.size, JSON_ALLOW_NUL, &error);
    text_free(&x->body);
    if (json_lacks_memory)
        return refuse(&x->why, 503, "out_of_memory", NULL, "no memory for the JSON of the body");
    return x->json || refuse(&x->why, 400, "invalid_json", NULL,
                             "the body is no JSON: %s at line %d, column %d", error.text,
                             error.line, error.column);
}

static enum MHD_Result ask(exchange *x)
{
    wishes w;
    x->has_place = engine_reserve(x->e, &x->why);
    if (!x->has_place || !read_json(x) ||
        !(x->job = request_read(x->s, &x->client, x->route, x->json, &w, &x->why)))
        return exchange_refuse(x);
    const bool is_ready = answer_init(&x->answer, x->s, x->job, &w);
    if (is_ready)
        answer_begin(&x->answer);
    if (!is_ready || x->answer.out.has_failed) {
        refuse(&x->why, 503, "out_of_memory", NULL, "no memory for the response");
        return exchange_refuse(x);
    }
    engine_submit(x->e, x->job);
    x->is_submitted = true;
    return w.is_stream ? respond_stream(x) : respond_whole(x);
}

/* The page loads nothing from elsewhere and is shown inside nothing. */
static enum MHD_Result respond_page(exchange *x)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        page_html_size, (void *)(uintptr_t)page_html, MHD_RESPMEM_PERSISTENT);
    if (response)
        MHD_add_response_header(response, "Content-Security-Policy",
                                "default-src 'self' 'unsafe-inline'; img-src data: blob:; "
                                "frame-ancestors 'none'");
    return respond(x, 200, "text/html; charset=utf-8", response);
}

enum MHD_Result exchange_answer(exchange *x)
{
    if (x->why.http)
        return exchange_refuse(x);
    switch (x->page) {
    case PAGE_ROOT:
        return respond_page(x);
    case PAGE_HEALTH:
        return respond_health(x);
    case PAGE_MODELS:
        return respond_json(x,
                            json_pack("{s:s, s:[o]}", "object", "list", "data", model_json(x->s)));
    case PAGE_MODEL:
        if (strcmp(x->tail, x->s->name) == 0)
            return respond_json(x, model_json(x->s));
        refuse(&x->why, 404, "model_not_found", "model",
               "the model is '%.100s', this server has '%s'", x->tail, x->s->name);
        return exchange_refuse(x);
    default:
        return ask(x);
    }
}

void exchange_free(exchange *x)
{
    if (x->job)
        atomic_store(&x->job->is_gone, true);
    /* Before what the job borrows goes: the engine may be at it. */
    while (x->is_submitted && !job_is_over(x->job))
        free(job_take(x->job, now_ns() + LOOK_NS));
    if (x->has_place)
        engine_give_back(x->e);
    answer_free(&x->answer);
    job_release(x->job);
    json_decref(x->json);
    text_free(&x->body);
    atomic_fetch_sub(x->booked, (long long)x->n_booked);
    free(x);
}
