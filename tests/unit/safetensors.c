#include "format/safetensors.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* An 8-byte length, a 2-byte header, 12 bytes of data. */
static const uint8_t sample[] = {
    2, 0, 0, 0, 0, 0, 0, 0, '{', '}', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
};

static s1_safetensors file;
static ins1_error error;

static void setup(void)
{
    error = (ins1_error)INS1_INIT(ins1_error);
    ck_assert_int_eq(s1_safetensors_frame(&file, sample, sizeof(sample), &error), INS1_OK);
}

START_TEST(frame_finds_header_and_data)
{
    ck_assert_uint_eq(file.header_size, 2);
    ck_assert_mem_eq(file.header, "{}", 2);
    ck_assert_uint_eq(file.data_size, 12);
    ck_assert_uint_eq(file.data[0], 1);
}
END_TEST

/* Loop test: `_i` is the number of bytes kept. */
START_TEST(frame_refuses_a_cut_header)
{
    uint8_t *cut = malloc(_i ? (size_t)_i : 1);
    memcpy(cut, sample, (size_t)_i);
    ck_assert_int_eq(s1_safetensors_frame(&file, cut, (size_t)_i, &error), INS1_E_FORMAT);
    ck_assert_str_ne(error.text, "");
    free(cut);
}
END_TEST

START_TEST(frame_refuses_a_header_longer_than_any)
{
    uint8_t bytes[sizeof(sample)];
    memcpy(bytes, sample, sizeof(sample));
    memset(bytes, 0xFF, 8);
    ck_assert_int_eq(s1_safetensors_frame(&file, bytes, sizeof(bytes), &error), INS1_E_FORMAT);
}
END_TEST

START_TEST(parse_refuses_what_is_not_an_object)
{
    static const char *const headers[] = { "[]", "{", "12", "", "{} {}", "{\"a\":}" };
    s1_json root;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        s1_safetensors bad = { .header = headers[i], .header_size = strlen(headers[i]) };
        ck_assert_int_eq(s1_safetensors_parse(&root, &bad, &error), INS1_E_FORMAT);
    }
}
END_TEST

/* Each row is there because one check alone refuses it. */
static const struct {
    const char *what, *text;
    ins1_status status;
} texts[] = {
    { "all there", "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}", INS1_OK },
    { "more members", "{\"x\":{},\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}",
      INS1_OK },
    { "a new type", "{\"dtype\":\"F4_X\",\"shape\":[1],\"data_offsets\":[0,4]}", INS1_OK },
    { "no object", "[\"F32\",[1],[0,4]]", INS1_E_FORMAT },
    { "a number", "7", INS1_E_FORMAT },
    { "no type", "{\"shape\":[1],\"data_offsets\":[0,4]}", INS1_E_FORMAT },
    { "type is null", "{\"dtype\":null,\"shape\":[1],\"data_offsets\":[0,4]}", INS1_E_FORMAT },
    { "no shape", "{\"dtype\":\"F32\",\"data_offsets\":[0,4]}", INS1_E_FORMAT },
    { "shape is a number", "{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}",
      INS1_E_FORMAT },
    { "negative axis", "{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}", INS1_E_FORMAT },
    { "half an axis", "{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}", INS1_E_FORMAT },
    { "axis of text", "{\"dtype\":\"F32\",\"shape\":[\"1\"],\"data_offsets\":[0,4]}",
      INS1_E_FORMAT },
    { "axis too large",
      "{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}",
      INS1_E_FORMAT },
    { "nine axes", "{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}",
      INS1_E_UNSUPPORTED },
    { "no offsets", "{\"dtype\":\"F32\",\"shape\":[1]}", INS1_E_FORMAT },
    { "one offset", "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}", INS1_E_FORMAT },
    { "three offsets", "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}",
      INS1_E_FORMAT },
    { "negative offset", "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}",
      INS1_E_FORMAT },
    { "offsets are an object",
      "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":{\"a\":0,\"b\":4}}", INS1_E_FORMAT },
};

START_TEST(a_claim_is_read_or_refused)
{
    s1_tensor_claim claim;
    s1_json value;
    ck_assert_int_eq(s1_json_parse(&value, texts[_i].text, strlen(texts[_i].text), &error),
                     INS1_OK);
    ins1_status status = s1_safetensors_claim(&claim, value, &error);
    ck_assert_msg(status == texts[_i].status, "%s: %d, %s", texts[_i].what, status, error.text);
}
END_TEST

static const struct {
    const char *what;
    s1_tensor_claim claim;
    ins1_status status;
} claims[] = {
    { "fits", { .begin = 4, .end = 12, .shape = { 2, 2 }, .rank = 2, .item_size = 2 }, INS1_OK },
    { "scalar", { .begin = 0, .end = 4, .item_size = 4 }, INS1_OK },
    { "empty", { .begin = 12, .end = 12, .shape = { 0 }, .rank = 1, .item_size = 4 }, INS1_OK },
    { "unknown size", { .begin = 0, .end = 3, .shape = { 9 }, .rank = 1 }, INS1_OK },
    { "backwards",
      { .begin = UINT64_MAX - 3, .end = 0, .shape = { 1 }, .rank = 1, .item_size = 4 },
      INS1_E_FORMAT },
    { "past the end",
      { .begin = 8, .end = 16, .shape = { 2 }, .rank = 1, .item_size = 4 },
      INS1_E_FORMAT },
    { "wrong size",
      { .begin = 0, .end = 8, .shape = { 3 }, .rank = 1, .item_size = 4 },
      INS1_E_FORMAT },
    { "overflow",
      { .begin = 0, .end = 0, .shape = { UINT64_C(1) << 62 }, .rank = 1, .item_size = 4 },
      INS1_E_FORMAT },
};

START_TEST(check_believes_only_what_fits)
{
    ins1_status status = s1_safetensors_check(&file, &claims[_i].claim, &error);
    ck_assert_msg(status == claims[_i].status, "%s: %d, %s", claims[_i].what, status, error.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("safetensors");
    TCase *cases = tcase_create("safetensors");

    tcase_add_checked_fixture(cases, setup, NULL);
    tcase_add_test(cases, frame_finds_header_and_data);
    tcase_add_loop_test(cases, frame_refuses_a_cut_header, 0, 10);
    tcase_add_test(cases, frame_refuses_a_header_longer_than_any);
    tcase_add_test(cases, parse_refuses_what_is_not_an_object);
    tcase_add_loop_test(cases, a_claim_is_read_or_refused, 0, sizeof(texts) / sizeof(texts[0]));
    tcase_add_loop_test(cases, check_believes_only_what_fits, 0,
                        sizeof(claims) / sizeof(claims[0]));
    suite_add_tcase(suite, cases);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
