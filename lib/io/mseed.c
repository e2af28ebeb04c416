#include "series.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* miniSEED 2: records of one power of two of bytes, each with a header, blockettes and samples of
 * one channel, plain or as differences by Steim's two schemes. A channel's records follow each
 * other without a gap in time. */

enum {
    HEADER_SIZE = 48,
    MAX_CHANNELS = 256,
    ID_SIZE = 20,
    FRAME_WORDS = 16,
    INT16 = 1,
    INT32 = 3,
    FLOAT32 = 4,
    FLOAT64 = 5,
    STEIM1 = 10,
    STEIM2 = 11,
};

typedef struct packet {
    const uint8_t *bytes; /* the whole record */
    size_t size;
    const uint8_t *data;
    size_t data_size;
    size_t n_samples;
    int encoding;
    bool is_big;      /* the words of the samples */
    double rate;      /* Hz */
    double begin;     /* seconds since 1900-01-01 */
    char id[ID_SIZE]; /* network.station.location.channel */
} packet;

typedef struct channel {
    char id[ID_SIZE];
    uint64_t n_samples;
    double begin, end; /* seconds; `end` is when the next sample is due */
} channel;

typedef struct volume {
    const s1_io_job *job;
    const char *name;
    channel channels[MAX_CHANNELS];
    size_t n_channels;
    int32_t dtype;
    double rate;
} volume;

static uint32_t u16(const uint8_t *b, bool is_big)
{
    return is_big ? s1_io_u16be(b) : s1_io_u16le(b);
}

static uint32_t u32(const uint8_t *b, bool is_big)
{
    return is_big ? s1_io_u32be(b) : s1_io_u32le(b);
}

/* Six digits, a quality letter, a blank. */
static bool is_header(const uint8_t *b, size_t size)
{
    if (size < HEADER_SIZE || !b[6] || !strchr("DRQM", b[6]) || (b[7] != ' ' && b[7] != 0))
        return false;
    for (int i = 0; i < 6; i++)
        if ((b[i] < '0' || b[i] > '9') && b[i] != ' ')
            return false;
    return true;
}

bool s1_io_mseed_is(const s1_io_bytes *file)
{
    return is_header(file->data, file->size);
}

static ins1_status refuse(const volume *v, size_t at, const char *what)
{
    return s1_io_fail(v->job->error, INS1_E_FORMAT, "%s: record at byte %zu: %s", v->name, at,
                      what);
}

static bool looks_like_a_year(uint32_t year)
{
    return year >= 1900 && year <= 2200;
}

/* Seconds of a moment in the header. */
static double moment(const uint8_t *b, bool is_big)
{
    uint32_t years = u16(b, is_big) - 1900, day = u16(b + 2, is_big);
    /* 1900 and 2100 have no 29th of February; of the others every fourth year does. */
    uint32_t leap = (years ? (years - 1) / 4 : 0) - (years > 200);
    uint32_t days = years * 365 + leap + day;
    return ((double)days * 24.0 + b[4]) * 3600.0 + b[5] * 60.0 + b[6] +
           (double)u16(b + 8, is_big) * 1e-4;
}

static double rate_of(int32_t factor, int32_t multiplier)
{
    if (factor == 0 || multiplier == 0)
        return 0.0;
    double rate = factor > 0 ? (double)factor : -1.0 / (double)factor;
    return multiplier > 0 ? rate * (double)multiplier : -rate / (double)multiplier;
}

