#include "fake_host.h"

#include "tensor/widen.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The CPU backend through its table: every operation against its definition in sys/backend.h,
 * computed in double. Blocks have exactly the right size, so that one element too many is a report.
 */

static const char *const levels[] = { "scalar",       "avx2",      "avx512",   "neon",
                                      "neon_dotprod", "neon_bf16", "neon_i8mm" };
enum { N_LEVELS = sizeof(levels) / sizeof(levels[0]) };

static const int32_t dtypes[] = { INS1_DTYPE_F32, INS1_DTYPE_F16, INS1_DTYPE_BF16,
                                  INS1_DTYPE_F8_E4M3 };
enum { N_DTYPES = sizeof(dtypes) / sizeof(dtypes[0]) };

static fake_device dev;

static float *random_floats(size_t n)
{
    float *x = malloc(n * sizeof(*x) + !n);
    for (size_t i = 0; i < n; i++)
        x[i] = fake_float();
    return x;
}

static ins1_tensor_desc view2(void *memory, int32_t dtype, int64_t a, int64_t b)
{
    const int64_t dim[] = { a, b };
    return fake_view(&dev, memory, dtype, 2, dim);
}

static ins1_tensor_desc view4(void *memory, int32_t dtype, int64_t a, int64_t b, int64_t c,
                              int64_t d)
{
    const int64_t dim[] = { a, b, c, d };
    return fake_view(&dev, memory, dtype, 4, dim);
}

static ins1_tensor_desc view1(void *memory, int32_t dtype, int64_t a)
{
    return fake_view(&dev, memory, dtype, 1, &a);
}

static void run(int32_t op, ins1_tensor_desc *in, int n_in, ins1_tensor_desc *out, int n_out,
                uint32_t flags, int32_t i0, int32_t i1, int32_t i2, float f0)
{
    const ins1_op o = {
        .struct_size = sizeof(o),
        .op = op,
        .flags = flags,
        .n_in = n_in,
        .n_out = n_out,
        .in = in,
        .out = out,
        .i = { i0, i1, i2 },
        .f = { f0 },
    };
    ck_assert_int_ne(dev.api.supports(dev.context, &o), 0);
    ck_assert_int_eq(dev.api.run(dev.stream, &o, 1), INS1_OK);
    fake_drop(&dev, in, n_in);
    fake_drop(&dev, out, n_out);
}

/* --- products --- */

typedef struct shape {
    int64_t t, n, k;
} shape;

