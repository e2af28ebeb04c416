/* Programs of other versions: structs that end earlier, and structs that go on. */

#include <interns1/interns1.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* A caller of a later version knows 24 bytes more. */
#define LATER 24

static ins1_error error;
static ins1_call call;

static void setup(void)
{
    error = (ins1_error)INS1_INIT(ins1_error);
    call = (ins1_call)INS1_INIT(ins1_call);
    call.error = &error;
}

/* A copy of a struct with another struct_size, in a heap block of exactly that size. */
static void *resized(const void *given, size_t known, uint32_t size)
{
    void *copy = calloc(1, size);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, given, known < size ? known : size);
    memcpy(copy, &size, sizeof(size));
    return copy;
}

START_TEST(options_that_end_earlier_have_defaults_behind)
{
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_runtime *runtime;

    /* The first release's smallest form: size and flags. */
    ins1_runtime_options *old = resized(&options, sizeof(options), 8);
    ck_assert_int_eq(ins1_runtime_create(&runtime, old, &call), INS1_OK);
    ins1_runtime_release(runtime);
    free(old);
}
END_TEST

START_TEST(options_that_go_on_with_zeros_are_accepted)
{
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_runtime *runtime;

    void *new = resized(&options, sizeof(options), sizeof(options) + LATER);
    ck_assert_int_eq(ins1_runtime_create(&runtime, new, &call), INS1_OK);
    ins1_runtime_release(runtime);
    free(new);
}
END_TEST

START_TEST(options_that_go_on_with_a_choice_are_refused)
{
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_runtime *runtime;

    char *new = resized(&options, sizeof(options), sizeof(options) + LATER);
    new[sizeof(options) + (size_t)_i] = 1;
    ck_assert_int_eq(ins1_runtime_create(&runtime, (void *)new, &call), INS1_E_VERSION);
    ck_assert_ptr_null(runtime);
    ck_assert_int_eq(error.status, INS1_E_VERSION);
    ck_assert_str_ne(error.text, "");
    free(new);
}
END_TEST

START_TEST(unknown_flags_are_refused)
{
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_runtime *runtime;

    options.flags = 1u << 31;
    ck_assert_int_eq(ins1_runtime_create(&runtime, &options, &call), INS1_E_VERSION);
}
END_TEST

START_TEST(a_size_that_was_not_set_is_said)
{
    ins1_runtime_options options = { 0 };
    ins1_runtime *runtime;

    ck_assert_int_eq(ins1_runtime_create(&runtime, &options, &call), INS1_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.text, "struct_size"));
}
END_TEST

/* Exact-size heap blocks: one byte too many is a sanitizer's report. */
START_TEST(results_end_where_the_caller_does)
{
    const uint32_t sizes[] = { 8, 16, sizeof(ins1_mem_stats), sizeof(ins1_mem_stats) + LATER };
    ins1_runtime *runtime;

    ck_assert_int_eq(ins1_runtime_create(&runtime, NULL, &call), INS1_OK);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        unsigned char *out = malloc(sizes[i]);
        memset(out, 0xee, sizes[i]);
        memcpy(out, &sizes[i], sizeof(sizes[i]));
        ck_assert_int_eq(ins1_runtime_mem(runtime, (ins1_mem_stats *)(void *)out, &call), INS1_OK);
        ck_assert_mem_eq(out, &sizes[i], sizeof(sizes[i]));
        for (size_t at = sizeof(ins1_mem_stats); at < sizes[i]; at++)
            ck_assert_uint_eq(out[at], 0);
        free(out);
    }
    ins1_runtime_release(runtime);
}
END_TEST

START_TEST(a_call_block_may_end_behind_its_record)
{
    ins1_runtime *runtime;
    const char *level = "no such level";
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);

    ins1_call *old = resized(&call, sizeof(call), offsetof(ins1_call, cancel));
    options.cpu_level = level;
    ck_assert_int_eq(ins1_runtime_create(&runtime, &options, old), INS1_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.text, level));
    free(old);
}
END_TEST

START_TEST(a_record_without_its_size_is_left_alone)
{
    ins1_runtime_options options = { 0 };
    ins1_error untouched = { .text = "mine" };
    ins1_runtime *runtime;

    call.error = &untouched;
    ck_assert_int_eq(ins1_runtime_create(&runtime, &options, &call), INS1_E_ARGUMENT);
    ck_assert_str_eq(untouched.text, "mine");
    ck_assert_int_eq(untouched.status, INS1_OK);
}
END_TEST

START_TEST(the_headers_and_the_library_are_of_one_version)
{
    ck_assert_uint_eq(ins1_version_number(), INS1_VERSION_NUMBER);
    ck_assert_ptr_nonnull(ins1_version_string());
    ck_assert_int_eq(ins1_has_feature("level.scalar"), 1);
    ck_assert_int_eq(ins1_has_feature("level.nonsense"), 0);
    ck_assert_int_eq(ins1_has_feature(NULL), 0);
    ck_assert_str_eq(ins1_status_name(INS1_OK), "INS1_OK");
    ck_assert_str_eq(ins1_status_name(INS1_E_INTERNAL), "INS1_E_INTERNAL");
    ck_assert_str_eq(ins1_status_name(1), "unknown status");
    ck_assert_str_eq(ins1_status_name(INT32_MIN), "unknown status");
}
END_TEST

START_TEST(every_release_accepts_nothing)
{
    ins1_cancel_release(NULL);
    ins1_decoder_release(NULL);
    ins1_detokenizer_release(NULL);
    ins1_embeds_release(NULL);
    ins1_model_release(NULL);
    ins1_prompt_release(NULL);
    ins1_reply_parser_release(NULL);
    ins1_runtime_release(NULL);
    ins1_sampler_release(NULL);
    ins1_session_release(NULL);
    ins1_stream_release(NULL);
    ins1_timeseries_encoder_release(NULL);
    ins1_tokenizer_release(NULL);
    ins1_vision_encoder_release(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("callers");
    TCase *callers = tcase_create("callers");

    tcase_add_checked_fixture(callers, setup, NULL);
    tcase_add_test(callers, options_that_end_earlier_have_defaults_behind);
    tcase_add_test(callers, options_that_go_on_with_zeros_are_accepted);
    tcase_add_loop_test(callers, options_that_go_on_with_a_choice_are_refused, 0, LATER);
    tcase_add_test(callers, unknown_flags_are_refused);
    tcase_add_test(callers, a_size_that_was_not_set_is_said);
    tcase_add_test(callers, results_end_where_the_caller_does);
    tcase_add_test(callers, a_call_block_may_end_behind_its_record);
    tcase_add_test(callers, a_record_without_its_size_is_left_alone);
    tcase_add_test(callers, the_headers_and_the_library_are_of_one_version);
    tcase_add_test(callers, every_release_accepts_nothing);
    suite_add_tcase(suite, callers);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
