/* SentencePiece models: read from strangers, and as the base vocabulary. */

#include "tokenizer_tiny.h"

#include "tokenizer/pieces.h"

static const model_flags plain = { .type = MODEL_TYPE_BPE, .byte_fallback = 1 };

static tiny files;
static ins1_tokenizer *tokenizer;

static void setup(void)
{
    tiny_pieces(&files, plain);
    tokenizer = tiny_open(&files, NULL);
}

static void teardown(void)
{
    ins1_tokenizer_release(tokenizer);
    tokenizer = NULL;
    tiny_free(&files);
}

static void expect(const char *text, uint32_t flags, uint32_t encode_flags, const int32_t *want)
{
    const ins1_segment segment = segment_of(text, strlen(text), 0, flags);
    int32_t ids[128];
    ins1_piece pieces[128];
    size_t n, n_want = 0, at = 0;

    while (want[n_want] >= 0)
        n_want++;
    ck_assert_int_eq(
        ins1_tokenizer_encode(tokenizer, &segment, 1, encode_flags, ids, pieces, 128, &n, NULL),
        INS1_OK);
    for (size_t i = 0; i < n && i < n_want; i++)
        ck_assert_msg(ids[i] == want[i], "%s: id %zu is %d, expected %d", text, i, ids[i], want[i]);
    ck_assert_uint_eq(n, n_want);
    for (size_t i = 0; i < n; at = pieces[i++].end)
        ck_assert_uint_eq(pieces[i].begin, at);
    ck_assert_uint_eq(at, strlen(text));
}

#define IDS(...) ((const int32_t[]){ __VA_ARGS__, -1 })
#define BYTE(b)  (3 + (b))

START_TEST(pieces_merge_by_score)
{
    expect("ab", 1, 0, IDS(TINY_AB));
    expect(" ab", 1, 0, IDS(TINY_SPACE_AB));
    expect("aab", 1, 0, IDS(TINY_A, TINY_AB));
    expect("aaa", 1, 0, IDS(TINY_AA, TINY_A));
    /* Equal scores: the leftmost first. */
    expect("aabb", 1, 0, IDS(TINY_A, TINY_AB, TINY_B));
    expect("bbaa", 1, 0, IDS(TINY_BB, TINY_AA));
    expect("a\xE2\x96\x81"
           "b",
           1, 0, IDS(TINY_A, TINY_SPACE, TINY_B));
}
END_TEST

START_TEST(what_has_no_piece_becomes_bytes)
{
    expect("x\n", 1, 0, IDS(BYTE('x'), BYTE('\n')));
    expect("a\xC3\xA9"
           "b",
           1, 0, IDS(TINY_A, BYTE(0xC3), BYTE(0xA9), TINY_B));
    expect("\xFF"
           "a",
           1, 0, IDS(BYTE(0xFF), TINY_A));
    expect("<0x41>", 1, 0, IDS(BYTE('<'), BYTE('0'), BYTE('x'), BYTE('4'), BYTE('1'), BYTE('>')));
}
END_TEST

START_TEST(control_and_reserved_pieces_need_permission)
{
    expect("a<s>b", 1, 0, IDS(TINY_A, 1, TINY_B));
    expect("<s>", 0, 0, IDS(BYTE('<'), BYTE('s'), BYTE('>')));
    expect("<|im_start|>a<|im_end|>", 1, 0, IDS(TINY_CHAT_START, TINY_A, TINY_CHAT_END));
    expect("[UNUSED_TOKEN_145]", 1, 0, IDS(TINY_CHAT_END));
    expect("\xEF\xBC\xA1", 0, 0, IDS(TINY_WIDE_A));
    const ins1_segment segment = segment_of("[UNUSED_TOKEN_145]", 18, 0, 0);
    size_t n;
    ck_assert_int_eq(ins1_tokenizer_encode(tokenizer, &segment, 1, 0, NULL, NULL, 0, &n, NULL),
                     INS1_E_BUFFER);
    ck_assert_uint_eq(n, 18);
}
END_TEST

START_TEST(the_begin_of_text_is_added_on_request)
{
    ck_assert_int_eq(s1_tokenizer_bos(tokenizer), 1);
    expect("a", 0, INS1_ENCODE_ADD_BOS, IDS(1, TINY_A));
    expect("", 0, INS1_ENCODE_ADD_BOS, IDS(1));
}
END_TEST

START_TEST(pieces_decode_to_their_text)
{
    size_t size;
    char *text = decode_all(
        tokenizer, IDS(TINY_SPACE_AB, BYTE(0xC3), BYTE(0xA9), TINY_CHAT_END, 2, 0), 6, 0, &size);
    ck_assert_str_eq(text, " ab\xC3\xA9<|im_end|></s><unk>");
    free(text);
    text = decode_all(tokenizer, IDS(1, TINY_A, 2), 3, INS1_DECODE_SKIP_SPECIAL, &size);
    ck_assert_str_eq(text, "a");
    free(text);
}
END_TEST

