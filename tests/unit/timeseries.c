#include "interns1/inspect.h"
#include "interns1/interns1.h"

#include "backend/dummy/dummy.h"
#include "meter.h"
#include "tiny.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

/* The encoder on the checkpoint of tests/golden/series-f32, and checkpoints made here. */

static meter source;
static s1_dummy dummy;
static char logged[400];
static ins1_runtime *runtime;
static ins1_model *model;
static ins1_timeseries_encoder *encoder;
static ins1_timeseries_encoder_options options;
static ins1_error error;
static ins1_call call;

static void open_golden(void)
{
    ins1_model_options open = INS1_INIT(ins1_model_options);
    open.path = TEST_GOLDEN "/series-f32";
    open.parts = INS1_PART_TIMESERIES;
    ck_assert_msg(ins1_model_open(&model, runtime, &open, &call) == INS1_OK, "%s", error.text);
}

static void make_encoder(void)
{
    ins1_timeseries_encoder_release(encoder);
    ck_assert_msg(ins1_timeseries_encoder_create(&encoder, model, &options, &call) == INS1_OK, "%s",
                  error.text);
}

static void keep_line(void *user, int32_t level, const char *component, const char *text)
{
    (void)user;
    (void)level;
    (void)component;
    snprintf(logged, sizeof(logged), "%s", text);
}

static void make_runtime(void)
{
    ins1_runtime_options r = INS1_INIT(ins1_runtime_options);
    const ins1_allocator memory = meter_source(&source);

    error = (ins1_error)INS1_INIT(ins1_error);
    call = (ins1_call)INS1_INIT(ins1_call);
    call.error = &error;
    options = (ins1_timeseries_encoder_options)INS1_INIT(ins1_timeseries_encoder_options);
    r.allocator = &memory;
    r.log = keep_line;
    r.log_level = INS1_LOG_WARN;
    logged[0] = 0;
    ck_assert_int_eq(ins1_runtime_create(&runtime, &r, &call), INS1_OK);
}

static void setup(void)
{
    make_runtime();
    open_golden();
    make_encoder();
}

static void teardown(void)
{
    ins1_timeseries_encoder_release(encoder);
    encoder = NULL;
    ins1_model_release(model);
    model = NULL;
    ins1_runtime_release(runtime);
    ck_assert_int_eq(atomic_load(&source.live), 0);
}

static ins1_timeseries series_of(const void *data, int32_t dtype, size_t n, size_t channels,
                                 double rate)
{
    ins1_timeseries s = INS1_INIT(ins1_timeseries);
    s.data = data;
    s.dtype = dtype;
    s.n_samples = n;
    s.n_channels = channels;
    s.sample_rate_hz = rate;
    return s;
}

static ins1_status encode(const ins1_timeseries *s, ins1_embeds **out)
{
    return ins1_timeseries_encoder_encode(out, encoder, s, 1, &call);
}

/* The rows of one signal; to be freed. */
static float *rows_of(const ins1_timeseries *s, size_t *n)
{
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    ins1_embeds *embeds;
    ck_assert_msg(encode(s, &embeds) == INS1_OK, "%s", error.text);
    ck_assert_int_eq(ins1_embeds_info_get(embeds, &info, &call), INS1_OK);
    ck_assert_int_eq(info.modality, INS1_MODALITY_TIMESERIES);
    ck_assert_uint_eq(info.dim, 18);
    float *rows = malloc(info.n_tokens * info.dim * sizeof(*rows));
    ck_assert_int_eq(
        ins1_embeds_read_f32(embeds, 0, info.n_tokens, rows, info.n_tokens * info.dim, n, &call),
        INS1_OK);
    ins1_embeds_release(embeds);
    return rows;
}

static void assert_same_rows(const ins1_timeseries *a, const ins1_timeseries *b)
{
    size_t n, m;
    float *x = rows_of(a, &n), *y = rows_of(b, &m);
    ck_assert_uint_eq(n, m);
    ck_assert(memcmp(x, y, n * sizeof(*x)) == 0);
    free(x);
    free(y);
}

