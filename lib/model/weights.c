#include "model/bind.h"

#include "base/memory.h"
#include "base/meter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const qwen_prefixes[] = {
    "model.language_model.", "language_model.model.", "model.", "language_model.", "",
};

static const char *const internlm2_prefixes[] = { "model.", "language_model.model.", "" };

static const char *const qwen_heads[] = { "lm_head", "language_model.lm_head", "model.lm_head" };
static const char *const internlm2_heads[] = { "output", "language_model.output" };
/* One matrix of a fused tensor, from element `at` on: rows by columns, each with its step. */
static s1_tensor slice(const s1_tensor *fused, uint64_t at, uint64_t rows, int64_t row_step,
                       uint64_t columns, int64_t column_step)
{
    size_t item = s1_dtype_size(fused->dtype);
    const uint8_t *data = fused->data;
    return (s1_tensor){
        .dtype = fused->dtype,
        .rank = 2,
        .shape = { rows, columns },
        .stride = { row_step, column_step },
        .data = data ? data + at * item : NULL,
        .size =
            ((rows - 1) * (uint64_t)row_step + (columns - 1) * (uint64_t)column_step + 1) * item,
    };
}

/* All experts in two tensors. Either [expert][in][out], as the family saves them, or
 * [expert][out][in], as newer frameworks hold them; the two shapes together always tell which. */
static void fused_experts(s1_binder *b, s1_layer_weights *layer, const char *base,
                          const s1_tensor *gate_up)
{
    const s1_decoder_config *d = &b->config->decoder;
    const uint64_t n = (uint64_t)d->n_expert, h = (uint64_t)d->n_embd, f = (uint64_t)d->n_ff_exp;
    char name[S1_MAX_NAME];

    snprintf(name, sizeof(name), "%sexperts.down_proj", base);
    s1_tensor down = s1_bind_get(b, name);
    if (!down.dtype) {
        s1_bind_miss(b, name);
        return;
    }
    bool in_out = s1_has_shape(gate_up, 3, n, h, 2 * f) && s1_has_shape(&down, 3, n, f, h);
    bool out_in = s1_has_shape(gate_up, 3, n, 2 * f, h) && s1_has_shape(&down, 3, n, h, f);
    if (!in_out && !out_in)
        s1_bind_refuse(b, name, &down, "[experts, in, out] to fit gate_up_proj and the config");
    if (!s1_is_plain_float(&down) || !s1_is_plain_float(gate_up))
        s1_bind_refuse(b, name, &down, "F32, F16 or BF16 for fused experts");
    if (b->status != INS1_OK)
        return;
    for (uint64_t e = 0; e < n; e++) {
        const uint64_t at = e * h * 2 * f, to = e * h * f;
        const int64_t wide = (int64_t)(2 * f), hidden = (int64_t)h, inner = (int64_t)f;
        layer->expert_gate[e].weight =
            in_out ? slice(gate_up, at, f, 1, h, wide) : slice(gate_up, at, f, hidden, h, 1);
        layer->expert_up[e].weight = in_out ? slice(gate_up, at + f, f, 1, h, wide)
                                            : slice(gate_up, at + f * h, f, hidden, h, 1);
        layer->expert_down[e].weight =
            in_out ? slice(&down, to, h, 1, f, hidden) : slice(&down, to, h, inner, f, 1);
    }
    s1_bind_count_matrix(b, gate_up, (uint64_t)d->n_expert_used, n);
    s1_bind_count_matrix(b, &down, (uint64_t)d->n_expert_used, n);
}

/* A product with one of many experts rounds its activations before it knows which. */
static void check_alike(s1_binder *b, const s1_linear *experts, const char *base, const char *role)
{
    char name[S1_MAX_NAME];

    for (int32_t e = 1; e < b->config->decoder.n_expert && b->status == INS1_OK; e++) {
        const s1_tensor *weight = &experts[e].weight;
        const bool is_i8 = experts[0].weight.dtype == INS1_DTYPE_I8;
        if (!weight->dtype || (weight->dtype == INS1_DTYPE_I8) == is_i8)
            continue;
        snprintf(name, sizeof(name), "%sexperts.%d.%s.weight", base, e, role);
        s1_bind_refuse(b, name, weight, is_i8 ? "I8 as expert 0" : "a float as expert 0");
    }
}

