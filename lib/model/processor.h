#ifndef S1_MODEL_PROCESSOR_H
#define S1_MODEL_PROCESSOR_H

#include "base/error.h"
#include "base/json.h"
#include "vision/processor.h"

/* How images and videos are prepared: from config.json, and from preprocessor_config.json and
 * video_preprocessor_config.json where they are there (NONE where not). INS1_E_FORMAT or
 * INS1_E_UNSUPPORTED names the file, the key, what was found and what is expected. */
ins1_status s1_processor_read(s1_vision_processor *out, s1_json config, s1_json image,
                              s1_json video, ins1_error *error);

#endif