static uint64_t state = 1;
static uint32_t draw(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

static double uniform(void)
{
    return draw() / 2147483648.0;
}

enum { N = 300, CHANNELS = 3 };
static double wave[N * CHANNELS]; /* [sample][channel] */

static void make_wave(void)
{
    for (size_t i = 0; i < N * CHANNELS; i++)
        wave[i] = floor(1000 * uniform()) - 300;
}

/* --- tokens --- */

static size_t count_tokens(size_t n, double rate)
{
    size_t tokens = 0;
    ck_assert_msg(ins1_timeseries_encoder_tokens(encoder, n, 1, rate, &tokens, &call) == INS1_OK,
                  "%zu at %g: %s", n, rate, error.text);
    return tokens;
}

START_TEST(tokens_are_the_reference_s)
{
    FILE *file = fopen(TEST_GOLDEN "/series-counts.txt", "r");
    size_t n, expected, lines = 0;
    double rate;
    ck_assert_ptr_nonnull(file);
    for (; fscanf(file, "%zu %lf %zu\n", &n, &rate, &expected) == 3; lines++)
        ck_assert_msg(count_tokens(n, rate) == expected, "%zu samples at %g Hz: %zu, not %zu", n,
                      rate, count_tokens(n, rate), expected);
    fclose(file);
    ck_assert_uint_gt(lines, 2000);
}
END_TEST

/* Patch after patch, pair after pair, frame after frame. */
static size_t walk_tokens(size_t n, size_t stride)
{
    size_t patches = 1, frames = 0;
    for (size_t end = 2 * stride; end < n; end += stride)
        patches++;
    for (size_t t = 0; t < patches / 2; t += 2)
        frames++;
    return frames;
}

static size_t stride_at(double rate)
{
    float e = 1 + expf(-(float)rate / 100);
    return (size_t)(160 / powf(e, 6));
}

START_TEST(tokens_hold_for_any_length_and_rate)
{
    for (int i = 0; i < 100000; i++) {
        double rate = exp(uniform() * 12 - 2);
        size_t stride = stride_at(rate), n_tokens = 0;
        size_t n = (size_t)exp(uniform() * 11), channels = 1 + draw() % 64;
        ins1_status status =
            ins1_timeseries_encoder_tokens(encoder, n, channels, rate, &n_tokens, &call);
        if (n <= 2 * stride) {
            ck_assert_int_eq(status, INS1_E_ARGUMENT);
            continue;
        }
        ck_assert_int_eq(status, INS1_OK);
        ck_assert_msg(n_tokens == walk_tokens(n, stride), "%zu at %.17g: %zu, not %zu", n, rate,
                      n_tokens, walk_tokens(n, stride));
    }
}
END_TEST

START_TEST(as_many_tokens_come_out_as_were_counted)
{
    enum { MOST = 1200 };
    float *samples = malloc(MOST * sizeof(*samples));
    for (size_t i = 0; i < MOST; i++)
        samples[i] = (float)uniform();
    for (int i = 0; i < 60; i++) {
        size_t channels = 1 + draw() % 4, n = 1 + draw() % (MOST / channels), expected, got;
        double rate = draw() % 5 ? exp(uniform() * 9 - 2) : 0;
        const ins1_timeseries s = series_of(samples, INS1_SAMPLE_F32, n, channels, rate);
        if (ins1_timeseries_encoder_tokens(encoder, n, channels, rate, &expected, &call) != INS1_OK)
            continue;
        free(rows_of(&s, &got));
        ck_assert_uint_eq(got, expected * 18);
    }
    free(samples);
}
END_TEST

static const struct {
    size_t n, channels;
    double rate;
    const char *said;
} refused[] = {
    { 48, 1, 100, "at least 49" },   { 4, 1, 1, "at least 5" },    { 0, 1, 0, "at least 5" },
    { 320, 1, 1e6, "at least 321" }, { 100, 1, -1, "-1" },         { 100, 1, NAN, "nan" },
    { 100, 1, INFINITY, "inf" },     { 100, 0, 10, "0 channels" },
};

START_TEST(what_cannot_be_is_refused_with_the_number_that_could)
{
    size_t n_tokens = 7;
    ck_assert_int_eq(ins1_timeseries_encoder_tokens(encoder, refused[_i].n, refused[_i].channels,
                                                    refused[_i].rate, &n_tokens, &call),
                     INS1_E_ARGUMENT);
    ck_assert_uint_eq(n_tokens, 0);
    ck_assert_msg(strstr(error.text, refused[_i].said), "%s", error.text);
}
END_TEST

/* --- samples --- */

START_TEST(layouts_and_types_of_the_same_numbers_give_the_same_bits)
{
    static double planar[N * CHANNELS], backwards[N * CHANNELS];
    static int16_t i16[N * CHANNELS];
    static int32_t i32[N * CHANNELS];
    static float f32[N * CHANNELS];
    make_wave();
    for (size_t i = 0; i < N; i++)
        for (size_t c = 0; c < CHANNELS; c++) {
            double v = wave[i * CHANNELS + c];
            planar[c * N + i] = v;
            backwards[(N - 1 - i) * CHANNELS + (CHANNELS - 1 - c)] = v;
            i16[i * CHANNELS + c] = (int16_t)v;
            i32[i * CHANNELS + c] = (int32_t)v * 4 + 8;
            f32[i * CHANNELS + c] = (float)v;
        }
    const ins1_timeseries dense = series_of(wave, INS1_SAMPLE_F64, N, CHANNELS, 30);
    ins1_timeseries s = series_of(planar, INS1_SAMPLE_F64, N, CHANNELS, 30);
    s.sample_stride = sizeof(double);
    s.channel_stride = N * sizeof(double);
    assert_same_rows(&dense, &s);
    s = series_of(backwards + N * CHANNELS - 1, INS1_SAMPLE_F64, N, CHANNELS, 30);
    s.sample_stride = -(ptrdiff_t)(CHANNELS * sizeof(double));
    s.channel_stride = -(ptrdiff_t)sizeof(double);
    assert_same_rows(&dense, &s);
    s = series_of(i16, INS1_SAMPLE_I16, N, CHANNELS, 30);
    assert_same_rows(&dense, &s);
    s = series_of(i32, INS1_SAMPLE_I32, N, CHANNELS, 30);
    s.scale = 0.25;
    s.offset = -2;
    assert_same_rows(&dense, &s);
    s = series_of(f32, INS1_SAMPLE_F32, N, CHANNELS, 30);
    assert_same_rows(&dense, &s);
}
END_TEST

START_TEST(samples_need_not_be_aligned)
{
    static char bytes[sizeof(wave) + 1];
    make_wave();
    memcpy(bytes + 1, wave, sizeof(wave));
    const ins1_timeseries dense = series_of(wave, INS1_SAMPLE_F64, N, CHANNELS, 30);
    const ins1_timeseries s = series_of(bytes + 1, INS1_SAMPLE_F64, N, CHANNELS, 30);
    assert_same_rows(&dense, &s);
}
END_TEST

START_TEST(gaps_are_filled_with_what_was_there_before)
{
    static double holes[N * CHANNELS];
    make_wave();
    memcpy(holes, wave, sizeof(wave));
    for (size_t i = 10; i < 200; i++) { /* over several patches */
        holes[i * CHANNELS + 1] = NAN;
        wave[i * CHANNELS + 1] = wave[9 * CHANNELS + 1];
    }
    for (size_t i = 0; i < 5; i++) { /* at the start */
        holes[i * CHANNELS + 2] = NAN;
        wave[i * CHANNELS + 2] = wave[5 * CHANNELS + 2];
    }
    const ins1_timeseries whole = series_of(wave, INS1_SAMPLE_F64, N, CHANNELS, 30);
    ins1_timeseries s = series_of(holes, INS1_SAMPLE_F64, N, CHANNELS, 30);
    ins1_embeds *embeds;
    ck_assert_int_eq(encode(&s, &embeds), INS1_E_ARGUMENT);
    ck_assert_ptr_null(embeds);
    ck_assert_msg(strstr(error.text, "series 0: sample 10 of channel 1 is NaN"), "%s", error.text);
    s.flags = INS1_TIMESERIES_FILL_GAPS;
    assert_same_rows(&whole, &s);
    for (size_t i = 0; i < N; i++)
        holes[i * CHANNELS] = NAN;
    ck_assert_int_eq(encode(&s, &embeds), INS1_E_ARGUMENT);
    ck_assert_msg(strstr(error.text, "channel 0 is one gap"), "%s", error.text);
}
END_TEST

START_TEST(an_infinity_is_refused_by_its_place)
{
    ins1_embeds *embeds;
    make_wave();
    wave[123 * CHANNELS + 1] = -INFINITY;
    ins1_timeseries s = series_of(wave, INS1_SAMPLE_F64, N, CHANNELS, 30);
    s.flags = INS1_TIMESERIES_FILL_GAPS;
    ck_assert_int_eq(encode(&s, &embeds), INS1_E_ARGUMENT);
    ck_assert_msg(strstr(error.text, "sample 123 of channel 1 is an infinity"), "%s", error.text);
    wave[123 * CHANNELS + 1] = 1e300; /* becomes one */
    s.scale = 1e300;
    ck_assert_int_eq(encode(&s, &embeds), INS1_E_ARGUMENT);
    s.scale = 1;
    wave[123 * CHANNELS + 1] = 1.5e308; /* their squares do not fit */
    ck_assert_int_eq(encode(&s, &embeds), INS1_E_ARGUMENT);
    ck_assert_msg(strstr(error.text, "channel 1"), "%s", error.text);
}
END_TEST

START_TEST(claims_about_a_signal_are_checked)
{
    const ins1_timeseries good = series_of(wave, INS1_SAMPLE_F64, N, 1, 30);
    ins1_timeseries s[10];
    ins1_embeds *embeds;
    for (int i = 0; i < 10; i++)
        s[i] = good;
    s[0].dtype = 0;
    s[1].dtype = 5;
    s[2].data = NULL;
    s[3].n_channels = 0;
    s[4].scale = NAN;
    s[5].offset = INFINITY;
    s[6].n_samples = SIZE_MAX / 4;
    s[7].n_channels = SIZE_MAX / 2;
    s[8].sample_stride = PTRDIFF_MIN;
    s[9].channel_stride = PTRDIFF_MAX;
    s[9].n_channels = 2;
    make_wave();
    for (int i = 0; i < 10; i++)
        ck_assert_msg(encode(&s[i], &embeds) == INS1_E_ARGUMENT && !embeds, "%d: %s", i,
                      error.text);
    s[0] = good;
    s[0].flags = 2;
    ck_assert_int_eq(encode(&s[0], &embeds), INS1_E_VERSION);
    s[0] = good;
    s[0].struct_size = 4;
    ck_assert_int_eq(encode(&s[0], &embeds), INS1_E_ARGUMENT);
}
END_TEST

START_TEST(channels_are_normalised_one_by_one_and_before_the_cut)
{
    static float out[N * CHANNELS], cut[N * CHANNELS];
    size_t n;
    make_wave();
    for (size_t i = 0; i < N; i++)
        wave[i * CHANNELS + 2] = 1e9 + (double)(i % 2); /* small changes of a large number */
    const ins1_timeseries s = series_of(wave, INS1_SAMPLE_F64, N, CHANNELS, 30);
    ck_assert_int_eq(ins1_timeseries_encoder_preprocess(encoder, &s, out, N * CHANNELS, &n, &call),
                     INS1_OK);
    ck_assert_uint_eq(n, N * CHANNELS);
    for (size_t c = 0; c < CHANNELS; c++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < N; i++) {
            double v = (double)out[i * CHANNELS + c];
            sum += v;
            squares += v * v;
        }
        ck_assert_double_eq_tol(sum / N, 0, 1e-6);
        ck_assert_double_eq_tol(squares / N, 1, 1e-6);
    }
    ck_assert_float_eq_tol(out[2], -1, 1e-6f);

    options.max_samples = 77;
    make_encoder();
    ck_assert_int_eq(ins1_timeseries_encoder_preprocess(encoder, &s, cut, 100, &n, &call),
                     INS1_E_BUFFER);
    ck_assert_uint_eq(n, 77 * CHANNELS);
    ck_assert(memcmp(cut, out, 100 * sizeof(*cut)) == 0);
    ck_assert_uint_eq(count_tokens(N, 0), count_tokens(77, 0));
    ck_assert_float_eq(cut[100], 0);
}
END_TEST

