#ifndef S1_TOKENIZER_MERGE_H
#define S1_TOKENIZER_MERGE_H

#include "base/call.h"
#include "tokenizer/scratch.h"

#include <stdint.h>

/* Byte-pair merging, of bytes and of SentencePiece characters alike: the adjacent pair of the
 * lowest rank is joined, the leftmost of equals, until no pair has one. Time is O(n log n). */

#define S1_NO_RANK UINT32_MAX
#define S1_NO_ID   UINT32_MAX

typedef struct s1_symbol {
    uint32_t id;         /* S1_NO_ID: of no vocabulary */
    uint32_t begin, end; /* in the text that is merged */
    uint32_t rank, made; /* of the pair with the next symbol, and what it becomes */
    uint32_t next, last; /* links while merging */
} s1_symbol;

/* The rank of a pair and the id it becomes, or S1_NO_RANK. */
typedef uint32_t s1_rank_fn(const void *vocabulary, const s1_symbol *left, const s1_symbol *right,
                            uint32_t *made);

/* Scratch of one call; zero to begin with. */
typedef struct s1_merge {
    s1_symbol *symbols;
    size_t n, capacity;
    uint64_t *heap;
    size_t n_heap, heap_capacity;
} s1_merge;

/* Room for `n` symbols in merge->symbols; INS1_E_MEMORY without. */
ins1_status s1_merge_reserve(s1_merge *merge, size_t n, const ins1_allocator *memory,
                             ins1_error *error);

/* Merge symbols[0..n), of which id, begin and end are set. Afterwards they are fewer. */
ins1_status s1_merge_run(s1_merge *merge, s1_rank_fn *rank, const void *vocabulary,
                         const ins1_allocator *memory, const s1_call *call);

void s1_merge_finish(s1_merge *merge, const ins1_allocator *memory);

#endif
