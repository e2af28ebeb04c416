/* A session on a real tiny checkpoint, through the public interface alone. */

#include "interns1/inspect.h"
#include "interns1/interns1.h"

#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int32_t prompt[] = { 69, 78, 101, 90, 41, 60, 99, 19, 83 };
enum { N_PROMPT = 9 };

/* A source that refuses the n-th request. */
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
static ins1_session *session;

static ins1_status open_runtime(void)
{
    ins1_allocator allocator = INS1_INIT(ins1_allocator);
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    allocator.alloc = meter_alloc;
    allocator.free = meter_free;
    allocator.user = &source;
    options.allocator = &allocator;
    return ins1_runtime_create(&runtime, &options, &call);
}

static ins1_status open_model(void)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.path = TEST_GOLDEN "/mini-f32";
    options.parts = INS1_PART_DECODER;
    return ins1_model_open(&model, runtime, &options, &call);
}

static ins1_status open_session(int32_t n_ctx, int32_t n_seq, uint32_t flags)
{
    ins1_session_options options = INS1_INIT(ins1_session_options);
    options.n_ctx = n_ctx;
    options.n_seq = n_seq;
    options.flags = flags;
    return ins1_session_create(&session, decoder, &options, &call);
}

static ins1_status prefill(int32_t seq, const int32_t *ids, size_t n)
{
    ins1_span span = INS1_INIT(ins1_span);
    ins1_feed feed = INS1_INIT(ins1_feed);
    span.ids = ids;
    span.n_ids = n;
    feed.seq = seq;
    feed.spans = &span;
    feed.n_spans = 1;
    return ins1_session_prefill(session, &feed, 1, NULL, &call);
}

static ins1_status step(int32_t seq, int32_t token)
{
    const ins1_step one = { seq, token };
    return ins1_session_step(session, &one, 1, &call);
}

static size_t length_of(int32_t seq)
{
    size_t n;
    ck_assert_int_eq(ins1_session_length(session, seq, &n, &call), INS1_OK);
    return n;
}

/* A copy of the logits of a sequence. */
static float *logits_of(int32_t seq, size_t *n)
{
    const float *logits;
    ck_assert_int_eq(ins1_session_logits(session, seq, &logits, n, &call), INS1_OK);
    float *copy = malloc(*n * sizeof(*copy));
    memcpy(copy, logits, *n * sizeof(*copy));
    return copy;
}

static void assert_same_logits(int32_t seq, const float *expected)
{
    size_t n;
    float *now = logits_of(seq, &n);
    ck_assert_mem_eq(now, expected, n * sizeof(*now));
    free(now);
}

static void setup(void)
{
    error = (ins1_error)INS1_INIT(ins1_error);
    call = (ins1_call)INS1_INIT(ins1_call);
    call.error = &error;
    source = (meter){ .until_refusal = -1 };
    session = NULL;
    ck_assert_int_eq(open_runtime(), INS1_OK);
    ck_assert_msg(open_model() == INS1_OK, "%s", error.text);
    ck_assert_msg(ins1_decoder_create(&decoder, model, NULL, &call) == INS1_OK, "%s", error.text);
}

static void teardown(void)
{
    /* Parents first: children keep them. */
    ins1_runtime_release(runtime);
    ins1_model_release(model);
    ins1_decoder_release(decoder);
    ins1_session_release(session);
    ck_assert_uint_eq(source.live, 0);
}

START_TEST(a_prompt_that_does_not_fit_is_refused_before_anything_is_fed)
{
    ck_assert_int_eq(open_session(8, 1, 0), INS1_OK);
    ck_assert_int_eq(prefill(0, prompt, 4), INS1_OK);
    ck_assert_int_eq(prefill(0, prompt, 5), INS1_E_FULL);
    ck_assert_str_ne(error.text, "");
    ck_assert_uint_eq(length_of(0), 4);
    ck_assert_int_eq(prefill(0, prompt, 4), INS1_OK);
    ck_assert_int_eq(step(0, 1), INS1_E_FULL);
    ck_assert_uint_eq(length_of(0), 8);
}
END_TEST

START_TEST(ids_outside_the_vocabulary_are_refused)
{
    static const int32_t bad[] = { -1, 131, INT32_MIN, INT32_MAX };
    ck_assert_int_eq(open_session(16, 1, 0), INS1_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const int32_t ids[] = { 1, bad[i] };
        ck_assert_int_eq(prefill(0, ids, 2), INS1_E_ARGUMENT);
        ck_assert_int_eq(step(0, bad[i]), INS1_E_ARGUMENT);
    }
    ck_assert_uint_eq(length_of(0), 0);
}
END_TEST

