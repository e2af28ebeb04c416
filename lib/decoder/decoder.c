#include "decoder/decoder.h"

#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"

enum { ROLES = 3 }; /* gate, up, down */

static size_t n_expert_matrices(const ins1_decoder *decoder)
{
    return (size_t)decoder->config.n_expert * ROLES;
}

static void unplace_layer(ins1_decoder *decoder, s1_layer *layer)
{
    s1_placed *vectors[] = { &layer->attention_norm, &layer->ffn_norm, &layer->q_norm,
                             &layer->k_norm };
    s1_placed_linear *matrices[] = { &layer->q,   &layer->k,    &layer->v,
                                     &layer->qkv, &layer->o,    &layer->gate,
                                     &layer->up,  &layer->down, &layer->router };
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        s1_unplace(vectors[i]);
    for (size_t i = 0; i < sizeof(matrices) / sizeof(matrices[0]); i++)
        s1_unplace_linear(matrices[i]);
    if (!layer->experts)
        return;
    for (size_t i = 0; i < n_expert_matrices(decoder); i++)
        s1_unplace_linear(&layer->experts[i]);
    s1_free(decoder->memory, layer->experts, n_expert_matrices(decoder) * sizeof(*layer->experts),
            INS1_MEM_OBJECT);
}

static void destroy(ins1_decoder *decoder)
{
    if (!decoder)
        return;
    const ins1_allocator *memory = decoder->memory;
    for (int32_t i = 0; decoder->layers && i < decoder->config.n_layer; i++)
        unplace_layer(decoder, &decoder->layers[i]);
    s1_free(memory, decoder->layers, (size_t)decoder->config.n_layer * sizeof(*decoder->layers),
            INS1_MEM_OBJECT);
    s1_unplace(&decoder->embed);
    s1_unplace(&decoder->norm);
    if (!decoder->head_is_embed)
        s1_unplace_linear(&decoder->head);
    s1_free(memory, decoder, sizeof(*decoder), INS1_MEM_OBJECT);
}

static ins1_status place(ins1_decoder *decoder, s1_placed *out, const s1_tensor *tensor,
                         const s1_call *call)
{
    decoder->placed_bytes += tensor->dtype ? tensor->size : 0;
    return s1_place(out, decoder->device, tensor, call->error);
}

static uint64_t linear_size(const s1_linear *linear)
{
    return (linear->weight.dtype ? linear->weight.size : 0) +
           (linear->scale.dtype ? linear->scale.size : 0) +
           (linear->bias.dtype ? linear->bias.size : 0);
}

static ins1_status place_linear(ins1_decoder *decoder, s1_placed_linear *out,
                                const s1_linear *linear, const s1_call *call)
{
    decoder->placed_bytes += linear_size(linear);
    return s1_place_linear(out, decoder->device, linear, call->error);
}

static ins1_status place_experts(ins1_decoder *decoder, s1_layer *layer,
                                 const s1_layer_weights *weights, const s1_call *call)
{
    const s1_linear *roles[ROLES] = { weights->expert_gate, weights->expert_up,
                                      weights->expert_down };
    size_t n = (size_t)decoder->config.n_expert;

    layer->experts = s1_alloc_array(decoder->memory, n_expert_matrices(decoder),
                                    sizeof(*layer->experts), INS1_MEM_OBJECT);
    if (!layer->experts)
        return s1_out_of_memory(decoder->memory,
                                n_expert_matrices(decoder) * sizeof(*layer->experts), "experts",
                                call->error);
    for (size_t role = 0; role < ROLES; role++) {
        for (size_t i = 0; i < n; i++) {
            ins1_status status =
                place_linear(decoder, &layer->experts[role * n + i], &roles[role][i], call);
            if (status != INS1_OK)
                return status;
        }
    }
    return place_linear(decoder, &layer->router, &weights->router, call);
}

static ins1_status place_layer(ins1_decoder *decoder, s1_layer *layer,
                               const s1_layer_weights *weights, const s1_call *call)
{
    const struct {
        s1_placed *out;
        const s1_tensor *tensor;
    } vectors[] = {
        { &layer->attention_norm, &weights->attention_norm },
        { &layer->ffn_norm, &weights->ffn_norm },
        { &layer->q_norm, &weights->q_norm },
        { &layer->k_norm, &weights->k_norm },
    };
    const struct {
        s1_placed_linear *out;
        const s1_linear *linear;
    } matrices[] = {
        { &layer->q, &weights->q },   { &layer->k, &weights->k },
        { &layer->v, &weights->v },   { &layer->qkv, &weights->qkv },
        { &layer->o, &weights->o },   { &layer->gate, &weights->gate },
        { &layer->up, &weights->up }, { &layer->down, &weights->down },
    };
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        ins1_status status = place(decoder, vectors[i].out, vectors[i].tensor, call);
        if (status != INS1_OK)
            return status;
    }
    for (size_t i = 0; i < sizeof(matrices) / sizeof(matrices[0]); i++) {
        ins1_status status = place_linear(decoder, matrices[i].out, matrices[i].linear, call);
        if (status != INS1_OK)
            return status;
    }
    return weights->is_moe ? place_experts(decoder, layer, weights, call) : INS1_OK;
}

