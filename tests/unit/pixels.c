/* Images and videos as the reference prepares them: the same bytes, the same floats, the same
 * numbers of tokens, from JSON alone. */

#include "interns1/inspect.h"
#include "interns1/model.h"
#include "unit/meter.h"
#include "vision/source.h"
#include "vision/vision.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "unit/pixels_cases.h"

enum { NOISE, WAVES }; /* kinds of images, and edges */

#define S1_CONFIG(side)                                                                      \
    "{\"architectures\": [\"InternS1ForConditionalGeneration\"], \"text_config\": "          \
    "{\"model_type\": \"qwen3\"}, \"vision_config\": {\"model_type\": \"interns1_vision\", " \
    "\"image_size\": " side ", \"patch_size\": [14, 14]}}"
#define PRO_CONFIG(patch)                                                                       \
    "{\"model_type\": \"interns1_pro\", \"text_config\": {\"vocab_size\": 9, \"hidden_size\": " \
    "8, \"num_hidden_layers\": 1, \"num_attention_heads\": 1, \"num_key_value_heads\": 1, "     \
    "\"intermediate_size\": 8, \"num_experts\": 0, \"num_experts_per_tok\": 1, "                \
    "\"moe_intermediate_size\": 1, \"max_position_embeddings\": 64}, \"vision_config\": "       \
    "{\"model_type\": \"interns1_pro_vision\", \"patch_size\": " patch "}}"

/* The JSON of each model of the cases; what is NULL is a file that is not there. */
typedef struct documents {
    const char *config, *image, *video;
} documents;
static const documents models[N_MODELS] = {
    [S1] = { S1_CONFIG("[448, 448]"), NULL, NULL },
    [S1_SMALL] = { S1_CONFIG("28"),
                   "{\"min_patches\": 2, \"max_patches\": 6, \"size\": {\"height\": 28, "
                   "\"width\": 28}, \"image_mean\": [0.485, 0.456, 0.406]}",
                   "{\"do_sample_frames\": true, \"num_frames\": 3}" },
    [PRO] = { PRO_CONFIG("16"), NULL, NULL },
    [PRO_SMALL] = { PRO_CONFIG("4"),
                    "{\"patch_size\": 4, \"size\": {\"shortest_edge\": 256, \"longest_edge\": "
                    "2048}, \"image_std\": 0.5}",
                    "{\"size\": {\"shortest_edge\": 512, \"longest_edge\": 4096}, \"fps\": 2}" },
};

static meter source;
static ins1_runtime *runtime;
static ins1_vision_encoder *encoders[N_MODELS];
static ins1_error error;
static ins1_call call;

static ins1_status open_encoder(ins1_vision_encoder **out, const documents *d, int32_t max_tokens)
{
    ins1_vision_encoder_options options = INS1_INIT(ins1_vision_encoder_options);
    ins1_model_options from = INS1_INIT(ins1_model_options);
    ins1_file files[3];
    ins1_model *model;
    const struct {
        const char *name, *text;
    } all[] = {
        { "config.json", d->config },
        { "preprocessor_config.json", d->image },
        { "video_preprocessor_config.json", d->video },
    };

    *out = NULL;
    for (size_t i = 0; i < 3; i++)
        if (all[i].text)
            files[from.n_files++] = (ins1_file){ .struct_size = sizeof(ins1_file),
                                                 .name = all[i].name,
                                                 .data = all[i].text,
                                                 .size = strlen(all[i].text) };
    from.files = files;
    ins1_status status = ins1_model_open(&model, runtime, &from, &call);
    if (status != INS1_OK)
        return status;
    options.flags = INS1_VISION_ENCODER_NO_WEIGHTS;
    options.max_tokens = max_tokens;
    status = ins1_vision_encoder_create(out, model, &options, &call);
    ins1_model_release(model); /* the encoder keeps it */
    return status;
}

static void open_runtime(int32_t n_threads)
{
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_threading threading = INS1_INIT(ins1_threading);
    ins1_allocator memory = meter_source(&source);

    error = (ins1_error)INS1_INIT(ins1_error);
    call = (ins1_call)INS1_INIT(ins1_call);
    call.error = &error;
    threading.mode = INS1_THREADS_OWN;
    threading.n_threads = n_threads;
    options.allocator = &memory;
    options.threading = &threading;
    ck_assert_int_eq(ins1_runtime_create(&runtime, &options, &call), INS1_OK);
}

static void setup(void)
{
    open_runtime(3);
    for (int i = 0; i < N_MODELS; i++) {
        ins1_status status = open_encoder(&encoders[i], &models[i], 0);
        ck_assert_msg(status == INS1_OK, "model %d: %s", i, error.text);
    }
}

static void teardown(void)
{
    for (int i = 0; i < N_MODELS; i++) {
        ins1_vision_encoder_release(encoders[i]);
        encoders[i] = NULL;
    }
    ins1_runtime_release(runtime);
    ck_assert_int_eq(atomic_load(&source.live), 0);
}

/* --- images that the reference's script computes too --- */

static uint32_t mix(uint32_t x)
{
    x *= 2654435761u;
    x = (x ^ x >> 15) * 2246822519u;
    return x ^ x >> 13;
}

static uint8_t *picture(int width, int height, int channels, int kind, uint32_t seed)
{
    const uint32_t n = (uint32_t)width * (uint32_t)height * (uint32_t)channels;
    uint8_t *out = malloc(n);

    for (uint32_t i = 0; i < n; i++) {
        uint32_t y = i / (uint32_t)(width * channels);
        uint32_t x = i / (uint32_t)channels % (uint32_t)width, c = i % (uint32_t)channels;
        if (kind == NOISE)
            out[i] = (uint8_t)(mix(i + seed * 7919) >> 24);
        else if (kind == WAVES)
            out[i] = (uint8_t)(x * 3 + y * 5 + c * 85 + seed);
        else
            out[i] = (uint8_t)((x / 3 + y / 2 + c + seed) % 2 * 255);
    }
    return out;
}