static void experts(s1_binder *b, s1_layer_weights *layer, const char *base)
{
    const s1_decoder_config *d = &b->config->decoder;
    char name[S1_MAX_NAME];

    snprintf(name, sizeof(name), "%sexperts.gate_up_proj", base);
    s1_tensor fused = s1_bind_get(b, name);
    if (fused.dtype) {
        fused_experts(b, layer, base, &fused);
        return;
    }
    for (int32_t e = 0; e < d->n_expert && b->status == INS1_OK; e++) {
        snprintf(name, sizeof(name), "%sexperts.%d.gate_proj", base, e);
        s1_bind_linear_of(b, &layer->expert_gate[e], name, d->n_ff_exp, d->n_embd, false,
                          d->n_expert_used, d->n_expert);
        snprintf(name, sizeof(name), "%sexperts.%d.up_proj", base, e);
        s1_bind_linear_of(b, &layer->expert_up[e], name, d->n_ff_exp, d->n_embd, false,
                          d->n_expert_used, d->n_expert);
        snprintf(name, sizeof(name), "%sexperts.%d.down_proj", base, e);
        s1_bind_linear_of(b, &layer->expert_down[e], name, d->n_embd, d->n_ff_exp, false,
                          d->n_expert_used, d->n_expert);
    }
    check_alike(b, layer->expert_gate, base, "gate_proj");
    check_alike(b, layer->expert_up, base, "up_proj");
    check_alike(b, layer->expert_down, base, "down_proj");
}

/* What it multiplies is never rounded. */
static void router(s1_binder *b, s1_layer_weights *layer, const char *base)
{
    const s1_decoder_config *d = &b->config->decoder;
    char name[S1_MAX_NAME];

    s1_bind_linear(b, &layer->router, base, "gate", d->n_expert, d->n_embd, false);
    snprintf(name, sizeof(name), "%sgate.weight", base);
    if (layer->router.weight.dtype == INS1_DTYPE_I8)
        s1_bind_refuse(b, name, &layer->router.weight, "a float for a router");
}

static void qwen_layer(s1_binder *b, s1_layer_weights *layer, int32_t at)
{
    const s1_config *config = b->config;
    const s1_decoder_config *d = &config->decoder;
    const int32_t q = d->n_head * d->head_dim, kv = d->n_head_kv * d->head_dim;
    char base[S1_MAX_BASE], mlp[S1_MAX_BASE];

    snprintf(base, sizeof(base), "%slayers.%d.", b->prefix, at);
    snprintf(mlp, sizeof(mlp), "%slayers.%d.mlp.", b->prefix, at);
    layer->attention_norm = s1_bind_norm(b, base, "input_layernorm", d->n_embd);
    layer->ffn_norm = s1_bind_norm(b, base, "post_attention_layernorm", d->n_embd);
    if (config->has_qk_norm) {
        layer->q_norm = s1_bind_norm(b, base, "self_attn.q_norm", d->head_dim);
        layer->k_norm = s1_bind_norm(b, base, "self_attn.k_norm", d->head_dim);
    }
    s1_bind_linear(b, &layer->q, base, "self_attn.q_proj", q, d->n_embd, config->has_qkv_bias);
    s1_bind_linear(b, &layer->k, base, "self_attn.k_proj", kv, d->n_embd, config->has_qkv_bias);
    s1_bind_linear(b, &layer->v, base, "self_attn.v_proj", kv, d->n_embd, config->has_qkv_bias);
    s1_bind_linear(b, &layer->o, base, "self_attn.o_proj", d->n_embd, q, config->has_o_bias);
    if (layer->is_moe) {
        router(b, layer, mlp);
        experts(b, layer, mlp);
    } else {
        s1_bind_linear(b, &layer->gate, mlp, "gate_proj", d->n_ff, d->n_embd, false);
        s1_bind_linear(b, &layer->up, mlp, "up_proj", d->n_ff, d->n_embd, false);
        s1_bind_linear(b, &layer->down, mlp, "down_proj", d->n_embd, d->n_ff, false);
    }
}

static void internlm2_layer(s1_binder *b, s1_layer_weights *layer, int32_t at)
{
    const s1_config *config = b->config;
    const s1_decoder_config *d = &config->decoder;
    const int32_t rows = (d->n_head + 2 * d->n_head_kv) * d->head_dim;
    char base[S1_MAX_BASE];

    snprintf(base, sizeof(base), "%slayers.%d.", b->prefix, at);
    layer->attention_norm = s1_bind_norm(b, base, "attention_norm", d->n_embd);
    layer->ffn_norm = s1_bind_norm(b, base, "ffn_norm", d->n_embd);
    s1_bind_linear(b, &layer->qkv, base, "attention.wqkv", rows, d->n_embd, config->has_qkv_bias);
    s1_bind_linear(b, &layer->o, base, "attention.wo", d->n_embd, d->n_head * d->head_dim,
                   config->has_o_bias);
    s1_bind_linear(b, &layer->gate, base, "feed_forward.w1", d->n_ff, d->n_embd, false);
    s1_bind_linear(b, &layer->up, base, "feed_forward.w3", d->n_ff, d->n_embd, false);
    s1_bind_linear(b, &layer->down, base, "feed_forward.w2", d->n_embd, d->n_ff, false);
}

