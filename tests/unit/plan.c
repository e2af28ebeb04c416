#include "interns1/interns1.h"

#include "tiny.h"

#include <check.h>
#include <math.h>

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

static const struct {
    const char *folder;
    int32_t load_mode, n_ctx, n_seq, kv_type, n_threads;
} rows[] = {
    { "mini-bf16", INS1_LOAD_MMAP, 0, 0, 0, 1 },
    { "mini-bf16", INS1_LOAD_READ, 1000, 3, INS1_KV_F16, 1 },
    { "mini-f32", INS1_LOAD_MMAP, 4096, 1, INS1_KV_F32, 1 },
    { "mini-tied", INS1_LOAD_MMAP, 700, 1, 0, 1 },
    { "mini-unaligned", INS1_LOAD_MMAP, 2048, 2, 0, 1 },
    { "moe-bf16", INS1_LOAD_READ, 4096, 1, 0, 1 },
    { "pro-fp8", INS1_LOAD_MMAP, 4096, 1, 0, 1 },
    { "pro-fused", INS1_LOAD_MMAP, 4096, 2, 0, 1 },
    { "mini-w8a8", INS1_LOAD_MMAP, 700, 1, INS1_KV_F32, 1 },
    { "mini-w8a8", INS1_LOAD_READ, 2048, 2, 0, 3 },
    { "moe-w8a8", INS1_LOAD_MMAP, 1000, 1, 0, 1 },
    { "internlm2-f32", INS1_LOAD_READ, 4096, 1, 0, 1 },
    { "mini-f32", INS1_LOAD_MMAP, 4096, 1, 0, 3 },
    { "moe-bf16", INS1_LOAD_MMAP, 20000, 1, 0, 8 },
};

static void use_threads(int32_t n)
{
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_threading threading = INS1_INIT(ins1_threading);
    threading.mode = INS1_THREADS_OWN;
    threading.n_threads = n;
    options.threading = &threading;
    ins1_runtime_release(runtime);
    ck_assert_int_eq(ins1_runtime_create(&runtime, &options, &call), INS1_OK);
}

/* Make everything, feed a prompt, and see what was taken at most. */
static uint64_t measure(const ins1_model_options *options, const ins1_session_options *given)
{
    enum { N_IDS = 600 };
    static int32_t ids[N_IDS];
    ins1_mem_stats before = INS1_INIT(ins1_mem_stats), after = INS1_INIT(ins1_mem_stats);
    ins1_model *model;
    ins1_decoder *decoder;
    ins1_session *session;
    ins1_span span = INS1_INIT(ins1_span);
    ins1_feed feed = INS1_INIT(ins1_feed);

    span.ids = ids;
    span.n_ids = N_IDS;
    feed.spans = &span;
    feed.n_spans = 1;
    ck_assert_int_eq(ins1_runtime_mem(runtime, &before, &call), INS1_OK);
    ck_assert_int_eq(ins1_model_open(&model, runtime, options, &call), INS1_OK);
    ck_assert_int_eq(ins1_decoder_create(&decoder, model, NULL, &call), INS1_OK);
    ck_assert_int_eq(ins1_session_create(&session, decoder, given, &call), INS1_OK);
    ck_assert_int_eq(ins1_session_prefill(session, &feed, 1, NULL, &call), INS1_OK);
    ck_assert_int_eq(ins1_runtime_mem(runtime, &after, &call), INS1_OK);
    ins1_session_release(session);
    ins1_decoder_release(decoder);
    ins1_model_release(model);
    return after.now - before.now;
}

START_TEST(a_plan_is_what_it_takes)
{
    char path[1000];
    ins1_model_options options = INS1_INIT(ins1_model_options);
    ins1_session_options session = INS1_INIT(ins1_session_options);
    ins1_mem_stats before = INS1_INIT(ins1_mem_stats), after = INS1_INIT(ins1_mem_stats);
    ins1_plan plan = INS1_INIT(ins1_plan);

    snprintf(path, sizeof(path), "%s/%s", TEST_GOLDEN, rows[_i].folder);
    options.path = path;
    options.load_mode = rows[_i].load_mode;
    session.n_ctx = rows[_i].n_ctx;
    session.n_seq = rows[_i].n_seq;
    session.kv_type = rows[_i].kv_type;
    use_threads(rows[_i].n_threads);
    ck_assert_int_eq(ins1_runtime_mem(runtime, &before, &call), INS1_OK);
    ck_assert_msg(ins1_model_plan(runtime, &options, NULL, &session, &plan, &call) == INS1_OK, "%s",
                  error.text);
    ck_assert_int_eq(ins1_runtime_mem(runtime, &after, &call), INS1_OK);
    ck_assert_uint_eq(after.now, before.now);
    ck_assert_uint_eq(after.mapped, 0);

    ck_assert_uint_eq(plan.parts, INS1_PART_DECODER);
    ck_assert_uint_gt(plan.decoder.disk, 1000);
    ck_assert_uint_ge(plan.decoder.host, plan.decoder.disk);
    ck_assert_uint_eq(plan.total_device, 0);
    const double taken = (double)measure(&options, &session);
    const double off = fabs((double)plan.least_total - taken) / taken;
    ck_assert_msg(off <= 0.01, "%s: planned %.0f, taken %.0f", path, (double)plan.least_total,
                  taken);
}
END_TEST

