/* Operations that work row by row; kernels/rows.cu computes them. */

#include "backend/cuda/cuda.h"

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

/* Blocks of one row. */
static int32_t queue_rows(s1_cuda_stream *s, int32_t kernel, void *argument, int64_t rows,
                          double amount_of_row)
{
    const s1_cuda_launch launch = { kernel, argument, 1, rows, 1, amount_of_row * (double)rows };
    return s1_cuda_queue(s, &launch);
}

int32_t s1_cuda_norm_op(s1_cuda_stream *s, const ins1_op *op)
{
    const ins1_tensor_desc *x = &op->in[0], *weight = &op->in[1], *y = &op->out[0];
    bool is_centered = op->op == INS1_OP_LAYERNORM;
    s1_cuda_norm argument = {
        .x = s1_cuda_address(x),
        .y = s1_cuda_address(y),
        .weight = s1_cuda_address(weight),
        .bias = is_centered ? s1_cuda_address(&op->in[2]) : NULL,
        .dim = { outer_dim(x, 2), outer_dim(x, 1) },
        .n = x->dim[x->ndim - 1],
        .weight_type = s1_cuda_type(weight->dtype),
        .bias_type = is_centered ? s1_cuda_type(op->in[2].dtype) : S1_CUDA_NONE,
        .is_centered = is_centered,
        .epsilon = op->f[0],
    };

    outer_strides(x, argument.x_stride);
    outer_strides(y, argument.y_stride);
    if (!argument.n)
        return INS1_OK;
    return queue_rows(s, S1_CUDA_norm, &argument, count_rows(x), 4 * (double)argument.n);
}

int32_t s1_cuda_rope_op(s1_cuda_stream *s, const ins1_op *op)
{
    const ins1_tensor_desc *x = &op->in[0];
    s1_cuda_rope argument = {
        .x = s1_cuda_address(x),
        .cosine = s1_cuda_address(&op->in[1]),
        .sine = s1_cuda_address(&op->in[2]),
        .y = s1_cuda_address(&op->out[0]),
        .cosine_stride = { s1_gpu_stride(&op->in[1], 0), s1_gpu_stride(&op->in[1], 1) },
        .sine_stride = { s1_gpu_stride(&op->in[2], 0), s1_gpu_stride(&op->in[2], 1) },
        .groups = x->dim[1],
        .heads = x->dim[2],
        .half = x->dim[3] / 2,
    };
    int64_t pairs = argument.groups * argument.heads * argument.half;

    outer_strides(x, argument.x_stride);
    outer_strides(&op->out[0], argument.y_stride);
    return pairs ? queue_rows(s, S1_CUDA_rope, &argument, x->dim[0], 8 * (double)pairs) : INS1_OK;
}

int32_t s1_cuda_route_op(s1_cuda_stream *s, const ins1_op *op)
{
    const ins1_tensor_desc *logits = &op->in[0], *ids = &op->out[0], *gates = &op->out[1];
    s1_cuda_route argument = {
        .logits = s1_cuda_address(logits),
        .ids = s1_cuda_address(ids),
        .gates = s1_cuda_address(gates),
        .logits_row = s1_gpu_stride(logits, 0),
        .ids_row = s1_gpu_stride(ids, 0),
        .gates_row = s1_gpu_stride(gates, 0),
        .n = (int32_t)logits->dim[1],
        .k = (int32_t)ids->dim[1],
        .groups = op->i[1] > 1 ? op->i[1] : 1,
        .normalizes = (op->flags & INS1_OP_NORMALIZE) != 0,
    };
    double n = argument.n;

    if (!argument.k)
        return INS1_OK;
    return queue_rows(s, S1_CUDA_route, &argument, logits->dim[0],
                      n * (n / argument.groups + n / 2 + 16));
}

