/* The operations that work row by row. Rows are halved until a half is seen at once and is short.
 */

#include "backend/vulkan/vulkan.h"

/* Rows [begin, end) of an operation: INS1_E_UNSUPPORTED where they do not fit. */
typedef int32_t rows_fn(s1_vk_stream *s, const ins1_op *op, int64_t begin, int64_t end);

enum { LANES = 64 };

static int32_t run_rows(s1_vk_stream *s, const ins1_op *op, rows_fn *fn, int64_t begin, int64_t end,
                        double work_of_row)
{
    bool is_long = (double)(end - begin) * work_of_row > s->pace.budget && end - begin > 1;
    bool is_wide = end - begin > (int64_t)s->device->entry->most_groups;
    int32_t status = INS1_E_UNSUPPORTED;

    if (begin == end)
        return INS1_OK;
    if (!is_long && !is_wide)
        status = fn(s, op, begin, end);
    if (status != INS1_E_UNSUPPORTED || end - begin < 2)
        return status;
    int64_t middle = begin + (end - begin) / 2;
    status = run_rows(s, op, fn, begin, middle, work_of_row);
    return status == INS1_OK ? run_rows(s, op, fn, middle, end, work_of_row) : status;
}

static int64_t count_rows(const ins1_tensor_desc *x)
{
    int64_t n = 1;
    for (int32_t i = 0; i < x->ndim - 1; i++)
        n *= x->dim[i];
    return n;
}

static int64_t width_of(const ins1_tensor_desc *x)
{
    return x->dim[x->ndim - 1];
}

/* ---- views of four axes -----------------------------------------------------------------------
 */

/* Elements from element 0 to the first of row `at` of any axes. */
static int64_t row_at(const ins1_tensor_desc *x, int64_t at)
{
    int64_t elements = 0;
    for (int32_t axis = x->ndim - 2; axis >= 0; axis--) {
        elements += at % x->dim[axis] * s1_gpu_stride(x, axis);
        at /= x->dim[axis];
    }
    return elements;
}

/* Rows [begin, end): neighbours in number need not be neighbours in memory, so all between is seen,
 * and all of each axis inside the first that they differ in. */
static bool see_rows(const s1_vk_device *d, const ins1_tensor_desc *x, int64_t begin, int64_t end,
                     s1_vk_use *use, uint32_t *at)
{
    int64_t first = row_at(x, begin), last = row_at(x, end - 1), reach = 0, inner = 1;

    for (int32_t axis = x->ndim - 2; axis >= 0; axis--) {
        if (begin / inner == (end - 1) / inner)
            break;
        reach += (x->dim[axis] - 1) * s1_gpu_stride(x, axis);
        inner *= x->dim[axis];
    }
    /* `reach` in both directions is more than enough where strides ascend, and safe where not. */
    int64_t low = first - reach, high = last + reach, most = 0;
    for (int32_t axis = 0; axis < x->ndim - 1; axis++)
        most += (x->dim[axis] - 1) * s1_gpu_stride(x, axis);
    low = low < 0 ? 0 : low;
    high = high > most ? most : high;
    return s1_vk_see(d, x, low, high + width_of(x) - 1, use, at);
}

static void outer_strides(const ins1_tensor_desc *x, uint32_t stride[3])
{
    for (int32_t i = 0; i < 3; i++) {
        int32_t axis = x->ndim - 4 + i;
        stride[i] = axis >= 0 ? (uint32_t)s1_gpu_stride(x, axis) : 0;
    }
}

static uint32_t outer_dim(const ins1_tensor_desc *x, int32_t from_last)
{
    int32_t axis = x->ndim - 1 - from_last;
    return axis >= 0 ? (uint32_t)x->dim[axis] : 1;
}

/* ---- norms ------------------------------------------------------------------------------------
 */

static int32_t norm_rows(s1_vk_stream *s, const ins1_op *op, int64_t begin, int64_t end)
{
    const ins1_tensor_desc *x = &op->in[0], *weight = &op->in[1], *y = &op->out[0];
    const ins1_tensor_desc *bias = op->op == INS1_OP_LAYERNORM ? &op->in[2] : NULL;
    struct {
        uint32_t x_at, x_stride[3], y_at, y_stride[3], dim[2], first_row, n;
        uint32_t weight_at, weight_type, bias_at, bias_type;
        float eps;
    } v = {
        .dim = { outer_dim(x, 2), outer_dim(x, 1) },
        .first_row = (uint32_t)begin,
        .n = (uint32_t)width_of(x),
        .weight_type = s1_vk_type(weight->dtype),
        .bias_type = s1_vk_type(bias ? bias->dtype : 0),
        .eps = op->f[0],
    };
    s1_vk_call call = {
        .shader = S1_VK_NORM,
        .constants = { op->op == INS1_OP_LAYERNORM },
        .push = &v,
        .push_size = sizeof(v),
        .groups = { (uint32_t)(end - begin), 1, 1 },
        .work = (double)(end - begin) * (double)(v.n + LANES) * 4,
    };

    outer_strides(x, v.x_stride);
    outer_strides(y, v.y_stride);
    if (!see_rows(s->device, x, begin, end, &call.use[0], &v.x_at) ||
        !see_rows(s->device, y, begin, end, &call.use[3], &v.y_at) ||
        !s1_vk_see_all(s->device, weight, &call.use[1], &v.weight_at) ||
        (bias && bias->dtype && !s1_vk_see_all(s->device, bias, &call.use[2], &v.bias_at)))
        return INS1_E_UNSUPPORTED;
    return s1_vk_dispatch(s, &call);
}

