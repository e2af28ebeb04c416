/* Snapshots of real tiny checkpoints: what comes back, and what is refused. */

#include "session/snapshot.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/zstd.h"
#include "interns1/interns1.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const int32_t prompt[] = { 5, 18, 41, 30, 41, 60, 39, 19, 23 };
enum { N_PROMPT = 9 };

/* A source of memory that refuses the n-th request. */
typedef struct meter {
    size_t live;
    int until_refusal; /* negative: never */
} meter;

static void *meter_alloc(void *user, size_t size, size_t align, int32_t kind)
{
    meter *m = user;
    (void)kind;
    if (m->until_refusal-- == 0)
        return NULL;
    m->live += size;
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static void meter_free(void *user, void *memory, size_t size, size_t align, int32_t kind)
{
    meter *m = user;
    (void)align;
    (void)kind;
    m->live -= size;
    free(memory);
}

static meter source;
static ins1_error error;
static ins1_call call;
static ins1_runtime *runtime;
static ins1_model *model;
static ins1_decoder *decoder;

static void open_checkpoint(const char *folder)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    char path[512] = TEST_GOLDEN "/";
    strcat(path, folder);
    options.path = path;
    options.parts = INS1_PART_DECODER;
    ck_assert_msg(ins1_model_open(&model, runtime, &options, &call) == INS1_OK, "%s", error.text);
    ck_assert_msg(ins1_decoder_create(&decoder, model, NULL, &call) == INS1_OK, "%s", error.text);
}

static void close_checkpoint(void)
{
    ins1_decoder_release(decoder);
    ins1_model_release(model);
}

static void setup(void)
{
    ins1_allocator allocator = INS1_INIT(ins1_allocator);
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    error = (ins1_error)INS1_INIT(ins1_error);
    call = (ins1_call)INS1_INIT(ins1_call);
    call.error = &error;
    source = (meter){ .until_refusal = -1 };
    allocator.alloc = meter_alloc;
    allocator.free = meter_free;
    allocator.user = &source;
    options.allocator = &allocator;
    ck_assert_int_eq(ins1_runtime_create(&runtime, &options, &call), INS1_OK);
    open_checkpoint("mini-f32");
}

static void teardown(void)
{
    close_checkpoint();
    ins1_runtime_release(runtime);
    ck_assert_uint_eq(source.live, 0);
}

static ins1_session *open_session(int32_t n_ctx, int32_t n_seq, int32_t kv_type, uint32_t flags)
{
    ins1_session_options options = INS1_INIT(ins1_session_options);
    ins1_session *session;
    options.n_ctx = n_ctx;
    options.n_seq = n_seq;
    options.kv_type = kv_type;
    options.flags = flags;
    ck_assert_msg(ins1_session_create(&session, decoder, &options, &call) == INS1_OK, "%s",
                  error.text);
    return session;
}

static void prefill(ins1_session *session, int32_t seq, const int32_t *ids, size_t n)
{
    ins1_span span = INS1_INIT(ins1_span);
    ins1_feed feed = INS1_INIT(ins1_feed);
    span.ids = ids;
    span.n_ids = n;
    feed.seq = seq;
    feed.spans = &span;
    feed.n_spans = 1;
    ck_assert_msg(ins1_session_prefill(session, &feed, 1, NULL, &call) == INS1_OK, "%s",
                  error.text);
}

static void step(ins1_session *session, int32_t seq, int32_t token)
{
    const ins1_step one = { seq, token };
    ck_assert_msg(ins1_session_step(session, &one, 1, &call) == INS1_OK, "%s", error.text);
}

static size_t length_of(ins1_session *session, int32_t seq)
{
    size_t n;
    ck_assert_int_eq(ins1_session_length(session, seq, &n, &call), INS1_OK);
    return n;
}

static void assert_empty(ins1_session *session, int32_t seq)
{
    const float *logits;
    size_t n;
    ck_assert_uint_eq(length_of(session, seq), 0);
    ck_assert_int_eq(ins1_session_logits(session, seq, &logits, &n, &call), INS1_E_STATE);
}

static void assert_same_logits(ins1_session *a, int32_t a_seq, ins1_session *b, int32_t b_seq)
{
    const float *x, *y;
    size_t n, m;
    ck_assert_int_eq(ins1_session_logits(a, a_seq, &x, &n, &call), INS1_OK);
    ck_assert_int_eq(ins1_session_logits(b, b_seq, &y, &m, &call), INS1_OK);
    ck_assert_uint_eq(n, m);
    ck_assert_mem_eq(x, y, n * sizeof(*x));
}

/* A snapshot in a heap block of exactly its size. */
typedef struct snapshot {
    uint8_t *bytes;
    size_t size;
} snapshot;

