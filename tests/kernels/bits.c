#include "fake_host.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The promise of the CPU backend: the bits of a row depend on nothing but its own inputs and the
 * level. Not on how many rows there are, how they were cut, how many threads ran, or which way a
 * product was computed. */

static const char *const levels[] = { "scalar",       "avx2",      "avx512",   "neon",
                                      "neon_dotprod", "neon_bf16", "neon_i8mm" };
enum { N_LEVELS = sizeof(levels) / sizeof(levels[0]) };

enum { MOST = 520 };

static const int64_t batches[] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,  13,  14,  15,
                                   16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,  28,  29,  30,
                                   31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 64, 100, 128, 200, 512 };
enum { N_BATCHES = sizeof(batches) / sizeof(batches[0]) };

typedef struct product {
    int32_t dtype, precision, scale;
    int64_t n, k;
    bool transposed;
} product;

static const product products[] = {
    { INS1_DTYPE_BF16, INS1_PRECISION_BF16, 0, 67, 321, false },
    { INS1_DTYPE_BF16, INS1_PRECISION_BF16, 0, 32, 1031, false },
    { INS1_DTYPE_BF16, INS1_PRECISION_F32, 0, 67, 321, false },
    { INS1_DTYPE_BF16, INS1_PRECISION_F32, 0, 35, 270, true },
    { INS1_DTYPE_BF16, INS1_PRECISION_BF16, 0, 35, 270, true },
    { INS1_DTYPE_F8_E4M3, INS1_PRECISION_BF16, INS1_DTYPE_F32, 141, 391, false },
    { INS1_DTYPE_F8_E4M3, INS1_PRECISION_BF16, 0, 40, 512, false },
    { INS1_DTYPE_F8_E4M3, INS1_PRECISION_F32, INS1_DTYPE_BF16, 133, 300, false },
    { INS1_DTYPE_F8_E4M3, INS1_PRECISION_F32, INS1_DTYPE_U8, 33, 140, true },
    { INS1_DTYPE_F16, INS1_PRECISION_F32, 0, 50, 259, false },
    { INS1_DTYPE_F16, INS1_PRECISION_BF16, 0, 50, 259, true },
    { INS1_DTYPE_F32, INS1_PRECISION_F32, 0, 49, 133, false },
    { INS1_DTYPE_F32, INS1_PRECISION_F32, 0, 70, 64, true },
    { INS1_DTYPE_F32, INS1_PRECISION_BF16, 0, 49, 133, false },
    { INS1_DTYPE_I8, INS1_PRECISION_INT8, INS1_DTYPE_F32, 67, 321, false },
    { INS1_DTYPE_I8, INS1_PRECISION_INT8, INS1_DTYPE_BF16, 32, 1031, false },
};
enum { N_PRODUCTS = sizeof(products) / sizeof(products[0]), MOST_SCALES = 160 };

static fake_device dev;

static ins1_tensor_desc view2(void *memory, int32_t dtype, int64_t a, int64_t b)
{
    const int64_t dim[] = { a, b };
    return fake_view(&dev, memory, dtype, 2, dim);
}

/* Scales are of blocks, of I8 of rows. */
static ins1_tensor_desc view_scale(const product *p, void *scale)
{
    return p->dtype == INS1_DTYPE_I8
               ? view2(scale, p->scale, p->n, 1)
               : view2(scale, p->scale, (p->n + 127) / 128, (p->k + 127) / 128);
}

/* Rows [first, first + t) of x, into y. */
static void multiply(const product *p, void *w, void *scale, float *x, float *y, int64_t first,
                     int64_t t)
{
    ins1_tensor_desc in[3] = { view2(w, p->dtype, p->n, p->k),
                               view2(x + first * p->k, INS1_DTYPE_F32, t, p->k) };
    ins1_tensor_desc out = view2(y, INS1_DTYPE_F32, t, p->n);

    if (p->transposed) {
        in[0].stride[0] = 1;
        in[0].stride[1] = p->n;
    }
    if (p->scale)
        in[2] = view_scale(p, scale);
    const ins1_op op = {
        .struct_size = sizeof(op),
        .op = INS1_OP_MATMUL,
        .n_in = 3,
        .n_out = 1,
        .in = in,
        .out = &out,
        .i = { p->precision },
    };
    ck_assert_int_eq(dev.api.run(dev.stream, &op, 1), INS1_OK);
    fake_drop(&dev, in, 3);
    fake_drop(&dev, &out, 1);
}

