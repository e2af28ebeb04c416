/* What the encoders of images and signals need beyond the decoder. */

#include "rig.h"

#include "interns1/model.h"

#include <math.h>
#include <stdlib.h>

static const int32_t float_types[] = { INS1_DTYPE_F32, INS1_DTYPE_BF16, INS1_DTYPE_F16,
                                       INS1_DTYPE_F8_E4M3 };

/* ---- LAYERNORM --------------------------------------------------------------------------------
 */

typedef struct norm {
    int32_t ndim;
    int64_t dim[4];
} norm;

static void layernorm_define(const tensor *x, const tensor *weight, const tensor *bias, int64_t n,
                             double eps, wanted *want)
{
    for (size_t row = 0; n && row < x->count / (size_t)n; row++) {
        const double *from = x->value + row * (size_t)n;
        double mean = 0, variance = 0;
        for (int64_t i = 0; i < n; i++)
            mean += from[i] / (double)n;
        for (int64_t i = 0; i < n; i++)
            variance += (from[i] - mean) * (from[i] - mean) / (double)n;
        for (int64_t i = 0; i < n; i++) {
            size_t at = row * (size_t)n + (size_t)i;
            double factor = weight->value[i] / sqrt(variance + eps);
            double shift = bias->desc.dtype ? bias->value[i] : 0;
            want->value[at] = (from[i] - mean) * factor + shift;
            want->bound[at] = (fabs(from[i]) + fabs(mean)) * fabs(factor);
            want->bound[at] = (want->bound[at] + fabs(shift)) * ((double)n / 2 + 16) * 0x1p-23;
            want->bound[at] += 1e-30;
        }
    }
}

static void layernorm_case(rig *r, int32_t type, const norm *shape, int variant)
{
    const int64_t *dim = shape->dim;
    int64_t n = dim[shape->ndim - 1];
    tensor x = rig_filled(r, INS1_DTYPE_F32, shape->ndim, dim, variant & 1 ? SPREAD : DENSE,
                          variant & 8 ? 1e-3 : 3);
    tensor weight = rig_filled(r, type, 1, &n, DENSE, 1);
    tensor bias = tensor_none();
    tensor y = rig_spoiled(r, INS1_DTYPE_F32, shape->ndim, dim, variant & 2 ? SPREAD : DENSE);
    bool in_place = variant & 4;
    wanted want = rig_want(&y);
    const double eps = variant & 1 ? (double)1e-6f : (double)1e-5f;

    if (variant % 3)
        bias = rig_filled(r, float_types[variant % 4], 1, &n, DENSE, 1);
    layernorm_define(&x, &weight, &bias, n, eps, &want);
    const ins1_tensor_desc in[] = { x.desc, weight.desc, bias.desc };
    ins1_op op = op_of(INS1_OP_LAYERNORM, in, 3, in_place ? &x.desc : &y.desc, 1);
    op.f[0] = (float)eps;
    if (rig_run(r, &op, 1)) {
        tensor_check(r, in_place ? &x : &y, want.value, want.bound);
        if (!in_place)
            tensor_check_unchanged(r, &x);
    }
    rig_want_drop(&want);
    tensor_drop(r, &x);
    tensor_drop(r, &weight);
    tensor_drop(r, &bias);
    tensor_drop(r, &y);
}

static void all_layernorms(rig *r)
{
    static const norm shapes[] = {
        { 1, { 7 } },          { 2, { 3, 64 } },        { 2, { 5, 131 } },
        { 3, { 2, 3, 16 } },   { 4, { 2, 3, 2, 128 } }, { 2, { 0, 8 } },
        { 4, { 1, 1, 1, 1 } }, { 2, { 2, 1000 } },      { 2, { 40, 600 } }
    };
    for (size_t type = 0; type < 4; type++) {
        int variant = (int)type;
        rig_begin(r, "LAYERNORM", type_name(float_types[type]));
        for (int round = 0; round < 4; round++)
            for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
                layernorm_case(r, float_types[type], &shapes[i], variant += 3);
        rig_end(r);
    }
}

/* ---- ACT --------------------------------------------------------------------------------------
 */

