/* The public constructors that take a model: how a checkpoint becomes what the floors below know.
 */

#include "model/private.h"

#include "decoder/decoder.h"
#include "interns1/decoder.h"
#include "interns1/tokenizer.h"
#include "tokenizer/tokenizer.h"

static void release_model(void *model)
{
    ins1_model_release(model);
}

static void retain_model(void *model)
{
    ins1_model_retain(model);
}

static ins1_status begin(s1_call *call, const ins1_call *given, const ins1_model *model,
                         const void *out)
{
    ins1_status status = s1_call_begin(call, given);
    if (status == INS1_OK && (!model || !out))
        return s1_fail(call->error, INS1_E_ARGUMENT, "no model, or nowhere to write to");
    return status;
}

ins1_status ins1_decoder_create(ins1_decoder **out, ins1_model *model,
                                const ins1_decoder_options *options, const ins1_call *given)
{
    s1_call call;

    if (out)
        *out = NULL;
    ins1_status status = begin(&call, given, model, out);
    if (status != INS1_OK)
        return status;
    if (!(model->parts & INS1_PART_DECODER))
        return s1_fail(call.error, INS1_E_UNSUPPORTED, "the model was opened without a decoder");

    const s1_decoder_source source = {
        .runtime = model->runtime,
        .keeper = model,
        .release_keeper = release_model,
        .fingerprint = model->fingerprint,
        .config = &model->decoder_config,
        .weights = &model->decoder_weights,
    };
    ins1_model_retain(model);
    status = s1_decoder_create(out, &source, options, &call);
    if (status != INS1_OK)
        ins1_model_release(model);
    return status;
}

ins1_status ins1_tokenizer_create(ins1_tokenizer **out, ins1_model *model,
                                  const ins1_tokenizer_options *options, const ins1_call *given)
{
    s1_call call;

    if (out)
        *out = NULL;
    ins1_status status = begin(&call, given, model, out);
    if (status != INS1_OK)
        return status;
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
