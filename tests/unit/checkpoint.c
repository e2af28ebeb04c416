#include "format/checkpoint.h"

#include "base/memory.h"
#include "made.h"
#include "meter.h"

#include <check.h>
#include <stdio.h>

#define F32_AT(begin, end) \
    "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[" #begin "," #end "]}"
#define INDEX "model.safetensors.index.json"

static made folder;
static s1_files *files;
static s1_checkpoint *checkpoint;
static ins1_error error;
static s1_call call;

static void setup(void)
{
    error = (ins1_error)INS1_INIT(ins1_error);
    call = (s1_call){ .error = &error, .deadline_ns = INT64_MAX };
    files = NULL;
    checkpoint = NULL;
}

static void teardown(void)
{
    s1_checkpoint_close(checkpoint);
    s1_files_close(files);
    made_free(&folder);
}

static ins1_status open_made(bool headers_only)
{
    const ins1_model_options options = made_options(&folder);
    ck_assert_int_eq(s1_files_open(&files, &s1_heap, &options, 0, &call), INS1_OK);
    return s1_checkpoint_open(&checkpoint, &s1_heap, files, headers_only, &call);
}

static const struct {
    const char *what, *header;
    size_t data_size;
    ins1_status status;
} headers[] = {
    { "nothing", "{}", 0, INS1_OK },
    { "notes", "{\"__metadata__\":{\"format\":\"pt\"},\"a\":" F32_AT(0, 4) "}", 4, INS1_OK },
    { "padding", "{\"a\":" F32_AT(0, 4) "}    ", 4, INS1_OK },
    { "a hole", "{\"a\":" F32_AT(0, 4) ",\"b\":" F32_AT(8, 12) "}", 12, INS1_OK },
    { "backwards", "{\"a\":" F32_AT(4, 8) ",\"b\":" F32_AT(0, 4) "}", 8, INS1_OK },
    { "bytes behind", "{\"a\":" F32_AT(0, 4) "}", 9, INS1_OK },
    { "an empty one inside",
      "{\"a\":" F32_AT(0, 4) ",\"b\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[2,2]}}", 4,
      INS1_OK },
    { "notes are a list", "{\"__metadata__\":[],\"a\":" F32_AT(0, 4) "}", 4, INS1_E_FORMAT },
    { "the same bytes", "{\"a\":" F32_AT(0, 4) ",\"b\":" F32_AT(0, 4) "}", 4, INS1_E_FORMAT },
    { "overlap", "{\"a\":" F32_AT(0, 4) ",\"b\":" F32_AT(2, 6) "}", 8, INS1_E_FORMAT },
    { "overlap, backwards", "{\"a\":" F32_AT(2, 6) ",\"b\":" F32_AT(0, 4) "}", 8, INS1_E_FORMAT },
    { "twice", "{\"a\":" F32_AT(0, 4) ",\"a\":" F32_AT(4, 8) "}", 8, INS1_E_FORMAT },
    { "cut data", "{\"a\":" F32_AT(0, 4) "}", 3, INS1_E_FORMAT },
    { "shape and offsets", "{\"a\":" F32_AT(0, 8) "}", 8, INS1_E_FORMAT },
    { "no JSON", "{\"a\":", 8, INS1_E_FORMAT },
};

START_TEST(a_file_is_opened_or_refused_with_a_reason)
{
    const bool headers_only = _i % 2;
    const size_t at = (size_t)_i / 2;
    made_tensors(&folder, "model.safetensors", headers[at].header, headers[at].data_size);
    ins1_status status = open_made(headers_only);
    ck_assert_msg(status == headers[at].status, "%s: %d, %s", headers[at].what, status, error.text);
    if (status != INS1_OK)
        ck_assert_msg(strstr(error.text, "model.safetensors: ") == error.text, "%s", error.text);
}
END_TEST