static snapshot save(ins1_session *session, int32_t seq)
{
    snapshot s;
    size_t size;
    ck_assert_int_eq(ins1_session_save(session, seq, NULL, 0, &size, &call), INS1_E_BUFFER);
    s.bytes = malloc(size);
    ck_assert_msg(ins1_session_save(session, seq, s.bytes, size, &s.size, &call) == INS1_OK, "%s",
                  error.text);
    ck_assert_uint_eq(s.size, size);
    return s;
}

static ins1_status restore(ins1_session *session, int32_t seq, snapshot s)
{
    return ins1_session_restore(session, seq, s.bytes, s.size, &call);
}

static snapshot copy_of(snapshot s, size_t size)
{
    snapshot copy = { malloc(size ? size : 1), size };
    memset(copy.bytes, 0, size);
    memcpy(copy.bytes, s.bytes, size < s.size ? size : s.size);
    return copy;
}

/* The snapshot of the prompt on mini-f32, the first thing most tests need. */
static snapshot save_prompt(void)
{
    ins1_session *session = open_session(16, 1, INS1_KV_F32, 0);
    prefill(session, 0, prompt, N_PROMPT);
    snapshot s = save(session, 0);
    ins1_session_release(session);
    return s;
}

static uint64_t number_at(const snapshot *s, size_t at, size_t size)
{
    return s1_snapshot_get(s->bytes + at, size);
}

enum { HEADER_SUM = S1_SNAPSHOT_HEADER - 8, FRAME_EXTRA = 12 };

/* Make checksums right again after an edit, as someone who wants to be believed would. */
static void repair(snapshot *s)
{
    size_t header = (size_t)number_at(s, 12, 4), at = header;
    uint64_t sum = s1_xxh64(s->bytes, header - 8, 0);
    s1_snapshot_put(s->bytes + header - 8, sum, 8);
    for (; s->size - at >= FRAME_EXTRA; sum++) {
        size_t packed = (size_t)number_at(s, at, 4);
        if (packed > s->size - at - FRAME_EXTRA)
            return;
        s1_snapshot_put(s->bytes + at + 4 + packed, s1_xxh64(s->bytes + at, 4 + packed, sum), 8);
        at += packed + FRAME_EXTRA;
    }
}

/* --- what comes back --- */

static const struct {
    const char *folder;
    int32_t kv_type;
} kinds[] = {
    { "mini-f32", INS1_KV_F32 },      { "mini-f32", INS1_KV_BF16 },
    { "mini-f16", INS1_KV_F16 },      { "mini-fp8", INS1_KV_DEFAULT },
    { "moe-bf16", INS1_KV_BF16 },     { "moe-bf16", INS1_KV_F32 },
    { "pro-bf16", INS1_KV_BF16 },     { "internlm2-f32", INS1_KV_F32 },
    { "internlm2-f32", INS1_KV_F16 },
};

START_TEST(the_next_step_after_a_restore_gives_the_same_bits)
{
    static const int32_t contexts[] = { 11, 40, 300 };
    close_checkpoint();
    open_checkpoint(kinds[_i].folder);
    ins1_session *session = open_session(16, 2, kinds[_i].kv_type, 0);
    prefill(session, 1, prompt, N_PROMPT);
    snapshot s = save(session, 1);
    step(session, 1, 7);
    for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
        ins1_session *other = open_session(contexts[i], 3, kinds[_i].kv_type, 0);
        prefill(other, 0, prompt + 2, 4);
        prefill(other, 2, prompt + 1, 5);
        ck_assert_msg(restore(other, 2, s) == INS1_OK, "%s", error.text);
        ck_assert_uint_eq(length_of(other, 2), N_PROMPT);
        ck_assert_uint_eq(length_of(other, 0), 4);
        snapshot again = save(other, 2);
        ck_assert_uint_eq(again.size, s.size);
        ck_assert_mem_eq(again.bytes, s.bytes, s.size);
        step(other, 2, 7);
        assert_same_logits(session, 1, other, 2);
        free(again.bytes);
        ins1_session_release(other);
    }
    free(s.bytes);
    ins1_session_release(session);
}
END_TEST

START_TEST(a_sequence_of_many_pages_and_pieces_comes_back)
{
    enum { N = 1700 }; /* 1638 rows of keys fit one piece */
    static int32_t ids[N];
    for (int32_t i = 0; i < N; i++)
        ids[i] = (i * 37 + i / 5) % 128;
    ins1_session *session = open_session(N + 4, 1, INS1_KV_F32, 0);
    ins1_session *other = open_session(N + 90, 2, INS1_KV_F32, 0);
    prefill(session, 0, ids, N);
    snapshot s = save(session, 0);
    ck_assert_int_eq(restore(other, 1, s), INS1_OK);
    assert_same_logits(session, 0, other, 1);
    step(session, 0, 3);
    step(other, 1, 3);
    assert_same_logits(session, 0, other, 1);
    free(s.bytes);
    ins1_session_release(session);
    ins1_session_release(other);
}
END_TEST

