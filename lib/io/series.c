#include "series.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { MAX_FILES = 64 }; /* of one recording */

static size_t dtype_size(int32_t dtype)
{
    return dtype == INS1_SAMPLE_I16 ? 2 : dtype == INS1_SAMPLE_F64 ? 8 : 4;
}

static void drop_samples(ins1_io_series *series, const ins1_allocator *memory)
{
    s1_io_free(memory, series->samples, series->samples_size, INS1_MEM_IO);
    series->samples = NULL;
    series->samples_size = 0;
}

ins1_status s1_io_series_shape(ins1_io_series *series, const s1_io_job *job, const char *name,
                               int32_t dtype, uint64_t n_samples, uint64_t n_channels, bool planar)
{
    ins1_timeseries *view = &series->view;
    uint64_t n, size;

    if (n_samples == 0 || n_channels == 0)
        return s1_io_fail(job->error, INS1_E_FORMAT,
                          "%s has %" PRIu64 " samples of %" PRIu64 " channels", name, n_samples,
                          n_channels);
    if (n_channels > S1_IO_MAX_CHANNELS)
        return s1_io_fail(job->error, INS1_E_UNSUPPORTED,
                          "%s has %" PRIu64 " channels, at most %d are read", name, n_channels,
                          S1_IO_MAX_CHANNELS);
    if (!s1_io_mul(n_samples, n_channels, &n) || n > job->limits.max_samples ||
        !s1_io_mul(n, dtype_size(dtype), &size) || size > PTRDIFF_MAX)
        return s1_io_fail(job->error, INS1_E_BUDGET,
                          "%s: %" PRIu64 " samples of %" PRIu64 " channels, the limit is %" PRIu64
                          " in all",
                          name, n_samples, n_channels, job->limits.max_samples);
    series->samples = s1_io_alloc(job->memory, (size_t)size, INS1_MEM_IO);
    if (!series->samples)
        return s1_io_fail(job->error, INS1_E_MEMORY, "no memory for %" PRIu64 " samples of %s", n,
                          name);
    series->samples_size = (size_t)size;
    view->dtype = dtype;
    view->data = series->samples;
    view->n_samples = (size_t)n_samples;
    view->n_channels = (size_t)n_channels;
    ptrdiff_t item = (ptrdiff_t)dtype_size(dtype);
    view->sample_stride = planar ? item : item * (ptrdiff_t)n_channels;
    view->channel_stride = planar ? item * (ptrdiff_t)n_samples : item;
    return INS1_OK;
}

ins1_status s1_io_series_labels(ins1_io_series *series, const s1_io_job *job)
{
    size_t n = series->view.n_channels;
    series->labels = s1_io_alloc(job->memory, n * sizeof(*series->labels), INS1_MEM_OBJECT);
    if (!series->labels)
        return s1_io_fail(job->error, INS1_E_MEMORY, "no memory for the names of %zu channels", n);
    series->n_labels = n;
    return INS1_OK;
}

