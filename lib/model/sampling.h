#ifndef S1_MODEL_SAMPLING_H
#define S1_MODEL_SAMPLING_H

#include <stdint.h>

/* What a checkpoint recommends, in the terms of ins1_sampler_options: 0 is off, temperature 0 the
 * arg-max. */
typedef struct s1_sampling {
    float temperature, top_p, min_p, repeat_penalty;
    int32_t top_k;
} s1_sampling;

#endif
