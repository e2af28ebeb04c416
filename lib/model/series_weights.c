#include "model/series.h"

#include "base/memory.h"
#include "base/meter.h"
#include "model/bind.h"

#include <stdio.h>
#include <string.h>

/* How checkpoints call the part: the encoder, and its projector. */
static const struct {
    const char *encoder, *projector;
} prefixes[] = {
    { "model.time_series.", "model.time_series.projector." },
    { "model.ts_tower.", "model.time_series_projector." },
    { "time_series.", "time_series.projector." },
    { "ts_tower.", "time_series_projector." },
};

enum { N_PREFIXES = sizeof(prefixes) / sizeof(prefixes[0]) };

#define PATCH_LAYER "encoder_embed.transformer_encoder.layers.0."

/* Tensors that only this encoder has: an earlier one and a later one bear the same prefix. */
static const char *const own_tensors[] = { "encoder_embed.conv.", PATCH_LAYER };

static bool begins_with(const char *name, size_t size, const char *prefix, const char *rest)
{
    size_t n = strlen(prefix), more = strlen(rest);
    return size >= n + more && !memcmp(name, prefix, n) && !memcmp(name + n, rest, more);
}

/* Which of `prefixes`; N_PREFIXES where no tensor is there. */
static size_t find_prefix(const s1_checkpoint *checkpoint)
{
    for (size_t i = 0; i < s1_checkpoint_count(checkpoint); i++) {
        bool is_used;
        size_t size;
        const char *name = s1_checkpoint_name(checkpoint, i, &size, &is_used);
        for (size_t p = 0; p < N_PREFIXES; p++)
            for (size_t o = 0; o < sizeof(own_tensors) / sizeof(own_tensors[0]); o++)
                if (begins_with(name, size, prefixes[p].encoder, own_tensors[o]))
                    return p;
    }
    return N_PREFIXES;
}

bool s1_series_is_there(const s1_checkpoint *checkpoint)
{
    return find_prefix(checkpoint) < N_PREFIXES;
}

/* Floats of a shape whose first `rank` numbers are given; 0: any. */
static s1_tensor floats(s1_binder *b, const char *base, const char *name, int32_t rank, int64_t d0,
                        int64_t d1, int64_t d2)
{
    const int64_t shape[] = { d0, d1, d2 };
    char full[S1_MAX_NAME], expected[96];

    snprintf(full, sizeof(full), "%s%s", base, name);
    s1_tensor tensor = s1_bind_get(b, full);
    if (!tensor.dtype) {
        s1_bind_miss(b, full);
        return tensor;
    }
    bool fits = tensor.rank == rank;
    for (int32_t i = 0; fits && i < rank; i++)
        fits = tensor.shape[i] <= INT32_MAX &&
               (shape[i] ? tensor.shape[i] == (uint64_t)shape[i] : tensor.shape[i] > 0);
    if (rank == 2)
        snprintf(expected, sizeof(expected), "[%lld, %lld]", (long long)d0, (long long)d1);
    else
        snprintf(expected, sizeof(expected), "[%lld, %lld, %lld]", (long long)d0, (long long)d1,
                 (long long)d2);
    if (!fits)
        s1_bind_refuse(b, full, &tensor, expected);
    if (!s1_is_plain_float(&tensor))
        s1_bind_refuse(b, full, &tensor, "F32, F16 or BF16");
    s1_bind_count_matrix(b, &tensor, 0, 0);
    return tensor;
}

static s1_tensor vector(s1_binder *b, const char *base, const char *name, int32_t n)
{
    char full[S1_MAX_NAME];
    snprintf(full, sizeof(full), "%s%s", base, name);
    return s1_bind_vector(b, full, n);
}

static s1_series_norm norm(s1_binder *b, const char *base, const char *name, int32_t n)
{
    char bias[64];
    snprintf(bias, sizeof(bias), "%s.bias", name);
    return (s1_series_norm){ s1_bind_norm(b, base, name, n), vector(b, base, bias, n) };
}

static s1_linear convolution(s1_binder *b, const char *base, const char *name, int32_t out,
                             int32_t in, int32_t taps)
{
    char weight[64], bias[64];
    snprintf(weight, sizeof(weight), "%s.weight", name);
    snprintf(bias, sizeof(bias), "%s.bias", name);
    return (s1_linear){ .weight = floats(b, base, weight, 3, out, in, taps),
                        .bias = vector(b, base, bias, out) };
}

/* The hidden width of the patch encoder, which no key says. */
static int32_t find_patch_ff(s1_binder *b, const char *base)
{
    static const char *const names[] = { "linear1.weight", "linear1.bias" };
    char full[S1_MAX_NAME];

    for (int i = 0; i < 2; i++) {
        snprintf(full, sizeof(full), "%s%s", base, names[i]);
        s1_tensor found = s1_bind_get(b, full);
        if (found.dtype && found.rank && found.shape[0] && found.shape[0] <= 1 << 24)
            return (int32_t)found.shape[0];
    }
    return 1;
}

