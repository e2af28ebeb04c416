#include "interns1/io.h"

#include <check.h>
#include <math.h>
#include <string.h>

#if HAVE_SNDFILE
#include <sndfile.h>
#endif

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

static ins1_status open_bytes(ins1_io_series **out, const void *bytes, size_t size,
                              const ins1_io_options *options)
{
    const ins1_file file = {
        .struct_size = sizeof(file), .name = "sound", .data = bytes, .size = size
    };
    return ins1_io_series_open(out, runtime, &file, 1, options, &call);
}

#if HAVE_SNDFILE

/* --- files made here --- */

enum { ROOM = 1 << 18 };
typedef struct memory {
    unsigned char bytes[ROOM];
    sf_count_t size, at;
} memory;
static memory made;

static sf_count_t get_size(void *user)
{
    return ((memory *)user)->size;
}

static sf_count_t seek(sf_count_t offset, int whence, void *user)
{
    memory *m = user;
    m->at = offset + (whence == SEEK_SET ? 0 : whence == SEEK_CUR ? m->at : m->size);
    return m->at;
}

static sf_count_t read_bytes(void *out, sf_count_t n, void *user)
{
    memory *m = user;
    n = n < m->size - m->at ? n : m->size - m->at;
    memcpy(out, m->bytes + m->at, (size_t)n);
    m->at += n;
    return n;
}

static sf_count_t write_bytes(const void *in, sf_count_t n, void *user)
{
    memory *m = user;
    ck_assert_int_le(m->at + n, ROOM);
    memcpy(m->bytes + m->at, in, (size_t)n);
    m->at += n;
    m->size = m->size > m->at ? m->size : m->at;
    return n;
}

static sf_count_t tell(void *user)
{
    return ((memory *)user)->at;
}

enum { N = 3000, CHANNELS = 2 };
static double wave[N * CHANNELS];

/* As many whole steps of 2^-bits as a sample has, so that nothing is lost. */
static void make(int format, int bits)
{
    SF_VIRTUAL_IO io = { get_size, seek, read_bytes, write_bytes, tell };
    SF_INFO info = { .samplerate = 8000, .channels = CHANNELS, .format = format };
    static int32_t whole[N * CHANNELS]; /* filled from above, as the library takes them */
    memset(&made, 0, sizeof(made));
    for (size_t i = 0; i < N * CHANNELS; i++) {
        wave[i] = ldexp(floor(ldexp(0.8 * sin((double)(i * i % 977)), bits - 1)), 1 - bits);
        whole[i] = (int32_t)ldexp(wave[i], 31);
    }
    SNDFILE *file = sf_open_virtual(&io, SFM_WRITE, &info, &made);
    ck_assert_msg(file != NULL, "%s", sf_strerror(NULL));
    ck_assert_int_eq(sf_writef_int(file, whole, N), N);
    sf_close(file);
}

static double value_at(const ins1_timeseries *s, size_t i)
{
    double raw = s->dtype == INS1_SAMPLE_I16   ? ((const int16_t *)s->data)[i]
                 : s->dtype == INS1_SAMPLE_I32 ? ((const int32_t *)s->data)[i]
                                               : (double)((const float *)s->data)[i];
    return raw * s->scale + s->offset;
}

static const struct {
    const char *what;
    int format, bits;
    int32_t dtype;
    double tolerance;
} kinds[] = {
    { "FLAC 16", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 16, INS1_SAMPLE_I16, 1e-12 },
    { "FLAC 24", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 24, INS1_SAMPLE_I32, 1e-12 },
    { "FLAC 8", SF_FORMAT_FLAC | SF_FORMAT_PCM_S8, 8, INS1_SAMPLE_I16, 1e-12 },
    { "Vorbis", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 16, INS1_SAMPLE_F32, 0.7 },
};

START_TEST(sounds_come_out_as_they_went_in)
{
    ins1_timeseries s = INS1_INIT(ins1_timeseries);
    ins1_io_series *series;
    double squares = 0, error_squares = 0;

    make(kinds[_i].format, kinds[_i].bits);
    ck_assert_msg(open_bytes(&series, made.bytes, (size_t)made.size, NULL) == INS1_OK, "%s: %s",
                  kinds[_i].what, error.text);
    ck_assert_int_eq(ins1_io_series_get(series, &s, &call), INS1_OK);
    ck_assert_int_eq(s.dtype, kinds[_i].dtype);
    ck_assert_uint_eq(s.n_samples, N);
    ck_assert_uint_eq(s.n_channels, CHANNELS);
    ck_assert_double_eq(s.sample_rate_hz, 8000);
    for (size_t i = 0; i < N * CHANNELS; i++) {
        double d = value_at(&s, i) - wave[i];
        error_squares += d * d;
        squares += wave[i] * wave[i];
    }
    ck_assert_msg(sqrt(error_squares / squares) <= kinds[_i].tolerance, "%s: off by %g",
                  kinds[_i].what, sqrt(error_squares / squares));
    ins1_io_series_release(series);
}
END_TEST