/* The index of two good shards, of which a has "a" and b has "b". */
static const struct {
    const char *what, *index;
    ins1_status status;
} indexes[] = {
    { "right",
      "{\"metadata\":{\"total_size\":8},\"weight_map\":{\"a\":\"a.safetensors\",\"b\":\"b."
      "safetensors\"}}",
      INS1_OK },
    { "one shard alone", "{\"weight_map\":{\"a\":\"a.safetensors\"}}", INS1_OK },
    { "no map", "{}", INS1_E_FORMAT },
    { "map is a list", "{\"weight_map\":[\"a.safetensors\"]}", INS1_E_FORMAT },
    { "no JSON", "{\"weight_map\"", INS1_E_FORMAT },
    { "file is a number", "{\"weight_map\":{\"a\":1}}", INS1_E_FORMAT },
    { "wrong shard", "{\"weight_map\":{\"a\":\"a.safetensors\",\"b\":\"a.safetensors\"}}",
      INS1_E_FORMAT },
    { "no such tensor", "{\"weight_map\":{\"a\":\"a.safetensors\",\"c\":\"a.safetensors\"}}",
      INS1_E_FORMAT },
    { "no such file", "{\"weight_map\":{\"a\":\"c.safetensors\"}}", INS1_E_IO },
    { "another folder", "{\"weight_map\":{\"a\":\"../a.safetensors\"}}", INS1_E_IO },
    { "an absolute path", "{\"weight_map\":{\"a\":\"/etc/a.safetensors\"}}", INS1_E_IO },
    { "a file of another kind", "{\"weight_map\":{\"a\":\"config.json\"}}", INS1_E_FORMAT },
    { "the folder itself", "{\"weight_map\":{\"a\":\"..\"}}", INS1_E_FORMAT },
    { "no name", "{\"weight_map\":{\"a\":\"\"}}", INS1_E_FORMAT },
    { "a zero byte", "{\"weight_map\":{\"a\":\"a.safetensors\\u0000.safetensors\"}}",
      INS1_E_FORMAT },
    { "half a character", "{\"weight_map\":{\"a\":\"\\ud800.safetensors\"}}", INS1_E_FORMAT },
};

START_TEST(an_index_is_believed_only_as_far_as_the_shards_agree)
{
    made_tensors(&folder, "a.safetensors", "{\"a\":" F32_AT(0, 4) "}", 4);
    made_tensors(&folder, "b.safetensors", "{\"b\":" F32_AT(0, 4) "}", 4);
    made_text(&folder, "config.json", "{}");
    made_text(&folder, INDEX, indexes[_i].index);
    ins1_status status = open_made(false);
    ck_assert_msg(status == indexes[_i].status, "%s: %d, %s", indexes[_i].what, status, error.text);
}
END_TEST

START_TEST(an_index_with_an_endless_name_is_refused)
{
    enum { LONG = 60000 };
    char *name = calloc(LONG + 1, 1), *index = malloc(LONG + 100);
    memset(name, 'x', LONG);
    snprintf(index, LONG + 100, "{\"weight_map\":{\"a\":\"%s.safetensors\"}}", name);
    free(name);
    made_text(&folder, INDEX, index);
    free(index);
    ck_assert_int_eq(open_made(false), INS1_E_FORMAT);
}
END_TEST

START_TEST(two_shards_may_not_hold_the_same_tensor)
{
    made_tensors(&folder, "a.safetensors", "{\"a\":" F32_AT(0, 4) "}", 4);
    made_tensors(&folder, "b.safetensors", "{\"a\":" F32_AT(0, 4) "}", 4);
    ck_assert_int_eq(open_made(false), INS1_E_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, "'a.safetensors'"));
}
END_TEST

START_TEST(shards_without_an_index_are_all_read)
{
    s1_tensor tensor;
    made_tensors(&folder, "a.safetensors", "{\"a\":" F32_AT(0, 4) "}", 4);
    made_tensors(&folder, "b.safetensors", "{\"b\":" F32_AT(4, 8) "}", 8);
    ck_assert_int_eq(open_made(false), INS1_OK);
    ck_assert_uint_eq(s1_checkpoint_count(checkpoint), 2);
    ck_assert_uint_eq(s1_checkpoint_size(checkpoint), 8);
    ck_assert(s1_checkpoint_has(checkpoint, "a"));
    ck_assert(!s1_checkpoint_has(checkpoint, "c"));
    ck_assert_int_eq(s1_checkpoint_get(checkpoint, "b", &tensor, &error), INS1_OK);
    ck_assert_int_eq(tensor.dtype, INS1_DTYPE_F32);
    ck_assert_uint_eq(((const uint8_t *)tensor.data)[0], 4);
    ck_assert_int_eq(s1_checkpoint_get(checkpoint, "c", &tensor, &error), INS1_OK);
    ck_assert_int_eq(tensor.dtype, 0);
}
END_TEST

/* Bytes are aligned wherever they lie. */
START_TEST(integers_of_8_bits_are_read_where_they_lie)
{
    s1_tensor tensor;
    made_tensors(&folder, "model.safetensors",
                 "{\"a\":{\"dtype\":\"I8\",\"shape\":[2,3],\"data_offsets\":[1,7]}}", 7);
    ck_assert_int_eq(open_made(false), INS1_OK);
    ck_assert_int_eq(s1_checkpoint_get(checkpoint, "a", &tensor, &error), INS1_OK);
    ck_assert_int_eq(tensor.dtype, INS1_DTYPE_I8);
    ck_assert_int_eq(tensor.rank, 2);
    ck_assert_uint_eq(tensor.size, 6);
    ck_assert_mem_eq(tensor.data, "\1\2\3\4\5\6", 6);
    ck_assert_uint_eq(s1_checkpoint_copied(checkpoint), 0);
}
END_TEST