START_TEST(a_sequence_may_be_named_once_in_a_call)
{
    const ins1_step twice[] = { { 1, 5 }, { 1, 6 } };
    ck_assert_int_eq(open_session(16, 3, 0), INS1_OK);
    ck_assert_int_eq(ins1_session_step(session, twice, 2, &call), INS1_E_ARGUMENT);
    ck_assert_int_eq(step(3, 5), INS1_E_ARGUMENT);
    ck_assert_int_eq(step(-1, 5), INS1_E_ARGUMENT);
    ck_assert_uint_eq(length_of(1), 0);
}
END_TEST

START_TEST(logits_are_there_after_the_last_token_and_not_after_going_back)
{
    const float *logits;
    size_t n, kept;
    ck_assert_int_eq(open_session(16, 1, 0), INS1_OK);
    ck_assert_int_eq(ins1_session_logits(session, 0, &logits, &n, &call), INS1_E_STATE);
    ck_assert_ptr_null(logits);
    ck_assert_int_eq(prefill(0, prompt, 4), INS1_OK);
    float *before = logits_of(0, &n);
    ck_assert_int_eq(ins1_session_truncate(session, 0, 9, &kept, &call), INS1_OK);
    ck_assert_uint_eq(kept, 4);
    assert_same_logits(0, before);
    ck_assert_int_eq(ins1_session_truncate(session, 0, 3, &kept, &call), INS1_OK);
    ck_assert_uint_eq(kept, 3);
    ck_assert_int_eq(ins1_session_logits(session, 0, &logits, &n, &call), INS1_E_STATE);
    ck_assert_int_eq(prefill(0, prompt + 3, 1), INS1_OK);
    assert_same_logits(0, before);
    free(before);
}
END_TEST

START_TEST(a_fork_goes_its_own_way)
{
    size_t n;
    ck_assert_int_eq(open_session(16, 3, 0), INS1_OK);
    ck_assert_int_eq(prefill(0, prompt, N_PROMPT), INS1_OK);
    float *root = logits_of(0, &n);
    ck_assert_int_eq(ins1_session_fork(session, 0, 2, &call), INS1_OK);
    assert_same_logits(2, root);
    ck_assert_int_eq(step(2, 7), INS1_OK);
    float *left = logits_of(2, &n);
    ck_assert_int_eq(step(0, 8), INS1_OK);
    float *right = logits_of(0, &n);

    /* Each alone gives the same bits. */
    ck_assert_int_eq(prefill(1, prompt, N_PROMPT), INS1_OK);
    ck_assert_int_eq(step(1, 7), INS1_OK);
    assert_same_logits(1, left);
    ck_assert_int_eq(ins1_session_truncate(session, 1, N_PROMPT, NULL, &call), INS1_OK);
    ck_assert_int_eq(step(1, 8), INS1_OK);
    assert_same_logits(1, right);
    free(root);
    free(left);
    free(right);
}
END_TEST

START_TEST(scores_are_what_stepping_finds_and_leave_nothing_behind)
{
    static const int32_t next[] = { 28, 5, 39 };
    const ins1_ids candidates[] = { { next, 3 }, { next + 1, 1 } };
    float logprobs[3], sums[2];
    size_t n;
    ck_assert_int_eq(open_session(16, 2, 0), INS1_OK);
    ck_assert_int_eq(prefill(0, prompt, N_PROMPT), INS1_OK);
    float *before = logits_of(0, &n);
    ck_assert_int_eq(ins1_session_score(session, 0, next, 3, logprobs, &call), INS1_OK);
    ck_assert_int_eq(ins1_session_score_many(session, 0, candidates, 2, sums, &call), INS1_OK);
    assert_same_logits(0, before);
    ck_assert_uint_eq(length_of(0), N_PROMPT);

    ck_assert_int_eq(ins1_session_fork(session, 0, 1, &call), INS1_OK);
    for (int i = 0; i < 3; i++) {
        ins1_logprob all[131];
        size_t count;
        ck_assert_int_eq(ins1_session_logprobs(session, 1, 131, all, 131, &count, &call), INS1_OK);
        ck_assert_uint_eq(count, 131);
        double mass = 0;
        for (size_t j = 0; j < count; j++) {
            mass += exp(all[j].logprob);
            if (j)
                ck_assert(all[j - 1].logprob >= all[j].logprob);
            if (all[j].token == next[i])
                ck_assert(all[j].logprob == logprobs[i]);
        }
        ck_assert_double_eq_tol(mass, 1, 1e-5);
        ck_assert_int_eq(step(1, next[i]), INS1_OK);
    }
    ck_assert_double_eq_tol(sums[0], logprobs[0] + (double)logprobs[1] + logprobs[2], 1e-5);
    free(before);
}
END_TEST