static double activate(int32_t act, double a)
{
    switch (act) {
    case INS1_ACT_SILU:
        return a / (1 + exp(-a));
    case INS1_ACT_GELU:
        return a * erfc(-a / sqrt(2)) / 2;
    case INS1_ACT_GELU_TANH:
        return a * (1 + tanh(0.7978845608028654 * (a + 0.044715 * a * a * a))) / 2;
    default:
        return a > 0 ? a : 0;
    }
}

static void act_case(rig *r, int32_t act, int64_t t, int64_t n, bool in_place, double scale)
{
    const int64_t dim[] = { t, n };
    tensor x = rig_filled(r, INS1_DTYPE_F32, 2, dim, SPREAD, scale);
    tensor y = rig_spoiled(r, INS1_DTYPE_F32, 2, dim, DENSE);
    wanted want = rig_want(&y);
    ins1_op op = op_of(INS1_OP_ACT, &x.desc, 1, in_place ? &x.desc : &y.desc, 1);

    op.i[0] = act;
    for (size_t i = 0; i < y.count; i++) {
        want.value[i] = activate(act, x.value[i]);
        want.bound[i] = act == INS1_ACT_RELU ? 0 : 1e-6 * fabs(x.value[i]) + 1e-30;
    }
    if (rig_run(r, &op, 1))
        tensor_check(r, in_place ? &x : &y, want.value, want.bound);
    rig_want_drop(&want);
    tensor_drop(r, &x);
    tensor_drop(r, &y);
}

static void all_acts(rig *r)
{
    static const char *const names[] = { "SILU", "GELU", "GELU_TANH", "RELU" };
    for (int32_t act = INS1_ACT_SILU; act <= INS1_ACT_RELU; act++) {
        rig_begin(r, "ACT", names[act - INS1_ACT_SILU]);
        for (int in_place = 0; in_place < 2; in_place++) {
            act_case(r, act, 1, 1, in_place, 4);
            act_case(r, act, 3, 33, in_place, 4);
            act_case(r, act, 7, 256, in_place, 1e-4);
            act_case(r, act, 5, 100, in_place, 12);
            act_case(r, act, 5, 100, in_place, 1e4); /* no overflow inside */
            act_case(r, act, 70, 300, in_place, 8);
            act_case(r, act, 0, 9, in_place, 1);
            act_case(r, act, 4, 0, in_place, 1);
        }
        rig_end(r);
    }
}

/* ---- ADD, ADD_SCALED, MEAN --------------------------------------------------------------------
 */

static void turns_case(rig *r, int64_t turns, int64_t u, int64_t n, bool in_place)
{
    int64_t t = turns * u;
    tensor a = rig_filled(r, INS1_DTYPE_F32, 2, (int64_t[]){ t, n }, SPREAD, 2);
    tensor b = rig_filled(r, INS1_DTYPE_F32, 2, (int64_t[]){ u, n }, SPREAD, 2);
    tensor y = rig_spoiled(r, INS1_DTYPE_F32, 2, (int64_t[]){ t, n }, DENSE);
    wanted want = rig_want(&y);

    for (size_t at = 0; at < y.count; at++) {
        want.value[at] = a.value[at] + b.value[at % (size_t)(u * n)];
        want.bound[at] = 0x1p-23 * fabs(want.value[at]) + 1e-30;
    }
    const ins1_tensor_desc in[] = { a.desc, b.desc };
    ins1_op op = op_of(INS1_OP_ADD, in, 2, in_place ? &a.desc : &y.desc, 1);
    if (rig_run(r, &op, 1)) {
        tensor_check(r, in_place ? &a : &y, want.value, want.bound);
        tensor_check_unchanged(r, &b);
    }
    rig_want_drop(&want);
    tensor_drop(r, &a);
    tensor_drop(r, &b);
    tensor_drop(r, &y);
}

