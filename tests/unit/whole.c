/* whole MODEL [STRIDE]: everything a program does with a checkpoint, from its files in a reader to
 * a snapshot and back, again and again: each time another request for memory, another read or
 * another write fails. Every failure is a status and a sentence, nothing is kept, and where nothing
 * fails the answer is always the same. STRIDE tries only every so manieth, to be quick. */

#include <interns1/interns1.h>
#include <interns1/io.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The beginning of DLPack's struct, as its specification has it. */
struct DLManagedTensorVersioned {
    uint32_t major, minor;
    void *manager_ctx;
    void (*deleter)(struct DLManagedTensorVersioned *self);
};

/* --- what fails --- */

enum { NEVER = -1 };

typedef struct counter {
    int count;   /* requests so far */
    int refused; /* the number of the one that fails, or NEVER */
} counter;

static counter memory, reads, writes;
static size_t live, n_open;

static bool refuses(counter *c)
{
    return c->count++ == c->refused;
}

static void *take(void *user, size_t size, size_t align, int32_t kind)
{
    (void)user;
    (void)kind;
    if (refuses(&memory))
        return NULL;
    live += size;
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static void give_back(void *user, void *block, size_t size, size_t align, int32_t kind)
{
    (void)user;
    (void)align;
    (void)kind;
    live -= size;
    free(block);
}

typedef struct bytes {
    char *at;
    size_t size;
} bytes;

/* A read that fails says so or comes back short, in turn. */
static int64_t read_at(void *user, uint64_t offset, void *to, size_t n)
{
    const bytes *b = user;
    if (refuses(&reads))
        return reads.count % 2 ? -1 : (int64_t)n - 1;
    memcpy(to, b->at + offset, n);
    return (int64_t)n;
}

static void close_reader(void *user)
{
    (void)user;
    n_open--;
}

static int32_t write_bytes(void *user, const void *data, size_t size)
{
    bytes *to = user;
    if (refuses(&writes))
        return 1;
    to->at = realloc(to->at, to->size + size);
    memcpy(to->at + to->size, data, size);
    to->size += size;
    return 0;
}

static ins1_reader reader_of(bytes *b)
{
    n_open++;
    return (ins1_reader){ .struct_size = sizeof(ins1_reader),
                          .size = b->size,
                          .read_at = read_at,
                          .close = close_reader,
                          .user = b };
}

/* --- the checkpoint --- */

static const char *const names[] = {
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "video_preprocessor_config.json",
    "model.safetensors",
    "added_tokens.json",
    "chat_template.jinja",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer_config.json",
    "tokenizer_PROT.model",
    "tokenizer_SMILES.model",
    "tokenizer_XNA.model",
    "vocab.json",
};
enum { N_FILES = sizeof(names) / sizeof(names[0]) };
static bytes folder[N_FILES];

static bytes load(const char *path)
{
    bytes b = { 0 };
    FILE *f = fopen(path, "rb");
    if (!f) {
        printf("%s cannot be read\n", path);
        exit(1);
    }
    fseek(f, 0, SEEK_END);
    b.size = (size_t)ftell(f);
    rewind(f);
    b.at = malloc(b.size + 1);
    b.size = fread(b.at, 1, b.size, f);
    fclose(f);
    return b;
}

/* --- what a program has --- */

enum { IMAGE_WIDTH = 128, IMAGE_HEIGHT = 64, N_SAMPLES = 500, N_FLOATS = 256 };

typedef struct program {
    ins1_error error;
    ins1_call call;
    ins1_runtime *runtime;
    ins1_model *model;
    ins1_tokenizer *tokenizer;
    ins1_vision_encoder *eyes;
    ins1_timeseries_encoder *ears;
    ins1_io_series *file;
    ins1_embeds *image, *video, *series, *pooled, *hidden, *lent;
    ins1_decoder *decoder;
    ins1_session *session;
    ins1_prompt *prompt;
    ins1_sampler *sampler;
    ins1_stream *stream;
    ins1_detokenizer *detokenizer;
    ins1_reply_parser *parser;
    bytes snapshot;
    char answer[200];
    float numbers[N_FLOATS];
} program;

static unsigned char pixels[IMAGE_HEIGHT][IMAGE_WIDTH][3];
static bytes csv;

static ins1_status open_model(program *p)
{
    ins1_allocator allocator = { sizeof(allocator), 0, take, give_back, NULL };
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_model_options model = INS1_INIT(ins1_model_options);
    ins1_plan plan = INS1_INIT(ins1_plan);
    ins1_reader readers[N_FILES];
    ins1_file files[N_FILES];

    options.allocator = &allocator;
    ins1_status status = ins1_runtime_create(&p->runtime, &options, &p->call);
    if (status != INS1_OK)
        return status;
    for (size_t i = 0; i < N_FILES; i++) {
        readers[i] = reader_of(&folder[i]);
        files[i] = (ins1_file){ .struct_size = sizeof(ins1_file),
                                .name = names[i],
                                .reader = &readers[i] };
    }
    model.files = files;
    model.n_files = N_FILES;
    status = ins1_model_plan(p->runtime, &model, NULL, NULL, &plan, &p->call);
    if (status == INS1_OK)
        status = ins1_model_open(&p->model, p->runtime, &model, &p->call);
    else
        n_open -= N_FILES; /* who only plans closes none */
    return status;
}

static ins1_status make_parts(program *p)
{
    ins1_session_options session = INS1_INIT(ins1_session_options);
    session.n_ctx = 256;
    session.n_seq = 2;
    session.flags = INS1_SESSION_KEEP_HIDDEN;

    ins1_status status = ins1_tokenizer_create(&p->tokenizer, p->model, NULL, &p->call);
    if (status == INS1_OK)
        status = ins1_vision_encoder_create(&p->eyes, p->model, NULL, &p->call);
    if (status == INS1_OK)
        status = ins1_timeseries_encoder_create(&p->ears, p->model, NULL, &p->call);
    if (status == INS1_OK)
        status = ins1_decoder_create(&p->decoder, p->model, NULL, &p->call);
    if (status == INS1_OK)
        status = ins1_session_create(&p->session, p->decoder, &session, &p->call);
    return status;
}

static ins1_status see_and_hear(program *p)
{
    ins1_image image = INS1_INIT(ins1_image);
    ins1_image frames[4];
    ins1_video video = INS1_INIT(ins1_video);
    ins1_timeseries series = INS1_INIT(ins1_timeseries);
    ins1_reader reader = reader_of(&csv);
    ins1_file file = { .struct_size = sizeof(file), .name = "signal.csv", .reader = &reader };
    struct DLManagedTensorVersioned *tensor = NULL;

    ins1_status status = ins1_io_series_open(&p->file, p->runtime, &file, 1, NULL, &p->call);
    if (status == INS1_OK)
        status = ins1_io_series_get(p->file, &series, &p->call);
    series.sample_rate_hz = 50;
    if (status == INS1_OK)
        status = ins1_timeseries_encoder_encode(&p->series, p->ears, &series, 1, &p->call);
    image.format = INS1_PIXEL_RGB8;
    image.width = IMAGE_WIDTH;
    image.height = IMAGE_HEIGHT;
    image.pixels = pixels;
    for (int i = 0; i < 4; i++)
        frames[i] = image;
    video.frames = frames;
    video.n_frames = 4;
    if (status == INS1_OK)
        status = ins1_vision_encoder_encode(&p->image, p->eyes, &image, 1, &p->call);
    if (status == INS1_OK)
        status = ins1_vision_encoder_encode_video(&p->video, p->eyes, &video, &p->call);
    if (status == INS1_OK)
        status = ins1_embeds_pool(&p->pooled, p->image, INS1_POOL_MEAN, 0, &p->call);
    if (status == INS1_OK)
        status = ins1_embeds_to_dlpack(&tensor, p->pooled, &p->call);
    if (status == INS1_OK)
        status = ins1_embeds_from_dlpack(&p->lent, p->runtime, tensor, NULL, &p->call);
    if (status != INS1_OK && tensor)
        tensor->deleter(tensor);
    return status;
}

static ins1_status ask(program *p)
{
    static const char text[] = "<SMILES>CCO</SMILES>\nHow many heavy atoms?";
    ins1_part parts[] = {
        { .struct_size = sizeof(ins1_part), .kind = INS1_MODALITY_IMAGE, .embeds = p->image },
        { .struct_size = sizeof(ins1_part), .kind = INS1_MODALITY_TIMESERIES, .embeds = p->series },
        { .struct_size = sizeof(ins1_part),
          .kind = INS1_MODALITY_TEXT,
          .text = text,
          .size = sizeof(text) - 1 },
    };
    ins1_message message = {
        .struct_size = sizeof(message), .role = "user", .parts = parts, .n_parts = 3
    };
    ins1_feed feed = INS1_INIT(ins1_feed);

    ins1_status status = ins1_prompt_create(&p->prompt, p->tokenizer, &message, 1, NULL, &p->call);
    if (status == INS1_OK)
        status = ins1_prompt_spans(p->prompt, &feed.spans, &feed.n_spans, &p->call);
    if (status == INS1_OK)
        status = ins1_session_prefill(p->session, &feed, 1, NULL, &p->call);
    if (status == INS1_OK)
        status = ins1_session_fork(p->session, 0, 1, &p->call);
    return status;
}

static ins1_status answer(program *p)
{
    ins1_stream_options options = INS1_INIT(ins1_stream_options);
    ins1_event event = INS1_INIT(ins1_event);
    size_t size = 0;

    options.max_tokens = 12;
    options.n_top = 2;
    ins1_status status = ins1_sampler_create(&p->sampler, p->runtime, NULL, &p->call);
    if (status == INS1_OK)
        status = ins1_stream_open(&p->stream, p->session, 0, p->tokenizer, p->sampler, &options,
                                  &p->call);
    while (status == INS1_OK && event.kind != INS1_EVENT_END) {
        status = ins1_stream_next(p->stream, &event, &p->call);
        if (status != INS1_OK || size + event.size >= sizeof(p->answer))
            break;
        memcpy(p->answer + size, event.text, event.size);
        size += event.size;
    }
    return status;
}

/* Other ways to the same things, each with memory of its own. */
static ins1_status look_around(program *p)
{
    static const char reply[] = "<think>so</think>\n\nIt is<tool_call>\n"
                                "{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>";
    const int32_t ids[] = { 5, 9, 40 };
    const ins1_ids candidates[] = { { ids, 3 }, { ids + 1, 2 } };
    ins1_logprob best[4];
    ins1_event event = INS1_INIT(ins1_event);
    char text[100];
    size_t n;

    ins1_status status = ins1_session_score(p->session, 1, ids, 3, p->numbers, &p->call);
    if (status == INS1_OK)
        status = ins1_session_score_many(p->session, 1, candidates, 2, p->numbers + 3, &p->call);
    if (status == INS1_OK)
        status = ins1_session_logprobs(p->session, 1, 4, best, 4, &n, &p->call);
    if (status == INS1_OK)
        status = ins1_session_embeds(&p->hidden, p->session, 1, INS1_POOL_MEAN, &p->call);
    if (status == INS1_OK)
        status = ins1_embeds_read_f32(p->hidden, 0, 1, p->numbers + 8, N_FLOATS - 16, &n, &p->call);
    if (status == INS1_OK)
        status = ins1_detokenizer_create(&p->detokenizer, p->tokenizer, 0, &p->call);
    if (status == INS1_OK)
        status = ins1_detokenizer_push(p->detokenizer, ids, 3, text, sizeof(text), &n, &p->call);
    if (status == INS1_OK)
        status = ins1_reply_parser_create(&p->parser, p->tokenizer, NULL, &p->call);
    for (size_t i = 0; status == INS1_OK && i < sizeof(reply) - 1; i++) {
        status = ins1_reply_parser_push(p->parser, reply + i, 1, &p->call);
        do {
            if (status == INS1_OK)
                status = ins1_reply_parser_next(p->parser, &event, &p->call);
        } while (status == INS1_OK && event.kind != INS1_EVENT_NONE);
    }
    return status;
}

/* Sequence 1 written down, forgotten and read back is what it was. */
static ins1_status write_down(program *p)
{
    ins1_writer writer = { sizeof(writer), 0, write_bytes, &p->snapshot };
    const float *logits;
    size_t n;

    ins1_status status = ins1_session_save_to(p->session, 1, &writer, &p->call);
    if (status == INS1_OK)
        status = ins1_session_truncate(p->session, 1, 0, NULL, &p->call);
    if (status == INS1_OK) {
        ins1_reader reader = reader_of(&p->snapshot);
        status = ins1_session_restore_from(p->session, 1, &reader, &p->call);
    }
    if (status == INS1_OK)
        status = ins1_session_logits(p->session, 1, &logits, &n, &p->call);
    if (status == INS1_OK)
        memcpy(p->numbers + N_FLOATS - 8, logits, 8 * sizeof(float));
    return status;
}

static ins1_status run(program *p)
{
    ins1_status (*const steps[])(program *) = { open_model, make_parts,  see_and_hear, ask,
                                                answer,     look_around, write_down };
    ins1_status status = INS1_OK;

    *p = (program){ .error = INS1_INIT(ins1_error), .call = INS1_INIT(ins1_call) };
    p->call.error = &p->error;
    memory.count = reads.count = writes.count = 0;
    for (size_t i = 0; status == INS1_OK && i < sizeof(steps) / sizeof(steps[0]); i++)
        status = steps[i](p);
    return status;
}

static void end(program *p)
{
    ins1_reply_parser_release(p->parser);
    ins1_detokenizer_release(p->detokenizer);
    ins1_stream_release(p->stream);
    ins1_sampler_release(p->sampler);
    ins1_prompt_release(p->prompt);
    ins1_session_release(p->session);
    ins1_decoder_release(p->decoder);
    ins1_embeds *const embeds[] = { p->image, p->video, p->series, p->pooled, p->hidden, p->lent };
    for (size_t i = 0; i < sizeof(embeds) / sizeof(embeds[0]); i++)
        ins1_embeds_release(embeds[i]);
    ins1_io_series_release(p->file);
    ins1_timeseries_encoder_release(p->ears);
    ins1_vision_encoder_release(p->eyes);
    ins1_tokenizer_release(p->tokenizer);
    ins1_model_release(p->model);
    ins1_runtime_release(p->runtime);
    free(p->snapshot.at);
}

/* --- again and again --- */

static int n_failures;

static void complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    n_failures++;
}

