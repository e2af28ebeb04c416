/* The handle of the vision encoder: its life, its door, and images through processor and tower. */

#include "vision/vision.h"

#include "base/memory.h"
#include "base/meter.h"

/* --- life --- */

static void destroy(ins1_vision_encoder *encoder)
{
    if (!encoder)
        return;
    s1_tower_destroy(encoder->tower);
    s1_free(encoder->memory, encoder, sizeof(*encoder), INS1_MEM_OBJECT);
}

static ins1_status check_options(const ins1_vision_encoder_options *options, ins1_error *error)
{
    if (options->flags & ~(uint32_t)INS1_VISION_ENCODER_NO_WEIGHTS)
        return s1_fail(error, INS1_E_VERSION, "vision encoder flags 0x%x are too new",
                       options->flags);
    if (options->reserved0)
        return s1_fail(error, INS1_E_VERSION, "a reserved option of the vision encoder is set");
    if (options->max_tokens < 0)
        return s1_fail(error, INS1_E_ARGUMENT, "at most %d tokens, 0 or more are expected",
                       options->max_tokens);
    if (options->device < 0)
        return s1_fail(error, INS1_E_ARGUMENT, "device %d, 0 or more is expected", options->device);
    if (options->precision < 0 || options->precision > INS1_PRECISION_INT8)
        return s1_fail(error, INS1_E_ARGUMENT, "precision %d, known are 0 to %d",
                       options->precision, INS1_PRECISION_INT8);
    return INS1_OK;
}

ins1_status s1_vision_create(ins1_vision_encoder **out, const s1_vision_source *source,
                             const ins1_vision_encoder_options *options, const s1_call *call)
{
    const ins1_allocator *memory = s1_runtime_memory(source->runtime);

    *out = NULL;
    ins1_status status = check_options(options, call->error);
    if (status != INS1_OK)
        return status;
    ins1_vision_encoder *encoder = s1_alloc(memory, sizeof(*encoder), INS1_MEM_OBJECT);
    if (!encoder)
        return s1_out_of_memory(memory, sizeof(*encoder), "a vision encoder", call->error);
    encoder->runtime = source->runtime;
    encoder->memory = memory;
    encoder->processor = *source->processor;
    encoder->max_tokens = options->max_tokens ? (size_t)options->max_tokens : SIZE_MAX;
    s1_guard_leave(&encoder->guard);

    if (!(options->flags & INS1_VISION_ENCODER_NO_WEIGHTS))
        status = s1_tower_create(&encoder->tower, source->runtime, source->weights, options, call);
    if (status != INS1_OK) {
        destroy(encoder);
        return status;
    }
    encoder->keeper = source->keeper;
    encoder->release_keeper = source->release_keeper;
    *out = encoder;
    return INS1_OK;
}

void ins1_vision_encoder_release(ins1_vision_encoder *encoder)
{
    if (!encoder)
        return;
    void *keeper = encoder->keeper;
    void (*release_keeper)(void *) = encoder->release_keeper;
    destroy(encoder);
    release_keeper(keeper);
}

/* --- the door --- */

ins1_status s1_vision_enter(ins1_vision_encoder *encoder, s1_call *call, const ins1_call *given)
{
    ins1_status status = s1_call_begin(call, given);
    if (status != INS1_OK)
        return status;
    if (!encoder)
        return s1_fail(call->error, INS1_E_ARGUMENT, "the vision encoder is NULL");
    return s1_guard_enter(&encoder->guard, call->error);
}

void s1_vision_leave(ins1_vision_encoder *encoder)
{
    s1_guard_leave(&encoder->guard);
}

ins1_status s1_vision_needs_tower(const ins1_vision_encoder *encoder, const s1_call *call)
{
    if (encoder->tower)
        return INS1_OK;
    return s1_fail(call->error, INS1_E_STATE, "this vision encoder was made without weights");
}

/* --- numbers of tokens --- */

static ins1_status absent(const ins1_call *call)
{
    return s1_fail(s1_error_of(call), INS1_E_UNSUPPORTED,
                   "this version of the library has no vision encoder");
}

ins1_status ins1_vision_encoder_tokens(const ins1_vision_encoder *encoder, int32_t width,
                                       int32_t height, size_t *n_tokens, const ins1_call *call)
{
    (void)encoder;
    (void)width;
    (void)height;
    *n_tokens = 0;
    return absent(call);
}

ins1_status ins1_vision_encoder_video_tokens(const ins1_vision_encoder *encoder,
                                             const ins1_video *video, size_t *n_tokens,
                                             const ins1_call *call)
{
    (void)encoder;
    (void)video;
    *n_tokens = 0;
    return absent(call);
}

/* --- encoding --- */

ins1_status ins1_vision_encoder_encode(ins1_embeds **out, ins1_vision_encoder *encoder,
                                       const ins1_image *images, size_t n_images,
                                       const ins1_call *call)
{
    (void)encoder;
    (void)images;
    for (size_t i = 0; i < n_images; i++)
        out[i] = NULL;
    return absent(call);
}

ins1_status ins1_vision_encoder_encode_video(ins1_embeds **out, ins1_vision_encoder *encoder,
                                             const ins1_video *video, const ins1_call *call)
{
    (void)encoder;
    (void)video;
    *out = NULL;
    return absent(call);
}
