/* The tokenizer where memory, time or honesty run out. */

#include "tokenizer_tiny.h"

enum { LONG = 1000000 };

/* A long text of one unit, after a beginning. */
static char *repeat(const char *begin, const char *unit, size_t *size)
{
    size_t n_begin = strlen(begin), n_unit = strlen(unit), n = LONG / n_unit;
    char *text = malloc(n_begin + n * n_unit);
    memcpy(text, begin, n_begin);
    for (size_t i = 0; i < n; i++)
        memcpy(text + n_begin + i * n_unit, unit, n_unit);
    *size = n_begin + n * n_unit;
    return text;
}

static const struct {
    const char *begin, *unit;
} long_texts[] = {
    { "", "a" },
    { "", " " },
    { "", "\n" },
    { "", " \n" },
    { "", "[" },
    { "", ":" },
    { "C", ":" },
    { "", "[C" },
    { "", "[C]=" },
    { "", "CCCCCC::::::::::::::::::::" },
    { "", "<" },
    { "", "<|im_endles" },
    { "", "<SMILES>" },
    { "", "</SMILES>C" },
    { "", "A" },
    { "", "ACGTM" },
    { "", "C(=O)" },
    { "", "C%12" },
    { "[", "C" },
    { "<SMILES>", "C" },
    { "<SMILES>", " C" },
    { "<dna>", "ACGT" },
    { "a", "\xCC\x81\xCC\xA7" },
    { "", "\xE1\x84\x80\xE1\x85\xA1" },
    { "", "\xE2\x96\x81" },
    { "", "\xFF" },
    { "", "\xF0\x9F\x98\x80" },
    { "", "'s" },
    { "", "1" },
};

/* Quadratic time would not end before the test's limit. */
START_TEST(long_texts_take_linear_time)
{
    tiny files;
    size_t size, n;
    ins1_piece *pieces;
    tiny_pro(&files);
    ins1_tokenizer *tokenizer = tiny_open(&files, NULL);
    char *text = repeat(long_texts[_i].begin, long_texts[_i].unit, &size);
    int32_t *ids = encode_all(tokenizer, text, size, INS1_SEGMENT_AUTO, &n, &pieces);

    ck_assert_uint_gt(n, 0);
    ck_assert_uint_eq(pieces[n - 1].end, size);
    free(text);
    free(ids);
    free(pieces);
    ins1_tokenizer_release(tokenizer);
    tiny_free(&files);
}
END_TEST

START_TEST(a_budget_ends_a_long_call)
{
    ins1_call call = INS1_INIT(ins1_call);
    tiny files;
    size_t size, count;
    tiny_pro(&files);
    ins1_tokenizer *tokenizer = tiny_open(&files, NULL);
    char *text = repeat(long_texts[_i].begin, long_texts[_i].unit, &size);
    ins1_segment segment = segment_of(text, size, 0, INS1_SEGMENT_SPECIAL);

    call.budget_ns = 1;
    ck_assert_int_eq(ins1_tokenizer_encode(tokenizer, &segment, 1, 0, NULL, NULL, 0, &count, &call),
                     INS1_E_DEADLINE);
    ck_assert_uint_eq(count, 0);
    free(text);
    ins1_tokenizer_release(tokenizer);
    tiny_free(&files);
}
END_TEST

/* Refuse one request after the other until nothing is refused any more. */
static void fail_create(const tiny *files)
{
    for (int n = 0;; n++) {
        meter m = { 0 };
        ins1_allocator source = meter_source(&m);
        ins1_tokenizer *tokenizer;
        m.until_refusal = n;
        ins1_status status = s1_tokenizer_create(&tokenizer, &source, &files->source, NULL, NULL);
        if (status == INS1_OK) {
            ck_assert_int_gt(n, 0);
            ins1_tokenizer_release(tokenizer);
            ck_assert_uint_eq(m.live, 0);
            return;
        }
        ck_assert_int_eq(status, INS1_E_MEMORY);
        ck_assert_ptr_null(tokenizer);
        ck_assert_uint_eq(m.live, 0);
    }
}

START_TEST(create_gives_back_everything_when_memory_runs_out)
{
    static const model_flags flags = { .type = MODEL_TYPE_BPE, .byte_fallback = 1 };
    tiny files;
    tiny_pro(&files);
    fail_create(&files);
    tiny_free(&files);
    tiny_s1(&files);
    fail_create(&files);
    tiny_free(&files);
    tiny_pieces(&files, flags);
    fail_create(&files);
    tiny_free(&files);
}
END_TEST

