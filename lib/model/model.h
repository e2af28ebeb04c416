#ifndef S1_MODEL_MODEL_H
#define S1_MODEL_MODEL_H

#include "base/json.h"
#include "decoder/weights.h"
#include "format/files.h"
#include "interns1/model.h"
#include "model/sampling.h"
#include "runtime/runtime.h"

/* An opened checkpoint; immutable and shared. */
struct ins1_model {
    _Atomic int32_t owners;
    ins1_runtime *runtime; /* one of its owners */
    s1_files *files;
    uint32_t parts; /* INS1_PART_* that are there */
    s1_decoder_config decoder_config;
    s1_decoder_weights decoder_weights; /* zero without INS1_PART_DECODER */
    /* Identity of the weights, for snapshots: a hash of names, shapes, dtypes and sampled bytes. */
    uint64_t fingerprint;
    struct s1_model_private *inside; /* model/ alone */
};

/* Ids that end a reply, and ids that stand where embeddings go, as the checkpoint's JSON names
 * them. */
const int32_t *s1_model_end_ids(const ins1_model *model, size_t *n);
const int32_t *s1_model_placeholder_ids(const ins1_model *model, size_t *n);

/* Rows of the embedding table; 0 where the checkpoint does not say. */
int32_t s1_model_n_vocab(const ins1_model *model);

/* What generation_config.json recommends; all zero (the arg-max) where it says nothing. */
s1_sampling s1_model_sampling(const ins1_model *model);

/* "intern-s1", "intern-s1-pro", "internlm2", "qwen2.5", "qwen3"; NULL when the checkpoint's
 * template is none of these, or nothing says. Static. */
const char *s1_model_dialect(const ins1_model *model);

/* The text of one of the checkpoint's JSON files, such as "preprocessor_config.json"; NONE where
 * there is none. */
s1_json s1_model_json(const ins1_model *model, const char *file);

#endif
