#include "interns1/sampler.h"

#include "meter.h"
#include "sampler_cases.h"
#include "session/choose.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static ins1_runtime *runtime;
static ins1_error error;
static ins1_call call;

static void setup(void)
{
    error = (ins1_error)INS1_INIT(ins1_error);
    call = (ins1_call)INS1_INIT(ins1_call);
    call.error = &error;
    ck_assert_int_eq(ins1_runtime_create(&runtime, NULL, &call), INS1_OK);
}

static void teardown(void)
{
    ins1_runtime_release(runtime);
}

static ins1_sampler *sampler_with(const ins1_sampler_options *options)
{
    ins1_sampler *sampler;
    ck_assert_msg(ins1_sampler_create(&sampler, runtime, options, &call) == INS1_OK, "%s",
                  error.text);
    return sampler;
}

/* The same as in tests/reference/sampler.py. */
static void make_logits(float *out, uint32_t which)
{
    uint32_t x = 1000 + which;
    for (size_t i = 0; i < N_LOGITS; i++) {
        x = (x * 1103515245 + 12345) & 0x7fffffff;
        out[i] = (float)((int32_t)(x >> 16 & 255) - 128) / 16;
    }
}

static int32_t odd_only(void *user, const int32_t *history, size_t n_history, uint32_t *allowed,
                        size_t n_vocab)
{
    (void)user, (void)history, (void)n_history;
    for (size_t i = 0; i <= (n_vocab - 1) / 32; i++)
        allowed[i] &= 0xaaaaaaaa;
    return 0;
}

START_TEST(picks_are_those_of_the_reference)
{
    ins1_sampler_options options = cases[_i].options;
    options.mask = cases[_i].odd_only ? odd_only : NULL;
    ins1_sampler *sampler = sampler_with(&options);

    /* Twice: a reset brings the same draws again. */
    for (int32_t i = 0; i < 2 * N_PICKS; i++) {
        float logits[N_LOGITS];
        ins1_logprob picked;
        if (i == N_PICKS)
            ck_assert_int_eq(ins1_sampler_reset(sampler, options.seed, &call), INS1_OK);
        make_logits(logits, (uint32_t)(i % N_PICKS / 6));
        ck_assert_int_eq(ins1_sampler_pick(sampler, logits, N_LOGITS, &picked, &call), INS1_OK);
        ck_assert_msg(picked.token == cases[_i].picks[i % N_PICKS], "%s: pick %d is %d, not %d",
                      cases[_i].what, i, picked.token, cases[_i].picks[i % N_PICKS]);
        ck_assert_int_eq(ins1_sampler_accept(sampler, picked.token, &call), INS1_OK);
    }
    ins1_sampler_release(sampler);
}
END_TEST

START_TEST(logprob_is_of_the_logits_as_given)
{
    const ins1_logprob bias = { 2, 100 };
    const float logits[] = { 1, 2, 0.5f, -INFINITY };
    const double sum = exp(1) + exp(2) + exp(0.5);
    ins1_sampler_options options = INS1_INIT(ins1_sampler_options);
    options.bias = &bias;
    options.n_bias = 1;
    options.temperature = 0.01f;
    ins1_sampler *sampler = sampler_with(&options);
    ins1_logprob picked;

    ck_assert_int_eq(ins1_sampler_pick(sampler, logits, 4, &picked, &call), INS1_OK);
    ck_assert_int_eq(picked.token, 2);
    ck_assert_double_eq_tol((double)picked.logprob, 0.5 - log(sum), 1e-6);
    ins1_sampler_release(sampler);
}
END_TEST

START_TEST(draws_are_those_of_splitmix64)
{
    /* The published first outputs for seed 0 and for 1234567. */
    ck_assert_double_eq(s1_draw(0, 1), (double)(UINT64_C(0xe220a8397b1dcdaf) >> 11) * 0x1p-53);
    ck_assert_double_eq(s1_draw(0, 2), (double)(UINT64_C(0x6e789e6aa1b965f4) >> 11) * 0x1p-53);
    ck_assert_double_eq(s1_draw(1234567, 1),
                        (double)(UINT64_C(6457827717110365317) >> 11) * 0x1p-53);
    ck_assert_double_eq(s1_draw(1234567, 3),
                        (double)(UINT64_C(9817491932198370423) >> 11) * 0x1p-53);
}
END_TEST

