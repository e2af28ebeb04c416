#include "decoder/decoder.h"

#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "decoder/placement.h"

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
    s1_free(memory, decoder->homes, (size_t)decoder->n_homes * sizeof(*decoder->homes),
            INS1_MEM_OBJECT);
    s1_unplace(&decoder->embed);
    s1_unplace(&decoder->norm);
    if (!decoder->head_is_embed)
        s1_unplace_linear(&decoder->head);
    s1_free(memory, decoder, sizeof(*decoder), INS1_MEM_OBJECT);
}

static ins1_status place_experts(ins1_decoder *decoder, s1_layer *layer, s1_device *device,
                                 const s1_layer_weights *weights, ins1_error *error)
{
    const s1_linear *roles[ROLES] = { weights->expert_gate, weights->expert_up,
                                      weights->expert_down };
    size_t n = (size_t)decoder->config.n_expert;

    layer->experts = s1_alloc_array(decoder->memory, n_expert_matrices(decoder),
                                    sizeof(*layer->experts), INS1_MEM_OBJECT);
    if (!layer->experts)
        return s1_out_of_memory(decoder->memory,
                                n_expert_matrices(decoder) * sizeof(*layer->experts), "experts",
                                error);
    for (size_t role = 0; role < ROLES; role++) {
        for (size_t i = 0; i < n; i++) {
            ins1_status status =
                s1_place_linear(&layer->experts[role * n + i], device, &roles[role][i], error);
            if (status != INS1_OK)
                return status;
        }
    }
    return s1_place_linear(&layer->router, device, &weights->router, error);
}

static ins1_status place_layer(ins1_decoder *decoder, int32_t index,
                               const s1_layer_weights *weights, ins1_error *error)
{
    s1_layer *layer = &decoder->layers[index];
    s1_device *device = s1_decoder_home(decoder, index)->device;
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
        ins1_status status = s1_place(vectors[i].out, device, vectors[i].tensor, error);
        if (status != INS1_OK)
            return status;
    }
    for (size_t i = 0; i < sizeof(matrices) / sizeof(matrices[0]); i++) {
        ins1_status status = s1_place_linear(matrices[i].out, device, matrices[i].linear, error);
        if (status != INS1_OK)
            return status;
    }
    layer->bytes = s1_layer_bytes(&decoder->config, weights);
    return weights->is_moe ? place_experts(decoder, layer, device, weights, error) : INS1_OK;
}

static ins1_status place_all(ins1_decoder *decoder, const s1_decoder_weights *weights,
                             ins1_error *error)
{
    const int32_t n_layer = decoder->config.n_layer;
    s1_device *first = s1_decoder_home(decoder, 0)->device;
    s1_device *last = s1_decoder_home(decoder, n_layer - 1)->device;

    decoder->embed_bytes = s1_embed_bytes(weights);
    decoder->head_bytes = s1_head_bytes(weights, first == last);
    ins1_status status = s1_place(&decoder->embed, first, &weights->embed, error);
    if (status == INS1_OK)
        status = s1_place(&decoder->norm, last, &weights->norm, error);
    if (status != INS1_OK)
        return status;

    decoder->head_is_embed = first == last && s1_head_is_embed(weights);
    if (decoder->head_is_embed)
        decoder->head.weight = decoder->embed;
    else
        status = s1_place_linear(&decoder->head, last, &weights->head, error);

    for (int32_t i = 0; status == INS1_OK && i < n_layer; i++)
        status = place_layer(decoder, i, &weights->layers[i], error);
    return status;
}

/* Matrices of I8 are multiplied in one way alone, and all others in any but that. */
ins1_status s1_decoder_precision(int32_t *out, const s1_decoder_config *config, int32_t asked,
                                 ins1_error *error)
{
    const bool is_int8 = config->default_precision == INS1_PRECISION_INT8;

    *out = asked ? asked : config->default_precision;
    if (*out < INS1_PRECISION_F32 || *out > INS1_PRECISION_INT8)
        return s1_fail(error, INS1_E_ARGUMENT, "precision %d, known are 0 to %d", asked,
                       INS1_PRECISION_INT8);
    if (is_int8 && *out != INS1_PRECISION_INT8)
        return s1_fail(error, INS1_E_UNSUPPORTED,
                       "precision %s: the weights of this checkpoint are in I8, int8 is expected",
                       *out == INS1_PRECISION_F32 ? "f32" : "bf16");
    if (!is_int8 && *out == INS1_PRECISION_INT8)
        return s1_fail(error, INS1_E_UNSUPPORTED,
                       "precision int8 needs weights in I8, which this checkpoint lacks");
    return INS1_OK;
}

