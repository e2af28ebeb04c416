#include "tokenizer_tiny.h"

static tiny files;
static ins1_tokenizer *tokenizer;

static void setup_pro(void)
{
    tiny_pro(&files);
    tokenizer = tiny_open(&files, NULL);
}

static void teardown(void)
{
    ins1_tokenizer_release(tokenizer);
    tokenizer = NULL;
    tiny_free(&files);
}

/* ids, ended by -1. */
static void expect_segments(const ins1_segment *segments, size_t n, const int32_t *want,
                            const char *what)
{
    int32_t ids[512];
    size_t count, n_want = 0;
    while (want[n_want] >= 0)
        n_want++;
    ck_assert_int_eq(ins1_tokenizer_encode(tokenizer, segments, n, 0, ids, NULL, 512, &count, NULL),
                     INS1_OK);
    for (size_t i = 0; i < count && i < n_want; i++)
        ck_assert_msg(ids[i] == want[i], "%s: id %zu is %d, expected %d", what, i, ids[i], want[i]);
    ck_assert_msg(count == n_want, "%s: %zu ids, expected %zu", what, count, n_want);
}

static void expect(const char *text, const int32_t *want)
{
    ins1_segment segment = segment_of(text, strlen(text), INS1_SEGMENT_AUTO, INS1_SEGMENT_SPECIAL);
    expect_segments(&segment, 1, want, text);
}

#define IDS(...) ((const int32_t[]){ __VA_ARGS__, -1 })

static const struct {
    const char *text;
    int32_t ids[16];
} texts[] = {
    { "", { -1 } },
    { "hello", { 259, -1 } },
    { "hel", { 257, 'l', -1 } },
    { "lll", { 256, 'l', -1 } },              /* leftmost first */
    { "aaaaa", { 261, 'a', -1 } },            /* the pair of pairs */
    { " world", { 263, 'r', 'l', 'd', -1 } }, /* rank, not length */
    { "a1b", { 'a', '1', 'b', -1 } },
    { "   x", { 265, ' ', 'x', -1 } },
    { "\xC3\xA9", { 266, -1 } },
    { "e\xCC\x81", { 266, -1 } },           /* composed first */
    { "x\xE2\x96\x81w", { 'x', 262, -1 } }, /* U+2581 is a space */
    { "a\xFF\xFE"
      "b",
      { 'a', 0xFF, 0xFE, 'b', -1 } },
    { "\xE4\xBD", { 0xE4, 0xBD, -1 } },
    { "<think>x", { TINY_THINK, 'x', -1 } },
    { "<|im_end|>", { TINY_IM_END, -1 } },
    { "<|im_endless|>", { TINY_IM_ENDLESS, -1 } },
    { "<|im_endl", { '<', '|', 'i', 'm', '_', 'e', 'n', 'd', 'l', -1 } },
};

START_TEST(texts_become_the_ids_of_the_merges)
{
    expect(texts[_i].text, texts[_i].ids);
}
END_TEST

/* Ids of the tiny domains. */
enum {
    C = 401,
    N,
    O,
    OPEN,
    CLOSE,
    DOUBLE,
    ONE,
    SQUARE,
    UNSQUARE,
    AROMATIC,
    METAL,
    CC = 414,
    DO,
    CCCC
};
enum { MKT = 472, ACGT = 508, PROT_A = 451, XNA_A = 501 };

static const struct {
    const char *text;
    int32_t ids[24];
} tagged[] = {
    { "<SMILES>CCCC</SMILES>", { TINY_SMILES, CCCC, TINY_SMILES_END, -1 } },
    { "<SMILES>CCC=O", { TINY_SMILES, CC, C, DO, -1 } },
    { "<SMILES>C<protein>MKT</protein>C",
      { TINY_SMILES, C, TINY_PROTEIN, MKT, TINY_PROTEIN_END, C, -1 } },
    { "<dna>ACGT</rna>hello", { TINY_DNA, ACGT, TINY_RNA_END, 259, -1 } },
    { "</SMILES>hello", { TINY_SMILES_END, 259, -1 } },
    { "<SMILES>C hello", { TINY_SMILES, C, ' ', 259, -1 } },
    /* What has no piece goes through the base vocabulary, whose M is also a piece. */
    { "<SMILES>C<MOLFORMULA>",
      { TINY_SMILES, C, '<', METAL, O, 'L', 'F', O, 'R', METAL, 'U', 'L', 'A', '>', -1 } },
    /* An unclosed tag runs on over the end of the turn. */
    { "<SMILES>C<|im_end|>CC", { TINY_SMILES, C, TINY_IM_END, CC, -1 } },
    /* Exactly a marker is one, unless it has company. */
    { "<|im_end|><PROT_AUTO_DETECT><|im_end|>MKT", { TINY_IM_END, TINY_IM_END, MKT, -1 } },
    { "<protein>MK</PROT_AUTO_DETECT>",
      { TINY_PROTEIN, 471, '<', '/', 463, 465, 'O', 467, '_', 451, 'U',
        467,          'O', '_', 453, 454, 467, 454, 452, 467, '>', -1 } },
};

