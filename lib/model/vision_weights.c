#include "model/vision_weights.h"

#include "base/memory.h"
#include "base/meter.h"
#include "model/bind.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const tower_prefixes[] = { "model.vision_tower.", "vision_tower." };
static const char *const projector_prefixes[] = { "model.multi_modal_projector.",
                                                  "multi_modal_projector." };
static const char *const visual_prefixes[] = { "model.visual.", "visual." };

enum { N_PREFIXES = 2 };

/* A tensor that must be there in exactly this shape. */
static s1_tensor shaped(s1_binder *b, const char *name, int32_t rank, const uint64_t *shape)
{
    char expected[128];
    size_t at = 0;

    s1_tensor tensor = s1_bind_get(b, name);
    if (!tensor.dtype) {
        s1_bind_miss(b, name);
        return tensor;
    }
    for (int32_t i = 0; i < rank; i++)
        at += (size_t)snprintf(expected + at, sizeof(expected) - at, "%s%" PRIu64, i ? ", " : "[",
                               shape[i]);
    snprintf(expected + at, sizeof(expected) - at, "]");
    if (tensor.rank != rank || memcmp(tensor.shape, shape, (size_t)rank * sizeof(*shape)) != 0)
        s1_bind_refuse(b, name, &tensor, expected);
    if (!s1_is_plain_float(&tensor))
        s1_bind_refuse(b, name, &tensor, "F32, F16 or BF16");
    s1_bind_count(b, &tensor, 0, 0);
    return tensor;
}

/* The same numbers as a matrix, or as a vector where `columns` is 0. */
static s1_tensor reshaped(const s1_tensor *tensor, int64_t rows, int64_t columns)
{
    const uint64_t shape[] = { (uint64_t)rows, (uint64_t)columns };
    if (!tensor->dtype)
        return *tensor;
    return s1_tensor_dense(tensor->dtype, columns ? 2 : 1, shape, tensor->data);
}

/* A convolution whose steps are as long as its kernel is a product over patches. */
static void patch_product(s1_binder *b, s1_linear *out, const char *name, const s1_vision_config *c)
{
    const uint64_t d = (uint64_t)c->width, channels = (uint64_t)c->channels;
    const uint64_t frames = (uint64_t)c->temporal;
    const uint64_t rows = (uint64_t)c->patch[0], columns = (uint64_t)c->patch[1];
    const uint64_t flat[] = { d, channels, rows, columns };
    const uint64_t deep[] = { d, channels, frames, rows, columns };
    const bool is_deep = c->kind == S1_VISION_PATCHES;
    char full[S1_MAX_NAME];

    snprintf(full, sizeof(full), "%s.weight", name);
    s1_tensor kernel = shaped(b, full, is_deep ? 5 : 4, is_deep ? deep : flat);
    out->weight = reshaped(&kernel, c->width, (int64_t)(channels * frames * rows * columns));
    snprintf(full, sizeof(full), "%s.bias", name);
    out->bias = s1_bind_vector(b, full, c->width);
}

static s1_vision_norm norm(s1_binder *b, const char *base, const char *name, int32_t n,
                           bool has_bias)
{
    s1_vision_norm out = { 0 };
    char full[S1_MAX_NAME];

    snprintf(full, sizeof(full), "%s%s.weight", base, name);
    out.weight = s1_bind_vector(b, full, n);
    snprintf(full, sizeof(full), "%s%s.bias", base, name);
    if (has_bias)
        out.bias = s1_bind_vector(b, full, n);
    return out;
}

static s1_tensor vector(s1_binder *b, const char *base, const char *name, int32_t n)
{
    char full[S1_MAX_NAME];
    snprintf(full, sizeof(full), "%s%s", base, name);
    return s1_bind_vector(b, full, n);
}

/* --- InternViT --- */

