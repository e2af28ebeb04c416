#ifndef INTERNS1_TIMESERIES_H
#define INTERNS1_TIMESERIES_H

#include "interns1/embeds.h"
#include "interns1/model.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ins1_timeseries_encoder ins1_timeseries_encoder;
enum { INS1_SAMPLE_I16 = 1, INS1_SAMPLE_I32 = 2, INS1_SAMPLE_F32 = 3, INS1_SAMPLE_F64 = 4 };
enum {
    INS1_TIMESERIES_FILL_GAPS =
        1u /* NaN = missing: the previous value; at the start the first that is there */
};
typedef struct ins1_timeseries { /* strides in bytes (0 = dense, channel fastest), so interleaved
                                    and planar both work */
    uint32_t struct_size;
    int32_t dtype;
    const void *data;
    size_t n_samples, n_channels;
    ptrdiff_t sample_stride, channel_stride;
    double sample_rate_hz; /* 0 = unknown: what the reference assumes */
    double scale, offset;  /* value = raw * scale + offset; scale 0 = 1 */
    uint32_t flags;
    int32_t reserved0; /* without FILL_GAPS a NaN, and always an infinity, is INS1_E_ARGUMENT naming
                          the index */
} ins1_timeseries;
enum {
    INS1_TIMESERIES_ENCODER_UNBIASED =
        1u /* standard deviation over n - 1, as the training code; default: n */
};
typedef struct ins1_timeseries_encoder_options {
    uint32_t struct_size;
    uint32_t flags;
    int32_t device, precision;
    uint64_t max_samples; /* the rest is cut off after normalisation, as the reference does; 0 = no
                             truncation */
    uint64_t scratch_budget;
} ins1_timeseries_encoder_options;
INS1_API ins1_status ins1_timeseries_encoder_create(ins1_timeseries_encoder **out,
                                                    ins1_model *model,
                                                    const ins1_timeseries_encoder_options *options,
                                                    const ins1_call *call);
INS1_API ins1_status ins1_timeseries_encoder_tokens(const ins1_timeseries_encoder *encoder,
                                                    size_t n_samples, size_t n_channels,
                                                    double sample_rate_hz, size_t *n_tokens,
                                                    const ins1_call *call);
INS1_API ins1_status ins1_timeseries_encoder_encode(
    ins1_embeds **out, ins1_timeseries_encoder *encoder, const ins1_timeseries *series,
    size_t n_series, const ins1_call *call); /* out: n_series handles; all or none */
INS1_API void ins1_timeseries_encoder_release(ins1_timeseries_encoder *encoder);

#ifdef __cplusplus
}
#endif

#endif
