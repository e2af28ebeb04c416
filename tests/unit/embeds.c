#include "runtime/embeds.h"

#include "interns1/device.h"
#include "runtime/dlpack.h"
#include "unit/meter.h"

#include <check.h>
#include <string.h>

static meter source_meter;
static ins1_runtime *runtime;
static ins1_error error;
static ins1_call call;

static void setup(void)
{
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_allocator source = meter_source(&source_meter);
    error = (ins1_error)INS1_INIT(ins1_error);
    call = (ins1_call)INS1_INIT(ins1_call);
    call.error = &error;
    options.allocator = &source;
    ck_assert_int_eq(ins1_runtime_create(&runtime, &options, &call), INS1_OK);
}

static void teardown(void)
{
    ins1_runtime_release(runtime);
    ck_assert_int_eq(atomic_load(&source_meter.live), 0);
}

static const float six[] = { 1, 2, 3, 4, 5, 6 };

static ins1_embeds_info two_by_three(void)
{
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    info.n_tokens = 2;
    info.dim = 3;
    info.modality = INS1_MODALITY_VIDEO;
    info.grid_t = 1;
    info.grid_h = 1;
    info.grid_w = 2;
    return info;
}

START_TEST(what_goes_in_comes_out)
{
    static const double times[] = { 0.5, 1.5 };
    ins1_embeds_info info = two_by_three(), got = INS1_INIT(ins1_embeds_info);
    ins1_embeds *embeds;
    float out[6];
    size_t count;
    info.times = times;
    info.n_times = 2;
    ck_assert_int_eq(ins1_embeds_from_f32(&embeds, runtime, &info, six, &call), INS1_OK);
    ck_assert_int_eq(ins1_embeds_info_get(embeds, &got, &call), INS1_OK);
    ck_assert_int_eq(got.dtype, INS1_DTYPE_F32);
    ck_assert_uint_eq(got.n_tokens, 2);
    ck_assert_int_eq(got.grid_w, 2);
    ck_assert_ptr_ne(got.times, times);
    ck_assert_double_eq(got.times[1], 1.5);

    ck_assert_int_eq(ins1_embeds_read_f32(embeds, 0, 2, out, 6, &count, &call), INS1_OK);
    ck_assert_mem_eq(out, six, sizeof(six));
    ck_assert_int_eq(ins1_embeds_read_f32(embeds, 1, 1, out, 6, &count, &call), INS1_OK);
    ck_assert_uint_eq(count, 3);
    ck_assert_float_eq(out[0], 4);
    ck_assert_int_eq(ins1_embeds_read_f32(embeds, 0, 2, NULL, 0, &count, &call), INS1_E_BUFFER);
    ck_assert_uint_eq(count, 6);
    memset(out, 0, sizeof(out));
    ck_assert_int_eq(ins1_embeds_read_f32(embeds, 0, 2, out, 4, &count, &call), INS1_E_BUFFER);
    ck_assert_float_eq(out[3], 4);
    ck_assert_float_eq(out[4], 0);
    ck_assert_int_eq(ins1_embeds_read_f32(embeds, 3, 0, out, 6, &count, &call), INS1_E_ARGUMENT);
    ck_assert_int_eq(ins1_embeds_read_f32(embeds, 1, SIZE_MAX, out, 6, &count, &call),
                     INS1_E_ARGUMENT);
    ins1_embeds_retain(embeds);
    ins1_embeds_release(embeds);
    ins1_embeds_release(embeds);
    ins1_embeds_release(NULL);
}
END_TEST

static void no_dim(ins1_embeds_info *info)
{
    info->dim = 0;
}

static void too_many(ins1_embeds_info *info)
{
    info->n_tokens = SIZE_MAX / 2;
}

static void unknown_modality(ins1_embeds_info *info)
{
    info->modality = 9;
}

static void negative_grid(ins1_embeds_info *info)
{
    info->grid_h = -1;
}

static void times_from_nowhere(ins1_embeds_info *info)
{
    info->n_times = 3;
}

static void other_type(ins1_embeds_info *info)
{
    info->dtype = INS1_DTYPE_BF16;
}

static void other_device(ins1_embeds_info *info)
{
    info->device = 1;
}

static void no_size(ins1_embeds_info *info)
{
    info->struct_size = 0;
}

