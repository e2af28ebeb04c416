#include "request.h"

#include "fields.h"

#include <string.h>

static bool check_model(const served *s, const json_t *body, problem *p)
{
    const char *name = s->name;
    if (!field_text(body, "model", &name, p))
        return false;
    return strcmp(name, s->name) == 0 ||
           refuse(p, 404, "model_not_found", "model", "'model' is '%s', this server has '%s'", name,
                  s->name);
}

/* A prompt and at least one token behind it. */
static bool check_length(const served *s, const job *j, const char *name, problem *p)
{
    const size_t most = j->is_embedding ? s->n_ctx : s->n_ctx - 1;
    for (size_t i = 0; i < j->n_works; i++) {
        const size_t n = j->works[i].n_tokens;
        if (n == 0)
            return refuse(p, 400, "invalid_value", name, "'%s' is empty, expected some text", name);
        if (n > most)
            return refuse(p, 400, "context_length_exceeded", name,
                          "'%s' has %zu tokens, expected at most %zu", name, n, most);
    }
    return true;
}

static bool read_encoding(const json_t *body, const served *s, wishes *out, problem *p)
{
    const char *format = "float";
    int64_t width = s->info.n_embd;
    out->wants_base64 = false;
    if (!field_text(body, "encoding_format", &format, p) ||
        !field_int(body, "dimensions", width, width, &width, p))
        return false;
    out->wants_base64 = strcmp(format, "base64") == 0;
    return out->wants_base64 || strcmp(format, "float") == 0 ||
           refuse(p, 400, "invalid_value", "encoding_format",
                  "'encoding_format' is '%s', expected 'float' or 'base64'", format);
}

job *request_read(served *s, client *who, endpoint route, const json_t *body, wishes *out,
                  problem *p)
{
    const char *name = route == ROUTE_CHAT ? "messages" : route == ROUTE_TEXT ? "prompt" : "input";
    job *j = NULL;

    *out = (wishes){ .route = route };
    if (!json_is_object(body)) {
        refuse(p, 400, "invalid_type", NULL, "the body is %s, expected an object", kind_of(body));
        return NULL;
    }
    if (!check_model(s, body, p))
        return NULL;
    if (route != ROUTE_CHAT)
        j = texts_read(s, body, name, p);
    else if (!(j = job_create(1)))
        refuse(p, 503, "out_of_memory", NULL, "no memory for a request");
    if (!j)
        return NULL;

    j->is_embedding = route == ROUTE_EMBEDDINGS;
    j->deadline_ns = who->until_ns;
    bool is_read =
        j->is_embedding ? read_encoding(body, s, out, p) : parameters_read(s, body, j, out, p);
    if (is_read && route == ROUTE_CHAT)
        is_read = chat_read(s, who, body, j, p);
    for (size_t i = 0; is_read && i < j->n_works; i++)
        is_read = work_ready(&j->works[i], p);
    if (is_read && check_length(s, j, name, p))
        return j;
    job_release(j);
    return NULL;
}
