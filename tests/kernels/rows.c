#include "backend/cpu/kernels.h"

#include "fake_host.h"
#include "interns1/sys/backend.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The row kernels of each level against those of level scalar, on blocks of exactly the right size.
 */

static const char *const levels[] = { "scalar", "avx2", "avx512", "neon", "neon_bf16" };
enum { N_LEVELS = sizeof(levels) / sizeof(levels[0]), MOST = 70 };

static const float extremes[] = { 0.0f,        -0.0f,          1.0f,       -1.0f,    0x1p-149f,
                                  -0x1p-140f,  1e30f,          -1e30f,     3.4e38f,  -3.4e38f,
                                  INFINITY,    -INFINITY,      NAN,        65504.0f, 65519.0f,
                                  65520.0f,    0x1p-24f,       0x1.8p-25f, 0x1p-25f, 1.00390625f,
                                  1.01171875f, 0x1.fffffep127f };
enum { N_EXTREMES = sizeof(extremes) / sizeof(extremes[0]) };

static s1_kernels scalar, level;

static bool choose(int i)
{
    s1_kernels_init(&scalar, 0);
    if (s1_kernels_choose(&level, levels[i], NULL) == INS1_OK)
        return true;
    printf("%s: not on this machine or not in this build\n", levels[i]);
    return false;
}

static float *exact_block(int64_t n, bool wild)
{
    float *x = malloc((size_t)n * sizeof(*x) + !n);
    for (int64_t i = 0; i < n; i++)
        x[i] = wild && fake_bits() % 4 == 0 ? extremes[fake_bits() % N_EXTREMES] : fake_float();
    return x;
}

static bool same(float a, float b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof(a)) == 0;
}

static void assert_same(const float *a, const float *b, int64_t n, const char *what)
{
    for (int64_t i = 0; i < n; i++)
        ck_assert_msg(same(a[i], b[i]), "%s of %d: %a at %d, %a expected", what, (int)n,
                      (double)a[i], (int)i, (double)b[i]);
}

/* What rounds each step on its own has the same bits on every level, extreme values included. */
START_TEST(simple_rows_have_the_bits_of_the_definition)
{
    if (!choose(_i))
        return;
    fake_seed = 21;
    for (int64_t n = 0; n <= MOST; n++) {
        float *a = exact_block(n, true);
        float *b = exact_block(n, true);
        float *c = exact_block(2 * n, true);
        float *y = malloc((size_t)(2 * n) * sizeof(*y) + 1);
        float *z = malloc((size_t)(2 * n) * sizeof(*z) + 1);

        level.add(y, a, b, n);
        scalar.add(z, a, b, n);
        assert_same(y, z, n, "add");
        level.scale(y, a, 0.3f, n);
        scalar.scale(z, a, 0.3f, n);
        assert_same(y, z, n, "scale");
        memcpy(y, b, (size_t)n * sizeof(*y));
        memcpy(z, b, (size_t)n * sizeof(*z));
        level.add_scaled(y, a, -1.7f, n);
        scalar.add_scaled(z, a, -1.7f, n);
        assert_same(y, z, n, "add_scaled");
        memcpy(y, b, (size_t)n * sizeof(*y));
        memcpy(z, b, (size_t)n * sizeof(*z));
        level.add_product(y, a, c, n);
        scalar.add_product(z, a, c, n);
        assert_same(y, z, n, "add_product");
        level.act(y, a, n, INS1_ACT_RELU);
        scalar.act(z, a, n, INS1_ACT_RELU);
        assert_same(y, z, n, "relu");
        level.divide(y, a, 3.0f, n);
        scalar.divide(z, a, 3.0f, n);
        assert_same(y, z, n, "divide");
        level.rope(y, c, a, b, n);
        scalar.rope(z, c, a, b, n);
        assert_same(y, z, 2 * n, "rope");
        free(a);
        free(b);
        free(c);
        free(y);
        free(z);
    }
}
END_TEST

START_TEST(norms_have_the_bits_of_the_definition)
{
    if (!choose(_i))
        return;
    for (int64_t n = 1; n <= 300; n++) {
        float *x = exact_block(n, false);
        float *w = exact_block(n, false);
        float *y = malloc((size_t)n * sizeof(*y));
        float *z = malloc((size_t)n * sizeof(*z));

        for (float size = 1e-20f; size < 1e20f; size *= 1e5f) {
            level.rmsnorm(y, x, w, n, 1e-6f);
            scalar.rmsnorm(z, x, w, n, 1e-6f);
            assert_same(y, z, n, "rmsnorm");
            level.layernorm(y, x, w, NULL, n, 1e-6f);
            scalar.layernorm(z, x, w, NULL, n, 1e-6f);
            assert_same(y, z, n, "layernorm");
            level.layernorm(y, x, w, x, n, 1e-6f);
            scalar.layernorm(z, x, w, x, n, 1e-6f);
            assert_same(y, z, n, "layernorm with a bias");
            scalar.scale(x, x, 1e5f * size, n);
        }
        free(x);
        free(w);
        free(y);
        free(z);
    }
}
END_TEST