static const struct {
    const char *what;
    void (*spoil)(ins1_embeds_info *info);
    ins1_status status;
} wrongs[] = {
    { "no width", no_dim, INS1_E_ARGUMENT },           { "too many", too_many, INS1_E_ARGUMENT },
    { "modality", unknown_modality, INS1_E_ARGUMENT }, { "grid", negative_grid, INS1_E_ARGUMENT },
    { "times", times_from_nowhere, INS1_E_ARGUMENT },  { "type", other_type, INS1_E_UNSUPPORTED },
    { "device", other_device, INS1_E_UNSUPPORTED },    { "size", no_size, INS1_E_ARGUMENT },
};

START_TEST(wrong_infos_are_refused)
{
    ins1_embeds_info info = two_by_three();
    ins1_embeds *embeds;
    wrongs[_i].spoil(&info);
    ins1_status status = ins1_embeds_from_f32(&embeds, runtime, &info, six, &call);
    ck_assert_msg(status == wrongs[_i].status, "%s: %d, %s", wrongs[_i].what, status, error.text);
    ck_assert_ptr_null(embeds);
}
END_TEST

START_TEST(rows_become_one)
{
    static const float rows[] = { 3, 0, 0, 1, 8, 0 };
    static const float mean[] = { 2, 4, 0 }, unit[] = { 1, 0, 0 };
    ins1_embeds_info info = two_by_three(), got = INS1_INIT(ins1_embeds_info);
    ins1_embeds *embeds, *pooled;
    float out[6];
    size_t count;
    ck_assert_int_eq(ins1_embeds_from_f32(&embeds, runtime, &info, rows, &call), INS1_OK);
    ck_assert_int_eq(ins1_embeds_pool(&pooled, embeds, INS1_POOL_MEAN, 0, &call), INS1_OK);
    ck_assert_int_eq(ins1_embeds_info_get(pooled, &got, &call), INS1_OK);
    ck_assert_int_eq(got.modality, INS1_MODALITY_VIDEO);
    ck_assert_int_eq(got.grid_w, 0);
    ck_assert_int_eq(ins1_embeds_read_f32(pooled, 0, 1, out, 6, &count, &call), INS1_OK);
    ck_assert_mem_eq(out, mean, sizeof(mean));
    ins1_embeds_release(pooled);

    ck_assert_int_eq(ins1_embeds_pool(&pooled, embeds, INS1_POOL_LAST, 0, &call), INS1_OK);
    ck_assert_int_eq(ins1_embeds_read_f32(pooled, 0, 1, out, 6, &count, &call), INS1_OK);
    ck_assert_mem_eq(out, rows + 3, 3 * sizeof(*rows));
    ins1_embeds_release(pooled);

    ck_assert_int_eq(ins1_embeds_pool(&pooled, embeds, INS1_POOL_NONE, INS1_POOL_UNIT, &call),
                     INS1_OK);
    ck_assert_int_eq(ins1_embeds_read_f32(pooled, 0, 2, out, 6, &count, &call), INS1_OK);
    ck_assert_mem_eq(out, unit, sizeof(unit));
    ck_assert_float_eq_tol(out[3] * out[3] + out[4] * out[4], 1, 1e-6f);
    ins1_embeds_release(pooled);

    ck_assert_int_eq(ins1_embeds_pool(&pooled, embeds, 3, 0, &call), INS1_E_ARGUMENT);
    ck_assert_int_eq(ins1_embeds_pool(&pooled, embeds, 0, 2, &call), INS1_E_VERSION);
    ck_assert_ptr_null(pooled);
    for (int n = 0; n < 2; n++) {
        source_meter.until_refusal = n;
        ck_assert_int_eq(ins1_embeds_pool(&pooled, embeds, INS1_POOL_MEAN, 0, &call),
                         INS1_E_MEMORY);
        ck_assert_ptr_null(pooled);
    }
    source_meter.until_refusal = -1;
    ins1_embeds_release(embeds);
}
END_TEST

