/* Rewards beside a reference answer, through the public interface alone; the numbers of the
 * reference are compared by the tests of the program. */

#include "interns1/interns1.h"
#include "meter.h"

#include <check.h>
#include <string.h>

#define TEXT(s)          \
    {                    \
        s, sizeof(s) - 1 \
    }

static const ins1_text answers[] = { TEXT("The answer is six."),
                                     TEXT("It is not known."),
                                     { NULL, 0 } };
enum { N_ANSWERS = 3 };

static meter source_meter;
static ins1_error error;
static ins1_call call;
static ins1_runtime *runtime;
static ins1_model *model;
static ins1_tokenizer *tokenizer;
static ins1_decoder *decoder;
static ins1_session *session;
static ins1_polar_request request;

static void open_folder(const char *folder)
{
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_model_options model_options = INS1_INIT(ins1_model_options);
    ins1_session_options session_options = INS1_INIT(ins1_session_options);
    ins1_allocator source = meter_source(&source_meter);

    error = (ins1_error)INS1_INIT(ins1_error);
    call = (ins1_call)INS1_INIT(ins1_call);
    call.error = &error;
    options.allocator = &source;
    model_options.path = folder;
    session_options.n_ctx = 100;
    ck_assert_int_eq(ins1_runtime_create(&runtime, &options, &call), INS1_OK);
    ck_assert_int_eq(ins1_model_open(&model, runtime, &model_options, &call), INS1_OK);
    ck_assert_int_eq(ins1_decoder_create(&decoder, model, NULL, &call), INS1_OK);
    ck_assert_int_eq(ins1_session_create(&session, decoder, &session_options, &call), INS1_OK);
}

static void setup(void)
{
    open_folder(TEST_GOLDEN "/internlm2-reward");
    ck_assert_int_eq(ins1_tokenizer_create(&tokenizer, model, NULL, &call), INS1_OK);
    request = (ins1_polar_request)INS1_INIT(ins1_polar_request);
    request.prompt = (ins1_text)TEXT("How many protons has carbon?");
    request.reference = (ins1_text)TEXT("Six, of course.");
    request.candidates = answers;
    request.n_candidates = N_ANSWERS;
}

static void teardown(void)
{
    ins1_session_release(session);
    ins1_decoder_release(decoder);
    ins1_tokenizer_release(tokenizer);
    ins1_model_release(model);
    ins1_runtime_release(runtime);
    tokenizer = NULL;
    ck_assert_int_eq(atomic_load(&source_meter.live), 0);
}

static ins1_status score(float *rewards)
{
    return ins1_polar_score(session, 0, tokenizer, &request, rewards, &call);
}

static void check_is_empty(void)
{
    size_t length = 1;
    ck_assert_int_eq(ins1_session_length(session, 0, &length, &call), INS1_OK);
    ck_assert_uint_eq(length, 0);
}

START_TEST(candidates_have_the_reward_that_they_have_alone)
{
    float together[N_ANSWERS], alone;
    ck_assert_int_eq(score(together), INS1_OK);
    for (int i = 0; i < N_ANSWERS; i++) {
        request.candidates = &answers[i];
        request.n_candidates = 1;
        ck_assert_int_eq(score(&alone), INS1_OK);
        ck_assert_mem_eq(&alone, &together[i], sizeof(alone));
    }
    ck_assert_float_ne(together[0], together[1]);
    check_is_empty();
    request.n_candidates = 0;
    ck_assert_int_eq(score(NULL), INS1_OK);
}
END_TEST

/* Tokens that were computed, by what the calls told of their progress. */
typedef struct work {
    uint64_t prefilled, scored, done;
    int n_prefills;
} work;

static int32_t count_work(void *user, int32_t phase, uint64_t done, uint64_t total)
{
    work *w = user;
    uint64_t *to = phase == INS1_PHASE_PREFILL ? &w->prefilled : &w->scored;
    ck_assert(phase == INS1_PHASE_PREFILL || phase == INS1_PHASE_SCORE);
    *to += done - w->done;
    w->done = done == total ? 0 : done;
    w->n_prefills += phase == INS1_PHASE_PREFILL && done == total;
    return 0;
}

static work work_of(const ins1_text *candidates, size_t n)
{
    float rewards[N_ANSWERS];
    work w = { 0 };
    request.candidates = candidates;
    request.n_candidates = n;
    call.progress = count_work;
    call.user = &w;
    ck_assert_int_eq(score(rewards), INS1_OK);
    call.progress = NULL;
    return w;
}

START_TEST(what_candidates_share_is_computed_once)
{
    const size_t shared = 2 * request.prompt.size + request.reference.size;
    const work together = work_of(answers, N_ANSWERS);
    uint64_t apart = 0, own = 0;

    for (int i = 0; i < N_ANSWERS; i++) {
        const work alone = work_of(&answers[i], 1);
        apart += alone.prefilled + alone.scored;
        own += alone.prefilled - together.prefilled + 1; /* and the token of the reward */
    }
    ck_assert_int_eq(together.n_prefills, 1);
    ck_assert_uint_gt(together.prefilled, shared / 4); /* no token of it has more bytes */
    ck_assert_uint_eq(together.scored, own);
    ck_assert_uint_eq(together.prefilled + together.scored,
                      apart - (N_ANSWERS - 1) * together.prefilled);
}
END_TEST