/* The lazy ranking must walk through all candidates in the right order. */
START_TEST(every_token_comes_at_its_own_stretch_of_the_draw)
{
    const float logits[] = { 0, 1, 2, 1, -1 };
    const int32_t order[] = { 2, 1, 3, 0, 4 };
    const s1_cuts cuts = { .temperature = 1 };
    s1_rank ranks[5];
    double sum = 0, running = 0;
    for (size_t i = 0; i < 5; i++)
        sum += exp((double)logits[i] - 2);
    for (size_t i = 0; i < 5; i++) {
        double p = exp((double)logits[order[i]] - 2) / sum;
        ck_assert_int_eq(s1_choose_drawn(logits, 5, NULL, &cuts, running + 1e-9, ranks), order[i]);
        ck_assert_int_eq(s1_choose_drawn(logits, 5, NULL, &cuts, running + p - 1e-9, ranks),
                         order[i]);
        running += p;
    }
}
END_TEST

START_TEST(infinite_logits_are_certain_or_impossible)
{
    const float inf = INFINITY;
    const s1_cuts cuts = { .temperature = 1 };
    const float one[] = { 0, inf, 3 }, two[] = { inf, 0, inf }, none[] = { -inf, -inf, -inf };
    const float last[] = { 1, 1, -inf };
    s1_rank ranks[3];
    ck_assert_int_eq(s1_choose_drawn(one, 3, NULL, &cuts, 0.999, ranks), 1);
    ck_assert_int_eq(s1_choose_drawn(two, 3, NULL, &cuts, 0.499, ranks), 0);
    ck_assert_int_eq(s1_choose_drawn(two, 3, NULL, &cuts, 0.501, ranks), 2);
    ck_assert_int_eq(s1_choose_drawn(none, 3, NULL, &cuts, 0.9, ranks), 2);
    ck_assert_int_eq(s1_choose_drawn(last, 3, NULL, &cuts, 1 - 0x1p-53, ranks), 1);
    ck_assert_float_eq(s1_log_softmax(one, 3, 1), 0);
    ck_assert_float_eq(s1_log_softmax(one, 3, 0), -inf);
    ck_assert_float_eq_tol(s1_log_softmax(two, 3, 2), logf(0.5f), 1e-7f);
    ck_assert_float_eq_tol(s1_log_softmax(none, 3, 0), logf(1 / 3.0f), 1e-7f);
}
END_TEST

START_TEST(a_vocabulary_in_the_worst_order_is_ranked_right)
{
    enum { N = 20000 };
    float *logits = malloc(N * sizeof(*logits));
    s1_rank *ranks = malloc(N * sizeof(*ranks));
    const s1_cuts cuts = { .temperature = 1e9f };
    for (int i = 0; i < N; i++)
        logits[i] = (float)i;
    ck_assert_int_eq(s1_choose_drawn(logits, N, NULL, &cuts, 0, ranks), N - 1);
    ck_assert_int_eq(s1_choose_drawn(logits, N, NULL, &cuts, 1 - 0x1p-53, ranks), 0);
    ck_assert_int_le(abs(s1_choose_drawn(logits, N, NULL, &cuts, 0.25, ranks) - 3 * N / 4), 2);
    free(ranks);
    free(logits);
}
END_TEST

