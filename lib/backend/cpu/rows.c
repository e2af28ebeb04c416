#include "backend/cpu/engine.h"

/* Operations that work row by row: the rows are dealt out, each is one call of a kernel. */

enum { ROW_TASK = 16384 }; /* elements of a task; what has fewer is done by the caller alone */

typedef struct row_work {
    s1_cpu_stream *stream;
    const ins1_op *op;
    void (*prepare)(const struct row_work *work, void *scratch); /* once a task; NULL: nothing */
    void (*row)(const struct row_work *work, int64_t at, void *scratch);
    int64_t n_rows;
    int64_t rows_a_task;
} row_work;

/* Row `at` of a view of any number of axes, its last axis being the row. */
static float *row_of(const ins1_tensor_desc *tensor, int64_t at)
{
    float *base = (float *)(void *)s1_cpu_at(tensor);

    for (int32_t axis = tensor->ndim - 2; axis >= 0; axis--) {
        base += at % tensor->dim[axis] * tensor->stride[axis];
        at /= tensor->dim[axis];
    }
    return base;
}

static int64_t width(const ins1_tensor_desc *tensor)
{
    return tensor->dim[tensor->ndim - 1];
}

static int64_t element_size(int32_t dtype)
{
    return dtype == INS1_DTYPE_F32 ? 4 : dtype == INS1_DTYPE_F8_E4M3 ? 1 : 2;
}

/* The weights of a norm, or what each column is multiplied by. */
static void widen_weights(const row_work *work, void *scratch)
{
    const ins1_tensor_desc *weight = &work->op->in[1];
    work->stream->kernels->widen(scratch, s1_cpu_at(weight), weight->dtype, width(weight));
}

static void rmsnorm_row(const row_work *work, int64_t at, void *scratch)
{
    const ins1_op *op = work->op;
    work->stream->kernels->rmsnorm(row_of(&op->out[0], at), row_of(&op->in[0], at), scratch,
                                   width(&op->in[0]), op->f[0]);
}

/* The bias behind the weights. */
static void widen_weights_and_bias(const row_work *work, void *scratch)
{
    const ins1_tensor_desc *bias = &work->op->in[2];

    widen_weights(work, scratch);
    if (bias->dtype)
        work->stream->kernels->widen((float *)scratch + width(bias), s1_cpu_at(bias), bias->dtype,
                                     width(bias));
}

static void layernorm_row(const row_work *work, int64_t at, void *scratch)
{
    const ins1_op *op = work->op;
    int64_t n = width(&op->in[0]);
    const float *weight = scratch;

    work->stream->kernels->layernorm(row_of(&op->out[0], at), row_of(&op->in[0], at), weight,
                                     op->in[2].dtype ? weight + n : NULL, n, op->f[0]);
}

static void add_scaled_row(const row_work *work, int64_t at, void *scratch)
{
    const ins1_op *op = work->op;
    work->stream->kernels->add_product(row_of(&op->out[0], at), row_of(&op->in[0], at), scratch,
                                       width(&op->in[0]));
}

/* x is [t][g][r][d], the angles [t][h][d / 2] with h 1 or g. */
static void rope_row(const row_work *work, int64_t at, void *scratch)
{
    const ins1_op *op = work->op;
    const ins1_tensor_desc *x = &op->in[0];
    int64_t t = at / (x->dim[1] * x->dim[2]);
    int64_t g = op->in[1].dim[1] == 1 ? 0 : at / x->dim[2] % x->dim[1];
    const float *cos = (const float *)(const void *)s1_cpu_at(&op->in[1]);
    const float *sin = (const float *)(const void *)s1_cpu_at(&op->in[2]);
    (void)scratch;

    work->stream->kernels->rope(row_of(&op->out[0], at), row_of(x, at),
                                cos + t * op->in[1].stride[0] + g * op->in[1].stride[1],
                                sin + t * op->in[2].stride[0] + g * op->in[2].stride[1],
                                x->dim[3] / 2);
}

static void act_mul_row(const row_work *work, int64_t at, void *scratch)
{
    const ins1_op *op = work->op;
    (void)scratch;
    work->stream->kernels->act_mul(row_of(&op->out[0], at), row_of(&op->in[0], at),
                                   row_of(&op->in[1], at), width(&op->in[0]), op->i[0]);
}

static void act_row(const row_work *work, int64_t at, void *scratch)
{
    const ins1_op *op = work->op;
    (void)scratch;
    work->stream->kernels->act(row_of(&op->out[0], at), row_of(&op->in[0], at), width(&op->in[0]),
                               op->i[0]);
}

/* The rows of b in turn. */
static void add_row(const row_work *work, int64_t at, void *scratch)
{
    const ins1_op *op = work->op;
    (void)scratch;
    work->stream->kernels->add(row_of(&op->out[0], at), row_of(&op->in[0], at),
                               row_of(&op->in[1], at % op->in[1].dim[0]), width(&op->in[0]));
}

static void scale_row(const row_work *work, int64_t at, void *scratch)
{
    const ins1_op *op = work->op;
    (void)scratch;
    work->stream->kernels->scale(row_of(&op->out[0], at), row_of(&op->in[0], at), op->f[0],
                                 width(&op->in[0]));
}

