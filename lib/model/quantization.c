#include "model/quantization.h"

#include <stdio.h>
#include <string.h>

/* What config.json says of how weights are stored. Which tensors they are is told by the tensors
 * themselves: lists such as `ignore` and `modules_to_not_convert` are not read, each engine matches
 * them in its own way. */

#define WHERE "config.json/quantization_config"

static void read_fp8(s1_settings *s)
{
    s1_json block = s1_settings_value(s, "weight_block_size"), key, element;
    s1_json_walk walk = s1_json_begin(block);
    int64_t size;

    s1_settings_must_be(s, "fmt", "e4m3");
    while (s1_json_next(&walk, &key, &element))
        if (!s1_json_int(element, &size) || size != 128)
            s1_settings_refuse(s, INS1_E_UNSUPPORTED, "weight_block_size", "[128, 128]");
    if (block.kind && s1_json_count(block) != 2)
        s1_settings_refuse(s, INS1_E_UNSUPPORTED, "weight_block_size", "[128, 128]");
}

/* --- compressed-tensors --- */

/* A member and its only value, as it stands in JSON. */
typedef struct demand {
    const char *key, *text;
} demand;

static const demand of_weights[] = {
    { "num_bits", "8" },           { "type", "\"int\"" },  { "symmetric", "true" },
    { "strategy", "\"channel\"" }, { "dynamic", "false" },
};

static const demand of_inputs[] = {
    { "num_bits", "8" },         { "type", "\"int\"" }, { "symmetric", "true" },
    { "strategy", "\"token\"" }, { "dynamic", "true" },
};

/* What would change numbers in a way that no code here computes. */
static const char *const nothing_of_all[] = { "kv_cache_scheme", "moe_sparsity_config" };

static bool is_text(s1_json value, const char *text)
{
    return value.size == strlen(text) && !memcmp(value.text, text, value.size);
}

/* Files name every one, so none has a default. */
static void demand_all(s1_settings *s, const demand *demands, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        s1_json value = s1_json_get(s->object, demands[i].key);
        if (!value.kind)
            s1_settings_refuse(s, INS1_E_FORMAT, demands[i].key, demands[i].text);
        else if (!is_text(value, demands[i].text))
            s1_settings_refuse(s, INS1_E_UNSUPPORTED, demands[i].key, demands[i].text);
    }
}

static void demand_nothing(s1_settings *s, const char *key)
{
    if (s1_settings_value(s, key).kind)
        s1_settings_refuse(s, INS1_E_UNSUPPORTED, key, "null");
}

/* Rotations of activations, for one. */
static void demand_no_transforms(s1_settings *s)
{
    s1_json transforms = s1_settings_value(s, "transform_config");
    s1_json groups = s1_json_get(transforms, "config_groups");
    const size_t others = s1_json_count(transforms) - (groups.kind ? 1 : 0);

    if (transforms.kind && (transforms.kind != S1_JSON_OBJECT || others || s1_json_count(groups)))
        s1_settings_refuse(s, INS1_E_UNSUPPORTED, "transform_config", "null or {}");
}

/* A dense one only says how many weights are zero. */
static void demand_dense(s1_settings *s)
{
    s1_json sparsity = s1_settings_value(s, "sparsity_config");

    if (sparsity.kind && !(sparsity.kind == S1_JSON_OBJECT && !s1_json_count(sparsity)) &&
        !s1_json_is(s1_json_get(sparsity, "format"), "dense"))
        s1_settings_refuse(s, INS1_E_UNSUPPORTED, "sparsity_config", "null or format dense");
}

/* One side of a product: `demands` for its member `key`. */
static void read_side(s1_settings *group, const char *key, const demand *demands, size_t n)
{
    char where[160];
    s1_json side = s1_json_get(group->object, key);

    if (side.kind != S1_JSON_OBJECT) {
        s1_settings_refuse(group, side.kind ? INS1_E_UNSUPPORTED : INS1_E_FORMAT, key,
                           "an object that says 8 bits");
        return;
    }
    if (group->status != INS1_OK)
        return;
    snprintf(where, sizeof(where), "%s/%s", group->where, key);
    s1_settings s = { side, where, group->error, INS1_OK };
    demand_all(&s, demands, n);
    demand_nothing(&s, "scale_dtype"); /* scales of tokens would be rounded to it */
    group->status = s.status;
}

static void read_group(s1_settings *outer, s1_json name, s1_json object)
{
    char where[100];
    s1_json targets = s1_json_get(object, "targets"), key, target = { 0 };

    if (outer->status != INS1_OK)
        return;
    snprintf(where, sizeof(where), "%s/config_groups/%.*s", WHERE,
             (int)(name.size < 22 ? name.size - 2 : 20), name.text + 1);
    s1_settings s = { object, where, outer->error, INS1_OK };
    s1_json_walk walk = s1_json_begin(targets);
    s1_json_next(&walk, &key, &target);
    if (s1_json_count(targets) != 1 || !s1_json_is(target, "Linear"))
        s1_settings_refuse(&s, targets.kind ? INS1_E_UNSUPPORTED : INS1_E_FORMAT, "targets",
                           "[\"Linear\"]");
    s1_settings_must_be(&s, "format", "int-quantized");
    demand_nothing(&s, "output_activations");
    read_side(&s, "weights", of_weights, sizeof(of_weights) / sizeof(of_weights[0]));
    read_side(&s, "input_activations", of_inputs, sizeof(of_inputs) / sizeof(of_inputs[0]));
    outer->status = s.status;
}

/* W8A8: a scale for each row of a matrix, stored, and one for each token, computed. */
static void read_int8(s1_settings *s)
{
    static const demand format = { "format", "\"int-quantized\"" };
    s1_json groups = s1_settings_value(s, "config_groups"), key, group;

    demand_all(s, &format, 1);
    for (size_t i = 0; i < sizeof(nothing_of_all) / sizeof(nothing_of_all[0]); i++)
        demand_nothing(s, nothing_of_all[i]);
    demand_no_transforms(s);
    demand_dense(s);
    s1_json_walk walk = s1_json_begin(groups);
    if (groups.kind != S1_JSON_OBJECT || s1_json_count(groups) != 1 ||
        !s1_json_next(&walk, &key, &group) || group.kind != S1_JSON_OBJECT) {
        s1_settings_refuse(s, groups.kind ? INS1_E_UNSUPPORTED : INS1_E_FORMAT, "config_groups",
                           "one group, an object");
        return;
    }
    read_group(s, key, group);
}

ins1_status s1_quantization_read(const char **out, s1_json object, ins1_error *error)
{
    s1_settings s = { object, WHERE, error, INS1_OK };
    s1_json method = s1_settings_value(&s, "quant_method");

    *out = NULL;
    if (!object.kind)
        return INS1_OK;
    if (object.kind != S1_JSON_OBJECT)
        return s1_fail(error, INS1_E_FORMAT, "%s is %.*s, an object is expected", WHERE,
                       (int)(object.size < 60 ? object.size : 60), object.text);
    const bool is_int8 = s1_json_is(method, "compressed-tensors");
    if (method.kind && !is_int8 && !s1_json_is(method, "fp8"))
        s1_settings_refuse(&s, INS1_E_UNSUPPORTED, "quant_method",
                           "\"fp8\" or \"compressed-tensors\"");
    if (s.status == INS1_OK && is_int8)
        read_int8(&s);
    else if (s.status == INS1_OK)
        read_fp8(&s);
    *out = is_int8 ? S1_QUANTIZATION_INT8 : S1_QUANTIZATION_FP8;
    return s.status;
}