static void nothing_is_kept(const char *what, int n)
{
    if (live || n_open)
        complain("%s %d fails: %zu bytes and %zu readers are kept\n", what, n, live, n_open);
    live = n_open = 0;
}

/* Every `stride`-th of what `c` counts fails once. `first` and `second` are the statuses it may
 * give. */
static void fail_each(const char *what, counter *c, int n, int stride, ins1_status first,
                      ins1_status second, const program *whole)
{
    int tried = 0;
    for (int i = 0; i < n; i += stride, tried++) {
        program p;
        c->refused = i;
        ins1_status status = run(&p);
        c->refused = NEVER;
        /* What is only an attempt may be done without: then the answer is the same. */
        if (status == INS1_OK) {
            if (strcmp(p.answer, whole->answer) != 0 ||
                memcmp(p.numbers, whole->numbers, sizeof(p.numbers)) != 0)
                complain("%s %d fails and the answer is '%s'\n", what, i, p.answer);
        } else if (status != first && status != second) {
            complain("%s %d fails: %s, %s\n", what, i, ins1_status_name(status), p.error.text);
        } else if (p.error.status != status || !p.error.text[0]) {
            complain("%s %d fails: %s without a sentence\n", what, i, ins1_status_name(status));
        }
        end(&p);
        nothing_is_kept(what, i);
    }
    printf("%s: %d of %d failed once\n", what, tried, n);
}

