/* cancel MODEL [MOMENTS [TOKENS [CALL | PLUGIN DEVICE]]]: every long call is asked to stop at
 * random moments. What it costs until it returns, a row of RESULTS.md for each kind; and whether
 * all goes on with the same bits, which is the exit status. TOKENS are those of a prompt, CALL is
 * the only one to measure, with all MOMENTS; the calls compute on the calling thread alone, whose
 * CPU time is what is measured. On a device of a plugin the wall time counts; where it does not
 * claim the same bits, nothing goes on.
 */

#include <interns1/interns1.h>
#include <interns1/io.h>

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_SCORE = 32, IMAGE_SIDE = 96, N_SERIES = 1000, TEXT_SIZE = 1 << 17, N_RECORD = 1 << 20 };

static ins1_error error = INS1_INIT(ins1_error);
static ins1_call call = INS1_INIT(ins1_call); /* with the token */
static ins1_call plain = INS1_INIT(ins1_call);
static ins1_runtime *runtime;
static ins1_tokenizer *tokenizer;
static ins1_session *session;
static ins1_vision_encoder *vision;
static ins1_timeseries_encoder *hearing;
static bool has_same_bits = true;

static int32_t *prompt, *ids;
static size_t n_prompt = 256;
static uint8_t *pixels, *record;
static float *signal;
static char *text;

static void must(ins1_status status)
{
    if (status == INS1_OK)
        return;
    fprintf(stderr, "%s: %s\n", ins1_status_name(status), error.text);
    exit(1);
}

static int64_t now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * UINT64_C(1099511628211);
    return hash;
}

/* --- who asks --- */

static struct {
    pthread_t thread;
    sem_t begin, end;
    clockid_t clock; /* CPU time of the thread that is asked */
    int64_t at, asked_cpu, asked_wall;
    bool is_last;
} asker;

static void *ask(void *unused)
{
    (void)unused;
    for (;;) {
        while (sem_wait(&asker.begin) != 0 && errno == EINTR)
            ;
        if (asker.is_last)
            return NULL;
        const struct timespec at = { asker.at / 1000000000, asker.at % 1000000000 };
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        asker.asked_wall = now(CLOCK_MONOTONIC);
        asker.asked_cpu = now(asker.clock);
        ins1_cancel_request(call.cancel);
        sem_post(&asker.end);
    }
}

/* --- long calls: what is done before, the call, what it came to --- */

static uint64_t logits_hash(void)
{
    const float *logits;
    size_t n;
    must(ins1_session_logits(session, 0, &logits, &n, &plain));
    return mix(1, logits, n * sizeof(*logits));
}

static void empty(void)
{
    must(ins1_session_truncate(session, 0, 0, NULL, &plain));
}

static ins1_status feed(const ins1_call *c)
{
    ins1_span span = INS1_INIT(ins1_span);
    ins1_feed f = INS1_INIT(ins1_feed);
    size_t length = 0;
    must(ins1_session_length(session, 0, &length, &plain));
    span.ids = prompt + length;
    span.n_ids = n_prompt - length;
    f.spans = &span;
    f.n_spans = 1;
    return span.n_ids ? ins1_session_prefill(session, &f, 1, NULL, c) : INS1_OK;
}

static void fed(void)
{
    empty();
    must(feed(&plain));
}

/* Back to the prompt, as cheaply as may be. */
static void cut(void)
{
    must(ins1_session_truncate(session, 0, n_prompt, NULL, &plain));
}

static ins1_status step(const ins1_call *c)
{
    const ins1_step one = { .seq = 0, .token = 1 };
    size_t length = 0;
    must(ins1_session_length(session, 0, &length, &plain));
    return length == n_prompt ? ins1_session_step(session, &one, 1, c) : INS1_OK;
}

static float scores[N_SCORE];

static ins1_status score(const ins1_call *c)
{
    return ins1_session_score(session, 0, prompt, N_SCORE, scores, c);
}

static uint64_t scores_hash(void)
{
    return mix(logits_hash(), scores, sizeof(scores));
}

static ins1_embeds *embeds;

static void forget(void)
{
    ins1_embeds_release(embeds);
    embeds = NULL;
}