int32_t s1_vk_norm(s1_vk_stream *s, const ins1_op *op)
{
    int64_t n = width_of(&op->in[0]);
    return n ? run_rows(s, op, norm_rows, 0, count_rows(&op->in[0]), (double)(n + LANES) * 4)
             : INS1_OK;
}

/* ---- rope -------------------------------------------------------------------------------------
 */

static void table_strides(const ins1_tensor_desc *table, uint32_t stride[2])
{
    stride[0] = (uint32_t)s1_gpu_stride(table, 0);
    stride[1] = (uint32_t)s1_gpu_stride(table, 1);
}

static int32_t rope_rows(s1_vk_stream *s, const ins1_op *op, int64_t begin, int64_t end)
{
    const ins1_tensor_desc *x = &op->in[0], *y = &op->out[0];
    struct {
        uint32_t x_at, x_stride[3], y_at, y_stride[3];
        uint32_t cos_at, cos_stride[2], sin_at, sin_stride[2];
        uint32_t first_row, n_rows, groups, heads, half_width;
    } v = {
        .first_row = (uint32_t)begin,
        .n_rows = (uint32_t)(end - begin),
        .groups = (uint32_t)x->dim[1],
        .heads = (uint32_t)x->dim[2],
        .half_width = (uint32_t)(x->dim[3] / 2),
    };
    int64_t n = (end - begin) * (x->dim[3] / 2);
    s1_vk_call call = {
        .shader = S1_VK_ROPE,
        .push = &v,
        .push_size = sizeof(v),
        .groups = { (uint32_t)s1_vk_ceil_div(n, LANES), 1, 1 },
        .work = (double)n * 8,
    };

    outer_strides(x, v.x_stride);
    outer_strides(y, v.y_stride);
    table_strides(&op->in[1], v.cos_stride);
    table_strides(&op->in[2], v.sin_stride);
    if (call.groups[0] > s->device->entry->most_groups ||
        !see_rows(s->device, x, begin, end, &call.use[0], &v.x_at) ||
        !see_rows(s->device, y, begin, end, &call.use[3], &v.y_at) ||
        !s1_vk_see_all(s->device, &op->in[1], &call.use[1], &v.cos_at) ||
        !s1_vk_see_all(s->device, &op->in[2], &call.use[2], &v.sin_at))
        return INS1_E_UNSUPPORTED;
    return s1_vk_dispatch(s, &call);
}

int32_t s1_vk_rope(s1_vk_stream *s, const ins1_op *op)
{
    const ins1_tensor_desc *x = &op->in[0];
    return x->dim[3] ? run_rows(s, op, rope_rows, 0, count_rows(x), (double)x->dim[3] * 4)
                     : INS1_OK;
}

/* ---- route ------------------------------------------------------------------------------------
 */

enum { ROUTE_STEP = 256 };

static uint32_t room_for(int64_t n_experts)
{
    return (uint32_t)(s1_vk_ceil_div(n_experts, ROUTE_STEP) * ROUTE_STEP);
}

bool s1_vk_route_fits(const s1_vk_device *d, int64_t n_experts)
{
    return n_experts < INT32_MAX / 16 && room_for(n_experts) * 8 + 4 * LANES <= d->entry->shared;
}

