#include "model/config.h"

#include "model/quantization.h"
#include "model/settings.h"

#include <string.h>

/* Rows of queries, keys and values together. */
enum { MAX_WIDTH = 1 << 24 };

/* A text decoder: what its class takes for what its config leaves out. */
typedef struct text_kind {
    const char *model_type, *alias, *architecture;
    s1_naming naming;
    bool is_moe, is_grouped, has_qk_norm;
    const char *qkv_bias, *o_bias; /* keys; NULL: never one */
    bool bias;
    int64_t vocab_size, hidden_size, n_layers, n_heads, n_heads_kv; /* kv 0: as many as heads */
    int64_t head_dim, intermediate_size;                            /* 0: hidden size / heads */
    int64_t max_position;
    double theta;
    int64_t n_experts, n_used, moe_intermediate_size;
    bool normalizes;
} text_kind;

static const text_kind text_kinds[] = {
    {
        .model_type = "qwen3",
        .architecture = "Qwen3ForCausalLM",
        .has_qk_norm = true,
        .qkv_bias = "attention_bias",
        .o_bias = "attention_bias",
        .vocab_size = 151936,
        .hidden_size = 4096,
        .n_layers = 32,
        .n_heads = 32,
        .n_heads_kv = 32,
        .head_dim = 128,
        .intermediate_size = 22016,
        .max_position = 32768,
        .theta = 10000,
    },
    {
        .model_type = "qwen3_moe",
        .architecture = "Qwen3MoeForCausalLM",
        .is_moe = true,
        .has_qk_norm = true,
        .qkv_bias = "attention_bias",
        .o_bias = "attention_bias",
        .vocab_size = 151936,
        .hidden_size = 2048,
        .n_layers = 24,
        .n_heads = 32,
        .n_heads_kv = 4,
        .intermediate_size = 6144,
        .max_position = 32768,
        .theta = 10000,
        .n_experts = 128,
        .n_used = 8,
        .moe_intermediate_size = 768,
    },
    {
        .model_type = "interns1_pro_text",
        .alias = "interns1_1_text",
        .is_moe = true,
        .is_grouped = true,
        .has_qk_norm = true,
        .qkv_bias = "attention_bias",
        .o_bias = "attention_bias",
        .vocab_size = S1_REQUIRED,
        .hidden_size = S1_REQUIRED,
        .n_layers = S1_REQUIRED,
        .n_heads = S1_REQUIRED,
        .n_heads_kv = S1_REQUIRED,
        .intermediate_size = S1_REQUIRED,
        .max_position = S1_REQUIRED,
        .theta = 5000000,
        .n_experts = S1_REQUIRED,
        .n_used = S1_REQUIRED,
        .moe_intermediate_size = S1_REQUIRED,
        .normalizes = true,
    },
    {
        .model_type = "internlm2",
        .architecture = "InternLM2ForCausalLM",
        .naming = S1_NAMING_INTERNLM2,
        .qkv_bias = "bias",
        .o_bias = "bias",
        .bias = true,
        .vocab_size = 103168,
        .hidden_size = 4096,
        .n_layers = 32,
        .n_heads = 32,
        .intermediate_size = 11008,
        .max_position = 2048,
        .theta = 10000,
    },
};

/* A family member: its outer config, and what its text decoder is when the inner one does not say.
 */
typedef struct member {
    const char *architecture, *model_type;
    const char *text; /* NULL: as the inner config says, of which there must be one */
    bool is_nested, is_reward;
    const char *dialect;
} member;

