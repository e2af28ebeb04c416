#ifndef S1_MODEL_QUANTIZATION_H
#define S1_MODEL_QUANTIZATION_H

#include "model/settings.h"

#define S1_QUANTIZATION_FP8  "fp8"  /* e4m3 with a scale for each block of 128 x 128 */
#define S1_QUANTIZATION_INT8 "int8" /* compressed-tensors' W8A8 */

/* Reads "quantization_config" of config.json. `out` receives one of the above, NULL where there is
 * no such object. */
ins1_status s1_quantization_read(const char **out, s1_json object, ins1_error *error);

#endif
