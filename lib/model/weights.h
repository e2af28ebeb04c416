#ifndef S1_MODEL_WEIGHTS_H
#define S1_MODEL_WEIGHTS_H

#include "backend/backend.h"
#include "base/call.h"
#include "format/checkpoint.h"
#include "model/config.h"

/* What the tensors of a part come to. */
typedef struct s1_tally {
    uint64_t n_params, n_params_active;
    uint64_t disk; /* bytes of the tensors in the files */
    bool has_fp8, has_i8;
    uint64_t narrow, wide; /* bytes of matrices in BF16 and FP8, and in other types */
} s1_tally;

/* INS1_PRECISION_* that INS1_PRECISION_DEFAULT means for such weights. */
int32_t s1_tally_precision(const s1_tally *tally);

/* The decoder's tensors under their names in a checkpoint, with the memory of the lists. */
typedef struct s1_bound {
    s1_decoder_weights weights;
    s1_layer_weights *layers; /* n_layers */
    size_t n_layers;
    s1_linear *experts; /* all of them, n_experts */
    size_t n_experts;
    s1_tally tally;
} s1_bound;

/* Binds every tensor that `config` wants and sets its default_precision and FoPE tensors. Missing
 * ones: INS1_E_FORMAT with their number and the first names. */
ins1_status s1_weights_bind(s1_bound *out, s1_config *config, s1_checkpoint *checkpoint,
                            const s1_host *host, const ins1_allocator *memory, const s1_call *call);
void s1_weights_finish(s1_bound *bound, const ins1_allocator *memory);

#endif
