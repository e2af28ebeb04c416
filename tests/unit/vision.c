#include "interns1/inspect.h"
#include "interns1/interns1.h"
#include "interns1/sys/backend.h"

#include "backend/dummy/dummy.h"
#include "meter.h"
#include "tiny.h"

#include <check.h>
#include <math.h>
#include <stdio.h>

/* The vision towers on the checkpoints of tests/golden, and on checkpoints made here. What they
 * compute is compared in tests/golden/vision.c. */

enum { SIDE = 24, PATCHES = 60 }; /* of a tile; of the picture's grid, 6 x 10 */

static meter source;
static s1_dummy dummy;
static ins1_runtime *runtime;
static ins1_model *model;
static ins1_vision_encoder *encoder;
static ins1_vision_encoder_options options;
static ins1_error error;
static ins1_call call;
static char logged[400];

static void keep_log(void *user, int32_t level, const char *component, const char *text)
{
    (void)user;
    (void)level;
    (void)component;
    snprintf(logged, sizeof(logged), "%s", text);
}

static void make_runtime(void)
{
    ins1_runtime_options r = INS1_INIT(ins1_runtime_options);
    const ins1_allocator memory = meter_source(&source);

    error = (ins1_error)INS1_INIT(ins1_error);
    call = (ins1_call)INS1_INIT(ins1_call);
    call.error = &error;
    options = (ins1_vision_encoder_options)INS1_INIT(ins1_vision_encoder_options);
    logged[0] = 0;
    r.allocator = &memory;
    r.log = keep_log;
    r.log_level = INS1_LOG_WARN;
    ck_assert_int_eq(ins1_runtime_create(&runtime, &r, &call), INS1_OK);
}

static void open_golden(const char *name)
{
    ins1_model_options open = INS1_INIT(ins1_model_options);
    char path[1000];
    snprintf(path, sizeof(path), "%s/%s", TEST_GOLDEN, name);
    open.path = path;
    open.parts = INS1_PART_VISION;
    ck_assert_msg(ins1_model_open(&model, runtime, &open, &call) == INS1_OK, "%s", error.text);
}

static void make_encoder(void)
{
    ins1_vision_encoder_release(encoder);
    ck_assert_msg(ins1_vision_encoder_create(&encoder, model, &options, &call) == INS1_OK, "%s",
                  error.text);
}

static void setup_tiles(void)
{
    make_runtime();
    open_golden("vit-layer-norm");
    make_encoder();
}

static void setup_patches(void)
{
    make_runtime();
    open_golden("pro-vision");
    make_encoder();
}

static void teardown(void)
{
    ins1_vision_encoder_release(encoder);
    encoder = NULL;
    ins1_model_release(model);
    model = NULL;
    ins1_runtime_release(runtime);
    ck_assert_int_eq(atomic_load(&source.live), 0);
}

/* --- what goes in --- */

static float pixels[PATCHES * 96]; /* or three tiles, which are fewer */

static void fill_pixels(void)
{
    for (size_t i = 0; i < sizeof(pixels) / sizeof(pixels[0]); i++)
        pixels[i] = (float)sin((double)(i * i % 9973));
}

static ins1_pixels_info tiles(size_t n)
{
    ins1_pixels_info info = INS1_INIT(ins1_pixels_info);
    info.n_tiles = (int32_t)n;
    info.n_dim = 4;
    info.dim[0] = n;
    info.dim[1] = 3;
    info.dim[2] = info.dim[3] = SIDE;
    return info;
}

static ins1_pixels_info patches(void)
{
    ins1_pixels_info info = INS1_INIT(ins1_pixels_info);
    info.grid_t = 1;
    info.grid_h = 6;
    info.grid_w = 10;
    info.n_dim = 2;
    info.dim[0] = PATCHES;
    info.dim[1] = 96;
    return info;
}

static ins1_status encode(const ins1_pixels_info *info, ins1_embeds **out)
{
    return ins1_vision_encoder_encode_pixels(out, encoder, pixels, info, &call);
}

static uint8_t picture[40 * 50 * 3];

static ins1_image image_of(int32_t width, int32_t height)
{
    ins1_image image = INS1_INIT(ins1_image);
    for (size_t i = 0; i < sizeof(picture); i++)
        picture[i] = (uint8_t)(i * i % 251);
    image.format = INS1_PIXEL_RGB8;
    image.width = width;
    image.height = height;
    image.pixels = picture;
    return image;
}

/* --- shapes --- */

static const struct {
    int32_t n_tiles, n_dim;
    size_t dim[4];
} no_tiles[] = {
    { 1, 3, { 3, SIDE, SIDE, 0 } },
    { 1, 4, { 1, 4, SIDE, SIDE } },
    { 2, 4, { 1, 3, SIDE, SIDE } },
    { 1, 4, { 1, 3, SIDE + 6, SIDE } }, /* five patches, which are no tokens of two */
    { 1, 4, { 1, 3, SIDE, SIDE + 1 } },
    { 0, 4, { 0, 3, SIDE, SIDE } },
    { 1, 4, { 1, 3, 0, SIDE } },
    { 1, 4, { 1, 3, SIZE_MAX / 2, SIDE } },
    { -1, 4, { 1, 3, SIDE, SIDE } },
    { 0, 2, { 60, 96, 0, 0 } },
};