static int32_t route_rows(s1_vk_stream *s, const ins1_op *op, int64_t begin, int64_t end)
{
    const ins1_tensor_desc *logits = &op->in[0], *ids = &op->out[0], *gates = &op->out[1];
    struct {
        uint32_t logits_at, logits_row, ids_at, ids_row, gates_at, gates_row;
        uint32_t first_row, n, k, groups, normalizes;
    } v = {
        .logits_row = (uint32_t)s1_gpu_stride(logits, 0),
        .ids_row = (uint32_t)s1_gpu_stride(ids, 0),
        .gates_row = (uint32_t)s1_gpu_stride(gates, 0),
        .first_row = (uint32_t)begin,
        .n = (uint32_t)logits->dim[1],
        .k = (uint32_t)ids->dim[1],
        .groups = op->i[1] > 1 ? (uint32_t)op->i[1] : 1,
        .normalizes = op->flags & INS1_OP_NORMALIZE,
    };
    s1_vk_call call = {
        .shader = S1_VK_ROUTE,
        .constants = { room_for(logits->dim[1]) },
        .push = &v,
        .push_size = sizeof(v),
        .groups = { (uint32_t)(end - begin), 1, 1 },
        .work = (double)(end - begin) * (double)v.n * (v.n / v.groups + 64),
    };

    if (!see_rows(s->device, logits, begin, end, &call.use[0], &v.logits_at) ||
        !see_rows(s->device, ids, begin, end, &call.use[1], &v.ids_at) ||
        !see_rows(s->device, gates, begin, end, &call.use[2], &v.gates_at))
        return INS1_E_UNSUPPORTED;
    return s1_vk_dispatch(s, &call);
}

int32_t s1_vk_route(s1_vk_stream *s, const ins1_op *op)
{
    double n = (double)op->in[0].dim[1], groups = op->i[1] > 1 ? op->i[1] : 1;
    return op->out[0].dim[1]
               ? run_rows(s, op, route_rows, 0, op->in[0].dim[0], n * (n / groups + 64))
               : INS1_OK;
}

/* ---- all others -------------------------------------------------------------------------------
 */

/* As rows.comp has it. */
typedef struct push {
    uint32_t y_at, y_row, a_at, a_row, a_segment, b_at, b_row;
    uint32_t first_row, n, count, row_begin, row_end;
    float factor;
} push;

static bool see_matrix(const s1_vk_device *d, const ins1_tensor_desc *m, int64_t begin, int64_t end,
                       s1_vk_use *use, uint32_t *at)
{
    int64_t row = s1_gpu_stride(m, 0);
    return s1_vk_see(d, m, begin * row, (end - 1) * row + m->dim[1] - 1, use, at);
}

/* Inputs of rows [begin, end): false where they are too far apart. */
static bool see_inputs(const s1_vk_device *d, const ins1_op *op, int64_t begin, int64_t end,
                       s1_vk_call *call, push *v)
{
    const ins1_tensor_desc *a = &op->in[0], *b = op->n_in > 1 ? &op->in[1] : NULL;
    s1_vk_use *use = call->use;

    v->a_row = (uint32_t)s1_gpu_stride(a, 0);
    v->b_row = b ? (uint32_t)s1_gpu_stride(b, 0) : 0;
    switch (op->op) {
    case INS1_OP_COMBINE:
        v->count = (uint32_t)b->dim[1];
        return see_matrix(d, a, begin * b->dim[1], end * b->dim[1], &use[1], &v->a_at) &&
               see_matrix(d, b, begin, end, &use[2], &v->b_at);
    case INS1_OP_ACT_MUL:
        return see_matrix(d, a, begin, end, &use[1], &v->a_at) &&
               see_matrix(d, b, begin, end, &use[2], &v->b_at);
    case INS1_OP_ADD:
        v->count = (uint32_t)b->dim[0];
        if (b->dim[0] == a->dim[0]) /* row t to row t */
            return see_matrix(d, a, begin, end, &use[1], &v->a_at) &&
                   see_matrix(d, b, begin, end, &use[2], &v->b_at);
        return see_matrix(d, a, begin, end, &use[1], &v->a_at) &&
               s1_vk_see_all(d, b, &use[2], &v->b_at);
    case INS1_OP_ADD_SCALED:
        return see_matrix(d, a, begin, end, &use[1], &v->a_at) &&
               s1_vk_see_all(d, b, &use[2], &v->b_at);
    default:
        return see_matrix(d, a, begin, end, &use[1], &v->a_at);
    }
}

static s1_vk_call call_of(const ins1_op *op, const push *v, int64_t n_rows, uint32_t type)
{
    return (s1_vk_call){
        .shader = S1_VK_ROWS,
        .constants = { (uint32_t)op->op, (uint32_t)op->i[0], type },
        .push = v,
        .push_size = sizeof(*v),
        .groups = { (uint32_t)s1_vk_ceil_div(op->out[0].dim[1], LANES), (uint32_t)n_rows, 1 },
        .work = (double)n_rows * (double)op->out[0].dim[1] * 4,
    };
}

static int32_t simple_rows(s1_vk_stream *s, const ins1_op *op, int64_t begin, int64_t end)
{
    const ins1_tensor_desc *y = &op->out[0];
    push v = {
        .y_row = (uint32_t)s1_gpu_stride(y, 0),
        .first_row = (uint32_t)begin,
        .n = (uint32_t)y->dim[1],
        .factor = op->f[0],
    };
    s1_vk_call call = call_of(op, &v, end - begin,
                              op->op == INS1_OP_ADD_SCALED ? s1_vk_type(op->in[1].dtype) : 0);

    if (!see_matrix(s->device, y, begin, end, &call.use[0], &v.y_at) ||
        !see_inputs(s->device, op, begin, end, &call, &v))
        return INS1_E_UNSUPPORTED;
    if (op->op == INS1_OP_COMBINE)
        call.work *= v.count;
    return s1_vk_dispatch(s, &call);
}

