#include "interns1/tokenizer.h"
#include "model/private.h"
#include "tokenizer/tokenizer.h"

static void retain_model(void *model)
{
    ins1_model_retain(model);
}

static void release_model(void *model)
{
    ins1_model_release(model);
}

ins1_status ins1_tokenizer_create(ins1_tokenizer **out, ins1_model *model,
                                  const ins1_tokenizer_options *options, const ins1_call *given)
{
    s1_call call;

    if (out)
        *out = NULL;
    ins1_status status = s1_call_begin(&call, given);
    if (status != INS1_OK)
        return status;
    if (!model || !out)
        return s1_fail(call.error, INS1_E_ARGUMENT, "no model, or nowhere to write to");
    if (!(model->parts & INS1_PART_TOKENIZER))
        return s1_fail(call.error, INS1_E_UNSUPPORTED, "the model was opened without a tokenizer");

    s1_tokenizer_source source = model->inside->loaded.tokenizer_files;
    source.n_vocab = model->decoder_config.n_vocab;
    source.owner = model;
    source.retain = retain_model;
    source.release = release_model;
    source.end_ids = s1_model_end_ids(model, &source.n_end_ids);
    source.placeholder_ids = s1_model_placeholder_ids(model, &source.n_placeholder_ids);
    return s1_tokenizer_create(out, s1_runtime_memory(model->runtime), &source, options,
                               call.error);
}