static const struct {
    const char *what;
    ins1_sampler_options options;
    ins1_status status;
} bad[] = {
    { "size", { .top_k = 1 }, INS1_E_ARGUMENT },
    { "flags", { .struct_size = sizeof(ins1_sampler_options), .flags = 1 }, INS1_E_VERSION },
    { "cold", { .struct_size = sizeof(ins1_sampler_options), .temperature = -1 }, INS1_E_ARGUMENT },
    { "hot",
      { .struct_size = sizeof(ins1_sampler_options), .temperature = INFINITY },
      INS1_E_ARGUMENT },
    { "top-p", { .struct_size = sizeof(ins1_sampler_options), .top_p = 1.5f }, INS1_E_ARGUMENT },
    { "min-p", { .struct_size = sizeof(ins1_sampler_options), .min_p = NAN }, INS1_E_ARGUMENT },
    { "repeat",
      { .struct_size = sizeof(ins1_sampler_options), .repeat_penalty = -1 },
      INS1_E_ARGUMENT },
    { "presence",
      { .struct_size = sizeof(ins1_sampler_options), .presence_penalty = NAN },
      INS1_E_ARGUMENT },
    { "top-k", { .struct_size = sizeof(ins1_sampler_options), .top_k = -1 }, INS1_E_ARGUMENT },
    { "history",
      { .struct_size = sizeof(ins1_sampler_options), .n_history = -1 },
      INS1_E_ARGUMENT },
    { "no bias", { .struct_size = sizeof(ins1_sampler_options), .n_bias = 1 }, INS1_E_ARGUMENT },
};

START_TEST(options_out_of_range_are_refused)
{
    ins1_sampler *sampler;
    ins1_status status = ins1_sampler_create(&sampler, runtime, &bad[_i].options, &call);
    ck_assert_msg(status == bad[_i].status, "%s: %d", bad[_i].what, status);
    ck_assert_ptr_null(sampler);
    ck_assert_str_ne(error.text, "");
}
END_TEST

static int32_t mask_answer;
static uint32_t mask_bits;

static int32_t scripted_mask(void *user, const int32_t *history, size_t n_history,
                             uint32_t *allowed, size_t n_vocab)
{
    (void)user, (void)history, (void)n_history;
    for (size_t i = 0; i < (n_vocab + 31) / 32; i++) {
        ck_assert_uint_eq(allowed[i], UINT32_MAX);
        allowed[i] = mask_bits;
    }
    return mask_answer;
}

START_TEST(a_mask_that_fails_or_leaves_nothing_is_the_callbacks_fault)
{
    float logits[N_LOGITS] = { 0 };
    ins1_logprob picked;
    ins1_sampler_options options = INS1_INIT(ins1_sampler_options);
    options.mask = scripted_mask;
    ins1_sampler *sampler = sampler_with(&options);

    mask_answer = 7;
    mask_bits = UINT32_MAX;
    ck_assert_int_eq(ins1_sampler_pick(sampler, logits, N_LOGITS, &picked, &call), INS1_E_CALLBACK);
    mask_answer = 0;
    mask_bits = 0;
    ck_assert_int_eq(ins1_sampler_pick(sampler, logits, N_LOGITS, &picked, &call), INS1_E_CALLBACK);
    /* Only bits behind the vocabulary: 3 logits have none of them. */
    mask_bits = UINT32_MAX << 3;
    ck_assert_int_eq(ins1_sampler_pick(sampler, logits, N_LOGITS, &picked, &call), INS1_OK);
    ck_assert_int_eq(picked.token, 3);
    ins1_sampler_release(sampler);
}
END_TEST

START_TEST(logits_are_checked_before_they_are_used)
{
    float logits[4] = { 1, 2, NAN, 0 };
    const ins1_logprob bias = { 4, 1 };
    ins1_logprob picked;
    ins1_sampler_options options = INS1_INIT(ins1_sampler_options);
    ins1_sampler *sampler = sampler_with(&options);
    ck_assert_int_eq(ins1_sampler_pick(sampler, logits, 4, &picked, &call), INS1_E_ARGUMENT);
    ck_assert_int_eq(picked.token, -1);
    ck_assert_int_eq(ins1_sampler_pick(sampler, logits, 0, &picked, &call), INS1_E_ARGUMENT);
    ck_assert_int_eq(ins1_sampler_pick(sampler, logits, 2, &picked, &call), INS1_E_ARGUMENT);
    ins1_sampler_release(sampler);

    logits[2] = 0;
    options.bias = &bias;
    options.n_bias = 1;
    sampler = sampler_with(&options);
    ck_assert_int_eq(ins1_sampler_pick(sampler, logits, 4, &picked, &call), INS1_E_ARGUMENT);
    ck_assert_int_eq(ins1_sampler_accept(sampler, -1, &call), INS1_E_ARGUMENT);
    ins1_sampler_release(sampler);
}
END_TEST