START_TEST(widening_and_narrowing_are_exact)
{
    static const int32_t dtypes[] = { INS1_DTYPE_F32, INS1_DTYPE_F16, INS1_DTYPE_BF16,
                                      INS1_DTYPE_F8_E4M3 };
    if (!choose(_i))
        return;
    for (int d = 0; d < 4; d++) {
        size_t size = fake_dtype_size(dtypes[d]);
        for (int64_t n = 0; n <= MOST; n++) {
            uint8_t *x = malloc((size_t)n * size + !n);
            float *y = malloc((size_t)n * sizeof(*y) + !n);
            for (size_t i = 0; i < (size_t)n * size; i++)
                x[i] = (uint8_t)(fake_bits() >> 5);
            level.widen(y, x, dtypes[d], n);
            for (int64_t i = 0; i < n; i++)
                ck_assert(same(y[i], fake_widen(x, dtypes[d], (size_t)i)));
            free(x);
            free(y);
        }
        if (dtypes[d] == INS1_DTYPE_F8_E4M3)
            continue;
        for (int64_t n = 0; n <= MOST; n++) {
            float *x = exact_block(n, true);
            uint8_t *y = malloc((size_t)n * size + !n);
            uint8_t *z = malloc((size_t)n * size + !n);
            level.narrow(y, x, dtypes[d], n);
            scalar.narrow(z, x, dtypes[d], n);
            for (int64_t i = 0; i < n; i++)
                ck_assert(
                    same(fake_widen(y, dtypes[d], (size_t)i), fake_widen(z, dtypes[d], (size_t)i)));
            free(x);
            free(y);
            free(z);
        }
    }
}
END_TEST