static void combine_row(const row_work *work, int64_t at, void *scratch)
{
    const ins1_op *op = work->op;
    int64_t k = width(&op->in[1]);
    const float *gates = row_of(&op->in[1], at);
    (void)scratch;

    for (int64_t j = 0; j < k; j++)
        work->stream->kernels->add_scaled(row_of(&op->out[0], at), row_of(&op->in[0], at * k + j),
                                          gates[j], width(&op->out[0]));
}

static void get_row(const row_work *work, int64_t at, void *scratch)
{
    const ins1_op *op = work->op;
    const ins1_tensor_desc *table = &op->in[0];
    const int32_t *ids = (const int32_t *)(const void *)s1_cpu_at(&op->in[1]);
    (void)scratch;

    work->stream->kernels->widen(row_of(&op->out[0], at),
                                 s1_cpu_at(table) +
                                     ids[at] * table->stride[0] * element_size(table->dtype),
                                 table->dtype, width(table));
}

static void do_rows(const row_work *work, int64_t begin, int64_t end, void *scratch)
{
    if (work->prepare && begin < end)
        work->prepare(work, scratch);
    for (int64_t at = begin; at < end; at++)
        work->row(work, at, scratch);
}

static void row_task(void *arg, int32_t index, int32_t worker)
{
    const row_work *work = arg;
    int64_t begin = index * work->rows_a_task;
    int64_t end = begin + work->rows_a_task;

    if (s1_cpu_stopped(work->stream))
        return;
    do_rows(work, begin, end < work->n_rows ? end : work->n_rows,
            s1_worker_scratch(work->stream, worker));
}

static int32_t run_rows(row_work *work, int64_t elements_a_row)
{
    if (work->n_rows * elements_a_row <= ROW_TASK) {
        do_rows(work, 0, work->n_rows, s1_worker_scratch(work->stream, 0));
        return INS1_OK;
    }
    work->rows_a_task = ROW_TASK / (elements_a_row + 1) + 1;
    return s1_cpu_region(work->stream, row_task, work,
                         s1_ceil_div(work->n_rows, work->rows_a_task));
}

int32_t s1_cpu_rows(s1_cpu_stream *stream, const ins1_op *op)
{
    const ins1_tensor_desc *y = &op->out[0];
    row_work work = { .stream = stream, .op = op, .n_rows = 1 };
    int64_t elements = width(y);

    for (int32_t axis = 0; axis < y->ndim - 1; axis++)
        work.n_rows *= y->dim[axis];

    switch (op->op) {
    case INS1_OP_RMSNORM:
        work.prepare = widen_weights;
        work.row = rmsnorm_row;
        break;
    case INS1_OP_LAYERNORM:
        work.prepare = widen_weights_and_bias;
        work.row = layernorm_row;
        break;
    case INS1_OP_ADD_SCALED:
        work.prepare = widen_weights;
        work.row = add_scaled_row;
        break;
    case INS1_OP_ACT:
        work.row = act_row;
        break;
    case INS1_OP_ROPE:
        work.row = rope_row;
        break;
    case INS1_OP_COMBINE:
        work.row = combine_row;
        elements *= width(&op->in[1]);
        break;
    case INS1_OP_ACT_MUL:
        work.row = act_mul_row;
        break;
    case INS1_OP_ADD:
        work.row = add_row;
        break;
    case INS1_OP_SCALE:
        work.row = scale_row;
        break;
    default:
        work.row = get_row;
        break;
    }
    return run_rows(&work, elements);
}

/* --- means --- */

enum { MEAN_COLUMNS = 512 }; /* of a task */

static void mean_task(void *arg, int32_t index, int32_t worker)
{
    const row_work *work = arg;
    const ins1_tensor_desc *x = &work->op->in[0];
    const s1_kernels *kernels = work->stream->kernels;
    int64_t pieces = s1_ceil_div(x->dim[2], MEAN_COLUMNS);
    int64_t first = index % pieces * MEAN_COLUMNS;
    int64_t n = x->dim[2] - first < MEAN_COLUMNS ? x->dim[2] - first : MEAN_COLUMNS;
    int64_t begin = index / pieces * x->dim[1];
    float *y = row_of(&work->op->out[0], index / pieces) + first;
    (void)worker;

    if (s1_cpu_stopped(work->stream))
        return;
    kernels->widen(y, (const uint8_t *)(row_of(x, begin) + first), INS1_DTYPE_F32, n);
    for (int64_t t = 1; t < x->dim[1]; t++)
        kernels->add(y, y, row_of(x, begin + t) + first, n);
    kernels->divide(y, y, (float)x->dim[1], n);
}

int32_t s1_cpu_mean(s1_cpu_stream *stream, const ins1_op *op)
{
    row_work work = { .stream = stream, .op = op };
    int64_t pieces = s1_ceil_div(op->in[0].dim[2], MEAN_COLUMNS);
    return s1_cpu_region(stream, mean_task, &work, op->in[0].dim[0] * pieces);
}
