/* The operations that work row by row. */

#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const int32_t float_types[] = { INS1_DTYPE_F32, INS1_DTYPE_BF16, INS1_DTYPE_F16,
                                       INS1_DTYPE_F8_E4M3 };

/* ---- RMSNORM ----------------------------------------------------------------------------------
 */

static void rmsnorm_case(rig *r, int32_t type, int32_t ndim, const int64_t *dim, int variant)
{
    int64_t n = dim[ndim - 1];
    tensor x = rig_filled(r, INS1_DTYPE_F32, ndim, dim, variant & 1 ? SPREAD : DENSE,
                          variant & 8 ? 1e-3 : 3);
    tensor weight = rig_filled(r, type, 1, &n, DENSE, 1);
    tensor y = rig_spoiled(r, INS1_DTYPE_F32, ndim, dim, variant & 2 ? SPREAD : DENSE);
    bool in_place = variant & 4;
    wanted want = rig_want(&y);
    const double eps = variant & 1 ? (double)1e-6f : (double)1e-5f;

    for (size_t row = 0; n && row < x.count / (size_t)n; row++) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++)
            sum += x.value[row * (size_t)n + (size_t)i] * x.value[row * (size_t)n + (size_t)i];
        for (int64_t i = 0; i < n; i++) {
            size_t at = row * (size_t)n + (size_t)i;
            want.value[at] = x.value[at] / sqrt(sum / (double)n + eps) * weight.value[i];
            want.bound[at] = fabs(want.value[at]) * ((double)n / 2 + 16) * 0x1p-23 + 1e-30;
        }
    }
    const ins1_tensor_desc in[] = { x.desc, weight.desc };
    ins1_op op = op_of(INS1_OP_RMSNORM, in, 2, in_place ? &x.desc : &y.desc, 1);
    op.f[0] = (float)eps;
    if (rig_run(r, &op, 1)) {
        tensor_check(r, in_place ? &x : &y, want.value, want.bound);
        if (!in_place)
            tensor_check_unchanged(r, &x);
    }
    rig_want_drop(&want);
    tensor_drop(r, &x);
    tensor_drop(r, &weight);
    tensor_drop(r, &y);
}

static void all_rmsnorms(rig *r)
{
    static const struct {
        int32_t ndim;
        int64_t dim[4];
    } shapes[] = { { 1, { 7 } },          { 2, { 3, 64 } },        { 2, { 5, 131 } },
                   { 3, { 2, 3, 16 } },   { 4, { 2, 3, 2, 128 } }, { 2, { 0, 8 } },
                   { 4, { 1, 1, 1, 1 } }, { 2, { 2, 1000 } } };
    for (size_t type = 0; type < 4; type++) {
        int variant = (int)type;
        rig_begin(r, "RMSNORM", type_name(float_types[type]));
        for (int round = 0; round < 4; round++)
            for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
                rmsnorm_case(r, float_types[type], shapes[i].ndim, shapes[i].dim, variant += 3);
        rig_end(r);
    }
}

/* ---- ROPE -------------------------------------------------------------------------------------
 */

static void rope_case(rig *r, const int64_t *dim, bool per_head, bool in_place)
{
    int64_t half = dim[3] / 2;
    const int64_t table[] = { dim[0], per_head ? dim[1] : 1, half };
    tensor x = rig_filled(r, INS1_DTYPE_F32, 4, dim, in_place ? DENSE : SPREAD, 2);
    tensor cosines = rig_filled(r, INS1_DTYPE_F32, 3, table, DENSE, 1);
    tensor sines = rig_filled(r, INS1_DTYPE_F32, 3, table, SPREAD, 1);
    tensor y = rig_spoiled(r, INS1_DTYPE_F32, 4, dim, DENSE);
    wanted want = rig_want(&y);

    for (size_t at = 0; at < y.count; at++) {
        int64_t j = (int64_t)at % dim[3];
        int64_t g = (int64_t)at / (dim[3] * dim[2]) % dim[1];
        int64_t t = (int64_t)at / (dim[3] * dim[2] * dim[1]);
        int64_t pair = j < half ? j : j - half;
        size_t row = at - (size_t)j;
        size_t of = (size_t)((t * table[1] + (per_head ? g : 0)) * half + pair);
        double a = x.value[row + (size_t)pair], b = x.value[row + (size_t)(pair + half)];
        double c = cosines.value[of], s = sines.value[of];
        want.value[at] = j < half ? a * c - b * s : b * c + a * s;
        want.bound[at] = 4 * 0x1p-24 * (fabs(a) + fabs(b)) + 1e-30;
    }
    const ins1_tensor_desc in[] = { x.desc, cosines.desc, sines.desc };
    ins1_op op = op_of(INS1_OP_ROPE, in, 3, in_place ? &x.desc : &y.desc, 1);
    if (rig_run(r, &op, 1))
        tensor_check(r, in_place ? &x : &y, want.value, want.bound);
    rig_want_drop(&want);
    tensor_drop(r, &x);
    tensor_drop(r, &cosines);
    tensor_drop(r, &sines);
    tensor_drop(r, &y);
}

