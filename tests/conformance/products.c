/* MATMUL and MATMUL_EXPERTS. */

#include "rig.h"

#include "interns1/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const int32_t weight_types[] = { INS1_DTYPE_F32, INS1_DTYPE_BF16, INS1_DTYPE_F16,
                                        INS1_DTYPE_F8_E4M3 };
static const int32_t scale_types[] = { 0, INS1_DTYPE_F32, INS1_DTYPE_BF16, INS1_DTYPE_U8 };
static const int32_t precisions[] = { INS1_PRECISION_F32, INS1_PRECISION_BF16 };

static int64_t blocks(int64_t n)
{
    return (n + 127) / 128;
}

static tensor make_scale(rig *r, int32_t type, int64_t rows, int64_t columns)
{
    if (!type)
        return tensor_none();
    tensor scale = tensor_make(r, type, 2, (int64_t[]){ rows, columns }, DENSE);
    for (size_t i = 0; i < scale.count; i++)
        tensor_set(&scale, i,
                   type == INS1_DTYPE_U8 ? 120 + (double)rig_random(r, 12)
                                         : 0.01 + fabs(rig_unit(r)));
    tensor_upload(r, &scale);
    return scale;
}

static tensor make_scale_of(rig *r, int32_t type, const tensor *w)
{
    int64_t n = w->desc.dim[0], k = w->desc.dim[1];
    return w->desc.dtype == INS1_DTYPE_I8 ? make_scale(r, type, n, 1)
                                          : make_scale(r, type, blocks(n), blocks(k));
}

static void fill_weights(rig *r, tensor *w)
{
    if (w->desc.dtype != INS1_DTYPE_I8) {
        tensor_fill(r, w, 1);
        return;
    }
    for (size_t i = 0; i < w->count; i++)
        tensor_set(w, i, (double)rig_random(r, 256) - 128);
}

static double scale_at(const tensor *scale, int64_t n, int64_t k, int64_t width)
{
    if (!scale->desc.dtype)
        return 1;
    double value = scale->value[n / 128 * blocks(width) + k / 128];
    return scale->desc.dtype == INS1_DTYPE_U8 ? ldexp(1, (int)value - 127) : value;
}

/* The same with integers; all its steps are rounded as the definition says. */
static double product_i8(const tensor *w, const tensor *scale, const double *x, int64_t n,
                         int64_t k, double *mass)
{
    float most = 0;
    double sum = 0;

    for (int64_t i = 0; i < k; i++)
        most = fabsf((float)x[i]) > most ? fabsf((float)x[i]) : most;
    most /= 127.5f;
    for (int64_t i = 0; i < k && most > 0; i++)
        sum += w->value[n * k + i] * fmin(nearbyintf((float)x[i] / most), 127);
    sum = (float)sum * (most * (float)scale->value[n]);
    *mass = fabs(sum);
    return sum;
}

/* One result and the sum of the sizes of what it is made of. */
static double product(const tensor *w, const tensor *scale, const double *x, int64_t n, int64_t k,
                      int32_t precision, double *mass)
{
    double sum = 0;

    if (precision == INS1_PRECISION_INT8)
        return product_i8(w, scale, x, n, k, mass);
    *mass = 0;
    for (int64_t i = 0; i < k; i++) {
        double input = precision == INS1_PRECISION_BF16 ? round_to_bf16(x[i]) : x[i];
        double term = w->value[n * k + i] * scale_at(scale, n, i, k) * input;
        sum += term;
        *mass += fabs(term);
    }
    return sum;
}

static double bound_of(int64_t k, double mass)
{
    return ((double)k + 8) * 0x1p-23 * mass + 1e-30;
}

/* ---- MATMUL -----------------------------------------------------------------------------------
 */

typedef struct matmul {
    tensor w, x, scale, bias, y;
    ins1_tensor_desc in[4];
    ins1_op op;
    double *want, *bound;
    int64_t t, n, k;
} matmul;