static ins1_status place_all(ins1_decoder *decoder, const s1_decoder_weights *weights,
                             const s1_call *call)
{
    ins1_status status = place(decoder, &decoder->embed, &weights->embed, call);
    if (status == INS1_OK)
        status = place(decoder, &decoder->norm, &weights->norm, call);
    if (status != INS1_OK)
        return status;

    decoder->head_is_embed = weights->head.weight.data == weights->embed.data;
    if (decoder->head_is_embed)
        decoder->head.weight = decoder->embed;
    else
        status = place_linear(decoder, &decoder->head, &weights->head, call);

    for (int32_t i = 0; status == INS1_OK && i < decoder->config.n_layer; i++)
        status = place_layer(decoder, &decoder->layers[i], &weights->layers[i], call);
    return status;
}

ins1_status s1_decoder_precision(int32_t *out, const s1_decoder_config *config, int32_t asked,
                                 ins1_error *error)
{
    *out = asked ? asked : config->default_precision;
    if (*out == INS1_PRECISION_F32 || *out == INS1_PRECISION_BF16)
        return INS1_OK;
    if (*out == INS1_PRECISION_INT8)
        return s1_fail(error, INS1_E_UNSUPPORTED,
                       "precision int8 needs block-quantised weights, which this checkpoint lacks");
    return s1_fail(error, INS1_E_ARGUMENT, "precision %d, known are 0 to %d", asked,
                   INS1_PRECISION_INT8);
}

/* One device for all layers: the first placement names it, and must name every layer. */
static ins1_status read_placements(int32_t *device, const ins1_decoder_options *options,
                                   int32_t n_layer, ins1_error *error)
{
    *device = 0;
    if (!options->n_placements)
        return INS1_OK;
    const ins1_placement *p = options->placements;
    if (!p)
        return s1_fail(error, INS1_E_ARGUMENT, "%zu placements at NULL", options->n_placements);
    if (options->n_placements > 1 || p->first_layer != 0 ||
        (p->n_layers != 0 && p->n_layers != n_layer))
        return s1_fail(error, INS1_E_UNSUPPORTED,
                       "layers on several devices are not supported, one placement of all %d is",
                       n_layer);
    *device = p->device;
    return INS1_OK;
}

ins1_status s1_decoder_create(ins1_decoder **out, const s1_decoder_source *source,
                              const ins1_decoder_options *given, const s1_call *call)
{
    const ins1_allocator *memory = s1_runtime_memory(source->runtime);
    ins1_decoder_options options;
    ins1_decoder *decoder = NULL;
    ins1_status status;

    *out = NULL;
    status = s1_struct_import(&options, given, sizeof(options), call->error);
    if (status == INS1_OK && options.flags)
        status =
            s1_fail(call->error, INS1_E_VERSION, "decoder flags 0x%x are too new", options.flags);
    if (status != INS1_OK)
        goto done;

    decoder = s1_alloc(memory, sizeof(*decoder), INS1_MEM_OBJECT);
    if (!decoder) {
        status = s1_out_of_memory(memory, sizeof(*decoder), "a decoder", call->error);
        goto done;
    }
    decoder->owners = 1;
    decoder->runtime = source->runtime;
    decoder->memory = memory;
    decoder->fingerprint = source->fingerprint;
    decoder->config = *source->config;
    decoder->layers = s1_alloc_array(memory, (size_t)decoder->config.n_layer,
                                     sizeof(*decoder->layers), INS1_MEM_OBJECT);
    if (!decoder->layers) {
        status =
            s1_out_of_memory(memory, (uint64_t)decoder->config.n_layer * sizeof(*decoder->layers),
                             "the layers", call->error);
        goto done;
    }
    status =
        s1_decoder_precision(&decoder->precision, &decoder->config, options.precision, call->error);
    if (status == INS1_OK)
        status =
            read_placements(&decoder->device_index, &options, decoder->config.n_layer, call->error);
    if (status == INS1_OK)
        status = s1_registry_device(s1_runtime_registry(source->runtime), decoder->device_index,
                                    &decoder->device, call->error);
    if (status == INS1_OK)
        status = place_all(decoder, source->weights, call);
    if (status != INS1_OK)
        goto done;

    decoder->keeper = source->keeper;
    decoder->release_keeper = source->release_keeper;
    *out = decoder;
    decoder = NULL;

done:
    destroy(decoder);
    return status;
}

ins1_status ins1_decoder_placements(const ins1_decoder *decoder, ins1_placement *out,
                                    size_t capacity, size_t *count, const ins1_call *given)
{
    s1_call call;
    ins1_status status = s1_call_begin(&call, given);

    if (count)
        *count = 0;
    if (status != INS1_OK)
        return status;
    if (!decoder || !count || (capacity && !out))
        return s1_fail(call.error, INS1_E_ARGUMENT,
                       "no decoder, or no place for its placements or their number");
    *count = 1;
    if (capacity < 1)
        return s1_fail(call.error, INS1_E_BUFFER, "room for 0 placements, 1 needed");
    *out = (ins1_placement){
        .device = decoder->device_index,
        .n_layers = decoder->config.n_layer,
        .budget = decoder->placed_bytes,
    };
    return INS1_OK;
}

void ins1_decoder_retain(ins1_decoder *decoder)
{
    if (decoder)
        atomic_fetch_add_explicit(&decoder->owners, 1, memory_order_relaxed);
}

void ins1_decoder_release(ins1_decoder *decoder)
{
    if (!decoder || atomic_fetch_sub_explicit(&decoder->owners, 1, memory_order_acq_rel) != 1)
        return;
    void *keeper = decoder->keeper;
    void (*release_keeper)(void *) = decoder->release_keeper;
    destroy(decoder);
    release_keeper(keeper);
}