static ins1_status see(const ins1_call *c)
{
    ins1_image image = INS1_INIT(ins1_image);
    image.format = INS1_PIXEL_RGB8;
    image.pixels = pixels;
    image.width = image.height = IMAGE_SIDE;
    return ins1_vision_encoder_encode(&embeds, vision, &image, 1, c);
}

static ins1_status hear(const ins1_call *c)
{
    ins1_timeseries series = INS1_INIT(ins1_timeseries);
    series.dtype = INS1_SAMPLE_F32;
    series.data = signal;
    series.n_samples = N_SERIES;
    series.n_channels = 1;
    series.sample_rate_hz = 50;
    return ins1_timeseries_encoder_encode(&embeds, hearing, &series, 1, c);
}

static uint64_t embeds_hash(void)
{
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    size_t n = 0;
    must(ins1_embeds_info_get(embeds, &info, &plain));
    const size_t size = info.n_tokens * info.dim;
    float *rows = malloc(size * sizeof(*rows));
    must(ins1_embeds_read_f32(embeds, 0, info.n_tokens, rows, size, &n, &plain));
    const uint64_t hash = mix(1, rows, n * sizeof(*rows));
    free(rows);
    return hash;
}

static size_t n_ids;

static ins1_status encode(const ins1_call *c)
{
    ins1_segment segment = INS1_INIT(ins1_segment);
    segment.text = text;
    segment.size = TEXT_SIZE;
    return ins1_tokenizer_encode(tokenizer, &segment, 1, 0, ids, NULL, TEXT_SIZE, &n_ids, c);
}

static uint64_t ids_hash(void)
{
    return mix(1, ids, n_ids * sizeof(*ids));
}

static ins1_io_series *file;

static void close_file(void)
{
    ins1_io_series_release(file);
    file = NULL;
}

static ins1_status read_record(const ins1_call *c)
{
    static const char header[] = "r 2 360\nr.dat 16 200 16 0\nr.dat 16 200 16 0\n";
    ins1_file files[2] = { INS1_INIT(ins1_file), INS1_INIT(ins1_file) };
    files[0].name = "r.hea";
    files[0].data = header;
    files[0].size = sizeof(header) - 1;
    files[1].name = "r.dat";
    files[1].data = record;
    files[1].size = N_RECORD;
    return ins1_io_series_open(&file, runtime, files, 2, NULL, c);
}

static uint64_t file_hash(void)
{
    ins1_timeseries series = INS1_INIT(ins1_timeseries);
    must(ins1_io_series_get(file, &series, &plain));
    return mix(1, series.data, series.n_samples * 2);
}

typedef struct task {
    const char *name;
    void (*once)(void), (*before)(void);
    ins1_status (*run)(const ins1_call *c); /* again: goes on, or begins anew */
    uint64_t (*hash)(void);
    bool is_there;
} task;

/* --- measuring --- */

typedef struct sample {
    int64_t cpu, wall;
} sample;

static int by_cpu(const void *a, const void *b)
{
    const int64_t x = ((const sample *)a)->cpu, y = ((const sample *)b)->cpu;
    return (x > y) - (x < y);
}

static int by_wall(const void *a, const void *b)
{
    const int64_t x = ((const sample *)a)->wall, y = ((const sample *)b)->wall;
    return (x > y) - (x < y);
}

static double us(int64_t ns)
{
    return (double)ns / 1000.0;
}

/* False: something came out otherwise. */
static bool try_at(const task *t, int64_t delay, uint64_t expected, sample *out, size_t *n_out)
{
    if (t->before)
        t->before();
    asker.at = now(CLOCK_MONOTONIC) + delay;
    sem_post(&asker.begin);
    ins1_status status = t->run(&call);
    const int64_t cpu = now(CLOCK_THREAD_CPUTIME_ID), wall = now(CLOCK_MONOTONIC);
    while (sem_wait(&asker.end) != 0 && errno == EINTR)
        ;
    ins1_cancel_reset(call.cancel);
    if (asker.asked_wall < wall)
        out[(*n_out)++] = (sample){ cpu - asker.asked_cpu, wall - asker.asked_wall };
    if (status != INS1_OK && status != INS1_E_CANCELED)
        must(status);
    if (!has_same_bits)
        return true;
    if (status == INS1_E_CANCELED)
        must(t->run(&plain));
    return t->hash() == expected;
}

