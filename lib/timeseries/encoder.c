#include "timeseries/encoder.h"

#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"

#include <inttypes.h>
#include <string.h>

static void unplace_norm(s1_placed_norm *norm)
{
    s1_unplace(&norm->weight);
    s1_unplace(&norm->bias);
}

/* What an encoder has on its device. */
static void leave_device(ins1_timeseries_encoder *e)
{
    s1_buffer_destroy(&e->workspace);
    s1_stream_destroy(e->stream);
    e->stream = NULL;
    if (e->staging)
        s1_free(e->memory, e->staging, e->staging_size, INS1_MEM_SCRATCH);
    e->staging = NULL;
    for (int i = 0; i < S1_SERIES_LINEARS; i++)
        s1_unplace_linear(&e->linears[i]);
    for (int i = 0; i < S1_SERIES_NORMS; i++)
        unplace_norm(&e->norms[i]);
    s1_unplace(&e->places);
    s1_unplace(&e->positions);
    for (int32_t i = 0; e->layers && i < e->config.n_layer; i++) {
        for (int j = 0; j < S1_SERIES_LAYER_LINEARS; j++)
            s1_unplace_linear(&e->layers[i].linears[j]);
        for (int j = 0; j < S1_SERIES_LAYER_NORMS; j++)
            unplace_norm(&e->layers[i].norms[j]);
    }
    for (int i = 0; i < 2; i++) {
        if (e->turned[i])
            s1_free(e->memory, e->turned[i], e->turned_size[i], INS1_MEM_WEIGHTS);
        e->turned[i] = NULL;
    }
}

static void destroy(ins1_timeseries_encoder *e)
{
    if (!e)
        return;
    leave_device(e);
    if (e->layers)
        s1_free(e->memory, e->layers, (size_t)e->config.n_layer * sizeof(*e->layers),
                INS1_MEM_OBJECT);
    s1_free(e->memory, e, sizeof(*e), INS1_MEM_OBJECT);
}

static ins1_status place_norm(s1_placed_norm *out, s1_device *device, const s1_series_norm *norm,
                              ins1_error *error)
{
    ins1_status status = s1_place(&out->weight, device, &norm->weight, error);
    if (status == INS1_OK)
        status = s1_place(&out->bias, device, &norm->bias, error);
    return status;
}

/* A convolution over time is a product of its weights with rows that overlap, in which the inputs
 * of one moment stand together: [out][in][taps] becomes [out][taps * in]. */
static ins1_status turn(ins1_timeseries_encoder *e, int which, s1_linear *linear, ins1_error *error)
{
    const s1_tensor *given = &linear->weight;
    const size_t item = s1_dtype_size(given->dtype);
    const size_t n_out = given->shape[0], n_in = given->shape[1], n_taps = given->shape[2];
    const uint64_t shape[] = { n_out, n_taps * n_in };
    const uint8_t *from = given->data;
    uint8_t *to = s1_alloc(e->memory, given->size, INS1_MEM_WEIGHTS);

    if (!to)
        return s1_out_of_memory(e->memory, given->size, "the weights of a convolution", error);
    e->turned[which] = to;
    e->turned_size[which] = given->size;
    for (size_t o = 0; o < n_out; o++)
        for (size_t k = 0; k < n_taps; k++)
            for (size_t i = 0; i < n_in; i++, to += item)
                memcpy(to, from + ((o * n_in + i) * n_taps + k) * item, item);
    linear->weight = s1_tensor_dense(given->dtype, 2, shape, e->turned[which]);
    return INS1_OK;
}

