#ifndef S1_TOKENIZER_DECODE_H
#define S1_TOKENIZER_DECODE_H

#include "tokenizer/inside.h"

/* Decoding, token by token. What is not yet a whole character waits. */
typedef struct s1_decoding {
    const ins1_tokenizer *tokenizer;
    uint32_t flags; /* INS1_DECODE_* */
    uint8_t held[4];
    uint32_t n_held; /* at most 3: the beginning of a character */
    bool started;    /* something was decoded */
} s1_decoding;

/* Where decoded text goes: `count` bytes are needed so far, the first `capacity` are kept. */
typedef struct s1_decoded {
    char *out;
    size_t capacity, count;
} s1_decoded;

/* `id` is inside the vocabulary. */
void s1_decode_token(s1_decoding *state, int32_t id, s1_decoded *to);

/* The end of the text: half a character becomes U+FFFD. */
void s1_decode_end(s1_decoding *state, s1_decoded *to);

ins1_status s1_decode_check(const ins1_tokenizer *tokenizer, const int32_t *ids, size_t n,
                            uint32_t flags, ins1_error *error);

#endif
