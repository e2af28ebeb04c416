#ifndef S1_DECODER_PLACEMENT_H
#define S1_DECODER_PLACEMENT_H

#include "backend/backend.h"
#include "decoder/weights.h"
#include "interns1/decoder.h"

/* Which layer is on which device: decoders are made and plans answered by the same arithmetic. */

/* Bytes of a layer's weights, of the embedding, and of what comes after the last layer, which is
 * less where the embedding is the head and lies on the same device. */
uint64_t s1_layer_bytes(const s1_decoder_config *config, const s1_layer_weights *layer);
uint64_t s1_embed_bytes(const s1_decoder_weights *weights);
uint64_t s1_head_bytes(const s1_decoder_weights *weights, bool has_embed);

/* Is the head the embedding once more? */
bool s1_head_is_embed(const s1_decoder_weights *weights);

/* Bytes of layers [first, end), with the embedding where the first is among them and the head where
 * the last is. */
uint64_t s1_run_bytes(const s1_decoder_config *config, const s1_decoder_weights *weights,
                      int32_t first, int32_t end);

/* `device_of` receives the index of each layer's device, [n_layer]. */
ins1_status s1_place_layers(int32_t *device_of, const s1_decoder_config *config,
                            const s1_decoder_weights *weights, const ins1_decoder_options *options,
                            s1_registry *registry, ins1_error *error);

/* Is no layer before it on its device? */
bool s1_is_first_on_device(const int32_t *device_of, int32_t layer);

#endif
