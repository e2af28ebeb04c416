#include "embed.h"
#include "commands.h"
#include "npy.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

/* Where the embeddings come from: the flag's value, what it needs, and who reads it. */
typedef struct source {
    const char *flag;
    const char *file;
    uint32_t part;
    ins1_status (*encode)(embed_task *t, const char *file, ins1_embeds **out);
} source;

static ins1_status write_rows(embed_task *t, const char *path, const ins1_embeds *embeds)
{
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    size_t n = 0;

    ins1_status status = ins1_embeds_info_get(embeds, &info, &t->e.call);
    if (status != INS1_OK)
        return status;
    const size_t flat[] = { info.n_tokens, info.dim };
    const size_t tiled[] = { t->n_tiles, t->n_tiles ? info.n_tokens / t->n_tiles : 0, info.dim };
    float *rows = allocate(info.n_tokens * info.dim, sizeof(*rows));
    status = ins1_embeds_read_f32(embeds, 0, info.n_tokens, rows, info.n_tokens * info.dim, &n,
                                  &t->e.call);
    if (status == INS1_OK)
        status = npy_write(path, "<f4", t->n_tiles ? tiled : flat, t->n_tiles ? 3 : 2, rows,
                           &t->e.error);
    free(rows);
    if (status != INS1_OK)
        return status;
    printf("{\"tokens\": %zu, \"dim\": %zu", info.n_tokens, info.dim);
    if (info.grid_t)
        printf(", \"grid\": [%d, %d, %d]", info.grid_t, info.grid_h, info.grid_w);
    printf("}\n");
    return INS1_OK;
}

static int encode(embed_task *t, const source *from, const char *model, const char *path)
{
    ins1_embeds *embeds = NULL;

    ins1_status status = engine_open(&t->e, &t->s, model, from->part);
    if (status == INS1_OK)
        status = from->encode(t, from->file, &embeds);
    if (status == INS1_OK)
        status = write_rows(t, path, embeds);
    ins1_embeds_release(embeds);
    return status == INS1_OK ? 0 : engine_failed(&t->e, &embed_command);
}

static int run(int argc, char **argv)
{
    embed_task t = { .s = { .is_computing = true, .is_exact = true } };
    source sources[] = {
        { "--image", NULL, INS1_PART_VISION, embed_image },
        { "--video", NULL, INS1_PART_VISION, embed_video },
        { "--pixels", NULL, INS1_PART_VISION, embed_pixels },
        { "--series", NULL, INS1_PART_TIMESERIES, embed_series },
        { "--samples", NULL, INS1_PART_TIMESERIES, embed_series },
    };
    const char *operands[2];
    const flag flags[] = {
        { "--image", FLAG_TEXT, &sources[0].file, "FILE", "an image, PNG or JPEG" },
        { "--video", FLAG_TEXT, &sources[1].file, "FOLDER",
          "frames, PNG or JPEG, in the order of their names" },
        { "--fps", FLAG_REAL, &t.fps, "N", "frames per second of the video (default: 24)" },
        { "--pixels", FLAG_TEXT, &sources[2].file, "FILE.npy",
          "pixel values as the reference's processor gives them" },
        { "--grid", FLAG_COUNTS, &t.grid, "T,H,W", "the grid of the pixels, in patches" },
        { "--series", FLAG_TEXT, &sources[3].file, "FILE", "a time series" },
        { "--samples", FLAG_TEXT, &sources[4].file, "FILE.npy", "samples of a time series" },
        { "--rate", FLAG_REAL, &t.rate, "HZ",
          "samples per second (default: the file's, or a quarter of the length)" },
        { "--max-samples", FLAG_SIZE, &t.max_samples, "N",
          "encode the first N; all are normalised (default: all)" },
        { "--unbiased", FLAG_SET, &t.is_unbiased, NULL, "standard deviations over n - 1" },
        { "--tower", FLAG_SET, &t.wants_tower, NULL,
          "the last hidden state before projector or merger" },
    };
    const source *from = NULL;
    int status = args_parse(&embed_command, flags, sizeof(flags) / sizeof(*flags), &t.s, argc, argv,
                            operands);
    if (status != ARGS_OK)
        return status;
    for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
        if (!sources[i].file)
            continue;
        if (from)
            return usage_error(&embed_command, "both %s and %s are given", from->flag,
                               sources[i].flag);
        from = &sources[i];
    }
    if (!from)
        return usage_error(
            &embed_command,
            "nothing to encode; give --image, --video, --pixels, --series or --samples");
    if (t.fps != 0 && from->encode != embed_video)
        return usage_error(&embed_command, "--fps is given with %s, which has none", from->flag);
    if (t.rate != 0 && from->part != INS1_PART_TIMESERIES)
        return usage_error(&embed_command, "--rate is given with %s, which has none", from->flag);
    status = encode(&t, from, operands[0], operands[1]);
    engine_stop(&t.e);
    return status;
}

const command embed_command = {
    .name = "embed",
    .operands = "MODEL OUT.npy",
    .summary = "Encode an image, a video or a time series",
    .about =
        "Writes float32 [tokens][dim] as the decoder takes them and prints {\"tokens\": n, "
        "\"dim\": d,\n"
        "\"grid\": [t, h, w]}: in patches, or of tiles; none of series. --pixels has the shape\n"
        "[tiles][3][H][W], or [patches][values] with --grid. The library normalises samples.\n"
        "Files of series: NPY, CSV, WAV, EDF, BDF, WFDB, miniSEED.",
    .example = "ins1 embed MODEL OUT.npy --image cell.png",
    .run = run,
};
