/* Attention over pages and inside segments. Long lines with few queries are split; what the splits
 * leave is merged. */

#include "backend/opencl/opencl.h"

#include "interns1/model.h"

enum {
    MOST_SPLITS = 64,
    LONG_SPLIT = 256,  /* positions of one where there are few queries */
    GROUPS_A_UNIT = 2, /* fewer leave a device idle */
    SMALL = 4096,      /* bytes of local memory beside the tiles, at most */
};

/* Queries, sums, and the tile of positions, whose rows are one number longer. */
static void locals_of(int64_t width, size_t local[3])
{
    local[0] = local[1] = (size_t)width * S1_CL_QUERIES * sizeof(float);
    local[2] = (size_t)(width + 1) * S1_CL_POSITIONS * sizeof(float);
}

bool s1_cl_head_fits(const s1_cl_device *device, int64_t width)
{
    size_t local[3];

    if (width > 4096)
        return false;
    locals_of(width, local);
    return local[0] + local[1] + local[2] + SMALL <= device->entry->local;
}

static void outer_strides(const ins1_tensor_desc *x, int64_t stride[3])
{
    for (int32_t i = 0; i < 3; i++)
        stride[i] = s1_gpu_stride(x, i);
}

/* What both kinds have alike. */
static s1_cl_attention attention_of(const ins1_op *op)
{
    const ins1_tensor_desc *q = &op->in[0], *k = &op->in[1], *v = &op->in[2], *y = &op->out[0];
    s1_cl_attention a = {
        .q_at = (int64_t)q->offset,
        .y_at = (int64_t)y->offset,
        .k_at = (int64_t)k->offset,
        .v_at = (int64_t)v->offset,
        .k_type = s1_cl_type(k->dtype),
        .v_type = s1_cl_type(v->dtype),
        .width = (int32_t)q->dim[3],
        .factor = op->f[0],
    };
    outer_strides(q, a.q_stride);
    outer_strides(y, a.y_stride);
    outer_strides(k, a.k_stride);
    outer_strides(v, a.v_stride);
    return a;
}

static s1_cl_launch launch_of(const ins1_op *op, s1_cl_attention *a)
{
    const ins1_tensor_desc *in = op->in;
    bool has_pages = op->op == INS1_OP_ATTENTION;
    s1_cl_launch launch = {
        .kernel = S1_CL_ATTENTION,
        .argument = a,
        .argument_size = sizeof(*a),
        .n_buffers = 7,
        .buffers = { s1_cl_buffer(&in[0]), s1_cl_buffer(&in[1]), s1_cl_buffer(&in[2]),
                     has_pages ? s1_cl_buffer(&in[3]) : NULL,
                     has_pages ? s1_cl_buffer(&in[4]) : NULL, s1_cl_buffer(&op->out[0]), NULL },
        .n_locals = 3,
        .z = 1,
    };
    locals_of(in[0].dim[3], launch.local);
    return launch;
}

/* ---- over pages -------------------------------------------------------------------------------
 */

/* Positions of one split, where `groups` take all of them. */
static int64_t split_of(const s1_cl_stream *s, int64_t groups, int64_t positions)
{
    if (groups >= (int64_t)GROUPS_A_UNIT * s->device->entry->units)
        return positions;
    int64_t most = s1_cl_ceil_div(positions, MOST_SPLITS);
    return most > LONG_SPLIT ? s1_cl_ceil_div(most, S1_CL_POSITIONS) * S1_CL_POSITIONS : LONG_SPLIT;
}

/* Rows of a tile: as many as its queries allow, or one where that fills the device better. */
static int64_t rows_a_tile(const s1_cl_stream *s, const ins1_tensor_desc *q)
{
    int64_t rows = q->dim[2] < S1_CL_QUERIES ? S1_CL_QUERIES / q->dim[2] : 1;
    int64_t groups = s1_cl_ceil_div(q->dim[0], rows) * q->dim[1];
    return groups < (int64_t)GROUPS_A_UNIT * s->device->entry->units ? 1 : rows;
}

