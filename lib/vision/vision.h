#ifndef S1_VISION_VISION_H
#define S1_VISION_VISION_H

#include "base/call.h"
#include "base/guard.h"
#include "interns1/vision.h"
#include "runtime/runtime.h"
#include "vision/processor.h"
#include "vision/tower.h"

/* A checkpoint's vision part; one thread at a time. */
struct ins1_vision_encoder {
    s1_guard guard;
    ins1_runtime *runtime; /* kept alive by `keeper` */
    void *keeper;          /* whose tensors these are; released with the encoder */
    void (*release_keeper)(void *keeper);
    const ins1_allocator *memory;
    s1_vision_processor processor;
    size_t max_tokens; /* of an image or a video; SIZE_MAX: as the processor says */
    s1_tower *tower;   /* owned; NULL without weights */
};

/* What model/ hands over. `keeper` is what keeps the tensors and the runtime alive: on success the
 * encoder owns one reference to it and drops it with `release_keeper`. */
typedef struct s1_vision_source {
    ins1_runtime *runtime;
    void *keeper;
    void (*release_keeper)(void *keeper);
    const s1_vision_processor *processor;
    const s1_vision_weights *weights; /* NULL with INS1_VISION_ENCODER_NO_WEIGHTS */
} s1_vision_source;

/* `options` was imported. */
ins1_status s1_vision_create(ins1_vision_encoder **out, const s1_vision_source *source,
                             const ins1_vision_encoder_options *options, const s1_call *call);

/* The same for the largest image that a processor makes, with the pixels on their way. */
void s1_vision_plan(s1_tower_needs *out, const s1_vision_config *config,
                    const s1_vision_processor *processor, const ins1_allocator *memory);

/* Around every call on an encoder. */
ins1_status s1_vision_enter(ins1_vision_encoder *encoder, s1_call *call, const ins1_call *given);
void s1_vision_leave(ins1_vision_encoder *encoder);

/* INS1_E_STATE where there is no tower. */
ins1_status s1_vision_needs_tower(const ins1_vision_encoder *encoder, const s1_call *call);

#endif
