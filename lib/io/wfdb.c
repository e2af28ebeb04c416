#include "series.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <string.h>

/* WFDB: a header of text lines, "record signals rate samples", then one line for each signal, and
 * files of samples in which the signals of one file lie side by side. Formats 16, 24, 32, 80 and
 * 212. */

enum { MAX_SIGNALS = 4096 };

/* A line of the header that describes a signal. */
typedef struct signal {
    const char *file; /* a slice of the header */
    size_t file_size;
    int format;
    uint64_t skip; /* bytes before the first sample */
    s1_io_gain gain;
    s1_io_label label;
} signal;

typedef struct cursor {
    const char *at;
    size_t left;
} cursor;

/* The record: one call's state. */
typedef struct record {
    const s1_io_job *job;
    const char *name;
    signal *signals;
    size_t n_signals;
    uint64_t n_samples; /* 0: as many as the files have */
    double rate;
} record;

static bool next_line(cursor *text, cursor *line)
{
    while (text->left) {
        const char *end = memchr(text->at, '\n', text->left);
        size_t n = end ? (size_t)(end - text->at) : text->left;
        *line = (cursor){ text->at, n };
        text->at += n + (end != NULL);
        text->left -= n + (end != NULL);
        while (line->left && strchr(" \t\r", line->at[line->left - 1]))
            line->left--;
        if (line->left && line->at[0] != '#')
            return true;
    }
    return false;
}

static cursor next_word(cursor *line)
{
    while (line->left && (*line->at == ' ' || *line->at == '\t')) {
        line->at++;
        line->left--;
    }
    cursor word = { line->at, 0 };
    while (line->left && *line->at != ' ' && *line->at != '\t') {
        word.left++;
        line->at++;
        line->left--;
    }
    return word;
}

/* A number without sign at the front of a word, which moves behind it. */
static bool take_count(cursor *word, uint64_t *out)
{
    if (!word->left || *word->at < '0' || *word->at > '9')
        return false;
    for (*out = 0; word->left && *word->at >= '0' && *word->at <= '9'; word->at++, word->left--) {
        if (*out > UINT64_MAX / 100)
            return false;
        *out = *out * 10 + (uint64_t)(*word->at - '0');
    }
    return true;
}

static bool take_number(cursor *word, double *out)
{
    size_t n = s1_io_number(word->at, word->left, false, out);
    if (n == 0 || isnan(*out))
        return false;
    word->at += n;
    word->left -= n;
    return true;
}

static bool take_char(cursor *word, char c)
{
    if (!word->left || *word->at != c)
        return false;
    word->at++;
    word->left--;
    return true;
}

/* Bits of a sample, and with them the number that stands for "nothing was measured". */
static int bits_of(int format)
{
    switch (format) {
    case 80:
        return 8;
    case 212:
        return 12;
    case 16:
        return 16;
    case 24:
        return 24;
    case 32:
        return 32;
    default:
        return 0;
    }
}

static ins1_status read_format(signal *s, cursor word, size_t index, const record *r)
{
    uint64_t format, per_frame;

    if (!take_count(&word, &format))
        return s1_io_fail(r->job->error, INS1_E_FORMAT, "%s: signal %zu has no format", r->name,
                          index);
    s->format = format <= 1000 ? (int)format : 0;
    if (!bits_of(s->format))
        return s1_io_fail(r->job->error, INS1_E_UNSUPPORTED,
                          "%s: signal %zu has format %" PRIu64 "; 16, 24, 32, 80 and 212 are read",
                          r->name, index, format);
    if (take_char(&word, 'x') && (!take_count(&word, &per_frame) || per_frame != 1))
        return s1_io_fail(
            r->job->error, INS1_E_UNSUPPORTED,
            "%s: signal %zu has more samples in a frame; signals of one rate are read", r->name,
            index);
    if (take_char(&word, ':')) {
        uint64_t skew;
        if (!take_count(&word, &skew) || skew)
            return s1_io_fail(r->job->error, INS1_E_UNSUPPORTED,
                              "%s: signal %zu is skewed, which is not read", r->name, index);
    }
    if (take_char(&word, '+') && !take_count(&word, &s->skip))
        return s1_io_fail(r->job->error, INS1_E_FORMAT, "%s: signal %zu has a wrong offset",
                          r->name, index);
    return word.left
               ? s1_io_fail(r->job->error, INS1_E_FORMAT, "%s: format of signal %zu ends in '%.*s'",
                            r->name, index, (int)(word.left < 20 ? word.left : 20), word.at)
               : INS1_OK;
}

