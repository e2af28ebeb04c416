#ifndef TEST_TINY_H
#define TEST_TINY_H

/* Tiny checkpoints whose tensors can be left out, renamed and reshaped one by one. */

#include "made.h"

#include <stdio.h>

enum { TINY_MAX = 64 };

typedef struct tiny_tensor {
    char name[100];
    const char *dtype; /* NULL: left out */
    int rank;
    int shape[5];
} tiny_tensor;

typedef struct tiny {
    char config[1500];
    tiny_tensor tensors[TINY_MAX];
    int n;
} tiny;

static inline tiny_tensor *tiny_add(tiny *t, const char *name, const char *dtype, int rank, int a,
                                    int b, int c)
{
    tiny_tensor *tensor = &t->tensors[t->n++];
    snprintf(tensor->name, sizeof(tensor->name), "%s", name);
    tensor->dtype = dtype;
    tensor->rank = rank;
    tensor->shape[0] = a;
    tensor->shape[1] = b;
    tensor->shape[2] = c;
    return tensor;
}

static inline tiny_tensor *tiny_find(tiny *t, const char *name)
{
    for (int i = 0; i < t->n; i++)
        if (!strcmp(t->tensors[i].name, name))
            return &t->tensors[i];
    return NULL;
}

#define TINY_LAYER "model.language_model.layers.0."

/* One dense layer: vocabulary 5, width 4, 2 heads of 2 over 1, MLP 6. */
static inline tiny tiny_dense(void)
{
    tiny t = { .n = 0 };
    strcpy(t.config,
           "{\"architectures\":[\"InternS1ForConditionalGeneration\"],\"image_token_id\":3,"
           "\"text_config\":{\"model_type\":\"qwen3\",\"vocab_size\":5,\"hidden_size\":4,"
           "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"num_key_value_heads\":1,"
           "\"head_dim\":2,\"intermediate_size\":6,\"max_position_embeddings\":16}}");
    tiny_add(&t, "lm_head.weight", "BF16", 2, 5, 4, 0);
    tiny_add(&t, "model.language_model.embed_tokens.weight", "BF16", 2, 5, 4, 0);
    tiny_add(&t, "model.language_model.norm.weight", "BF16", 1, 4, 0, 0);
    tiny_add(&t, TINY_LAYER "input_layernorm.weight", "BF16", 1, 4, 0, 0);
    tiny_add(&t, TINY_LAYER "post_attention_layernorm.weight", "BF16", 1, 4, 0, 0);
    tiny_add(&t, TINY_LAYER "self_attn.q_norm.weight", "BF16", 1, 2, 0, 0);
    tiny_add(&t, TINY_LAYER "self_attn.k_norm.weight", "BF16", 1, 2, 0, 0);
    tiny_add(&t, TINY_LAYER "self_attn.q_proj.weight", "BF16", 2, 4, 4, 0);
    tiny_add(&t, TINY_LAYER "self_attn.k_proj.weight", "BF16", 2, 2, 4, 0);
    tiny_add(&t, TINY_LAYER "self_attn.v_proj.weight", "BF16", 2, 2, 4, 0);
    tiny_add(&t, TINY_LAYER "self_attn.o_proj.weight", "BF16", 2, 4, 4, 0);
    tiny_add(&t, TINY_LAYER "mlp.gate_proj.weight", "BF16", 2, 6, 4, 0);
    tiny_add(&t, TINY_LAYER "mlp.up_proj.weight", "BF16", 2, 6, 4, 0);
    tiny_add(&t, TINY_LAYER "mlp.down_proj.weight", "BF16", 2, 4, 6, 0);
    return t;
}

