/* How long a step takes from C: the fastest tenth of 400 steps, one thread, in microseconds.
 *     steps MODEL
 */

#include <interns1/interns1.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STEPS 400

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    ins1_runtime *runtime = NULL;
    ins1_model *model = NULL;
    ins1_decoder *decoder = NULL;
    ins1_session *session = NULL;
    ins1_model_options options = INS1_INIT(ins1_model_options);
    const ins1_step step = { 0, 7 };
    size_t kept = 0;
    static double took[STEPS];

    if (argc != 2)
        return fprintf(stderr, "usage: steps MODEL\n"), 2;
    options.path = argv[1];
    if (ins1_runtime_create(&runtime, NULL, NULL) != INS1_OK ||
        ins1_model_open(&model, runtime, &options, NULL) != INS1_OK ||
        ins1_decoder_create(&decoder, model, NULL, NULL) != INS1_OK ||
        ins1_session_create(&session, decoder, NULL, NULL) != INS1_OK)
        return 1;
    for (int i = 0; i < STEPS; i++) {
        if (i % 100 == 0 && ins1_session_truncate(session, 0, 0, &kept, NULL) != INS1_OK)
            return 1;
        double start = now();
        if (ins1_session_step(session, &step, 1, NULL) != INS1_OK)
            return 1;
        took[i] = now() - start;
    }
    qsort(took, STEPS, sizeof(*took), by_value);
    printf("%.1f\n", took[STEPS / 10]);
    ins1_session_release(session);
    ins1_decoder_release(decoder);
    ins1_model_release(model);
    ins1_runtime_release(runtime);
    return 0;
}