static void matmul_make(rig *r, matmul *m, const int64_t *shape, int32_t type, int32_t scale_type,
                        int variant)
{
    int64_t t = m->t = shape[0], n = m->n = shape[1], k = m->k = shape[2];
    int w_layout = variant % 3 == 1 && type != INS1_DTYPE_I8 ? TRANSPOSED : DENSE;

    m->w = tensor_make(r, type, 2, (int64_t[]){ n, k }, w_layout | (variant % 5 == 2 ? SPREAD : 0));
    m->x = tensor_make(r, INS1_DTYPE_F32, 2, (int64_t[]){ t, k }, variant % 2 ? SPREAD : DENSE);
    m->y = tensor_make(r, INS1_DTYPE_F32, 2, (int64_t[]){ t, n }, variant % 4 > 1 ? SPREAD : DENSE);
    m->scale = make_scale_of(r, scale_type, &m->w);
    m->bias = tensor_none();
    if (variant % 3 == 2) {
        m->bias = tensor_make(r, weight_types[variant / 3 % 4], 1, &n, DENSE);
        tensor_fill(r, &m->bias, 1);
    }
    fill_weights(r, &m->w);
    tensor_fill(r, &m->x, 2);
    if (variant % 4 == 3)
        tensor_fill(r, &m->y, 3);
    else
        tensor_spoil(&m->y);
    tensor_upload(r, &m->w);
    tensor_upload(r, &m->x);
    tensor_upload(r, &m->bias);
    tensor_upload(r, &m->y);

    m->in[0] = m->w.desc;
    m->in[1] = m->x.desc;
    m->in[2] = m->scale.desc;
    m->in[3] = m->bias.desc;
    m->op = op_of(INS1_OP_MATMUL, m->in, 4, &m->y.desc, 1);
    m->op.flags = variant % 4 == 3 ? INS1_OP_ACCUMULATE : 0;
}

static void matmul_define(matmul *m, int32_t precision)
{
    m->op.i[0] = precision;
    m->want = calloc(m->y.count + 1, sizeof(double));
    m->bound = calloc(m->y.count + 1, sizeof(double));
    for (size_t at = 0; at < m->y.count; at++) {
        int64_t t = (int64_t)at / m->n, n = (int64_t)at % m->n;
        double mass;
        double sum = product(&m->w, &m->scale, m->x.value + t * m->k, n, m->k, precision, &mass);
        if (m->bias.desc.dtype) {
            sum += m->bias.value[n];
            mass += fabs(m->bias.value[n]);
        }
        if (m->op.flags & INS1_OP_ACCUMULATE) {
            sum += m->y.value[at];
            mass += fabs(m->y.value[at]);
        }
        m->want[at] = sum;
        m->bound[at] = bound_of(m->k, mass);
    }
}

/* Each row alone must be what it was among the others. */
static void matmul_check_rows_alone(rig *r, matmul *m)
{
    tensor alone = tensor_make(r, INS1_DTYPE_F32, 2, (int64_t[]){ 1, m->n }, DENSE);

    if (r->exact && r->computes && !(m->op.flags & INS1_OP_ACCUMULATE)) {
        tensor_download(r, &m->y);
        for (int64_t t = 0; t < m->t && m->n; t++) {
            ins1_tensor_desc row = m->x.desc;
            row.dim[0] = 1;
            row.offset += (uint64_t)(t * row.stride[0] * 4);
            row.bytes = (uint64_t)m->k * 4;
            ins1_tensor_desc in[] = { m->in[0], row, m->in[2], m->in[3] };
            ins1_op op = m->op;
            op.in = in;
            op.out = &alone.desc;
            tensor_spoil(&alone);
            tensor_upload(r, &alone);
            if (!rig_expect(r, rig_answer(r, &op, 1) == INS1_OK, "a row alone fails"))
                break;
            tensor_download(r, &alone);
            for (int64_t n = 0; n < m->n; n++)
                rig_expect(r, alone.value[n] == m->y.value[t * m->n + n],
                           "row %d alone has other bits than among %d", (int)t, (int)m->t);
        }
    }
    tensor_drop(r, &alone);
}

