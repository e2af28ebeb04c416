#include "model/model.h"

#include "interns1/interns1.h"

#include "meter.h"
#include "tiny.h"

#include <check.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static ins1_runtime *runtime;
static ins1_error error;
static ins1_call call;
static ins1_model *model;
static made folder;

static void setup(void)
{
    error = (ins1_error)INS1_INIT(ins1_error);
    call = (ins1_call)INS1_INIT(ins1_call);
    call.error = &error;
    model = NULL;
    ck_assert_int_eq(ins1_runtime_create(&runtime, NULL, &call), INS1_OK);
}

static void teardown(void)
{
    ins1_model_release(model);
    ins1_runtime_release(runtime);
    made_free(&folder);
}

static ins1_status open_folder(void)
{
    const ins1_model_options options = made_options(&folder);
    return ins1_model_open(&model, runtime, &options, &call);
}

static ins1_status open_tiny(const tiny *t)
{
    tiny_make(t, &folder);
    return open_folder();
}

static void close_tiny(void)
{
    ins1_model_release(model);
    model = NULL;
    made_free(&folder);
}

typedef tiny tiny_fn(void);
static tiny_fn *const makers[] = { tiny_dense, tiny_pro, tiny_internlm2 };

START_TEST(every_tensor_is_needed_and_named_when_it_is_missing)
{
    tiny t = makers[_i]();
    ck_assert_msg(open_tiny(&t) == INS1_OK, "%s", error.text);
    ck_assert_uint_eq(model->parts, INS1_PART_DECODER);
    close_tiny();
    for (int i = 0; i < t.n; i++) {
        const char *dtype = t.tensors[i].dtype;
        t.tensors[i].dtype = NULL;
        ck_assert_int_eq(open_tiny(&t), INS1_E_FORMAT);
        ck_assert_ptr_null(model);
        ck_assert_msg(strstr(error.text, "missing") && strstr(error.text, t.tensors[i].name),
                      "%s: %s", t.tensors[i].name, error.text);
        t.tensors[i].dtype = dtype;
        close_tiny();
    }
}
END_TEST

START_TEST(every_shape_is_compared_with_the_config)
{
    tiny t = makers[_i]();
    for (int i = 0; i < t.n; i++) {
        t.tensors[i].shape[0]++;
        ck_assert_int_eq(open_tiny(&t), INS1_E_FORMAT);
        ck_assert_msg(strstr(error.text, t.tensors[i].name) && strstr(error.text, "expected"), "%s",
                      error.text);
        t.tensors[i].shape[0]--;
        close_tiny();
    }
}
END_TEST

/* What a log was told of errors, a line each. */
typedef struct said {
    char text[4000];
    int n;
} said;

static void listen_to_errors(void *user, int32_t level, const char *component, const char *text)
{
    said *to = user;
    if (level != INS1_LOG_ERROR)
        return;
    ck_assert_str_eq(component, "model");
    size_t at = strlen(to->text);
    ck_assert_int_lt(snprintf(to->text + at, sizeof(to->text) - at, "%s\n", text),
                     (int)(sizeof(to->text) - at));
    to->n++;
}

static void listen_with(said *to)
{
    const ins1_runtime_options options = {
        .struct_size = sizeof(options),
        .log = listen_to_errors,
        .log_user = to,
    };
    *to = (said){ 0 };
    ins1_runtime_release(runtime);
    ck_assert_int_eq(ins1_runtime_create(&runtime, &options, &call), INS1_OK);
}

/* With a log, and without. Ten names of a real checkpoint do not fit into a sentence. */
START_TEST(all_that_is_missing_is_counted_and_ten_are_named)
{
    static const char *const names[] = {
        "model.language_model.embed_tokens.weight", "model.language_model.norm.weight",
        TINY_LAYER "input_layernorm.weight",        TINY_LAYER "post_attention_layernorm.weight",
        TINY_LAYER "self_attn.q_norm.weight",       TINY_LAYER "self_attn.k_norm.weight",
        TINY_LAYER "self_attn.q_proj.weight",       TINY_LAYER "self_attn.k_proj.weight",
        TINY_LAYER "self_attn.v_proj.weight",       TINY_LAYER "self_attn.o_proj.weight",
    };
    char expected[1000] = "";
    tiny t = tiny_pro();
    said log;

    if (_i)
        listen_with(&log);
    for (int i = 1; i < t.n; i++)
        t.tensors[i].dtype = NULL;
    ck_assert_int_eq(open_tiny(&t), INS1_E_FORMAT);
    ck_assert_str_eq(error.text,
                     _i ? "19 tensors are missing: model.language_model.embed_tokens.weight, "
                          "model.language_model.norm.weight, model.language_model.layers.0."
                          "input_layernorm.weight and 16 more; the log names the first ten"
                        : "19 tensors are missing: model.language_model.embed_tokens.weight, "
                          "model.language_model.norm.weight, model.language_model.layers.0."
                          "input_layernorm.weight and 16 more");
    if (!_i)
        return;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected),
                 "tensor '%s' is missing\n", names[i]);
    ck_assert_str_eq(log.text, expected);
}
END_TEST

START_TEST(what_is_missing_alone_is_one_tensor)
{
    tiny t = tiny_pro();
    said log;

    listen_with(&log);
    t.tensors[1].dtype = NULL;
    ck_assert_int_eq(open_tiny(&t), INS1_E_FORMAT);
    ck_assert_str_eq(error.text, "1 tensor is missing: model.language_model.embed_tokens.weight");
    ck_assert_int_eq(log.n, 1);
}
END_TEST

static const char *const prefixes[] = { "language_model.model.", "model.", "" };

