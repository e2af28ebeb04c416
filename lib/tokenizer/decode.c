#include "tokenizer/decode.h"

#include "base/call.h"
#include "tokenizer/unicode.h"

#include <string.h>

enum { POLL_EVERY = 1 << 14 };

static const uint8_t replacement[3] = { 0xEF, 0xBF, 0xBD };

static void put(s1_decoded *to, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size && to->count + i < to->capacity; i++)
        to->out[to->count + i] = (char)bytes[i];
    to->count += size;
}

/* Pass on what is whole. Each longest prefix of a character that cannot go on is one U+FFFD. */
static void put_checked(s1_decoded *to, const uint8_t *bytes, size_t size, size_t *rest)
{
    size_t at = 0, whole = 0;
    while (at < size) {
        uint32_t c;
        size_t n = s1_utf8_read(bytes + at, size - at, &c);
        if (c == S1_UTF8_CUT)
            break;
        at += n;
        if (c == S1_UTF8_BAD) {
            put(to, bytes + whole, at - n - whole);
            put(to, replacement, sizeof(replacement));
            whole = at;
        }
    }
    put(to, bytes + whole, at - whole);
    *rest = size - at;
}

static void feed(s1_decoding *state, const uint8_t *bytes, size_t size, s1_decoded *to)
{
    /* Finish the character that waits, a byte at a time: it takes at most three more. */
    while (state->n_held && size) {
        size_t rest;
        state->held[state->n_held++] = *bytes++;
        size--;
        uint32_t n = state->n_held;
        put_checked(to, state->held, n, &rest);
        memmove(state->held, state->held + n - rest, rest);
        state->n_held = (uint32_t)rest;
    }
    if (size) {
        size_t rest;
        put_checked(to, bytes, size, &rest);
        memcpy(state->held, bytes + size - rest, rest);
        state->n_held = (uint32_t)rest;
    }
}

void s1_decode_end(s1_decoding *state, s1_decoded *to)
{
    if (state->n_held)
        put(to, replacement, sizeof(replacement));
    state->n_held = 0;
    state->started = false;
}

void s1_decode_token(s1_decoding *state, int32_t id, s1_decoded *to)
{
    const ins1_tokenizer *t = state->tokenizer;
    uint32_t attributes = t->attributes[id], size;
    const uint8_t *bytes = s1_strings_get(&t->tokens, (uint32_t)id, &size);

    if (attributes & INS1_TOKEN_PADDING)
        return;
    if ((state->flags & INS1_DECODE_SKIP_SPECIAL && attributes & INS1_TOKEN_SPECIAL) ||
        (state->flags & INS1_DECODE_SKIP_CONTROL && attributes & INS1_TOKEN_CONTROL))
        return;
    if (attributes & S1_TOKEN_ADDED) {
        bool started = state->started;
        s1_decode_end(state, to);
        put(to, bytes, size);
        state->started = started;
        return;
    }
    if (t->drop_first_space && !state->started && size && *bytes == ' ') {
        bytes++;
        size--;
    }
    state->started = true;
    feed(state, bytes, size, to);
}

ins1_status s1_decode_check(const ins1_tokenizer *tokenizer, const int32_t *ids, size_t n,
                            uint32_t flags, ins1_error *error)
{
    if (flags & ~(INS1_DECODE_SKIP_SPECIAL | INS1_DECODE_SKIP_CONTROL))
        return s1_fail(error, INS1_E_VERSION, "decode flags 0x%x are too new", flags);
    if (n && !ids)
        return s1_fail(error, INS1_E_ARGUMENT, "%zu ids at no address", n);
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= tokenizer->tokens.n)
            return s1_fail(error, INS1_E_ARGUMENT, "id %d at %zu, the vocabulary has %zu", ids[i],
                           i, tokenizer->tokens.n);
    return INS1_OK;
}

ins1_status ins1_tokenizer_decode(const ins1_tokenizer *tokenizer, const int32_t *ids, size_t n_ids,
                                  uint32_t flags, char *out, size_t capacity, size_t *count,
                                  const ins1_call *given)
{
    s1_decoding state = { .tokenizer = tokenizer, .flags = flags };
    s1_decoded to = { out, capacity, 0 };
    s1_call call;

    if (count)
        *count = 0;
    ins1_status status = s1_call_begin(&call, given);
    if (status == INS1_OK && (!tokenizer || !count || (capacity && !out)))
        status =
            s1_fail(call.error, INS1_E_ARGUMENT, "no tokenizer, or no place for text or its size");
    if (status == INS1_OK)
        status = s1_decode_check(tokenizer, ids, n_ids, flags, call.error);
    for (size_t i = 0; status == INS1_OK && i < n_ids; i++) {
        if (i % POLL_EVERY == 0)
            status = s1_call_check(&call);
        s1_decode_token(&state, ids[i], &to);
    }
    if (status != INS1_OK)
        return status;
    s1_decode_end(&state, &to);
    *count = to.count;
    if (to.count > capacity)
        return s1_fail(call.error, INS1_E_BUFFER, "%zu bytes do not fit in %zu", to.count,
                       capacity);
    return INS1_OK;
}

ins1_status ins1_tokenizer_piece(const ins1_tokenizer *tokenizer, int32_t id, const char **bytes,
                                 size_t *size, uint32_t *attributes, const ins1_call *call)
{
    uint32_t n = 0;
    if (bytes)
        *bytes = NULL;
    if (size)
        *size = 0;
    if (attributes)
        *attributes = 0;
    if (!tokenizer)
        return s1_fail(s1_error_of(call), INS1_E_ARGUMENT, "the tokenizer is NULL");
    if (id < 0 || (size_t)id >= tokenizer->tokens.n)
        return s1_fail(s1_error_of(call), INS1_E_ARGUMENT, "id %d, the vocabulary has %zu", id,
                       tokenizer->tokens.n);
    const uint8_t *text = s1_strings_get(&tokenizer->tokens, (uint32_t)id, &n);
    if (bytes)
        *bytes = n ? (const char *)text : "";
    if (size)
        *size = n;
    if (attributes)
        *attributes = tokenizer->attributes[id] & ~(uint32_t)S1_TOKEN_ADDED;
    return INS1_OK;
}
