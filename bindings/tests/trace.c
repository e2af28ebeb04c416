/* Runs a checkpoint through everything it has and prints ids and bits:
 *     trace MODEL [PARTS]
 * PARTS is a sum of INS1_PART_*. Every binding has a program that prints the same, and the tests
 * compare.
 */

#include <interns1/interns1.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUESTION "How many rings does <SMILES>CC(=O)Oc1ccccc1C(=O)O</SMILES> have?"
#define MAX_IDS  256
#define WIDTH    64
#define HEIGHT   48
#define SAMPLES  2000

typedef struct host {
    ins1_error error;
    ins1_call call;
    ins1_runtime *runtime;
    ins1_model *model;
    ins1_model_info info;
} host;

static void must(ins1_status status, const host *h)
{
    if (status == INS1_OK)
        return;
    fprintf(stderr, "%s: %s\n", ins1_status_name(status), h->error.text);
    exit(1);
}

static void print_ids(const char *name, const int32_t *ids, size_t n)
{
    printf("%s %zu:", name, n);
    for (size_t i = 0; i < n; i++)
        printf(" %d", (int)ids[i]);
    putchar('\n');
}

static void print_floats(const char *name, const float *values, size_t n)
{
    printf("%s %zu:", name, n);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof(bits));
        printf(" %08x", (unsigned)bits);
    }
    putchar('\n');
}

static void print_embeds(const char *name, ins1_embeds *embeds, host *h)
{
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    must(ins1_embeds_info_get(embeds, &info, &h->call), h);
    size_t n = info.n_tokens * info.dim, count = 0;
    float *values = calloc(n, sizeof(*values));
    if (!values)
        exit(1);
    must(ins1_embeds_read_f32(embeds, 0, info.n_tokens, values, n, &count, &h->call), h);
    printf("%s %zu x %zu\n", name, info.n_tokens, info.dim);
    print_floats(name, values, count);
    free(values);
}

static void trace_tokenizer(host *h)
{
    ins1_tokenizer *tokenizer = NULL;
    ins1_segment segment = INS1_INIT(ins1_segment);
    int32_t ids[MAX_IDS];
    char text[1024];
    size_t n = 0, size = 0;

    must(ins1_tokenizer_create(&tokenizer, h->model, NULL, &h->call), h);
    segment.text = QUESTION;
    segment.size = strlen(QUESTION);
    segment.flags = INS1_SEGMENT_SPECIAL;
    must(ins1_tokenizer_encode(tokenizer, &segment, 1, 0, ids, NULL, MAX_IDS, &n, &h->call), h);
    print_ids("ids", ids, n);
    must(ins1_tokenizer_decode(tokenizer, ids, n, 0, text, sizeof(text), &size, &h->call), h);
    printf("text: %.*s\n", (int)size, text);
    ins1_tokenizer_release(tokenizer);
}

static void trace_decoder(host *h)
{
    ins1_decoder *decoder = NULL;
    ins1_session *session = NULL;
    ins1_sampler *sampler = NULL;
    ins1_embeds *embeds = NULL;
    ins1_span span = INS1_INIT(ins1_span);
    ins1_feed feed = INS1_INIT(ins1_feed);
    const int32_t prompt[5] = { 1, 2, 3, 4, 5 };
    int32_t chosen[4];
    const float *logits = NULL;
    size_t n = 0;

    must(ins1_decoder_create(&decoder, h->model, NULL, &h->call), h);
    must(ins1_session_create(&session, decoder, NULL, &h->call), h);
    must(ins1_sampler_create(&sampler, h->runtime, NULL, &h->call), h);
    span.ids = prompt;
    span.n_ids = 5;
    feed.spans = &span;
    feed.n_spans = 1;
    must(ins1_session_prefill(session, &feed, 1, NULL, &h->call), h);
    for (int i = 0; i < 4; i++) {
        ins1_logprob picked;
        must(ins1_session_logits(session, 0, &logits, &n, &h->call), h);
        must(ins1_sampler_pick(sampler, logits, n, &picked, &h->call), h);
        chosen[i] = picked.token;
        must(ins1_session_step(session, &(ins1_step){ 0, picked.token }, 1, &h->call), h);
    }
    print_ids("chosen", chosen, 4);
    must(ins1_session_logits(session, 0, &logits, &n, &h->call), h);
    print_floats("logits", logits, n);
    must(ins1_session_embeds(&embeds, session, 0, INS1_POOL_LAST, &h->call), h);
    print_embeds("hidden", embeds, h);
    ins1_embeds_release(embeds);
    ins1_sampler_release(sampler);
    ins1_session_release(session);
    ins1_decoder_release(decoder);
}