static void all_ropes(rig *r)
{
    static const int64_t shapes[][4] = { { 1, 1, 1, 2 },   { 3, 2, 4, 16 }, { 5, 3, 1, 66 },
                                         { 2, 1, 8, 128 }, { 0, 2, 2, 8 },  { 9, 4, 2, 10 } };
    rig_begin(r, "ROPE", "F32");
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        for (int variant = 0; variant < 4; variant++)
            rope_case(r, shapes[i], variant & 1, variant & 2);
    rig_end(r);
}

/* ---- ROUTE ------------------------------------------------------------------------------------
 */

/* Logits are multiples of 1/64, so that the order does not hang on rounding; some are equal. */
static void route_fill(rig *r, tensor *logits, double scale)
{
    for (size_t i = 0; i < logits->count; i++)
        tensor_set(logits, i, floor(rig_unit(r) * 256) / 64 * scale);
    tensor_upload(r, logits);
}

static bool better(const double *logits, int64_t a, int64_t b)
{
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
}

/* How many of the same group come before `i`. */
static int64_t rank_of(const double *logits, int64_t i, int64_t group_size)
{
    int64_t first = i / group_size * group_size, rank = 0;
    for (int64_t j = first; j < first + group_size; j++)
        rank += better(logits, j, i);
    return rank;
}

static void route_define(const double *logits, int64_t e, int64_t k, int64_t groups, bool normalize,
                         double *ids, double *gates)
{
    double top = -INFINITY, sum = 0, kept = 0;
    int64_t n = 0;

    for (int64_t i = 0; i < e; i++)
        top = fmax(top, logits[i]);
    for (int64_t i = 0; i < e; i++)
        sum += exp(logits[i] - top);
    for (int64_t i = 0; i < e; i++) {
        if (rank_of(logits, i, e / groups) < k / groups) {
            ids[n] = (double)i;
            gates[n] = exp(logits[i] - top) / sum;
            kept += gates[n++];
        }
    }
    for (int64_t j = 0; j < k && normalize; j++)
        gates[j] /= kept + 1e-20;
}

static void route_case(rig *r, int64_t t, int64_t e, int64_t k, int64_t groups, bool normalize,
                       double scale)
{
    tensor logits = tensor_make(r, INS1_DTYPE_F32, 2, (int64_t[]){ t, e }, SPREAD);
    tensor ids = rig_spoiled(r, INS1_DTYPE_I32, 2, (int64_t[]){ t, k }, DENSE);
    tensor gates = rig_spoiled(r, INS1_DTYPE_F32, 2, (int64_t[]){ t, k }, DENSE);
    wanted want_ids = rig_want(&ids), want_gates = rig_want(&gates);

    route_fill(r, &logits, scale);
    for (int64_t i = 0; i < t; i++)
        route_define(logits.value + i * e, e, k, groups > 1 ? groups : 1, normalize,
                     want_ids.value + i * k, want_gates.value + i * k);
    for (size_t i = 0; i < gates.count; i++)
        want_gates.bound[i] =
            want_gates.value[i] * ((double)e + 64) * 0x1p-22 * (1 + 4 * scale / 64) + 1e-30;
    const ins1_tensor_desc out[] = { ids.desc, gates.desc };
    ins1_op op = op_of(INS1_OP_ROUTE, &logits.desc, 1, out, 2);
    op.i[1] = (int32_t)groups;
    op.flags = normalize ? INS1_OP_NORMALIZE : 0;
    if (rig_run(r, &op, 1)) {
        tensor_check(r, &ids, want_ids.value, want_ids.bound);
        tensor_check(r, &gates, want_gates.value, want_gates.bound);
    }
    rig_want_drop(&want_ids);
    rig_want_drop(&want_gates);
    tensor_drop(r, &logits);
    tensor_drop(r, &ids);
    tensor_drop(r, &gates);
}