/* Every row alone, then all batches, from several first rows on. */
static void check_batches(const product *p)
{
    size_t n_weights = (size_t)(p->n * p->k);
    uint8_t *w = malloc(n_weights * fake_dtype_size(p->dtype));
    uint8_t *scale = malloc(MOST_SCALES * 4);
    float *x = malloc((size_t)(MOST * p->k) * sizeof(*x));
    float *alone = malloc((size_t)(MOST * p->n) * sizeof(*alone));
    float *y = malloc((size_t)(MOST * p->n) * sizeof(*y));

    fake_fill(w, NULL, p->dtype, n_weights);
    if (p->scale == INS1_DTYPE_U8)
        memset(scale, 125, MOST_SCALES);
    else if (p->scale)
        fake_fill(scale, NULL, p->scale, MOST_SCALES);
    for (int64_t i = 0; i < MOST * p->k; i++)
        x[i] = fake_float();
    for (int64_t i = 0; i < MOST; i++)
        multiply(p, w, scale, x, alone + i * p->n, i, 1);
    for (int b = 0; b < N_BATCHES; b++) {
        int64_t t = batches[b];
        int64_t first = b % 8;
        multiply(p, w, scale, x, y, first, t);
        for (int64_t i = 0; i < t * p->n; i++)
            ck_assert_msg(memcmp(&y[i], &alone[first * p->n + i], sizeof(*y)) == 0,
                          "dtype %x precision %d n=%d k=%d%s: row %d of %d differs at %d: %a, %a",
                          (unsigned)p->dtype, p->precision, (int)p->n, (int)p->k,
                          p->transposed ? " transposed" : "", (int)(i / p->n), (int)t,
                          (int)(i % p->n), (double)y[i], (double)alone[first * p->n + i]);
    }
    free(w);
    free(scale);
    free(x);
    free(alone);
    free(y);
}

START_TEST(a_row_of_a_product_is_what_it_would_be_alone)
{
    if (!fake_device_open(&dev, levels[_i / N_PRODUCTS], 1))
        return;
    fake_seed = 5;
    check_batches(&products[_i % N_PRODUCTS]);
    fake_device_close(&dev);
}
END_TEST

START_TEST(threads_do_not_change_a_product)
{
    enum { T = 70 };
    for (int i = 0; i < N_PRODUCTS; i++) {
        const product *p = &products[i];
        size_t n_weights = (size_t)(p->n * p->k);
        size_t n_results = (size_t)(T * p->n);
        uint8_t *w = malloc(n_weights * fake_dtype_size(p->dtype));
        uint8_t scale[4 * MOST_SCALES];
        float *x = malloc((size_t)(T * p->k) * sizeof(*x));
        float *one = malloc(n_results * sizeof(*one));
        float *many = malloc(n_results * sizeof(*many));

        fake_fill(w, NULL, p->dtype, n_weights);
        memset(scale, 0x3f, sizeof(scale));
        for (int64_t j = 0; j < T * p->k; j++)
            x[j] = fake_float();
        for (int32_t threads = 1; threads <= 8; threads = threads * 2 + (threads == 2)) {
            if (!fake_device_open(&dev, levels[_i], threads))
                break;
            multiply(p, w, scale, x, threads == 1 ? one : many, 0, T);
            if (threads > 1)
                ck_assert_mem_eq(one, many, n_results * sizeof(*one));
            fake_device_close(&dev);
        }
        free(w);
        free(x);
        free(one);
        free(many);
    }
}
END_TEST

