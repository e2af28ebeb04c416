/* Unicode 15.0: classes, normalisation form C, and the words that merges never cross. */

#include "tokenizer/split.h"
#include "tokenizer/text.h"
#include "tokenizer/unicode.h"
#include "tokenizer_support.h"

#include <utf8proc.h>

static unsigned class_of(uint32_t c)
{
    if ((c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
        (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
        c == 0x3000)
        return S1_CHAR_SPACE;
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return S1_CHAR_LETTER;
    case UTF8PROC_CATEGORY_ND:
        return S1_CHAR_DIGIT;
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return S1_CHAR_NUMBER;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return S1_CHAR_MARK;
    default:
        return S1_CHAR_OTHER;
    }
}

/* Where this machine's utf8proc knows another Unicode, there is nothing to compare with. */
static bool is_15(void)
{
    bool same = !strcmp(utf8proc_unicode_version(), "15.0.0");
    if (!same)
        printf("skipped: utf8proc knows Unicode %s\n", utf8proc_unicode_version());
    return same;
}

START_TEST(every_code_point_has_its_class)
{
    size_t letters = 0, numbers = 0, digits = 0;
    for (uint32_t c = 0; c < 0x110000; c++) {
        unsigned class = s1_char_class(c);
        if (is_15() && !(c >= 0xD800 && c < 0xE000))
            ck_assert_msg(class == class_of(c), "U+%04X is of class %u", c, class);
        letters += class == S1_CHAR_LETTER;
        digits += class == S1_CHAR_DIGIT;
        numbers += class == S1_CHAR_DIGIT || class == S1_CHAR_NUMBER;
    }
    ck_assert_uint_eq(letters, 136104);
    ck_assert_uint_eq(numbers, 1831);
    ck_assert_uint_eq(digits, 680);
}
END_TEST

/* Our form C of a text; the caller frees it. */
static char *normalised(const char *text, size_t size, size_t *n)
{
    const ins1_segment segment = segment_of(text, size, 0, 0);
    s1_text out = { 0 };
    s1_call call;
    ck_assert_int_eq(s1_call_begin(&call, NULL), INS1_OK);
    ck_assert_int_eq(s1_text_read(&out, &segment, 1, S1_TEXT_NFC, &s1_heap, &call), INS1_OK);
    char *copy = malloc(out.size + 1);
    if (out.size)
        memcpy(copy, out.bytes, out.size);
    copy[out.size] = 0;
    *n = out.size;
    s1_text_finish(&out, &s1_heap);
    return copy;
}

static void check_nfc(const char *text, size_t size)
{
    size_t n;
    utf8proc_uint8_t *want = NULL;
    utf8proc_ssize_t n_want = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)size,
                                           &want, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    char *got = normalised(text, size, &n);
    ck_assert_int_ge(n_want, 0);
    ck_assert_uint_eq(n, (size_t)n_want);
    ck_assert_mem_eq(got, want, n);
    free(got);
    free(want);
}

START_TEST(every_code_point_is_normalised_between_letters)
{
    enum { TOGETHER = 512 };
    if (!is_15())
        return;
    for (uint32_t first = 1; first < 0x110000; first += TOGETHER) {
        uint8_t text[TOGETHER * 5 + 1];
        size_t n = 0;
        for (uint32_t c = first; c < first + TOGETHER && c < 0x110000; c++) {
            text[n++] = 'e';
            if (c < 0xD800 || c >= 0xE000)
                n += s1_utf8_write(text + n, c);
        }
        check_nfc((const char *)text, n);
    }
}
END_TEST

static uint32_t seed = 1;

