#ifndef S1_DECODER_WEIGHTS_H
#define S1_DECODER_WEIGHTS_H

#include "nn/linear.h"
#include "nn/rope.h"
#include "tensor/tensor.h"

#include <stdbool.h>
#include <stdint.h>

/* What a checkpoint gives a decoder: numbers and host tensors, already checked against each other.
 * Filled by model/, which alone knows names and families. Tensors borrow from the model. */

typedef struct s1_layer_weights {
    s1_tensor attention_norm, ffn_norm; /* [n_embd] */
    s1_tensor q_norm, k_norm;           /* [head_dim], or dtype 0 */
    /* Either q, k, v, or all in `qkv`, whose rows are for each KV head: its query heads, K, V. */
    s1_linear q, k, v, qkv, o;
    /* A dense layer has gate, up, down; a mixture has router and `experts`. */
    bool is_moe;
    s1_linear gate, up, down;
    s1_linear router;
    s1_linear *expert_gate, *expert_up, *expert_down; /* n_expert each */
} s1_layer_weights;

typedef struct s1_decoder_config {
    int32_t n_vocab, n_embd, n_layer, n_head, n_head_kv, head_dim;
    int32_t n_ff;                                        /* dense layers */
    int32_t n_expert, n_expert_used, n_groups, n_ff_exp; /* 0 without a mixture */
    bool normalize_gates;
    float norm_eps;
    s1_rope_config rope;
    int32_t default_precision; /* INS1_PRECISION_* */
    int32_t reward_token;      /* -1: logits; else `head` is [1][n_embd] and gives rewards */
} s1_decoder_config;

typedef struct s1_decoder_weights {
    s1_tensor embed; /* any [n_vocab][n_embd] */
    s1_tensor norm;  /* [n_embd] */
    s1_linear head;  /* [n_vocab][n_embd]; the embedding again where tied */
    s1_layer_weights *layers;
} s1_decoder_weights;

#endif
