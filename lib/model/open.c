#include "model/private.h"

#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"

#include <stdatomic.h>
#include <string.h>

static void give_back_text(const ins1_allocator *memory, char *text)
{
    if (text)
        s1_free(memory, text, strlen(text) + 1, INS1_MEM_OBJECT);
}

static void destroy_private(struct s1_model_private *inside, ins1_runtime *runtime,
                            const ins1_allocator *memory)
{
    if (!inside)
        return;
    if (inside->mapped)
        s1_runtime_count_mapped(runtime, -(int64_t)inside->mapped);
    s1_load_finish(&inside->loaded);
    give_back_text(memory, inside->unknown_keys);
    give_back_text(memory, inside->end_ids_text);
    give_back_text(memory, inside->placeholders_text);
    s1_free(memory, inside, sizeof(*inside), INS1_MEM_OBJECT);
}

/* Half-built models included; the runtime's owner is the caller's matter. */
static void destroy(ins1_model *model, ins1_runtime *runtime)
{
    if (!model)
        return;
    const ins1_allocator *memory = s1_runtime_memory(runtime);
    destroy_private(model->inside, runtime, memory);
    s1_free(memory, model, sizeof(*model), INS1_MEM_OBJECT);
}

/* The part that a tensor belongs to by its name; 0 for what is computed or only trained with. */
static uint32_t part_of(const char *name, size_t size)
{
    static const struct {
        const char *fragment;
        uint32_t part;
    } parts[] = {
        { "rotary_emb.inv_freq", 0 },
        { "embeddings.mask_token", 0 },
        { "time_series_forecaster.", 0 },
        { "vision_model.", 0 }, /* of a naming that this build does not read */
        { "mlp1.", 0 },
        { "vision_tower.", INS1_PART_VISION },
        { "multi_modal_projector.", INS1_PART_VISION },
        { "visual.", INS1_PART_VISION },
        { "time_series.", INS1_PART_TIMESERIES },
        { "time_series_projector.", INS1_PART_TIMESERIES },
        { "ts_tower.", INS1_PART_TIMESERIES },
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (memmem(name, size, parts[i].fragment, strlen(parts[i].fragment)))
            return parts[i].part;
    return INS1_PART_DECODER;
}

/* Of the parts that were opened. */
static void warn_about_tensors(const s1_host *host, const s1_checkpoint *checkpoint,
                               uint32_t opened)
{
    size_t n = 0, size, first_size = 0;
    const char *first = "";
    bool is_used;

    for (size_t i = 0; i < s1_checkpoint_count(checkpoint); i++) {
        const char *name = s1_checkpoint_name(checkpoint, i, &size, &is_used);
        if (is_used || !(part_of(name, size) & opened))
            continue;
        if (!n++) {
            first = name;
            first_size = size;
        }
    }
    if (n)
        s1_log(host, INS1_LOG_WARN, "model", "%zu tensors are not used, such as '%.*s'", n,
               (int)(first_size < 200 ? first_size : 200), first);
}

static ins1_status describe(struct s1_model_private *inside, const ins1_model_options *options,
                            const ins1_allocator *memory, const s1_call *call)
{
    s1_loaded *loaded = &inside->loaded;
    const s1_config *config = &loaded->config;
    s1_json root = s1_documents_get(&loaded->documents, "config.json");

    memcpy(inside->end_ids, config->end_ids, sizeof(inside->end_ids));
    inside->n_end_ids = config->n_end_ids;
    ins1_status status = s1_generation_read(
        &inside->sampling, inside->end_ids, S1_MAX_IDS, &inside->n_end_ids,
        s1_documents_get(&loaded->documents, "generation_config.json"), call->error);
    if (status == INS1_OK)
        status = s1_dialect_read(&inside->dialect, &loaded->documents, loaded->files, memory,
                                 config->dialect, call);
    if (status != INS1_OK)
        return status;
    inside->tokenizer = s1_tokenizer_kind(&loaded->documents, loaded->files);
    if (options->path) {
        size_t size = strlen(options->path);
        while (size > 1 && options->path[size - 1] == '/')
            size--;
        size_t from = size;
        while (from > 0 && options->path[from - 1] != '/')
            from--;
        if (size - from < sizeof(inside->name))
            memcpy(inside->name, options->path + from, size - from);
    }
    inside->unknown_keys = s1_unknown_keys_text(memory, loaded->has_config ? root : (s1_json){ 0 });
    inside->end_ids_text = s1_ids_text(memory, inside->end_ids, inside->n_end_ids);
    inside->placeholders_text = s1_ids_text(memory, config->placeholders, config->n_placeholders);
    if (!inside->unknown_keys || !inside->end_ids_text || !inside->placeholders_text)
        return s1_out_of_memory(memory, 1, "a model's description", call->error);
    return INS1_OK;
}

static void publish(ins1_model *model, ins1_runtime *runtime)
{
    struct s1_model_private *inside = model->inside;
    const s1_loaded *loaded = &inside->loaded;
    const s1_host *host = s1_runtime_host(runtime);

    atomic_store(&model->owners, 1);
    ins1_runtime_retain(runtime);
    model->runtime = runtime;
    model->files = loaded->files;
    model->parts = loaded->parts;
    model->decoder_config = loaded->config.decoder;
    model->decoder_weights = loaded->bound.weights;
    if (loaded->parts & INS1_PART_DECODER) {
        model->fingerprint = s1_model_fingerprint(&model->decoder_config, &model->decoder_weights);
    }
    if (loaded->checkpoint)
        warn_about_tensors(host, loaded->checkpoint, loaded->parts);
    if (strcmp(inside->unknown_keys, "[]") != 0)
        s1_log(host, INS1_LOG_WARN, "model", "config.json has keys that nothing reads: %s",
               inside->unknown_keys);
    inside->mapped = s1_files_mapped(loaded->files);
    s1_runtime_count_mapped(runtime, (int64_t)inside->mapped);
    s1_runtime_freeze_devices(runtime);
}

ins1_status ins1_model_open(ins1_model **out, ins1_runtime *runtime,
                            const ins1_model_options *given, const ins1_call *given_call)
{
    const ins1_allocator *memory;
    ins1_model_options options;
    ins1_model *model = NULL;
    s1_call call;

    if (!out)
        return INS1_E_ARGUMENT;
    *out = NULL;
    ins1_status status = s1_call_begin(&call, given_call);
    if (status != INS1_OK)
        return status;
    if (!runtime || !given)
        return s1_fail(call.error, INS1_E_ARGUMENT, "a model needs a runtime and options");
    status = s1_struct_import(&options, given, sizeof(options), call.error);
    if (status != INS1_OK)
        return status;

    memory = s1_runtime_memory(runtime);
    model = s1_alloc(memory, sizeof(*model), INS1_MEM_OBJECT);
    if (model)
        model->inside = s1_alloc(memory, sizeof(*model->inside), INS1_MEM_OBJECT);
    if (!model || !model->inside) {
        s1_files_refuse(&options);
        status = s1_out_of_memory(memory, sizeof(*model->inside), "a model", call.error);
        goto done;
    }
    status = s1_load(&model->inside->loaded, runtime, &options, false, &call);
    if (status == INS1_OK)
        status = describe(model->inside, &options, memory, &call);
    if (status != INS1_OK)
        goto done;
    publish(model, runtime);
    *out = model;
    model = NULL;

done:
    destroy(model, runtime);
    return status;
}

void ins1_model_retain(ins1_model *model)
{
    if (model)
        atomic_fetch_add_explicit(&model->owners, 1, memory_order_relaxed);
}

void ins1_model_release(ins1_model *model)
{
    if (!model || atomic_fetch_sub_explicit(&model->owners, 1, memory_order_acq_rel) != 1)
        return;
    ins1_runtime *runtime = model->runtime;
    destroy(model, runtime);
    ins1_runtime_release(runtime);
}