START_TEST(prefixes_of_other_saves_are_found)
{
    static const char usual[] = "model.language_model.";
    tiny t = tiny_dense();
    for (int i = 0; i < t.n; i++) {
        char name[100];
        if (strncmp(t.tensors[i].name, usual, strlen(usual)) != 0)
            continue;
        snprintf(name, sizeof(name), "%s%s", prefixes[_i], t.tensors[i].name + strlen(usual));
        strcpy(t.tensors[i].name, name);
    }
    if (!_i)
        strcpy(t.tensors[0].name, "language_model.lm_head.weight");
    ck_assert_msg(open_tiny(&t) == INS1_OK, "%s", error.text);
}
END_TEST

START_TEST(a_head_that_is_not_stored_is_the_embedding_where_the_config_ties_them)
{
    tiny t = tiny_dense();
    t.tensors[0].dtype = NULL;
    char *end = strrchr(t.config, '}');
    strcpy(end, ",\"tie_word_embeddings\":true}");
    ck_assert_msg(open_tiny(&t) == INS1_OK, "%s", error.text);
    ck_assert_ptr_eq(model->decoder_weights.head.weight.data, model->decoder_weights.embed.data);
    close_tiny();
    t.tensors[0].dtype = "BF16";
    ck_assert_msg(open_tiny(&t) == INS1_OK, "%s", error.text);
    ck_assert_ptr_ne(model->decoder_weights.head.weight.data, model->decoder_weights.embed.data);
}
END_TEST

#define Q     TINY_LAYER "self_attn.q_proj.weight"
#define SCALE Q "_scale_inv"

static const struct {
    const char *what, *weight, *scale; /* dtypes; scale NULL: none */
    int rows, columns;
    ins1_status status;
} quantised[] = {
    { "F32 scales", "F8_E4M3", "F32", 1, 1, INS1_OK },
    { "BF16 scales", "F8_E4M3", "BF16", 1, 1, INS1_OK },
    { "E8M0 scales", "F8_E4M3", "F8_E8M0", 1, 1, INS1_OK },
    { "bytes", "F8_E4M3", "U8", 1, 1, INS1_OK },
    { "no scales", "F8_E4M3", NULL, 1, 1, INS1_E_FORMAT },
    { "scales of BF16", "BF16", "F32", 1, 1, INS1_E_FORMAT },
    { "too many blocks", "F8_E4M3", "F32", 1, 2, INS1_E_FORMAT },
    { "F16 scales", "F8_E4M3", "F16", 1, 1, INS1_E_FORMAT },
};

START_TEST(a_matrix_is_fp8_exactly_when_it_has_scales)
{
    tiny t = tiny_dense();
    tiny_find(&t, Q)->dtype = quantised[_i].weight;
    if (quantised[_i].scale)
        tiny_add(&t, SCALE, quantised[_i].scale, 2, quantised[_i].rows, quantised[_i].columns, 0);
    ins1_status status = open_tiny(&t);
    ck_assert_msg(status == quantised[_i].status, "%s: %d, %s", quantised[_i].what, status,
                  error.text);
    if (status != INS1_OK)
        return;
    ck_assert_int_ne(model->decoder_weights.layers[0].q.scale.dtype, 0);
    ck_assert_int_eq(model->decoder_weights.layers[0].k.scale.dtype, 0);
    ck_assert_int_eq(model->decoder_config.default_precision, INS1_PRECISION_BF16);
    ins1_model_info info = INS1_INIT(ins1_model_info);
    ck_assert_int_eq(ins1_model_info_get(model, &info, &call), INS1_OK);
    ck_assert_str_eq(info.quant, "fp8");
}
END_TEST

#define ROW_SCALE Q "_scale"
#define W8A8                                                                                       \
    ",\"quantization_config\":{\"config_groups\":{\"group_0\":{\"input_activations\":{"            \
    "\"dynamic\":true,\"num_bits\":8,\"strategy\":\"token\",\"symmetric\":true,\"type\":\"int\"}," \
    "\"targets\":[\"Linear\"],\"weights\":{\"dynamic\":false,\"num_bits\":8,"                      \
    "\"strategy\":\"channel\",\"symmetric\":true,\"type\":\"int\"}}},"                             \
    "\"format\":\"int-quantized\",\"quant_method\":\"compressed-tensors\"}"

static void add_to_config(tiny *t, const char *more)
{
    char *end = strrchr(t->config, '}');
    snprintf(end, sizeof(t->config) - (size_t)(end - t->config), "%s}", more);
}

static const struct {
    const char *what, *weight, *scale; /* dtypes; scale NULL: none */
    int rows, columns;
    bool has_config;
    ins1_status status;
    const char *said;
} rounded[] = {
    { "F32 scales", "I8", "F32", 4, 1, true, INS1_OK, "" },
    { "BF16 scales", "I8", "BF16", 4, 1, true, INS1_OK, "" },
    { "F16 scales", "I8", "F16", 4, 1, true, INS1_E_FORMAT, "F32 or BF16 is expected" },
    { "no scales", "I8", NULL, 4, 1, true, INS1_E_FORMAT, "q_proj.weight_scale" },
    { "scales of BF16", "BF16", "F32", 4, 1, true, INS1_E_FORMAT, "no scale of a matrix" },
    { "scales of FP8", "F8_E4M3", "F32", 4, 1, true, INS1_E_FORMAT, "no scale of a matrix" },
    { "too few rows", "I8", "F32", 1, 1, true, INS1_E_FORMAT, "[4, 1] is expected" },
    { "a scale for each element", "I8", "F32", 4, 4, true, INS1_E_FORMAT, "[4, 1] is expected" },
    { "a config that says nothing", "I8", "F32", 4, 1, false, INS1_E_FORMAT,
      "compressed-tensors is expected" },
};

