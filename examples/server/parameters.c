#include "request.h"

#include "fields.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_CHOICES = 128, MAX_STOPS = 16 };

static bool read_sampling(served *s, const json_t *body, job *j, problem *p)
{
    ins1_sampler_options *o = &j->sampling;
    int64_t top_k = s->sampling.top_k, seed = 0;

    *o = s->sampling;
    if (!field_real(body, "temperature", 0, 100, &o->temperature, p) ||
        !field_real(body, "top_p", 0, 1, &o->top_p, p) ||
        !field_real(body, "min_p", 0, 1, &o->min_p, p) ||
        !field_real(body, "repetition_penalty", 0.01, 100, &o->repeat_penalty, p) ||
        !field_real(body, "frequency_penalty", -2, 2, &o->frequency_penalty, p) ||
        !field_real(body, "presence_penalty", -2, 2, &o->presence_penalty, p) ||
        !field_int(body, "top_k", -1, INT32_MAX, &top_k, p) ||
        !field_int(body, "seed", INT64_MIN, INT64_MAX, &seed, p))
        return false;
    o->top_k = top_k < 0 ? 0 : (int32_t)top_k;
    o->seed = (uint64_t)seed;
    return true;
}

/* {"id": bias, ...} */
static bool read_bias(served *s, const json_t *body, job *j, problem *p)
{
    const json_t *object = field(body, "logit_bias");
    const char *key;
    json_t *value;
    size_t n = 0;

    if (!object)
        return true;
    if (!json_is_object(object))
        return refuse(p, 400, "invalid_type", "logit_bias",
                      "'logit_bias' is %s, expected an object", kind_of(object));
    j->bias = calloc(json_object_size(object) + 1, sizeof(*j->bias));
    if (!j->bias)
        return refuse(p, 503, "out_of_memory", "logit_bias", "no memory for 'logit_bias'");
    json_object_foreach((json_t *)object, key, value)
    {
        char *end;
        const long id = strtol(key, &end, 10);
        const double bias = json_number_value(value);
        if (*end || end == key || id < 0 || id >= s->info.n_vocab || !json_is_number(value) ||
            !(bias >= -100 && bias <= 100))
            return refuse(p, 400, "invalid_value", "logit_bias",
                          "'logit_bias' has '%.40s', expected ids from 0 to %d with -100 to 100",
                          key, s->info.n_vocab - 1);
        j->bias[n++] = (ins1_logprob){ (int32_t)id, (float)bias };
    }
    j->sampling.bias = j->bias;
    j->sampling.n_bias = n;
    return true;
}

static bool add_stop(const json_t *value, job *j, problem *p)
{
    if (!json_is_string(value) || !json_string_length(value))
        return refuse(p, 400, "invalid_value", "stop", "'stop' has %s, expected strings",
                      json_is_string(value) ? "an empty string" : kind_of(value));
    j->stop[j->n_stop++] = (ins1_text){ json_string_value(value), json_string_length(value) };
    return true;
}

static bool read_stop(const json_t *body, job *j, problem *p)
{
    const json_t *stop = field(body, "stop");
    const size_t n = json_is_array(stop) ? json_array_size(stop) : 1;

    if (!stop)
        return true;
    if (n > MAX_STOPS)
        return refuse(p, 400, "invalid_value", "stop",
                      "'stop' has %zu entries, expected at most %d", n, MAX_STOPS);
    j->stop = calloc(n + 1, sizeof(*j->stop));
    if (!j->stop)
        return refuse(p, 503, "out_of_memory", "stop", "no memory for 'stop'");
    if (!json_is_array(stop))
        return add_stop(stop, j, p);
    for (size_t i = 0; i < n; i++)
        if (!add_stop(json_array_get(stop, i), j, p))
            return false;
    return true;
}

/* Chat has a switch and a number, completions the number alone. */
static bool read_logprobs(const json_t *body, job *j, wishes *out, problem *p)
{
    int64_t n = 0;
    if (out->route == ROUTE_CHAT) {
        if (!field_bool(body, "logprobs", &out->wants_logprobs, p) ||
            !field_int(body, "top_logprobs", 0, MAX_TOP, &n, p))
            return false;
        if (n && !out->wants_logprobs)
            return refuse(p, 400, "invalid_value", "top_logprobs",
                          "'top_logprobs' is %lld, expected 'logprobs' to be true with it",
                          (long long)n);
    } else {
        if (!field_int(body, "logprobs", 0, MAX_TOP, &n, p))
            return false;
        out->wants_logprobs = field(body, "logprobs") != NULL;
    }
    j->n_top = (int32_t)n;
    return true;
}

static bool read_stream(const json_t *body, wishes *out, problem *p)
{
    const json_t *options = field(body, "stream_options");
    if (!field_bool(body, "stream", &out->is_stream, p))
        return false;
    if (options && !json_is_object(options))
        return refuse(p, 400, "invalid_type", "stream_options",
                      "'stream_options' is %s, expected an object", kind_of(options));
    return field_bool(options, "include_usage", &out->wants_usage, p);
}

static bool read_lengths(served *s, const json_t *body, job *j, problem *p)
{
    int64_t n = 1, max_tokens = s->o->max_tokens;
    const int64_t most = s->n_slots < MAX_CHOICES ? (int64_t)s->n_slots : MAX_CHOICES;
    bool ignores_end = false;

    if (!field_int(body, "n", 1, most, &n, p) ||
        !field_int(body, "max_tokens", 1, INT32_MAX, &max_tokens, p) ||
        !field_int(body, "max_completion_tokens", 1, INT32_MAX, &max_tokens, p) ||
        !field_bool(body, "ignore_eos", &ignores_end, p))
        return false;
    j->n_choices = (int32_t)n;
    j->max_tokens = (size_t)(max_tokens < s->o->max_tokens ? max_tokens : s->o->max_tokens);
    j->stream_flags = ignores_end ? INS1_STREAM_IGNORE_EOS : 0;
    return true;
}

/* Refused rather than ignored: the answer would be another than what was asked for. */
static bool check_rest(const json_t *body, wishes *out, problem *p)
{
    const json_t *format = field(body, "response_format");
    const char *type = "text";
    int64_t best_of = 1;

    if (!field_text(format, "type", &type, p))
        return false;
    if (strcmp(type, "text") != 0)
        return refuse(p, 400, "unsupported", "response_format",
                      "'response_format' is '%.40s', expected 'text'", type);
    if (out->route == ROUTE_CHAT)
        return true;
    const json_t *suffix = field(body, "suffix");
    if (suffix && !(json_is_string(suffix) && !json_string_length(suffix)))
        return refuse(p, 400, "unsupported", "suffix", "'suffix' is %s, expected none",
                      kind_of(suffix));
    if (!field_bool(body, "echo", &out->wants_echo, p) ||
        !field_int(body, "best_of", 1, MAX_CHOICES, &best_of, p))
        return false;
    if (out->wants_echo && out->wants_logprobs)
        return refuse(p, 400, "unsupported", "echo",
                      "'echo' is true, expected false with 'logprobs'");
    return best_of == 1 || refuse(p, 400, "unsupported", "best_of", "'best_of' is %lld, expected 1",
                                  (long long)best_of);
}

bool parameters_read(served *s, const json_t *body, job *j, wishes *out, problem *p)
{
    j->reply_flags = INS1_REPLY_PLAIN;
    return read_sampling(s, body, j, p) && read_bias(s, body, j, p) && read_stop(body, j, p) &&
           read_logprobs(body, j, out, p) && read_stream(body, out, p) &&
           read_lengths(s, body, j, p) && check_rest(body, out, p);
}
