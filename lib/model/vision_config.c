#include "model/vision_config.h"

#include "interns1/sys/backend.h"
#include "model/settings.h"

#include <string.h>

/* What keeps products of sizes far from overflow. */
enum { MAX_WIDTH = 1 << 20, MAX_LAYERS = 4096, MAX_PATCH = 1 << 10, MAX_GRID = 1 << 12 };

s1_vision_kind s1_vision_kind_of(s1_json vision)
{
    static const struct {
        const char *model_type;
        s1_vision_kind kind;
    } kinds[] = {
        { "interns1_vision", S1_VISION_TILES },
        { "internvl_vision", S1_VISION_TILES },
        { "interns1_pro_vision", S1_VISION_PATCHES },
        { "interns1_1_vision", S1_VISION_PATCHES },
    };
    s1_json type = s1_json_get(vision, "model_type");

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (s1_json_is(type, kinds[i].model_type))
            return kinds[i].kind;
    if (type.kind && type.kind != S1_JSON_NULL)
        return 0;
    return s1_json_get(vision, "depth").kind ? S1_VISION_PATCHES : S1_VISION_TILES;
}

static int32_t read_act(s1_settings *s, const char *key, const char *fallback)
{
    static const struct {
        const char *name;
        int32_t act;
    } acts[] = {
        { "gelu", INS1_ACT_GELU },
        { "gelu_new", INS1_ACT_GELU_TANH },
        { "gelu_pytorch_tanh", INS1_ACT_GELU_TANH },
        { "relu", INS1_ACT_RELU },
        { "silu", INS1_ACT_SILU },
    };
    s1_json value = s1_settings_value(s, key);

    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
        if (value.kind ? s1_json_is(value, acts[i].name) : !strcmp(fallback, acts[i].name))
            return acts[i].act;
    s1_settings_refuse(s, INS1_E_UNSUPPORTED, key, "gelu, gelu_pytorch_tanh, relu or silu");
    return INS1_ACT_GELU;
}

static void must_be(s1_settings *s, const char *key, bool value, bool fallback)
{
    if (s1_settings_bool(s, key, fallback) != value)
        s1_settings_refuse(s, INS1_E_UNSUPPORTED, key, value ? "true" : "false");
}

static void divide_heads(s1_vision_config *out, s1_settings *s, const char *key)
{
    if (s->status == INS1_OK && out->width % out->n_head)
        s1_settings_refuse(s, INS1_E_FORMAT, key, "a divisor of hidden_size");
    out->head_dim = out->width / out->n_head;
}

/* --- InternViT --- */

static void read_tile_grid(s1_vision_config *out, s1_settings *s)
{
    int32_t size[2];

    s1_settings_pair(s, "image_size", 448, 1, MAX_PATCH * 64, size);
    s1_settings_pair(s, "patch_size", 14, 1, MAX_PATCH, out->patch);
    for (int i = 0; i < 2 && s->status == INS1_OK; i++) {
        out->positions[i] = size[i] / out->patch[i];
        if (size[i] % out->patch[i] || out->positions[i] < 1 || out->positions[i] > MAX_GRID)
            s1_settings_refuse(s, INS1_E_FORMAT, "image_size", "a multiple of patch_size");
    }
}

/* What the reference leaves of the patches: all of the last layer, without the first row. */
static void read_outer(s1_vision_config *out, s1_settings *root)
{
    double ratio = s1_settings_double(root, "downsample_ratio", 0.5, 1.0 / 16, 1);

    out->merge = (int32_t)(1 / ratio);
    if (out->merge * ratio != 1)
        s1_settings_refuse(root, INS1_E_UNSUPPORTED, "downsample_ratio", "one over a whole number");
    out->merger_act = read_act(root, "projector_hidden_act", "gelu");
    if (s1_settings_int(root, "vision_feature_layer", -1, INT32_MIN, INT32_MAX) != -1)
        s1_settings_refuse(root, INS1_E_UNSUPPORTED, "vision_feature_layer", "-1");
    s1_settings_must_be(root, "vision_feature_select_strategy", "default");
}