START_TEST(a_matrix_is_i8_exactly_when_it_has_scales)
{
    tiny t = tiny_dense();
    tiny_find(&t, Q)->dtype = rounded[_i].weight;
    if (rounded[_i].scale)
        tiny_add(&t, ROW_SCALE, rounded[_i].scale, 2, rounded[_i].rows, rounded[_i].columns, 0);
    if (rounded[_i].has_config)
        add_to_config(&t, W8A8);
    ins1_status status = open_tiny(&t);
    ck_assert_msg(status == rounded[_i].status, "%s: %d, %s", rounded[_i].what, status, error.text);
    ck_assert_msg(strstr(error.text, rounded[_i].said), "%s: %s", rounded[_i].what, error.text);
    if (status != INS1_OK)
        return;
    const s1_linear *q = &model->decoder_weights.layers[0].q;
    ck_assert_int_eq(q->weight.dtype, INS1_DTYPE_I8);
    ck_assert_uint_eq(q->scale.shape[0], 4);
    ck_assert_int_eq(model->decoder_weights.layers[0].k.scale.dtype, 0);
    ck_assert_int_eq(model->decoder_config.default_precision, INS1_PRECISION_INT8);
    ins1_model_info info = INS1_INIT(ins1_model_info);
    ck_assert_int_eq(ins1_model_info_get(model, &info, &call), INS1_OK);
    ck_assert_str_eq(info.quant, "int8");
}
END_TEST

START_TEST(an_internlm2_takes_i8_too)
{
    tiny t = tiny_internlm2();
    tiny_find(&t, "model.layers.0.attention.wqkv.weight")->dtype = "I8";
    tiny_add(&t, "model.layers.0.attention.wqkv.weight_scale", "F32", 2, 8, 1, 0);
    add_to_config(&t, W8A8);
    ck_assert_msg(open_tiny(&t) == INS1_OK, "%s", error.text);
    ck_assert_uint_eq(model->decoder_weights.layers[0].qkv.scale.shape[0], 8);
    ck_assert_int_eq(model->decoder_config.default_precision, INS1_PRECISION_INT8);
}
END_TEST

/* Tensors that are never I8, with their rows. */
static const struct {
    const char *name, *said;
    int rows;
} floats[] = {
    { "model.language_model.embed_tokens", "an embedding of floats", 5 },
    { TINY_LAYER "mlp.gate", "a float for a router", 2 },
    { TINY_LAYER "mlp.experts.1.up_proj", "a float as expert 0", 3 },
    { TINY_LAYER "self_attn.q_norm", "F32, F16 or BF16", 0 },
};

START_TEST(some_tensors_are_never_i8)
{
    char name[100];
    tiny t = tiny_pro();
    snprintf(name, sizeof(name), "%s.weight", floats[_i].name);
    tiny_find(&t, name)->dtype = "I8";
    snprintf(name, sizeof(name), "%s.weight_scale", floats[_i].name);
    if (floats[_i].rows)
        tiny_add(&t, name, "F32", 2, floats[_i].rows, 1, 0);
    add_to_config(&t, W8A8);
    ck_assert_int_eq(open_tiny(&t), INS1_E_FORMAT);
    ck_assert_msg(strstr(error.text, floats[_i].said), "%s: %s", name, error.text);
}
END_TEST

START_TEST(an_expert_of_floats_among_those_of_i8_is_refused)
{
    char name[100];
    tiny t = tiny_pro();
    for (int e = 0; e < 2; e++) {
        snprintf(name, sizeof(name), TINY_LAYER "mlp.experts.%d.down_proj.weight", e);
        tiny_find(&t, name)->dtype = "I8";
        snprintf(name, sizeof(name), TINY_LAYER "mlp.experts.%d.down_proj.weight_scale", e);
        tiny_add(&t, name, "BF16", 2, 4, 1, 0);
    }
    add_to_config(&t, W8A8);
    ck_assert_msg(open_tiny(&t) == INS1_OK, "%s", error.text);
    close_tiny();
    t.tensors[--t.n].dtype = NULL;
    tiny_find(&t, TINY_LAYER "mlp.experts.1.down_proj.weight")->dtype = "F32";
    ck_assert_int_eq(open_tiny(&t), INS1_E_FORMAT);
    ck_assert_msg(strstr(error.text, "I8 as expert 0 is expected"), "%s", error.text);
}
END_TEST

START_TEST(fused_experts_of_i8_are_refused)
{
    tiny t = tiny_pro();
    t.n -= 6;
    tiny_add(&t, TINY_LAYER "mlp.experts.gate_up_proj", "I8", 3, 2, 4, 6);
    tiny_add(&t, TINY_LAYER "mlp.experts.down_proj", "I8", 3, 2, 3, 4);
    add_to_config(&t, W8A8);
    ck_assert_int_eq(open_tiny(&t), INS1_E_FORMAT);
    ck_assert_msg(strstr(error.text, "for fused experts is expected"), "%s", error.text);
}
END_TEST

static const struct {
    int32_t asked;
    bool is_i8;
    ins1_status status;
    const char *said;
} precisions[] = {
    { INS1_PRECISION_DEFAULT, true, INS1_OK, "" },
    { INS1_PRECISION_INT8, true, INS1_OK, "" },
    { INS1_PRECISION_BF16, true, INS1_E_UNSUPPORTED, "precision bf16: the weights" },
    { INS1_PRECISION_F32, true, INS1_E_UNSUPPORTED, "precision f32: the weights" },
    { 4, true, INS1_E_ARGUMENT, "precision 4" },
    { -1, true, INS1_E_ARGUMENT, "precision -1" },
    { INS1_PRECISION_INT8, false, INS1_E_UNSUPPORTED, "needs weights in I8" },
    { INS1_PRECISION_F32, false, INS1_OK, "" },
    { 4, false, INS1_E_ARGUMENT, "precision 4" },
};

