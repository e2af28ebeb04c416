#include "embed.h"

#include "frames.h"
#include "json.h"
#include "media.h"
#include "npy.h"
#include "text.h"

#include <interns1/inspect.h>
#include <stdlib.h>
#include <string.h>

static ins1_status make_encoder(embed_task *t, ins1_vision_encoder **out)
{
    ins1_vision_encoder_options options = INS1_INIT(ins1_vision_encoder_options);
    options.device = t->e.device;
    options.precision = engine_encoder_precision(&t->s);
    return ins1_vision_encoder_create(out, t->e.model, &options, &t->e.call);
}

/* --- pixels --- */

/* The tower's rows stay apart by tiles. */
static ins1_status encode_pixels(embed_task *t, ins1_vision_encoder *encoder, const float *pixels,
                                 const ins1_pixels_info *info, ins1_embeds **out)
{
    if (!t->wants_tower)
        return ins1_vision_encoder_encode_pixels(out, encoder, pixels, info, &t->e.call);
    t->n_tiles = (size_t)info->n_tiles;
    return ins1_vision_encoder_tower(out, encoder, pixels, info, &t->e.call);
}

ins1_status embed_pixels(embed_task *t, const char *file, ins1_embeds **out)
{
    ins1_pixels_info info = INS1_INIT(ins1_pixels_info);
    ins1_vision_encoder *encoder = NULL;
    size_t dim[NPY_MAX_DIM], n_dim;
    float *pixels = NULL;

    if (t->grid.n && t->grid.n != 3)
        return fail(&t->e.error, INS1_E_ARGUMENT, "--grid has %zu numbers, T,H,W is expected",
                    t->grid.n);
    ins1_status status = npy_read_f32(&pixels, dim, &n_dim, file, &t->e.error);
    if (status == INS1_OK)
        status = make_encoder(t, &encoder);
    if (status == INS1_OK) {
        info.n_dim = (int32_t)n_dim;
        memcpy(info.dim, dim, n_dim * sizeof(*dim));
        info.n_tiles = n_dim == 4 && dim[0] <= INT32_MAX ? (int32_t)dim[0] : 0;
        info.grid_t = t->grid.n ? t->grid.at[0] : 0;
        info.grid_h = t->grid.n ? t->grid.at[1] : 0;
        info.grid_w = t->grid.n ? t->grid.at[2] : 0;
        status = encode_pixels(t, encoder, pixels, &info, out);
    }
    ins1_vision_encoder_release(encoder);
    free(pixels);
    return status;
}

/* --- images and videos --- */

/* One image, or a video. */
typedef struct medium {
    const ins1_image *image;
    const ins1_video *video;
} medium;

static ins1_status preprocess(embed_task *t, ins1_vision_encoder *encoder, const medium *m,
                              float *out, size_t capacity, size_t *n, ins1_pixels_info *info)
{
    return m->video ? ins1_vision_encoder_preprocess_video(encoder, m->video, 0, out, capacity, n,
                                                           info, &t->e.call)
                    : ins1_vision_encoder_preprocess(encoder, m->image, 0, out, capacity, n, info,
                                                     &t->e.call);
}

static ins1_status run_tower(embed_task *t, ins1_vision_encoder *encoder, const medium *m,
                             ins1_embeds **out)
{
    ins1_pixels_info info = INS1_INIT(ins1_pixels_info);
    size_t n = 0;

    ins1_status status = preprocess(t, encoder, m, NULL, 0, &n, &info);
    if (status != INS1_E_BUFFER)
        return status;
    float *pixels = allocate(n, sizeof(*pixels));
    status = preprocess(t, encoder, m, pixels, n, &n, &info);
    if (status == INS1_OK)
        status = encode_pixels(t, encoder, pixels, &info, out);
    free(pixels);
    return status;
}

static ins1_status encode(embed_task *t, const medium *m, ins1_embeds **out)
{
    ins1_vision_encoder *encoder = NULL;

    ins1_status status = make_encoder(t, &encoder);
    if (status == INS1_OK && t->wants_tower)
        status = run_tower(t, encoder, m, out);
    else if (status == INS1_OK && m->video)
        status = ins1_vision_encoder_encode_video(out, encoder, m->video, &t->e.call);
    else if (status == INS1_OK)
        status = ins1_vision_encoder_encode(out, encoder, m->image, 1, &t->e.call);
    ins1_vision_encoder_release(encoder);
    return status;
}

ins1_status embed_image(embed_task *t, const char *path, ins1_embeds **out)
{
    ins1_io_image *file = NULL;
    ins1_image image;
    const medium m = { .image = &image };

    ins1_status status = media_image_open(&file, &image, &t->e, path);
    if (status == INS1_OK)
        status = encode(t, &m, out);
    media_image_release(file);
    return status;
}

ins1_status embed_video(embed_task *t, const char *folder, ins1_embeds **out)
{
    ins1_video video;
    const medium m = { .video = &video };
    frames files;

    ins1_status status = frames_open(&files, &video, &t->e, folder, (double)t->fps);
    if (status == INS1_OK)
        status = encode(t, &m, out);
    frames_close(&files);
    return status;
}