static ins1_status place_layers(ins1_timeseries_encoder *e, const s1_series_weights *weights,
                                ins1_error *error)
{
    ins1_status status = INS1_OK;

    for (int32_t i = 0; i < e->config.n_layer; i++) {
        const s1_series_layer_weights *from = &weights->layers[i];
        s1_series_layer *to = &e->layers[i];
        for (int j = 0; j < S1_SERIES_LAYER_LINEARS && status == INS1_OK; j++)
            status = s1_place_linear(&to->linears[j], e->device, &from->linears[j], error);
        for (int j = 0; j < S1_SERIES_LAYER_NORMS && status == INS1_OK; j++)
            status = place_norm(&to->norms[j], e->device, &from->norms[j], error);
    }
    return status;
}

static ins1_status place_all(ins1_timeseries_encoder *e, const s1_series_weights *weights,
                             ins1_error *error)
{
    s1_linear linears[S1_SERIES_LINEARS];
    const uint64_t taps[] = { (uint64_t)e->config.n_patch, S1_SERIES_TAPS };

    memcpy(linears, weights->linears, sizeof(linears));
    s1_tensor *conv = &linears[S1_SERIES_CONV].weight; /* of one channel, so only its shape turns */
    *conv = s1_tensor_dense(conv->dtype, 2, taps, conv->data);
    ins1_status status = turn(e, 0, &linears[S1_SERIES_CONV1], error);
    if (status == INS1_OK)
        status = turn(e, 1, &linears[S1_SERIES_CONV2], error);
    for (int i = 0; i < S1_SERIES_LINEARS && status == INS1_OK; i++)
        status = s1_place_linear(&e->linears[i], e->device, &linears[i], error);
    for (int i = 0; i < S1_SERIES_NORMS && status == INS1_OK; i++)
        status = place_norm(&e->norms[i], e->device, &weights->norms[i], error);
    if (status == INS1_OK)
        status = s1_place(&e->places, e->device, &weights->places, error);
    if (status == INS1_OK)
        status = s1_place(&e->positions, e->device, &weights->positions, error);
    return status == INS1_OK ? place_layers(e, weights, error) : status;
}

uint64_t s1_series_table_bytes(const s1_series_config *config, const s1_series_weights *weights)
{
    return sizeof(ins1_timeseries_encoder) + (uint64_t)config->n_layer * sizeof(s1_series_layer) +
           weights->linears[S1_SERIES_CONV1].weight.size +
           weights->linears[S1_SERIES_CONV2].weight.size;
}

/* --- life --- */

static ins1_status read_precision(int32_t *out, int32_t asked, int32_t usual, ins1_error *error)
{
    *out = asked ? asked : usual;
    if (*out == INS1_PRECISION_F32 || *out == INS1_PRECISION_BF16)
        return INS1_OK;
    if (*out == INS1_PRECISION_INT8)
        return s1_fail(error, INS1_E_UNSUPPORTED,
                       "precision int8 needs weights in I8, which this encoder lacks");
    return s1_fail(error, INS1_E_ARGUMENT, "precision %d, known are 0 to %d", asked,
                   INS1_PRECISION_INT8);
}

static ins1_status read_options(ins1_timeseries_encoder *e,
                                const ins1_timeseries_encoder_options *given, int32_t *device,
                                ins1_error *error)
{
    ins1_timeseries_encoder_options options;

    ins1_status status = s1_struct_import(&options, given, sizeof(options), error);
    if (status != INS1_OK)
        return status;
    if (options.flags & ~(uint32_t)INS1_TIMESERIES_ENCODER_UNBIASED)
        return s1_fail(error, INS1_E_VERSION, "time-series encoder flags 0x%x are too new",
                       options.flags);
    *device = options.device;
    e->is_unbiased = options.flags & INS1_TIMESERIES_ENCODER_UNBIASED;
    e->max_samples = options.max_samples;
    e->scratch_budget = options.scratch_budget;
    return read_precision(&e->precision, options.precision, e->config.default_precision, error);
}