/* A pair's row is the product of its expert with its row of x, whoever else chose the expert. */
START_TEST(experts_give_the_bits_of_single_products)
{
    enum { T = 90, K = 4, E = 7 };

    if (!fake_device_open(&dev, levels[_i], 3))
        return;
    for (int i = 0; i < N_PRODUCTS; i++) {
        const product *p = &products[i];
        size_t one = (size_t)(p->n * p->k) * fake_dtype_size(p->dtype);
        uint8_t *w = malloc(E * one);
        uint8_t scale[4 * MOST_SCALES];
        float *x = malloc((size_t)(T * p->k) * sizeof(*x));
        float *y = malloc((size_t)(T * K * p->n) * sizeof(*y));
        float *alone = malloc((size_t)p->n * sizeof(*alone));
        int32_t ids[T * K];
        ins1_tensor_desc in[2 + 2 * E] = { { 0 } };

        fake_fill(w, NULL, p->dtype, E * (size_t)(p->n * p->k));
        memset(scale, 0x3f, sizeof(scale));
        for (int64_t j = 0; j < T * p->k; j++)
            x[j] = fake_float();
        for (int j = 0; j < T * K; j++)
            ids[j] = (int32_t)(fake_bits() >> 8) % (j % 3 ? E : 2);
        in[0] = view2(x, INS1_DTYPE_F32, T, p->k);
        in[1] = view2(ids, INS1_DTYPE_I32, T * K, 1);
        for (size_t e = 0; e < E; e++) {
            in[2 + e] = view2(w + e * one, p->dtype, p->n, p->k);
            if (p->transposed) {
                in[2 + e].stride[0] = 1;
                in[2 + e].stride[1] = p->n;
            }
            if (p->scale)
                in[2 + E + e] = view_scale(p, scale);
        }
        ins1_tensor_desc out = view2(y, INS1_DTYPE_F32, T * K, p->n);
        const ins1_op op = {
            .struct_size = sizeof(op),
            .op = INS1_OP_MATMUL_EXPERTS,
            .n_in = 2 + 2 * E,
            .n_out = 1,
            .in = in,
            .out = &out,
            .i = { p->precision, K, E },
        };
        ck_assert_int_ne(dev.api.supports(dev.context, &op), 0);
        ck_assert_int_eq(dev.api.run(dev.stream, &op, 1), INS1_OK);
        for (int j = 0; j < T * K; j++) {
            multiply(p, w + (size_t)ids[j] * one, scale, x, alone, j / K, 1);
            ck_assert_mem_eq(alone, y + j * p->n, (size_t)p->n * sizeof(*y));
        }
        fake_drop(&dev, in, 2 + 2 * E);
        fake_drop(&dev, &out, 1);
        free(w);
        free(x);
        free(y);
        free(alone);
    }
    fake_device_close(&dev);
}
END_TEST

/* Neighbours in a list that share their input run as one region; one that reads what another writes
 * must wait for it. */
START_TEST(products_in_one_list_see_the_results_of_earlier_ones)
{
    enum { T = 9, N = 48 };
    static float w[3][N * N], x[T * N], a[T * N], b[T * N], c[T * N], expected[3][T * N];

    if (!fake_device_open(&dev, levels[_i], 2))
        return;
    fake_fill(w, NULL, INS1_DTYPE_F32, 3 * N * N);
    fake_fill(x, NULL, INS1_DTYPE_F32, T * N);
    const product p = { INS1_DTYPE_F32, INS1_PRECISION_F32, 0, N, N, false };
    multiply(&p, w[0], NULL, x, expected[0], 0, T);
    multiply(&p, w[1], NULL, x, expected[1], 0, T);
    multiply(&p, w[2], NULL, expected[1], expected[2], 0, T);

    ins1_tensor_desc views[] = {
        view2(w[0], INS1_DTYPE_F32, N, N), view2(x, INS1_DTYPE_F32, T, N),
        view2(w[1], INS1_DTYPE_F32, N, N), { 0 },
        view2(w[2], INS1_DTYPE_F32, N, N), { 0 },
    };
    ins1_tensor_desc outs[] = { view2(a, INS1_DTYPE_F32, T, N), view2(b, INS1_DTYPE_F32, T, N),
                                view2(c, INS1_DTYPE_F32, T, N) };
    views[3] = views[1];
    views[5] = outs[1];
    ins1_op ops[3];
    for (int i = 0; i < 3; i++)
        ops[i] = (ins1_op){ .struct_size = sizeof(ops[i]),
                            .op = INS1_OP_MATMUL,
                            .n_in = 2,
                            .n_out = 1,
                            .in = &views[2 * i],
                            .out = &outs[i],
                            .i = { INS1_PRECISION_F32 } };
    ck_assert_int_eq(dev.api.run(dev.stream, ops, 3), INS1_OK);
    ck_assert_mem_eq(a, expected[0], sizeof(a));
    ck_assert_mem_eq(b, expected[1], sizeof(b));
    ck_assert_mem_eq(c, expected[2], sizeof(c));

    fake_drop(&dev, views, 3);
    fake_drop(&dev, &views[4], 1);
    fake_drop(&dev, outs, 3);
    fake_device_close(&dev);
}
END_TEST

