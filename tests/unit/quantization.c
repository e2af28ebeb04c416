#include "model/quantization.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *found;
static ins1_error error;

static ins1_status read_text(const char *text)
{
    s1_json object;
    error = (ins1_error)INS1_INIT(ins1_error);
    ck_assert_msg(s1_json_parse(&object, text, strlen(text), &error) == INS1_OK, "%s: %s", text,
                  error.text);
    return s1_quantization_read(&found, object, &error);
}

/* As llm-compressor writes it, some keys of older and newer versions together. */
static const char w8a8[] =
    "{\"config_groups\":{\"group_0\":{\"format\":\"int-quantized\",\"input_activations\":{"
    "\"actorder\":null,\"block_structure\":null,\"dynamic\":true,\"group_size\":null,"
    "\"num_bits\":8,\"observer\":null,\"observer_kwargs\":{},\"scale_dtype\":null,"
    "\"strategy\":\"token\",\"symmetric\":true,\"type\":\"int\",\"zp_dtype\":null},"
    "\"output_activations\":null,\"targets\":[\"Linear\"],\"weights\":{\"actorder\":null,"
    "\"block_structure\":null,\"dynamic\":false,\"group_size\":null,\"num_bits\":8,"
    "\"observer\":\"minmax\",\"observer_kwargs\":{},\"scale_dtype\":null,"
    "\"strategy\":\"channel\",\"symmetric\":true,\"type\":\"int\",\"zp_dtype\":null}}},"
    "\"format\":\"int-quantized\",\"global_compression_ratio\":1.26,\"ignore\":[\"lm_head\","
    "\"re:.*mlp.gate$\"],\"kv_cache_scheme\":null,\"quant_method\":\"compressed-tensors\","
    "\"quantization_status\":\"compressed\",\"sparsity_config\":{},\"transform_config\":{},"
    "\"version\":\"0.12.2\"}";

START_TEST(a_w8a8_config_is_read_as_it_stands)
{
    ck_assert_msg(read_text(w8a8) == INS1_OK, "%s", error.text);
    ck_assert_str_eq(found, "int8");
}
END_TEST