/* Both with all matrices but the router's in I8 and without any; a plan says the same. */
START_TEST(weights_of_i8_are_multiplied_in_one_way_and_others_in_any_other)
{
    ins1_decoder_options options = INS1_INIT(ins1_decoder_options);
    ins1_session_info info = INS1_INIT(ins1_session_info);
    ins1_plan plan = INS1_INIT(ins1_plan);
    ins1_decoder *decoder = NULL;
    ins1_session *session = NULL;
    tiny t = tiny_dense();

    for (int i = 0, n = t.n; i < n && precisions[_i].is_i8; i++) {
        char name[100];
        if (!strstr(t.tensors[i].name, "_proj"))
            continue;
        t.tensors[i].dtype = "I8";
        snprintf(name, sizeof(name), "%.90s_scale", t.tensors[i].name);
        tiny_add(&t, name, "F32", 2, t.tensors[i].shape[0], 1, 0);
    }
    add_to_config(&t, W8A8);
    ck_assert_msg(open_tiny(&t) == INS1_OK, "%s", error.text);
    options.precision = precisions[_i].asked;
    ins1_status status = ins1_decoder_create(&decoder, model, &options, &call);
    ck_assert_msg(status == precisions[_i].status, "%d, %s", status, error.text);
    ck_assert_msg(strstr(error.text, precisions[_i].said), "%s", error.text);
    const ins1_model_options from = made_options(&folder);
    ck_assert_int_eq(ins1_model_plan(runtime, &from, &options, NULL, &plan, &call),
                     precisions[_i].status);
    if (status != INS1_OK)
        return;
    ck_assert_msg(ins1_session_create(&session, decoder, NULL, &call) == INS1_OK, "%s", error.text);
    ck_assert_int_eq(ins1_session_info_get(session, &info, &call), INS1_OK);
    ck_assert_int_eq(info.precision,
                     precisions[_i].is_i8 ? INS1_PRECISION_INT8 : precisions[_i].asked);
    ck_assert_int_eq(info.kv_type, precisions[_i].is_i8 ? INS1_KV_BF16 : INS1_KV_F32);
    ins1_session_release(session);
    ins1_decoder_release(decoder);
}
END_TEST

START_TEST(types_of_weights_give_the_default_precision)
{
    static const char *const dtypes[] = { "F32", "F16", "BF16" };
    tiny t = tiny_dense();
    for (int i = 0; i < t.n; i++)
        t.tensors[i].dtype = dtypes[_i];
    ck_assert_int_eq(open_tiny(&t), INS1_OK);
    ck_assert_int_eq(model->decoder_config.default_precision,
                     _i == 2 ? INS1_PRECISION_BF16 : INS1_PRECISION_F32);
}
END_TEST

START_TEST(other_types_are_no_weights)
{
    tiny t = tiny_dense();
    tiny_find(&t, Q)->dtype = "U8";
    ck_assert_int_eq(open_tiny(&t), INS1_E_FORMAT);
    close_tiny();
    tiny_find(&t, Q)->dtype = "F8_E5M2";
    ck_assert_int_eq(open_tiny(&t), INS1_E_UNSUPPORTED);
}
END_TEST

/* Where the element of a matrix lies, in elements from the first of `from`: the bytes of a file are
 * 0, 1, 2, ... and the tensors here shorter than 256, so that the lower byte tells. */
static unsigned place(const s1_tensor *tensor, uint64_t row, uint64_t column, const s1_tensor *from)
{
    const int64_t at = (int64_t)row * tensor->stride[0] + (int64_t)column * tensor->stride[1];
    ck_assert_int_le((at + 1) * 2, (int64_t)tensor->size);
    const uint8_t value = ((const uint8_t *)tensor->data)[at * 2];
    return (uint8_t)(value - *(const uint8_t *)from->data) / 2u;
}

/* Both ways to fuse: [expert][in][out], and [expert][out][in]. */
START_TEST(fused_experts_are_views_of_one_tensor)
{
    const bool in_out = _i == 0;
    tiny t = tiny_pro();
    t.n -= 6;
    tiny_add(&t, TINY_LAYER "mlp.experts.gate_up_proj", "BF16", 3, 2, in_out ? 4 : 6,
             in_out ? 6 : 4);
    tiny_add(&t, TINY_LAYER "mlp.experts.down_proj", "BF16", 3, 2, in_out ? 3 : 4, in_out ? 4 : 3);
    ck_assert_msg(open_tiny(&t) == INS1_OK, "%s", error.text);

    const s1_layer_weights *layer = &model->decoder_weights.layers[0];
    const s1_tensor *gate_up = &layer->expert_gate[0].weight, *down = &layer->expert_down[0].weight;
    for (unsigned e = 0; e < 2; e++) {
        for (unsigned inner = 0; inner < 3; inner++) {
            for (unsigned h = 0; h < 4; h++) {
                const unsigned gate = e * 24 + (in_out ? h * 6 + inner : inner * 4 + h);
                const unsigned up = gate + (in_out ? 3 : 12);
                ck_assert_uint_eq(place(&layer->expert_gate[e].weight, inner, h, gate_up), gate);
                ck_assert_uint_eq(place(&layer->expert_up[e].weight, inner, h, gate_up), up);
                ck_assert_uint_eq(place(&layer->expert_down[e].weight, h, inner, down),
                                  e * 12 + (in_out ? inner * 4 + h : h * 3 + inner));
            }
        }
    }
}
END_TEST

