#include "backend/cpu/engine.h"

#include <math.h>

/* The router: which experts a token goes to, and with what weight. One definition for all levels.
 */

enum { ROWS_A_TASK = 32 };

typedef struct route_work {
    s1_cpu_stream *stream;
    const ins1_op *op;
    int64_t t;
} route_work;

static void softmax(float *p, const float *logits, int64_t n)
{
    float max = logits[0];
    float sum = 0;

    for (int64_t i = 1; i < n; i++)
        max = logits[i] > max ? logits[i] : max;
    for (int64_t i = 0; i < n; i++) {
        p[i] = expf(logits[i] - max);
        sum += p[i];
    }
    for (int64_t i = 0; i < n; i++)
        p[i] /= sum;
}

/* Mark the k best of [begin, end); of equals the first. NaNs are never better, yet k are found. */
static void choose(const float *p, uint8_t *chosen, int64_t begin, int64_t end, int64_t k)
{
    for (; k > 0; k--) {
        int64_t best = -1;
        for (int64_t i = begin; i < end; i++)
            if (!chosen[i] && (best < 0 || p[i] > p[best]))
                best = i;
        chosen[best] = 1;
    }
}

static void route_row(const route_work *work, int64_t at, float *p)
{
    const ins1_op *op = work->op;
    const ins1_tensor_desc *logits = &op->in[0];
    int64_t e = logits->dim[1];
    int64_t k = op->out[0].dim[1];
    int64_t groups = op->i[1] > 1 ? op->i[1] : 1;
    uint8_t *chosen = (uint8_t *)(p + e);
    int32_t *ids = (int32_t *)(void *)s1_cpu_at(&op->out[0]) + at * op->out[0].stride[0];
    float *gates = (float *)(void *)s1_cpu_at(&op->out[1]) + at * op->out[1].stride[0];
    float sum = 0;
    int64_t n = 0;

    softmax(p, (const float *)(const void *)s1_cpu_at(logits) + at * logits->stride[0], e);
    for (int64_t i = 0; i < e; i++)
        chosen[i] = 0;
    for (int64_t g = 0; g < groups; g++)
        choose(p, chosen, g * (e / groups), (g + 1) * (e / groups), k / groups);

    for (int64_t i = 0; i < e; i++) {
        if (!chosen[i])
            continue;
        ids[n] = (int32_t)i;
        gates[n++] = p[i];
        sum += p[i];
    }
    if (op->flags & INS1_OP_NORMALIZE)
        for (int64_t i = 0; i < n; i++)
            gates[i] /= sum + 1e-20f;
}

static void route_task(void *arg, int32_t index, int32_t worker)
{
    const route_work *work = arg;
    int64_t begin = (int64_t)index * ROWS_A_TASK;

    if (s1_cpu_stopped(work->stream))
        return;
    for (int64_t at = begin; at < begin + ROWS_A_TASK && at < work->t; at++)
        route_row(work, at, s1_worker_scratch(work->stream, worker));
}

int32_t s1_cpu_route(s1_cpu_stream *stream, const ins1_op *op)
{
    route_work work = { .stream = stream, .op = op, .t = op->in[0].dim[0] };
    return s1_cpu_region(stream, route_task, &work, s1_ceil_div(work.t, ROWS_A_TASK));
}
