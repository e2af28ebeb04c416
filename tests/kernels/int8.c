#include "backend/cpu/kernels.h"

#include "fake_host.h"
#include "tensor/widen.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Products of I8 of each level against their definition in sys/backend.h, bit for bit: every small
 * length, weights that are not aligned, on blocks of exactly the right size. */

static const char *const levels[] = { "scalar",       "avx2",      "avx512",   "neon",
                                      "neon_dotprod", "neon_bf16", "neon_i8mm" };
enum { N_LEVELS = sizeof(levels) / sizeof(levels[0]) };

static s1_kernels kernels;

static bool choose(int level)
{
    if (s1_kernels_choose(&kernels, levels[level], NULL) == INS1_OK)
        return true;
    printf("%s: not on this machine or not in this build\n", levels[level]);
    return false;
}

typedef struct sample {
    int64_t n, k, t;
    int64_t spread;      /* elements from one row of w to the next beyond k, and of scales */
    size_t skew;         /* bytes by which weights, scales and biases are off */
    int32_t scale_dtype; /* F32 or BF16 */
    int32_t bias_dtype;  /* 0: none */
    bool accumulate, wild, largest, sparse;
    bool tiny; /* quotients as the scale, a denormal, happens to be rounded */
} sample;

/* The rounded row and its scale. */
static float quantise(int32_t *q, const float *x, int64_t k)
{
    float most = 0;
    bool is_finite = true;

    for (int64_t j = 0; j < k; j++) {
        is_finite = is_finite && isfinite(x[j]);
        most = fmaxf(most, fabsf(x[j]));
    }
    volatile float scale = most / 127.5f;
    for (int64_t j = 0; j < k; j++) {
        volatile float ratio = scale > 0 && is_finite ? x[j] / scale : 0;
        q[j] = (int32_t)fmaxf(fminf(nearbyintf(ratio), 127), -128);
    }
    return is_finite ? scale : NAN;
}

static void make_x(float *x, const sample *s)
{
    static const float extremes[] = { INFINITY, -INFINITY, NAN, 3e38f, 1e-44f, 0, -0.0f };

    fake_fill(x, NULL, INS1_DTYPE_F32, (size_t)(s->t * s->k));
    for (int64_t i = 0; i < s->t; i++) {
        float by = ldexpf(1, (int)(fake_bits() % 40) - 20);
        for (int64_t j = 0; j < s->k; j++) {
            float *f = &x[i * s->k + j];
            *f = s->largest ? copysignf(1, *f) : *f * by;
            if (s->wild && fake_bits() % 64 == 0)
                *f = extremes[fake_bits() % 7];
            if (s->tiny)
                *f = copysignf(ldexpf((float)(63 + (fake_bits() >> 9 & 127)), -149), *f);
            if (s->sparse && i % 2)
                *f = i % 4 == 1 ? 0 : copysignf(1e-45f, *f);
        }
    }
}

static void fill_panel(uint8_t *panel, const sample *s, const float *x, int64_t n_groups)
{
    for (int64_t group = 0; group < n_groups; group++) {
        const float *rows[S1_MOST_TOKENS];
        int64_t begin = s1_group_begin(s->t, n_groups, group);
        int64_t end = s1_group_begin(s->t, n_groups, group + 1);
        for (int64_t i = begin; i < end; i++)
            rows[i - begin] = x + i * s->k;
        kernels.fill_i8(panel + begin * s1_panel_steps(S1_PANEL_I8, s->k) * S1_CELL, rows,
                        end - begin, s->k);
    }
}

static bool same(float a, float b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof(a)) == 0;
}

