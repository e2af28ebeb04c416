#include "media.h"

#include "text.h"

#include <string.h>
#include <unistd.h>

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

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The signals of a WFDB header. */
static bool has_companion(const char *path, buffer *out)
{
    const char *end = strrchr(path, '.');
    if (!end || strcmp(end, ".hea") != 0)
        return false;
    text_printf(out, "%.*s.dat", (int)(end - path), path);
    return access(out->at, R_OK) == 0;
}

ins1_status media_series_open(ins1_io_series **out, ins1_timeseries *view, engine *e,
                              const char *path, double rate)
{
    ins1_file files[2] = { INS1_INIT(ins1_file), INS1_INIT(ins1_file) };
    buffer companion = { 0 };
    const size_t n = has_companion(path, &companion) ? 2 : 1;

    files[0].path = path;
    files[0].name = name_of(path);
    files[1].path = companion.at;
    files[1].name = n > 1 ? name_of(companion.at) : NULL;
    *view = (ins1_timeseries)INS1_INIT(ins1_timeseries);
    ins1_status status = ins1_io_series_open(out, e->runtime, files, n, NULL, &e->call);
    text_free(&companion);
    if (status == INS1_OK)
        status = ins1_io_series_get(*out, view, &e->call);
    if (rate != 0)
        view->sample_rate_hz = rate;
    return status;
}

void media_series_release(ins1_io_series *series)
{
    ins1_io_series_release(series);
}
