#include "runtime/runtime.h"

#include "base/guard.h"
#include "interns1/decoder.h"
#include "interns1/device.h"
#include "interns1/model.h"
#include "interns1/session.h"
#include "unit/meter.h"

#include <check.h>
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static ins1_error error;
static ins1_call call;

static void setup(void)
{
    error = (ins1_error)INS1_INIT(ins1_error);
    call = (ins1_call)INS1_INIT(ins1_call);
    call.error = &error;
}

static ins1_runtime *runtime_with(const ins1_runtime_options *options)
{
    ins1_runtime *runtime;
    ins1_status status = ins1_runtime_create(&runtime, options, &call);
    ck_assert_msg(status == INS1_OK, "%d, %s", status, error.text);
    return runtime;
}

START_TEST(a_runtime_needs_no_options)
{
    ins1_runtime *runtime;
    ck_assert_int_eq(ins1_runtime_create(&runtime, NULL, NULL), INS1_OK);
    ck_assert_int_eq(ins1_device_count(runtime), 1);
    ins1_device_info info = INS1_INIT(ins1_device_info);
    ck_assert_int_eq(ins1_device_get(runtime, 0, &info, NULL), INS1_OK);
    ck_assert_str_eq(info.name, "cpu");
    ck_assert_int_eq(info.kind, INS1_DEVICE_CPU);
    ck_assert(info.caps & INS1_CAP_EXACT);
    ck_assert_int_eq(ins1_device_get(runtime, 1, &info, NULL), INS1_E_ARGUMENT);
    int32_t index = -1;
    ck_assert_int_eq(ins1_device_find(runtime, "cpu", &index, NULL), INS1_OK);
    ck_assert_int_eq(index, 0);
    ck_assert_int_eq(ins1_device_find(runtime, "vulkan", &index, NULL), INS1_E_UNSUPPORTED);
    ins1_runtime_retain(runtime);
    ins1_runtime_release(runtime);
    ins1_runtime_release(runtime);
    ins1_runtime_release(NULL);
}
END_TEST

