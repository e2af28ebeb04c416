/* Hands every struct of the public headers to the library, those of arrays twice, and prints what
 * came of it:
 *     versions MODEL MODEL_WITH_REWARDS [STRUCT]
 * versions.py compiles it with the headers of other versions: shorter structs, and longer ones, in
 * which STRUCT asks for something that this library cannot know.
 */

#include <interns1/interns1.h>
#include <interns1/io.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK    "What is <SMILES>CCO</SMILES>?"
#define WIDTH  64
#define HEIGHT 48

enum { N_SAMPLES = 2000, N_IDS = 64 };

typedef struct host {
    ins1_error error;
    ins1_call call;
    ins1_runtime *runtime;
    ins1_model *model;
    ins1_tokenizer *tokenizer;
    ins1_session *session;
    ins1_sampler *sampler;
} host;

#ifdef VERSIONS_NEWER
static const char *asking = "";

/* What INS1_INIT of the longer headers puts behind the fields that are known. */
uint64_t versions_tail(const char *name)
{
    return !strcmp(name, asking);
}
#endif

static void must(ins1_status status, const host *h)
{
    if (status == INS1_OK)
        return;
    printf("%s: %s\n", ins1_status_name(status), h->error.text);
    exit(1);
}

static void print_bits(const char *name, const float *values, size_t n)
{
    uint32_t sum = 0, bits;
    for (size_t i = 0; i < n; i++) {
        memcpy(&bits, &values[i], sizeof(bits));
        sum = sum * 31 + bits;
    }
    printf("%s: %zu floats, %08x\n", name, n, (unsigned)sum);
}

static void print_embeds(const char *name, ins1_embeds *embeds, host *h)
{
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    must(ins1_embeds_info_get(embeds, &info, &h->call), h);
    size_t n = info.n_tokens * info.dim, count = 0;
    float *values = calloc(n, sizeof(*values));
    if (!values)
        exit(2);
    must(ins1_embeds_read_f32(embeds, 0, info.n_tokens, values, n, &count, &h->call), h);
    print_bits(name, values, count);
    free(values);
    ins1_embeds_release(embeds);
}