static void tile_embeddings(s1_binder *b, s1_vision_weights *w, const char *prefix)
{
    const s1_vision_config *c = w->config;
    const uint64_t d = (uint64_t)c->width;
    const int64_t n = 1 + (int64_t)c->positions[0] * c->positions[1];
    const uint64_t cls[] = { 1, 1, d }, positions[] = { 1, (uint64_t)n, d };
    char name[S1_MAX_NAME];

    snprintf(name, sizeof(name), "%sembeddings.cls_token", prefix);
    s1_tensor tensor = shaped(b, name, 3, cls);
    w->cls = reshaped(&tensor, c->width, 0);
    snprintf(name, sizeof(name), "%sembeddings.position_embeddings", prefix);
    tensor = shaped(b, name, 3, positions);
    w->positions = reshaped(&tensor, n, c->width);
    snprintf(name, sizeof(name), "%sembeddings.patch_embeddings.projection", prefix);
    patch_product(b, &w->patch, name, c);
}

static void intern_layer(s1_binder *b, s1_vision_layer *layer, const s1_vision_config *c,
                         const char *prefix, int32_t at)
{
    const int32_t d = c->width;
    char base[S1_MAX_BASE];

    snprintf(base, sizeof(base), "%sencoder.layer.%d.", prefix, at);
    layer->attention_norm = norm(b, base, "layernorm_before", d, !c->uses_rms);
    layer->mlp_norm = norm(b, base, "layernorm_after", d, !c->uses_rms);
    s1_bind_linear(b, &layer->q, base, "attention.q_proj", d, d, c->has_qkv_bias);
    s1_bind_linear(b, &layer->k, base, "attention.k_proj", d, d, c->has_qkv_bias);
    s1_bind_linear(b, &layer->v, base, "attention.v_proj", d, d, c->has_qkv_bias);
    if (c->has_qk_norm) {
        layer->q_norm = s1_bind_norm(b, base, "attention.q_norm", d);
        layer->k_norm = s1_bind_norm(b, base, "attention.k_norm", d);
    }
    s1_bind_linear(b, &layer->out, base, "attention.projection_layer", d, d, true);
    s1_bind_linear(b, &layer->up, base, "mlp.fc1", c->n_ff, d, true);
    s1_bind_linear(b, &layer->down, base, "mlp.fc2", d, c->n_ff, true);
    layer->attention_scale = vector(b, base, "lambda_1", d);
    layer->mlp_scale = vector(b, base, "lambda_2", d);
}

static void projector(s1_binder *b, s1_vision_weights *w, const char *prefix)
{
    const s1_vision_config *c = w->config;
    const int32_t wide = c->width * c->merge * c->merge;

    w->merger_norm = norm(b, prefix, "layer_norm", wide, true);
    s1_bind_linear(b, &w->merger_up, prefix, "linear_1", c->merger_width, wide, true);
    s1_bind_linear(b, &w->merger_down, prefix, "linear_2", c->n_out, c->merger_width, true);
}

/* --- the tower of Intern-S1-Pro --- */

static void visual_embeddings(s1_binder *b, s1_vision_weights *w, const char *prefix)
{
    const s1_vision_config *c = w->config;
    const uint64_t n = (uint64_t)c->positions[0] * (uint64_t)c->positions[1];
    const uint64_t shape[] = { n, (uint64_t)c->width };
    char name[S1_MAX_NAME];

    snprintf(name, sizeof(name), "%spos_embed.weight", prefix);
    w->positions = shaped(b, name, 2, shape);
    snprintf(name, sizeof(name), "%spatch_embed.proj", prefix);
    patch_product(b, &w->patch, name, c);
}

static void visual_block(s1_binder *b, s1_vision_layer *layer, const s1_vision_config *c,
                         const char *prefix, int32_t at)
{
    const int32_t d = c->width;
    char base[S1_MAX_BASE];

    snprintf(base, sizeof(base), "%sblocks.%d.", prefix, at);
    layer->attention_norm = norm(b, base, "norm1", d, true);
    layer->mlp_norm = norm(b, base, "norm2", d, true);
    s1_bind_linear(b, &layer->qkv, base, "attn.qkv", 3 * d, d, true);
    s1_bind_linear(b, &layer->out, base, "attn.proj", d, d, true);
    s1_bind_linear(b, &layer->up, base, "mlp.linear_fc1", c->n_ff, d, true);
    s1_bind_linear(b, &layer->down, base, "mlp.linear_fc2", d, c->n_ff, true);
}

