#include "request.h"

#include "fields.h"

#include <stdlib.h>

/* Who writes a bare prompt writes the template's tokens too: they act as tokens. */
static bool encode(served *s, const json_t *string, work *out, const char *name, problem *p)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    ins1_segment segment = INS1_INIT(ins1_segment);
    const uint32_t flags = s->begins_texts ? INS1_ENCODE_ADD_BOS : 0;
    /* More than the context holds is refused. */
    const size_t capacity = s->n_ctx + 1;
    size_t n = 0;

    call.error = &error;
    segment.flags = INS1_SEGMENT_SPECIAL;
    segment.text = json_string_value(string);
    segment.size = json_string_length(string);
    out->ids = malloc(capacity * sizeof(*out->ids));
    if (!out->ids)
        return refuse(p, 503, "out_of_memory", name, "no memory for '%s'", name);
    const ins1_status status = ins1_tokenizer_encode(s->tokenizer, &segment, 1, flags, out->ids,
                                                     NULL, capacity, &n, &call);
    if (status == INS1_E_BUFFER)
        return refuse(p, 400, "context_length_exceeded", name,
                      "'%s' has %zu tokens, expected at most %zu", name, n, s->n_ctx);
    if (status != INS1_OK)
        return refuse_status(p, name, &error);
    int32_t *fitted = realloc(out->ids, (n ? n : 1) * sizeof(*out->ids));
    out->ids = fitted ? fitted : out->ids;
    out->n_tokens = n;
    return true;
}

static bool read_ids(served *s, const json_t *array, work *out, const char *name, problem *p)
{
    const size_t n = json_array_size(array);
    out->ids = malloc((n ? n : 1) * sizeof(*out->ids));
    if (!out->ids)
        return refuse(p, 503, "out_of_memory", name, "no memory for '%s'", name);
    for (size_t i = 0; i < n; i++) {
        const json_t *id = json_array_get(array, i);
        if (!json_is_integer(id))
            return refuse(p, 400, "invalid_type", name, "an id in '%s' is %s, expected a number",
                          name, kind_of(id));
        if (json_integer_value(id) < 0 || json_integer_value(id) >= s->info.n_vocab)
            return refuse(p, 400, "invalid_value", name, "an id in '%s' is %lld, expected 0 to %d",
                          name, (long long)json_integer_value(id), s->info.n_vocab - 1);
        out->ids[i] = (int32_t)json_integer_value(id);
    }
    out->n_tokens = n;
    return true;
}

static bool read_one(served *s, const json_t *value, work *out, const char *name, problem *p)
{
    if (json_is_string(value))
        return encode(s, value, out, name, p);
    if (json_is_array(value))
        return read_ids(s, value, out, name, p);
    return refuse(p, 400, "invalid_type", name,
                  "'%s' is %s, expected a string, an array of ids, or an array of either", name,
                  kind_of(value));
}

job *texts_read(served *s, const json_t *body, const char *name, problem *p)
{
    const json_t *value = field(body, name);
    const bool is_list = json_is_array(value) && !json_is_integer(json_array_get(value, 0));
    const size_t n = is_list ? json_array_size(value) : 1;

    if (n == 0 || n > MAX_WORKS) {
        refuse(p, 400, "invalid_value", name, "'%s' has %zu entries, expected 1 to %d", name, n,
               MAX_WORKS);
        return NULL;
    }
    job *j = job_create(n);
    if (!j) {
        refuse(p, 503, "out_of_memory", name, "no memory for '%s'", name);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *one = is_list ? json_array_get(value, i) : value;
        if (!read_one(s, one, &j->works[i], name, p)) {
            job_release(j);
            return NULL;
        }
    }
    return j;
}
