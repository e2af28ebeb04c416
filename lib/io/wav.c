#include "series.h"

#include <inttypes.h>
#include <string.h>

/* RIFF WAVE: PCM of 8, 16, 24 and 32 bits, floats of 32 and 64, plain and extensible. Full scale is
 * 1, so that the numbers are those of every audio library. */

enum { PCM = 1, FLOAT = 3, EXTENSIBLE = 0xFFFE };

typedef struct form {
    uint32_t tag, n_channels, rate, block, bits;
    bool seen;
} form;

bool s1_io_wav_is(const s1_io_bytes *file)
{
    return file->size >= 12 && memcmp(file->data, "RIFF", 4) == 0 &&
           memcmp(file->data + 8, "WAVE", 4) == 0;
}

static ins1_status read_form(form *f, const uint8_t *b, size_t size, const s1_io_job *job,
                             const char *name)
{
    /* What follows the tag in a sub-format that stands for a tag. */
    static const uint8_t tail[14] = { 0,    0,    0,    0,    0x10, 0,    0x80,
                                      0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71 };
    if (size < 16)
        return s1_io_fail(job->error, INS1_E_FORMAT, "%s: chunk 'fmt ' of %zu bytes", name, size);
    *f = (form){
        .tag = s1_io_u16le(b),
        .n_channels = s1_io_u16le(b + 2),
        .rate = s1_io_u32le(b + 4),
        .block = s1_io_u16le(b + 12),
        .bits = s1_io_u16le(b + 14),
        .seen = true,
    };
    if (f->tag == EXTENSIBLE) {
        if (size < 40)
            return s1_io_fail(job->error, INS1_E_FORMAT, "%s: extensible 'fmt ' of %zu bytes", name,
                              size);
        f->tag = memcmp(b + 26, tail, sizeof(tail)) == 0 ? s1_io_u16le(b + 24) : EXTENSIBLE;
    }
    bool is_known = f->tag == PCM ? f->bits == 8 || f->bits == 16 || f->bits == 24 || f->bits == 32
                    : f->tag == FLOAT ? f->bits == 32 || f->bits == 64
                                      : false;
    if (!is_known)
        return s1_io_fail(job->error, INS1_E_UNSUPPORTED,
                          "%s: format %" PRIu32 " of %" PRIu32 " bits, PCM of 8, 16, 24, 32 and "
                          "floats of 32 and 64 are read",
                          name, f->tag, f->bits);
    if (!f->n_channels || !f->rate || f->block != f->n_channels * (f->bits / 8))
        return s1_io_fail(job->error, INS1_E_FORMAT,
                          "%s: %" PRIu32 " channels of %" PRIu32 " bits in blocks of %" PRIu32
                          " bytes at %" PRIu32 " Hz",
                          name, f->n_channels, f->bits, f->block, f->rate);
    return INS1_OK;
}

static void copy_samples(ins1_io_series *series, const form *f, const uint8_t *at, size_t from,
                         size_t to)
{
    for (size_t i = from; i < to; i++, at += f->bits / 8) {
        uint64_t low = f->bits >= 32 ? s1_io_u32le(at) : 0;
        uint64_t wide = f->bits == 64 ? low | (uint64_t)s1_io_u32le(at + 4) << 32 : low;
        uint32_t narrow = (uint32_t)low;
        if (f->bits == 64)
            memcpy((double *)series->samples + i, &wide, 8);
        else if (f->bits == 32) /* whole numbers and floats alike: the bits are the sample's */
            memcpy((char *)series->samples + 4 * i, &narrow, 4);
        else if (f->bits == 24)
            ((int32_t *)series->samples)[i] =
                s1_io_signed(s1_io_u16le(at) | (uint32_t)at[2] << 16, 24);
        else if (f->bits == 16)
            ((int16_t *)series->samples)[i] = (int16_t)s1_io_signed(s1_io_u16le(at), 16);
        else
            ((int16_t *)series->samples)[i] = (int16_t)(at[0] - 128);
    }
}

static ins1_status read_data(ins1_io_series *series, const s1_io_job *job, const form *f,
                             const uint8_t *at, size_t size, const char *name)
{
    if (!f->seen)
        return s1_io_fail(job->error, INS1_E_FORMAT, "%s: chunk 'data' comes before 'fmt '", name);
    if (size % f->block)
        return s1_io_fail(job->error, INS1_E_FORMAT,
                          "%s: %zu bytes of samples are no multiple of %" PRIu32, name, size,
                          f->block);
    int32_t dtype = f->tag == FLOAT ? (f->bits == 64 ? INS1_SAMPLE_F64 : INS1_SAMPLE_F32)
                    : f->bits <= 16 ? INS1_SAMPLE_I16
                                    : INS1_SAMPLE_I32;
    size_t n = size / f->block;
    ins1_status status = s1_io_series_shape(series, job, name, dtype, n, f->n_channels, false);
    if (status != INS1_OK)
        return status;
    const size_t n_all = n * f->n_channels;
    for (size_t i = 0; i < n_all && status == INS1_OK; i += S1_IO_LOOK) {
        const size_t end = n_all - i < S1_IO_LOOK ? n_all : i + S1_IO_LOOK;
        copy_samples(series, f, at + i * (f->bits / 8), i, end);
        status = s1_io_job_check(job);
    }
    if (status != INS1_OK)
        return status;
    series->view.sample_rate_hz = f->rate;
    if (f->tag == PCM)
        series->view.scale = 1.0 / (double)((uint64_t)1 << (f->bits - 1));
    return INS1_OK;
}

ins1_status s1_io_wav_read(ins1_io_series *series, const s1_io_job *job, const s1_io_bytes *file)
{
    const uint8_t *at = file->data + 12;
    size_t left = file->size - 12;
    form f = { 0 };

    while (left >= 8) {
        uint32_t size = s1_io_u32le(at + 4);
        bool is_data = memcmp(at, "data", 4) == 0;
        const uint8_t *body = at + 8;
        if (size > left - 8)
            return s1_io_fail(job->error, INS1_E_FORMAT,
                              "%s: chunk of %" PRIu32 " bytes, %zu are left", file->name, size,
                              left - 8);
        if (is_data)
            return read_data(series, job, &f, body, size, file->name);
        if (memcmp(at, "fmt ", 4) == 0) {
            ins1_status status = read_form(&f, body, size, job, file->name);
            if (status != INS1_OK)
                return status;
        }
        size_t step = 8 + (size_t)size + (size & 1);
        if (step > left)
            break;
        at += step;
        left -= step;
    }
    return s1_io_fail(job->error, INS1_E_FORMAT, "%s: no chunk 'data'", file->name);
}
