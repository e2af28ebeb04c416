#ifndef S1_MODEL_SERIES_H
#define S1_MODEL_SERIES_H

#include "model/weights.h"
#include "timeseries/weights.h"

/* The time-series part of a checkpoint: its config and its tensors under their names. */

typedef struct s1_series_bound {
    s1_series_config config;
    s1_series_weights weights;
    s1_series_layer_weights *layers; /* owned, config.n_layer */
    s1_tally tally;
} s1_series_bound;

/* Are there tensors of an encoder that this build reads? */
bool s1_series_is_there(const s1_checkpoint *checkpoint);

/* "ts_config" of config.json; what it leaves out is as in the released models. `n_embd` is the
 * decoder's width. Sizes that no key says come with the weights. */
ins1_status s1_series_config_read(s1_series_config *out, s1_json root, int32_t n_embd,
                                  ins1_error *error);

/* Binds every tensor that `out->config` wants and completes that. Missing ones: INS1_E_FORMAT with
 * their number and the first names. Nothing is to be finished after a failure. */
ins1_status s1_series_bind(s1_series_bound *out, s1_checkpoint *checkpoint, const s1_host *host,
                           const ins1_allocator *memory, ins1_error *error);
void s1_series_bound_finish(s1_series_bound *bound, const ins1_allocator *memory);

#endif