START_TEST(a_sound_that_was_cut_is_refused)
{
    ins1_io_series *series;
    make(kinds[_i].format, kinds[_i].bits);
    for (size_t size = 0; size < (size_t)made.size; size += 1 + (size_t)made.size / 97) {
        ins1_status status = open_bytes(&series, made.bytes, size, NULL);
        ck_assert_msg(status == INS1_E_FORMAT || (size < 4 && status == INS1_E_UNSUPPORTED),
                      "%s of %zu bytes: %s", kinds[_i].what, size, ins1_status_name(status));
        ck_assert_ptr_null(series);
    }
}
END_TEST

START_TEST(limits_hold_for_sounds)
{
    ins1_io_options options = INS1_INIT(ins1_io_options);
    ins1_io_series *series;
    make(kinds[0].format, 16);
    options.max_samples = N * CHANNELS - 1;
    ck_assert_int_eq(open_bytes(&series, made.bytes, (size_t)made.size, &options), INS1_E_BUDGET);
    ck_assert_ptr_null(series);
    options.max_samples = N * CHANNELS;
    ck_assert_int_eq(open_bytes(&series, made.bytes, (size_t)made.size, &options), INS1_OK);
    ins1_io_series_release(series);
}
END_TEST

#else

START_TEST(sounds_need_libsndfile)
{
    ins1_io_series *series;
    ck_assert_int_eq(open_bytes(&series, "fLaC\0\0\0\0", 8, NULL), INS1_E_UNSUPPORTED);
    ck_assert_msg(strstr(error.text, "libsndfile"), "%s", error.text);
    ck_assert_ptr_null(series);
}
END_TEST

#endif

/* --- stopping --- */

static const char table[] = "1,2\n3,4\n5,6\n";

static int64_t read_table(void *user, uint64_t offset, void *dst, size_t n)
{
    ins1_cancel_request(user);
    memcpy(dst, table + offset, n);
    return (int64_t)n;
}

START_TEST(reading_stops_when_asked)
{
    ins1_io_series *series;
    ins1_io_image *image;
    ck_assert_int_eq(ins1_cancel_create(&call.cancel, runtime, &call), INS1_OK);
    ck_assert_int_eq(ins1_cancel_is_requested(call.cancel), 0);
    ck_assert_int_eq(ins1_cancel_is_requested(NULL), 0);
    ck_assert_int_eq(open_bytes(&series, table, sizeof(table) - 1, NULL), INS1_OK);
    ins1_io_series_release(series);

    /* While the bytes come in. */
    const ins1_reader reader = { .struct_size = sizeof(reader),
                                 .size = sizeof(table) - 1,
                                 .read_at = read_table,
                                 .user = call.cancel };
    const ins1_file file = { .struct_size = sizeof(file), .name = "t.csv", .reader = &reader };
    ck_assert_int_eq(ins1_io_series_open(&series, runtime, &file, 1, NULL, &call), INS1_E_CANCELED);
    ck_assert_ptr_null(series);
    ck_assert_int_eq(ins1_cancel_is_requested(call.cancel), 1);
    ck_assert_int_eq(ins1_io_image_open(&image, runtime, &file, NULL, &call), INS1_E_CANCELED);
    ck_assert_int_eq(open_bytes(&series, table, sizeof(table) - 1, NULL), INS1_E_CANCELED);
    ins1_cancel_reset(call.cancel);
    call.budget_ns = 1;
    ck_assert_int_eq(open_bytes(&series, table, sizeof(table) - 1, NULL), INS1_E_DEADLINE);
    ck_assert_msg(strstr(error.text, "time budget"), "%s", error.text);
    call.budget_ns = INT64_MAX;
    ck_assert_int_eq(open_bytes(&series, table, sizeof(table) - 1, NULL), INS1_OK);
    ins1_io_series_release(series);
    ins1_cancel_release(call.cancel);
}
END_TEST

/* --- a header alone --- */

static const char *const headers[] = {
    "100 2 360 650000\n100.dat 212 200 11 1024 995 -22131 0 MLII\n100.dat 212 200 11 1024 1011 "
    "20052 "
    "0 V5\n",
    "# made by hand\nrec 1\nrec.dat 16\n",
};

START_TEST(the_header_of_a_record_alone_names_what_it_lacks)
{
    static const char *const names[] = { "100.hea", "header.txt" };
    ins1_io_series *series;
    for (int i = 0; i < 2; i++) {
        const ins1_file file = { .struct_size = sizeof(file),
                                 .name = names[i],
                                 .data = headers[_i],
                                 .size = strlen(headers[_i]) };
        ck_assert_int_eq(ins1_io_series_open(&series, runtime, &file, 1, NULL, &call),
                         INS1_E_ARGUMENT);
        ck_assert_msg(strstr(error.text, "header of a WFDB record") &&
                          strstr(error.text, _i ? "rec.dat" : "100.dat"),
                      "%s", error.text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_sound");
    TCase *cases = tcase_create("sound");
    tcase_add_checked_fixture(cases, setup, teardown);
#if HAVE_SNDFILE
    tcase_add_loop_test(cases, sounds_come_out_as_they_went_in, 0, 4);
    tcase_add_loop_test(cases, a_sound_that_was_cut_is_refused, 0, 4);
    tcase_add_test(cases, limits_hold_for_sounds);
#else
    tcase_add_test(cases, sounds_need_libsndfile);
#endif
    tcase_add_test(cases, reading_stops_when_asked);
    tcase_add_loop_test(cases, the_header_of_a_record_alone_names_what_it_lacks, 0, 2);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