START_TEST(a_fork_keeps_what_it_shares_when_the_other_is_restored)
{
    ins1_session *session = open_session(32, 3, INS1_KV_F32, 0);
    prefill(session, 0, prompt, N_PROMPT);
    ck_assert_int_eq(ins1_session_fork(session, 0, 1, &call), INS1_OK);
    step(session, 1, 7);
    snapshot s = save(session, 1);
    ck_assert_int_eq(ins1_session_fork(session, 0, 2, &call), INS1_OK);
    ck_assert_int_eq(restore(session, 0, s), INS1_OK);
    assert_same_logits(session, 0, session, 1);
    step(session, 2, 7);
    assert_same_logits(session, 0, session, 2);
    step(session, 0, 9);
    step(session, 1, 9);
    assert_same_logits(session, 0, session, 1);
    free(s.bytes);
    ins1_session_release(session);
}
END_TEST

START_TEST(an_empty_sequence_comes_back_empty)
{
    ins1_session *session = open_session(16, 2, INS1_KV_F32, INS1_SESSION_KEEP_HIDDEN);
    snapshot s = save(session, 1);
    ck_assert_uint_eq(s.size, S1_SNAPSHOT_HEADER);
    prefill(session, 0, prompt, N_PROMPT);
    ck_assert_int_eq(restore(session, 0, s), INS1_OK);
    assert_empty(session, 0);
    prefill(session, 0, prompt, N_PROMPT);
    free(s.bytes);
    ins1_session_release(session);
}
END_TEST

START_TEST(a_cut_sequence_comes_back_without_logits)
{
    const float *logits;
    size_t n;
    ins1_session *session = open_session(16, 2, INS1_KV_F32, 0);
    prefill(session, 0, prompt, N_PROMPT);
    ck_assert_int_eq(ins1_session_truncate(session, 0, 4, NULL, &call), INS1_OK);
    snapshot s = save(session, 0);
    prefill(session, 1, prompt, 6);
    ck_assert_int_eq(restore(session, 1, s), INS1_OK);
    ck_assert_uint_eq(length_of(session, 1), 4);
    ck_assert_int_eq(ins1_session_logits(session, 1, &logits, &n, &call), INS1_E_STATE);
    step(session, 0, 9);
    step(session, 1, 9);
    assert_same_logits(session, 0, session, 1);
    free(s.bytes);
    ins1_session_release(session);
}
END_TEST

static float *hidden_of(ins1_session *session, int32_t pooling, size_t *n)
{
    ins1_embeds *embeds;
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    ck_assert_int_eq(ins1_session_embeds(&embeds, session, 0, pooling, &call), INS1_OK);
    ck_assert_int_eq(ins1_embeds_info_get(embeds, &info, &call), INS1_OK);
    *n = info.n_tokens * info.dim;
    float *values = malloc(*n * sizeof(*values));
    ck_assert_int_eq(ins1_embeds_read_f32(embeds, 0, info.n_tokens, values, *n, n, &call), INS1_OK);
    ins1_embeds_release(embeds);
    return values;
}

START_TEST(hidden_states_come_back_where_they_are_kept)
{
    ins1_session *keeps = open_session(16, 1, INS1_KV_F32, INS1_SESSION_KEEP_HIDDEN);
    ins1_session *again = open_session(24, 1, INS1_KV_F32, INS1_SESSION_KEEP_HIDDEN);
    ins1_session *plain = open_session(16, 1, INS1_KV_F32, 0);
    prefill(keeps, 0, prompt, N_PROMPT);
    snapshot s = save(keeps, 0);
    ck_assert_int_eq(restore(again, 0, s), INS1_OK);
    for (int32_t pooling = INS1_POOL_LAST; pooling <= INS1_POOL_NONE; pooling++) {
        size_t n, m;
        float *x = hidden_of(keeps, pooling, &n), *y = hidden_of(again, pooling, &m);
        ck_assert_uint_eq(n, m);
        ck_assert_mem_eq(x, y, n * sizeof(*x));
        free(x);
        free(y);
    }
    /* A session that keeps none takes the rest; one that keeps them cannot do without. */
    ck_assert_int_eq(restore(plain, 0, s), INS1_OK);
    assert_same_logits(plain, 0, keeps, 0);
    snapshot less = save(plain, 0);
    ck_assert_int_eq(restore(again, 0, less), INS1_E_STATE);
    assert_empty(again, 0);
    free(less.bytes);
    free(s.bytes);
    ins1_session_release(keeps);
    ins1_session_release(again);
    ins1_session_release(plain);
}
END_TEST

