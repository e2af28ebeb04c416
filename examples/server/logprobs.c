#include "logprobs.h"

#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct piece {
    const char *bytes;
    size_t size;
} piece;

static piece piece_of(const ins1_tokenizer *tokenizer, int32_t token)
{
    piece p = { "", 0 };
    if (ins1_tokenizer_piece(tokenizer, token, &p.bytes, &p.size, NULL, NULL) != INS1_OK)
        p = (piece){ "", 0 };
    return p;
}

/* JSON has no infinity; this is what others say for "never". */
static json_t *real(float logprob)
{
    return json_real(isfinite(logprob) ? (double)logprob : -9999.0);
}

json_t *logprobs_new(endpoint route)
{
    return route == ROUTE_CHAT ? json_pack("{s:[], s:n}", "content", "refusal")
                               : json_pack("{s:[], s:[], s:[], s:[]}", "tokens", "token_logprobs",
                                           "top_logprobs", "text_offset");
}

static json_t *entry(const ins1_tokenizer *tokenizer, ins1_logprob one)
{
    const piece p = piece_of(tokenizer, one.token);
    json_t *bytes = json_array();
    for (size_t i = 0; i < p.size; i++)
        json_array_append_new(bytes, json_integer((unsigned char)p.bytes[i]));
    return json_pack("{s:o, s:o, s:o}", "token", json_text(p.bytes, p.size), "logprob",
                     real(one.logprob), "bytes", bytes);
}

static void add_chat(json_t *to, const ins1_tokenizer *tokenizer, ins1_logprob one,
                     const ins1_logprob *top, size_t n_top)
{
    json_t *list = json_array(), *token = entry(tokenizer, one);
    for (size_t k = 0; k < n_top; k++)
        json_array_append_new(list, entry(tokenizer, top[k]));
    json_object_set_new(token, "top_logprobs", list);
    json_array_append_new(json_object_get(to, "content"), token);
}

static void add_old(json_t *to, const ins1_tokenizer *tokenizer, ins1_logprob one,
                    const ins1_logprob *top, size_t n_top, size_t offset)
{
    const piece p = piece_of(tokenizer, one.token);
    json_t *map = json_object();
    for (size_t k = 0; k < n_top; k++) {
        const piece q = piece_of(tokenizer, top[k].token);
        json_t *key = json_text(q.bytes, q.size);
        /* Two tokens may read alike; the better one comes first. */
        if (key && !json_object_get(map, json_string_value(key)))
            json_object_set_new(map, json_string_value(key), real(top[k].logprob));
        json_decref(key);
    }
    json_array_append_new(json_object_get(to, "tokens"), json_text(p.bytes, p.size));
    json_array_append_new(json_object_get(to, "token_logprobs"), real(one.logprob));
    json_array_append_new(json_object_get(to, "top_logprobs"), map);
    json_array_append_new(json_object_get(to, "text_offset"), json_integer((json_int_t)offset));
}

void logprobs_add(json_t *to, const ins1_tokenizer *tokenizer, endpoint route, const job_event *e,
                  size_t *offset)
{
    for (size_t i = 0; i < e->n_tokens; i++) {
        const ins1_logprob *top = e->top + i * e->n_top;
        if (route == ROUTE_CHAT)
            add_chat(to, tokenizer, e->tokens[i], top, e->n_top);
        else
            add_old(to, tokenizer, e->tokens[i], top, e->n_top, *offset);
        *offset += piece_of(tokenizer, e->tokens[i].token).size;
    }
}

/* --- embeddings --- */

json_t *vector_json(const ins1_embeds *embeds, bool is_base64)
{
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    ins1_embeds *unit = NULL;
    json_t *out = NULL;
    size_t n = 0;

    if (ins1_embeds_pool(&unit, embeds, INS1_POOL_LAST, INS1_POOL_UNIT, NULL) != INS1_OK ||
        ins1_embeds_info_get(unit, &info, NULL) != INS1_OK) {
        ins1_embeds_release(unit);
        return NULL;
    }
    float *values = malloc(info.dim * sizeof(*values));
    if (values && ins1_embeds_read_f32(unit, 0, 1, values, info.dim, &n, NULL) == INS1_OK) {
        if (is_base64) {
            text base64 = { 0 };
            base64_encode(&base64, values, n * sizeof(*values));
            out = base64.has_failed ? NULL : json_text(base64.at, base64.size);
            text_free(&base64);
        } else {
            out = json_array();
            for (size_t i = 0; i < n; i++)
                json_array_append_new(out, json_real((double)values[i]));
        }
    }
    free(values);
    ins1_embeds_release(unit);
    return out;
}