static ins1_image dense(const void *pixels, int32_t format, int width, int height)
{
    return (ins1_image){ .struct_size = sizeof(ins1_image),
                         .format = format,
                         .width = width,
                         .height = height,
                         .pixels = pixels };
}

/* CRC-32 as zlib has it. */
static uint32_t checksum(const void *data, size_t size)
{
    static uint32_t table[256];
    const uint8_t *bytes = data;
    uint32_t crc = 0xffffffffu;

    for (uint32_t i = 0; !table[255] && i < 256; i++) {
        uint32_t x = i;
        for (int bit = 0; bit < 8; bit++)
            x = x & 1 ? x >> 1 ^ 0xedb88320u : x >> 1;
        table[i] = x;
    }
    for (size_t i = 0; i < size; i++)
        crc = table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
    return ~crc;
}

/* An image or a video through the public functions, in exactly as much memory as they ask for. */
static float *preprocess(ins1_vision_encoder *encoder, const ins1_image *image,
                         const ins1_video *video, uint32_t flags, ins1_pixels_info *info, size_t *n)
{
    float *out = NULL;

    *info = (ins1_pixels_info)INS1_INIT(ins1_pixels_info);
    for (int round = 0; round < 2; round++) {
        size_t capacity = round ? *n : 0;
        ins1_status status = video ? ins1_vision_encoder_preprocess_video(
                                         encoder, video, flags, out, capacity, n, info, &call)
                                   : ins1_vision_encoder_preprocess(encoder, image, flags, out,
                                                                    capacity, n, info, &call);
        ck_assert_msg(status == (round ? INS1_OK : INS1_E_BUFFER), "%d: %s", status, error.text);
        if (!round)
            out = malloc(*n * sizeof(*out));
    }
    return out;
}

static void check_checksums(ins1_vision_encoder *encoder, const ins1_image *image,
                            const ins1_video *video, int tiles, const int grid[3], uint32_t bytes,
                            uint32_t floats, const char *what)
{
    ins1_pixels_info info;
    size_t n, product = 1;

    float *pixels = preprocess(encoder, image, video, 0, &info, &n);
    ck_assert_msg(info.n_tiles == tiles && info.grid_t == grid[0] && info.grid_h == grid[1] &&
                      info.grid_w == grid[2],
                  "%s: %d tiles, %d x %d x %d", what, info.n_tiles, info.grid_t, info.grid_h,
                  info.grid_w);
    for (int i = 0; i < info.n_dim; i++)
        product *= info.dim[i];
    ck_assert_uint_eq(product, n);
    ck_assert_msg(checksum(pixels, n * sizeof(*pixels)) == floats, "%s: floats differ", what);
    free(pixels);

    pixels = preprocess(encoder, image, video, INS1_PREPROCESS_RAW, &info, &n);
    uint8_t *raw = malloc(n);
    for (size_t i = 0; i < n; i++)
        raw[i] = (uint8_t)pixels[i];
    ck_assert_msg(checksum(raw, n) == bytes, "%s: bytes differ", what);
    free(raw);
    free(pixels);
}

START_TEST(images_have_the_bytes_and_the_floats_of_the_reference)
{
    for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
        uint8_t *pixels = picture(images[i].width, images[i].height, images[i].channels,
                                  images[i].kind, images[i].seed);
        int32_t format = images[i].channels == 1 ? INS1_PIXEL_GRAY8 : INS1_PIXEL_RGB8;
        ins1_image image = dense(pixels, format, images[i].width, images[i].height);
        char what[40];
        snprintf(what, sizeof(what), "model %d, %d x %d", images[i].model, images[i].width,
                 images[i].height);
        check_checksums(encoders[images[i].model], &image, NULL, images[i].tiles, images[i].grid,
                        images[i].bytes, images[i].floats, what);
        free(pixels);
    }
}
END_TEST

START_TEST(videos_have_the_bytes_the_floats_and_the_times_of_the_reference)
{
    for (size_t i = 0; i < sizeof(videos) / sizeof(videos[0]); i++) {
        ins1_vision_encoder *encoder = encoders[videos[i].model];
        ins1_video video = INS1_INIT(ins1_video);
        ins1_image frames[128];
        s1_source frame_source;
        char what[40];
        size_t n_tokens, last;

        for (int f = 0; f < videos[i].n; f++)
            frames[f] = dense(
                picture(videos[i].width, videos[i].height, 3, NOISE, videos[i].seed + (uint32_t)f),
                INS1_PIXEL_RGB8, videos[i].width, videos[i].height);
        video.frames = frames;
        video.n_frames = (size_t)videos[i].n;
        video.fps = videos[i].rate;
        snprintf(what, sizeof(what), "video %zu", i);
        check_checksums(encoder, NULL, &video, videos[i].tiles, videos[i].grid, videos[i].bytes,
                        videos[i].floats, what);

        ck_assert_int_eq(
            s1_source_of_clip(&frame_source, &encoder->processor, &video, SIZE_MAX, &error),
            INS1_OK);
        last = (size_t)frame_source.pixels.grid_t - 1;
        ck_assert_double_eq(s1_source_time(&frame_source, 0), videos[i].first_time);
        ck_assert_double_eq(s1_source_time(&frame_source, last), videos[i].last_time);
        ck_assert_int_eq(ins1_vision_encoder_video_tokens(encoder, &video, &n_tokens, &call),
                         INS1_OK);
        ck_assert_uint_eq(n_tokens, frame_source.pixels.n_tokens);
        for (int f = 0; f < videos[i].n; f++)
            free((void *)(uintptr_t)frames[f].pixels);
    }
}
END_TEST