static void matmul_case(rig *r, const int64_t *shape, int32_t type, int32_t scale_type,
                        int32_t precision, int variant)
{
    matmul m;
    matmul_make(r, &m, shape, type, scale_type, variant);
    matmul_define(&m, precision);
    if (rig_run(r, &m.op, 1)) {
        tensor_check(r, &m.y, m.want, m.bound);
        tensor_check_unchanged(r, &m.w);
        tensor_check_unchanged(r, &m.x);
        tensor_check_unchanged(r, &m.scale);
        tensor_check_unchanged(r, &m.bias);
        if (m.t > 1)
            matmul_check_rows_alone(r, &m);
    }
    tensor_drop(r, &m.w);
    tensor_drop(r, &m.x);
    tensor_drop(r, &m.scale);
    tensor_drop(r, &m.bias);
    tensor_drop(r, &m.y);
    free(m.want);
    free(m.bound);
}

static const int64_t matmul_shapes[][3] = {
    { 1, 1, 1 },     { 1, 16, 64 },   { 1, 33, 129 },  { 3, 7, 5 },    { 5, 130, 257 },
    { 2, 129, 128 }, { 17, 31, 96 },  { 40, 65, 160 }, { 0, 5, 7 },    { 3, 0, 4 },
    { 4, 6, 0 },     { 1, 200, 512 }, { 9, 24, 31 },   { 33, 18, 40 }, { 2, 3, 1025 },
};

enum { N_MATMUL_SHAPES = sizeof(matmul_shapes) / sizeof(matmul_shapes[0]) };

static void all_matmuls(rig *r)
{
    char types[64];
    int variant = 0;

    for (int w = 0; w < 4; w++) {
        for (int s = 0; s < 4; s++) {
            for (int p = 0; p < 2; p++) {
                snprintf(types, sizeof(types), "w %s, scale %s, x %s", type_name(weight_types[w]),
                         type_name(scale_types[s]), p ? "BF16" : "F32");
                rig_begin(r, "MATMUL", types);
                for (int i = 0; i < N_MATMUL_SHAPES; i++)
                    matmul_case(r, matmul_shapes[i], weight_types[w], scale_types[s], precisions[p],
                                variant++);
                rig_end(r);
                variant += 5; /* so that a shape meets other variants with other types */
            }
        }
    }
    for (int s = 1; s < 3; s++) {
        snprintf(types, sizeof(types), "w I8, scale %s, x INT8", type_name(scale_types[s]));
        rig_begin(r, "MATMUL", types);
        for (int i = 0; i < 2 * N_MATMUL_SHAPES; i++)
            matmul_case(r, matmul_shapes[i % N_MATMUL_SHAPES], INS1_DTYPE_I8, scale_types[s],
                        INS1_PRECISION_INT8, variant++);
        rig_end(r);
    }
}

/* ---- MATMUL_EXPERTS ---------------------------------------------------------------------------
 */

enum { MAX_EXPERTS = 12 };

/* Rows of x, results of each, experts, n, k. */
static const int64_t expert_shapes[][5] = {
    { 1, 2, 4, 5, 7 },     { 1, 8, 12, 33, 64 }, { 3, 2, 5, 33, 64 },
    { 6, 1, 3, 130, 129 }, { 0, 2, 3, 4, 5 },    { 17, 4, 8, 32, 96 },
    { 40, 2, 3, 17, 31 },  { 5, 3, 1, 8, 8 },    { 2, 2, 4, 140, 260 },
};

enum { N_EXPERT_SHAPES = sizeof(expert_shapes) / sizeof(expert_shapes[0]) };