START_TEST(tiles_of_another_shape_are_refused)
{
    ins1_pixels_info info = INS1_INIT(ins1_pixels_info);
    ins1_embeds *out = (ins1_embeds *)&error;
    info.n_tiles = no_tiles[_i].n_tiles;
    info.n_dim = no_tiles[_i].n_dim;
    memcpy(info.dim, no_tiles[_i].dim, sizeof(info.dim));
    ck_assert_int_eq(encode(&info, &out), INS1_E_ARGUMENT);
    ck_assert_ptr_null(out);
    ck_assert_uint_gt(strlen(error.text), 20);
}
END_TEST

static const struct {
    int32_t t, h, w;
    size_t n, values;
} no_grids[] = {
    { 1, 6, 10, 60, 95 },           { 1, 6, 10, 61, 96 }, { 0, 6, 10, 60, 96 },
    { 1, 6, -10, 60, 96 },          { 1, 5, 12, 60, 96 }, { 1, 12, 5, 60, 96 },
    { 1 << 30, 1 << 30, 4, 0, 96 }, { 2, 6, 10, 60, 96 },
};

START_TEST(patches_of_another_shape_are_refused)
{
    ins1_pixels_info info = patches();
    ins1_embeds *out = (ins1_embeds *)&error;
    info.grid_t = no_grids[_i].t;
    info.grid_h = no_grids[_i].h;
    info.grid_w = no_grids[_i].w;
    info.dim[0] = no_grids[_i].n;
    info.dim[1] = no_grids[_i].values;
    ck_assert_int_eq(encode(&info, &out), INS1_E_ARGUMENT);
    ck_assert_ptr_null(out);
}
END_TEST

START_TEST(nothing_to_encode_is_refused)
{
    const ins1_pixels_info info = tiles(1);
    ins1_embeds *out;
    ck_assert_int_eq(ins1_vision_encoder_encode_pixels(&out, encoder, NULL, &info, &call),
                     INS1_E_ARGUMENT);
    ck_assert_int_eq(ins1_vision_encoder_encode_pixels(&out, encoder, pixels, NULL, &call),
                     INS1_E_ARGUMENT);
    ck_assert_int_eq(ins1_vision_encoder_encode_pixels(NULL, encoder, pixels, &info, &call),
                     INS1_E_ARGUMENT);
    ck_assert_int_eq(ins1_vision_encoder_tower(&out, NULL, pixels, &info, &call), INS1_E_ARGUMENT);
    ck_assert_int_eq(ins1_vision_encoder_encode(NULL, encoder, NULL, 0, &call), INS1_OK);
}
END_TEST

START_TEST(an_encoder_without_weights_encodes_nothing)
{
    const ins1_pixels_info info = tiles(1);
    ins1_embeds *out;
    options.flags = INS1_VISION_ENCODER_NO_WEIGHTS;
    make_encoder();
    ck_assert_int_eq(encode(&info, &out), INS1_E_STATE);
    ck_assert_int_eq(ins1_vision_encoder_observe(encoder, 0, NULL, NULL, &call), INS1_E_STATE);
}
END_TEST

START_TEST(options_are_checked)
{
    ins1_vision_encoder *none;
    options.precision = INS1_PRECISION_INT8;
    ck_assert_int_eq(ins1_vision_encoder_create(&none, model, &options, &call), INS1_E_UNSUPPORTED);
    options.precision = 9;
    ck_assert_int_eq(ins1_vision_encoder_create(&none, model, &options, &call), INS1_E_ARGUMENT);
    options.precision = 0;
    options.device = 7;
    ck_assert_int_eq(ins1_vision_encoder_create(&none, model, &options, &call), INS1_E_ARGUMENT);
    ck_assert_ptr_null(none);
}
END_TEST

START_TEST(more_tokens_than_allowed_are_refused)
{
    const ins1_pixels_info info = tiles(3);
    ins1_embeds *out;
    options.max_tokens = 8;
    make_encoder();
    ck_assert_int_eq(encode(&info, &out), INS1_E_ARGUMENT);
    ck_assert_msg(strstr(error.text, "12 tokens, at most 8"), "%s", error.text);
}
END_TEST

/* --- images --- */

