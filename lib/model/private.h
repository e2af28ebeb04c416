#ifndef S1_MODEL_PRIVATE_H
#define S1_MODEL_PRIVATE_H

#include "model/load.h"
#include "model/model.h"

/* What only model/ knows of an open model. */
struct s1_model_private {
    s1_loaded loaded;
    const char *dialect;
    const char *tokenizer;
    s1_sampling sampling;
    int32_t end_ids[S1_MAX_IDS], n_end_ids;
    char name[256];
    /* Our own metadata, as JSON; from the allocator, NUL-terminated. */
    char *unknown_keys, *end_ids_text, *placeholders_text;
    uint64_t mapped; /* counted at the runtime */
};

/* Hash of everything that decides a decoder's numbers, from shapes and samples of the bytes. */
uint64_t s1_model_fingerprint(const s1_decoder_config *config, const s1_decoder_weights *weights);

/* Names of keys that no reader knows, and ids, as JSON arrays. NULL when there is no memory. */
char *s1_unknown_keys_text(const ins1_allocator *memory, s1_json root);
char *s1_ids_text(const ins1_allocator *memory, const int32_t *ids, int32_t n);

#endif
