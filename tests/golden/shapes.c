/* Opens and plans a checkpoint of a released model's shapes, which no machine has the memory for.
 */

#include "interns1/interns1.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Published numbers: parameters of the text model, all and those that work on a token; bytes of KV
 * cache for a token in BF16. Of the encoders: their parameters, all in BF16. */
static const struct {
    const char *model;
    uint64_t params, active, kv_per_token;
    int32_t n_vocab, n_layer, n_expert;
    uint64_t vision, series;
} released[] = {
    { "intern-s1-mini", 8201221120, 8201221120, 147456, 153216, 36, 0, 337583104, 0 },
    { "intern-s1", 235104120320, 22201249280, 192512, 153216, 94, 128, 5605735808, 0 },
    { "intern-s1-fp8", 235104120320, 22201249280, 192512, 153216, 94, 128, 5605735808, 0 },
    { "intern-s1-pro-series", 916555853128, 22363794760, 192512, 155008, 94, 512, 339807232,
      148533200 },
};

/* More than lies in the files by less than a fiftieth: kernels of convolutions lie otherwise. */
static int is_unlike(const ins1_part_bytes *part)
{
    return part->host < part->disk || part->host - part->disk > part->disk / 50;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int differ(const char *what, uint64_t found, uint64_t expected)
{
    if (found != expected)
        fprintf(stderr, "%s is %" PRIu64 ", not %" PRIu64 "\n", what, found, expected);
    return found != expected;
}

static int check(ins1_runtime *runtime, const char *path, size_t at)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    ins1_model_options options = INS1_INIT(ins1_model_options);
    ins1_model_info info = INS1_INIT(ins1_model_info);
    ins1_plan plan = INS1_INIT(ins1_plan);
    ins1_model *model = NULL;
    int wrong = 0;

    call.error = &error;
    options.path = path;
    const double begin = now();
    ins1_status status = ins1_model_plan(runtime, &options, NULL, NULL, &plan, &call);
    const double planned = now();
    if (status == INS1_OK)
        status = ins1_model_open(&model, runtime, &options, &call);
    printf("planned in %.2f s, opened in %.2f s\n", planned - begin, now() - planned);
    if (status != INS1_OK || ins1_model_info_get(model, &info, &call) != INS1_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    const uint64_t vision = released[at].vision, series = released[at].series;
    wrong += differ("parameters", info.n_params, released[at].params + vision + series);
    wrong += differ("bytes of the vision part", plan.vision.disk, 2 * vision);
    wrong += differ("bytes of the series part", plan.timeseries.disk, 2 * series);
    wrong += differ("parts", info.parts,
                    INS1_PART_VISION | INS1_PART_DECODER | (series ? INS1_PART_TIMESERIES : 0));
    wrong += is_unlike(&plan.vision) + is_unlike(&plan.timeseries);
    wrong += differ("active parameters", info.n_params_active, released[at].active);
    wrong += differ("bytes of KV per token", plan.kv_per_token, released[at].kv_per_token);
    wrong += differ("vocabulary", (uint64_t)info.n_vocab, (uint64_t)released[at].n_vocab);
    wrong += differ("layers", (uint64_t)info.n_layer, (uint64_t)released[at].n_layer);
    wrong += differ("experts", (uint64_t)info.n_expert, (uint64_t)released[at].n_expert);
    wrong += plan.total_host <= plan.decoder.disk || plan.least_total >= plan.total_host;
    ins1_model_release(model);
    return wrong;
}

int main(int argc, char **argv)
{
    ins1_runtime *runtime;
    if (argc != 3 || ins1_runtime_create(&runtime, NULL, NULL) != INS1_OK)
        return EXIT_FAILURE;
    int wrong = -1;
    for (size_t i = 0; i < sizeof(released) / sizeof(released[0]); i++)
        if (!strcmp(argv[2], released[i].model))
            wrong = check(runtime, argv[1], i);
    ins1_runtime_release(runtime);
    return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