START_TEST(tags_choose_the_vocabulary)
{
    expect(tagged[_i].text, tagged[_i].ids);
}
END_TEST

/* What the stretches of a text are: kinds and ends, ended by -1. */
static const struct {
    const char *text;
    int32_t stretches[16];
} detected[] = {
    { "CCCCCCCCCO", { 2, 10, -1 } },
    { "CCCCCCCCO", { 1, 9, -1 } },                   /* nine units */
    { "xCCCCCCCCCO", { 1, 11, -1 } },                /* part of a word */
    { "5CCCCCCCCCO5 ", { 2, 12, 1, 13, -1 } },       /* a digit is a unit */
    { "a CCCCCCCCCO.", { 1, 2, 2, 12, 1, 13, -1 } }, /* the last dot is not taken */
    { "1=2=3=4=5=C", { 1, 11, -1 } },                /* too few letters */
    { "C1CCCCCCCCCO", { 1, 12, -1 } },               /* a ring stays open */
    { "C(C(C(C(C(CCCC", { 2, 14, -1 } },             /* more opened than closed is fine */
    { "CC)CCCCCCCCC", { 1, 12, -1 } },
    { "C=#CCCCCCCCC", { 1, 12, -1 } }, /* two bonds in a row */
    { "[CH3]CCCCCCCCC", { 2, 14, -1 } },
    { "[CuNNN]CCCCCCCCC", { 1, 16, -1 } }, /* three letters in an atom */
    { "C%12CCCCCCCCC%12", { 2, 16, -1 } },
    { "C%1CCCCCCCCCC", { 1, 13, -1 } },
    { "[]CCCCCCCCCCCC", { 1, 2, 2, 14, -1 } }, /* empty brackets are no unit */
    { "MKTAYIAKQRQISFVKSHFSRQLEERL", { 6, 27, -1 } },
    { "MKTAYIAKQRQISFVKSHFSRQLEER", { 1, 26, -1 } },
    { "abcMKTAYIAKQRQISFVKSHFSRQLEERL", { 1, 3, 6, 30, -1 } },
    { "ACGTACGTACGTACGTACGTACGTACG", { 9, 27, -1 } },
    { "ACGTACGTACGTACGTACGTACGTACGM", { 6, 28, -1 } }, /* glued together it is a protein */
    { "<protein>ACGTACGTACGTACGTACGTACGTACG", { 10, 9, 6, 36, -1 } },
    { "<MOLFORMULA>CCCCCCCCCO", { 1, 22, -1 } }, /* protected */
    { "<MOLFORMULA></MOLFORMULA>CCCCCCCCCO", { 1, 25, 2, 35, -1 } },
    { "<think>CCCCCCCCCO", { 10, 7, 2, 17, -1 } },
};

static size_t stretches_of(const ins1_segment *segments, size_t n, ins1_piece *out)
{
    size_t count;
    ck_assert_int_eq(ins1_tokenizer_segments(tokenizer, segments, n, out, 64, &count, NULL),
                     INS1_OK);
    ck_assert_uint_le(count, 64);
    return count;
}

START_TEST(molecules_and_sequences_are_found)
{
    const char *text = detected[_i].text;
    ins1_segment segment = segment_of(text, strlen(text), INS1_SEGMENT_AUTO, INS1_SEGMENT_SPECIAL);
    ins1_piece out[64];
    size_t n = stretches_of(&segment, 1, out), at = 0;

    for (size_t i = 0; i < n; i++) {
        ck_assert_msg(out[i].kind == detected[_i].stretches[2 * i] &&
                          (int32_t)out[i].end == detected[_i].stretches[2 * i + 1],
                      "%s: stretch %zu is of kind %d and ends at %zu", text, i, out[i].kind,
                      out[i].end);
        ck_assert_uint_eq(out[i].begin, at);
        ck_assert_int_eq(out[i].id >= 0, out[i].kind == INS1_SEGMENT_TOKEN);
        at = out[i].end;
    }
    ck_assert_int_eq(detected[_i].stretches[2 * n], -1);
    ck_assert_uint_eq(at, strlen(text));
}
END_TEST