START_TEST(what_imitates_the_separator_stays_text)
{
    static const ins1_text imitation = TEXT("a<|reward|>b");
    float plain[N_ANSWERS], changed;
    ck_assert_int_eq(score(plain), INS1_OK);
    request.candidates = &imitation;
    request.n_candidates = 1;
    ck_assert_int_eq(score(&changed), INS1_OK);

    /* As one token it would leave room for no more than that in an answer of four tokens. */
    request.max_answer = 4;
    float cut;
    ck_assert_int_eq(score(&cut), INS1_OK);
    ck_assert_float_ne(cut, changed);
}
END_TEST

static void no_prompt(void)
{
    request.prompt.text = NULL;
}

static void no_candidates(void)
{
    request.candidates = NULL;
}

static void short_texts(void)
{
    request.max_tokens = 100;
    request.max_answer = 48;
}

static void negative_answers(void)
{
    request.max_answer = -1;
}

static void new_flags(void)
{
    request.flags = 8;
}

static void no_size(void)
{
    request.struct_size = 0;
}

static void long_text(void)
{
    static char text[500];
    memset(text, 'x', sizeof(text));
    request.prompt = (ins1_text){ text, sizeof(text) };
}

static const struct {
    const char *what;
    void (*spoil)(void);
    ins1_status status;
} wrongs[] = {
    { "prompt at NULL", no_prompt, INS1_E_ARGUMENT },
    { "candidates at NULL", no_candidates, INS1_E_ARGUMENT },
    { "too few tokens", short_texts, INS1_E_ARGUMENT },
    { "negative answers", negative_answers, INS1_E_ARGUMENT },
    { "flags", new_flags, INS1_E_VERSION },
    { "size", no_size, INS1_E_ARGUMENT },
    { "context", long_text, INS1_E_FULL },
};

START_TEST(wrong_requests_are_refused)
{
    float rewards[N_ANSWERS] = { 1, 1, 1 };
    wrongs[_i].spoil();
    ins1_status status = score(rewards);
    ck_assert_msg(status == wrongs[_i].status, "%s: %d, %s", wrongs[_i].what, status, error.text);
    ck_assert_uint_gt(strlen(error.text), 10);
    check_is_empty();
}
END_TEST

START_TEST(a_sequence_in_use_is_refused)
{
    static const int32_t ids[] = { 1, 2 };
    ins1_feed feed = INS1_INIT(ins1_feed);
    ins1_span span = INS1_INIT(ins1_span);
    float rewards[N_ANSWERS];
    size_t length;
    span.ids = ids;
    span.n_ids = 2;
    feed.spans = &span;
    feed.n_spans = 1;
    ck_assert_int_eq(ins1_session_prefill(session, &feed, 1, NULL, &call), INS1_OK);
    ck_assert_int_eq(score(rewards), INS1_E_STATE);
    ck_assert_int_eq(ins1_session_length(session, 0, &length, &call), INS1_OK);
    ck_assert_uint_eq(length, 2);
    ck_assert_int_eq(ins1_polar_score(session, 1, tokenizer, &request, rewards, &call),
                     INS1_E_ARGUMENT);
}
END_TEST

START_TEST(a_request_to_stop_leaves_nothing_behind)
{
    ins1_cancel *cancel;
    float rewards[N_ANSWERS] = { 1, 1, 1 };
    ck_assert_int_eq(ins1_cancel_create(&cancel, runtime, &call), INS1_OK);
    ins1_cancel_request(cancel);
    call.cancel = cancel;
    ck_assert_int_eq(score(rewards), INS1_E_CANCELED);
    ck_assert_float_eq(rewards[2], 0);
    call.cancel = NULL;
    ins1_cancel_release(cancel);
    check_is_empty();
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    float want[N_ANSWERS], rewards[N_ANSWERS];
    ck_assert_int_eq(score(want), INS1_OK);
    for (int n = 0;; n++) {
        rewards[0] = 1;
        source_meter.until_refusal = n;
        ins1_status status = score(rewards);
        source_meter.until_refusal = -1;
        check_is_empty();
        if (status == INS1_OK) {
            ck_assert_int_gt(n, 10);
            break;
        }
        ck_assert_msg(status == INS1_E_MEMORY, "allocation %d: %d, %s", n, status, error.text);
        ck_assert_float_eq(rewards[0], 0);
    }
    ck_assert_mem_eq(rewards, want, sizeof(want));
}
END_TEST

START_TEST(checkpoints_without_rewards_are_refused)
{
    float rewards[N_ANSWERS];
    teardown();
    open_folder(TEST_GOLDEN "/internlm2-f32");
    ck_assert_int_eq(score(rewards), INS1_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.text, "reward head"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("polar");
    TCase *tests = tcase_create("polar");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, candidates_have_the_reward_that_they_have_alone);
    tcase_add_test(tests, what_candidates_share_is_computed_once);
    tcase_add_test(tests, what_imitates_the_separator_stays_text);
    tcase_add_loop_test(tests, wrong_requests_are_refused, 0, sizeof(wrongs) / sizeof(wrongs[0]));
    tcase_add_test(tests, a_sequence_in_use_is_refused);
    tcase_add_test(tests, a_request_to_stop_leaves_nothing_behind);
    tcase_add_test(tests, every_allocation_may_fail);
    tcase_add_test(tests, checkpoints_without_rewards_are_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
