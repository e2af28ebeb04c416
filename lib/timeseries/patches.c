#include "timeseries/patches.h"

#include <math.h>

/* Above it every stride is the longest. */
static const double highest_rate = 1e6;

/* floor(160 / (1 + exp(-rate / 100))^6) in F32, as training had it: in F64 the longest stride would
 * begin at twice the rate. The exponential is rounded from F64, so that every C library gives the
 * same. */
static size_t stride_of(double rate_hz)
{
    float rate = (float)(rate_hz < highest_rate ? rate_hz : highest_rate);
    float base = 1.0f + (float)exp(-(double)(rate / 100.0f));
    float square = base * base;
    return (size_t)floorf(160.0f / (square * square * square));
}

/* What the reference takes where nothing is known of the rate: a quarter of the length. */
static double usual_rate(size_t n_samples)
{
    double quarter = (double)n_samples / 4;
    return quarter > 1 ? quarter : 1;
}

ins1_status s1_patches_cut(s1_patches *out, const char *what, size_t n_samples, double rate_hz,
                           uint64_t max_samples, ins1_error *error)
{
    *out = (s1_patches){ .n_samples = n_samples };
    if (!isfinite(rate_hz) || rate_hz < 0)
        return s1_fail(error, INS1_E_ARGUMENT,
                       "%s: sample_rate_hz is %g, a positive number or 0 is expected", what,
                       rate_hz);
    if (max_samples && n_samples > max_samples)
        out->n_samples = (size_t)max_samples;
    out->stride = stride_of(rate_hz > 0 ? rate_hz : usual_rate(out->n_samples));
    out->length = 2 * out->stride;
    if (out->n_samples <= out->length)
        return s1_fail(error, INS1_E_ARGUMENT,
                       "%s: %zu samples, at least %zu are needed at this rate", what,
                       out->n_samples, out->length + 1);
    out->n = (out->n_samples - out->length + out->stride - 1) / out->stride + 1;
    out->n_pairs = out->n / 2;
    out->n_tokens = (out->n_pairs + 1) / 2;
    return INS1_OK;
}
