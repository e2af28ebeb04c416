#include "base/struct.h"
#include "interns1/vision.h"
#include "model/private.h"
#include "model/processor.h"
#include "vision/vision.h"

static void release_model(void *model)
{
    ins1_model_release(model);
}

ins1_status ins1_vision_encoder_create(ins1_vision_encoder **out, ins1_model *model,
                                       const ins1_vision_encoder_options *given,
                                       const ins1_call *given_call)
{
    ins1_vision_encoder_options options;
    s1_vision_processor processor;
    s1_call call;

    if (out)
        *out = NULL;
    ins1_status status = s1_call_begin(&call, given_call);
    if (status != INS1_OK)
        return status;
    if (!model || !out)
        return s1_fail(call.error, INS1_E_ARGUMENT, "no model, or nowhere to write to");
    status = s1_struct_import(&options, given, sizeof(options), call.error);
    if (status != INS1_OK)
        return status;
    if (!(options.flags & INS1_VISION_ENCODER_NO_WEIGHTS) && !(model->parts & INS1_PART_VISION))
        return s1_fail(call.error, INS1_E_UNSUPPORTED,
                       "the model was opened without a vision encoder");
    status = s1_processor_read(&processor, s1_model_json(model, "config.json"),
                               s1_model_json(model, "preprocessor_config.json"),
                               s1_model_json(model, "video_preprocessor_config.json"), call.error);
    if (status != INS1_OK)
        return status;

    const s1_vision_source source = {
        .runtime = model->runtime,
        .keeper = model,
        .release_keeper = release_model,
        .processor = &processor,
        .weights = model->parts & INS1_PART_VISION ? &model->inside->loaded.vision.weights : NULL,
    };
    ins1_model_retain(model);
    status = s1_vision_create(out, &source, &options, &call);
    if (status != INS1_OK)
        ins1_model_release(model);
    return status;
}
