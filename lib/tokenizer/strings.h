#ifndef S1_TOKENIZER_STRINGS_H
#define S1_TOKENIZER_STRINGS_H

#include "base/error.h"
#include "tokenizer/scratch.h"

#include <stdbool.h>
#include <stdint.h>

#define S1_NO_STRING UINT32_MAX

typedef struct s1_string_span {
    uint32_t begin, size;
} s1_string_span;

/* Numbered byte strings in one block, some of which can be found by their bytes. */
typedef struct s1_strings {
    uint8_t *bytes;
    size_t n_bytes, bytes_capacity;
    s1_string_span *spans; /* [n] */
    size_t n, spans_capacity;
    uint32_t *slots; /* numbers; S1_NO_STRING is empty */
    size_t n_slots;  /* a power of two, at least twice the number of strings in it */
} s1_strings;

/* Rows 0..n exist afterwards, new ones empty. */
ins1_status s1_strings_extend(s1_strings *strings, size_t n, const ins1_allocator *memory,
                              ins1_error *error);

/* Set row `number`, which exists. */
ins1_status s1_strings_set(s1_strings *strings, uint32_t number, const void *bytes, size_t size,
                           const ins1_allocator *memory, ins1_error *error);

/* Make room to find `n` strings; forgets what could be found. */
ins1_status s1_strings_index(s1_strings *strings, size_t n, const ins1_allocator *memory,
                             ins1_error *error);

/* Let row `number` be found. INS1_E_FORMAT when another row has the same bytes. */
ins1_status s1_strings_enter(s1_strings *strings, uint32_t number, ins1_error *error);

uint32_t s1_strings_find(const s1_strings *strings, const void *bytes, size_t size);
void s1_strings_finish(s1_strings *strings, const ins1_allocator *memory);

static inline const uint8_t *s1_strings_get(const s1_strings *strings, uint32_t number,
                                            uint32_t *size)
{
    *size = strings->spans[number].size;
    return strings->bytes + strings->spans[number].begin;
}

/* A hash whose low bits are good. */
uint64_t s1_hash(const void *bytes, size_t size);

/* No honest table has so many neighbours in a row; one that was crafted to is refused. */
enum { S1_MAX_PROBES = 4096 };

#endif
