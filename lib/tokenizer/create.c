#include "base/call.h"
#include "base/struct.h"
#include "tokenizer/load.h"
#include "tokenizer/unicode.h"

#include <string.h>

static void destroy(ins1_tokenizer *t)
{
    if (!t)
        return;
    ins1_allocator memory = t->memory;
    s1_strings_finish(&t->tokens, &memory);
    s1_scratch_free(&memory, t->attributes, t->attributes_capacity, 1, INS1_MEM_OBJECT);
    s1_added_finish(&t->added, &memory);
    s1_bpe_finish(&t->bpe, &memory);
    s1_pieces_finish(&t->pieces, &memory);
    for (size_t i = 0; i < S1_MAX_DOMAINS; i++) {
        s1_domain *domain = t->domains + i;
        s1_pieces_finish(&domain->pieces, &memory);
        s1_scratch_free(&memory, domain->shared, domain->shared_capacity, sizeof(*domain->shared),
                        INS1_MEM_OBJECT);
    }
    s1_free(&memory, t, sizeof(*t), INS1_MEM_OBJECT);
}

/* Rows 0..n exist afterwards, new ones as padding. */
static ins1_status extend(ins1_tokenizer *t, size_t n, ins1_error *error)
{
    size_t old = t->tokens.n;
    if (n <= old)
        return INS1_OK;
    ins1_status status = s1_strings_extend(&t->tokens, n, &t->memory, error);
    if (status != INS1_OK)
        return status;
    if (!s1_scratch_grow(&t->memory, (void **)&t->attributes, &t->attributes_capacity, n, 1,
                         INS1_MEM_OBJECT)) {
        t->tokens.n = old;
        return s1_fail(error, INS1_E_MEMORY, "no memory for %zu tokens", n);
    }
    memset(t->attributes + old, INS1_TOKEN_PADDING, n - old);
    return INS1_OK;
}

static bool is_whole_utf8(const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        uint32_t c;
        at += s1_utf8_read(bytes + at, size - at, &c);
        if (c >= 0x110000)
            return false;
    }
    return true;
}

ins1_status s1_tokenizer_set(ins1_tokenizer *t, uint32_t id, const void *bytes, size_t size,
                             uint32_t attributes, ins1_error *error)
{
    ins1_status status = extend(t, (size_t)id + 1, error);
    if (status == INS1_OK)
        status = s1_strings_set(&t->tokens, id, bytes, size, &t->memory, error);
    if (status == INS1_OK)
        t->attributes[id] =
            (uint8_t)(attributes | (is_whole_utf8(bytes, size) ? 0u : INS1_TOKEN_PARTIAL));
    return status;
}

/* The rows that the embedding table has, no more and no less. */
static ins1_status fit_rows(ins1_tokenizer *t, int32_t n_vocab, ins1_error *error)
{
    if (n_vocab < 0 || (uint32_t)n_vocab > S1_MAX_IDS)
        return s1_fail(error, INS1_E_UNSUPPORTED, "the vocabulary has %d rows, expected up to %u",
                       n_vocab, S1_MAX_IDS);
    if (n_vocab && (size_t)n_vocab < t->tokens.n)
        return s1_fail(error, INS1_E_FORMAT, "the tokenizer has id %zu, the vocabulary %d rows",
                       t->tokens.n - 1, n_vocab);
    return extend(t, (size_t)n_vocab, error);
}

static void mark(ins1_tokenizer *t, const int32_t *ids, size_t n, uint32_t attribute)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] >= 0 && (size_t)ids[i] < t->tokens.n)
            t->attributes[ids[i]] |= (uint8_t)attribute;
}

static ins1_status load_base(ins1_tokenizer *t, const s1_tokenizer_source *source,
                             s1_json tokenizer_json, ins1_error *error)
{
    if (source->vocab_json.data && source->merges_txt.data) {
        s1_json vocab;
        ins1_status status = s1_load_json(&vocab, &source->vocab_json, "vocab.json", error);
        t->nfc = true;
        if (status == INS1_OK && source->tokenizer_json.data)
            status = s1_load_splitter(t, tokenizer_json, error);
        if (status == INS1_OK)
            status = s1_load_vocab(t, vocab, true, error);
        return status == INS1_OK ? s1_load_merges_txt(t, &source->merges_txt, error) : status;
    }
    if (source->tokenizer_json.data)
        return s1_load_tokenizer_json(t, tokenizer_json, error);
    if (source->tokenizer_model.data)
        return s1_load_pieces(t, &source->tokenizer_model, error);
    return s1_fail(error, INS1_E_FORMAT,
                   "no tokenizer: neither vocab.json with merges.txt nor tokenizer.json nor "
                   "tokenizer.model");
}

/* With vocab.json alone there is no pattern to read, so the class has to be one that is known. */
static ins1_status check_class(const s1_tokenizer_source *source, s1_json config, ins1_error *error)
{
    static const char *const known[] = { "InternS1Tokenizer", "Qwen2Tokenizer",
                                         "Qwen2TokenizerFast", "Qwen3Tokenizer",
                                         "Qwen3TokenizerFast" };
    s1_json class = s1_json_get(config, "tokenizer_class");

    if (!source->vocab_json.data || !source->merges_txt.data || class.kind != S1_JSON_STRING)
        return INS1_OK;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (s1_json_is(class, known[i]))
            return INS1_OK;
    return s1_fail(error, INS1_E_UNSUPPORTED, "tokenizer_config.json: tokenizer_class %.*s",
                   (int)(class.size < 80 ? class.size : 80), class.text);
}