/* Rows [r0, r1) of the segments [begin, end), added to those before them. */
static int32_t add_up(s1_vk_stream *s, const ins1_op *op, int64_t begin, int64_t end, int64_t r0,
                      int64_t r1)
{
    const ins1_tensor_desc *x = &op->in[0], *y = &op->out[0];
    int64_t segment = s1_gpu_stride(x, 0), row = s1_gpu_stride(x, 1);
    push v = {
        .y_row = (uint32_t)s1_gpu_stride(y, 0),
        .a_segment = (uint32_t)segment,
        .a_row = (uint32_t)row,
        .first_row = (uint32_t)begin,
        .n = (uint32_t)y->dim[1],
        .count = (uint32_t)x->dim[1],
        .row_begin = (uint32_t)r0,
        .row_end = (uint32_t)r1,
    };
    s1_vk_call call = call_of(op, &v, end - begin, 0);

    call.work *= (double)(r1 - r0);
    if (!see_matrix(s->device, y, begin, end, &call.use[0], &v.y_at))
        return INS1_E_UNSUPPORTED;
    bool is_seen = r0 == r1 || s1_vk_see(s->device, x, begin * segment + r0 * row,
                                         (end - 1) * segment + (r1 - 1) * row + x->dim[2] - 1,
                                         &call.use[1], &v.a_at);
    if (is_seen && (end - begin > 1 || call.work <= s->pace.budget || r1 - r0 < 2))
        return s1_vk_dispatch(s, &call);
    if (end - begin > 1 || r1 - r0 < 2)
        return INS1_E_UNSUPPORTED;
    int64_t middle = r0 + (r1 - r0) / 2;
    int32_t status = add_up(s, op, begin, end, r0, middle);
    if (status == INS1_OK)
        status = s1_vk_barrier(s);
    return status == INS1_OK ? add_up(s, op, begin, end, middle, r1) : status;
}

static int32_t mean_rows(s1_vk_stream *s, const ins1_op *op, int64_t begin, int64_t end)
{
    return add_up(s, op, begin, end, 0, op->in[0].dim[1]);
}

/* The rows [r0, r1) of the table, for all of y that [begin, end) names. */
static int32_t get_from(s1_vk_stream *s, const ins1_op *op, int64_t begin, int64_t end, int64_t r0,
                        int64_t r1)
{
    const ins1_tensor_desc *y = &op->out[0], *table = &op->in[0], *ids = &op->in[1];
    push v = {
        .y_row = (uint32_t)s1_gpu_stride(y, 0),
        .a_row = (uint32_t)s1_gpu_stride(table, 0),
        .first_row = (uint32_t)begin,
        .n = (uint32_t)y->dim[1],
        .row_begin = (uint32_t)r0,
        .row_end = (uint32_t)r1,
    };
    s1_vk_call call = call_of(op, &v, end - begin, s1_vk_type(table->dtype));

    if (!see_matrix(s->device, y, begin, end, &call.use[0], &v.y_at) ||
        !s1_vk_see(s->device, ids, begin, end - 1, &call.use[2], &v.b_at))
        return INS1_E_UNSUPPORTED;
    if (see_matrix(s->device, table, r0, r1, &call.use[1], &v.a_at))
        return s1_vk_dispatch(s, &call);
    if (r1 - r0 < 2)
        return INS1_E_UNSUPPORTED;
    int64_t middle = r0 + (r1 - r0) / 2;
    int32_t status = get_from(s, op, begin, end, r0, middle);
    return status == INS1_OK ? get_from(s, op, begin, end, middle, r1) : status;
}

static int32_t get_rows(s1_vk_stream *s, const ins1_op *op, int64_t begin, int64_t end)
{
    return get_from(s, op, begin, end, 0, op->in[0].dim[0]);
}

int32_t s1_vk_rows(s1_vk_stream *s, const ins1_op *op)
{
    const ins1_tensor_desc *y = &op->out[0];
    double each = op->op == INS1_OP_COMBINE ? (double)op->in[1].dim[1]
                  : op->op == INS1_OP_MEAN  ? (double)op->in[0].dim[1]
                                            : 1;
    rows_fn *fn = op->op == INS1_OP_GET_ROWS ? get_rows
                  : op->op == INS1_OP_MEAN   ? mean_rows
                                             : simple_rows;
    return y->dim[1] ? run_rows(s, op, fn, 0, y->dim[0], (double)y->dim[1] * (each + 4)) : INS1_OK;
}
