/* Tiles through a vision tower and its projector, by the public interface alone, beside what the
 * machine can do at best in the same minute:
 *
 *     vision MODEL [THREADS [LEVEL]]
 *
 * Reads a number of tiles from each line, encodes as many and answers with a line of JSON: seconds,
 * the probes' GFLOP/s, and a digest of each tile's rows, which is the same whatever the number of
 * tiles and threads. A file's name behind the number gets the rows, F32 [tiles * tokens][width]. */

#include "interns1/vision.h"
#include "interns1/inspect.h"

#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TOKENS = 256, SIDE = 448, VALUES = 3 * SIDE * SIDE };

typedef struct bench {
    ins1_error error;
    ins1_call call;
    ins1_runtime *runtime;
    ins1_model *model;
    ins1_vision_encoder *encoder;
    prober *prober;
} bench;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static ins1_status open_model(bench *b, const char *path, int32_t n_threads, const char *level)
{
    ins1_threading threading = INS1_INIT(ins1_threading);
    ins1_runtime_options runtime = INS1_INIT(ins1_runtime_options);
    ins1_model_options model = INS1_INIT(ins1_model_options);
    ins1_vision_encoder_options encoder = INS1_INIT(ins1_vision_encoder_options);

    threading.mode = INS1_THREADS_OWN;
    threading.n_threads = n_threads;
    runtime.threading = &threading;
    runtime.cpu_level = level;
    model.parts = INS1_PART_VISION;
    model.path = path;
    encoder.precision = INS1_PRECISION_BF16;
    ins1_status status = ins1_runtime_create(&b->runtime, &runtime, &b->call);
    if (status == INS1_OK)
        status = ins1_model_open(&b->model, b->runtime, &model, &b->call);
    if (status == INS1_OK)
        status = ins1_vision_encoder_create(&b->encoder, b->model, &encoder, &b->call);
    return status;
}

static void close_model(bench *b)
{
    ins1_vision_encoder_release(b->encoder);
    ins1_model_release(b->model);
    ins1_runtime_release(b->runtime);
}

/* The same numbers for every engine, in [-1, 1). */
static float *make_pixels(size_t n_tiles)
{
    float *pixels = malloc(n_tiles * VALUES * sizeof(*pixels));
    for (size_t i = 0; pixels && i < n_tiles * VALUES; i++)
        pixels[i] = (float)((uint32_t)(i % VALUES * 2654435761u) >> 8) / 8388608.0f - 1.0f;
    return pixels;
}

static uint64_t digest(const float *rows, size_t n)
{
    uint64_t d = 1;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &rows[i], sizeof(bits));
        d = (d ^ bits) * UINT64_C(0x100000001b3);
    }
    return d;
}

static void save(const char *path, const float *rows, size_t n)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(rows, sizeof(*rows), n, file) != n)
        fprintf(stderr, "%s cannot be written\n", path);
    if (file)
        fclose(file);
}

static ins1_status answer(bench *b, const ins1_embeds *embeds, size_t n_tiles, double seconds,
                          const char *path)
{
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    size_t count;
    ins1_status status = ins1_embeds_info_get(embeds, &info, &b->call);
    if (status != INS1_OK)
        return status;

    const size_t n = info.n_tokens * info.dim;
    float *rows = malloc(n * sizeof(*rows));
    status = ins1_embeds_read_f32(embeds, 0, info.n_tokens, rows, rows ? n : 0, &count, &b->call);
    if (status == INS1_OK && path[0])
        save(path, rows, n);
    if (status == INS1_OK) {
        probes peak = prober_run(b->prober);
        printf("{\"tiles\": %zu, \"seconds\": %.6f, \"bf16_GFLOPs\": %.1f, \"fp32_GFLOPs\": %.1f, "
               "\"digests\": [",
               n_tiles, seconds, peak.bf16_GFLOPs, peak.fp32_GFLOPs);
        for (size_t i = 0; i < n_tiles; i++)
            printf("%s\"%016llx\"", i ? ", " : "",
                   (unsigned long long)digest(rows + i * (n / n_tiles), n / n_tiles));
        printf("]}\n");
        fflush(stdout);
    }
    free(rows);
    return status;
}

static ins1_status encode(bench *b, size_t n_tiles, const char *path)
{
    float *pixels = make_pixels(n_tiles);
    ins1_embeds *embeds = NULL;
    ins1_pixels_info info = INS1_INIT(ins1_pixels_info);

    if (!pixels)
        return INS1_E_MEMORY;
    info.n_tiles = info.grid_t = (int32_t)n_tiles;
    info.grid_h = info.grid_w = 1;
    info.n_dim = 4;
    info.dim[0] = n_tiles;
    info.dim[1] = 3;
    info.dim[2] = info.dim[3] = SIDE;
    info.n_tokens = n_tiles * TOKENS;
    double start = now();
    ins1_status status =
        ins1_vision_encoder_encode_pixels(&embeds, b->encoder, pixels, &info, &b->call);
    double seconds = now() - start;
    if (status == INS1_OK)
        status = answer(b, embeds, n_tiles, seconds, path);
    ins1_embeds_release(embeds);
    free(pixels);
    return status;
}

int main(int argc, char **argv)
{
    int32_t n_threads = argc > 2 ? atoi(argv[2]) : 1;
    bench b = { .error = INS1_INIT(ins1_error), .call = INS1_INIT(ins1_call) };
    char line[4096];
    ins1_status status = INS1_OK;

    b.call.error = &b.error;
    b.prober = prober_create(n_threads);
    if (argc < 2 || !b.prober)
        return 2;
    status = open_model(&b, argv[1], n_threads, argc > 3 ? argv[3] : NULL);
    while (status == INS1_OK && fgets(line, sizeof(line), stdin)) {
        char path[sizeof(line)] = "";
        size_t n_tiles = 0;
        if (sscanf(line, "%zu %4095s", &n_tiles, path) < 1 || n_tiles < 1 || n_tiles > 1000)
            break;
        status = encode(&b, n_tiles, path);
    }
    if (status != INS1_OK)
        fprintf(stderr, "%s: %s\n", ins1_status_name(status), b.error.text);
    close_model(&b);
    prober_destroy(b.prober);
    return status == INS1_OK ? 0 : 1;
}