static void all_routes(rig *r)
{
    rig_begin(r, "ROUTE", "F32");
    for (int normalize = 0; normalize < 2; normalize++) {
        route_case(r, 1, 1, 1, 0, normalize, 1);
        route_case(r, 3, 8, 2, 0, normalize, 1);
        route_case(r, 5, 128, 8, 1, normalize, 1);
        route_case(r, 4, 60, 4, 4, normalize, 1);
        route_case(r, 3, 512, 8, 8, normalize, 1);
        route_case(r, 2, 16, 16, 2, normalize, 1);
        route_case(r, 0, 8, 2, 0, normalize, 1);
        route_case(r, 6, 37, 5, 0, normalize, 16); /* far apart: no overflow, no underflow to NaN */
        route_case(r, 6, 24, 3, 0, normalize, 0);  /* all equal: the lowest win */
    }
    rig_end(r);
}

/* ---- COMBINE ----------------------------------------------------------------------------------
 */

static void combine_case(rig *r, int64_t t, int64_t k, int64_t n)
{
    tensor x = rig_filled(r, INS1_DTYPE_F32, 2, (int64_t[]){ t * k, n }, SPREAD, 2);
    tensor gates = rig_filled(r, INS1_DTYPE_F32, 2, (int64_t[]){ t, k }, DENSE, 1);
    tensor y = rig_filled(r, INS1_DTYPE_F32, 2, (int64_t[]){ t, n }, SPREAD, 1);
    wanted want = rig_want(&y);

    for (int64_t at = 0; at < (int64_t)y.count; at++) {
        double mass = fabs(y.value[at]);
        want.value[at] = y.value[at];
        for (int64_t j = 0; j < k; j++) {
            int64_t row = at / n * k + j;
            double term = gates.value[row] * x.value[row * n + at % n];
            want.value[at] += term;
            mass += fabs(term);
        }
        want.bound[at] = ((double)k + 4) * 0x1p-24 * mass + 1e-30;
    }
    const ins1_tensor_desc in[] = { x.desc, gates.desc };
    ins1_op op = op_of(INS1_OP_COMBINE, in, 2, &y.desc, 1);
    if (rig_run(r, &op, 1)) {
        tensor_check(r, &y, want.value, want.bound);
        tensor_check_unchanged(r, &x);
    }
    rig_want_drop(&want);
    tensor_drop(r, &x);
    tensor_drop(r, &gates);
    tensor_drop(r, &y);
}

static void all_combines(rig *r)
{
    rig_begin(r, "COMBINE", "F32");
    combine_case(r, 1, 1, 1);
    combine_case(r, 3, 2, 17);
    combine_case(r, 5, 8, 130);
    combine_case(r, 40, 3, 64);
    combine_case(r, 0, 2, 5);
    rig_end(r);
}

/* ---- ACT_MUL, ADD, SCALE ----------------------------------------------------------------------
 */

static double activate(int32_t act, double a)
{
    switch (act) {
    case INS1_ACT_SILU:
        return a / (1 + exp(-a));
    case INS1_ACT_GELU:
        return a * (1 + erf(a / sqrt(2))) / 2;
    default:
        return a * (1 + tanh(0.7978845608028654 * (a + 0.044715 * a * a * a))) / 2;
    }
}

/* What one pair gives, and within which bound. */
static void pair_define(const ins1_op *op, double a, double b, double *value, double *bound)
{
    if (op->op == INS1_OP_ACT_MUL) {
        *value = activate(op->i[0], a) * b;
        *bound = 2e-6 * fabs(a * b);
    } else if (op->op == INS1_OP_ADD) {
        *value = a + b;
        *bound = 0x1p-23 * fabs(*value);
    } else {
        *value = a * (double)op->f[0];
        *bound = 0x1p-23 * fabs(*value);
    }
    *bound += 1e-30;
}

