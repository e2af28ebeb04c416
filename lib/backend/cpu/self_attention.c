#include "backend/cpu/engine.h"

/* Attention inside segments: every head of every segment is cut into blocks of rows, and a task is
 * some of them. What a row gives depends on the keys of its segment alone, which a kernel takes in
 * their order, so neither blocks nor segments nor threads show. */

enum {
    SMALLEST_BLOCK = 4,   /* groups */
    TASK = 1 << 22,       /* multiplications that are worth a task */
    BLOCK_COST = 1 << 15, /* as many as the beginning and the end of a block take */
    SLICE = 1 << 26,      /* of a slice of keys; between two it is asked whether to stop */
};

typedef struct self_work {
    s1_cpu_stream *stream;
    const ins1_op *op;
    int64_t t, heads, d;
    int64_t groups;   /* of S1_ATTEND_GROUP rows */
    int64_t n_blocks; /* of a head */
    int64_t total;    /* blocks of all heads and segments */
    int64_t a_task;
    int64_t slice; /* keys */
} self_work;

static float *row_of(const ins1_tensor_desc *tensor, int64_t segment, int64_t t, int64_t head)
{
    return (float *)(void *)s1_cpu_at(tensor) + segment * tensor->stride[0] +
           t * tensor->stride[1] + head * tensor->stride[2];
}

static s1_attend describe(const self_work *work, int64_t index)
{
    const ins1_op *op = work->op;
    int64_t block = index % work->n_blocks;
    int64_t head = index / work->n_blocks % work->heads;
    int64_t segment = index / work->n_blocks / work->heads;
    int64_t first = work->groups * block / work->n_blocks * S1_ATTEND_GROUP;
    int64_t end = work->groups * (block + 1) / work->n_blocks * S1_ATTEND_GROUP;
    bool causal = op->flags & INS1_OP_CAUSAL;

    end = end < work->t ? end : work->t;
    return (s1_attend){
        .q = row_of(&op->in[0], segment, first, head),
        .y = row_of(&op->out[0], segment, first, head),
        .k = row_of(&op->in[1], segment, 0, head),
        .v = row_of(&op->in[2], segment, 0, head),
        .q_stride = op->in[0].stride[1],
        .k_stride = op->in[1].stride[1],
        .v_stride = op->in[2].stride[1],
        .y_stride = op->out[0].stride[1],
        .rows = end - first,
        .first = first,
        .causal = causal,
        .round = op->i[0] == INS1_PRECISION_BF16,
        .n = causal ? end : work->t,
        .d = work->d,
        .scale = op->f[0],
    };
}

static void attend_task(void *arg, int32_t index, int32_t worker)
{
    const self_work *work = arg;
    void *scratch = s1_worker_scratch(work->stream, worker);
    int64_t begin = index * work->a_task;
    int64_t end = begin + work->a_task;

    for (int64_t i = begin; i < end && i < work->total; i++) {
        s1_attend block = describe(work, i);
        for (int64_t at = 0; at < block.n; at += work->slice) {
            if (s1_cpu_stopped(work->stream))
                return;
            work->stream->kernels->attend(
                &block, at, at + work->slice < block.n ? at + work->slice : block.n, scratch);
        }
    }
}

/* As few blocks as the scratch allows, since each lays out the keys for itself, but enough for all
 * workers. */
static int64_t count_blocks(const self_work *work, int64_t heads)
{
    int64_t fewest = s1_ceil_div(work->groups * S1_ATTEND_GROUP, s1_attend_rows(work->d));
    int64_t most = s1_ceil_div(work->groups, SMALLEST_BLOCK);
    int64_t wanted = s1_ceil_div(4 * (int64_t)work->stream->workers, heads);

    wanted = wanted < most ? wanted : most;
    return wanted > fewest ? wanted : fewest;
}

int32_t s1_cpu_self_attention(s1_cpu_stream *stream, const ins1_op *op)
{
    const ins1_tensor_desc *q = &op->in[0];
    int64_t heads = q->dim[0] * q->dim[2];
    self_work work = {
        .stream = stream,
        .op = op,
        .t = q->dim[1],
        .heads = q->dim[2],
        .d = q->dim[3],
        .groups = s1_ceil_div(q->dim[1], S1_ATTEND_GROUP),
    };
    _Static_assert((int)S1_ATTEND_SCRATCH <= (int)S1_WORKER_SCRATCH, "room for a block");

    if (heads == 0 || work.t == 0 || work.d == 0)
        return INS1_OK;
    work.n_blocks = count_blocks(&work, heads);
    work.total = heads * work.n_blocks;
    int64_t a_key = 2 * s1_ceil_div(work.t, work.n_blocks) * work.d;
    work.slice = s1_ceil_div(SLICE / a_key + 1, S1_ATTEND_KEYS) * S1_ATTEND_KEYS;
    work.a_task = TASK / (a_key * work.t + BLOCK_COST) + 1;
    return s1_cpu_region(stream, attend_task, &work, s1_ceil_div(work.total, work.a_task));
}
