#include "model/private.h"

#include "backend/cpu/cpu.h"
#include "backend/cpu/needs.h"
#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "decoder/cache.h"
#include "decoder/placement.h"
#include "decoder/sizes.h"
#include "model/processor.h"
#include "runtime/runtime.h"
#include "timeseries/encoder.h"
#include "vision/vision.h"

#include <string.h>

enum {
    STREAM_BYTES = 36 << 10, /* of a queue, about: lists of views */
    BUFFER_BYTES = 100,      /* of a tensor's buffer, about, the lists it stands in included */
    WEIGHTS = INS1_PART_VISION | INS1_PART_TIMESERIES | INS1_PART_DECODER,
};

/* Where the bytes go that a decoder and a session on it take, and the encoders. */
typedef struct bill {
    uint64_t
        beside; /* of the files, what is no tensor of a part; and copies of what is misaligned */
    uint64_t mapped; /* of the tensors, what is not from the allocator */
    uint64_t model;  /* tables of the model */
    uint64_t tables; /* of the decoder */
    uint64_t vision; /* tables of the vision encoder */
    uint64_t series; /* tables of the time-series encoder, and weights in another order */
    uint64_t kv, scratch;
    uint64_t kv_per_token;
    /* What of the decoder is in the memory of other devices. */
    uint64_t device_weights, device_kv, device_scratch;
    int32_t n_homes;         /* devices that have layers */
    int32_t n_device_homes;  /* of them, those with memory of their own, */
    int32_t n_device_layers; /* and the layers there */
    s1_kernels kernels;      /* of the CPU */
    int32_t n_workers;
} bill;

static uint64_t count_experts(const s1_config *config)
{
    uint64_t n = 0;
    for (int32_t i = 0; i < config->decoder.n_layer; i++)
        n += s1_config_is_moe(config, i) ? 3 * (uint64_t)config->decoder.n_expert : 0;
    return n;
}

static void bill_weights(bill *out, const s1_loaded *loaded, int32_t load_mode)
{
    const s1_bound *bound = &loaded->bound;
    const uint64_t disk = bound->tally.disk + loaded->vision.tally.disk + loaded->series.tally.disk;

    out->beside = s1_checkpoint_copied(loaded->checkpoint);
    if (load_mode == INS1_LOAD_READ)
        out->beside += s1_checkpoint_file_size(loaded->checkpoint) - disk;
    else
        out->mapped = disk;
    out->model = sizeof(ins1_model) + sizeof(struct s1_model_private) +
                 bound->n_layers * sizeof(*bound->layers) +
                 bound->n_experts * sizeof(*bound->experts) +
                 s1_checkpoint_memory(loaded->checkpoint) +
                 s1_checkpoint_count(loaded->checkpoint) * BUFFER_BYTES;
}

static ins1_status bill_cpu(bill *out, ins1_runtime *runtime, ins1_error *error)
{
    ins1_device_info info;
    ins1_status status = s1_registry_info(s1_runtime_registry(runtime), 0, &info, error);
    if (status != INS1_OK)
        return status;
    out->n_workers = s1_pool_workers(s1_runtime_host(runtime)->pool);
    return s1_kernels_choose(&out->kernels, info.level, error);
}

static ins1_status bill_devices(bill *out, const s1_loaded *loaded, const int32_t *device_of,
                                const s1_registry *registry, ins1_error *error)
{
    const s1_decoder_config *config = &loaded->config.decoder;
    ins1_status status = INS1_OK;

    for (int32_t first = 0, end; status == INS1_OK && first < config->n_layer; first = end) {
        const bool is_new = s1_is_first_on_device(device_of, first);
        ins1_device_info info;
        for (end = first + 1; end < config->n_layer && device_of[end] == device_of[first]; end++)
            ;
        status = s1_registry_info(registry, device_of[first], &info, error);
        if (status != INS1_OK)
            break;
        out->n_homes += is_new;
        if (info.caps & INS1_CAP_HOST_MEM)
            continue;
        out->n_device_homes += is_new;
        out->n_device_layers += end - first;
        out->device_weights += s1_run_bytes(config, &loaded->bound.weights, first, end);
    }
    return status;
}

static ins1_status bill_placements(bill *out, const s1_loaded *loaded, ins1_runtime *runtime,
                                   const ins1_decoder_options *options, ins1_error *error)
{
    s1_registry *registry = s1_runtime_registry(runtime);
    const ins1_allocator *memory = s1_runtime_memory(runtime);
    const size_t n_layer = (size_t)loaded->config.decoder.n_layer;
    int32_t *device_of = s1_alloc_array(memory, n_layer, sizeof(*device_of), INS1_MEM_OBJECT);
    if (!device_of)
        return s1_out_of_memory(memory, n_layer * sizeof(*device_of), "the devices of layers",
                                error);

    ins1_status status = s1_place_layers(device_of, &loaded->config.decoder, &loaded->bound.weights,
                                         options, registry, error);
    if (status == INS1_OK)
        status = bill_devices(out, loaded, device_of, registry, error);
    s1_free(memory, device_of, n_layer * sizeof(*device_of), INS1_MEM_OBJECT);
    return status;
}

