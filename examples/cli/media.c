#include "media.h"

#include "json.h"
#include "text.h"

#include <string.h>
#include <unistd.h>

#ifdef HAVE_IO

/* The signals of a WFDB header are in the file beside it that ends in ".dat". */
static bool has_companion(const char *path, buffer *out)
{
    const char *end = strrchr(path, '.');
    if (!end || strcmp(end, ".hea") != 0)
        return false;
    text_printf(out, "%.*s.dat", (int)(end - path), path);
    return access(out->at, R_OK) == 0;
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

ins1_status media_read_series(engine *e, const char *path, double rate, media_signal *out)
{
    ins1_file files[2] = { INS1_INIT(ins1_file), INS1_INIT(ins1_file) };
    buffer companion = { 0 };

    *out = (media_signal){ .series = INS1_INIT(ins1_timeseries) };
    const bool are_two = has_companion(path, &companion);
    files[0].path = path;
    files[0].name = name_of(path);
    if (are_two) {
        files[1].path = companion.at;
        files[1].name = name_of(companion.at);
    }
    ins1_status status =
        ins1_io_series_open(&out->file, e->runtime, files, are_two ? 2 : 1, NULL, &e->call);
    if (status == INS1_OK)
        status = ins1_io_series_get(out->file, &out->series, &e->call);
    if (rate > 0)
        out->series.sample_rate_hz = rate;
    text_free(&companion);
    return status;
}

void media_free_series(media_signal *signal)
{
    ins1_io_series_release(signal->file);
}

ins1_status media_image_open(ins1_io_image **out, ins1_image *view, engine *e, const char *path)
{
    ins1_file file = INS1_INIT(ins1_file);

    file.name = path;
    file.path = path;
    *view = (ins1_image)INS1_INIT(ins1_image);
    ins1_status status = ins1_io_image_open(out, e->runtime, &file, NULL, &e->call);
    return status == INS1_OK ? ins1_io_image_get(*out, view, &e->call) : status;
}

void media_image_release(ins1_io_image *image)
{
    ins1_io_image_release(image);
}

#else

static ins1_status refuse(engine *e, const char *path)
{
    return fail(&e->error, INS1_E_UNSUPPORTED, "%s: this program was built without libinterns1_io",
                path);
}

ins1_status media_read_series(engine *e, const char *path, double rate, media_signal *out)
{
    (void)rate;
    *out = (media_signal){ .series = INS1_INIT(ins1_timeseries) };
    return refuse(e, path);
}

void media_free_series(media_signal *signal)
{
    (void)signal;
}

ins1_status media_image_open(ins1_io_image **out, ins1_image *view, engine *e, const char *path)
{
    *out = NULL;
    *view = (ins1_image)INS1_INIT(ins1_image);
    return refuse(e, path);
}

void media_image_release(ins1_io_image *image)
{
    (void)image; /* none was ever opened */
}

#endif

/* The model keeps what is mapped once, however often it is opened. */
static ins1_status open_part(media *m, uint32_t part, ins1_model **out)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.path = m->model;
    options.parts = part;
    return ins1_model_open(out, m->e->runtime, &options, &m->e->call);
}

static ins1_status make_series_encoder(media *m)
{
    ins1_timeseries_encoder_options options = INS1_INIT(ins1_timeseries_encoder_options);
    ins1_model *model;

    ins1_status status = open_part(m, INS1_PART_TIMESERIES, &model);
    if (status != INS1_OK)
        return status;
    options.device = m->e->device;
    options.precision = engine_precision(m->s);
    status = ins1_timeseries_encoder_create(&m->series, model, &options, &m->e->call);
    ins1_model_release(model);
    return status;
}

static ins1_status make_vision_encoder(media *m)
{
    ins1_vision_encoder_options options = INS1_INIT(ins1_vision_encoder_options);
    ins1_model *model;

    ins1_status status = open_part(m, INS1_PART_VISION, &model);
    if (status != INS1_OK)
        return status;
    options.device = m->e->device;
    options.precision = engine_precision(m->s);
    status = ins1_vision_encoder_create(&m->vision, model, &options, &m->e->call);
    ins1_model_release(model);
    return status;
}

ins1_status media_encode_series(media *m, const char *path, double rate, ins1_embeds **out)
{
    media_signal signal;

    *out = NULL;
    ins1_status status = media_read_series(m->e, path, rate, &signal);
    if (status == INS1_OK && !m->series)
        status = make_series_encoder(m);
    if (status == INS1_OK)
        status = ins1_timeseries_encoder_encode(out, m->series, &signal.series, 1, &m->e->call);
    media_free_series(&signal);
    return status;
}

ins1_status media_encode_image(media *m, const char *path, ins1_embeds **out)
{
    ins1_io_image *file = NULL;
    ins1_image image;

    *out = NULL;
    ins1_status status = media_image_open(&file, &image, m->e, path);
    if (status == INS1_OK && !m->vision)
        status = make_vision_encoder(m);
    if (status == INS1_OK)
        status = ins1_vision_encoder_encode(out, m->vision, &image, 1, &m->e->call);
    media_image_release(file);
    return status;
}

void media_end(media *m)
{
    ins1_vision_encoder_release(m->vision);
    ins1_timeseries_encoder_release(m->series);
}
