#include "base/json.h"

#include "base/error.h"

#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static s1_json root;
static ins1_error error;

static ins1_status parse(const char *text)
{
    error = (ins1_error)INS1_INIT(ins1_error);
    return s1_json_parse(&root, text, strlen(text), &error);
}

/* Walk all of a value as its readers do, so that a wrong step is noticed here. */
static void walk(s1_json value)
{
    s1_json key, element;
    char text[16];
    size_t size;
    int64_t whole;
    double real;
    bool truth;

    s1_json_string(value, text, sizeof(text), &size);
    s1_json_int(value, &whole);
    s1_json_double(value, &real);
    s1_json_bool(value, &truth);
    s1_json_walk at = s1_json_begin(value);
    while (s1_json_next(&at, &key, &element)) {
        s1_json_string(key, text, sizeof(text), &size);
        walk(element);
    }
}

/* A file's bytes in a block of exactly their size. */
static char *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    char *bytes = malloc(*size ? *size : 1);
    ck_assert_uint_eq(fread(bytes, 1, *size, f), *size);
    fclose(f);
    return bytes;
}

/* Nested deeper than the limit, which RFC 8259 section 9 allows to refuse. */
static bool is_too_deep(const char *name)
{
    return !strcmp(name, "i_structure_500_nested_arrays.json");
}

START_TEST(the_test_suite_of_json_parsers_is_answered_as_it_says)
{
    const char *folder = TEST_DATA "/json/test_parsing";
    DIR *entries = TEST_DATA[0] ? opendir(folder) : NULL;
    struct dirent *entry;
    int n = 0;

    if (!entries) {
        printf("skipped: no test_data with JSONTestSuite\n");
        return;
    }
    while ((entry = readdir(entries))) {
        char path[1000];
        size_t size;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        char *bytes = read_file(path, &size);
        ins1_status status = s1_json_parse(&root, bytes, size, NULL);
        if (entry->d_name[0] == 'y')
            ck_assert_msg(status == INS1_OK, "%s is refused", entry->d_name);
        if (entry->d_name[0] == 'n' || is_too_deep(entry->d_name))
            ck_assert_msg(status == INS1_E_FORMAT, "%s is taken", entry->d_name);
        if (status == INS1_OK)
            walk(root);
        free(bytes);
        n++;
    }
    closedir(entries);
    ck_assert_int_gt(n, 300);
}
END_TEST

START_TEST(members_are_found_and_the_last_of_two_counts)
{
    ck_assert_int_eq(parse(" {\"a\": {\"b\": [1, 2.5, \"x\"]}, \"c\": 1, \"c\": 2} "), INS1_OK);
    int64_t n;
    ck_assert(s1_json_int(s1_json_get(root, "c"), &n));
    ck_assert_int_eq(n, 2);
    ck_assert_uint_eq(s1_json_count(s1_json_get(s1_json_get(root, "a"), "b")), 3);
    ck_assert_int_eq(s1_json_get(root, "d").kind, S1_JSON_NONE);
    ck_assert_int_eq(s1_json_get(s1_json_get(root, "c"), "d").kind, S1_JSON_NONE);
}
END_TEST

static const struct {
    const char *text;
    bool is_int;
    int64_t value;
} ints[] = {
    { "0", true, 0 },
    { "-0", true, 0 },
    { "1e3", true, 1000 },
    { "1.0", true, 1 },
    { "1.5", false, 0 },
    { "9223372036854775807", true, INT64_MAX },
    { "-9223372036854775808", true, INT64_MIN },
    { "9223372036854775808", false, 0 },
    { "-9223372036854775809", false, 0 },
    { "1e300", false, 0 },
    { "\"1\"", false, 0 },
    { "true", false, 0 },
};

START_TEST(whole_numbers_are_read_to_the_last_one_that_fits)
{
    int64_t n;
    ck_assert_int_eq(parse(ints[_i].text), INS1_OK);
    ck_assert_int_eq(s1_json_int(root, &n), ints[_i].is_int);
    if (ints[_i].is_int)
        ck_assert_int_eq(n, ints[_i].value);
}
END_TEST

static const char *const reals[] = {
    "1e-06",
    "1e-6",
    "0.000001",
    "5000000.0",
    "1e22",
    "0.1",
    "-1.5E+2",
    "1e-320",
    "4.9e-324",
    "1.7976931348623157e308",
    "123456789012345678901234567890",
    "2.2250738585072011e-308",
    "0.30000000000000004",
    "1e-400",
};

