/* together MODEL [STRIDE]: threads that compute on one decoder at the same time, each with a
 * session and encoders of its own, while workers of the library or of the host help: they get the
 * bits that one gets alone. Then handles that are released in every order, and by several threads
 * at once: what is left works, and in the end nothing is held. STRIDE tries only every so manieth
 * order. */

#include <interns1/interns1.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_THREADS = 3, N_ROUNDS = 2, N_TOKENS = 6, SIDE = 32, N_SAMPLES = 300 };

static atomic_int n_failures;

static void must(ins1_status status, const char *what, const ins1_error *error)
{
    if (status == INS1_OK)
        return;
    printf("%s: %s, %s\n", what, ins1_status_name(status), error ? error->text : "");
    exit(1);
}

/* --- what the host brings --- */

static atomic_llong live;

static void *take(void *user, size_t size, size_t align, int32_t kind)
{
    (void)user;
    (void)kind;
    atomic_fetch_add(&live, (long long)size);
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static void give_back(void *user, void *block, size_t size, size_t align, int32_t kind)
{
    (void)user;
    (void)align;
    (void)kind;
    atomic_fetch_sub(&live, (long long)size);
    free(block);
}

/* One region at a time, half of its tasks on a thread that lives as long. */
static pthread_mutex_t region = PTHREAD_MUTEX_INITIALIZER;

typedef struct half {
    ins1_task_fn fn;
    void *arg;
    int32_t first, end;
} half;

static void *run_half(void *user)
{
    const half *h = user;
    for (int32_t i = h->first; i < h->end; i++)
        h->fn(h->arg, i, 1);
    return NULL;
}

static int32_t parallel_for(void *user, ins1_task_fn fn, void *arg, int32_t n)
{
    half other = { fn, arg, n / 2, n };
    pthread_t thread;

    (void)user;
    pthread_mutex_lock(&region);
    const bool is_helped = pthread_create(&thread, NULL, run_half, &other) == 0;
    for (int32_t i = 0; i < (is_helped ? n / 2 : n); i++)
        fn(arg, i, 0);
    if (is_helped)
        pthread_join(thread, NULL);
    pthread_mutex_unlock(&region);
    return 0;
}

/* --- what is shared --- */

static ins1_model *model;
static ins1_decoder *decoder;
static ins1_tokenizer *tokenizer;
static ins1_runtime *runtime;

static void open_all(const char *path, int32_t mode)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    ins1_allocator allocator = { sizeof(allocator), 0, take, give_back, NULL };
    ins1_threading threading = INS1_INIT(ins1_threading);
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_model_options model_options = INS1_INIT(ins1_model_options);

    call.error = &error;
    threading.mode = mode;
    threading.n_threads = mode == INS1_THREADS_CALLER ? 0 : 2;
    threading.parallel_for = mode == INS1_THREADS_HOST ? parallel_for : NULL;
    options.allocator = &allocator;
    options.threading = &threading;
    model_options.path = path;
    must(ins1_runtime_create(&runtime, &options, &call), "runtime", &error);
    must(ins1_model_open(&model, runtime, &model_options, &call), "model", &error);
    must(ins1_tokenizer_create(&tokenizer, model, NULL, &call), "tokenizer", &error);
    must(ins1_decoder_create(&decoder, model, NULL, &call), "decoder", &error);
}

static void close_all(void)
{
    ins1_decoder_release(decoder);
    ins1_tokenizer_release(tokenizer);
    ins1_model_release(model);
    ins1_runtime_release(runtime);
}

/* --- what each thread does --- */

typedef struct worker {
    pthread_t thread;
    int number;
    uint64_t answer;
} worker;

static void mix(uint64_t *answer, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++)
        *answer = (*answer ^ at[i]) * UINT64_C(1099511628211);
}

static void mix_embeds(uint64_t *answer, ins1_embeds *embeds, const ins1_call *call)
{
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    size_t n;
    must(ins1_embeds_info_get(embeds, &info, call), "embeddings", call->error);
    float *row = calloc(info.dim, sizeof(*row));
    must(ins1_embeds_read_f32(embeds, 0, 1, row, info.dim, &n, call), "a row", call->error);
    mix(answer, row, n * sizeof(*row));
    free(row);
    ins1_embeds_release(embeds);
}

