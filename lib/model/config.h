#ifndef S1_MODEL_CONFIG_H
#define S1_MODEL_CONFIG_H

#include "base/error.h"
#include "base/json.h"
#include "decoder/weights.h"
#include "model/sampling.h"

enum { S1_MAX_LAYERS = 4096, S1_MAX_IDS = 64 };

/* How the tensors of a text decoder are called. */
typedef enum s1_naming {
    S1_NAMING_QWEN3,
    S1_NAMING_INTERNLM2,
} s1_naming;

/* What config.json says, checked and complete. Strings are static. */
typedef struct s1_config {
    const char *architecture; /* "InternS1ForConditionalGeneration" */
    const char *dialect;      /* of its chats when no template says otherwise; may be NULL */
    s1_naming naming;
    s1_decoder_config decoder; /* default_precision and FoPE's tensors come with the weights */
    bool has_qk_norm;
    bool has_qkv_bias, has_o_bias;
    bool ties_head; /* the head is the embedding, unless it is stored */
    bool has_fope;
    int32_t fope_frequencies;            /* 0: as the tensors say */
    uint8_t is_dense[S1_MAX_LAYERS / 8]; /* layers of a mixture that have a plain MLP */
    int32_t placeholders[S1_MAX_IDS], n_placeholders;
    int32_t end_ids[S1_MAX_IDS], n_end_ids;
    const char *quantization; /* S1_QUANTIZATION_*, or NULL */
} s1_config;

/* The family member by its name; false for one that is not known. `name` (may be NULL) receives the
 * name as it stands in the file, for messages, cut to `capacity` bytes. */
bool s1_config_is_known(s1_json root, char *name, size_t capacity);

/* INS1_E_FORMAT or INS1_E_UNSUPPORTED naming the key, what was found and what is expected. */
ins1_status s1_config_read(s1_config *out, s1_json root, ins1_error *error);

/* The scaling of rotary positions: `object` is a text config. */
ins1_status s1_rope_read(s1_config *out, s1_json object, const char *where, double default_theta,
                         ins1_error *error);

/* Has layer `at` a mixture of experts? */
bool s1_config_is_moe(const s1_config *config, int32_t at);

/* Call `visit` with the path of every key that no reader knows. */
void s1_config_unknown(s1_json root, void (*visit)(void *user, const char *where, s1_json key),
                       void *user);

#endif