/* --- homes --- */

/* The home on that device, which is among the first `n_homes`. */
static int32_t home_of(const ins1_decoder *decoder, int32_t n_homes, int32_t device)
{
    int32_t home = 0;
    while (home < n_homes && decoder->homes[home].index != device)
        home++;
    return home;
}

static ins1_status list_homes(ins1_decoder *decoder, const int32_t *device_of, ins1_error *error)
{
    const int32_t n_layer = decoder->config.n_layer;
    s1_registry *registry = s1_runtime_registry(decoder->runtime);
    ins1_status status = INS1_OK;
    int32_t n = 0;

    for (int32_t i = 0; i < n_layer; i++)
        n += s1_is_first_on_device(device_of, i);
    decoder->homes =
        s1_alloc_array(decoder->memory, (size_t)n, sizeof(*decoder->homes), INS1_MEM_OBJECT);
    if (!decoder->homes)
        return s1_out_of_memory(decoder->memory, (uint64_t)n * sizeof(*decoder->homes),
                                "the devices of a decoder", error);
    decoder->n_homes = n;
    n = 0;
    for (int32_t i = 0; status == INS1_OK && i < n_layer; i++) {
        if (s1_is_first_on_device(device_of, i)) {
            s1_home *home = &decoder->homes[n++];
            home->index = device_of[i];
            status = s1_registry_device(registry, home->index, &home->device, error);
        }
        decoder->layers[i].home = home_of(decoder, n, device_of[i]);
    }
    return status;
}

static ins1_status find_homes(ins1_decoder *decoder, const s1_decoder_weights *weights,
                              const ins1_decoder_options *options, ins1_error *error)
{
    const size_t n_layer = (size_t)decoder->config.n_layer;
    int32_t *device_of =
        s1_alloc_array(decoder->memory, n_layer, sizeof(*device_of), INS1_MEM_OBJECT);
    if (!device_of)
        return s1_out_of_memory(decoder->memory, n_layer * sizeof(*device_of),
                                "the devices of layers", error);
    ins1_status status = s1_place_layers(device_of, &decoder->config, weights, options,
                                         s1_runtime_registry(decoder->runtime), error);
    if (status == INS1_OK)
        status = list_homes(decoder, device_of, error);
    s1_free(decoder->memory, device_of, n_layer * sizeof(*device_of), INS1_MEM_OBJECT);
    return status;
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
        status = find_homes(decoder, source->weights, &options, call->error);
    if (status == INS1_OK)
        status = place_all(decoder, source->weights, call->error);
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

/* The layers from `first` on that are on its device. */
static ins1_placement run_from(const ins1_decoder *decoder, int32_t first)
{
    const int32_t n_layer = decoder->config.n_layer;
    ins1_placement run = {
        .device = s1_decoder_home(decoder, first)->index,
        .first_layer = first,
        .budget = first == 0 ? decoder->embed_bytes : 0,
    };
    int32_t i = first;
    for (; i < n_layer && decoder->layers[i].home == decoder->layers[first].home; i++)
        run.budget += decoder->layers[i].bytes;
    run.n_layers = i - first;
    run.budget += i == n_layer ? decoder->head_bytes : 0;
    return run;
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
    size_t n = 0;
    for (int32_t i = 0, end; i < decoder->config.n_layer; i = end, n++) {
        ins1_placement run = run_from(decoder, i);
        end = i + run.n_layers;
        if (n < capacity)
            out[n] = run;
    }
    *count = n;
    if (n > capacity)
        return s1_fail(call.error, INS1_E_BUFFER, "room for %zu placements, %zu needed", capacity,
                       n);
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