static size_t measure(const task *t, size_t n)
{
    sample *samples = calloc(n, sizeof(*samples));
    size_t n_samples = 0, n_wrong = 0;
    if (t->once)
        t->once();
    for (int i = 0; i < 2; i++) {
        if (t->before)
            t->before();
        must(t->run(&plain));
    }
    const uint64_t expected = t->hash();
    /* The fastest of a few: moments beyond the end of a call say little. */
    int64_t whole = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        if (t->before)
            t->before();
        const int64_t begin = now(CLOCK_MONOTONIC);
        must(t->run(&plain));
        const int64_t took = now(CLOCK_MONOTONIC) - begin;
        whole = took < whole ? took : whole;
    }
    for (size_t i = 0; i < n; i++) {
        const double part = (double)rand() / RAND_MAX;
        n_wrong += !try_at(t, (int64_t)(part * (double)whole), expected, samples, &n_samples);
    }
    if (t->before)
        t->before();
    if (n_samples) {
        const size_t high = (n_samples * 999 - 1) / 1000, middle = n_samples / 2;
        qsort(samples, n_samples, sizeof(*samples), by_wall);
        const int64_t wall = samples[high].wall, usual = samples[middle].wall;
        qsort(samples, n_samples, sizeof(*samples), by_cpu);
        printf("| %s | %.2f | %zu | %.1f | %.1f | %.1f | %.1f | %.1f | %zu |\n", t->name,
               us(whole) / 1000, n_samples, us(samples[middle].cpu), us(samples[high].cpu),
               us(samples[n_samples - 1].cpu), us(usual), us(wall), n_wrong);
        fflush(stdout);
    }
    free(samples);
    return n_wrong;
}

/* --- what is computed with --- */

static void make_inputs(int32_t n_vocab)
{
    static const char words[] = "The ring of benzene c1ccccc1 has 6 atoms, \xc3\xa4ther is CCOCC. ";
    prompt = calloc(n_prompt + N_SCORE, sizeof(*prompt));
    ids = calloc(TEXT_SIZE, sizeof(*ids));
    pixels = calloc(3, IMAGE_SIDE * IMAGE_SIDE);
    record = calloc(1, N_RECORD);
    signal = calloc(N_SERIES, sizeof(*signal));
    text = malloc(TEXT_SIZE);
    for (size_t i = 0; i < n_prompt + N_SCORE; i++)
        prompt[i] = (int32_t)(i * 37 % (size_t)(n_vocab < 700 ? n_vocab : 700));
    for (size_t i = 0; i < 3 * IMAGE_SIDE * IMAGE_SIDE; i++)
        pixels[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < N_RECORD; i++)
        record[i] = (uint8_t)(i * 11 % 251);
    for (size_t i = 0; i < N_SERIES; i++)
        signal[i] = sinf((float)i / 9);
    for (size_t i = 0; i < TEXT_SIZE; i++)
        text[i] = words[i % (sizeof(words) - 1)];
    while ((text[TEXT_SIZE - 1] & 0x80) != 0)
        text[TEXT_SIZE - 1] = ' ';
}

/* The device of a plugin, or the CPU. */
static int32_t find_device(char **plugin_and_name)
{
    ins1_device_info info = INS1_INIT(ins1_device_info);
    int32_t device;

    if (!plugin_and_name)
        return 0;
    must(ins1_backend_load(runtime, plugin_and_name[0], &plain));
    must(ins1_device_find(runtime, plugin_and_name[1], &device, &plain));
    must(ins1_device_get(runtime, device, &info, &plain));
    has_same_bits = info.caps & INS1_CAP_EXACT;
    return device;
}