static void add_scaled_case(rig *r, int32_t type, int64_t t, int64_t n)
{
    tensor x = rig_filled(r, INS1_DTYPE_F32, 2, (int64_t[]){ t, n }, SPREAD, 2);
    tensor scale = rig_filled(r, type, 1, &n, DENSE, 1);
    tensor y = rig_filled(r, INS1_DTYPE_F32, 2, (int64_t[]){ t, n }, SPREAD, 2);
    wanted want = rig_want(&y);

    for (size_t at = 0; at < y.count; at++) {
        double term = x.value[at] * scale.value[at % (size_t)n];
        want.value[at] = y.value[at] + term;
        want.bound[at] = 0x1p-22 * (fabs(y.value[at]) + fabs(term)) + 1e-30;
    }
    const ins1_tensor_desc in[] = { x.desc, scale.desc };
    ins1_op op = op_of(INS1_OP_ADD_SCALED, in, 2, &y.desc, 1);
    if (rig_run(r, &op, 1)) {
        tensor_check(r, &y, want.value, want.bound);
        tensor_check_unchanged(r, &x);
    }
    rig_want_drop(&want);
    tensor_drop(r, &x);
    tensor_drop(r, &scale);
    tensor_drop(r, &y);
}

static void mean_case(rig *r, int64_t s, int64_t t, int64_t n, int layout)
{
    tensor x = rig_filled(r, INS1_DTYPE_F32, 3, (int64_t[]){ s, t, n }, layout, 2);
    tensor y = rig_spoiled(r, INS1_DTYPE_F32, 2, (int64_t[]){ s, n }, layout);
    wanted want = rig_want(&y);

    for (int64_t at = 0; at < (int64_t)y.count; at++) {
        double mass = 0;
        for (int64_t i = 0; i < t; i++) {
            double term = x.value[(at / n * t + i) * n + at % n] / (double)t;
            want.value[at] += term;
            mass += fabs(term);
        }
        want.bound[at] = ((double)t + 4) * 0x1p-24 * mass + 1e-30;
    }
    ins1_op op = op_of(INS1_OP_MEAN, &x.desc, 1, &y.desc, 1);
    if (rig_run(r, &op, 1)) {
        tensor_check(r, &y, want.value, want.bound);
        tensor_check_unchanged(r, &x);
    }
    rig_want_drop(&want);
    tensor_drop(r, &x);
    tensor_drop(r, &y);
}

static void all_sums(rig *r)
{
    rig_begin(r, "ADD", "rows in turn");
    for (int in_place = 0; in_place < 2; in_place++) {
        turns_case(r, 3, 1, 17, in_place);
        turns_case(r, 5, 7, 64, in_place);
        turns_case(r, 2, 40, 300, in_place);
        turns_case(r, 0, 3, 5, in_place);
    }
    rig_end(r);
    for (size_t type = 0; type < 4; type++) {
        rig_begin(r, "ADD_SCALED", type_name(float_types[type]));
        add_scaled_case(r, float_types[type], 1, 1);
        add_scaled_case(r, float_types[type], 3, 33);
        add_scaled_case(r, float_types[type], 50, 400);
        add_scaled_case(r, float_types[type], 0, 5);
        add_scaled_case(r, float_types[type], 5, 0);
        rig_end(r);
    }
    rig_begin(r, "MEAN", "F32");
    for (int layout = DENSE; layout <= SPREAD; layout++) {
        mean_case(r, 1, 1, 1, layout);
        mean_case(r, 3, 7, 33, layout);
        mean_case(r, 2, 100, 700, layout);
        mean_case(r, 9, 2, 16, layout);
        mean_case(r, 0, 4, 3, layout);
        mean_case(r, 2, 3, 0, layout);
    }
    rig_end(r);
}

/* ---- MATMUL of rows that overlap --------------------------------------------------------------
 */

