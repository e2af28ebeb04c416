/* The tokenizer against vectors of other programs, which are not part of the project. */

#include "base/json.h"
#include "tokenizer_support.h"

#include <stdint.h>

/* SHA-256, for vectors too long to be written out. */
typedef struct sha256 {
    uint32_t state[8];
    uint8_t block[64];
    uint64_t size;
} sha256;

static const uint32_t sha_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turned(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void sha_block(sha256 *s)
{
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)s->block[4 * i] << 24 | (uint32_t)s->block[4 * i + 1] << 16 |
               (uint32_t)s->block[4 * i + 2] << 8 | s->block[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7] +
               (turned(w[i - 15], 7) ^ turned(w[i - 15], 18) ^ w[i - 15] >> 3) +
               (turned(w[i - 2], 17) ^ turned(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(v, s->state, sizeof(v));
    for (int i = 0; i < 64; i++) {
        uint32_t a = v[7] + (turned(v[4], 6) ^ turned(v[4], 11) ^ turned(v[4], 25)) +
                     ((v[4] & v[5]) ^ (~v[4] & v[6])) + sha_constants[i] + w[i];
        uint32_t b = (turned(v[0], 2) ^ turned(v[0], 13) ^ turned(v[0], 22)) +
                     ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof(*v));
        v[4] += a;
        v[0] = a + b;
    }
    for (int i = 0; i < 8; i++)
        s->state[i] += v[i];
}

static void sha_put(sha256 *s, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (; size; size--) {
        s->block[s->size++ % 64] = *at++;
        if (s->size % 64 == 0)
            sha_block(s);
    }
}

static void sha_hex(sha256 *s, char out[65])
{
    uint8_t length[8], pad = 0x80;
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)(s->size * 8 >> (56 - 8 * i));
    sha_put(s, &pad, 1);
    for (pad = 0; s->size % 64 != 56;)
        sha_put(s, &pad, 1);
    sha_put(s, length, 8);
    for (int i = 0; i < 8; i++)
        snprintf(out + 8 * i, 9, "%08x", s->state[i]);
}

static void digest(const int32_t *ids, size_t n, char out[65])
{
    sha256 s = { { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                   0x1f83d9ab, 0x5be0cd19 },
                 { 0 },
                 0 };
    for (size_t i = 0; i < n; i++) {
        uint8_t bytes[4];
        for (int b = 0; b < 4; b++)
            bytes[b] = (uint8_t)((uint32_t)ids[i] >> 8 * b);
        sha_put(&s, bytes, 4);
    }
    sha_hex(&s, out);
}

static char *json_text(s1_json value, size_t *size)
{
    char *text = malloc(value.size + 1);
    ck_assert(s1_json_string(value, text, value.size, size));
    text[*size] = 0;
    return text;
}

static int32_t *json_ids(s1_json value, size_t *n)
{
    s1_json key, element;
    s1_json_walk walk = s1_json_begin(value);
    int32_t *ids = malloc((s1_json_count(value) + 1) * sizeof(*ids));
    *n = 0;
    while (s1_json_next(&walk, &key, &element)) {
        int64_t id;
        ck_assert(s1_json_int(element, &id));
        ids[(*n)++] = (int32_t)id;
    }
    return ids;
}

static int failures;

static void report(const char *text, const int32_t *got, size_t n_got, const int32_t *want,
                   size_t n_want)
{
    size_t at = 0;
    while (at < n_got && at < n_want && got[at] == want[at])
        at++;
    printf("%.60s: %zu ids, expected %zu; first difference at %zu: %d, expected %d\n", text, n_got,
           n_want, at, at < n_got ? got[at] : -1, at < n_want ? want[at] : -1);
    failures++;
}

static void compare_ids(const char *text, const int32_t *got, size_t n_got, const int32_t *want,
                        size_t n_want)
{
    if (n_got != n_want || memcmp(got, want, n_got * sizeof(*got)))
        report(text, got, n_got, want, n_want);
}