/* --- numbers of tokens --- */

static int32_t side(uint32_t i, uint32_t salt)
{
    uint32_t x = mix(i * 4 + salt);
    return (int32_t)(1 + (x >> 4) % sides[x & 3]);
}

START_TEST(numbers_of_tokens_are_those_of_the_reference)
{
    for (uint32_t i = 0; i < N_SIZES; i++) {
        int32_t width = side(i, 0), height = side(i, 1);
        size_t n_tokens;
        ck_assert_int_eq(ins1_vision_encoder_tokens(encoders[S1], width, height, &n_tokens, &call),
                         INS1_OK);
        ck_assert_msg(n_tokens == (size_t)tiles_of_size[i] * 256, "%d x %d: %zu tokens", width,
                      height, n_tokens);
        ins1_status status =
            ins1_vision_encoder_tokens(encoders[PRO], width, height, &n_tokens, &call);
        ck_assert_int_eq(status, tokens_of_size[i] ? INS1_OK : INS1_E_ARGUMENT);
        ck_assert_msg(n_tokens == (size_t)tokens_of_size[i], "%d x %d: %zu tokens", width, height,
                      n_tokens);
    }
}
END_TEST

START_TEST(numbers_of_tokens_of_videos_are_those_of_the_reference)
{
    ins1_image *frames = malloc(2000 * sizeof(*frames));

    for (uint32_t i = 0; i < N_CLIPS; i++) {
        uint32_t x = mix(i * 4 + 2), y = mix(i * 4 + 3);
        ins1_video video = INS1_INIT(ins1_video);
        size_t n_tokens;
        video.n_frames = 1 + x % 2000;
        video.fps = rates[(x >> 16) % (sizeof(rates) / sizeof(rates[0]))];
        video.frames = frames;
        for (size_t f = 0; f < video.n_frames; f++)
            frames[f] = dense(NULL, 0, (int)(1 + y % 1500), (int)(1 + (y >> 16) % 1500));
        ins1_status status =
            ins1_vision_encoder_video_tokens(encoders[PRO], &video, &n_tokens, &call);
        ck_assert_int_eq(status, tokens_of_clip[i] ? INS1_OK : INS1_E_ARGUMENT);
        ck_assert_msg(n_tokens == (size_t)tokens_of_clip[i], "clip %u: %zu tokens", i, n_tokens);
    }
    free(frames);
}
END_TEST

/* 10^5 sizes: what is predicted is what the preprocessing of that size makes room for; and for
 * those small enough to compute here, what it makes. */
START_TEST(predicted_numbers_of_tokens_are_those_produced)
{
    static const uint8_t pixel[3];

    for (uint32_t i = 0; i < 100000; i++) {
        ins1_vision_encoder *encoder = encoders[i % N_MODELS];
        ins1_image image = dense(pixel, INS1_PIXEL_RGB8, side(i, 2), side(i, 3));
        ins1_pixels_info info = INS1_INIT(ins1_pixels_info);
        size_t predicted, n,
            of_token = encoder->processor.kind == S1_VISION_TILES
                           ? encoder == encoders[S1] ? 3 * 448 * 448 / 256 : 3 * 28 * 28
                       : encoder == encoders[PRO] ? 4 * 1536
                                                  : 4 * 96;
        ins1_status asked =
            ins1_vision_encoder_tokens(encoder, image.width, image.height, &predicted, &call);
        ins1_status made =
            ins1_vision_encoder_preprocess(encoder, &image, 0, NULL, 0, &n, &info, &call);
        ck_assert_int_eq(made, asked == INS1_OK ? INS1_E_BUFFER : asked);
        ck_assert_uint_eq(info.n_tokens, predicted);
        ck_assert_uint_eq(n, predicted * of_token);
        if (asked != INS1_OK || i % 50 || image.width > 60 || image.height > 60)
            continue;
        uint8_t *pixels = picture(image.width, image.height, 3, NOISE, i);
        image.pixels = pixels;
        float *out = preprocess(encoder, &image, NULL, 0, &info, &n);
        ck_assert_uint_eq(info.n_tokens, predicted);
        ck_assert(isfinite(out[n - 1]));
        free(out);
        free(pixels);
    }
}
END_TEST

START_TEST(a_lower_limit_of_tokens_shrinks_images)
{
    static const struct {
        int model;
        int32_t max_tokens, width, height;
        size_t n_tokens;
    } cases[] = {
        { S1, 256, 1920, 1080, 256 },     { S1, 800, 1920, 1080, 768 },
        { S1, 100000, 1920, 1080, 2304 }, { S1_SMALL, 1, 100, 50, 1 },
        { PRO, 100, 1920, 1080, 91 },     { PRO, 100000, 1920, 1080, 2040 },
        { PRO_SMALL, 9, 80, 80, 9 },
    };
    ins1_vision_encoder *encoder;
    size_t n_tokens;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_int_eq(open_encoder(&encoder, &models[cases[i].model], cases[i].max_tokens),
                         INS1_OK);
        ck_assert_int_eq(
            ins1_vision_encoder_tokens(encoder, cases[i].width, cases[i].height, &n_tokens, &call),
            INS1_OK);
        ck_assert_msg(n_tokens == cases[i].n_tokens, "case %zu: %zu tokens", i, n_tokens);
        ins1_vision_encoder_release(encoder);
    }
    ck_assert_int_eq(open_encoder(&encoder, &models[S1], 255), INS1_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.text, "256"));
    ck_assert_int_eq(open_encoder(&encoder, &models[S1], -1), INS1_E_ARGUMENT);

    /* The least of the reference's sides may still be too many tokens. */
    ck_assert_int_eq(open_encoder(&encoder, &models[PRO], 3), INS1_OK);
    ck_assert_int_eq(ins1_vision_encoder_tokens(encoder, 4000, 40, &n_tokens, &call),
                     INS1_E_ARGUMENT);
    ins1_vision_encoder_release(encoder);
}
END_TEST