START_TEST(hidden_states_are_kept_when_asked_for)
{
    ins1_embeds *embeds;
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    ck_assert_int_eq(open_session(16, 1, INS1_SESSION_KEEP_HIDDEN), INS1_OK);
    ck_assert_int_eq(ins1_session_embeds(&embeds, session, 0, INS1_POOL_LAST, &call), INS1_E_STATE);
    ck_assert_int_eq(prefill(0, prompt, N_PROMPT), INS1_OK);
    for (int32_t pooling = INS1_POOL_LAST; pooling <= INS1_POOL_NONE; pooling++) {
        ck_assert_int_eq(ins1_session_embeds(&embeds, session, 0, pooling, &call), INS1_OK);
        ck_assert_int_eq(ins1_embeds_info_get(embeds, &info, &call), INS1_OK);
        ck_assert_uint_eq(info.n_tokens, pooling == INS1_POOL_NONE ? N_PROMPT : 1);
        ck_assert_uint_eq(info.dim, 36);
        ins1_embeds_release(embeds);
    }
}
END_TEST

START_TEST(the_mean_of_hidden_states_needs_them_kept)
{
    ins1_embeds *embeds;
    ck_assert_int_eq(open_session(16, 1, 0), INS1_OK);
    ck_assert_int_eq(prefill(0, prompt, N_PROMPT), INS1_OK);
    ck_assert_int_eq(ins1_session_embeds(&embeds, session, 0, INS1_POOL_MEAN, &call), INS1_E_STATE);
    ck_assert_int_eq(ins1_session_embeds(&embeds, session, 0, INS1_POOL_LAST, &call), INS1_OK);
    ins1_embeds_release(embeds);
}
END_TEST

static int32_t refuse(void *user, const ins1_observation *seen)
{
    (void)user;
    return seen->layer == 1;
}

START_TEST(an_observer_that_refuses_ends_the_call_and_nothing_else)
{
    size_t n;
    ck_assert_int_eq(open_session(16, 1, 0), INS1_OK);
    ck_assert_int_eq(prefill(0, prompt, 4), INS1_OK);
    float *before = logits_of(0, &n);
    ck_assert_int_eq(ins1_session_observe(session, INS1_OBSERVE_HIDDEN, refuse, NULL, &call),
                     INS1_OK);
    ck_assert_int_eq(step(0, 5), INS1_E_CALLBACK);
    ck_assert_uint_eq(length_of(0), 4);
    assert_same_logits(0, before);
    ck_assert_int_eq(ins1_session_observe(session, 0, NULL, NULL, &call), INS1_OK);
    ck_assert_int_eq(step(0, 5), INS1_OK);
    free(before);
}
END_TEST

static int32_t refuse_later(void *user, const ins1_observation *seen)
{
    return seen->first >= *(const size_t *)user;
}