/* --- attention --- */

enum { LINES = 2, PAGES = 3, GROUPS = 2, HEADS = 3, WIDTH = 40, MOST_ROWS = 60 };

typedef struct cache {
    int64_t length;
    int32_t dtype;
    int64_t lines, pages; /* of a line */
} cache;

static const cache caches[] = {
    { 16, INS1_DTYPE_F32, LINES, PAGES },
    { 300, INS1_DTYPE_BF16, LINES, PAGES },
    { 256, INS1_DTYPE_F16, LINES, PAGES },
};
enum { N_CACHES = sizeof(caches) / sizeof(caches[0]) };

static ins1_tensor_desc view4(void *memory, int32_t dtype, int64_t a, int64_t b, int64_t c,
                              int64_t d)
{
    const int64_t dim[] = { a, b, c, d };
    return fake_view(&dev, memory, dtype, 4, dim);
}

static void attend(const cache *c, void *k, void *v, int32_t *pages, int32_t *rows, float *q,
                   float *y, int64_t first, int64_t t)
{
    const int64_t row = GROUPS * HEADS * WIDTH;
    ins1_tensor_desc in[] = {
        view4(q + first * row, INS1_DTYPE_F32, t, GROUPS, HEADS, WIDTH),
        view4(k, c->dtype, c->lines * c->pages, GROUPS, c->length, WIDTH),
        view4(v, c->dtype, c->lines * c->pages, GROUPS, c->length, WIDTH),
        view2(rows + 2 * first, INS1_DTYPE_I32, t, 2),
        view2(pages, INS1_DTYPE_I32, c->lines, c->pages),
    };
    ins1_tensor_desc out = view4(y, INS1_DTYPE_F32, t, GROUPS, HEADS, WIDTH);
    const ins1_op op = {
        .struct_size = sizeof(op),
        .op = INS1_OP_ATTENTION,
        .n_in = 5,
        .n_out = 1,
        .in = in,
        .out = &out,
        .f = { 0.3f },
    };
    ck_assert_int_ne(dev.api.supports(dev.context, &op), 0);
    ck_assert_int_eq(dev.api.run(dev.stream, &op, 1), INS1_OK);
    fake_drop(&dev, in, 5);
    fake_drop(&dev, &out, 1);
}

START_TEST(a_row_of_attention_is_what_it_would_be_alone)
{
    const cache *c = &caches[_i % N_CACHES];
    const char *level = levels[_i / N_CACHES];
    size_t pool = (size_t)(LINES * PAGES * GROUPS * c->length * WIDTH);
    size_t row = GROUPS * HEADS * WIDTH;
    uint8_t *k = malloc(pool * fake_dtype_size(c->dtype));
    uint8_t *v = malloc(pool * fake_dtype_size(c->dtype));
    float *q = malloc(MOST_ROWS * row * sizeof(*q));
    float *alone = malloc(MOST_ROWS * row * sizeof(*q));
    float *y = malloc(MOST_ROWS * row * sizeof(*q));
    int32_t pages[LINES * PAGES];
    int32_t rows[MOST_ROWS * 2];

    fake_seed = 11;
    fake_fill(k, NULL, c->dtype, pool);
    fake_fill(v, NULL, c->dtype, pool);
    fake_fill(q, NULL, INS1_DTYPE_F32, MOST_ROWS * row);
    for (int i = 0; i < LINES * PAGES; i++)
        pages[i] = i * 5 % (LINES * PAGES);
    /* A prefill of one line, then single rows of both. */
    for (int i = 0; i < MOST_ROWS; i++) {
        rows[2 * i] = i < 40 ? 1 : (int32_t)(fake_bits() >> 8) % LINES;
        rows[2 * i + 1] = i < 40 ? (int32_t)c->length + i - 8
                                 : (int32_t)(fake_bits() >> 8) % (int32_t)(PAGES * c->length);
    }
    for (int32_t threads = 1; threads <= 3; threads++) {
        if (!fake_device_open(&dev, level, threads))
            break;
        for (int i = 0; i < MOST_ROWS; i++) {
            float *to = threads == 1 ? alone + (size_t)i * row : y;
            attend(c, k, v, pages, rows, q, to, i, 1);
            ck_assert_mem_eq(to, alone + (size_t)i * row, row * sizeof(*y));
        }
        for (int t = 2; t <= MOST_ROWS; t += 1 + t / 4)
            for (int first = 0; first + t <= MOST_ROWS; first += 7) {
                attend(c, k, v, pages, rows, q, y, first, t);
                ck_assert_mem_eq(y, alone + (size_t)first * row, (size_t)t * row * sizeof(*y));
            }
        fake_device_close(&dev);
    }
    free(k);
    free(v);
    free(q);
    free(alone);
    free(y);
}
END_TEST

