#include "model/series.h"

#include "model/settings.h"

/* The reference's class ignores some keys and has numbers of its own in their place; a checkpoint
 * in which the two differ has tensors of other shapes, and is refused by those. */
ins1_status s1_series_config_read(s1_series_config *out, s1_json root, int32_t n_embd,
                                  ins1_error *error)
{
    s1_settings s = { s1_json_get(root, "ts_config"), "config.json/ts_config", error, INS1_OK };

    *out = (s1_series_config){ 0 };
    if (s.object.kind && s.object.kind != S1_JSON_OBJECT && s.object.kind != S1_JSON_NULL)
        return s1_fail(error, INS1_E_FORMAT, "config.json: ts_config is no object");
    out->n_embd = s1_settings_int(&s, "d_model", 768, 1, 1 << 20);
    out->n_layer = s1_settings_int(&s, "encoder_layers", 17, 1, S1_MAX_LAYERS);
    out->n_head = s1_settings_int(&s, "encoder_attention_heads", 8, 1, 1 << 16);
    out->n_ff = s1_settings_int(&s, "encoder_ffn_dim", 3072, 1, 1 << 24);
    out->n_mel = s1_settings_int(&s, "num_mel_bins", 80, 1, 1 << 20);
    out->n_position = s1_settings_int(&s, "max_source_positions", 1500, 1, 1 << 24);
    out->n_tower = s1_settings_int(&s, "ts_adapt_out_dim", 1024, 1, 1 << 20);
    out->n_out = s1_settings_int(&s, "out_hidden_size", n_embd, 1, 1 << 20);
    const int32_t n_in = s1_settings_int(&s, "ts_adapt_in_dim", 256, 2, 1 << 20);
    s1_settings_must_be(&s, "activation_function", "gelu");
    if (s1_settings_int(&s, "ts_concat_subsampling_concat_size", 2, 1, 1 << 20) != 2)
        s1_settings_refuse(&s, INS1_E_UNSUPPORTED, "ts_concat_subsampling_concat_size", "2");
    if (s1_settings_int(&s, "ts_hidden_dim", out->n_tower, 1, 1 << 20) != out->n_tower)
        s1_settings_refuse(&s, INS1_E_FORMAT, "ts_hidden_dim", "the number of ts_adapt_out_dim");
    if (out->n_out != n_embd)
        s1_settings_refuse(&s, INS1_E_FORMAT, "out_hidden_size", "the decoder's hidden_size");
    if (n_in % (2 * S1_SERIES_HEADS))
        s1_settings_refuse(&s, INS1_E_UNSUPPORTED, "ts_adapt_in_dim", "a multiple of 16");
    if (out->n_embd % out->n_head)
        s1_settings_refuse(&s, INS1_E_FORMAT, "d_model", "a multiple of the heads");
    out->n_patch = n_in / 2;
    return s.status;
}
