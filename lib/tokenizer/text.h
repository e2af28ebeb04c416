#ifndef S1_TOKENIZER_TEXT_H
#define S1_TOKENIZER_TEXT_H

#include "base/call.h"
#include "interns1/tokenizer.h"
#include "tokenizer/scratch.h"

#include <stdbool.h>
#include <stdint.h>

/* Where normalisation changed something: [begin, end) of the result was [from, to) of the input. */
typedef struct s1_edit {
    uint32_t begin, end, from, to;
} s1_edit;

/* A stretch of the result up to `end` that came with one kind and one permission. */
typedef struct s1_stretch {
    uint32_t end;
    int32_t kind; /* INS1_SEGMENT_* */
    bool special;
} s1_stretch;

/* The segments of a call as one normalised text. */
typedef struct s1_text {
    const uint8_t *bytes; /* borrowed from the caller where nothing had to change */
    uint32_t size;
    s1_edit *edits;
    size_t n_edits, edits_capacity;
    s1_stretch *stretches; /* ascending; at least one */
    size_t n_stretches, stretches_capacity;
    uint8_t *joined, *changed; /* owned */
    size_t joined_capacity, changed_size, changed_capacity;
} s1_text;

enum {
    S1_TEXT_NFC = 1u,
    S1_TEXT_UNESCAPE = 2u /* U+2581 is a space */
};

/* Check and join `n` segments. `text` is zero before, and finished by the caller in any case. */
ins1_status s1_text_read(s1_text *text, const ins1_segment *segments, size_t n, unsigned flags,
                         const ins1_allocator *memory, const s1_call *call);
void s1_text_finish(s1_text *text, const ins1_allocator *memory);

/* A walk that maps positions of the result, asked for in ascending order, to those of the input. */
typedef struct s1_text_map {
    const s1_text *text;
    size_t edit;
} s1_text_map;

uint32_t s1_text_origin(s1_text_map *map, uint32_t at);

#endif
