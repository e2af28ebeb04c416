#ifndef S1_TOKENIZER_LOAD_H
#define S1_TOKENIZER_LOAD_H

#include "base/json.h"
#include "tokenizer/inside.h"

/* Readers of the single files, in the order in which they are used. Each names its file. */

/* Check the JSON of a file; NONE when it is absent. */
ins1_status s1_load_json(s1_json *out, const s1_tokenizer_file *file, const char *name,
                         ins1_error *error);

/* The added tokens of tokenizer_config.json, tokenizer.json and added_tokens.json. */
ins1_status s1_load_added(ins1_tokenizer *tokenizer, s1_json config, s1_json tokenizer_json,
                          s1_json added_tokens, ins1_error *error);

/* Once the added tokens are sorted: which of them decoding may skip, and the begin-of-text id. */
ins1_status s1_load_special(ins1_tokenizer *tokenizer, s1_json config, s1_json map,
                            ins1_error *error);

/* vocab.json and merges.txt. Entries of added tokens' rows and beyond are no base tokens. */
ins1_status s1_load_vocab(ins1_tokenizer *tokenizer, s1_json vocab, bool stop_at_added,
                          ins1_error *error);
ins1_status s1_load_merges_txt(ins1_tokenizer *tokenizer, const s1_tokenizer_file *file,
                               ins1_error *error);

/* The merges of tokenizer.json: pairs, or texts as in merges.txt. */
ins1_status s1_load_merges(ins1_tokenizer *tokenizer, s1_json merges, ins1_error *error);

/* The byte that a character of such a vocabulary stands for, or -1. */
int32_t s1_load_byte_of(uint32_t c);

/* The normaliser and pre-tokeniser of tokenizer.json, which are among those that are known. */
ins1_status s1_load_splitter(ins1_tokenizer *tokenizer, s1_json json, ins1_error *error);

/* The model, normaliser and pre-tokeniser of tokenizer.json. */
ins1_status s1_load_tokenizer_json(ins1_tokenizer *tokenizer, s1_json json, ins1_error *error);

/* A SentencePiece model as the base vocabulary. */
ins1_status s1_load_pieces(ins1_tokenizer *tokenizer, const s1_tokenizer_file *file,
                           ins1_error *error);

/* The domain models and their tags, by the rules of the generation. Sorts the added tokens. */
ins1_status s1_load_domains(ins1_tokenizer *tokenizer, const s1_tokenizer_source *source,
                            s1_json config, ins1_error *error);

#endif