static void see_and_hear(uint64_t *answer, int number, const ins1_call *call)
{
    static unsigned char pixels[SIDE * SIDE * 3];
    static const float samples[N_SAMPLES] = { 1, 2, 4, 3 };
    ins1_image image = INS1_INIT(ins1_image);
    ins1_timeseries series = INS1_INIT(ins1_timeseries);
    ins1_vision_encoder *eyes;
    ins1_timeseries_encoder *ears;
    ins1_embeds *embeds;

    image.format = INS1_PIXEL_RGB8;
    image.pixels = pixels;
    image.width = image.height = SIDE;
    series.dtype = INS1_SAMPLE_F32;
    series.data = samples;
    series.n_samples = (size_t)(N_SAMPLES - number);
    series.n_channels = 1;
    series.sample_rate_hz = 50;
    must(ins1_vision_encoder_create(&eyes, model, NULL, call), "eyes", call->error);
    must(ins1_timeseries_encoder_create(&ears, model, NULL, call), "ears", call->error);
    must(ins1_vision_encoder_encode(&embeds, eyes, &image, 1, call), "an image", call->error);
    ins1_vision_encoder_release(eyes);
    mix_embeds(answer, embeds, call);
    must(ins1_timeseries_encoder_encode(&embeds, ears, &series, 1, call), "a series", call->error);
    ins1_timeseries_encoder_release(ears);
    mix_embeds(answer, embeds, call);
}

/* A session after a prompt of its own. */
static ins1_session *begin(int number, const ins1_call *call)
{
    char text[100];
    ins1_segment segment = INS1_INIT(ins1_segment);
    ins1_session_options options = INS1_INIT(ins1_session_options);
    ins1_span span = INS1_INIT(ins1_span);
    ins1_feed feed = INS1_INIT(ins1_feed);
    ins1_session *session;
    int32_t ids[100];

    segment.text = text;
    segment.size = (size_t)snprintf(text, sizeof(text), "<SMILES>C%dO</SMILES> number %d", number,
                                    number * 17);
    must(ins1_tokenizer_encode(tokenizer, &segment, 1, 0, ids, NULL, 100, &span.n_ids, call),
         "a text", call->error);
    span.ids = ids;
    feed.spans = &span;
    feed.n_spans = 1;
    options.n_ctx = 128;
    must(ins1_session_create(&session, decoder, &options, call), "a session", call->error);
    must(ins1_session_prefill(session, &feed, 1, NULL, call), "a prompt", call->error);
    return session;
}

static ins1_stream *talk(ins1_session *session, ins1_sampler *sampler, const ins1_call *call)
{
    ins1_stream_options options = INS1_INIT(ins1_stream_options);
    ins1_stream *stream;
    options.max_tokens = N_TOKENS;
    must(ins1_stream_open(&stream, session, 0, tokenizer, sampler, &options, call), "a stream",
         call->error);
    return stream;
}

static void *compute(void *user)
{
    worker *w = user;
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);

    call.error = &error;
    w->answer = 1;
    for (int round = 0; round < N_ROUNDS; round++) {
        ins1_sampler_options options = INS1_INIT(ins1_sampler_options);
        ins1_event event = INS1_INIT(ins1_event);
        ins1_sampler *sampler;
        ins1_session *session = begin(w->number, &call);
        options.temperature = 1;
        options.seed = (uint64_t)w->number;
        must(ins1_sampler_create(&sampler, runtime, &options, &call), "a sampler", &error);
        ins1_stream *stream = talk(session, sampler, &call);
        while (event.kind != INS1_EVENT_END) {
            must(ins1_stream_next(stream, &event, &call), "an event", &error);
            mix(&w->answer, event.text, event.size);
        }
        see_and_hear(&w->answer, w->number, &call);
        ins1_stream_release(stream);
        ins1_session_release(session);
        ins1_sampler_release(sampler);
    }
    return NULL;
}

static void answers(const char *path, int32_t mode, bool is_together, uint64_t out[N_THREADS])
{
    worker workers[N_THREADS] = { 0 };
    open_all(path, mode);
    for (int i = 0; i < N_THREADS; i++) {
        workers[i].number = i;
        if (!is_together)
            compute(&workers[i]);
        else if (pthread_create(&workers[i].thread, NULL, compute, &workers[i]) != 0)
            exit(1);
    }
    for (int i = 0; i < N_THREADS; i++) {
        if (is_together)
            pthread_join(workers[i].thread, NULL);
        out[i] = workers[i].answer;
    }
    close_all();
    if (atomic_load(&live)) {
        printf("mode %d: %lld bytes are kept\n", mode, (long long)atomic_load(&live));
        atomic_fetch_add(&n_failures, 1);
    }
}

