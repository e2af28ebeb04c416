/* KV_PUT and ATTENTION over pages. */

#include "rig.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int32_t pool_types[] = { INS1_DTYPE_F32, INS1_DTYPE_F16, INS1_DTYPE_BF16 };

/* Timelines over pages in no particular order. */
typedef struct layout {
    int64_t lines, most_pages, page_length, n_pages;
    tensor rows, pages;
    int64_t t;
} layout;

static layout layout_make(rig *r, int64_t t, int64_t lines, int64_t most_pages, int64_t page_length)
{
    layout l = { lines, most_pages, page_length, lines * most_pages + 2, .t = t };
    int64_t *order = malloc((size_t)l.n_pages * sizeof(*order));

    for (int64_t i = 0; i < l.n_pages; i++)
        order[i] = i;
    for (int64_t i = l.n_pages - 1; i > 0; i--) {
        int64_t j = (int64_t)rig_random(r, (uint64_t)i + 1), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    l.rows = tensor_make(r, INS1_DTYPE_I32, 2, (int64_t[]){ t, 2 }, DENSE);
    l.pages = tensor_make(r, INS1_DTYPE_I32, 2, (int64_t[]){ lines, most_pages }, DENSE);
    for (size_t i = 0; i < l.pages.count; i++)
        tensor_set(&l.pages, i, (double)order[i]);
    /* Rows of one line have neighbouring positions; the last row is as far back as the pages reach.
     */
    for (int64_t i = 0; i < t; i++) {
        int64_t reach = most_pages * page_length;
        int64_t position = i == t - 1 ? reach - 1 : (i / lines * 3 + i) % reach;
        tensor_set(&l.rows, (size_t)(2 * i), (double)(i % lines));
        tensor_set(&l.rows, (size_t)(2 * i + 1), (double)position);
    }
    tensor_upload(r, &l.rows);
    tensor_upload(r, &l.pages);
    free(order);
    return l;
}

static void layout_drop(rig *r, layout *l)
{
    tensor_drop(r, &l->rows);
    tensor_drop(r, &l->pages);
}

/* Dense index in a pool of element (line, position, g, i). */
static size_t slot(const layout *l, int64_t line, int64_t position, int64_t groups, int64_t g,
                   int64_t d, int64_t i)
{
    int64_t page = (int64_t)l->pages.value[line * l->most_pages + position / l->page_length];
    return (size_t)(((page * groups + g) * l->page_length + position % l->page_length) * d + i);
}

static tensor pool_make(rig *r, const layout *l, int32_t type, int64_t groups, int64_t d)
{
    return tensor_make(r, type, 4, (int64_t[]){ l->n_pages, groups, l->page_length, d }, DENSE);
}

/* ---- KV_PUT -----------------------------------------------------------------------------------
 */

static void put_define(tensor *pool, const tensor *k, const layout *l, int64_t groups, int64_t d)
{
    for (int64_t t = 0; t < l->t; t++)
        for (int64_t g = 0; g < groups; g++)
            for (int64_t i = 0; i < d; i++)
                tensor_set(pool,
                           slot(l, (int64_t)l->rows.value[2 * t], (int64_t)l->rows.value[2 * t + 1],
                                groups, g, d, i),
                           k->value[(t * groups + g) * d + i]);
}

static void put_case(rig *r, int32_t type, int64_t t, int64_t groups, int64_t d,
                     int64_t page_length)
{
    layout l = layout_make(r, t, 2, 5, page_length);
    const int64_t dim[] = { t, groups, 1, d };
    tensor k = tensor_make(r, INS1_DTYPE_F32, 4, dim, SPREAD);
    tensor v = tensor_make(r, INS1_DTYPE_F32, 4, dim, DENSE);
    tensor k_pool = pool_make(r, &l, type, groups, d), v_pool = pool_make(r, &l, type, groups, d);
    double *exact = calloc(k_pool.count + 1, sizeof(double));

    tensor_fill(r, &k, 3);
    tensor_fill(r, &v, 3);
    tensor_fill(r, &k_pool, 1);
    tensor_fill(r, &v_pool, 1);
    tensor_upload(r, &k);
    tensor_upload(r, &v);
    tensor_upload(r, &k_pool);
    tensor_upload(r, &v_pool);
    const ins1_tensor_desc in[] = { k.desc, v.desc, l.rows.desc, l.pages.desc };
    const ins1_tensor_desc out[] = { k_pool.desc, v_pool.desc };
    ins1_op op = op_of(INS1_OP_KV_PUT, in, 4, out, 2);
    if (rig_run(r, &op, 1)) {
        put_define(&k_pool, &k, &l, groups, d);
        put_define(&v_pool, &v, &l, groups, d);
        tensor_check(r, &k_pool, k_pool.value, exact);
        tensor_check(r, &v_pool, v_pool.value, exact);
    }
    free(exact);
    tensor_drop(r, &k);
    tensor_drop(r, &v);
    tensor_drop(r, &k_pool);
    tensor_drop(r, &v_pool);
    layout_drop(r, &l);
}

/* ---- ATTENTION --------------------------------------------------------------------------------
 */

/* Keys and values up to the last position that a row of their line sees; beyond it is rubbish. */
static void fill_pools(rig *r, const layout *l, tensor *k, tensor *v, int64_t groups, int64_t d)
{
    tensor_spoil(k);
    tensor_spoil(v);
    for (int64_t t = 0; t < l->t; t++)
        for (int64_t p = 0; p <= (int64_t)l->rows.value[2 * t + 1]; p++)
            for (int64_t g = 0; g < groups; g++)
                for (int64_t i = 0; i < d; i++) {
                    size_t at = slot(l, (int64_t)l->rows.value[2 * t], p, groups, g, d, i);
                    tensor_set(k, at, rig_unit(r) * 2);
                    tensor_set(v, at, rig_unit(r) * 2);
                }
    tensor_upload(r, k);
    tensor_upload(r, v);
}

/* One query head of one row: result and bound of each of d numbers. */
static void attend(const layout *l, int64_t t, int64_t groups, int64_t g, int64_t d, double scale,
                   const double *q, const tensor *k, const tensor *v, double *want, double *bound)
{
    int64_t line = (int64_t)l->rows.value[2 * t], n = (int64_t)l->rows.value[2 * t + 1] + 1;
    double *score = calloc((size_t)n, sizeof(double));
    double top = -INFINITY, sum = 0, slack = 0;

    for (int64_t p = 0; p < n; p++) {
        double mass = 0;
        for (int64_t i = 0; i < d; i++) {
            double term = q[i] * k->value[slot(l, line, p, groups, g, d, i)];
            score[p] += term;
            mass += fabs(term);
        }
        score[p] *= scale;
        slack = fmax(slack, ((double)d + 8) * 0x1p-23 * mass * fabs(scale));
        top = fmax(top, score[p]);
    }
    for (int64_t p = 0; p < n; p++)
        sum += score[p] = exp(score[p] - top);
    for (int64_t i = 0; i < d; i++) {
        double mass = 0;
        want[i] = 0;
        for (int64_t p = 0; p < n; p++) {
            double term = score[p] / sum * v->value[slot(l, line, p, groups, g, d, i)];
            want[i] += term;
            mass += fabs(term);
        }
        bound[i] = mass * (4 * slack + ((double)n + 64) * 0x1p-22) + 1e-30;
    }
    free(score);
}

typedef struct attention {
    layout l;
    tensor q, k, v, y;
    double *want, *bound;
    int64_t groups, heads, d;
    double scale;
} attention;

static void attention_make(rig *r, attention *a, int32_t type, const int64_t *shape, int variant)
{
    int64_t t = shape[0];
    a->groups = shape[1];
    a->heads = shape[2];
    a->d = shape[3];
    a->scale = (double)(float)(1 / sqrt((double)a->d));
    a->l = layout_make(r, t, variant % 3 + 1, shape[5], shape[4]);
    const int64_t dim[] = { t, a->groups, a->heads, a->d };
    a->q = tensor_make(r, INS1_DTYPE_F32, 4, dim, variant % 2 ? SPREAD : DENSE);
    a->y = tensor_make(r, INS1_DTYPE_F32, 4, dim, DENSE);
    a->k = pool_make(r, &a->l, type, a->groups, a->d);
    a->v = pool_make(r, &a->l, type, a->groups, a->d);
    tensor_fill(r, &a->q, 3);
    tensor_upload(r, &a->q);
    tensor_spoil(&a->y);
    tensor_upload(r, &a->y);
    fill_pools(r, &a->l, &a->k, &a->v, a->groups, a->d);

    a->want = calloc(a->y.count + 1, sizeof(double));
    a->bound = calloc(a->y.count + 1, sizeof(double));
    for (int64_t i = 0; i < t * a->groups * a->heads; i++)
        attend(&a->l, i / (a->groups * a->heads), a->groups, i / a->heads % a->groups, a->d,
               a->scale, a->q.value + i * a->d, &a->k, &a->v, a->want + i * a->d,
               a->bound + i * a->d);
}

static void attention_drop(rig *r, attention *a)
{
    free(a->want);
    free(a->bound);
    tensor_drop(r, &a->q);
    tensor_drop(r, &a->k);
    tensor_drop(r, &a->v);
    tensor_drop(r, &a->y);
    layout_drop(r, &a->l);
}

/* Each row alone must be what it was among the others. */
static void check_rows_alone(rig *r, attention *a)
{
    int64_t width = a->groups * a->heads * a->d;

    if (!r->exact || !r->computes || a->l.t < 2)
        return;
    tensor_download(r, &a->y);
    tensor alone =
        tensor_make(r, INS1_DTYPE_F32, 4, (int64_t[]){ 1, a->groups, a->heads, a->d }, DENSE);
    for (int64_t t = 0; t < a->l.t; t++) {
        ins1_tensor_desc q = a->q.desc, rows = a->l.rows.desc;
        q.dim[0] = rows.dim[0] = 1;
        q.offset += (uint64_t)(t * q.stride[0] * 4);
        q.bytes -= (uint64_t)((a->l.t - 1) * q.stride[0] * 4);
        rows.offset += (uint64_t)(t * 8);
        rows.bytes = 8;
        const ins1_tensor_desc in[] = { q, a->k.desc, a->v.desc, rows, a->l.pages.desc };
        ins1_op op = op_of(INS1_OP_ATTENTION, in, 5, &alone.desc, 1);
        op.f[0] = (float)a->scale;
        if (!rig_expect(r, rig_answer(r, &op, 1) == INS1_OK, "a row alone fails"))
            break;
        tensor_download(r, &alone);
        for (int64_t i = 0; i < width; i++)
            rig_expect(r, alone.value[i] == a->y.value[t * width + i],
                       "row %d alone has other bits than among %d", (int)t, (int)a->l.t);
    }
    tensor_drop(r, &alone);
}

/* What row t is beside a value of another, which is no number. */
static void check_spared(rig *r, const attention *a, int64_t t, const double *before, double value)
{
    const int64_t width = a->groups * a->heads * a->d;

    for (int64_t i = t * width; i < (t + 1) * width; i++) {
        double y = a->y.value[i];
        bool is_same = r->exact ? y == before[i] : fabs(y - a->want[i]) <= a->bound[i];
        if (!rig_expect(r, is_same,
                        "row %d has %g beside a value of %g that it does not see, %g before",
                        (int)t, y, value, before[i]))
            return;
    }
}

/* Exchanges the values of the position of a row, in all groups. */
static void swap_values(rig *r, attention *a, int64_t row, double *values)
{
    const int64_t line = (int64_t)a->l.rows.value[2 * row];
    const int64_t position = (int64_t)a->l.rows.value[2 * row + 1];

    for (int64_t i = 0; i < a->groups * a->d; i++) {
        size_t at = slot(&a->l, line, position, a->groups, i / a->d, a->d, i % a->d);
        double kept = a->v.value[at];
        tensor_set(&a->v, at, values[i]);
        values[i] = kept;
    }
    tensor_upload(r, &a->v);
}

/* A value that is no number reaches no row that does not see it, and all others. */
static void check_unseen_value(rig *r, attention *a, const ins1_op *op, int64_t row, double value)
{
    const int64_t width = a->groups * a->heads * a->d;
    double *before = malloc(a->y.count * sizeof(*before));
    double *values = malloc((size_t)(a->groups * a->d) * sizeof(*values));

    for (int64_t i = 0; i < a->groups * a->d; i++)
        values[i] = value;
    memcpy(before, a->y.value, a->y.count * sizeof(*before));
    swap_values(r, a, row, values);
    if (rig_expect(r, rig_answer(r, op, 1) == INS1_OK, "a value of %g fails", value)) {
        tensor_download(r, &a->y);
        for (int64_t t = 0; t < a->l.t; t++) {
            if (a->l.rows.value[2 * t] != a->l.rows.value[2 * row] ||
                a->l.rows.value[2 * t + 1] < a->l.rows.value[2 * row + 1])
                check_spared(r, a, t, before, value);
            else
                for (int64_t i = t * width; i < (t + 1) * width; i++)
                    rig_expect(r, !isfinite(a->y.value[i]), "row %d has %g, but sees a value of %g",
                               (int)t, a->y.value[i], value);
        }
    }
    swap_values(r, a, row, values);
    memcpy(a->y.value, before, a->y.count * sizeof(*before));
    free(before);
    free(values);
}

/* At the last position of a line, and where rows of the same line are before and behind it. */
static void check_unseen_values(rig *r, attention *a, const ins1_op *op)
{
    static const double values[] = { NAN, INFINITY, -INFINITY };
    const size_t n_values = a->v.desc.dtype == INS1_DTYPE_F32 ? 3 : 1;

    if (!r->computes || a->l.t < 2)
        return;
    tensor_download(r, &a->y);
    for (size_t v = 0; v < n_values; v++) {
        check_unseen_value(r, a, op, a->l.t - 1, values[v]);
        check_unseen_value(r, a, op, a->l.t / 2, values[v]);
    }
}

static void attention_case(rig *r, int32_t type, const int64_t *shape, int variant)
{
    attention a = { 0 };
    attention_make(r, &a, type, shape, variant);
    const ins1_tensor_desc in[] = { a.q.desc, a.k.desc, a.v.desc, a.l.rows.desc, a.l.pages.desc };
    ins1_op op = op_of(INS1_OP_ATTENTION, in, 5, &a.y.desc, 1);
    op.f[0] = (float)a.scale;
    if (rig_run(r, &op, 1)) {
        tensor_check(r, &a.y, a.want, a.bound);
        tensor_check_unchanged(r, &a.k);
        tensor_check_unchanged(r, &a.v);
        check_rows_alone(r, &a);
        check_unseen_values(r, &a, &op);
    }
    attention_drop(r, &a);
}

/* Rows, groups, heads of a group, width of a head, length of a page, pages of a line. */
static const int64_t attention_shapes[][6] = {
    { 1, 1, 1, 1, 1, 1 },   { 1, 2, 4, 16, 16, 3 },  { 5, 2, 1, 33, 8, 4 },
    { 7, 1, 8, 64, 16, 2 }, { 3, 4, 2, 128, 16, 5 }, { 0, 2, 2, 8, 4, 2 },
    { 17, 2, 3, 24, 5, 7 }, { 2, 1, 2, 64, 32, 19 }, { 3, 1, 16, 64, 32, 12 },
    { 2, 2, 2, 300, 4, 3 },
};

enum { N_ATTENTION_SHAPES = sizeof(attention_shapes) / sizeof(attention_shapes[0]) };

void conformance_attention(rig *r)
{
    for (size_t type = 0; type < 3; type++) {
        rig_begin(r, "KV_PUT", type_name(pool_types[type]));
        put_case(r, pool_types[type], 1, 1, 1, 1);
        put_case(r, pool_types[type], 5, 2, 33, 4);
        put_case(r, pool_types[type], 9, 4, 64, 16);
        put_case(r, pool_types[type], 0, 2, 8, 4);
        rig_end(r);

        rig_begin(r, "ATTENTION", type_name(pool_types[type]));
        for (int i = 0; i < N_ATTENTION_SHAPES; i++)
            for (int variant = 0; variant < 3; variant++)
                attention_case(r, pool_types[type], attention_shapes[i], variant);
        rig_end(r);
    }
}
