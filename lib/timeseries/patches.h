#ifndef S1_TIMESERIES_PATCHES_H
#define S1_TIMESERIES_PATCHES_H

#include "base/error.h"

#include <stdint.h>

/* How a signal is cut: patches that overlap by half, longer where samples come faster; two patches
 * make a pair, two pairs a token. */
typedef struct s1_patches {
    size_t n_samples; /* of each channel that are encoded */
    size_t stride;    /* samples from patch to patch */
    size_t length;    /* samples of a patch, twice the stride; the last one ends in zeros */
    size_t n;
    size_t n_pairs; /* an odd last patch is dropped */
    size_t n_tokens;
} s1_patches;

/* `max_samples` 0 is no limit. INS1_E_ARGUMENT for a signal that is too short for the reference, or
 * a rate that is negative or no number; the text begins with `what`. */
ins1_status s1_patches_cut(s1_patches *out, const char *what, size_t n_samples, double rate_hz,
                           uint64_t max_samples, ins1_error *error);

#endif
