#ifndef S1_DECODER_DECODER_H
#define S1_DECODER_DECODER_H

#include "decoder/weights.h"
#include "interns1/decoder.h"
#include "nn/ops.h"
#include "runtime/runtime.h"

#include <stdatomic.h>

/* The weights of a transformer on their devices. Immutable and shared. */

/* A device that has layers. */
typedef struct s1_home {
    s1_device *device;
    int32_t index; /* in the registry */
} s1_home;

typedef struct s1_layer {
    int32_t home;   /* in `homes` of the decoder */
    uint64_t bytes; /* of weights */
    s1_placed attention_norm, ffn_norm, q_norm, k_norm;
    s1_placed_linear q, k, v, qkv, o;
    s1_placed_linear gate, up, down;
    s1_placed_linear router;
    s1_placed_linear *experts; /* owned, [3][n_expert]: gate, up, down; NULL in a dense layer */
} s1_layer;

struct ins1_decoder {
    _Atomic int32_t owners;
    ins1_runtime *runtime; /* kept alive by `keeper` */
    void *keeper;          /* whose tensors these are; released with the decoder */
    void (*release_keeper)(void *keeper);
    const ins1_allocator *memory;
    uint64_t fingerprint; /* of the checkpoint, for snapshots */
    s1_decoder_config config;
    int32_t precision; /* INS1_PRECISION_*, never DEFAULT */
    s1_home *homes;    /* owned, [n_homes], each another device */
    int32_t n_homes;
    s1_placed embed;       /* where the first layer is */
    s1_placed norm;        /* where the last layer is */
    s1_placed_linear head; /* there too */
    bool head_is_embed;    /* and then not placed once more */
    uint64_t embed_bytes, head_bytes;
    s1_layer *layers; /* owned, config.n_layer */
};

/* Where a layer is. */
static inline const s1_home *s1_decoder_home(const ins1_decoder *decoder, int32_t layer)
{
    return &decoder->homes[decoder->layers[layer].home];
}

/* What model/ hands over. `keeper` is what keeps the tensors and the runtime alive: on success the
 * decoder owns one reference to it and drops it with `release_keeper`. */
typedef struct s1_decoder_source {
    ins1_runtime *runtime;
    void *keeper;
    void (*release_keeper)(void *keeper);
    uint64_t fingerprint;
    const s1_decoder_config *config;
    const s1_decoder_weights *weights;
} s1_decoder_source;

ins1_status s1_decoder_create(ins1_decoder **out, const s1_decoder_source *source,
                              const ins1_decoder_options *options, const s1_call *call);

/* The precision that options and checkpoint give; INS1_E_UNSUPPORTED for one that this checkpoint's
 * weights do not have. */
ins1_status s1_decoder_precision(int32_t *out, const s1_decoder_config *config, int32_t asked,
                                 ins1_error *error);

static inline bool s1_decoder_is_moe(const s1_decoder_config *config)
{
    return config->n_expert > 0;
}

#endif
