/* vision FOLDER LEVEL: the tower of a folder against what the reference implementation computed
 * from the same pixels, layer by layer, at one CPU level; and the same bits however it is cut. */

#include "golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIPPED = 77, MAX_LAYERS = 16 };

static const double tolerance = 2e-5; /* of the range of what is compared */

static int n_wrong, n_compared;

/* Pixels of one case, as a caller hands them over, and what comes out of them. */
typedef struct entry {
    char name[40];
    array pixels, hidden, embeds; /* expected: [layers + 1][rows][width], [tokens][dim] */
    ins1_pixels_info info;
    double embeds_rms; /* how far the reference's own BF16 run is */
} entry;

/* How the same computation is cut; the bits must not care. */
typedef struct manner {
    const char *name;
    int32_t threading, n_threads;
    uint64_t scratch_budget;
} manner;

typedef struct bench {
    ins1_runtime *runtime;
    ins1_model *model;
    ins1_vision_encoder *encoder;
    ins1_error error;
    ins1_call call;
} bench;

/* --- comparing --- */

static double distance(const float *got, const float *expected, size_t n)
{
    double low = INFINITY, high = -INFINITY, worst = 0;
    for (size_t i = 0; i < n; i++) {
        double difference = fabs((double)got[i] - expected[i]);
        if (!(difference <= worst))
            worst = difference;
        low = fmin(low, expected[i]);
        high = fmax(high, expected[i]);
    }
    return worst / (high > low ? high - low : 1);
}

static double rms(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return sqrt(sum / (double)n);
}

static void compare(const char *where, const char *what, const float *got, const float *expected,
                    size_t n, double *worst)
{
    double error = distance(got, expected, n);
    n_compared++;
    *worst = error > *worst ? error : *worst;
    if (error <= tolerance)
        return;
    printf("%s: %s differs by %.3g of its range, %.3g allowed\n", where, what, error, tolerance);
    n_wrong++;
}

/* --- reading --- */

static size_t count(const array *a)
{
    size_t n = 1;
    for (int i = 0; i < a->rank; i++)
        n *= a->dim[i];
    return n;
}

static array expected(const char *folder, const entry *e, const char *what)
{
    char name[100];
    snprintf(name, sizeof(name), "expect/%s.%s.npy", e->name, what);
    array a = read_npy(folder, name);
    if (!a.data)
        fail("%s/%s is missing", folder, name);
    return a;
}

static void read_grid(entry *e, s1_json grid)
{
    int32_t *sides[] = { &e->info.grid_t, &e->info.grid_h, &e->info.grid_w };
    s1_json_walk walk = s1_json_begin(grid);
    s1_json key, number;
    int64_t value;
    for (int i = 0; s1_json_next(&walk, &key, &number) && i < 3; i++)
        if (s1_json_int(number, &value))
            *sides[i] = (int32_t)value;
}

static void read_entry(entry *e, const char *folder, s1_json from)
{
    char file[60];
    s1_json name = s1_json_get(from, "name");

    *e = (entry){ .info = INS1_INIT(ins1_pixels_info) };
    snprintf(e->name, sizeof(e->name), "%.*s", (int)name.size - 2, name.text + 1);
    s1_json_double(s1_json_get(from, "embeds_rms"), &e->embeds_rms);
    read_grid(e, s1_json_get(from, "grid"));
    snprintf(file, sizeof(file), "%s.npy", e->name);
    e->pixels = read_npy(folder, file);
    e->hidden = expected(folder, e, "hidden");
    e->embeds = expected(folder, e, "embeds");
    e->info.n_dim = e->pixels.rank;
    for (int i = 0; i < e->pixels.rank; i++)
        e->info.dim[i] = e->pixels.dim[i];
    if (e->pixels.rank == 4)
        e->info.n_tiles = (int32_t)e->pixels.dim[0];
}

static size_t read_entries(const char *folder, entry **out)
{
    text t = read_text(folder, "vision.json");
    s1_json root, key, item;
    if (s1_json_parse(&root, t.bytes, t.size, NULL) != INS1_OK)
        fail("%s/vision.json is no JSON", folder);
    size_t n = 0;
    *out = calloc(s1_json_count(root) + 1, sizeof(**out));
    s1_json_walk walk = s1_json_begin(root);
    while (s1_json_next(&walk, &key, &item))
        read_entry(&(*out)[n++], folder, item);
    free(t.bytes);
    return n;
}

/* --- running --- */

static int32_t host_parallel_for(void *user, ins1_task_fn fn, void *arg, int32_t n)
{
    (void)user;
    for (int32_t i = n - 1; i >= 0; i--) /* any order will do */
        fn(arg, i, 0);
    return 0;
}