/* --- what is refused --- */

static void assert_refused(ins1_session *session, snapshot s, ins1_status status, const char *what,
                           size_t at)
{
    error.text[0] = '\0';
    ins1_status answer = restore(session, 0, s);
    ck_assert_msg(answer == status, "%s %zu: %d, %s", what, at, answer, error.text);
    ck_assert_str_ne(error.text, "");
    assert_empty(session, 0);
}

START_TEST(a_snapshot_that_was_cut_anywhere_is_refused)
{
    snapshot s = save_prompt();
    ins1_session *session = open_session(16, 1, INS1_KV_F32, 0);
    prefill(session, 0, prompt, 3);
    for (size_t size = 0; size < s.size; size++) {
        snapshot cut = copy_of(s, size);
        assert_refused(session, cut, INS1_E_FORMAT, "cut to", size);
        free(cut.bytes);
    }
    snapshot more = copy_of(s, s.size + 1);
    assert_refused(session, more, INS1_E_FORMAT, "one byte more", s.size);
    free(more.bytes);
    free(s.bytes);
    ins1_session_release(session);
}
END_TEST

START_TEST(a_bit_that_was_flipped_anywhere_is_noticed)
{
    snapshot s = save_prompt();
    ins1_session *session = open_session(16, 1, INS1_KV_F32, 0);
    for (size_t bit = 0; bit < 8 * s.size; bit++) {
        if (bit % 8 != bit / 8 % 8)
            continue;
        snapshot bad = copy_of(s, s.size);
        bad.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_refused(session, bad, INS1_E_FORMAT, "bit", bit);
        free(bad.bytes);
    }
    ck_assert_int_eq(restore(session, 0, s), INS1_OK);
    free(s.bytes);
    ins1_session_release(session);
}
END_TEST

/* Edits whose checksums are right again. */
static const struct {
    const char *what;
    size_t at, size;
    uint64_t value;
    ins1_status status;
} edits[] = {
    { "nothing changed", 60, 4, S1_SNAPSHOT_HAS_LOGITS, INS1_OK },
    { "magic", 0, 1, 'I', INS1_E_FORMAT },
    { "major 0", 8, 4, 1, INS1_E_FORMAT },
    { "major 2", 8, 4, 2 << 16, INS1_E_VERSION },
    { "minor 1", 8, 4, 1 << 16 | 1, INS1_OK },
    { "header of 24 bytes", 12, 4, 24, INS1_E_FORMAT },
    { "header of 79 bytes", 12, 4, 79, INS1_E_FORMAT },
    { "fingerprint", 16, 8, 12345, INS1_E_STATE },
    { "one token more", 24, 8, N_PROMPT + 1, INS1_E_FORMAT },
    { "one token less", 24, 8, N_PROMPT - 1, INS1_E_FORMAT },
    { "no token", 24, 8, 0, INS1_E_FORMAT },
    { "more than the context", 24, 8, 17, INS1_E_FULL },
    { "all tokens there are", 24, 8, UINT64_MAX, INS1_E_FULL },
    { "layers", 32, 4, UINT32_MAX, INS1_E_STATE },
    { "heads", 36, 4, 2, INS1_E_STATE },
    { "width of a head", 40, 4, 0, INS1_E_STATE },
    { "width of a token", 44, 4, 0x80000000u, INS1_E_STATE },
    { "vocabulary", 48, 4, 0, INS1_E_STATE },
    { "kv_type", 52, 4, INS1_KV_BF16, INS1_E_STATE },
    { "kv_type of the future", 52, 4, 77, INS1_E_STATE },
    { "base of dynamic NTK", 56, 4, 16, INS1_E_STATE },
    { "no logits after all", 60, 4, 0, INS1_E_FORMAT },
    { "hidden states that are not there", 60, 4, 3, INS1_E_FORMAT },
    { "flags of the future", 60, 4, 5, INS1_E_VERSION },
    { "encoding of the future", 64, 4, 2, INS1_E_VERSION },
    { "a frame without size", 80, 4, 0, INS1_E_FORMAT },
    { "a frame beyond the end", 80, 4, UINT32_MAX, INS1_E_FORMAT },
    { "what a frame begins with", 84, 4, 0xFD2FB525, INS1_E_FORMAT }, /* zstd 0.5 */
};

