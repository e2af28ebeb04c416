#include "fake_host.h"

#include "backend/cpu/kernels.h"
#include "tensor/widen.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Attention inside segments on every level: against its definition in double at every small length
 * and width, and with the same bits however segments, blocks of rows and threads are cut. */

static const char *const levels[] = { "scalar", "avx2", "avx512", "neon", "neon_bf16" };
enum { N_LEVELS = sizeof(levels) / sizeof(levels[0]) };

static fake_device dev;

typedef struct shape {
    int64_t s, t, h, d;
    int32_t precision;
    bool causal;
} shape;

/* q, k and v beside each other in one block, as the product before leaves them. */
static float *random_block(const shape *of)
{
    size_t n = (size_t)(3 * of->s * of->t * of->h * of->d);
    float *x = malloc(n * sizeof(*x) + !n);
    for (size_t i = 0; i < n; i++)
        x[i] = 2 * fake_float();
    return x;
}

static int64_t at(const shape *of, int64_t s, int64_t t, int64_t which, int64_t h)
{
    return (((s * of->t + t) * 3 + which) * of->h + h) * of->d;
}

static int32_t attend(const shape *of, float *qkv, float *y)
{
    const int64_t dim[] = { of->s, of->t, of->h, of->d };
    ins1_tensor_desc in[3];
    ins1_tensor_desc out = fake_view(&dev, y, INS1_DTYPE_F32, 4, dim);

    for (int64_t i = 0; i < 3; i++) {
        const int64_t all[] = { of->s, of->t, 3 * of->h, of->d };
        in[i] = fake_view(&dev, qkv, INS1_DTYPE_F32, 4, all);
        in[i].dim[2] = of->h;
        in[i].offset += (uint64_t)(i * of->h * of->d) * sizeof(float);
        in[i].bytes -= (uint64_t)(2 * of->h * of->d) * sizeof(float);
    }
    const ins1_op op = {
        .struct_size = sizeof(op),
        .op = INS1_OP_SELF_ATTENTION,
        .flags = of->causal ? INS1_OP_CAUSAL : 0,
        .n_in = 3,
        .n_out = 1,
        .in = in,
        .out = &out,
        .i = { of->precision },
        .f = { (float)(1 / sqrt((double)of->d)) },
    };
    ck_assert_int_ne(dev.api.supports(dev.context, &op), 0);
    int32_t status = dev.api.run(dev.stream, &op, 1);
    fake_drop(&dev, in, 3);
    fake_drop(&dev, &out, 1);
    return status;
}

static double rounded(const shape *of, float x)
{
    return (double)(of->precision == INS1_PRECISION_BF16 ? s1_from_bf16(s1_to_bf16(x)) : x);
}

static void check_row(const shape *of, const float *qkv, const float *y, int64_t s, int64_t t,
                      int64_t h)
{
    int64_t n = of->causal ? t + 1 : of->t;
    double *e = calloc((size_t)n, sizeof(*e));
    double max = -INFINITY, sum = 0;

    for (int64_t p = 0; p < n; p++) {
        for (int64_t j = 0; j < of->d; j++)
            e[p] += rounded(of, qkv[at(of, s, t, 0, h) + j]) *
                    rounded(of, qkv[at(of, s, p, 1, h) + j]) / sqrt((double)of->d);
        max = e[p] > max ? e[p] : max;
    }
    for (int64_t p = 0; p < n; p++)
        sum += e[p] = exp(e[p] - max);
    for (int64_t j = 0; j < of->d; j++) {
        double expected = 0, mass = 0;
        for (int64_t p = 0; p < n; p++) {
            double term = e[p] / sum * rounded(of, qkv[at(of, s, p, 2, h) + j]);
            expected += term;
            mass += fabs(term);
        }
        double bound = mass * (of->precision == INS1_PRECISION_BF16 ? 0x1p-8 : 1e-5) + 1e-12;
        double got = (double)y[((s * of->t + t) * of->h + h) * of->d + j];
        ck_assert_msg(fabs(got - expected) <= bound, "%dx%dx%dx%d: row %d,%d,%d: %g, %g expected",
                      (int)of->s, (int)of->t, (int)of->h, (int)of->d, (int)s, (int)t, (int)h, got,
                      expected);
    }
    free(e);
}

static void check_shape(const shape *of)
{
    size_t n = (size_t)(of->s * of->t * of->h * of->d);
    float *qkv = random_block(of);
    float *y = malloc(n * sizeof(*y) + !n);

    ck_assert_int_eq(attend(of, qkv, y), INS1_OK);
    for (int64_t i = 0; i < of->s * of->t * of->h; i++)
        check_row(of, qkv, y, i / of->h / of->t, i / of->h % of->t, i % of->h);
    free(qkv);
    free(y);
}

/* Every length up to a few vectors and panels, and around the tile of keys; every width. */
START_TEST(self_attention_is_its_definition)
{
    if (!fake_device_open(&dev, levels[_i], 2))
        return;
    fake_seed = 31;
    for (int variant = 0; variant < 4; variant++) {
        shape of = { 2, 0, 2, 0, INS1_PRECISION_F32, variant & 1 };
        of.precision = variant & 2 ? INS1_PRECISION_BF16 : INS1_PRECISION_F32;
        for (of.t = 1; of.t <= 70; of.t++) {
            of.d = 1 + (of.t * 7 + variant) % 70;
            check_shape(&of);
        }
        for (of.d = 1; of.d <= 140; of.d += of.d < 34 ? 1 : 9) {
            of.t = 1 + of.d * 5 % 23;
            check_shape(&of);
        }
        of.s = 1;
        of.d = 24;
        for (of.t = 126; of.t <= 131; of.t++)
            check_shape(&of);
        of.h = 1;
        for (of.t = 255; of.t <= 900; of.t += 129)
            check_shape(&of);
        of.t = 9;
        of.d = 500;
        check_shape(&of);
    }
    fake_device_close(&dev);
}
END_TEST