START_TEST(all_images_come_out_or_none_and_each_is_what_it_is_alone)
{
    ins1_image images[3] = { image_of(40, 50), image_of(31, 20), image_of(9, 0) };
    ins1_embeds *out[3] = { (ins1_embeds *)&error, (ins1_embeds *)&error, (ins1_embeds *)&error };
    static float together[100000], alone[100000];
    ins1_embeds *one;
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    size_t n, m;

    ck_assert_int_eq(ins1_vision_encoder_encode(out, encoder, images, 3, &call), INS1_E_ARGUMENT);
    ck_assert_msg(strstr(error.text, "image 2"), "%s", error.text);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_null(out[i]);
    ck_assert_int_eq(ins1_vision_encoder_encode(out, encoder, images, 2, &call), INS1_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(ins1_vision_encoder_encode(&one, encoder, &images[i], 1, &call), INS1_OK);
        ck_assert_int_eq(ins1_embeds_info_get(one, &info, &call), INS1_OK);
        ck_assert_int_eq(info.modality, INS1_MODALITY_IMAGE);
        ck_assert_int_eq(
            ins1_vision_encoder_tokens(encoder, images[i].width, images[i].height, &n, &call),
            INS1_OK);
        ck_assert_uint_eq(n, info.n_tokens);
        ck_assert_int_eq(ins1_embeds_read_f32(one, 0, info.n_tokens, alone, 100000, &n, &call),
                         INS1_OK);
        ck_assert_int_eq(
            ins1_embeds_read_f32(out[i], 0, info.n_tokens, together, 100000, &m, &call), INS1_OK);
        ck_assert_uint_eq(n, m);
        ck_assert(memcmp(alone, together, n * sizeof(float)) == 0);
        ins1_embeds_release(one);
        ins1_embeds_release(out[i]);
    }
}
END_TEST

/* --- progress, and how to stop --- */

typedef struct watch {
    int calls, stop_at;
    uint64_t last, total;
    ins1_status inside;
} watch;

static int32_t progress(void *user, int32_t phase, uint64_t done, uint64_t total)
{
    watch *w = user;
    ck_assert_int_eq(phase, INS1_PHASE_ENCODE);
    ck_assert_uint_gt(done, w->last);
    ck_assert_uint_ge(total, done);
    w->last = done;
    w->total = total;
    if (!w->calls) {
        const ins1_pixels_info info = tiles(1);
        ins1_embeds *embeds;
        w->inside = ins1_vision_encoder_encode_pixels(&embeds, encoder, pixels, &info, NULL);
    }
    return ++w->calls == w->stop_at;
}

START_TEST(progress_is_told_can_stop_and_cannot_enter)
{
    ins1_image images[2] = { image_of(40, 50), image_of(31, 20) };
    ins1_embeds *out[2];
    watch w = { .stop_at = -1 };
    call.progress = progress;
    call.user = &w;
    ck_assert_int_eq(ins1_vision_encoder_encode(out, encoder, images, 2, &call), INS1_OK);
    ck_assert_int_eq(w.inside, INS1_E_BUSY);
    ck_assert_uint_eq(w.last, w.total);
    ck_assert_int_ge(w.calls, 4);
    ins1_embeds_release(out[0]);
    ins1_embeds_release(out[1]);
    for (int i = 1; i <= w.calls; i++) {
        watch stopping = { .stop_at = i };
        call.user = &stopping;
        ck_assert_int_eq(ins1_vision_encoder_encode(out, encoder, images, 2, &call),
                         INS1_E_CANCELED);
        ck_assert_ptr_null(out[0]);
        ck_assert_ptr_null(out[1]);
    }
}
END_TEST

START_TEST(a_request_to_stop_is_heard)
{
    const ins1_pixels_info info = tiles(2);
    ins1_embeds *embeds;
    ck_assert_int_eq(ins1_cancel_create(&call.cancel, runtime, &call), INS1_OK);
    ins1_cancel_request(call.cancel);
    ck_assert_int_eq(encode(&info, &embeds), INS1_E_CANCELED);
    ins1_cancel_release(call.cancel);
    call.cancel = NULL;
    call.budget_ns = 1;
    ck_assert_int_eq(encode(&info, &embeds), INS1_E_DEADLINE);
    ck_assert_ptr_null(embeds);
}
END_TEST

static int32_t refuse_layer(void *user, const ins1_observation *seen)
{
    ck_assert_int_eq(seen->what, INS1_OBSERVE_HIDDEN);
    return seen->layer == *(int *)user;
}

START_TEST(an_observer_can_end_the_call)
{
    const ins1_pixels_info info = tiles(1);
    ins1_embeds *embeds;
    int layer = 1;
    ck_assert_int_eq(
        ins1_vision_encoder_observe(encoder, INS1_OBSERVE_ROUTER, refuse_layer, &layer, &call),
        INS1_E_ARGUMENT);
    ck_assert_int_eq(ins1_vision_encoder_observe(encoder, INS1_OBSERVE_HIDDEN, NULL, &layer, &call),
                     INS1_E_ARGUMENT);
    ck_assert_int_eq(
        ins1_vision_encoder_observe(encoder, INS1_OBSERVE_HIDDEN, refuse_layer, &layer, &call),
        INS1_OK);
    ck_assert_int_eq(encode(&info, &embeds), INS1_E_CALLBACK);
    ck_assert_int_eq(ins1_vision_encoder_observe(encoder, 0, NULL, NULL, &call), INS1_OK);
    ck_assert_int_eq(encode(&info, &embeds), INS1_OK);
    ins1_embeds_release(embeds);
}
END_TEST

/* --- memory --- */