static int32_t see_history(void *user, const int32_t *history, size_t n_history, uint32_t *allowed,
                           size_t n_vocab)
{
    (void)allowed, (void)n_vocab;
    int32_t *newest = user;
    ck_assert_uint_eq(n_history, (size_t)(*newest < 3 ? *newest : 3));
    for (size_t i = 0; i < n_history; i++)
        ck_assert_int_eq(history[i], *newest - (int32_t)n_history + (int32_t)i);
    return 0;
}

START_TEST(history_keeps_the_newest_tokens_in_order)
{
    float logits[2] = { 0 };
    ins1_logprob picked;
    int32_t n = 0;
    ins1_sampler_options options = INS1_INIT(ins1_sampler_options);
    options.n_history = 3;
    options.mask = see_history;
    options.mask_user = &n;
    ins1_sampler *sampler = sampler_with(&options);
    for (n = 0; n < 20; n++) {
        ck_assert_int_eq(ins1_sampler_pick(sampler, logits, 2, &picked, &call), INS1_OK);
        ck_assert_int_eq(ins1_sampler_accept(sampler, n, &call), INS1_OK);
    }
    ins1_sampler_release(sampler);
}
END_TEST

START_TEST(everything_is_given_back_when_memory_runs_out)
{
    const ins1_logprob bias = { 1, 1 };
    const float logits[40] = { 0 };
    meter source;
    const ins1_allocator memory = meter_source(&source);
    ins1_runtime_options with_memory = INS1_INIT(ins1_runtime_options);
    ins1_sampler_options options = INS1_INIT(ins1_sampler_options);
    ins1_runtime *mine;
    ins1_sampler *sampler;
    ins1_logprob picked;
    ins1_status status = INS1_E_MEMORY;

    with_memory.allocator = &memory;
    options.bias = &bias;
    options.n_bias = 1;
    options.temperature = 1;
    options.presence_penalty = 1;
    options.mask = odd_only;
    ck_assert_int_eq(ins1_runtime_create(&mine, &with_memory, &call), INS1_OK);
    const long long live = source.live;
    for (int n = 0; status != INS1_OK; n++) {
        source.until_refusal = n;
        status = ins1_sampler_create(&sampler, mine, &options, &call);
        ck_assert(status == INS1_OK || !sampler);
        if (status == INS1_OK)
            status = ins1_sampler_pick(sampler, logits, 40, &picked, &call);
        ck_assert(status == INS1_OK ? n == 4 : status == INS1_E_MEMORY);
        ins1_sampler_release(sampler);
        ck_assert_int_eq(source.live, live);
    }
    ins1_runtime_release(mine);
    ck_assert_int_eq(source.live, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sampler");
    TCase *t = tcase_create("sampler");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, picks_are_those_of_the_reference, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(t, logprob_is_of_the_logits_as_given);
    tcase_add_test(t, draws_are_those_of_splitmix64);
    tcase_add_test(t, every_token_comes_at_its_own_stretch_of_the_draw);
    tcase_add_test(t, infinite_logits_are_certain_or_impossible);
    tcase_add_test(t, a_vocabulary_in_the_worst_order_is_ranked_right);
    tcase_add_loop_test(t, options_out_of_range_are_refused, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(t, a_mask_that_fails_or_leaves_nothing_is_the_callbacks_fault);
    tcase_add_test(t, logits_are_checked_before_they_are_used);
    tcase_add_test(t, history_keeps_the_newest_tokens_in_order);
    tcase_add_test(t, everything_is_given_back_when_memory_runs_out);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