static void compute_together(const char *path)
{
    static const int32_t modes[] = { INS1_THREADS_CALLER, INS1_THREADS_OWN, INS1_THREADS_HOST };
    uint64_t alone[N_THREADS], found[N_THREADS];

    answers(path, INS1_THREADS_CALLER, false, alone);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        answers(path, modes[i], true, found);
        if (memcmp(found, alone, sizeof(alone)) != 0) {
            printf("mode %d: together it is not what it is alone\n", modes[i]);
            atomic_fetch_add(&n_failures, 1);
        }
    }
}

/* --- the end of handles --- */

enum { N_HANDLES = 7 };

typedef struct handle {
    void *it;
    void (*release)(void *it);
} handle;

#define RELEASE(type)                    \
    static void release_##type(void *it) \
    {                                    \
        ins1_##type##_release(it);       \
    }
RELEASE(runtime)
RELEASE(model)
RELEASE(tokenizer)
RELEASE(decoder)
RELEASE(session)
RELEASE(sampler)
RELEASE(stream)

/* The stream is the last one. */
static void make_handles(handle out[N_HANDLES], const char *path, int32_t mode,
                         const ins1_call *call)
{
    ins1_sampler *sampler;
    open_all(path, mode);
    ins1_session *session = begin(1, call);
    must(ins1_sampler_create(&sampler, runtime, NULL, call), "a sampler", call->error);
    ins1_stream *stream = talk(session, sampler, call);
    const handle all[N_HANDLES] = {
        { runtime, release_runtime },     { model, release_model },
        { tokenizer, release_tokenizer }, { decoder, release_decoder },
        { session, release_session },     { sampler, release_sampler },
        { stream, release_stream },
    };
    memcpy(out, all, sizeof(all));
}

/* Order number `code` of all that there are. */
static void nth_order(int code, int order[N_HANDLES])
{
    int left[N_HANDLES];
    for (int i = 0; i < N_HANDLES; i++)
        left[i] = i;
    for (int i = 0, n = N_HANDLES; i < N_HANDLES; i++, n--) {
        const int at = code % n;
        code /= n;
        order[i] = left[at];
        memmove(&left[at], &left[at + 1], (size_t)(n - at - 1) * sizeof(*left));
    }
}

static void release_in_order(const char *path, int code)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    ins1_event event = INS1_INIT(ins1_event);
    handle handles[N_HANDLES];
    int order[N_HANDLES];

    call.error = &error;
    make_handles(handles, path, INS1_THREADS_OWN, &call);
    nth_order(code, order);
    ins1_stream *stream = handles[N_HANDLES - 1].it;
    for (int i = 0; i < N_HANDLES; i++) {
        handles[order[i]].release(handles[order[i]].it);
        stream = order[i] == N_HANDLES - 1 ? NULL : stream;
        if (stream && event.kind != INS1_EVENT_END)
            must(ins1_stream_next(stream, &event, &call), "an event of what is left", &error);
    }
    if (atomic_load(&live)) {
        printf("order %d: %lld bytes are kept\n", code, (long long)atomic_load(&live));
        atomic_fetch_add(&n_failures, 1);
        atomic_store(&live, 0);
    }
}

static void *release_one(void *user)
{
    const handle *h = user;
    h->release(h->it);
    return NULL;
}

static void release_at_once(const char *path, int32_t mode)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    pthread_t threads[N_HANDLES];
    handle handles[N_HANDLES];

    call.error = &error;
    make_handles(handles, path, mode, &call);
    for (int i = 0; i < N_HANDLES; i++)
        if (pthread_create(&threads[i], NULL, release_one, &handles[i]) != 0)
            exit(1);
    for (int i = 0; i < N_HANDLES; i++)
        pthread_join(threads[i], NULL);
    if (atomic_load(&live)) {
        printf("at once: %lld bytes are kept\n", (long long)atomic_load(&live));
        atomic_fetch_add(&n_failures, 1);
        atomic_store(&live, 0);
    }
}

int main(int argc, char **argv)
{
    const int stride = argc > 2 ? atoi(argv[2]) : 1, n_orders = 7 * 6 * 5 * 4 * 3 * 2;
    int n = 0;

    if (argc < 2 || stride < 1)
        return 2;
    compute_together(argv[1]);
    for (int code = 0; code < n_orders; code += stride, n++)
        release_in_order(argv[1], code);
    for (int i = 0; i < 10; i++)
        release_at_once(argv[1], i % 2 ? INS1_THREADS_OWN : INS1_THREADS_HOST);
    printf("%d of %d orders\n", n, n_orders);
    return atomic_load(&n_failures) != 0;
}