static void refuse_each(const ins1_pixels_info *info, const ins1_image *image)
{
    ins1_status status = INS1_E_MEMORY;
    int n = 0;
    ins1_vision_encoder_release(encoder);
    encoder = NULL;
    for (; status != INS1_OK; n++) {
        ins1_embeds *out[2] = { NULL, NULL };
        long long live = atomic_load(&source.live);
        atomic_store(&source.until_refusal, n);
        status = ins1_vision_encoder_create(&encoder, model, NULL, &call);
        if (status == INS1_OK)
            status = encode(info, &out[0]);
        if (status == INS1_OK)
            status = ins1_vision_encoder_encode(&out[1], encoder, image, 1, &call);
        atomic_store(&source.until_refusal, -1);
        ck_assert(status == INS1_OK || status == INS1_E_MEMORY);
        ins1_embeds_release(out[0]);
        ins1_embeds_release(out[1]);
        ins1_vision_encoder_release(encoder);
        encoder = NULL;
        ck_assert_msg(status == INS1_OK || atomic_load(&source.live) == live, "%d", n);
    }
    ck_assert_int_gt(n, 20);
}

START_TEST(every_allocation_may_fail_with_tiles)
{
    const ins1_pixels_info info = tiles(2);
    const ins1_image image = image_of(40, 50);
    refuse_each(&info, &image);
}
END_TEST

START_TEST(every_allocation_may_fail_with_patches)
{
    const ins1_pixels_info info = patches();
    const ins1_image image = image_of(40, 50);
    refuse_each(&info, &image);
}
END_TEST

START_TEST(scratch_stays_within_its_budget)
{
    ins1_pixels_info info = patches();
    ins1_embeds *wide, *narrow, *none;
    static float a[15 * 28], b[15 * 28];
    size_t n;
    long long before;

    ck_assert_int_eq(encode(&info, &wide), INS1_OK);
    options.scratch_budget = 60000;
    make_encoder();
    ck_assert_int_eq(encode(&info, &none), INS1_E_BUDGET);
    ck_assert_msg(strstr(error.text, "scratch_budget allows 60000"), "%s", error.text);
    options.scratch_budget = 120000;
    make_encoder();
    before = atomic_load(&source.live);
    ck_assert_int_eq(encode(&info, &narrow), INS1_OK);
    /* Besides: the embeddings, and what the device's queue keeps for products. */
    ck_assert_int_lt(atomic_load(&source.live) - before, 120000 + 1100000);
    ck_assert_int_eq(ins1_embeds_read_f32(wide, 0, 15, a, 15 * 28, &n, &call), INS1_OK);
    ck_assert_int_eq(ins1_embeds_read_f32(narrow, 0, 15, b, 15 * 28, &n, &call), INS1_OK);
    ck_assert(memcmp(a, b, sizeof(a)) == 0);
    ins1_embeds_release(wide);
    ins1_embeds_release(narrow);
}
END_TEST

START_TEST(an_encoder_outlives_what_it_was_made_of)
{
    const ins1_pixels_info info = tiles(1);
    ins1_embeds *embeds;
    ins1_model_release(model);
    model = NULL;
    ck_assert_int_eq(encode(&info, &embeds), INS1_OK);
    ins1_vision_encoder_release(encoder);
    encoder = NULL;
    ins1_embeds_release(embeds);
}
END_TEST

START_TEST(a_tower_and_a_decoder_of_one_checkpoint_open_together)
{
    static const char *const folders[] = { "vit-layer-norm", "vit-rms-qk", "pro-vision" };
    ins1_model_options open = INS1_INIT(ins1_model_options);
    ins1_decoder_options plain = INS1_INIT(ins1_decoder_options);
    ins1_model_info info = INS1_INIT(ins1_model_info);
    ins1_decoder *decoder;
    ins1_model *both;
    char path[1000];

    snprintf(path, sizeof(path), "%s/%s", TEST_GOLDEN, folders[_i]);
    open.path = path;
    ck_assert_int_eq(ins1_model_open(&both, runtime, &open, &call), INS1_OK);
    ck_assert_int_eq(ins1_model_info_get(both, &info, &call), INS1_OK);
    ck_assert_uint_eq(info.parts, INS1_PART_VISION | INS1_PART_DECODER);
    ck_assert_str_eq(logged, "");
    ck_assert_int_eq(ins1_decoder_create(&decoder, both, &plain, &call), INS1_OK);
    ins1_vision_encoder_release(encoder);
    ck_assert_int_eq(ins1_vision_encoder_create(&encoder, both, NULL, &call), INS1_OK);
    ins1_decoder_release(decoder);
    ins1_model_release(both);
}
END_TEST

/* --- devices --- */

static int32_t enter(uint32_t abi, const ins1_host_api *api, ins1_backend_api *out)
{
    return abi >> 16 == INS1_BACKEND_ABI_MAJOR ? s1_dummy_backend(out, api, &dummy)
                                               : INS1_E_VERSION;
}