/* One product of random numbers against double. */
static void check_matmul(shape s, int32_t dtype, int32_t precision, int32_t scale_dtype,
                         bool transposed, bool bias, bool accumulate)
{
    size_t wn = (size_t)(s.n * s.k);
    int64_t sn = (s.n + 127) / 128;
    int64_t sk = (s.k + 127) / 128;
    uint8_t *w = malloc(wn * fake_dtype_size(dtype));
    float *exact = malloc(wn * sizeof(*exact));
    float *x = random_floats((size_t)(s.t * s.k));
    float *y = random_floats((size_t)(s.t * s.n));
    float *before = malloc((size_t)(s.t * s.n) * sizeof(*y));
    float *b = random_floats((size_t)s.n);
    uint8_t *scale = malloc((size_t)(sn * sk) * 4);
    float *scales = malloc((size_t)(sn * sk) * 4);

    fake_fill(w, exact, dtype, wn);
    memcpy(before, y, (size_t)(s.t * s.n) * sizeof(*y));
    for (int64_t i = 0; i < sn * sk; i++) {
        if (scale_dtype == INS1_DTYPE_U8) {
            scale[i] = (uint8_t)(120 + fake_bits() % 10);
            scales[i] = ldexpf(1, scale[i] - 127);
        } else if (scale_dtype) {
            fake_fill(scale + (size_t)i * fake_dtype_size(scale_dtype), &scales[i], scale_dtype, 1);
        } else {
            scales[i] = 1;
        }
    }
    ins1_tensor_desc in[4] = { view2(w, dtype, s.n, s.k), view2(x, INS1_DTYPE_F32, s.t, s.k) };
    ins1_tensor_desc out = view2(y, INS1_DTYPE_F32, s.t, s.n);
    if (transposed) {
        in[0].stride[0] = 1;
        in[0].stride[1] = s.n;
    }
    if (scale_dtype)
        in[2] = view2(scale, scale_dtype, sn, sk);
    if (bias)
        in[3] = view1(b, INS1_DTYPE_F32, s.n);
    run(INS1_OP_MATMUL, in, 4, &out, 1, accumulate ? INS1_OP_ACCUMULATE : 0, precision, 0, 0, 0);

    for (int64_t t = 0; t < s.t; t++)
        for (int64_t n = 0; n < s.n; n++) {
            double sum = 0;
            double mass = 0;
            for (int64_t k = 0; k < s.k; k++) {
                float xv = x[t * s.k + k];
                double v = precision == INS1_PRECISION_BF16 ? s1_from_bf16(s1_to_bf16(xv)) : xv;
                v *= exact[transposed ? k * s.n + n : n * s.k + k];
                v *= scales[n / 128 * sk + k / 128];
                sum += v;
                mass += fabs(v);
            }
            sum += bias ? b[n] : 0;
            sum += accumulate ? before[t * s.n + n] : 0;
            double error = fabs(y[t * s.n + n] - sum);
            ck_assert_msg(error <= (mass + 4) * 0x1p-21,
                          "%s: dtype %x precision %d t=%d n=%d k=%d row %d,%d: %g, %g expected",
                          levels[0], (unsigned)dtype, precision, (int)s.t, (int)s.n, (int)s.k,
                          (int)t, (int)n, (double)y[t * s.n + n], sum);
        }
    free(w);
    free(exact);
    free(x);
    free(y);
    free(before);
    free(b);
    free(scale);
    free(scales);
}