START_TEST(a_dummy_prefix_comes_and_goes)
{
    static const model_flags flags = { MODEL_TYPE_BPE, 1, 1, 1 };
    size_t size;
    teardown();
    tiny_pieces(&files, flags);
    tokenizer = tiny_open(&files, NULL);
    expect("ab", 1, 0, IDS(TINY_SPACE_AB));
    expect("a  b", 1, 0, IDS(TINY_SPACE, TINY_A, TINY_SPACE, TINY_B));
    char *text = decode_all(tokenizer, IDS(TINY_SPACE_AB, TINY_SPACE_AB), 2, 0, &size);
    ck_assert_str_eq(text, "ab ab");
    free(text);
}
END_TEST

START_TEST(without_byte_fallback_a_run_is_one_unknown)
{
    static const model_flags flags = { .type = MODEL_TYPE_BPE };
    teardown();
    tiny_pieces(&files, flags);
    tokenizer = tiny_open(&files, NULL);
    expect("axyzb", 1, 0, IDS(TINY_A, 0, TINY_B));
}
END_TEST

/* A model that is cut off anywhere is refused or read; it is never read past its end. */
START_TEST(a_cut_model_is_never_read_past_its_end)
{
    static const char *const pieces[] = { "ab", "abc" };
    writer w = { 0 };
    put_domain(&w, "abc", pieces, 2);
    for (size_t size = 0; size < w.size; size++) {
        s1_pieces model = { 0 };
        char *cut = malloc(size ? size : 1);
        memcpy(cut, w.bytes, size);
        s1_pieces_read(&model, cut, size, &s1_heap, NULL);
        s1_pieces_finish(&model, &s1_heap);
        free(cut);
    }
    free(w.bytes);
}
END_TEST

static const struct {
    const char *what;
    piece pieces[4];
    model_flags flags;
    ins1_status status;
} models[] = {
    { "fine", { { "<unk>", 0, 2 }, { "a", -1, 1 } }, { .type = MODEL_TYPE_BPE }, INS1_OK },
    { "unigram", { { "<unk>", 0, 2 }, { "a", -1, 1 } }, { .type = 1 }, INS1_E_UNSUPPORTED },
    { "no unknown", { { "a", 0, 1 }, { "b", -1, 1 } }, { .type = MODEL_TYPE_BPE }, INS1_E_FORMAT },
    { "twice",
      { { "<unk>", 0, 2 }, { "a", 0, 1 }, { "a", -1, 1 } },
      { .type = MODEL_TYPE_BPE },
      INS1_E_FORMAT },
    { "no byte",
      { { "<unk>", 0, 2 }, { "<0xZZ>", 0, 6 } },
      { .type = MODEL_TYPE_BPE },
      INS1_E_FORMAT },
    { "a type too many",
      { { "<unk>", 0, 2 }, { "a", 0, 7 } },
      { .type = MODEL_TYPE_BPE },
      INS1_E_UNSUPPORTED },
    { "no number",
      { { "<unk>", 0, 2 }, { "a", (float)(0.0 / 0.0), 1 } },
      { .type = MODEL_TYPE_BPE },
      INS1_E_FORMAT },
    { "bytes are missing",
      { { "<unk>", 0, 2 }, { "<0x41>", 0, 6 } },
      { .type = MODEL_TYPE_BPE, .byte_fallback = 1 },
      INS1_E_FORMAT },
};

START_TEST(models_are_judged_before_they_are_believed)
{
    ins1_error error = INS1_INIT(ins1_error);
    s1_pieces model = { 0 };
    writer w = { 0 };
    size_t n = 0;
    while (n < 4 && models[_i].pieces[n].text)
        n++;
    put_model(&w, models[_i].pieces, n, models[_i].flags);
    ins1_status status = s1_pieces_read(&model, w.bytes, w.size, &s1_heap, &error);
    ck_assert_msg(status == models[_i].status, "%s: %d, %s", models[_i].what, status, error.text);
    s1_pieces_finish(&model, &s1_heap);
    free(w.bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tokenizer_pieces");
    TCase *base = tcase_create("base");
    TCase *reader = tcase_create("reader");

    tcase_add_checked_fixture(base, setup, teardown);
    tcase_add_test(base, pieces_merge_by_score);
    tcase_add_test(base, what_has_no_piece_becomes_bytes);
    tcase_add_test(base, control_and_reserved_pieces_need_permission);
    tcase_add_test(base, the_begin_of_text_is_added_on_request);
    tcase_add_test(base, pieces_decode_to_their_text);
    tcase_add_test(base, a_dummy_prefix_comes_and_goes);
    tcase_add_test(base, without_byte_fallback_a_run_is_one_unknown);
    suite_add_tcase(suite, base);
    tcase_add_test(reader, a_cut_model_is_never_read_past_its_end);
    tcase_add_loop_test(reader, models_are_judged_before_they_are_believed, 0,
                        sizeof(models) / sizeof(models[0]));
    suite_add_tcase(suite, reader);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
