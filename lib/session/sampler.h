#ifndef S1_SESSION_SAMPLER_H
#define S1_SESSION_SAMPLER_H

#include "interns1/sampler.h"

/* One more owner; ins1_sampler_release drops one. */
void s1_sampler_retain(ins1_sampler *sampler);

#endif
