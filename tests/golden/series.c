/* series FOLDER LEVEL: every signal of a folder against what the reference's encoder gives for it,
 * at one CPU level, and the same bits for every number of threads and every size of scratch. */

#include "golden.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIPPED = 77 };

/* One case: the signal, how it is encoded, and what comes out. */
typedef struct task {
    char name[256];
    text file; /* that holds the samples */
    ins1_timeseries series;
    bool wants_tower, is_unbiased;
    double tolerance, bf16_rms;
    array expect;
} task;

/* --- reading --- */

static void read_signal(task *t, const char *folder, const char *name, double rate)
{
    static const struct {
        const char *name;
        int32_t dtype;
    } types[] = { { "'<i2'", INS1_SAMPLE_I16 },
                  { "'<i4'", INS1_SAMPLE_I32 },
                  { "'<f4'", INS1_SAMPLE_F32 },
                  { "'<f8'", INS1_SAMPLE_F64 } };
    ins1_timeseries *s = &t->series;

    t->file = read_text(folder, name);
    *s = (ins1_timeseries)INS1_INIT(ins1_timeseries);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strstr(t->file.bytes + 10, types[i].name))
            s->dtype = types[i].dtype;
    char *at = strstr(t->file.bytes + 10, "'shape': (");
    if (!at)
        fail("%s/%s has no shape", folder, name);
    s->n_samples = strtoul(at + 10, &at, 10);
    at += strspn(at, ", ");
    s->n_channels = *at == ')' ? 1 : strtoul(at, NULL, 10);
    s->sample_rate_hz = rate;
    s->data = t->file.bytes + 10 +
              ((unsigned char)t->file.bytes[8] | (size_t)(unsigned char)t->file.bytes[9] << 8);
}

static void read_string(s1_json value, char *out, size_t capacity)
{
    size_t size = 0;
    if (!s1_json_string(value, out, capacity - 1, &size) || size >= capacity)
        fail("a string is missing or too long");
    out[size] = 0;
}

static task read_task(const char *folder, const char *name)
{
    task t = { 0 };
    text json = read_text(folder, name);
    s1_json root, key, value;
    char word[64], samples[64] = "";
    double rate = 0;

    snprintf(t.name, sizeof(t.name), "%s", name);
    if (s1_json_parse(&root, json.bytes, json.size, NULL) != INS1_OK)
        fail("%s/%s is no JSON", folder, name);
    s1_json_walk walk = s1_json_begin(s1_json_get(root, "args"));
    while (s1_json_next(&walk, &key, &value)) {
        read_string(value, word, sizeof(word));
        t.wants_tower |= !strcmp(word, "--tower");
        t.is_unbiased |= !strcmp(word, "--unbiased");
        if (!strcmp(word, "--samples") && s1_json_next(&walk, &key, &value))
            read_string(value, samples, sizeof(samples));
        if (!strcmp(word, "--rate") && s1_json_next(&walk, &key, &value)) {
            read_string(value, word, sizeof(word));
            rate = strtod(word, NULL);
        }
    }
    read_signal(&t, folder, samples, rate);
    read_string(s1_json_get(root, "expect"), word, sizeof(word));
    t.expect = read_npy(folder, word);
    if (!s1_json_double(s1_json_get(root, "tolerance"), &t.tolerance) ||
        !s1_json_double(s1_json_get(root, "bf16_rms"), &t.bf16_rms) || !t.expect.data)
        fail("%s/%s has no tolerance or expectation", folder, name);
    free(json.bytes);
    return t;
}

/* --- running --- */

typedef struct manner {
    const char *name;
    int32_t threading, n_threads, precision;
    uint64_t max_scratch; /* in KiB; 0: the library's choice */
} manner;

typedef struct bench {
    ins1_runtime *runtime;
    ins1_model *model;
    ins1_timeseries_encoder *encoder;
    ins1_error error;
    ins1_call call;
} bench;

static bool open_bench(bench *b, const char *folder, const char *level, const manner *m,
                       bool is_unbiased)
{
    ins1_threading threading = INS1_INIT(ins1_threading);
    ins1_model_options model = INS1_INIT(ins1_model_options);
    ins1_timeseries_encoder_options encoder = INS1_INIT(ins1_timeseries_encoder_options);

    int32_t device;

    *b = (bench){ .error = INS1_INIT(ins1_error), .call = INS1_INIT(ins1_call) };
    b->call.error = &b->error;
    threading.mode = m->threading;
    threading.n_threads = m->n_threads;
    if (!open_place(&b->runtime, &device, level, &threading, &b->call))
        return false;
    model.path = folder;
    model.parts = INS1_PART_TIMESERIES;
    must(ins1_model_open(&b->model, b->runtime, &model, &b->call), &b->error, folder);
    encoder.precision = m->precision;
    encoder.device = device;
    encoder.scratch_budget = m->max_scratch << 10;
    encoder.flags = is_unbiased ? INS1_TIMESERIES_ENCODER_UNBIASED : 0;
    must(ins1_timeseries_encoder_create(&b->encoder, b->model, &encoder, &b->call), &b->error,
         "encoder");
    return true;
}

static void close_bench(bench *b)
{
    ins1_timeseries_encoder_release(b->encoder);
    ins1_model_release(b->model);
    ins1_runtime_release(b->runtime);
}

