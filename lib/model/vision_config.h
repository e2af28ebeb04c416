#ifndef S1_MODEL_VISION_CONFIG_H
#define S1_MODEL_VISION_CONFIG_H

#include "base/error.h"
#include "base/json.h"
#include "vision/weights.h"

/* What config.json says of the vision tower, checked and complete. `root` has a vision_config.
 * `n_embd` is the width of the decoder's states. INS1_E_FORMAT or INS1_E_UNSUPPORTED names the key,
 * what was found and what is expected. */
ins1_status s1_vision_config_read(s1_vision_config *out, s1_json root, int32_t n_embd,
                                  ins1_error *error);

/* The kind of tower that a vision_config describes; 0 for one that is not known. */
s1_vision_kind s1_vision_kind_of(s1_json vision);

#endif