START_TEST(a_prefill_that_fails_in_a_later_batch_appends_nothing)
{
    ins1_session_options options = INS1_INIT(ins1_session_options);
    ins1_span spans[2] = { INS1_INIT(ins1_span), INS1_INIT(ins1_span) };
    ins1_feed feeds[2] = { INS1_INIT(ins1_feed), INS1_INIT(ins1_feed) };
    const float *logits;
    size_t n, done[2] = { 9, 9 }, first = 5;

    options.n_ctx = 16;
    options.n_seq = 3;
    options.n_batch = 4;
    ck_assert_int_eq(ins1_session_create(&session, decoder, &options, &call), INS1_OK);
    ck_assert_int_eq(prefill(0, prompt, 2), INS1_OK);
    ck_assert_int_eq(ins1_session_fork(session, 0, 1, &call), INS1_OK);
    float *before = logits_of(0, &n);
    for (int32_t i = 0; i < 2; i++) {
        spans[i].ids = prompt + 2;
        spans[i].n_ids = i ? N_PROMPT - 2 : 1;
        feeds[i].seq = 1 - i;
        feeds[i].spans = &spans[i];
        feeds[i].n_spans = 1;
    }
    ck_assert_int_eq(
        ins1_session_observe(session, INS1_OBSERVE_HIDDEN, refuse_later, &first, &call), INS1_OK);
    ck_assert_int_eq(ins1_session_prefill(session, feeds, 2, done, &call), INS1_E_CALLBACK);
    ck_assert_uint_eq(done[0], 0);
    ck_assert_uint_eq(done[1], 0);
    ck_assert_uint_eq(length_of(0), 2);
    ck_assert_uint_eq(length_of(1), 2);
    assert_same_logits(0, before);
    /* This one had been fed to its end: what it was after two tokens was written over. */
    ck_assert_int_eq(ins1_session_logits(session, 1, &logits, &n, &call), INS1_E_STATE);

    ck_assert_int_eq(ins1_session_observe(session, 0, NULL, NULL, &call), INS1_OK);
    ck_assert_int_eq(ins1_session_prefill(session, feeds, 2, done, &call), INS1_OK);
    ck_assert_uint_eq(done[1], N_PROMPT - 2);
    float *after = logits_of(0, &n);
    ck_assert_int_eq(prefill(2, prompt, N_PROMPT), INS1_OK);
    assert_same_logits(2, after);
    free(before);
    free(after);
}
END_TEST

static int32_t stop_at(void *user, int32_t phase, uint64_t done, uint64_t total)
{
    (void)total;
    return phase == INS1_PHASE_PREFILL && done >= *(const uint64_t *)user;
}

START_TEST(progress_that_says_stop_leaves_what_done_says)
{
    ins1_session_options options = INS1_INIT(ins1_session_options);
    ins1_span span = INS1_INIT(ins1_span);
    ins1_feed feed = INS1_INIT(ins1_feed);
    uint64_t stop = 4;
    size_t n, done;

    options.n_ctx = 16;
    options.n_seq = 2;
    options.n_batch = 4;
    ck_assert_int_eq(ins1_session_create(&session, decoder, &options, &call), INS1_OK);
    span.ids = prompt;
    span.n_ids = N_PROMPT;
    feed.spans = &span;
    feed.n_spans = 1;
    call.progress = stop_at;
    call.user = &stop;
    ck_assert_int_eq(ins1_session_prefill(session, &feed, 1, &done, &call), INS1_E_CANCELED);
    call.progress = NULL;
    ck_assert_uint_eq(done, 4);
    ck_assert_uint_eq(length_of(0), 4);
    ck_assert_int_eq(prefill(0, prompt + 4, N_PROMPT - 4), INS1_OK);
    float *logits = logits_of(0, &n);
    ck_assert_int_eq(prefill(1, prompt, N_PROMPT), INS1_OK);
    assert_same_logits(1, logits);
    free(logits);
}
END_TEST

START_TEST(a_score_beyond_the_context_is_refused)
{
    static const int32_t next[] = { 7, 8, 9 };
    float logprobs[3];
    ck_assert_int_eq(open_session(N_PROMPT + 2, 1, 0), INS1_OK);
    ck_assert_int_eq(prefill(0, prompt, N_PROMPT), INS1_OK);
    ck_assert_int_eq(ins1_session_score(session, 0, next, 2, logprobs, &call), INS1_OK);
    ck_assert_int_eq(ins1_session_score(session, 0, next, 3, logprobs, &call), INS1_E_FULL);
}
END_TEST

START_TEST(scores_and_cuts_leave_a_fork_alone)
{
    static const int32_t next[] = { 28, 5, 39 };
    float logprobs[3];
    size_t n;
    ck_assert_int_eq(open_session(16, 3, 0), INS1_OK);
    ck_assert_int_eq(prefill(0, prompt, N_PROMPT), INS1_OK);
    ck_assert_int_eq(ins1_session_fork(session, 0, 0, &call), INS1_OK);
    ck_assert_int_eq(ins1_session_fork(session, 0, 1, &call), INS1_OK);
    ck_assert_int_eq(ins1_session_fork(session, 0, 2, &call), INS1_OK);
    ck_assert_int_eq(step(0, 7), INS1_OK);
    float *expected = logits_of(0, &n);

    /* Each of these writes where the others share a page. */
    ck_assert_int_eq(ins1_session_score(session, 2, next, 3, logprobs, &call), INS1_OK);
    ck_assert_int_eq(ins1_session_truncate(session, 2, 3, NULL, &call), INS1_OK);
    ck_assert_int_eq(step(2, 9), INS1_OK);
    ck_assert_int_eq(step(1, 7), INS1_OK);
    assert_same_logits(1, expected);
    free(expected);
}
END_TEST

