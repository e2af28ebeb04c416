#ifndef INTERNS1_MODEL_H
#define INTERNS1_MODEL_H

#include "interns1/device.h"
#include "interns1/runtime.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ins1_model ins1_model;
typedef struct ins1_decoder_options ins1_decoder_options; /* decoder.h */
typedef struct ins1_session_options ins1_session_options; /* session.h */
enum {
    INS1_PART_TOKENIZER = 1u,
    INS1_PART_VISION = 2u,
    INS1_PART_TIMESERIES = 4u,
    INS1_PART_DECODER = 8u
};
enum { INS1_LOAD_MMAP = 0, INS1_LOAD_READ = 1, INS1_LOAD_EXPERTS_ON_DEMAND = 2 };
/* How activations enter products, in decoder and encoder options. 0 = the checkpoint's default. */
enum {
    INS1_PRECISION_DEFAULT = 0,
    INS1_PRECISION_F32 = 1,
    INS1_PRECISION_BF16 = 2,
    INS1_PRECISION_INT8 = 3
};

typedef struct ins1_reader { /* files, flash, network shares, encrypted stores */
    uint32_t struct_size;
    uint32_t flags;
    uint64_t size;
    int64_t (*read_at)(void *user, uint64_t offset, void *dst,
                       size_t n); /* bytes read, < 0 = error; thread-safe */
    void (*close)(void *user);
    void *user; /* close may be NULL */
} ins1_reader;
typedef struct ins1_file { /* exactly one of path / data / reader */
    uint32_t struct_size;
    uint32_t flags;
    const char *name; /* as inside the folder: "config.json", "model-00001-of-00002.safetensors" */
    const char *path; /* a file that lies elsewhere, such as the mmproj of a text GGUF */
    const void *data;
    size_t size;               /* borrowed until the model's last release */
    const ins1_reader *reader; /* copied */
} ins1_file;
typedef struct ins1_model_options {
    uint32_t struct_size;
    uint32_t parts;   /* INS1_PART_*; 0 = all there is: a folder with only tokenizer files opens as
                         TOKENIZER,   one with only other JSON files opens with no part */
    const char *path; /* a folder or a file. Exactly one of path / data / reader / files */
    const void *data;
    size_t size; /* one file in memory, any alignment (copied where a kernel needs more);
                    borrowed until the model's last release */
    const ins1_reader *reader; /* one file; copied */
    const ins1_file *files;
    size_t n_files;    /* a whole folder; the array is copied */
    int32_t load_mode; /* INS1_LOAD_* */
    int32_t verify;    /* 1 = check all checksums now, else when first touched */
    uint64_t
        expert_cache; /* EXPERTS_ON_DEMAND: bytes; 0 = library's choice within the runtime budget */
    uint32_t flags;
    int32_t reserved0;
} ins1_model_options;
typedef struct ins1_part_bytes {
    uint64_t disk, host, device;
} ins1_part_bytes;         /* frozen */
typedef struct ins1_plan { /* what open + decoder + encoders + session need, from headers only */
    uint32_t struct_size;
    uint32_t parts;
    ins1_part_bytes tokenizer, vision, timeseries,
        decoder; /* weights and tables: in the files, in host and device memory */
    uint64_t kv_per_token, state_per_sequence; /* of one sequence, with this kv_type */
    uint64_t scratch;                          /* of the session and of the encoders together */
    uint64_t total_host, total_device;         /* with these options: n_ctx, n_seq, placements */
    uint64_t least_total; /* the least host budget with which it still runs: experts on demand */
} ins1_plan;
typedef struct ins1_model_info { /* strings live as long as the model */
    uint32_t struct_size, parts;
    const char *arch, *name, *quant;
    int32_t n_vocab /* rows, padding included */, n_embd, n_layer, n_head, n_head_kv, n_expert,
        n_expert_used, n_ctx_train;
    uint64_t n_params, n_params_active;
} ins1_model_info;
/* [C] decoder and session may be NULL (defaults). Reads headers, maps and allocates nothing that
 * stays. */
INS1_API ins1_status ins1_model_plan(ins1_runtime *runtime, const ins1_model_options *model,
                                     const ins1_decoder_options *decoder,
                                     const ins1_session_options *session, ins1_plan *out,
                                     const ins1_call *call);
/* [C] A part that is asked for and missing is INS1_E_UNSUPPORTED; missing tensors are INS1_E_FORMAT
 * naming the first ten. */
INS1_API ins1_status ins1_model_open(ins1_model **out, ins1_runtime *runtime,
                                     const ins1_model_options *options, const ins1_call *call);
INS1_API ins1_status ins1_model_info_get(const ins1_model *model, ins1_model_info *out,
                                         const ins1_call *call); /* [C] */
/* [C] Borrowed from the model; no such key: NULL, 0 and INS1_OK. Keys:
 * "config.json/text_config/eos_token_id", "generation_config.json/top_p": file, then the path; the
 * value is the JSON text (strings without quotes). Our own: "ins1/dialect", "ins1/tokenizer", and
 * as JSON arrays "ins1/end_ids", "ins1/placeholder_ids", "ins1/unknown_keys". */
INS1_API ins1_status ins1_model_meta(const ins1_model *model, const char *key, const char **value,
                                     size_t *size, const ins1_call *call);
INS1_API void ins1_model_retain(ins1_model *model);  /* [C] */
INS1_API void ins1_model_release(ins1_model *model); /* [C] */

#ifdef __cplusplus
}
#endif

#endif