static const shape shapes[] = {
    { 1, 1, 1 },   { 1, 3, 5 },    { 2, 7, 8 },    { 3, 31, 33 },    { 1, 40, 257 },
    { 5, 33, 64 }, { 13, 65, 70 }, { 17, 9, 300 }, { 40, 129, 130 }, { 70, 34, 513 },
};
enum { N_SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

START_TEST(matmul_is_its_definition)
{
    if (!fake_device_open(&dev, levels[_i], 2))
        return;
    fake_seed = 7;
    for (int s = 0; s < N_SHAPES; s++)
        for (int d = 0; d < N_DTYPES; d++)
            for (int32_t p = INS1_PRECISION_F32; p <= INS1_PRECISION_BF16; p++)
                for (int variant = 0; variant < 4; variant++)
                    check_matmul(shapes[s], dtypes[d], p, 0, variant == 3, variant == 1,
                                 variant >= 2);
    fake_device_close(&dev);
}
END_TEST

START_TEST(a_product_over_no_columns_is_its_bias)
{
    float nothing = 0;

    for (int64_t t = 1; t <= 20; t += 19) {
        float y[20 * 40];
        float bias[40];

        if (!fake_device_open(&dev, levels[_i], 2))
            return;
        fake_fill(y, NULL, INS1_DTYPE_F32, 20 * 40);
        fake_fill(bias, NULL, INS1_DTYPE_F32, 40);
        ins1_tensor_desc in[] = { view2(&nothing, INS1_DTYPE_F32, 40, 0),
                                  view2(&nothing, INS1_DTYPE_F32, t, 0),
                                  { 0 },
                                  view1(bias, INS1_DTYPE_F32, 40) };
        ins1_tensor_desc out = view2(y, INS1_DTYPE_F32, t, 40);
        run(INS1_OP_MATMUL, in, 4, &out, 1, 0, INS1_PRECISION_F32, 0, 0, 0);
        for (int64_t i = 0; i < t * 40; i++)
            ck_assert(y[i] == bias[i % 40]);
        fake_device_close(&dev);
    }
}
END_TEST

START_TEST(matmul_multiplies_by_scales_of_blocks)
{
    static const int32_t scale_dtypes[] = { INS1_DTYPE_F32, INS1_DTYPE_BF16, INS1_DTYPE_U8 };
    static const shape scaled[] = { { 1, 130, 260 }, { 3, 257, 128 }, { 20, 129, 383 } };

    if (!fake_device_open(&dev, levels[_i], 2))
        return;
    fake_seed = 8;
    for (int s = 0; s < 3; s++)
        for (int d = 0; d < N_DTYPES; d++)
            for (int32_t p = INS1_PRECISION_F32; p <= INS1_PRECISION_BF16; p++)
                for (int c = 0; c < 3; c++)
                    check_matmul(scaled[s], dtypes[d], p, scale_dtypes[c], c == 1, false, false);
    fake_device_close(&dev);
}
END_TEST

/* Some experts have no token, one has most. */
START_TEST(experts_get_the_tokens_that_chose_them)
{
    enum { T = 21, K = 3, E = 6, N = 37, D = 100 };

    if (!fake_device_open(&dev, levels[_i], 2))
        return;
    for (int d = 0; d < N_DTYPES; d++) {
        size_t size = fake_dtype_size(dtypes[d]);
        uint8_t *w = malloc(E * N * D * size);
        float *exact = malloc(E * N * D * sizeof(*exact));
        float *x = random_floats(T * D);
        float *y = random_floats(T * K * N);
        int32_t ids[T * K];
        ins1_tensor_desc in[2 + E];
        ins1_tensor_desc out;

        fake_fill(w, exact, dtypes[d], E * N * D);
        for (int i = 0; i < T * K; i++)
            ids[i] = i % 2 ? 4 : (int32_t)(fake_bits() % 4);
        in[0] = view2(x, INS1_DTYPE_F32, T, D);
        in[1] = view1(ids, INS1_DTYPE_I32, T * K);
        for (size_t e = 0; e < E; e++)
            in[2 + e] = view2(w + e * N * D * size, dtypes[d], N, D);
        out = view2(y, INS1_DTYPE_F32, T * K, N);
        run(INS1_OP_MATMUL_EXPERTS, in, 2 + E, &out, 1, 0, INS1_PRECISION_F32, K, E, 0);

        for (int p = 0; p < T * K; p++)
            for (int n = 0; n < N; n++) {
                double sum = 0;
                for (int k = 0; k < D; k++)
                    sum += (double)x[p / K * D + k] * exact[(ids[p] * N + n) * D + k];
                ck_assert_double_eq_tol(y[p * N + n], sum, 1e-4);
            }
        free(w);
        free(exact);
        free(x);
        free(y);
    }
    fake_device_close(&dev);
}
END_TEST

/* --- rows --- */

START_TEST(rmsnorm_is_its_definition)
{
    if (!fake_device_open(&dev, levels[_i], 2))
        return;
    for (int64_t n = 1; n <= 70; n++) {
        float *x = random_floats((size_t)(6 * n));
        float *y = random_floats((size_t)(6 * n));
        float *w = random_floats((size_t)n);
        ins1_tensor_desc in[] = { view4(x, INS1_DTYPE_F32, 1, 2, 3, n),
                                  view1(w, INS1_DTYPE_F32, n) };
        ins1_tensor_desc out = view4(y, INS1_DTYPE_F32, 1, 2, 3, n);
        run(INS1_OP_RMSNORM, in, 2, &out, 1, 0, 0, 0, 0, 1e-6f);
        for (int64_t r = 0; r < 6; r++) {
            double sum = 0;
            for (int64_t i = 0; i < n; i++)
                sum += (double)x[r * n + i] * x[r * n + i];
            for (int64_t i = 0; i < n; i++) {
                double expected = x[r * n + i] / sqrt(sum / (double)n + 1e-6) * w[i];
                ck_assert_double_eq_tol(y[r * n + i], expected, 1e-6);
            }
        }
        free(x);
        free(y);
        free(w);
    }
    fake_device_close(&dev);
}
END_TEST

START_TEST(rope_rotates_in_place)
{
    if (!fake_device_open(&dev, levels[_i], 2))
        return;
    for (int64_t half = 1; half <= 40; half++)
        for (int64_t h = 1; h <= 2; h++) {
            int64_t d = 2 * half;
            float *x = random_floats((size_t)(3 * 2 * 2 * d));
            float *y = malloc((size_t)(3 * 2 * 2 * d) * sizeof(*y));
            float *cos = random_floats((size_t)(3 * h * half));
            float *sin = random_floats((size_t)(3 * h * half));
            memcpy(y, x, (size_t)(3 * 2 * 2 * d) * sizeof(*y));
            const int64_t dim[] = { 3, h, half };
            ins1_tensor_desc in[] = { view4(y, INS1_DTYPE_F32, 3, 2, 2, d),
                                      fake_view(&dev, cos, INS1_DTYPE_F32, 3, dim),
                                      fake_view(&dev, sin, INS1_DTYPE_F32, 3, dim) };
            ins1_tensor_desc out = in[0];
            ck_assert_int_eq(dev.api.buffer_wrap(dev.context, y, out.bytes, &out.buffer), 0);
            run(INS1_OP_ROPE, in, 3, &out, 1, 0, 0, 0, 0, 0);
            for (int64_t r = 0; r < 12; r++)
                for (int64_t j = 0; j < half; j++) {
                    int64_t at = (r / 4 * h + (h == 1 ? 0 : r / 2 % 2)) * half + j;
                    double a = x[r * d + j];
                    double b = x[r * d + j + half];
                    ck_assert_double_eq_tol(y[r * d + j], a * cos[at] - b * sin[at], 1e-6);
                    ck_assert_double_eq_tol(y[r * d + j + half], b * cos[at] + a * sin[at], 1e-6);
                }
            free(x);
            free(y);
            free(cos);
            free(sin);
        }
    fake_device_close(&dev);
}
END_TEST

static double activated(double a, int32_t act)
{
    if (act == INS1_ACT_SILU)
        return a / (1 + exp(-a));
    if (act == INS1_ACT_GELU)
        return a * (1 + erf(a / sqrt(2))) / 2;
    return a * (1 + tanh(sqrt(2 / M_PI) * (a + 0.044715 * a * a * a))) / 2;
}

START_TEST(act_mul_add_scale_are_their_definitions)
{
    if (!fake_device_open(&dev, levels[_i], 2))
        return;
    for (int64_t n = 1; n <= 70; n++)
        for (int32_t act = INS1_ACT_SILU; act <= INS1_ACT_GELU_TANH; act++) {
            float *a = random_floats((size_t)(2 * n));
            float *b = random_floats((size_t)(2 * n));
            float *y = malloc((size_t)(2 * n) * sizeof(*y));
            for (int64_t i = 0; i < 2 * n; i++)
                a[i] *= 12;
            ins1_tensor_desc in[] = { view2(a, INS1_DTYPE_F32, 2, n),
                                      view2(b, INS1_DTYPE_F32, 2, n) };
            ins1_tensor_desc out = view2(y, INS1_DTYPE_F32, 2, n);
            run(INS1_OP_ACT_MUL, in, 2, &out, 1, 0, act, 0, 0, 0);
            for (int64_t i = 0; i < 2 * n; i++)
                ck_assert_double_eq_tol(y[i], activated(a[i], act) * b[i], 4e-6);

            in[0] = view2(a, INS1_DTYPE_F32, 2, n);
            in[1] = view2(b, INS1_DTYPE_F32, 2, n);
            out = view2(y, INS1_DTYPE_F32, 2, n);
            run(INS1_OP_ADD, in, 2, &out, 1, 0, 0, 0, 0, 0);
            for (int64_t i = 0; i < 2 * n; i++)
                ck_assert(y[i] == a[i] + b[i]);

            in[0] = view2(a, INS1_DTYPE_F32, 2, n);
            out = view2(y, INS1_DTYPE_F32, 2, n);
            run(INS1_OP_SCALE, in, 1, &out, 1, 0, 0, 0, 0, 0.7f);
            for (int64_t i = 0; i < 2 * n; i++)
                ck_assert(y[i] == a[i] * 0.7f);
            free(a);
            free(b);
            free(y);
        }
    fake_device_close(&dev);
}
END_TEST

START_TEST(get_rows_widens_and_combine_adds_in_order)
{
    enum { ROWS = 5, T = 3, K = 2 };
    int32_t ids[T] = { 4, 0, 4 };

    if (!fake_device_open(&dev, levels[_i], 2))
        return;
    for (int64_t n = 1; n <= 70; n++) {
        float *gates = random_floats(T * K);
        for (int d = 0; d < N_DTYPES; d++) {
            uint8_t *table = malloc((size_t)(ROWS * n) * fake_dtype_size(dtypes[d]));
            float *exact = malloc((size_t)(ROWS * n) * sizeof(*exact));
            float *y = malloc((size_t)(T * n) * sizeof(*y));
            fake_fill(table, exact, dtypes[d], (size_t)(ROWS * n));
            ins1_tensor_desc in[] = { view2(table, dtypes[d], ROWS, n),
                                      view1(ids, INS1_DTYPE_I32, T) };
            ins1_tensor_desc out = view2(y, INS1_DTYPE_F32, T, n);
            run(INS1_OP_GET_ROWS, in, 2, &out, 1, 0, 0, 0, 0, 0);
            for (int64_t i = 0; i < T * n; i++)
                ck_assert(y[i] == exact[ids[i / n] * n + i % n]);
            free(table);
            free(exact);
            free(y);
        }
        float *x = random_floats((size_t)(T * K * n));
        float *y = random_floats((size_t)(T * n));
        float *expected = malloc((size_t)(T * n) * sizeof(*expected));
        for (int64_t i = 0; i < T * n; i++) {
            expected[i] = y[i];
            for (int j = 0; j < K; j++)
                expected[i] += x[(i / n * K + j) * n + i % n] * gates[i / n * K + j];
        }
        ins1_tensor_desc in[] = { view2(x, INS1_DTYPE_F32, T * K, n),
                                  view2(gates, INS1_DTYPE_F32, T, K) };
        ins1_tensor_desc out = view2(y, INS1_DTYPE_F32, T, n);
        run(INS1_OP_COMBINE, in, 2, &out, 1, 0, 0, 0, 0, 0);
        for (int64_t i = 0; i < T * n; i++)
            ck_assert(y[i] == expected[i]);
        free(gates);
        free(x);
        free(y);
        free(expected);
    }
    fake_device_close(&dev);
}
END_TEST

START_TEST(route_takes_the_best_and_the_lower_of_equals)
{
    float logits[2][8] = { { 1, 3, 2, 3, 3, 0, -1, 9 }, { 0, 0, 0, 0, 0, 0, 0, 0 } };
    int32_t ids[2][4];
    float gates[2][4];

    if (!fake_device_open(&dev, levels[_i], 2))
        return;
    for (int groups = 0; groups <= 2; groups += 2) {
        ins1_tensor_desc in = view2(logits, INS1_DTYPE_F32, 2, 8);
        ins1_tensor_desc out[] = { view2(ids, INS1_DTYPE_I32, 2, 4),
                                   view2(gates, INS1_DTYPE_F32, 2, 4) };
        run(INS1_OP_ROUTE, &in, 1, out, 2, groups ? INS1_OP_NORMALIZE : 0, 0, groups, 0, 0);
        static const int32_t expected[2][2][4] = { { { 1, 3, 4, 7 }, { 0, 1, 2, 3 } },
                                                   { { 1, 3, 4, 7 }, { 0, 1, 4, 5 } } };
        ck_assert_mem_eq(ids, expected[groups / 2], sizeof(ids));
        ck_assert_double_eq_tol(gates[1][2], groups ? 0.25 : 0.125, 1e-7);
        ck_assert_double_eq_tol(gates[0][0] / gates[0][3], exp(-6), 1e-7);
    }
    fake_device_close(&dev);
}
END_TEST

/* --- attention --- */

typedef struct cache_shape {
    int64_t lines, pages_a_line, g, r, d, length;
    int32_t dtype;
} cache_shape;

static void check_attention(cache_shape s, int64_t t)
{
    size_t pages = (size_t)(s.lines * s.pages_a_line);
    size_t pool = pages * (size_t)(s.g * s.length * s.d);
    size_t size = fake_dtype_size(s.dtype);
    int64_t capacity = s.pages_a_line * s.length;
    uint8_t *k = calloc(pool, size);
    uint8_t *v = calloc(pool, size);
    float *keys = random_floats((size_t)(s.lines * capacity * s.g * s.d));
    float *values = random_floats((size_t)(s.lines * capacity * s.g * s.d));
    float *q = random_floats((size_t)(t * s.g * s.r * s.d));
    float *y = random_floats((size_t)(t * s.g * s.r * s.d));
    int32_t *table = malloc(pages * sizeof(*table));
    int32_t *rows = malloc((size_t)(s.lines * capacity + t) * 2 * sizeof(*rows));

    for (size_t i = 0; i < pages; i++)
        table[i] = (int32_t)(pages - 1 - i);
    for (int64_t i = 0; i < s.lines * capacity; i++) {
        rows[2 * i] = (int32_t)(i / capacity);
        rows[2 * i + 1] = (int32_t)(i % capacity);
    }
    ins1_tensor_desc put[] = {
        view4(keys, INS1_DTYPE_F32, s.lines * capacity, s.g, 1, s.d),
        view4(values, INS1_DTYPE_F32, s.lines * capacity, s.g, 1, s.d),
        view2(rows, INS1_DTYPE_I32, s.lines * capacity, 2),
        view2(table, INS1_DTYPE_I32, s.lines, s.pages_a_line),
    };
    ins1_tensor_desc pools[] = { view4(k, s.dtype, (int64_t)pages, s.g, s.length, s.d),
                                 view4(v, s.dtype, (int64_t)pages, s.g, s.length, s.d) };
    run(INS1_OP_KV_PUT, put, 4, pools, 2, 0, 0, 0, 0, 0);

    for (int64_t i = 0; i < t; i++) {
        rows[2 * i] = (int32_t)(fake_bits() % (uint32_t)s.lines);
        rows[2 * i + 1] = (int32_t)(fake_bits() % (uint32_t)capacity);
    }
    ins1_tensor_desc in[] = {
        view4(q, INS1_DTYPE_F32, t, s.g, s.r, s.d),
        view4(k, s.dtype, (int64_t)pages, s.g, s.length, s.d),
        view4(v, s.dtype, (int64_t)pages, s.g, s.length, s.d),
        view2(rows, INS1_DTYPE_I32, t, 2),
        view2(table, INS1_DTYPE_I32, s.lines, s.pages_a_line),
    };
    ins1_tensor_desc out = view4(y, INS1_DTYPE_F32, t, s.g, s.r, s.d);
    run(INS1_OP_ATTENTION, in, 5, &out, 1, 0, 0, 0, 0, 2.0f);

    double *e = malloc((size_t)capacity * sizeof(*e));
    double tolerance = s.dtype == INS1_DTYPE_F32 ? 1e-5 : s.dtype == INS1_DTYPE_F16 ? 4e-3 : 3e-2;
    for (int64_t i = 0; i < t * s.g * s.r; i++) {
        int64_t g = i / s.r % s.g;
        int64_t first = rows[2 * (i / s.r / s.g)] * capacity;
        int64_t n = rows[2 * (i / s.r / s.g) + 1] + 1;
        double max = -INFINITY;
        double sum = 0;
        for (int64_t p = 0; p < n; p++) {
            e[p] = 0;
            for (int64_t j = 0; j < s.d; j++)
                e[p] += 2.0 * q[i * s.d + j] * keys[((first + p) * s.g + g) * s.d + j];
            max = e[p] > max ? e[p] : max;
        }
        for (int64_t p = 0; p < n; p++) {
            e[p] = exp(e[p] - max);
            sum += e[p];
        }
        for (int64_t j = 0; j < s.d; j++) {
            double expected = 0;
            for (int64_t p = 0; p < n; p++)
                expected += e[p] / sum * values[((first + p) * s.g + g) * s.d + j];
            ck_assert_double_eq_tol(y[i * s.d + j], expected, tolerance);
        }
    }
    free(e);
    free(k);
    free(v);
    free(keys);
    free(values);
    free(q);
    free(y);
    free(table);
    free(rows);
}

START_TEST(attention_sees_the_positions_up_to_its_own)
{
    static const cache_shape caches[] = {
        { 2, 3, 2, 2, 16, 8, INS1_DTYPE_F32 },   { 1, 2, 1, 1, 5, 3, INS1_DTYPE_F32 },
        { 2, 2, 2, 3, 20, 300, INS1_DTYPE_F32 }, { 2, 3, 1, 8, 64, 33, INS1_DTYPE_BF16 },
        { 1, 3, 2, 4, 128, 40, INS1_DTYPE_F16 }, { 1, 2, 2, 5, 33, 17, INS1_DTYPE_BF16 },
    };
    if (!fake_device_open(&dev, levels[_i], 2))
        return;
    fake_seed = 3;
    for (size_t i = 0; i < sizeof(caches) / sizeof(caches[0]); i++)
        for (int64_t t = 1; t <= 20; t += 6)
            check_attention(caches[i], t);
    fake_device_close(&dev);
}
END_TEST

/* --- the table --- */

START_TEST(stopping_ends_a_run_with_the_status_that_was_asked_for)
{
    static float w[300 * 300], x[300 * 300], y[300 * 300];

    ck_assert(fake_device_open(&dev, NULL, 2));
    ins1_tensor_desc in[] = { view2(w, INS1_DTYPE_F32, 300, 300),
                              view2(x, INS1_DTYPE_F32, 300, 300) };
    ins1_tensor_desc out = view2(y, INS1_DTYPE_F32, 300, 300);
    const ins1_op op = { .struct_size = sizeof(op),
                         .op = INS1_OP_MATMUL,
                         .n_in = 2,
                         .n_out = 1,
                         .in = in,
                         .out = &out,
                         .i = { INS1_PRECISION_F32 } };

    atomic_store(&dev.host.until_stop, 2);
    ck_assert_int_eq(dev.api.run(dev.stream, &op, 1), INS1_E_CANCELED);
    atomic_store(&dev.host.until_stop, -1);
    ck_assert_int_eq(dev.api.run(dev.stream, &op, 1), INS1_OK);
    dev.host.refuse_tasks = true;
    ck_assert_int_eq(dev.api.run(dev.stream, &op, 1), INS1_E_CALLBACK);
    fake_drop(&dev, in, 2);
    fake_drop(&dev, &out, 1);
    fake_device_close(&dev);
}
END_TEST

START_TEST(nothing_leaks_when_memory_runs_out)
{
    static float w[30 * 30], x[30 * 30], y[30 * 30];

    for (int n = 0;; n++) {
        ins1_backend_api api;
        void *context = NULL, *stream = NULL, *address = NULL;
        uint64_t id = 0;
        int32_t status;

        fake_host_init(&dev.host, 2);
        atomic_store(&dev.host.until_refusal, n);
        status = s1_cpu_backend(&api, &dev.host.api, NULL, NULL);
        if (status != INS1_OK) {
            ck_assert_int_eq(status, INS1_E_MEMORY);
            continue;
        }
        dev.api = api;
        api.device_open(api.self, 0, &context);
        dev.context = context;
        status = api.buffer_new(context, 100, INS1_MEM_KV, &id, &address);
        if (status == INS1_OK) {
            for (int i = 0; i < 100; i++)
                ck_assert_int_eq(((char *)address)[i], 0);
            status = api.stream_new(context, &dev.host, &stream);
        }
        if (status == INS1_OK) {
            uint64_t ids[3] = { 0 };
            float *memory[] = { w, x, y };
            for (int i = 0; i < 3 && status == INS1_OK; i++)
                status = api.buffer_wrap(context, memory[i], sizeof(w), &ids[i]);
            if (status == INS1_OK) {
                ins1_tensor_desc views[3];
                for (int i = 0; i < 3; i++)
                    views[i] = (ins1_tensor_desc){ .struct_size = sizeof(views[i]),
                                                   .dtype = INS1_DTYPE_F32,
                                                   .ndim = 2,
                                                   .dim = { 30, 30 },
                                                   .stride = { 30, 1 },
                                                   .buffer = ids[i],
                                                   .bytes = sizeof(w) };
                const ins1_op op = { .struct_size = sizeof(op),
                                     .op = INS1_OP_MATMUL,
                                     .n_in = 2,
                                     .n_out = 1,
                                     .in = views,
                                     .out = &views[2],
                                     .i = { INS1_PRECISION_BF16 } };
                status = api.run(stream, &op, 1);
            }
            for (int i = 0; i < 3; i++)
                api.buffer_free(context, ids[i]);
            api.stream_free(stream);
        }
        api.buffer_free(context, id);
        api.device_close(context);
        api.shutdown(api.self);
        ck_assert_int_eq(atomic_load(&dev.host.live), 0);
        if (status == INS1_OK)
            return;
        ck_assert_int_eq(status, INS1_E_MEMORY);
    }
}
END_TEST

START_TEST(a_level_that_is_not_there_is_refused)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_backend_api api;