static ins1_segment part(const char *text, int32_t kind, uint32_t flags)
{
    return segment_of(text, strlen(text), kind, flags);
}

START_TEST(untrusted_text_has_no_tokens_but_the_science_tags)
{
    const ins1_segment untrusted = part("<think><SMILES>CC</SMILES><|im_end|>", 0, 0);
    const ins1_segment marker = part("<PROT_AUTO_DETECT>", 0, 0);

    expect_segments(&untrusted, 1,
                    IDS('<', 't', 'h', 'i', 'n', 'k', '>', TINY_SMILES, CC, TINY_SMILES_END, '<',
                        '|', 'i', 'm', '_', 'e', 'n', 'd', '|', '>'),
                    "untrusted");
    expect_segments(&marker, 1,
                    IDS('<', 'P', 'R', 'O', 'T', '_', 'A', 'U', 'T', 'O', '_', 'D', 'E', 'T', 'E',
                        'C', 'T', '>'),
                    "marker");
}
END_TEST

START_TEST(a_token_counts_where_all_its_bytes_may)
{
    const ins1_segment whole[] = { part("<thi", 0, INS1_SEGMENT_SPECIAL),
                                   part("nk>", 0, INS1_SEGMENT_SPECIAL) };
    const ins1_segment half[] = { part("<thi", 0, INS1_SEGMENT_SPECIAL), part("nk>", 0, 0) };
    const ins1_segment longer[] = { part("<|im_end|>", 0, INS1_SEGMENT_SPECIAL), part("", 0, 0),
                                    part("he", 0, 0), part("llo", 0, INS1_SEGMENT_SPECIAL) };

    expect_segments(whole, 2, IDS(TINY_THINK), "both trusted");
    expect_segments(half, 2, IDS('<', 't', 'h', 'i', 'n', 'k', '>'), "one trusted");
    expect_segments(longer, 4, IDS(TINY_IM_END, 259), "a border in a word");
}
END_TEST

START_TEST(a_mark_in_untrusted_text_breaks_no_token)
{
    const ins1_segment segments[] = { part("<think>", 0, INS1_SEGMENT_SPECIAL),
                                      part("\xCC\xB8", 0, 0) };
    const ins1_segment one = part("<think>\xCC\xB8", 0, INS1_SEGMENT_SPECIAL);

    expect_segments(segments, 2, IDS(TINY_THINK, 0xCC, 0xB8), "two segments");
    expect_segments(&one, 1, IDS('<', 't', 'h', 'i', 'n', 'k', 0xE2, 0x89, 0xAF), "one segment");
}
END_TEST

