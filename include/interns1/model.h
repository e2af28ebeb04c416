#ifndef INTERNS1_MODEL_H
#define INTERNS1_MODEL_H

/**
 * @file
 * A checkpoint: opened once, immutable, shared between threads and sessions.
 */

#include "interns1/device.h"
#include "interns1/runtime.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An opened checkpoint. Keeps its files mapped or in memory until the last release. */
typedef struct ins1_model ins1_model;

typedef struct ins1_decoder_options ins1_decoder_options; /* decoder.h */
typedef struct ins1_session_options ins1_session_options; /* session.h */

/* The parts of a checkpoint; each works alone. */
enum {
    INS1_PART_TOKENIZER = 1u,
    INS1_PART_VISION = 2u,
    INS1_PART_TIMESERIES = 4u,
    INS1_PART_DECODER = 8u
};

/* How weights reach memory. */
enum {
    /* Mapped: pages are read when touched and shared between processes. A file that another process
     * shortens meanwhile kills this one with SIGBUS. */
    INS1_LOAD_MMAP = 0,
    INS1_LOAD_READ = 1,             /* read when opened; the files may then go away */
    INS1_LOAD_EXPERTS_ON_DEMAND = 2 /* experts pass through a cache of `expert_cache` bytes */
};

/* How activations enter products, in the options of decoder and encoders. */
enum {
    /* INT8 for decoders with weights in I8, BF16 for checkpoints in BF16 and FP8, F32 for others */
    INS1_PRECISION_DEFAULT = 0,
    INS1_PRECISION_F32 = 1,  /* as they are; sums in F32 */
    INS1_PRECISION_BF16 = 2, /* rounded to bfloat16, nearest even; sums in F32 */
    /* Of decoders with weights in I8, and the only one that they take: a token's row to 8 bits,
     * with the scale max |x| / 127.5, as compressed-tensors does it; sys/backend.h has the formula.
     * Sums of integers, which are exact. Matrices of other types, such as the head, get BF16. */
    INS1_PRECISION_INT8 = 3
};

/* Bytes that come from the host: flash, network shares, encrypted stores. */
typedef struct ins1_reader {
    uint32_t struct_size; /* sizeof(ins1_reader) */
    uint32_t flags;       /* 0 */
    uint64_t size;        /* bytes in all */
    /* Copies n bytes from `offset` to `dst`. Returns how many it copied; fewer than n or a negative
     * number is INS1_E_IO. Any thread of the library, several at once. */
    int64_t (*read_at)(void *user, uint64_t offset, void *dst, size_t n);
    void (*close)(void *user); /* called once, when the reader is no longer needed; may be NULL */
    void *user;                /* handed to both */
} ins1_reader;

/* A file of a folder that is none on disk. Exactly one of path, data and reader is set. */
typedef struct ins1_file {
    uint32_t struct_size;      /* sizeof(ins1_file), which is also the array's stride */
    uint32_t flags;            /* 0 */
    const char *name;          /* as inside the folder: "config.json" */
    const char *path;          /* where it lies instead */
    const void *data;          /* borrowed until the model's last release */
    size_t size;               /* bytes at `data` */
    const ins1_reader *reader; /* copied */
} ins1_file;

/* What to open: exactly one of path, data, reader and files is set. */
typedef struct ins1_model_options {
    uint32_t struct_size; /* sizeof(ins1_model_options) */
    /* INS1_PART_*; 0 is all there is: a folder with only tokenizer files opens as TOKENIZER, one
     * with only other JSON files opens with no part. */
    uint32_t parts;
    const char *path; /* a folder or a file */
    const void *data; /* one file in memory, any alignment; borrowed until the last release */
    size_t size;      /* bytes at `data` */
    const ins1_reader *reader; /* one file; copied */
    const ins1_file *files;    /* a whole folder; the array is copied */
    size_t n_files;            /* entries of `files` */
    int32_t load_mode;         /* INS1_LOAD_* */
    int32_t verify;            /* 1: compare all checksums now; 0: when first touched */
    uint64_t
        expert_cache;  /* EXPERTS_ON_DEMAND: bytes; 0 is the library's choice within the budget */
    uint32_t flags;    /* 0 */
    int32_t reserved0; /* 0 */
} ins1_model_options;

/* Where the bytes of one part are. Frozen. */
typedef struct ins1_part_bytes {
    uint64_t disk;   /* in the files */
    uint64_t host;   /* in the host's memory, mapped bytes included */
    uint64_t device; /* in the memory of other devices */
} ins1_part_bytes;

/* What a checkpoint needs with given options, in bytes; from the headers of its files alone. */
typedef struct ins1_plan {
    uint32_t struct_size;        /* sizeof(ins1_plan) */
    uint32_t parts;              /* INS1_PART_* that are there and asked for */
    ins1_part_bytes tokenizer;   /* tables */
    ins1_part_bytes vision;      /* weights */
    ins1_part_bytes timeseries;  /* weights */
    ins1_part_bytes decoder;     /* weights */
    uint64_t kv_per_token;       /* of one sequence, with this kv_type */
    uint64_t state_per_sequence; /* constant part of one sequence */
    uint64_t scratch;            /* of the session and of the encoders together, these with default
                                    options and the largest image of the checkpoint's processor */
    uint64_t total_host;         /* everything, with this n_ctx, n_seq and these placements */
    uint64_t total_device;       /* the same on other devices */
    uint64_t least_total;        /* the least host budget with which it still runs */
} ins1_plan;