/* --- how pixels lie in memory --- */

enum { W = 13, H = 9 };

/* Channel `c` of the colour picture: all formats below hold what their bits can say of it. */
static uint8_t value(const uint8_t *rgb, int x, int y, int c)
{
    return rgb[(y * W + x) * 3 + c];
}

static void put(uint8_t *at, int32_t format, const uint8_t *rgb, int x, int y)
{
    for (int c = 0; c < 3; c++) {
        uint8_t v = value(rgb, x, y, c);
        uint16_t wide = (uint16_t)(v << 8 | (0xff - v));
        float real = (float)v / 255;
        switch (format) {
        case INS1_PIXEL_BGR8:
        case INS1_PIXEL_BGRA8:
            at[2 - c] = v;
            break;
        case INS1_PIXEL_RGB16:
        case INS1_PIXEL_RGBA16:
            memcpy(at + 2 * c, &wide, sizeof(wide));
            break;
        case INS1_PIXEL_RGB_F32:
            memcpy(at + 4 * c, &real, sizeof(real));
            break;
        default:
            at[c] = v;
        }
    }
}

START_TEST(every_format_and_every_stride_gives_the_same_image)
{
    static const struct {
        int32_t format;
        ptrdiff_t size, x, y; /* bytes; strides 0: as in the dense image */
    } cases[] = {
        { INS1_PIXEL_RGB8, 3, 0, 0 },        { INS1_PIXEL_RGBA8, 4, 0, 0 },
        { INS1_PIXEL_BGR8, 3, 0, 0 },        { INS1_PIXEL_BGRA8, 4, 0, 0 },
        { INS1_PIXEL_RGB16, 6, 0, 0 },       { INS1_PIXEL_RGBA16, 8, 0, 0 },
        { INS1_PIXEL_RGB_F32, 12, 0, 0 },    { INS1_PIXEL_RGB8, 3, 5, 0 },
        { INS1_PIXEL_RGB8, 3, 3, 64 },       { INS1_PIXEL_RGB8, 3, -3, 3 * W },
        { INS1_PIXEL_RGB8, 3, 3, -3 * W },   { INS1_PIXEL_BGRA8, 4, -7, -7 * W },
        { INS1_PIXEL_RGB8, 3, 3 * H, 3 },    { INS1_PIXEL_RGB16, 6, -6 * H, -6 },
        { INS1_PIXEL_RGB_F32, 12, 13, 200 },
    };
    uint8_t *rgb = picture(W, H, 3, NOISE, 3);
    const ins1_image plain = dense(rgb, INS1_PIXEL_RGB8, W, H);
    ins1_pixels_info info;
    size_t n, m;

    float *want = preprocess(encoders[S1_SMALL], &plain, NULL, 0, &info, &n);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ptrdiff_t x = cases[i].x ? cases[i].x : cases[i].size;
        ptrdiff_t y = cases[i].y ? cases[i].y : x * W;
        ptrdiff_t low = (x < 0 ? x * (W - 1) : 0) + (y < 0 ? y * (H - 1) : 0);
        ptrdiff_t high = (x > 0 ? x * (W - 1) : 0) + (y > 0 ? y * (H - 1) : 0) + cases[i].size;
        uint8_t *memory = malloc((size_t)(high - low));
        memset(memory, 0x5a, (size_t)(high - low));
        for (int row = 0; row < H; row++)
            for (int column = 0; column < W; column++)
                put(memory - low + y * row + x * column, cases[i].format, rgb, column, row);
        ins1_image image = dense(memory - low, cases[i].format, W, H);
        image.pixel_stride = cases[i].x;
        image.row_stride = cases[i].y;
        float *got = preprocess(encoders[S1_SMALL], &image, NULL, 0, &info, &m);
        ck_assert_uint_eq(m, n);
        ck_assert_msg(!memcmp(got, want, n * sizeof(*got)), "case %zu differs", i);
        free(got);
        free(memory);
    }
    free(want);
    free(rgb);
}
END_TEST

START_TEST(grey_of_16_bits_is_grey_of_8)
{
    uint8_t *grey = picture(W, H, 1, NOISE, 4);
    uint16_t wide[W * H];
    ins1_pixels_info info;
    size_t n, m;

    for (int i = 0; i < W * H; i++)
        wide[i] = (uint16_t)(grey[i] << 8 | 0x80);
    const ins1_image of_8 = dense(grey, INS1_PIXEL_GRAY8, W, H);
    const ins1_image of_16 = dense(wide, INS1_PIXEL_GRAY16, W, H);
    float *want = preprocess(encoders[PRO_SMALL], &of_8, NULL, 0, &info, &n);
    float *got = preprocess(encoders[PRO_SMALL], &of_16, NULL, 0, &info, &m);
    ck_assert_uint_eq(m, n);
    ck_assert_mem_eq(got, want, n * sizeof(*got));
    free(got);
    free(want);
    free(grey);
}
END_TEST

