/* Queueing in pieces and waiting. Two pieces are under way at most: while one runs the next is
 * queued, and whoever asks to stop waits for two of them. OpenCL 1.2 has no wait that ends early,
 * so events are looked at. */

#include "backend/opencl/opencl.h"

#include <string.h>
#include <time.h>

enum { MOST_LAUNCHES = 128 };

static const int64_t spin_ns = 50000;                    /* how long to look without a pause */
static const uint64_t most_at_once = UINT64_C(16) << 20; /* bytes of one transfer */

static int32_t judge(const s1_cl_stream *s, cl_int result, const char *what)
{
    return s1_cl_judge(s->cl, s->host, result, what);
}

static int32_t asked_to_stop(const s1_cl_stream *s)
{
    return s->cl->api->stop_requested(s->host);
}

/* ---- waiting ----------------------------------------------------------------------------------
 */

/* With `asks` not longer than the host wants. */
static int32_t wait_for(const s1_cl_stream *s, cl_event event, bool asks, int64_t until_ns)
{
    const struct timespec pause = { 0, 50000 };

    for (int64_t begin = s1_pace_now_ns();;) {
        cl_int state = CL_QUEUED;
        cl_int result = s->cl->clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS,
                                              sizeof(state), &state, NULL);
        if (result != CL_SUCCESS || state <= CL_COMPLETE)
            return judge(s, result != CL_SUCCESS ? result : state, "waiting for the device");
        int32_t stop = asks ? asked_to_stop(s) : INS1_OK;
        int64_t now = s1_pace_now_ns();
        if (stop)
            return stop;
        if (now >= until_ns)
            return INS1_E_DEADLINE;
        if (now - begin > spin_ns)
            nanosleep(&pause, NULL);
    }
}

static void learn(s1_cl_stream *s, const s1_cl_work *work)
{
    const s1_pace_piece piece = { work->amount, work->begun_ns, true, true };
    s1_pace_learn(&s->pace, &piece);
}

static int32_t wait_for_work(s1_cl_stream *s, s1_cl_work *work, bool asks, int64_t until_ns)
{
    if (!work->done)
        return INS1_OK;
    int32_t status = wait_for(s, work->done, asks, until_ns);
    if (status == INS1_OK)
        learn(s, work);
    if (status == INS1_OK || status == INS1_E_DEVICE || status == INS1_E_MEMORY) {
        s->cl->clReleaseEvent(work->done);
        work->done = NULL;
    }
    return status;
}

/* Ends a piece and sends it off. */
static int32_t end_piece(s1_cl_stream *s)
{
    s1_cl_work *work = &s->work[s->now];

    if (!work->launches)
        return INS1_OK;
    cl_int result = s->cl->clEnqueueMarkerWithWaitList(s->queue, 0, NULL, &work->done);
    if (result != CL_SUCCESS)
        work->done = NULL;
    else
        result = s->cl->clFlush(s->queue);
    work->begun_ns = s1_pace_now_ns();
    work->launches = 0;
    s->now = (s->now + 1) % S1_CL_PIECES;
    return judge(s, result, "sending off work");
}

static int32_t begin_piece(s1_cl_stream *s)
{
    s1_cl_work *work = &s->work[s->now];

    if (work->launches)
        return INS1_OK;
    work->amount = 0;
    return wait_for_work(s, work, true, INT64_MAX);
}

/* Everything that was queued. */
static int32_t settle(s1_cl_stream *s, bool asks, int64_t timeout_ns)
{
    int64_t until = s1_pace_until_ns(timeout_ns);
    int32_t status = end_piece(s);

    /* The one that comes next was queued first. */
    for (int32_t i = 0; i < S1_CL_PIECES; i++) {
        int32_t waited = wait_for_work(s, &s->work[(s->now + i) % S1_CL_PIECES], asks, until);
        if (waited != INS1_OK && status == INS1_OK)
            status = waited;
    }
    return status;
}

int32_t s1_cl_sync(void *stream, int64_t timeout_ns)
{
    return settle(stream, timeout_ns != INT64_MAX, timeout_ns);
}

/* ---- life -------------------------------------------------------------------------------------
 */

static const char *const names[S1_CL_N_KERNELS] = {
    [S1_CL_MATVEC_1] = "matvec_1",
    [S1_CL_MATVEC_4] = "matvec_4",
    [S1_CL_TILED] = "tiled",
    [S1_CL_SORT_EXPERTS] = "sort_experts",
    [S1_CL_NORM] = "norm",
    [S1_CL_ROPE] = "rope",
    [S1_CL_ROUTE] = "route",
    [S1_CL_ROWS] = "rows",
    [S1_CL_KV_PUT] = "kv_put",
    [S1_CL_ATTENTION] = "attention",
    [S1_CL_ATTENTION_MERGE] = "attention_merge",
};

