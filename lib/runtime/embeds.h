#ifndef S1_RUNTIME_EMBEDS_H
#define S1_RUNTIME_EMBEDS_H

#include "interns1/embeds.h"

/* The values, [n_tokens][dim] F32, borrowed. */
const float *s1_embeds_values(const ins1_embeds *embeds, size_t *n_tokens, size_t *dim);

/* Takes `values` (n_tokens * dim floats from the runtime's allocator, INS1_MEM_OBJECT) on success.
 */
ins1_status s1_embeds_take(ins1_embeds **out, ins1_runtime *runtime, const ins1_embeds_info *info,
                           float *values, ins1_error *error);

ins1_runtime *s1_embeds_runtime(const ins1_embeds *embeds);

/* Room for the values of `info`; `*out` is NULL when there are none. */
ins1_status s1_embeds_make_values(float **out, ins1_runtime *runtime, const ins1_embeds_info *info,
                                  ins1_error *error);

/* s1_embeds_take, which gives the values back when it fails. */
ins1_status s1_embeds_finish_values(ins1_embeds **out, ins1_runtime *runtime,
                                    const ins1_embeds_info *info, float *values, ins1_error *error);

/* `n` rows (at least one) as INS1_POOL_* says: one row, or all of them. */
void s1_pool_rows(float *out, const float *rows, size_t n, size_t dim, int32_t pooling);

/* INS1_E_ARGUMENT for a pooling that is none. */
ins1_status s1_pool_check(int32_t pooling, ins1_error *error);

#endif