/* The header is moved byte by byte, so that the data lies at every place. */
START_TEST(misaligned_data_is_copied_where_it_can_be_read)
{
    char header[200];
    s1_tensor tensor;
    snprintf(header, sizeof(header), "{\"a\":" F32_AT(1, 5) "}%*s", _i, "");
    made_tensors(&folder, "model.safetensors", header, 5);
    ck_assert_int_eq(open_made(false), INS1_OK);
    for (int again = 0; again < 2; again++) {
        ck_assert_int_eq(s1_checkpoint_get(checkpoint, "a", &tensor, &error), INS1_OK);
        ck_assert_uint_eq((uintptr_t)tensor.data % 4, 0);
        ck_assert_mem_eq(tensor.data, "\1\2\3\4", 4);
    }
    size_t place = 8 + strlen(header) + 1;
    ck_assert_uint_eq(s1_checkpoint_copied(checkpoint), place % 4 ? 4 : 0);
}
END_TEST

START_TEST(types_without_a_kernel_are_refused_when_they_are_used)
{
    s1_tensor tensor;
    made_tensors(&folder, "model.safetensors",
                 "{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},"
                 "\"b\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1],\"data_offsets\":[8,12]}}",
                 12);
    ck_assert_int_eq(open_made(false), INS1_OK);
    ck_assert_int_eq(s1_checkpoint_get(checkpoint, "a", &tensor, &error), INS1_E_UNSUPPORTED);
    ck_assert_int_eq(s1_checkpoint_get(checkpoint, "b", &tensor, &error), INS1_E_UNSUPPORTED);
}
END_TEST

START_TEST(headers_alone_give_the_same_shapes_without_data)
{
    s1_tensor tensor;
    made_tensors(&folder, "model.safetensors",
                 "{\"a\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[0,12]}}", 12);
    ck_assert_int_eq(open_made(true), INS1_OK);
    ck_assert_int_eq(s1_checkpoint_get(checkpoint, "a", &tensor, &error), INS1_OK);
    ck_assert_uint_eq(tensor.shape[1], 3);
    ck_assert_uint_eq(tensor.size, 12);
    ck_assert_ptr_null(tensor.data);
}
END_TEST

START_TEST(every_request_for_memory_may_be_refused)
{
    made_tensors(&folder, "a.safetensors", "{\"a\":" F32_AT(5, 9) ",\"b\":" F32_AT(0, 4) "}", 9);
    made_tensors(&folder, "b.safetensors", "{\"c\":" F32_AT(0, 4) "}", 4);
    made_text(&folder, INDEX, "{\"weight_map\":{\"a\":\"a.safetensors\",\"c\":\"b.safetensors\"}}");
    const ins1_model_options options = made_options(&folder);
    for (int n = 0;; n++) {
        meter m;
        const ins1_allocator source = meter_source(&m);
        atomic_store(&m.until_refusal, n);
        s1_tensor tensor;
        ins1_status status = s1_files_open(&files, &source, &options, 0, &call);
        if (status == INS1_OK)
            status = s1_checkpoint_open(&checkpoint, &source, files, _i, &call);
        if (status == INS1_OK)
            status = s1_checkpoint_get(checkpoint, "a", &tensor, &error);
        s1_checkpoint_close(checkpoint);
        s1_files_close(files);
        checkpoint = NULL;
        files = NULL;
        ck_assert_int_eq(atomic_load(&m.live), 0);
        if (status == INS1_OK)
            return;
        ck_assert_int_eq(status, INS1_E_MEMORY);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint");
    TCase *cases = tcase_create("checkpoint");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, a_file_is_opened_or_refused_with_a_reason, 0,
                        2 * sizeof(headers) / sizeof(headers[0]));
    tcase_add_loop_test(cases, an_index_is_believed_only_as_far_as_the_shards_agree, 0,
                        sizeof(indexes) / sizeof(indexes[0]));
    tcase_add_test(cases, an_index_with_an_endless_name_is_refused);
    tcase_add_test(cases, two_shards_may_not_hold_the_same_tensor);
    tcase_add_test(cases, shards_without_an_index_are_all_read);
    tcase_add_test(cases, integers_of_8_bits_are_read_where_they_lie);
    tcase_add_loop_test(cases, misaligned_data_is_copied_where_it_can_be_read, 0, 8);
    tcase_add_test(cases, types_without_a_kernel_are_refused_when_they_are_used);
    tcase_add_test(cases, headers_alone_give_the_same_shapes_without_data);
    tcase_add_loop_test(cases, every_request_for_memory_may_be_refused, 0, 2);
    suite_add_tcase(suite, cases);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
