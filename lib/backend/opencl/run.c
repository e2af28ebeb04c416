/* Lists of operations in order, and what is supported. */

#include "backend/opencl/opencl.h"

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

/* A table of them is sent at once. */
static bool experts_fit(const ins1_op *op)
{
    return (size_t)op->i[2] <= S1_CL_TABLES / sizeof(s1_cl_expert) && s1_gpu_experts_are_alike(op);
}

int32_t s1_cl_supports(void *context, const ins1_op *op)
{
    const s1_cl_device *d = context;

    if (!s1_gpu_knows(op))
        return 0;
    switch (op->op) {
    case INS1_OP_MATMUL_EXPERTS:
        return experts_fit(op);
    case INS1_OP_ATTENTION:
    case INS1_OP_SELF_ATTENTION:
        return s1_cl_head_fits(d, op->in[0].dim[3]);
    case INS1_OP_ROUTE:
        return op->in[0].dim[1] <= S1_CL_MOST_EXPERTS;
    default:
        return 1;
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