static void check(const sample *s)
{
    const int64_t most = kernels.most_tokens[S1_PANEL_I8];
    const int64_t stride = s->k + s->spread;
    const size_t item = fake_dtype_size(s->scale_dtype);
    const size_t bias_item = s->bias_dtype ? fake_dtype_size(s->bias_dtype) : 0;
    size_t w_size = (size_t)((s->n - 1) * stride + s->k);
    size_t n_scales = (size_t)((s->n - 1) * (1 + s->spread) + 1);
    size_t cells = (size_t)(s->t * s1_panel_steps(S1_PANEL_I8, s->k)) * S1_CELL;
    int8_t *w_block = malloc(w_size + s->skew);
    int8_t *w = w_block + s->skew;
    uint8_t *scale = malloc(n_scales * item + s->skew);
    uint8_t *bias = malloc((size_t)s->n * bias_item + s->skew);
    float *scales = malloc(n_scales * sizeof(*scales));
    float *x = malloc((size_t)(s->t * s->k) * sizeof(*x) + 1);
    float *y = malloc((size_t)(s->t * s->n) * sizeof(*y));
    float *before = malloc((size_t)(s->t * s->n) * sizeof(*y));
    int32_t *q = malloc((size_t)s->k * sizeof(*q) + 1);
    int32_t *rows = malloc((size_t)s->t * sizeof(*rows));
    uint8_t *panel = NULL;
    void *scratch = NULL;
    int64_t n_groups = s1_ceil_div(s->t, most);

    ck_assert_int_eq(posix_memalign((void **)&panel, 64, cells), 0);
    ck_assert_int_eq(posix_memalign(&scratch, 64, S1_PRODUCT_SCRATCH), 0);
    memset(scratch, 0x7f, S1_PRODUCT_SCRATCH);
    for (size_t i = 0; i < w_size; i++)
        w[i] = (int8_t)(s->largest ? -128 : (int)(fake_bits() >> 9 & 255) - 128);
    fake_fill(scale + s->skew, scales, s->scale_dtype, n_scales);
    if (s->bias_dtype)
        fake_fill(bias + s->skew, NULL, s->bias_dtype, (size_t)s->n);
    make_x(x, s);
    fake_fill(y, before, INS1_DTYPE_F32, (size_t)(s->t * s->n));
    fill_panel(panel, s, x, n_groups);
    for (int64_t i = 0; i < s->t; i++)
        rows[i] = (int32_t)(s->t - 1 - i);

    const bool reversed = s->k % 3 == 1;
    const s1_product p = {
        .w = (const uint8_t *)w,
        .dtype = INS1_DTYPE_I8,
        .accumulate = s->accumulate,
        .panel_kind = S1_PANEL_I8,
        .stride = stride,
        .n = s->n,
        .k = s->k,
        .scale = scale + s->skew,
        .scale_dtype = s->scale_dtype,
        .scale_stride = 1 + s->spread,
        .bias = s->bias_dtype ? bias + s->skew : NULL,
        .bias_dtype = s->bias_dtype,
        .panel = panel,
        .t = s->t,
        .n_groups = n_groups,
        .rows = reversed ? rows : NULL,
        .y = y,
        .y_stride = s->n,
    };
    int64_t cut = s->n / 2 / kernels.tile * kernels.tile; /* two tasks where there are two tiles */
    if (cut > 0)
        kernels.product_i8(&p, 0, cut, (s1_ahead){ 0 }, scratch);
    kernels.product_i8(&p, cut, s->n, (s1_ahead){ 0 }, scratch);

    for (int64_t i = 0; i < s->t; i++) {
        const float x_scale = quantise(q, x + i * s->k, s->k);
        const int64_t at = (reversed ? rows[i] : i) * s->n;
        for (int64_t r = 0; r < s->n; r++) {
            int64_t sum = 0;
            for (int64_t j = 0; j < s->k; j++)
                sum += (int64_t)w[r * stride + j] * q[j];
            float expected = (float)sum * (x_scale * scales[r * (1 + s->spread)]);
            if (s->bias_dtype)
                expected += fake_widen(bias + s->skew, s->bias_dtype, (size_t)r);
            if (s->accumulate)
                expected = before[at + r] + expected;
            ck_assert_msg(same(y[at + r], expected),
                          "n=%d k=%d t=%d spread %d skew %d scale %x bias %x: row %d of %d: %a, %a "
                          "expected",
                          (int)s->n, (int)s->k, (int)s->t, (int)s->spread, (int)s->skew,
                          (unsigned)s->scale_dtype, (unsigned)s->bias_dtype, (int)r, (int)i,
                          (double)y[at + r], (double)expected);
        }
    }
    free(w_block);
    free(scale);
    free(bias);
    free(scales);
    free(x);
    free(y);
    free(before);
    free(q);
    free(rows);
    free(panel);
    free(scratch);
}

static const int32_t biases[] = { 0, INS1_DTYPE_F32, INS1_DTYPE_F16, INS1_DTYPE_BF16,
                                  INS1_DTYPE_F8_E4M3 };

START_TEST(every_small_length_is_exact)
{
    if (!choose(_i))
        return;
    fake_seed = 51;
    for (int64_t k = 0; k <= 200; k++)
        for (int64_t t = 1; t <= 20; t += t < 5 ? 1 : 3)
            check(&(sample){ .n = 1 + fake_bits() % 40,
                             .k = k,
                             .t = t,
                             .spread = k % 4 == 3 ? 5 : 0,
                             .skew = (size_t)k % 4,
                             .scale_dtype = k % 2 ? INS1_DTYPE_F32 : INS1_DTYPE_BF16,
                             .bias_dtype = biases[fake_bits() % 5],
                             .accumulate = k % 5 == 0,
                             .sparse = k % 7 == 6,
                             .tiny = k % 11 == 10,
                             .wild = k % 6 == 2 });
}
END_TEST

START_TEST(every_small_height_has_its_rows)
{
    if (!choose(_i))
        return;
    fake_seed = 52;
    for (int64_t n = 1; n <= 140; n++)
        for (int64_t t = 1; t <= 33; t += t < 3 ? 1 : 6)
            check(&(sample){ .n = n,
                             .k = 1 + fake_bits() % 90,
                             .t = t,
                             .skew = (size_t)n % 3,
                             .scale_dtype = n % 2 ? INS1_DTYPE_F32 : INS1_DTYPE_BF16,
                             .bias_dtype = biases[fake_bits() % 5] });
}
END_TEST

START_TEST(long_sums_are_exact)
{
    static const struct {
        int64_t n, k, t;
    } sizes[] = { { 33, 255, 1 },   { 64, 256, 3 },   { 96, 1025, 12 }, { 3, 40000, 2 },
                  { 40, 1027, 20 }, { 260, 129, 64 }, { 2, 65536, 1 },  { 5, 65536, 17 } };

    if (!choose(_i))
        return;
    fake_seed = 53;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (int largest = 0; largest < 2; largest++)
            check(&(sample){ .n = sizes[i].n,
                             .k = sizes[i].k,
                             .t = sizes[i].t,
                             .skew = i % 2,
                             .scale_dtype = INS1_DTYPE_F32,
                             .largest = largest });
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("int8");
    TCase *levels_case = tcase_create("levels");
    SRunner *runner;

    tcase_set_timeout(levels_case, 240);
    tcase_add_loop_test(levels_case, every_small_length_is_exact, 0, N_LEVELS);
    tcase_add_loop_test(levels_case, every_small_height_has_its_rows, 0, N_LEVELS);
    tcase_add_loop_test(levels_case, long_sums_are_exact, 0, N_LEVELS);
    suite_add_tcase(suite, levels_case);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
