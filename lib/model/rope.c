#include "model/config.h"
#include "model/settings.h"

#include <math.h>
#include <stdio.h>

static bool is_type(const s1_settings *s, const char *name)
{
    s1_json type = s1_settings_value(s, "rope_type");
    if (!type.kind)
        type = s1_settings_value(s, "type");
    return s1_json_is(type, name);
}

static void read_kind(s1_rope_config *rope, s1_settings *s)
{
    bool has_type = s1_settings_value(s, "rope_type").kind || s1_settings_value(s, "type").kind;

    if (!has_type || is_type(s, "default") || is_type(s, "fope"))
        rope->kind = S1_ROPE_PLAIN;
    else if (is_type(s, "linear"))
        rope->kind = S1_ROPE_LINEAR;
    else if (is_type(s, "dynamic"))
        rope->kind = S1_ROPE_DYNAMIC;
    else if (is_type(s, "yarn"))
        rope->kind = S1_ROPE_YARN;
    else
        s1_settings_refuse(s, INS1_E_UNSUPPORTED,
                           s1_settings_value(s, "rope_type").kind ? "rope_type" : "type",
                           "default, linear, dynamic or yarn");
}

/* How much attention grows with the context, where the config has no number of its own. */
static double yarn_scale(double factor, double weight)
{
    return factor > 1 ? 0.1 * weight * log(factor) + 1 : 1;
}

static void read_yarn(s1_rope_config *rope, s1_settings *s)
{
    rope->original_position =
        s1_settings_int(s, "original_max_position_embeddings", rope->max_position, 1, INT32_MAX);
    rope->beta_fast = s1_settings_double(s, "beta_fast", 32, 0x1p-20, 0x1p30);
    rope->beta_slow = s1_settings_double(s, "beta_slow", 1, 0x1p-20, 0x1p30);
    rope->attention_factor = s1_settings_double(s, "attention_factor", 0, 0, 0x1p20);
    rope->truncate = s1_settings_bool(s, "truncate", true);
    double own = s1_settings_double(s, "mscale", 0, 0, 0x1p20);
    double all = s1_settings_double(s, "mscale_all_dim", 0, 0, 0x1p20);
    if (rope->attention_factor == 0 && own != 0 && all != 0)
        rope->attention_factor = yarn_scale(rope->factor, own) / yarn_scale(rope->factor, all);
}

/* FoPE is on when any of its keys has a value. */
static void read_fope(s1_config *out, s1_settings *s)
{
    const char *count =
        s1_settings_value(s, "num_inv_freq").kind ? "num_inv_freq" : "fope_num_inv_freq";
    if (!s1_settings_value(s, "fope_init_factor").kind &&
        !s1_settings_value(s, "fope_sep_head").kind && !s1_settings_value(s, count).kind)
        return;
    out->has_fope = true;
    s1_settings_bool(s, "fope_sep_head", false); /* the tensors' shapes say it too */
    out->fope_frequencies = s1_settings_int(s, count, 0, 1, out->decoder.head_dim / 2);
    if (out->decoder.rope.kind != S1_ROPE_PLAIN)
        s1_settings_refuse(s, INS1_E_UNSUPPORTED, "rope_type", "default, as FoPE has it");
}

ins1_status s1_rope_read(s1_config *out, s1_json object, const char *where, double default_theta,
                         ins1_error *error)
{
    s1_settings text = { object, where, error, INS1_OK };
    s1_rope_config *rope = &out->decoder.rope;
    char inner[80];

    const char *key = "rope_parameters";
    s1_json scaling = s1_settings_value(&text, key);
    if (!scaling.kind) {
        key = "rope_scaling";
        scaling = s1_settings_value(&text, key);
    }
    if (scaling.kind && scaling.kind != S1_JSON_OBJECT)
        s1_settings_refuse(&text, INS1_E_FORMAT, key, "an object");
    rope->theta = s1_settings_double(&text, "rope_theta", default_theta, 1.0625, 0x1p60);
    if (s1_settings_double(&text, "partial_rotary_factor", 1, 0, 1) != 1)
        s1_settings_refuse(&text, INS1_E_UNSUPPORTED, "partial_rotary_factor", "1");
    if (text.status != INS1_OK)
        return text.status;

    snprintf(inner, sizeof(inner), "%s/%s", where, key);
    s1_settings s = { scaling, inner, error, INS1_OK };
    rope->theta = s1_settings_double(&s, "rope_theta", rope->theta, 1.0625, 0x1p60);
    if (s1_settings_double(&s, "partial_rotary_factor", 1, 0, 1) != 1)
        s1_settings_refuse(&s, INS1_E_UNSUPPORTED, "partial_rotary_factor", "1");
    read_kind(rope, &s);
    rope->factor = 1;
    if (rope->kind != S1_ROPE_PLAIN) {
        rope->factor = s1_settings_double(&s, "factor", 0, 0x1p-10, 0x1p20);
        if (rope->kind == S1_ROPE_YARN)
            read_yarn(rope, &s);
        if (rope->factor == 0 && rope->kind == S1_ROPE_YARN)
            rope->factor = (double)rope->max_position / rope->original_position;
        if (rope->factor == 0)
            s1_settings_refuse(&s, INS1_E_FORMAT, "factor", "a number");
    }
    read_fope(out, &s);
    return s.status;
}
