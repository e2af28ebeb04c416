#include "vision/source.h"

#include "base/checked.h"
#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "vision/patches.h"
#include "vision/resize.h"
#include "vision/tiles.h"

#include <stdio.h>

enum { MAX_TEMPORAL = 16 }; /* frames of a patch, as the reader of the config allows */

/* --- shapes --- */

static ins1_status check_pixels(const s1_source *source, ins1_error *error)
{
    const s1_pixels *pixels = &source->pixels;
    uint64_t bytes = sizeof(float);

    for (int32_t i = 0; i < pixels->n_dim; i++)
        if (!s1_mul(bytes, pixels->dim[i], &bytes) || bytes > PTRDIFF_MAX)
            return s1_fail(error, INS1_E_ARGUMENT, "%zu tokens of pixels are more than memory",
                           pixels->n_tokens);
    if (pixels->n_tokens > source->max_tokens)
        return s1_fail(error, INS1_E_ARGUMENT, "%s becomes %zu tokens, at most %zu were asked for",
                       source->is_video ? "the video" : "the image", pixels->n_tokens,
                       source->max_tokens);
    return INS1_OK;
}

ins1_status s1_source_of_size(s1_source *out, const s1_vision_processor *processor, int32_t width,
                              int32_t height, size_t max_tokens, ins1_error *error)
{
    ins1_status status = INS1_OK;

    *out = (s1_source){ .processor = processor, .max_tokens = max_tokens };
    if (width < 1 || height < 1)
        return s1_fail(error, INS1_E_ARGUMENT, "%d x %d pixels, both must be positive", width,
                       height);
    if (processor->kind == S1_VISION_TILES)
        s1_tiles_of_image(&out->pixels, processor, width, height);
    else
        status = s1_patches_of_image(&out->pixels, processor, width, height, error);
    return status == INS1_OK ? check_pixels(out, error) : status;
}

ins1_status s1_source_of_clip(s1_source *out, const s1_vision_processor *processor,
                              const ins1_video *video, size_t max_tokens, ins1_error *error)
{
    *out = (s1_source){ .processor = processor, .max_tokens = max_tokens, .is_video = true };
    ins1_status status = s1_clip_read(&out->clip, video, processor, error);
    if (status != INS1_OK)
        return status;
    const s1_clip *clip = &out->clip;
    if (processor->kind == S1_VISION_TILES)
        s1_tiles_of_video(&out->pixels, processor, clip->n_used);
    else
        status = s1_patches_of_video(&out->pixels, processor, clip->n_used, clip->width,
                                     clip->height, error);
    return status == INS1_OK ? check_pixels(out, error) : status;
}

/* --- pixels --- */

/* A value of 8 bits has 256 results: each is computed once, with the reference's operations. */
static void fill_table(s1_source *source, const s1_vision_scale *scale, uint32_t flags)
{
    for (int c = 0; c < 3; c++)
        for (int p = 0; p < 256; p++)
            source->table.of[c][p] =
                flags & S1_SOURCE_RAW ? (float)p : ((float)p - scale->mean[c]) / scale->std[c];
}

ins1_status s1_source_of_image(s1_source *out, const s1_vision_processor *processor,
                               const ins1_image *given, const char *what, size_t max_tokens,
                               const s1_host *host, uint32_t flags, const s1_call *call)
{
    ins1_image image;
    s1_picture picture;

    *out = (s1_source){ 0 };
    if (!given)
        return s1_fail(call->error, INS1_E_ARGUMENT, "there is no image");
    ins1_status status = s1_struct_import(&image, given, sizeof(image), call->error);
    if (status == INS1_OK)
        status = s1_picture_read(&picture, &image, what, call->error);
    if (status == INS1_OK)
        status =
            s1_source_of_size(out, processor, image.width, image.height, max_tokens, call->error);
    if (status == INS1_OK)
        status = s1_picture_check_numbers(&picture, what, call->error);
    if (status != INS1_OK)
        return status;
    out->picture = picture;
    out->host = host;
    fill_table(out, &processor->image, flags);
    return INS1_OK;
}

static ins1_status read_frame(const s1_source *source, size_t index, s1_picture *out,
                              ins1_error *error)
{
    ins1_image image;
    char what[40];

    snprintf(what, sizeof(what), "frame %zu", index);
    ins1_status status = s1_clip_image(&source->clip, index, &image, error);
    if (status == INS1_OK)
        status = s1_picture_read(out, &image, what, error);
    if (status == INS1_OK)
        status = s1_picture_check_numbers(out, what, error);
    return status;
}

ins1_status s1_source_of_video(s1_source *out, const s1_vision_processor *processor,
                               const ins1_video *video, size_t max_tokens, const s1_host *host,
                               uint32_t flags, const s1_call *call)
{
    if (!video)
        return s1_fail(call->error, INS1_E_ARGUMENT, "there is no video");
    ins1_status status = s1_source_of_clip(out, processor, video, max_tokens, call->error);
    for (size_t i = 0; status == INS1_OK && i < out->clip.n_used; i++) {
        s1_picture picture;
        status = read_frame(out, s1_clip_index(&out->clip, i), &picture, call->error);
    }
    if (status != INS1_OK)
        return status;
    out->host = host;
    fill_table(out, &processor->video, flags);
    return INS1_OK;
}

