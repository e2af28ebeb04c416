/* Byte-level vocabularies: each byte of a token is written as a printable character. */
#include "tokenizer/load.h"
#include "tokenizer/unicode.h"

#include <string.h>

/* A token on its way from its file into the tables. */
typedef struct reader {
    ins1_tokenizer *tokenizer;
    const char *file;
    ins1_error *error;
    uint8_t *text, *bytes; /* unescaped; decoded */
    size_t text_capacity, bytes_capacity;
} reader;

int32_t s1_load_byte_of(uint32_t c)
{
    if ((c >= 0x21 && c <= 0x7E) || (c >= 0xA1 && c <= 0xFF && c != 0xAD))
        return (int32_t)c;
    /* The others in ascending order: 0 to 32, 127 to 160, 173. */
    if (c >= 0x100 && c <= 0x120)
        return (int32_t)(c - 0x100);
    if (c >= 0x121 && c <= 0x142)
        return (int32_t)(c - 0x121 + 0x7F);
    return c == 0x143 ? 0xAD : -1;
}

static void reader_init(reader *r, ins1_tokenizer *tokenizer, const char *file, ins1_error *error)
{
    *r = (reader){ .tokenizer = tokenizer, .file = file, .error = error };
}

static void reader_finish(reader *r)
{
    const ins1_allocator *memory = &r->tokenizer->memory;
    s1_scratch_free(memory, r->text, r->text_capacity, 1, INS1_MEM_SCRATCH);
    s1_scratch_free(memory, r->bytes, r->bytes_capacity, 1, INS1_MEM_SCRATCH);
}

static ins1_status no_memory(reader *r, size_t size)
{
    return s1_fail(r->error, INS1_E_MEMORY, "%s: no memory for a token of %zu bytes", r->file,
                   size);
}

/* Append the bytes that `text` stands for to r->bytes, which holds `*n`. False in `*reachable` when
 * a character stands for none; it is kept as it is, and no merge ever makes such a token. */
static ins1_status decode(reader *r, const uint8_t *text, size_t size, size_t *n, bool *reachable)
{
    if (!s1_scratch_grow(&r->tokenizer->memory, (void **)&r->bytes, &r->bytes_capacity, *n + size,
                         1, INS1_MEM_SCRATCH))
        return no_memory(r, size);
    for (size_t at = 0; at < size;) {
        uint32_t c;
        size_t length = s1_utf8_item(text + at, size - at, &c);
        int32_t byte = s1_load_byte_of(c);
        if (byte >= 0) {
            r->bytes[(*n)++] = (uint8_t)byte;
        } else {
            memcpy(r->bytes + *n, text + at, length);
            *n += length;
            *reachable = false;
        }
        at += length;
    }
    return INS1_OK;
}

/* The bytes of a JSON string, in r->text. */
static ins1_status unescape(reader *r, s1_json value, size_t *size)
{
    if (value.kind != S1_JSON_STRING)
        return s1_fail(r->error, INS1_E_FORMAT, "%s: a token is not a string", r->file);
    /* Unescaping never makes a string longer. */
    if (!s1_scratch_grow(&r->tokenizer->memory, (void **)&r->text, &r->text_capacity, value.size, 1,
                         INS1_MEM_SCRATCH))
        return no_memory(r, value.size);
    if (!s1_json_string(value, (char *)r->text, r->text_capacity, size))
        return s1_fail(r->error, INS1_E_FORMAT, "%s: a token names half a character", r->file);
    return INS1_OK;
}

static ins1_status read_id(reader *r, s1_json key, s1_json value, uint32_t *id)
{
    int64_t number;
    if (!s1_json_int(value, &number) || number < 0 || number >= S1_MAX_IDS)
        return s1_fail(r->error, INS1_E_FORMAT, "%s: the id of %.*s is %.*s, expected 0 to %u",
                       r->file, (int)(key.size < 40 ? key.size : 40), key.text,
                       (int)(value.size < 40 ? value.size : 40), value.text, S1_MAX_IDS - 1);
    *id = (uint32_t)number;
    return INS1_OK;
}

