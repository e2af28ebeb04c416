#include "backend/cpu/engine.h"

/* Keys and values in pages. Positions are cut into stretches that depend on the page length alone,
 * and what they give is merged in ascending order: so a row's result does not depend on the rows
 * beside it, nor on who computed which stretch. */

typedef struct attention_work {
    s1_cpu_stream *stream;
    s1_attention kernel;
    const ins1_tensor_desc *q, *k, *v, *y;
    const int32_t *rows;  /* [t][2] */
    const int32_t *pages; /* [lines][page_stride] */
    int64_t rows_stride, page_stride;
    int64_t stretch;
} attention_work;

static int64_t element_size(int32_t dtype)
{
    return dtype == INS1_DTYPE_F32 ? 4 : 2;
}

/* Where position `p` of a line lies for one key and value head. */
static uint8_t *position_at(const ins1_tensor_desc *pool, const int32_t *line, int64_t head,
                            int64_t p)
{
    int64_t length = pool->dim[2];
    int64_t at =
        line[p / length] * pool->stride[0] + head * pool->stride[1] + p % length * pool->stride[2];
    return s1_cpu_at(pool) + at * element_size(pool->dtype);
}

static float *head_of(const ins1_tensor_desc *tensor, int64_t t, int64_t g, int64_t r)
{
    return (float *)(void *)s1_cpu_at(tensor) + t * tensor->stride[0] + g * tensor->stride[1] +
           r * tensor->stride[2];
}

/* The stretch that begins at position p ends here, or with the page. */
static int64_t stretch_end(const attention_work *work, int64_t p)
{
    int64_t length = work->k->dim[2];
    int64_t page_end = p / length * length + length;
    return p + work->stretch < page_end ? p + work->stretch : page_end;
}

/* One row and one key and value head: all query heads of the group. */
static void attend_row(const attention_work *work, int64_t t, int64_t g, float *scratch)
{
    const s1_kernels *kernels = work->stream->kernels;
    int64_t heads = work->q->dim[2];
    int64_t d = work->kernel.d;
    int64_t n = work->rows[t * work->rows_stride + 1] + (int64_t)1;
    const int32_t *line = work->pages + work->rows[t * work->rows_stride] * work->page_stride;
    const float *q[S1_MOST_HEADS];
    s1_partial sum = { scratch, scratch + heads, scratch + 2 * heads };
    s1_partial next = { sum.acc + heads * d, sum.acc + heads * (d + 1), sum.acc + heads * (d + 2) };
    float *scores = next.acc + heads * d;

    for (int64_t h = 0; h < heads; h++)
        q[h] = head_of(work->q, t, g, h);
    for (int64_t p = 0; p < n;) {
        int64_t end = stretch_end(work, p);
        end = end < n ? end : n;
        kernels->attend(&work->kernel, q, heads, position_at(work->k, line, g, p),
                        position_at(work->v, line, g, p), end - p, p == 0 ? sum : next, scores);
        if (p > 0)
            kernels->attend_merge(sum, next, heads, d);
        p = end;
    }
    for (int64_t h = 0; h < heads; h++)
        kernels->attend_end(head_of(work->y, t, g, h), sum.acc + h * d, sum.sum[h], d);
}

static void attention_task(void *arg, int32_t index, int32_t worker)
{
    const attention_work *work = arg;
    int64_t groups = work->q->dim[1];

    if (s1_cpu_stopped(work->stream))
        return;
    attend_row(work, index / groups, index % groups, s1_worker_scratch(work->stream, worker));
}

int32_t s1_cpu_attention(s1_cpu_stream *stream, const ins1_op *op)
{
    const ins1_tensor_desc *q = &op->in[0];
    attention_work work = {
        .stream = stream,
        .q = q,
        .k = &op->in[1],
        .v = &op->in[2],
        .y = &op->out[0],
        .rows = (const int32_t *)(const void *)s1_cpu_at(&op->in[3]),
        .pages = (const int32_t *)(const void *)s1_cpu_at(&op->in[4]),
        .rows_stride = op->in[3].stride[0],
        .page_stride = op->in[4].stride[0],
    };

    work.kernel = (s1_attention){
        .k_dtype = work.k->dtype,
        .v_dtype = work.v->dtype,
        .d = q->dim[3],
        .k_stride = work.k->stride[2],
        .v_stride = work.v->stride[2],
        .scale = op->f[0],
    };
    work.stretch = work.k->dim[2] < S1_STRETCH ? work.k->dim[2] : S1_STRETCH;
    return s1_cpu_region(stream, attention_task, &work, q->dim[0] * q->dim[1]);
}

int32_t s1_cpu_kv_put(s1_cpu_stream *stream, const ins1_op *op)
{
    const ins1_tensor_desc *rows = &op->in[2];
    const ins1_tensor_desc *pages = &op->in[3];
    const int32_t *row = (const int32_t *)(const void *)s1_cpu_at(rows);
    int64_t d = op->in[0].dim[3];

    for (int64_t t = 0; t < op->in[0].dim[0]; t++, row += rows->stride[0]) {
        const int32_t *line =
            (const int32_t *)(const void *)s1_cpu_at(pages) + row[0] * pages->stride[0];
        for (int64_t g = 0; g < op->in[0].dim[1]; g++)
            for (int i = 0; i < 2; i++)
                stream->kernels->narrow(position_at(&op->out[i], line, g, row[1]),
                                        head_of(&op->in[i], t, g, 0), op->out[i].dtype, d);
    }
    return INS1_OK;
}
