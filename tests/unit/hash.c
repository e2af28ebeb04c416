#include "base/hash.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Values of the reference implementation. */
static const struct {
    const char *text;
    uint64_t seed, hash;
} rows[] = {
    { "", 0, UINT64_C(0xEF46DB3751D8E999) },
    { "", UINT64_C(0x9E3779B97F4A7C15), UINT64_C(0xC4349FC93C010000) },
    { "a", 0, UINT64_C(0xD24EC4F1A98C6E5B) },
    { "a", UINT64_C(0x9E3779B97F4A7C15), UINT64_C(0x9A7C6D2EA45568C9) },
    { "abc", 0, UINT64_C(0x44BC2CF5AD770999) },
    { "abc", UINT64_C(0x9E3779B97F4A7C15), UINT64_C(0x2ED0F59D6B43AC8B) },
    { "seven b", 0, UINT64_C(0xA7433B7A9B4209E3) },
    { "seven b", UINT64_C(0x9E3779B97F4A7C15), UINT64_C(0x61833B651CBD54D2) },
    { "12345678", 0, UINT64_C(0xD2D02F08CF7CFD4A) },
    { "12345678", UINT64_C(0x9E3779B97F4A7C15), UINT64_C(0xEA80CE45F8880BE3) },
    { "eleven byte", 0, UINT64_C(0xE9D3FBA5F6C8F69C) },
    { "eleven byte", UINT64_C(0x9E3779B97F4A7C15), UINT64_C(0x771D4081AEE96287) },
    { "a block is thirty-two bytes long", 0, UINT64_C(0x782D233A7331BC12) },
    { "a block is thirty-two bytes long", UINT64_C(0x9E3779B97F4A7C15),
      UINT64_C(0x156066C44FCF947E) },
    { "one more than a block of 32 bytes", 0, UINT64_C(0x2DF6350829CC2174) },
    { "one more than a block of 32 bytes", UINT64_C(0x9E3779B97F4A7C15),
      UINT64_C(0x812B27F650FA08B6) },
    { "Two blocks and a tail of every kind: eight, four and single bytes of it, three.", 0,
      UINT64_C(0x37521B19A7394110) },
    { "Two blocks and a tail of every kind: eight, four and single bytes of it, three.",
      UINT64_C(0x9E3779B97F4A7C15), UINT64_C(0x0645C0EF5AFFAF8C) },
};

START_TEST(hashes_are_those_of_the_reference)
{
    size_t size = strlen(rows[_i].text);
    char *exact = malloc(size ? size : 1);
    memcpy(exact, rows[_i].text, size);
    ck_assert_uint_eq(s1_xxh64(exact, size, rows[_i].seed), rows[_i].hash);
    free(exact);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hash");
    TCase *cases = tcase_create("xxh64");
    tcase_add_loop_test(cases, hashes_are_those_of_the_reference, 0,
                        sizeof(rows) / sizeof(rows[0]));
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