/* A convolution over `t` places, `step` numbers from one to the next. */
static void convolution_case(rig *r, int32_t type, int32_t precision, int64_t t, int64_t step,
                             int64_t n, int64_t k)
{
    int64_t length = t ? (t - 1) * step + k : 0;
    tensor signal = rig_filled(r, INS1_DTYPE_F32, 1, &length, DENSE, 2);
    tensor w = rig_filled(r, type, 2, (int64_t[]){ n, k }, DENSE, 1);
    tensor y = rig_spoiled(r, INS1_DTYPE_F32, 2, (int64_t[]){ t, n }, SPREAD);
    wanted want = rig_want(&y);
    ins1_tensor_desc x = signal.desc;

    x.ndim = 2;
    x.dim[0] = t;
    x.dim[1] = k;
    x.stride[0] = step;
    x.stride[1] = 1;
    for (int64_t at = 0; at < (int64_t)y.count; at++) {
        double mass = 0;
        for (int64_t i = 0; i < k; i++) {
            double input = signal.value[at / n * step + i];
            input = precision == INS1_PRECISION_BF16 ? round_to_bf16(input) : input;
            want.value[at] += w.value[at % n * k + i] * input;
            mass += fabs(w.value[at % n * k + i] * input);
        }
        want.bound[at] = ((double)k + 8) * 0x1p-23 * mass + 1e-30;
    }
    const ins1_tensor_desc in[] = { w.desc, x, tensor_none().desc, tensor_none().desc };
    ins1_op op = op_of(INS1_OP_MATMUL, in, 4, &y.desc, 1);
    op.i[0] = precision;
    if (rig_run(r, &op, 1)) {
        tensor_check(r, &y, want.value, want.bound);
        tensor_check_unchanged(r, &signal);
    }
    rig_want_drop(&want);
    tensor_drop(r, &signal);
    tensor_drop(r, &w);
    tensor_drop(r, &y);
}

static void all_convolutions(rig *r)
{
    static const int32_t precisions[] = { INS1_PRECISION_F32, INS1_PRECISION_BF16 };

    for (size_t type = 0; type < 4; type++) {
        rig_begin(r, "MATMUL of rows that overlap", type_name(float_types[type]));
        for (size_t p = 0; p < 2; p++) {
            convolution_case(r, float_types[type], precisions[p], 1, 1, 3, 3);
            convolution_case(r, float_types[type], precisions[p], 20, 1, 5, 9);
            convolution_case(r, float_types[type], precisions[p], 33, 24, 40, 72);
            convolution_case(r, float_types[type], precisions[p], 300, 40, 17, 120);
            convolution_case(r, float_types[type], precisions[p], 0, 2, 3, 6);
        }
        rig_end(r);
    }
}

/* ---- SELF_ATTENTION ---------------------------------------------------------------------------
 */

typedef struct self {
    int64_t s, t, h, d;
    double scale;
    int32_t precision;
    bool causal;
} self;

static double rounded(const self *a, double value)
{
    return a->precision == INS1_PRECISION_BF16 ? round_to_bf16(value) : value;
}

static size_t place(const self *a, int64_t s, int64_t t, int64_t h)
{
    return (size_t)(((s * a->t + t) * a->h + h) * a->d);
}

/* One head of one row. The weights of v are rounded before or after their sum is divided by. */
static void attend(const self *a, int64_t s, int64_t t, int64_t h, const tensor *x, double *want,
                   double *bound)
{
    int64_t n = a->causal ? t + 1 : a->t;
    double *score = calloc((size_t)n, sizeof(double));
    double top = -INFINITY, sum = 0, slack = 0;

    for (int64_t p = 0; p < n; p++) {
        const double *q = x[0].value + place(a, s, t, h), *k = x[1].value + place(a, s, p, h);
        double mass = 0;
        for (int64_t i = 0; i < a->d; i++) {
            double term = rounded(a, q[i]) * rounded(a, k[i]);
            score[p] += term;
            mass += fabs(term);
        }
        score[p] *= a->scale;
        slack = fmax(slack, ((double)a->d + 8) * 0x1p-23 * mass * fabs(a->scale));
        top = fmax(top, score[p]);
    }
    for (int64_t p = 0; p < n; p++)
        sum += score[p] = exp(score[p] - top);
    double unit = 4 * slack + ((double)n + 64) * 0x1p-22;
    unit += a->precision == INS1_PRECISION_BF16 ? 0x1p-8 : 0;
    for (int64_t i = 0; i < a->d; i++) {
        double mass = 0;
        want[i] = 0;
        for (int64_t p = 0; p < n; p++) {
            double term = score[p] / sum * rounded(a, x[2].value[place(a, s, p, h) + (size_t)i]);
            want[i] += term;
            mass += fabs(term);
        }
        bound[i] = mass * unit + 1e-30;
    }
    free(score);
}