static int64_t largest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A queue on the CPU, with scratch for what it does. */
static uint64_t queue_bytes(const bill *b, const s1_cpu_needs *needs)
{
    return s1_cpu_needs_sum(needs) + STREAM_BYTES + (uint64_t)b->n_workers * S1_CPU_WORKER_BYTES;
}

/* The type of most of a part's weights. */
static int32_t usual_type(const s1_tally *tally)
{
    switch (s1_tally_precision(tally)) {
    case INS1_PRECISION_INT8:
        return INS1_DTYPE_I8;
    case INS1_PRECISION_BF16:
        return INS1_DTYPE_BF16;
    default:
        return INS1_DTYPE_F32;
    }
}

static s1_cpu_product_size product_of(const bill *b, int32_t dtype, int32_t precision,
                                      int64_t results, int64_t columns)
{
    return (s1_cpu_product_size){
        .panel_kind =
            s1_cpu_panel_kind(&b->kernels, dtype, s1_product_precision(dtype, precision), false),
        .results = results,
        .columns = columns,
        .experts = 1,
        .together = 1,
    };
}

/* An encoder's queue: its widest product is what counts. */
static uint64_t encoder_queue_bytes(const bill *b, const s1_tally *tally, int32_t precision,
                                    int64_t rows, int64_t columns)
{
    const s1_cpu_product_size widest = product_of(b, usual_type(tally), precision, rows, columns);
    s1_cpu_needs needs = { 0 };
    s1_cpu_need_product(&needs, &b->kernels, &widest);
    return queue_bytes(b, &needs);
}

/* The type of a layer's matrices whose products take the most: of I8 that is a float among them. */
static int32_t layers_type(const s1_loaded *loaded)
{
    const s1_bound *bound = &loaded->bound;
    const int32_t usual = usual_type(&bound->tally);

    for (size_t i = 0; i < bound->n_layers && usual == INS1_DTYPE_I8; i++) {
        const s1_layer_weights *l = &bound->layers[i];
        const s1_linear *of_all[] = { &l->q, &l->k, &l->v, &l->qkv, &l->o };
        const s1_linear *of_dense[] = { &l->gate, &l->up, &l->down };
        const s1_linear *of_moe[] = { l->expert_gate, l->expert_up, l->expert_down };
        const s1_linear **mlp = l->is_moe ? of_moe : of_dense;
        for (size_t j = 0; j < sizeof(of_all) / sizeof(of_all[0]); j++)
            if (s1_dtype_is_float(of_all[j]->weight.dtype))
                return of_all[j]->weight.dtype;
        for (size_t j = 0; j < sizeof(of_moe) / sizeof(of_moe[0]); j++)
            if (s1_dtype_is_float(mlp[j]->weight.dtype))
                return mlp[j]->weight.dtype;
    }
    return usual;
}

static bool has_fused_experts(const s1_loaded *loaded)
{
    const s1_bound *bound = &loaded->bound;
    return bound->n_experts && bound->experts[0].weight.stride[1] != 1;
}

/* What a session's queue on the CPU holds. */
static uint64_t work_space(const bill *b, const s1_loaded *loaded, const s1_forward_sizes *sizes,
                           int32_t precision)
{
    const s1_decoder_config *d = &loaded->config.decoder;
    const int32_t type = layers_type(loaded);
    const bool is_dense =
        count_experts(&loaded->config) < 3 * (uint64_t)d->n_expert * (uint64_t)d->n_layer ||
        !d->n_expert;
    const s1_cpu_attention_size attention = {
        .t = sizes->n_batch,
        .groups = d->n_head_kv,
        .heads = d->n_head / d->n_head_kv,
        .d = d->head_dim,
        .page_length = s1_cache_page_length(sizes->n_ctx),
        .positions = s1_cache_line_length(sizes->n_ctx),
    };
    int64_t widest = largest(d->n_embd, (int64_t)d->n_head * d->head_dim);
    s1_cpu_needs needs = { 0 };

    if (is_dense)
        widest = largest(widest, d->n_ff);
    s1_cpu_product_size product = product_of(b, type, precision, sizes->n_batch, widest);
    product.together = 2; /* gate and up */
    s1_cpu_need_product(&needs, &b->kernels, &product);
    s1_cpu_need_attention(&needs, &b->kernels, b->n_workers, &attention);
    product =
        product_of(b, loaded->bound.weights.head.weight.dtype, precision, S1_HEAD_ROWS, d->n_embd);
    s1_cpu_need_product(&needs, &b->kernels, &product);
    if (d->n_expert) {
        /* The router is not rounded. */
        product = product_of(b, INS1_DTYPE_F32, INS1_PRECISION_F32, sizes->n_batch, d->n_embd);
        s1_cpu_need_product(&needs, &b->kernels, &product);
        product = product_of(b, type, precision, (int64_t)sizes->n_batch * d->n_expert_used,
                             largest(d->n_embd, d->n_ff_exp));
        if (has_fused_experts(loaded))
            product.panel_kind = S1_PANEL_F32;
        product.experts = d->n_expert;
        product.together = 2;
        s1_cpu_need_product(&needs, &b->kernels, &product);
    }
    return queue_bytes(b, &needs);
}