/* What a checkpoint is. Strings live as long as the model, and are "" where the files say nothing.
 * Numbers of the decoder are 0 without one. */
typedef struct ins1_model_info {
    uint32_t struct_size;     /* sizeof(ins1_model_info) */
    uint32_t parts;           /* INS1_PART_* that were opened */
    const char *arch;         /* the first of "architectures" in config.json */
    const char *name;         /* the folder's or the file's own */
    const char *quant;        /* type of most weights: "bf16", "f32", "f16", "fp8", "int8" */
    int32_t n_vocab;          /* rows of the embedding, padding included */
    int32_t n_embd;           /* width of a hidden state */
    int32_t n_layer;          /* layers of the decoder */
    int32_t n_head;           /* heads of queries */
    int32_t n_head_kv;        /* heads of keys and values */
    int32_t n_expert;         /* experts of a layer; 0 for dense decoders */
    int32_t n_expert_used;    /* experts that a token visits */
    int32_t n_ctx_train;      /* tokens of the longest context it was trained for */
    uint64_t n_params;        /* weights of all parts that were opened */
    uint64_t n_params_active; /* of the decoder's those that one token touches */
} ins1_model_info;

/**
 * What would opening and running a checkpoint take? Reads headers; maps and allocates nothing that
 * stays.
 *
 * @param model    As for ins1_model_open.
 * @param decoder  NULL for all defaults.
 * @param session  NULL for all defaults.
 * @param out      At most `out->struct_size` bytes are written.
 * @param call     Optional.
 *
 * @retval INS1_E_ARGUMENT, INS1_E_IO, INS1_E_FORMAT, INS1_E_UNSUPPORTED  As ins1_model_open.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_model_plan(ins1_runtime *runtime, const ins1_model_options *model,
                                     const ins1_decoder_options *decoder,
                                     const ins1_session_options *session, ins1_plan *out,
                                     const ins1_call *call);

/**
 * Open a checkpoint: a folder as Hugging Face publishes it.
 *
 * Shapes are checked against the config, and every offset against its file, before anything is
 * used. Keys of a config that are not known are a warning in the log. From now on the runtime's
 * devices are fixed.
 *
 * @param out      Receives the model; the caller releases it.
 * @param runtime  Kept until the model's last release.
 * @param options  Borrowed for the call, but for what its comments say.
 * @param call     Optional. Reports INS1_PHASE_OPEN and, when checksums are compared,
 * INS1_PHASE_VERIFY.
 *
 * @retval INS1_E_ARGUMENT     None or several of path, data, reader and files are set.
 * @retval INS1_E_IO           A file is missing or could not be read.
 * @retval INS1_E_FORMAT       A file breaks its format, a tensor has another shape than the config
 * says, or tensors are missing: the text says how many and names the first, the log the first ten.
 * @retval INS1_E_UNSUPPORTED  The architecture, a type of weights, a way to quantise them or the
 * kind of file is not known, or a part that was asked for is not there.
 * @retval INS1_E_BUDGET       With INS1_LOAD_READ: the weights do not fit the runtime's budget.
 *
 * Threads: any. The model is shared between threads.
 */
INS1_API ins1_status ins1_model_open(ins1_model **out, ins1_runtime *runtime,
                                     const ins1_model_options *options, const ins1_call *call);

/**
 * What the checkpoint is.
 *
 * @param out  At most `out->struct_size` bytes are written.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_model_info_get(const ins1_model *model, ins1_model_info *out,
                                         const ins1_call *call);

/**
 * A value from the checkpoint's JSON files, by its path.
 *
 * @param key    The file, then the path inside it: "config.json/text_config/eos_token_id",
 *               "generation_config.json/top_p". The library's own keys: "ins1/dialect" and
 *               "ins1/tokenizer", names; "ins1/end_ids", "ins1/placeholder_ids" and
 * "ins1/unknown_keys", JSON arrays.
 * @param value  Receives the JSON text of the value, a string without its quotes; NULL when there
 * is no such key. Borrowed from the model, not NUL-terminated.
 * @param size   Receives its size in bytes.
 * @param call   Optional.
 *
 * @retval INS1_OK  Also when there is no such key.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_model_meta(const ins1_model *model, const char *key, const char **value,
                                     size_t *size, const ins1_call *call);

/** Add an owner. Any thread. */
INS1_API void ins1_model_retain(ins1_model *model);

/** Take an owner away; the last one unmaps the files. NULL is allowed. Any thread. */
INS1_API void ins1_model_release(ins1_model *model);

#ifdef __cplusplus
}
#endif

#endif
