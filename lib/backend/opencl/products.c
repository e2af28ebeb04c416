/* MATMUL and MATMUL_EXPERTS: few rows of x by matvec, many in tiles. */

#include "backend/opencl/opencl.h"

#include "interns1/model.h"

enum { MOST_BY_MATVEC = 8 }; /* rows of x */

/* One product, its buffers with it. */
typedef struct product {
    s1_cl_product v;
    cl_mem w, scale, x, bias, y, ids;
} product;

static product product_of(const ins1_op *op, const ins1_tensor_desc *w, const ins1_tensor_desc *x,
                          const ins1_tensor_desc *scale, const ins1_tensor_desc *bias)
{
    const ins1_tensor_desc *y = &op->out[0];
    return (product){
        .v = {
            .t = y->dim[0],
            .n = w->dim[0],
            .k = w->dim[1],
            .w_at = (int64_t)w->offset,
            .w_row = s1_gpu_stride(w, 0),
            .w_column = w->dim[1] > 1 ? w->stride[1] : 1,
            .scale_at = (int64_t)scale->offset,
            .scale_row = scale->dtype ? s1_gpu_stride(scale, 0) : 0,
            .bias_at = bias ? (int64_t)bias->offset : 0,
            .x_at = (int64_t)x->offset,
            .x_row = s1_gpu_stride(x, 0),
            .y_at = (int64_t)y->offset,
            .y_row = s1_gpu_stride(y, 0),
            .each = 1,
            .type = s1_cl_type(w->dtype),
            .scale_type = s1_cl_type(scale->dtype),
            .bias_type = bias ? s1_cl_type(bias->dtype) : S1_CL_NONE,
            .adds = (op->flags & INS1_OP_ACCUMULATE) != 0,
            .rounds = op->i[0] == INS1_PRECISION_BF16,
        },
        .w = s1_cl_buffer(w),
        .scale = s1_cl_buffer(scale),
        .x = s1_cl_buffer(x),
        .bias = bias ? s1_cl_buffer(bias) : NULL,
        .y = s1_cl_buffer(y),
    };
}

/* `share` of its results are computed. */
static s1_cl_launch launch_of(const s1_cl_stream *s, product *p, double share)
{
    return (s1_cl_launch){
        .argument = &p->v,
        .argument_size = sizeof(p->v),
        .n_buffers = 7,
        .buffers = { p->w, p->scale, p->x, p->bias, p->y, p->ids, s->device_tables },
        .z = 1,
        .amount = (double)p->v.t * (double)p->v.n * (double)(p->v.k + 16) * share,
    };
}

static int32_t by_matvec(s1_cl_stream *s, product *p, double share)
{
    bool is_single = p->v.t == 1 || p->v.has_experts;
    s1_cl_launch launch = launch_of(s, p, share);

    launch.kernel = is_single ? S1_CL_MATVEC_1 : S1_CL_MATVEC_4;
    launch.x = is_single ? p->v.t : s1_cl_ceil_div(p->v.t, S1_CL_FEW_ROWS);
    launch.y = s1_cl_ceil_div(p->v.n, S1_CL_MATVEC_ROWS);
    return s1_cl_queue(s, &launch);
}

static int32_t by_tiles(s1_cl_stream *s, product *p, int64_t tiles, double share)
{
    s1_cl_launch launch = launch_of(s, p, share);

    launch.kernel = S1_CL_TILED;
    launch.buffers[launch.n_buffers++] = s->scratch;
    launch.x = tiles;
    launch.y = s1_cl_ceil_div(p->v.n, S1_CL_TILE);
    return s1_cl_queue(s, &launch);
}

int32_t s1_cl_matmul(s1_cl_stream *s, const ins1_op *op)
{
    product p = product_of(op, &op->in[0], &op->in[1], &op->in[2], &op->in[3]);

    return p.v.t <= MOST_BY_MATVEC ? by_matvec(s, &p, 1)
                                   : by_tiles(s, &p, s1_cl_ceil_div(p.v.t, S1_CL_TILE), 1);
}

