#ifndef S1_VISION_WEIGHTS_H
#define S1_VISION_WEIGHTS_H

#include "nn/linear.h"
#include "vision/processor.h"

#include <stdbool.h>
#include <stdint.h>

/* What a checkpoint gives a vision tower: numbers and host tensors, already checked against each
 * other. Filled by model/, which alone knows names and families. Tensors borrow from the model. */

/* weight [n]; bias [n] of a layer norm, dtype 0 of an RMS norm. */
typedef struct s1_vision_norm {
    s1_tensor weight, bias;
} s1_vision_norm;

typedef struct s1_vision_layer {
    s1_vision_norm attention_norm, mlp_norm;
    s1_linear q, k, v, qkv;    /* either the three, or `qkv`: rows of Q, then of K, then of V */
    s1_tensor q_norm, k_norm;  /* [width], over all heads together; or dtype 0 */
    s1_linear out, up, down;   /* of attention; of the MLP */
    s1_tensor attention_scale; /* [width], of what attention adds; or dtype 0 */
    s1_tensor mlp_scale;       /* the same of the MLP */
} s1_vision_layer;

typedef struct s1_vision_config {
    s1_vision_kind kind;
    int32_t width, n_layer, n_head, head_dim, n_ff;
    int32_t act;   /* INS1_ACT_* of the layers' MLPs */
    bool uses_rms; /* the layers' norms are RMS norms */
    bool has_qk_norm, has_qkv_bias;
    float norm_eps, qk_norm_eps;
    int32_t channels;
    int32_t patch[2];     /* rows and columns of pixels */
    int32_t temporal;     /* frames of a patch; 1: tiles */
    int32_t merge;        /* patches of a token, a side */
    int32_t positions[2]; /* rows and columns of the table of positions */
    double rope_theta;    /* PATCHES */
    int32_t merger_act;
    float merger_eps;
    int32_t merger_width;      /* between its two products */
    int32_t n_out;             /* width of the embeddings */
    int32_t default_precision; /* INS1_PRECISION_*; comes with the weights */
} s1_vision_config;

typedef struct s1_vision_weights {
    const s1_vision_config *config;
    s1_linear patch;     /* [width][channels * frames * rows * columns of a patch] */
    s1_tensor cls;       /* [width], a row before all patches; or dtype 0 */
    s1_tensor positions; /* [(1 with cls) + rows * columns][width] */
    /* Projector or merger. TILES: the norm is over the patches of a token together, PATCHES: over
     * each. */
    s1_vision_norm merger_norm;
    s1_linear merger_up, merger_down;
    s1_vision_layer *layers;
} s1_vision_weights;

#endif
