/* Attention over pages and inside segments. Long lines with few queries are split; what the splits
 * leave is merged. */

#include "backend/cuda/cuda.h"

#include "interns1/model.h"

enum {
    MOST_SPLITS = 64,
    LONG_SPLIT = 256,       /* positions of one where there are few queries */
    BLOCKS_A_PROCESSOR = 2, /* fewer leave a device idle */
};

static void outer_strides(const ins1_tensor_desc *x, int64_t stride[3])
{
    for (int32_t i = 0; i < 3; i++)
        stride[i] = s1_gpu_stride(x, i);
}

/* Which of three kernels. */
static int32_t room_for(int64_t width)
{
    return width > 128 ? 2 : width > 64 ? 1 : 0;
}

/* What both kinds have alike. */
static s1_cuda_attention attention_of(const ins1_op *op)
{
    const ins1_tensor_desc *q = &op->in[0], *k = &op->in[1], *v = &op->in[2];
    s1_cuda_attention a = {
        .q = s1_cuda_address(q),
        .y = s1_cuda_address(&op->out[0]),
        .k = s1_cuda_address(k),
        .v = s1_cuda_address(v),
        .k_type = s1_cuda_type(k->dtype),
        .v_type = s1_cuda_type(v->dtype),
        .width = (int32_t)q->dim[3],
        .factor = op->f[0],
    };
    outer_strides(q, a.q_stride);
    outer_strides(k, a.k_stride);
    outer_strides(v, a.v_stride);
    outer_strides(&op->out[0], a.y_stride);
    return a;
}

/* ---- over pages -------------------------------------------------------------------------------
 */

/* Positions of one split, where `blocks` take all of them. */
static int64_t split_of(const s1_cuda_stream *s, int64_t blocks, int64_t positions)
{
    if (blocks >= (int64_t)BLOCKS_A_PROCESSOR * s->device->entry->processors)
        return positions;
    int64_t most = s1_cuda_ceil_div(positions, MOST_SPLITS);
    return most > LONG_SPLIT ? s1_cuda_ceil_div(most, 32) * 32 : LONG_SPLIT;
}

static int32_t merge(s1_cuda_stream *s, const ins1_op *op, const s1_cuda_attention *a,
                     int64_t splits)
{
    s1_cuda_merge argument = {
        .state = a->state,
        .y = a->y,
        .t = a->t,
        .groups = op->in[0].dim[1],
        .heads = a->heads,
        .width = a->width,
        .splits = splits,
    };
    int64_t numbers = argument.groups * argument.heads * argument.width;
    const s1_cuda_launch launch = {
        .kernel = S1_CUDA_attention_merge,
        .argument = &argument,
        .x = s1_cuda_ceil_div(numbers, S1_CUDA_ROW_THREADS),
        .y = a->t,
        .z = 1,
        .amount = (double)a->t * (double)numbers * 2 * (double)splits,
    };
    outer_strides(&op->out[0], argument.y_stride);
    return s1_cuda_queue(s, &launch);
}

/* Rows of a tile: as many as its queries allow, or one where that fills the device better. */
static int64_t rows_a_tile(const s1_cuda_stream *s, const ins1_tensor_desc *q)
{
    int64_t rows = q->dim[2] < S1_CUDA_QUERIES ? S1_CUDA_QUERIES / q->dim[2] : 1;
    int64_t blocks = s1_cuda_ceil_div(q->dim[0], rows) * q->dim[1];
    return blocks < (int64_t)BLOCKS_A_PROCESSOR * s->device->entry->processors ? 1 : rows;
}

int32_t s1_cuda_attention_op(s1_cuda_stream *s, const ins1_op *op)
{
    const ins1_tensor_desc *q = &op->in[0], *rows = &op->in[3], *pages = &op->in[4];
    int64_t t = q->dim[0], groups = q->dim[1], heads = q->dim[2];
    int64_t positions = pages->dim[1] * op->in[1].dim[2];
    s1_cuda_attention a = attention_of(op);

    if (!t || !groups || !heads || !q->dim[3])
        return INS1_OK;
    a.rows = s1_cuda_address(rows);
    a.pages = s1_cuda_address(pages);
    a.rows_row = s1_gpu_stride(rows, 0);
    a.pages_row = s1_gpu_stride(pages, 0);
    a.t = t;
    a.heads = heads;
    a.rows_a_tile = rows_a_tile(s, q);
    a.page_length = op->in[1].dim[2];

    s1_cuda_launch launch = {
        .kernel = S1_CUDA_attention_64 + room_for(q->dim[3]),
        .argument = &a,
        .x = groups * s1_cuda_ceil_div(heads, S1_CUDA_QUERIES),
        .y = s1_cuda_ceil_div(t, a.rows_a_tile),
        .amount = 2.0 * (double)(t * groups * heads) * (double)(q->dim[3] + 8) * (double)positions,
    };
    a.split = split_of(s, launch.x * launch.y, positions);
    launch.z = s1_cuda_ceil_div(positions, a.split);
    if (launch.z > 1) {
        int64_t numbers = launch.z * t * groups * heads * (q->dim[3] + 2);
        int32_t status = s1_cuda_scratch(s, (size_t)numbers * sizeof(float));
        if (status != INS1_OK)
            return status;
        a.state = (float *)(uintptr_t)s->scratch;
    }
    int32_t status = s1_cuda_queue(s, &launch);
    return status == INS1_OK && launch.z > 1 ? merge(s, op, &a, launch.z) : status;
}

/* ---- inside segments --------------------------------------------------------------------------
 */

int32_t s1_cuda_self_attention_op(s1_cuda_stream *s, const ins1_op *op)
{
    const ins1_tensor_desc *q = &op->in[0];
    int64_t t = q->dim[1], heads = q->dim[2];
    s1_cuda_attention a = attention_of(op);

    if (!q->dim[0] || !t || !heads || !q->dim[3])
        return INS1_OK;
    a.t = t;
    a.heads = heads;
    a.rounds = op->i[0] == INS1_PRECISION_BF16;
    a.is_causal = (op->flags & INS1_OP_CAUSAL) != 0;
    const s1_cuda_launch launch = {
        .kernel = S1_CUDA_self_attention_64 + room_for(q->dim[3]),
        .argument = &a,
        .x = heads,
        .y = q->dim[0] * s1_cuda_ceil_div(t, S1_CUDA_QUERIES),
        .z = 1,
        .amount = 2.0 * (double)(q->dim[0] * t * heads) * (double)t * (double)(q->dim[3] + 8),
    };
    return s1_cuda_queue(s, &launch);
}
