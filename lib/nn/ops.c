#include "nn/ops.h"

#include "base/error.h"

ins1_status s1_place(s1_placed *out, s1_device *device, const s1_tensor *tensor, ins1_error *error)
{
    *out = (s1_placed){ 0 };
    if (!tensor->dtype)
        return INS1_OK;
    ins1_status status =
        s1_buffer_wrap(&out->buffer, device, tensor->data, tensor->size, INS1_MEM_WEIGHTS, error);
    if (status == INS1_OK)
        out->view = s1_view_of(&out->buffer, tensor);
    return status;
}

void s1_unplace(s1_placed *placed)
{
    s1_buffer_destroy(&placed->buffer);
    *placed = (s1_placed){ 0 };
}

ins1_status s1_place_linear(s1_placed_linear *out, s1_device *device, const s1_linear *linear,
                            ins1_error *error)
{
    ins1_status status = s1_place(&out->weight, device, &linear->weight, error);
    if (status == INS1_OK)
        status = s1_place(&out->scale, device, &linear->scale, error);
    if (status == INS1_OK)
        status = s1_place(&out->bias, device, &linear->bias, error);
    return status;
}

void s1_unplace_linear(s1_placed_linear *placed)
{
    s1_unplace(&placed->weight);
    s1_unplace(&placed->scale);
    s1_unplace(&placed->bias);
}

void s1_ops_reset(s1_ops *ops, int32_t precision)
{
    ops->precision = precision;
    ops->n = 0;
    ops->n_descs = 0;
}

ins1_status s1_ops_run(s1_ops *ops, s1_stream *stream, const s1_call *call)
{
    int32_t n = ops->n;
    s1_ops_reset(ops, ops->precision);
    if (n > S1_OPS_MAX)
        return s1_fail(call->error, INS1_E_INTERNAL, "a list of %d operations, room for %d", n,
                       S1_OPS_MAX);
    return s1_stream_run(stream, ops->op, n, call);
}

ins1_status s1_ops_reserve(s1_ops *ops, s1_stream *stream, ins1_error *error)
{
    int32_t n = ops->n < S1_OPS_MAX ? ops->n : S1_OPS_MAX;
    s1_ops_reset(ops, ops->precision);
    return s1_stream_reserve(stream, ops->op, n, error);
}

bool s1_ops_can(s1_ops *ops, const s1_stream *stream)
{
    int32_t n = ops->n;
    s1_ops_reset(ops, ops->precision);
    return n <= S1_OPS_MAX && s1_stream_can(stream, ops->op, n);
}

/* A list that is too long is noticed when it is run; nothing is written past its end. */
static ins1_op *push(s1_ops *ops, int32_t kind, int32_t n_in, int32_t n_out)
{
    ins1_op *op = &ops->op[ops->n < S1_OPS_MAX ? ops->n : S1_OPS_MAX - 1];
    if (ops->n_descs + n_in + n_out > S1_OPS_MAX_DESCS) {
        ops->n = S1_OPS_MAX; /* one more than there is room for */
        ops->n_descs = 0;
    }
    ops->n++;
    *op = (ins1_op){
        .struct_size = sizeof(*op),
        .op = kind,
        .n_in = n_in,
        .n_out = n_out,
        .in = &ops->desc[ops->n_descs],
        .out = &ops->desc[ops->n_descs + n_in],
    };
    return op;
}

static void operand(s1_ops *ops, ins1_tensor_desc desc)
{
    ops->desc[ops->n_descs++] = desc;
}

void s1_ops_matmul(s1_ops *ops, ins1_tensor_desc y, const s1_placed_linear *w, ins1_tensor_desc x,
                   uint32_t flags)
{
    ins1_op *op = push(ops, INS1_OP_MATMUL, 4, 1);
    operand(ops, w->weight.view);
    operand(ops, x);
    operand(ops, w->scale.view);
    operand(ops, w->bias.view);
    operand(ops, y);
    op->i[0] = s1_product_precision(w->weight.view.dtype, ops->precision);
    op->flags = flags;
}

void s1_ops_experts(s1_ops *ops, ins1_tensor_desc y, const s1_expert_list *experts,
                    ins1_tensor_desc x, ins1_tensor_desc ids, int32_t results_per_row)
{
    ins1_op *op = push(ops, INS1_OP_MATMUL_EXPERTS, 0, 1);
    operand(ops, y);
    experts->in[0] = x;
    experts->in[1] = ids;
    op->in = experts->in;
    op->n_in = 2 + 2 * experts->n_experts;
    op->i[0] = s1_product_precision(experts->in[2].dtype, ops->precision);
    op->i[1] = results_per_row;
    op->i[2] = experts->n_experts;
}