static int count_entries(const char *folder)
{
    int n = 0;
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static bool is_mapped(const char *name)
{
    char line[1024];
    bool found = false;
    FILE *file = fopen("/proc/self/maps", "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof(line), file))
        found = found || strstr(line, name);
    fclose(file);
    return found;
}

static void compute_with(ins1_runtime *runtime)
{
    static const int32_t ids[] = { 5, 6, 7 };
    ins1_model_options options = INS1_INIT(ins1_model_options);
    ins1_span span = INS1_INIT(ins1_span);
    ins1_feed feed = INS1_INIT(ins1_feed);
    ins1_model *model;
    ins1_decoder *decoder;
    ins1_session *session;

    options.path = TEST_GOLDEN "/mini-f32";
    options.parts = INS1_PART_DECODER;
    span.ids = ids;
    span.n_ids = 3;
    feed.spans = &span;
    feed.n_spans = 1;
    ck_assert_int_eq(ins1_model_open(&model, runtime, &options, &call), INS1_OK);
    ck_assert_int_eq(ins1_decoder_create(&decoder, model, NULL, &call), INS1_OK);
    ck_assert_int_eq(ins1_session_create(&session, decoder, NULL, &call), INS1_OK);
    ck_assert_int_eq(ins1_session_prefill(session, &feed, 1, NULL, &call), INS1_OK);
    ins1_session_release(session);
    ins1_decoder_release(decoder);
    ins1_model_release(model);
}

/* Drivers start threads and open files, so they are not touched before somebody wants them. */
START_TEST(nothing_is_opened_before_a_plugin_is_asked_for)
{
    static const char *const names[] = { "libvulkan", "libOpenCL", "libcuda", "libopenblas",
                                         "ins1_" };
    const int n_threads = count_entries("/proc/self/task");
    const int n_files = count_entries("/proc/self/fd");
    ins1_runtime *runtime = runtime_with(NULL);

    compute_with(runtime);
    ck_assert_int_eq(ins1_device_count(runtime), 1);
    ck_assert_int_eq(count_entries("/proc/self/task"), n_threads);
    ck_assert_int_eq(count_entries("/proc/self/fd"), n_files);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        ck_assert_msg(!is_mapped(names[i]), "%s", names[i]);
    ins1_runtime_release(runtime);
    if (!OPENBLAS_PLUGIN[0])
        return;
    runtime = runtime_with(NULL);
    ck_assert_int_eq(ins1_backend_load(runtime, OPENBLAS_PLUGIN, &call), INS1_OK);
    ck_assert(is_mapped("ins1_openblas"));
    ins1_runtime_release(runtime);
}
END_TEST

static const ins1_threading bad_threading = { .struct_size = sizeof(bad_threading), .mode = 9 };
static const ins1_threading no_size = { .struct_size = 0 };
static const ins1_allocator no_functions = { .struct_size = sizeof(no_functions) };

static const struct {
    const char *what;
    ins1_runtime_options options;
    ins1_status status;
} refused[] = {
    { "no size", { .struct_size = 0 }, INS1_E_ARGUMENT },
    { "flags", { .struct_size = sizeof(ins1_runtime_options), .flags = 64 }, INS1_E_VERSION },
    { "reserved", { .struct_size = sizeof(ins1_runtime_options), .reserved0 = 1 }, INS1_E_VERSION },
    { "log level",
      { .struct_size = sizeof(ins1_runtime_options), .log_level = 9 },
      INS1_E_ARGUMENT },
    { "level of the CPU",
      { .struct_size = sizeof(ins1_runtime_options), .cpu_level = "abacus" },
      INS1_E_UNSUPPORTED },
    { "threading",
      { .struct_size = sizeof(ins1_runtime_options), .threading = &bad_threading },
      INS1_E_ARGUMENT },
    { "threading without size",
      { .struct_size = sizeof(ins1_runtime_options), .threading = &no_size },
      INS1_E_ARGUMENT },
    { "allocator",
      { .struct_size = sizeof(ins1_runtime_options), .allocator = &no_functions },
      INS1_E_ARGUMENT },
    { "budget", { .struct_size = sizeof(ins1_runtime_options), .host_budget = 16 }, INS1_E_BUDGET },
    { "larger budget",
      { .struct_size = sizeof(ins1_runtime_options), .host_budget = 2000 },
      INS1_E_BUDGET },
};

START_TEST(create_says_what_is_wrong)
{
    ins1_runtime *runtime;
    ins1_status status = ins1_runtime_create(&runtime, &refused[_i].options, &call);
    ck_assert_msg(status == refused[_i].status, "%s: %d, %s", refused[_i].what, status, error.text);
    ck_assert_ptr_null(runtime);
    ck_assert_str_ne(error.text, "");
}
END_TEST

START_TEST(the_scalar_level_can_be_forced)
{
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_device_info info = INS1_INIT(ins1_device_info);
    options.cpu_level = "scalar";
    ins1_runtime *runtime = runtime_with(&options);
    ck_assert_int_eq(ins1_device_get(runtime, 0, &info, &call), INS1_OK);
    ck_assert_str_eq(info.level, "scalar");
    ins1_runtime_release(runtime);
}
END_TEST

/* Everything that is made on the way to a first answer. */
static ins1_status make_everything(ins1_runtime *runtime)
{
    s1_device *device = NULL;
    s1_buffer made = { 0 }, wrapped = { 0 };
    s1_stream *stream = NULL;
    ins1_cancel *cancel = NULL;
    static const float values[64];

    ins1_status status = s1_registry_device(s1_runtime_registry(runtime), 0, &device, &error);
    if (status == INS1_OK)
        status = s1_buffer_create(&made, device, 1000, INS1_MEM_KV, &error);
    if (status == INS1_OK)
        status = s1_buffer_wrap(&wrapped, device, values, sizeof(values), INS1_MEM_WEIGHTS, &error);
    if (status == INS1_OK)
        status = s1_stream_create(&stream, device, s1_runtime_host(runtime), &error);
    if (status == INS1_OK)
        status = ins1_cancel_create(&cancel, runtime, &call);
    ins1_cancel_release(cancel);
    s1_stream_destroy(stream);
    s1_buffer_destroy(&wrapped);
    s1_buffer_destroy(&made);
    return status;
}

START_TEST(everything_is_given_back_when_memory_runs_out)
{
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_threading threading = INS1_INIT(ins1_threading);
    threading.mode = INS1_THREADS_OWN;
    threading.n_threads = 2;
    options.threading = &threading;

    for (int n = 0;; n++) {
        meter m;
        ins1_allocator source = meter_source(&m);
        ins1_runtime *runtime;
        options.allocator = &source;
        atomic_store(&m.until_refusal, n);
        ins1_status status = ins1_runtime_create(&runtime, &options, &call);
        if (status == INS1_OK)
            status = make_everything(runtime);
        else
            ck_assert_ptr_null(runtime);
        ins1_runtime_release(runtime);
        ck_assert_int_eq(atomic_load(&m.live), 0);
        if (status == INS1_OK) {
            ck_assert_int_gt(n, 5);
            return; /* no request left to refuse */
        }
        ck_assert_msg(status == INS1_E_MEMORY, "request %d: %d, %s", n, status, error.text);
        ck_assert_int_eq(error.status, INS1_E_MEMORY);
    }
}
END_TEST

/* A refusal of the budget comes before the source is asked and has its own status. */
START_TEST(a_budget_is_never_exceeded)
{
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_mem_stats before = INS1_INIT(ins1_mem_stats), after = INS1_INIT(ins1_mem_stats);
    meter m;
    ins1_allocator source = meter_source(&m);
    s1_device *device;
    s1_buffer buffer;
    options.allocator = &source;
    options.host_budget = 1 << 20;
    ins1_runtime *runtime = runtime_with(&options);
    ck_assert_int_eq(s1_registry_device(s1_runtime_registry(runtime), 0, &device, &error), INS1_OK);
    ck_assert_int_eq(ins1_runtime_mem(runtime, &before, &call), INS1_OK);
    ck_assert_uint_eq(before.budget, 1 << 20);
    ck_assert_uint_eq(before.now, (uint64_t)atomic_load(&m.live));

    ck_assert_int_eq(s1_buffer_create(&buffer, device, 1 << 20, INS1_MEM_KV, &error),
                     INS1_E_BUDGET);
    ck_assert_int_eq(error.status, INS1_E_BUDGET);
    ck_assert_ptr_null(buffer.device);
    ck_assert_int_eq(ins1_runtime_mem(runtime, &after, &call), INS1_OK);
    ck_assert_uint_eq(after.now, before.now);
    ck_assert_uint_eq(after.peak, before.peak);

    ck_assert_int_eq(s1_buffer_create(&buffer, device, 1 << 19, INS1_MEM_KV, &error), INS1_OK);
    ck_assert_int_eq(ins1_runtime_mem(runtime, &after, &call), INS1_OK);
    ck_assert_uint_ge(after.now, before.now + (1 << 19));
    ck_assert_uint_ge(after.peak, after.now);
    s1_buffer_destroy(&buffer);
    ins1_runtime_release(runtime);
    ck_assert_int_eq(atomic_load(&m.live), 0);
}
END_TEST

START_TEST(every_budget_gives_everything_or_says_budget)
{
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_status status = INS1_E_BUDGET;
    for (options.host_budget = 100; status != INS1_OK; options.host_budget += 331) {
        ins1_runtime *runtime;
        meter m;
        ins1_allocator source = meter_source(&m);
        options.allocator = &source;
        status = ins1_runtime_create(&runtime, &options, &call);
        if (status == INS1_OK)
            status = make_everything(runtime);
        ins1_runtime_release(runtime);
        ck_assert_int_eq(atomic_load(&m.live), 0);
        ck_assert_msg(status == INS1_OK || status == INS1_E_BUDGET, "%d, %s", status, error.text);
    }
}
END_TEST

static void *crooked_alloc(void *user, size_t size, size_t align, int32_t kind)
{
    char *memory = meter_alloc(user, size + align, align, kind);
    return memory ? memory + 8 : NULL;
}

static void crooked_free(void *user, void *memory, size_t size, size_t align, int32_t kind)
{
    meter_free(user, (char *)memory - 8, size + align, align, kind);
}

START_TEST(memory_that_is_not_aligned_as_asked_is_no_memory)
{
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_runtime *runtime;
    meter m;
    ins1_allocator source = meter_source(&m);
    source.alloc = crooked_alloc;
    source.free = crooked_free;
    options.allocator = &source;
    ck_assert_int_eq(ins1_runtime_create(&runtime, &options, &call), INS1_E_MEMORY);
    ck_assert_int_eq(atomic_load(&m.live), 0);
}
END_TEST

static void *live_and_die(void *arg)
{
    (void)arg;
    for (int i = 0; i < 5; i++) {
        ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
        ins1_threading threading = INS1_INIT(ins1_threading);
        ins1_runtime *runtime;
        threading.mode = INS1_THREADS_OWN;
        threading.n_threads = 2;
        options.threading = &threading;
        ck_assert_int_eq(ins1_runtime_create(&runtime, &options, NULL), INS1_OK);
        ck_assert_int_eq(make_everything(runtime), INS1_OK);
        ins1_runtime_release(runtime);
    }
    return NULL;
}

START_TEST(two_runtimes_live_at_once)
{
    pthread_t other;
    pthread_create(&other, NULL, live_and_die, NULL);
    live_and_die(NULL);
    pthread_join(other, NULL);
}
END_TEST

START_TEST(backends_come_before_the_first_model)
{
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_runtime *runtime = runtime_with(&options);
    s1_runtime_freeze_devices(runtime);
    ck_assert_int_eq(ins1_backend_load(runtime, DUMMY_PLUGIN, &call), INS1_E_STATE);
    ins1_runtime_release(runtime);

    options.flags = INS1_RUNTIME_NO_DLOPEN;
    runtime = runtime_with(&options);
    ck_assert_int_eq(ins1_backend_load(runtime, DUMMY_PLUGIN, &call), INS1_E_STATE);
    ins1_runtime_release(runtime);

    options.flags = 0;
    runtime = runtime_with(&options);
    ck_assert_int_eq(ins1_backend_load(runtime, DUMMY_PLUGIN, &call), INS1_OK);
    ck_assert_int_eq(ins1_device_count(runtime), 2);
    ins1_runtime_release(runtime);
}
END_TEST

START_TEST(a_door_that_is_taken_says_busy)
{
    s1_guard guard = { ATOMIC_FLAG_INIT };
    ck_assert_int_eq(s1_guard_enter(&guard, &error), INS1_OK);
    ck_assert_int_eq(s1_guard_enter(&guard, &error), INS1_E_BUSY);
    ck_assert_int_eq(error.status, INS1_E_BUSY);
    s1_guard_leave(&guard);
    ck_assert_int_eq(s1_guard_enter(&guard, &error), INS1_OK);
}
END_TEST

typedef struct record {
    int n;
    int32_t level;
    char text[100];
} record;

static void take_record(void *user, int32_t level, const char *component, const char *text)
{
    record *r = user;
    r->n++;
    r->level = level;
    snprintf(r->text, sizeof(r->text), "%s: %s", component, text);
}

START_TEST(the_log_gets_what_its_level_lets_through)
{
    record r = { 0 };
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    options.log = take_record;
    options.log_user = &r;
    options.log_level = INS1_LOG_WARN;
    ins1_runtime *runtime = runtime_with(&options);
    s1_log(s1_runtime_host(runtime), INS1_LOG_INFO, "test", "nothing");
    ck_assert_int_eq(r.n, 0);
    s1_log(s1_runtime_host(runtime), INS1_LOG_WARN, "test", "%d things", 3);
    ck_assert_int_eq(r.n, 1);
    ck_assert_str_eq(r.text, "test: 3 things");
    ins1_runtime_release(runtime);
}
END_TEST

START_TEST(a_token_is_sticky_until_it_is_reset)
{
    ins1_runtime *runtime = runtime_with(NULL);
    ins1_cancel *cancel;
    s1_call running;
    ck_assert_int_eq(ins1_cancel_create(&cancel, runtime, &call), INS1_OK);
    ins1_runtime_release(runtime); /* the token keeps it */
    call.cancel = cancel;
    ck_assert_int_eq(s1_call_begin(&running, &call), INS1_OK);
    ck_assert_int_eq(s1_call_poll(&running), INS1_OK);
    ins1_cancel_request(cancel);
    ck_assert_int_eq(s1_call_poll(&running), INS1_E_CANCELED);
    ck_assert_int_eq(s1_call_check(&running), INS1_E_CANCELED);
    ck_assert_int_eq(error.status, INS1_E_CANCELED);
    ins1_cancel_reset(cancel);
    ck_assert_int_eq(s1_call_poll(&running), INS1_OK);
    ins1_cancel_retain(cancel);
    ins1_cancel_release(cancel);
    ins1_cancel_release(cancel);
    ins1_cancel_release(NULL);
}
END_TEST

START_TEST(a_call_block_is_read_with_the_callers_size)
{
    s1_call running;
    ins1_call given = call;
    given.budget_ns = 1;
    ck_assert_int_eq(s1_call_begin(&running, &given), INS1_OK);
    while (s1_now_ns() < running.deadline_ns)
        continue;
    ck_assert_int_eq(s1_call_check(&running), INS1_E_DEADLINE);

    given.budget_ns = INT64_MAX;
    ck_assert_int_eq(s1_call_begin(&running, &given), INS1_OK);
    ck_assert_int_eq(s1_call_check(&running), INS1_OK);
    given.budget_ns = -1;
    ck_assert_int_eq(s1_call_begin(&running, &given), INS1_E_ARGUMENT);
    given.struct_size = offsetof(ins1_call, budget_ns); /* an older caller */
    ck_assert_int_eq(s1_call_begin(&running, &given), INS1_OK);
    ck_assert(running.deadline_ns == INT64_MAX && running.error == &error);
    given.struct_size = 0;
    ck_assert_int_eq(s1_call_begin(&running, &given), INS1_E_ARGUMENT);
    given = call;
    given.flags = 1;
    ck_assert_int_eq(s1_call_begin(&running, &given), INS1_E_VERSION);
    ck_assert_int_eq(s1_call_begin(&running, NULL), INS1_OK);
    ck_assert_int_eq(s1_call_check(&running), INS1_OK);
}
END_TEST

static int32_t say_stop(void *user, int32_t phase, uint64_t done, uint64_t total)
{
    (void)user;
    (void)total;
    return phase == INS1_PHASE_PREFILL && done == 2;
}

START_TEST(a_progress_callback_may_say_stop)
{
    s1_call running;
    call.progress = say_stop;
    ck_assert_int_eq(s1_call_begin(&running, &call), INS1_OK);
    ck_assert_int_eq(s1_call_progress(&running, INS1_PHASE_PREFILL, 1, 3), INS1_OK);
    ck_assert_int_eq(s1_call_progress(&running, INS1_PHASE_PREFILL, 2, 3), INS1_E_CANCELED);
}
END_TEST

START_TEST(statistics_fit_an_older_caller)
{
    ins1_runtime *runtime = runtime_with(NULL);
    ins1_mem_stats stats;
    memset(&stats, 0xaa, sizeof(stats));
    stats.struct_size = offsetof(ins1_mem_stats, peak);
    s1_runtime_count_mapped(runtime, 500);
    s1_runtime_count_mapped(runtime, -200);
    ck_assert_int_eq(ins1_runtime_mem(runtime, &stats, &call), INS1_OK);
    ck_assert_uint_gt(stats.now, 0);
    ck_assert_uint_eq(stats.peak, UINT64_C(0xaaaaaaaaaaaaaaaa));
    stats.struct_size = sizeof(stats);
    ck_assert_int_eq(ins1_runtime_mem(runtime, &stats, &call), INS1_OK);
    ck_assert_uint_eq(stats.mapped, 300);
    stats.struct_size = 0;
    ck_assert_int_eq(ins1_runtime_mem(runtime, &stats, &call), INS1_E_ARGUMENT);
    ins1_runtime_release(runtime);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("runtime");
    TCase *runtime = tcase_create("runtime");
    tcase_set_timeout(runtime, 120);
    tcase_add_checked_fixture(runtime, setup, NULL);
    tcase_add_test(runtime, a_runtime_needs_no_options);
    tcase_add_test(runtime, nothing_is_opened_before_a_plugin_is_asked_for);
    tcase_add_loop_test(runtime, create_says_what_is_wrong, 0,
                        sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(runtime, the_scalar_level_can_be_forced);
    tcase_add_test(runtime, everything_is_given_back_when_memory_runs_out);
    tcase_add_test(runtime, a_budget_is_never_exceeded);
    tcase_add_test(runtime, every_budget_gives_everything_or_says_budget);
    tcase_add_test(runtime, memory_that_is_not_aligned_as_asked_is_no_memory);
    tcase_add_test(runtime, two_runtimes_live_at_once);
    tcase_add_test(runtime, backends_come_before_the_first_model);
    tcase_add_test(runtime, the_log_gets_what_its_level_lets_through);
    tcase_add_test(runtime, a_door_that_is_taken_says_busy);
    tcase_add_test(runtime, a_token_is_sticky_until_it_is_reset);
    tcase_add_test(runtime, a_call_block_is_read_with_the_callers_size);
    tcase_add_test(runtime, a_progress_callback_may_say_stop);
    tcase_add_test(runtime, statistics_fit_an_older_caller);
    suite_add_tcase(suite, runtime);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
