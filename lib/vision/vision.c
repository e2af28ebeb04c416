/* The handle of the vision encoder: its life, its door, and images through processor and tower. */

#include "vision/vision.h"

#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "runtime/embeds.h"
#include "vision/source.h"

#include <stdio.h>

enum {
    PIXELS_TOGETHER = 1 << 22, /* values; a unit may have more */
    LARGE_SIDE = 1 << 15,      /* of an image that every processor makes smaller */
};

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

    status = s1_vision_limit(&encoder->processor, options->max_tokens, call->error);
    if (status == INS1_OK && !(options->flags & INS1_VISION_ENCODER_NO_WEIGHTS))
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

/* Only what never changes is read: there is no door to pass. */
static ins1_status begin_to_count(const ins1_vision_encoder *encoder, s1_call *call,
                                  size_t *n_tokens, const ins1_call *given)
{
    if (n_tokens)
        *n_tokens = 0;
    ins1_status status = s1_call_begin(call, given);
    if (status != INS1_OK)
        return status;
    if (!encoder || !n_tokens)
        return s1_fail(call->error, INS1_E_ARGUMENT,
                       "no vision encoder, or no place for the number of tokens");
    return INS1_OK;
}

ins1_status ins1_vision_encoder_tokens(const ins1_vision_encoder *encoder, int32_t width,
                                       int32_t height, size_t *n_tokens, const ins1_call *given)
{
    s1_source source;
    s1_call call;

    ins1_status status = begin_to_count(encoder, &call, n_tokens, given);
    if (status == INS1_OK)
        status = s1_source_of_size(&source, &encoder->processor, width, height, encoder->max_tokens,
                                   call.error);
    if (status == INS1_OK)
        *n_tokens = source.pixels.n_tokens;
    return status;
}

ins1_status ins1_vision_encoder_video_tokens(const ins1_vision_encoder *encoder,
                                             const ins1_video *video, size_t *n_tokens,
                                             const ins1_call *given)
{
    s1_source source;
    s1_call call;

    ins1_status status = begin_to_count(encoder, &call, n_tokens, given);
    if (status == INS1_OK && !video)
        status = s1_fail(call.error, INS1_E_ARGUMENT, "there is no video");
    if (status == INS1_OK)
        status =
            s1_source_of_clip(&source, &encoder->processor, video, encoder->max_tokens, call.error);
    if (status == INS1_OK)
        *n_tokens = source.pixels.n_tokens;
    return status;
}

/* --- encoding --- */

/* Units that go to the tower together: as many as their pixels allow. */
static size_t units_together(const s1_pixels *pixels)
{
    size_t units = s1_pixels_units(pixels), of_one = s1_pixels_unit_values(pixels);
    size_t most = PIXELS_TOGETHER / of_one ? PIXELS_TOGETHER / of_one : 1;
    return units < most ? units : most;
}

void s1_vision_plan(s1_tower_needs *out, const s1_vision_config *config,
                    const s1_vision_processor *processor, const ins1_allocator *memory)
{
    const int64_t n = (int64_t)processor->max_tiles + 1;
    s1_source source = { 0 };

    *out = (s1_tower_needs){ 0 };
    if (s1_source_of_size(&source, processor, LARGE_SIDE, LARGE_SIDE, SIZE_MAX, NULL) != INS1_OK)
        return;
    if (processor->kind == S1_VISION_TILES && source.pixels.n_tiles < n)
        source.pixels.n_tiles = (int32_t)n;
    s1_tower_plan(out, config, &source.pixels, memory);
    out->tables += sizeof(ins1_vision_encoder);
    out->scratch +=
        units_together(&source.pixels) * s1_pixels_unit_values(&source.pixels) * sizeof(float);
}

/* All units to `out`, [rows][width]. */
static ins1_status encode_units(ins1_vision_encoder *encoder, s1_source *source, float *out,
                                const s1_call *call)
{
    const size_t units = s1_pixels_units(&source->pixels), most = units_together(&source->pixels);
    const size_t of_one = s1_pixels_unit_values(&source->pixels);
    const size_t size = most * of_one * sizeof(float);
    ins1_status status = INS1_OK;

    float *pixels = s1_alloc(encoder->memory, size, INS1_MEM_SCRATCH);
    if (!pixels)
        return s1_out_of_memory(encoder->memory, size, "pixels", call->error);
    for (size_t first = 0; status == INS1_OK && first < units; first += most) {
        const size_t n = units - first < most ? units - first : most;
        const s1_pixels part = s1_pixels_part(&source->pixels, n);
        for (size_t i = 0; status == INS1_OK && i < n; i++)
            status = s1_source_read(source, first + i, pixels + i * of_one, call);
        if (status == INS1_OK)
            status = s1_tower_encode(encoder->tower, pixels, &part, false, out, call);
        out += s1_tower_rows(encoder->tower, &part, false) * s1_tower_width(encoder->tower, false);
    }
    s1_free(encoder->memory, pixels, size, INS1_MEM_SCRATCH);
    return status;
}