START_TEST(fused_experts_of_other_shapes_are_refused)
{
    tiny t = tiny_pro();
    t.n -= 6;
    tiny_add(&t, TINY_LAYER "mlp.experts.gate_up_proj", "BF16", 3, 2, 4, 6);
    tiny_add(&t, TINY_LAYER "mlp.experts.down_proj", "BF16", 3, 2, 4, 3);
    ck_assert_int_eq(open_tiny(&t), INS1_E_FORMAT);
}
END_TEST

START_TEST(fope_may_be_one_matrix_for_all_heads)
{
    tiny t = tiny_pro();
    for (int i = 0; i < t.n; i++)
        if (strstr(t.tensors[i].name, "rotary_emb"))
            t.tensors[i].rank = 2;
    ck_assert_msg(open_tiny(&t) == INS1_OK, "%s", error.text);
    const s1_rope_config *rope = &model->decoder_config.rope;
    ck_assert_int_eq(rope->fope_cos.rank, 3);
    ck_assert_uint_eq(rope->fope_cos.shape[0], 1);
}
END_TEST

START_TEST(a_config_that_promises_too_much_allocates_nothing)
{
    tiny t = tiny_pro();
    char *at = strstr(t.config, "\"num_experts\":2");
    memmove(at + 20, at + 15, strlen(at + 15) + 1);
    memcpy(at, "\"num_experts\":65534 ", 20);
    at = strstr(t.config, "\"num_hidden_layers\":1");
    memmove(at + 23, at + 21, strlen(at + 21) + 1);
    memcpy(at, "\"num_hidden_layers\":20 ", 23);
    ck_assert_int_eq(open_tiny(&t), INS1_E_FORMAT);
    ck_assert_msg(strstr(error.text, "do not fit"), "%s", error.text);
}
END_TEST

static void expect_meta(const char *key, const char *expected)
{
    const char *value;
    size_t size;
    ck_assert_int_eq(ins1_model_meta(model, key, &value, &size, &call), INS1_OK);
    if (!expected) {
        ck_assert_ptr_null(value);
        ck_assert_uint_eq(size, 0);
        return;
    }
    ck_assert_msg(value && size == strlen(expected) && !memcmp(value, expected, size), "%s is %.*s",
                  key, (int)size, value ? value : "");
}

START_TEST(metadata_is_the_text_of_the_files)
{
    tiny t = tiny_dense();
    strcpy(strrchr(t.config, '}'), ",\"list\":[1,{\"x\":\"y\"}]}");
    tiny_make(&t, &folder);
    made_text(&folder, "generation_config.json",
              "{\"eos_token_id\":[2,4],\"do_sample\":true,\"top_p\":0.9}");
    made_text(&folder, "chat_template.jinja", "{{ '<|action_start|><|plugin|>' }}<IMG_CONTEXT>");
    ck_assert_int_eq(open_folder(), INS1_OK);

    expect_meta("config.json/text_config/hidden_size", "4");
    expect_meta("config.json/text_config/model_type", "qwen3");
    expect_meta("config.json/architectures/0", "InternS1ForConditionalGeneration");
    expect_meta("config.json/list/1/x", "y");
    expect_meta("config.json/list/2", NULL);
    expect_meta("config.json/list/x", NULL);
    expect_meta("config.json/nothing/at/all", NULL);
    expect_meta("config.json/", NULL);
    expect_meta("", NULL);
    expect_meta("/", NULL);
    expect_meta("generation_config.json/top_p", "0.9");
    expect_meta("generation_config.json/eos_token_id", "[2,4]");
    expect_meta("ins1/end_ids", "[2, 4]");
    expect_meta("ins1/placeholder_ids", "[3]");
    expect_meta("ins1/unknown_keys", "[\"list\"]");
    expect_meta("ins1/dialect", "intern-s1");
    expect_meta("ins1/tokenizer", NULL);
    expect_meta("ins1/something", NULL);

    size_t n;
    ck_assert_int_eq(s1_model_end_ids(model, &n)[1], 4);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(s1_model_placeholder_ids(model, &n)[0], 3);
    ck_assert_uint_eq(n, 1);
    ck_assert_float_eq(s1_model_sampling(model).top_p, 0.9F);
    ck_assert_int_eq(s1_model_n_vocab(model), 5);
}
END_TEST

START_TEST(info_says_what_was_opened)
{
    ins1_model_info info = INS1_INIT(ins1_model_info);
    tiny t = tiny_pro();
    ck_assert_int_eq(open_tiny(&t), INS1_OK);
    ck_assert_int_eq(ins1_model_info_get(model, &info, &call), INS1_OK);
    ck_assert_str_eq(info.arch, "InternS1ProForConditionalGeneration");
    ck_assert_str_eq(info.quant, "bf16");
    ck_assert_int_eq(info.n_vocab, 5);
    ck_assert_int_eq(info.n_expert, 2);
    ck_assert_int_eq(info.n_ctx_train, 16);
    /* Embedding, head, norms, attention, router, FoPE, two experts. */
    ck_assert_uint_eq(info.n_params, 20 + 20 + 4 + 12 + 48 + 8 + 2 + 72);
    ck_assert_uint_eq(info.n_params_active, info.n_params);
}
END_TEST

static const struct {
    const char *what, *names[4];
    uint32_t asked, parts;
    ins1_status status;
} folders[] = {
    { "nothing known", { "readme.txt" }, 0, 0, INS1_OK },
    { "other JSON", { "preprocessor_config.json" }, 0, 0, INS1_OK },
    { "base tokenizer", { "vocab.json", "merges.txt" }, 0, INS1_PART_TOKENIZER, INS1_OK },
    { "half a tokenizer", { "vocab.json" }, 0, 0, INS1_OK },
    { "one-file tokenizer", { "tokenizer.json" }, 0, INS1_PART_TOKENIZER, INS1_OK },
    { "SentencePiece", { "tokenizer.model" }, 0, INS1_PART_TOKENIZER, INS1_OK },
    { "tokenizer asked for",
      { "tokenizer.model" },
      INS1_PART_TOKENIZER,
      INS1_PART_TOKENIZER,
      INS1_OK },
    { "no tokenizer", { "readme.txt" }, INS1_PART_TOKENIZER, 0, INS1_E_UNSUPPORTED },
    { "no decoder", { "tokenizer.model" }, INS1_PART_DECODER, 0, INS1_E_UNSUPPORTED },
    { "no vision", { "tokenizer.model" }, INS1_PART_VISION, 0, INS1_E_UNSUPPORTED },
    { "a part from the future", { "tokenizer.model" }, 16, 0, INS1_E_VERSION },
};