void s1_source_finish(s1_source *source)
{
    if (source->canvas)
        s1_free(source->host->memory, source->canvas, source->canvas_size, INS1_MEM_SCRATCH);
    source->canvas = NULL;
}

/* Bytes of what one resize of an image gives, without the thumbnail. */
static uint64_t grid_size(const s1_source *source)
{
    const s1_pixels *p = &source->pixels;
    uint64_t size = (uint64_t)p->height * (uint64_t)p->width * 3;
    if (p->n_tiles && !source->is_video)
        size *= (uint64_t)p->grid_h * (uint64_t)p->grid_w;
    return size;
}

static ins1_status make_canvas(s1_source *source, const s1_call *call)
{
    const s1_pixels *p = &source->pixels;
    uint64_t size = grid_size(source);

    if (source->canvas)
        return INS1_OK;
    if (!source->is_video && p->n_tiles > 1)
        size += (uint64_t)p->height * (uint64_t)p->width * 3;
    if (source->is_video && !p->n_tiles)
        size *= (uint64_t)source->processor->temporal;
    source->canvas_size = (size_t)size;
    if (size <= PTRDIFF_MAX)
        source->canvas = s1_alloc(source->host->memory, (size_t)size, INS1_MEM_SCRATCH);
    if (!source->canvas)
        return s1_out_of_memory(source->host->memory, size, "the resized pixels", call->error);
    return INS1_OK;
}

static ins1_status fill_image(s1_source *source, const s1_call *call)
{
    const s1_pixels *p = &source->pixels;
    const bool is_cut = p->n_tiles > 1;
    int32_t width = is_cut ? p->width * p->grid_w : p->width;
    int32_t height = is_cut ? p->height * p->grid_h : p->height;

    if (source->is_ready)
        return INS1_OK;
    ins1_status status =
        s1_resize(source->canvas, width, height, &source->picture, source->host, call);
    if (status == INS1_OK && is_cut)
        status = s1_resize(source->canvas + grid_size(source), p->width, p->height,
                           &source->picture, source->host, call);
    source->is_ready = status == INS1_OK;
    return status;
}

static ins1_status fill_frame(s1_source *source, size_t i, uint8_t *canvas, const s1_call *call)
{
    s1_picture picture;
    ins1_status status = read_frame(source, s1_clip_index(&source->clip, i), &picture, call->error);
    if (status != INS1_OK)
        return status;
    return s1_resize(canvas, source->pixels.width, source->pixels.height, &picture, source->host,
                     call);
}

/* Where tile `unit` begins in the canvas. */
static const uint8_t *tile_at(const s1_source *source, size_t unit, size_t *stride)
{
    const s1_pixels *p = &source->pixels;
    size_t columns = (size_t)p->grid_w, width = (size_t)p->width * 3;

    *stride = width;
    if (source->is_video || p->n_tiles == 1)
        return source->canvas;
    if (unit + 1 == (size_t)p->n_tiles)
        return source->canvas + grid_size(source);
    *stride = width * columns;
    return source->canvas + unit / columns * (size_t)p->height * *stride + unit % columns * width;
}

static ins1_status read_tile(s1_source *source, size_t unit, float *out, const s1_call *call)
{
    size_t stride;

    ins1_status status = source->is_video ? fill_frame(source, unit, source->canvas, call)
                                          : fill_image(source, call);
    if (status != INS1_OK)
        return status;
    const uint8_t *tile = tile_at(source, unit, &stride);
    s1_tiles_write(out, &source->pixels, tile, stride, &source->table);
    return INS1_OK;
}

/* The frames of a step: an image is all of them, the last frame of a video is repeated. */
static ins1_status read_step(s1_source *source, size_t unit, float *out, const s1_call *call)
{
    const uint8_t *frames[MAX_TEMPORAL];
    const size_t temporal = (size_t)source->processor->temporal, size = (size_t)grid_size(source);
    ins1_status status = source->is_video ? INS1_OK : fill_image(source, call);

    for (size_t t = 0; status == INS1_OK && t < temporal; t++) {
        const size_t i = unit * temporal + t;
        uint8_t *canvas = source->canvas + t * size;
        frames[t] = source->is_video && i < source->clip.n_used ? canvas
                    : t                                         ? frames[t - 1]
                                                                : source->canvas;
        if (source->is_video && i < source->clip.n_used)
            status = fill_frame(source, i, canvas, call);
    }
    if (status == INS1_OK)
        s1_patches_write(out, source->processor, &source->pixels, frames, &source->table);
    return status;
}

ins1_status s1_source_read(s1_source *source, size_t unit, float *out, const s1_call *call)
{
    ins1_status status = make_canvas(source, call);
    if (status == INS1_OK)
        status = source->pixels.n_tiles ? read_tile(source, unit, out, call)
                                        : read_step(source, unit, out, call);
    return status == INS1_OK ? s1_call_check(call) : status;
}

double s1_source_time(const s1_source *source, size_t unit)
{
    return s1_clip_step_time(&source->clip, unit,
                             source->pixels.n_tiles ? 1 : (size_t)source->processor->temporal);
}
