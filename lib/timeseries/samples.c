#include "timeseries/samples.h"

#include "base/checked.h"
#include "base/memory.h"
#include "base/meter.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Samples of a channel that are looked at together; sums are made block by block. */
enum { BLOCK = 1024 };

/* What the reference adds to a deviation. */
static const double least_divisor = 1e-8;

static size_t item_size(int32_t dtype)
{
    switch (dtype) {
    case INS1_SAMPLE_I16:
        return 2;
    case INS1_SAMPLE_I32:
    case INS1_SAMPLE_F32:
        return 4;
    case INS1_SAMPLE_F64:
        return 8;
    default:
        return 0;
    }
}

/* No sample may lie farther from the first one than addresses go. */
static bool fits(size_t n, ptrdiff_t stride)
{
    uint64_t reach, step = stride < 0 ? 0 - (uint64_t)stride : (uint64_t)stride;
    return s1_mul(n, step, &reach) && reach <= PTRDIFF_MAX / 2;
}

static ins1_status check_claims(const s1_samples *samples, ins1_error *error)
{
    const ins1_timeseries *s = &samples->signal;
    const char *what = samples->what;

    if (!item_size(s->dtype))
        return s1_fail(error, INS1_E_ARGUMENT, "%s: dtype %d is none of INS1_SAMPLE_*", what,
                       s->dtype);
    if (s->flags & ~(uint32_t)INS1_TIMESERIES_FILL_GAPS || s->reserved0)
        return s1_fail(error, INS1_E_VERSION, "%s: flags 0x%x are too new", what, s->flags);
    if (!s->data || !s->n_samples || !s->n_channels)
        return s1_fail(error, INS1_E_ARGUMENT, "%s: %zu samples of %zu channels at %s", what,
                       s->n_samples, s->n_channels, s->data ? "an address" : "NULL");
    if (!isfinite(s->scale) || !isfinite(s->offset))
        return s1_fail(error, INS1_E_ARGUMENT, "%s: scale %g and offset %g, numbers are expected",
                       what, s->scale, s->offset);
    return INS1_OK;
}

ins1_status s1_samples_init(s1_samples *out, const ins1_timeseries *given, size_t index,
                            const ins1_allocator *memory, ins1_error *error)
{
    uint64_t row;

    *out = (s1_samples){ .memory = memory, .signal = *given };
    snprintf(out->what, sizeof(out->what), "series %zu", index);
    ins1_status status = check_claims(out, error);
    if (status != INS1_OK)
        return status;
    ins1_timeseries *s = &out->signal;
    bool is_sound = s1_mul(s->n_channels, item_size(s->dtype), &row) && row <= PTRDIFF_MAX / 2;
    if (is_sound && !s->channel_stride)
        s->channel_stride = (ptrdiff_t)item_size(s->dtype);
    if (is_sound && !s->sample_stride)
        s->sample_stride = (ptrdiff_t)row;
    if (!is_sound || !fits(s->n_samples, s->sample_stride) ||
        !fits(s->n_channels, s->channel_stride))
        return s1_fail(error, INS1_E_ARGUMENT, "%s: %zu samples of %zu channels overflow",
                       out->what, s->n_samples, s->n_channels);
    s->scale = s->scale == 0 ? 1 : s->scale;
    out->channels = s1_alloc_array(memory, s->n_channels, sizeof(*out->channels), INS1_MEM_SCRATCH);
    if (!out->channels)
        return s1_out_of_memory(memory, (uint64_t)s->n_channels * sizeof(*out->channels),
                                "the channels of a series", error);
    return INS1_OK;
}

void s1_samples_finish(s1_samples *samples)
{
    if (samples->channels)
        s1_free(samples->memory, samples->channels,
                samples->signal.n_channels * sizeof(*samples->channels), INS1_MEM_SCRATCH);
    samples->channels = NULL;
}

/* One sample in the signal's unit. Addresses need not be aligned. */
static double value_at(const ins1_timeseries *s, size_t sample, size_t channel)
{
    const char *at = (const char *)s->data + (ptrdiff_t)sample * s->sample_stride +
                     (ptrdiff_t)channel * s->channel_stride;
    double raw = 0;
    int16_t i16;
    int32_t i32;
    float f32;

    switch (s->dtype) {
    case INS1_SAMPLE_I16:
        memcpy(&i16, at, sizeof(i16));
        raw = i16;
        break;
    case INS1_SAMPLE_I32:
        memcpy(&i32, at, sizeof(i32));
        raw = i32;
        break;
    case INS1_SAMPLE_F32:
        memcpy(&f32, at, sizeof(f32));
        raw = f32;
        break;
    default:
        memcpy(&raw, at, sizeof(raw));
        break;
    }
    return raw * s->scale + s->offset;
}

/* A stretch of one channel, gaps filled. */
static void load(const s1_samples *samples, size_t channel, size_t first, size_t n, double *out)
{
    s1_channel *c = &samples->channels[channel];

    if (!first)
        c->held = c->first;
    for (size_t i = 0; i < n; i++) {
        double value = value_at(&samples->signal, first + i, channel);
        if (!isnan(value))
            c->held = value;
        out[i] = c->held;
    }
}