/* Bytes of the UTF-8 character that begins here; 0 when none does. */
static size_t character(const unsigned char *at, size_t left)
{
    size_t n = at[0] < 0x80   ? 1
               : at[0] < 0xC2 ? 0
               : at[0] < 0xE0 ? 2
               : at[0] < 0xF0 ? 3
               : at[0] < 0xF5 ? 4
                              : 0;
    if (n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

void s1_io_text(char *out, size_t room, const char *text, size_t size)
{
    size_t n = 0;

    while (size && (unsigned char)text[0] <= ' ') {
        text++;
        size--;
    }
    while (size && (unsigned char)text[size - 1] <= ' ')
        size--;
    for (size_t i = 0; i < size;) {
        size_t length = character((const unsigned char *)text + i, size - i);
        bool is_plain = length > 1 || (length == 1 && (unsigned char)text[i] >= ' ');
        size_t needed = length ? length : 1;
        if (n + needed >= room)
            break;
        if (is_plain)
            memcpy(out + n, text + i, length);
        else
            out[n] = '?';
        n += needed;
        i += needed;
    }
    out[n] = 0;
}

static int32_t raw_at(const ins1_timeseries *view, size_t sample, size_t channel)
{
    const char *at = (const char *)view->data + (ptrdiff_t)sample * view->sample_stride +
                     (ptrdiff_t)channel * view->channel_stride;
    return view->dtype == INS1_SAMPLE_I16 ? *(const int16_t *)(const void *)at
                                          : *(const int32_t *)(const void *)at;
}

/* Do the raw numbers do, under one gain? */
static bool is_uniform(const ins1_timeseries *view, const s1_io_gain *gains)
{
    for (size_t c = 0; c < view->n_channels; c++) {
        if (gains[c].scale != gains[0].scale || gains[c].offset != gains[0].offset)
            return false;
        for (size_t i = 0; gains[c].has_gap && i < view->n_samples; i++)
            if (raw_at(view, i, c) == gains[c].gap)
                return false;
    }
    return true;
}

ins1_status s1_io_series_calibrate(ins1_io_series *series, const s1_io_job *job, const char *name,
                                   const s1_io_gain *gains)
{
    ins1_io_series raw = *series;

    if (is_uniform(&series->view, gains)) {
        series->view.scale = gains[0].scale;
        series->view.offset = gains[0].offset;
        return INS1_OK;
    }
    series->samples = NULL;
    series->samples_size = 0;
    ins1_status status = s1_io_series_shape(series, job, name, INS1_SAMPLE_F64, raw.view.n_samples,
                                            raw.view.n_channels, true);
    double *to = series->samples;
    for (size_t c = 0; status == INS1_OK && c < raw.view.n_channels; c++) {
        for (size_t i = 0; status == INS1_OK && i < raw.view.n_samples; i++) {
            if (i % S1_IO_LOOK == 0)
                status = s1_io_job_check(job);
            int32_t value = raw_at(&raw.view, i, c);
            bool is_gap = gains[c].has_gap && value == gains[c].gap;
            *to++ = is_gap ? (double)NAN : (double)value * gains[c].scale + gains[c].offset;
            if (is_gap)
                series->view.flags |= INS1_TIMESERIES_FILL_GAPS;
        }
    }
    drop_samples(&raw, job->memory);
    return status;
}

static void destroy(ins1_io_series *series, const ins1_allocator *memory)
{
    if (!series)
        return;
    drop_samples(series, memory);
    s1_io_free(memory, series->labels, series->n_labels * sizeof(*series->labels), INS1_MEM_OBJECT);
    s1_io_free(memory, series, sizeof(*series), INS1_MEM_OBJECT);
}

static ins1_status read_one(ins1_io_series *series, const s1_io_job *job, const s1_io_bytes *file)
{
    static const struct {
        bool (*is)(const s1_io_bytes *file);
        ins1_status (*read)(ins1_io_series *series, const s1_io_job *job, const s1_io_bytes *file);
    } readers[] = {
        { s1_io_npy_is, s1_io_npy_read },
        { s1_io_wav_is, s1_io_wav_read },
        { s1_io_edf_is, s1_io_edf_read },
        { s1_io_mseed_is, s1_io_mseed_read },
        { s1_io_sound_is, s1_io_sound_read },
        { s1_io_csv_is, s1_io_csv_read }, /* last: any text could be one */
    };
    for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++)
        if (readers[i].is(file))
            return readers[i].read(series, job, file);
    return s1_io_fail(job->error, INS1_E_UNSUPPORTED,
                      "%s is none of NPY, CSV, WAV, FLAC, Ogg, EDF, BDF, WFDB and miniSEED",
                      file->name);
}

static bool is_wfdb(const s1_io_bytes *bytes, size_t n_files)
{
    return n_files > 1 || s1_io_ends_with(bytes[0].name, ".hea") || s1_io_wfdb_is(&bytes[0]);
}

static ins1_status read_files(ins1_io_series *series, const s1_io_job *job, const ins1_file *files,
                              size_t n_files)
{
    s1_io_bytes bytes[MAX_FILES];
    const char *at = (const char *)files;
    ins1_status status = INS1_OK;
    size_t n = 0;

    if (n_files == 0 || n_files > MAX_FILES)
        return s1_io_fail(job->error, INS1_E_ARGUMENT, "%zu files, 1 to %d are expected", n_files,
                          MAX_FILES);
    for (; status == INS1_OK && n < n_files; n++, at += files->struct_size)
        status = s1_io_bytes_open(&bytes[n], job, (const ins1_file *)(const void *)at);
    if (status == INS1_OK)
        status = is_wfdb(bytes, n_files) ? s1_io_wfdb_read(series, job, bytes, n_files)
                                         : read_one(series, job, bytes);
    while (n-- > 0)
        s1_io_bytes_close(&bytes[n], job);
    return status;
}

ins1_status ins1_io_series_open(ins1_io_series **out, ins1_runtime *runtime, const ins1_file *files,
                                size_t n_files, const ins1_io_options *options,
                                const ins1_call *call)
{
    ins1_io_series *series = NULL;
    s1_io_job job;

    *out = NULL;
    ins1_status status = s1_io_job_init(&job, runtime, options, call);
    if (status != INS1_OK)
        goto done;
    series = s1_io_alloc(job.memory, sizeof(*series), INS1_MEM_OBJECT);
    if (!series) {
        status = s1_io_fail(job.error, INS1_E_MEMORY, "no memory for a series");
        goto done;
    }
    series->view.struct_size = sizeof(series->view);
    series->view.scale = 1.0;
    status = read_files(series, &job, files, n_files);
    if (status != INS1_OK)
        goto done;
    ins1_runtime_retain(runtime);
    series->runtime = runtime;
    *out = series;
    series = NULL;

done:
    s1_io_close_readers(files, n_files);
    destroy(series, job.memory);
    return status;
}

ins1_status ins1_io_series_get(const ins1_io_series *series, ins1_timeseries *out,
                               const ins1_call *call)
{
    return s1_io_struct_export(out, &series->view, sizeof(series->view), s1_io_error_of(call));
}

ins1_status ins1_io_series_channel(const ins1_io_series *series, size_t channel, const char **name,
                                   const char **unit, const ins1_call *call)
{
    *name = NULL;
    *unit = NULL;
    if (channel >= series->view.n_channels)
        return s1_io_fail(s1_io_error_of(call), INS1_E_ARGUMENT, "channel %zu of %zu", channel,
                          series->view.n_channels);
    *name = series->labels ? series->labels[channel].name : "";
    *unit = series->labels ? series->labels[channel].unit : "";
    return INS1_OK;
}

void ins1_io_series_release(ins1_io_series *series)
{
    if (!series)
        return;
    ins1_runtime *runtime = series->runtime;
    destroy(series, ins1_runtime_allocator(runtime));
    ins1_runtime_release(runtime);
}