/* Holds the session inside a call until the other thread has tried. */
typedef struct meeting {
    _Atomic int is_inside, has_tried;
} meeting;

static int32_t wait_inside(void *user, const ins1_observation *seen)
{
    meeting *m = user;
    (void)seen;
    atomic_store(&m->is_inside, 1);
    while (!atomic_load(&m->has_tried))
        continue;
    return 0;
}

static void *step_in_thread(void *user)
{
    const ins1_step one = { 0, 5 };
    *(ins1_status *)user = ins1_session_step(session, &one, 1, NULL);
    return NULL;
}

START_TEST(a_second_thread_inside_is_told_so_and_changes_nothing)
{
    meeting m = { 0 };
    ins1_status other;
    pthread_t thread;
    size_t n;

    ck_assert_int_eq(open_session(16, 1, 0), INS1_OK);
    ck_assert_int_eq(prefill(0, prompt, 4), INS1_OK);
    ck_assert_int_eq(ins1_session_observe(session, INS1_OBSERVE_HIDDEN, wait_inside, &m, &call),
                     INS1_OK);
    ck_assert_int_eq(pthread_create(&thread, NULL, step_in_thread, &other), 0);
    while (!atomic_load(&m.is_inside))
        continue;
    ck_assert_int_eq(step(0, 6), INS1_E_BUSY);
    ck_assert_str_ne(error.text, "");
    ck_assert_int_eq(ins1_session_length(session, 0, &n, &call), INS1_E_BUSY);
    ck_assert_uint_eq(n, 0);
    atomic_store(&m.has_tried, 1);
    pthread_join(thread, NULL);
    ck_assert_int_eq(other, INS1_OK);
    ck_assert_uint_eq(length_of(0), 5);
}
END_TEST

START_TEST(a_span_has_ids_or_embeddings)
{
    ins1_span span = INS1_INIT(ins1_span);
    ins1_feed feed = INS1_INIT(ins1_feed);
    size_t done = 1;
    ck_assert_int_eq(open_session(16, 1, 0), INS1_OK);
    feed.spans = &span;
    feed.n_spans = 1;
    ck_assert_int_eq(ins1_session_prefill(session, &feed, 1, &done, &call), INS1_E_ARGUMENT);
    span.ids = prompt;
    ck_assert_int_eq(ins1_session_prefill(session, &feed, 1, &done, &call), INS1_OK);
    ck_assert_uint_eq(done, 0);
    feed.n_spans = 0;
    ck_assert_int_eq(ins1_session_prefill(session, &feed, 1, &done, &call), INS1_OK);
    ck_assert_int_eq(ins1_session_prefill(session, NULL, 0, NULL, &call), INS1_OK);
    ck_assert_int_eq(ins1_session_step(session, NULL, 0, &call), INS1_OK);
    ck_assert_uint_eq(length_of(0), 0);
}
END_TEST

START_TEST(a_canceled_call_loses_nothing)
{
    ins1_cancel *cancel;
    ck_assert_int_eq(ins1_cancel_create(&cancel, runtime, &call), INS1_OK);
    ck_assert_int_eq(open_session(16, 1, 0), INS1_OK);
    call.cancel = cancel;
    ins1_cancel_request(cancel);
    ck_assert_int_eq(prefill(0, prompt, N_PROMPT), INS1_E_CANCELED);
    ck_assert_int_eq(step(0, 5), INS1_E_CANCELED);
    ck_assert_uint_eq(length_of(0), 0);
    ins1_cancel_reset(cancel);
    ck_assert_int_eq(prefill(0, prompt, N_PROMPT), INS1_OK);
    call.cancel = NULL;
    call.budget_ns = 1;
    ck_assert_int_eq(step(0, 5), INS1_E_DEADLINE);
    call.budget_ns = 0;
    ck_assert_int_eq(step(0, 5), INS1_OK);
    ins1_cancel_release(cancel);
}
END_TEST

