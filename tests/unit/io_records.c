#include "interns1/io.h"

#include <check.h>
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

static ins1_status open_bytes(ins1_io_series **series, ins1_timeseries *view, const void *data,
                              size_t size)
{
    const ins1_file file = { .struct_size = sizeof(file), .data = data, .size = size };
    ins1_status status = ins1_io_series_open(series, runtime, &file, 1, NULL, &call);
    *view = (ins1_timeseries)INS1_INIT(ins1_timeseries);
    if (status == INS1_OK)
        ck_assert_int_eq(ins1_io_series_get(*series, view, &call), INS1_OK);
    return status;
}

/* One frame of each of Steim's schemes, and what was put in. */
static const uint32_t steim1[16] = { 0x2b6e000, 0xa,     0xfffffffa, 0x2, 0xfffdfecb, 0x9d6c,
                                     0x102fdf6, 0x903e9, 0xffff5fd1, 0x1, 0x0,        0x0,
                                     0x0,       0x0,     0x0,        0x0 };
static const int32_t steim1_values[] = { 10,    12,    9,     -300,  40000, 40001, 40003,
                                         40000, 39990, 39999, 41000, -7,    -7,    -6 };
static const uint32_t steim2[16] = { 0x3f6a000,  0x1,        0x11e1a300, 0x8011ffff,
                                     0x4c48ffc1, 0x1c52136b, 0x639c649c, 0xd908f95e,
                                     0x90fe4d38, 0x51e1b2a0, 0x0,        0x0,
                                     0x0,        0x0,        0x0,        0x0 };
static const int32_t steim2_values[] = { 1,   2,  3,   2,   1,   0,    -1,    5,        9,   -6,
                                         -7,  -9, -8,  20,  40,  9,    22,    1,        100, 0,
                                         100, 0,  400, -50, 300, 9000, -4000, 300000000 };

/* A record of 128 bytes: a header, blockette 1000, one frame. */
static void write_record(uint8_t record[128], int encoding, const uint32_t frame[16],
                         size_t n_samples, int second)
{
    memset(record, 0, 128);
    memcpy(record, "000001D STA  00BHZXX", 20);
    record[20] = 2024 >> 8;
    record[21] = 2024 & 255;
    record[23] = 60; /* day */
    record[26] = (uint8_t)second;
    record[31] = (uint8_t)n_samples;
    record[33] = 14; /* samples a second */
    record[35] = 1;
    record[39] = 1;
    record[45] = 64;
    record[47] = 48;
    record[48] = 1000 >> 8;
    record[49] = 1000 & 255;
    record[52] = (uint8_t)encoding;
    record[53] = 1;
    record[54] = 7;
    for (int i = 0; i < 64; i++)
        record[64 + i] = (uint8_t)(frame[i / 4] >> (24 - 8 * (i % 4)));
}

static const struct {
    int encoding;
    const uint32_t *frame;
    const int32_t *values;
    size_t n;
} schemes[] = {
    { 10, steim1, steim1_values, sizeof(steim1_values) / 4 },
    { 11, steim2, steim2_values, sizeof(steim2_values) / 4 },
};

START_TEST(differences_add_up_to_the_samples)
{
    uint8_t record[128];
    ins1_timeseries view;
    ins1_io_series *series;

    write_record(record, schemes[_i].encoding, schemes[_i].frame, schemes[_i].n, 0);
    ins1_status status = open_bytes(&series, &view, record, sizeof(record));
    ck_assert_msg(status == INS1_OK, "%s", error.text);
    ck_assert_int_eq(view.dtype, INS1_SAMPLE_I32);
    ck_assert_uint_eq(view.n_samples, schemes[_i].n);
    ck_assert_double_eq(view.sample_rate_hz, 14);
    ck_assert_mem_eq(view.data, schemes[_i].values, schemes[_i].n * 4);
    ins1_io_series_release(series);
    record[64 + 11] ^= 1; /* the last sample, as the frame's header has it */
    ck_assert_int_eq(open_bytes(&series, &view, record, sizeof(record)), INS1_E_FORMAT);
}
END_TEST

