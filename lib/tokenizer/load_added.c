/* Added tokens and what the configuration says of them. */
#include "tokenizer/load.h"

#include <string.h>

/* An added token's text, at most what s1_added_put accepts and a little more. */
enum { TEXT_SIZE = 1100 };

ins1_status s1_load_json(s1_json *out, const s1_tokenizer_file *file, const char *name,
                         ins1_error *error)
{
    ins1_error inner = INS1_INIT(ins1_error);

    *out = (s1_json){ 0 };
    if (!file->data)
        return INS1_OK;
    ins1_status status = s1_json_parse(out, file->data, file->size, &inner);
    if (status != INS1_OK)
        return s1_fail(error, status, "%s: %s", name, inner.text);
    return INS1_OK;
}

/* The rows and the list get a token, unless the row has one. */
static ins1_status add(ins1_tokenizer *tokenizer, const char *file, s1_json content, int64_t id,
                       s1_json entry, ins1_error *error)
{
    char text[TEXT_SIZE];
    size_t size;
    bool single_word = false;
    s1_added_token token = { 0 };

    if (id < 0 || id >= S1_MAX_IDS)
        return s1_fail(error, INS1_E_FORMAT, "%s: an added token has id %lld, expected 0 to %u",
                       file, (long long)id, S1_MAX_IDS - 1);
    if (!s1_json_string(content, text, sizeof(text), &size))
        return s1_fail(error, INS1_E_FORMAT, "%s: added token %lld has no text", file,
                       (long long)id);
    if (size > sizeof(text))
        return s1_fail(error, INS1_E_UNSUPPORTED, "%s: added token %lld has %zu bytes", file,
                       (long long)id, size);
    token.id = (int32_t)id;
    s1_json_bool(s1_json_get(entry, "special"), &token.special);
    s1_json_bool(s1_json_get(entry, "lstrip"), &token.lstrip);
    s1_json_bool(s1_json_get(entry, "rstrip"), &token.rstrip);
    s1_json_bool(s1_json_get(entry, "single_word"), &single_word);
    if (single_word)
        return s1_fail(error, INS1_E_UNSUPPORTED, "%s: added token %lld is a single word", file,
                       (long long)id);
    if ((size_t)id < tokenizer->tokens.n && tokenizer->attributes[id] & S1_TOKEN_ADDED)
        return INS1_OK;
    ins1_status status =
        s1_added_put(&tokenizer->added, &token, text, size, &tokenizer->memory, error);
    if (status != INS1_OK)
        return status;
    return s1_tokenizer_set(tokenizer, (uint32_t)id, text, size,
                            S1_TOKEN_ADDED | (token.special ? INS1_TOKEN_CONTROL : 0u), error);
}

/* The id that is an object's key. */
static bool read_key(s1_json key, int64_t *id)
{
    s1_json number = { S1_JSON_NUMBER, key.text + 1, key.size - 2 };
    for (size_t i = 0; i < number.size; i++)
        if (number.text[i] < '0' || number.text[i] > '9')
            return false;
    return number.size && s1_json_int(number, id);
}

ins1_status s1_load_added(ins1_tokenizer *tokenizer, s1_json config, s1_json tokenizer_json,
                          s1_json added_tokens, ins1_error *error)
{
    s1_json key, value;
    s1_json_walk walk = s1_json_begin(s1_json_get(config, "added_tokens_decoder"));
    int64_t id;
    ins1_status status = INS1_OK;

    while (status == INS1_OK && s1_json_next(&walk, &key, &value)) {
        if (!read_key(key, &id))
            return s1_fail(error, INS1_E_FORMAT,
                           "tokenizer_config.json: added_tokens_decoder has a key that is no id");
        status = add(tokenizer, "tokenizer_config.json", s1_json_get(value, "content"), id, value,
                     error);
    }
    walk = s1_json_begin(s1_json_get(tokenizer_json, "added_tokens"));
    while (status == INS1_OK && s1_json_next(&walk, &key, &value)) {
        if (!s1_json_int(s1_json_get(value, "id"), &id))
            return s1_fail(error, INS1_E_FORMAT, "tokenizer.json: an added token has no id");
        status = add(tokenizer, "tokenizer.json", s1_json_get(value, "content"), id, value, error);
    }
    walk = s1_json_begin(added_tokens);
    while (status == INS1_OK && s1_json_next(&walk, &key, &value)) {
        if (!s1_json_int(value, &id))
            return s1_fail(error, INS1_E_FORMAT, "added_tokens.json: an id is not a number");
        status = add(tokenizer, "added_tokens.json", key, id, value, error);
    }
    return status;
}

/* The token that a configuration names, as a string or as an object with its content. */
static int32_t named(const ins1_tokenizer *tokenizer, s1_json value)
{
    char text[TEXT_SIZE];
    size_t size;
    if (value.kind == S1_JSON_OBJECT)
        value = s1_json_get(value, "content");
    if (!s1_json_string(value, text, sizeof(text), &size) || !size || size > sizeof(text))
        return -1;
    const s1_added_token *token = s1_added_find(&tokenizer->added, text, size);
    return token ? token->id : -1;
}

static void mark(ins1_tokenizer *tokenizer, int32_t id)
{
    if (id >= 0)
        tokenizer->attributes[id] |= INS1_TOKEN_SPECIAL | INS1_TOKEN_CONTROL;
}

static void read_special(ins1_tokenizer *tokenizer, s1_json map)
{
    static const char *const names[] = { "bos_token", "eos_token", "unk_token", "sep_token",
                                         "pad_token", "cls_token", "mask_token" };
    s1_json key, value;
    s1_json_walk walk = s1_json_begin(s1_json_get(map, "additional_special_tokens"));

    while (s1_json_next(&walk, &key, &value))
        mark(tokenizer, named(tokenizer, value));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        mark(tokenizer, named(tokenizer, s1_json_get(map, names[i])));
    int32_t bos = named(tokenizer, s1_json_get(map, "bos_token"));
    if (bos >= 0)
        tokenizer->bos = bos;
}

ins1_status s1_load_special(ins1_tokenizer *tokenizer, s1_json config, s1_json map,
                            ins1_error *error)
{
    (void)error;
    read_special(tokenizer, config);
    read_special(tokenizer, map);
    /* The family's own tokenizer skips what these files name, the common fast ones every token that
     * is flagged. */
    if (tokenizer->rules == S1_RULES_NONE)
        for (size_t i = 0; i < tokenizer->added.n; i++)
            if (tokenizer->added.tokens[i].special)
                mark(tokenizer, tokenizer->added.tokens[i].id);
    return INS1_OK;
}