START_TEST(a_flat_channel_is_all_zeros)
{
    float out[60];
    size_t n;
    for (size_t i = 0; i < 60; i++)
        wave[i] = 12345.678;
    const ins1_timeseries s = series_of(wave, INS1_SAMPLE_F64, 60, 1, 30);
    ck_assert_int_eq(ins1_timeseries_encoder_preprocess(encoder, &s, out, 60, &n, &call), INS1_OK);
    for (size_t i = 0; i < 60; i++)
        ck_assert_float_eq(out[i], 0);
}
END_TEST

START_TEST(samples_that_were_prepared_give_the_same_bits)
{
    static float prepared[N * CHANNELS];
    size_t n, m;
    ins1_embeds *embeds;
    make_wave();
    const ins1_timeseries s = series_of(wave, INS1_SAMPLE_F64, N, CHANNELS, 30);
    float *rows = rows_of(&s, &n);
    float *other = malloc(n * sizeof(*other));
    ck_assert_int_eq(
        ins1_timeseries_encoder_preprocess(encoder, &s, prepared, N * CHANNELS, &m, &call),
        INS1_OK);
    ck_assert_int_eq(
        ins1_timeseries_encoder_encode_samples(&embeds, encoder, prepared, N, CHANNELS, 30, &call),
        INS1_OK);
    ck_assert_int_eq(ins1_embeds_read_f32(embeds, 0, n / 18, other, n, &m, &call), INS1_OK);
    ck_assert(memcmp(rows, other, n * sizeof(*rows)) == 0);
    ins1_embeds_release(embeds);
    ck_assert_int_eq(
        ins1_timeseries_encoder_encode_samples(&embeds, encoder, NULL, N, 1, 30, &call),
        INS1_E_ARGUMENT);
    free(rows);
    free(other);
}
END_TEST

