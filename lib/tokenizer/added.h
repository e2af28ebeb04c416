#ifndef S1_TOKENIZER_ADDED_H
#define S1_TOKENIZER_ADDED_H

#include "base/error.h"
#include "tokenizer/scratch.h"

#include <stdbool.h>
#include <stdint.h>

/* What a token does besides being one. */
enum {
    S1_TAG_NONE,
    S1_TAG_BEGIN,         /* the text after it belongs to a domain */
    S1_TAG_END,           /* ... until here */
    S1_TAG_PROTECT_BEGIN, /* nothing is detected after it */
    S1_TAG_PROTECT_END,
    S1_TAG_TURN_END
};

typedef struct s1_added_token {
    int32_t id; /* -1: it splits the text, but is text itself */
    uint32_t begin, size;
    uint8_t tag;         /* S1_TAG_* */
    uint8_t kind;        /* INS1_SEGMENT_* of a begin tag */
    bool special;        /* as its entry says */
    bool lstrip, rstrip; /* takes the white space before, behind */
} s1_added_token;

/* The tokens that are matched as a whole, before any text is split. */
typedef struct s1_added {
    s1_added_token *tokens; /* sorted by text once s1_added_sort has run */
    size_t n, capacity;
    uint8_t *bytes;
    size_t n_bytes, bytes_capacity;
    uint8_t firsts[256]; /* bytes that begin one */
} s1_added;

/* A token whose text or id is there already is left out. */
ins1_status s1_added_put(s1_added *added, const s1_added_token *token, const void *text,
                         size_t size, const ins1_allocator *memory, ins1_error *error);

/* After the last put. Of tokens of the same text the first that was put stays. */
void s1_added_sort(s1_added *added);

static inline const uint8_t *s1_added_text(const s1_added *added, const s1_added_token *token)
{
    return added->bytes + token->begin;
}

/* The token of exactly this text, or NULL. */
s1_added_token *s1_added_find(const s1_added *added, const void *text, size_t size);

/* The tokens that are prefixes of [at, at + left), shortest first: ask with `token` NULL, then with
 * the last answer. NULL when there is no longer one. */
typedef struct s1_added_walk {
    size_t low, high;
    uint32_t depth;
} s1_added_walk;

const s1_added_token *s1_added_next(const s1_added *added, s1_added_walk *walk, const uint8_t *at,
                                    size_t left);

void s1_added_finish(s1_added *added, const ins1_allocator *memory);

#endif
