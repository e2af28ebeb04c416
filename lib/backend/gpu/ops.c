#include "backend/gpu/gpu.h"

#include "interns1/model.h"

static bool is_float(const ins1_tensor_desc *x)
{
    return x->dtype == INS1_DTYPE_F32 || x->dtype == INS1_DTYPE_F16 ||
           x->dtype == INS1_DTYPE_BF16 || x->dtype == INS1_DTYPE_F8_E4M3;
}

static bool is_float_or_absent(const ins1_tensor_desc *x)
{
    return !x->dtype || is_float(x);
}

static bool is_pool(const ins1_tensor_desc *x)
{
    return is_float(x) && x->dtype != INS1_DTYPE_F8_E4M3;
}

static bool is_scale(const ins1_tensor_desc *x)
{
    return !x->dtype || x->dtype == INS1_DTYPE_F32 || x->dtype == INS1_DTYPE_BF16 ||
           x->dtype == INS1_DTYPE_U8;
}

static bool is_precision(int32_t precision)
{
    return precision == INS1_PRECISION_F32 || precision == INS1_PRECISION_BF16;
}

static bool is_act(int32_t act)
{
    return act >= INS1_ACT_SILU && act <= INS1_ACT_RELU;
}

static bool are_alike(const ins1_tensor_desc *a, const ins1_tensor_desc *b)
{
    if (a->dtype != b->dtype || !a->dtype)
        return a->dtype == b->dtype;
    return s1_gpu_stride(a, 0) == s1_gpu_stride(b, 0) && s1_gpu_stride(a, 1) == s1_gpu_stride(b, 1);
}

bool s1_gpu_experts_are_alike(const ins1_op *op)
{
    const int32_t e = op->i[2];
    for (int32_t i = 2; i < 2 + e; i++)
        if (!are_alike(&op->in[i], &op->in[2]) || !are_alike(&op->in[i + e], &op->in[2 + e]))
            return false;
    return true;
}

static bool knows_experts(const ins1_op *op)
{
    const int32_t e = op->i[2];
    return is_precision(op->i[0]) && e >= 1 && op->n_in >= 2 + 2 * e && is_float(&op->in[2]) &&
           is_scale(&op->in[2 + e]);
}

bool s1_gpu_knows(const ins1_op *op)
{
    for (int32_t i = 0; i < op->n_in; i++)
        if (op->in[i].layout != INS1_LAYOUT_STRIDED)
            return false;
    switch (op->op) {
    case INS1_OP_MATMUL:
        return is_precision(op->i[0]) && is_float(&op->in[0]) && is_scale(&op->in[2]) &&
               is_float_or_absent(&op->in[3]);
    case INS1_OP_MATMUL_EXPERTS:
        return knows_experts(op);
    case INS1_OP_RMSNORM:
    case INS1_OP_ADD_SCALED:
        return is_float(&op->in[1]);
    case INS1_OP_LAYERNORM:
        return is_float(&op->in[1]) && is_float_or_absent(&op->in[2]);
    case INS1_OP_KV_PUT:
        return is_pool(&op->out[0]) && is_pool(&op->out[1]);
    case INS1_OP_ATTENTION:
        return is_pool(&op->in[1]) && is_pool(&op->in[2]);
    case INS1_OP_SELF_ATTENTION:
        return is_precision(op->i[0]);
    case INS1_OP_ACT_MUL:
    case INS1_OP_ACT:
        return is_act(op->i[0]);
    case INS1_OP_GET_ROWS:
        return is_float(&op->in[0]);
    case INS1_OP_ROPE:
    case INS1_OP_ROUTE:
    case INS1_OP_COMBINE:
    case INS1_OP_ADD:
    case INS1_OP_SCALE:
    case INS1_OP_MEAN:
        return true;
    default:
        return false;
    }
}