START_TEST(a_plan_needs_no_decoder)
{
    made folder = { 0 };
    ins1_plan plan = INS1_INIT(ins1_plan);
    made_text(&folder, "tokenizer.model", "12345");
    const ins1_model_options options = made_options(&folder);
    ck_assert_int_eq(ins1_model_plan(runtime, &options, NULL, NULL, &plan, &call), INS1_OK);
    ck_assert_uint_eq(plan.parts, INS1_PART_TOKENIZER);
    ck_assert_uint_eq(plan.tokenizer.disk, 5);
    ck_assert_uint_ge(plan.tokenizer.host, 5);
    ck_assert_uint_eq(plan.scratch, 0);
    made_free(&folder);
}
END_TEST

START_TEST(a_plan_knows_the_tables_of_a_tokenizer)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    ins1_mem_stats before = INS1_INIT(ins1_mem_stats), after = INS1_INIT(ins1_mem_stats);
    ins1_plan plan = INS1_INIT(ins1_plan);
    ins1_model *model;
    ins1_tokenizer *tokenizer;

    if (!TEST_DATA[0]) {
        printf("skipped: no test_data with tokenizers\n");
        return;
    }
    options.path = TEST_DATA "/tokenizers/intern-s1-pro";
    ck_assert_int_eq(ins1_runtime_mem(runtime, &before, &call), INS1_OK);
    ck_assert_int_eq(ins1_model_plan(runtime, &options, NULL, NULL, &plan, &call), INS1_OK);
    ck_assert_int_eq(ins1_model_open(&model, runtime, &options, &call), INS1_OK);
    ck_assert_int_eq(ins1_tokenizer_create(&tokenizer, model, NULL, &call), INS1_OK);
    ck_assert_int_eq(ins1_runtime_mem(runtime, &after, &call), INS1_OK);
    ins1_tokenizer_release(tokenizer);
    ins1_model_release(model);
    const double taken = (double)(after.now - before.now), all = taken + (double)after.mapped;
    ck_assert_double_le(fabs((double)plan.least_total - taken), taken / 100);
    ck_assert_double_le(fabs((double)plan.total_host - all), all / 100);
}
END_TEST

START_TEST(a_plan_fails_as_opening_would)
{
    made folder = { 0 };
    ins1_plan plan = INS1_INIT(ins1_plan);
    tiny t = tiny_dense();
    t.tensors[3].dtype = NULL;
    tiny_make(&t, &folder);
    const ins1_model_options options = made_options(&folder);
    ck_assert_int_eq(ins1_model_plan(runtime, &options, NULL, NULL, &plan, &call), INS1_E_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, t.tensors[3].name));
    made_free(&folder);
}
END_TEST

/* The host asks first and opens afterwards with the same readers. */
typedef struct lent {
    const void *data;
    size_t size;
    int closed;
} lent;

static int64_t lent_read(void *user, uint64_t offset, void *dst, size_t n)
{
    const lent *l = user;
    memcpy(dst, (const char *)l->data + offset, n);
    return (int64_t)n;
}

static void lent_close(void *user)
{
    lent *l = user;
    l->closed++;
}

START_TEST(a_plan_leaves_the_readers_to_the_host)
{
    made folder = { 0 };
    ins1_reader readers[2];
    lent lents[2] = { { .closed = 0 } };
    ins1_plan plan = INS1_INIT(ins1_plan);
    tiny t = tiny_dense();
    tiny_make(&t, &folder);
    ins1_file files[2];
    for (int i = 0; i < 2; i++) {
        lents[i] = (lent){ folder.files[i].data, folder.files[i].size, 0 };
        readers[i] = (ins1_reader){
            .struct_size = sizeof(ins1_reader),
            .size = lents[i].size,
            .read_at = lent_read,
            .close = lent_close,
            .user = &lents[i],
        };
        files[i] = (ins1_file){ .struct_size = sizeof(ins1_file),
                                .name = folder.files[i].name,
                                .reader = &readers[i] };
    }
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.files = files;
    options.n_files = 2;
    ins1_model *model;
    ck_assert_int_eq(ins1_model_plan(runtime, &options, NULL, NULL, &plan, &call), INS1_OK);
    ck_assert_int_eq(lents[0].closed + lents[1].closed, 0);
    ck_assert_int_eq(ins1_model_open(&model, runtime, &options, &call), INS1_OK);
    ins1_model_release(model);
    ck_assert_int_eq(lents[0].closed, 1);
    ck_assert_int_eq(lents[1].closed, 1);
    made_free(&folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan");
    TCase *cases = tcase_create("plan");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, a_plan_is_what_it_takes, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(cases, a_plan_needs_no_decoder);
    tcase_add_test(cases, a_plan_knows_the_tables_of_a_tokenizer);
    tcase_add_test(cases, a_plan_fails_as_opening_would);
    tcase_add_test(cases, a_plan_leaves_the_readers_to_the_host);
    suite_add_tcase(suite, cases);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
