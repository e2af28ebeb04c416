/* What the reference's processor gives its model, for who wants to see it. */

#include "interns1/inspect.h"

#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "vision/source.h"
#include "vision/vision.h"

#include <string.h>

/* Of the info only its size is known to be the caller's. */
static void forget(size_t *count, ins1_pixels_info *info)
{
    if (count)
        *count = 0;
    if (info && info->struct_size > sizeof(info->struct_size))
        memset((char *)info + sizeof(info->struct_size), 0,
               info->struct_size - sizeof(info->struct_size));
}

static ins1_status export_info(ins1_pixels_info *out, const s1_pixels *pixels, ins1_error *error)
{
    ins1_pixels_info info = {
        .n_tiles = pixels->n_tiles,
        .grid_t = pixels->grid_t,
        .grid_h = pixels->grid_h,
        .grid_w = pixels->grid_w,
        .n_dim = pixels->n_dim,
        .n_tokens = pixels->n_tokens,
    };
    memcpy(info.dim, pixels->dim, sizeof(info.dim));
    return out ? s1_struct_export(out, &info, sizeof(info), error) : INS1_OK;
}

/* A unit of which only the first `n` values have a place. */
static ins1_status read_part(s1_source *source, size_t unit, float *out, size_t n,
                             const s1_call *call)
{
    const size_t size = s1_pixels_unit_values(&source->pixels) * sizeof(float);

    float *whole = s1_alloc(source->host->memory, size, INS1_MEM_SCRATCH);
    if (!whole)
        return s1_out_of_memory(source->host->memory, size, "pixels", call->error);
    ins1_status status = s1_source_read(source, unit, whole, call);
    if (status == INS1_OK)
        memcpy(out, whole, n * sizeof(*out));
    s1_free(source->host->memory, whole, size, INS1_MEM_SCRATCH);
    return status;
}

static ins1_status read_all(s1_source *source, float *out, size_t capacity, size_t *count,
                            const s1_call *call)
{
    const size_t of_one = s1_pixels_unit_values(&source->pixels);
    const size_t needed = of_one * s1_pixels_units(&source->pixels);
    const size_t n = capacity < needed ? capacity : needed;
    ins1_status status = INS1_OK;

    for (size_t at = 0; status == INS1_OK && at < n; at += of_one)
        status = n - at < of_one ? read_part(source, at / of_one, out + at, n - at, call)
                                 : s1_source_read(source, at / of_one, out + at, call);
    if (status != INS1_OK)
        return status;
    *count = needed;
    if (n < needed)
        return s1_fail(call->error, INS1_E_BUFFER, "room for %zu floats, %zu needed", capacity,
                       needed);
    return INS1_OK;
}

/* An image or a video, whichever is there. */
static ins1_status preprocess(ins1_vision_encoder *encoder, const ins1_image *image,
                              const ins1_video *video, uint32_t flags, float *out, size_t capacity,
                              size_t *count, ins1_pixels_info *info, const s1_call *call)
{
    const s1_host *host = s1_runtime_host(encoder->runtime);
    const uint32_t raw = flags & INS1_PREPROCESS_RAW ? S1_SOURCE_RAW : 0;
    s1_source source = { 0 };

    if (flags & ~(uint32_t)INS1_PREPROCESS_RAW)
        return s1_fail(call->error, INS1_E_VERSION, "preprocess flags 0x%x are too new", flags);
    if (!count || (capacity && !out))
        return s1_fail(call->error, INS1_E_ARGUMENT, "no place for pixels or their number");
    ins1_status status = video
                             ? s1_source_of_video(&source, &encoder->processor, video,
                                                  encoder->max_tokens, host, raw, call)
                             : s1_source_of_image(&source, &encoder->processor, image, "the image",
                                                  encoder->max_tokens, host, raw, call);
    if (status == INS1_OK)
        status = read_all(&source, out, capacity, count, call);
    if (status == INS1_OK || status == INS1_E_BUFFER) {
        ins1_status told = export_info(info, &source.pixels, call->error);
        status = told == INS1_OK ? status : told;
    }
    s1_source_finish(&source);
    return status;
}

ins1_status ins1_vision_encoder_preprocess(ins1_vision_encoder *encoder, const ins1_image *image,
                                           uint32_t flags, float *out, size_t capacity,
                                           size_t *count, ins1_pixels_info *info,
                                           const ins1_call *given)
{
    s1_call call;

    forget(count, info);
    ins1_status status = s1_vision_enter(encoder, &call, given);
    if (status != INS1_OK)
        return status;
    status = preprocess(encoder, image, NULL, flags, out, capacity, count, info, &call);
    s1_vision_leave(encoder);
    return status;
}

ins1_status ins1_vision_encoder_preprocess_video(ins1_vision_encoder *encoder,
                                                 const ins1_video *video, uint32_t flags,
                                                 float *out, size_t capacity, size_t *count,
                                                 ins1_pixels_info *info, const ins1_call *given)
{
    s1_call call;

    forget(count, info);
    ins1_status status = s1_vision_enter(encoder, &call, given);
    if (status != INS1_OK)
        return status;
    if (!video)
        status = s1_fail(call.error, INS1_E_ARGUMENT, "there is no video");
    else
        status = preprocess(encoder, NULL, video, flags, out, capacity, count, info, &call);
    s1_vision_leave(encoder);
    return status;
}