static void pair_case(rig *r, int32_t kind, int32_t act, int64_t t, int64_t n, bool in_place,
                      double scale)
{
    tensor a = rig_filled(r, INS1_DTYPE_F32, 2, (int64_t[]){ t, n }, SPREAD, scale);
    tensor b = rig_filled(r, INS1_DTYPE_F32, 2, (int64_t[]){ t, n }, SPREAD, 2);
    tensor y = rig_spoiled(r, INS1_DTYPE_F32, 2, (int64_t[]){ t, n }, DENSE);
    wanted want = rig_want(&y);
    const ins1_tensor_desc in[] = { a.desc, b.desc };
    ins1_op op = op_of(kind, in, kind == INS1_OP_SCALE ? 1 : 2, in_place ? &a.desc : &y.desc, 1);

    op.i[0] = act;
    op.f[0] = kind == INS1_OP_SCALE ? 0.37f : 0;
    for (size_t i = 0; i < y.count; i++)
        pair_define(&op, a.value[i], b.value[i], &want.value[i], &want.bound[i]);
    if (rig_run(r, &op, 1)) {
        tensor_check(r, in_place ? &a : &y, want.value, want.bound);
        tensor_check_unchanged(r, &b);
    }
    rig_want_drop(&want);
    tensor_drop(r, &a);
    tensor_drop(r, &b);
    tensor_drop(r, &y);
}

static void all_pairs(rig *r, const char *name, const char *types, int32_t kind, int32_t act)
{
    rig_begin(r, name, types);
    for (int in_place = 0; in_place < 2; in_place++) {
        pair_case(r, kind, act, 1, 1, in_place, 4);
        pair_case(r, kind, act, 3, 33, in_place, 4);
        pair_case(r, kind, act, 7, 256, in_place, 1e-4);
        pair_case(r, kind, act, 5, 100, in_place, 30);
        pair_case(r, kind, act, 5, 100, in_place, 1e4); /* no overflow inside */
        pair_case(r, kind, act, 0, 9, in_place, 1);
        pair_case(r, kind, act, 4, 0, in_place, 1);
    }
    rig_end(r);
}

/* ---- GET_ROWS ---------------------------------------------------------------------------------
 */

static void get_rows_case(rig *r, int32_t type, int64_t rows, int64_t t, int64_t n, int layout)
{
    tensor table = rig_filled(r, type, 2, (int64_t[]){ rows, n }, layout, 1);
    tensor ids = tensor_make(r, INS1_DTYPE_I32, 1, &t, DENSE);
    tensor y = rig_spoiled(r, INS1_DTYPE_F32, 2, (int64_t[]){ t, n }, layout);
    wanted want = rig_want(&y);

    for (size_t i = 0; i < ids.count; i++)
        tensor_set(&ids, i, i ? (double)rig_random(r, (uint64_t)rows) : (double)(rows - 1));
    tensor_upload(r, &ids);
    for (size_t at = 0; at < y.count; at++)
        want.value[at] = table.value[(int64_t)ids.value[at / (size_t)n] * n + (int64_t)at % n];
    const ins1_tensor_desc in[] = { table.desc, ids.desc };
    ins1_op op = op_of(INS1_OP_GET_ROWS, in, 2, &y.desc, 1);
    if (rig_run(r, &op, 1)) {
        tensor_check(r, &y, want.value, want.bound);
        tensor_check_unchanged(r, &table);
    }
    rig_want_drop(&want);
    tensor_drop(r, &table);
    tensor_drop(r, &ids);
    tensor_drop(r, &y);
}

static void all_get_rows(rig *r)
{
    for (size_t type = 0; type < 4; type++) {
        rig_begin(r, "GET_ROWS", type_name(float_types[type]));
        for (int layout = DENSE; layout <= SPREAD; layout++) {
            get_rows_case(r, float_types[type], 1, 1, 1, layout);
            get_rows_case(r, float_types[type], 20, 7, 33, layout);
            get_rows_case(r, float_types[type], 300, 5, 128, layout);
            get_rows_case(r, float_types[type], 4, 0, 8, layout);
        }
        rig_end(r);
    }
}

void conformance_rows(rig *r)
{
    all_rmsnorms(r);
    all_ropes(r);
    all_routes(r);
    all_combines(r);
    all_pairs(r, "ACT_MUL", "SILU", INS1_OP_ACT_MUL, INS1_ACT_SILU);
    all_pairs(r, "ACT_MUL", "GELU", INS1_OP_ACT_MUL, INS1_ACT_GELU);
    all_pairs(r, "ACT_MUL", "GELU_TANH", INS1_OP_ACT_MUL, INS1_ACT_GELU_TANH);
    all_pairs(r, "ADD", "F32", INS1_OP_ADD, 0);
    all_pairs(r, "SCALE", "F32", INS1_OP_SCALE, 0);
    all_get_rows(r);
}