static void bind_patches(s1_binder *b, s1_series_weights *w, s1_series_config *c)
{
    char base[S1_MAX_BASE];
    const int32_t n = c->n_patch;

    w->linears[S1_SERIES_CONV] =
        convolution(b, b->prefix, "encoder_embed.conv", n, 1, S1_SERIES_TAPS);
    s1_tensor places = floats(b, b->prefix, "encoder_embed.pos_encoder.pe", 3, 0, 1, n);
    snprintf(base, sizeof(base), "%s%s", b->prefix, PATCH_LAYER);
    w->linears[S1_SERIES_PATCH_QKV] = (s1_linear){
        .weight = floats(b, base, "self_attn.in_proj_weight", 2, 3 * (int64_t)n, n, 0),
        .bias = vector(b, base, "self_attn.in_proj_bias", 3 * n),
    };
    s1_bind_linear(b, &w->linears[S1_SERIES_PATCH_OUT], base, "self_attn.out_proj", n, n, true);
    c->n_patch_ff = find_patch_ff(b, base);
    s1_bind_linear(b, &w->linears[S1_SERIES_PATCH_UP], base, "linear1", c->n_patch_ff, n, true);
    s1_bind_linear(b, &w->linears[S1_SERIES_PATCH_DOWN], base, "linear2", n, c->n_patch_ff, true);
    w->norms[S1_SERIES_PATCH_NORM_1] = norm(b, base, "norm1", n);
    w->norms[S1_SERIES_PATCH_NORM_2] = norm(b, base, "norm2", n);
    if (!places.dtype)
        return;
    c->n_place = (int32_t)places.shape[0];
    const uint64_t shape[] = { places.shape[0], (uint64_t)n };
    w->places = s1_tensor_dense(places.dtype, 2, shape, places.data);
}

static void bind_layer(s1_binder *b, s1_series_layer_weights *layer, const s1_series_config *c,
                       int32_t at)
{
    char base[S1_MAX_BASE];
    const int32_t n = c->n_embd;
    const struct {
        int role;
        const char *name;
        int32_t rows, columns;
        bool has_bias;
    } linears[] = {
        { S1_SERIES_Q, "self_attn.q_proj", n, n, true },
        { S1_SERIES_K, "self_attn.k_proj", n, n, false },
        { S1_SERIES_V, "self_attn.v_proj", n, n, true },
        { S1_SERIES_O, "self_attn.out_proj", n, n, true },
        { S1_SERIES_UP, "fc1", c->n_ff, n, true },
        { S1_SERIES_DOWN, "fc2", n, c->n_ff, true },
    };

    snprintf(base, sizeof(base), "%sencoder.layers.%d.", b->prefix, at);
    for (size_t i = 0; i < sizeof(linears) / sizeof(linears[0]); i++)
        s1_bind_linear(b, &layer->linears[linears[i].role], base, linears[i].name, linears[i].rows,
                       linears[i].columns, linears[i].has_bias);
    layer->norms[S1_SERIES_ATTENTION_NORM] = norm(b, base, "self_attn_layer_norm", n);
    layer->norms[S1_SERIES_FFN_NORM] = norm(b, base, "final_layer_norm", n);
}

static void bind_frames(s1_binder *b, s1_series_bound *out, const char *projector)
{
    s1_series_weights *w = &out->weights;
    const s1_series_config *c = &out->config;
    char base[S1_MAX_BASE];

    snprintf(base, sizeof(base), "%sencoder.", b->prefix);
    s1_bind_linear(b, &w->linears[S1_SERIES_ADAPT_IN], base, "adapt_in", c->n_mel, 2 * c->n_patch,
                   true);
    w->linears[S1_SERIES_CONV1] = convolution(b, base, "conv1", c->n_embd, c->n_mel, 3);
    w->linears[S1_SERIES_CONV2] = convolution(b, base, "conv2", c->n_embd, c->n_embd, 3);
    w->positions = floats(b, base, "embed_positions.weight", 2, c->n_position, c->n_embd, 0);
    for (int32_t i = 0; i < c->n_layer && b->status == INS1_OK; i++)
        bind_layer(b, &out->layers[i], c, i);
    w->layers = out->layers;
    w->norms[S1_SERIES_LAST_NORM] = norm(b, base, "layer_norm", c->n_embd);
    s1_bind_linear(b, &w->linears[S1_SERIES_ADAPT_OUT], base, "adapt_out", c->n_tower, c->n_embd,
                   true);
    w->norms[S1_SERIES_PROJECT_NORM] = norm(b, projector, "layer_norm", c->n_tower);
    s1_bind_linear(b, &w->linears[S1_SERIES_PROJECT_1], projector, "linear_1", c->n_out, c->n_tower,
                   true);
    s1_bind_linear(b, &w->linears[S1_SERIES_PROJECT_2], projector, "linear_2", c->n_out, c->n_out,
                   true);
}

ins1_status s1_series_bind(s1_series_bound *out, s1_checkpoint *checkpoint, const s1_host *host,
                           const ins1_allocator *memory, ins1_error *error)
{
    const size_t prefix = find_prefix(checkpoint) % N_PREFIXES;
    const size_t n_layers = (size_t)out->config.n_layer;
    s1_binder b = {
        .tally = &out->tally,
        .checkpoint = checkpoint,
        .host = host,
        .error = error,
        .prefix = prefixes[prefix].encoder,
    };

    if (n_layers > s1_checkpoint_count(checkpoint))
        return s1_fail(error, INS1_E_FORMAT, "%zu encoder_layers do not fit into %zu tensors",
                       n_layers, s1_checkpoint_count(checkpoint));
    out->layers = s1_alloc_array(memory, n_layers, sizeof(*out->layers), INS1_MEM_OBJECT);
    if (!out->layers)
        return s1_out_of_memory(memory, n_layers * sizeof(*out->layers),
                                "the layers of a time-series encoder", error);
    bind_patches(&b, &out->weights, &out->config);
    bind_frames(&b, out, prefixes[prefix].projector);
    ins1_status status = s1_bind_end(&b);
    if (status != INS1_OK)
        s1_series_bound_finish(out, memory);
    else
        out->config.default_precision = s1_tally_precision(&out->tally);
    return status;
}

void s1_series_bound_finish(s1_series_bound *bound, const ins1_allocator *memory)
{
    if (bound->layers)
        s1_free(memory, bound->layers, (size_t)bound->config.n_layer * sizeof(*bound->layers),
                INS1_MEM_OBJECT);
    *bound = (s1_series_bound){ 0 };
}
