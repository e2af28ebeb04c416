/* The time-series encoder of the public interface. Checkpoints with such a part open and plan;
 * encoding is not in this version, and every call says so. */

#include "interns1/timeseries.h"

#include "base/error.h"
#include "interns1/inspect.h"

static ins1_status absent(const ins1_call *call)
{
    return s1_fail(s1_error_of(call), INS1_E_UNSUPPORTED,
                   "this version of the library has no time-series encoder");
}

ins1_status ins1_timeseries_encoder_create(ins1_timeseries_encoder **out, ins1_model *model,
                                           const ins1_timeseries_encoder_options *options,
                                           const ins1_call *call)
{
    (void)model;
    (void)options;
    *out = NULL;
    return absent(call);
}

ins1_status ins1_timeseries_encoder_tokens(const ins1_timeseries_encoder *encoder, size_t n_samples,
                                           size_t n_channels, double sample_rate_hz,
                                           size_t *n_tokens, const ins1_call *call)
{
    (void)encoder;
    (void)n_samples;
    (void)n_channels;
    (void)sample_rate_hz;
    *n_tokens = 0;
    return absent(call);
}

ins1_status ins1_timeseries_encoder_encode(ins1_embeds **out, ins1_timeseries_encoder *encoder,
                                           const ins1_timeseries *series, size_t n_series,
                                           const ins1_call *call)
{
    (void)encoder;
    (void)series;
    for (size_t i = 0; i < n_series; i++)
        out[i] = NULL;
    return absent(call);
}

ins1_status ins1_timeseries_encoder_preprocess(ins1_timeseries_encoder *encoder,
                                               const ins1_timeseries *series, float *out,
                                               size_t capacity, size_t *count,
                                               const ins1_call *call)
{
    (void)encoder;
    (void)series;
    (void)out;
    (void)capacity;
    *count = 0;
    return absent(call);
}

ins1_status ins1_timeseries_encoder_encode_samples(ins1_embeds **out,
                                                   ins1_timeseries_encoder *encoder,
                                                   const float *samples, size_t n_samples,
                                                   size_t n_channels, double sample_rate_hz,
                                                   const ins1_call *call)
{
    (void)encoder;
    (void)samples;
    (void)n_samples;
    (void)n_channels;
    (void)sample_rate_hz;
    *out = NULL;
    return absent(call);
}

ins1_status ins1_timeseries_encoder_tower(ins1_embeds **out, ins1_timeseries_encoder *encoder,
                                          const float *samples, size_t n_samples, size_t n_channels,
                                          double sample_rate_hz, const ins1_call *call)
{
    (void)encoder;
    (void)samples;
    (void)n_samples;
    (void)n_channels;
    (void)sample_rate_hz;
    *out = NULL;
    return absent(call);
}

void ins1_timeseries_encoder_release(ins1_timeseries_encoder *encoder)
{
    (void)encoder; /* none was ever made */
}