START_TEST(a_kind_works_as_if_it_had_been_detected)
{
    const ins1_segment smiles = part("CC=O", INS1_SEGMENT_SMILES, 0);
    const ins1_segment mixed[] = { part("he", INS1_SEGMENT_TEXT, 0), part("llo", 0, 0),
                                   part("MKT", INS1_SEGMENT_PROTEIN, 0),
                                   part("ACGT", INS1_SEGMENT_RNA, 0), part("hello", 0, 0) };
    const ins1_segment unknown = part("x", INS1_SEGMENT_IUPAC, 0);
    const ins1_segment text = part("CCCCCCCCCO", INS1_SEGMENT_TEXT, 0);
    size_t count = 7;

    expect_segments(&smiles, 1, IDS(CC, DO), "smiles");
    expect_segments(mixed, 5, IDS(259, MKT, ACGT, 259), "mixed");
    expect_segments(&text, 1, IDS('C', 'C', 'C', 'C', 'C', 'C', 'C', 'C', 'C', 'O'),
                    "no detection");
    ck_assert_int_eq(ins1_tokenizer_encode(tokenizer, &unknown, 1, 0, NULL, NULL, 0, &count, NULL),
                     INS1_E_UNSUPPORTED);
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(borders_inside_one_kind_change_nothing)
{
    const char *text = "e\xCC\x81 hello <think>x CCCCCCCCCO <SMILES>CCCC</SMILES> 12 world";
    ins1_segment whole = part(text, 0, INS1_SEGMENT_SPECIAL);
    int32_t want[128], got[128];
    size_t n_want, n_got, size = strlen(text);

    ck_assert_int_eq(ins1_tokenizer_encode(tokenizer, &whole, 1, 0, want, NULL, 128, &n_want, NULL),
                     INS1_OK);
    for (size_t cut = 0; cut <= size; cut++) {
        const ins1_segment halves[] = {
            segment_of(text, cut, 0, INS1_SEGMENT_SPECIAL),
            segment_of(text + cut, size - cut, 0, INS1_SEGMENT_SPECIAL),
        };
        ck_assert_int_eq(
            ins1_tokenizer_encode(tokenizer, halves, 2, 0, got, NULL, 128, &n_got, NULL), INS1_OK);
        ck_assert_uint_eq(n_got, n_want);
        ck_assert_mem_eq(got, want, n_got * sizeof(*got));
    }
}
END_TEST

START_TEST(pieces_tile_the_given_text)
{
    static const char text[] =
        "e\xCC\x81x\xCC\xB8\xCC\xA7 \xE2\x96\x81\xE2\x84\xAB hello\xFF<think>\xED\x95\x9C"
        "\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8 CCCCCCCCCO [\xC3\xA9]";
    ins1_segment segment = part(text, 0, INS1_SEGMENT_SPECIAL);
    ins1_piece pieces[128], out[64];
    int32_t ids[128];
    size_t n, at = 0;

    ck_assert_int_eq(ins1_tokenizer_encode(tokenizer, &segment, 1, 0, ids, pieces, 128, &n, NULL),
                     INS1_OK);
    for (size_t i = 0; i < n; i++, at = pieces[i - 1].end) {
        ck_assert_uint_eq(pieces[i].begin, at);
        ck_assert_int_eq(pieces[i].id, ids[i]);
    }
    ck_assert_uint_eq(at, sizeof(text) - 1);
    ck_assert_uint_eq(pieces[0].end, 3); /* e and its accent are one token */
    at = 0;
    n = stretches_of(&segment, 1, out);
    for (size_t i = 0; i < n; at = out[i++].end)
        ck_assert_uint_eq(out[i].begin, at);
    ck_assert_uint_eq(at, sizeof(text) - 1);
}
END_TEST

START_TEST(a_full_buffer_says_what_is_needed)
{
    ins1_segment segment = part("a1b2", 0, 0);
    int32_t ids[4] = { 0 };
    size_t count;

    ck_assert_int_eq(ins1_tokenizer_encode(tokenizer, &segment, 1, 0, NULL, NULL, 0, &count, NULL),
                     INS1_E_BUFFER);
    ck_assert_uint_eq(count, 4);
    ck_assert_int_eq(ins1_tokenizer_encode(tokenizer, &segment, 1, 0, ids, NULL, 2, &count, NULL),
                     INS1_E_BUFFER);
    ck_assert_uint_eq(count, 4);
    ck_assert_int_eq(ids[0], 'a');
    ck_assert_int_eq(ids[1], '1');
    ck_assert_int_eq(ids[2], 0);
    ck_assert_int_eq(ins1_tokenizer_encode(tokenizer, NULL, 0, 0, NULL, NULL, 0, &count, NULL),
                     INS1_OK);
    ck_assert_uint_eq(count, 0);
}
END_TEST

static const struct {
    ins1_segment segment;
    uint32_t flags;
    ins1_status status;
} wrong[] = {
    { { .struct_size = 0, .text = "x", .size = 1 }, 0, INS1_E_ARGUMENT },
    { { .struct_size = 16, .text = "x", .size = 1 }, 0, INS1_E_ARGUMENT },
    { { .struct_size = sizeof(ins1_segment), .kind = 10, .text = "x", .size = 1 },
      0,
      INS1_E_ARGUMENT },
    { { .struct_size = sizeof(ins1_segment), .kind = -1, .text = "x", .size = 1 },
      0,
      INS1_E_ARGUMENT },
    { { .struct_size = sizeof(ins1_segment), .flags = 2, .text = "x", .size = 1 },
      0,
      INS1_E_VERSION },
    { { .struct_size = sizeof(ins1_segment), .size = 1 }, 0, INS1_E_ARGUMENT },
    { { .struct_size = sizeof(ins1_segment), .text = "x", .size = SIZE_MAX }, 0, INS1_E_ARGUMENT },
    { { .struct_size = sizeof(ins1_segment), .text = "x", .size = 1 }, 2, INS1_E_VERSION },
};

START_TEST(wrong_calls_are_refused)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    size_t count = 7;
    call.error = &error;
    ck_assert_int_eq(ins1_tokenizer_encode(tokenizer, &wrong[_i].segment, 1, wrong[_i].flags, NULL,
                                           NULL, 0, &count, &call),
                     wrong[_i].status);
    ck_assert_str_ne(error.text, "");
    ck_assert_uint_eq(count, 0);
}
END_TEST