/* --- calls --- */

START_TEST(all_series_come_out_or_none)
{
    ins1_embeds *out[3] = { (ins1_embeds *)&error, (ins1_embeds *)&error, (ins1_embeds *)&error };
    ins1_timeseries s[3];
    size_t n, m;
    make_wave();
    s[0] = s[1] = s[2] = series_of(wave, INS1_SAMPLE_F64, N, CHANNELS, 30);
    s[1].n_samples = 200;
    s[2].n_samples = 3;
    ck_assert_int_eq(ins1_timeseries_encoder_encode(out, encoder, s, 3, &call), INS1_E_ARGUMENT);
    ck_assert_msg(strstr(error.text, "series 2"), "%s", error.text);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_null(out[i]);
    s[2].n_samples = 100;
    ck_assert_int_eq(ins1_timeseries_encoder_encode(out, encoder, s, 3, &call), INS1_OK);
    float *alone = rows_of(&s[1], &n), *together = malloc(n * sizeof(*together));
    ck_assert_int_eq(ins1_embeds_read_f32(out[1], 0, n / 18, together, n, &m, &call), INS1_OK);
    ck_assert(memcmp(alone, together, n * sizeof(*alone)) == 0);
    for (int i = 0; i < 3; i++)
        ins1_embeds_release(out[i]);
    free(alone);
    free(together);
    ck_assert_int_eq(ins1_timeseries_encoder_encode(NULL, encoder, NULL, 0, &call), INS1_OK);
    ck_assert_int_eq(ins1_timeseries_encoder_encode(NULL, encoder, s, 1, &call), INS1_E_ARGUMENT);
}
END_TEST

typedef struct watch {
    int calls, stop_at;
    uint64_t last, total;
    ins1_status inside;
} watch;

static int32_t progress(void *user, int32_t phase, uint64_t done, uint64_t total)
{
    watch *w = user;
    ck_assert_int_eq(phase, INS1_PHASE_ENCODE);
    ck_assert_uint_ge(done, w->last);
    w->last = done;
    w->total = total;
    if (!w->calls) {
        const ins1_timeseries s = series_of(wave, INS1_SAMPLE_F64, N, 1, 30);
        ins1_embeds *embeds;
        w->inside = ins1_timeseries_encoder_encode(&embeds, encoder, &s, 1, NULL);
    }
    return ++w->calls == w->stop_at;
}

START_TEST(progress_is_told_can_stop_and_cannot_enter)
{
    const ins1_timeseries s = series_of(wave, INS1_SAMPLE_F64, N, CHANNELS, 30);
    ins1_embeds *embeds;
    watch w = { .stop_at = -1 };
    make_wave();
    call.progress = progress;
    call.user = &w;
    ck_assert_int_eq(encode(&s, &embeds), INS1_OK);
    ins1_embeds_release(embeds);
    ck_assert_int_eq(w.inside, INS1_E_BUSY);
    ck_assert_uint_eq(w.last, w.total);
    ck_assert_int_gt(w.calls, 3);
    for (int i = 1; i <= w.calls; i++) {
        watch stopping = { .stop_at = i };
        call.user = &stopping;
        ck_assert_int_eq(encode(&s, &embeds), INS1_E_CANCELED);
        ck_assert_ptr_null(embeds);
    }
}
END_TEST

