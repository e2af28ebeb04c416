#ifndef S1_TOKENIZER_BPE_H
#define S1_TOKENIZER_BPE_H

#include "tokenizer/merge.h"
#include "tokenizer/strings.h"

/* The merges of a byte-level vocabulary. */
typedef struct s1_bpe_slot {
    uint32_t left, right, rank; /* rank S1_NO_RANK is an empty slot */
} s1_bpe_slot;

typedef struct s1_bpe {
    uint32_t byte_ids[256];
    s1_bpe_slot *slots;
    size_t n_slots;    /* a power of two */
    uint32_t *made;    /* [n_merges] the id that the merge of that rank gives */
    size_t n_merges;   /* the next rank */
    size_t max_merges; /* entries in `made` */
} s1_bpe;

/* Room for `n` merges. */
ins1_status s1_bpe_init(s1_bpe *bpe, size_t n, const ins1_allocator *memory, ins1_error *error);

/* The next merge. Of two merges of the same pair the later one counts, as in the reference. */
ins1_status s1_bpe_add(s1_bpe *bpe, uint32_t left, uint32_t right, uint32_t made,
                       ins1_error *error);

/* A merge that can never apply still takes a rank. */
void s1_bpe_skip(s1_bpe *bpe);

/* The symbols of `size` bytes of text, merged; positions count from `at`. */
ins1_status s1_bpe_encode(const s1_bpe *bpe, s1_merge *merge, const uint8_t *text, uint32_t at,
                          uint32_t size, const ins1_allocator *memory, const s1_call *call);

void s1_bpe_finish(s1_bpe *bpe, const ins1_allocator *memory);

#endif