START_TEST(floats_are_clamped_and_a_nan_is_named)
{
    float pixels[28 * 28 * 3] = { -1, 2, INFINITY };
    const ins1_image image = dense(pixels, INS1_PIXEL_RGB_F32, 28, 28);
    ins1_vision_encoder *encoder = encoders[S1_SMALL];
    ins1_pixels_info info;
    size_t n;

    float *out = preprocess(encoder, &image, NULL, INS1_PREPROCESS_RAW, &info, &n);
    const float *thumbnail = out + n - 3 * 28 * 28; /* of the same size: nothing is resized */
    ck_assert_float_eq(thumbnail[0], 0);
    ck_assert_float_eq(thumbnail[28 * 28], 255);
    ck_assert_float_eq(thumbnail[2 * 28 * 28], 255);
    free(out);

    pixels[(5 * 28 + 3) * 3 + 1] = NAN;
    ck_assert_int_eq(ins1_vision_encoder_preprocess(encoder, &image, 0, NULL, 0, &n, NULL, &call),
                     INS1_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.text, "(3, 5)"));
}
END_TEST

/* --- what is refused --- */

START_TEST(images_that_cannot_be_are_refused)
{
    static const uint8_t pixel[12];
    static const struct {
        int32_t format, width, height;
        const void *pixels;
        ptrdiff_t x, y;
        const char *said;
    } cases[] = {
        { INS1_PIXEL_RGB8, 0, 1, pixel, 0, 0, "0 x 1" },
        { INS1_PIXEL_RGB8, 1, 0, pixel, 0, 0, "1 x 0" },
        { INS1_PIXEL_RGB8, INT32_MIN, INT32_MIN, pixel, 0, 0, "-2147483648" },
        { INS1_PIXEL_RGB8, 1, 1, NULL, 0, 0, "no pixels" },
        { 0, 1, 1, pixel, 0, 0, "format 0" },
        { 10, 1, 1, pixel, 0, 0, "format 10" },
        { -1, 1, 1, pixel, 0, 0, "format -1" },
        { INS1_PIXEL_RGB8, 2, 2, pixel, PTRDIFF_MAX, 0, "strides" },
        { INS1_PIXEL_RGB8, 2, 2, pixel, PTRDIFF_MIN, 0, "strides" },
        { INS1_PIXEL_RGB8, 2, 2, pixel, 3, PTRDIFF_MIN, "strides" },
        { INS1_PIXEL_RGB8, 2, 3, pixel, 3, PTRDIFF_MAX / 2, "strides" },
        { INS1_PIXEL_RGB_F32, INT32_MAX, INT32_MAX, pixel, 0, 0, "strides" },
        { INS1_PIXEL_RGBA16, INT32_MAX, INT32_MAX, pixel, 0, 0, "strides" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ins1_image image = dense(cases[i].pixels, cases[i].format, cases[i].width, cases[i].height);
        size_t n = 1;
        image.pixel_stride = cases[i].x;
        image.row_stride = cases[i].y;
        for (int model = 0; model < N_MODELS; model++) {
            ins1_status status = ins1_vision_encoder_preprocess(encoders[model], &image, 0, NULL, 0,
                                                                &n, NULL, &call);
            ck_assert_msg(status == INS1_E_ARGUMENT, "case %zu: %d", i, status);
            ck_assert_msg(strstr(error.text, cases[i].said) != NULL, "case %zu: %s", i, error.text);
            ck_assert_uint_eq(n, 0);
        }
    }
}
END_TEST

START_TEST(sizes_at_the_end_of_the_numbers_have_an_answer)
{
    static const int32_t ends[] = { 1, 2, 31, 32, 33, INT32_MAX / 200, INT32_MAX - 1, INT32_MAX };
    enum { N = sizeof(ends) / sizeof(ends[0]) };

    for (int i = 0; i < N * N; i++) {
        size_t n_tokens;
        for (int model = 0; model < N_MODELS; model++) {
            ins1_status status = ins1_vision_encoder_tokens(encoders[model], ends[i / N],
                                                            ends[i % N], &n_tokens, &call);
            ck_assert(status == INS1_OK || status == INS1_E_ARGUMENT);
            ck_assert((status == INS1_OK) == (n_tokens > 0));
            ck_assert_uint_le(n_tokens, 17000);
        }
    }
}
END_TEST

/* A row of 2^31 - 1 pixels that are one byte: more weights than the budget of this runtime. */
START_TEST(an_image_too_large_for_the_budget_is_refused)
{
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    static const uint8_t pixel[3];
    const ins1_image image = dense(pixel, INS1_PIXEL_RGB8, INT32_MAX, 1);
    static float out[1];
    ins1_runtime *usual = runtime;
    ins1_vision_encoder *encoder;
    size_t n;

    options.host_budget = 1 << 26;
    ck_assert_int_eq(ins1_runtime_create(&runtime, &options, &call), INS1_OK);
    ck_assert_int_eq(open_encoder(&encoder, &models[S1], 0), INS1_OK);
    ck_assert_int_eq(ins1_vision_encoder_preprocess(encoder, &image, 0, out, 1, &n, NULL, &call),
                     INS1_E_BUDGET);
    ins1_vision_encoder_release(encoder);
    ins1_runtime_release(runtime);
    runtime = usual;
}
END_TEST

static uint8_t frame_pixels[64 * 64 * 3];

static void no_frames(ins1_video *video)
{
    video->n_frames = 0;
}

static void frames_at_null(ins1_video *video)
{
    video->frames = NULL;
}

static void one_frame(ins1_video *video)
{
    video->n_frames = 1;
}

static void too_new(ins1_video *video)
{
    video->flags = 2;
}

static void negative_rate(ins1_video *video)
{
    video->fps = -1;
}

static void no_number(ins1_video *video)
{
    video->fps = NAN;
}

static void falling_times(ins1_video *video)
{
    static const double times[] = { 0, 2, 1, 3 };
    video->timestamps = times;
}

static void endless_times(ins1_video *video)
{
    static const double times[] = { 0, 1, 2, INFINITY };
    video->timestamps = times;
}

static void frame_of_another_size(ins1_video *video)
{
    static ins1_image frames[4];
    memcpy(frames, video->frames, sizeof(frames));
    frames[2].width = 63;
    video->frames = frames;
}

static void frame_without_pixels(ins1_video *video)
{
    static ins1_image frames[4];
    memcpy(frames, video->frames, sizeof(frames));
    frames[1].pixels = NULL;
    video->frames = frames;
}

static void small_frames(ins1_video *video)
{
    static ins1_image frames[4];
    memcpy(frames, video->frames, sizeof(frames));
    for (int i = 0; i < 4; i++)
        frames[i].height = 31;
    video->frames = frames;
}

START_TEST(videos_that_cannot_be_are_refused)
{
    static const struct {
        void (*change)(ins1_video *video);
        ins1_status status;
        const char *said;
    } cases[] = {
        { no_frames, INS1_E_ARGUMENT, "no frames" },
        { frames_at_null, INS1_E_ARGUMENT, "no frames" },
        { one_frame, INS1_E_ARGUMENT, "1 frames" },
        { too_new, INS1_E_VERSION, "0x2" },
        { negative_rate, INS1_E_ARGUMENT, "-1" },
        { no_number, INS1_E_ARGUMENT, "nan" },
        { falling_times, INS1_E_ARGUMENT, "frame 2" },
        { endless_times, INS1_E_ARGUMENT, "frame 3" },
        { frame_of_another_size, INS1_E_ARGUMENT, "frame 2" },
        { frame_without_pixels, INS1_E_ARGUMENT, "frame 1" },
        { small_frames, INS1_E_ARGUMENT, "64 x 31" },
    };
    ins1_image frames[4];
    for (int i = 0; i < 4; i++)
        frames[i] = dense(frame_pixels, INS1_PIXEL_RGB8, 64, 64);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ins1_video video = INS1_INIT(ins1_video);
        size_t n;
        video.frames = frames;
        video.n_frames = 4;
        cases[i].change(&video);
        ins1_status status = ins1_vision_encoder_preprocess_video(encoders[PRO], &video, 0, NULL, 0,
                                                                  &n, NULL, &call);
        ck_assert_msg(status == cases[i].status, "case %zu: %d %s", i, status, error.text);
        ck_assert_msg(strstr(error.text, cases[i].said) != NULL, "case %zu: %s", i, error.text);
    }
}
END_TEST