START_TEST(a_device_that_lacks_operations_leaves_the_tower_to_the_cpu)
{
    const bool has_all = _i == 1;
    const ins1_pixels_info info = tiles(2);
    ins1_embeds *embeds;

    make_runtime();
    dummy = (s1_dummy){ .has_device_memory = true };
    if (!has_all)
        dummy.supported = (UINT64_C(1) << INS1_OP_MATMUL) | (UINT64_C(1) << INS1_OP_LAYERNORM);
    ck_assert_int_eq(ins1_backend_register(runtime, enter, &call), INS1_OK);
    open_golden("vit-layer-norm");
    options.device = 1;
    make_encoder();
    ck_assert((strstr(logged, "lacks operations of the vision tower") != NULL) == !has_all);
    ck_assert_int_eq(atomic_load(&dummy.ops), 0);
    ck_assert_int_eq(encode(&info, &embeds), INS1_OK);
    ck_assert((atomic_load(&dummy.ops) > 0) == has_all);
    ins1_embeds_release(embeds);
    ck_assert_int_eq(atomic_load(&dummy.complaints), 0);
}
END_TEST

/* --- checkpoints --- */

#define TOWER "model.vision_tower."
#define LAYER TOWER "encoder.layer.0."
#define OUT   "model.multi_modal_projector."
#define PRO   "model.visual."
#define BLOCK PRO "blocks.0."

static void add_linear(tiny *t, const char *name, int rows, int columns)
{
    char full[100];
    snprintf(full, sizeof(full), "%s.weight", name);
    tiny_add(t, full, "BF16", columns ? 2 : 1, rows, columns, 0);
    snprintf(full, sizeof(full), "%s.bias", name);
    tiny_add(t, full, "BF16", 1, rows, 0, 0);
}

static void add_norm(tiny *t, const char *name, int n)
{
    add_linear(t, name, n, 0);
}

static void add_kernel(tiny *t, const char *name, int rank, const int *shape)
{
    tiny_tensor *tensor = tiny_add(t, name, "BF16", rank, 0, 0, 0);
    memcpy(tensor->shape, shape, (size_t)rank * sizeof(*shape));
}

#define TEXT                                                                        \
    "\"text_config\":{\"model_type\":\"qwen3\",\"vocab_size\":5,\"hidden_size\":4," \
    "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"num_key_value_heads\":1,"  \
    "\"head_dim\":2,\"intermediate_size\":6,\"max_position_embeddings\":16}}"

/* One layer of width 8, tiles of 4 x 4 patches of 2 x 2. */
static tiny tiny_tiles(void)
{
    static const int kernel[] = { 8, 3, 2, 2 };
    tiny t = { .n = 0 };
    strcpy(t.config, "{\"architectures\":[\"InternS1ForConditionalGeneration\"],"
                     "\"downsample_ratio\":0.5,\"vision_config\":{\"hidden_size\":8,"
                     "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"intermediate_size\":6,"
                     "\"attention_bias\":true,\"use_qk_norm\":true,\"image_size\":8,"
                     "\"patch_size\":[2,2],\"norm_type\":\"layer_norm\"}," TEXT);
    tiny_add(&t, TOWER "embeddings.cls_token", "BF16", 3, 1, 1, 8);
    tiny_add(&t, TOWER "embeddings.position_embeddings", "BF16", 3, 1, 17, 8);
    add_kernel(&t, TOWER "embeddings.patch_embeddings.projection.weight", 4, kernel);
    tiny_add(&t, TOWER "embeddings.patch_embeddings.projection.bias", "BF16", 1, 8, 0, 0);
    add_norm(&t, LAYER "layernorm_before", 8);
    add_norm(&t, LAYER "layernorm_after", 8);
    add_linear(&t, LAYER "attention.q_proj", 8, 8);
    add_linear(&t, LAYER "attention.k_proj", 8, 8);
    add_linear(&t, LAYER "attention.v_proj", 8, 8);
    tiny_add(&t, LAYER "attention.q_norm.weight", "BF16", 1, 8, 0, 0);
    tiny_add(&t, LAYER "attention.k_norm.weight", "BF16", 1, 8, 0, 0);
    add_linear(&t, LAYER "attention.projection_layer", 8, 8);
    tiny_add(&t, LAYER "lambda_1", "BF16", 1, 8, 0, 0);
    tiny_add(&t, LAYER "lambda_2", "BF16", 1, 8, 0, 0);
    add_linear(&t, LAYER "mlp.fc1", 6, 8);
    add_linear(&t, LAYER "mlp.fc2", 8, 6);
    add_norm(&t, OUT "layer_norm", 32);
    add_linear(&t, OUT "linear_1", 4, 32);
    add_linear(&t, OUT "linear_2", 4, 4);
    return t;
}

/* One block of width 8, patches of two frames of 2 x 2. */
static tiny tiny_patches(void)
{
    static const int kernel[] = { 8, 3, 2, 2, 2 };
    tiny t = { .n = 0 };
    strcpy(t.config, "{\"architectures\":[\"InternS1ForConditionalGeneration\"],"
                     "\"vision_config\":{\"model_type\":\"interns1_pro_vision\",\"depth\":1,"
                     "\"hidden_size\":8,\"num_heads\":2,\"intermediate_size\":6,\"patch_size\":2,"
                     "\"out_hidden_size\":4,\"num_position_embeddings\":9}," TEXT);
    add_kernel(&t, PRO "patch_embed.proj.weight", 5, kernel);
    tiny_add(&t, PRO "patch_embed.proj.bias", "BF16", 1, 8, 0, 0);
    tiny_add(&t, PRO "pos_embed.weight", "BF16", 2, 9, 8, 0);
    add_norm(&t, BLOCK "norm1", 8);
    add_norm(&t, BLOCK "norm2", 8);
    add_linear(&t, BLOCK "attn.qkv", 24, 8);
    add_linear(&t, BLOCK "attn.proj", 8, 8);
    add_linear(&t, BLOCK "mlp.linear_fc1", 6, 8);
    add_linear(&t, BLOCK "mlp.linear_fc2", 8, 6);
    add_norm(&t, PRO "merger.norm", 8);
    add_linear(&t, PRO "merger.linear_fc1", 32, 32);
    add_linear(&t, PRO "merger.linear_fc2", 4, 32);
    return t;
}

