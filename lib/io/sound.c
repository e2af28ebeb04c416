#include "series.h"

#include <inttypes.h>
#include <string.h>

/* FLAC and Ogg (Vorbis, Opus) through libsndfile, which reads from our bytes. Full scale is 1. Its
 * own memory does not come from the runtime's allocator. */

static const char *kind_of(const s1_io_bytes *file)
{
    if (file->size < 4)
        return NULL;
    return !memcmp(file->data, "fLaC", 4) ? "FLAC" : !memcmp(file->data, "OggS", 4) ? "Ogg" : NULL;
}

bool s1_io_sound_is(const s1_io_bytes *file)
{
    return kind_of(file) != NULL;
}

#if S1_IO_HAVE_SNDFILE

#include <sndfile.h>

/* Frames read between two looks at the cancel token. */
enum { STEP = 1 << 15 };

/* The pages of an Ogg file fill it, and the last one says that it is the last: what was cut is
 * noticed here, where the decoder would take it for the end. */
static bool is_whole_ogg(const s1_io_bytes *file)
{
    enum { HEADER = 27, COUNT_AT = 26, FLAGS_AT = 5, LAST = 4 };
    const uint8_t *at = file->data;
    size_t left = file->size;
    bool is_last = false;

    while (left >= HEADER && !memcmp(at, "OggS", 4) && left - HEADER >= at[COUNT_AT]) {
        size_t size = HEADER + at[COUNT_AT];
        for (size_t i = 0; i < at[COUNT_AT]; i++)
            size += at[HEADER + i];
        if (size > left)
            return false;
        is_last = at[FLAGS_AT] & LAST;
        at += size;
        left -= size;
    }
    return !left && is_last;
}

typedef struct source {
    const s1_io_bytes *file;
    sf_count_t at;
} source;

static sf_count_t get_size(void *user)
{
    const source *s = user;
    return (sf_count_t)s->file->size;
}

static sf_count_t seek(sf_count_t offset, int whence, void *user)
{
    source *s = user;
    sf_count_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? s->at : get_size(user);
    if (offset < -from || offset > get_size(user) - from)
        return -1;
    s->at = from + offset;
    return s->at;
}

static sf_count_t read_bytes(void *out, sf_count_t n, void *user)
{
    source *s = user;
    sf_count_t left = get_size(user) - s->at;
    if (n > left)
        n = left;
    if (n > 0)
        memcpy(out, s->file->data + s->at, (size_t)n);
    s->at += n > 0 ? n : 0;
    return n > 0 ? n : 0;
}

static sf_count_t refuse_bytes(const void *in, sf_count_t n, void *user)
{
    (void)in;
    (void)n;
    (void)user;
    return 0;
}

static sf_count_t tell(void *user)
{
    const source *s = user;
    return s->at;
}

/* Whole numbers stay what they are; a decoder of lost bits gives floats. */
static int32_t dtype_of(const SF_INFO *info)
{
    switch (info->format & SF_FORMAT_SUBMASK) {
    case SF_FORMAT_PCM_S8:
    case SF_FORMAT_PCM_16:
        return INS1_SAMPLE_I16;
    case SF_FORMAT_PCM_24:
    case SF_FORMAT_PCM_32:
        return INS1_SAMPLE_I32;
    default:
        return INS1_SAMPLE_F32;
    }
}

static sf_count_t read_frames(SNDFILE *sound, ins1_io_series *series, size_t at, size_t n)
{
    const size_t first = at * series->view.n_channels;
    switch (series->view.dtype) {
    case INS1_SAMPLE_I16:
        return sf_readf_short(sound, (int16_t *)series->samples + first, (sf_count_t)n);
    case INS1_SAMPLE_I32:
        return sf_readf_int(sound, (int32_t *)series->samples + first, (sf_count_t)n);
    default:
        return sf_readf_float(sound, (float *)series->samples + first, (sf_count_t)n);
    }
}

static ins1_status read_sound(ins1_io_series *series, const s1_io_job *job, SNDFILE *sound,
                              const SF_INFO *info, const char *name)
{
    if (info->frames <= 0 || info->channels <= 0 || info->samplerate <= 0)
        return s1_io_fail(job->error, INS1_E_FORMAT,
                          "%s: %" PRId64 " samples of %d channels at %d Hz", name,
                          (int64_t)info->frames, info->channels, info->samplerate);
    const int32_t dtype = dtype_of(info);
    ins1_status status = s1_io_series_shape(series, job, name, dtype, (uint64_t)info->frames,
                                            (uint64_t)info->channels, false);
    const size_t n = status == INS1_OK ? series->view.n_samples : 0;
    for (size_t at = 0; at < n && status == INS1_OK; at += STEP) {
        size_t count = n - at < STEP ? n - at : STEP;
        sf_count_t got = read_frames(sound, series, at, count);
        if (got != (sf_count_t)count)
            return s1_io_fail(job->error, INS1_E_FORMAT, "%s ends after %zu of %zu samples", name,
                              at + (size_t)(got > 0 ? got : 0), n);
        status = s1_io_job_check(job);
    }
    series->view.sample_rate_hz = info->samplerate;
    /* Numbers of all widths fill their type from above. */
    if (dtype != INS1_SAMPLE_F32)
        series->view.scale = dtype == INS1_SAMPLE_I16 ? 1.0 / 32768.0 : 1.0 / 2147483648.0;
    return status;
}

ins1_status s1_io_sound_read(ins1_io_series *series, const s1_io_job *job, const s1_io_bytes *file)
{
    SF_VIRTUAL_IO io = { get_size, seek, read_bytes, refuse_bytes, tell };
    source from = { file, 0 };
    SF_INFO info = { 0 };

    if (file->data[0] == 'O' && !is_whole_ogg(file))
        return s1_io_fail(job->error, INS1_E_FORMAT, "%s: Ogg without its end", file->name);
    SNDFILE *sound = sf_open_virtual(&io, SFM_READ, &info, &from);
    if (!sound)
        return s1_io_fail(job->error, INS1_E_FORMAT, "%s: no %s that libsndfile reads: %s",
                          file->name, kind_of(file), sf_strerror(NULL));
    ins1_status status = read_sound(series, job, sound, &info, file->name);
    sf_close(sound);
    return status;
}

#else

ins1_status s1_io_sound_read(ins1_io_series *series, const s1_io_job *job, const s1_io_bytes *file)
{
    (void)series;
    return s1_io_fail(job->error, INS1_E_UNSUPPORTED,
                      "%s is %s, which needs libsndfile; this library was built without it",
                      file->name, kind_of(file));
}

#endif