static int32_t merge(s1_cl_stream *s, const ins1_op *op, const s1_cl_attention *a, int64_t splits)
{
    s1_cl_merge v = {
        .y_at = a->y_at,
        .t = a->t,
        .groups = a->groups,
        .heads = a->heads,
        .width = a->width,
        .splits = splits,
    };
    int64_t numbers = v.groups * v.heads * v.width;
    const s1_cl_launch launch = {
        .kernel = S1_CL_ATTENTION_MERGE,
        .argument = &v,
        .argument_size = sizeof(v),
        .n_buffers = 2,
        .buffers = { s->scratch, s1_cl_buffer(&op->out[0]) },
        .x = s1_cl_ceil_div(numbers, S1_CL_ITEMS),
        .y = a->t,
        .z = 1,
        .amount = (double)a->t * (double)numbers * 2 * (double)splits,
    };
    outer_strides(&op->out[0], v.y_stride);
    return s1_cl_queue(s, &launch);
}

int32_t s1_cl_attention_op(s1_cl_stream *s, const ins1_op *op)
{
    const ins1_tensor_desc *q = &op->in[0], *rows = &op->in[3], *pages = &op->in[4];
    int64_t t = q->dim[0], groups = q->dim[1], heads = q->dim[2];
    int64_t positions = pages->dim[1] * op->in[1].dim[2];
    s1_cl_attention a = attention_of(op);

    if (!t || !groups || !heads || !q->dim[3])
        return INS1_OK;
    a.has_pages = 1;
    a.rows_at = (int64_t)rows->offset;
    a.pages_at = (int64_t)pages->offset;
    a.rows_row = s1_gpu_stride(rows, 0);
    a.pages_row = s1_gpu_stride(pages, 0);
    a.t = t;
    a.groups = groups;
    a.heads = heads;
    a.rows_a_tile = rows_a_tile(s, q);
    a.page_length = op->in[1].dim[2];

    s1_cl_launch launch = launch_of(op, &a);
    launch.x = groups * s1_cl_ceil_div(heads, S1_CL_QUERIES);
    launch.y = s1_cl_ceil_div(t, a.rows_a_tile);
    launch.amount =
        2.0 * (double)(t * groups * heads) * (double)(q->dim[3] + 8) * (double)positions;
    a.split = split_of(s, launch.x * launch.y, positions);
    launch.z = s1_cl_ceil_div(positions, a.split);
    if (launch.z > 1) {
        int64_t numbers = launch.z * t * groups * heads * (q->dim[3] + 2);
        int32_t status = s1_cl_scratch(s, (size_t)numbers * sizeof(float));
        if (status != INS1_OK)
            return status;
        launch.buffers[launch.n_buffers - 1] = s->scratch;
        a.writes_state = 1;
    }
    int32_t status = s1_cl_queue(s, &launch);
    return status == INS1_OK && launch.z > 1 ? merge(s, op, &a, launch.z) : status;
}

/* ---- inside segments --------------------------------------------------------------------------
 */

int32_t s1_cl_self_attention_op(s1_cl_stream *s, const ins1_op *op)
{
    const ins1_tensor_desc *q = &op->in[0];
    int64_t t = q->dim[1], heads = q->dim[2];
    s1_cl_attention a = attention_of(op);

    if (!q->dim[0] || !t || !heads || !q->dim[3])
        return INS1_OK;
    a.t = t;
    a.heads = heads;
    a.rounds = op->i[0] == INS1_PRECISION_BF16;
    a.is_causal = (op->flags & INS1_OP_CAUSAL) != 0;
    s1_cl_launch launch = launch_of(op, &a);
    launch.x = heads;
    launch.y = q->dim[0] * s1_cl_ceil_div(t, S1_CL_QUERIES);
    launch.amount = 2.0 * (double)(q->dim[0] * t * heads) * (double)t * (double)(q->dim[3] + 8);
    return s1_cl_queue(s, &launch);
}
