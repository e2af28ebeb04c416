#include "encoders.h"

#include "frames.h"
#include "media.h"

/* A second model of the same mapped files, with the encoder alone. */
static ins1_status open_part(encoders *all, uint32_t part, ins1_model **out)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.path = all->model;
    options.parts = part;
    return ins1_model_open(out, all->e->runtime, &options, &all->e->call);
}

static ins1_status make_series(encoders *all)
{
    ins1_timeseries_encoder_options options = INS1_INIT(ins1_timeseries_encoder_options);
    ins1_model *model;

    ins1_status status = open_part(all, INS1_PART_TIMESERIES, &model);
    if (status != INS1_OK)
        return status;
    options.device = all->device = all->e->device;
    options.precision = engine_encoder_precision(all->s);
    status = ins1_timeseries_encoder_create(&all->series, model, &options, &all->e->call);
    ins1_model_release(model);
    return status;
}

static ins1_status make_vision(encoders *all)
{
    ins1_vision_encoder_options options = INS1_INIT(ins1_vision_encoder_options);
    ins1_model *model;

    ins1_status status = open_part(all, INS1_PART_VISION, &model);
    if (status != INS1_OK)
        return status;
    options.device = all->device = all->e->device;
    options.precision = engine_encoder_precision(all->s);
    status = ins1_vision_encoder_create(&all->vision, model, &options, &all->e->call);
    ins1_model_release(model);
    return status;
}

/* Was that the end of a device? Then the status is INS1_OK, and it is to be done once more. */
static bool moves_to_cpu(encoders *all, ins1_status *status)
{
    if (*status != INS1_E_DEVICE || all->device == 0)
        return false;
    engine_say_lost(all->e);
    encoders_end(all);
    all->vision = NULL;
    all->series = NULL;
    all->device = all->e->device = 0;
    *status = INS1_OK;
    return true;
}

ins1_status encoders_image(encoders *all, const char *path, ins1_embeds **out)
{
    ins1_io_image *file = NULL;
    ins1_image image;

    *out = NULL;
    ins1_status status = media_image_open(&file, &image, all->e, path);
    do {
        if (status == INS1_OK && !all->vision)
            status = make_vision(all);
        if (status == INS1_OK)
            status = ins1_vision_encoder_encode(out, all->vision, &image, 1, &all->e->call);
    } while (moves_to_cpu(all, &status));
    media_image_release(file);
    return status;
}

ins1_status encoders_video(encoders *all, const char *folder, double fps, ins1_embeds **out)
{
    ins1_video video;
    frames files;

    *out = NULL;
    ins1_status status = frames_open(&files, &video, all->e, folder, fps);
    do {
        if (status == INS1_OK && !all->vision)
            status = make_vision(all);
        if (status == INS1_OK)
            status = ins1_vision_encoder_encode_video(out, all->vision, &video, &all->e->call);
    } while (moves_to_cpu(all, &status));
    frames_close(&files);
    return status;
}

ins1_status encoders_series(encoders *all, const char *path, double rate, ins1_embeds **out)
{
    ins1_io_series *file = NULL;
    ins1_timeseries series;

    *out = NULL;
    ins1_status status = media_series_open(&file, &series, all->e, path, rate);
    do {
        if (status == INS1_OK && !all->series)
            status = make_series(all);
        if (status == INS1_OK)
            status = ins1_timeseries_encoder_encode(out, all->series, &series, 1, &all->e->call);
    } while (moves_to_cpu(all, &status));
    media_series_release(file);
    return status;
}

void encoders_end(encoders *all)
{
    ins1_vision_encoder_release(all->vision);
    ins1_timeseries_encoder_release(all->series);
}