static void replace(tiny *t, const char *from, const char *to)
{
    char rest[sizeof(t->config)];
    char *at = strstr(t->config, from);
    ck_assert_ptr_nonnull(at);
    snprintf(rest, sizeof(rest), "%s%s", to, at + strlen(from));
    snprintf(at, sizeof(t->config) - (size_t)(at - t->config), "%s", rest);
}

static made folder;

static ins1_status open_tiny(const tiny *t)
{
    ins1_model_release(model);
    model = NULL;
    made_free(&folder);
    tiny_make(t, &folder);
    ins1_model_options open = made_options(&folder);
    open.parts = INS1_PART_VISION;
    return ins1_model_open(&model, runtime, &open, &call);
}

static void teardown_tiny(void)
{
    teardown();
    made_free(&folder);
}

START_TEST(every_tensor_is_needed_and_its_shape_compared)
{
    tiny t = _i ? tiny_patches() : tiny_tiles();
    ck_assert_msg(open_tiny(&t) == INS1_OK, "%s", error.text);
    for (int i = 0; i < t.n; i++) {
        const char *dtype = t.tensors[i].dtype;
        /* Without its first tensor there is no tower to speak of. */
        const bool is_first = strstr(t.tensors[i].name, "projection.weight") ||
                              strstr(t.tensors[i].name, "patch_embed.proj.weight");
        t.tensors[i].dtype = NULL;
        ck_assert_int_eq(open_tiny(&t), is_first ? INS1_E_UNSUPPORTED : INS1_E_FORMAT);
        ck_assert_msg(is_first ||
                          (strstr(error.text, "missing") && strstr(error.text, t.tensors[i].name)),
                      "%s: %s", t.tensors[i].name, error.text);
        t.tensors[i].dtype = dtype;
        for (int axis = 0; axis < t.tensors[i].rank; axis++) {
            t.tensors[i].shape[axis]++;
            ck_assert_int_eq(open_tiny(&t), INS1_E_FORMAT);
            ck_assert_msg(strstr(error.text, t.tensors[i].name) && strstr(error.text, "expected"),
                          "%s", error.text);
            t.tensors[i].shape[axis]--;
        }
    }
}
END_TEST

/* Checkpoints in I8 keep their towers in floats. */
START_TEST(matrices_of_i8_are_refused)
{
    const char *scale = _i ? BLOCK "attn.qkv.weight_scale" : LAYER "mlp.fc1.weight_scale";
    char name[100];
    tiny t = _i ? tiny_patches() : tiny_tiles();

    snprintf(name, sizeof(name), "%.*s", (int)(strlen(scale) - strlen("_scale")), scale);
    tiny_tensor *weight = tiny_find(&t, name);
    ck_assert_ptr_nonnull(weight);
    weight->dtype = "I8";
    tiny_add(&t, scale, "F32", 2, weight->shape[0], 1, 0);
    ck_assert_int_eq(open_tiny(&t), INS1_E_FORMAT);
    ck_assert_msg(strstr(error.text, name) && strstr(error.text, "a float in an encoder"), "%s",
                  error.text);
}
END_TEST

START_TEST(missing_tensors_are_counted_and_the_first_named)
{
    tiny t = tiny_tiles();
    for (int i = 0; i < t.n; i++)
        if (!strstr(t.tensors[i].name, "projection.weight"))
            t.tensors[i].dtype = NULL;
    ck_assert_int_eq(open_tiny(&t), INS1_E_FORMAT);
    ck_assert_msg(strstr(error.text, "tensors are missing") && strstr(error.text, "cls_token"),
                  "%s", error.text);
}
END_TEST

START_TEST(names_may_lack_the_first_word)
{
    tiny t = _i ? tiny_patches() : tiny_tiles();
    for (int i = 0; i < t.n; i++)
        memmove(t.tensors[i].name, t.tensors[i].name + 6, strlen(t.tensors[i].name) - 5);
    ck_assert_msg(open_tiny(&t) == INS1_OK, "%s", error.text);
}
END_TEST

START_TEST(tensors_and_keys_that_nobody_reads_are_told)
{
    tiny t = tiny_tiles();
    tiny_add(&t, LAYER "surprise", "BF16", 1, 8, 0, 0);
    ck_assert_int_eq(open_tiny(&t), INS1_OK);
    ck_assert_msg(strstr(logged, "surprise"), "%s", logged);
    t.n--;
    replace(&t, "\"hidden_size\":8", "\"new_key\":3,\"hidden_size\":8");
    ck_assert_int_eq(open_tiny(&t), INS1_OK);
    ck_assert_msg(strstr(logged, "vision_config/new_key"), "%s", logged);
}
END_TEST