/* Pieces give the input back when nothing was normalised: no gap, no overlap. */
static void check_pieces(const char *text, size_t size, const ins1_piece *pieces, size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        ck_assert_msg(pieces[i].begin == at && pieces[i].end >= at && pieces[i].end <= size,
                      "%.40s: piece %zu is %zu..%zu after %zu", text, i, pieces[i].begin,
                      pieces[i].end, at);
        at = pieces[i].end;
    }
    ck_assert_uint_eq(at, size);
}

static void compare_text(const ins1_tokenizer *tokenizer, const int32_t *ids, size_t n,
                         uint32_t flags, s1_json want)
{
    size_t size, want_size;
    if (want.kind != S1_JSON_STRING)
        return;
    char *got = decode_all(tokenizer, ids, n, flags, &size);
    char *text = json_text(want, &want_size);
    if (size != want_size || memcmp(got, text, size)) {
        printf("decoded \"%.60s\", expected \"%.60s\"\n", got, text);
        failures++;
    }
    free(got);
    free(text);
}

/* The text that a recipe of the vectors stands for. */
static char *generate(s1_json recipe, size_t *size)
{
    size_t unit_size;
    int64_t n;
    char *unit = json_text(s1_json_get(recipe, "alphabet_or_unit"), &unit_size);
    ck_assert(s1_json_int(s1_json_get(recipe, "n"), &n));
    bool repeat = s1_json_is(s1_json_get(recipe, "kind"), "repeat");
    char *text = malloc((size_t)n * unit_size + 1);
    uint32_t x = 12345;

    *size = 0;
    for (int64_t i = 0; i < n; i++) {
        if (repeat) {
            memcpy(text + *size, unit, unit_size);
            *size += unit_size;
        } else {
            x = (x * 1103515245u + 12345u) & 0x7fffffffu;
            text[(*size)++] = unit[(x >> 16) % unit_size];
        }
    }
    free(unit);
    return text;
}

static bool skipped(const ins1_tokenizer *tokenizer, const char *what)
{
    if (!tokenizer)
        printf("skipped: %s is not in \"%s\"\n", what, TEST_DATA);
    failures = 0;
    return !tokenizer;
}

static void check_vector(const ins1_tokenizer *tokenizer, s1_json vector)
{
    s1_json recipe = s1_json_get(vector, "generator"), input = s1_json_get(vector, "input");
    s1_json sum = s1_json_get(vector, "ids_sha256");
    size_t size, n_want, n_got;
    int32_t *want = json_ids(s1_json_get(vector, "ids"), &n_want), *got;
    ins1_piece *pieces;

    if (recipe.kind == S1_JSON_NONE && input.kind == S1_JSON_NONE) {
        compare_text(tokenizer, want, n_want, 0, s1_json_get(vector, "decoded"));
        compare_text(tokenizer, want, n_want, INS1_DECODE_SKIP_SPECIAL,
                     s1_json_get(vector, "decoded_skip_special"));
        free(want);
        return;
    }
    char *text = recipe.kind ? generate(recipe, &size) : json_text(input, &size);
    got = encode_all(tokenizer, text, size, INS1_SEGMENT_AUTO, &n_got, &pieces);
    if (sum.kind == S1_JSON_STRING) {
        char hex[65];
        digest(got, n_got, hex);
        if (!s1_json_is(sum, hex)) {
            printf("%.20s... x %zu bytes: sha256 of %zu ids is %s\n", text, size, n_got, hex);
            failures++;
        }
    } else {
        compare_ids(text, got, n_got, want, n_want);
        compare_text(tokenizer, got, n_got, 0, s1_json_get(vector, "decoded"));
        compare_text(tokenizer, got, n_got, INS1_DECODE_SKIP_SPECIAL,
                     s1_json_get(vector, "decoded_skip_special"));
    }
    if (!memmem(text, size, "_AUTO_DETECT>", 13))
        check_pieces(text, size, pieces, n_got);
    free(text);
    free(want);
    free(got);
    free(pieces);
}