START_TEST(all_frames_are_used_where_that_is_asked_for)
{
    static const double times[] = { 0, 0.5, 4, 5, 6, 7.5, 9 };
    ins1_image frames[7];
    ins1_video video = INS1_INIT(ins1_video);
    s1_source frame_source;
    size_t n_tokens;

    for (int i = 0; i < 7; i++)
        frames[i] = dense(frame_pixels, INS1_PIXEL_RGB8, 64, 64);
    video.frames = frames;
    video.n_frames = 7;
    video.fps = 30;
    video.timestamps = times;
    ck_assert_int_eq(ins1_vision_encoder_video_tokens(encoders[S1_SMALL], &video, &n_tokens, &call),
                     INS1_OK);
    ck_assert_uint_eq(n_tokens, 3);
    video.flags = INS1_VIDEO_ALL_FRAMES;
    ck_assert_int_eq(ins1_vision_encoder_video_tokens(encoders[S1_SMALL], &video, &n_tokens, &call),
                     INS1_OK);
    ck_assert_uint_eq(n_tokens, 7);
    ck_assert_int_eq(
        s1_source_of_clip(&frame_source, &encoders[PRO]->processor, &video, SIZE_MAX, &error),
        INS1_OK);
    ck_assert_int_eq(frame_source.pixels.grid_t, 4);
    ck_assert_double_eq(s1_source_time(&frame_source, 0), 0.25);
    ck_assert_double_eq(s1_source_time(&frame_source, 3), 9);
}
END_TEST

START_TEST(sampling_without_a_number_of_frames_is_refused)
{
    const documents d = { models[S1].config, NULL, "{\"do_sample_frames\": true}" };
    ins1_image frame = dense(frame_pixels, INS1_PIXEL_RGB8, 64, 64);
    ins1_video video = INS1_INIT(ins1_video);
    ins1_vision_encoder *encoder;
    size_t n_tokens;

    video.frames = &frame;
    video.n_frames = 1;
    ck_assert_int_eq(open_encoder(&encoder, &d, 0), INS1_OK);
    ck_assert_int_eq(ins1_vision_encoder_video_tokens(encoder, &video, &n_tokens, &call),
                     INS1_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.text, "num_frames"));
    video.flags = INS1_VIDEO_ALL_FRAMES;
    ck_assert_int_eq(ins1_vision_encoder_video_tokens(encoder, &video, &n_tokens, &call), INS1_OK);
    ins1_vision_encoder_release(encoder);
}
END_TEST