START_TEST(a_folder_has_the_parts_whose_files_are_there)
{
    for (int i = 0; i < 4 && folders[_i].names[i]; i++)
        made_text(&folder, folders[_i].names[i], "{}");
    ins1_model_options options = made_options(&folder);
    options.parts = folders[_i].asked;
    ins1_status status = ins1_model_open(&model, runtime, &options, &call);
    ck_assert_msg(status == folders[_i].status, "%s: %d, %s", folders[_i].what, status, error.text);
    if (status == INS1_OK)
        ck_assert_uint_eq(model->parts, folders[_i].parts);
}
END_TEST

START_TEST(a_decoder_that_is_not_asked_for_is_not_opened)
{
    tiny t = tiny_dense();
    tiny_make(&t, &folder);
    made_text(&folder, "tokenizer.model", "x");
    ins1_model_options options = made_options(&folder);
    options.parts = INS1_PART_TOKENIZER;
    ck_assert_int_eq(ins1_model_open(&model, runtime, &options, &call), INS1_OK);
    ck_assert_uint_eq(model->parts, INS1_PART_TOKENIZER);
    ck_assert_ptr_null(model->decoder_weights.layers);
    ck_assert_int_eq(s1_model_n_vocab(model), 5);
}
END_TEST

static const struct {
    const char *what, *config;
    ins1_status status;
} configs[] = {
    { "no config", NULL, INS1_E_FORMAT },
    { "another model", "{\"architectures\":[\"BertModel\"]}", INS1_E_UNSUPPORTED },
    { "no JSON", "{", INS1_E_FORMAT },
};

START_TEST(weights_need_a_config_of_the_family)
{
    made_tensors(&folder, "model.safetensors", "{}", 0);
    if (configs[_i].config)
        made_text(&folder, "config.json", configs[_i].config);
    ck_assert_int_eq(open_folder(), configs[_i].status);
}
END_TEST

static const struct {
    const char *file, *text, *dialect;
} dialects[] = {
    { "chat_template.jinja", "'<|action_start|><|plugin|>' <IMG_CONTEXT>", "intern-s1" },
    { "chat_template.jinja",
      "'Picture ' <|vision_start|><|image_pad|><|vision_end|> reasoning_content", "intern-s1-pro" },
    { "chat_template.jinja", "'You are Qwen, created by Alibaba Cloud' <tool_call>", "qwen2.5" },
    { "chat_template.jinja", "<|im_start|> <tool_call> reasoning_content", "qwen3" },
    { "chat_template.jinja", "{{ bos_token }}<|im_start|><|im_end|>", "internlm2" },
    { "chat_template.jinja", "[INST]", NULL },
    { "chat_template.json",
      "{\"chat_template\":\"<\\u007cim_start|> <tool_call> reasoning_content\"}", "qwen3" },
    { "tokenizer_config.json",
      "{\"chat_template\":[{\"name\":\"rag\",\"template\":\"x\"},{\"name\":\"default\","
      "\"template\":\"<|im_start|> <tool_call> reasoning_content\"}]}",
      "qwen3" },
    { "tokenizer_config.json", "{\"chat_template\":\"[INST]\"}", NULL },
    { "tokenizer.model", "", "internlm2" },
    { "readme.txt", "", NULL },
};

START_TEST(dialects_are_told_by_their_templates)
{
    made_text(&folder, dialects[_i].file, dialects[_i].text);
    ck_assert_int_eq(open_folder(), INS1_OK);
    expect_meta("ins1/dialect", dialects[_i].dialect);
}
END_TEST

static const struct {
    const char *folder, *dialect, *tokenizer;
} released[] = {
    { "intern-s1-pro", "intern-s1-pro", "intern-s1-pro" },
    { "qwen3", "qwen3", "byte-level-bpe" },
    { "qwen2_5", "qwen2.5", "byte-level-bpe" },
    { "internlm2", "internlm2", "sentencepiece" },
};

START_TEST(released_tokenizers_are_recognised)
{
    char path[1000];
    ins1_model_options options = INS1_INIT(ins1_model_options);

    if (!TEST_DATA[0]) {
        printf("skipped: no test_data with tokenizers\n");
        return;
    }
    snprintf(path, sizeof(path), "%s/tokenizers/%s", TEST_DATA, released[_i].folder);
    options.path = path;
    ck_assert_msg(ins1_model_open(&model, runtime, &options, &call) == INS1_OK, "%s", error.text);
    ck_assert_uint_eq(model->parts, INS1_PART_TOKENIZER);
    expect_meta("ins1/dialect", released[_i].dialect);
    expect_meta("ins1/tokenizer", released[_i].tokenizer);
}
END_TEST

START_TEST(opening_stops_when_it_is_told_to)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.path = TEST_GOLDEN "/mini-bf16";
    options.load_mode = _i;
    ck_assert_int_eq(ins1_cancel_create(&call.cancel, runtime, &call), INS1_OK);
    ins1_cancel_request(call.cancel);
    ck_assert_int_eq(ins1_model_open(&model, runtime, &options, &call), INS1_E_CANCELED);
    ck_assert_ptr_null(model);
    ins1_cancel_reset(call.cancel);
    ck_assert_int_eq(ins1_model_open(&model, runtime, &options, &call), INS1_OK);
    ins1_cancel_release(call.cancel);
}
END_TEST