/* ---- experts ----------------------------------------------------------------------------------
 */

/* Experts that share their buffers are a group, numbered by their first. */
static int32_t group_of(const ins1_op *op, int32_t expert)
{
    const ins1_tensor_desc *w = &op->in[2], *scale = w + op->i[2];
    for (int32_t i = 0; i < expert; i++)
        if (w[i].buffer == w[expert].buffer && scale[i].buffer == scale[expert].buffer)
            return i;
    return expert;
}

/* Where all experts lie, for the kernels to find; `table` stays the host's to read. */
static int32_t send_experts(s1_cl_stream *s, const ins1_op *op, product *p, s1_cl_expert **table)
{
    int32_t n = op->i[2];
    size_t bytes = (size_t)n * sizeof(s1_cl_expert);
    void *room;

    int32_t status = s1_cl_table(s, bytes, &room);
    if (status != INS1_OK)
        return status;
    *table = room;
    for (int32_t i = 0; i < n; i++) {
        const ins1_tensor_desc *w = &op->in[2 + i], *scale = &op->in[2 + n + i];
        (*table)[i] = (s1_cl_expert){ (int64_t)w->offset, (int64_t)scale->offset, group_of(op, i) };
    }
    return s1_cl_send_table(s, bytes, &p->v.table_at);
}

/* The results by expert, cut into tiles; how many there are at most. */
static int32_t sort(s1_cl_stream *s, const product *p, int64_t n_experts, int64_t *most_tiles)
{
    int64_t results = p->v.t;
    *most_tiles = results / S1_CL_TILE + (n_experts < results ? n_experts : results);
    s1_cl_sort v = {
        .ids_at = p->v.ids_at,
        .results = results,
        .experts = n_experts,
        .order = 1 + 3 * *most_tiles,
        .counts = 1 + 3 * *most_tiles + results,
    };

    int32_t status = s1_cl_scratch(s, (size_t)(v.counts + 3 * n_experts) * sizeof(int32_t));
    if (status != INS1_OK)
        return status;
    const s1_cl_launch launch = {
        .kernel = S1_CL_SORT_EXPERTS,
        .argument = &v,
        .argument_size = sizeof(v),
        .n_buffers = 2,
        .buffers = { p->ids, s->scratch },
        .x = 1,
        .y = 1,
        .z = 1,
        .amount = 2 * (double)results * (double)n_experts,
    };
    return s1_cl_queue(s, &launch);
}

int32_t s1_cl_matmul_experts(s1_cl_stream *s, const ins1_op *op)
{
    int32_t n = op->i[2];
    product p = product_of(op, &op->in[2], &op->in[0], &op->in[2 + n], NULL);
    bool is_sorted = p.v.t / n >= 2; /* else the weights are read for every result */
    s1_cl_expert *table = NULL;
    int64_t tiles = 0;

    if (!p.v.t || !p.v.n)
        return INS1_OK;
    p.ids = s1_cl_buffer(&op->in[1]);
    p.v.ids_at = (int64_t)op->in[1].offset;
    p.v.each = op->i[1];
    p.v.has_experts = 1;
    int32_t status = send_experts(s, op, &p, &table);
    if (status == INS1_OK && is_sorted)
        status = sort(s, &p, n, &tiles);
    for (int32_t i = 0; i < n && status == INS1_OK; i++) {
        double members = 0;
        if (table[i].group != i)
            continue;
        for (int32_t j = i; j < n; j++)
            members += table[j].group == i;
        p.v.group = i;
        p.w = s1_cl_buffer(&op->in[2 + i]);
        p.scale = s1_cl_buffer(&op->in[2 + n + i]);
        status = is_sorted ? by_tiles(s, &p, tiles, members / n) : by_matvec(s, &p, members / n);
    }
    return status;
}
