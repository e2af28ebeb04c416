/* How a backend behaves when it is stopped, refused, or left without memory. */

#include "rig.h"

#include "interns1/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { T = 24, N = 96, K = 128 };

/* Work enough to be stopped in. */
typedef struct work {
    tensor w, x, y;
    ins1_tensor_desc in[4];
    ins1_op op;
} work;

static void work_make(rig *r, work *k)
{
    k->w = tensor_make(r, INS1_DTYPE_F32, 2, (int64_t[]){ N, K }, DENSE);
    k->x = tensor_make(r, INS1_DTYPE_F32, 2, (int64_t[]){ T, K }, DENSE);
    k->y = tensor_make(r, INS1_DTYPE_F32, 2, (int64_t[]){ T, N }, DENSE);
    tensor_fill(r, &k->w, 1);
    tensor_fill(r, &k->x, 1);
    tensor_upload(r, &k->w);
    tensor_upload(r, &k->x);
    tensor_upload(r, &k->y);
    k->in[0] = k->w.desc;
    k->in[1] = k->x.desc;
    k->in[2] = k->in[3] = tensor_none().desc;
    k->op = op_of(INS1_OP_MATMUL, k->in, 4, &k->y.desc, 1);
    k->op.i[0] = INS1_PRECISION_F32;
}

static void work_drop(rig *r, work *k)
{
    tensor_drop(r, &k->w);
    tensor_drop(r, &k->x);
    tensor_drop(r, &k->y);
}

static void unknown_operations(rig *r)
{
    work k;
    rig_begin(r, "unknown operation", "");
    work_make(r, &k);
    k.op.op = 9999;
    r->result.cases = 1;
    rig_expect(r, r->api->supports(r->context, &k.op) == 0, "supports an unknown operation");
    rig_expect(r, rig_answer(r, &k.op, 1) == INS1_E_UNSUPPORTED,
               "run of an unknown operation is not INS1_E_UNSUPPORTED");
    work_drop(r, &k);
    rig_end(r);
}

/* Stopped at the first question, the second, ... until nothing is left to stop. */
static void stopping(rig *r, int32_t stop, const char *name)
{
    work k;
    rig_begin(r, "stop", name);
    work_make(r, &k);
    ins1_op ops[] = { k.op, k.op, k.op };
    for (long n = 0; n < 60; n += 1 + n / 8) {
        r->result.cases++;
        r->host->stop = stop;
        r->host->until_stop = n;
        int32_t answer = rig_answer(r, ops, 3);
        bool asked = r->host->until_stop == 0;
        r->host->until_stop = -1;
        if (!asked) {
            rig_expect(r, answer == INS1_OK, "not stopped and still %d", answer);
            break;
        }
        rig_expect(r, answer == stop, "told to stop at question %ld, answers %d", n, answer);
    }
    r->host->until_stop = -1;
    rig_expect(r, rig_answer(r, ops, 3) == INS1_OK, "the stream does not work after a stop");
    work_drop(r, &k);
    rig_end(r);
}

static void refused_tasks(rig *r)
{
    work k;
    rig_begin(r, "tasks refused", "");
    work_make(r, &k);
    r->result.cases = 1;
    tensor_spoil(&k.y);
    tensor_upload(r, &k.y);
    r->host->refuses_tasks = true;
    int32_t answer = rig_answer(r, &k.op, 1);
    r->host->refuses_tasks = false;
    /* A backend with threads of its own has no need to ask. */
    if (answer == INS1_OK && r->computes) {
        tensor_download(r, &k.y);
        rig_expect(r, !isnan(k.y.value[0]), "run answers INS1_OK and has not run");
    }
    rig_expect(r, rig_answer(r, &k.op, 1) == INS1_OK, "the stream does not work after a refusal");
    work_drop(r, &k);
    rig_end(r);
}

/* One life of a device: open, fill, compute, close. */
static int32_t whole_life(rig *r)
{
    const ins1_backend_api *api = r->api;
    void *context = NULL, *stream = NULL, *address;
    uint64_t id[3];
    int n_buffers = 0;
    static const float zeros[T * K];

    int32_t status = api->device_open(api->self, r->device, &context);
    if (status != INS1_OK)
        return status;
    for (; n_buffers < 3 && status == INS1_OK; n_buffers += status == INS1_OK)
        status =
            api->buffer_new(context, sizeof(float) * N * K, INS1_MEM_KV, &id[n_buffers], &address);
    if (status == INS1_OK)
        status = api->stream_new(context, r->host, &stream);
    if (status == INS1_OK)
        status = api->write(stream, id[0], 0, zeros, sizeof(zeros));
    if (status == INS1_OK) {
        ins1_tensor_desc view = { .struct_size = sizeof(view), .dtype = INS1_DTYPE_F32, .ndim = 2 };
        ins1_tensor_desc w = view, x = view, y = view, none = tensor_none().desc;
        w.dim[0] = N;
        w.dim[1] = w.stride[0] = x.dim[1] = x.stride[0] = K;
        x.dim[0] = y.dim[0] = T;
        y.dim[1] = y.stride[0] = N;
        w.stride[1] = x.stride[1] = y.stride[1] = 1;
        w.buffer = id[0];
        x.buffer = id[1];
        y.buffer = id[2];
        w.bytes = sizeof(float) * N * K;
        x.bytes = sizeof(float) * T * K;
        y.bytes = sizeof(float) * T * N;
        const ins1_tensor_desc in[] = { w, x, none, none };
        ins1_op op = op_of(INS1_OP_MATMUL, in, 4, &y, 1);
        op.i[0] = INS1_PRECISION_BF16;
        if (!api->supports(context, &op))
            op.i[0] = INS1_PRECISION_F32;
        if (api->supports(context, &op))
            status = api->run(stream, &op, 1);
        if (status == INS1_OK && api->sync)
            status = api->sync(stream, INT64_MAX);
    }
    if (stream)
        api->stream_free(stream);
    while (n_buffers > 0)
        api->buffer_free(context, id[--n_buffers]);
    api->device_close(context);
    return status;
}