static uint32_t lowest_added(const ins1_tokenizer *tokenizer)
{
    uint32_t lowest = S1_MAX_IDS;
    for (size_t i = 0; i < tokenizer->added.n; i++)
        if ((uint32_t)tokenizer->added.tokens[i].id < lowest)
            lowest = (uint32_t)tokenizer->added.tokens[i].id;
    return lowest;
}

/* One entry of the vocabulary. Rows of added tokens are theirs already. */
static ins1_status read_entry(reader *r, s1_json key, s1_json value, uint32_t end, bool *findable,
                              uint32_t *id)
{
    size_t size, n = 0;
    ins1_status status = read_id(r, key, value, id);

    *findable = false;
    if (status != INS1_OK || *id >= end)
        return status;
    status = unescape(r, key, &size);
    if (status != INS1_OK)
        return status;
    *findable = true;
    status = decode(r, r->text, size, &n, findable);
    if (status != INS1_OK)
        return status;
    *findable = *findable && n;
    if (*id < r->tokenizer->tokens.n && !(r->tokenizer->attributes[*id] & INS1_TOKEN_PADDING)) {
        bool added = r->tokenizer->attributes[*id] & S1_TOKEN_ADDED;
        *findable = false;
        return added ? INS1_OK
                     : s1_fail(r->error, INS1_E_FORMAT, "%s: id %u stands for two tokens", r->file,
                               *id);
    }
    return s1_tokenizer_set(r->tokenizer, *id, r->bytes, n, 0, r->error);
}

static ins1_status find_bytes(reader *r)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t text = (uint8_t)byte;
        uint32_t id = s1_strings_find(&r->tokenizer->tokens, &text, 1);
        if (id == S1_NO_STRING)
            return s1_fail(r->error, INS1_E_FORMAT, "%s has no token for the byte 0x%02X", r->file,
                           byte);
        r->tokenizer->bpe.byte_ids[byte] = id;
    }
    return INS1_OK;
}

ins1_status s1_load_vocab(ins1_tokenizer *tokenizer, s1_json vocab, bool stop_at_added,
                          ins1_error *error)
{
    uint32_t end = stop_at_added ? lowest_added(tokenizer) : S1_MAX_IDS;
    s1_json_walk walk = s1_json_begin(vocab);
    s1_json key, value;
    reader r;
    ins1_status status;

    reader_init(&r, tokenizer, stop_at_added ? "vocab.json" : "tokenizer.json", error);
    if (vocab.kind != S1_JSON_OBJECT) {
        status = s1_fail(error, INS1_E_FORMAT, "%s: the vocabulary is not an object", r.file);
        goto done;
    }
    status = s1_strings_index(&tokenizer->tokens, s1_json_count(vocab), &tokenizer->memory, error);
    while (status == INS1_OK && s1_json_next(&walk, &key, &value)) {
        bool findable;
        uint32_t id = 0;
        status = read_entry(&r, key, value, end, &findable, &id);
        if (status == INS1_OK && findable)
            status = s1_strings_enter(&tokenizer->tokens, id, error);
    }
    if (status == INS1_OK)
        status = find_bytes(&r);

done:
    reader_finish(&r);
    return status;
}

/* The merge of two texts. */
static ins1_status read_merge(reader *r, const uint8_t *left, size_t left_size,
                              const uint8_t *right, size_t right_size)
{
    const s1_strings *tokens = &r->tokenizer->tokens;
    bool reachable = true;
    size_t n = 0, middle;
    ins1_status status = decode(r, left, left_size, &n, &reachable);
    if (status != INS1_OK)
        return status;
    middle = n;
    status = decode(r, right, right_size, &n, &reachable);
    if (status != INS1_OK)
        return status;
    if (!reachable) {
        s1_bpe_skip(&r->tokenizer->bpe);
        return INS1_OK;
    }
    uint32_t a = s1_strings_find(tokens, r->bytes, middle);
    uint32_t b = s1_strings_find(tokens, r->bytes + middle, n - middle);
    uint32_t made = s1_strings_find(tokens, r->bytes, n);
    if (a == S1_NO_STRING || b == S1_NO_STRING || made == S1_NO_STRING)
        return s1_fail(r->error, INS1_E_FORMAT, "%s: merge %zu uses a token that is not there",
                       r->file, r->tokenizer->bpe.n_merges);
    return s1_bpe_add(&r->tokenizer->bpe, a, b, made, r->error);
}