static ins1_status load(ins1_tokenizer *t, const s1_tokenizer_source *source, ins1_error *error)
{
    s1_json config, tokenizer_json, added, map;
    ins1_status status =
        s1_load_json(&config, &source->tokenizer_config, "tokenizer_config.json", error);

    if (status == INS1_OK)
        status = s1_load_json(&tokenizer_json, &source->tokenizer_json, "tokenizer.json", error);
    if (status == INS1_OK)
        status = s1_load_json(&added, &source->added_tokens, "added_tokens.json", error);
    if (status == INS1_OK)
        status = s1_load_json(&map, &source->special_tokens_map, "special_tokens_map.json", error);
    if (status == INS1_OK)
        status = check_class(source, config, error);
    if (status == INS1_OK)
        status = s1_load_added(t, config, tokenizer_json, added, error);
    if (status == INS1_OK)
        status = load_base(t, source, tokenizer_json, error);
    if (status == INS1_OK)
        status = s1_load_domains(t, source, config, error);
    if (status != INS1_OK)
        return status;
    status = s1_load_special(t, config, map, error);
    if (status == INS1_OK)
        status = fit_rows(t, source->n_vocab, error);
    if (status != INS1_OK)
        return status;
    mark(t, source->end_ids, source->n_end_ids, INS1_TOKEN_END);
    mark(t, source->placeholder_ids, source->n_placeholder_ids, INS1_TOKEN_PLACEHOLDER);
    return INS1_OK;
}

static ins1_status read_options(ins1_tokenizer *t, const ins1_tokenizer_options *given,
                                ins1_error *error)
{
    ins1_tokenizer_options options;
    ins1_status status = s1_struct_import(&options, given, sizeof(options), error);
    if (status != INS1_OK)
        return status;
    if (options.flags & ~(INS1_TOKENIZER_RESET_AT_TURN | INS1_TOKENIZER_NO_MARKERS))
        return s1_fail(error, INS1_E_VERSION, "tokenizer flags 0x%x are too new", options.flags);
    t->flags = options.flags;
    t->smiles_valid = options.smiles_valid;
    t->user = options.user;
    return INS1_OK;
}

ins1_status s1_tokenizer_create(ins1_tokenizer **out, const ins1_allocator *memory,
                                const s1_tokenizer_source *source,
                                const ins1_tokenizer_options *options, ins1_error *error)
{
    *out = NULL;
    ins1_tokenizer *t = s1_alloc(memory, sizeof(*t), INS1_MEM_OBJECT);
    if (!t)
        return s1_fail(error, INS1_E_MEMORY, "no memory for a tokenizer");
    atomic_init(&t->owners, 1);
    t->memory = *memory;
    t->bos = -1;
    memset(t->domain_of, S1_NO_DOMAIN, sizeof(t->domain_of));

    ins1_status status = read_options(t, options, error);
    if (status == INS1_OK)
        status = load(t, source, error);
    if (status != INS1_OK) {
        destroy(t);
        return status;
    }
    t->owner = source->owner;
    t->release_owner = source->release;
    if (source->retain)
        source->retain(source->owner);
    *out = t;
    return INS1_OK;
}

void ins1_tokenizer_retain(ins1_tokenizer *tokenizer)
{
    if (tokenizer)
        atomic_fetch_add_explicit(&tokenizer->owners, 1, memory_order_relaxed);
}

void ins1_tokenizer_release(ins1_tokenizer *tokenizer)
{
    if (!tokenizer || atomic_fetch_sub_explicit(&tokenizer->owners, 1, memory_order_acq_rel) != 1)
        return;
    void *owner = tokenizer->owner;
    void (*release)(void *) = tokenizer->release_owner;
    destroy(tokenizer);
    if (release)
        release(owner);
}

int32_t s1_tokenizer_n_vocab(const ins1_tokenizer *tokenizer)
{
    return (int32_t)tokenizer->tokens.n;
}

static uint32_t attributes_of(const ins1_tokenizer *tokenizer, int32_t id)
{
    if (id < 0 || (size_t)id >= tokenizer->tokens.n)
        return INS1_TOKEN_PADDING;
    return tokenizer->attributes[id];
}

bool s1_tokenizer_is_padding(const ins1_tokenizer *tokenizer, int32_t id)
{
    return attributes_of(tokenizer, id) & INS1_TOKEN_PADDING;
}

bool s1_tokenizer_is_end(const ins1_tokenizer *tokenizer, int32_t id)
{
    return attributes_of(tokenizer, id) & INS1_TOKEN_END;
}

int32_t s1_tokenizer_token_id(const ins1_tokenizer *tokenizer, const char *text)
{
    const s1_added_token *token = s1_added_find(&tokenizer->added, text, strlen(text));
    return token ? token->id : -1;
}

int32_t s1_tokenizer_bos(const ins1_tokenizer *tokenizer)
{
    return tokenizer->bos;
}

const char *s1_tokenizer_rules(const ins1_tokenizer *tokenizer)
{
    if (tokenizer->is_sentencepiece)
        return "sentencepiece";
    if (tokenizer->rules == S1_RULES_PRO)
        return "intern-s1-pro";
    return tokenizer->rules == S1_RULES_S1 ? "intern-s1" : "byte-level-bpe";
}