/* `times` may be NULL. */
static ins1_status encode_source(ins1_embeds **out, ins1_vision_encoder *encoder, s1_source *source,
                                 const double *times, const s1_call *call)
{
    const s1_pixels *pixels = &source->pixels;
    const ins1_embeds_info info = {
        .struct_size = sizeof(info),
        .n_tokens = s1_tower_rows(encoder->tower, pixels, false),
        .dim = s1_tower_width(encoder->tower, false),
        .modality = source->is_video ? INS1_MODALITY_VIDEO : INS1_MODALITY_IMAGE,
        .grid_t = pixels->grid_t,
        .grid_h = pixels->grid_h,
        .grid_w = pixels->grid_w,
        .times = times,
        .n_times = times ? (size_t)pixels->grid_t : 0,
    };
    float *values;

    ins1_status status = s1_embeds_make_values(&values, encoder->runtime, &info, call->error);
    if (status != INS1_OK)
        return status;
    status = encode_units(encoder, source, values, call);
    if (status == INS1_OK)
        return s1_embeds_finish_values(out, encoder->runtime, &info, values, call->error);
    s1_free(encoder->memory, values, info.n_tokens * info.dim * sizeof(*values), INS1_MEM_OBJECT);
    return status;
}

/* Rows of an image in the tower; of one that will fail in its turn, none. */
static size_t count_rows(const ins1_vision_encoder *encoder, const ins1_image *given)
{
    ins1_image image;
    s1_source source;

    if (s1_struct_import(&image, given, sizeof(image), NULL) != INS1_OK ||
        s1_source_of_size(&source, &encoder->processor, image.width, image.height,
                          encoder->max_tokens, NULL) != INS1_OK)
        return 0;
    return s1_tower_rows(encoder->tower, &source.pixels, true);
}

static void begin_images(ins1_vision_encoder *encoder, const ins1_image *images, size_t n)
{
    size_t n_rows = 0;
    for (size_t i = 0; i < n; i++)
        n_rows += count_rows(encoder, s1_struct_at(images, i));
    s1_tower_begin(encoder->tower, n_rows);
}

static ins1_status encode_image(ins1_embeds **out, ins1_vision_encoder *encoder,
                                const ins1_image *image, size_t index, const s1_call *call)
{
    s1_source source = { 0 };
    char what[40];

    snprintf(what, sizeof(what), "image %zu", index);
    ins1_status status =
        s1_source_of_image(&source, &encoder->processor, image, what, encoder->max_tokens,
                           s1_runtime_host(encoder->runtime), 0, call);
    if (status == INS1_OK)
        status = encode_source(out, encoder, &source, NULL, call);
    s1_source_finish(&source);
    return status;
}

ins1_status ins1_vision_encoder_encode(ins1_embeds **out, ins1_vision_encoder *encoder,
                                       const ins1_image *images, size_t n_images,
                                       const ins1_call *given)
{
    s1_call call;

    for (size_t i = 0; out && i < n_images; i++)
        out[i] = NULL;
    ins1_status status = s1_vision_enter(encoder, &call, given);
    if (status != INS1_OK)
        return status;
    if (n_images && (!out || !images))
        status = s1_fail(call.error, INS1_E_ARGUMENT,
                         "no place for the embeddings of %zu images, or no images", n_images);
    if (status == INS1_OK)
        status = s1_vision_needs_tower(encoder, &call);
    if (status == INS1_OK && n_images)
        begin_images(encoder, images, n_images);
    for (size_t i = 0; status == INS1_OK && i < n_images; i++)
        status = encode_image(&out[i], encoder, s1_struct_at(images, i), i, &call);
    for (size_t i = 0; status != INS1_OK && out && i < n_images; i++) {
        ins1_embeds_release(out[i]);
        out[i] = NULL;
    }
    s1_vision_leave(encoder);
    return status;
}

static ins1_status encode_clip(ins1_embeds **out, ins1_vision_encoder *encoder, s1_source *source,
                               const s1_call *call)
{
    const size_t n = (size_t)source->pixels.grid_t;

    double *times = s1_alloc_array(encoder->memory, n, sizeof(*times), INS1_MEM_SCRATCH);
    if (!times)
        return s1_out_of_memory(encoder->memory, n * sizeof(*times), "the times of a video",
                                call->error);
    for (size_t i = 0; i < n; i++)
        times[i] = s1_source_time(source, i);
    s1_tower_begin(encoder->tower, s1_tower_rows(encoder->tower, &source->pixels, true));
    ins1_status status = encode_source(out, encoder, source, times, call);
    s1_free(encoder->memory, times, n * sizeof(*times), INS1_MEM_SCRATCH);
    return status;
}

ins1_status ins1_vision_encoder_encode_video(ins1_embeds **out, ins1_vision_encoder *encoder,
                                             const ins1_video *video, const ins1_call *given)
{
    s1_source source = { 0 };
    s1_call call;

    if (out)
        *out = NULL;
    ins1_status status = s1_vision_enter(encoder, &call, given);
    if (status != INS1_OK)
        return status;
    if (!out)
        status = s1_fail(call.error, INS1_E_ARGUMENT, "no place for the embeddings of a video");
    if (status == INS1_OK)
        status = s1_vision_needs_tower(encoder, &call);
    if (status == INS1_OK)
        status = s1_source_of_video(&source, &encoder->processor, video, encoder->max_tokens,
                                    s1_runtime_host(encoder->runtime), 0, &call);
    if (status == INS1_OK)
        status = encode_clip(out, encoder, &source, &call);
    s1_source_finish(&source);
    s1_vision_leave(encoder);
    return status;
}