/* False when this machine or build lacks the level. */
static bool open_bench(bench *b, const char *folder, const char *level, const manner *m,
                       int32_t precision)
{
    ins1_threading threading = INS1_INIT(ins1_threading);
    ins1_model_options model = INS1_INIT(ins1_model_options);
    ins1_vision_encoder_options encoder = INS1_INIT(ins1_vision_encoder_options);

    int32_t device;

    *b = (bench){ .error = INS1_INIT(ins1_error), .call = INS1_INIT(ins1_call) };
    b->call.error = &b->error;
    threading.mode = m->threading;
    threading.n_threads = m->n_threads;
    threading.parallel_for = m->threading == INS1_THREADS_HOST ? host_parallel_for : NULL;
    if (!open_place(&b->runtime, &device, level, &threading, &b->call))
        return false;
    model.path = folder;
    model.parts = INS1_PART_VISION | INS1_PART_DECODER;
    must(ins1_model_open(&b->model, b->runtime, &model, &b->call), &b->error, folder);
    encoder.precision = precision;
    encoder.device = device;
    encoder.scratch_budget = m->scratch_budget;
    must(ins1_vision_encoder_create(&b->encoder, b->model, &encoder, &b->call), &b->error,
         "encoder");
    return true;
}

static void close_bench(bench *b)
{
    ins1_vision_encoder_release(b->encoder);
    ins1_model_release(b->model);
    ins1_runtime_release(b->runtime);
}

static float *values_of(bench *b, ins1_embeds *embeds, size_t n)
{
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    size_t got = 0;

    must(ins1_embeds_info_get(embeds, &info, &b->call), &b->error, "info");
    if (info.n_tokens * info.dim != n)
        fail("%zu rows of %zu, %zu numbers were expected", info.n_tokens, info.dim, n);
    float *values = calloc(n, sizeof(*values));
    must(ins1_embeds_read_f32(embeds, 0, info.n_tokens, values, n, &got, &b->call), &b->error,
         "values");
    ins1_embeds_release(embeds);
    return values;
}

static float *embeds_of(bench *b, const entry *e)
{
    ins1_embeds *embeds = NULL;
    must(ins1_vision_encoder_encode_pixels(&embeds, b->encoder, e->pixels.data, &e->info, &b->call),
         &b->error, e->name);
    return values_of(b, embeds, count(&e->embeds));
}

static float *tower_of(bench *b, const entry *e)
{
    ins1_embeds *embeds = NULL;
    must(ins1_vision_encoder_tower(&embeds, b->encoder, e->pixels.data, &e->info, &b->call),
         &b->error, e->name);
    return values_of(b, embeds, count(&e->hidden) / e->hidden.dim[0]);
}

/* --- layers --- */

typedef struct trace {
    const entry *e;
    size_t rows; /* of a unit */
    float *hidden;
} trace;

static int32_t keep(void *user, const ins1_observation *seen)
{
    trace *t = user;
    const size_t of_layer = count(&t->e->hidden) / t->e->hidden.dim[0];
    const size_t at = (size_t)seen->seq * t->rows + seen->first;
    if ((size_t)seen->layer >= t->e->hidden.dim[0] ||
        (at + seen->n_tokens) * seen->width > of_layer)
        return 1;
    memcpy(t->hidden + (size_t)seen->layer * of_layer + at * seen->width, seen->values,
           seen->n_tokens * seen->width * sizeof(float));
    return 0;
}

static void check_layers(bench *b, const char *where, const entry *e, double *worst)
{
    const size_t n = count(&e->hidden), of_layer = n / e->hidden.dim[0];
    trace t = { .e = e, .hidden = calloc(n, sizeof(float)) };

    t.rows = e->info.n_tiles ? e->hidden.dim[2] : (size_t)e->info.grid_h * (size_t)e->info.grid_w;
    must(ins1_vision_encoder_observe(b->encoder, INS1_OBSERVE_HIDDEN, keep, &t, &b->call),
         &b->error, "observe");
    float *tower = tower_of(b, e);
    must(ins1_vision_encoder_observe(b->encoder, 0, NULL, NULL, &b->call), &b->error, "observe");
    for (size_t i = 0; i < e->hidden.dim[0]; i++) {
        char what[40];
        snprintf(what, sizeof(what), "layer %zu", i);
        compare(where, what, t.hidden + i * of_layer, (float *)e->hidden.data + i * of_layer,
                of_layer, worst);
    }
    compare(where, "tower", tower, (float *)e->hidden.data + n - of_layer, of_layer, worst);
    free(tower);
    free(t.hidden);
}

/* --- the same bits --- */

