#include "model/config.h"

#include "model/documents.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static s1_config config;
static ins1_error error;
static s1_json root;

static ins1_status read_config(const char *text)
{
    error = (ins1_error)INS1_INIT(ins1_error);
    ck_assert_msg(s1_json_parse(&root, text, strlen(text), &error) == INS1_OK, "%s", text);
    return s1_config_read(&config, root, &error);
}

/* Configs with one member more at the end of the inner object. */
static ins1_status read_qwen(const char *more)
{
    char text[2000];
    snprintf(text, sizeof(text),
             "{\"architectures\":[\"Qwen3ForCausalLM\"],\"vocab_size\":100,\"hidden_size\":8,"
             "\"num_hidden_layers\":2,\"num_attention_heads\":4,\"num_key_value_heads\":2,"
             "\"head_dim\":6,\"intermediate_size\":12,\"rms_norm_eps\":1e-5%s}",
             more);
    return read_config(text);
}

static ins1_status read_mixture(const char *more)
{
    char text[2000];
    snprintf(text, sizeof(text),
             "{\"architectures\":[\"InternS1ForConditionalGeneration\"],\"text_config\":{"
             "\"model_type\":\"qwen3_moe\",\"vocab_size\":100,\"hidden_size\":8,"
             "\"num_hidden_layers\":4,\"num_attention_heads\":4,\"num_key_value_heads\":2,"
             "\"num_experts\":8,\"num_experts_per_tok\":2,\"moe_intermediate_size\":4%s}}",
             more);
    return read_config(text);
}

static ins1_status read_pro(const char *more)
{
    char text[2000];
    snprintf(text, sizeof(text),
             "{\"architectures\":[\"InternS1ProForConditionalGeneration\"],\"text_config\":{"
             "\"model_type\":\"interns1_pro_text\",\"vocab_size\":100,\"hidden_size\":8,"
             "\"num_hidden_layers\":4,\"num_attention_heads\":4,\"num_key_value_heads\":2,"
             "\"head_dim\":12,\"intermediate_size\":8,\"max_position_embeddings\":64,"
             "\"num_experts\":8,\"num_experts_per_tok\":4,\"moe_intermediate_size\":4%s}}",
             more);
    return read_config(text);
}

START_TEST(a_dense_config_is_read_with_the_defaults_of_its_class)
{
    ck_assert_int_eq(read_qwen(""), INS1_OK);
    const s1_decoder_config *d = &config.decoder;
    ck_assert_int_eq(d->n_vocab, 100);
    ck_assert_int_eq(d->n_embd, 8);
    ck_assert_int_eq(d->n_layer, 2);
    ck_assert_int_eq(d->head_dim, 6);
    ck_assert_int_eq(d->n_ff, 12);
    ck_assert_int_eq(d->n_expert, 0);
    ck_assert_int_eq(d->reward_token, -1);
    ck_assert_int_eq(d->rope.kind, S1_ROPE_PLAIN);
    ck_assert_double_eq(d->rope.theta, 10000);
    ck_assert_int_eq(d->rope.max_position, 32768);
    ck_assert(config.has_qk_norm);
    ck_assert(!config.has_qkv_bias);
    ck_assert(!config.ties_head);
    ck_assert_str_eq(config.dialect, "qwen3");
}
END_TEST

START_TEST(a_mixture_takes_its_own_defaults)
{
    ck_assert_int_eq(read_mixture(""), INS1_OK);
    ck_assert_int_eq(config.decoder.head_dim, 2); /* hidden size / heads, unlike the dense class */
    ck_assert(!config.decoder.normalize_gates);
    ck_assert_int_eq(config.decoder.n_groups, 0);
    ck_assert_double_eq(config.decoder.norm_eps, (float)1e-6);
    ck_assert(s1_config_is_moe(&config, 0));
    ck_assert_int_eq(read_pro(""), INS1_OK);
    ck_assert(config.decoder.normalize_gates);
    ck_assert_double_eq(config.decoder.rope.theta, 5e6);
}
END_TEST