START_TEST(real_numbers_are_those_of_strtod)
{
    double value, expected = strtod(reals[_i], NULL);
    ck_assert_int_eq(parse(reals[_i]), INS1_OK);
    ck_assert(s1_json_double(root, &value));
    /* One unit in the last place, or one of the smallest there is. */
    ck_assert_msg(fabs(value - expected) <= fabs(expected) * 0x1p-52 + 0x1p-1074,
                  "%s gives %a, not %a", reals[_i], value, expected);
}
END_TEST

START_TEST(numbers_beyond_a_double_are_refused)
{
    double value;
    ck_assert_int_eq(parse("1e400"), INS1_OK);
    ck_assert(!s1_json_double(root, &value));
    ck_assert_int_eq(parse("-1e99999999999999999999"), INS1_OK);
    ck_assert(!s1_json_double(root, &value));
    ck_assert_int_eq(parse("1e-99999999999999999999"), INS1_OK);
    ck_assert(s1_json_double(root, &value));
    ck_assert_double_eq(value, 0);
}
END_TEST

static const struct {
    const char *text, *plain; /* NULL: no string can be made of it */
    size_t size;
} strings[] = {
    { "\"\"", "", 0 },
    { "\"a\\n\\u00e9\\/\"", "a\n\xC3\xA9/", 5 },
    { "\"\\ud83d\\ude00\"", "\xF0\x9F\x98\x80", 4 },
    { "\"a\\u0000b\"", "a\0b", 3 },
    { "\"\\ud83d\"", NULL, 0 },
    { "\"\\ude00\"", NULL, 0 },
    { "\"\\ud83d\\u0041\"", NULL, 0 },
    { "12", NULL, 0 },
};

START_TEST(strings_are_unescaped)
{
    char text[16] = { 0 };
    size_t size;
    ck_assert_int_eq(parse(strings[_i].text), INS1_OK);
    ck_assert_int_eq(s1_json_string(root, text, sizeof(text), &size), strings[_i].plain != NULL);
    if (strings[_i].plain) {
        ck_assert_uint_eq(size, strings[_i].size);
        ck_assert_mem_eq(text, strings[_i].plain, size);
    }
}
END_TEST

START_TEST(a_string_longer_than_its_room_says_how_long_it_is)
{
    char text[2] = { 0 };
    size_t size;
    ck_assert_int_eq(parse("\"hello\""), INS1_OK);
    ck_assert(s1_json_string(root, text, sizeof(text), &size));
    ck_assert_uint_eq(size, 5);
    ck_assert_mem_eq(text, "he", 2);
}
END_TEST

/* Loop test: depth. */
START_TEST(nesting_is_followed_to_the_limit_and_no_further)
{
    char text[2 * S1_JSON_MAX_DEPTH + 8] = { 0 };
    memset(text, '[', (size_t)_i);
    memset(text + _i, ']', (size_t)_i);
    ck_assert_int_eq(parse(text), _i <= S1_JSON_MAX_DEPTH ? INS1_OK : INS1_E_FORMAT);
    if (_i <= S1_JSON_MAX_DEPTH)
        walk(root);
}
END_TEST

START_TEST(keys_are_compared_unescaped)
{
    ck_assert_int_eq(parse("{\"\\u0061b\": 1}"), INS1_OK);
    ck_assert_int_eq(s1_json_get(root, "ab").kind, S1_JSON_NUMBER);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *cases = tcase_create("json");

    tcase_add_test(cases, the_test_suite_of_json_parsers_is_answered_as_it_says);
    tcase_add_test(cases, members_are_found_and_the_last_of_two_counts);
    tcase_add_loop_test(cases, whole_numbers_are_read_to_the_last_one_that_fits, 0, COUNT(ints));
    tcase_add_loop_test(cases, real_numbers_are_those_of_strtod, 0, COUNT(reals));
    tcase_add_test(cases, numbers_beyond_a_double_are_refused);
    tcase_add_loop_test(cases, strings_are_unescaped, 0, COUNT(strings));
    tcase_add_test(cases, a_string_longer_than_its_room_says_how_long_it_is);
    tcase_add_loop_test(cases, nesting_is_followed_to_the_limit_and_no_further,
                        S1_JSON_MAX_DEPTH - 2, S1_JSON_MAX_DEPTH + 3);
    tcase_add_test(cases, keys_are_compared_unescaped);
    suite_add_tcase(suite, cases);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
