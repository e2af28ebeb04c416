#ifndef S1_TOKENIZER_INSIDE_H
#define S1_TOKENIZER_INSIDE_H

#include "tokenizer/added.h"
#include "tokenizer/bpe.h"
#include "tokenizer/pieces.h"
#include "tokenizer/strings.h"
#include "tokenizer/tokenizer.h"

#include <stdatomic.h>

enum { S1_MAX_DOMAINS = 3, S1_NO_DOMAIN = -1 };

enum { S1_RULES_NONE, S1_RULES_S1, S1_RULES_PRO };

/* A small vocabulary for one kind of text. */
typedef struct s1_domain {
    s1_pieces pieces;
    uint32_t offset; /* id of piece 0 */
    /* Base tokens whose text is also a piece become that piece inside the domain: the base id in
     * the upper half, the piece in the lower, ascending. */
    uint64_t *shared;
    size_t n_shared, shared_capacity;
} s1_domain;

struct ins1_tokenizer {
    _Atomic int32_t owners;
    ins1_allocator memory;
    void *owner;
    void (*release_owner)(void *owner);

    uint32_t flags; /* INS1_TOKENIZER_* */
    int32_t (*smiles_valid)(void *user, const char *text, size_t size);
    void *user;

    s1_strings tokens;   /* what each row decodes to; base tokens can be found */
    uint8_t *attributes; /* [tokens.n] INS1_TOKEN_* and S1_TOKEN_ADDED */
    size_t attributes_capacity;
    s1_added added;
    int32_t bos;

    int rules; /* S1_RULES_* */
    bool is_sentencepiece;
    bool nfc, marks_are_letters;
    bool drop_first_space; /* of a decoded text */
    s1_bpe bpe;            /* unless is_sentencepiece */
    s1_pieces pieces;      /* if is_sentencepiece */
    s1_domain domains[S1_MAX_DOMAINS];
    size_t n_domains;
    int8_t domain_of[INS1_SEGMENT_TOKEN]; /* by kind, or S1_NO_DOMAIN */
};

/* Beside the public attributes. */
enum { S1_TOKEN_ADDED = 64u };

/* Row `id` becomes a token; rows up to it exist afterwards. */
ins1_status s1_tokenizer_set(ins1_tokenizer *tokenizer, uint32_t id, const void *bytes, size_t size,
                             uint32_t attributes, ins1_error *error);

/* Ids at or above are refused, whatever a file says. */
#define S1_MAX_IDS UINT32_C(0x400000)

#endif
