#ifndef INTERNS1_INSPECT_H
#define INTERNS1_INSPECT_H

/**
 * @file
 * Insides, for tests and research. Not part of interns1.h: a minor version may change this header.
 */

#include "interns1/session.h"
#include "interns1/timeseries.h"
#include "interns1/vision.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What to observe. */
enum {
    INS1_OBSERVE_HIDDEN = 1u, /* hidden states of every layer */
    INS1_OBSERVE_ROUTER = 2u, /* chosen experts and their gates */
    INS1_OBSERVE_LOGITS = 4u  /* logits of every position, not only the last */
};

/* One layer's numbers for a run of positions. Pointers are valid during the callback. */
typedef struct ins1_observation {
    uint32_t struct_size; /* sizeof(ins1_observation) */
    uint32_t what;        /* one of INS1_OBSERVE_* */
    int32_t seq;          /* the sequence; of an encoder: the tile or the step in time, counted over
                             the call */
    int32_t
        layer; /* HIDDEN: 0 the input embeddings, i what layer i leaves, from 1. ROUTER: from 0 */
    size_t first;           /* position of the first token in the sequence */
    size_t n_tokens;        /* positions */
    size_t width;           /* values per position */
    const float *values;    /* [n_tokens][width]; ROUTER: gates as multiplied */
    const int32_t *experts; /* ROUTER: [n_tokens][width], ascending; else NULL */
} ins1_observation;

/* Non-zero ends the running call with INS1_E_CALLBACK. Runs on the calling thread. */
typedef int32_t (*ins1_observe_fn)(void *user, const ins1_observation *observation);

/**
 * Show the insides of a session from the next prefill or step on. Within a layer positions come in
 * order. Changes no bit of any result.
 *
 * @param mask      INS1_OBSERVE_*; 0 is off.
 * @param callback  Called during prefill and step; NULL when `mask` is 0.
 * @param user      Handed to `callback`.
 * @param call      Optional.
 *
 * @retval INS1_E_ARGUMENT  The mask names something unknown, or there is no callback.
 */
INS1_API ins1_status ins1_session_observe(ins1_session *session, uint32_t mask,
                                          ins1_observe_fn callback, void *user,
                                          const ins1_call *call);

/* The shape of pixels as an encoder takes them. Intern-S1: [tiles][3][height][width], the grid 1 x
 * rows x columns of tiles without the thumbnail, of a video frames x 1 x 1. Intern-S1-Pro:
 * [patches][values], the grid in patches. */
typedef struct ins1_pixels_info {
    uint32_t struct_size; /* sizeof(ins1_pixels_info) */
    int32_t n_tiles;      /* thumbnail included; 0 is no tiles */
    int32_t grid_t;       /* steps in time */
    int32_t grid_h;       /* rows */
    int32_t grid_w;       /* columns */
    int32_t n_dim;        /* axes of `dim` that count */
    size_t dim[4];        /* outermost first */
    size_t n_tokens;      /* that the pixels become */
} ins1_pixels_info;

enum {
    INS1_PREPROCESS_RAW = 1u /* 0 to 255 after the resize, before normalisation */
};

/**
 * What the reference's image processor gives its model.
 *
 * @param flags  INS1_PREPROCESS_*.
 * @param out    Receives at most `capacity` floats.
 * @param count  Receives the number of floats.
 * @param info   NULL, or receives the shape; at most `info->struct_size` bytes are written.
 * @param call   Optional.
 *
 * @retval INS1_E_BUFFER    `*count > capacity`; the first `capacity` floats are valid.
 * @retval INS1_E_ARGUMENT  As ins1_vision_encoder_encode.
 */
INS1_API ins1_status ins1_vision_encoder_preprocess(ins1_vision_encoder *encoder,
                                                    const ins1_image *image, uint32_t flags,
                                                    float *out, size_t capacity, size_t *count,
                                                    ins1_pixels_info *info, const ins1_call *call);

/**
 * The same for a video.
 *
 * @retval INS1_E_BUFFER, INS1_E_ARGUMENT  As ins1_vision_encoder_preprocess.
 * @retval INS1_E_UNSUPPORTED  As ins1_vision_encoder_video_tokens.
 */
INS1_API ins1_status ins1_vision_encoder_preprocess_video(ins1_vision_encoder *encoder,
                                                          const ins1_video *video, uint32_t flags,
                                                          float *out, size_t capacity,
                                                          size_t *count, ins1_pixels_info *info,
                                                          const ins1_call *call);

