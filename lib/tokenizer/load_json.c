/* tokenizer.json, of which only one family is known. */
#include "tokenizer/load.h"

static ins1_status unsupported(ins1_error *error, const char *what, s1_json value)
{
    return s1_fail(error, INS1_E_UNSUPPORTED, "tokenizer.json: %s %.*s is not supported", what,
                   (int)(value.size < 120 ? value.size : 120), value.kind ? value.text : "");
}

/* Null, NFC, or a sequence of just that. */
static bool read_normaliser(ins1_tokenizer *tokenizer, s1_json value)
{
    s1_json key, first, more;
    tokenizer->nfc = false;
    if (value.kind == S1_JSON_NONE || value.kind == S1_JSON_NULL)
        return true;
    if (s1_json_is(s1_json_get(value, "type"), "Sequence")) {
        s1_json_walk walk = s1_json_begin(s1_json_get(value, "normalizers"));
        if (!s1_json_next(&walk, &key, &first))
            return true;
        if (s1_json_next(&walk, &key, &more))
            return false;
        value = first;
    }
    tokenizer->nfc = s1_json_is(s1_json_get(value, "type"), "NFC");
    return tokenizer->nfc;
}

static const char qwen2_words[] = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{"
                                  "N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
                                  "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
static const char qwen3_5_words[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| "
    "?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/* A split by one of the known patterns, then bytes. */
static bool read_splitter(ins1_tokenizer *tokenizer, s1_json value)
{
    s1_json key, split, bytes, more;
    s1_json_walk walk = s1_json_begin(s1_json_get(value, "pretokenizers"));
    bool prefix = false;

    if (!s1_json_is(s1_json_get(value, "type"), "Sequence") || !s1_json_next(&walk, &key, &split) ||
        !s1_json_next(&walk, &key, &bytes) || s1_json_next(&walk, &key, &more))
        return false;
    s1_json pattern = s1_json_get(s1_json_get(split, "pattern"), "Regex");
    s1_json use_regex = s1_json_get(bytes, "use_regex");
    s1_json_bool(s1_json_get(bytes, "add_prefix_space"), &prefix);
    tokenizer->marks_are_letters = s1_json_is(pattern, qwen3_5_words);
    return s1_json_is(s1_json_get(split, "type"), "Split") &&
           (tokenizer->marks_are_letters || s1_json_is(pattern, qwen2_words)) &&
           s1_json_is(s1_json_get(split, "behavior"), "Isolated") &&
           s1_json_get(split, "invert").kind != S1_JSON_TRUE &&
           s1_json_is(s1_json_get(bytes, "type"), "ByteLevel") && !prefix &&
           use_regex.kind == S1_JSON_FALSE;
}

ins1_status s1_load_splitter(ins1_tokenizer *tokenizer, s1_json json, ins1_error *error)
{
    s1_json normaliser = s1_json_get(json, "normalizer");
    s1_json splitter = s1_json_get(json, "pre_tokenizer");

    if (!read_normaliser(tokenizer, normaliser))
        return unsupported(error, "normalizer", normaliser);
    if (!read_splitter(tokenizer, splitter))
        return unsupported(error, "pre_tokenizer", splitter);
    return INS1_OK;
}

ins1_status s1_load_tokenizer_json(ins1_tokenizer *tokenizer, s1_json json, ins1_error *error)
{
    s1_json model = s1_json_get(json, "model"), type = s1_json_get(model, "type");
    s1_json key, value;
    s1_json_walk walk = s1_json_begin(model);

    if (type.kind != S1_JSON_NONE && !s1_json_is(type, "BPE"))
        return unsupported(error, "model type", type);
    ins1_status status = s1_load_splitter(tokenizer, json, error);
    if (status != INS1_OK)
        return status;
    while (s1_json_next(&walk, &key, &value)) {
        bool on = value.kind == S1_JSON_TRUE ||
                  (value.kind == S1_JSON_STRING && !s1_json_is(value, "")) ||
                  value.kind == S1_JSON_NUMBER;
        if (on && (s1_json_is(key, "byte_fallback") || s1_json_is(key, "ignore_merges") ||
                   s1_json_is(key, "dropout") || s1_json_is(key, "continuing_subword_prefix") ||
                   s1_json_is(key, "end_of_word_suffix")))
            return unsupported(error, "in the model", key);
    }
    status = s1_load_vocab(tokenizer, s1_json_get(model, "vocab"), false, error);
    if (status == INS1_OK)
        status = s1_load_merges(tokenizer, s1_json_get(model, "merges"), error);
    return status;
}