static ins1_model_info open_all(const char *path, char **plugin_and_name)
{
    ins1_threading threading = INS1_INIT(ins1_threading);
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_model_options model_options = INS1_INIT(ins1_model_options);
    ins1_session_options session_options = INS1_INIT(ins1_session_options);
    ins1_decoder_options decoder_options = INS1_INIT(ins1_decoder_options);
    ins1_vision_encoder_options vision_options = INS1_INIT(ins1_vision_encoder_options);
    ins1_timeseries_encoder_options hearing_options = INS1_INIT(ins1_timeseries_encoder_options);
    ins1_placement all = { 0 };
    ins1_model_info info = INS1_INIT(ins1_model_info);
    ins1_model *model;
    ins1_decoder *decoder;

    call.error = plain.error = &error;
    threading.mode = INS1_THREADS_CALLER;
    options.threading = &threading;
    must(ins1_runtime_create(&runtime, &options, &plain));
    must(ins1_cancel_create(&call.cancel, runtime, &plain));
    all.device = vision_options.device = hearing_options.device = find_device(plugin_and_name);
    model_options.path = path;
    must(ins1_model_open(&model, runtime, &model_options, &plain));
    must(ins1_model_info_get(model, &info, &plain));
    if (ins1_tokenizer_create(&tokenizer, model, NULL, &plain) != INS1_OK)
        tokenizer = NULL;
    decoder_options.placements = &all;
    decoder_options.n_placements = plugin_and_name != NULL;
    must(ins1_decoder_create(&decoder, model, &decoder_options, &plain));
    session_options.n_ctx = (int32_t)n_prompt + N_SCORE + 2;
    must(ins1_session_create(&session, decoder, &session_options, &plain));
    if (info.parts & INS1_PART_VISION)
        must(ins1_vision_encoder_create(&vision, model, &vision_options, &plain));
    if (info.parts & INS1_PART_TIMESERIES)
        must(ins1_timeseries_encoder_create(&hearing, model, &hearing_options, &plain));
    ins1_decoder_release(decoder);
    ins1_model_release(model);
    return info;
}

static void close_all(void)
{
    ins1_vision_encoder_release(vision);
    ins1_timeseries_encoder_release(hearing);
    ins1_session_release(session);
    ins1_tokenizer_release(tokenizer);
    ins1_cancel_release(call.cancel);
    ins1_runtime_release(runtime);
    free(prompt);
    free(ids);
    free(pixels);
    free(record);
    free(signal);
    free(text);
}

int main(int argc, char **argv)
{
    const size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000;
    size_t n_tasks = 0, n_wrong = 0;

    if (argc < 2 || n == 0)
        return fprintf(stderr, "usage: cancel MODEL [MOMENTS [TOKENS [CALL | PLUGIN DEVICE]]]\n"),
               2;
    n_prompt = argc > 3 ? strtoul(argv[3], NULL, 10) : n_prompt;
    const ins1_model_info info = open_all(argv[1], argc > 5 ? argv + 4 : NULL);
    make_inputs(info.n_vocab);
    task tasks[] = {
        { "prefill", NULL, empty, feed, logits_hash, true },
        { "step", fed, cut, step, logits_hash, true },
        { "score", fed, NULL, score, scores_hash, has_same_bits },
        { "encode an image", NULL, forget, see, embeds_hash, vision != NULL },
        { "encode a series", NULL, forget, hear, embeds_hash, hearing != NULL },
        { "encode a text", NULL, NULL, encode, ids_hash, tokenizer != NULL && has_same_bits },
        { "read a WFDB record", NULL, close_file, read_record, file_hash, has_same_bits },
    };
    const size_t n_kinds = sizeof(tasks) / sizeof(*tasks);
    for (size_t i = 0; i < n_kinds; i++) {
        tasks[i].is_there &= argc != 5 || strcmp(argv[4], tasks[i].name) == 0;
        n_tasks += tasks[i].is_there;
    }
    if (n_tasks == 0)
        return fprintf(stderr, "there is no such long call with this model\n"), 2;
    pthread_getcpuclockid(pthread_self(), &asker.clock);
    sem_init(&asker.begin, 0, 0);
    sem_init(&asker.end, 0, 0);
    if (pthread_create(&asker.thread, NULL, ask, NULL) != 0)
        return 1;
    printf("| call | whole, ms | moments | median, us of CPU | 99.9 %%, us of CPU | most, us of "
           "CPU | median, us | 99.9 %%, us | wrong |\n"
           "|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < n_kinds; i++)
        if (tasks[i].is_there)
            n_wrong += measure(&tasks[i], (n + n_tasks - 1) / n_tasks);
    asker.is_last = true;
    sem_post(&asker.begin);
    pthread_join(asker.thread, NULL);
    close_all();
    return n_wrong != 0;
}