static ins1_status bill_session(bill *out, const s1_loaded *loaded,
                                const ins1_decoder_options *decoder,
                                const ins1_session_options *given, ins1_error *error)
{
    const s1_config *config = &loaded->config;
    const s1_decoder_config *d = &config->decoder;
    const uint64_t n_experts = count_experts(config);
    ins1_session_options options;
    s1_forward_sizes sizes;
    int32_t precision;

    ins1_status status = s1_decoder_precision(&precision, d, decoder->precision, error);
    if (status == INS1_OK)
        status = s1_session_sizes(&sizes, &options, given, d, precision, error);
    if (status != INS1_OK)
        return status;
    out->kv = s1_cache_bytes(d, sizes.kv_dtype, sizes.n_ctx, sizes.n_seq);
    out->kv_per_token = 2 * (uint64_t)d->n_layer * (uint64_t)d->n_head_kv * (uint64_t)d->head_dim *
                        s1_dtype_size(sizes.kv_dtype);
    const uint64_t workspace = s1_workspace_bytes(d, &sizes);
    out->device_kv = out->kv / (uint64_t)d->n_layer * (uint64_t)out->n_device_layers;
    out->device_scratch = workspace * (uint64_t)out->n_device_homes;
    out->scratch =
        s1_session_scratch_bytes(d, &sizes, options.flags) + workspace * (uint64_t)out->n_homes;
    if (out->n_homes > out->n_device_homes)
        out->scratch += work_space(out, loaded, &sizes, precision);
    /* Every expert is named once by the decoder and once more, with its scale, by the session. */
    out->tables = sizeof(ins1_decoder) + (uint64_t)d->n_layer * sizeof(s1_layer) +
                  n_experts * sizeof(s1_placed_linear);
    out->scratch += 2 * n_experts * sizeof(ins1_tensor_desc);
    return INS1_OK;
}

/* An encoder with default options, and the largest image that the checkpoint's processor makes. */
static ins1_status bill_vision(bill *out, const s1_loaded *loaded, const s1_call *call)
{
    const s1_vision_config *c = &loaded->vision.config;
    s1_vision_processor processor;
    s1_tower_needs needs;

    ins1_status status = s1_processor_read(
        &processor, s1_documents_get(&loaded->documents, "config.json"),
        s1_documents_get(&loaded->documents, "preprocessor_config.json"),
        s1_documents_get(&loaded->documents, "video_preprocessor_config.json"), call->error);
    if (status != INS1_OK)
        return status;
    s1_vision_plan(&needs, c, &processor, &loaded->memory);
    out->vision = needs.tables + loaded->vision.n_layers * sizeof(*loaded->vision.layers);
    out->scratch += needs.scratch;
    out->scratch += encoder_queue_bytes(out, &loaded->vision.tally, c->default_precision,
                                        needs.panel_rows, needs.panel_columns);
    return INS1_OK;
}

/* An encoder with default options. */
static void bill_series(bill *out, const s1_loaded *loaded)
{
    const s1_series_config *c = &loaded->series.config;
    const s1_series_sizes sizes = s1_series_fit(c, 0, &loaded->memory);
    const s1_tally *tally = &loaded->series.tally;
    const int64_t wide = largest(largest(c->n_ff, 3 * (int64_t)c->n_embd), c->n_out);

    out->series = s1_series_table_bytes(c, &loaded->series.weights) +
                  (uint64_t)c->n_layer * sizeof(*loaded->series.layers);
    out->scratch += s1_series_scratch_bytes(c, &sizes);
    uint64_t of_patches =
        encoder_queue_bytes(out, tally, c->default_precision, (int64_t)sizes.n_rows,
                            largest(c->n_patch_ff, c->n_patch));
    uint64_t of_frames =
        encoder_queue_bytes(out, tally, c->default_precision, (int64_t)sizes.n_stretch, wide);
    out->scratch += of_patches > of_frames ? of_patches : of_frames;
}