START_TEST(a_request_to_stop_is_heard)
{
    const ins1_timeseries s = series_of(wave, INS1_SAMPLE_F64, N, CHANNELS, 30);
    ins1_embeds *embeds;
    make_wave();
    ck_assert_int_eq(ins1_cancel_create(&call.cancel, runtime, &call), INS1_OK);
    ins1_cancel_request(call.cancel);
    ck_assert_int_eq(encode(&s, &embeds), INS1_E_CANCELED);
    ins1_cancel_release(call.cancel);
    call.cancel = NULL;
    call.budget_ns = 1;
    ck_assert_int_eq(encode(&s, &embeds), INS1_E_DEADLINE);
    ck_assert_ptr_null(embeds);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    const ins1_timeseries s[2] = { series_of(wave, INS1_SAMPLE_F64, N, CHANNELS, 30),
                                   series_of(wave, INS1_SAMPLE_F64, N, 1, 10) };
    ins1_status status = INS1_E_MEMORY;
    make_wave();
    ins1_timeseries_encoder_release(encoder);
    encoder = NULL;
    int n = 0;
    for (; status != INS1_OK; n++) {
        ins1_embeds *out[2] = { NULL, NULL };
        long long live = atomic_load(&source.live);
        atomic_store(&source.until_refusal, n);
        status = ins1_timeseries_encoder_create(&encoder, model, NULL, &call);
        if (status == INS1_OK)
            status = ins1_timeseries_encoder_encode(out, encoder, s, 2, &call);
        atomic_store(&source.until_refusal, -1);
        ck_assert(status == INS1_OK || status == INS1_E_MEMORY);
        ck_assert((out[0] && out[1]) == (status == INS1_OK));
        ins1_embeds_release(out[0]);
        ins1_embeds_release(out[1]);
        ins1_timeseries_encoder_release(encoder);
        encoder = NULL;
        /* The room for the queue's own work stays with the device. */
        ck_assert_msg(status == INS1_OK || atomic_load(&source.live) == live, "%d", n);
    }
    ck_assert_int_gt(n, 20);
}
END_TEST

START_TEST(scratch_stays_within_its_budget)
{
    ins1_timeseries_encoder *none;
    ins1_embeds *embeds;
    size_t n, m;
    make_wave();
    options.scratch_budget = 1000;
    ck_assert_int_eq(ins1_timeseries_encoder_create(&none, model, &options, &call), INS1_E_BUDGET);
    ck_assert_msg(strstr(error.text, "scratch_budget allows 1000"), "%s", error.text);

    /* More frames than fit at once: bits do not tell. */
    enum { LONG = 9000 };
    float *samples = malloc(LONG * sizeof(*samples));
    for (size_t i = 0; i < LONG; i++)
        samples[i] = (float)uniform();
    const ins1_timeseries s = series_of(samples, INS1_SAMPLE_F32, LONG, 1, 1);
    options.scratch_budget = 0;
    make_encoder();
    float *wide = rows_of(&s, &n);
    ck_assert_uint_eq(n / 18, count_tokens(LONG, 1));
    options.scratch_budget = 700 << 10;
    make_encoder();
    ck_assert_int_eq(encode(&s, &embeds), INS1_E_BUDGET);
    ck_assert_msg(strstr(error.text, "series 0"), "%s", error.text);
    options.scratch_budget = 4 << 20;
    make_encoder();
    float *narrow = rows_of(&s, &m);
    ck_assert_uint_eq(n, m);
    ck_assert(memcmp(wide, narrow, n * sizeof(*wide)) == 0);
    free(wide);
    free(narrow);
    free(samples);
}
END_TEST

START_TEST(options_are_checked)
{
    ins1_timeseries_encoder *none;
    options.precision = INS1_PRECISION_INT8;
    ck_assert_int_eq(ins1_timeseries_encoder_create(&none, model, &options, &call),
                     INS1_E_UNSUPPORTED);
    options.precision = 9;
    ck_assert_int_eq(ins1_timeseries_encoder_create(&none, model, &options, &call),
                     INS1_E_ARGUMENT);
    options.precision = 0;
    options.device = 7;
    ck_assert_int_eq(ins1_timeseries_encoder_create(&none, model, &options, &call),
                     INS1_E_ARGUMENT);
    options.device = -1;
    ck_assert_int_eq(ins1_timeseries_encoder_create(&none, model, &options, &call),
                     INS1_E_ARGUMENT);
    options.device = 0;
    options.flags = 2;
    ck_assert_int_eq(ins1_timeseries_encoder_create(&none, model, &options, &call), INS1_E_VERSION);
    ck_assert_ptr_null(none);
    ck_assert_int_eq(ins1_timeseries_encoder_create(&none, NULL, NULL, &call), INS1_E_ARGUMENT);
    ck_assert_int_eq(ins1_timeseries_encoder_create(NULL, model, NULL, &call), INS1_E_ARGUMENT);
    ins1_timeseries_encoder_release(NULL);
}
END_TEST

START_TEST(an_encoder_outlives_what_it_was_made_of)
{
    make_wave();
    const ins1_timeseries s = series_of(wave, INS1_SAMPLE_F64, N, CHANNELS, 30);
    ins1_embeds *embeds;
    ins1_model_release(model);
    model = NULL;
    ck_assert_int_eq(encode(&s, &embeds), INS1_OK);
    ins1_timeseries_encoder_release(encoder);
    encoder = NULL;
    ins1_embeds_release(embeds);
}
END_TEST