/* Blockettes point at each other, always forward; there may be few. */
static ins1_status read_blockettes(packet *p, const volume *v, size_t at, size_t left, bool is_big)
{
    size_t next = u16(p->bytes + 46, is_big);
    size_t last = HEADER_SIZE - 1;
    double microseconds = 0.0;

    p->encoding = -1;
    while (next) {
        if (next <= last || next > left || left - next < 8)
            return refuse(v, at, "a blockette lies outside");
        const uint8_t *b = p->bytes + next;
        uint32_t type = u16(b, is_big);
        if (type == 1000) {
            if (b[6] < 7 || b[6] > 20)
                return refuse(v, at, "its length is no power of two from 128 to 2^20");
            p->encoding = b[4];
            p->is_big = b[5] != 0;
            p->size = (size_t)1 << b[6];
        } else if (type == 100) {
            uint32_t bits = u32(b + 4, is_big);
            float rate;
            memcpy(&rate, &bits, 4);
            if (isfinite(rate) && rate > 0.0f)
                p->rate = rate;
        } else if (type == 1001) {
            microseconds = (double)s1_io_signed(b[5], 8);
        }
        last = next + 7;
        next = u16(b + 2, is_big);
    }
    if (p->encoding < 0)
        return s1_io_fail(v->job->error, INS1_E_UNSUPPORTED,
                          "%s: record at byte %zu has no blockette 1000", v->name, at);
    p->begin += microseconds * 1e-6;
    return p->size > left ? refuse(v, at, "it is longer than the rest of the file") : INS1_OK;
}

static void write_id(packet *p)
{
    static const struct {
        uint8_t at, size;
    } parts[] = { { 18, 2 }, { 8, 5 }, { 13, 2 }, { 15, 3 } };
    char *to = p->id;

    for (int i = 0; i < 4; i++) {
        char part[8];
        s1_io_text(part, sizeof(part), (const char *)p->bytes + parts[i].at, parts[i].size);
        size_t n = strlen(part);
        if (i)
            *to++ = '.';
        memcpy(to, part, n);
        to += n;
    }
    *to = 0;
}

/* The most samples that so many bytes can hold. */
static uint64_t most_samples(int encoding, uint64_t size)
{
    switch (encoding) {
    case INT16:
        return size / 2;
    case INT32:
    case FLOAT32:
        return size / 4;
    case FLOAT64:
        return size / 8;
    case STEIM1:
        return size; /* four in a word */
    default:
        return size * 7 / 4;
    }
}

static bool is_known(int encoding)
{
    return encoding == INT16 || encoding == INT32 || encoding == FLOAT32 || encoding == FLOAT64 ||
           encoding == STEIM1 || encoding == STEIM2;
}

static ins1_status read_packet(packet *p, const volume *v, const s1_io_bytes *file, size_t at)
{
    const uint8_t *b = file->data + at;
    size_t left = file->size - at;

    *p = (packet){ .bytes = b };
    if (!is_header(b, left))
        return refuse(v, at, "no header of miniSEED 2");
    bool is_big = looks_like_a_year(s1_io_u16be(b + 20));
    if (!is_big && !looks_like_a_year(s1_io_u16le(b + 20)))
        return refuse(v, at, "no year in its header");
    p->n_samples = u16(b + 30, is_big);
    p->rate = rate_of(s1_io_signed(u16(b + 32, is_big), 16), s1_io_signed(u16(b + 34, is_big), 16));
    p->begin = moment(b + 20, is_big);
    if (!(b[36] & 2)) /* the correction is not in the time yet */
        p->begin += (double)s1_io_signed(u32(b + 40, is_big), 32) * 1e-4;
    ins1_status status = read_blockettes(p, v, at, left, is_big);
    if (status != INS1_OK)
        return status;
    size_t start = u16(b + 44, is_big);
    if (p->n_samples == 0)
        return INS1_OK;
    if (!is_known(p->encoding))
        return s1_io_fail(v->job->error, INS1_E_UNSUPPORTED,
                          "%s: record at byte %zu has encoding %d; 1, 3, 4, 5, 10 and 11 are read",
                          v->name, at, p->encoding);
    if (start < HEADER_SIZE || start > p->size)
        return refuse(v, at, "its samples lie outside");
    p->data = b + start;
    p->data_size = p->size - start;
    if (p->n_samples > most_samples(p->encoding, p->data_size))
        return s1_io_fail(v->job->error, INS1_E_FORMAT,
                          "%s: record at byte %zu promises %zu samples in %zu bytes", v->name, at,
                          p->n_samples, p->data_size);
    write_id(p);
    return INS1_OK;
}

static channel *find(volume *v, const char *id)
{
    for (size_t i = 0; i < v->n_channels; i++)
        if (strcmp(v->channels[i].id, id) == 0)
            return &v->channels[i];
    return NULL;
}

