#include "backend/cpu/kernels.h"

#include "fake_host.h"
#include "tensor/widen.h"

#include <check.h>
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The product kernel of each level against the order of additions that the level states, bit for
 * bit: every small length, every type, weights that are not aligned, on blocks of exactly the right
 * size. */

typedef enum order {
    SEPARATE, /* lane l adds columns l, l + 4, ...; product and sum rounded one by one */
    FUSED,    /* the same, fused */
    PAIRS,    /* lane l adds the pairs of columns 2l, 2l + 8, ..., the odd one first, fused */
    DOTS,     /* no lanes: the sum of two products, each step rounded to odd */
} order;

static const struct {
    const char *name;
    order of_panel[S1_PANEL_KINDS];
} levels[] = {
    { "scalar", { SEPARATE, SEPARATE } }, { "avx2", { FUSED, FUSED } },
    { "avx512", { FUSED, PAIRS } },       { "neon", { FUSED, FUSED } },
    { "neon_bf16", { FUSED, DOTS } },
};
enum { N_LEVELS = sizeof(levels) / sizeof(levels[0]), LANES = 4 };

static const int32_t dtypes[] = { INS1_DTYPE_F32, INS1_DTYPE_F16, INS1_DTYPE_BF16,
                                  INS1_DTYPE_F8_E4M3 };
enum { N_DTYPES = sizeof(dtypes) / sizeof(dtypes[0]) };

static s1_kernels kernels;
static order order_of_panel[S1_PANEL_KINDS];

static bool choose(int level)
{
    memcpy(order_of_panel, levels[level].of_panel, sizeof(order_of_panel));
    if (s1_kernels_choose(&kernels, levels[level].name, NULL) == INS1_OK)
        return true;
    printf("%s: not on this machine or not in this build\n", levels[level].name);
    return false;
}

typedef struct sample {
    int64_t n, k, t;
    size_t skew; /* bytes by which weights and scales are off */
    int32_t dtype, kind, scale_dtype;
    bool round, transposed, bias, accumulate, wild;
} sample;

/* To odd, as ARM's products of BF16 do: towards zero, and the last bit is set where that was not
 * exact; what is too large is infinite. */
static float to_odd(float a, float b, bool multiply)
{
    volatile float x = a, y = b;

    feclearexcept(FE_ALL_EXCEPT);
    fesetround(FE_TOWARDZERO);
    volatile float f = multiply ? x * y : x + y;
    fesetround(FE_TONEAREST);
    int seen = fetestexcept(FE_OVERFLOW | FE_INEXACT);
    float result = f;
    uint32_t bits;
    memcpy(&bits, &result, sizeof(bits));
    bits |= seen & FE_INEXACT ? 1 : 0;
    memcpy(&result, &bits, sizeof(bits));
    return seen & FE_OVERFLOW ? copysignf(INFINITY, result) : result;
}

static float add_product(float u, float w, float x, order o)
{
    return o == SEPARATE ? u + w * x : fmaf(w, x, u);
}