START_TEST(no_tokens_are_embeddings_too)
{
    ins1_embeds_info info = two_by_three();
    ins1_embeds *embeds;
    size_t count;
    info.n_tokens = 0;
    ck_assert_int_eq(ins1_embeds_from_f32(&embeds, runtime, &info, NULL, &call), INS1_OK);
    ck_assert_int_eq(ins1_embeds_read_f32(embeds, 0, 0, NULL, 0, &count, &call), INS1_OK);
    ins1_embeds_release(embeds);
}
END_TEST

START_TEST(a_tensor_that_went_out_outlives_its_embeddings)
{
    ins1_embeds_info info = two_by_three();
    ins1_embeds *embeds;
    struct DLManagedTensorVersioned *tensor;
    ck_assert_int_eq(ins1_embeds_from_f32(&embeds, runtime, &info, six, &call), INS1_OK);
    ck_assert_int_eq(ins1_embeds_to_dlpack(&tensor, embeds, &call), INS1_OK);
    ins1_embeds_release(embeds);
    ck_assert_uint_eq(tensor->major, 1);
    ck_assert_uint_eq(tensor->flags, S1_DLPACK_READ_ONLY);
    ck_assert_int_eq(tensor->tensor.ndim, 2);
    ck_assert_int_eq(tensor->tensor.shape[1], 3);
    ck_assert_int_eq(tensor->tensor.dtype_code, 2);
    ck_assert_int_eq(tensor->tensor.dtype_bits, 32);
    ck_assert_float_eq(((const float *)tensor->tensor.data)[5], 6);

    /* The way back in. */
    ck_assert_int_eq(ins1_embeds_from_dlpack(&embeds, runtime, tensor, NULL, &call), INS1_OK);
    float out[6];
    size_t count;
    ck_assert_int_eq(ins1_embeds_read_f32(embeds, 0, 2, out, 6, &count, &call), INS1_OK);
    ck_assert_mem_eq(out, six, sizeof(six));
    ins1_embeds_release(embeds);
}
END_TEST

/* A tensor of somebody else's. */
static int deleted;
static int64_t shape[2];
static int64_t strides[2];
static struct DLManagedTensorVersioned foreign;

static void on_delete(struct DLManagedTensorVersioned *self)
{
    ck_assert_ptr_eq(self, &foreign);
    deleted++;
}

static void make_foreign(void *data, int32_t dtype)
{
    deleted = 0;
    shape[0] = 2;
    shape[1] = 3;
    foreign = (struct DLManagedTensorVersioned){
        .major = 1,
        .minor = 9,
        .deleter = on_delete,
        .tensor = { .data = data,
                    .device_type = 1,
                    .ndim = 2,
                    .dtype_code = (uint8_t)(dtype >> 16),
                    .dtype_bits = (uint8_t)(dtype & 0xff),
                    .dtype_lanes = 1,
                    .shape = shape },
    };
}

START_TEST(any_float_and_any_stride_is_read)
{
    /* Columns of two, backwards rows. */
    static uint16_t bf16[] = { 0x4080, 0x3f80, 0x40a0, 0x4000, 0x40c0, 0x4040 };
    static uint8_t f8[] = { 0x38, 0x40, 0x44, 0x48, 0x4a, 0x4c };
    ins1_embeds *embeds;
    float out[6];
    size_t count;
    make_foreign(bf16, INS1_DTYPE_BF16);
    strides[0] = -1;
    strides[1] = 2;
    foreign.tensor.strides = strides;
    foreign.tensor.byte_offset = 2;
    ck_assert_msg(ins1_embeds_from_dlpack(&embeds, runtime, &foreign, NULL, &call) == INS1_OK, "%s",
                  error.text);
    ck_assert_int_eq(deleted, 1);
    ck_assert_int_eq(ins1_embeds_read_f32(embeds, 0, 2, out, 6, &count, &call), INS1_OK);
    ck_assert_mem_eq(out, six, sizeof(six));
    ins1_embeds_release(embeds);

    make_foreign(f8, INS1_DTYPE_F8_E4M3);
    ck_assert_int_eq(ins1_embeds_from_dlpack(&embeds, runtime, &foreign, NULL, &call), INS1_OK);
    ck_assert_int_eq(ins1_embeds_read_f32(embeds, 0, 2, out, 6, &count, &call), INS1_OK);
    ck_assert_mem_eq(out, six, sizeof(six));
    ins1_embeds_release(embeds);
}
END_TEST