/* [heads][F][F], or [F][F] for all heads together. */
static s1_tensor fope_tensor(s1_binder *b, const char *name)
{
    const s1_decoder_config *d = &b->config->decoder;
    char full[S1_MAX_NAME];

    snprintf(full, sizeof(full), "%srotary_emb.%s", b->prefix, name);
    s1_tensor tensor = s1_bind_get(b, full);
    if (!tensor.dtype) {
        s1_bind_miss(b, full);
        return tensor;
    }
    uint64_t f = tensor.rank ? tensor.shape[tensor.rank - 1] : 0;
    uint64_t heads = tensor.rank == 3 ? tensor.shape[0] : 1;
    bool fits = s1_has_shape(&tensor, 3, heads, f, f) || s1_has_shape(&tensor, 2, f, f, 0);
    if (!fits || f < 1 || f > (uint64_t)d->head_dim / 2 ||
        (heads != 1 && heads != (uint64_t)d->n_head_kv) ||
        (b->config->fope_frequencies && f != (uint64_t)b->config->fope_frequencies))
        s1_bind_refuse(b, full, &tensor, "[KV heads, F, F] with the config's F");
    if (tensor.dtype != INS1_DTYPE_F32 && tensor.dtype != INS1_DTYPE_BF16)
        s1_bind_refuse(b, full, &tensor, "F32 or BF16");
    if (b->status != INS1_OK)
        return (s1_tensor){ 0 };
    s1_bind_count(b, &tensor, 0, 0);
    const uint64_t shape[] = { heads, f, f };
    return s1_tensor_dense(tensor.dtype, 3, shape, tensor.data);
}

static void fope(s1_binder *b, s1_rope_config *rope)
{
    rope->fope_cos = fope_tensor(b, "cos_coef");
    rope->fope_sin = fope_tensor(b, "sin_coef");
    if (b->status == INS1_OK && rope->fope_cos.dtype && rope->fope_sin.dtype &&
        memcmp(rope->fope_cos.shape, rope->fope_sin.shape, sizeof(rope->fope_cos.shape)) != 0)
        s1_bind_refuse(b, "rotary_emb.sin_coef", &rope->fope_sin, "the shape of cos_coef");
}

/* The first prefix under which the embedding is found; the usual one where there is none. */
static const char *find_prefix(const s1_checkpoint *checkpoint, const char *const *prefixes,
                               size_t n, const char *name)
{
    char full[S1_MAX_NAME];
    for (size_t i = 0; i < n; i++) {
        snprintf(full, sizeof(full), "%s%s.weight", prefixes[i], name);
        if (s1_checkpoint_has(checkpoint, full))
            return prefixes[i];
    }
    return prefixes[0];
}

static void embedding_and_head(s1_binder *b, const char *embedding, const char *const *heads,
                               size_t n_heads)
{
    const s1_decoder_config *d = &b->config->decoder;
    s1_decoder_weights *w = &b->out->weights;
    s1_linear table = { 0 };
    char full[S1_MAX_NAME];

    s1_bind_linear(b, &table, b->prefix, embedding, d->n_vocab, d->n_embd, false);
    w->embed = table.weight;
    if (table.scale.dtype)
        s1_bind_refuse(b, embedding, &table.weight, "an embedding of floats without scales");
    w->norm = s1_bind_norm(b, b->prefix, "norm", d->n_embd);
    if (d->reward_token >= 0) {
        s1_bind_linear(b, &w->head, "", "v_head", 1, d->n_embd, false);
        return;
    }
    for (size_t i = 0; i < n_heads; i++) {
        snprintf(full, sizeof(full), "%s.weight", heads[i]);
        if (!s1_checkpoint_has(b->checkpoint, full))
            continue;
        s1_bind_linear(b, &w->head, "", heads[i], d->n_vocab, d->n_embd, false);
        return;
    }
    if (b->config->ties_head)
        w->head.weight = w->embed;
    else
        s1_bind_linear(b, &w->head, "", heads[0], d->n_vocab, d->n_embd, false);
}