START_TEST(layers_that_stay_dense_are_named_by_list_and_step)
{
    ck_assert_int_eq(read_mixture(",\"mlp_only_layers\":[1,99],\"decoder_sparse_step\":1"),
                     INS1_OK);
    ck_assert(s1_config_is_moe(&config, 0));
    ck_assert(!s1_config_is_moe(&config, 1));
    ck_assert_int_eq(read_mixture(",\"decoder_sparse_step\":2"), INS1_OK);
    ck_assert(!s1_config_is_moe(&config, 0));
    ck_assert(s1_config_is_moe(&config, 1));
    ck_assert(!s1_config_is_moe(&config, 2));
}
END_TEST

START_TEST(groups_of_experts_must_divide_them)
{
    ck_assert_int_eq(read_pro(",\"router_n_groups\":4"), INS1_OK);
    ck_assert_int_eq(config.decoder.n_groups, 4);
    ck_assert_int_eq(read_pro(",\"router_n_groups\":1"), INS1_OK);
    ck_assert_int_eq(config.decoder.n_groups, 0);
    ck_assert_int_eq(read_pro(",\"router_n_groups\":-1"), INS1_OK);
    ck_assert_int_eq(config.decoder.n_groups, 0);
    ck_assert_int_eq(read_pro(",\"router_n_groups\":3"), INS1_E_FORMAT);
    ck_assert_int_eq(read_pro(",\"router_n_groups\":8"), INS1_E_FORMAT);
}
END_TEST

START_TEST(an_internlm2_config_is_read)
{
    ck_assert_int_eq(
        read_config("{\"architectures\":[\"InternLM2ForRewardModel\"],\"vocab_size\":100,"
                    "\"hidden_size\":8,\"num_attention_heads\":4,\"reward_token_id\":7,"
                    "\"rope_scaling\":{\"type\":\"dynamic\",\"factor\":2.5},"
                    "\"eos_token_id\":2}"),
        INS1_OK);
    ck_assert_int_eq(config.naming, S1_NAMING_INTERNLM2);
    ck_assert(config.has_qkv_bias);
    ck_assert(!config.has_qk_norm);
    ck_assert_int_eq(config.decoder.n_head_kv, 4);
    ck_assert_int_eq(config.decoder.reward_token, 7);
    ck_assert_int_eq(config.decoder.rope.kind, S1_ROPE_DYNAMIC);
    ck_assert_double_eq(config.decoder.rope.factor, 2.5);
    ck_assert_int_eq(config.end_ids[0], 2);
    ck_assert_str_eq(config.dialect, "internlm2");
}
END_TEST

START_TEST(yarn_is_read_with_what_it_leaves_out)
{
    ck_assert_int_eq(
        read_qwen(",\"max_position_embeddings\":400,\"rope_scaling\":{\"rope_type\":\"yarn\","
                  "\"factor\":4.0,\"original_max_position_embeddings\":100}"),
        INS1_OK);
    const s1_rope_config *rope = &config.decoder.rope;
    ck_assert_int_eq(rope->kind, S1_ROPE_YARN);
    ck_assert_int_eq(rope->original_position, 100);
    ck_assert_int_eq(rope->max_position, 400);
    ck_assert_double_eq(rope->beta_fast, 32);
    ck_assert_double_eq(rope->beta_slow, 1);
    ck_assert_double_eq(rope->attention_factor, 0);
    ck_assert(rope->truncate);
    ck_assert_int_eq(
        read_qwen(",\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4,\"mscale\":2,"
                  "\"mscale_all_dim\":1,\"truncate\":false}"),
        INS1_OK);
    ck_assert(!rope->truncate);
    ck_assert_int_eq(rope->original_position, 32768);
    ck_assert_double_eq_tol(rope->attention_factor, (0.2 * log(4) + 1) / (0.1 * log(4) + 1), 1e-12);
    ck_assert_int_eq(
        read_qwen(",\"max_position_embeddings\":400,\"rope_scaling\":{\"rope_type\":\"yarn\","
                  "\"original_max_position_embeddings\":100}"),
        INS1_OK);
    ck_assert_double_eq(rope->factor, 4);
}
END_TEST

START_TEST(rope_parameters_carry_theta_too)
{
    ck_assert_int_eq(read_qwen(",\"rope_theta\":5,\"rope_parameters\":{\"rope_theta\":7,"
                               "\"rope_type\":\"linear\",\"factor\":2}"),
                     INS1_OK);
    ck_assert_double_eq(config.decoder.rope.theta, 7);
    ck_assert_int_eq(config.decoder.rope.kind, S1_ROPE_LINEAR);
}
END_TEST