/* "200(1024)/mV": units of the raw number per physical unit, its zero, the physical unit. */
static ins1_status read_gain(signal *s, cursor word, cursor zero, size_t index, const record *r)
{
    double gain = 0.0, baseline = 0.0;
    bool has_baseline = false;
    bool is_right = true;

    if (word.left)
        is_right = take_number(&word, &gain);
    if (is_right && take_char(&word, '(')) {
        has_baseline = true;
        is_right = take_number(&word, &baseline) && take_char(&word, ')');
    }
    s1_io_text(s->label.unit, sizeof(s->label.unit), "mV", 2);
    if (is_right && take_char(&word, '/'))
        s1_io_text(s->label.unit, sizeof(s->label.unit), word.at, word.left);
    else if (word.left)
        is_right = false;
    if (is_right && !has_baseline && zero.left)
        is_right = take_number(&zero, &baseline);
    if (gain == 0.0) /* not calibrated: the format's own default */
        gain = 200.0;
    s->gain.scale = 1.0 / gain;
    s->gain.offset = -baseline / gain;
    if (!is_right || !isfinite(s->gain.scale) || !isfinite(s->gain.offset))
        return s1_io_fail(r->job->error, INS1_E_FORMAT, "%s: signal %zu has a wrong gain", r->name,
                          index);
    s->gain.has_gap = true;
    s->gain.gap = s1_io_signed((uint32_t)1 << (bits_of(s->format) - 1), bits_of(s->format));
    return INS1_OK;
}

static ins1_status read_signal(signal *s, cursor line, size_t index, const record *r)
{
    cursor file = next_word(&line);
    s->file = file.at;
    s->file_size = file.left;
    ins1_status status = read_format(s, next_word(&line), index, r);
    if (status != INS1_OK)
        return status;
    cursor gain = next_word(&line);
    next_word(&line); /* resolution of the converter */
    cursor zero = next_word(&line);
    for (int i = 0; i < 3; i++) /* first value, checksum, block size */
        next_word(&line);
    s1_io_text(s->label.name, sizeof(s->label.name), line.at, line.left);
    return read_gain(s, gain, zero, index, r);
}

/* "100 2 360 650000" */
static ins1_status read_first_line(record *r, cursor line)
{
    cursor name = next_word(&line), count = next_word(&line), rate = next_word(&line),
           length = next_word(&line);
    uint64_t n_signals = 0;

    if (memchr(name.at, '/', name.left))
        return s1_io_fail(r->job->error, INS1_E_UNSUPPORTED,
                          "%s: a record of several segments is not read", r->name);
    if (!take_count(&count, &n_signals) || count.left || n_signals == 0 || n_signals > MAX_SIGNALS)
        return s1_io_fail(r->job->error, INS1_E_FORMAT, "%s: '%.*s' signals, 1 to %d are expected",
                          r->name, (int)(count.left < 20 ? count.left : 20), count.at, MAX_SIGNALS);
    r->n_signals = (size_t)n_signals;
    r->rate = 250.0; /* the format's default */
    if (rate.left && (!take_number(&rate, &r->rate) || !(r->rate > 0.0)))
        return s1_io_fail(r->job->error, INS1_E_FORMAT, "%s: a wrong sampling frequency", r->name);
    if (length.left && !take_count(&length, &r->n_samples))
        return s1_io_fail(r->job->error, INS1_E_FORMAT, "%s: a wrong number of samples", r->name);
    return INS1_OK;
}

static ins1_status read_header(record *r, const s1_io_bytes *file)
{
    cursor text = { (const char *)file->data, file->size }, line;

    if (!next_line(&text, &line))
        return s1_io_fail(r->job->error, INS1_E_FORMAT, "%s has no line", r->name);
    ins1_status status = read_first_line(r, line);
    if (status != INS1_OK) {
        r->n_signals = 0;
        return status;
    }
    r->signals = s1_io_alloc(r->job->memory, r->n_signals * sizeof(*r->signals), INS1_MEM_SCRATCH);
    if (!r->signals)
        return s1_io_fail(r->job->error, INS1_E_MEMORY, "no memory for %zu signals", r->n_signals);
    for (size_t i = 0; status == INS1_OK && i < r->n_signals; i++) {
        if (!next_line(&text, &line))
            return s1_io_fail(r->job->error, INS1_E_FORMAT, "%s describes %zu of %zu signals",
                              r->name, i, r->n_signals);
        status = read_signal(&r->signals[i], line, i, r);
    }
    return status;
}