/* Long enough for several blocks of rows with any number of threads. */
START_TEST(segments_and_threads_do_not_change_self_attention)
{
    static const shape shapes[] = { { 1, 800, 1, 20, 0, false },
                                    { 1, 410, 2, 64, 0, true },
                                    { 7, 33, 2, 16, 0, false },
                                    { 60, 3, 8, 16, 0, true } };

    for (int i = 0; i < 8; i++) {
        shape of = shapes[i / 2];
        of.precision = i % 2 ? INS1_PRECISION_BF16 : INS1_PRECISION_F32;
        size_t a_segment = (size_t)(of.t * of.h * of.d);
        float *qkv = random_block(&of);
        float *one = malloc((size_t)of.s * a_segment * sizeof(*one));
        float *y = malloc((size_t)of.s * a_segment * sizeof(*y));

        for (int32_t threads = 1; threads <= 8; threads = threads * 2 + (threads == 2)) {
            if (!fake_device_open(&dev, levels[_i], threads))
                break;
            ck_assert_int_eq(attend(&of, qkv, threads == 1 ? one : y), INS1_OK);
            if (threads > 1)
                ck_assert_mem_eq(one, y, (size_t)of.s * a_segment * sizeof(*y));
            shape alone = of;
            alone.s = 1;
            for (size_t s = 0; s < (size_t)of.s; s++) {
                ck_assert_int_eq(attend(&alone, qkv + s * 3 * a_segment, y), INS1_OK);
                ck_assert_mem_eq(one + s * a_segment, y, a_segment * sizeof(*y));
            }
            fake_device_close(&dev);
        }
        free(qkv);
        free(one);
        free(y);
    }
}
END_TEST

/* Scores far apart: nothing overflows, and what is far below the largest counts as nothing. */
START_TEST(large_scores_do_not_overflow)
{
    enum { T = 200, D = 8 };
    static float qkv[T * 3 * D], y[T * D];
    const shape of = { 1, T, 1, D, INS1_PRECISION_F32, false };

    if (!fake_device_open(&dev, levels[_i], 1))
        return;
    for (int64_t t = 0; t < T; t++)
        for (int64_t j = 0; j < D; j++) {
            qkv[at(&of, 0, t, 0, 0) + j] = 1e9f;
            qkv[at(&of, 0, t, 1, 0) + j] = t == 150 ? 1e9f : -1e9f;
            qkv[at(&of, 0, t, 2, 0) + j] = (float)t;
        }
    ck_assert_int_eq(attend(&of, qkv, y), INS1_OK);
    for (int64_t i = 0; i < T * D; i++)
        ck_assert(y[i] == 150);
    fake_device_close(&dev);
}
END_TEST

/* What a causal row does not see may be anything, and a segment is not its neighbour's concern. */
START_TEST(what_is_not_seen_does_not_matter)
{
    shape of = { 2, 300, 1, 16, INS1_PRECISION_F32, true };

    if (!fake_device_open(&dev, levels[_i], 1))
        return;
    for (int bf16 = 0; bf16 < 2; bf16++) {
        size_t n = (size_t)(of.s * of.t * of.d);
        float *qkv = random_block(&of);
        float *before = malloc(n * sizeof(*before));
        float *after = malloc(n * sizeof(*after));
        of.precision = bf16 ? INS1_PRECISION_BF16 : INS1_PRECISION_F32;
        ck_assert_int_eq(attend(&of, qkv, before), INS1_OK);
        for (int64_t t = 150; t < of.t; t++)
            for (int64_t j = 0; j < of.d; j++)
                qkv[at(&of, 0, t, 1, 0) + j] = qkv[at(&of, 0, t, 2, 0) + j] = 1e6f;
        ck_assert_int_eq(attend(&of, qkv, after), INS1_OK);
        ck_assert_mem_eq(before, after, (size_t)(150 * of.d) * sizeof(*after));
        ck_assert_mem_eq(before + of.t * of.d, after + of.t * of.d,
                         (size_t)(of.t * of.d) * sizeof(*after));
        free(qkv);
        free(before);
        free(after);
    }
    fake_device_close(&dev);
}
END_TEST

START_TEST(self_attention_stops_when_it_is_told_to)
{
    const shape of = { 1, 900, 2, 64, INS1_PRECISION_BF16, false };
    float *qkv = random_block(&of);
    float *y = malloc((size_t)(of.t * of.h * of.d) * sizeof(*y));

    ck_assert(fake_device_open(&dev, NULL, 2));
    atomic_store(&dev.host.until_stop, 1);
    ck_assert_int_eq(attend(&of, qkv, y), INS1_E_CANCELED);
    atomic_store(&dev.host.until_stop, -1);
    ck_assert_int_eq(attend(&of, qkv, y), INS1_OK);
    fake_device_close(&dev);
    free(qkv);
    free(y);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("self_attention");
    TCase *tcase = tcase_create("self_attention");

    tcase_set_timeout(tcase, 300);
    tcase_add_loop_test(tcase, self_attention_is_its_definition, 0, N_LEVELS);
    tcase_add_loop_test(tcase, segments_and_threads_do_not_change_self_attention, 0, N_LEVELS);
    tcase_add_loop_test(tcase, large_scores_do_not_overflow, 0, N_LEVELS);
    tcase_add_loop_test(tcase, what_is_not_seen_does_not_matter, 0, N_LEVELS);
    tcase_add_test(tcase, self_attention_stops_when_it_is_told_to);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