static const member members[] = {
    { "InternS1ForConditionalGeneration", "interns1", NULL, true, false, "intern-s1" },
    { "InternS1ProForConditionalGeneration", "interns1_pro", "interns1_pro_text", true, false,
      "intern-s1-pro" },
    { "InternS1_1_ForConditionalGeneration", "interns1_1", "interns1_pro_text", true, false,
      "intern-s1-pro" },
    { "InternLM2ForCausalLM", "internlm2", "internlm2", false, false, "internlm2" },
    { "InternLM2ForRewardModel", "internlm2", "internlm2", false, true, "internlm2" },
    { "InternVLForConditionalGeneration", "internvl", NULL, true, false, NULL },
    { "Qwen3ForCausalLM", "qwen3", "qwen3", false, false, "qwen3" },
    { "Qwen3MoeForCausalLM", "qwen3_moe", "qwen3_moe", false, false, "qwen3" },
};

enum {
    N_KINDS = sizeof(text_kinds) / sizeof(text_kinds[0]),
    N_MEMBERS = sizeof(members) / sizeof(members[0]),
};

/* The first name in the list of architectures. */
static s1_json architecture_of(s1_json config)
{
    s1_json key, first = { 0 };
    s1_json_walk walk = s1_json_begin(s1_json_get(config, "architectures"));
    if (!s1_json_next(&walk, &key, &first))
        return (s1_json){ 0 };
    return first;
}

static const member *find_member(s1_json root)
{
    s1_json architecture = architecture_of(root), type = s1_json_get(root, "model_type");
    for (int i = 0; i < N_MEMBERS; i++)
        if (s1_json_is(architecture, members[i].architecture))
            return &members[i];
    for (int i = 0; i < N_MEMBERS && !architecture.kind; i++)
        if (s1_json_is(type, members[i].model_type))
            return &members[i];
    return NULL;
}

static const text_kind *find_kind(const member *m, s1_json text)
{
    s1_json type = s1_json_get(text, "model_type"), architecture = architecture_of(text);
    for (int i = 0; i < N_KINDS && m->is_nested; i++)
        if (s1_json_is(type, text_kinds[i].model_type) ||
            (text_kinds[i].alias && s1_json_is(type, text_kinds[i].alias)))
            return &text_kinds[i];
    for (int i = 0; i < N_KINDS && m->is_nested && !type.kind; i++)
        if (text_kinds[i].architecture && s1_json_is(architecture, text_kinds[i].architecture))
            return &text_kinds[i];
    for (int i = 0; i < N_KINDS && m->text && (!m->is_nested || !type.kind); i++)
        if (!strcmp(m->text, text_kinds[i].model_type))
            return &text_kinds[i];
    return NULL;
}

bool s1_config_is_known(s1_json root, char *name, size_t capacity)
{
    s1_json architecture = architecture_of(root);
    if (architecture.kind != S1_JSON_STRING)
        architecture = s1_json_get(root, "model_type");
    if (name && capacity) {
        size_t size = architecture.size < capacity ? architecture.size : capacity - 1;
        if (size)
            memcpy(name, architecture.text, size);
        name[size] = 0;
    }
    return find_member(root) != NULL;
}

static void read_sizes(s1_config *out, const text_kind *kind, s1_settings *s)
{
    s1_decoder_config *d = &out->decoder;

    d->n_vocab = s1_settings_int(s, "vocab_size", kind->vocab_size, 1, 1 << 26);
    d->n_embd = s1_settings_int(s, "hidden_size", kind->hidden_size, 1, 1 << 20);
    d->n_layer = s1_settings_int(s, "num_hidden_layers", kind->n_layers, 1, S1_MAX_LAYERS);
    d->n_head = s1_settings_int(s, "num_attention_heads", kind->n_heads, 1, 1 << 16);
    d->n_head_kv = s1_settings_int(s, "num_key_value_heads",
                                   kind->n_heads_kv ? kind->n_heads_kv : d->n_head, 1, 1 << 16);
    bool has_own = kind->naming != S1_NAMING_INTERNLM2; /* this one's class divides, always */
    d->head_dim = has_own ? s1_settings_int(s, "head_dim", kind->head_dim, 1, 1 << 16) : 0;
    if (s->status != INS1_OK)
        return;
    if (!d->head_dim) {
        if (d->n_embd % d->n_head)
            s1_settings_refuse(s, INS1_E_FORMAT, "hidden_size", "a multiple of the heads");
        d->head_dim = d->n_embd / d->n_head;
    }
    if (d->head_dim % 2)
        s1_settings_refuse(s, INS1_E_UNSUPPORTED, "head_dim", "an even number");
    if (d->n_head % d->n_head_kv)
        s1_settings_refuse(s, INS1_E_FORMAT, "num_key_value_heads", "a divisor of the heads");
    if (((int64_t)d->n_head + 2 * d->n_head_kv) * d->head_dim > MAX_WIDTH)
        s1_settings_refuse(s, INS1_E_UNSUPPORTED, "num_attention_heads", "fewer");
    d->n_ff = s1_settings_int(s, "intermediate_size", kind->intermediate_size, 1, 1 << 24);
    d->norm_eps = (float)s1_settings_double(s, "rms_norm_eps", 1e-6, 0, 1);
}

