#include "interns1/io.h"

#include "unit/meter.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static ins1_error error;
static ins1_call call;
static ins1_runtime *runtime;

static void setup(void)
{
    error = (ins1_error)INS1_INIT(ins1_error);
    call = (ins1_call)INS1_INIT(ins1_call);
    call.error = &error;
    ck_assert_int_eq(ins1_runtime_create(&runtime, NULL, NULL), INS1_OK);
}

static void teardown(void)
{
    ins1_runtime_release(runtime);
}

static ins1_file file_of(const char *name, const void *data, size_t size)
{
    return (
        ins1_file){ .struct_size = sizeof(ins1_file), .name = name, .data = data, .size = size };
}

static double value_at(const ins1_timeseries *t, size_t sample, size_t channel)
{
    const char *at = (const char *)t->data + (ptrdiff_t)sample * t->sample_stride +
                     (ptrdiff_t)channel * t->channel_stride;
    double raw = t->dtype == INS1_SAMPLE_I16   ? *(const int16_t *)(const void *)at
                 : t->dtype == INS1_SAMPLE_I32 ? *(const int32_t *)(const void *)at
                 : t->dtype == INS1_SAMPLE_F32 ? (double)*(const float *)(const void *)at
                                               : *(const double *)(const void *)at;
    return raw * t->scale + t->offset;
}

/* "a b, c d": samples by commas, channels by spaces. */
static void check_values(const ins1_timeseries *t, const double *expected, const char *what)
{
    for (size_t i = 0; i < t->n_samples; i++)
        for (size_t c = 0; c < t->n_channels; c++) {
            double found = value_at(t, i, c), wanted = expected[i * t->n_channels + c];
            ck_assert_msg(isnan(wanted) ? isnan(found)
                                        : fabs(found - wanted) <= 1e-12 * (1 + fabs(wanted)),
                          "%s: sample %zu of channel %zu is %.17g, expected %.17g", what, i, c,
                          found, wanted);
        }
}

#define BYTES(text) text, sizeof(text) - 1

#define NPY(version, length, dict) "\x93NUMPY" version "\0" length dict
#define WAVE(tag, channels, block, bits, size, data)                                    \
    "RIFF----WAVEfmt \x10\0\0\0" tag "\0" channels "\0\x40\x1F\0\0----" block "\0" bits \
    "\0data" size "\0\0\0" data

static const struct {
    const char *what;
    const char *data;
    size_t size;
    size_t n_samples, n_channels;
    int32_t dtype;
    double rate;
    double values[8];
} cases[] = {
    { "NPY, F32",
      BYTES(NPY(
          "\1", "\x39\0",
          "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }") "\0\0\x80\x3f\0\0\0\xc0"),
      2,
      1,
      INS1_SAMPLE_F32,
      0,
      { 1, -2 } },
    { "NPY, big endian, columns first",
      BYTES(NPY(
          "\2", "\x3a\0\0\0",
          "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 2), }") "\0\1\0\2\xff\xfd\xff\xfc"),
      2,
      2,
      INS1_SAMPLE_I16,
      0,
      { 1, -3, 2, -4 } },
    { "NPY, half precision",
      BYTES(NPY("\3", "\x39\0\0\0",
                "{'descr': '<f2', 'fortran_order': False, 'shape': (3,), }") "\0\x3c\1\0\0\xc0"),
      3,
      1,
      INS1_SAMPLE_F32,
      0,
      { 1, 5.9604644775390625e-8, -2 } },
    { "NPY, unsigned 16 bits",
      BYTES(NPY("\1", "\x39\0",
                "{'descr': '<u2', 'fortran_order': False, 'shape': (1,), }") "\xff\xff"),
      1,
      1,
      INS1_SAMPLE_I32,
      0,
      { 65535 } },
    { "CSV, plain", BYTES("1\n-2.5e1\n\n# said\n.5"), 3, 1, INS1_SAMPLE_F64, 0, { 1, -25, .5 } },
    { "CSV, time and gaps",
      BYTES("time (ms),a (mV),\"b, raw\"\r\n0,1,2\r\n4,,3\r\n8,nan,NA\r\n"),
      3,
      2,
      INS1_SAMPLE_F64,
      250,
      { 1, 2, NAN, 3, NAN, NAN } },
    { "CSV, semicolons",
      BYTES("\xef\xbb\xbf"
            "1,5;2\n-3;,25\n"),
      2,
      2,
      INS1_SAMPLE_F64,
      0,
      { 1.5, 2, -3, .25 } },
    { "CSV, tabs", BYTES("x\ty\n1\t2\n"), 1, 2, INS1_SAMPLE_F64, 0, { 1, 2 } },
    { "WAV, 8 bits",
      BYTES(WAVE("\1", "\1", "\1", "\x08", "\2", "\0\xc0")),
      2,
      1,
      INS1_SAMPLE_I16,
      8000,
      { -1, .5 } },
    { "WAV, 16 bits, two channels",
      BYTES(WAVE("\1", "\2", "\4", "\x10", "\4", "\0\x80\0\x40")),
      1,
      2,
      INS1_SAMPLE_I16,
      8000,
      { -1, .5 } },
    { "WAV, 24 bits",
      BYTES(WAVE("\1", "\1", "\3", "\x18", "\6", "\0\0\x80\0\0\x40")),
      2,
      1,
      INS1_SAMPLE_I32,
      8000,
      { -1, .5 } },
    { "WAV, float",
      BYTES(WAVE("\3", "\1", "\4", "\x20", "\4", "\0\0\0\x3f")),
      1,
      1,
      INS1_SAMPLE_F32,
      8000,
      { .5 } },
};

