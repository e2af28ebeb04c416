#ifndef S1_MODEL_LOAD_H
#define S1_MODEL_LOAD_H

#include "model/documents.h"
#include "model/series.h"
#include "model/vision_config.h"
#include "model/vision_weights.h"
#include "model/weights.h"
#include "runtime/runtime.h"
#include "tokenizer/tokenizer.h"

/* A checkpoint, found and checked: all of it, or from headers alone. */
typedef struct s1_loaded {
    ins1_allocator memory;
    const s1_host *host; /* of the runtime, for its log */
    s1_files *files;
    s1_documents documents;
    bool has_config; /* of a member that is known */
    s1_config config;
    uint32_t parts;
    s1_checkpoint *checkpoint; /* NULL without weights */
    s1_bound bound;
    s1_vision_bound vision;              /* with INS1_PART_VISION */
    s1_series_bound series;              /* with INS1_PART_TIMESERIES */
    uint64_t tokenizer_size;             /* bytes of the tokenizer's files */
    s1_tokenizer_source tokenizer_files; /* the files alone */
} s1_loaded;

/* `options` was imported. Fails as ins1_model_open does; what it leaves behind is given back with
 * s1_load_finish, also after a failure. `headers_only`: neither maps nor reads weights, and the
 * readers stay the host's. */
ins1_status s1_load(s1_loaded *out, const ins1_runtime *runtime, const ins1_model_options *options,
                    bool headers_only, const s1_call *call);
void s1_load_finish(s1_loaded *loaded);

#endif