/* Every kind of decoder, rounded or not, with a thread and with several, whose stretches of
 * positions are dealt out: the first prompt of every size finds its memory. */
static const struct {
    const char *folder;
    int32_t precision, n_threads, kv_type;
} made_once[] = {
    { "mini-f32", INS1_PRECISION_F32, 1, 0 },
    { "mini-bf16", INS1_PRECISION_BF16, 3, INS1_KV_F16 },
    { "mini-fp8", INS1_PRECISION_BF16, 1, 0 },
    { "moe-bf16", INS1_PRECISION_BF16, 3, 0 },
    { "moe-fp8", INS1_PRECISION_F32, 8, 0 },
    { "pro-fused", INS1_PRECISION_BF16, 2, 0 },
    { "internlm2-f32", INS1_PRECISION_F32, 8, 0 },
};

static void open_on_threads(const char *folder, int32_t precision, int32_t n_threads)
{
    ins1_allocator allocator = INS1_INIT(ins1_allocator);
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_model_options model_options = INS1_INIT(ins1_model_options);
    ins1_decoder_options decoder_options = INS1_INIT(ins1_decoder_options);
    ins1_threading threading = INS1_INIT(ins1_threading);
    char path[1000];

    teardown();
    snprintf(path, sizeof(path), TEST_GOLDEN "/%s", folder);
    source = (meter){ .until_refusal = -1 };
    allocator.alloc = meter_alloc;
    allocator.free = meter_free;
    allocator.user = &source;
    options.allocator = &allocator;
    threading.mode = INS1_THREADS_OWN;
    threading.n_threads = n_threads;
    options.threading = &threading;
    model_options.path = path;
    model_options.parts = INS1_PART_DECODER;
    decoder_options.precision = precision;
    ck_assert_int_eq(ins1_runtime_create(&runtime, &options, &call), INS1_OK);
    ck_assert_int_eq(ins1_model_open(&model, runtime, &model_options, &call), INS1_OK);
    ck_assert_int_eq(ins1_decoder_create(&decoder, model, &decoder_options, &call), INS1_OK);
}

START_TEST(nothing_is_allocated_once_a_session_is_made)
{
    enum { N_CTX = 1500, N_SEQ = 3 };
    static const size_t sizes[] = { 1, 2, 3, 17, 65, 300, 511, 512, 513 };
    ins1_session_options options = INS1_INIT(ins1_session_options);
    static int32_t ids[600];
    size_t length = 0;

    for (int i = 0; i < 600; i++)
        ids[i] = i % 60;
    open_on_threads(made_once[_i].folder, made_once[_i].precision, made_once[_i].n_threads);
    options.n_ctx = N_CTX;
    options.n_seq = N_SEQ;
    options.kv_type = made_once[_i].kv_type;
    ck_assert_int_eq(ins1_session_create(&session, decoder, &options, &call), INS1_OK);
    source.until_refusal = 0;
    ck_assert_msg(step(0, 1) == INS1_OK, "a token: %s", error.text);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (length + sizes[i] > N_CTX) {
            ck_assert_int_eq(ins1_session_truncate(session, 1, 0, &length, &call), INS1_OK);
            ck_assert_uint_eq(length, 0);
        }
        ck_assert_msg(prefill(1, ids, sizes[i]) == INS1_OK, "%zu tokens: %s", sizes[i], error.text);
        length += sizes[i];
    }
    ck_assert_int_eq(ins1_session_fork(session, 1, 2, &call), INS1_OK);
    for (int32_t i = 0; i < 20; i++) {
        const ins1_step steps[] = { { 0, i }, { 1, i }, { 2, i + 1 } };
        ck_assert_msg(ins1_session_step(session, steps, 3, &call) == INS1_OK, "%s", error.text);
    }
    source.until_refusal = -1;
}
END_TEST