static void make_inputs(const char *model)
{
    for (size_t i = 0; i < N_FILES; i++) {
        char path[1000];
        snprintf(path, sizeof(path), "%s/%s", model, names[i]);
        folder[i] = load(path);
    }
    csv.at = malloc(N_SAMPLES * 8);
    for (int i = 0; i < N_SAMPLES; i++)
        csv.size += (size_t)sprintf(csv.at + csv.size, "%d\n", i * 37 % 101);
    for (size_t i = 0; i < sizeof(pixels); i++)
        ((unsigned char *)pixels)[i] = (unsigned char)(i * 7 % 251);
}

int main(int argc, char **argv)
{
    program p;
    int stride = argc > 2 ? atoi(argv[2]) : 1;
    if (argc < 2 || stride < 1)
        return 2;

    make_inputs(argv[1]);
    memory.refused = reads.refused = writes.refused = NEVER;
    ins1_status status = run(&p);
    if (status != INS1_OK) {
        printf("nothing fails: %s\n", p.error.text);
        return 1;
    }
    const int n_memory = memory.count, n_reads = reads.count, n_writes = writes.count;
    end(&p);
    nothing_is_kept("of nothing,", 0);
    printf("the answer is '%s'\n", p.answer);
    fail_each("request for memory", &memory, n_memory, stride, INS1_E_MEMORY, INS1_E_BUDGET, &p);
    fail_each("read", &reads, n_reads, 1, INS1_E_IO, INS1_E_CALLBACK, &p);
    fail_each("write", &writes, n_writes, 1, INS1_E_CALLBACK, INS1_E_CALLBACK, &p);
    for (size_t i = 0; i < N_FILES; i++)
        free(folder[i].at);
    free(csv.at);
    return n_failures != 0;
}
