/* The commands of parts that this version does not have yet. */
#include "commands.h"
#include "json.h"

#include <stdio.h>

static int refuse(const command *c, const char *part, const flag *flags, size_t n_flags, int argc,
                  char **argv)
{
    settings s = { .is_computing = true };
    const char *operands[2];
    int status = args_parse(c, flags, n_flags, &s, argc, argv, operands);
    if (status != ARGS_OK)
        return status;
    fprintf(stderr, "ins1 %s: %s is not in this version (%s)\n", c->name, part,
            ins1_status_name(INS1_E_UNSUPPORTED));
    return 1;
}

static int embed(int argc, char **argv)
{
    const char *text;
    float number;
    bool is_set;
    const flag flags[] = {
        { "--image", FLAG_TEXT, &text, "FILE", "an image" },
        { "--video", FLAG_TEXT, &text, "FOLDER", "frames, in the order of their names" },
        { "--fps", FLAG_REAL, &number, "N", "frames per second of the video (default: 24)" },
        { "--series", FLAG_TEXT, &text, "FILE", "a time series" },
        { "--rate", FLAG_REAL, &number, "HZ", "samples per second of the series" },
        { "--pixels", FLAG_TEXT, &text, "FILE.npy",
          "pixel values as the reference's processor gives them" },
        { "--grid", FLAG_TEXT, &text, "T,H,W", "the grid of the pixels, in patches" },
        { "--samples", FLAG_TEXT, &text, "FILE.npy", "samples of a time series" },
        { "--tower", FLAG_SET, &is_set, NULL, "the last hidden state before projector or merger" },
    };
    return refuse(&embed_command, "encoding of images and time series", flags,
                  sizeof(flags) / sizeof(*flags), argc, argv);
}

const command embed_command = {
    .name = "embed",
    .operands = "MODEL OUT.npy",
    .summary = "Encode an image, a video or a time series (not in this version)",
    .about = "",
    .example = "ins1 embed MODEL OUT.npy --image cell.png",
    .run = embed,
};