static ins1_status check_channel(s1_samples *samples, size_t channel, size_t first, size_t n,
                                 const s1_call *call)
{
    const bool fills = samples->signal.flags & INS1_TIMESERIES_FILL_GAPS;
    s1_channel *c = &samples->channels[channel];

    for (size_t i = first; i < first + n; i++) {
        double value = value_at(&samples->signal, i, channel);
        if (isinf(value))
            return s1_fail(call->error, INS1_E_ARGUMENT,
                           "%s: sample %zu of channel %zu is an infinity", samples->what, i,
                           channel);
        if (isnan(value) && !fills)
            return s1_fail(call->error, INS1_E_ARGUMENT,
                           "%s: sample %zu of channel %zu is NaN, and gaps are not to be filled",
                           samples->what, i, channel);
        if (!isnan(value) && !c->is_begun) {
            c->first = value;
            c->is_begun = true;
        }
    }
    return INS1_OK;
}

/* Every sample once, block after block so that channels that lie side by side are read together. */
static ins1_status check_values(s1_samples *samples, const s1_call *call)
{
    const ins1_timeseries *s = &samples->signal;
    ins1_status status = INS1_OK;

    for (size_t at = 0; at < s->n_samples && status == INS1_OK; at += BLOCK) {
        size_t n = s->n_samples - at < BLOCK ? s->n_samples - at : BLOCK;
        status = s1_call_check(call);
        for (size_t c = 0; c < s->n_channels && status == INS1_OK; c++)
            status = check_channel(samples, c, at, n, call);
    }
    for (size_t c = 0; c < s->n_channels && status == INS1_OK; c++)
        if (!samples->channels[c].is_begun)
            status = s1_fail(call->error, INS1_E_ARGUMENT, "%s: channel %zu is one gap",
                             samples->what, c);
    return status;
}

/* Into each channel's `sum`: over its samples (value - mean), or the square of it. */
static ins1_status sum(s1_samples *samples, bool squares, const s1_call *call)
{
    const ins1_timeseries *s = &samples->signal;
    double values[BLOCK];

    for (size_t c = 0; c < s->n_channels; c++)
        samples->channels[c].sum = 0;
    for (size_t at = 0; at < s->n_samples; at += BLOCK) {
        size_t n = s->n_samples - at < BLOCK ? s->n_samples - at : BLOCK;
        ins1_status status = s1_call_check(call);
        if (status != INS1_OK)
            return status;
        for (size_t c = 0; c < s->n_channels; c++) {
            double mean = samples->channels[c].mean, total = 0;
            load(samples, c, at, n, values);
            for (size_t i = 0; i < n; i++) {
                double d = values[i] - mean;
                total += squares ? d * d : d;
            }
            samples->channels[c].sum += total;
        }
    }
    return INS1_OK;
}

/* The mean in two steps, the second about the first value: exact enough for small changes of large
 * numbers. */
static ins1_status normalise(s1_samples *samples, bool is_unbiased, const s1_call *call)
{
    const ins1_timeseries *s = &samples->signal;
    const double n = (double)s->n_samples;

    for (size_t c = 0; c < s->n_channels; c++)
        samples->channels[c].mean = samples->channels[c].first;
    ins1_status status = sum(samples, false, call);
    for (size_t c = 0; c < s->n_channels && status == INS1_OK; c++)
        samples->channels[c].mean += samples->channels[c].sum / n;
    if (status == INS1_OK)
        status = sum(samples, true, call);
    for (size_t c = 0; c < s->n_channels && status == INS1_OK; c++) {
        s1_channel *channel = &samples->channels[c];
        double variance = channel->sum / (is_unbiased ? n - 1 : n);
        channel->divisor = sqrt(variance) + least_divisor;
        if (!isfinite(channel->mean) || !isfinite(channel->divisor))
            status =
                s1_fail(call->error, INS1_E_ARGUMENT,
                        "%s: channel %zu has numbers too large for F64 sums", samples->what, c);
    }
    return status;
}

ins1_status s1_samples_check(s1_samples *samples, bool normalises, bool is_unbiased,
                             const s1_call *call)
{
    const size_t n = samples->signal.n_channels;

    for (size_t c = 0; c < n; c++)
        samples->channels[c] = (s1_channel){ .divisor = 1 };
    ins1_status status = check_values(samples, call);
    if (status == INS1_OK && normalises)
        status = normalise(samples, is_unbiased, call);
    return status;
}

void s1_samples_read(s1_samples *samples, size_t first, size_t n, size_t width, float *out)
{
    double values[BLOCK];

    for (size_t at = 0; at < n; at += BLOCK) {
        size_t count = n - at < BLOCK ? n - at : BLOCK;
        for (size_t c = 0; c < width; c++) {
            const s1_channel *channel = &samples->channels[c];
            load(samples, c, first + at, count, values);
            for (size_t i = 0; i < count; i++)
                out[(at + i) * width + c] = (float)((values[i] - channel->mean) / channel->divisor);
        }
    }
}