/* Each segment alone must be what it was among the others. */
static void check_segments_alone(rig *r, const self *a, const ins1_op *all, tensor *y)
{
    if (!r->exact || !r->computes || a->s < 2)
        return;
    tensor_download(r, y);
    tensor alone = tensor_make(r, INS1_DTYPE_F32, 4, (int64_t[]){ 1, a->t, a->h, a->d }, DENSE);
    for (int64_t s = 0; s < a->s; s++) {
        ins1_tensor_desc in[3];
        for (int i = 0; i < 3; i++) {
            in[i] = all->in[i];
            in[i].dim[0] = 1;
            in[i].offset += (uint64_t)(s * in[i].stride[0] * 4);
            in[i].bytes -= (uint64_t)((a->s - 1) * in[i].stride[0] * 4);
        }
        ins1_op op = *all;
        op.in = in;
        op.out = &alone.desc;
        if (!rig_expect(r, rig_answer(r, &op, 1) == INS1_OK, "a segment alone fails"))
            break;
        tensor_download(r, &alone);
        for (size_t i = 0; i < alone.count; i++)
            rig_expect(r, alone.value[i] == y->value[(size_t)s * alone.count + i],
                       "segment %d alone has other bits than among %d", (int)s, (int)a->s);
    }
    tensor_drop(r, &alone);
}

static void self_case(rig *r, const self *a, int layout)
{
    const int64_t dim[] = { a->s, a->t, a->h, a->d };
    tensor x[3];
    for (int i = 0; i < 3; i++)
        x[i] = rig_filled(r, INS1_DTYPE_F32, 4, dim, layout, i < 2 ? 3 : 1);
    tensor y = rig_spoiled(r, INS1_DTYPE_F32, 4, dim, layout);
    wanted want = rig_want(&y);

    for (int64_t i = 0; i < a->s * a->t * a->h && y.count; i++)
        attend(a, i / a->h / a->t, i / a->h % a->t, i % a->h, x, want.value + i * a->d,
               want.bound + i * a->d);
    const ins1_tensor_desc in[] = { x[0].desc, x[1].desc, x[2].desc };
    ins1_op op = op_of(INS1_OP_SELF_ATTENTION, in, 3, &y.desc, 1);
    op.i[0] = a->precision;
    op.f[0] = (float)a->scale;
    op.flags = a->causal ? INS1_OP_CAUSAL : 0;
    if (rig_run(r, &op, 1)) {
        tensor_check(r, &y, want.value, want.bound);
        for (int i = 0; i < 3; i++)
            tensor_check_unchanged(r, &x[i]);
        check_segments_alone(r, a, &op, &y);
    }
    rig_want_drop(&want);
    for (int i = 0; i < 3; i++)
        tensor_drop(r, &x[i]);
    tensor_drop(r, &y);
}

static void all_self_attentions(rig *r)
{
    static const int64_t shapes[][4] = {
        { 1, 1, 1, 1 },     { 3, 2, 8, 16 },  { 1, 17, 3, 64 }, { 2, 129, 2, 33 },
        { 1, 300, 1, 128 }, { 5, 40, 1, 6 },  { 0, 4, 2, 8 },   { 2, 0, 2, 8 },
        { 1, 260, 2, 96 },  { 1, 7, 1, 300 }, { 1, 520, 1, 2 }, { 40, 3, 2, 16 },
        { 1, 128, 1, 64 },  { 2, 33, 2, 25 },
    };
    for (int bf16 = 0; bf16 < 2; bf16++) {
        rig_begin(r, "SELF_ATTENTION", bf16 ? "BF16" : "F32");
        for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
            for (int variant = 0; variant < 4; variant++) {
                const int64_t *dim = shapes[i];
                const self a = { .s = dim[0],
                                 .t = dim[1],
                                 .h = dim[2],
                                 .d = dim[3],
                                 .scale = (double)(float)(1 / sqrt((double)dim[3])),
                                 .precision = bf16 ? INS1_PRECISION_BF16 : INS1_PRECISION_F32,
                                 .causal = variant & 1 };
                self_case(r, &a, variant & 2 ? SPREAD : DENSE);
            }
        rig_end(r);
    }
}

void conformance_encoders(rig *r)
{
    all_layernorms(r);
    all_acts(r);
    all_sums(r);
    all_convolutions(r);
    all_self_attentions(r);
}