START_TEST(memory_that_runs_out_anywhere_leaves_nothing)
{
    int n_amounts = 0; /* sentences that say how much a device should have given */
    teardown();
    for (int n = 0;; n++) {
        runtime = NULL;
        model = NULL;
        decoder = NULL;
        session = NULL;
        source = (meter){ .until_refusal = n };
        ins1_status status = open_runtime();
        if (status == INS1_OK)
            status = open_model();
        if (status == INS1_OK)
            status = ins1_decoder_create(&decoder, model, NULL, &call);
        if (status == INS1_OK)
            status = open_session(16, 2, INS1_SESSION_KEEP_HIDDEN);
        if (status == INS1_OK)
            status = prefill(0, prompt, N_PROMPT);
        if (status == INS1_OK)
            status = step(0, 5);
        ck_assert_msg(status == INS1_OK || status == INS1_E_MEMORY, "request %d: %d, %s", n, status,
                      error.text);
        n_amounts += strstr(error.text, "no memory for a buffer, ") != NULL;
        ins1_session_release(session);
        ins1_decoder_release(decoder);
        ins1_model_release(model);
        ins1_runtime_release(runtime);
        ck_assert_msg(source.live == 0, "request %d: %zu bytes are left", n, source.live);
        if (status == INS1_OK) {
            ck_assert_int_gt(n, 20);
            ck_assert_int_gt(n_amounts, 0);
            break;
        }
    }
    runtime = NULL;
    model = NULL;
    decoder = NULL;
    session = NULL;
}
END_TEST

START_TEST(options_that_make_no_sense_are_refused)
{
    static const struct {
        ins1_session_options options;
        ins1_status status;
    } rows[] = {
        { { .n_ctx = -1 }, INS1_E_ARGUMENT },
        { { .n_seq = -1 }, INS1_E_ARGUMENT },
        { { .n_batch = -1 }, INS1_E_ARGUMENT },
        { { .flags = 2 }, INS1_E_VERSION },
        { { .kv_type = 9 }, INS1_E_ARGUMENT },
        { { .kv_type = INS1_KV_Q8 }, INS1_E_UNSUPPORTED },
        { { .kv_budget = 1 }, INS1_E_BUDGET },
        { { .n_ctx = INT32_MAX, .n_seq = INT32_MAX }, INS1_E_ARGUMENT },
        { { .n_ctx = INT32_MAX, .n_seq = INT32_MAX, .kv_budget = 1 << 30 }, INS1_E_ARGUMENT },
        { { .n_ctx = INT32_MAX, .n_seq = 255, .kv_budget = 1 << 30 }, INS1_E_BUDGET },
        { { .n_ctx = 1, .n_seq = INT32_MAX, .kv_budget = 1 << 30 }, INS1_E_BUDGET },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ins1_session_options options = rows[i].options;
        ck_assert_int_eq(ins1_session_create(&session, decoder, &options, &call), INS1_E_ARGUMENT);
        options.struct_size = sizeof(options);
        ck_assert_int_eq(ins1_session_create(&session, decoder, &options, &call), rows[i].status);
        ck_assert_ptr_null(session);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("session");
    TCase *cases = tcase_create("session");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_prompt_that_does_not_fit_is_refused_before_anything_is_fed);
    tcase_add_test(cases, ids_outside_the_vocabulary_are_refused);
    tcase_add_test(cases, a_sequence_may_be_named_once_in_a_call);
    tcase_add_test(cases, logits_are_there_after_the_last_token_and_not_after_going_back);
    tcase_add_test(cases, a_fork_goes_its_own_way);
    tcase_add_test(cases, scores_are_what_stepping_finds_and_leave_nothing_behind);
    tcase_add_test(cases, hidden_states_are_kept_when_asked_for);
    tcase_add_test(cases, the_mean_of_hidden_states_needs_them_kept);
    tcase_add_test(cases, an_observer_that_refuses_ends_the_call_and_nothing_else);
    tcase_add_test(cases, a_prefill_that_fails_in_a_later_batch_appends_nothing);
    tcase_add_test(cases, progress_that_says_stop_leaves_what_done_says);
    tcase_add_test(cases, a_score_beyond_the_context_is_refused);
    tcase_add_test(cases, scores_and_cuts_leave_a_fork_alone);
    tcase_add_test(cases, a_second_thread_inside_is_told_so_and_changes_nothing);
    tcase_add_test(cases, a_span_has_ids_or_embeddings);
    tcase_add_test(cases, a_canceled_call_loses_nothing);
    tcase_add_loop_test(cases, nothing_is_allocated_once_a_session_is_made, 0,
                        sizeof(made_once) / sizeof(made_once[0]));
    tcase_add_test(cases, memory_that_runs_out_anywhere_leaves_nothing);
    tcase_add_test(cases, options_that_make_no_sense_are_refused);
    suite_add_tcase(suite, cases);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
