#include "media.h"

#include "text.h"

#include <interns1/io.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A URL as the library's readers take it: bytes of ours or the path of a file. */
typedef struct source {
    text bytes;
    char *path; /* owned; NULL: the bytes are it */
    ins1_file file;
} source;

static void source_free(source *from)
{
    text_free(&from->bytes);
    free(from->path);
}

/* --- data:[type][;base64],... --- */

static bool read_data(const char *url, source *out, const char *param, problem *p)
{
    static const char base64[] = ";base64";
    const char *comma = strchr(url, ',');
    if (!comma)
        return refuse(p, 400, "invalid_value", param, "the data: URL in '%s' has no comma", param);
    const size_t head = (size_t)(comma - url), tail = sizeof(base64) - 1;
    const bool is_base64 = head >= tail && memcmp(comma - tail, base64, tail) == 0;
    const char *body = comma + 1;
    const bool is_read = is_base64 ? base64_decode(&out->bytes, body, strlen(body))
                                   : percent_decode(&out->bytes, body, strlen(body));
    if (out->bytes.has_failed)
        return refuse(p, 503, "out_of_memory", param, "no memory for the data of '%s'", param);
    if (!is_read || !out->bytes.size)
        return refuse(p, 400, "invalid_value", param, "the data: URL in '%s' holds %s, expected %s",
                      param, is_read ? "nothing" : "something else",
                      is_base64 ? "base64" : "percent-encoded bytes");
    out->file.name = "data";
    out->file.data = out->bytes.at;
    out->file.size = out->bytes.size;
    return true;
}

/* --- file:///... --- */

/* Both as the file system resolves them, so that neither ".." nor a link leads out. */
static bool is_below(const char *path, const char *folder)
{
    char *root = realpath(folder, NULL);
    const size_t n = root ? strlen(root) : 0;
    const bool is_root = n == 1;
    const bool result = n && strncmp(path, root, n) == 0 && (is_root || path[n] == '/');
    free(root);
    return result;
}

static bool read_file(served *s, const char *url, source *out, const char *param, problem *p)
{
    text path = { 0 };
    const char *from = url + strlen("file://");
    if (!strncmp(from, "localhost/", 10))
        from += strlen("localhost");
    const bool is_read = percent_decode(&path, from, strlen(from));
    text_add(&path, "", 1);
    if (is_read && !path.has_failed && path.at[0] == '/' && strlen(path.at) + 1 == path.size)
        out->path = realpath(path.at, NULL);
    text_free(&path);
    /* One answer for what is missing and what is elsewhere: nothing is told of other folders. */
    if (!s->o->files || !out->path || !is_below(out->path, s->o->files))
        return refuse(p, 400, "invalid_value", param,
                      "the file: URL in '%s' names no file that this server may read", param);
    const char *slash = strrchr(out->path, '/');
    out->file.name = slash + 1;
    out->file.path = out->path;
    return true;
}

static bool read_source(served *s, const char *url, source *out, const char *param, problem *p)
{
    *out = (source){ .file = INS1_INIT(ins1_file) };
    if (strncmp(url, "data:", 5) == 0)
        return read_data(url, out, param, p);
    if (strncmp(url, "file://", 7) == 0)
        return read_file(s, url, out, param, p);
    return refuse(p, 400, "invalid_value", param,
                  "'%s' is '%.40s', expected a data: URL or a file: URL below the server's folder; "
                  "nothing is fetched",
                  param, url);
}

static ins1_io_options limits(const served *s)
{
    ins1_io_options io = INS1_INIT(ins1_io_options);
    io.max_pixels = (uint64_t)s->o->max_pixels;
    io.max_samples = (uint64_t)s->o->max_samples;
    return io;
}

/* --- the two kinds --- */

bool media_image(served *s, client *c, const char *url, ins1_embeds **out, problem *p)
{
    static const char param[] = "image_url.url";
    ins1_error error = INS1_INIT(ins1_error);
    const ins1_io_options io = limits(s);
    ins1_io_image *file = NULL;
    ins1_image image = INS1_INIT(ins1_image);
    source from;

    *out = NULL;
    if (!s->vision)
        return refuse(p, 400, "unsupported", param, "the model '%s' sees no images", s->name);
    bool is_read = read_source(s, url, &from, param, p) && client_lock(c, &s->encoding, p);
    if (is_read) {
        const ins1_call call = client_call(c, &error);
        ins1_status status = ins1_io_image_open(&file, s->runtime, &from.file, &io, &call);
        if (status == INS1_OK)
            status = ins1_io_image_get(file, &image, &call);
        if (status == INS1_OK)
            status = ins1_vision_encoder_encode(out, s->vision, &image, 1, &call);
        ins1_io_image_release(file);
        pthread_mutex_unlock(&s->encoding);
        is_read = status == INS1_OK || refuse_status(p, param, &error);
    }
    source_free(&from);
    return is_read;
}

bool media_series(served *s, client *c, const char *url, double rate_hz, ins1_embeds **out,
                  problem *p)
{
    static const char param[] = "time_series_url.url";
    ins1_error error = INS1_INIT(ins1_error);
    const ins1_io_options io = limits(s);
    ins1_io_series *file = NULL;
    ins1_timeseries series = INS1_INIT(ins1_timeseries);
    source from;

    *out = NULL;
    if (!s->series)
        return refuse(p, 400, "unsupported", param, "the model '%s' takes no time series", s->name);
    bool is_read = read_source(s, url, &from, param, p) && client_lock(c, &s->encoding, p);
    if (is_read) {
        const ins1_call call = client_call(c, &error);
        ins1_status status = ins1_io_series_open(&file, s->runtime, &from.file, 1, &io, &call);
        if (status == INS1_OK)
            status = ins1_io_series_get(file, &series, &call);
        if (rate_hz > 0)
            series.sample_rate_hz = rate_hz;
        if (status == INS1_OK)
            status = ins1_timeseries_encoder_encode(out, s->series, &series, 1, &call);
        ins1_io_series_release(file);
        pthread_mutex_unlock(&s->encoding);
        is_read = status == INS1_OK || refuse_status(p, param, &error);
    }
    source_free(&from);
    return is_read;
}