START_TEST(every_vector_of_the_pro_tokenizer_matches)
{
    ins1_tokenizer *tokenizer = tokenizer_open(TEST_DATA "/tokenizers/intern-s1-pro", NULL);
    size_t size, n = 0;
    s1_json root, key, vector;

    if (skipped(tokenizer, "tokenizers/intern-s1-pro"))
        return;
    ck_assert_str_eq(s1_tokenizer_rules(tokenizer), "intern-s1-pro");
    char *text = file_read(TEST_DATA "/golden", "tokenizer-vectors.json", &size);
    ck_assert_int_eq(s1_json_parse(&root, text, size, NULL), INS1_OK);
    s1_json_walk walk = s1_json_begin(s1_json_get(root, "vectors"));
    for (; s1_json_next(&walk, &key, &vector); n++)
        check_vector(tokenizer, vector);
    ck_assert_uint_eq(n, 134);
    ck_assert_int_eq(failures, 0);
    free(text);
    ins1_tokenizer_release(tokenizer);
}
END_TEST

/* Lines of a text and its ids. */
static void check_lines(const char *tokenizer_name, const char *folder, const char *file)
{
    char path[512];
    size_t size;
    snprintf(path, sizeof(path), "%s/tokenizers/%s", TEST_DATA, tokenizer_name);
    ins1_tokenizer *tokenizer = tokenizer_open(path, NULL);

    if (skipped(tokenizer, tokenizer_name))
        return;
    char *lines = file_read(folder, file, &size);
    ck_assert_ptr_nonnull(lines);
    for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n")) {
        s1_json root;
        size_t n_text, n_want, n_got;
        ck_assert_int_eq(s1_json_parse(&root, line, strlen(line), NULL), INS1_OK);
        char *text = json_text(s1_json_get(root, "text"), &n_text);
        int32_t *want = json_ids(s1_json_get(root, "ids"), &n_want);
        int32_t *got = encode_all(tokenizer, text, n_text, INS1_SEGMENT_TEXT, &n_got, NULL);
        compare_ids(text, got, n_got, want, n_want);
        free(text);
        free(want);
        free(got);
    }
    ck_assert_int_eq(failures, 0);
    free(lines);
    ins1_tokenizer_release(tokenizer);
}

START_TEST(base_texts_match_from_tokenizer_json)
{
    check_lines("qwen3", TEST_DATA "/golden", "qwen3_base_text.jsonl");
}
END_TEST

START_TEST(base_texts_match_from_vocab_and_merges)
{
    check_lines("intern-s1-pro", TEST_DATA "/golden", "qwen3_base_text.jsonl");
}
END_TEST

START_TEST(internlm2_gives_the_ids_of_sentencepiece)
{
    check_lines("internlm2", TEST_GOLDEN "/tokenizer", "internlm2.jsonl");
}
END_TEST

START_TEST(unigram_models_are_not_supported)
{
    s1_tokenizer_source source = { 0 };
    ins1_error error = INS1_INIT(ins1_error);
    ins1_tokenizer *tokenizer;
    char *model = file_read(TEST_DATA "/tokenizers/sentencepiece", "sp_test_model.model",
                            &source.tokenizer_model.size);
    source.tokenizer_model.data = model;
    if (!model) {
        printf("skipped: tokenizers/sentencepiece is not in \"%s\"\n", TEST_DATA);
        return;
    }
    ck_assert_int_eq(s1_tokenizer_create(&tokenizer, &s1_heap, &source, NULL, &error),
                     INS1_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.text, "tokenizer.model: "));
    free(model);
}
END_TEST

