#include "series.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* EDF and BDF: a header of ASCII fields, 256 bytes for the file and 256 for each signal, then data
 * records, each with all samples of the first signal, of the second, ... as whole numbers of 16 or
 * 24 bits. Signals of annotations are left out. */

enum { FRAME_SIZE = 256, MAX_SIGNALS = 4096, MAX_RECORD = 1 << 30 };

/* Where a field stands among the fields of all signals: they come field by field. */
typedef struct field {
    size_t at, size;
} field;

static const field label = { 0, 16 }, unit = { 96, 8 }, physical_least = { 104, 8 },
                   physical_most = { 112, 8 }, digital_least = { 120, 8 },
                   digital_most = { 128, 8 }, samples = { 216, 8 };

typedef struct layout {
    const uint8_t *bytes;
    const char *name;
    size_t n_signals;   /* annotations included */
    size_t n_channels;  /* without them */
    size_t item;        /* bytes of a sample: 2 or 3 */
    size_t per_record;  /* samples of a channel in a record */
    size_t record_size; /* bytes */
    size_t n_records;
    double seconds; /* of a record */
    const uint8_t *data;
} layout;

bool s1_io_edf_is(const s1_io_bytes *file)
{
    return file->size >= FRAME_SIZE && (memcmp(file->data, "0       ", 8) == 0 || memcmp(file->data,
                                                                                         "\xFF"
                                                                                         "BIOSEMI",
                                                                                         8) == 0);
}

static const char *text_of(const layout *l, field f, size_t signal)
{
    return (const char *)l->bytes + FRAME_SIZE + f.at * l->n_signals + signal * f.size;
}

/* A field that is one number and spaces. */
static bool number_of(const char *text, size_t size, double *out)
{
    while (size && *text == ' ') {
        text++;
        size--;
    }
    size_t n = s1_io_number(text, size, false, out);
    if (n == 0 || isnan(*out))
        return false;
    for (; n < size; n++)
        if (text[n] != ' ' && text[n] != 0)
            return false;
    return true;
}

static bool count_of(const char *text, size_t size, size_t most, size_t *out)
{
    double value;
    if (!number_of(text, size, &value) || value < 0.0 || value > (double)most ||
        value != floor(value))
        return false;
    *out = (size_t)value;
    return true;
}

static bool is_annotation(const layout *l, size_t signal)
{
    return memcmp(text_of(l, label, signal) + 1, "DF Annotations ", 15) == 0;
}

static ins1_status refuse(const s1_io_job *job, const layout *l, size_t signal, const char *what,
                          field f)
{
    return s1_io_fail(job->error, INS1_E_FORMAT, "%s: %s of signal %zu is '%.*s'", l->name, what,
                      signal, (int)f.size, text_of(l, f, signal));
}

static ins1_status read_signals(layout *l, const s1_io_job *job)
{
    for (size_t i = 0; i < l->n_signals; i++) {
        size_t n;
        if (!count_of(text_of(l, samples, i), samples.size, 1 << 24, &n) || n == 0)
            return refuse(job, l, i, "the number of samples", samples);
        if (n > (MAX_RECORD - l->record_size) / l->item)
            return s1_io_fail(job->error, INS1_E_FORMAT, "%s: records of more than %d bytes",
                              l->name, MAX_RECORD);
        l->record_size += n * l->item;
        if (is_annotation(l, i))
            continue;
        if (l->n_channels && n != l->per_record)
            return s1_io_fail(job->error, INS1_E_UNSUPPORTED,
                              "%s: signal %zu has %zu samples in a record, those before have %zu; "
                              "signals of one rate are read",
                              l->name, i, n, l->per_record);
        l->per_record = n;
        l->n_channels++;
    }
    return l->n_channels ? INS1_OK
                         : s1_io_fail(job->error, INS1_E_UNSUPPORTED,
                                      "%s: annotations and no signal", l->name);
}

static ins1_status read_layout(layout *l, const s1_io_job *job, const s1_io_bytes *file)
{
    const char *head = (const char *)file->data;
    double n_records;
    size_t header_size;

    *l = (layout){ .bytes = file->data, .name = file->name, .item = head[0] == '0' ? 2 : 3 };
    if (!count_of(head + 252, 4, MAX_SIGNALS, &l->n_signals) || l->n_signals == 0)
        return s1_io_fail(job->error, INS1_E_FORMAT, "%s: '%.4s' signals, 1 to %d are expected",
                          l->name, head + 252, MAX_SIGNALS);
    header_size = FRAME_SIZE * (l->n_signals + 1);
    if (header_size > file->size)
        return s1_io_fail(job->error, INS1_E_FORMAT, "%s: header of %zu bytes in a file of %zu",
                          l->name, header_size, file->size);
    if (memcmp(head + 192, "EDF+D", 5) == 0 || memcmp(head + 192, "BDF+D", 5) == 0)
        return s1_io_fail(job->error, INS1_E_UNSUPPORTED,
                          "%s: records with gaps between them (%.5s) are not read", l->name,
                          head + 192);
    if (!number_of(head + 236, 8, &n_records) || !number_of(head + 244, 8, &l->seconds) ||
        l->seconds < 0.0 || n_records < -1.0 || n_records != floor(n_records))
        return s1_io_fail(job->error, INS1_E_FORMAT, "%s: '%.8s' records of '%.8s' seconds",
                          l->name, head + 236, head + 244);
    ins1_status status = read_signals(l, job);
    if (status != INS1_OK)
        return status;
    l->data = file->data + header_size;
    l->n_records = (file->size - header_size) / l->record_size;
    /* -1 stands for "still recording": as many as there are. */
    if (n_records >= 0.0 && n_records > (double)l->n_records)
        return s1_io_fail(job->error, INS1_E_FORMAT,
                          "%s: the header promises %.0f records, %zu are there", l->name, n_records,
                          l->n_records);
    if (n_records >= 0.0)
        l->n_records = (size_t)n_records;
    return INS1_OK;
}

