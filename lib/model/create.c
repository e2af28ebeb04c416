/* The public constructors that take a model: how a checkpoint becomes what the floors below know.
 */

#include "decoder/decoder.h"
#include "interns1/decoder.h"
#include "model/private.h"

static void release_model(void *model)
{
    ins1_model_release(model);
}

ins1_status ins1_decoder_create(ins1_decoder **out, ins1_model *model,
                                const ins1_decoder_options *options, const ins1_call *given)
{
    s1_call call;

    if (out)
        *out = NULL;
    ins1_status status = s1_call_begin(&call, given);
    if (status != INS1_OK)
        return status;
    if (!model || !out)
        return s1_fail(call.error, INS1_E_ARGUMENT, "no model, or nowhere to write to");
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