static void trace_vision(host *h)
{
    static uint8_t pixels[HEIGHT][WIDTH][3];
    ins1_vision_encoder *encoder = NULL;
    ins1_image image = INS1_INIT(ins1_image);
    ins1_embeds *embeds = NULL;

    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int c = 0; c < 3; c++)
                pixels[y][x][c] = (uint8_t)(7 * x + 13 * y + 29 * c + x * y);
    ins1_status status = ins1_vision_encoder_create(&encoder, h->model, NULL, &h->call);
    if (status == INS1_E_UNSUPPORTED) {
        printf("vision: INS1_E_UNSUPPORTED\n");
        return;
    }
    must(status, h);
    image.format = INS1_PIXEL_RGB8;
    image.width = WIDTH;
    image.height = HEIGHT;
    image.pixels = pixels;
    must(ins1_vision_encoder_encode(&embeds, encoder, &image, 1, &h->call), h);
    print_embeds("vision", embeds, h);
    ins1_embeds_release(embeds);
    ins1_vision_encoder_release(encoder);
}

static void trace_timeseries(host *h)
{
    static float samples[SAMPLES];
    ins1_timeseries_encoder *encoder = NULL;
    ins1_timeseries series = INS1_INIT(ins1_timeseries);
    ins1_embeds *embeds = NULL;

    for (int i = 0; i < SAMPLES; i++)
        samples[i] = (float)(37 * i % 201 - 100) / 64.0f;
    ins1_status status = ins1_timeseries_encoder_create(&encoder, h->model, NULL, &h->call);
    if (status == INS1_E_UNSUPPORTED) {
        printf("timeseries: INS1_E_UNSUPPORTED\n");
        return;
    }
    must(status, h);
    series.dtype = INS1_SAMPLE_F32;
    series.data = samples;
    series.n_samples = SAMPLES;
    series.n_channels = 1;
    series.sample_rate_hz = 100;
    must(ins1_timeseries_encoder_encode(&embeds, encoder, &series, 1, &h->call), h);
    print_embeds("timeseries", embeds, h);
    ins1_embeds_release(embeds);
    ins1_timeseries_encoder_release(encoder);
}

int main(int argc, char **argv)
{
    host h = { INS1_INIT(ins1_error), INS1_INIT(ins1_call), NULL, NULL,
               INS1_INIT(ins1_model_info) };
    ins1_model_options options = INS1_INIT(ins1_model_options);

    if (argc < 2)
        return fprintf(stderr, "usage: trace MODEL [PARTS]\n"), 2;
    h.call.error = &h.error;
    options.path = argv[1];
    options.parts = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    must(ins1_runtime_create(&h.runtime, NULL, &h.call), &h);
    must(ins1_model_open(&h.model, h.runtime, &options, &h.call), &h);
    must(ins1_model_info_get(h.model, &h.info, &h.call), &h);
    printf("parts: %u\n", (unsigned)h.info.parts);
    if (h.info.parts & INS1_PART_TOKENIZER)
        trace_tokenizer(&h);
    if (h.info.parts & INS1_PART_DECODER)
        trace_decoder(&h);
    trace_vision(&h);
    trace_timeseries(&h);
    ins1_model_release(h.model);
    ins1_runtime_release(h.runtime);
    return 0;
}
