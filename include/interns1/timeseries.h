#ifndef INTERNS1_TIMESERIES_H
#define INTERNS1_TIMESERIES_H

/**
 * @file
 * Samples to embeddings. What comes out does not depend on the number of threads, on the budget of
 * scratch memory or on how many signals are encoded together.
 */

#include "interns1/embeds.h"
#include "interns1/model.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A checkpoint's time-series part with its scratch memory; one thread at a time. */
typedef struct ins1_timeseries_encoder ins1_timeseries_encoder;

/* How a sample lies in memory, in host byte order. */
enum { INS1_SAMPLE_I16 = 1, INS1_SAMPLE_I32 = 2, INS1_SAMPLE_F32 = 3, INS1_SAMPLE_F64 = 4 };

enum {
    /* NaN is a gap: the previous value stands there, at the start the first that is there. Without
     * it a NaN is INS1_E_ARGUMENT; an infinity always is. */
    INS1_TIMESERIES_FILL_GAPS = 1u
};

/* A signal in the host's memory, [n_samples][n_channels]. Strides fit interleaved and planar data.
 */
typedef struct ins1_timeseries {
    uint32_t struct_size; /* sizeof(ins1_timeseries), which is also the array's stride */
    int32_t dtype;        /* INS1_SAMPLE_* */
    const void *data;     /* the first sample of the first channel */
    size_t n_samples;     /* of each channel */
    size_t n_channels;    /* signals side by side */
    ptrdiff_t
        sample_stride; /* bytes to the next sample of a channel; 0 is dense, channel fastest */
    ptrdiff_t channel_stride; /* bytes to the next channel; 0 is dense */
    double sample_rate_hz;    /* samples per second; 0 is what the reference assumes */
    double scale;             /* value = raw * scale + offset; 0 is 1 */
    double offset;            /* the same */
    uint32_t flags;           /* INS1_TIMESERIES_* */
    int32_t reserved0;        /* 0 */
} ins1_timeseries;

enum {
    INS1_TIMESERIES_ENCODER_UNBIASED = 1u /* standard deviation over n - 1; default: over n */
};

/* Zero means the default in every field but struct_size. */
typedef struct ins1_timeseries_encoder_options {
    uint32_t struct_size; /* sizeof(ins1_timeseries_encoder_options) */
    uint32_t flags;       /* INS1_TIMESERIES_ENCODER_* */
    /* Index. Operations that it lacks run on the CPU, over the same memory; a device with memory of
       its own that lacks one leaves the whole encoder to the CPU, with a warning in the log. */
    int32_t device;
    int32_t precision;       /* INS1_PRECISION_* */
    uint64_t max_samples;    /* the rest is cut off after normalisation; 0 is no limit */
    uint64_t scratch_budget; /* bytes; 0 is the library's choice within the runtime's budget */
} ins1_timeseries_encoder_options;

/**
 * Make an encoder for a checkpoint's time-series part.
 *
 * @param out      Receives the encoder; the caller releases it.
 * @param model    Kept until the encoder is released. Needs INS1_PART_TIMESERIES.
 * @param options  NULL for all defaults. Borrowed for the call.
 * @param call     Optional.
 *
 * @retval INS1_E_ARGUMENT     There is no such device or precision.
 * @retval INS1_E_UNSUPPORTED  The checkpoint has no time-series part, or not this precision.
 * @retval INS1_E_BUDGET       Not even the least scratch memory fits its budget or the runtime's.
 *
 * Threads: an encoder belongs to one thread at a time.
 */
INS1_API ins1_status ins1_timeseries_encoder_create(ins1_timeseries_encoder **out,
                                                    ins1_model *model,
                                                    const ins1_timeseries_encoder_options *options,
                                                    const ins1_call *call);

/**
 * How many tokens a signal becomes, without encoding it.
 *
 * @param n_samples       Of each channel.
 * @param sample_rate_hz  Samples per second; 0 is what the reference assumes.
 * @param n_tokens        Receives the number.
 * @param call            Optional.
 *
 * @retval INS1_E_ARGUMENT     The signal is shorter than the reference's least length, or the rate
 * is negative or no number.
 * @retval INS1_E_UNSUPPORTED  Samples come faster than the checkpoint has places in a patch for.
 */
INS1_API ins1_status ins1_timeseries_encoder_tokens(const ins1_timeseries_encoder *encoder,
                                                    size_t n_samples, size_t n_channels,
                                                    double sample_rate_hz, size_t *n_tokens,
                                                    const ins1_call *call);

/**
 * Encode signals; the library normalises each channel of each.
 *
 * At 1 kHz and above, memory beside the embeddings does not grow with the length, and time is
 * linear in it. At low rates a signal has more frames, which all look at all before them: time
 * grows with the square of the length there, and memory with the length.
 *
 * @param out     Receives `n_series` handles, all or none; the caller releases each.
 * @param series  Borrowed for the call.
 * @param call    Optional. Reports INS1_PHASE_ENCODE.
 *
 * @retval INS1_E_ARGUMENT     A signal as above, or with a NaN or an infinity; the text names its
 * index. All of it is checked before anything is encoded.
 * @retval INS1_E_UNSUPPORTED  Samples come faster than the checkpoint has places in a patch for.
 */
INS1_API ins1_status ins1_timeseries_encoder_encode(ins1_embeds **out,
                                                    ins1_timeseries_encoder *encoder,
                                                    const ins1_timeseries *series, size_t n_series,
                                                    const ins1_call *call);

/** End the encoder. NULL is allowed. */
INS1_API void ins1_timeseries_encoder_release(ins1_timeseries_encoder *encoder);

#ifdef __cplusplus
}
#endif

#endif
