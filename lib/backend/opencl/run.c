/* Lists of operations in order, and what is supported. */

#include "backend/opencl/opencl.h"

#include "interns1/model.h"

int32_t s1_cl_type(int32_t dtype)
{
    switch (dtype) {
    case INS1_DTYPE_F32:
    case INS1_DTYPE_I32:
        return S1_CL_F32;
    case INS1_DTYPE_F16:
        return S1_CL_F16;
    case INS1_DTYPE_BF16:
        return S1_CL_BF16;
    case INS1_DTYPE_F8_E4M3:
        return S1_CL_F8;
    case INS1_DTYPE_U8:
        return S1_CL_U8;
    default:
        return S1_CL_NONE;
    }
}

static bool is_float(const ins1_tensor_desc *x)
{
    int32_t type = s1_cl_type(x->dtype);
    return x->dtype != INS1_DTYPE_I32 && type != S1_CL_NONE && type != S1_CL_U8;
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
    return s1_cl_stride(a, 0) == s1_cl_stride(b, 0) && s1_cl_stride(a, 1) == s1_cl_stride(b, 1);
}

/* All experts are of one type and lie alike; a table of them is sent at once. */
static bool supports_experts(const ins1_op *op)
{
    int32_t e = op->i[2];

    if (!is_precision(op->i[0]) || e < 1 || op->n_in < 2 + 2 * e || !is_float(&op->in[2]) ||
        !is_scale(&op->in[2 + e]) || (size_t)e > S1_CL_TABLES / sizeof(s1_cl_expert))
        return false;
    for (int32_t i = 2; i < 2 + e; i++)
        if (!are_alike(&op->in[i], &op->in[2]) || !are_alike(&op->in[i + e], &op->in[2 + e]))
            return false;
    return true;
}

int32_t s1_cl_supports(void *context, const ins1_op *op)
{
    const s1_cl_device *d = context;

    for (int32_t i = 0; i < op->n_in; i++)
        if (op->in[i].layout != INS1_LAYOUT_STRIDED)
            return 0;
    switch (op->op) {
    case INS1_OP_MATMUL:
        return is_precision(op->i[0]) && is_float(&op->in[0]) && is_scale(&op->in[2]) &&
               is_float_or_absent(&op->in[3]);
    case INS1_OP_MATMUL_EXPERTS:
        return supports_experts(op);
    case INS1_OP_RMSNORM:
        return is_float(&op->in[1]);
    case INS1_OP_LAYERNORM:
        return is_float(&op->in[1]) && is_float_or_absent(&op->in[2]);
    case INS1_OP_KV_PUT:
        return is_pool(&op->out[0]) && is_pool(&op->out[1]);
    case INS1_OP_ATTENTION:
        return is_pool(&op->in[1]) && is_pool(&op->in[2]) && s1_cl_head_fits(d, op->in[0].dim[3]);
    case INS1_OP_SELF_ATTENTION:
        return is_precision(op->i[0]) && s1_cl_head_fits(d, op->in[0].dim[3]);
    case INS1_OP_ROUTE:
        return op->in[0].dim[1] <= S1_CL_MOST_EXPERTS;
    case INS1_OP_ACT_MUL:
    case INS1_OP_ACT:
        return is_act(op->i[0]);
    case INS1_OP_GET_ROWS:
        return is_float(&op->in[0]);
    case INS1_OP_ADD_SCALED:
        return is_float(&op->in[1]);
    case INS1_OP_ROPE:
    case INS1_OP_COMBINE:
    case INS1_OP_ADD:
    case INS1_OP_SCALE:
    case INS1_OP_MEAN:
        return 1;
    default:
        return 0;
    }
}

static int32_t run_one(s1_cl_stream *s, const ins1_op *op)
{
    switch (op->op) {
    case INS1_OP_MATMUL:
        return s1_cl_matmul(s, op);
    case INS1_OP_MATMUL_EXPERTS:
        return s1_cl_matmul_experts(s, op);
    case INS1_OP_RMSNORM:
    case INS1_OP_LAYERNORM:
        return s1_cl_norm_op(s, op);
    case INS1_OP_ROPE:
        return s1_cl_rope_op(s, op);
    case INS1_OP_KV_PUT:
        return s1_cl_kv_put_op(s, op);
    case INS1_OP_ATTENTION:
        return s1_cl_attention_op(s, op);
    case INS1_OP_SELF_ATTENTION:
        return s1_cl_self_attention_op(s, op);
    case INS1_OP_ROUTE:
        return s1_cl_route_op(s, op);
    default:
        return s1_cl_rows_op(s, op);
    }
}

/* The queue keeps the order. */
int32_t s1_cl_run(void *stream, const ins1_op *ops, int32_t n)
{
    s1_cl_stream *s = stream;
    int32_t status = INS1_OK;

    for (int32_t i = 0; i < n && status == INS1_OK; i++)
        status = s1_cl_supports(s->device, &ops[i]) ? run_one(s, &ops[i]) : INS1_E_UNSUPPORTED;
    return status;
}
