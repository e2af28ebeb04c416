#include "interns1/timeseries.h"
#include "model/private.h"
#include "timeseries/encoder.h"

static void release_model(void *model)
{
    ins1_model_release(model);
}

ins1_status ins1_timeseries_encoder_create(ins1_timeseries_encoder **out, ins1_model *model,
                                           const ins1_timeseries_encoder_options *options,
                                           const ins1_call *given)
{
    s1_call call;

    if (out)
        *out = NULL;
    ins1_status status = s1_call_begin(&call, given);
    if (status != INS1_OK)
        return status;
    if (!model || !out)
        return s1_fail(call.error, INS1_E_ARGUMENT, "no model, or nowhere to write to");
    if (!(model->parts & INS1_PART_TIMESERIES))
        return s1_fail(call.error, INS1_E_UNSUPPORTED,
                       "the model was opened without a time-series encoder");

    const s1_series_source source = {
        .runtime = model->runtime,
        .keeper = model,
        .release_keeper = release_model,
        .config = &model->inside->loaded.series.config,
        .weights = &model->inside->loaded.series.weights,
    };
    ins1_model_retain(model);
    status = s1_series_create(out, &source, options, &call);
    if (status != INS1_OK)
        ins1_model_release(model);
    return status;
}
