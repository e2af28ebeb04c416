#include "tokenizer/strings.h"

#include <string.h>

#define MAX_BYTES UINT32_C(0x40000000)

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= UINT64_C(0xD6E8FEB86659FD93);
    h ^= h >> 32;
    return h;
}

uint64_t s1_hash(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t h = UINT64_C(0x9E3779B97F4A7C15) * (size + 1), word;

    for (; size >= 8; at += 8, size -= 8) {
        memcpy(&word, at, 8);
        h = mix(h ^ word) * UINT64_C(0xA0761D6478BD642F);
    }
    if (size) {
        word = 0;
        for (size_t i = 0; i < size; i++)
            word |= (uint64_t)at[i] << 8 * i;
        h ^= word;
    }
    return mix(mix(h));
}

ins1_status s1_strings_extend(s1_strings *strings, size_t n, const ins1_allocator *memory,
                              ins1_error *error)
{
    if (n <= strings->n)
        return INS1_OK;
    if (!s1_scratch_grow(memory, (void **)&strings->spans, &strings->spans_capacity, n,
                         sizeof(*strings->spans), INS1_MEM_OBJECT))
        return s1_fail(error, INS1_E_MEMORY, "no memory for %zu tokens", n);
    strings->n = n;
    return INS1_OK;
}

ins1_status s1_strings_set(s1_strings *strings, uint32_t number, const void *bytes, size_t size,
                           const ins1_allocator *memory, ins1_error *error)
{
    if (size > MAX_BYTES - strings->n_bytes)
        return s1_fail(error, INS1_E_UNSUPPORTED, "tokens have more than %u bytes", MAX_BYTES);
    if (!s1_scratch_grow(memory, (void **)&strings->bytes, &strings->bytes_capacity,
                         strings->n_bytes + size, 1, INS1_MEM_OBJECT))
        return s1_fail(error, INS1_E_MEMORY, "no memory for %zu bytes of tokens",
                       strings->n_bytes + size);
    if (size)
        memcpy(strings->bytes + strings->n_bytes, bytes, size);
    strings->spans[number] = (s1_string_span){ (uint32_t)strings->n_bytes, (uint32_t)size };
    strings->n_bytes += size;
    return INS1_OK;
}

ins1_status s1_strings_index(s1_strings *strings, size_t n, const ins1_allocator *memory,
                             ins1_error *error)
{
    size_t slots = 16;
    while (slots / 2 < n)
        slots *= 2;
    s1_free(memory, strings->slots, strings->n_slots * sizeof(*strings->slots), INS1_MEM_OBJECT);
    strings->n_slots = 0;
    strings->slots = s1_alloc_array(memory, slots, sizeof(*strings->slots), INS1_MEM_OBJECT);
    if (!strings->slots)
        return s1_fail(error, INS1_E_MEMORY, "no memory for a table of %zu tokens", n);
    strings->n_slots = slots;
    memset(strings->slots, 0xFF, slots * sizeof(*strings->slots));
    return INS1_OK;
}

/* The slot that holds these bytes, else the empty one where they belong; n_slots when there are too
 * many neighbours. */
static size_t slot_of(const s1_strings *strings, const void *bytes, size_t size)
{
    size_t mask = strings->n_slots - 1, at = s1_hash(bytes, size) & mask;

    for (int probes = 0; probes < S1_MAX_PROBES; probes++, at = (at + 1) & mask) {
        uint32_t number = strings->slots[at];
        if (number == S1_NO_STRING)
            return at;
        s1_string_span span = strings->spans[number];
        if (span.size == size && !memcmp(strings->bytes + span.begin, bytes, size))
            return at;
    }
    return strings->n_slots;
}

ins1_status s1_strings_enter(s1_strings *strings, uint32_t number, ins1_error *error)
{
    uint32_t size;
    const uint8_t *bytes = s1_strings_get(strings, number, &size);
    size_t at = slot_of(strings, bytes, size);

    if (at == strings->n_slots)
        return s1_fail(error, INS1_E_FORMAT, "too many tokens share a hash with token %u", number);
    if (strings->slots[at] != S1_NO_STRING)
        return s1_fail(error, INS1_E_FORMAT, "tokens %u and %u have the same text",
                       strings->slots[at], number);
    strings->slots[at] = number;
    return INS1_OK;
}

uint32_t s1_strings_find(const s1_strings *strings, const void *bytes, size_t size)
{
    if (!strings->n_slots)
        return S1_NO_STRING;
    size_t at = slot_of(strings, bytes, size);
    return at == strings->n_slots ? S1_NO_STRING : strings->slots[at];
}

void s1_strings_finish(s1_strings *strings, const ins1_allocator *memory)
{
    s1_scratch_free(memory, strings->bytes, strings->bytes_capacity, 1, INS1_MEM_OBJECT);
    s1_scratch_free(memory, strings->spans, strings->spans_capacity, sizeof(*strings->spans),
                    INS1_MEM_OBJECT);
    s1_free(memory, strings->slots, strings->n_slots * sizeof(*strings->slots), INS1_MEM_OBJECT);
    *strings = (s1_strings){ 0 };
}
