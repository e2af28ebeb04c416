#include "encoders.h"

#include "media.h"

static ins1_status make_series(encoders *all)
{
    ins1_timeseries_encoder_options options = INS1_INIT(ins1_timeseries_encoder_options);
    ins1_model_options open = INS1_INIT(ins1_model_options);
    engine *e = all->e;
    ins1_model *model;

    /* A second model of the same mapped files, with the encoder alone. */
    open.path = all->model;
    open.parts = INS1_PART_TIMESERIES;
    ins1_status status = ins1_model_open(&model, e->runtime, &open, &e->call);
    if (status != INS1_OK)
        return status;
    options.device = e->device;
    options.precision = engine_precision(all->s);
    status = ins1_timeseries_encoder_create(&all->series, model, &options, &e->call);
    ins1_model_release(model);
    return status;
}

ins1_status encoders_series(encoders *all, const char *path, double rate, ins1_embeds **out)
{
    ins1_io_series *file = NULL;
    ins1_timeseries series;

    *out = NULL;
    ins1_status status = media_series_open(&file, &series, all->e, path, rate);
    if (status == INS1_OK && !all->series)
        status = make_series(all);
    if (status == INS1_OK)
        status = ins1_timeseries_encoder_encode(out, all->series, &series, 1, &all->e->call);
    media_series_release(file);
    return status;
}

void encoders_end(encoders *all)
{
    ins1_timeseries_encoder_release(all->series);
}