START_TEST(a_header_is_compared_before_it_is_believed)
{
    snapshot s = save_prompt();
    ins1_session *session = open_session(16, 1, INS1_KV_F32, 0);
    s1_snapshot_put(s.bytes + edits[_i].at, edits[_i].value, edits[_i].size);
    if (edits[_i].size == 4 && edits[_i].at == 12) /* a short header ends with its own checksum */
        s1_snapshot_put(s.bytes + edits[_i].value - 8,
                        s1_xxh64(s.bytes, (size_t)edits[_i].value - 8, 0), 8);
    else
        repair(&s);
    if (edits[_i].status == INS1_OK)
        ck_assert_msg(restore(session, 0, s) == INS1_OK, "%s: %s", edits[_i].what, error.text);
    else if (edits[_i].at < 84 || s1_zstd_is_built())
        assert_refused(session, s, edits[_i].status, edits[_i].what, edits[_i].at);
    free(s.bytes);
    ins1_session_release(session);
}
END_TEST

START_TEST(a_longer_header_of_a_newer_minor_version_is_read)
{
    enum { MORE = 24 };
    snapshot s = save_prompt(), longer = copy_of(s, s.size + MORE);
    ins1_session *session = open_session(16, 1, INS1_KV_F32, 0);
    memset(longer.bytes + HEADER_SUM, 0xAA, MORE + 8);
    memcpy(longer.bytes + S1_SNAPSHOT_HEADER + MORE, s.bytes + S1_SNAPSHOT_HEADER,
           s.size - S1_SNAPSHOT_HEADER);
    s1_snapshot_put(longer.bytes + 8, 1 << 16 | 9, 4);
    s1_snapshot_put(longer.bytes + 12, S1_SNAPSHOT_HEADER + MORE, 4);
    repair(&longer);
    ck_assert_msg(restore(session, 0, longer) == INS1_OK, "%s", error.text);
    free(longer.bytes);
    free(s.bytes);
    ins1_session_release(session);
}
END_TEST

START_TEST(frames_in_another_order_are_refused)
{
    snapshot s = save_prompt(), swapped = copy_of(s, s.size);
    ins1_session *session = open_session(16, 1, INS1_KV_F32, 0);
    size_t a = S1_SNAPSHOT_HEADER, a_size = (size_t)number_at(&s, a, 4) + FRAME_EXTRA;
    size_t b = a + a_size, b_size = (size_t)number_at(&s, b, 4) + FRAME_EXTRA;
    memcpy(swapped.bytes + a, s.bytes + b, b_size);
    memcpy(swapped.bytes + a + b_size, s.bytes + a, a_size);
    assert_refused(session, swapped, INS1_E_FORMAT, "swapped", 0);
    free(swapped.bytes);
    free(s.bytes);
    ins1_session_release(session);
}
END_TEST

START_TEST(a_snapshot_of_another_checkpoint_is_refused)
{
    snapshot s = save_prompt();
    close_checkpoint();
    open_checkpoint("mini-linear");
    ins1_session *session = open_session(16, 1, INS1_KV_F32, 0);
    assert_refused(session, s, INS1_E_STATE, "mini-linear", 0);
    free(s.bytes);
    ins1_session_release(session);
}
END_TEST

START_TEST(a_snapshot_fits_its_kv_type_and_any_context_that_holds_it)
{
    snapshot s = save_prompt();
    ins1_session *small = open_session(N_PROMPT - 1, 1, INS1_KV_F32, 0);
    ins1_session *exact = open_session(N_PROMPT, 1, INS1_KV_F32, 0);
    ins1_session *other = open_session(16, 1, INS1_KV_BF16, 0);
    assert_refused(small, s, INS1_E_FULL, "n_ctx", N_PROMPT - 1);
    assert_refused(other, s, INS1_E_STATE, "kv_type", INS1_KV_BF16);
    ck_assert_int_eq(restore(exact, 0, s), INS1_OK);
    free(s.bytes);
    ins1_session_release(small);
    ins1_session_release(exact);
    ins1_session_release(other);
}
END_TEST

START_TEST(dynamic_ntk_ties_a_snapshot_to_its_context_beyond_the_trained_length)
{
    close_checkpoint();
    open_checkpoint("internlm2-ntk"); /* trained with 16 */
    ins1_session *within[] = { open_session(16, 1, 0, 0), open_session(12, 1, 0, 0) };
    ins1_session *beyond[] = { open_session(32, 1, 0, 0), open_session(32, 1, 0, 0),
                               open_session(33, 1, 0, 0) };
    prefill(within[0], 0, prompt, N_PROMPT);
    prefill(beyond[0], 0, prompt, N_PROMPT);
    snapshot near = save(within[0], 0), far = save(beyond[0], 0);
    ck_assert_int_eq(restore(within[1], 0, near), INS1_OK);
    ck_assert_int_eq(restore(beyond[1], 0, far), INS1_OK);
    assert_refused(beyond[2], far, INS1_E_STATE, "n_ctx", 33);
    assert_refused(within[0], far, INS1_E_STATE, "n_ctx", 16);
    assert_refused(beyond[2], near, INS1_E_STATE, "n_ctx", 33);
    free(near.bytes);
    free(far.bytes);
    for (int i = 0; i < 2; i++)
        ins1_session_release(within[i]);
    for (int i = 0; i < 3; i++)
        ins1_session_release(beyond[i]);
}
END_TEST