static uint32_t next_random(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

START_TEST(random_heaps_of_marks_are_normalised_as_utf8proc_does)
{
    static uint32_t watched[8192];
    uint32_t n_watched = 0;
    if (!is_15())
        return;
    for (uint32_t c = 0; c < 0x32400 && n_watched < 8192; c++)
        if (s1_unicode_nibble(c) & 8)
            watched[n_watched++] = c;
    for (int round = 0; round < 20000; round++) {
        uint8_t text[256];
        size_t size = 0;
        for (uint32_t i = next_random(40); i > 0; i--) {
            uint32_t kind = next_random(4), c = watched[next_random(n_watched)];
            if (kind == 0)
                c = "aeoAEO>=<"[next_random(9)];
            else if (kind == 1)
                c = 0x1100 + next_random(0x100); /* Hangul letters */
            if (c == 0x11A7) /* utf8proc takes it for a final consonant, and loses it */
                c++;
            else if (kind == 2 && next_random(2))
                c = 0xAC00 + next_random(0x2BA4);
            size += s1_utf8_write(text + size, c);
        }
        check_nfc((const char *)text, size);
    }
}
END_TEST

START_TEST(bytes_that_are_no_characters_stay)
{
    static const char text[] = "e\xCC\x81\xFF\xCC\x81\xC3\xCC\x81\xF0\x9F\x98\x80\x80\x80\xCC\x81";
    size_t n;
    char *got = normalised(text, sizeof(text) - 1, &n);
    ck_assert_str_eq(got, "\xC3\xA9\xFF\xCC\x81\xC3\xCC\x81\xF0\x9F\x98\x80\x80\x80\xCC\x81");
    free(got);
}
END_TEST

/* Words are parted by '|'. */
static const char *const words[] = {
    "Hello| world",
    "it|'s| he|'LL| '|tis",
    "'t|is|'s|'\xC5\xBF|a", /* the long s is an s */
    "a|1|2|3|b",
    "x| |1",
    "foo|  | bar",
    "foo|   ",
    "\n\n|foo| \n|  | x",
    "a| \r\n| b",
    "!!!\n\n|x",
    " !?\r\n|\t|\t|!",
    "\tfoo|\xC2\xA0"
    "bar",
    "-foo|-|1",
    "\xE4\xBD\xA0\xE5\xA5\xBD|\xEF\xBC\x8C\xE4\xB8\x96",
    "e|\xCC\x81x",
    "\xC2\xBD|\xD9\xA3|\xE2\x85\xA3",
    "a|\xFF|\xFE| |\xFF|b",
    "\xE3\x80\x80|\xE3\x80\x80x",
    "a|\xE2\x80\x8B"
    "b",
};

START_TEST(words_are_split_as_the_pattern_says)
{
    char text[64];
    size_t size = 0, cuts[32], n_cuts = 0;
    for (const char *at = words[_i]; *at; at++)
        if (*at == '|')
            cuts[n_cuts++] = size;
        else
            text[size++] = *at;
    cuts[n_cuts++] = size;
    uint32_t at = 0;
    for (size_t i = 0; i < n_cuts; i++) {
        at = s1_split_next((const uint8_t *)text, at, (uint32_t)size, false);
        ck_assert_msg(at == cuts[i], "%s: word %zu ends at %u", words[_i], i, at);
    }
}
END_TEST

START_TEST(marks_can_count_as_letters)
{
    static const char text[] = "e\xCC\x81"
                               "a\xCC\x81!\xCC\x81";
    ck_assert_uint_eq(s1_split_next((const uint8_t *)text, 0, 9, true), 6);
    ck_assert_uint_eq(s1_split_next((const uint8_t *)text, 6, 9, true), 9);
    ck_assert_uint_eq(s1_split_next((const uint8_t *)text, 0, 9, false), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tokenizer_unicode");
    TCase *unicode = tcase_create("unicode");

    tcase_set_timeout(unicode, 300);
    tcase_add_test(unicode, every_code_point_has_its_class);
    tcase_add_test(unicode, every_code_point_is_normalised_between_letters);
    tcase_add_test(unicode, random_heaps_of_marks_are_normalised_as_utf8proc_does);
    tcase_add_test(unicode, bytes_that_are_no_characters_stay);
    tcase_add_loop_test(unicode, words_are_split_as_the_pattern_says, 0,
                        sizeof(words) / sizeof(words[0]));
    tcase_add_test(unicode, marks_can_count_as_letters);
    suite_add_tcase(suite, unicode);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
