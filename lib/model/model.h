#ifndef S1_MODEL_MODEL_H
#define S1_MODEL_MODEL_H

#include "decoder/weights.h"
#include "format/files.h"
#include "interns1/model.h"
#include "runtime/runtime.h"

/* An opened checkpoint; immutable and shared. */
struct ins1_model {
    _Atomic int32_t owners;
    ins1_runtime *runtime; /* one of its owners */
    s1_files *files;
    uint32_t parts; /* INS1_PART_* that are there */
    s1_decoder_config decoder_config;
    s1_decoder_weights decoder_weights; /* zero without INS1_PART_DECODER */
    /* Identity of the weights, for snapshots: a hash of names, shapes, dtypes and sampled bytes. */
    uint64_t fingerprint;
    struct s1_model_private *inside; /* model/ alone */
};

#endif