/* --- frames as a build without zstd writes them --- */

static snapshot stored_from(snapshot s)
{
    snapshot out = { malloc(S1_SNAPSHOT_HEADER + 64 * S1_SNAPSHOT_PIECE), S1_SNAPSHOT_HEADER };
    s1_zstd *zstd;
    memcpy(out.bytes, s.bytes, S1_SNAPSHOT_HEADER);
    s1_snapshot_put(out.bytes + 64, S1_SNAPSHOT_STORED, 4);
    ck_assert_int_eq(s1_zstd_create(&zstd, &s1_heap, &error), INS1_OK);
    for (size_t at = S1_SNAPSHOT_HEADER; at < s.size;) {
        /* Only one size fits a frame. */
        size_t packed = (size_t)number_at(&s, at, 4), size;
        for (size = 1; size < S1_SNAPSHOT_PIECE; size++)
            if (s1_zstd_unpack(zstd, out.bytes + out.size + 4, size, s.bytes + at + 4, packed,
                               NULL) == INS1_OK)
                break;
        s1_snapshot_put(out.bytes + out.size, size, 4);
        out.size += size + FRAME_EXTRA;
        at += packed + FRAME_EXTRA;
    }
    s1_zstd_destroy(zstd);
    repair(&out);
    return out;
}

START_TEST(a_snapshot_that_is_not_compressed_is_read_by_every_build)
{
    if (!s1_zstd_is_built())
        return;
    snapshot s = save_prompt(), stored = stored_from(s);
    ins1_session *session = open_session(16, 1, INS1_KV_F32, 0);
    ck_assert_msg(restore(session, 0, stored) == INS1_OK, "%s", error.text);
    snapshot again = save(session, 0);
    ck_assert_uint_eq(again.size, s.size);
    ck_assert_mem_eq(again.bytes, s.bytes, s.size);
    free(again.bytes);
    free(stored.bytes);
    free(s.bytes);
    ins1_session_release(session);
}
END_TEST

/* --- buffers, writers, readers --- */

START_TEST(a_buffer_that_is_too_small_is_told_the_size)
{
    ins1_session *session = open_session(16, 1, INS1_KV_F32, 0);
    size_t count;
    prefill(session, 0, prompt, N_PROMPT);
    snapshot s = save(session, 0), cut = copy_of(s, s.size - 1);
    memset(cut.bytes, 0, cut.size);
    ck_assert_int_eq(ins1_session_save(session, 0, cut.bytes, cut.size, &count, &call),
                     INS1_E_BUFFER);
    ck_assert_uint_eq(count, s.size);
    ck_assert_mem_eq(cut.bytes, s.bytes, cut.size);
    ck_assert_int_eq(ins1_session_save(session, 0, NULL, 1, &count, &call), INS1_E_ARGUMENT);
    ck_assert_int_eq(ins1_session_save(session, 1, NULL, 0, &count, &call), INS1_E_ARGUMENT);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(ins1_session_restore(session, -1, s.bytes, s.size, &call), INS1_E_ARGUMENT);
    ck_assert_uint_eq(length_of(session, 0), N_PROMPT);
    ck_assert_int_eq(ins1_session_restore(session, 0, NULL, 0, &call), INS1_E_ARGUMENT);
    assert_empty(session, 0);
    free(cut.bytes);
    free(s.bytes);
    ins1_session_release(session);
}
END_TEST

/* A host's file: a block that grows, refuses the n-th write or read, and counts its closing. */
typedef struct disk {
    uint8_t bytes[1 << 16];
    size_t size;
    int until_refusal; /* negative: never */
    int64_t refusal;   /* what a read answers then */
    int n_closed;
} disk;

static int32_t disk_write(void *user, const void *data, size_t size)
{
    disk *d = user;
    if (d->until_refusal-- == 0)
        return 5;
    ck_assert_uint_le(size, sizeof(d->bytes) - d->size);
    memcpy(d->bytes + d->size, data, size);
    d->size += size;
    return 0;
}

static int64_t disk_read(void *user, uint64_t offset, void *dst, size_t n)
{
    disk *d = user;
    if (d->until_refusal-- == 0)
        return d->refusal;
    ck_assert_uint_le(offset, d->size);
    ck_assert_uint_le(n, d->size - offset);
    memcpy(dst, d->bytes + offset, n);
    return (int64_t)n;
}

static void disk_close(void *user)
{
    ((disk *)user)->n_closed++;
}

