/* Lists of operations in order, and what is supported. */

#include "backend/vulkan/vulkan.h"

uint32_t s1_vk_type(int32_t dtype)
{
    switch (dtype) {
    case INS1_DTYPE_F32:
    case INS1_DTYPE_I32:
        return S1_VK_F32;
    case INS1_DTYPE_F16:
        return S1_VK_F16;
    case INS1_DTYPE_BF16:
        return S1_VK_BF16;
    case INS1_DTYPE_F8_E4M3:
        return S1_VK_F8;
    case INS1_DTYPE_U8:
        return S1_VK_U8;
    default:
        return S1_VK_NONE;
    }
}

int64_t s1_vk_size(int32_t dtype)
{
    switch (s1_vk_type(dtype)) {
    case S1_VK_F32:
        return 4;
    case S1_VK_F16:
    case S1_VK_BF16:
        return 2;
    default:
        return 1;
    }
}

/* One matrix is seen at once, with its scales. */
static bool experts_fit(const s1_vk_device *d, const ins1_op *op)
{
    s1_vk_use use;
    uint32_t at;

    for (int32_t i = 2; i < 2 + op->i[2]; i++)
        if (!s1_vk_see_all(d, &op->in[i], &use, &at))
            return false;
    return s1_gpu_experts_are_alike(op);
}

int32_t s1_vk_supports(void *context, const ins1_op *op)
{
    const s1_vk_device *d = context;

    if (!s1_gpu_knows(op))
        return 0;
    switch (op->op) {
    case INS1_OP_MATMUL_EXPERTS:
        return experts_fit(d, op);
    case INS1_OP_ATTENTION:
    case INS1_OP_SELF_ATTENTION:
        return s1_vk_head_fits(d, op->in[0].dim[3]);
    case INS1_OP_ROUTE:
        return s1_vk_route_fits(d, op->in[0].dim[1]);
    default:
        return 1;
    }
}

static int32_t run_one(s1_vk_stream *s, const ins1_op *op)
{
    switch (op->op) {
    case INS1_OP_MATMUL:
        return s1_vk_matmul(s, op);
    case INS1_OP_MATMUL_EXPERTS:
        return s1_vk_matmul_experts(s, op);
    case INS1_OP_RMSNORM:
    case INS1_OP_LAYERNORM:
        return s1_vk_norm(s, op);
    case INS1_OP_ROPE:
        return s1_vk_rope(s, op);
    case INS1_OP_KV_PUT:
        return s1_vk_kv_put(s, op);
    case INS1_OP_ATTENTION:
        return s1_vk_attention(s, op);
    case INS1_OP_SELF_ATTENTION:
        return s1_vk_self_attention(s, op);
    case INS1_OP_ROUTE:
        return s1_vk_route(s, op);
    default:
        return s1_vk_rows(s, op);
    }
}

static bool overlap(const ins1_tensor_desc *a, const ins1_tensor_desc *b)
{
    return a->buffer == b->buffer && a->offset < b->offset + b->bytes &&
           b->offset < a->offset + a->bytes;
}

/* Lists of experts are made of ids that may change. */
static void forget_lists(s1_vk_stream *s, const ins1_op *op)
{
    for (int32_t i = 0; i < op->n_out; i++)
        if (s->listed.is_there && overlap(&op->out[i], &s->listed.ids))
            s->listed.is_there = false;
}

int32_t s1_vk_run(void *stream, const ins1_op *ops, int32_t n)
{
    s1_vk_stream *s = stream;
    int32_t status = s1_vk_submit(s); /* transfers from before are not this list's to forget */

    s->listed.is_there = false;
    for (int32_t i = 0; i < n && status == INS1_OK; i++) {
        if (!s1_vk_supports(s->device, &ops[i]))
            status = INS1_E_UNSUPPORTED;
        if (status == INS1_OK && i > 0)
            status = s1_vk_barrier(s);
        if (status == INS1_OK)
            status = run_one(s, &ops[i]);
        forget_lists(s, &ops[i]);
    }
    if (status == INS1_OK)
        return s1_vk_submit(s);
    s1_vk_abandon(s);
    return status;
}