/* "A B", as in merges.txt and in older tokenizer.json. */
static ins1_status read_merge_line(reader *r, const uint8_t *line, size_t size)
{
    const uint8_t *space = memchr(line, ' ', size);
    size_t left = space ? (size_t)(space - line) : 0;
    if (!left || left + 1 == size || memchr(space + 1, ' ', size - left - 1))
        return s1_fail(r->error, INS1_E_FORMAT, "%s: merge %zu is not two tokens and a space",
                       r->file, r->tokenizer->bpe.n_merges);
    return read_merge(r, line, left, space + 1, size - left - 1);
}

static size_t count_lines(const uint8_t *text, size_t size)
{
    size_t n = 1;
    for (size_t i = 0; i < size; i++)
        n += text[i] == '\n';
    return n;
}

ins1_status s1_load_merges_txt(ins1_tokenizer *tokenizer, const s1_tokenizer_file *file,
                               ins1_error *error)
{
    static const char version[] = "#version";
    const uint8_t *at = file->data, *end = at + file->size;
    reader r;
    ins1_status status =
        s1_bpe_init(&tokenizer->bpe, count_lines(at, file->size), &tokenizer->memory, error);

    reader_init(&r, tokenizer, "merges.txt", error);
    if (file->size >= sizeof(version) - 1 && !memcmp(at, version, sizeof(version) - 1)) {
        const uint8_t *newline = memchr(at, '\n', file->size);
        at = newline ? newline + 1 : end;
    }
    while (status == INS1_OK && at < end) {
        const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
        size_t size = (size_t)((newline ? newline : end) - at);
        size_t line = size && at[size - 1] == '\r' ? size - 1 : size;
        if (line)
            status = read_merge_line(&r, at, line);
        at = newline ? newline + 1 : end;
    }
    reader_finish(&r);
    return status;
}

/* A pair of strings: the left one has to be kept while the right one is unescaped. */
static ins1_status read_merge_pair(reader *r, s1_json pair)
{
    s1_json key, left, right, more;
    s1_json_walk walk = s1_json_begin(pair);
    size_t left_size, right_size;

    if (!s1_json_next(&walk, &key, &left) || !s1_json_next(&walk, &key, &right) ||
        s1_json_next(&walk, &key, &more) || left.kind != S1_JSON_STRING ||
        right.kind != S1_JSON_STRING)
        return s1_fail(r->error, INS1_E_FORMAT, "%s: merge %zu is not two strings", r->file,
                       r->tokenizer->bpe.n_merges);
    if (!s1_scratch_grow(&r->tokenizer->memory, (void **)&r->text, &r->text_capacity,
                         left.size + right.size, 1, INS1_MEM_SCRATCH))
        return no_memory(r, left.size + right.size);
    if (!s1_json_string(left, (char *)r->text, left.size, &left_size) ||
        !s1_json_string(right, (char *)r->text + left_size, right.size, &right_size))
        return s1_fail(r->error, INS1_E_FORMAT, "%s: a token names half a character", r->file);
    return read_merge(r, r->text, left_size, r->text + left_size, right_size);
}

ins1_status s1_load_merges(ins1_tokenizer *tokenizer, s1_json merges, ins1_error *error)
{
    s1_json_walk walk = s1_json_begin(merges);
    s1_json key, value;
    reader r;
    ins1_status status =
        s1_bpe_init(&tokenizer->bpe, s1_json_count(merges), &tokenizer->memory, error);

    reader_init(&r, tokenizer, "tokenizer.json", error);
    while (status == INS1_OK && s1_json_next(&walk, &key, &value)) {
        size_t size;
        if (value.kind == S1_JSON_STRING) {
            status = unescape(&r, value, &size);
            if (status == INS1_OK)
                status = read_merge_line(&r, r.text, size);
        } else {
            status = read_merge_pair(&r, value);
        }
    }
    reader_finish(&r);
    return status;
}