START_TEST(a_writer_gets_the_same_bytes_or_ends_the_call)
{
    static disk d;
    ins1_session *session = open_session(16, 1, INS1_KV_F32, 0);
    ins1_writer writer = INS1_INIT(ins1_writer);
    writer.write = disk_write;
    writer.user = &d;
    prefill(session, 0, prompt, N_PROMPT);
    snapshot s = save(session, 0);
    int n = 0;
    for (ins1_status status = INS1_E_CALLBACK; status != INS1_OK; n++) {
        d = (disk){ .until_refusal = n };
        status = ins1_session_save_to(session, 0, &writer, &call);
        ck_assert_msg(status == INS1_OK || status == INS1_E_CALLBACK, "%s", error.text);
        ck_assert_uint_eq(length_of(session, 0), N_PROMPT);
    }
    ck_assert_int_gt(n, 4);
    ck_assert_uint_eq(d.size, s.size);
    ck_assert_mem_eq(d.bytes, s.bytes, s.size);
    writer.write = NULL;
    ck_assert_int_eq(ins1_session_save_to(session, 0, &writer, &call), INS1_E_ARGUMENT);
    ck_assert_int_eq(ins1_session_save_to(session, 0, NULL, &call), INS1_E_ARGUMENT);
    writer.write = disk_write;
    writer.flags = 1;
    ck_assert_int_eq(ins1_session_save_to(session, 0, &writer, &call), INS1_E_VERSION);
    free(s.bytes);
    ins1_session_release(session);
}
END_TEST

static ins1_reader reader_of(disk *d)
{
    ins1_reader reader = INS1_INIT(ins1_reader);
    reader.size = d->size;
    reader.read_at = disk_read;
    reader.close = disk_close;
    reader.user = d;
    return reader;
}

static void fill(disk *d, snapshot s)
{
    memset(d, 0, sizeof(*d));
    memcpy(d->bytes, s.bytes, s.size);
    d->size = s.size;
    d->until_refusal = -1;
}

START_TEST(a_reader_that_refuses_at_any_moment_leaves_the_sequence_empty)
{
    static const int64_t refusals[] = { -1, 0, 1, INT64_MAX, INT64_MIN };
    static disk d;
    snapshot s = save_prompt();
    ins1_session *session = open_session(16, 1, INS1_KV_F32, 0);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        for (int n = 0;; n++) {
            fill(&d, s);
            d.until_refusal = n;
            d.refusal = refusals[i];
            ins1_reader reader = reader_of(&d);
            ins1_status status = ins1_session_restore_from(session, 0, &reader, &call);
            ck_assert_int_eq(d.n_closed, 1);
            if (status == INS1_OK) {
                ck_assert_int_gt(n, 10);
                ck_assert_uint_eq(length_of(session, 0), N_PROMPT);
                break;
            }
            ck_assert_msg(status == INS1_E_IO, "%s", error.text);
            assert_empty(session, 0);
        }
    free(s.bytes);
    ins1_session_release(session);
}
END_TEST

START_TEST(a_reader_is_closed_whatever_the_call_returns)
{
    static disk d;
    snapshot s = save_prompt();
    ins1_session *session = open_session(16, 1, INS1_KV_F32, 0);
    fill(&d, s);
    ins1_reader reader = reader_of(&d);
    ck_assert_int_eq(ins1_session_restore_from(NULL, 0, &reader, &call), INS1_E_ARGUMENT);
    ck_assert_int_eq(d.n_closed, 1);
    ck_assert_int_eq(ins1_session_restore_from(session, 9, &reader, &call), INS1_E_ARGUMENT);
    ck_assert_int_eq(d.n_closed, 2);
    reader.size--;
    ck_assert_int_eq(ins1_session_restore_from(session, 0, &reader, &call), INS1_E_FORMAT);
    ck_assert_int_eq(d.n_closed, 3);
    reader.read_at = NULL;
    ck_assert_int_eq(ins1_session_restore_from(session, 0, &reader, &call), INS1_E_ARGUMENT);
    ck_assert_int_eq(d.n_closed, 4);
    reader.flags = 1;
    ck_assert_int_eq(ins1_session_restore_from(session, 0, &reader, &call), INS1_E_VERSION);
    ck_assert_int_eq(d.n_closed, 5);
    reader = reader_of(&d);
    reader.close = NULL;
    ck_assert_int_eq(ins1_session_restore_from(session, 0, &reader, &call), INS1_OK);
    ck_assert_int_eq(ins1_session_restore_from(session, 0, NULL, &call), INS1_E_ARGUMENT);
    free(s.bytes);
    ins1_session_release(session);
}
END_TEST

/* --- what else may end a call --- */