static int32_t stop_at_once(void *user, int32_t phase, uint64_t done, uint64_t total)
{
    *(uint64_t *)user = total;
    return phase == INS1_PHASE_OPEN && done == 0;
}

START_TEST(progress_is_told_shard_by_shard)
{
    uint64_t total = 0;
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.path = TEST_GOLDEN "/mini-bf16";
    call.progress = stop_at_once;
    call.user = &total;
    ck_assert_int_eq(ins1_model_open(&model, runtime, &options, &call), INS1_E_CANCELED);
    ck_assert_uint_eq(total, 3);
}
END_TEST

static const struct {
    const char *what;
    int32_t load_mode, verify;
    uint32_t flags;
    ins1_status status;
} options_table[] = {
    { "mapped", INS1_LOAD_MMAP, 1, 0, INS1_OK },
    { "read", INS1_LOAD_READ, 0, 0, INS1_OK },
    { "experts on demand", INS1_LOAD_EXPERTS_ON_DEMAND, 0, 0, INS1_E_UNSUPPORTED },
    { "a new mode", 3, 0, 0, INS1_E_ARGUMENT },
    { "a new flag", 0, 0, 1, INS1_E_VERSION },
    { "verify what", 0, 2, 0, INS1_E_ARGUMENT },
};

START_TEST(options_are_judged)
{
    tiny t = tiny_dense();
    tiny_make(&t, &folder);
    ins1_model_options options = made_options(&folder);
    options.load_mode = options_table[_i].load_mode;
    options.verify = options_table[_i].verify;
    options.flags = options_table[_i].flags;
    ins1_status status = ins1_model_open(&model, runtime, &options, &call);
    ck_assert_msg(status == options_table[_i].status, "%s: %d", options_table[_i].what, status);
}
END_TEST

START_TEST(a_file_alone_says_what_is_opened_instead)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.data = "GGUF\3\0\0\0";
    options.size = 8;
    ck_assert_int_eq(ins1_model_open(&model, runtime, &options, &call), INS1_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.text, "GGUF"));
    options.size = 0;
    ck_assert_int_eq(ins1_model_open(&model, runtime, &options, &call), INS1_E_UNSUPPORTED);
}
END_TEST

/* A reader over a file of the golden folders. */
static int64_t read_descriptor(void *user, uint64_t offset, void *dst, size_t n)
{
    return pread((int)(intptr_t)user, dst, n, (off_t)offset);
}

static void close_descriptor(void *user)
{
    close((int)(intptr_t)user);
}

static const char *const sharded[] = {
    "config.json",
    "generation_config.json",
    "model-00001-of-00003.safetensors",
    "model-00002-of-00003.safetensors",
    "model-00003-of-00003.safetensors",
    "model.safetensors.index.json",
};

enum { N_SHARDED = sizeof(sharded) / sizeof(sharded[0]) };

static uint64_t fingerprint_of(const ins1_model_options *options)
{
    ins1_model *opened;
    ck_assert_msg(ins1_model_open(&opened, runtime, options, &call) == INS1_OK, "%s", error.text);
    uint64_t fingerprint = opened->fingerprint;
    ck_assert_uint_eq(opened->parts, INS1_PART_DECODER);
    ins1_model_release(opened);
    return fingerprint;
}

START_TEST(a_folder_is_the_same_mapped_read_listed_and_through_readers)
{
    const char *path = TEST_GOLDEN "/mini-bf16";
    ins1_reader readers[N_SHARDED];
    ins1_file files[N_SHARDED], paths[N_SHARDED];
    char names[N_SHARDED][1000];
    ins1_model_options options = INS1_INIT(ins1_model_options);
    ins1_mem_stats stats = INS1_INIT(ins1_mem_stats);

    options.path = path;
    const uint64_t mapped = fingerprint_of(&options);
    options.load_mode = INS1_LOAD_READ;
    ck_assert_uint_eq(fingerprint_of(&options), mapped);

    for (int i = 0; i < N_SHARDED; i++) {
        struct stat info;
        snprintf(names[i], sizeof(names[i]), "%s/%s", path, sharded[i]);
        int fd = open(names[i], O_RDONLY);
        ck_assert_int_ge(fd, 0);
        fstat(fd, &info);
        readers[i] = (ins1_reader){
            .struct_size = sizeof(ins1_reader),
            .size = (uint64_t)info.st_size,
            .read_at = read_descriptor,
            .close = close_descriptor,
            .user = (void *)(intptr_t)fd,
        };
        files[i] = (ins1_file){ .struct_size = sizeof(ins1_file),
                                .name = sharded[i],
                                .reader = &readers[i] };
        paths[i] =
            (ins1_file){ .struct_size = sizeof(ins1_file), .name = sharded[i], .path = names[i] };
    }
    options = (ins1_model_options)INS1_INIT(ins1_model_options);
    options.n_files = N_SHARDED;
    options.files = paths;
    ck_assert_uint_eq(fingerprint_of(&options), mapped);
    options.files = files;
    ck_assert_uint_eq(fingerprint_of(&options), mapped);

    options = (ins1_model_options)INS1_INIT(ins1_model_options);
    options.path = TEST_GOLDEN "/mini-tied";
    ck_assert_uint_ne(fingerprint_of(&options), mapped);
    ck_assert_int_eq(ins1_runtime_mem(runtime, &stats, &call), INS1_OK);
    ck_assert_uint_eq(stats.mapped, 0);
}
END_TEST

