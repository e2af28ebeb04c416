#include "commands.h"
#include "media.h"
#include "npy.h"
#include "text.h"

#include <interns1/inspect.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct task {
    engine e;
    ins1_vision_encoder *encoder;
    ins1_io_image *file;
    ins1_image image;
    float *pixels;
    size_t n_pixels;
    ins1_pixels_info info;
    bool is_uint8;
} task;

/* Only these are read: a folder without weights, or with half of them, is enough. */
static const char *const needed[] = {
    "config.json",
    "preprocessor_config.json",
    "video_preprocessor_config.json",
};
enum { N_NEEDED = sizeof(needed) / sizeof(*needed) };

/* MODEL as those of the files that it has; as it is where it is no folder of them. */
static ins1_status open_model(task *t, const char *model)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    ins1_file files[N_NEEDED];
    buffer paths[N_NEEDED] = { 0 };

    for (size_t i = 0; i < N_NEEDED; i++) {
        text_printf(&paths[i], "%s/%s", model, needed[i]);
        if (access(paths[i].at, R_OK) != 0)
            continue;
        ins1_file *file = &files[options.n_files++];
        *file = (ins1_file)INS1_INIT(ins1_file);
        file->name = needed[i];
        file->path = paths[i].at;
    }
    if (options.n_files)
        options.files = files;
    else
        options.path = model;
    ins1_status status = ins1_model_open(&t->e.model, t->e.runtime, &options, &t->e.call);
    for (size_t i = 0; i < N_NEEDED; i++)
        text_free(&paths[i]);
    return status;
}

static ins1_status open_encoder(task *t)
{
    ins1_vision_encoder_options options = INS1_INIT(ins1_vision_encoder_options);
    options.flags = INS1_VISION_ENCODER_NO_WEIGHTS;
    return ins1_vision_encoder_create(&t->encoder, t->e.model, &options, &t->e.call);
}

static ins1_status prepare(task *t)
{
    const uint32_t flags = t->is_uint8 ? INS1_PREPROCESS_RAW : 0;

    t->info = (ins1_pixels_info)INS1_INIT(ins1_pixels_info);
    ins1_status status = ins1_vision_encoder_preprocess(t->encoder, &t->image, flags, NULL, 0,
                                                        &t->n_pixels, &t->info, &t->e.call);
    if (status != INS1_E_BUFFER)
        return status;
    t->pixels = allocate(t->n_pixels, sizeof(*t->pixels));
    return ins1_vision_encoder_preprocess(t->encoder, &t->image, flags, t->pixels, t->n_pixels,
                                          &t->n_pixels, &t->info, &t->e.call);
}

static ins1_status write_pixels(task *t, const char *path)
{
    const size_t n_dim = (size_t)t->info.n_dim;
    FILE *file;

    if (!t->is_uint8)
        return npy_write(path, "<f4", t->info.dim, n_dim, t->pixels, &t->e.error);
    unsigned char *bytes = (unsigned char *)t->pixels; /* in place: each is before its float */
    for (size_t i = 0; i < t->n_pixels; i++) {
        float value = t->pixels[i];
        bytes[i] = (unsigned char)value;
    }
    ins1_status status = npy_create(&file, path, "|u1", t->info.dim, n_dim, &t->e.error);
    if (status != INS1_OK)
        return status;
    fwrite(bytes, 1, t->n_pixels, file);
    return npy_close(file, path, &t->e.error);
}

static void print_info(const ins1_pixels_info *info)
{
    if (info->n_tiles)
        printf("{\"tiles\": %d, \"grid\": [%d, %d], \"tokens\": %zu}\n", info->n_tiles,
               info->grid_w, info->grid_h, info->n_tokens);
    else
        printf("{\"grid\": [%d, %d, %d], \"tokens\": %zu}\n", info->grid_t, info->grid_h,
               info->grid_w, info->n_tokens);
}

static ins1_status preprocess(task *t, const settings *s, const char *model, const char *image,
                              const char *out)
{
    ins1_status status = engine_start(&t->e, s);
    if (status == INS1_OK)
        status = open_model(t, model);
    if (status == INS1_OK)
        status = open_encoder(t);
    if (status == INS1_OK)
        status = media_image_open(&t->file, &t->image, &t->e, image);
    if (status == INS1_OK)
        status = prepare(t);
    return status == INS1_OK ? write_pixels(t, out) : status;
}

static int run(int argc, char **argv)
{
    task t = { 0 };
    settings s = { .is_computing = true };
    const char *operands[2], *image = NULL;
    const flag flags[] = {
        { "--image", FLAG_TEXT, &image, "FILE", "an image, PNG or JPEG" },
        { "--uint8", FLAG_SET, &t.is_uint8, NULL, "after the resize, before normalisation" },
    };
    int status = args_parse(&preprocess_command, flags, sizeof(flags) / sizeof(*flags), &s, argc,
                            argv, operands);
    if (status != ARGS_OK)
        return status;
    if (!image)
        return usage_error(&preprocess_command, "--image FILE is missing");
    status = 0;
    if (preprocess(&t, &s, operands[0], image, operands[1]) == INS1_OK)
        print_info(&t.info);
    else
        status = engine_failed(&t.e, &preprocess_command);
    free(t.pixels);
    media_image_release(t.file);
    ins1_vision_encoder_release(t.encoder);
    engine_stop(&t.e);
    return status;
}

const command preprocess_command = {
    .name = "preprocess",
    .operands = "MODEL OUT.npy",
    .summary = "Prepare an image as the encoder takes it",
    .about = "Writes pixel values as the reference's processor gives them to its model: Intern-S1 "
             "[tiles][3][H][W], Intern-S1-Pro [patches][values]. Of MODEL only config.json and "
             "preprocessor_config.json are read. Prints tiles, grid and number of tokens.",
    .example = "ins1 preprocess MODEL OUT.npy --image cell.png",
    .run = run,
};
