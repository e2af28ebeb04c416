/* Operations that work row by row; kernels/rows.cl computes them. */

#include "backend/opencl/opencl.h"

static int64_t count_rows(const ins1_tensor_desc *x)
{
    int64_t n = 1;
    for (int32_t i = 0; i < x->ndim - 1; i++)
        n *= x->dim[i];
    return n;
}

/* Of the three axes before the last. */
static void outer_strides(const ins1_tensor_desc *x, int64_t stride[3])
{
    for (int32_t i = 0; i < 3; i++) {
        int32_t axis = x->ndim - 4 + i;
        stride[i] = axis >= 0 ? s1_gpu_stride(x, axis) : 0;
    }
}

static int64_t outer_dim(const ins1_tensor_desc *x, int32_t from_last)
{
    int32_t axis = x->ndim - 1 - from_last;
    return axis >= 0 ? x->dim[axis] : 1;
}

int32_t s1_cl_norm_op(s1_cl_stream *s, const ins1_op *op)
{
    const ins1_tensor_desc *x = &op->in[0], *weight = &op->in[1], *y = &op->out[0];
    const ins1_tensor_desc *bias = op->op == INS1_OP_LAYERNORM ? &op->in[2] : NULL;
    s1_cl_norm v = {
        .x_at = (int64_t)x->offset,
        .y_at = (int64_t)y->offset,
        .dim = { outer_dim(x, 2), outer_dim(x, 1) },
        .n = x->dim[x->ndim - 1],
        .weight_at = (int64_t)weight->offset,
        .weight_type = s1_cl_type(weight->dtype),
        .bias_at = bias ? (int64_t)bias->offset : 0,
        .bias_type = bias ? s1_cl_type(bias->dtype) : S1_CL_NONE,
        .is_centered = bias != NULL,
        .epsilon = op->f[0],
    };
    const s1_cl_launch launch = {
        .kernel = S1_CL_NORM,
        .argument = &v,
        .argument_size = sizeof(v),
        .n_buffers = 4,
        .buffers = { s1_cl_buffer(x), s1_cl_buffer(weight), bias ? s1_cl_buffer(bias) : NULL,
                     s1_cl_buffer(y) },
        .x = 1,
        .y = v.n ? count_rows(x) : 0,
        .z = 1,
        .amount = 4 * (double)(v.n + S1_CL_ITEMS) * (double)count_rows(x),
    };

    outer_strides(x, v.x_stride);
    outer_strides(y, v.y_stride);
    return s1_cl_queue(s, &launch);
}

int32_t s1_cl_rope_op(s1_cl_stream *s, const ins1_op *op)
{
    const ins1_tensor_desc *x = &op->in[0], *cosine = &op->in[1], *sine = &op->in[2];
    const ins1_tensor_desc *y = &op->out[0];
    s1_cl_rope v = {
        .x_at = (int64_t)x->offset,
        .y_at = (int64_t)y->offset,
        .cosine_at = (int64_t)cosine->offset,
        .cosine_stride = { s1_gpu_stride(cosine, 0), s1_gpu_stride(cosine, 1) },
        .sine_at = (int64_t)sine->offset,
        .sine_stride = { s1_gpu_stride(sine, 0), s1_gpu_stride(sine, 1) },
        .groups = x->dim[1],
        .heads = x->dim[2],
        .half_width = x->dim[3] / 2,
    };
    int64_t pairs = v.groups * v.heads * v.half_width;
    const s1_cl_launch launch = {
        .kernel = S1_CL_ROPE,
        .argument = &v,
        .argument_size = sizeof(v),
        .n_buffers = 4,
        .buffers = { s1_cl_buffer(x), s1_cl_buffer(cosine), s1_cl_buffer(sine), s1_cl_buffer(y) },
        .x = 1,
        .y = pairs ? x->dim[0] : 0,
        .z = 1,
        .amount = 8 * (double)pairs * (double)x->dim[0],
    };

    outer_strides(x, v.x_stride);
    outer_strides(y, v.y_stride);
    return s1_cl_queue(s, &launch);
}

int32_t s1_cl_route_op(s1_cl_stream *s, const ins1_op *op)
{
    const ins1_tensor_desc *logits = &op->in[0], *ids = &op->out[0], *gates = &op->out[1];
    s1_cl_route v = {
        .logits_at = (int64_t)logits->offset,
        .logits_row = s1_gpu_stride(logits, 0),
        .ids_at = (int64_t)ids->offset,
        .ids_row = s1_gpu_stride(ids, 0),
        .gates_at = (int64_t)gates->offset,
        .gates_row = s1_gpu_stride(gates, 0),
        .n = (int32_t)logits->dim[1],
        .k = (int32_t)ids->dim[1],
        .groups = op->i[1] > 1 ? op->i[1] : 1,
        .normalizes = (op->flags & INS1_OP_NORMALIZE) != 0,
    };
    double n = v.n;
    const s1_cl_launch launch = {
        .kernel = S1_CL_ROUTE,
        .argument = &v,
        .argument_size = sizeof(v),
        .n_buffers = 3,
        .buffers = { s1_cl_buffer(logits), s1_cl_buffer(ids), s1_cl_buffer(gates) },
        .x = 1,
        .y = v.k ? logits->dim[0] : 0,
        .z = 1,
        .amount = n * (n / v.groups + n / 2 + 16) * (double)logits->dim[0],
    };
    return s1_cl_queue(s, &launch);
}