START_TEST(weights_without_a_tower_have_no_vision_part)
{
    tiny t = tiny_dense();
    ins1_model_info info = INS1_INIT(ins1_model_info);
    replace(&t, "\"image_token_id\"", "\"vision_config\":{},\"image_token_id\"");
    ck_assert_int_eq(open_tiny(&t), INS1_E_UNSUPPORTED);
    ck_assert_msg(strstr(error.text, "no vision encoder"), "%s", error.text);
    ins1_model_options open = made_options(&folder);
    ck_assert_msg(ins1_model_open(&model, runtime, &open, &call) == INS1_OK, "%s", error.text);
    ck_assert_int_eq(ins1_model_info_get(model, &info, &call), INS1_OK);
    ck_assert_uint_eq(info.parts, INS1_PART_DECODER);
}
END_TEST

static const struct {
    bool is_patches;
    const char *from, *to, *said;
    ins1_status status;
} configs[] = {
    { false, "\"hidden_size\":8", "\"hidden_size\":9", "num_attention_heads", INS1_E_FORMAT },
    { false, "\"hidden_size\":8", "\"hidden_size\":\"8\"", "hidden_size", INS1_E_FORMAT },
    { false, "\"hidden_size\":8", "\"hidden_size\":8,\"hidden_act\":\"mish\"", "hidden_act",
      INS1_E_UNSUPPORTED },
    { false, "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"intermediate",
      "\"num_hidden_layers\":4096,\"num_attention_heads\":2,\"intermediate", "4096",
      INS1_E_FORMAT },
    { false, "\"layer_norm\"", "\"batch_norm\"", "norm_type", INS1_E_UNSUPPORTED },
    { false, "\"use_qk_norm\":true", "\"use_mean_pooling\":false", "use_mean_pooling",
      INS1_E_UNSUPPORTED },
    { false, "\"use_qk_norm\":true", "\"use_absolute_position_embeddings\":false",
      "use_absolute_position_embeddings", INS1_E_UNSUPPORTED },
    { false, "\"image_size\":8", "\"image_size\":9", "image_size", INS1_E_FORMAT },
    { false, "\"patch_size\":[2,2]", "\"patch_size\":[2,2,2]", "patch_size", INS1_E_FORMAT },
    { false, "\"patch_size\":[2,2]", "\"patch_size\":[]", "patch_size", INS1_E_FORMAT },
    { false, "\"downsample_ratio\":0.5", "\"downsample_ratio\":0.3", "downsample_ratio",
      INS1_E_UNSUPPORTED },
    { false, "\"downsample_ratio\":0.5", "\"vision_feature_layer\":-2", "vision_feature_layer",
      INS1_E_UNSUPPORTED },
    { false, "\"downsample_ratio\":0.5", "\"vision_feature_select_strategy\":\"full\"",
      "vision_feature_select_strategy", INS1_E_UNSUPPORTED },
    { true, "\"num_position_embeddings\":9", "\"num_position_embeddings\":10",
      "num_position_embeddings", INS1_E_UNSUPPORTED },
    { true, "\"out_hidden_size\":4", "\"out_hidden_size\":5", "out_hidden_size", INS1_E_FORMAT },
    { true, "\"out_hidden_size\":4", "\"deepstack_visual_indexes\":[1]", "deepstack_visual_indexes",
      INS1_E_UNSUPPORTED },
    { true, "\"num_heads\":2", "\"num_heads\":4", "num_heads", INS1_E_UNSUPPORTED },
    { true, "interns1_pro_vision", "interns9_vision", "model_type", INS1_E_UNSUPPORTED },
};

START_TEST(a_config_is_read_with_suspicion)
{
    tiny t = configs[_i].is_patches ? tiny_patches() : tiny_tiles();
    replace(&t, configs[_i].from, configs[_i].to);
    ck_assert_int_eq(open_tiny(&t), configs[_i].status);
    ck_assert_msg(strstr(error.text, configs[_i].said), "%s", error.text);
}
END_TEST

/* --- plans --- */

static const struct {
    const char *folder;
    int32_t load_mode, width, height;
} plans[] = {
    { "vit-layer-norm", INS1_LOAD_MMAP, 400, 400 }, { "vit-layer-norm", INS1_LOAD_READ, 400, 400 },
    { "vit-rms-qk", INS1_LOAD_MMAP, 400, 400 },     { "pro-vision", INS1_LOAD_MMAP, 400, 400 },
    { "pro-vision", INS1_LOAD_READ, 400, 400 },
};