/* Layers that stay dense: those of the list, and those that the step leaves out. */
static void read_dense_layers(s1_config *out, s1_settings *s)
{
    s1_json list = s1_settings_value(s, "mlp_only_layers"), key, element;
    int32_t step = s1_settings_int(s, "decoder_sparse_step", 1, 1, INT32_MAX);
    int64_t at;

    for (int32_t i = 0; i < out->decoder.n_layer; i++)
        if ((i + 1) % step)
            out->is_dense[i / 8] |= (uint8_t)(1u << i % 8);
    if (list.kind && list.kind != S1_JSON_ARRAY)
        s1_settings_refuse(s, INS1_E_FORMAT, "mlp_only_layers", "a list of layers");
    s1_json_walk walk = s1_json_begin(list);
    while (s1_json_next(&walk, &key, &element)) {
        if (!s1_json_int(element, &at) || at < 0)
            s1_settings_refuse(s, INS1_E_FORMAT, "mlp_only_layers", "a list of layers");
        else if (at < out->decoder.n_layer)
            out->is_dense[at / 8] |= (uint8_t)(1u << at % 8);
    }
}

static void read_mixture(s1_config *out, const text_kind *kind, s1_settings *s)
{
    s1_decoder_config *d = &out->decoder;

    d->n_expert = s1_settings_int(s, "num_experts", kind->n_experts, 0, 1 << 16);
    if (!d->n_expert)
        return;
    d->n_expert_used = s1_settings_int(s, "num_experts_per_tok", kind->n_used, 1, d->n_expert);
    d->n_ff_exp =
        s1_settings_int(s, "moe_intermediate_size", kind->moe_intermediate_size, 1, 1 << 24);
    d->normalize_gates = s1_settings_bool(s, "norm_topk_prob", kind->normalizes);
    if (kind->is_grouped)
        d->n_groups = s1_settings_int(s, "router_n_groups", 0, INT32_MIN, 1 << 16);
    if (d->n_groups <= 1)
        d->n_groups = 0;
    if (d->n_groups && (d->n_expert % d->n_groups || d->n_expert_used % d->n_groups))
        s1_settings_refuse(s, INS1_E_FORMAT, "router_n_groups",
                           "a divisor of num_experts and num_experts_per_tok");
    read_dense_layers(out, s);
}

/* What would change the numbers in a way that no code here computes. */
static void refuse_unknown_layers(s1_settings *s)
{
    s1_json key, element;

    s1_settings_must_be(s, "hidden_act", "silu");
    if (s1_settings_bool(s, "use_sliding_window", false))
        s1_settings_refuse(s, INS1_E_UNSUPPORTED, "use_sliding_window", "false");
    s1_json_walk walk = s1_json_begin(s1_settings_value(s, "layer_types"));
    while (s1_json_next(&walk, &key, &element))
        if (!s1_json_is(element, "full_attention"))
            s1_settings_refuse(s, INS1_E_UNSUPPORTED, "layer_types", "full_attention everywhere");
}