    fake_host_init(&dev.host, 1);
    ck_assert_int_eq(s1_cpu_backend(&api, &dev.host.api, "avx9", &error), INS1_E_UNSUPPORTED);
    ck_assert_str_ne(error.text, "");
}
END_TEST

START_TEST(the_device_says_what_it_is)
{
    ins1_device_info info = INS1_INIT(ins1_device_info);

    ck_assert(fake_device_open(&dev, "scalar", 1));
    ck_assert_int_eq(dev.api.device_info(dev.api.self, 0, &info), INS1_OK);
    ck_assert_str_eq(info.name, "cpu");
    ck_assert_str_eq(info.level, "scalar");
    ck_assert_str_ne(info.hardware, "");
    ck_assert_uint_ne(info.caps & INS1_CAP_EXACT, 0);
    ck_assert_uint_eq(info.caps & INS1_CAP_I8DOT, 0);
    ck_assert_uint_gt(info.mem_total, 0);
    fake_device_close(&dev);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu");
    TCase *ops = tcase_create("operations");
    TCase *table = tcase_create("table");

    tcase_set_timeout(ops, 300);
    tcase_add_loop_test(ops, matmul_is_its_definition, 0, N_LEVELS);
    tcase_add_loop_test(ops, a_product_over_no_columns_is_its_bias, 0, N_LEVELS);
    tcase_add_loop_test(ops, matmul_multiplies_by_scales_of_blocks, 0, N_LEVELS);
    tcase_add_loop_test(ops, experts_get_the_tokens_that_chose_them, 0, N_LEVELS);
    tcase_add_loop_test(ops, rmsnorm_is_its_definition, 0, N_LEVELS);
    tcase_add_loop_test(ops, rope_rotates_in_place, 0, N_LEVELS);
    tcase_add_loop_test(ops, act_mul_add_scale_are_their_definitions, 0, N_LEVELS);
    tcase_add_loop_test(ops, get_rows_widens_and_combine_adds_in_order, 0, N_LEVELS);
    tcase_add_loop_test(ops, route_takes_the_best_and_the_lower_of_equals, 0, N_LEVELS);
    tcase_add_loop_test(ops, attention_sees_the_positions_up_to_its_own, 0, N_LEVELS);
    suite_add_tcase(suite, ops);

    tcase_add_test(table, stopping_ends_a_run_with_the_status_that_was_asked_for);
    tcase_add_test(table, nothing_leaks_when_memory_runs_out);
    tcase_add_test(table, a_level_that_is_not_there_is_refused);
    tcase_add_test(table, the_device_says_what_it_is);
    suite_add_tcase(suite, table);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