/* "100 2 360" and then "100.dat 212": no table of numbers begins so. */
bool s1_io_wfdb_is(const s1_io_bytes *file)
{
    cursor text = { (const char *)file->data, file->size }, line;
    uint64_t count, format;
    double rate;

    if (file->size > 1 << 20 || !next_line(&text, &line))
        return false;
    next_word(&line); /* the name */
    cursor n_signals = next_word(&line), frequency = next_word(&line);
    if (!take_count(&n_signals, &count) || n_signals.left || !count || count > MAX_SIGNALS ||
        (frequency.left && !take_number(&frequency, &rate)) || !next_line(&text, &line))
        return false;
    cursor name = next_word(&line), kind = next_word(&line);
    bool is_number = s1_io_number(name.at, name.left, false, &rate) == name.left;
    return !is_number && memchr(name.at, '.', name.left) && take_count(&kind, &format) &&
           format <= 1000 && bits_of((int)format);
}

/* The last part of a path. */
static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static const s1_io_bytes *find(const record *r, const signal *s, const s1_io_bytes *files,
                               size_t n_files)
{
    const s1_io_bytes *only = NULL;
    size_t n_others = 0;
    for (size_t i = 0; i < n_files; i++) {
        const char *name = base_of(files[i].name);
        if (strlen(name) == s->file_size && memcmp(name, s->file, s->file_size) == 0)
            return &files[i];
        if (files[i].name != r->name) {
            n_others++;
            only = &files[i];
        }
    }
    /* One file without a name can only be the one that is meant. */
    return n_others == 1 && strcmp(only->name, "the file") == 0 ? only : NULL;
}

/* Sample number `i` of a file. Format 212 keeps two of 12 bits in three bytes. */
static int32_t sample_at(const uint8_t *data, int format, uint64_t i)
{
    const uint8_t *b;
    switch (format) {
    case 80:
        return (int32_t)data[i] - 128;
    case 212:
        b = data + i / 2 * 3;
        return s1_io_signed(
            i & 1 ? b[2] | (uint32_t)(b[1] & 0xF0) << 4 : b[0] | (uint32_t)(b[1] & 0x0F) << 8, 12);
    case 16:
        return s1_io_signed(s1_io_u16le(data + 2 * i), 16);
    case 24:
        return s1_io_signed(s1_io_u16le(data + 3 * i) | (uint32_t)data[3 * i + 2] << 16, 24);
    default:
        return s1_io_signed(s1_io_u32le(data + 4 * i), 32);
    }
}

/* How many samples so many bytes hold. */
static uint64_t samples_in(uint64_t size, int format)
{
    if (format == 212)
        return size / 3 * 2 + (size % 3 == 2);
    return size / (uint64_t)(bits_of(format) / 8);
}

/* How many signals, from `first` on, lie in one file. */
static size_t group_size(const record *r, size_t first)
{
    const signal *a = &r->signals[first];
    size_t n = 1;
    while (first + n < r->n_signals && r->signals[first + n].file_size == a->file_size &&
           memcmp(r->signals[first + n].file, a->file, a->file_size) == 0)
        n++;
    return n;
}