static ins1_status read_text(s1_config *out, const member *m, const text_kind *kind, s1_json text,
                             ins1_error *error)
{
    s1_settings s = { text, m->is_nested ? "config.json/text_config" : "config.json", error,
                      INS1_OK };

    out->naming = kind->naming;
    out->has_qk_norm = kind->has_qk_norm;
    read_sizes(out, kind, &s);
    out->has_qkv_bias = s1_settings_bool(&s, kind->qkv_bias, kind->bias);
    out->has_o_bias = s1_settings_bool(&s, kind->o_bias, kind->bias);
    out->ties_head = s1_settings_bool(&s, "tie_word_embeddings", false);
    out->decoder.rope.max_position =
        s1_settings_int(&s, "max_position_embeddings", kind->max_position, 1, INT32_MAX);
    out->decoder.reward_token = -1;
    if (m->is_reward)
        out->decoder.reward_token =
            s1_settings_int(&s, "reward_token_id", 92527, 0, out->decoder.n_vocab - 1);
    if (s.status == INS1_OK && kind->is_moe)
        read_mixture(out, kind, &s);
    refuse_unknown_layers(&s);
    if (s.status != INS1_OK)
        return s.status;
    return s1_rope_read(out, text, s.where, kind->theta, error);
}

static void add_placeholder(s1_config *out, s1_settings *s, const char *key)
{
    int32_t id = s1_settings_int(s, key, -1, 0, INT32_MAX);
    for (int32_t i = 0; i < out->n_placeholders; i++)
        if (out->placeholders[i] == id)
            return;
    if (id >= 0)
        out->placeholders[out->n_placeholders++] = id;
}

ins1_status s1_config_read(s1_config *out, s1_json root, ins1_error *error)
{
    s1_settings s = { root, "config.json", error, INS1_OK };
    const member *m = find_member(root);
    char name[80];

    *out = (s1_config){ 0 };
    if (!m) {
        s1_config_is_known(root, name, sizeof(name));
        return s1_fail(error, INS1_E_UNSUPPORTED, "config.json: architecture %s is not known",
                       name[0] ? name : "(none)");
    }
    bool outer_ties = m->is_nested && s1_settings_bool(&s, "tie_word_embeddings", false);
    s1_json text = m->is_nested ? s1_json_get(root, "text_config") : root;
    if (text.kind != S1_JSON_OBJECT)
        return s1_fail(error, INS1_E_FORMAT, "config.json: text_config is missing, %s has one",
                       m->architecture);
    const text_kind *kind = find_kind(m, text);
    if (!kind) {
        s1_settings inner = { text, "config.json/text_config", error, INS1_OK };
        s1_settings_refuse(&inner, INS1_E_UNSUPPORTED, "model_type", "a decoder of the family");
        return inner.status;
    }
    out->architecture = m->architecture;
    out->dialect = m->dialect;
    ins1_status status = read_text(out, m, kind, text, error);
    if (status != INS1_OK)
        return status;

    out->ties_head = out->ties_head || outer_ties;
    status = s1_quantization_read(&out->quantization, s1_settings_value(&s, "quantization_config"),
                                  error);
    if (status != INS1_OK)
        return status;
    add_placeholder(out, &s, "image_token_id");
    add_placeholder(out, &s, "video_token_id");
    add_placeholder(out, &s, "ts_token_id");
    if (!s1_settings_ids(&s, "eos_token_id", out->end_ids, S1_MAX_IDS, &out->n_end_ids)) {
        s1_settings inner = { text, "config.json/text_config", error, INS1_OK };
        s1_settings_ids(&inner, "eos_token_id", out->end_ids, S1_MAX_IDS, &out->n_end_ids);
        if (inner.status != INS1_OK)
            return inner.status;
    }
    return s.status;
}

bool s1_config_is_moe(const s1_config *config, int32_t at)
{
    return config->decoder.n_expert && !(config->is_dense[at / 8] >> at % 8 & 1);
}