START_TEST(encode_gives_back_everything_when_memory_runs_out)
{
    static const char text[] =
        "e\xCC\x81\xCC\xA7\xCC\x81\xCC\xA7\xCC\x81\xCC\xA7\xCC\x81\xCC\xA7\xCC\x81\xCC\xA7\xCC\x81"
        "\xCC\xA7\xCC\x81\xCC\xA7\xCC\x81\xCC\xA7\xCC\x81\xCC\xA7\xCC\x81\xCC\xA7"
        " [CH3]CCCCCCCCC <SMILES>C C<protein>MKT</protein> "
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa <|im_end|>";
    tiny files;
    meter m = { 0 };
    ins1_allocator source = meter_source(&m);
    ins1_tokenizer *tokenizer;

    tiny_pro(&files);
    ck_assert_int_eq(s1_tokenizer_create(&tokenizer, &source, &files.source, NULL, NULL), INS1_OK);
    size_t live = m.live;
    for (int n = 0;; n++) {
        const ins1_segment segments[] = { segment_of(text, sizeof(text) - 1, 0, 1),
                                          segment_of("CC", 2, INS1_SEGMENT_SMILES, 0) };
        int32_t ids[512];
        size_t count;
        m.until_refusal = n;
        ins1_status status =
            ins1_tokenizer_encode(tokenizer, segments, 2, 0, ids, NULL, 512, &count, NULL);
        ck_assert_uint_eq(m.live, live);
        if (status == INS1_OK) {
            ck_assert_int_gt(n, 5);
            break;
        }
        ck_assert_int_eq(status, INS1_E_MEMORY);
        ck_assert_uint_eq(count, 0);
    }
    m.until_refusal = 0;
    ins1_detokenizer *stream;
    ck_assert_int_eq(ins1_detokenizer_create(&stream, tokenizer, 0, NULL), INS1_E_MEMORY);
    ck_assert_ptr_null(stream);
    ins1_tokenizer_release(tokenizer);
    ck_assert_uint_eq(m.live, 0);
    tiny_free(&files);
}
END_TEST

/* One file replaced by another text. */
enum { VOCAB, MERGES, CONFIG, JSON, ADDED, MAP };

static const struct {
    const char *what;
    int file;
    const char *text;
    ins1_status status;
} files_gone_wrong[] = {
    { "no JSON", VOCAB, "{", INS1_E_FORMAT },
    { "a list", VOCAB, "[]", INS1_E_FORMAT },
    { "no bytes", VOCAB, "{}", INS1_E_FORMAT },
    { "a negative id", VOCAB, "{\"a\": -1}", INS1_E_FORMAT },
    { "a huge id", VOCAB, "{\"a\": 4294967296}", INS1_E_FORMAT },
    { "an id that is text", VOCAB, "{\"a\": \"1\"}", INS1_E_FORMAT },
    { "one id twice", VOCAB, "{\"a\": 1, \"b\": 1}", INS1_E_FORMAT },
    { "one text twice", VOCAB, "{\"a\": 1, \"a\": 2}", INS1_E_FORMAT },
    { "half a character", VOCAB, "{\"\\ud800\": 1}", INS1_E_FORMAT },
    { "one word", MERGES, "hello\n", INS1_E_FORMAT },
    { "three words", MERGES, "a b c\n", INS1_E_FORMAT },
    { "no second word", MERGES, "a \n", INS1_E_FORMAT },
    { "a token that is not there", MERGES, "x y\n", INS1_E_FORMAT },
    { "carriage returns", MERGES, "h e\r\nl l\r\n", INS1_OK },
    { "no version", MERGES, "l l\n", INS1_OK },
    { "nothing", MERGES, "", INS1_OK },
    { "no JSON", CONFIG, "", INS1_E_FORMAT },
    { "a key that is no id", CONFIG, "{\"added_tokens_decoder\": {\"x\": {\"content\": \"y\"}}}",
      INS1_E_FORMAT },
    { "a token without text", CONFIG, "{\"added_tokens_decoder\": {\"300\": {}}}", INS1_E_FORMAT },
    { "an empty token", CONFIG, "{\"added_tokens_decoder\": {\"300\": {\"content\": \"\"}}}",
      INS1_E_FORMAT },
    { "a single word", CONFIG,
      "{\"added_tokens_decoder\": {\"300\": {\"content\": \"x\", \"single_word\": true}}}",
      INS1_E_UNSUPPORTED },
    { "an id above the rows", CONFIG,
      "{\"added_tokens_decoder\": {\"600\": {\"content\": \"<x>\"}}}", INS1_E_FORMAT },
    { "another class", CONFIG, "{\"tokenizer_class\": \"GPT2Tokenizer\"}", INS1_E_UNSUPPORTED },
    { "an offset among the base tokens", CONFIG,
      "{\"offset_XNA\": 500, \"offset_PROT\": 450, \"offset_SMILES\": 5}", INS1_E_FORMAT },
    { "an offset below zero", CONFIG,
      "{\"offset_XNA\": -1, \"offset_PROT\": 450, \"offset_SMILES\": 400}", INS1_E_FORMAT },
    { "domains that overlap", CONFIG,
      "{\"offset_XNA\": 400, \"offset_PROT\": 450, \"offset_SMILES\": 400}", INS1_E_FORMAT },
    { "no model type", JSON, "{\"model\": {\"type\": \"WordPiece\"}}", INS1_E_UNSUPPORTED },
    { "another normaliser", JSON, "{\"normalizer\": {\"type\": \"NFKC\"}, \"model\": {}}",
      INS1_E_UNSUPPORTED },
    { "no splitter", JSON, "{\"model\": {\"type\": \"BPE\"}}", INS1_E_UNSUPPORTED },
    { "an id that is text", ADDED, "{\"<x>\": \"1\"}", INS1_E_FORMAT },
    { "anything", MAP, "{\"bos_token\": 7, \"eos_token\": {}, \"additional_special_tokens\": {}}",
      INS1_OK },
};