static void expert_case(rig *r, const int64_t *shape, int32_t type, int32_t scale_type,
                        int32_t precision, int variant)
{
    int64_t t = shape[0], each = shape[1], e = shape[2], n = shape[3], k = shape[4], p = t * each;
    ins1_tensor_desc in[2 + 2 * MAX_EXPERTS];
    tensor w[MAX_EXPERTS], scale[MAX_EXPERTS];
    tensor x = tensor_make(r, INS1_DTYPE_F32, 2, (int64_t[]){ t, k }, variant % 2 ? SPREAD : DENSE);
    tensor ids = tensor_make(r, INS1_DTYPE_I32, 1, &p, DENSE);
    tensor y = tensor_make(r, INS1_DTYPE_F32, 2, (int64_t[]){ p, n }, variant % 3 ? DENSE : SPREAD);
    double *want = calloc(y.count + 1, sizeof(double));
    double *bound = calloc(y.count + 1, sizeof(double));

    tensor_fill(r, &x, 2);
    for (size_t i = 0; i < ids.count; i++)
        tensor_set(&ids, i, (double)rig_random(r, (uint64_t)e));
    tensor_spoil(&y);
    for (int64_t i = 0; i < e; i++) {
        w[i] = tensor_make(r, type, 2, (int64_t[]){ n, k },
                           variant % 4 == 3 && type != INS1_DTYPE_I8 ? TRANSPOSED : DENSE);
        fill_weights(r, &w[i]);
        tensor_upload(r, &w[i]);
        scale[i] = make_scale_of(r, scale_type, &w[i]);
        in[2 + i] = w[i].desc;
        in[2 + e + i] = scale[i].desc;
    }
    tensor_upload(r, &x);
    tensor_upload(r, &ids);
    tensor_upload(r, &y);
    in[0] = x.desc;
    in[1] = ids.desc;

    for (size_t at = 0; at < y.count; at++) {
        int64_t row = (int64_t)at / n;
        int64_t expert = (int64_t)ids.value[row];
        double mass;
        want[at] = product(&w[expert], &scale[expert], x.value + row / each * k, (int64_t)at % n, k,
                           precision, &mass);
        bound[at] = bound_of(k, mass);
    }
    ins1_op op = op_of(INS1_OP_MATMUL_EXPERTS, in, (int32_t)(2 + 2 * e), &y.desc, 1);
    op.i[0] = precision;
    op.i[1] = (int32_t)each;
    op.i[2] = (int32_t)e;
    if (rig_run(r, &op, 1)) {
        tensor_check(r, &y, want, bound);
        tensor_check_unchanged(r, &x);
        tensor_check_unchanged(r, &w[0]);
    }
    for (int64_t i = 0; i < e; i++) {
        tensor_drop(r, &w[i]);
        tensor_drop(r, &scale[i]);
    }
    tensor_drop(r, &x);
    tensor_drop(r, &ids);
    tensor_drop(r, &y);
    free(want);
    free(bound);
}

static void all_experts(rig *r)
{
    char types[64];
    int variant = 0;

    for (int w = 0; w < 4; w++) {
        for (int s = 0; s < 4; s++) {
            for (int p = 0; p < 2; p++) {
                snprintf(types, sizeof(types), "w %s, scale %s, x %s", type_name(weight_types[w]),
                         type_name(scale_types[s]), p ? "BF16" : "F32");
                rig_begin(r, "MATMUL_EXPERTS", types);
                for (int i = 0; i < N_EXPERT_SHAPES; i++)
                    expert_case(r, expert_shapes[i], weight_types[w], scale_types[s], precisions[p],
                                variant++);
                rig_end(r);
            }
        }
    }
    for (int s = 1; s < 3; s++) {
        snprintf(types, sizeof(types), "w I8, scale %s, x INT8", type_name(scale_types[s]));
        rig_begin(r, "MATMUL_EXPERTS", types);
        for (int i = 0; i < N_EXPERT_SHAPES; i++)
            expert_case(r, expert_shapes[i], INS1_DTYPE_I8, scale_types[s], INS1_PRECISION_INT8,
                        variant++);
        rig_end(r);
    }
}

void conformance_products(rig *r)
{
    all_matmuls(r);
    all_experts(r);
}