static int32_t make(s1_cl_stream *s)
{
    const s1_cl *cl = s->cl;
    const s1_cl_device *d = s->device;
    cl_int result;

    s->tables.host = s1_cl_take(cl, s->host, S1_CL_TABLES);
    s->tables.size = S1_CL_TABLES;
    if (!s->tables.host)
        return INS1_E_MEMORY;
    s->queue = cl->clCreateCommandQueue(d->context, d->entry->device, 0, &result);
    if (result != CL_SUCCESS) {
        s->queue = NULL;
        return judge(s, result, "making a queue");
    }
    s->device_tables =
        cl->clCreateBuffer(d->context, CL_MEM_READ_WRITE, S1_CL_TABLES, NULL, &result);
    if (result != CL_SUCCESS) {
        s->device_tables = NULL;
        return judge(s, result, "memory for tables");
    }
    for (int i = 0; i < S1_CL_N_KERNELS; i++) {
        s->kernels[i] = cl->clCreateKernel(d->program, names[i], &result);
        if (result != CL_SUCCESS) {
            s->kernels[i] = NULL;
            return judge(s, result, names[i]);
        }
    }
    return INS1_OK;
}

int32_t s1_cl_stream_new(s1_cl_device *device, void *host, s1_cl_stream **out)
{
    s1_cl_stream *s = s1_cl_take(device->cl, host, sizeof(*s));

    if (!s)
        return INS1_E_MEMORY;
    *s = (s1_cl_stream){ .device = device, .cl = device->cl, .host = host };
    s->pace = s1_pace_begin(device->entry->kind == INS1_DEVICE_SOFTGPU ? 16 : 64);
    int32_t status = make(s);
    if (status == INS1_OK)
        *out = s;
    else
        s1_cl_stream_free(s);
    return status;
}

void s1_cl_stream_free(s1_cl_stream *s)
{
    const s1_cl *cl = s->cl;

    if (s->queue) {
        settle(s, false, INT64_MAX);
        cl->clFinish(s->queue);
    }
    for (int i = 0; i < S1_CL_N_KERNELS; i++)
        if (s->kernels[i])
            cl->clReleaseKernel(s->kernels[i]);
    if (s->scratch)
        cl->clReleaseMemObject(s->scratch);
    if (s->device_tables)
        cl->clReleaseMemObject(s->device_tables);
    if (s->queue)
        cl->clReleaseCommandQueue(s->queue);
    s1_cl_give_back(cl, s->host, s->tables.host, S1_CL_TABLES);
    s1_cl_give_back(cl, s->host, s, sizeof(*s));
}

/* ---- queueing ---------------------------------------------------------------------------------
 */

/* One more thing is in the piece. */
static int32_t count(s1_cl_stream *s, double amount)
{
    s1_cl_work *work = &s->work[s->now];

    work->launches++;
    work->amount += amount;
    return work->amount >= s->pace.budget || work->launches >= MOST_LAUNCHES ? end_piece(s)
                                                                             : INS1_OK;
}

/* All but the structure; what is absent is never read, and some buffer stands for it. */
static cl_int set_arguments(const s1_cl_stream *s, const s1_cl_launch *l)
{
    cl_kernel kernel = s->kernels[l->kernel];
    cl_uint at = 1;
    cl_int result = CL_SUCCESS;

    for (int32_t i = 0; i < l->n_buffers && result == CL_SUCCESS; i++) {
        cl_mem buffer = l->buffers[i] ? l->buffers[i] : s->device_tables;
        result = s->cl->clSetKernelArg(kernel, at++, sizeof(cl_mem), &buffer);
    }
    for (int32_t i = 0; i < l->n_locals && result == CL_SUCCESS; i++)
        result = s->cl->clSetKernelArg(kernel, at++, l->local[i], NULL);
    return result;
}

static int32_t launch_piece(s1_cl_stream *s, const s1_cl_launch *l, int64_t first, int64_t n)
{
    const size_t local[] = { S1_CL_ITEMS, 1, 1 };
    const size_t global[] = { (size_t)l->x * S1_CL_ITEMS, (size_t)n, (size_t)l->z };
    cl_kernel kernel = s->kernels[l->kernel];

    int32_t status = asked_to_stop(s);
    if (status == INS1_OK)
        status = begin_piece(s);
    if (status != INS1_OK)
        return status;
    memcpy(l->argument, &first, sizeof(first));
    cl_int result = s->cl->clSetKernelArg(kernel, 0, l->argument_size, l->argument);
    if (result == CL_SUCCESS)
        result =
            s->cl->clEnqueueNDRangeKernel(s->queue, kernel, 3, NULL, global, local, 0, NULL, NULL);
    if (result != CL_SUCCESS)
        return judge(s, result, names[l->kernel]);
    return count(s, l->amount / (double)l->y * (double)n);
}