/**
 * Encode pixels that were preprocessed elsewhere.
 *
 * @param out     Receives the embeddings; the caller releases them.
 * @param pixels  Of the shape that `info` says.
 * @param info    n_dim and dim; of patches also the grid. Tiles may have another size than the
 *                processor's: the positions are then interpolated, as the reference does it.
 * @param call    Optional. Reports INS1_PHASE_ENCODE.
 *
 * @retval INS1_E_ARGUMENT     The shape is none that the checkpoint takes.
 * @retval INS1_E_STATE        The encoder was made without weights.
 * @retval INS1_E_BUDGET, INS1_E_BUSY, INS1_E_CANCELED, INS1_E_DEADLINE  As
 * ins1_vision_encoder_encode.
 */
INS1_API ins1_status ins1_vision_encoder_encode_pixels(ins1_embeds **out,
                                                       ins1_vision_encoder *encoder,
                                                       const float *pixels,
                                                       const ins1_pixels_info *info,
                                                       const ins1_call *call);

/**
 * The same up to the last hidden state before projector or merger: for each tile a row before all
 * patches, then those; for each step in time the patches.
 *
 * @retval INS1_E_ARGUMENT, INS1_E_STATE, INS1_E_BUDGET, INS1_E_BUSY, INS1_E_CANCELED,
 * INS1_E_DEADLINE  As ins1_vision_encoder_encode_pixels.
 */
INS1_API ins1_status ins1_vision_encoder_tower(ins1_embeds **out, ins1_vision_encoder *encoder,
                                               const float *pixels, const ins1_pixels_info *info,
                                               const ins1_call *call);

/**
 * Show the hidden states of a tower from the next encoding on: `seq` is the tile, or the step in
 * time, `first` a row of it. Changes no bit of any result.
 *
 * @param mask      INS1_OBSERVE_HIDDEN; 0 is off.
 * @param callback  Called while something is encoded; NULL when `mask` is 0.
 * @param user      Handed to `callback`.
 * @param call      Optional.
 *
 * @retval INS1_E_ARGUMENT     The mask names something else, or there is no callback.
 * @retval INS1_E_STATE        The encoder was made without weights.
 */
INS1_API ins1_status ins1_vision_encoder_observe(ins1_vision_encoder *encoder, uint32_t mask,
                                                 ins1_observe_fn callback, void *user,
                                                 const ins1_call *call);

/**
 * What the reference's processor makes of a signal before its model sees it.
 *
 * @param out    Receives at most `capacity` floats of [n_samples][n_channels], normalised.
 * @param count  Receives the number of floats.
 * @param call   Optional.
 *
 * @retval INS1_E_BUFFER       `*count > capacity`; the first `capacity` floats are valid.
 * @retval INS1_E_ARGUMENT     As ins1_timeseries_encoder_encode.
 * @retval INS1_E_UNSUPPORTED  As ins1_timeseries_encoder_encode.
 */
INS1_API ins1_status ins1_timeseries_encoder_preprocess(ins1_timeseries_encoder *encoder,
                                                        const ins1_timeseries *series, float *out,
                                                        size_t capacity, size_t *count,
                                                        const ins1_call *call);

/**
 * Encode samples that were preprocessed elsewhere.
 *
 * @param out      Receives the embeddings; the caller releases them.
 * @param samples  [n_samples][n_channels], normalised.
 * @param call     Optional.
 *
 * @retval INS1_E_ARGUMENT     As ins1_timeseries_encoder_encode.
 * @retval INS1_E_UNSUPPORTED  As ins1_timeseries_encoder_encode.
 */
INS1_API ins1_status ins1_timeseries_encoder_encode_samples(
    ins1_embeds **out, ins1_timeseries_encoder *encoder, const float *samples, size_t n_samples,
    size_t n_channels, double sample_rate_hz, const ins1_call *call);

/**
 * The same up to the last hidden state before the projector, [frames][width].
 *
 * @retval INS1_E_ARGUMENT, INS1_E_UNSUPPORTED  As ins1_timeseries_encoder_encode_samples.
 */
INS1_API ins1_status ins1_timeseries_encoder_tower(ins1_embeds **out,
                                                   ins1_timeseries_encoder *encoder,
                                                   const float *samples, size_t n_samples,
                                                   size_t n_channels, double sample_rate_hz,
                                                   const ins1_call *call);

#ifdef __cplusplus
}
#endif

#endif