/* --- checkpoints --- */

#define TS    "model.time_series."
#define LOCAL TS "encoder_embed.transformer_encoder.layers.0."
#define FRAME TS "encoder.layers.0."

static void add_linear(tiny *t, const char *name, int rows, int columns, bool has_bias)
{
    char full[100];
    snprintf(full, sizeof(full), "%s.weight", name);
    tiny_add(t, full, "BF16", 2, rows, columns, 0);
    snprintf(full, sizeof(full), "%s.bias", name);
    if (has_bias)
        tiny_add(t, full, "BF16", 1, rows, 0, 0);
}

static void add_norm(tiny *t, const char *name, int n)
{
    char full[100];
    snprintf(full, sizeof(full), "%s.weight", name);
    tiny_add(t, full, "BF16", 1, n, 0, 0);
    snprintf(full, sizeof(full), "%s.bias", name);
    tiny_add(t, full, "BF16", 1, n, 0, 0);
}

/* The encoder alone: patches of width 8, frames of width 6, one layer. */
static tiny tiny_series(void)
{
    tiny t = { .n = 0 };
    strcpy(t.config, "{\"architectures\":[\"InternS1ProForConditionalGeneration\"],\"ts_config\":{"
                     "\"d_model\":6,\"encoder_layers\":1,\"encoder_attention_heads\":2,"
                     "\"encoder_ffn_dim\":10,\"num_mel_bins\":3,\"max_source_positions\":5,"
                     "\"ts_adapt_in_dim\":16,\"ts_adapt_out_dim\":7,\"ts_hidden_dim\":7},"
                     "\"text_config\":{\"model_type\":\"interns1_pro_text\",\"vocab_size\":5,"
                     "\"hidden_size\":4,\"num_hidden_layers\":1,\"num_attention_heads\":2,"
                     "\"num_key_value_heads\":1,\"head_dim\":2,\"intermediate_size\":6,"
                     "\"max_position_embeddings\":16,\"num_experts\":2,\"num_experts_per_tok\":2,"
                     "\"moe_intermediate_size\":3}}");
    tiny_add(&t, TS "encoder_embed.conv.weight", "BF16", 3, 8, 1, 5);
    tiny_add(&t, TS "encoder_embed.conv.bias", "BF16", 1, 8, 0, 0);
    tiny_add(&t, TS "encoder_embed.pos_encoder.pe", "BF16", 3, 40, 1, 8);
    tiny_add(&t, LOCAL "self_attn.in_proj_weight", "BF16", 2, 24, 8, 0);
    tiny_add(&t, LOCAL "self_attn.in_proj_bias", "BF16", 1, 24, 0, 0);
    add_linear(&t, LOCAL "self_attn.out_proj", 8, 8, true);
    add_linear(&t, LOCAL "linear1", 9, 8, true);
    add_linear(&t, LOCAL "linear2", 8, 9, true);
    add_norm(&t, LOCAL "norm1", 8);
    add_norm(&t, LOCAL "norm2", 8);
    add_linear(&t, TS "encoder.adapt_in", 3, 16, true);
    tiny_add(&t, TS "encoder.conv1.weight", "BF16", 3, 6, 3, 3);
    tiny_add(&t, TS "encoder.conv1.bias", "BF16", 1, 6, 0, 0);
    tiny_add(&t, TS "encoder.conv2.weight", "BF16", 3, 6, 6, 3);
    tiny_add(&t, TS "encoder.conv2.bias", "BF16", 1, 6, 0, 0);
    tiny_add(&t, TS "encoder.embed_positions.weight", "BF16", 2, 5, 6, 0);
    add_linear(&t, FRAME "self_attn.q_proj", 6, 6, true);
    add_linear(&t, FRAME "self_attn.k_proj", 6, 6, false);
    add_linear(&t, FRAME "self_attn.v_proj", 6, 6, true);
    add_linear(&t, FRAME "self_attn.out_proj", 6, 6, true);
    add_norm(&t, FRAME "self_attn_layer_norm", 6);
    add_norm(&t, FRAME "final_layer_norm", 6);
    add_linear(&t, FRAME "fc1", 10, 6, true);
    add_linear(&t, FRAME "fc2", 6, 10, true);
    add_norm(&t, TS "encoder.layer_norm", 6);
    add_linear(&t, TS "encoder.adapt_out", 7, 6, true);
    add_norm(&t, TS "projector.layer_norm", 7);
    add_linear(&t, TS "projector.linear_1", 4, 7, true);
    add_linear(&t, TS "projector.linear_2", 4, 4, true);
    return t;
}

static made folder;

static ins1_status open_tiny(const tiny *t)
{
    ins1_model_release(model);
    model = NULL;
    made_free(&folder);
    tiny_make(t, &folder);
    ins1_model_options open = made_options(&folder);
    open.parts = INS1_PART_TIMESERIES;
    return ins1_model_open(&model, runtime, &open, &call);
}

static void teardown_tiny(void)
{
    teardown();
    made_free(&folder);
}