static void merger(s1_binder *b, s1_vision_weights *w, const char *prefix)
{
    const s1_vision_config *c = w->config;
    const int32_t wide = c->width * c->merge * c->merge;

    w->merger_norm = norm(b, prefix, "merger.norm", c->width, true);
    s1_bind_linear(b, &w->merger_up, prefix, "merger.linear_fc1", c->merger_width, wide, true);
    s1_bind_linear(b, &w->merger_down, prefix, "merger.linear_fc2", c->n_out, c->merger_width,
                   true);
}

/* --- both --- */

/* The first prefix under which there is such a tensor; NULL where there is none. */
static const char *find_prefix(const s1_checkpoint *checkpoint, const char *const *prefixes,
                               const char *name)
{
    char full[S1_MAX_NAME];
    for (size_t i = 0; i < N_PREFIXES; i++) {
        snprintf(full, sizeof(full), "%s%s", prefixes[i], name);
        if (s1_checkpoint_has(checkpoint, full))
            return prefixes[i];
    }
    return NULL;
}

static const char *tower_prefix(const s1_checkpoint *checkpoint)
{
    return find_prefix(checkpoint, tower_prefixes, "embeddings.patch_embeddings.projection.weight");
}

static const char *visual_prefix(const s1_checkpoint *checkpoint)
{
    return find_prefix(checkpoint, visual_prefixes, "patch_embed.proj.weight");
}

bool s1_vision_is_there(const s1_checkpoint *checkpoint)
{
    return tower_prefix(checkpoint) || visual_prefix(checkpoint);
}

static ins1_status bind_all(s1_binder *b, s1_vision_bound *out, const s1_call *call)
{
    const s1_vision_config *c = &out->config;
    const bool is_intern = c->kind == S1_VISION_TILES;
    const char *prefix = is_intern ? tower_prefix(b->checkpoint) : visual_prefix(b->checkpoint);
    const char *outer = find_prefix(b->checkpoint, projector_prefixes, "layer_norm.weight");

    prefix = prefix ? prefix : is_intern ? tower_prefixes[0] : visual_prefixes[0];
    outer = outer ? outer : projector_prefixes[0];
    if (is_intern) {
        tile_embeddings(b, &out->weights, prefix);
        projector(b, &out->weights, outer);
    } else {
        visual_embeddings(b, &out->weights, prefix);
        merger(b, &out->weights, prefix);
    }
    for (int32_t i = 0; i < c->n_layer && b->status == INS1_OK; i++) {
        b->status = s1_call_check(call);
        if (is_intern)
            intern_layer(b, &out->layers[i], c, prefix, i);
        else
            visual_block(b, &out->layers[i], c, prefix, i);
    }
    return s1_bind_end(b);
}

ins1_status s1_vision_bind(s1_vision_bound *out, s1_checkpoint *checkpoint, const s1_host *host,
                           const ins1_allocator *memory, const s1_call *call)
{
    s1_binder b = {
        .tally = &out->tally, .checkpoint = checkpoint, .host = host, .error = call->error
    };
    const size_t n = (size_t)out->config.n_layer;

    if (n > s1_checkpoint_count(checkpoint))
        return s1_fail(call->error, INS1_E_FORMAT,
                       "%zu layers of a vision tower do not fit into %zu tensors", n,
                       s1_checkpoint_count(checkpoint));
    out->layers = s1_alloc_array(memory, n, sizeof(*out->layers), INS1_MEM_OBJECT);
    if (!out->layers)
        return s1_out_of_memory(memory, n * sizeof(*out->layers), "the layers of a vision tower",
                                call->error);
    out->n_layers = n;
    out->weights = (s1_vision_weights){ .config = &out->config, .layers = out->layers };
    ins1_status status = bind_all(&b, out, call);
    out->config.default_precision = s1_tally_precision(&out->tally);
    return status;
}

void s1_vision_bound_finish(s1_vision_bound *bound, const ins1_allocator *memory)
{
    s1_free(memory, bound->layers, bound->n_layers * sizeof(*bound->layers), INS1_MEM_OBJECT);
    *bound = (s1_vision_bound){ 0 };
}
