/* Queueing in pieces and waiting. Two pieces are under way at most: while one runs the next is
 * queued, and whoever asks to stop waits for two of them. */

#include "backend/cuda/cuda.h"

#include <string.h>
#include <time.h>

enum { MOST_LAUNCHES = 128 };

static const int64_t spin_ns = 200000; /* how long to look without a pause */

static int32_t judge(const s1_cuda_stream *s, CUresult result, const char *what)
{
    return s1_cuda_judge(s->device->cuda, s->host, result, what);
}

static int32_t asked_to_stop(const s1_cuda_stream *s)
{
    return s->device->cuda->api->stop_requested(s->host);
}

/* ---- waiting ----------------------------------------------------------------------------------
 */

int32_t s1_cuda_wait_for(const s1_cuda_stream *s, CUevent event, bool asks, int64_t until_ns)
{
    const struct timespec pause = { 0, 50000 };

    for (int64_t begin = s1_pace_now_ns();;) {
        CUresult result = s->driver->cuEventQuery(event);
        if (result != S1_CU_NOT_READY)
            return judge(s, result, "waiting for the device");
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

static void learn(s1_cuda_stream *s, const s1_cuda_work *work)
{
    const s1_pace_piece piece = { work->amount, work->begun_ns, true, true };
    s1_pace_learn(&s->pace, &piece);
}

static int32_t wait_for_work(s1_cuda_stream *s, s1_cuda_work *work, bool asks, int64_t until_ns)
{
    if (!work->is_under_way)
        return INS1_OK;
    int32_t status = s1_cuda_wait_for(s, work->done, asks, until_ns);
    if (status == INS1_OK)
        learn(s, work);
    if (status == INS1_OK || status == INS1_E_DEVICE || status == INS1_E_MEMORY)
        work->is_under_way = false;
    return status;
}

/* Ends a piece; the next one waits until the one before has ended. */
static int32_t end_piece(s1_cuda_stream *s)
{
    s1_cuda_work *work = &s->work[s->now];

    if (!work->launches)
        return INS1_OK;
    CUresult result = s->driver->cuEventRecord(work->done, s->handle);
    work->begun_ns = s1_pace_now_ns();
    work->is_under_way = result == S1_CU_SUCCESS;
    work->launches = 0;
    s->now = (s->now + 1) % S1_CUDA_PIECES;
    return judge(s, result, "recording an event");
}

int32_t s1_cuda_begin_piece(s1_cuda_stream *s)
{
    s1_cuda_work *work = &s->work[s->now];

    if (work->launches)
        return INS1_OK;
    work->amount = 0;
    return wait_for_work(s, work, true, INT64_MAX);
}

int32_t s1_cuda_settle(s1_cuda_stream *s, bool asks, int64_t timeout_ns)
{
    int64_t until = s1_pace_until_ns(timeout_ns);
    int32_t status = end_piece(s);

    /* The one that comes next was queued first. */
    for (int32_t i = 0; i < S1_CUDA_PIECES; i++) {
        int32_t waited = wait_for_work(s, &s->work[(s->now + i) % S1_CUDA_PIECES], asks, until);
        if (waited != INS1_OK && status == INS1_OK)
            status = waited;
    }
    if (status != INS1_OK)
        return status;
    for (int i = 0; i < 2; i++) {
        s->halves[i].used = 0;
        s->halves[i].is_under_way = false;
    }
    return INS1_OK;
}

int32_t s1_cuda_sync(void *stream, int64_t timeout_ns)
{
    s1_cuda_stream *s = stream;
    int32_t status = s1_cuda_enter(s->device, s->host);

    if (status != INS1_OK)
        return status;
    status = s1_cuda_settle(s, timeout_ns != INT64_MAX, timeout_ns);
    s1_cuda_leave(s->device);
    return status;
}

/* ---- life -------------------------------------------------------------------------------------
 */

static int32_t make(s1_cuda_stream *s)
{
    const s1_cuda_driver *d = s->driver;

    CUresult result = d->cuStreamCreate(&s->handle, S1_CU_STREAM_NON_BLOCKING);
    for (int i = 0; i < S1_CUDA_PIECES && result == S1_CU_SUCCESS; i++)
        result = d->cuEventCreate(&s->work[i].done, S1_CU_EVENT_DISABLE_TIMING);
    for (int i = 0; i < 2 && result == S1_CU_SUCCESS; i++) {
        s1_cuda_half *half = &s->halves[i];
        void *address = NULL;
        result = d->cuEventCreate(&half->done, S1_CU_EVENT_DISABLE_TIMING);
        if (result == S1_CU_SUCCESS)
            result = d->cuMemAllocHost_v2(&address, S1_CUDA_STAGE);
        half->address = address;
    }
    if (result == S1_CU_SUCCESS) {
        void *address = NULL;
        result = d->cuMemAllocHost_v2(&address, S1_CUDA_TABLES);
        s->tables.host = address;
        s->tables.size = S1_CUDA_TABLES;
    }
    if (result == S1_CU_SUCCESS)
        result = d->cuMemAlloc_v2(&s->device_tables, S1_CUDA_TABLES);
    return judge(s, result, "making a stream");
}

int32_t s1_cuda_stream_new(s1_cuda_device *device, void *host, s1_cuda_stream **out)
{
    s1_cuda_stream *s = s1_cuda_take(device->cuda, host, sizeof(*s));

    if (!s)
        return INS1_E_MEMORY;
    *s = (s1_cuda_stream){ .device = device, .driver = device->driver, .host = host };
    s->pace = s1_pace_begin(64);
    int32_t status = s1_cuda_enter(device, host);
    if (status == INS1_OK) {
        status = make(s);
        s1_cuda_leave(device);
    }
    if (status == INS1_OK)
        *out = s;
    else
        s1_cuda_stream_free(s);
    return status;
}

static void unmake(s1_cuda_stream *s)
{
    const s1_cuda_driver *d = s->driver;

    s1_cuda_settle(s, false, INT64_MAX);
    for (int i = 0; i < S1_CUDA_PIECES; i++)
        if (s->work[i].done)
            d->cuEventDestroy_v2(s->work[i].done);
    for (int i = 0; i < 2; i++) {
        if (s->halves[i].done)
            d->cuEventDestroy_v2(s->halves[i].done);
        if (s->halves[i].address)
            d->cuMemFreeHost(s->halves[i].address);
    }
    if (s->tables.host)
        d->cuMemFreeHost(s->tables.host);
    if (s->device_tables)
        d->cuMemFree_v2(s->device_tables);
    if (s->scratch)
        d->cuMemFree_v2(s->scratch);
    if (s->handle)
        d->cuStreamDestroy_v2(s->handle);
}

void s1_cuda_stream_free(s1_cuda_stream *s)
{
    s1_cuda_device *device = s->device;

    if (s->driver->cuCtxPushCurrent_v2(device->context) == S1_CU_SUCCESS) {
        unmake(s);
        s1_cuda_leave(device);
    }
    s1_cuda_give_back(device->cuda, s->host, s, sizeof(*s));
}

/* ---- queueing ---------------------------------------------------------------------------------
 */

int32_t s1_cuda_count(s1_cuda_stream *s, double amount)
{
    s1_cuda_work *work = &s->work[s->now];

    work->launches++;
    work->amount += amount;
    return work->amount >= s->pace.budget || work->launches >= MOST_LAUNCHES ? end_piece(s)
                                                                             : INS1_OK;
}

static int32_t launch_piece(s1_cuda_stream *s, const s1_cuda_launch *l, int64_t first, int64_t n)
{
#define THREADS_OF_KERNEL(name, argument, threads) threads,
    static const uint16_t threads[] = { S1_CUDA_KERNELS(THREADS_OF_KERNEL) };
    const s1_cuda_piece piece = { (uint32_t)first, 0 };
    void *parameters[] = { l->argument };

    int32_t status = asked_to_stop(s);
    if (status == INS1_OK)
        status = s1_cuda_begin_piece(s);
    if (status != INS1_OK)
        return status;
    memcpy(l->argument, &piece, sizeof(piece));
    CUresult result = s->driver->cuLaunchKernel(s->device->kernels[l->kernel], (unsigned)l->x,
                                                (unsigned)n, (unsigned)l->z, threads[l->kernel], 1,
                                                1, 0, s->handle, parameters, NULL);
    if (result != S1_CU_SUCCESS)
        return judge(s, result, "starting a kernel");
    return s1_cuda_count(s, l->amount / (double)l->y * (double)n);
}

int32_t s1_cuda_queue(s1_cuda_stream *s, const s1_cuda_launch *l)
{
    int32_t status = INS1_OK;

    if (l->x < 1 || l->y < 1 || l->z < 1)
        return INS1_OK;
    if (l->x > INT32_MAX || l->y > UINT32_MAX || l->z > S1_CUDA_MOST_ALONG_Y)
        return INS1_E_UNSUPPORTED;
    for (int64_t first = 0, n; first < l->y && status == INS1_OK; first += n) {
        double at_once = s->pace.budget / (l->amount / (double)l->y + 1);
        n = at_once < S1_CUDA_MOST_ALONG_Y ? (int64_t)at_once : S1_CUDA_MOST_ALONG_Y;
        n = n < 1 ? 1 : n;
        n = n > l->y - first ? l->y - first : n;
        status = launch_piece(s, l, first, n);
    }
    return status;
}

int32_t s1_cuda_table(s1_cuda_stream *s, size_t bytes, void **out)
{
    if (bytes > S1_CUDA_TABLES)
        return INS1_E_UNSUPPORTED;
    if (!s1_tables_room(&s->tables, bytes)) {
        int32_t status = s1_cuda_settle(s, true, INT64_MAX);
        if (status != INS1_OK)
            return status;
        s1_tables_forget(&s->tables);
    }
    *out = s1_tables_room(&s->tables, bytes);
    return INS1_OK;
}

int32_t s1_cuda_send_table(s1_cuda_stream *s, size_t bytes, CUdeviceptr *out)
{
    size_t at;
    bool is_there = s1_tables_find(&s->tables, bytes, &at);

    *out = s->device_tables + at;
    if (is_there)
        return INS1_OK;
    int32_t status = s1_cuda_begin_piece(s);
    if (status != INS1_OK)
        return status;
    CUresult result = s->driver->cuMemcpyHtoDAsync_v2(*out, s->tables.host + at, bytes, s->handle);
    if (result != S1_CU_SUCCESS)
        return judge(s, result, "sending a table");
    s1_tables_keep(&s->tables, bytes);
    return s1_cuda_count(s, 0);
}

int32_t s1_cuda_scratch(s1_cuda_stream *s, size_t bytes)
{
    if (s->scratch_size >= bytes)
        return INS1_OK;
    int32_t status = s1_cuda_settle(s, true, INT64_MAX);
    if (status != INS1_OK)
        return status;
    if (s->scratch)
        s->driver->cuMemFree_v2(s->scratch);
    s->scratch = 0;
    s->scratch_size = 0;
    CUresult result = s->driver->cuMemAlloc_v2(&s->scratch, bytes);
    if (result == S1_CU_SUCCESS)
        s->scratch_size = bytes;
    else
        s->scratch = 0;
    return judge(s, result, "memory for one operation");
}