START_TEST(files_that_went_wrong_are_refused_with_a_sentence)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_tokenizer *tokenizer;
    tiny files;
    size_t size = strlen(files_gone_wrong[_i].text);
    char *exact = malloc(size ? size : 1); /* one byte too many read is a report */
    memcpy(exact, files_gone_wrong[_i].text, size);

    tiny_pro(&files);
    s1_tokenizer_file *slots[] = {
        &files.source.vocab_json,     &files.source.merges_txt,   &files.source.tokenizer_config,
        &files.source.tokenizer_json, &files.source.added_tokens, &files.source.special_tokens_map
    };
    *slots[files_gone_wrong[_i].file] = (s1_tokenizer_file){ exact, size };
    if (files_gone_wrong[_i].file == JSON)
        files.source.vocab_json = (s1_tokenizer_file){ 0 };
    ins1_status status = s1_tokenizer_create(&tokenizer, &s1_heap, &files.source, NULL, &error);
    ck_assert_msg(status == files_gone_wrong[_i].status, "%s: %d, %s", files_gone_wrong[_i].what,
                  status, error.text);
    if (status != INS1_OK)
        ck_assert_str_ne(error.text, "");
    ins1_tokenizer_release(tokenizer);
    tiny_free(&files);
    free(exact);
}
END_TEST

START_TEST(missing_files_are_named)
{
    ins1_error error = INS1_INIT(ins1_error);
    const s1_tokenizer_source nothing = { 0 };
    ins1_tokenizer *tokenizer;
    tiny files;

    tiny_pro(&files);
    files.source.xna_model = (s1_tokenizer_file){ 0 };
    ck_assert_int_eq(s1_tokenizer_create(&tokenizer, &s1_heap, &files.source, NULL, &error),
                     INS1_E_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, "tokenizer_XNA.model"));
    ck_assert_int_eq(s1_tokenizer_create(&tokenizer, &s1_heap, &nothing, NULL, &error),
                     INS1_E_FORMAT);
    tiny_free(&files);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tokenizer_limits");
    TCase *limits = tcase_create("limits");

    tcase_set_timeout(limits, 300);
    tcase_add_loop_test(limits, long_texts_take_linear_time, 0,
                        sizeof(long_texts) / sizeof(long_texts[0]));
    tcase_add_loop_test(limits, a_budget_ends_a_long_call, 0, 1);
    tcase_add_test(limits, create_gives_back_everything_when_memory_runs_out);
    tcase_add_test(limits, encode_gives_back_everything_when_memory_runs_out);
    tcase_add_loop_test(limits, files_that_went_wrong_are_refused_with_a_sentence, 0,
                        sizeof(files_gone_wrong) / sizeof(files_gone_wrong[0]));
    tcase_add_test(limits, missing_files_are_named);
    suite_add_tcase(suite, limits);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