static void read_intern_vit(s1_vision_config *out, s1_settings *s)
{
    out->width = s1_settings_int(s, "hidden_size", 1024, 1, MAX_WIDTH);
    out->n_layer = s1_settings_int(s, "num_hidden_layers", 24, 1, MAX_LAYERS);
    out->n_head = s1_settings_int(s, "num_attention_heads", 16, 1, 1 << 16);
    out->n_ff = s1_settings_int(s, "intermediate_size", 4096, 1, MAX_WIDTH * 4);
    out->act = read_act(s, "hidden_act", "gelu");
    out->norm_eps = (float)s1_settings_double(s, "layer_norm_eps", 1e-6, 0, 1);
    out->qk_norm_eps = 1e-6f; /* the reference's default, which no config says */
    out->has_qk_norm = s1_settings_bool(s, "use_qk_norm", false);
    out->has_qkv_bias = s1_settings_bool(s, "attention_bias", false);
    out->channels = s1_settings_int(s, "num_channels", 3, 3, 3);
    out->temporal = 1;
    s1_json norm = s1_settings_value(s, "norm_type");
    out->uses_rms = s1_json_is(norm, "rms_norm");
    if (!out->uses_rms)
        s1_settings_must_be(s, "norm_type", "layer_norm");
    must_be(s, "use_absolute_position_embeddings", true, true);
    must_be(s, "use_mean_pooling", true, true); /* else a norm would follow the last layer */
    divide_heads(out, s, "num_attention_heads");
    read_tile_grid(out, s);
}

/* --- the tower of Intern-S1-Pro --- */

static int32_t root_of(int32_t n)
{
    int32_t side = 0;
    while ((side + 1) * (side + 1) <= n)
        side++;
    return side;
}

static void read_patch_tower(s1_vision_config *out, s1_settings *s, int32_t n_embd)
{
    out->width = s1_settings_int(s, "hidden_size", 1024, 1, MAX_WIDTH);
    out->n_layer = s1_settings_int(s, "depth", 24, 1, MAX_LAYERS);
    out->n_head = s1_settings_int(s, "num_heads", 16, 1, 1 << 16);
    out->n_ff = s1_settings_int(s, "intermediate_size", 4096, 1, MAX_WIDTH * 4);
    out->act = read_act(s, "hidden_act", "gelu_pytorch_tanh");
    out->merger_act = INS1_ACT_GELU;
    out->norm_eps = 1e-6f;
    out->has_qkv_bias = true;
    out->channels = s1_settings_int(s, "in_channels", 3, 3, 3);
    out->patch[0] = out->patch[1] = s1_settings_int(s, "patch_size", 16, 1, MAX_PATCH / 4);
    out->temporal = s1_settings_int(s, "temporal_patch_size", 2, 1, 16);
    out->merge = s1_settings_int(s, "spatial_merge_size", 2, 1, 16);
    out->n_out = s1_settings_int(s, "out_hidden_size", n_embd, 1, MAX_WIDTH);
    int32_t n = s1_settings_int(s, "num_position_embeddings", 2304, 1, MAX_GRID * MAX_GRID);
    out->positions[0] = out->positions[1] = root_of(n);
    if (out->positions[0] * out->positions[1] != n)
        s1_settings_refuse(s, INS1_E_UNSUPPORTED, "num_position_embeddings", "a square");
    if (s1_json_count(s1_settings_value(s, "deepstack_visual_indexes")))
        s1_settings_refuse(s, INS1_E_UNSUPPORTED, "deepstack_visual_indexes", "an empty list");
    divide_heads(out, s, "num_heads");
    if (s->status == INS1_OK && out->head_dim % 4)
        s1_settings_refuse(s, INS1_E_UNSUPPORTED, "num_heads", "heads of a multiple of 4");
    s1_settings rope = { s1_settings_value(s, "rope_parameters"), s->where, s->error, s->status };
    out->rope_theta = s1_settings_double(&rope, "rope_theta", 10000, 1e-3, 1e12);
    s->status = rope.status;
}

ins1_status s1_vision_config_read(s1_vision_config *out, s1_json config, int32_t n_embd,
                                  ins1_error *error)
{
    s1_settings root = { config, "config.json", error, INS1_OK };
    s1_settings s = { s1_settings_value(&root, "vision_config"), "config.json/vision_config", error,
                      INS1_OK };

    *out = (s1_vision_config){ .kind = s1_vision_kind_of(s.object) };
    if (s.object.kind != S1_JSON_OBJECT)
        return s1_fail(error, INS1_E_FORMAT, "config.json: vision_config is no object");
    if (!out->kind) {
        s1_settings_refuse(&s, INS1_E_UNSUPPORTED, "model_type", "a vision encoder of the family");
        return s.status;
    }
    if (out->kind == S1_VISION_TILES) {
        read_intern_vit(out, &s);
        read_outer(out, &root);
        out->merger_eps = 1e-5f; /* the reference's default, which no config says */
        out->n_out = out->merger_width = n_embd;
    } else {
        read_patch_tower(out, &s, n_embd);
        out->merger_eps = 1e-6f;
        out->merger_width = out->width * out->merge * out->merge;
    }
    if (s.status == INS1_OK && out->n_out != n_embd)
        s1_settings_refuse(&s, INS1_E_FORMAT, "out_hidden_size", "the decoder's hidden_size");
    return s.status != INS1_OK ? s.status : root.status;
}