void s1_ops_rmsnorm(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc x, const s1_placed *weight,
                    float eps)
{
    ins1_op *op = push(ops, INS1_OP_RMSNORM, 2, 1);
    operand(ops, x);
    operand(ops, weight->view);
    operand(ops, y);
    op->f[0] = eps;
}

void s1_ops_rope(s1_ops *ops, ins1_tensor_desc x, ins1_tensor_desc cosines, ins1_tensor_desc sines)
{
    push(ops, INS1_OP_ROPE, 3, 1);
    operand(ops, x);
    operand(ops, cosines);
    operand(ops, sines);
    operand(ops, x);
}

void s1_ops_kv_put(s1_ops *ops, ins1_tensor_desc k_pool, ins1_tensor_desc v_pool,
                   ins1_tensor_desc k, ins1_tensor_desc v, ins1_tensor_desc rows,
                   ins1_tensor_desc pages)
{
    push(ops, INS1_OP_KV_PUT, 4, 2);
    operand(ops, k);
    operand(ops, v);
    operand(ops, rows);
    operand(ops, pages);
    operand(ops, k_pool);
    operand(ops, v_pool);
}

void s1_ops_attention(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc q, ins1_tensor_desc k_pool,
                      ins1_tensor_desc v_pool, ins1_tensor_desc rows, ins1_tensor_desc pages,
                      float scale)
{
    ins1_op *op = push(ops, INS1_OP_ATTENTION, 5, 1);
    operand(ops, q);
    operand(ops, k_pool);
    operand(ops, v_pool);
    operand(ops, rows);
    operand(ops, pages);
    operand(ops, y);
    op->f[0] = scale;
}

void s1_ops_route(s1_ops *ops, ins1_tensor_desc ids, ins1_tensor_desc gates,
                  ins1_tensor_desc logits, int32_t n_groups, uint32_t flags)
{
    ins1_op *op = push(ops, INS1_OP_ROUTE, 1, 2);
    operand(ops, logits);
    operand(ops, ids);
    operand(ops, gates);
    op->i[1] = n_groups;
    op->flags = flags;
}

void s1_ops_combine(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc x, ins1_tensor_desc gates)
{
    push(ops, INS1_OP_COMBINE, 2, 1);
    operand(ops, x);
    operand(ops, gates);
    operand(ops, y);
}

void s1_ops_act_mul(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc a, ins1_tensor_desc b,
                    int32_t act)
{
    ins1_op *op = push(ops, INS1_OP_ACT_MUL, 2, 1);
    operand(ops, a);
    operand(ops, b);
    operand(ops, y);
    op->i[0] = act;
}

void s1_ops_get_rows(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc table, ins1_tensor_desc ids)
{
    push(ops, INS1_OP_GET_ROWS, 2, 1);
    operand(ops, table);
    operand(ops, ids);
    operand(ops, y);
}

void s1_ops_add(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc a, ins1_tensor_desc b)
{
    push(ops, INS1_OP_ADD, 2, 1);
    operand(ops, a);
    operand(ops, b);
    operand(ops, y);
}

void s1_ops_layernorm(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc x, const s1_placed *weight,
                      const s1_placed *bias, float eps)
{
    ins1_op *op = push(ops, INS1_OP_LAYERNORM, 3, 1);
    operand(ops, x);
    operand(ops, weight->view);
    operand(ops, bias->view);
    operand(ops, y);
    op->f[0] = eps;
}

void s1_ops_act(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc x, int32_t act)
{
    ins1_op *op = push(ops, INS1_OP_ACT, 1, 1);
    operand(ops, x);
    operand(ops, y);
    op->i[0] = act;
}

void s1_ops_add_scaled(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc x, const s1_placed *scale)
{
    push(ops, INS1_OP_ADD_SCALED, 2, 1);
    operand(ops, x);
    operand(ops, scale->view);
    operand(ops, y);
}

void s1_ops_self_attention(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc q, ins1_tensor_desc k,
                           ins1_tensor_desc v, float scale, uint32_t flags)
{
    ins1_op *op = push(ops, INS1_OP_SELF_ATTENTION, 3, 1);
    operand(ops, q);
    operand(ops, k);
    operand(ops, v);
    operand(ops, y);
    op->i[0] = ops->precision;
    op->f[0] = scale;
    op->flags = flags;
}

void s1_ops_mean(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc x)
{
    push(ops, INS1_OP_MEAN, 1, 1);
    operand(ops, x);
    operand(ops, y);
}