static void memory_runs_out(rig *r)
{
    rig_begin(r, "memory runs out", "");
    for (long n = 0; n < 1000; n++) {
        long long live = r->host->live;
        r->result.cases++;
        r->host->until_refusal = n;
        int32_t answer = whole_life(r);
        bool refused = r->host->until_refusal < 0;
        r->host->until_refusal = -1;
        rig_expect(r, r->host->live == live, "%lld bytes are not given back after refusal %ld",
                   r->host->live - live, n);
        if (!refused) {
            rig_expect(r, answer == INS1_OK, "a whole life answers %d", answer);
            break;
        }
        rig_expect(r, answer == INS1_E_MEMORY, "refused at request %ld, answers %d", n, answer);
    }
    r->host->until_refusal = -1;
    rig_end(r);
}

static void transfers(rig *r)
{
    unsigned char bytes[300], back[300];
    tensor a = tensor_make(r, INS1_DTYPE_U8, 1, (int64_t[]){ 300 }, DENSE);
    tensor b = tensor_make(r, INS1_DTYPE_U8, 1, (int64_t[]){ 300 }, DENSE);

    rig_begin(r, "write, copy, read", "");
    r->result.cases = 1;
    tensor_upload(r, &a);
    tensor_upload(r, &b);
    for (int i = 0; i < 300; i++)
        bytes[i] = (unsigned char)(i * 7);
    int32_t answer = r->api->write(r->stream, a.desc.buffer, a.desc.offset + 3, bytes, 290);
    memset(bytes, 0, sizeof(bytes)); /* the source is free at once */
    if (answer == INS1_OK)
        answer = r->api->copy(r->stream, b.desc.buffer, b.desc.offset + 1, a.desc.buffer,
                              a.desc.offset + 5, 200);
    if (answer == INS1_OK)
        answer = r->api->read(r->stream, b.desc.buffer, b.desc.offset, back, 300);
    if (answer == INS1_OK && r->api->sync)
        answer = r->api->sync(r->stream, INT64_MAX);
    rig_expect(r, answer == INS1_OK, "a transfer answers %d", answer);
    bool same = back[0] == 0 && back[201] == 0;
    for (int i = 0; i < 200; i++)
        same = same && back[1 + i] == (unsigned char)((i + 2) * 7);
    rig_expect(r, same, "other bytes come back than went out");
    rig_end(r);
    tensor_drop(r, &a);
    tensor_drop(r, &b);
}

/* Each operation reads what the one before it wrote. */
static void order(rig *r)
{
    tensor x = tensor_make(r, INS1_DTYPE_F32, 2, (int64_t[]){ 3, 40 }, DENSE);
    double *want = calloc(x.count, sizeof(double)), *bound = calloc(x.count, sizeof(double));

    rig_begin(r, "order", "");
    tensor_fill(r, &x, 1);
    tensor_upload(r, &x);
    const ins1_tensor_desc both[] = { x.desc, x.desc };
    ins1_op ops[] = {
        op_of(INS1_OP_SCALE, &x.desc, 1, &x.desc, 1),
        op_of(INS1_OP_ADD, both, 2, &x.desc, 1),
        op_of(INS1_OP_SCALE, &x.desc, 1, &x.desc, 1),
    };
    ops[0].f[0] = 0.5f;
    ops[2].f[0] = 4;
    for (size_t i = 0; i < x.count; i++)
        want[i] = x.value[i] * 4;
    if (rig_run(r, ops, 3))
        tensor_check(r, &x, want, bound);
    free(want);
    free(bound);
    tensor_drop(r, &x);
    rig_end(r);
}

void conformance_conduct(rig *r)
{
    transfers(r);
    order(r);
    unknown_operations(r);
    stopping(r, INS1_E_CANCELED, "INS1_E_CANCELED");
    stopping(r, INS1_E_DEADLINE, "INS1_E_DEADLINE");
    refused_tasks(r);
    memory_runs_out(r);
}