static void *give(void *user, size_t size, size_t align, int32_t kind)
{
    (void)user;
    (void)kind;
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static void take(void *user, void *memory, size_t size, size_t align, int32_t kind)
{
    (void)user;
    (void)size;
    (void)align;
    (void)kind;
    free(memory);
}

static void open_all(host *h, const char *path)
{
    ins1_allocator allocator = INS1_INIT(ins1_allocator);
    ins1_threading threading = INS1_INIT(ins1_threading);
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_mem_stats stats = INS1_INIT(ins1_mem_stats);
    ins1_device_info device = INS1_INIT(ins1_device_info);
    ins1_model_options model = INS1_INIT(ins1_model_options);
    ins1_model_info info = INS1_INIT(ins1_model_info);
    ins1_decoder_options placed = INS1_INIT(ins1_decoder_options);
    ins1_session_options lasting = INS1_INIT(ins1_session_options);
    ins1_plan plan = INS1_INIT(ins1_plan);
    ins1_tokenizer_options words = INS1_INIT(ins1_tokenizer_options);
    ins1_decoder *decoder = NULL;

    allocator.alloc = give;
    allocator.free = take;
    threading.mode = INS1_THREADS_OWN;
    threading.n_threads = 2;
    options.allocator = &allocator;
    options.threading = &threading;
    must(ins1_runtime_create(&h->runtime, &options, &h->call), h);
    must(ins1_runtime_mem(h->runtime, &stats, &h->call), h);
    must(ins1_device_get(h->runtime, 0, &device, &h->call), h);
    printf("device %d, memory is used: %d\n", (int)device.kind, stats.now > 0);
    model.path = path;
    must(ins1_model_plan(h->runtime, &model, &placed, &lasting, &plan, &h->call), h);
    must(ins1_model_open(&h->model, h->runtime, &model, &h->call), h);
    must(ins1_model_info_get(h->model, &info, &h->call), h);
    printf("parts %u and %u\n", (unsigned)plan.parts, (unsigned)info.parts);
    must(ins1_tokenizer_create(&h->tokenizer, h->model, &words, &h->call), h);
    must(ins1_decoder_create(&decoder, h->model, &placed, &h->call), h);
    lasting.n_ctx = 256;
    lasting.n_seq = 2;
    must(ins1_session_create(&h->session, decoder, &lasting, &h->call), h);
    ins1_decoder_release(decoder);
}

static int64_t read_at(void *user, uint64_t offset, void *to, size_t n)
{
    memcpy(to, (const char *)user + offset, n);
    return (int64_t)n;
}

/* A folder of two files that are none on disk: of one its bytes, of the other a reader. */
static void open_files(host *h)
{
    static char texts[2][64] = { "{\"architectures\": [\"X\"]}", "{\"eos_token_id\": 2}" };
    ins1_reader reader = INS1_INIT(ins1_reader);
    ins1_file files[2] = { INS1_INIT(ins1_file), INS1_INIT(ins1_file) };
    ins1_model_options options = INS1_INIT(ins1_model_options);
    ins1_model *model = NULL;

    reader.size = strlen(texts[1]);
    reader.read_at = read_at;
    reader.user = texts[1];
    files[0].name = "config.json";
    files[0].data = texts[0];
    files[0].size = strlen(texts[0]);
    files[1].name = "generation_config.json";
    files[1].reader = &reader;
    options.files = files;
    options.n_files = 2;
    ins1_status status = ins1_model_open(&model, h->runtime, &options, &h->call);
    if (status == INS1_E_VERSION)
        must(status, h);
    printf("files: %s\n", ins1_status_name(status));
    ins1_model_release(model);
}

static void encode(host *h)
{
    ins1_segment segments[2] = { INS1_INIT(ins1_segment), INS1_INIT(ins1_segment) };
    int32_t ids[N_IDS];
    size_t n = 0;

    for (int i = 0; i < 2; i++) {
        segments[i].text = ASK;
        segments[i].size = strlen(ASK);
    }
    must(ins1_tokenizer_encode(h->tokenizer, segments, 2, 0, ids, NULL, N_IDS, &n, &h->call), h);
    printf("ids: %zu, the last is %d\n", n, (int)ids[n - 1]);
}

static int32_t keep(void *user, const void *data, size_t size)
{
    (void)data;
    *(size_t *)user += size;
    return 0;
}

static void feed(host *h)
{
    static const int32_t ids[4] = { 1, 2, 3, 4 };
    ins1_span spans[2] = { INS1_INIT(ins1_span), INS1_INIT(ins1_span) };
    ins1_feed feeds[2] = { INS1_INIT(ins1_feed), INS1_INIT(ins1_feed) };
    ins1_session_info info = INS1_INIT(ins1_session_info);
    ins1_writer writer = INS1_INIT(ins1_writer);
    const float *logits = NULL;
    size_t n = 0, saved = 0;

    for (int i = 0; i < 2; i++) {
        spans[i].ids = ids + 2 * i;
        spans[i].n_ids = 2;
        feeds[i].seq = i;
        feeds[i].spans = spans;
        feeds[i].n_spans = 2;
    }
    must(ins1_session_prefill(h->session, feeds, 2, NULL, &h->call), h);
    must(ins1_session_info_get(h->session, &info, &h->call), h);
    must(ins1_session_logits(h->session, 1, &logits, &n, &h->call), h);
    print_bits("logits", logits, n);
    writer.write = keep;
    writer.user = &saved;
    must(ins1_session_save_to(h->session, 0, &writer, &h->call), h);
    printf("context %d, saved: %d\n", (int)info.n_ctx, saved > 0);
}

static void reply(host *h)
{
    ins1_part parts[2] = { INS1_INIT(ins1_part), INS1_INIT(ins1_part) };
    ins1_message messages[2] = { INS1_INIT(ins1_message), INS1_INIT(ins1_message) };
    ins1_chat_options options = INS1_INIT(ins1_chat_options);
    ins1_prompt_info info = INS1_INIT(ins1_prompt_info);
    ins1_sampler_options sampling = INS1_INIT(ins1_sampler_options);
    ins1_stream_options limits = INS1_INIT(ins1_stream_options);
    ins1_reply_options reading = INS1_INIT(ins1_reply_options);
    ins1_event event = INS1_INIT(ins1_event);
    ins1_prompt *prompt = NULL;
    ins1_stream *stream = NULL;
    ins1_reply_parser *parser = NULL;

    for (int i = 0; i < 2; i++) {
        parts[i].kind = INS1_MODALITY_TEXT;
        parts[i].text = ASK;
        parts[i].size = strlen(ASK);
        messages[i].role = i ? "user" : "system";
        messages[i].parts = parts;
        messages[i].n_parts = 2;
    }
    must(ins1_prompt_create(&prompt, h->tokenizer, messages, 2, &options, &h->call), h);
    must(ins1_prompt_info_get(prompt, &info, &h->call), h);
    must(ins1_sampler_create(&h->sampler, h->runtime, &sampling, &h->call), h);
    limits.max_tokens = 4;
    must(ins1_stream_open(&stream, h->session, 0, h->tokenizer, h->sampler, &limits, &h->call), h);
    while (event.kind != INS1_EVENT_END)
        must(ins1_stream_next(stream, &event, &h->call), h);
    must(ins1_reply_parser_create(&parser, h->tokenizer, &reading, &h->call), h);
    must(ins1_reply_parser_push(parser, "yes", 3, &h->call), h);
    must(ins1_reply_parser_finish(parser, &h->call), h);
    must(ins1_reply_parser_next(parser, &event, &h->call), h);
    printf("prompt of %zu tokens, end %d\n", info.n_tokens, (int)event.end_reason);
    ins1_reply_parser_release(parser);
    ins1_stream_release(stream);
    ins1_prompt_release(prompt);
}

static void see(host *h)
{
    static uint8_t pixels[2][HEIGHT][WIDTH][3];
    ins1_vision_encoder_options options = INS1_INIT(ins1_vision_encoder_options);
    ins1_image images[2] = { INS1_INIT(ins1_image), INS1_INIT(ins1_image) };
    ins1_video video = INS1_INIT(ins1_video);
    ins1_vision_encoder *encoder = NULL;
    ins1_embeds *embeds[2] = { NULL, NULL };
    size_t n = 0;

    memset(pixels[1], 100, sizeof(pixels[1]));
    for (int i = 0; i < 2; i++) {
        images[i].format = INS1_PIXEL_RGB8;
        images[i].width = WIDTH;
        images[i].height = HEIGHT;
        images[i].pixels = pixels[i];
    }
    must(ins1_vision_encoder_create(&encoder, h->model, &options, &h->call), h);
    must(ins1_vision_encoder_encode(embeds, encoder, images, 2, &h->call), h);
    print_embeds("dark", embeds[0], h);
    print_embeds("grey", embeds[1], h);
    video.flags = INS1_VIDEO_ALL_FRAMES;
    video.frames = images;
    video.n_frames = 2;
    video.fps = 2;
    must(ins1_vision_encoder_video_tokens(encoder, &video, &n, &h->call), h);
    printf("video: %zu tokens\n", n);
    ins1_vision_encoder_release(encoder);
}

static void listen(host *h)
{
    static float samples[N_SAMPLES];
    ins1_timeseries_encoder_options options = INS1_INIT(ins1_timeseries_encoder_options);
    ins1_timeseries series[2] = { INS1_INIT(ins1_timeseries), INS1_INIT(ins1_timeseries) };
    ins1_timeseries_encoder *encoder = NULL;
    ins1_embeds *embeds[2] = { NULL, NULL };

    for (int i = 0; i < N_SAMPLES; i++)
        samples[i] = (float)(37 * i % 201 - 100) / 64.0f;
    for (int i = 0; i < 2; i++) {
        series[i].dtype = INS1_SAMPLE_F32;
        series[i].data = samples;
        series[i].n_samples = N_SAMPLES;
        series[i].n_channels = 1;
        series[i].sample_rate_hz = 100;
    }
    must(ins1_timeseries_encoder_create(&encoder, h->model, &options, &h->call), h);
    must(ins1_timeseries_encoder_encode(embeds, encoder, series, 2, &h->call), h);
    print_embeds("a signal", embeds[0], h);
    print_embeds("the same", embeds[1], h);
    ins1_timeseries_encoder_release(encoder);
}

static void bring(host *h)
{
    static const float rows[6] = { 1, 2, 3, 4, 5, 6 };
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    ins1_embeds *embeds = NULL;

    info.n_tokens = 2;
    info.dim = 3;
    info.modality = INS1_MODALITY_TEXT;
    must(ins1_embeds_from_f32(&embeds, h->runtime, &info, rows, &h->call), h);
    print_embeds("rows", embeds, h);
}

static void read_series(host *h)
{
    static const char text[] = "time,volt\n0,1\n0.5,2\n1,3\n";
    ins1_io_options options = INS1_INIT(ins1_io_options);
    ins1_file file = INS1_INIT(ins1_file);
    ins1_timeseries series = INS1_INIT(ins1_timeseries);
    ins1_io_series *read = NULL;

    file.name = "a.csv";
    file.data = text;
    file.size = sizeof(text) - 1;
    must(ins1_io_series_open(&read, h->runtime, &file, 1, &options, &h->call), h);
    must(ins1_io_series_get(read, &series, &h->call), h);
    printf("a file: %zu samples\n", series.n_samples);
    ins1_io_series_release(read);
}

static void judge(host *h, const char *path)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    ins1_polar_request request = INS1_INIT(ins1_polar_request);
    const ins1_text candidate = { "yes", 3 };
    ins1_model *model = NULL;
    ins1_decoder *decoder = NULL;
    ins1_session *session = NULL;
    ins1_tokenizer *tokenizer = NULL;
    float reward = 0;

    options.path = path;
    must(ins1_model_open(&model, h->runtime, &options, &h->call), h);
    must(ins1_tokenizer_create(&tokenizer, model, NULL, &h->call), h);
    must(ins1_decoder_create(&decoder, model, NULL, &h->call), h);
    must(ins1_session_create(&session, decoder, NULL, &h->call), h);
    request.prompt = candidate;
    request.reference = candidate;
    request.candidates = &candidate;
    request.n_candidates = 1;
    ins1_status status = ins1_polar_score(session, 0, tokenizer, &request, &reward, &h->call);
    if (status == INS1_E_VERSION)
        must(status, h);
    printf("reward: %s\n", ins1_status_name(status));
    ins1_session_release(session);
    ins1_decoder_release(decoder);
    ins1_tokenizer_release(tokenizer);
    ins1_model_release(model);
}

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 4)
        return 2;
#ifdef VERSIONS_NEWER
    asking = argc == 4 ? argv[3] : "";
#endif
    host h = { INS1_INIT(ins1_error), INS1_INIT(ins1_call), NULL, NULL, NULL, NULL, NULL };
    h.call.error = &h.error;
    open_all(&h, argv[1]);
    open_files(&h);
    encode(&h);
    feed(&h);
    reply(&h);
    see(&h);
    listen(&h);
    bring(&h);
    read_series(&h);
    judge(&h, argv[2]);
    ins1_sampler_release(h.sampler);
    ins1_session_release(h.session);
    ins1_tokenizer_release(h.tokenizer);
    ins1_model_release(h.model);
    ins1_runtime_release(h.runtime);
    return 0;
}