START_TEST(every_tensor_is_needed_and_its_shape_compared)
{
    /* Sizes that no key says are those of the tensors. */
    static const char *const free_sizes[] = { "linear1.weight", "pos_encoder.pe" };
    tiny t = tiny_series();
    ck_assert_msg(open_tiny(&t) == INS1_OK, "%s", error.text);
    for (int i = 0; i < t.n; i++) {
        const char *dtype = t.tensors[i].dtype;
        t.tensors[i].dtype = NULL;
        ck_assert_int_eq(open_tiny(&t), INS1_E_FORMAT);
        ck_assert_msg(strstr(error.text, "missing") && strstr(error.text, t.tensors[i].name),
                      "%s: %s", t.tensors[i].name, error.text);
        t.tensors[i].dtype = dtype;
        bool is_free = false;
        for (size_t k = 0; k < 2; k++)
            is_free |= strstr(t.tensors[i].name, free_sizes[k]) != NULL;
        for (int axis = is_free; axis < t.tensors[i].rank; axis++) {
            t.tensors[i].shape[axis]++;
            ck_assert_int_eq(open_tiny(&t), INS1_E_FORMAT);
            ck_assert_msg(strstr(error.text, t.tensors[i].name) && strstr(error.text, "expected"),
                          "%s", error.text);
            t.tensors[i].shape[axis]--;
        }
    }
}
END_TEST

START_TEST(the_names_of_other_members_are_found)
{
    static const char *const names[][2] = {
        { "model.ts_tower.", "model.time_series_projector." },
        { "time_series.", "time_series.projector." },
        { "ts_tower.", "time_series_projector." },
    };
    tiny t = tiny_series();
    for (int i = 0; i < t.n; i++) {
        char name[100];
        const char *rest = t.tensors[i].name + strlen(TS);
        bool is_projector = !strncmp(rest, "projector.", 10);
        snprintf(name, sizeof(name), "%s%s", names[_i][is_projector],
                 is_projector ? rest + 10 : rest);
        strcpy(t.tensors[i].name, name);
    }
    ck_assert_msg(open_tiny(&t) == INS1_OK, "%s", error.text);
}
END_TEST

START_TEST(an_encoder_of_another_kind_is_not_this_part)
{
    tiny t = { .n = 0 };
    strcpy(t.config, tiny_series().config);
    tiny_add(&t, TS "encoder_embed.layers.0.0.weight", "BF16", 3, 4, 1, 3);
    ck_assert_int_eq(open_tiny(&t), INS1_E_UNSUPPORTED);
    ck_assert_msg(strstr(error.text, "no time-series encoder"), "%s", error.text);
}
END_TEST

static const struct {
    const char *from, *to, *said;
    ins1_status status;
} configs[] = {
    { "\"d_model\":6", "\"d_model\":7", "d_model", INS1_E_FORMAT },
    { "\"d_model\":6", "\"d_model\":\"6\"", "d_model", INS1_E_FORMAT },
    { "\"ts_hidden_dim\":7", "\"ts_hidden_dim\":8", "ts_hidden_dim", INS1_E_FORMAT },
    { "\"ts_hidden_dim\":7", "\"out_hidden_size\":8", "out_hidden_size", INS1_E_FORMAT },
    { "\"ts_hidden_dim\":7", "\"activation_function\":\"relu\"", "activation_function",
      INS1_E_UNSUPPORTED },
    { "\"ts_hidden_dim\":7", "\"ts_concat_subsampling_concat_size\":4", "concat_size",
      INS1_E_UNSUPPORTED },
    { "\"ts_adapt_in_dim\":16", "\"ts_adapt_in_dim\":20", "ts_adapt_in_dim", INS1_E_UNSUPPORTED },
    { "\"encoder_layers\":1", "\"encoder_layers\":4096", "encoder_layers", INS1_E_FORMAT },
    { "\"encoder_layers\":1", "\"encoder_layers\":0", "encoder_layers", INS1_E_FORMAT },
    { "\"ts_config\":{", "\"ts_config\":[],\"x\":{", "ts_config", INS1_E_FORMAT },
};

START_TEST(a_config_is_read_with_suspicion)
{
    tiny t = tiny_series();
    char rest[sizeof(t.config)];
    char *at = strstr(t.config, configs[_i].from);
    ck_assert_ptr_nonnull(at);
    strcpy(rest, at + strlen(configs[_i].from));
    strcpy(at, configs[_i].to);
    strcat(at, rest);
    ck_assert_int_eq(open_tiny(&t), configs[_i].status);
    ck_assert_msg(strstr(error.text, configs[_i].said), "%s", error.text);
}
END_TEST

START_TEST(a_rate_beyond_the_checkpoint_s_places_is_refused)
{
    tiny t = tiny_series();
    size_t n;
    ck_assert_int_eq(open_tiny(&t), INS1_OK);
    make_encoder();
    ck_assert_int_eq(ins1_timeseries_encoder_tokens(encoder, 1000, 1, 50, &n, &call), INS1_OK);
    ck_assert_int_eq(ins1_timeseries_encoder_tokens(encoder, 1000, 1, 100, &n, &call),
                     INS1_E_UNSUPPORTED);
    ck_assert_msg(strstr(error.text, "48") && strstr(error.text, "40"), "%s", error.text);
}
END_TEST