/* Row r of w and one row of x, as the level says that it adds. */
static float expected(const sample *s, const float *w, const float *x, const float *scales,
                      int64_t r)
{
    order o = order_of_panel[s->kind];
    int64_t chunk = s->scale_dtype || s->kind == S1_PANEL_F32 ? 128 : 256;
    float sums[LANES] = { 0 };

    for (int64_t at = 0; at < s->k; at += chunk) {
        int64_t end = at + chunk < s->k ? at + chunk : s->k;
        float scale = s->scale_dtype ? scales[r / 128 * ((s->k + 127) / 128) + at / 128] : 1.0f;
        float u[LANES] = { 0 };

        for (int64_t j = at; j < end; j += o >= PAIRS ? 2 : 1) {
            const float *row = w + r * s->k;
            if (o == DOTS) {
                float even = to_odd(row[j], x[j], true);
                float odd = j + 1 < end ? to_odd(row[j + 1], x[j + 1], true) : 0.0f;
                u[0] = to_odd(u[0], to_odd(even, odd, false), false);
                continue;
            }
            if (o == PAIRS) {
                float *lane = &u[j / 2 % LANES];
                if (j + 1 < end)
                    *lane = fmaf(row[j + 1], x[j + 1], *lane);
                *lane = fmaf(row[j], x[j], *lane);
            } else {
                u[j % LANES] = add_product(u[j % LANES], row[j], x[j], o);
            }
        }
        for (int l = 0; l < LANES; l++)
            sums[l] = o == SEPARATE ? sums[l] + u[l] * scale : fmaf(u[l], scale, sums[l]);
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

static bool same(float a, float b)
{
    return (isnan(a) && isnan(b)) || a == b;
}

/* Values that a product may meet but should not, none of them so small that it is taken for zero.
 */
static const float extremes[] = { 0.0f, -0.0f, 3e38f, -3e38f, INFINITY, -INFINITY, NAN, 1e-20f };

static void make_weights(uint8_t *out, float *exact, const sample *s)
{
    size_t n = (size_t)(s->n * s->k);

    fake_fill(out, NULL, s->dtype, n);
    if (s->wild && s->dtype != INS1_DTYPE_F8_E4M3)
        for (size_t i = 0; i < n; i++) {
            if (fake_bits() % 16)
                continue;
            float f = extremes[fake_bits() % 8];
            uint16_t h = s->dtype == INS1_DTYPE_BF16 ? s1_to_bf16(f) : s1_to_f16(f);
            if (s->dtype == INS1_DTYPE_F32)
                memcpy(out + 4 * i, &f, 4);
            else
                memcpy(out + 2 * i, &h, 2);
        }
    if (s->wild && s->dtype == INS1_DTYPE_F8_E4M3)
        for (size_t i = 0; i < n; i++)
            out[i] = (uint8_t)(fake_bits() >> 9);
    for (int64_t r = 0; r < s->n; r++)
        for (int64_t j = 0; j < s->k; j++)
            exact[r * s->k + j] =
                fake_widen(out, s->dtype, (size_t)(s->transposed ? j * s->n + r : r * s->k + j));
}

static void fill_panel(uint8_t *panel, const sample *s, const float *x, int64_t n_groups)
{
    for (int64_t group = 0; group < n_groups; group++) {
        const float *rows[S1_MOST_TOKENS];
        int64_t begin = s1_group_begin(s->t, n_groups, group);
        int64_t end = s1_group_begin(s->t, n_groups, group + 1);
        for (int64_t i = begin; i < end; i++)
            rows[i - begin] = x + i * s->k;
        kernels.panel_fill(panel + begin * s1_panel_steps(s->kind, s->k) * S1_CELL, s->kind,
                           s->round, rows, end - begin, s->k);
    }
}

static void check(const sample *s)
{
    size_t w_size = (size_t)(s->n * s->k) * fake_dtype_size(s->dtype);
    size_t n_scales = (size_t)((s->n + 127) / 128 * ((s->k + 127) / 128));
    size_t cells = (size_t)(s->t * s1_panel_steps(s->kind, s->k)) * S1_CELL;
    uint8_t *w = malloc(w_size + s->skew);
    uint8_t *scale = malloc(n_scales * 4 + s->skew);
    uint8_t *bias = malloc((size_t)s->n * fake_dtype_size(s->dtype));
    uint8_t *panel = NULL;
    void *scratch = NULL;
    float *exact = malloc((size_t)(s->n * s->k) * sizeof(*exact));
    float *scales = malloc(n_scales * sizeof(*scales));
    float *x = malloc((size_t)(s->t * s->k) * sizeof(*x));
    float *y = malloc((size_t)(s->t * s->n) * sizeof(*y));
    float *before = malloc((size_t)(s->t * s->n) * sizeof(*y));
    int64_t n_groups = (s->t + kernels.most_tokens[s->kind] - 1) / kernels.most_tokens[s->kind];

    ck_assert_int_eq(posix_memalign((void **)&panel, 64, cells), 0);
    ck_assert_int_eq(posix_memalign(&scratch, 64, S1_PRODUCT_SCRATCH), 0);
    memset(scratch, 0x7f, S1_PRODUCT_SCRATCH);
    make_weights(w + s->skew, exact, s);
    fake_fill(bias, NULL, s->dtype, (size_t)s->n);
    for (size_t i = 0; i < n_scales; i++) {
        scales[i] = 1;
        if (s->scale_dtype == INS1_DTYPE_U8) {
            scale[s->skew + i] = (uint8_t)(100 + fake_bits() % 50);
            scales[i] = ldexpf(1, scale[s->skew + i] - 127);
        } else if (s->scale_dtype) {
            size_t size = fake_dtype_size(s->scale_dtype);
            fake_fill(scale + s->skew + i * size, &scales[i], s->scale_dtype, 1);
        }
    }
    fake_fill(x, NULL, INS1_DTYPE_F32, (size_t)(s->t * s->k));
    fake_fill(y, before, INS1_DTYPE_F32, (size_t)(s->t * s->n));
    fill_panel(panel, s, x, n_groups);

    const s1_product p = {
        .w = w + s->skew,
        .dtype = s->dtype,
        .transposed = s->transposed,
        .accumulate = s->accumulate,
        .panel_kind = s->kind,
        .stride = s->transposed ? s->n : s->k,
        .n = s->n,
        .k = s->k,
        .scale = s->scale_dtype ? scale + s->skew : NULL,
        .scale_dtype = s->scale_dtype,
        .bias = s->bias ? bias : NULL,
        .bias_dtype = s->dtype,
        .scale_stride = (s->k + 127) / 128,
        .panel = panel,
        .t = s->t,
        .n_groups = n_groups,
        .y = y,
        .y_stride = s->n,
    };
    int64_t cut = s->n / 2 / kernels.tile * kernels.tile; /* two tasks where there are two tiles */
    if (cut > 0)
        kernels.product(&p, 0, cut, (s1_ahead){ 0 }, scratch);
    kernels.product(&p, cut, s->n, (s1_ahead){ 0 }, scratch);

    for (int64_t i = 0; i < s->t * s->k && s->round; i++)
        x[i] = s1_from_bf16(s1_to_bf16(x[i]));
    for (int64_t i = 0; i < s->t; i++)
        for (int64_t r = 0; r < s->n; r++) {
            float sum = expected(s, exact, x + i * s->k, scales, r);
            float got = y[i * s->n + r];
            if (s->bias)
                sum += fake_widen(bias, s->dtype, (size_t)r);
            if (s->accumulate)
                sum = before[i * s->n + r] + sum;
            ck_assert_msg(same(got, sum),
                          "dtype %x panel %d scale %x skew %d n=%d k=%d t=%d%s: row %d of %d: %a, "
                          "%a expected",
                          (unsigned)s->dtype, s->kind, (unsigned)s->scale_dtype, (int)s->skew,
                          (int)s->n, (int)s->k, (int)s->t, s->transposed ? " transposed" : "",
                          (int)r, (int)i, (double)got, (double)sum);
        }
    free(w);
    free(scale);
    free(bias);
    free(panel);
    free(scratch);
    free(exact);
    free(scales);
    free(x);
    free(y);
    free(before);
}

/* The panels that a type of weights may meet on this level. */
static bool meets(int32_t dtype, int32_t kind, bool transposed)
{
    if (kind == S1_PANEL_F32)
        return true;
    return kind == S1_PANEL_BF16 && kernels.most_tokens[kind] > 0 && !transposed &&
           (dtype == INS1_DTYPE_BF16 || dtype == INS1_DTYPE_F8_E4M3);
}

START_TEST(every_small_length_adds_in_the_stated_order)
{
    if (!choose(_i))
        return;
    fake_seed = 31;
    for (int d = 0; d < N_DTYPES; d++)
        for (int32_t kind = 0; kind < S1_PANEL_KINDS; kind++)
            for (int64_t k = 1; k <= 70 && meets(dtypes[d], kind, false); k++)
                for (int64_t t = 1; t <= 7; t += t < 5 ? 1 : 2) {
                    sample s = { .n = 1 + fake_bits() % 40,
                                 .k = k,
                                 .t = t,
                                 .dtype = dtypes[d],
                                 .kind = kind,
                                 .round = kind == S1_PANEL_BF16 || k % 2,
                                 .skew = (size_t)k % 4,
                                 .bias = k % 3 == 0,
                                 .accumulate = k % 5 == 0 };
                    check(&s);
                    s.transposed = true;
                    if (meets(dtypes[d], kind, true))
                        check(&s);
                }
}
END_TEST

START_TEST(every_small_height_has_its_rows)
{
    if (!choose(_i))
        return;
    fake_seed = 32;
    for (int d = 0; d < N_DTYPES; d++)
        for (int32_t kind = 0; kind < S1_PANEL_KINDS; kind++)
            for (int64_t n = 1; n <= 70 && meets(dtypes[d], kind, false); n++) {
                sample s = { .n = n,
                             .k = 1 + fake_bits() % 20,
                             .t = 1 + n % 9,
                             .dtype = dtypes[d],
                             .kind = kind,
                             .round = kind == S1_PANEL_BF16,
                             .bias = n % 2,
                             .skew = (size_t)n % 3 };
                check(&s);
                s.transposed = true;
                if (meets(dtypes[d], kind, true))
                    check(&s);
            }
}
END_TEST

START_TEST(larger_products_add_chunk_after_chunk)
{
    static const struct {
        int64_t n, k, t;
    } sizes[] = { { 33, 255, 1 },   { 64, 256, 3 },   { 96, 257, 12 }, { 130, 384, 5 },
                  { 40, 1027, 20 }, { 260, 129, 61 }, { 17, 640, 4 },  { 32, 512, 64 } };
    static const int32_t scale_dtypes[] = { 0, INS1_DTYPE_F32, INS1_DTYPE_BF16, INS1_DTYPE_U8 };

    if (!choose(_i))
        return;
    fake_seed = 33;
    for (int d = 0; d < N_DTYPES; d++)
        for (int32_t kind = 0; kind < S1_PANEL_KINDS; kind++)
            for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
                for (int c = 0; c < 4 && meets(dtypes[d], kind, false); c++) {
                    sample s = { .n = sizes[i].n,
                                 .k = sizes[i].k,
                                 .t = sizes[i].t,
                                 .dtype = dtypes[d],
                                 .kind = kind,
                                 .round = kind == S1_PANEL_BF16,
                                 .scale_dtype = scale_dtypes[c],
                                 .skew = i % 4 };
                    check(&s);
                    s.transposed = true;
                    if (meets(dtypes[d], kind, true))
                        check(&s);
                }
}
END_TEST

START_TEST(infinities_and_nans_come_through)
{
    if (!choose(_i))
        return;
    fake_seed = 34;
    for (int d = 0; d < N_DTYPES; d++)
        for (int32_t kind = 0; kind < S1_PANEL_KINDS; kind++)
            for (int64_t k = 1; k <= 40 && meets(dtypes[d], kind, false); k++) {
                sample s = { .n = 20,
                             .k = k,
                             .t = 1 + k % 8,
                             .dtype = dtypes[d],
                             .kind = kind,
                             .round = kind == S1_PANEL_BF16,
                             .wild = true };
                check(&s);
                s.transposed = true;
                if (meets(dtypes[d], kind, true))
                    check(&s);
            }
}
END_TEST

START_TEST(panels_hold_rounded_rows_and_zeros_behind_them)
{
    if (!choose(_i))
        return;
    for (int32_t kind = 0; kind <= S1_PANEL_BF16; kind++)
        for (int64_t k = 1; k <= 70; k++)
            for (int64_t g = 1; g <= kernels.most_tokens[kind]; g++) {
                int64_t steps = s1_panel_steps(kind, k);
                int64_t columns = s1_panel_columns(kind);
                float *x = malloc((size_t)(g * k) * sizeof(*x));
                uint8_t *cells = malloc((size_t)(g * steps) * S1_CELL);
                const float *rows[S1_MOST_TOKENS];

                fake_fill(x, NULL, INS1_DTYPE_F32, (size_t)(g * k));
                x[fake_bits() % (uint32_t)(g * k)] = NAN;
                x[fake_bits() % (uint32_t)(g * k)] = INFINITY;
                for (int64_t i = 0; i < g; i++)
                    rows[i] = x + i * k;
                kernels.panel_fill(cells, kind, true, rows, g, k);
                for (int64_t i = 0; i < g; i++)
                    for (int64_t j = 0; j < steps * columns; j++) {
                        int64_t at = (j / columns * g + i) * columns + j % columns;
                        float f =
                            fake_widen(cells, kind ? INS1_DTYPE_BF16 : INS1_DTYPE_F32, (size_t)at);
                        float want = j < k ? s1_from_bf16(s1_to_bf16(rows[i][j])) : 0;
                        ck_assert(same(f, want));
                    }
                free(x);
                free(cells);
            }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("products");
    TCase *products = tcase_create("products");

    tcase_set_timeout(products, 300);
    tcase_add_loop_test(products, every_small_length_adds_in_the_stated_order, 0, N_LEVELS);
    tcase_add_loop_test(products, every_small_height_has_its_rows, 0, N_LEVELS);
    tcase_add_loop_test(products, larger_products_add_chunk_after_chunk, 0, N_LEVELS);
    tcase_add_loop_test(products, infinities_and_nans_come_through, 0, N_LEVELS);
    tcase_add_loop_test(products, panels_hold_rounded_rows_and_zeros_behind_them, 0, N_LEVELS);
    suite_add_tcase(suite, products);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