/* A tokenizer's tables depend on what its files say, so one is made and measured. Where that fails,
 * opening does not: then they are as large as their files. */
static uint64_t tokenizer_tables(const s1_loaded *loaded)
{
    s1_tokenizer_source source = loaded->tokenizer_files;
    ins1_tokenizer *tokenizer;
    s1_meter meter;

    s1_meter_init(&meter, &loaded->memory, 0);
    source.n_vocab = loaded->config.decoder.n_vocab;
    if (s1_tokenizer_create(&tokenizer, &meter.memory, &source, NULL, NULL) != INS1_OK)
        return loaded->tokenizer_size;
    uint64_t size = atomic_load(&meter.now);
    ins1_tokenizer_release(tokenizer);
    return size;
}

/* What belongs to no part goes to the first that is there. */
static void write_weights(ins1_plan *out, const s1_loaded *loaded, const bill *b)
{
    uint64_t shared = b->beside + b->model;

    if (loaded->parts & INS1_PART_DECODER) {
        out->decoder.disk = loaded->bound.tally.disk;
        out->decoder.host = out->decoder.disk + b->tables + shared;
        out->decoder.device = b->device_weights;
        shared = 0;
    }
    if (loaded->parts & INS1_PART_VISION) {
        out->vision.disk = loaded->vision.tally.disk;
        out->vision.host = out->vision.disk + b->vision + shared;
        shared = 0;
    }
    if (loaded->parts & INS1_PART_TIMESERIES) {
        out->timeseries.disk = loaded->series.tally.disk;
        out->timeseries.host = out->timeseries.disk + b->series + shared;
    }
}

static void write_plan(ins1_plan *out, const s1_loaded *loaded, int32_t load_mode, const bill *b)
{
    out->parts = loaded->parts;
    if (loaded->parts & INS1_PART_TOKENIZER) {
        out->tokenizer.disk = loaded->tokenizer_size;
        out->tokenizer.host = loaded->tokenizer_size + tokenizer_tables(loaded);
    }
    /* The budget is about what is allocated; pages of a mapping the system can take back. */
    const uint64_t mapped = load_mode == INS1_LOAD_READ ? 0 : loaded->tokenizer_size;
    out->total_host = out->tokenizer.host;
    out->least_total = out->total_host - mapped;
    if (!(loaded->parts & WEIGHTS))
        return;
    write_weights(out, loaded, b);
    out->kv_per_token = b->kv_per_token;
    out->scratch = b->scratch;
    out->total_device = b->device_weights + b->device_kv + b->device_scratch;
    out->total_host += out->decoder.host + out->vision.host + out->timeseries.host + b->kv +
                       b->scratch - b->device_kv - b->device_scratch;
    out->least_total = out->total_host - mapped - b->mapped;
}

ins1_status ins1_model_plan(ins1_runtime *runtime, const ins1_model_options *model,
                            const ins1_decoder_options *decoder,
                            const ins1_session_options *session, ins1_plan *out,
                            const ins1_call *given)
{
    ins1_decoder_options decoder_options;
    ins1_model_options options;
    ins1_plan plan = { 0 };
    s1_loaded loaded = { 0 };
    bill b = { 0 };
    s1_call call;

    ins1_status status = s1_call_begin(&call, given);
    if (status != INS1_OK)
        return status;
    if (!runtime || !model || !out)
        return s1_fail(call.error, INS1_E_ARGUMENT,
                       "a plan needs a runtime, a model and an answer");
    status = s1_struct_import(&options, model, sizeof(options), call.error);
    if (status == INS1_OK)
        status = s1_struct_import(&decoder_options, decoder, sizeof(decoder_options), call.error);
    if (status != INS1_OK)
        return status;

    status = s1_load(&loaded, runtime, &options, true, &call);
    if (status == INS1_OK && loaded.parts & WEIGHTS) {
        bill_weights(&b, &loaded, options.load_mode);
        status = bill_cpu(&b, runtime, call.error);
    }
    if (status == INS1_OK && loaded.parts & INS1_PART_DECODER)
        status = bill_placements(&b, &loaded, runtime, &decoder_options, call.error);
    if (status == INS1_OK && loaded.parts & INS1_PART_DECODER)
        status = bill_session(&b, &loaded, &decoder_options, session, call.error);
    if (status == INS1_OK && loaded.parts & INS1_PART_VISION)
        status = bill_vision(&b, &loaded, &call);
    if (status == INS1_OK && loaded.parts & INS1_PART_TIMESERIES)
        bill_series(&b, &loaded);
    if (status == INS1_OK) {
        write_plan(&plan, &loaded, options.load_mode, &b);
        status = s1_struct_export(out, &plan, sizeof(plan), call.error);
    }
    s1_load_finish(&loaded);
    return status;
}