/* The lists, whose lengths are compared with what the files hold before anything is allocated. */
static ins1_status reserve(s1_bound *out, const s1_config *config, const s1_checkpoint *checkpoint,
                           const ins1_allocator *memory, ins1_error *error)
{
    const s1_decoder_config *d = &config->decoder;
    uint64_t n_moe = 0;

    for (int32_t i = 0; i < d->n_layer; i++)
        n_moe += s1_config_is_moe(config, i);
    uint64_t n_experts = n_moe * (uint64_t)d->n_expert * 3;
    if ((uint64_t)d->n_layer > s1_checkpoint_count(checkpoint) ||
        n_experts > s1_checkpoint_size(checkpoint))
        return s1_fail(error, INS1_E_FORMAT,
                       "%d layers with %d experts do not fit into %zu tensors of %" PRIu64
                       " bytes together",
                       d->n_layer, d->n_expert, s1_checkpoint_count(checkpoint),
                       s1_checkpoint_size(checkpoint));
    out->layers = s1_alloc_array(memory, (size_t)d->n_layer, sizeof(*out->layers), INS1_MEM_OBJECT);
    if (!out->layers)
        return s1_out_of_memory(memory, (uint64_t)d->n_layer * sizeof(*out->layers), "the layers",
                                error);
    out->n_layers = (size_t)d->n_layer;
    out->weights.layers = out->layers;
    if (!n_experts)
        return INS1_OK;
    out->experts =
        s1_alloc_array(memory, (size_t)n_experts, sizeof(*out->experts), INS1_MEM_OBJECT);
    if (!out->experts)
        return s1_out_of_memory(memory, n_experts * sizeof(*out->experts), "the experts", error);
    out->n_experts = (size_t)n_experts;

    s1_linear *next = out->experts;
    for (int32_t i = 0; i < d->n_layer; i++) {
        s1_layer_weights *layer = &out->layers[i];
        layer->is_moe = s1_config_is_moe(config, i);
        if (!layer->is_moe)
            continue;
        layer->expert_gate = next;
        layer->expert_up = next + d->n_expert;
        layer->expert_down = next + 2 * (size_t)d->n_expert;
        next += 3 * (size_t)d->n_expert;
    }
    return INS1_OK;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static ins1_status bind_all(s1_binder *b, s1_config *config, const s1_call *call)
{
    const bool is_qwen = config->naming == S1_NAMING_QWEN3;
    const char *embedding = is_qwen ? "embed_tokens" : "tok_embeddings";

    b->prefix = is_qwen ? find_prefix(b->checkpoint, qwen_prefixes, COUNT(qwen_prefixes), embedding)
                        : find_prefix(b->checkpoint, internlm2_prefixes, COUNT(internlm2_prefixes),
                                      embedding);
    if (is_qwen)
        embedding_and_head(b, embedding, qwen_heads, COUNT(qwen_heads));
    else
        embedding_and_head(b, embedding, internlm2_heads, COUNT(internlm2_heads));
    for (int32_t i = 0; i < config->decoder.n_layer && b->status == INS1_OK; i++) {
        b->status = s1_call_check(call);
        if (is_qwen)
            qwen_layer(b, &b->out->layers[i], i);
        else
            internlm2_layer(b, &b->out->layers[i], i);
    }
    if (config->has_fope)
        fope(b, &config->decoder.rope);
    return s1_bind_end(b);
}

int32_t s1_tally_precision(const s1_tally *tally)
{
    if (tally->has_i8)
        return INS1_PRECISION_INT8;
    return tally->narrow > tally->wide ? INS1_PRECISION_BF16 : INS1_PRECISION_F32;
}

ins1_status s1_weights_bind(s1_bound *out, s1_config *config, s1_checkpoint *checkpoint,
                            const s1_host *host, const ins1_allocator *memory, const s1_call *call)
{
    s1_binder b = {
        .tally = &out->tally,
        .out = out,
        .config = config,
        .checkpoint = checkpoint,
        .host = host,
        .error = call->error,
    };

    *out = (s1_bound){ 0 };
    ins1_status status = reserve(out, config, checkpoint, memory, call->error);
    if (status == INS1_OK)
        status = bind_all(&b, config, call);
    if (status != INS1_OK) {
        s1_weights_finish(out, memory);
        return status;
    }
    config->decoder.default_precision = s1_tally_precision(&out->tally);
    return INS1_OK;
}

void s1_weights_finish(s1_bound *bound, const ins1_allocator *memory)
{
    s1_free(memory, bound->layers, bound->n_layers * sizeof(*bound->layers), INS1_MEM_OBJECT);
    s1_free(memory, bound->experts, bound->n_experts * sizeof(*bound->experts), INS1_MEM_OBJECT);
    *bound = (s1_bound){ 0 };
}