static const struct {
    const char *from, *to; /* in the text above, the first place */
    ins1_status status;
    const char *named[3]; /* key, what was found, what is expected */
} changes[] = {
    { "\"sparsity_config\":{}",
      "\"sparsity_config\":{\"format\":\"dense\",\"global_sparsity\":0.1,\"ignore\":[],"
      "\"sparsity_structure\":\"unstructured\"}",
      INS1_OK,
      { "", "", "" } },
    { "\"sparsity_config\":{}", "\"sparsity_config\":null", INS1_OK, { "", "", "" } },
    { "\"transform_config\":{}",
      "\"transform_config\":{\"config_groups\":{}}",
      INS1_OK,
      { "", "", "" } },
    { "\"transform_config\":{}", "\"transform_config\":null", INS1_OK, { "", "", "" } },
    { "\"format\":\"int-quantized\",\"input_activations\"",
      "\"input_activations\"",
      INS1_OK,
      { "", "", "" } },
    { "\"output_activations\":null,", "", INS1_OK, { "", "", "" } },
    { "\"group_0\":{", "\"W8\":{", INS1_OK, { "", "", "" } },

    { "\"dynamic\":true",
      "\"dynamic\":false",
      INS1_E_UNSUPPORTED,
      { "group_0/input_activations: dynamic", "is false", "true is expected" } },
    { "\"dynamic\":true",
      "\"dynamic\":\"local\"",
      INS1_E_UNSUPPORTED,
      { "dynamic", "\"local\"", "true" } },
    { "\"dynamic\":true,", "", INS1_E_FORMAT, { "dynamic", "is missing", "true" } },
    { "\"num_bits\":8",
      "\"num_bits\":4",
      INS1_E_UNSUPPORTED,
      { "group_0/input_activations: num_bits", "is 4", "8 is expected" } },
    { "\"scale_dtype\":null",
      "\"scale_dtype\":\"torch.bfloat16\"",
      INS1_E_UNSUPPORTED,
      { "scale_dtype", "torch.bfloat16", "null" } },
    { "\"strategy\":\"token\"",
      "\"strategy\":\"tensor\"",
      INS1_E_UNSUPPORTED,
      { "strategy", "\"tensor\"", "\"token\"" } },
    { "\"strategy\":\"token\",", "", INS1_E_FORMAT, { "strategy", "missing", "\"token\"" } },
    { "\"symmetric\":true",
      "\"symmetric\":false",
      INS1_E_UNSUPPORTED,
      { "symmetric", "false", "true" } },
    { "\"type\":\"int\"",
      "\"type\":\"float\"",
      INS1_E_UNSUPPORTED,
      { "type", "\"float\"", "\"int\"" } },
    { "\"dynamic\":false",
      "\"dynamic\":true",
      INS1_E_UNSUPPORTED,
      { "group_0/weights: dynamic", "true", "false" } },
    { "\"group_size\":null,\"num_bits\":8,\"observer\":\"minmax\"",
      "\"group_size\":null,\"num_bits\":4,\"observer\":\"minmax\"",
      INS1_E_UNSUPPORTED,
      { "group_0/weights: num_bits", "4", "8" } },
    { "\"strategy\":\"channel\"",
      "\"strategy\":\"group\"",
      INS1_E_UNSUPPORTED,
      { "strategy", "\"group\"", "\"channel\"" } },
    { "\"strategy\":\"channel\",\"symmetric\":true",
      "\"strategy\":\"channel\",\"symmetric\":false",
      INS1_E_UNSUPPORTED,
      { "group_0/weights: symmetric", "false", "true" } },
    { "\"type\":\"int\",\"zp_dtype\":null}}}",
      "\"type\":\"float\"}}}",
      INS1_E_UNSUPPORTED,
      { "group_0/weights: type", "\"float\"", "\"int\"" } },

    { "[\"Linear\"]",
      "[\"re:.*q_proj\"]",
      INS1_E_UNSUPPORTED,
      { "group_0: targets", "q_proj", "[\"Linear\"]" } },
    { "[\"Linear\"]",
      "[\"Linear\",\"Embedding\"]",
      INS1_E_UNSUPPORTED,
      { "targets", "Embedding", "[\"Linear\"]" } },
    { "[\"Linear\"]", "[]", INS1_E_UNSUPPORTED, { "targets", "[]", "[\"Linear\"]" } },
    { "\"targets\":[\"Linear\"],", "", INS1_E_FORMAT, { "targets", "missing", "[\"Linear\"]" } },
    { "\"output_activations\":null",
      "\"output_activations\":{\"num_bits\":8}",
      INS1_E_UNSUPPORTED,
      { "output_activations", "num_bits", "null" } },
    { "\"format\":\"int-quantized\",\"input",
      "\"format\":\"pack-quantized\",\"input",
      INS1_E_UNSUPPORTED,
      { "group_0: format", "pack-quantized", "int-quantized" } },
    { "\"weights\":{",
      "\"weights\":7,\"x\":{",
      INS1_E_UNSUPPORTED,
      { "weights", "is 7", "8 bits" } },
    { "\"weights\":{", "\"x\":{", INS1_E_FORMAT, { "weights", "missing", "8 bits" } },
    { "\"input_activations\":{",
      "\"input_activations\":null,\"x\":{",
      INS1_E_UNSUPPORTED,
      { "input_activations", "is null", "8 bits" } },

    { "}}},\"format\":\"int-quantized\"",
      "}}},\"format\":\"float-quantized\"",
      INS1_E_UNSUPPORTED,
      { "format", "float-quantized", "int-quantized" } },
    { "}}},\"format\":\"int-quantized\",",
      "}}},",
      INS1_E_FORMAT,
      { "format", "missing", "int-quantized" } },
    { "\"config_groups\":{",
      "\"config_groups\":{\"group_1\":{},",
      INS1_E_UNSUPPORTED,
      { "config_groups", "group_1", "one group" } },
    { "\"config_groups\":{",
      "\"config_groups\":[],\"x\":{",
      INS1_E_UNSUPPORTED,
      { "config_groups", "[]", "one group" } },
    { "\"config_groups\":{",
      "\"config_groups\":{\"W8A8\":[\"Linear\"]},\"x\":{",
      INS1_E_UNSUPPORTED,
      { "config_groups", "W8A8", "one group" } },
    { "\"config_groups\":{",
      "\"x\":{",
      INS1_E_FORMAT,
      { "config_groups", "missing", "one group" } },
    { "\"kv_cache_scheme\":null",
      "\"kv_cache_scheme\":{\"num_bits\":8}",
      INS1_E_UNSUPPORTED,
      { "kv_cache_scheme", "num_bits", "null" } },
    { "\"version\"",
      "\"moe_sparsity_config\":{\"method\":\"prune\"},\"version\"",
      INS1_E_UNSUPPORTED,
      { "moe_sparsity_config", "prune", "null" } },
    { "\"transform_config\":{}",
      "\"transform_config\":{\"config_groups\":{\"R1\":{}}}",
      INS1_E_UNSUPPORTED,
      { "transform_config", "R1", "null" } },
    { "\"transform_config\":{}",
      "\"transform_config\":{\"x\":1}",
      INS1_E_UNSUPPORTED,
      { "transform_config", "\"x\"", "null" } },
    { "\"transform_config\":{}",
      "\"transform_config\":7",
      INS1_E_UNSUPPORTED,
      { "transform_config", "7", "null" } },
    { "\"sparsity_config\":{}",
      "\"sparsity_config\":{\"format\":\"sparse-24-bitmask\"}",
      INS1_E_UNSUPPORTED,
      { "sparsity_config", "sparse-24-bitmask", "dense" } },
    { "\"sparsity_config\":{}",
      "\"sparsity_config\":[]",
      INS1_E_UNSUPPORTED,
      { "sparsity_config", "[]", "dense" } },
};

