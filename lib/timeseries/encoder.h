#ifndef S1_TIMESERIES_ENCODER_H
#define S1_TIMESERIES_ENCODER_H

#include "base/call.h"
#include "base/guard.h"
#include "interns1/timeseries.h"
#include "nn/ops.h"
#include "runtime/runtime.h"
#include "timeseries/patches.h"
#include "timeseries/samples.h"
#include "timeseries/weights.h"

/* Weights on their device, and the scratch memory that every signal passes through. The patch
 * encoder sees a few patches at a time, the frame encoder stretches of frames, so that only one
 * vector of numbers a frame is kept of the whole signal. */

enum { S1_SERIES_LONGEST = 320 }; /* samples of a patch at the highest rates */

typedef struct s1_placed_norm {
    s1_placed weight, bias;
} s1_placed_norm;

typedef struct s1_series_layer {
    s1_placed_linear linears[S1_SERIES_LAYER_LINEARS];
    s1_placed_norm norms[S1_SERIES_LAYER_NORMS];
} s1_series_layer;

/* How much goes through at once. */
typedef struct s1_series_sizes {
    size_t n_rows;    /* samples in the patch encoder */
    size_t n_stretch; /* frames between the attentions of the frame encoder */
    size_t n_frames;  /* of a whole signal */
} s1_series_sizes;

/* Where everything lies in the workspace, in bytes from its start. The two encoders never run at
 * the same time and share its end. */
typedef struct s1_series_layout {
    uint64_t ids;    /* I32 0, 1, 2, ...: as many as the longest patch or stretch has rows */
    uint64_t places; /* [longest patch][n_patch] */
    uint64_t mel;    /* [1 + pairs + 1][n_mel], zeros at both ends */
    uint64_t pairs;  /* [n_stretch][2 n_patch] */
    /* the patch encoder */
    uint64_t taps;     /* [n_rows][S1_SERIES_TAPS] */
    uint64_t x;        /* [n_rows][n_patch] */
    uint64_t qkv;      /* [n_rows][3 n_patch] */
    uint64_t attended; /* [n_rows][n_patch] */
    uint64_t ff;       /* [n_rows][n_patch_ff] */
    uint64_t means;    /* [sequences][n_patch] */
    /* the frame encoder */
    uint64_t hidden;         /* [n_frames][n_embd] */
    uint64_t frame_qkv;      /* [n_frames][3 n_embd] */
    uint64_t frame_attended; /* [n_frames][n_embd] */
    uint64_t convolved;      /* [2 n_stretch + 1][n_embd] */
    uint64_t normed;         /* [n_stretch][n_embd] */
    uint64_t frame_ff;       /* [n_stretch][n_ff] */
    uint64_t tower;          /* [n_stretch][n_tower] */
    uint64_t projected;      /* [n_stretch][n_out] */
    uint64_t out;            /* [n_stretch][n_out] */
    uint64_t size;
} s1_series_layout;

struct ins1_timeseries_encoder {
    s1_guard guard;
    ins1_runtime *runtime; /* kept alive by `keeper` */
    void *keeper;          /* whose tensors these are; released with the encoder */
    void (*release_keeper)(void *keeper);
    const ins1_allocator *memory;
    s1_series_config config;
    int32_t precision; /* INS1_PRECISION_*, never DEFAULT */
    bool is_unbiased;
    uint64_t max_samples, scratch_budget;
    s1_device *device;
    s1_placed_linear linears[S1_SERIES_LINEARS];
    s1_placed_norm norms[S1_SERIES_NORMS];
    s1_placed places, positions;
    s1_series_layer *layers; /* owned, config.n_layer */
    void *turned[2];         /* owned: the weights of conv1 and conv2 as [out][taps][in] */
    size_t turned_size[2];
    s1_stream *stream;
    s1_series_sizes sizes;
    s1_series_layout at;
    s1_buffer workspace;
    float *staging; /* owned: numbers on their way to the device and back */
    size_t staging_size;
    bool asks; /* nothing is run, but asked whether the device could */
    s1_ops ops;
};

/* What model/ hands over. `keeper` is what keeps the tensors and the runtime alive: on success the
 * encoder owns one reference to it and drops it with `release_keeper`. */