START_TEST(memory_that_runs_out_leaves_nothing_behind)
{
    snapshot s = save_prompt();
    ins1_session *session = open_session(16, 2, INS1_KV_F32, 0);
    uint8_t *out = malloc(s.size);
    prefill(session, 1, prompt, N_PROMPT);
    size_t count, live = source.live;
    ins1_status status = INS1_E_MEMORY;
    int n_save = 0, n_restore = 0;
    for (; status != INS1_OK; n_save++) {
        source.until_refusal = n_save;
        status = ins1_session_save(session, 1, out, s.size, &count, &call);
        ck_assert_msg(status == INS1_OK || status == INS1_E_MEMORY, "%s", error.text);
        ck_assert_uint_eq(source.live, live);
    }
    ck_assert_mem_eq(out, s.bytes, s.size);
    for (status = INS1_E_MEMORY; status != INS1_OK; n_restore++) {
        source.until_refusal = n_restore;
        status = restore(session, 0, s);
        ck_assert_msg(status == INS1_OK || status == INS1_E_MEMORY, "%s", error.text);
        ck_assert_uint_eq(source.live, live);
        if (status != INS1_OK)
            assert_empty(session, 0);
    }
    source.until_refusal = -1;
    ck_assert_int_gt(n_save, 3);
    ck_assert_int_gt(n_restore, 3);
    assert_same_logits(session, 0, session, 1);
    free(out);
    free(s.bytes);
    ins1_session_release(session);
}
END_TEST

START_TEST(a_call_can_be_canceled_and_runs_out_of_time)
{
    snapshot s = save_prompt();
    ins1_session *session = open_session(16, 1, INS1_KV_F32, 0);
    ins1_cancel *cancel;
    size_t count;
    ck_assert_int_eq(ins1_cancel_create(&cancel, runtime, &call), INS1_OK);
    prefill(session, 0, prompt, N_PROMPT);
    call.cancel = cancel;
    ins1_cancel_request(cancel);
    ck_assert_int_eq(ins1_session_save(session, 0, NULL, 0, &count, &call), INS1_E_CANCELED);
    ck_assert_uint_eq(length_of(session, 0), N_PROMPT);
    assert_refused(session, s, INS1_E_CANCELED, "canceled", 0);
    call.cancel = NULL;
    call.budget_ns = 1;
    assert_refused(session, s, INS1_E_DEADLINE, "late", 0);
    call.budget_ns = 0;
    ck_assert_int_eq(restore(session, 0, s), INS1_OK);
    call.budget_ns = 1;
    ck_assert_int_eq(ins1_session_save(session, 0, NULL, 0, &count, &call), INS1_E_DEADLINE);
    call.budget_ns = 0;
    ins1_cancel_release(cancel);
    free(s.bytes);
    ins1_session_release(session);
}
END_TEST

int main(void)
{
    enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]), N_EDITS = sizeof(edits) / sizeof(edits[0]) };
    Suite *suite = suite_create("snapshot");
    TCase *cases = tcase_create("snapshot");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, the_next_step_after_a_restore_gives_the_same_bits, 0, N_KINDS);
    tcase_add_test(cases, a_sequence_of_many_pages_and_pieces_comes_back);
    tcase_add_test(cases, a_fork_keeps_what_it_shares_when_the_other_is_restored);
    tcase_add_test(cases, an_empty_sequence_comes_back_empty);
    tcase_add_test(cases, a_cut_sequence_comes_back_without_logits);
    tcase_add_test(cases, hidden_states_come_back_where_they_are_kept);
    tcase_add_test(cases, a_snapshot_that_was_cut_anywhere_is_refused);
    tcase_add_test(cases, a_bit_that_was_flipped_anywhere_is_noticed);
    tcase_add_loop_test(cases, a_header_is_compared_before_it_is_believed, 0, N_EDITS);
    tcase_add_test(cases, a_longer_header_of_a_newer_minor_version_is_read);
    tcase_add_test(cases, frames_in_another_order_are_refused);
    tcase_add_test(cases, a_snapshot_of_another_checkpoint_is_refused);
    tcase_add_test(cases, a_snapshot_fits_its_kv_type_and_any_context_that_holds_it);
    tcase_add_test(cases, dynamic_ntk_ties_a_snapshot_to_its_context_beyond_the_trained_length);
    tcase_add_test(cases, a_snapshot_that_is_not_compressed_is_read_by_every_build);
    tcase_add_test(cases, a_buffer_that_is_too_small_is_told_the_size);
    tcase_add_test(cases, a_writer_gets_the_same_bytes_or_ends_the_call);
    tcase_add_test(cases, a_reader_that_refuses_at_any_moment_leaves_the_sequence_empty);
    tcase_add_test(cases, a_reader_is_closed_whatever_the_call_returns);
    tcase_add_test(cases, memory_that_runs_out_leaves_nothing_behind);
    tcase_add_test(cases, a_call_can_be_canceled_and_runs_out_of_time);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