START_TEST(fope_is_on_when_any_of_its_keys_has_a_value)
{
    ck_assert_int_eq(read_pro(",\"rope_scaling\":{\"rope_type\":\"default\",\"num_inv_freq\":null,"
                              "\"fope_init_factor\":0.5,\"fope_sep_head\":true}"),
                     INS1_OK);
    ck_assert(config.has_fope);
    ck_assert_int_eq(config.fope_frequencies, 0);
    ck_assert_int_eq(read_pro(",\"rope_scaling\":{\"rope_type\":\"default\",\"num_inv_freq\":5}"),
                     INS1_OK);
    ck_assert(config.has_fope);
    ck_assert_int_eq(config.fope_frequencies, 5);
    ck_assert_int_eq(read_pro(",\"rope_scaling\":{\"rope_type\":\"fope\",\"fope_num_inv_freq\":6}"),
                     INS1_OK);
    ck_assert_int_eq(config.fope_frequencies, 6);
    ck_assert_int_eq(
        read_pro(",\"rope_scaling\":{\"rope_type\":\"default\",\"num_inv_freq\":null}"), INS1_OK);
    ck_assert(!config.has_fope);
    ck_assert_int_eq(read_pro(",\"rope_scaling\":{\"num_inv_freq\":7}"), INS1_E_FORMAT);
    ck_assert_int_eq(
        read_pro(",\"rope_scaling\":{\"type\":\"yarn\",\"factor\":2,\"fope_sep_head\":true}"),
        INS1_E_UNSUPPORTED);
}
END_TEST

static const struct {
    const char *more; /* behind a good dense config */
    ins1_status status;
    const char *named[3]; /* key, what was found, what is expected: all in the message */
} wrong[] = {
    { ",\"hidden_size\":\"8\"", INS1_E_FORMAT, { "hidden_size", "\"8\"", "a whole number" } },
    { ",\"hidden_size\":0", INS1_E_FORMAT, { "hidden_size", "is 0", "from 1" } },
    { ",\"hidden_size\":8.5", INS1_E_FORMAT, { "hidden_size", "8.5", "a whole number" } },
    { ",\"hidden_size\":1e18", INS1_E_FORMAT, { "hidden_size", "1e18", "1048576" } },
    { ",\"hidden_size\":[8]", INS1_E_FORMAT, { "hidden_size", "[8]", "a whole number" } },
    { ",\"vocab_size\":-1", INS1_E_FORMAT, { "vocab_size", "-1", "from 1" } },
    { ",\"num_hidden_layers\":1000000", INS1_E_FORMAT, { "num_hidden_layers", "1000000", "4096" } },
    { ",\"num_key_value_heads\":3", INS1_E_FORMAT, { "num_key_value_heads", "3", "divisor" } },
    { ",\"head_dim\":7", INS1_E_UNSUPPORTED, { "head_dim", "7", "even" } },
    { ",\"num_attention_heads\":65536,\"head_dim\":65536",
      INS1_E_UNSUPPORTED,
      { "num_attention_heads", "65536", "fewer" } },
    { ",\"rms_norm_eps\":\"small\"", INS1_E_FORMAT, { "rms_norm_eps", "small", "a number" } },
    { ",\"rms_norm_eps\":-1", INS1_E_FORMAT, { "rms_norm_eps", "-1", "from 0" } },
    { ",\"attention_bias\":1", INS1_E_FORMAT, { "attention_bias", "is 1", "true or false" } },
    { ",\"hidden_act\":\"gelu\"", INS1_E_UNSUPPORTED, { "hidden_act", "gelu", "silu" } },
    { ",\"use_sliding_window\":true",
      INS1_E_UNSUPPORTED,
      { "use_sliding_window", "true", "false" } },
    { ",\"layer_types\":[\"sliding_attention\"]",
      INS1_E_UNSUPPORTED,
      { "layer_types", "sliding_attention", "full_attention" } },
    { ",\"rope_scaling\":7", INS1_E_FORMAT, { "rope_scaling", "7", "object" } },
    { ",\"rope_scaling\":{\"type\":\"longrope\"}",
      INS1_E_UNSUPPORTED,
      { "type", "longrope", "yarn" } },
    { ",\"rope_scaling\":{\"type\":\"linear\"}",
      INS1_E_FORMAT,
      { "factor", "missing", "a number" } },
    { ",\"rope_scaling\":{\"type\":\"linear\",\"factor\":0}",
      INS1_E_FORMAT,
      { "factor", "is 0", "a number" } },
    { ",\"rope_theta\":0", INS1_E_FORMAT, { "rope_theta", "is 0", "a number" } },
    { ",\"partial_rotary_factor\":0.5",
      INS1_E_UNSUPPORTED,
      { "partial_rotary_factor", "0.5", "1" } },
    { ",\"eos_token_id\":\"x\"", INS1_E_FORMAT, { "eos_token_id", "x", "id" } },
    { ",\"eos_token_id\":[1,-2]", INS1_E_FORMAT, { "eos_token_id", "-2", "id" } },
    { ",\"image_token_id\":1.5", INS1_E_FORMAT, { "image_token_id", "1.5", "whole" } },
    { ",\"quantization_config\":{\"quant_method\":\"awq\"}",
      INS1_E_UNSUPPORTED,
      { "quant_method", "awq", "fp8" } },
    { ",\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":[64,64]}",
      INS1_E_UNSUPPORTED,
      { "weight_block_size", "64", "128" } },
};

