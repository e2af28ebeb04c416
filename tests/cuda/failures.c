/* What a program sees when the driver refuses, the device is lost, or it takes too long: a status
 * and a sentence, and everything else goes on. The plugin on the driver of fake.h, a whole model.
 */

#include "fake.h"

#include "interns1/interns1.h"

#include <check.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL TEST_GOLDEN "/moe-fp8"

enum { UNKNOWN = 999, OUT_OF_MEMORY = 2, ILLEGAL_ADDRESS = 700, LAUNCH_TIMEOUT = 702, N_STEPS = 3 };

static const int32_t prompt[] = { 3, 17, 42, 8, 25, 11, 30, 5, 19, 2, 33, 14 };

static struct {
    long (*calls)(void);
    long (*launches)(void);
    void (*fail_at)(long n, int code);
    void (*lose_at)(long n, int code);
    void (*hang_at)(long n, long questions);
    void (*pretend)(int devices, int version);
} fake;

static void find(void *library, const char *name, void *to)
{
    void *symbol = dlsym(library, name);
    ck_assert_msg(symbol != NULL, "%s", name);
    memcpy(to, &symbol, sizeof(symbol));
}

static void setup(void)
{
    void *library = dlopen(FAKE_DRIVER, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    find(library, "fake_cuda_calls", &fake.calls);
    find(library, "fake_cuda_launches", &fake.launches);
    find(library, "fake_cuda_fail_at", &fake.fail_at);
    find(library, "fake_cuda_lose_at", &fake.lose_at);
    find(library, "fake_cuda_hang_at", &fake.hang_at);
    find(library, "fake_cuda_pretend", &fake.pretend);
    fake.fail_at(-1, 0);
    fake.lose_at(-1, 0);
    fake.hang_at(-1, 0);
    fake.pretend(2, 13000);
}

/* ---- a program --------------------------------------------------------------------------------
 */

typedef struct program {
    ins1_runtime *runtime;
    ins1_model *model;
    ins1_error error;
    ins1_call call;
    char said[1024]; /* the log */
} program;

typedef struct place {
    ins1_decoder *decoder;
    ins1_session *session;
} place;

static void listen(void *user, int32_t level, const char *component, const char *text)
{
    program *p = user;
    (void)level;
    (void)component;
    size_t n = strlen(p->said);
    snprintf(p->said + n, sizeof(p->said) - n, "%s\n", text);
}

static ins1_status program_open(program *p, const char *plugin)
{
    ins1_runtime_options runtime = INS1_INIT(ins1_runtime_options);
    ins1_model_options model = INS1_INIT(ins1_model_options);

    *p = (program){ .error = INS1_INIT(ins1_error), .call = INS1_INIT(ins1_call) };
    p->call.error = &p->error;
    runtime.log = listen;
    runtime.log_user = p;
    model.path = MODEL;
    model.parts = INS1_PART_DECODER;
    ins1_status status = ins1_runtime_create(&p->runtime, &runtime, &p->call);
    if (status == INS1_OK)
        status = ins1_backend_load(p->runtime, plugin, &p->call);
    if (status == INS1_OK)
        status = ins1_model_open(&p->model, p->runtime, &model, &p->call);
    return status;
}

static void program_close(program *p)
{
    ins1_model_release(p->model);
    ins1_runtime_release(p->runtime);
}

static ins1_status place_open(program *p, const char *device, place *at)
{
    ins1_decoder_options decoder = INS1_INIT(ins1_decoder_options);
    ins1_session_options session = INS1_INIT(ins1_session_options);
    ins1_placement placement = { 0 };

    memset(at, 0, sizeof(*at));
    ins1_status status = ins1_device_find(p->runtime, device, &placement.device, &p->call);
    if (status != INS1_OK)
        return status;
    decoder.precision = INS1_PRECISION_F32;
    decoder.placements = &placement;
    decoder.n_placements = 1;
    session.n_ctx = 64;
    session.n_seq = 1;
    status = ins1_decoder_create(&at->decoder, p->model, &decoder, &p->call);
    if (status == INS1_OK)
        status = ins1_session_create(&at->session, at->decoder, &session, &p->call);
    return status;
}

static void place_close(place *at)
{
    ins1_session_release(at->session);
    ins1_decoder_release(at->decoder);
}

static ins1_status prefill(program *p, place *at)
{
    ins1_span span = INS1_INIT(ins1_span);
    ins1_feed feed = INS1_INIT(ins1_feed);

    span.ids = prompt;
    span.n_ids = sizeof(prompt) / sizeof(prompt[0]);
    feed.spans = &span;
    feed.n_spans = 1;
    return ins1_session_prefill(at->session, &feed, 1, NULL, &p->call);
}

/* One greedy token. */
static ins1_status step(program *p, place *at, int32_t *token)
{
    const float *logits;
    size_t n;

    ins1_status status = ins1_session_logits(at->session, 0, &logits, &n, &p->call);
    if (status != INS1_OK)
        return status;
    *token = 0;
    for (size_t i = 1; i < n; i++)
        if (logits[i] > logits[*token])
            *token = (int32_t)i;
    const ins1_step next = { 0, *token };
    return ins1_session_step(at->session, &next, 1, &p->call);
}

/* From the prompt on. */
static ins1_status generate(program *p, place *at, int32_t *tokens)
{
    ins1_status status = prefill(p, at);
    for (int i = 0; i < N_STEPS && status == INS1_OK; i++)
        status = step(p, at, &tokens[i]);
    return status;
}

static ins1_status whole(program *p, const char *device, int32_t *tokens)
{
    place at;
    ins1_status status = place_open(p, device, &at);
    if (status == INS1_OK)
        status = generate(p, &at, tokens);
    place_close(&at);
    return status;
}

/* What the CPU says, once a process. */
static const int32_t *expected(void)
{
    static int32_t tokens[N_STEPS];
    static bool is_known;
    program p;

    if (!is_known) {
        ck_assert_int_eq(program_open(&p, PLUGIN), INS1_OK);
        ck_assert_int_eq(whole(&p, "cpu", tokens), INS1_OK);
        program_close(&p);
        is_known = true;
    }
    return tokens;
}

static void check_goes_on(program *p, const char *device)
{
    int32_t tokens[N_STEPS];
    ins1_status status = whole(p, device, tokens);
    ck_assert_msg(status == INS1_OK, "%s: %s", device, p->error.text);
    ck_assert_mem_eq(tokens, expected(), sizeof(tokens));
}

/* ---- tests ------------------------------------------------------------------------------------
 */

START_TEST(both_devices_agree_with_the_cpu)
{
    program p;
    ck_assert_int_eq(program_open(&p, PLUGIN), INS1_OK);
    check_goes_on(&p, "cuda:0");
    check_goes_on(&p, "cuda:1");
    program_close(&p);
}
END_TEST

/* The sentence is the library's, or says what the driver answered. */
START_TEST(every_call_of_the_driver_may_fail)
{
    int n_failed = 0;
    expected();

    for (long n = 0;; n += 1 + n / 12) {
        int32_t tokens[N_STEPS];
        program p;
        int code = n % 2 ? UNKNOWN : OUT_OF_MEMORY;
        long before = fake.calls();

        fake.fail_at(n, code);
        ins1_status opened = program_open(&p, PLUGIN);
        ck_assert_msg(opened == INS1_OK, "call %ld: %s", n, p.error.text);
        ins1_status status = whole(&p, "cuda:0", tokens);
        bool was_reached = fake.calls() - before > n;
        fake.fail_at(-1, 0);
        if (status == INS1_OK) {
            ck_assert_mem_eq(tokens, expected(), sizeof(tokens));
        } else {
            bool has_no_device = status == INS1_E_UNSUPPORTED && strstr(p.said, "device");
            ck_assert_msg(has_no_device || status == INS1_E_DEVICE || status == INS1_E_MEMORY,
                          "call %ld gives status %d: %s", n, status, p.error.text);
            ck_assert_msg(p.error.text[0], "call %ld: no sentence", n);
            n_failed++;
            check_goes_on(&p, "cpu");
        }
        program_close(&p);
        if (!was_reached)
            break;
    }
    printf("%d failures survived\n", n_failed);
    ck_assert_int_gt(n_failed, 40);
}
END_TEST

static void check_lost(long launch, int code, const char *name)
{
    int32_t tokens[N_STEPS], token;
    place at;
    program p;

    ck_assert_int_eq(program_open(&p, PLUGIN), INS1_OK);
    ck_assert_int_eq(place_open(&p, "cuda:0", &at), INS1_OK);
    fake.lose_at(launch, code);
    ck_assert_int_eq(generate(&p, &at, tokens), INS1_E_DEVICE);
    fake.lose_at(-1, 0);
    ck_assert_msg(strstr(p.error.text, name) != NULL, "%s", p.error.text);
    ck_assert_int_eq(step(&p, &at, &token) == INS1_OK, 0);
    ck_assert_int_eq(whole(&p, "cuda:0", tokens), INS1_E_DEVICE);
    ck_assert_msg(strstr(p.error.text, "failed before") != NULL, "%s", p.error.text);
    check_goes_on(&p, "cuda:1");
    check_goes_on(&p, "cpu");
    place_close(&at);
    program_close(&p);
}

START_TEST(a_lost_device_takes_nothing_else_along)
{
    check_lost(0, ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS");
    check_lost(7, LAUNCH_TIMEOUT, "CUDA_ERROR_LAUNCH_TIMEOUT");
    check_lost(60, ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS");
    check_lost(90, UNKNOWN, "999");
}
END_TEST

/* What is under way is waited for, and then the session is what it was. */
START_TEST(a_device_that_hangs_ends_at_the_deadline)
{
    int32_t tokens[N_STEPS];
    place at;
    program p;

    expected();
    ck_assert_int_eq(program_open(&p, PLUGIN), INS1_OK);
    ck_assert_int_eq(place_open(&p, "cuda:0", &at), INS1_OK);
    p.call.budget_ns = 30000000;
    fake.hang_at(5, 2000);
    ck_assert_int_eq(prefill(&p, &at), INS1_E_DEADLINE);
    fake.hang_at(-1, 0);
    p.call.budget_ns = 0;
    ck_assert_int_eq(ins1_session_truncate(at.session, 0, 0, NULL, &p.call), INS1_OK);
    ck_assert_int_eq(generate(&p, &at, tokens), INS1_OK);
    ck_assert_mem_eq(tokens, expected(), sizeof(tokens));
    place_close(&at);
    program_close(&p);
}
END_TEST

static void check_no_device(const char *plugin, const char *why)
{
    int32_t index;
    program p;

    ck_assert_int_eq(program_open(&p, plugin), INS1_OK);
    ck_assert_int_ne(ins1_device_find(p.runtime, "cuda:0", &index, &p.call), INS1_OK);
    ck_assert_int_eq(ins1_device_count(p.runtime), 1);
    ck_assert_msg(strstr(p.said, "no device") && strstr(p.said, why), "%s", p.said);
    check_goes_on(&p, "cpu");
    program_close(&p);
}

START_TEST(without_a_driver_or_a_device_the_cpu_goes_on)
{
    expected();
    fake.pretend(0, 13000);
    check_no_device(PLUGIN, "finds no GPU");
    fake.pretend(2, 12040);
    check_no_device(PLUGIN, "12.4, 13.0 or later expected");
    fake.pretend(2, 13000);
    check_no_device(PLUGIN_ALONE, "there is no driver");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cuda");
    TCase *failures = tcase_create("failures");
    tcase_set_timeout(failures, 300);
    tcase_add_checked_fixture(failures, setup, NULL);
    tcase_add_test(failures, both_devices_agree_with_the_cpu);
    tcase_add_test(failures, every_call_of_the_driver_may_fail);
    tcase_add_test(failures, a_lost_device_takes_nothing_else_along);
    tcase_add_test(failures, a_device_that_hangs_ends_at_the_deadline);
    tcase_add_test(failures, without_a_driver_or_a_device_the_cpu_goes_on);
    suite_add_tcase(suite, failures);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
