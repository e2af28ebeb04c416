/* MATMUL and MATMUL_EXPERTS: few rows of x by matvec, many in tiles. */

#include "backend/cuda/cuda.h"

#include "interns1/model.h"

static s1_cuda_product product_of(const ins1_op *op, const ins1_tensor_desc *w,
                                  const ins1_tensor_desc *x, const ins1_tensor_desc *scale,
                                  const ins1_tensor_desc *bias)
{
    const ins1_tensor_desc *y = &op->out[0];
    return (s1_cuda_product){
        .scale_type = s1_cuda_type(scale->dtype),
        .bias_type = bias ? s1_cuda_type(bias->dtype) : S1_CUDA_NONE,
        .adds = (op->flags & INS1_OP_ACCUMULATE) != 0,
        .rounds = op->i[0] == INS1_PRECISION_BF16,
        .t = y->dim[0],
        .n = w->dim[0],
        .k = w->dim[1],
        .w = s1_cuda_address(w),
        .scale = s1_cuda_address(scale),
        .bias = bias ? s1_cuda_address(bias) : NULL,
        .w_row = s1_gpu_stride(w, 0),
        .w_column = w->dim[1] > 1 ? w->stride[1] : 1,
        .scale_row = scale->dtype ? s1_gpu_stride(scale, 0) : 0,
        .x = s1_cuda_address(x),
        .x_row = s1_gpu_stride(x, 0),
        .y = s1_cuda_address(y),
        .y_row = s1_gpu_stride(y, 0),
        .each = 1,
    };
}

static double amount_of(const s1_cuda_product *p)
{
    return (double)p->t * (double)p->n * (double)(p->k + 16);
}

/* `rows` of x for each block. */
static s1_cuda_launch launch_matvec(s1_cuda_product *p, int32_t type, int64_t rows)
{
    int32_t size = rows > 4 ? 3 : rows > 2 ? 2 : rows > 1 ? 1 : 0;
    return (s1_cuda_launch){
        .kernel = S1_CUDA_matvec_f32_1 + 4 * type + size,
        .argument = p,
        .x = s1_cuda_ceil_div(p->n, S1_CUDA_MATVEC_THREADS / 32),
        .y = s1_cuda_ceil_div(p->t, (int64_t)1 << size),
        .z = 1,
        .amount = amount_of(p),
    };
}

static s1_cuda_launch launch_tiled(s1_cuda_product *p, int32_t type, int64_t tile, int64_t tiles)
{
    return (s1_cuda_launch){
        .kernel = S1_CUDA_tiled_f32_16 + 2 * type + (tile > S1_CUDA_TILE_SIDE),
        .argument = p,
        .x = s1_cuda_ceil_div(p->n, S1_CUDA_TILE_COLUMNS),
        .y = tiles,
        .z = 1,
        .amount = amount_of(p),
    };
}

/* Rows of x that a tile has: few where there are few. */
static int64_t tile_for(int64_t rows)
{
    return rows > S1_CUDA_TILE_SIDE ? 4 * S1_CUDA_TILE_SIDE : S1_CUDA_TILE_SIDE;
}

int32_t s1_cuda_matmul(s1_cuda_stream *s, const ins1_op *op)
{
    s1_cuda_product p = product_of(op, &op->in[0], &op->in[1], &op->in[2], &op->in[3]);
    int32_t type = s1_cuda_type(op->in[0].dtype);
    int64_t tile = tile_for(p.t);

    s1_cuda_launch launch = p.t <= S1_CUDA_FEW_ROWS
                                ? launch_matvec(&p, type, p.t)
                                : launch_tiled(&p, type, tile, s1_cuda_ceil_div(p.t, tile));
    return s1_cuda_queue(s, &launch);
}

/* ---- experts ----------------------------------------------------------------------------------
 */

/* Addresses of all experts, where the kernels find them. */
static int32_t send_experts(s1_cuda_stream *s, const ins1_op *op, s1_cuda_product *p)
{
    int32_t n = op->i[2];
    size_t bytes = (size_t)n * sizeof(s1_cuda_expert);
    CUdeviceptr address = 0;
    void *room;

    int32_t status = s1_cuda_table(s, bytes, &room);
    if (status != INS1_OK)
        return status;
    s1_cuda_expert *table = room;
    for (int32_t i = 0; i < n; i++) {
        table[i].w = s1_cuda_address(&op->in[2 + i]);
        table[i].scale = s1_cuda_address(&op->in[2 + n + i]);
    }
    status = s1_cuda_send_table(s, bytes, &address);
    p->experts = (const s1_cuda_expert *)(uintptr_t)address;
    return status;
}

/* The results by expert, cut into tiles; how many there are at most. */
static int32_t sort(s1_cuda_stream *s, s1_cuda_product *p, int64_t n_experts, int64_t tile,
                    int64_t *most_tiles)
{
    *most_tiles = p->t / tile + (n_experts < p->t ? n_experts : p->t);
    int64_t order = 1 + 3 * *most_tiles;
    size_t numbers = (size_t)(order + p->t + 3 * n_experts);

    int32_t status = s1_cuda_scratch(s, numbers * sizeof(int32_t));
    if (status != INS1_OK)
        return status;
    int32_t *lists = (int32_t *)(uintptr_t)s->scratch;
    s1_cuda_sort argument = {
        .ids = p->ids,
        .lists = lists,
        .results = p->t,
        .experts = n_experts,
        .tile = tile,
        .order = order,
        .counts = lists + order + p->t,
    };
    const s1_cuda_launch launch = {
        .kernel = S1_CUDA_sort_experts,
        .argument = &argument,
        .x = 1,
        .y = 1,
        .z = 1,
        .amount = 2 * (double)p->t * (double)n_experts,
    };
    p->lists = lists;
    return s1_cuda_queue(s, &launch);
}

int32_t s1_cuda_matmul_experts(s1_cuda_stream *s, const ins1_op *op)
{
    int32_t n_experts = op->i[2], type = s1_cuda_type(op->in[2].dtype);
    s1_cuda_product p = product_of(op, &op->in[2], &op->in[0], &op->in[2 + n_experts], NULL);
    int64_t of_an_expert = p.t / n_experts, tiles;

    if (!p.t || !p.n)
        return INS1_OK;
    p.ids = s1_cuda_address(&op->in[1]);
    p.each = op->i[1];
    int32_t status = send_experts(s, op, &p);
    /* Few results of each: the weights are read for every one of them. */
    if (status == INS1_OK && of_an_expert < 2) {
        const s1_cuda_launch launch = launch_matvec(&p, type, 1);
        return s1_cuda_queue(s, &launch);
    }
    int64_t tile = tile_for(of_an_expert);
    if (status == INS1_OK)
        status = sort(s, &p, n_experts, tile, &tiles);
    if (status != INS1_OK)
        return status;
    const s1_cuda_launch launch = launch_tiled(&p, type, tile, tiles);
    return s1_cuda_queue(s, &launch);
}