START_TEST(what_is_wrong_is_named_with_what_is_expected)
{
    ins1_status status = read_qwen(wrong[_i].more);
    ck_assert_msg(status == wrong[_i].status, "%s: %d, %s", wrong[_i].more, status, error.text);
    for (int i = 0; i < 3; i++)
        ck_assert_msg(strstr(error.text, wrong[_i].named[i]), "%s does not say %s", error.text,
                      wrong[_i].named[i]);
    ck_assert_ptr_nonnull(strstr(error.text, "config.json"));
}
END_TEST

static const struct {
    const char *text;
    ins1_status status;
} families[] = {
    { "{\"architectures\":[\"BertModel\"]}", INS1_E_UNSUPPORTED },
    { "{}", INS1_E_UNSUPPORTED },
    { "[]", INS1_E_UNSUPPORTED },
    { "7", INS1_E_UNSUPPORTED },
    { "{\"architectures\":\"Qwen3ForCausalLM\"}", INS1_E_UNSUPPORTED },
    { "{\"model_type\":\"qwen3\"}", INS1_OK },
    { "{\"model_type\":\"internlm2\"}", INS1_OK },
    { "{\"architectures\":[\"InternS1ForConditionalGeneration\"]}", INS1_E_FORMAT },
    { "{\"architectures\":[\"InternS1ForConditionalGeneration\"],\"text_config\":[]}",
      INS1_E_FORMAT },
    { "{\"architectures\":[\"InternS1ForConditionalGeneration\"],\"text_config\":{}}",
      INS1_E_UNSUPPORTED },
    { "{\"architectures\":[\"InternS1ForConditionalGeneration\"],"
      "\"text_config\":{\"model_type\":\"mamba\"}}",
      INS1_E_UNSUPPORTED },
    { "{\"architectures\":[\"InternS1ForConditionalGeneration\"],"
      "\"text_config\":{\"architectures\":[\"Qwen3ForCausalLM\"]}}",
      INS1_OK },
    { "{\"architectures\":[\"InternS1ProForConditionalGeneration\"],\"text_config\":{}}",
      INS1_E_FORMAT },
};

START_TEST(members_are_known_by_architecture_or_model_type)
{
    ins1_status status = read_config(families[_i].text);
    ck_assert_msg(status == families[_i].status, "%s: %d, %s", families[_i].text, status,
                  error.text);
}
END_TEST

static void note(void *user, const char *where, s1_json key)
{
    char *text = user;
    sprintf(text + strlen(text), "%s%.*s ", where, (int)key.size, key.text);
}

START_TEST(keys_that_nobody_reads_are_listed)
{
    char text[1000] = "";
    const char *json =
        "{\"hidden_size\":1,\"new_key\":2,\"text_config\":{\"vocab_size\":1,\"scale\":3}}";
    ck_assert_int_eq(s1_json_parse(&root, json, strlen(json), &error), INS1_OK);
    s1_config_unknown(root, note, text);
    ck_assert_str_eq(text, "\"new_key\" text_config/\"scale\" ");
}
END_TEST