START_TEST(samples_come_out_as_the_file_means_them)
{
    ins1_file file = file_of(NULL, cases[_i].data, cases[_i].size);
    ins1_timeseries t = INS1_INIT(ins1_timeseries);
    ins1_io_series *series;

    ins1_status status = ins1_io_series_open(&series, runtime, &file, 1, NULL, &call);
    ck_assert_msg(status == INS1_OK, "%s: %s", cases[_i].what, error.text);
    ck_assert_int_eq(ins1_io_series_get(series, &t, &call), INS1_OK);
    ck_assert_msg(t.n_samples == cases[_i].n_samples && t.n_channels == cases[_i].n_channels &&
                      t.dtype == cases[_i].dtype && t.sample_rate_hz == cases[_i].rate,
                  "%s: %zu x %zu of type %d at %g Hz", cases[_i].what, t.n_samples, t.n_channels,
                  t.dtype, t.sample_rate_hz);
    check_values(&t, cases[_i].values, cases[_i].what);
    ins1_io_series_release(series);
}
END_TEST

static const struct {
    const char *what;
    const char *data;
    size_t size;
    ins1_status status;
} refused[] = {
    { "nothing", "", 0, INS1_E_FORMAT },
    { "something", BYTES("\1\2\3\4"), INS1_E_UNSUPPORTED },
    { "NPY cut in its header", BYTES("\x93NUMPY\1\0\x39\0{"), INS1_E_FORMAT },
    { "NPY with a shape that overflows",
      BYTES(NPY(
          "\1", "\x54\0",
          "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }       ")),
      INS1_E_FORMAT },
    { "NPY of objects",
      BYTES(NPY("\1", "\x38\0", "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }")),
      INS1_E_UNSUPPORTED },
    { "NPY, too short",
      BYTES(NPY("\1", "\x39\0",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }") "\0\0\x80\x3f"),
      INS1_E_FORMAT },
    { "ragged CSV", BYTES("1,2\n3\n"), INS1_E_FORMAT },
    { "CSV with a word", BYTES("1,2\n3,x\n"), INS1_E_FORMAT },
    { "time that goes back", BYTES("t,x\n1,2\n0,3\n"), INS1_E_FORMAT },
    { "time with a hole", BYTES("t,x\n0,1\n1,1\n2,1\n9,1\n"), INS1_E_UNSUPPORTED },
    { "names alone", BYTES("a,b\n"), INS1_E_FORMAT },
    { "WAV that ends early", BYTES(WAVE("\1", "\1", "\2", "\x10", "\4", "\0\x80")), INS1_E_FORMAT },
    { "WAV with half a sample", BYTES(WAVE("\1", "\1", "\2", "\x10", "\3", "\0\x80\0")),
      INS1_E_FORMAT },
    { "A-law", BYTES(WAVE("\6", "\1", "\1", "\x08", "\1", "\0")), INS1_E_UNSUPPORTED },
};

START_TEST(a_wrong_file_is_a_status_and_a_sentence)
{
    ins1_file file = file_of("signal", refused[_i].data, refused[_i].size);
    ins1_io_series *series;

    ins1_status status = ins1_io_series_open(&series, runtime, &file, 1, NULL, &call);
    ck_assert_msg(status == refused[_i].status, "%s: %s, %s", refused[_i].what,
                  ins1_status_name(status), error.text);
    ck_assert_ptr_null(series);
    ck_assert_int_eq(error.status, status);
    ck_assert_ptr_nonnull(strstr(error.text, "signal"));
}
END_TEST

START_TEST(names_and_units_of_a_table_are_kept)
{
    ins1_file file = file_of("a.csv", BYTES("time (s),ecg (mV),resp [%]\n0,1,2\n0.5,1,2\n"));
    const char *name, *unit;
    ins1_io_series *series;

    ck_assert_int_eq(ins1_io_series_open(&series, runtime, &file, 1, NULL, &call), INS1_OK);
    ck_assert_int_eq(ins1_io_series_channel(series, 1, &name, &unit, &call), INS1_OK);
    ck_assert_str_eq(name, "resp");
    ck_assert_str_eq(unit, "%");
    ck_assert_int_eq(ins1_io_series_channel(series, 2, &name, &unit, &call), INS1_E_ARGUMENT);
    ck_assert_ptr_null(name);
    ins1_io_series_release(series);
}
END_TEST

START_TEST(limits_are_compared_before_anything_is_read)
{
    ins1_file file = file_of("a.csv", BYTES("1,2\n3,4\n"));
    ins1_io_options options = INS1_INIT(ins1_io_options);
    ins1_io_series *series;

    options.max_samples = 3;
    ck_assert_int_eq(ins1_io_series_open(&series, runtime, &file, 1, &options, &call),
                     INS1_E_BUDGET);
    options.max_samples = 4;
    ck_assert_int_eq(ins1_io_series_open(&series, runtime, &file, 1, &options, &call), INS1_OK);
    ins1_io_series_release(series);
    options.max_bytes = 7;
    ck_assert_int_eq(ins1_io_series_open(&series, runtime, &file, 1, &options, &call),
                     INS1_E_BUDGET);
}
END_TEST

START_TEST(gains_that_differ_become_values_and_gaps_become_nan)
{
    static const char header[] = "r 2 100\nr.dat 16 10(2)/uV 16 0 0 0 0 first\n"
                                 "r.dat 16 100 16 0 0 0 0 second one\n";
    static const double expected[] = { 1, 1, -1, NAN };
    ins1_file files[] = { file_of("r.dat", BYTES("\x0c\0\x64\0\xf8\xff\0\x80")),
                          file_of("r.hea", BYTES(header)) };
    ins1_timeseries t = INS1_INIT(ins1_timeseries);
    const char *name, *unit;
    ins1_io_series *series;

    ins1_status status = ins1_io_series_open(&series, runtime, files, 2, NULL, &call);
    ck_assert_msg(status == INS1_OK, "%s", error.text);
    ck_assert_int_eq(ins1_io_series_get(series, &t, &call), INS1_OK);
    ck_assert_int_eq(t.dtype, INS1_SAMPLE_F64);
    ck_assert_uint_eq(t.flags, INS1_TIMESERIES_FILL_GAPS);
    check_values(&t, expected, "WFDB");
    ck_assert_int_eq(ins1_io_series_channel(series, 1, &name, &unit, &call), INS1_OK);
    ck_assert_str_eq(name, "second one");
    ck_assert_str_eq(unit, "mV");
    ins1_io_series_release(series);
}
END_TEST

/* Bytes that come one request at a time, and how often they were closed. */
typedef struct source {
    const char *data;
    int n_closed;
    int64_t less;
} source;

static int64_t source_read(void *user, uint64_t offset, void *dst, size_t n)
{
    source *s = user;
    memcpy(dst, s->data + offset, n);
    return (int64_t)n - s->less;
}

static void source_close(void *user)
{
    ((source *)user)->n_closed++;
}

START_TEST(a_reader_is_closed_once_whatever_happens)
{
    source s = { .data = "1\n2\n" };
    const ins1_reader reader = { .struct_size = sizeof(reader),
                                 .size = 4,
                                 .read_at = source_read,
                                 .close = source_close,
                                 .user = &s };
    const ins1_file file = { .struct_size = sizeof(file), .reader = &reader };
    ins1_io_series *series;

    ck_assert_int_eq(ins1_io_series_open(&series, runtime, &file, 1, NULL, &call), INS1_OK);
    ck_assert_int_eq(s.n_closed, 1);
    ins1_io_series_release(series);
    s.less = 1;
    ck_assert_int_eq(ins1_io_series_open(&series, runtime, &file, 1, NULL, &call), INS1_E_IO);
    ck_assert_int_eq(s.n_closed, 2);
}
END_TEST

START_TEST(memory_that_runs_out_is_given_back)
{
    meter m;
    ins1_allocator memory = meter_source(&m);
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_file files[] = { file_of("r.dat", BYTES("\x0c\0\x64\0")),
                          file_of("r.hea", BYTES("r 2 100\nr.dat 16 10\nr.dat 16 100\n")) };
    ins1_runtime *small;
    ins1_io_series *series = NULL;
    int n = 0;

    options.allocator = &memory;
    ck_assert_int_eq(ins1_runtime_create(&small, &options, NULL), INS1_OK);
    long long before = atomic_load(&m.live);
    for (ins1_status status = INS1_E_MEMORY; status != INS1_OK; n++) {
        ck_assert_int_lt(n, 100);
        atomic_store(&m.until_refusal, n);
        status = ins1_io_series_open(&series, small, files, 2, NULL, &call);
        ck_assert_msg(status == INS1_OK || status == INS1_E_MEMORY, "%s", error.text);
        if (status != INS1_OK)
            ck_assert_int_eq(atomic_load(&m.live), before);
    }
    ck_assert_int_gt(n, 4);
    ins1_io_series_release(series);
    ck_assert_int_eq(atomic_load(&m.live), before);
    ins1_runtime_release(small);
}
END_TEST

static ins1_status open_shared(ins1_io_series **series, const char *const *names, size_t n)
{
    static char paths[2][1024];
    ins1_file files[2];
    for (size_t i = 0; i < n; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/signals/%s", TEST_DATA, names[i]);
        files[i] = (ins1_file){ .struct_size = sizeof(ins1_file), .path = paths[i] };
    }
    return ins1_io_series_open(series, runtime, files, n, NULL, &call);
}

START_TEST(a_real_electrocardiogram_is_read)
{
    static const char *const names[] = { "100.hea", "100.dat" };
    ins1_timeseries t = INS1_INIT(ins1_timeseries);
    const char *name, *unit;
    ins1_io_series *series;
    uint16_t sums[2] = { 0, 0 };

    if (!*TEST_DATA) {
        printf("skipped: record 100 needs test_data\n");
        return;
    }
    ins1_status status = open_shared(&series, names, 2);
    ck_assert_msg(status == INS1_OK, "%s", error.text);
    ck_assert_int_eq(ins1_io_series_get(series, &t, &call), INS1_OK);
    ck_assert_uint_eq(t.n_samples, 650000);
    ck_assert_uint_eq(t.n_channels, 2);
    ck_assert_double_eq(t.sample_rate_hz, 360);
    ck_assert_int_eq(t.dtype, INS1_SAMPLE_I16);
    ck_assert_double_eq_tol(value_at(&t, 0, 0), -0.145, 1e-9);
    ck_assert_double_eq_tol(value_at(&t, 0, 1), -0.065, 1e-9);
    /* The header carries the sum of each signal, in 16 bits. */
    for (size_t c = 0; c < 2; c++)
        for (size_t i = 0; i < t.n_samples; i++)
            sums[c] = (uint16_t)(sums[c] + ((const uint16_t *)t.data)[c * t.n_samples + i]);
    ck_assert_int_eq((int16_t)sums[0], -22131);
    ck_assert_int_eq((int16_t)sums[1], 20052);
    ck_assert_int_eq(ins1_io_series_channel(series, 0, &name, &unit, &call), INS1_OK);
    ck_assert_str_eq(name, "MLII");
    ck_assert_str_eq(unit, "mV");
    ins1_io_series_release(series);
    ck_assert_int_eq(open_shared(&series, names, 1), INS1_E_ARGUMENT);
}
END_TEST

START_TEST(a_real_recording_is_read)
{
    static const char *const names[] = { "0_george_0.wav" };
    ins1_timeseries t = INS1_INIT(ins1_timeseries);
    ins1_io_series *series;

    if (!*TEST_DATA) {
        printf("skipped: recordings need test_data\n");
        return;
    }
    ck_assert_int_eq(open_shared(&series, names, 1), INS1_OK);
    ck_assert_int_eq(ins1_io_series_get(series, &t, &call), INS1_OK);
    ck_assert_uint_eq(t.n_samples, 2384);
    ck_assert_double_eq(t.sample_rate_hz, 8000);
    ins1_io_series_release(series);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_series");
    TCase *tests = tcase_create("all");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, samples_come_out_as_the_file_means_them, 0,
                        sizeof(cases) / sizeof(*cases));
    tcase_add_loop_test(tests, a_wrong_file_is_a_status_and_a_sentence, 0,
                        sizeof(refused) / sizeof(*refused));
    tcase_add_test(tests, names_and_units_of_a_table_are_kept);
    tcase_add_test(tests, limits_are_compared_before_anything_is_read);
    tcase_add_test(tests, gains_that_differ_become_values_and_gaps_become_nan);
    tcase_add_test(tests, a_reader_is_closed_once_whatever_happens);
    tcase_add_test(tests, memory_that_runs_out_is_given_back);
    tcase_add_test(tests, a_real_electrocardiogram_is_read);
    tcase_add_test(tests, a_real_recording_is_read);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