/* The same with two experts of width 3 in place of the MLP, and FoPE. */
static inline tiny tiny_pro(void)
{
    tiny t = tiny_dense();
    strcpy(t.config,
           "{\"architectures\":[\"InternS1ProForConditionalGeneration\"],\"text_config\":{"
           "\"model_type\":\"interns1_pro_text\",\"vocab_size\":5,\"hidden_size\":4,"
           "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"num_key_value_heads\":1,"
           "\"head_dim\":2,\"intermediate_size\":6,\"max_position_embeddings\":16,"
           "\"num_experts\":2,\"num_experts_per_tok\":2,\"moe_intermediate_size\":3,"
           "\"router_n_groups\":2,\"rope_scaling\":{\"fope_sep_head\":true}}}");
    t.n -= 3;
    tiny_add(&t, TINY_LAYER "mlp.gate.weight", "BF16", 2, 2, 4, 0);
    tiny_add(&t, "model.language_model.rotary_emb.cos_coef", "F32", 3, 1, 1, 1);
    tiny_add(&t, "model.language_model.rotary_emb.sin_coef", "F32", 3, 1, 1, 1);
    for (int e = 0; e < 2; e++) {
        char name[100];
        snprintf(name, sizeof(name), TINY_LAYER "mlp.experts.%d.gate_proj.weight", e);
        tiny_add(&t, name, "BF16", 2, 3, 4, 0);
        snprintf(name, sizeof(name), TINY_LAYER "mlp.experts.%d.up_proj.weight", e);
        tiny_add(&t, name, "BF16", 2, 3, 4, 0);
        snprintf(name, sizeof(name), TINY_LAYER "mlp.experts.%d.down_proj.weight", e);
        tiny_add(&t, name, "BF16", 2, 4, 3, 0);
    }
    return t;
}

static inline tiny tiny_internlm2(void)
{
    tiny t = { .n = 0 };
    strcpy(t.config,
           "{\"architectures\":[\"InternLM2ForCausalLM\"],\"vocab_size\":5,\"hidden_size\":4,"
           "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"num_key_value_heads\":1,"
           "\"intermediate_size\":6,\"max_position_embeddings\":16,\"bias\":true}");
    tiny_add(&t, "output.weight", "F16", 2, 5, 4, 0);
    tiny_add(&t, "model.tok_embeddings.weight", "F16", 2, 5, 4, 0);
    tiny_add(&t, "model.norm.weight", "F16", 1, 4, 0, 0);
    tiny_add(&t, "model.layers.0.attention_norm.weight", "F16", 1, 4, 0, 0);
    tiny_add(&t, "model.layers.0.ffn_norm.weight", "F16", 1, 4, 0, 0);
    tiny_add(&t, "model.layers.0.attention.wqkv.weight", "F16", 2, 8, 4, 0);
    tiny_add(&t, "model.layers.0.attention.wqkv.bias", "F16", 1, 8, 0, 0);
    tiny_add(&t, "model.layers.0.attention.wo.weight", "F16", 2, 4, 4, 0);
    tiny_add(&t, "model.layers.0.attention.wo.bias", "F16", 1, 4, 0, 0);
    tiny_add(&t, "model.layers.0.feed_forward.w1.weight", "F16", 2, 6, 4, 0);
    tiny_add(&t, "model.layers.0.feed_forward.w2.weight", "F16", 2, 4, 6, 0);
    tiny_add(&t, "model.layers.0.feed_forward.w3.weight", "F16", 2, 6, 4, 0);
    return t;
}

static inline int tiny_item_size(const char *dtype)
{
    return !strcmp(dtype, "F32") ? 4 : dtype[0] == 'B' || !strcmp(dtype, "F16") ? 2 : 1;
}

/* The files of it: config.json and model.safetensors. */
static inline void tiny_make(const tiny *t, made *m)
{
    enum { ROOM = 1 << 16 };
    char *header = malloc(ROOM);
    size_t at = 0, data = 0;
    for (int i = 0; i < t->n; i++) {
        const tiny_tensor *tensor = &t->tensors[i];
        size_t size = 1;
        if (!tensor->dtype)
            continue;
        at += (size_t)snprintf(header + at, ROOM - at, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[",
                               at ? "," : "{", tensor->name, tensor->dtype);
        for (int axis = 0; axis < tensor->rank; axis++) {
            at += (size_t)snprintf(header + at, ROOM - at, "%s%d", axis ? "," : "",
                                   tensor->shape[axis]);
            size *= (size_t)tensor->shape[axis];
        }
        size *= (size_t)tiny_item_size(tensor->dtype);
        at += (size_t)snprintf(header + at, ROOM - at, "],\"data_offsets\":[%zu,%zu]}", data,
                               data + size);
        data += size;
    }
    snprintf(header + at, ROOM - at, at ? "}" : "{}");
    made_text(m, "config.json", t->config);
    made_tensors(m, "model.safetensors", header, data);
    free(header);
}

#endif