/* Find the file of each group and how many samples each channel has. */
static ins1_status measure(record *r, const s1_io_bytes *files, size_t n_files)
{
    uint64_t least = UINT64_MAX;

    for (size_t first = 0; first < r->n_signals;) {
        size_t n = group_size(r, first);
        const signal *s = &r->signals[first];
        const s1_io_bytes *file = find(r, s, files, n_files);
        if (!file && n_files == 1)
            return s1_io_fail(
                r->job->error, INS1_E_ARGUMENT,
                "%s is the header of a WFDB record; '%.*s', which has the samples, is "
                "to be given with it",
                r->name, (int)(s->file_size < 80 ? s->file_size : 80), s->file);
        if (!file)
            return s1_io_fail(r->job->error, INS1_E_ARGUMENT,
                              "%s names '%.*s', which is not among the %zu files", r->name,
                              (int)(s->file_size < 80 ? s->file_size : 80), s->file, n_files);
        for (size_t i = first; i < first + n; i++)
            if (r->signals[i].format != s->format ||
                (i > first && r->signals[i].skip && r->signals[i].skip != s->skip))
                return s1_io_fail(r->job->error, INS1_E_FORMAT,
                                  "%s: signals %zu and %zu of one file differ in format", r->name,
                                  first, i);
        uint64_t there = s->skip > file->size ? 0 : samples_in(file->size - s->skip, s->format) / n;
        if (r->n_samples > there)
            return s1_io_fail(r->job->error, INS1_E_FORMAT,
                              "%s promises %" PRIu64 " samples, %s has %" PRIu64, r->name,
                              r->n_samples, file->name, there);
        least = there < least ? there : least;
        first += n;
    }
    if (!r->n_samples)
        r->n_samples = least;
    return INS1_OK;
}

static ins1_status copy_samples(ins1_io_series *series, const record *r, const s1_io_bytes *files,
                                size_t n_files)
{
    ins1_status status = INS1_OK;
    for (size_t first = 0, n; first < r->n_signals; first += n) {
        const signal *s = &r->signals[first];
        const uint8_t *data = find(r, s, files, n_files)->data + s->skip;
        n = group_size(r, first);
        const uint64_t rows = S1_IO_LOOK / n;
        for (uint64_t i = 0; i < r->n_samples; i++) {
            if (i % rows == 0)
                status = s1_io_job_check(r->job);
            if (status != INS1_OK)
                return status;
            for (size_t k = 0; k < n; k++)
                s1_io_series_put(series, (size_t)i, first + k,
                                 sample_at(data, s->format, i * n + k));
        }
    }
    return status;
}

static ins1_status calibrate(ins1_io_series *series, const record *r)
{
    s1_io_gain *gains =
        s1_io_alloc(r->job->memory, r->n_signals * sizeof(*gains), INS1_MEM_SCRATCH);
    if (!gains)
        return s1_io_fail(r->job->error, INS1_E_MEMORY, "no memory for %zu gains", r->n_signals);
    for (size_t i = 0; i < r->n_signals; i++) {
        gains[i] = r->signals[i].gain;
        series->labels[i] = r->signals[i].label;
    }
    ins1_status status = s1_io_series_calibrate(series, r->job, r->name, gains);
    s1_io_free(r->job->memory, gains, r->n_signals * sizeof(*gains), INS1_MEM_SCRATCH);
    return status;
}

static ins1_status read_record(ins1_io_series *series, record *r, const s1_io_bytes *files,
                               size_t n_files)
{
    int widest = 0;

    ins1_status status = measure(r, files, n_files);
    if (status != INS1_OK)
        return status;
    for (size_t i = 0; i < r->n_signals; i++)
        widest = bits_of(r->signals[i].format) > widest ? bits_of(r->signals[i].format) : widest;
    status = s1_io_series_shape(series, r->job, r->name,
                                widest <= 16 ? INS1_SAMPLE_I16 : INS1_SAMPLE_I32, r->n_samples,
                                r->n_signals, true);
    if (status == INS1_OK)
        status = s1_io_series_labels(series, r->job);
    if (status != INS1_OK)
        return status;
    status = copy_samples(series, r, files, n_files);
    if (status != INS1_OK)
        return status;
    series->view.sample_rate_hz = r->rate;
    return calibrate(series, r);
}

ins1_status s1_io_wfdb_read(ins1_io_series *series, const s1_io_job *job, const s1_io_bytes *files,
                            size_t n_files)
{
    const s1_io_bytes *header = NULL;
    record r = { .job = job };

    for (size_t i = 0; i < n_files && !header; i++)
        if (s1_io_ends_with(files[i].name, ".hea") || n_files == 1)
            header = &files[i];
    if (!header)
        return s1_io_fail(job->error, INS1_E_ARGUMENT,
                          "%zu files and none is called .hea; only WFDB has more than one",
                          n_files);
    r.name = header->name;
    ins1_status status = read_header(&r, header);
    if (status == INS1_OK)
        status = read_record(series, &r, files, n_files);
    s1_io_free(job->memory, r.signals, r.n_signals * sizeof(*r.signals), INS1_MEM_SCRATCH);
    return status;
}
