#ifndef INTERNS1_INSPECT_H
#define INTERNS1_INSPECT_H

#include "interns1/session.h"
#include "interns1/timeseries.h"
#include "interns1/vision.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    INS1_OBSERVE_HIDDEN = 1u,
    INS1_OBSERVE_ROUTER = 2u,
    INS1_OBSERVE_LOGITS = 4u /* of every position, not only the last */
};
typedef struct ins1_observation { /* pointers are valid during the callback */
    uint32_t struct_size;
    uint32_t what;      /* one of INS1_OBSERVE_* */
    int32_t seq, layer; /* HIDDEN: 0 = input embeddings, i = residual stream after layer i; ROUTER:
                           the layer, from 0 */
    size_t first, n_tokens, width; /* positions in the sequence; values per token */
    const float *values;           /* [n_tokens][width]; ROUTER: gates as multiplied */
    const int32_t *experts;        /* ROUTER: [n_tokens][width], ascending; else NULL */
} ins1_observation;
typedef int32_t (*ins1_observe_fn)(
    void *user, const ins1_observation *observation); /* nonzero = INS1_E_CALLBACK */
/* [S] From the next prefill or step on; mask 0 = off. Runs on the calling thread, positions in
 * order within a layer. Changes no bit. */
INS1_API ins1_status ins1_session_observe(ins1_session *session, uint32_t mask,
                                          ins1_observe_fn callback, void *user,
                                          const ins1_call *call);
typedef struct ins1_pixels_info { /* Intern-S1: dim [tiles][3][H][W], grid 1 x rows x columns of
                                     tiles; Pro: dim [patches][values], grid in patches */
    uint32_t struct_size;
    int32_t n_tiles /* thumbnail included; 0 = no tiles */, grid_t, grid_h, grid_w, n_dim;
    size_t dim[4], n_tokens;
} ins1_pixels_info;
enum { INS1_PREPROCESS_RAW = 1u /* 0..255 after the resize, before normalisation */ };
/* [S] What the reference's processor gives its model; then the two halves of encoding it. _tower:
 * last hidden state before projector or merger. */
INS1_API ins1_status ins1_vision_encoder_preprocess(ins1_vision_encoder *encoder,
                                                    const ins1_image *image, uint32_t flags,
                                                    float *out, size_t capacity, size_t *count,
                                                    ins1_pixels_info *info, const ins1_call *call);
INS1_API ins1_status ins1_vision_encoder_preprocess_video(ins1_vision_encoder *encoder,
                                                          const ins1_video *video, uint32_t flags,
                                                          float *out, size_t capacity,
                                                          size_t *count, ins1_pixels_info *info,
                                                          const ins1_call *call);
INS1_API ins1_status ins1_vision_encoder_encode_pixels(ins1_embeds **out,
                                                       ins1_vision_encoder *encoder,
                                                       const float *pixels,
                                                       const ins1_pixels_info *info,
                                                       const ins1_call *call);
INS1_API ins1_status ins1_vision_encoder_tower(ins1_embeds **out, ins1_vision_encoder *encoder,
                                               const float *pixels, const ins1_pixels_info *info,
                                               const ins1_call *call);
/* [S] samples: [n_samples][n_channels], normalised. */
INS1_API ins1_status ins1_timeseries_encoder_preprocess(ins1_timeseries_encoder *encoder,
                                                        const ins1_timeseries *series, float *out,
                                                        size_t capacity, size_t *count,
                                                        const ins1_call *call);
INS1_API ins1_status ins1_timeseries_encoder_encode_samples(
    ins1_embeds **out, ins1_timeseries_encoder *encoder, const float *samples, size_t n_samples,
    size_t n_channels, double sample_rate_hz, const ins1_call *call);
INS1_API ins1_status ins1_timeseries_encoder_tower(ins1_embeds **out,
                                                   ins1_timeseries_encoder *encoder,
                                                   const float *samples, size_t n_samples,
                                                   size_t n_channels, double sample_rate_hz,
                                                   const ins1_call *call);

#ifdef __cplusplus
}
#endif

#endif