START_TEST(a_model_keeps_its_runtime_and_counts_what_it_maps)
{
    ins1_mem_stats stats = INS1_INIT(ins1_mem_stats);
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.path = TEST_GOLDEN "/mini-bf16";
    ck_assert_int_eq(ins1_model_open(&model, runtime, &options, &call), INS1_OK);
    ck_assert_int_eq(ins1_runtime_mem(runtime, &stats, &call), INS1_OK);
    ck_assert_uint_gt(stats.mapped, 190000);
    ins1_model_retain(model);
    ins1_model_release(model);
    ins1_runtime_retain(runtime);
    ins1_runtime_release(runtime);
    ck_assert_int_eq(model->decoder_config.n_vocab, 331);
}
END_TEST

START_TEST(devices_are_settled_once_a_model_is_open)
{
    tiny t = tiny_dense();
    ck_assert_int_eq(open_tiny(&t), INS1_OK);
    ck_assert_int_eq(ins1_backend_load(runtime, "/nowhere/plugin.so", &call), INS1_E_STATE);
}
END_TEST

START_TEST(open_gives_back_everything_when_memory_runs_out)
{
    tiny t = makers[_i]();
    tiny_make(&t, &folder);
    made_text(&folder, "tokenizer_config.json", "{\"chat_template\":\"x\"}");
    const ins1_model_options options = made_options(&folder);
    for (int n = 0;; n++) {
        meter m;
        const ins1_allocator source = meter_source(&m);
        ins1_runtime_options given = INS1_INIT(ins1_runtime_options);
        ins1_runtime *poor;
        given.allocator = &source;
        ck_assert_int_eq(ins1_runtime_create(&poor, &given, &call), INS1_OK);
        const long long before = atomic_load(&m.live);
        atomic_store(&m.until_refusal, n);
        ins1_status status = ins1_model_open(&model, poor, &options, &call);
        atomic_store(&m.until_refusal, -1);
        if (status == INS1_OK)
            ck_assert_int_gt(atomic_load(&m.live), before);
        else
            ck_assert_int_eq(atomic_load(&m.live), before);
        ins1_model_release(model);
        model = NULL;
        ins1_runtime_release(poor);
        ck_assert_int_eq(atomic_load(&m.live), 0);
        if (status == INS1_OK)
            return;
        ck_assert_int_eq(status, INS1_E_MEMORY);
    }
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

int main(void)
{
    Suite *suite = suite_create("model");
    TCase *cases = tcase_create("model");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, every_tensor_is_needed_and_named_when_it_is_missing, 0,
                        COUNT(makers));
    tcase_add_loop_test(cases, every_shape_is_compared_with_the_config, 0, COUNT(makers));
    tcase_add_loop_test(cases, all_that_is_missing_is_counted_and_ten_are_named, 0, 2);
    tcase_add_test(cases, what_is_missing_alone_is_one_tensor);
    tcase_add_loop_test(cases, prefixes_of_other_saves_are_found, 0, COUNT(prefixes));
    tcase_add_test(cases, a_head_that_is_not_stored_is_the_embedding_where_the_config_ties_them);
    tcase_add_loop_test(cases, a_matrix_is_fp8_exactly_when_it_has_scales, 0, COUNT(quantised));
    tcase_add_loop_test(cases, a_matrix_is_i8_exactly_when_it_has_scales, 0, COUNT(rounded));
    tcase_add_test(cases, an_internlm2_takes_i8_too);
    tcase_add_loop_test(cases, some_tensors_are_never_i8, 0, COUNT(floats));
    tcase_add_test(cases, an_expert_of_floats_among_those_of_i8_is_refused);
    tcase_add_test(cases, fused_experts_of_i8_are_refused);
    tcase_add_loop_test(cases, weights_of_i8_are_multiplied_in_one_way_and_others_in_any_other, 0,
                        COUNT(precisions));
    tcase_add_loop_test(cases, types_of_weights_give_the_default_precision, 0, 3);
    tcase_add_test(cases, other_types_are_no_weights);
    tcase_add_loop_test(cases, fused_experts_are_views_of_one_tensor, 0, 2);
    tcase_add_test(cases, fused_experts_of_other_shapes_are_refused);
    tcase_add_test(cases, fope_may_be_one_matrix_for_all_heads);
    tcase_add_test(cases, a_config_that_promises_too_much_allocates_nothing);
    tcase_add_test(cases, metadata_is_the_text_of_the_files);
    tcase_add_test(cases, info_says_what_was_opened);
    tcase_add_loop_test(cases, a_folder_has_the_parts_whose_files_are_there, 0, COUNT(folders));
    tcase_add_test(cases, a_decoder_that_is_not_asked_for_is_not_opened);
    tcase_add_loop_test(cases, weights_need_a_config_of_the_family, 0, COUNT(configs));
    tcase_add_loop_test(cases, dialects_are_told_by_their_templates, 0, COUNT(dialects));
    tcase_add_loop_test(cases, released_tokenizers_are_recognised, 0, COUNT(released));
    tcase_add_loop_test(cases, opening_stops_when_it_is_told_to, 0, 2);
    tcase_add_test(cases, progress_is_told_shard_by_shard);
    tcase_add_loop_test(cases, options_are_judged, 0, COUNT(options_table));
    tcase_add_test(cases, a_file_alone_says_what_is_opened_instead);
    tcase_add_test(cases, a_folder_is_the_same_mapped_read_listed_and_through_readers);
    tcase_add_test(cases, a_model_keeps_its_runtime_and_counts_what_it_maps);
    tcase_add_test(cases, devices_are_settled_once_a_model_is_open);
    tcase_add_loop_test(cases, open_gives_back_everything_when_memory_runs_out, 0, COUNT(makers));
    suite_add_tcase(suite, cases);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