START_TEST(a_buffer_that_is_too_small_gets_what_fits)
{
    uint8_t *pixels = picture(50, 40, 3, NOISE, 9);
    const ins1_image image = dense(pixels, INS1_PIXEL_RGB8, 50, 40);

    for (int model = 0; model < N_MODELS; model++) {
        ins1_pixels_info info;
        size_t n, m;
        float *want = preprocess(encoders[model], &image, NULL, 0, &info, &n);
        const size_t rooms[] = { 1, n / 2 + 7, n - 1 };
        for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
            float *out = malloc(rooms[i] * sizeof(*out)); /* not a float more */
            ck_assert_int_eq(ins1_vision_encoder_preprocess(encoders[model], &image, 0, out,
                                                            rooms[i], &m, NULL, &call),
                             INS1_E_BUFFER);
            ck_assert_uint_eq(m, n);
            ck_assert_mem_eq(out, want, rooms[i] * sizeof(*out));
            free(out);
        }
        free(want);
    }
    free(pixels);
}
END_TEST

/* --- what the checkpoint's files say --- */

START_TEST(files_that_contradict_are_refused_and_the_key_is_named)
{
    static const struct {
        documents files;
        ins1_status status;
        const char *said;
    } cases[] = {
        { { .config =
                "{\"architectures\": [\"InternS1ForConditionalGeneration\"], \"text_config\": "
                "{\"model_type\": \"qwen3\"}}" },
          INS1_E_UNSUPPORTED,
          "vision_config" },
        { { .config =
                "{\"architectures\": [\"InternS1ForConditionalGeneration\"], \"text_config\": "
                "{\"model_type\": \"qwen3\"}, \"vision_config\": {\"model_type\": \"siglip\"}}" },
          INS1_E_UNSUPPORTED,
          "siglip" },
        { { .config = S1_CONFIG("[448, 450]") }, INS1_E_FORMAT, "image_size" },
        { { .config = S1_CONFIG("[448]") }, INS1_E_FORMAT, "image_size" },
        { { .config = S1_CONFIG("\"448\"") }, INS1_E_FORMAT, "image_size" },
        { { .config = S1_CONFIG("448"), "[]" }, INS1_E_FORMAT, "preprocessor_config.json" },
        { { .config = S1_CONFIG("448"), "{\"size\": {\"height\": 384, \"width\": 384}}" },
          INS1_E_FORMAT,
          "height is 384" },
        { { .config = S1_CONFIG("448"), "{\"size\": 448}" }, INS1_E_FORMAT, "size" },
        { { .config = S1_CONFIG("448"), "{\"resample\": 2}" },
          INS1_E_UNSUPPORTED,
          "resample is 2" },
        { { .config = S1_CONFIG("448"), "{\"do_normalize\": false}" },
          INS1_E_UNSUPPORTED,
          "do_normalize" },
        { { .config = S1_CONFIG("448"), "{\"image_mean\": [0.5, 0.5]}" },
          INS1_E_FORMAT,
          "image_mean" },
        { { .config = S1_CONFIG("448"), "{\"image_std\": [0.5, 0, 0.5]}" },
          INS1_E_FORMAT,
          "image_std" },
        { { .config = S1_CONFIG("448"), "{\"min_patches\": 13}" }, INS1_E_FORMAT, "min_patches" },
        { { .config = S1_CONFIG("448"), "{\"max_patches\": 1000000}" },
          INS1_E_FORMAT,
          "max_patches" },
        { { .config = S1_CONFIG("448"), "{\"image_processor_type\": \"SiglipImageProcessor\"}" },
          INS1_E_UNSUPPORTED,
          "image_processor_type" },
        { { .config = S1_CONFIG("448"), NULL, "{\"initial_shift\": 3}" },
          INS1_E_FORMAT,
          "initial_shift" },
        { { .config = PRO_CONFIG("16"), "{\"patch_size\": 14}" },
          INS1_E_FORMAT,
          "patch_size is 14" },
        { { .config = PRO_CONFIG("16"), "{\"merge_size\": 3}" }, INS1_E_FORMAT, "merge_size" },
        { { .config = PRO_CONFIG("16"), "{\"size\": {\"shortest_edge\": 9, \"longest_edge\": 8}}" },
          INS1_E_FORMAT,
          "size" },
        { { .config = PRO_CONFIG("16"), "{\"min_pixels\": -1}" }, INS1_E_FORMAT, "min_pixels" },
        { { .config = PRO_CONFIG("16"), NULL, "{\"temporal_patch_size\": 1}" },
          INS1_E_FORMAT,
          "temporal_patch_size" },
        { { .config = PRO_CONFIG("16"), NULL, "{\"min_frames\": 900}" },
          INS1_E_FORMAT,
          "min_frames" },
        { { .config = PRO_CONFIG("16"), NULL, "{\"cap_pixels_per_frame\": true}" },
          INS1_E_UNSUPPORTED,
          "cap_pixels_per_frame" },
        { { .config = PRO_CONFIG("0") }, INS1_E_FORMAT, "patch_size" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ins1_vision_encoder *encoder;
        ins1_status status = open_encoder(&encoder, &cases[i].files, 0);
        ck_assert_msg(status == cases[i].status, "case %zu: %d %s", i, status, error.text);
        ck_assert_msg(strstr(error.text, cases[i].said) != NULL, "case %zu: %s", i, error.text);
        ck_assert_ptr_null(encoder);
    }
}
END_TEST

/* --- the handle --- */

START_TEST(without_weights_nothing_is_encoded)
{
    const ins1_image image = dense(frame_pixels, INS1_PIXEL_RGB8, 64, 64);
    ins1_video video = INS1_INIT(ins1_video);
    ins1_embeds *embeds;

    video.frames = &image;
    video.n_frames = 1;
    ck_assert_int_eq(ins1_vision_encoder_encode(&embeds, encoders[S1], &image, 1, &call),
                     INS1_E_STATE);
    ck_assert_ptr_null(embeds);
    ck_assert_int_eq(ins1_vision_encoder_encode_video(&embeds, encoders[S1], &video, &call),
                     INS1_E_STATE);
    ck_assert_ptr_null(embeds);
}
END_TEST

START_TEST(a_second_thread_inside_is_told_so)
{
    const ins1_image image = dense(frame_pixels, INS1_PIXEL_RGB8, 64, 64);
    size_t n;

    ck_assert_int_eq(s1_guard_enter(&encoders[S1]->guard, NULL), INS1_OK);
    ck_assert_int_eq(
        ins1_vision_encoder_preprocess(encoders[S1], &image, 0, NULL, 0, &n, NULL, &call),
        INS1_E_BUSY);
    s1_guard_leave(&encoders[S1]->guard);
    ck_assert_int_eq(
        ins1_vision_encoder_preprocess(encoders[S1], &image, 0, NULL, 0, &n, NULL, &call),
        INS1_E_BUFFER);
}
END_TEST

START_TEST(preprocessing_stops_when_it_is_told_to)
{
    const ins1_image image = dense(frame_pixels, INS1_PIXEL_RGB8, 64, 64);
    float *out = malloc(3 * 28 * 28 * 8 * sizeof(*out));
    size_t n;

    ck_assert_int_eq(ins1_cancel_create(&call.cancel, runtime, NULL), INS1_OK);
    ins1_cancel_request(call.cancel);
    ck_assert_int_eq(ins1_vision_encoder_preprocess(encoders[S1_SMALL], &image, 0, out,
                                                    3 * 28 * 28 * 8, &n, NULL, &call),
                     INS1_E_CANCELED);
    ins1_cancel_release(call.cancel);
    call.cancel = NULL;
    call.budget_ns = 1;
    ck_assert_int_eq(ins1_vision_encoder_preprocess(encoders[S1_SMALL], &image, 0, out,
                                                    3 * 28 * 28 * 8, &n, NULL, &call),
                     INS1_E_DEADLINE);
    free(out);
}
END_TEST

/* Opening, an image and a video; each of their allocations fails once. */
static ins1_status do_all(int model, float *out, size_t capacity)
{
    const ins1_image image = dense(frame_pixels, INS1_PIXEL_RGB8, 60, 50);
    const ins1_image frames[] = { image, image, image };
    ins1_video video = INS1_INIT(ins1_video);
    ins1_vision_encoder *encoder;
    size_t n;

    video.frames = frames;
    video.n_frames = 3;
    ins1_status status = open_encoder(&encoder, &models[model], 0);
    if (status == INS1_OK)
        status = ins1_vision_encoder_preprocess(encoder, &image, 0, out, capacity, &n, NULL, &call);
    if (status == INS1_OK)
        status = ins1_vision_encoder_preprocess_video(encoder, &video, 0, out, capacity, &n, NULL,
                                                      &call);
    ins1_vision_encoder_release(encoder);
    return status;
}

START_TEST(every_allocation_may_fail)
{
    const size_t capacity = 1 << 17;
    float *out = malloc(capacity * sizeof(*out));

    for (int model = S1_SMALL; model < N_MODELS; model += PRO_SMALL - S1_SMALL) {
        long long before = atomic_load(&source.live);
        ins1_status status = INS1_E_MEMORY;
        int n = 0;
        for (; status != INS1_OK && n < 1000; n++) {
            atomic_store(&source.until_refusal, n);
            status = do_all(model, out, capacity);
            atomic_store(&source.until_refusal, -1);
            ck_assert_msg(status == INS1_OK || status == INS1_E_MEMORY, "%d: %d %s", n, status,
                          error.text);
            ck_assert_int_eq(atomic_load(&source.live), before);
        }
        ck_assert_int_gt(n, 8);
        ck_assert_int_lt(n, 1000);
    }
    free(out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pixels");
    TCase *cases = tcase_create("pixels");

    tcase_set_timeout(cases, 0);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, images_have_the_bytes_and_the_floats_of_the_reference);
    tcase_add_test(cases, videos_have_the_bytes_the_floats_and_the_times_of_the_reference);
    tcase_add_test(cases, numbers_of_tokens_are_those_of_the_reference);
    tcase_add_test(cases, numbers_of_tokens_of_videos_are_those_of_the_reference);
    tcase_add_test(cases, predicted_numbers_of_tokens_are_those_produced);
    tcase_add_test(cases, a_lower_limit_of_tokens_shrinks_images);
    tcase_add_test(cases, every_format_and_every_stride_gives_the_same_image);
    tcase_add_test(cases, grey_of_16_bits_is_grey_of_8);
    tcase_add_test(cases, floats_are_clamped_and_a_nan_is_named);
    tcase_add_test(cases, images_that_cannot_be_are_refused);
    tcase_add_test(cases, sizes_at_the_end_of_the_numbers_have_an_answer);
    tcase_add_test(cases, an_image_too_large_for_the_budget_is_refused);
    tcase_add_test(cases, videos_that_cannot_be_are_refused);
    tcase_add_test(cases, all_frames_are_used_where_that_is_asked_for);
    tcase_add_test(cases, sampling_without_a_number_of_frames_is_refused);
    tcase_add_test(cases, a_buffer_that_is_too_small_gets_what_fits);
    tcase_add_test(cases, files_that_contradict_are_refused_and_the_key_is_named);
    tcase_add_test(cases, without_weights_nothing_is_encoded);
    tcase_add_test(cases, a_second_thread_inside_is_told_so);
    tcase_add_test(cases, preprocessing_stops_when_it_is_told_to);
    tcase_add_test(cases, every_allocation_may_fail);
    suite_add_tcase(suite, cases);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