START_TEST(records_follow_each_other_without_a_gap)
{
    uint8_t records[256];
    const char *name, *unit;
    ins1_timeseries view;
    ins1_io_series *series;

    write_record(records, 10, steim1, 14, 7);
    write_record(records + 128, 10, steim1, 14, 8);
    ck_assert_int_eq(open_bytes(&series, &view, records, sizeof(records)), INS1_OK);
    ck_assert_uint_eq(view.n_samples, 28);
    ck_assert_mem_eq((const int32_t *)view.data + 14, steim1_values, sizeof(steim1_values));
    ck_assert_int_eq(ins1_io_series_channel(series, 0, &name, &unit, &call), INS1_OK);
    ck_assert_str_eq(name, "XX.STA.00.BHZ");
    ck_assert_str_eq(unit, "");
    ins1_io_series_release(series);
    write_record(records + 128, 10, steim1, 14, 9);
    ck_assert_int_eq(open_bytes(&series, &view, records, sizeof(records)), INS1_E_UNSUPPORTED);
    ck_assert_int_eq(open_bytes(&series, &view, records, 200), INS1_E_FORMAT);
}
END_TEST

/* Two signals of two samples in one record of half a second. */
static size_t write_edf(char *out, const char *second_most)
{
    static const uint8_t samples[] = { 1, 0, 0, 0x80, 2, 0, 0xFF, 0x7F };
    int n = snprintf(out, 2048, "%-8s%-80s%-80s%-16s%-8s%-44s%-8s%-8s%-4s%-16s%-16s%-160s", "0", "",
                     "", "", "768", "", "1", "0.5", "2", "EEG", "Temp", "");
    n += snprintf(out + n, 2048 - (size_t)n, "%-8s%-8s%-8s%-8s%-8s%-8s%-8s%-8s%-8s%-8s%-160s", "uV",
                  "degC", "-32768", "-32768", "32767", second_most, "-32768", "-32768", "32767",
                  "32767", "");
    n += snprintf(out + n, 2048 - (size_t)n, "%-8s%-8s%-64s", "2", "2", "");
    memcpy(out + n, samples, sizeof(samples));
    return (size_t)n + sizeof(samples);
}

START_TEST(physical_values_come_from_each_signals_range)
{
    static const int16_t raw[] = { 1, -32768, 2, 32767 };
    static const double values[] = { 1, -32768, 32772, 98302 };
    const char *name, *unit;
    char bytes[2048];
    ins1_timeseries view;
    ins1_io_series *series;

    size_t size = write_edf(bytes, "32767");
    ins1_status status = open_bytes(&series, &view, bytes, size);
    ck_assert_msg(status == INS1_OK, "%s", error.text);
    ck_assert_double_eq(view.sample_rate_hz, 4);
    ck_assert_double_eq(view.scale, 1);
    ck_assert_double_eq(view.offset, 0);
    ck_assert_int_eq(view.dtype, INS1_SAMPLE_I16);
    ck_assert_mem_eq(view.data, raw, sizeof(raw));
    ck_assert_int_eq(ins1_io_series_channel(series, 1, &name, &unit, &call), INS1_OK);
    ck_assert_str_eq(name, "Temp");
    ck_assert_str_eq(unit, "degC");
    ins1_io_series_release(series);

    size = write_edf(bytes, "98302"); /* two units for a step */
    ck_assert_int_eq(open_bytes(&series, &view, bytes, size), INS1_OK);
    ck_assert_int_eq(view.dtype, INS1_SAMPLE_F64);
    ck_assert_mem_eq(view.data, values, sizeof(values));
    ins1_io_series_release(series);
    ck_assert_int_eq(open_bytes(&series, &view, bytes, size - 1), INS1_E_FORMAT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_records");
    TCase *tests = tcase_create("all");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, differences_add_up_to_the_samples, 0,
                        sizeof(schemes) / sizeof(*schemes));
    tcase_add_test(tests, records_follow_each_other_without_a_gap);
    tcase_add_test(tests, physical_values_come_from_each_signals_range);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
