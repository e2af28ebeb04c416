#include "model/private.h"

#include "base/struct.h"

#include <string.h>

/* The type that matters of a decoder's matrices. */
static const char *quant_of(const ins1_model *model)
{
    if (!(model->parts & INS1_PART_DECODER))
        return "";
    if (model->inside->loaded.bound.tally.has_i8)
        return "int8";
    if (model->inside->loaded.bound.tally.has_fp8)
        return "fp8";
    const s1_layer_weights *layer = &model->decoder_weights.layers[0];
    switch (layer->q.weight.dtype ? layer->q.weight.dtype : layer->qkv.weight.dtype) {
    case INS1_DTYPE_BF16:
        return "bf16";
    case INS1_DTYPE_F16:
        return "f16";
    default:
        return "f32";
    }
}

ins1_status ins1_model_info_get(const ins1_model *model, ins1_model_info *out,
                                const ins1_call *given)
{
    s1_call call;

    ins1_status status = s1_call_begin(&call, given);
    if (status != INS1_OK)
        return status;
    if (!model || !out)
        return s1_fail(call.error, INS1_E_ARGUMENT, "no model, or nowhere to write to");
    const s1_decoder_config *d = &model->decoder_config;
    const s1_loaded *loaded = &model->inside->loaded;
    const ins1_model_info info = {
        .parts = model->parts,
        .arch = loaded->has_config ? loaded->config.architecture : "",
        .name = model->inside->name,
        .quant = quant_of(model),
        .n_vocab = d->n_vocab,
        .n_embd = d->n_embd,
        .n_layer = d->n_layer,
        .n_head = d->n_head,
        .n_head_kv = d->n_head_kv,
        .n_expert = d->n_expert,
        .n_expert_used = d->n_expert_used,
        .n_ctx_train = d->rope.max_position,
        .n_params = loaded->bound.tally.n_params + loaded->vision.tally.n_params +
                    loaded->series.tally.n_params,
        .n_params_active = loaded->bound.tally.n_params_active,
    };
    return s1_struct_export(out, &info, sizeof(info), call.error);
}

static const char *own_meta(const struct s1_model_private *inside, const char *key)
{
    const struct {
        const char *key, *value;
    } own[] = {
        { "ins1/dialect", inside->dialect },
        { "ins1/tokenizer", inside->tokenizer },
        { "ins1/end_ids", inside->end_ids_text },
        { "ins1/placeholder_ids", inside->placeholders_text },
        { "ins1/unknown_keys", inside->unknown_keys },
    };
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (!strcmp(key, own[i].key))
            return own[i].value;
    return NULL;
}

ins1_status ins1_model_meta(const ins1_model *model, const char *key, const char **value,
                            size_t *size, const ins1_call *given)
{
    s1_call call;

    if (value)
        *value = NULL;
    if (size)
        *size = 0;
    ins1_status status = s1_call_begin(&call, given);
    if (status != INS1_OK)
        return status;
    if (!model || !key || !value || !size)
        return s1_fail(call.error, INS1_E_ARGUMENT, "no model, no key, or nowhere to write to");
    *value = own_meta(model->inside, key);
    *size = *value ? strlen(*value) : 0;
    if (*value)
        return INS1_OK;
    s1_json found = s1_documents_at(&model->inside->loaded.documents, key);
    if (found.kind) {
        const size_t quotes = found.kind == S1_JSON_STRING;
        *value = found.text + quotes;
        *size = found.size - 2 * quotes;
    }
    return INS1_OK;
}

const int32_t *s1_model_end_ids(const ins1_model *model, size_t *n)
{
    *n = (size_t)model->inside->n_end_ids;
    return model->inside->end_ids;
}

const int32_t *s1_model_placeholder_ids(const ins1_model *model, size_t *n)
{
    *n = (size_t)model->inside->loaded.config.n_placeholders;
    return model->inside->loaded.config.placeholders;
}

int32_t s1_model_n_vocab(const ins1_model *model)
{
    return model->decoder_config.n_vocab;
}

s1_sampling s1_model_sampling(const ins1_model *model)
{
    return model->inside->sampling;
}

const char *s1_model_dialect(const ins1_model *model)
{
    return model->inside->dialect;
}

s1_json s1_model_json(const ins1_model *model, const char *file)
{
    return s1_documents_get(&model->inside->loaded.documents, file);
}
