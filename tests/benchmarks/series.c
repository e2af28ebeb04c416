/* series MODEL [THREADS [PRECISION [SAMPLES]]]: how long the time-series encoder takes for signals
 * of 10^4 to 10^6 samples at 1 kHz, and how much memory beside what comes out. A row of RESULTS.md
 * for each.
 */

#include <interns1/interns1.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static ins1_error error = INS1_INIT(ins1_error);
static ins1_call call = INS1_INIT(ins1_call);

static void must(ins1_status status)
{
    if (status == INS1_OK)
        return;
    fprintf(stderr, "%s: %s\n", ins1_status_name(status), error.text);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

typedef struct figures {
    size_t n_tokens;
    double seconds;
    uint64_t beside; /* most bytes from the allocator at once, without the embeddings */
} figures;

/* A runtime for itself, so that its highest memory is this signal's. */
static figures measure(const char *path, int32_t threads, int32_t precision, const float *samples,
                       size_t n)
{
    ins1_threading threading = INS1_INIT(ins1_threading);
    ins1_runtime_options runtime_options = INS1_INIT(ins1_runtime_options);
    ins1_model_options model_options = INS1_INIT(ins1_model_options);
    ins1_timeseries_encoder_options options = INS1_INIT(ins1_timeseries_encoder_options);
    ins1_timeseries series = INS1_INIT(ins1_timeseries);
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    ins1_mem_stats memory = INS1_INIT(ins1_mem_stats);
    ins1_runtime *runtime;
    ins1_model *model;
    ins1_timeseries_encoder *encoder;
    ins1_embeds *embeds;

    threading.mode = INS1_THREADS_OWN;
    threading.n_threads = threads;
    runtime_options.threading = &threading;
    must(ins1_runtime_create(&runtime, &runtime_options, &call));
    model_options.path = path;
    model_options.parts = INS1_PART_TIMESERIES;
    must(ins1_model_open(&model, runtime, &model_options, &call));
    options.precision = precision;
    must(ins1_timeseries_encoder_create(&encoder, model, &options, &call));
    series.dtype = INS1_SAMPLE_F32;
    series.data = samples;
    series.n_samples = 1000; /* once before, so that pages are mapped and threads are awake */
    series.n_channels = 1;
    series.sample_rate_hz = 1000;
    must(ins1_timeseries_encoder_encode(&embeds, encoder, &series, 1, &call));
    ins1_embeds_release(embeds);

    series.n_samples = n;
    double begin = now();
    must(ins1_timeseries_encoder_encode(&embeds, encoder, &series, 1, &call));
    figures f = { .seconds = now() - begin };
    must(ins1_embeds_info_get(embeds, &info, &call));
    must(ins1_runtime_mem(runtime, &memory, &call));
    f.n_tokens = info.n_tokens;
    f.beside = memory.peak - info.n_tokens * info.dim * sizeof(float);
    ins1_embeds_release(embeds);
    ins1_timeseries_encoder_release(encoder);
    ins1_model_release(model);
    ins1_runtime_release(runtime);
    return f;
}

int main(int argc, char **argv)
{
    static const size_t lengths[] = { 10000, 31600, 100000, 316000, 1000000 };
    enum { N = sizeof(lengths) / sizeof(lengths[0]) };
    const int32_t threads = argc > 2 ? atoi(argv[2]) : 0;
    const bool is_f32 = argc > 3 && !strcmp(argv[3], "f32");
    const size_t only = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
    double first = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: series MODEL [THREADS [f32|bf16 [SAMPLES]]]\n");
        return 2;
    }
    call.error = &error;
    float *samples = malloc(lengths[N - 1] * sizeof(*samples));
    for (size_t i = 0; i < lengths[N - 1]; i++)
        samples[i] = sinf((float)i * 0.05f) + (float)(i * 2654435761u % 1000) / 1000;
    if (!only)
        printf("| samples | tokens | threads | precision | seconds | us a sample | of the first | "
               "MB beside the embeddings |\n|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < N; i++) {
        if (only && lengths[i] != only)
            continue;
        figures f = measure(argv[1], threads, is_f32 ? INS1_PRECISION_F32 : INS1_PRECISION_BF16,
                            samples, lengths[i]);
        double per_sample = f.seconds / (double)lengths[i] * 1e6;
        if (!(first > 0))
            first = per_sample;
        printf("| %zu | %zu | %d | %s | %.2f | %.2f | %.2f | %.1f |\n", lengths[i], f.n_tokens,
               threads, is_f32 ? "f32" : "bf16", f.seconds, per_sample, per_sample / first,
               (double)f.beside / 1e6);
        fflush(stdout);
    }
    free(samples);
    return 0;
}