START_TEST(a_plan_is_what_the_encoder_takes)
{
    static float samples[4000];
    ins1_model_options open = INS1_INIT(ins1_model_options);
    ins1_mem_stats before = INS1_INIT(ins1_mem_stats), after = INS1_INIT(ins1_mem_stats);
    ins1_plan plan = INS1_INIT(ins1_plan);
    ins1_embeds *embeds;

    open.path = _i % 2 ? TEST_GOLDEN "/series-bf16" : TEST_GOLDEN "/series-f32";
    open.parts = INS1_PART_TIMESERIES;
    open.load_mode = _i / 2 ? INS1_LOAD_READ : INS1_LOAD_MMAP;
    for (size_t i = 0; i < 4000; i++)
        samples[i] = (float)uniform();
    ck_assert_int_eq(ins1_runtime_mem(runtime, &before, &call), INS1_OK);
    ck_assert_int_eq(ins1_model_plan(runtime, &open, NULL, NULL, &plan, &call), INS1_OK);
    ck_assert_uint_eq(plan.parts, INS1_PART_TIMESERIES);
    ck_assert_uint_gt(plan.timeseries.disk, 1000);
    ck_assert_uint_ge(plan.timeseries.host, plan.timeseries.disk);
    ck_assert_int_eq(ins1_model_open(&model, runtime, &open, &call), INS1_OK);
    make_encoder();
    const ins1_timeseries s = series_of(samples, INS1_SAMPLE_F32, 4000, 1, 30);
    ck_assert_int_eq(encode(&s, &embeds), INS1_OK);
    ins1_embeds_release(embeds);
    ck_assert_int_eq(ins1_runtime_mem(runtime, &after, &call), INS1_OK);
    double taken = (double)(after.now - before.now);
    double off = fabs((double)plan.least_total - taken) / taken;
    ck_assert_msg(off <= 0.01, "planned %.0f, taken %.0f", (double)plan.least_total, taken);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* --- devices --- */

static int32_t enter(uint32_t abi, const ins1_host_api *api, ins1_backend_api *out)
{
    return abi >> 16 == INS1_BACKEND_ABI_MAJOR ? s1_dummy_backend(out, api, &dummy)
                                               : INS1_E_VERSION;
}

START_TEST(a_device_that_lacks_operations_leaves_the_encoder_to_the_cpu)
{
    const bool has_all = _i == 1;
    float samples[100] = { 1 };
    const ins1_timeseries s = series_of(samples, INS1_SAMPLE_F32, 100, 1, 10);
    ins1_embeds *embeds;

    dummy = (s1_dummy){ .has_device_memory = true };
    if (!has_all)
        dummy.supported = ~(UINT64_C(1) << INS1_OP_MEAN);
    ck_assert_int_eq(ins1_backend_register(runtime, enter, &call), INS1_OK);
    open_golden();
    options.device = 1;
    make_encoder();
    ck_assert_msg((strstr(logged, "lacks operations of the time-series") != NULL) == !has_all, "%s",
                  logged);
    ck_assert_int_eq(atomic_load(&dummy.ops), 0);
    ck_assert_msg(encode(&s, &embeds) == INS1_OK, "%s", error.text);
    ck_assert((atomic_load(&dummy.ops) > 0) == has_all);
    ins1_embeds_release(embeds);
    ck_assert_int_eq(atomic_load(&dummy.complaints), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timeseries");
    TCase *with = tcase_create("encoder");
    tcase_add_checked_fixture(with, setup, teardown);
    tcase_set_timeout(with, 300);
    tcase_add_test(with, tokens_are_the_reference_s);
    tcase_add_test(with, tokens_hold_for_any_length_and_rate);
    tcase_add_test(with, as_many_tokens_come_out_as_were_counted);
    tcase_add_loop_test(with, what_cannot_be_is_refused_with_the_number_that_could, 0,
                        COUNT(refused));
    tcase_add_test(with, layouts_and_types_of_the_same_numbers_give_the_same_bits);
    tcase_add_test(with, samples_need_not_be_aligned);
    tcase_add_test(with, gaps_are_filled_with_what_was_there_before);
    tcase_add_test(with, an_infinity_is_refused_by_its_place);
    tcase_add_test(with, claims_about_a_signal_are_checked);
    tcase_add_test(with, channels_are_normalised_one_by_one_and_before_the_cut);
    tcase_add_test(with, a_flat_channel_is_all_zeros);
    tcase_add_test(with, samples_that_were_prepared_give_the_same_bits);
    tcase_add_test(with, all_series_come_out_or_none);
    tcase_add_test(with, progress_is_told_can_stop_and_cannot_enter);
    tcase_add_test(with, a_request_to_stop_is_heard);
    tcase_add_test(with, every_allocation_may_fail);
    tcase_add_test(with, scratch_stays_within_its_budget);
    tcase_add_test(with, options_are_checked);
    tcase_add_test(with, an_encoder_outlives_what_it_was_made_of);
    TCase *open = tcase_create("checkpoints");
    tcase_add_checked_fixture(open, make_runtime, teardown_tiny);
    tcase_set_timeout(open, 300);
    tcase_add_test(open, every_tensor_is_needed_and_its_shape_compared);
    tcase_add_loop_test(open, the_names_of_other_members_are_found, 0, 3);
    tcase_add_test(open, an_encoder_of_another_kind_is_not_this_part);
    tcase_add_loop_test(open, a_config_is_read_with_suspicion, 0, COUNT(configs));
    tcase_add_test(open, a_rate_beyond_the_checkpoint_s_places_is_refused);
    tcase_add_loop_test(open, a_plan_is_what_the_encoder_takes, 0, 4);
    suite_add_tcase(suite, with);
    TCase *devices = tcase_create("devices");
    tcase_add_checked_fixture(devices, make_runtime, teardown);
    tcase_add_loop_test(devices, a_device_that_lacks_operations_leaves_the_encoder_to_the_cpu, 0,
                        2);
    suite_add_tcase(suite, open);
    suite_add_tcase(suite, devices);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