int32_t s1_cuda_kv_put_op(s1_cuda_stream *s, const ins1_op *op)
{
    const ins1_tensor_desc *k = &op->in[0], *v = &op->in[1];
    const ins1_tensor_desc *k_pool = &op->out[0], *v_pool = &op->out[1];
    s1_cuda_put argument = {
        .k = s1_cuda_address(k),
        .v = s1_cuda_address(v),
        .rows = s1_cuda_address(&op->in[2]),
        .pages = s1_cuda_address(&op->in[3]),
        .k_pool = s1_cuda_address(k_pool),
        .v_pool = s1_cuda_address(v_pool),
        .k_stride = { s1_gpu_stride(k, 0), s1_gpu_stride(k, 1) },
        .v_stride = { s1_gpu_stride(v, 0), s1_gpu_stride(v, 1) },
        .rows_row = s1_gpu_stride(&op->in[2], 0),
        .pages_row = s1_gpu_stride(&op->in[3], 0),
        .groups = k->dim[1],
        .width = k->dim[3],
        .page_length = k_pool->dim[2],
        .k_type = s1_cuda_type(k_pool->dtype),
        .v_type = s1_cuda_type(v_pool->dtype),
    };
    int64_t numbers = argument.groups * argument.width;

    outer_strides(k_pool, argument.k_pool_stride);
    outer_strides(v_pool, argument.v_pool_stride);
    return numbers ? queue_rows(s, S1_CUDA_kv_put, &argument, k->dim[0], 8 * (double)numbers)
                   : INS1_OK;
}

/* ---- a thread for each number -----------------------------------------------------------------
 */

static int32_t kernel_of(int32_t op)
{
    switch (op) {
    case INS1_OP_COMBINE:
        return S1_CUDA_combine;
    case INS1_OP_ACT_MUL:
        return S1_CUDA_act_mul;
    case INS1_OP_ADD:
        return S1_CUDA_add;
    case INS1_OP_SCALE:
        return S1_CUDA_scale_by;
    case INS1_OP_GET_ROWS:
        return S1_CUDA_get_rows;
    case INS1_OP_ACT:
        return S1_CUDA_activate;
    case INS1_OP_ADD_SCALED:
        return S1_CUDA_add_scaled;
    default:
        return S1_CUDA_mean;
    }
}

/* Which of the inputs has a type of its own, and how many terms a number has. */
static void fill_in(const ins1_op *op, s1_cuda_rows *v)
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
        v->type = s1_cuda_type(a->dtype);
        break;
    case INS1_OP_ADD_SCALED:
        v->type = s1_cuda_type(b->dtype);
        break;
    default:
        break;
    }
}

int32_t s1_cuda_rows_op(s1_cuda_stream *s, const ins1_op *op)
{
    const ins1_tensor_desc *y = &op->out[0];
    s1_cuda_rows argument = {
        .a = s1_cuda_address(&op->in[0]),
        .b = op->n_in > 1 ? s1_cuda_address(&op->in[1]) : NULL,
        .y = s1_cuda_address(y),
        .a_row = s1_gpu_stride(&op->in[0], 0),
        .b_row = op->n_in > 1 ? s1_gpu_stride(&op->in[1], 0) : 0,
        .y_row = s1_gpu_stride(y, 0),
        .n = y->dim[1],
        .act = op->i[0],
        .factor = op->f[0],
    };
    fill_in(op, &argument);
    bool has_terms = op->op == INS1_OP_COMBINE || op->op == INS1_OP_MEAN;
    double terms = has_terms ? (double)argument.count + 4 : 4;
    const s1_cuda_launch launch = {
        .kernel = kernel_of(op->op),
        .argument = &argument,
        .x = s1_cuda_ceil_div(y->dim[1], S1_CUDA_ROW_THREADS),
        .y = y->dim[0],
        .z = 1,
        .amount = (double)y->dim[0] * (double)y->dim[1] * terms,
    };
    return s1_cuda_queue(s, &launch);
}
