#ifndef S1_TOKENIZER_PIECES_H
#define S1_TOKENIZER_PIECES_H

#include "tokenizer/added.h"
#include "tokenizer/merge.h"
#include "tokenizer/strings.h"

/* A SentencePiece model of the BPE type. */

enum {
    S1_PIECE_NORMAL = 1,
    S1_PIECE_UNKNOWN = 2,
    S1_PIECE_CONTROL = 3,
    S1_PIECE_USER_DEFINED = 4,
    S1_PIECE_UNUSED = 5,
    S1_PIECE_BYTE = 6
};

typedef struct s1_pieces {
    s1_strings texts; /* as in the file; the normal ones can be found */
    uint32_t *ranks;  /* [texts.n] order of merging; equal scores have equal ranks */
    uint8_t *types;   /* [texts.n] S1_PIECE_* */
    size_t n_ranks;   /* entries that `ranks` and `types` have room for */
    uint32_t unknown, bytes[256];
    int32_t bos; /* -1: none */
    s1_added user_defined;
    uint32_t max_size; /* bytes of the longest that merging can make */
    bool byte_fallback, dummy_prefix, squeeze, escape;
} s1_pieces;

/* Read the bytes of a model. INS1_E_UNSUPPORTED for other model types and normalisers. */
ins1_status s1_pieces_read(s1_pieces *pieces, const void *data, size_t size,
                           const ins1_allocator *memory, ins1_error *error);
void s1_pieces_finish(s1_pieces *pieces, const ins1_allocator *memory);

/* Scratch of one call; zero to begin with. */
typedef struct s1_pieces_work {
    uint8_t *escaped; /* the text with spaces as U+2581 */
    size_t escaped_capacity;
    uint32_t *origins; /* [escaped + 1] where each byte came from */
    size_t origins_capacity;
} s1_pieces_work;

enum {
    S1_PIECES_FIRST = 1u,  /* the text begins here: a dummy prefix goes before it */
    S1_PIECES_TRUSTED = 2u /* user-defined pieces of more than one character count */
};

/* Cut text[begin, end) into merge->symbols, whose id is a piece, or S1_NO_ID for a run of
 * characters of no piece, and whose positions are those of `text`. */
ins1_status s1_pieces_encode(const s1_pieces *pieces, s1_pieces_work *work, s1_merge *merge,
                             const uint8_t *text, uint32_t begin, uint32_t end, unsigned flags,
                             const ins1_allocator *memory, const s1_call *call);
void s1_pieces_work_finish(s1_pieces_work *work, const ins1_allocator *memory);

#endif
