#include "backend/cpu/engine.h"

/* Regions whose tasks are dealt out in stretches. */

typedef struct deal {
    s1_cpu_stream *stream;
    s1_stretch_fn *fn;
    void *arg;
} deal;

static uint64_t pack(uint64_t first, uint64_t end)
{
    return first << 32 | end;
}

/* The first task of one's own stretch, or the last of another's. */
static bool take(s1_share *share, bool own, int64_t *task, int64_t *next)
{
    uint64_t left = atomic_load_explicit(&share->left, memory_order_relaxed);

    for (;;) {
        uint64_t first = left >> 32;
        uint64_t end = left & UINT32_MAX;
        if (first >= end)
            return false;
        uint64_t rest = own ? pack(first + 1, end) : pack(first, end - 1);
        if (!atomic_compare_exchange_weak_explicit(&share->left, &left, rest, memory_order_relaxed,
                                                   memory_order_relaxed))
            continue;
        *task = (int64_t)(own ? first : end - 1);
        *next = own && first + 1 < end ? (int64_t)first + 1 : -1;
        return true;
    }
}

static bool take_any(s1_cpu_stream *stream, int32_t own, int64_t *task, int64_t *next)
{
    for (int32_t i = 0; i < stream->workers; i++)
        if (take(&stream->shares[(own + i) % stream->workers], i == 0, task, next))
            return true;
    return false;
}

static void work(void *arg, int32_t index, int32_t worker)
{
    const deal *d = arg;
    int64_t task, next;

    while (!s1_cpu_stopped(d->stream) && take_any(d->stream, index, &task, &next))
        d->fn(d->arg, task, next, worker);
}

int32_t s1_cpu_stretches(s1_cpu_stream *stream, s1_stretch_fn *fn, void *arg, int64_t n)
{
    deal d = { .stream = stream, .fn = fn, .arg = arg };
    int64_t workers = stream->workers;

    if (n > UINT32_MAX)
        return INS1_E_UNSUPPORTED;
    for (int64_t i = 0; i < workers; i++)
        atomic_store_explicit(&stream->shares[i].left,
                              pack((uint64_t)(n * i / workers), (uint64_t)(n * (i + 1) / workers)),
                              memory_order_relaxed);
    return s1_cpu_region(stream, work, &d, n < workers ? n : workers);
}