/* The most that was out at once, in the middle of an image as large as can be. */
START_TEST(a_plan_is_what_the_encoder_takes)
{
    ins1_model_options open = INS1_INIT(ins1_model_options);
    ins1_mem_stats before = INS1_INIT(ins1_mem_stats), after = INS1_INIT(ins1_mem_stats);
    ins1_plan plan = INS1_INIT(ins1_plan);
    ins1_image image = INS1_INIT(ins1_image);
    ins1_embeds *embeds;
    char path[1000];

    snprintf(path, sizeof(path), "%s/%s", TEST_GOLDEN, plans[_i].folder);
    open.path = path;
    open.parts = INS1_PART_VISION;
    open.load_mode = plans[_i].load_mode;
    image.format = INS1_PIXEL_RGB8;
    image.width = plans[_i].width;
    image.height = plans[_i].height;
    image.pixels = calloc((size_t)image.width * (size_t)image.height, 3);
    ck_assert_int_eq(ins1_runtime_mem(runtime, &before, &call), INS1_OK);
    ck_assert_int_eq(ins1_model_plan(runtime, &open, NULL, NULL, &plan, &call), INS1_OK);
    ck_assert_uint_eq(plan.parts, INS1_PART_VISION);
    ck_assert_uint_gt(plan.vision.disk, 10000);
    ck_assert_uint_ge(plan.vision.host, plan.vision.disk);
    ck_assert_int_eq(ins1_model_open(&model, runtime, &open, &call), INS1_OK);
    make_encoder();
    ck_assert_msg(ins1_vision_encoder_encode(&embeds, encoder, &image, 1, &call) == INS1_OK, "%s",
                  error.text);
    ins1_embeds_release(embeds);
    ck_assert_int_eq(ins1_runtime_mem(runtime, &after, &call), INS1_OK);
    free((void *)(uintptr_t)image.pixels);
    const double taken = (double)(after.now - before.now), planned = (double)plan.least_total;
    ck_assert_msg(taken <= planned, "planned %.0f, taken %.0f", planned, taken);
    printf("%s: planned %.0f, %.0f stay, %.0f at most\n", plans[_i].folder, planned, taken,
           (double)(after.peak - before.now));
    ck_assert_msg((double)(after.peak - before.now) <= planned * 1.01, "planned %.0f, %llu at most",
                  planned, (unsigned long long)(after.peak - before.now));
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
    Suite *suite = suite_create("vision");
    TCase *of_tiles = tcase_create("tiles"), *of_patches = tcase_create("patches");
    TCase *devices = tcase_create("devices"), *open = tcase_create("checkpoints");

    fill_pixels();
    tcase_add_checked_fixture(of_tiles, setup_tiles, teardown);
    tcase_add_loop_test(of_tiles, tiles_of_another_shape_are_refused, 0, COUNT(no_tiles));
    tcase_add_test(of_tiles, nothing_to_encode_is_refused);
    tcase_add_test(of_tiles, an_encoder_without_weights_encodes_nothing);
    tcase_add_test(of_tiles, options_are_checked);
    tcase_add_test(of_tiles, more_tokens_than_allowed_are_refused);
    tcase_add_test(of_tiles, all_images_come_out_or_none_and_each_is_what_it_is_alone);
    tcase_add_test(of_tiles, progress_is_told_can_stop_and_cannot_enter);
    tcase_add_test(of_tiles, a_request_to_stop_is_heard);
    tcase_add_test(of_tiles, an_observer_can_end_the_call);
    tcase_add_test(of_tiles, every_allocation_may_fail_with_tiles);
    tcase_add_test(of_tiles, an_encoder_outlives_what_it_was_made_of);
    tcase_add_loop_test(of_tiles, a_tower_and_a_decoder_of_one_checkpoint_open_together, 0, 3);

    tcase_add_checked_fixture(of_patches, setup_patches, teardown);
    tcase_add_loop_test(of_patches, patches_of_another_shape_are_refused, 0, COUNT(no_grids));
    tcase_add_test(of_patches, all_images_come_out_or_none_and_each_is_what_it_is_alone);
    tcase_add_test(of_patches, every_allocation_may_fail_with_patches);
    tcase_add_test(of_patches, scratch_stays_within_its_budget);

    tcase_add_checked_fixture(devices, NULL, teardown);
    tcase_add_loop_test(devices, a_device_that_lacks_operations_leaves_the_tower_to_the_cpu, 0, 2);

    tcase_add_checked_fixture(open, make_runtime, teardown_tiny);
    tcase_add_loop_test(open, every_tensor_is_needed_and_its_shape_compared, 0, 2);
    tcase_add_loop_test(open, matrices_of_i8_are_refused, 0, 2);
    tcase_add_test(open, missing_tensors_are_counted_and_the_first_named);
    tcase_add_loop_test(open, names_may_lack_the_first_word, 0, 2);
    tcase_add_test(open, tensors_and_keys_that_nobody_reads_are_told);
    tcase_add_test(open, weights_without_a_tower_have_no_vision_part);
    tcase_add_loop_test(open, a_config_is_read_with_suspicion, 0, COUNT(configs));
    tcase_add_loop_test(open, a_plan_is_what_the_encoder_takes, 0, COUNT(plans));

    TCase *all[] = { of_tiles, of_patches, devices, open };
    for (int i = 0; i < COUNT(all); i++) {
        tcase_set_timeout(all[i], 300);
        suite_add_tcase(suite, all[i]);
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