int32_t s1_cl_kv_put_op(s1_cl_stream *s, const ins1_op *op)
{
    const ins1_tensor_desc *k = &op->in[0], *v = &op->in[1], *rows = &op->in[2];
    const ins1_tensor_desc *pages = &op->in[3], *k_pool = &op->out[0], *v_pool = &op->out[1];
    s1_cl_put put = {
        .k_at = (int64_t)k->offset,
        .k_stride = { s1_gpu_stride(k, 0), s1_gpu_stride(k, 1) },
        .v_at = (int64_t)v->offset,
        .v_stride = { s1_gpu_stride(v, 0), s1_gpu_stride(v, 1) },
        .rows_at = (int64_t)rows->offset,
        .rows_row = s1_gpu_stride(rows, 0),
        .pages_at = (int64_t)pages->offset,
        .pages_row = s1_gpu_stride(pages, 0),
        .k_pool_at = (int64_t)k_pool->offset,
        .v_pool_at = (int64_t)v_pool->offset,
        .groups = k->dim[1],
        .width = k->dim[3],
        .page_length = k_pool->dim[2],
        .k_type = s1_cl_type(k_pool->dtype),
        .v_type = s1_cl_type(v_pool->dtype),
    };
    int64_t numbers = put.groups * put.width;
    const s1_cl_launch launch = {
        .kernel = S1_CL_KV_PUT,
        .argument = &put,
        .argument_size = sizeof(put),
        .n_buffers = 6,
        .buffers = { s1_cl_buffer(k), s1_cl_buffer(v), s1_cl_buffer(rows), s1_cl_buffer(pages),
                     s1_cl_buffer(k_pool), s1_cl_buffer(v_pool) },
        .x = 1,
        .y = numbers ? k->dim[0] : 0,
        .z = 1,
        .amount = 8 * (double)numbers * (double)k->dim[0],
    };

    outer_strides(k_pool, put.k_pool_stride);
    outer_strides(v_pool, put.v_pool_stride);
    return s1_cl_queue(s, &launch);
}

/* ---- a work item for each number --------------------------------------------------------------
 */

/* Which of the inputs has a type of its own, and how many terms a number has. */
static void fill_in(const ins1_op *op, s1_cl_rows *v)
{
    const ins1_tensor_desc *a = &op->in[0], *b = op->n_in > 1 ? &op->in[1] : NULL;

    switch (op->op) {
    case INS1_OP_COMBINE:
        v->count = b->dim[1];
        break;
    case INS1_OP_ADD:
        v->count = b->dim[0];
        break;
    case INS1_OP_MEAN:
        v->a_segment = s1_gpu_stride(a, 0);
        v->a_row = s1_gpu_stride(a, 1);
        v->count = a->dim[1];
        break;
    case INS1_OP_GET_ROWS:
        v->type = s1_cl_type(a->dtype);
        break;
    case INS1_OP_ADD_SCALED:
        v->type = s1_cl_type(b->dtype);
        break;
    default:
        break;
    }
}

int32_t s1_cl_rows_op(s1_cl_stream *s, const ins1_op *op)
{
    const ins1_tensor_desc *a = &op->in[0], *b = op->n_in > 1 ? &op->in[1] : NULL;
    const ins1_tensor_desc *y = &op->out[0];
    s1_cl_rows v = {
        .a_at = (int64_t)a->offset,
        .a_row = s1_gpu_stride(a, 0),
        .b_at = b ? (int64_t)b->offset : 0,
        .b_row = b ? s1_gpu_stride(b, 0) : 0,
        .y_at = (int64_t)y->offset,
        .y_row = s1_gpu_stride(y, 0),
        .n = y->dim[1],
        .op = op->op,
        .act = op->i[0],
        .factor = op->f[0],
    };
    fill_in(op, &v);
    bool has_terms = op->op == INS1_OP_COMBINE || op->op == INS1_OP_MEAN;
    double terms = has_terms ? (double)v.count + 4 : 4;
    const s1_cl_launch launch = {
        .kernel = S1_CL_ROWS,
        .argument = &v,
        .argument_size = sizeof(v),
        .n_buffers = 3,
        .buffers = { s1_cl_buffer(a), b ? s1_cl_buffer(b) : NULL, s1_cl_buffer(y) },
        .x = s1_cl_ceil_div(y->dim[1], S1_CL_ITEMS),
        .y = y->dim[0],
        .z = 1,
        .amount = (double)y->dim[0] * (double)y->dim[1] * terms,
    };
    return s1_cl_queue(s, &launch);
}