static ins1_status make_scratch(ins1_timeseries_encoder *e, ins1_error *error)
{
    e->sizes = s1_series_fit(&e->config, e->scratch_budget, e->memory);
    e->at = s1_series_lay_out(&e->config, &e->sizes);
    uint64_t size = s1_series_scratch_bytes(&e->config, &e->sizes);
    if (e->scratch_budget && size > e->scratch_budget)
        return s1_fail(error, INS1_E_BUDGET,
                       "a time-series encoder needs %" PRIu64
                       " bytes of scratch at least, scratch_budget allows %" PRIu64,
                       size, e->scratch_budget);
    e->staging_size = (size_t)s1_series_staging_bytes(&e->config, &e->sizes);
    e->staging = s1_alloc(e->memory, e->staging_size, INS1_MEM_SCRATCH);
    if (!e->staging)
        return s1_out_of_memory(e->memory, e->staging_size, "staging", error);
    return s1_buffer_create(&e->workspace, e->device, e->at.size, INS1_MEM_SCRATCH, error);
}

static ins1_status enter_device(ins1_timeseries_encoder *e, const s1_series_weights *weights,
                                int32_t index, const s1_call *call)
{
    s1_registry *registry = s1_runtime_registry(e->runtime);

    ins1_status status = s1_registry_device(registry, index, &e->device, call->error);
    if (status == INS1_OK)
        status = place_all(e, weights, call->error);
    if (status == INS1_OK)
        status = s1_stream_create(&e->stream, e->device, s1_runtime_host(e->runtime), call->error);
    return status == INS1_OK ? make_scratch(e, call->error) : status;
}

/* The CPU in place of a device that would have to give its memory away in the middle of a signal.
 */
static ins1_status choose_device(ins1_timeseries_encoder *e, const s1_series_weights *weights,
                                 int32_t index, const s1_call *call)
{
    ins1_device_info info = { .struct_size = sizeof(info) };

    ins1_status status = enter_device(e, weights, index, call);
    if (status == INS1_OK && index)
        status = s1_series_ask(e, call);
    if (status != INS1_E_UNSUPPORTED || !index)
        return status;
    leave_device(e);
    status = s1_registry_info(s1_runtime_registry(e->runtime), index, &info, call->error);
    if (status != INS1_OK)
        return status;
    s1_log(s1_runtime_host(e->runtime), INS1_LOG_WARN, "timeseries",
           "device '%s' lacks operations of the time-series encoder, which runs on the CPU instead",
           info.name);
    return enter_device(e, weights, 0, call);
}

ins1_status s1_series_create(ins1_timeseries_encoder **out, const s1_series_source *source,
                             const ins1_timeseries_encoder_options *options, const s1_call *call)
{
    const ins1_allocator *memory = s1_runtime_memory(source->runtime);
    int32_t device = 0;
    ins1_status status;

    *out = NULL;
    ins1_timeseries_encoder *e = s1_alloc(memory, sizeof(*e), INS1_MEM_OBJECT);
    if (!e)
        return s1_out_of_memory(memory, sizeof(*e), "a time-series encoder", call->error);
    e->runtime = source->runtime;
    e->memory = memory;
    e->config = *source->config;
    status = read_options(e, options, &device, call->error);
    if (status != INS1_OK)
        goto done;
    e->layers =
        s1_alloc_array(memory, (size_t)e->config.n_layer, sizeof(*e->layers), INS1_MEM_OBJECT);
    if (!e->layers) {
        status = s1_out_of_memory(memory, (uint64_t)e->config.n_layer * sizeof(*e->layers),
                                  "the layers", call->error);
        goto done;
    }
    status = choose_device(e, source->weights, device, call);
    if (status != INS1_OK)
        goto done;
    e->keeper = source->keeper;
    e->release_keeper = source->release_keeper;
    *out = e;
    e = NULL;

done:
    destroy(e);
    return status;
}

void ins1_timeseries_encoder_release(ins1_timeseries_encoder *encoder)
{
    if (!encoder)
        return;
    void *keeper = encoder->keeper;
    void (*release_keeper)(void *) = encoder->release_keeper;
    destroy(encoder);
    release_keeper(keeper);
}