static ins1_status read_gain(s1_io_gain *gain, const layout *l, size_t i, const s1_io_job *job)
{
    double low, high, least, most;
    if (!number_of(text_of(l, physical_least, i), 8, &low))
        return refuse(job, l, i, "the physical minimum", physical_least);
    if (!number_of(text_of(l, physical_most, i), 8, &high))
        return refuse(job, l, i, "the physical maximum", physical_most);
    if (!number_of(text_of(l, digital_least, i), 8, &least))
        return refuse(job, l, i, "the digital minimum", digital_least);
    if (!number_of(text_of(l, digital_most, i), 8, &most) || most == least)
        return refuse(job, l, i, "the digital maximum", digital_most);
    gain->scale = (high - low) / (most - least);
    gain->offset = low - least * gain->scale;
    if (!isfinite(gain->scale) || !isfinite(gain->offset) || gain->scale == 0.0)
        return refuse(job, l, i, "the physical maximum", physical_most);
    return INS1_OK;
}

static void copy_record(ins1_io_series *series, const layout *l, size_t record)
{
    const uint8_t *at = l->data + record * l->record_size;
    for (size_t i = 0, channel = 0; i < l->n_signals; i++) {
        size_t n = 0;
        count_of(text_of(l, samples, i), samples.size, 1 << 24, &n);
        if (!is_annotation(l, i)) {
            for (size_t k = 0; k < n; k++) {
                const uint8_t *b = at + k * l->item;
                uint32_t low = s1_io_u16le(b);
                s1_io_series_put(series, record * n + k, channel,
                                 l->item == 2 ? s1_io_signed(low, 16)
                                              : s1_io_signed(low | (uint32_t)b[2] << 16, 24));
            }
            channel++;
        }
        at += n * l->item;
    }
}

static ins1_status set_channels(ins1_io_series *series, const layout *l, s1_io_gain *gains,
                                const s1_io_job *job)
{
    ins1_status status = s1_io_series_labels(series, job);
    for (size_t i = 0, channel = 0; status == INS1_OK && i < l->n_signals; i++) {
        if (is_annotation(l, i))
            continue;
        s1_io_label *to = &series->labels[channel];
        s1_io_text(to->name, sizeof(to->name), text_of(l, label, i), label.size);
        s1_io_text(to->unit, sizeof(to->unit), text_of(l, unit, i), unit.size);
        status = read_gain(&gains[channel++], l, i, job);
    }
    return status;
}

ins1_status s1_io_edf_read(ins1_io_series *series, const s1_io_job *job, const s1_io_bytes *file)
{
    s1_io_gain *gains = NULL;
    layout l;

    ins1_status status = read_layout(&l, job, file);
    if (status != INS1_OK)
        return status;
    status =
        s1_io_series_shape(series, job, l.name, l.item == 2 ? INS1_SAMPLE_I16 : INS1_SAMPLE_I32,
                           (uint64_t)l.n_records * l.per_record, l.n_channels, true);
    if (status != INS1_OK)
        return status;
    gains = s1_io_alloc(job->memory, l.n_channels * sizeof(*gains), INS1_MEM_SCRATCH);
    if (!gains)
        return s1_io_fail(job->error, INS1_E_MEMORY, "no memory for %zu gains", l.n_channels);
    status = set_channels(series, &l, gains, job);
    if (status != INS1_OK)
        goto done;
    for (size_t i = 0; i < l.n_records && status == INS1_OK; i++) {
        copy_record(series, &l, i);
        status = s1_io_job_check(job);
    }
    if (status != INS1_OK)
        goto done;
    if (l.seconds > 0.0)
        series->view.sample_rate_hz = (double)l.per_record / l.seconds;
    status = s1_io_series_calibrate(series, job, l.name, gains);

done:
    s1_io_free(job->memory, gains, l.n_channels * sizeof(*gains), INS1_MEM_SCRATCH);
    return status;
}