static const struct {
    const char *bytes;
    const char *text;
} broken[] = {
    { "a\xFF"
      "b",
      "a\xEF\xBF\xBD"
      "b" },
    { "\xE4\xBD", "\xEF\xBF\xBD" },
    { "\xE4\xBD"
      "a",
      "\xEF\xBF\xBD"
      "a" },
    { "\xF0\x9F\x98", "\xEF\xBF\xBD" },
    { "\xF0\x9F\xF0\x9F\x98\x80", "\xEF\xBF\xBD\xF0\x9F\x98\x80" },
    { "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
    { "\xC0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD" },
    { "\xE0\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
    { "\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
    { "\x80\xC3\xA9", "\xEF\xBF\xBD\xC3\xA9" },
};

/* Pieces of every size that a stream may come in, joined. */
static void check_stream(const int32_t *ids, size_t n, const char *want, size_t size)
{
    ins1_detokenizer *stream;
    ck_assert_int_eq(ins1_detokenizer_create(&stream, tokenizer, 0, NULL), INS1_OK);
    for (size_t step = 1; step <= n; step++) {
        char joined[256];
        size_t at = 0, count;
        for (size_t i = 0; i < n; i += step) {
            size_t take = n - i < step ? n - i : step;
            ins1_status status =
                ins1_detokenizer_push(stream, ids + i, take, NULL, 0, &count, NULL);
            ck_assert_int_eq(status, count ? INS1_E_BUFFER : INS1_OK);
            if (count)
                ck_assert_int_eq(ins1_detokenizer_push(stream, ids + i, take, joined + at,
                                                       sizeof(joined) - at, &count, NULL),
                                 INS1_OK);
            at += count;
        }
        ck_assert_int_eq(
            ins1_detokenizer_flush(stream, joined + at, sizeof(joined) - at, &count, NULL),
            INS1_OK);
        at += count;
        ck_assert_uint_eq(at, size);
        ck_assert_mem_eq(joined, want, size);
    }
    ins1_detokenizer_release(stream);
}

START_TEST(broken_utf8_is_replaced_as_python_does)
{
    const char *bytes = broken[_i].bytes;
    int32_t ids[16];
    size_t n = strlen(bytes), size;

    for (size_t i = 0; i < n; i++)
        ids[i] = (uint8_t)bytes[i];
    char *text = decode_all(tokenizer, ids, n, 0, &size);
    ck_assert_str_eq(text, broken[_i].text);
    check_stream(ids, n, text, size);
    free(text);
}
END_TEST

START_TEST(decoding_knows_tokens_domains_and_padding)
{
    static const int32_t ids[] = { 259, TINY_IM_END, 0xE4, TINY_THINK, CC, DO, MKT, 400, 599, 262 };
    size_t size;
    char *text = decode_all(tokenizer, ids, 10, 0, &size);
    ck_assert_str_eq(text, "hello<|im_end|>\xEF\xBF\xBD<think>CC=OMKT<unk> w");
    check_stream(ids, 10, text, size);
    free(text);
    text = decode_all(tokenizer, ids, 2, INS1_DECODE_SKIP_SPECIAL, &size);
    ck_assert_str_eq(text, "hello");
    free(text);
    /* Flagged, but not among the named ones. */
    text = decode_all(tokenizer, IDS(TINY_IM_START, 'x'), 2, INS1_DECODE_SKIP_SPECIAL, &size);
    ck_assert_str_eq(text, "<|im_start|>x");
    free(text);
    text = decode_all(tokenizer, IDS(TINY_IM_START, 'x'), 2, INS1_DECODE_SKIP_CONTROL, &size);
    ck_assert_str_eq(text, "x");
    free(text);
    ck_assert_int_eq(ins1_tokenizer_decode(tokenizer, IDS(TINY_ROWS), 1, 0, NULL, 0, &size, NULL),
                     INS1_E_ARGUMENT);
    ck_assert_int_eq(ins1_tokenizer_decode(tokenizer, IDS(0), 1, 4, NULL, 0, &size, NULL),
                     INS1_E_VERSION);
}
END_TEST

static const struct {
    int32_t id;
    const char *text;
    uint32_t attributes;
} rows[] = {
    { 259, "hello", 0 },
    { 0xC3, "\xC3", INS1_TOKEN_PARTIAL },
    { TINY_IM_END, "<|im_end|>", INS1_TOKEN_SPECIAL | INS1_TOKEN_CONTROL | INS1_TOKEN_END },
    { TINY_IM_START, "<|im_start|>", INS1_TOKEN_CONTROL | INS1_TOKEN_PLACEHOLDER },
    { TINY_THINK, "<think>", 0 },
    { CC, "CC", 0 },
    { 599, "", INS1_TOKEN_PADDING },
};

START_TEST(rows_say_what_they_are)
{
    static const int32_t end[] = { TINY_IM_END, 100000 }, placeholder[] = { TINY_IM_START };
    tiny own;
    tiny_pro(&own);
    own.source.end_ids = end;
    own.source.n_end_ids = 2;
    own.source.placeholder_ids = placeholder;
    own.source.n_placeholder_ids = 1;
    ins1_tokenizer *t = tiny_open(&own, NULL);
    const char *bytes;
    size_t size;
    uint32_t attributes;

    ck_assert_int_eq(ins1_tokenizer_piece(t, rows[_i].id, &bytes, &size, &attributes, NULL),
                     INS1_OK);
    ck_assert_uint_eq(size, strlen(rows[_i].text));
    ck_assert_mem_eq(bytes, rows[_i].text, size);
    ck_assert_uint_eq(attributes, rows[_i].attributes);
    ck_assert_int_eq(s1_tokenizer_is_padding(t, rows[_i].id),
                     (attributes & INS1_TOKEN_PADDING) != 0);
    ck_assert_int_eq(s1_tokenizer_is_end(t, rows[_i].id), (attributes & INS1_TOKEN_END) != 0);
    ck_assert_int_eq(s1_tokenizer_n_vocab(t), TINY_ROWS);
    ck_assert_int_eq(s1_tokenizer_token_id(t, "<think>"), TINY_THINK);
    ck_assert_int_eq(s1_tokenizer_token_id(t, "hello"), -1);
    ck_assert_int_eq(ins1_tokenizer_piece(t, TINY_ROWS, NULL, NULL, NULL, NULL), INS1_E_ARGUMENT);
    ins1_tokenizer_release(t);
    tiny_free(&own);
}
END_TEST

static int32_t answer_of(void *user, const char *text, size_t size)
{
    (void)text;
    (void)size;
    return *(int32_t *)user;
}

START_TEST(options_change_the_rules)
{
    int32_t answer = 1;
    ins1_tokenizer_options options = INS1_INIT(ins1_tokenizer_options);
    ins1_segment bad_ring = part("C1CCCCCCCCCO", 0, 0), good = part("CCCCCCCCCO", 0, 0);
    size_t count;

    options.flags = INS1_TOKENIZER_RESET_AT_TURN | INS1_TOKENIZER_NO_MARKERS;
    options.smiles_valid = answer_of;
    options.user = &answer;
    ins1_tokenizer_release(tokenizer);
    tokenizer = NULL;
    tokenizer = tiny_open(&files, &options);
    expect("<SMILES>C<|im_end|>CC", IDS(TINY_SMILES, C, TINY_IM_END, 'C', 'C'));
    expect("<PROT_AUTO_DETECT>", IDS('<', 'P', 'R', 'O', 'T', '_', 'A', 'U', 'T', 'O', '_', 'D',
                                     'E', 'T', 'E', 'C', 'T', '>'));
    expect_segments(&bad_ring, 1, IDS(C, ONE, CCCC, CCCC, C, O), "the callback decides");
    answer = 0;
    expect_segments(&good, 1, IDS('C', 'C', 'C', 'C', 'C', 'C', 'C', 'C', 'C', 'O'), "no");
    answer = -5;
    ck_assert_int_eq(ins1_tokenizer_encode(tokenizer, &good, 1, 0, NULL, NULL, 0, &count, NULL),
                     INS1_E_CALLBACK);
    options.flags = 4;
    ck_assert_int_eq(
        s1_tokenizer_create(&(ins1_tokenizer *){ NULL }, &s1_heap, &files.source, &options, NULL),
        INS1_E_VERSION);
}
END_TEST

START_TEST(the_older_rules_find_their_places_by_the_tags)
{
    teardown();
    tiny_s1(&files);
    tokenizer = tiny_open(&files, NULL);
    ck_assert_str_eq(s1_tokenizer_rules(tokenizer), "intern-s1");
    expect("<SELFIES>CC</SELFIES>", IDS(417, 413, 418));
    expect("<IUPAC>me</IUPAC>", IDS(422, 420, 421, 423));
    ins1_segment fasta = part("MKT", INS1_SEGMENT_FASTA, 0);
    expect_segments(&fasta, 1, IDS(446), "fasta lies behind the tag of iupac");
    /* A sequence inside a detected molecule is found, too, and wins. */
    expect("CCCCCCCCCCCCCCCCCCCCCCCCCCC",
           IDS(426, 426, 426, 426, 426, 426, 426, 426, 426, 426, 426, 426, 426, 426, 426, 426, 426,
               426, 426, 426, 426, 426, 426, 426, 426, 426, 426));
}
END_TEST

static int32_t retained;

static void count_retain(void *owner)
{
    ck_assert_ptr_eq(owner, &retained);
    retained++;
}

static void count_release(void *owner)
{
    ck_assert_ptr_eq(owner, &retained);
    retained--;
}

START_TEST(the_owner_lives_as_long_as_anything_needs_it)
{
    ins1_detokenizer *stream;
    ins1_tokenizer *t;
    files.source.owner = &retained;
    files.source.retain = count_retain;
    files.source.release = count_release;
    t = tiny_open(&files, NULL);
    ck_assert_int_eq(retained, 1);
    ck_assert_int_eq(ins1_detokenizer_create(&stream, t, 0, NULL), INS1_OK);
    ins1_tokenizer_retain(t);
    ins1_tokenizer_release(t);
    ins1_tokenizer_release(t);
    ck_assert_int_eq(retained, 1);
    ins1_detokenizer_release(stream);
    ck_assert_int_eq(retained, 0);
    ins1_tokenizer_release(NULL);
    ins1_detokenizer_release(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tokenizer");
    TCase *pro = tcase_create("pro");

    tcase_set_timeout(pro, 300);
    tcase_add_checked_fixture(pro, setup_pro, teardown);
    tcase_add_loop_test(pro, texts_become_the_ids_of_the_merges, 0,
                        sizeof(texts) / sizeof(texts[0]));
    tcase_add_loop_test(pro, tags_choose_the_vocabulary, 0, sizeof(tagged) / sizeof(tagged[0]));
    tcase_add_loop_test(pro, molecules_and_sequences_are_found, 0,
                        sizeof(detected) / sizeof(detected[0]));
    tcase_add_test(pro, untrusted_text_has_no_tokens_but_the_science_tags);
    tcase_add_test(pro, a_token_counts_where_all_its_bytes_may);
    tcase_add_test(pro, a_mark_in_untrusted_text_breaks_no_token);
    tcase_add_test(pro, a_kind_works_as_if_it_had_been_detected);
    tcase_add_test(pro, borders_inside_one_kind_change_nothing);
    tcase_add_test(pro, pieces_tile_the_given_text);
    tcase_add_test(pro, a_full_buffer_says_what_is_needed);
    tcase_add_loop_test(pro, wrong_calls_are_refused, 0, sizeof(wrong) / sizeof(wrong[0]));
    tcase_add_loop_test(pro, broken_utf8_is_replaced_as_python_does, 0,
                        sizeof(broken) / sizeof(broken[0]));
    tcase_add_test(pro, decoding_knows_tokens_domains_and_padding);
    tcase_add_loop_test(pro, rows_say_what_they_are, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(pro, options_change_the_rules);
    tcase_add_test(pro, the_older_rules_find_their_places_by_the_tags);
    tcase_add_test(pro, the_owner_lives_as_long_as_anything_needs_it);
    suite_add_tcase(suite, pro);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
