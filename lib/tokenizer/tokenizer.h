#ifndef S1_TOKENIZER_TOKENIZER_H
#define S1_TOKENIZER_TOKENIZER_H

#include "interns1/tokenizer.h"

#include <stdbool.h>

/* One file of a tokenizer; data NULL where there is none. */
typedef struct s1_tokenizer_file {
    const void *data;
    size_t size;
} s1_tokenizer_file;

/* What a tokenizer is made of. The base vocabulary is vocab_json + merges_txt, or else
 * tokenizer_json, or else tokenizer_model. Everything is borrowed for the call; tables are copied
 * out of the files. */
typedef struct s1_tokenizer_source {
    s1_tokenizer_file vocab_json;         /* vocab.json */
    s1_tokenizer_file merges_txt;         /* merges.txt */
    s1_tokenizer_file tokenizer_config;   /* tokenizer_config.json */
    s1_tokenizer_file added_tokens;       /* added_tokens.json */
    s1_tokenizer_file special_tokens_map; /* special_tokens_map.json */
    s1_tokenizer_file tokenizer_json;     /* tokenizer.json */
    s1_tokenizer_file tokenizer_model;    /* tokenizer.model, SentencePiece */
    s1_tokenizer_file smiles_model;       /* tokenizer_SMILES.model */
    s1_tokenizer_file protein_model;      /* tokenizer_PROT.model */
    s1_tokenizer_file xna_model;          /* tokenizer_XNA.model */
    s1_tokenizer_file iupac_model;        /* tokenizer_IUPAC.model */
    s1_tokenizer_file fasta_model;        /* tokenizer_FASTA.model */

    int32_t n_vocab; /* rows of the embedding table; 0: one more than the largest id */
    const int32_t *end_ids;
    size_t n_end_ids;
    const int32_t *placeholder_ids;
    size_t n_placeholder_ids;

    /* What the tokenizer keeps alive, and with it the allocator. Both may be NULL. `retain` is
     * called once when creating succeeds, `release` once when the last owner lets go. */
    void *owner;
    void (*retain)(void *owner);
    void (*release)(void *owner);
} s1_tokenizer_source;

/* `memory` is kept. INS1_E_FORMAT and INS1_E_UNSUPPORTED name the file. */
ins1_status s1_tokenizer_create(ins1_tokenizer **out, const ins1_allocator *memory,
                                const s1_tokenizer_source *source,
                                const ins1_tokenizer_options *options, ins1_error *error);

/* Rows of the vocabulary, padding included. */
int32_t s1_tokenizer_n_vocab(const ins1_tokenizer *tokenizer);

/* Is it a row without a token? Ids outside the vocabulary are. */
bool s1_tokenizer_is_padding(const ins1_tokenizer *tokenizer, int32_t id);

/* Does the token end a reply? */
bool s1_tokenizer_is_end(const ins1_tokenizer *tokenizer, int32_t id);

/* The id of the added token with exactly this text, -1 when there is none. */
int32_t s1_tokenizer_token_id(const ins1_tokenizer *tokenizer, const char *text);

/* The begin-of-text id, -1 when the checkpoint names none. INS1_ENCODE_ADD_BOS then adds nothing.
 */
int32_t s1_tokenizer_bos(const ins1_tokenizer *tokenizer);

/* Which rules apply: "intern-s1-pro", "intern-s1", "byte-level-bpe", "sentencepiece". Static. */
const char *s1_tokenizer_rules(const ins1_tokenizer *tokenizer);

#endif
