#include "decoder/placement.h"

#include "decoder/sizes.h"

enum { NOBODY = -1, AFTER_THE_LAST = -1 };

/* --- bytes --- */

static uint64_t tensor_bytes(const s1_tensor *tensor)
{
    return tensor->dtype ? tensor->size : 0;
}

static uint64_t linear_bytes(const s1_linear *linear)
{
    return tensor_bytes(&linear->weight) + tensor_bytes(&linear->scale) +
           tensor_bytes(&linear->bias);
}

uint64_t s1_layer_bytes(const s1_decoder_config *config, const s1_layer_weights *layer)
{
    const s1_tensor *vectors[] = { &layer->attention_norm, &layer->ffn_norm, &layer->q_norm,
                                   &layer->k_norm };
    const s1_linear *matrices[] = { &layer->q,   &layer->k,    &layer->v,
                                    &layer->qkv, &layer->o,    &layer->gate,
                                    &layer->up,  &layer->down, &layer->router };
    uint64_t size = 0;

    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        size += tensor_bytes(vectors[i]);
    for (size_t i = 0; i < sizeof(matrices) / sizeof(matrices[0]); i++)
        size += linear_bytes(matrices[i]);
    for (int32_t i = 0; layer->is_moe && i < config->n_expert; i++)
        size += linear_bytes(&layer->expert_gate[i]) + linear_bytes(&layer->expert_up[i]) +
                linear_bytes(&layer->expert_down[i]);
    return size;
}

uint64_t s1_embed_bytes(const s1_decoder_weights *weights)
{
    return tensor_bytes(&weights->embed);
}

bool s1_head_is_embed(const s1_decoder_weights *weights)
{
    return weights->head.weight.data == weights->embed.data;
}

uint64_t s1_head_bytes(const s1_decoder_weights *weights, bool has_embed)
{
    bool is_there = has_embed && s1_head_is_embed(weights);
    return tensor_bytes(&weights->norm) + (is_there ? 0 : linear_bytes(&weights->head));
}

uint64_t s1_run_bytes(const s1_decoder_config *config, const s1_decoder_weights *weights,
                      int32_t first, int32_t end)
{
    bool has_embed = first == 0 && end > 0;
    uint64_t size = has_embed ? s1_embed_bytes(weights) : 0;

    for (int32_t i = first; i < end; i++)
        size += s1_layer_bytes(config, &weights->layers[i]);
    if (first < end && end == config->n_layer)
        size += s1_head_bytes(weights, has_embed);
    return size;
}

/* --- one run after the other --- */

typedef struct placing {
    int32_t *device_of;
    const s1_decoder_config *config;
    const s1_decoder_weights *weights;
    s1_registry *registry;
    int32_t next; /* the layer after the run before */
    ins1_error *error;
} placing;

/* What a session with default options takes of a device: for a layer's keys and values, and for all
 * of them together. */
static void session_bytes(const s1_decoder_config *config, uint64_t *per_layer, uint64_t *once)
{
    ins1_session_options options;
    s1_forward_sizes sizes;

    *per_layer = *once = 0;
    if (s1_session_sizes(&sizes, &options, NULL, config, config->default_precision, NULL) !=
        INS1_OK)
        return;
    *per_layer = s1_cache_bytes(config, sizes.kv_dtype, sizes.n_ctx, sizes.n_seq) /
                 (uint64_t)config->n_layer;
    *once = s1_workspace_bytes(config, &sizes);
}

/* How many layers from `first` on fit, at most up to the next one that has a device. */
static int32_t count_fitting(const placing *p, int32_t first, uint64_t budget, bool is_free)
{
    uint64_t per_layer = 0, once = 0;
    const int32_t n_layer = p->config->n_layer;
    int32_t at = first;

    if (is_free)
        session_bytes(p->config, &per_layer, &once);
    uint64_t size = once + (first == 0 ? s1_embed_bytes(p->weights) : 0);
    for (; at < n_layer && p->device_of[at] == NOBODY; at++) {
        size += per_layer + s1_layer_bytes(p->config, &p->weights->layers[at]);
        if (at + 1 == n_layer)
            size += s1_head_bytes(p->weights, first == 0);
        if (size > budget)
            break;
    }
    return at - first;
}

static ins1_status check_run(const placing *p, const ins1_placement *run, int32_t first, int32_t n,
                             uint64_t budget, const char *name)
{
    for (int32_t i = first; i < first + n; i++)
        if (p->device_of[i] != NOBODY)
            return s1_fail(p->error, INS1_E_ARGUMENT,
                           "layer %d is placed on two devices, %d and %d", i, p->device_of[i],
                           run->device);
    uint64_t size = s1_run_bytes(p->config, p->weights, first, first + n);
    if (size > budget)
        return s1_fail(p->error, INS1_E_BUDGET,
                       "%d layers from %d on take %llu bytes of '%s', %s %llu", n, first,
                       (unsigned long long)size, name, run->budget ? "its budget is" : "free are",
                       (unsigned long long)budget);
    return INS1_OK;
}

static ins1_status place_run(placing *p, const ins1_placement *run)
{
    const int32_t n_layer = p->config->n_layer;
    int32_t first = run->first_layer == AFTER_THE_LAST ? p->next : run->first_layer;
    int32_t n = run->n_layers;
    ins1_device_info info = { 0 };

    ins1_status status = s1_registry_info(p->registry, run->device, &info, p->error);
    if (status != INS1_OK)
        return status;
    if (first < 0 || n < 0 || first > n_layer || n > n_layer - first || (n && first == n_layer))
        return s1_fail(p->error, INS1_E_ARGUMENT,
                       "a placement of %d layers from %d on, the decoder has %d", run->n_layers,
                       run->first_layer, n_layer);
    if (run->reserved0)
        return s1_fail(p->error, INS1_E_ARGUMENT, "reserved0 of a placement is %d, must be 0",
                       run->reserved0);

    uint64_t budget = run->budget;
    if (!budget)
        budget = info.caps & INS1_CAP_HOST_MEM || !info.mem_free ? UINT64_MAX : info.mem_free;
    if (n)
        status = check_run(p, run, first, n, budget, info.name);
    else
        n = count_fitting(p, first, budget, !run->budget && budget != UINT64_MAX);
    for (int32_t i = first; status == INS1_OK && i < first + n; i++)
        p->device_of[i] = run->device;
    p->next = first + n;
    return status;
}

ins1_status s1_place_layers(int32_t *device_of, const s1_decoder_config *config,
                            const s1_decoder_weights *weights, const ins1_decoder_options *options,
                            s1_registry *registry, ins1_error *error)
{
    placing p = { device_of, config, weights, registry, 0, error };
    ins1_status status = INS1_OK;

    if (options->n_placements && !options->placements)
        return s1_fail(error, INS1_E_ARGUMENT, "%zu placements at NULL", options->n_placements);
    for (int32_t i = 0; i < config->n_layer; i++)
        device_of[i] = NOBODY;
    for (size_t i = 0; status == INS1_OK && i < options->n_placements; i++)
        status = place_run(&p, &options->placements[i]);
    for (int32_t i = 0; i < config->n_layer; i++)
        if (device_of[i] == NOBODY)
            device_of[i] = 0;
    return status;
}

bool s1_is_first_on_device(const int32_t *device_of, int32_t layer)
{
    for (int32_t i = 0; i < layer; i++)
        if (device_of[i] == device_of[layer])
            return false;
    return true;
}