START_TEST(the_released_pro_config_is_read_as_it_stands)
{
    static char text[1 << 17];
    FILE *f = TEST_DATA[0] ? fopen(TEST_DATA "/tokenizers/intern-s1-pro/config.json", "rb") : NULL;
    if (!f) {
        printf("skipped: no test_data with the Intern-S1-Pro config\n");
        return;
    }
    size_t size = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[size] = 0;
    ck_assert_msg(read_config(text) == INS1_OK, "%s", error.text);
    ck_assert_int_eq(config.decoder.n_vocab, 155008);
    ck_assert_int_eq(config.decoder.n_expert, 512);
    ck_assert_int_eq(config.decoder.n_groups, 8);
    ck_assert_int_eq(config.decoder.n_layer, 94);
    ck_assert(config.has_fope);
    ck_assert_str_eq(config.quantization, "fp8");
    ck_assert_int_eq(config.n_placeholders, 2);
    ck_assert_int_eq(config.placeholders[0], 151655);
    ck_assert_int_eq(config.end_ids[0], 151645);
    char unknown[1000] = "";
    s1_config_unknown(root, note, unknown);
    ck_assert_str_eq(unknown, "");
}
END_TEST

static const struct {
    const char *text;
    ins1_status status;
    s1_sampling sampling;
    int32_t n, first;
} generations[] = {
    { "{\"do_sample\":true,\"eos_token_id\":[5,6],\"top_p\":0.95,\"top_k\":50,\"temperature\":0.8,"
      "\"repetition_penalty\":1.0}",
      INS1_OK,
      { .temperature = 0.8F, .top_p = 0.95F, .top_k = 50 },
      2,
      5 },
    { "{\"do_sample\":false,\"eos_token_id\":7,\"top_p\":0.95}", INS1_OK, { .top_k = 0 }, 1, 7 },
    { "{}", INS1_OK, { .top_k = 0 }, 1, 99 },
    { "{\"do_sample\":true,\"repetition_penalty\":1.5,\"temperature\":null}",
      INS1_OK,
      { .temperature = 1, .top_k = 50, .repeat_penalty = 1.5F },
      1,
      99 },
    { "{\"top_p\":2}", INS1_E_FORMAT, { .top_k = 0 }, 1, 99 },
    { "{\"eos_token_id\":{}}", INS1_E_FORMAT, { .top_k = 0 }, 0, 99 },
};

START_TEST(recommended_sampling_and_end_ids_are_read)
{
    s1_sampling sampling;
    int32_t ids[S1_MAX_IDS] = { 99 }, n = 1;
    ck_assert_int_eq(
        s1_json_parse(&root, generations[_i].text, strlen(generations[_i].text), &error), INS1_OK);
    ck_assert_int_eq(s1_generation_read(&sampling, ids, S1_MAX_IDS, &n, root, &error),
                     generations[_i].status);
    if (generations[_i].status != INS1_OK)
        return;
    ck_assert_int_eq(n, generations[_i].n);
    ck_assert_int_eq(ids[0], generations[_i].first);
    ck_assert_mem_eq(&sampling, &generations[_i].sampling, sizeof(sampling));
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *cases = tcase_create("config");

    tcase_add_test(cases, a_dense_config_is_read_with_the_defaults_of_its_class);
    tcase_add_test(cases, a_mixture_takes_its_own_defaults);
    tcase_add_test(cases, layers_that_stay_dense_are_named_by_list_and_step);
    tcase_add_test(cases, groups_of_experts_must_divide_them);
    tcase_add_test(cases, an_internlm2_config_is_read);
    tcase_add_test(cases, yarn_is_read_with_what_it_leaves_out);
    tcase_add_test(cases, rope_parameters_carry_theta_too);
    tcase_add_test(cases, fope_is_on_when_any_of_its_keys_has_a_value);
    tcase_add_loop_test(cases, what_is_wrong_is_named_with_what_is_expected, 0, COUNT(wrong));
    tcase_add_loop_test(cases, members_are_known_by_architecture_or_model_type, 0, COUNT(families));
    tcase_add_test(cases, keys_that_nobody_reads_are_listed);
    tcase_add_test(cases, the_released_pro_config_is_read_as_it_stands);
    tcase_add_loop_test(cases, recommended_sampling_and_end_ids_are_read, 0, COUNT(generations));
    suite_add_tcase(suite, cases);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