static void same_bits(const char *where, const char *how, const float *got, const float *first,
                      size_t n)
{
    n_compared++;
    if (!memcmp(got, first, n * sizeof(*got)))
        return;
    printf("%s: other bits with %s\n", where, how);
    n_wrong++;
}

/* A tile, or a step in time, alone. */
static void check_units(bench *b, const char *where, const entry *e, const float *first)
{
    const size_t n_units = (size_t)(e->info.n_tiles ? e->info.n_tiles : e->info.grid_t);
    const size_t n_in = count(&e->pixels) / n_units, n_out = count(&e->embeds) / n_units;

    for (size_t i = 0; i < n_units; i++) {
        entry one = *e;
        one.pixels.data = (float *)e->pixels.data + i * n_in;
        one.info.dim[0] /= n_units;
        one.info.n_tiles = e->info.n_tiles ? 1 : 0;
        one.info.grid_t = e->info.n_tiles ? 0 : 1;
        one.embeds.dim[0] /= n_units;
        float *got = embeds_of(b, &one);
        same_bits(where, "a part alone", got, first + i * n_out, n_out);
        free(got);
    }
}

static void check_manners(const char *folder, const char *level, const entry *entries, size_t n,
                          float *const *first)
{
    static const manner manners[] = {
        { "2 threads", INS1_THREADS_OWN, 2, 0 },
        { "3 threads", INS1_THREADS_OWN, 3, 0 },
        { "8 threads, little scratch", INS1_THREADS_OWN, 8, 150000 },
        { "host's parallel-for", INS1_THREADS_HOST, 2, 0 },
    };
    for (size_t k = 0; k < sizeof(manners) / sizeof(manners[0]); k++) {
        bench b;
        open_bench(&b, folder, level, &manners[k], INS1_PRECISION_F32);
        for (size_t i = 0; i < n; i++) {
            float *got = embeds_of(&b, &entries[i]);
            same_bits(entries[i].name, manners[k].name, got, first[i], count(&entries[i].embeds));
            free(got);
        }
        close_bench(&b);
    }
}

/* `bf16` activations may be no farther from the F32 reference than the reference's own BF16 run,
 * over all cases. */
static void check_bf16(const char *folder, const char *level, const entry *entries, size_t n)
{
    const manner plain = { "plain", INS1_THREADS_CALLER, 0, 0 };
    double ours = 0, theirs = 0;
    bench b;

    open_bench(&b, folder, level, &plain, INS1_PRECISION_BF16);
    for (size_t i = 0; i < n; i++) {
        const size_t values = count(&entries[i].embeds);
        float *got = embeds_of(&b, &entries[i]);
        double off = rms(got, entries[i].embeds.data, values);
        ours += off * off * (double)values;
        theirs += entries[i].embeds_rms * entries[i].embeds_rms * (double)values;
        free(got);
    }
    close_bench(&b);
    n_compared++;
    printf("%s: bf16 activations at %.2f of the reference's own distance\n", folder,
           sqrt(ours / theirs));
    if (ours <= theirs && ours > 0)
        return;
    printf("%s: bf16 activations are farther from F32 than the reference's BF16, or none are\n",
           folder);
    n_wrong++;
}

static void check_folder(bench *b, const char *folder, const char *level)
{
    entry *entries;
    const size_t n = read_entries(folder, &entries);
    float **first = calloc(n, sizeof(*first));
    double worst = 0;

    for (size_t i = 0; i < n; i++) {
        const entry *e = &entries[i];
        check_layers(b, e->name, e, &worst);
        first[i] = embeds_of(b, e);
        compare(e->name, "embeddings", first[i], e->embeds.data, count(&e->embeds), &worst);
        if (is_level(level))
            check_units(b, e->name, e, first[i]);
    }
    if (is_level(level))
        check_manners(folder, level, entries, n, first);
    check_bf16(folder, level, entries, n);
    printf("%s: at most %.2g of the range away\n", folder, worst);
    for (size_t i = 0; i < n; i++) {
        free(first[i]);
        free_array(&entries[i].pixels);
        free_array(&entries[i].hidden);
        free_array(&entries[i].embeds);
    }
    free(first);
    free(entries);
}

int main(int argc, char **argv)
{
    const manner plain = { "plain", INS1_THREADS_CALLER, 0, 0 };
    bench b;

    if (argc != 3)
        fail("vision FOLDER LEVEL");
    if (!open_bench(&b, argv[1], argv[2], &plain, INS1_PRECISION_F32)) {
        printf("skipped: level %s is not on this machine or not in this build\n", argv[2]);
        return SKIPPED;
    }
    check_folder(&b, argv[1], argv[2]);
    close_bench(&b);
    printf("%d comparisons, %d wrong\n", n_compared, n_wrong);
    return n_wrong || n_warnings || !n_compared ? 1 : 0;
}
