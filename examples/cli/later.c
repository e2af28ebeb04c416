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

static int preprocess(int argc, char **argv)
{
    const char *text;
    bool is_set;
    const flag flags[] = {
        { "--image", FLAG_TEXT, &text, "FILE", "an image" },
        { "--uint8", FLAG_SET, &is_set, NULL, "after the resize, before normalisation" },
    };
    return refuse(&preprocess_command, "preprocessing of images", flags, 2, argc, argv);
}

const command preprocess_command = {
    .name = "preprocess",
    .operands = "MODEL OUT.npy",
    .summary = "Prepare an image as the encoder takes it (not in this version)",
    .about = "",
    .example = "ins1 preprocess MODEL OUT.npy --image cell.png",
    .run = preprocess,
};