static void other_major(void)
{
    foreign.major = 2;
}

static void on_a_gpu(void)
{
    foreign.tensor.device_type = 2;
}

static void one_axis(void)
{
    foreign.tensor.ndim = 1;
}

static void an_integer(void)
{
    foreign.tensor.dtype_code = 0;
}

static void two_lanes(void)
{
    foreign.tensor.dtype_lanes = 2;
}

static void negative_shape(void)
{
    shape[0] = -2;
}

static void huge_shape(void)
{
    shape[0] = INT64_MAX / 8;
}

static void huge_stride(void)
{
    strides[0] = INT64_MIN;
    strides[1] = 1;
    foreign.tensor.strides = strides;
}

static void no_data(void)
{
    foreign.tensor.data = NULL;
}

static const struct {
    const char *what;
    void (*spoil)(void);
    ins1_status status;
} wrong_tensors[] = {
    { "major", other_major, INS1_E_VERSION },   { "gpu", on_a_gpu, INS1_E_UNSUPPORTED },
    { "one axis", one_axis, INS1_E_ARGUMENT },  { "integer", an_integer, INS1_E_UNSUPPORTED },
    { "lanes", two_lanes, INS1_E_UNSUPPORTED }, { "negative", negative_shape, INS1_E_ARGUMENT },
    { "huge", huge_shape, INS1_E_ARGUMENT },    { "stride", huge_stride, INS1_E_ARGUMENT },
    { "no data", no_data, INS1_E_ARGUMENT },
};

START_TEST(a_tensor_that_is_refused_stays_the_callers)
{
    static float data[6];
    ins1_embeds *embeds;
    make_foreign(data, INS1_DTYPE_F32);
    wrong_tensors[_i].spoil();
    ins1_status status = ins1_embeds_from_dlpack(&embeds, runtime, &foreign, NULL, &call);
    ck_assert_msg(status == wrong_tensors[_i].status, "%s: %d, %s", wrong_tensors[_i].what, status,
                  error.text);
    ck_assert_ptr_null(embeds);
    ck_assert_int_eq(deleted, 0);
}
END_TEST

START_TEST(embeddings_give_back_everything_when_memory_runs_out)
{
    static const double times[] = { 1, 2 };
    long long before = atomic_load(&source_meter.live);
    for (int n = 0;; n++) {
        ins1_embeds_info info = two_by_three();
        ins1_embeds *embeds = NULL, *back = NULL;
        struct DLManagedTensorVersioned *tensor = NULL;
        info.times = times;
        info.n_times = 2;
        atomic_store(&source_meter.until_refusal, n);
        ins1_status status = ins1_embeds_from_f32(&embeds, runtime, &info, six, &call);
        if (status == INS1_OK)
            status = ins1_embeds_to_dlpack(&tensor, embeds, &call);
        if (status == INS1_OK)
            status = ins1_embeds_from_dlpack(&back, runtime, tensor, NULL, &call);
        if (tensor && !back)
            tensor->deleter(tensor);
        ins1_embeds_release(back);
        ins1_embeds_release(embeds);
        atomic_store(&source_meter.until_refusal, -1);
        ck_assert_int_eq(atomic_load(&source_meter.live), before);
        if (status == INS1_OK)
            return;
        ck_assert_int_eq(status, INS1_E_MEMORY);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("embeds");
    TCase *embeds = tcase_create("embeds");
    tcase_add_checked_fixture(embeds, setup, teardown);
    tcase_add_test(embeds, what_goes_in_comes_out);
    tcase_add_loop_test(embeds, wrong_infos_are_refused, 0, sizeof(wrongs) / sizeof(wrongs[0]));
    tcase_add_test(embeds, rows_become_one);
    tcase_add_test(embeds, no_tokens_are_embeddings_too);
    tcase_add_test(embeds, a_tensor_that_went_out_outlives_its_embeddings);
    tcase_add_test(embeds, any_float_and_any_stride_is_read);
    tcase_add_loop_test(embeds, a_tensor_that_is_refused_stays_the_callers, 0,
                        sizeof(wrong_tensors) / sizeof(wrong_tensors[0]));
    tcase_add_test(embeds, embeddings_give_back_everything_when_memory_runs_out);
    suite_add_tcase(suite, embeds);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