typedef struct s1_series_source {
    ins1_runtime *runtime;
    void *keeper;
    void (*release_keeper)(void *keeper);
    const s1_series_config *config;
    const s1_series_weights *weights;
} s1_series_source;

ins1_status s1_series_create(ins1_timeseries_encoder **out, const s1_series_source *source,
                             const ins1_timeseries_encoder_options *options, const s1_call *call);

/* The sizes that fit into `budget` (0: no limit) and into what is left of `memory`'s; the least
 * ones where nothing does. */
s1_series_sizes s1_series_fit(const s1_series_config *config, uint64_t budget,
                              const ins1_allocator *memory);
s1_series_layout s1_series_lay_out(const s1_series_config *config, const s1_series_sizes *sizes);

/* Samples of the longest patch there is a place for. */
int32_t s1_series_longest(const s1_series_config *config);

/* Scratch memory of these sizes, of it what is not the workspace, and what an encoder owns beside
 * it and its weights. */
uint64_t s1_series_scratch_bytes(const s1_series_config *config, const s1_series_sizes *sizes);
uint64_t s1_series_staging_bytes(const s1_series_config *config, const s1_series_sizes *sizes);
uint64_t s1_series_table_bytes(const s1_series_config *config, const s1_series_weights *weights);

/* How far a call with several signals is. */
typedef struct s1_series_progress {
    uint64_t done, total;
} s1_series_progress;

/* The steps that a signal of such patches counts for. */
uint64_t s1_series_steps(const s1_series_config *config, const s1_patches *cut);

ins1_status s1_series_advance(s1_series_progress *progress, uint64_t steps, const s1_call *call);

/* One signal, checked and cut, into `out`: [cut->n_tokens][n_out], or with `only_tower`
 * [cut->n_tokens][n_tower], the frame encoder's last hidden states. */
ins1_status s1_series_encode(ins1_timeseries_encoder *encoder, s1_samples *samples,
                             const s1_patches *cut, bool only_tower, float *out,
                             s1_series_progress *progress, const s1_call *call);

/* --- the two halves of it --- */

/* Patches to the `mel` rows of the workspace, between rows of zeros. */
ins1_status s1_series_run_patches(ins1_timeseries_encoder *encoder, s1_samples *samples,
                                  const s1_patches *cut, s1_series_progress *progress,
                                  const s1_call *call);

/* From there to the end. */
ins1_status s1_series_run_frames(ins1_timeseries_encoder *encoder, const s1_patches *cut,
                                 bool only_tower, float *out, s1_series_progress *progress,
                                 const s1_call *call);

/* --- views of the workspace --- */

static inline ins1_tensor_desc s1_series_floats(const ins1_timeseries_encoder *e, uint64_t at,
                                                size_t rows, int32_t columns)
{
    const int64_t dim[] = { (int64_t)rows, columns };
    return s1_view(&e->workspace, at, INS1_DTYPE_F32, 2, dim);
}

/* Rows that begin every `step` numbers, closer or farther than they are wide. */
static inline ins1_tensor_desc s1_series_rows(const ins1_timeseries_encoder *e, uint64_t at,
                                              size_t rows, int64_t columns, int64_t step)
{
    const int64_t dim[] = { (int64_t)rows, columns };
    ins1_tensor_desc view = s1_view(&e->workspace, at, INS1_DTYPE_F32, 2, dim);
    view.stride[0] = step;
    view.bytes = (uint64_t)(((int64_t)rows - 1) * step + columns) * sizeof(float);
    return view;
}

/* Attention of `n` segments of `rows` rows, whose queries, keys and values stand side by side at
 * `qkv`. */
void s1_series_attend(ins1_timeseries_encoder *e, uint64_t attended, uint64_t qkv, size_t n,
                      size_t rows, int32_t width, int32_t n_head, uint32_t flags);

/* Could the device do all that a signal needs? INS1_E_UNSUPPORTED if not. Computes nothing. */
ins1_status s1_series_ask(ins1_timeseries_encoder *encoder, const s1_call *call);

/* Run what was listed; or, of an encoder that only asks, see whether the device could. */
ins1_status s1_series_run_listed(ins1_timeseries_encoder *encoder, const s1_call *call);

#endif