static ins1_embeds *run_tower(bench *b, const task *t)
{
    size_t count = t->series.n_samples * t->series.n_channels;
    float *samples = malloc(count * sizeof(*samples));
    ins1_embeds *out;

    must(ins1_timeseries_encoder_preprocess(b->encoder, &t->series, samples, count, &count,
                                            &b->call),
         &b->error, "preprocess");
    must(ins1_timeseries_encoder_tower(&out, b->encoder, samples, t->series.n_samples,
                                       t->series.n_channels, t->series.sample_rate_hz, &b->call),
         &b->error, "tower");
    free(samples);
    return out;
}

/* The rows, as many as are expected; to be freed. */
static float *run_task(bench *b, const task *t)
{
    const size_t n = t->expect.dim[0] * t->expect.dim[1];
    float *rows = malloc(n * sizeof(*rows));
    size_t n_tokens, count;
    ins1_embeds *out;

    must(ins1_timeseries_encoder_tokens(b->encoder, t->series.n_samples, t->series.n_channels,
                                        t->series.sample_rate_hz, &n_tokens, &b->call),
         &b->error, "tokens");
    if (n_tokens != t->expect.dim[0])
        fail("%s: %zu tokens, %zu expected", t->name, n_tokens, t->expect.dim[0]);
    if (t->wants_tower)
        out = run_tower(b, t);
    else
        must(ins1_timeseries_encoder_encode(&out, b->encoder, &t->series, 1, &b->call), &b->error,
             t->name);
    must(ins1_embeds_read_f32(out, 0, n_tokens, rows, n, &count, &b->call), &b->error, t->name);
    if (count != n)
        fail("%s: %zu numbers, %zu expected", t->name, count, n);
    ins1_embeds_release(out);
    return rows;
}

/* --- comparing --- */

static int n_wrong;

static void compare_values(const task *t, const float *rows, double *worst)
{
    const float *expect = t->expect.data;
    const size_t n = t->expect.dim[0] * t->expect.dim[1];
    float low = INFINITY, high = -INFINITY;
    double error = 0;

    for (size_t i = 0; i < n; i++) {
        double difference = fabs((double)rows[i] - expect[i]);
        low = fminf(low, expect[i]);
        high = fmaxf(high, expect[i]);
        if (!(difference <= error))
            error = difference;
    }
    error /= (double)high - low;
    *worst = fmax(*worst, error);
    if (!(error <= t->tolerance)) {
        printf("%s: off by %.3g of the range, %.3g allowed\n", t->name, error, t->tolerance);
        n_wrong++;
    }
}

static void compare_bits(const char *folder, const char *level, const task *t, const float *first)
{
    static const manner manners[] = {
        { "2 threads", INS1_THREADS_OWN, 2, INS1_PRECISION_F32, 0 },
        { "3 threads, little scratch", INS1_THREADS_OWN, 3, INS1_PRECISION_F32, 1200 },
    };
    for (size_t i = 0; i < sizeof(manners) / sizeof(manners[0]); i++) {
        bench b;
        open_bench(&b, folder, level, &manners[i], t->is_unbiased);
        float *rows = run_task(&b, t);
        if (memcmp(rows, first, t->expect.dim[0] * t->expect.dim[1] * sizeof(*rows))) {
            printf("%s: other bits with %s\n", t->name, manners[i].name);
            n_wrong++;
        }
        free(rows);
        close_bench(&b);
    }
}

/* Rounded activations may be no farther from the F32 reference than the reference's own BF16. */
static void compare_bf16(const char *folder, const char *level, const task *t, double *ours,
                         double *theirs)
{
    const manner m = { "bf16", INS1_THREADS_CALLER, 0, INS1_PRECISION_BF16, 0 };
    const size_t n = t->expect.dim[0] * t->expect.dim[1];
    bench b;

    open_bench(&b, folder, level, &m, t->is_unbiased);
    float *rows = run_task(&b, t);
    for (size_t i = 0; i < n; i++) {
        double d = (double)rows[i] - ((const float *)t->expect.data)[i];
        *ours += d * d;
    }
    *theirs += t->bf16_rms * t->bf16_rms * (double)n;
    free(rows);
    close_bench(&b);
}

int main(int argc, char **argv)
{
    const manner plain = { "plain", INS1_THREADS_CALLER, 0, INS1_PRECISION_F32, 0 };
    double worst = 0, ours = 0, theirs = 0;
    int n_cases = 0;

    if (argc != 3)
        fail("usage: series FOLDER LEVEL");
    DIR *folder = opendir(argv[1]);
    if (!folder)
        fail("%s cannot be read", argv[1]);
    for (struct dirent *entry; (entry = readdir(folder));) {
        bench b;
        if (strncmp(entry->d_name, "case", 4) != 0)
            continue;
        task t = read_task(argv[1], entry->d_name);
        if (!open_bench(&b, argv[1], argv[2], &plain, t.is_unbiased)) {
            free(t.file.bytes);
            free_array(&t.expect);
            closedir(folder);
            return SKIPPED;
        }
        float *rows = run_task(&b, &t);
        compare_values(&t, rows, &worst);
        if (is_level(argv[2]))
            compare_bits(argv[1], argv[2], &t, rows);
        compare_bf16(argv[1], argv[2], &t, &ours, &theirs);
        free(rows);
        close_bench(&b);
        free(t.file.bytes);
        free_array(&t.expect);
        n_cases++;
    }
    closedir(folder);
    if (!(ours <= theirs)) {
        printf("bf16 is %.3g times as far from F32 as the reference's\n", sqrt(ours / theirs));
        n_wrong++;
    }
    printf("%d signals, %.2g of the range at worst, bf16 %.2f of the reference's error\n", n_cases,
           worst, sqrt(ours / theirs));
    return n_wrong || n_warnings || !n_cases;
}
