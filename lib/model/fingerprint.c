#include "model/private.h"

#include "base/hash.h"

#include <string.h>

/* What is looked at: enough to tell two trainings apart, few enough to leave a mapped file on its
 * disk. Where nothing was read yet, every place costs a system its whole read-ahead, which is
 * megabytes, so there are some tens of places and not thousands. */
enum {
    SAMPLE = 256, /* bytes of a tensor, from its middle on */
    LAYERS = 3,   /* the first, one between, the last */
};

static uint64_t mix(uint64_t h, uint64_t word)
{
    return s1_xxh64(&word, sizeof(word), h);
}

static uint64_t mix_shape(uint64_t h, const s1_tensor *tensor)
{
    h = mix(h, (uint64_t)tensor->dtype << 8 | (uint64_t)tensor->rank);
    for (int32_t i = 0; i < tensor->rank; i++)
        h = mix(h, tensor->shape[i]);
    return h;
}

static uint64_t mix_tensor(uint64_t h, const s1_tensor *tensor)
{
    const uint8_t *bytes = tensor->data;
    size_t size = (size_t)tensor->size;

    h = mix_shape(h, tensor);
    if (!bytes || !tensor->dtype)
        return h;
    if (size / 2 <= SAMPLE)
        return s1_xxh64(bytes, size, h);
    return s1_xxh64(bytes + size / 2, SAMPLE, h);
}

static uint64_t mix_linear(uint64_t h, const s1_linear *linear)
{
    h = mix_tensor(h, &linear->weight);
    h = mix_tensor(h, &linear->scale);
    return mix_tensor(h, &linear->bias);
}

static uint64_t mix_layer(uint64_t h, const s1_layer_weights *layer, int32_t n_expert)
{
    const s1_tensor *norms[] = { &layer->attention_norm, &layer->ffn_norm, &layer->q_norm,
                                 &layer->k_norm };
    const s1_linear *linears[] = { &layer->q,    &layer->k,  &layer->v,    &layer->qkv,   &layer->o,
                                   &layer->gate, &layer->up, &layer->down, &layer->router };

    for (size_t i = 0; i < sizeof(norms) / sizeof(norms[0]); i++)
        h = mix_tensor(h, norms[i]);
    for (size_t i = 0; i < sizeof(linears) / sizeof(linears[0]); i++)
        h = mix_linear(h, linears[i]);
    if (!layer->is_moe)
        return h;
    h = mix_linear(h, &layer->expert_gate[0]);
    return mix_linear(h, &layer->expert_down[n_expert - 1]);
}

static uint64_t mix_double(uint64_t h, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return mix(h, bits);
}

uint64_t s1_model_fingerprint(const s1_decoder_config *config, const s1_decoder_weights *weights)
{
    const int32_t numbers[] = {
        config->n_vocab,
        config->n_embd,
        config->n_layer,
        config->n_head,
        config->n_head_kv,
        config->head_dim,
        config->n_ff,
        config->n_expert,
        config->n_expert_used,
        config->n_groups,
        config->n_ff_exp,
        config->normalize_gates,
        config->reward_token,
        (int32_t)config->rope.kind,
        config->rope.max_position,
        config->rope.original_position,
        config->rope.truncate,
    };
    const double reals[] = {
        (double)config->norm_eps, config->rope.theta,     config->rope.factor,
        config->rope.beta_fast,   config->rope.beta_slow, config->rope.attention_factor,
    };
    uint64_t h = 1;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        h = mix(h, (uint64_t)(uint32_t)numbers[i]);
    for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++)
        h = mix_double(h, reals[i]);
    h = mix_tensor(h, &config->rope.fope_cos);
    h = mix_tensor(h, &config->rope.fope_sin);
    h = mix_tensor(h, &weights->embed);
    h = mix_tensor(h, &weights->norm);
    h = mix_linear(h, &weights->head);
    for (int64_t i = 0; i < LAYERS; i++)
        h = mix_layer(h, &weights->layers[i * (config->n_layer - 1) / (LAYERS - 1)],
                      config->n_expert);
    return h;
}