/* Every code of the 16- and 8-bit types. */
START_TEST(every_code_widens_to_its_value)
{
    static uint16_t halves[65536];
    static uint8_t bytes[256];
    static float y[65536];

    if (!choose(_i))
        return;
    for (int i = 0; i < 65536; i++)
        halves[i] = (uint16_t)i;
    for (int i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    level.widen(y, (const uint8_t *)halves, INS1_DTYPE_F16, 65536);
    for (size_t i = 0; i < 65536; i++)
        ck_assert(same(y[i], fake_widen(halves, INS1_DTYPE_F16, i)));
    level.widen(y, (const uint8_t *)halves, INS1_DTYPE_BF16, 65536);
    for (size_t i = 0; i < 65536; i++)
        ck_assert(same(y[i], fake_widen(halves, INS1_DTYPE_BF16, i)));
    level.widen(y, bytes, INS1_DTYPE_F8_E4M3, 256);
    for (size_t i = 0; i < 256; i++)
        ck_assert(same(y[i], fake_widen(bytes, INS1_DTYPE_F8_E4M3, i)));
}
END_TEST

static double activated(double a, int32_t act)
{
    if (act == INS1_ACT_SILU)
        return a / (1 + exp(-a));
    if (act == INS1_ACT_GELU)
        return a * erfc(-a / sqrt(2)) / 2;
    return a / (1 + exp(-2 * sqrt(2 / M_PI) * (a + 0.044715 * a * a * a)));
}

START_TEST(activations_are_close_over_their_whole_range)
{
    if (!choose(_i))
        return;
    for (int32_t act = INS1_ACT_SILU; act <= INS1_ACT_GELU_TANH; act++)
        for (float a = -110; a < 110; a += 0.037f) {
            float one = 1;
            float y, z;
            level.act_mul(&y, &a, &one, 1, act);
            level.act(&z, &a, 1, act);
            ck_assert(y == z);
            double expected = activated((double)a, act);
            ck_assert_msg(fabs((double)y - expected) <= 1e-6 * fabs(expected) + 4e-7,
                          "act %d of %g: %g, %g expected", act, (double)a, (double)y, expected);
        }
}
END_TEST

/* What is left of the exact GELU far from zero is right in relation to its own size. */
START_TEST(the_tail_of_gelu_is_as_exact_as_the_rest)
{
    static const float far[] = { INFINITY, 3e38f, 40, -40, -3e38f, NAN };
    float y[6];

    if (!choose(_i) || strcmp(level.level, "scalar") == 0)
        return;
    for (float a = -12; a < 0; a += 0.0071f) {
        level.act(y, &a, 1, INS1_ACT_GELU);
        double expected = activated((double)a, INS1_ACT_GELU);
        ck_assert_msg(fabs((double)y[0] - expected) <= 1e-5 * fabs(expected), "gelu(%g)",
                      (double)a);
    }
    level.act(y, far, 6, INS1_ACT_GELU);
    ck_assert(isinf(y[0]) && y[1] == far[1] && y[2] == 40);
    ck_assert(y[3] == 0 && y[4] == 0 && isnan(y[5]));
}
END_TEST

START_TEST(exponentials_are_exact_to_two_units)
{
    float scores[MOST];
    float max, sum;

    if (!choose(_i))
        return;
    for (float x = -87; x <= 0; x += 0.0113f) {
        for (int i = 0; i < 20; i++)
            scores[i] = x;
        scores[3] = 0;
        level.soften(scores, 18, 20, 1.0f, &max, &sum);
        ck_assert(max == 0 && scores[3] == 1 && scores[18] == 0 && scores[19] == 0);
        double e = exp((double)x);
        ck_assert_msg(fabs((double)scores[0] - e) <= 2e-7 * e, "exp(%g)", (double)x);
        ck_assert(scores[0] == scores[17]);
        ck_assert_double_eq_tol(sum, 1 + 17 * e, 1e-5);
    }
}
END_TEST

START_TEST(softened_scores_depend_on_the_valid_ones_alone)
{
    if (!choose(_i))
        return;
    for (int64_t valid = 1; valid <= MOST; valid++) {
        float *x = exact_block(valid, false);
        float *y = malloc((size_t)valid * sizeof(*y));
        float *z = malloc((size_t)(valid + 40) * sizeof(*z));
        float y_max, y_sum, z_max, z_sum;

        memcpy(y, x, (size_t)valid * sizeof(*y));
        memcpy(z, x, (size_t)valid * sizeof(*z));
        for (int64_t i = valid; i < valid + 40; i++)
            z[i] = 100;
        level.soften(y, valid, valid, 0.7f, &y_max, &y_sum);
        level.soften(z, valid, valid + 40, 0.7f, &z_max, &z_sum);
        ck_assert(y_max == z_max && y_sum == z_sum);
        ck_assert_mem_eq(y, z, (size_t)valid * sizeof(*y));
        free(x);
        free(y);
        free(z);
    }
}
END_TEST

START_TEST(merging_brings_both_to_the_larger_maximum)
{
    if (!choose(_i))
        return;
    for (int64_t d = 1; d <= MOST; d++) {
        float *a = exact_block(d, false);
        float *b = exact_block(d, false);
        float *y = malloc((size_t)d * sizeof(*y));
        float max = 3, sum = 2;

        memcpy(y, a, (size_t)d * sizeof(*y));
        level.merge(y, &max, &sum, b, 5, 7, d);
        ck_assert(max == 5);
        ck_assert_double_eq_tol(sum, 2 * exp(-2) + 7, 1e-6);
        for (int64_t i = 0; i < d; i++)
            ck_assert_double_eq_tol(y[i], a[i] * exp(-2) + b[i], 1e-6);
        free(a);
        free(b);
        free(y);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rows");
    TCase *rows = tcase_create("rows");

    tcase_set_timeout(rows, 300);
    tcase_add_loop_test(rows, simple_rows_have_the_bits_of_the_definition, 0, N_LEVELS);
    tcase_add_loop_test(rows, norms_have_the_bits_of_the_definition, 0, N_LEVELS);
    tcase_add_loop_test(rows, widening_and_narrowing_are_exact, 0, N_LEVELS);
    tcase_add_loop_test(rows, every_code_widens_to_its_value, 0, N_LEVELS);
    tcase_add_loop_test(rows, activations_are_close_over_their_whole_range, 0, N_LEVELS);
    tcase_add_loop_test(rows, the_tail_of_gelu_is_as_exact_as_the_rest, 0, N_LEVELS);
    tcase_add_loop_test(rows, exponentials_are_exact_to_two_units, 0, N_LEVELS);
    tcase_add_loop_test(rows, softened_scores_depend_on_the_valid_ones_alone, 0, N_LEVELS);
    tcase_add_loop_test(rows, merging_brings_both_to_the_larger_maximum, 0, N_LEVELS);
    suite_add_tcase(suite, rows);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