static int32_t holder(int encoding)
{
    return encoding == FLOAT32   ? INS1_SAMPLE_F32
           : encoding == FLOAT64 ? INS1_SAMPLE_F64
           : encoding == INT16   ? INS1_SAMPLE_I16
                                 : INS1_SAMPLE_I32;
}

/* Add a record to what its channel has. */
static ins1_status account(volume *v, const packet *p, size_t at)
{
    channel *c = find(v, p->id);

    if (!(p->rate > 0.0) || !isfinite(p->rate))
        return refuse(v, at, "it has no sampling rate");
    if (v->n_channels == 0) {
        v->rate = p->rate;
        v->dtype = holder(p->encoding);
    }
    if (fabs(p->rate - v->rate) > 1e-4 * v->rate)
        return s1_io_fail(v->job->error, INS1_E_UNSUPPORTED,
                          "%s: %s has %g Hz, the first channel %g; channels of one rate are read",
                          v->name, p->id, p->rate, v->rate);
    if (holder(p->encoding) != v->dtype)
        return s1_io_fail(v->job->error, INS1_E_UNSUPPORTED,
                          "%s: %s has encoding %d, other records another type of samples", v->name,
                          p->id, p->encoding);
    if (!c) {
        if (v->n_channels == MAX_CHANNELS)
            return s1_io_fail(v->job->error, INS1_E_UNSUPPORTED, "%s has more than %d channels",
                              v->name, MAX_CHANNELS);
        c = &v->channels[v->n_channels++];
        memcpy(c->id, p->id, sizeof(c->id));
        c->begin = c->end = p->begin;
    }
    if (fabs(p->begin - c->end) * v->rate > 0.5)
        return s1_io_fail(v->job->error, INS1_E_UNSUPPORTED,
                          "%s: record of %s at byte %zu begins %g s after the end of the one "
                          "before; gaps are not read",
                          v->name, p->id, at, p->begin - c->end);
    c->n_samples += p->n_samples;
    c->end = p->begin + (double)p->n_samples / p->rate;
    return INS1_OK;
}

static ins1_status survey(volume *v, const s1_io_bytes *file)
{
    ins1_status status = INS1_OK;
    packet p;

    for (size_t at = 0; at < file->size && status == INS1_OK; at += p.size) {
        status = s1_io_job_check(v->job);
        if (status == INS1_OK)
            status = read_packet(&p, v, file, at);
        if (status == INS1_OK && p.n_samples)
            status = account(v, &p, at);
    }
    for (size_t i = 1; status == INS1_OK && i < v->n_channels; i++)
        if (v->channels[i].n_samples != v->channels[0].n_samples ||
            fabs(v->channels[i].begin - v->channels[0].begin) * v->rate > 1.0)
            status = s1_io_fail(v->job->error, INS1_E_UNSUPPORTED,
                                "%s: %s and %s do not cover the same time", v->name,
                                v->channels[0].id, v->channels[i].id);
    if (status == INS1_OK && v->n_channels == 0)
        status = s1_io_fail(v->job->error, INS1_E_FORMAT, "%s has no samples", v->name);
    return status;
}

/* How the bits of a word divide into differences; n = 0: the word is none of the scheme's. */
typedef struct split {
    int n, bits;
} split;

static split split_of(int encoding, uint32_t nibble, uint32_t word)
{
    static const split steim1[] = { { 0, 1 }, { 4, 8 }, { 2, 16 }, { 1, 32 } };
    static const split two[] = { { -1, 1 }, { 1, 30 }, { 2, 15 }, { 3, 10 } };
    static const split three[] = { { 5, 6 }, { 6, 5 }, { 7, 4 }, { -1, 1 } };

    if (encoding == STEIM1 || nibble == 0)
        return steim1[nibble];
    if (nibble == 1)
        return steim1[1];
    return nibble == 2 ? two[word >> 30] : three[word >> 30];
}

/* Differences, from the second on: the first would lead here from the record before. */
typedef struct steim {
    int32_t *out;
    size_t n, done;
    uint32_t value; /* wraps as the recorder's did */
} steim;

