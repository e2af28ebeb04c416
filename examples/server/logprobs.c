#include "logprobs.h"

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
static void put_real(text *to, float logprob)
{
    text_print(to, "%.9g", isfinite(logprob) ? (double)logprob : -9999.0);
}

static void put_comma(text *to)
{
    if (to->size)
        text_puts(to, ",");
}

/* --- chat --- */

/* An object that is left open. */
static void put_entry(text *to, const ins1_tokenizer *tokenizer, ins1_logprob one)
{
    const piece p = piece_of(tokenizer, one.token);
    text_puts(to, "{\"token\":");
    text_string(to, p.bytes, p.size);
    text_puts(to, ",\"logprob\":");
    put_real(to, one.logprob);
    text_puts(to, ",\"bytes\":[");
    for (size_t i = 0; i < p.size; i++)
        text_print(to, i ? ",%d" : "%d", (unsigned char)p.bytes[i]);
    text_puts(to, "]");
}

static void add_chat(text *to, const ins1_tokenizer *tokenizer, ins1_logprob one,
                     const ins1_logprob *top, size_t n_top)
{
    put_comma(to);
    put_entry(to, tokenizer, one);
    text_puts(to, ",\"top_logprobs\":[");
    for (size_t k = 0; k < n_top; k++) {
        text_puts(to, k ? "," : "");
        put_entry(to, tokenizer, top[k]);
        text_puts(to, "}");
    }
    text_puts(to, "]}");
}

/* --- completions --- */

/* Two tokens may read alike; the better one comes first and counts. */
static void put_map(text *to, const ins1_tokenizer *tokenizer, const ins1_logprob *top,
                    size_t n_top)
{
    text keys[MAX_TOP] = { 0 };
    text_puts(to, "{");
    for (size_t k = 0, n = 0; k < n_top; k++) {
        const piece q = piece_of(tokenizer, top[k].token);
        bool is_new = true;
        text_string(&keys[k], q.bytes, q.size);
        for (size_t i = 0; i < k && is_new; i++)
            is_new = keys[i].size != keys[k].size || !keys[k].size ||
                     memcmp(keys[i].at, keys[k].at, keys[k].size) != 0;
        if (!is_new)
            continue;
        text_puts(to, n++ ? "," : "");
        text_append(to, &keys[k]);
        text_puts(to, ":");
        put_real(to, top[k].logprob);
    }
    text_puts(to, "}");
    for (size_t k = 0; k < n_top; k++)
        text_free(&keys[k]);
}

static void add_old(logprobs *to, const ins1_tokenizer *tokenizer, ins1_logprob one,
                    const ins1_logprob *top, size_t n_top, size_t offset)
{
    const piece p = piece_of(tokenizer, one.token);
    for (size_t i = 0; i < LOGPROB_LISTS; i++)
        put_comma(&to->lists[i]);
    text_string(&to->lists[0], p.bytes, p.size);
    put_real(&to->lists[1], one.logprob);
    put_map(&to->lists[2], tokenizer, top, n_top);
    text_print(&to->lists[3], "%zu", offset);
}

/* --- either --- */

void logprobs_add(logprobs *to, const ins1_tokenizer *tokenizer, endpoint route, const job_event *e,
                  size_t *offset)
{
    for (size_t i = 0; i < e->n_tokens; i++) {
        const ins1_logprob *top = e->top + i * e->n_top;
        if (route == ROUTE_CHAT)
            add_chat(&to->lists[0], tokenizer, e->tokens[i], top, e->n_top);
        else
            add_old(to, tokenizer, e->tokens[i], top, e->n_top, *offset);
        *offset += piece_of(tokenizer, e->tokens[i].token).size;
    }
}

static void put_list(text *to, const char *name, const text *list)
{
    text_print(to, "\"%s\":[", name);
    text_append(to, list);
    text_puts(to, "]");
}

void logprobs_put(text *to, const logprobs *from, endpoint route)
{
    static const char *const names[LOGPROB_LISTS] = { "tokens", "token_logprobs", "top_logprobs",
                                                      "text_offset" };
    text_puts(to, "{");
    if (route == ROUTE_CHAT) {
        put_list(to, "content", &from->lists[0]);
        text_puts(to, ",\"refusal\":null");
    } else {
        for (size_t i = 0; i < LOGPROB_LISTS; i++) {
            text_puts(to, i ? "," : "");
            put_list(to, names[i], &from->lists[i]);
        }
    }
    text_puts(to, "}");
}

size_t logprobs_size(const logprobs *of)
{
    size_t size = 0;
    for (size_t i = 0; i < LOGPROB_LISTS; i++)
        size += of->lists[i].size;
    return size;
}

bool logprobs_failed(const logprobs *of)
{
    bool has_failed = false;
    for (size_t i = 0; i < LOGPROB_LISTS; i++)
        has_failed = has_failed || of->lists[i].has_failed;
    return has_failed;
}

void logprobs_free(logprobs *of)
{
    for (size_t i = 0; i < LOGPROB_LISTS; i++)
        text_free(&of->lists[i]);
}

/* --- embeddings --- */

static void put_numbers(text *to, const float *values, size_t n)
{
    text_puts(to, "[");
    for (size_t i = 0; i < n; i++)
        text_print(to, i ? ",%.9g" : "%.9g", (double)values[i]);
    text_puts(to, "]");
}

void vector_put(text *to, const ins1_embeds *embeds, bool is_base64)
{
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    ins1_embeds *unit = NULL;
    float *values = NULL;
    size_t n = 0;

    ins1_status status = ins1_embeds_pool(&unit, embeds, INS1_POOL_LAST, INS1_POOL_UNIT, NULL);
    if (status == INS1_OK)
        status = ins1_embeds_info_get(unit, &info, NULL);
    if (status == INS1_OK)
        values = malloc(info.dim * sizeof(*values));
    if (values)
        status = ins1_embeds_read_f32(unit, 0, 1, values, info.dim, &n, NULL);
    if (!values || status != INS1_OK) {
        to->has_failed = true;
    } else if (is_base64) {
        text_puts(to, "\"");
        base64_encode(to, values, n * sizeof(*values));
        text_puts(to, "\"");
    } else {
        put_numbers(to, values, n);
    }
    free(values);
    ins1_embeds_release(unit);
}