START_TEST(what_differs_is_named_with_what_is_expected)
{
    char text[2000];
    const char *at = strstr(w8a8, changes[_i].from);

    ck_assert_msg(at != NULL, "%s is not there", changes[_i].from);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - w8a8), w8a8, changes[_i].to,
             at + strlen(changes[_i].from));
    ins1_status status = read_text(text);
    ck_assert_msg(status == changes[_i].status, "%s: %d, %s", changes[_i].to, status, error.text);
    for (int i = 0; i < 3 && status != INS1_OK; i++)
        ck_assert_msg(strstr(error.text, changes[_i].named[i]), "%s does not say %s", error.text,
                      changes[_i].named[i]);
    if (status != INS1_OK)
        ck_assert_ptr_nonnull(strstr(error.text, "config.json/quantization_config"));
}
END_TEST

START_TEST(other_methods_and_no_objects_are_refused)
{
    ck_assert_int_eq(read_text("{\"quant_method\":\"awq\"}"), INS1_E_UNSUPPORTED);
    ck_assert_str_eq(error.text, "config.json/quantization_config: quant_method is \"awq\", "
                                 "\"fp8\" or \"compressed-tensors\" is expected");
    ck_assert_int_eq(read_text("[1]"), INS1_E_FORMAT);
    ck_assert_str_eq(error.text, "config.json/quantization_config is [1], an object is expected");
}
END_TEST

START_TEST(names_of_groups_may_be_long)
{
    char text[3000], name[1000];
    const char *at = strstr(w8a8, "group_0");

    memset(name, 'g', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - w8a8), w8a8, name, at + strlen("group_0"));
    ck_assert_int_eq(read_text(text), INS1_OK);
    memcpy(strstr(text, "\"num_bits\":8"), "\"num_bits\":6", 12);
    ck_assert_int_eq(read_text(text), INS1_E_UNSUPPORTED);
    ck_assert_str_eq(error.text, "config.json/quantization_config/config_groups/"
                                 "gggggggggggggggggggg/input_activations: num_bits is 6, 8 is "
                                 "expected");
}
END_TEST

START_TEST(fp8_is_read)
{
    ck_assert_int_eq(read_text("{\"quant_method\":\"fp8\",\"fmt\":\"e4m3\","
                               "\"weight_block_size\":[128,128]}"),
                     INS1_OK);
    ck_assert_str_eq(found, "fp8");
    ck_assert_int_eq(read_text("{\"quant_method\":\"fp8\",\"weight_block_size\":[128]}"),
                     INS1_E_UNSUPPORTED);
    ck_assert_int_eq(read_text("{\"quant_method\":\"fp8\",\"fmt\":\"e5m2\"}"), INS1_E_UNSUPPORTED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("quantization");
    TCase *cases = tcase_create("quantization");

    tcase_add_test(cases, a_w8a8_config_is_read_as_it_stands);
    tcase_add_loop_test(cases, what_differs_is_named_with_what_is_expected, 0,
                        sizeof(changes) / sizeof(changes[0]));
    tcase_add_test(cases, other_methods_and_no_objects_are_refused);
    tcase_add_test(cases, names_of_groups_may_be_long);
    tcase_add_test(cases, fp8_is_read);
    suite_add_tcase(suite, cases);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