static void take_word(steim *s, split parts, uint32_t word)
{
    for (int k = parts.n - 1; k >= 0 && s->done < s->n; k--) {
        if (s->done)
            s->value += (uint32_t)s1_io_signed(word >> (k * parts.bits), parts.bits);
        s->out[s->done++] = s1_io_signed(s->value, 32);
    }
}

static ins1_status read_steim(int32_t *out, const packet *p, const volume *v, size_t at)
{
    steim s = { .out = out, .n = p->n_samples };
    uint32_t last = 0;

    for (size_t frame = 0; s.done < s.n; frame++) {
        const uint8_t *b = p->data + frame * FRAME_WORDS * 4;
        if ((frame + 1) * FRAME_WORDS * 4 > p->data_size)
            return refuse(v, at, "its frames end before its samples do");
        uint32_t nibbles = u32(b, p->is_big);
        if (frame == 0) {
            s.value = u32(b + 4, p->is_big);
            last = u32(b + 8, p->is_big);
        }
        for (int i = frame ? 1 : 3; i < FRAME_WORDS; i++) {
            uint32_t word = u32(b + 4 * i, p->is_big);
            split parts = split_of(p->encoding, nibbles >> (30 - 2 * i) & 3, word);
            if (parts.n < 0)
                return refuse(v, at, "a word of no known division");
            take_word(&s, parts, word);
        }
    }
    return s.value == last
               ? INS1_OK
               : refuse(v, at, "the last sample is not what the header of its frames says");
}

static ins1_status read_samples(char *out, const packet *p, const volume *v, size_t at)
{
    if (p->encoding == STEIM1 || p->encoding == STEIM2)
        return read_steim((int32_t *)(void *)out, p, v, at);
    for (size_t i = 0; i < p->n_samples; i++) {
        if (p->encoding == INT16) {
            int16_t value = (int16_t)s1_io_signed(u16(p->data + 2 * i, p->is_big), 16);
            memcpy(out + 2 * i, &value, 2);
        } else if (p->encoding == FLOAT64) {
            const uint8_t *b = p->data + 8 * i;
            uint64_t high = u32(b + (p->is_big ? 0 : 4), p->is_big);
            uint64_t bits = high << 32 | u32(b + (p->is_big ? 4 : 0), p->is_big);
            memcpy(out + 8 * i, &bits, 8);
        } else {
            uint32_t bits = u32(p->data + 4 * i, p->is_big);
            memcpy(out + 4 * i, &bits, 4);
        }
    }
    return INS1_OK;
}

static ins1_status fill(ins1_io_series *series, volume *v, const s1_io_bytes *file)
{
    ins1_status status = INS1_OK;
    packet p;

    for (size_t i = 0; i < v->n_channels; i++) {
        s1_io_label *label = &series->labels[i];
        s1_io_text(label->name, sizeof(label->name), v->channels[i].id, strlen(v->channels[i].id));
        v->channels[i].n_samples = 0; /* from here on: how many are there */
    }
    for (size_t at = 0; at < file->size && status == INS1_OK; at += p.size) {
        status = s1_io_job_check(v->job);
        if (status == INS1_OK)
            status = read_packet(&p, v, file, at);
        if (status != INS1_OK || p.n_samples == 0)
            continue;
        channel *c = find(v, p.id);
        char *out = (char *)series->samples + (c - v->channels) * series->view.channel_stride +
                    (ptrdiff_t)c->n_samples * series->view.sample_stride;
        status = read_samples(out, &p, v, at);
        c->n_samples += p.n_samples;
    }
    series->view.sample_rate_hz = v->rate;
    return status;
}

ins1_status s1_io_mseed_read(ins1_io_series *series, const s1_io_job *job, const s1_io_bytes *file)
{
    volume v = { .job = job, .name = file->name };

    ins1_status status = survey(&v, file);
    if (status == INS1_OK)
        status = s1_io_series_shape(series, job, file->name, v.dtype, v.channels[0].n_samples,
                                    v.n_channels, true);
    if (status == INS1_OK)
        status = s1_io_series_labels(series, job);
    return status == INS1_OK ? fill(series, &v, file) : status;
}