int32_t s1_cl_queue(s1_cl_stream *s, const s1_cl_launch *l)
{
    int32_t status = INS1_OK;

    if (l->x < 1 || l->y < 1 || l->z < 1)
        return INS1_OK;
    if (l->x > INT32_MAX / S1_CL_ITEMS || l->z > INT32_MAX)
        return INS1_E_UNSUPPORTED;
    cl_int result = set_arguments(s, l);
    if (result != CL_SUCCESS)
        return judge(s, result, names[l->kernel]);
    for (int64_t first = 0, n; first < l->y && status == INS1_OK; first += n) {
        double at_once = s->pace.budget / (l->amount / (double)l->y + 1);
        n = at_once < INT32_MAX ? (int64_t)at_once : INT32_MAX;
        n = n < 1 ? 1 : n;
        n = n > l->y - first ? l->y - first : n;
        status = launch_piece(s, l, first, n);
    }
    return status;
}

int32_t s1_cl_table(s1_cl_stream *s, size_t bytes, void **out)
{
    if (bytes > S1_CL_TABLES)
        return INS1_E_UNSUPPORTED;
    if (!s1_tables_room(&s->tables, bytes)) {
        int32_t status = settle(s, true, INT64_MAX);
        if (status != INS1_OK)
            return status;
        s1_tables_forget(&s->tables);
    }
    *out = s1_tables_room(&s->tables, bytes);
    return INS1_OK;
}

int32_t s1_cl_send_table(s1_cl_stream *s, size_t bytes, int64_t *out)
{
    size_t at;
    bool is_there = s1_tables_find(&s->tables, bytes, &at);

    *out = (int64_t)at;
    if (is_there)
        return INS1_OK;
    int32_t status = begin_piece(s);
    if (status != INS1_OK)
        return status;
    cl_int result = s->cl->clEnqueueWriteBuffer(s->queue, s->device_tables, CL_FALSE, at, bytes,
                                                s->tables.host + at, 0, NULL, NULL);
    if (result != CL_SUCCESS)
        return judge(s, result, "sending a table");
    s1_tables_keep(&s->tables, bytes);
    return count(s, 0);
}

int32_t s1_cl_scratch(s1_cl_stream *s, size_t bytes)
{
    cl_int result;

    if (s->scratch_size >= bytes)
        return INS1_OK;
    int32_t status = settle(s, true, INT64_MAX);
    if (status != INS1_OK)
        return status;
    if (s->scratch)
        s->cl->clReleaseMemObject(s->scratch);
    s->scratch_size = 0;
    s->scratch = s->cl->clCreateBuffer(s->device->context, CL_MEM_READ_WRITE, bytes, NULL, &result);
    if (result == CL_SUCCESS)
        s->scratch_size = bytes;
    else
        s->scratch = NULL;
    return judge(s, result, "memory for one operation");
}

/* ---- transfers --------------------------------------------------------------------------------
 */

/* When it returns the copy is done: the caller's memory is its own again. */
int32_t s1_cl_write(void *stream, uint64_t id, uint64_t at, const void *src, uint64_t n)
{
    s1_cl_stream *s = stream;
    const unsigned char *from = src;
    int32_t status = settle(s, true, INT64_MAX);

    for (uint64_t part; n > 0 && status == INS1_OK; n -= part, from += part, at += part) {
        part = n < most_at_once ? n : most_at_once;
        cl_int result = s->cl->clEnqueueWriteBuffer(s->queue, (cl_mem)(uintptr_t)id, CL_TRUE, at,
                                                    part, from, 0, NULL, NULL);
        status = judge(s, result, "writing to the device");
        if (status == INS1_OK && n > part)
            status = asked_to_stop(s);
    }
    return status;
}

int32_t s1_cl_read(void *stream, uint64_t id, uint64_t at, void *dst, uint64_t n)
{
    s1_cl_stream *s = stream;
    unsigned char *to = dst;
    int32_t status = settle(s, true, INT64_MAX);

    for (uint64_t part; n > 0 && status == INS1_OK; n -= part, to += part, at += part) {
        part = n < most_at_once ? n : most_at_once;
        cl_int result = s->cl->clEnqueueReadBuffer(s->queue, (cl_mem)(uintptr_t)id, CL_TRUE, at,
                                                   part, to, 0, NULL, NULL);
        status = judge(s, result, "reading from the device");
        if (status == INS1_OK && n > part)
            status = asked_to_stop(s);
    }
    return status;
}

int32_t s1_cl_copy(void *stream, uint64_t dst, uint64_t dst_at, uint64_t src, uint64_t src_at,
                   uint64_t n)
{
    s1_cl_stream *s = stream;

    if (!n)
        return INS1_OK;
    int32_t status = begin_piece(s);
    if (status != INS1_OK)
        return status;
    cl_int result = s->cl->clEnqueueCopyBuffer(
        s->queue, (cl_mem)(uintptr_t)src, (cl_mem)(uintptr_t)dst, src_at, dst_at, n, 0, NULL, NULL);
    return result == CL_SUCCESS ? count(s, 0) : judge(s, result, "copying on the device");
}
