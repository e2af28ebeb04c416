#include "model/config.h"

/* What a reader uses. */
static const char *const used[] = {
    "architectures",
    "attention_bias",
    "bias",
    "decoder_sparse_step",
    "eos_token_id",
    "head_dim",
    "hidden_act",
    "hidden_size",
    "image_token_id",
    "intermediate_size",
    "layer_types",
    "max_position_embeddings",
    "mlp_only_layers",
    "model_type",
    "moe_intermediate_size",
    "norm_topk_prob",
    "num_attention_heads",
    "num_experts",
    "num_experts_per_tok",
    "num_hidden_layers",
    "num_key_value_heads",
    "partial_rotary_factor",
    "quantization_config",
    "reward_token_id",
    "rms_norm_eps",
    "rope_parameters",
    "rope_scaling",
    "rope_theta",
    "router_n_groups",
    "text_config",
    "tie_word_embeddings",
    "ts_token_id",
    "use_sliding_window",
    "video_token_id",
    "vocab_size",
};

/* What changes no number that inference computes, or belongs to an encoder, whose reader knows it.
 */
static const char *const ignored[] = {
    "_attn_implementation",
    "_name_or_path",
    "attention_dropout",
    "attn_implementation",
    "auto_map",
    "bos_token_id",
    "chunk_size_feed_forward",
    "downsample_ratio",
    "dtype",
    "force_image_size",
    "image_seq_length",
    "initializer_range",
    "is_encoder_decoder",
    "max_window_layers",
    "output_attentions",
    "output_hidden_states",
    "output_router_logits",
    "pad_token_id",
    "pretraining_tp",
    "projector_hidden_act",
    "return_dict",
    "router_aux_loss_coef",
    "sliding_window",
    "torch_dtype",
    "transformers_version",
    "ts_config",
    "use_cache",
    "vision_config",
    "vision_end_token_id",
    "vision_feature_layer",
    "vision_feature_select_strategy",
    "vision_start_token_id",
};

/* The same of "ts_config", in which a reference's class for speech left its keys. */
static const char *const series_used[] = {
    "activation_function",
    "d_model",
    "encoder_attention_heads",
    "encoder_ffn_dim",
    "encoder_layers",
    "max_source_positions",
    "num_mel_bins",
    "out_hidden_size",
    "ts_adapt_in_dim",
    "ts_adapt_out_dim",
    "ts_concat_subsampling_concat_size",
    "ts_hidden_dim",
};

static const char *const series_ignored[] = {
    "activation_dropout",
    "apply_spec_augment",
    "architectures",
    "attention_dropout",
    "auto_map",
    "begin_suppress_tokens",
    "bos_token_id",
    "classifier_proj_size",
    "decoder_attention_heads",
    "decoder_ffn_dim",
    "decoder_layerdrop",
    "decoder_layers",
    "decoder_start_token_id",
    "dropout",
    "dtype",
    "encoder_layerdrop",
    "eos_token_id",
    "init_std",
    "is_encoder_decoder",
    "mask_feature_length",
    "mask_feature_min_masks",
    "mask_feature_prob",
    "mask_time_length",
    "mask_time_min_masks",
    "mask_time_prob",
    "max_length",
    "max_target_positions",
    "median_filter_width",
    "model_type",
    "num_hidden_layers",
    "pad_token_id",
    "scale_embedding",
    "suppress_tokens",
    "torch_dtype",
    "transformers_version",
    "ts_cnn_channels",
    "ts_cnn_kernel_sizes",
    "ts_cnn_paddings",
    "ts_cnn_strides",
    "ts_concat_subsampling_in_channels",
    "use_cache",
    "use_flash_attn",
    "use_weighted_layer_sum",
    "vocab_size",
};

/* The same of "vision_config", of both kinds of towers. */
static const char *const vision_used[] = {
    "attention_bias",
    "deepstack_visual_indexes",
    "depth",
    "hidden_act",
    "hidden_size",
    "image_size",
    "in_channels",
    "intermediate_size",
    "layer_norm_eps",
    "model_type",
    "norm_type",
    "num_attention_heads",
    "num_channels",
    "num_heads",
    "num_hidden_layers",
    "num_position_embeddings",
    "out_hidden_size",
    "patch_size",
    "rope_parameters",
    "spatial_merge_size",
    "temporal_patch_size",
    "use_absolute_position_embeddings",
    "use_mean_pooling",
    "use_qk_norm",
};

static const char *const vision_ignored[] = {
    "_attn_implementation",
    "architectures",
    "attention_dropout",
    "attention_probs_dropout_prob",
    "auto_map",
    "drop_path_rate",
    "dropout",
    "dtype",
    "hidden_dropout_prob",
    "initializer_factor",
    "initializer_range",
    "layer_scale_init_value",
    "projection_dropout",
    "torch_dtype",
    "transformers_version",
    "use_flash_attn",
    "use_mask_token",
};

static bool is_in(s1_json key, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s1_json_is(key, list[i]))
            return true;
    return false;
}

/* Keys that readers use, and keys that nobody needs. */
typedef struct vocabulary {
    const char *const *used, *const *ignored;
    size_t n_used, n_ignored;
} vocabulary;

#define VOCABULARY(used, ignored)                                                           \
    {                                                                                       \
        used, ignored, sizeof(used) / sizeof(used[0]), sizeof(ignored) / sizeof(ignored[0]) \
    }

static const vocabulary decoder_keys = VOCABULARY(used, ignored);
static const vocabulary vision_keys = VOCABULARY(vision_used, vision_ignored);
static const vocabulary series_keys = VOCABULARY(series_used, series_ignored);

static void walk_object(s1_json object, const char *where, const vocabulary *known,
                        void (*visit)(void *user, const char *where, s1_json key), void *user)
{
    s1_json key, value;
    s1_json_walk walk = s1_json_begin(object);
    while (walk.is_object && s1_json_next(&walk, &key, &value))
        if (!is_in(key, known->used, known->n_used) &&
            !is_in(key, known->ignored, known->n_ignored))
            visit(user, where, key);
}

void s1_config_unknown(s1_json root, void (*visit)(void *user, const char *where, s1_json key),
                       void *user)
{
    walk_object(root, "", &decoder_keys, visit, user);
    walk_object(s1_json_get(root, "text_config"), "text_config/", &decoder_keys, visit, user);
    walk_object(s1_json_get(root, "vision_config"), "vision_config/", &vision_keys, visit, user);
    walk_object(s1_json_get(root, "ts_config"), "ts_config/", &series_keys, visit, user);
}
