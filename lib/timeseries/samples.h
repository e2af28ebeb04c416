#ifndef S1_TIMESERIES_SAMPLES_H
#define S1_TIMESERIES_SAMPLES_H

#include "base/call.h"
#include "interns1/timeseries.h"

#include <stdbool.h>

/* A caller's signal: numbers of any type and order as F32, gaps filled, each channel normalised as
 * the reference's processor does it. Nothing of it is copied. */

/* One channel of it. */
typedef struct s1_channel {
    double mean, divisor; /* normalised = (value - mean) / divisor */
    double first;         /* the first value that is there */
    double held;          /* what a gap is filled with at the place that was read to */
    double sum;
    bool is_begun; /* there is a first value */
} s1_channel;

typedef struct s1_samples {
    const ins1_allocator *memory;
    char what[32];          /* "series 3", for messages */
    ins1_timeseries signal; /* strides and scale are set */
    s1_channel *channels;   /* owned, signal.n_channels */
} s1_samples;

/* INS1_E_ARGUMENT for claims that cannot be; `index` is for messages. `given` was imported. On
 * failure nothing is to be finished. */
ins1_status s1_samples_init(s1_samples *out, const ins1_timeseries *given, size_t index,
                            const ins1_allocator *memory, ins1_error *error);
void s1_samples_finish(s1_samples *samples);

/* Look at every sample: INS1_E_ARGUMENT for an infinity, and for a NaN where gaps are not filled;
 * the text names series, sample and channel. With `normalises`, means and deviations are taken, in
 * F64 and always in the same order; over n - 1 when `is_unbiased`. */
ins1_status s1_samples_check(s1_samples *samples, bool normalises, bool is_unbiased,
                             const s1_call *call);

/* Samples `first` to `first + n` of the first `width` channels, [n][width], into `out`. Gaps are
 * filled from what was read before, so the stretches of one pass follow each other; a pass begins
 * with first = 0. */
void s1_samples_read(s1_samples *samples, size_t first, size_t n, size_t width, float *out);

#endif