START_TEST(both_writings_of_merges_give_the_same_vocabulary)
{
    ins1_tokenizer *pairs = tokenizer_open(TEST_DATA "/tokenizers/qwen3", NULL);
    ins1_tokenizer *strings = tokenizer_open(TEST_DATA "/tokenizers/qwen2_5", NULL);
    size_t size, n_pairs, n_strings;

    if (skipped(pairs, "tokenizers/qwen3") || skipped(strings, "tokenizers/qwen2_5"))
        return;
    char *text = file_read(TEST_DATA "/tokenizers/sentencepiece", "botchan.txt", &size);
    int32_t *a = encode_all(pairs, text, size, INS1_SEGMENT_TEXT, &n_pairs, NULL);
    int32_t *b = encode_all(strings, text, size, INS1_SEGMENT_TEXT, &n_strings, NULL);
    ck_assert_uint_eq(n_pairs, n_strings);
    ck_assert_mem_eq(a, b, n_pairs * sizeof(*a));
    free(a);
    free(b);
    free(text);
    ins1_tokenizer_release(pairs);
    ins1_tokenizer_release(strings);
}
END_TEST

static const struct {
    const char *file, *begin, *end;
    int32_t offset, kind;
} domains[] = {
    { "spm_SMILES_hiv_esol_nci.tsv", "<SMILES>", "</SMILES>", 151694, INS1_SEGMENT_SMILES },
    { "spm_PROT.tsv", "<protein>", "</protein>", 152718, INS1_SEGMENT_PROTEIN },
    { "spm_XNA.tsv", "<dna>", "</dna>", 153742, INS1_SEGMENT_DNA },
};

static void check_domain_line(const ins1_tokenizer *tokenizer, int domain, char *line)
{
    char *tab = strchr(line, '\t'), *tagged = malloc(strlen(line) + 32);
    size_t n_got, n_want = 0, n_own;
    *tab = 0;
    int size = sprintf(tagged, "%s%s%s", domains[domain].begin, line, domains[domain].end);
    int32_t *want = malloc((strlen(tab + 1) + 1) * sizeof(*want));
    for (char *at = tab + 1; *at;)
        want[n_want++] = domains[domain].offset + (int32_t)strtol(at, &at, 10);
    int32_t *got = encode_all(tokenizer, tagged, (size_t)size, INS1_SEGMENT_AUTO, &n_got, NULL);
    int32_t *own = encode_all(tokenizer, line, strlen(line), domains[domain].kind, &n_own, NULL);
    ck_assert_uint_ge(n_got, 2);
    compare_ids(line, got + 1, n_got - 2, want, n_want);
    compare_ids(line, own, n_own, want, n_want);
    free(tagged);
    free(want);
    free(got);
    free(own);
}

START_TEST(domain_pieces_match_those_of_sentencepiece)
{
    ins1_tokenizer *tokenizer = tokenizer_open(TEST_DATA "/tokenizers/intern-s1-pro", NULL);
    size_t size;

    if (skipped(tokenizer, "tokenizers/intern-s1-pro"))
        return;
    char *lines = file_read(TEST_DATA "/golden", domains[_i].file, &size);
    char *rest = lines;
    for (char *line; (line = strsep(&rest, "\n"));)
        if (*line)
            check_domain_line(tokenizer, _i, line);
    ck_assert_int_eq(failures, 0);
    free(lines);
    ins1_tokenizer_release(tokenizer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tokenizer_data");
    TCase *vectors = tcase_create("vectors");

    tcase_set_timeout(vectors, 300);
    tcase_add_test(vectors, every_vector_of_the_pro_tokenizer_matches);
    tcase_add_test(vectors, base_texts_match_from_tokenizer_json);
    tcase_add_test(vectors, base_texts_match_from_vocab_and_merges);
    tcase_add_test(vectors, internlm2_gives_the_ids_of_sentencepiece);
    tcase_add_test(vectors, unigram_models_are_not_supported);
    tcase_add_test(vectors, both_writings_of_merges_give_the_same_vocabulary);
    tcase_add_loop_test(vectors, domain_pieces_match_those_of_sentencepiece, 0,
                        sizeof(domains) / sizeof(domains[0]));
    suite_add_tcase(suite, vectors);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