/* More stretches of positions than are kept at a time: they are dealt out in waves. */
START_TEST(threads_do_not_change_attention_over_many_stretches)
{
    enum { N_PAGES = 1200, ROWS = 20 };
    const cache c = { 1, INS1_DTYPE_BF16, 1, N_PAGES };
    const size_t pool = (size_t)N_PAGES * GROUPS * WIDTH, row = GROUPS * HEADS * WIDTH;
    uint16_t *k = malloc(pool * sizeof(*k)), *v = malloc(pool * sizeof(*v));
    float *q = malloc(ROWS * row * sizeof(*q)), *y = malloc(ROWS * row * sizeof(*y));
    float *alone = malloc(ROWS * row * sizeof(*alone));
    int32_t pages[N_PAGES], rows[2 * ROWS];

    fake_seed = 12;
    fake_fill(k, NULL, c.dtype, pool);
    fake_fill(v, NULL, c.dtype, pool);
    fake_fill(q, NULL, INS1_DTYPE_F32, ROWS * row);
    for (int32_t i = 0; i < N_PAGES; i++)
        pages[i] = i * 7 % N_PAGES;
    /* The last two rows see half as much as the others. */
    for (int32_t i = 0; i < ROWS; i++) {
        rows[2 * i] = 0;
        rows[2 * i + 1] = i < ROWS - 2 ? N_PAGES - ROWS + i : N_PAGES / 2 + i;
    }
    for (int32_t threads = 1; threads <= 5; threads += 2) {
        if (!fake_device_open(&dev, levels[_i], threads))
            break;
        for (int i = 0; i < ROWS; i++) {
            float *to = threads == 1 ? alone + (size_t)i * row : y;
            attend(&c, k, v, pages, rows, q, to, i, 1);
            ck_assert_mem_eq(to, alone + (size_t)i * row, row * sizeof(*y));
        }
        for (int t = 2; t <= ROWS; t += 3) {
            attend(&c, k, v, pages, rows, q, y, ROWS - t, t);
            ck_assert_mem_eq(y, alone + (size_t)(ROWS - t) * row, (size_t)t * row * sizeof(*y));
        }
        fake_device_close(&dev);
    }
    free(k);
    free(v);
    free(q);
    free(y);
    free(alone);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bits");
    TCase *products_case = tcase_create("products");

    tcase_set_timeout(products_case, 300);
    tcase_add_loop_test(products_case, a_row_of_a_product_is_what_it_would_be_alone, 0,
                        N_LEVELS * N_PRODUCTS);
    tcase_add_loop_test(products_case, threads_do_not_change_a_product, 0, N_LEVELS);
    tcase_add_loop_test(products_case, experts_give_the_bits_of_single_products, 0, N_LEVELS);
    tcase_add_loop_test(products_case, products_in_one_list_see_the_results_of_earlier_ones, 0,
                        N_LEVELS);
    suite_add_tcase(suite, products_case);

    TCase *attention = tcase_create("attention");
    tcase_set_timeout(attention, 300);
    tcase_add_loop_test(attention, a_row_of_attention_is_what_it_would_be_alone, 0,
                        N_LEVELS * N_CACHES);
    tcase_add_loop_test(attention, threads_do_not_change_attention_over_many_stretches, 0,
                        N_LEVELS);
    suite_add_tcase(suite, attention);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
