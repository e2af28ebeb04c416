#include "fake_host.h"

#include "tensor/tensor.h"
#include "tensor/widen.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *host_alloc(void *host, size_t size, size_t align, int32_t kind)
{
    fake_host *h = host;
    (void)kind;
    if (atomic_fetch_sub(&h->until_refusal, 1) == 0)
        return NULL;
    void *memory = NULL;
    ck_assert_int_eq(posix_memalign(&memory, align, size), 0);
    memset(memory, 0x5a, size);
    atomic_fetch_add(&h->live, 1);
    return memory;
}

static void host_free(void *host, void *memory, size_t size, size_t align, int32_t kind)
{
    fake_host *h = host;
    (void)size;
    (void)align;
    (void)kind;
    atomic_fetch_sub(&h->live, 1);
    free(memory);
}

static void host_log(void *host, int32_t level, const char *text)
{
    (void)host;
    (void)level;
    (void)text;
}

static void host_fail(void *host, int32_t status, int32_t backend_code, const char *text)
{
    fake_host *h = host;
    (void)backend_code;
    (void)text;
    h->failed = status;
}

static int32_t host_stop_requested(void *host)
{
    fake_host *h = host;
    return atomic_fetch_sub(&h->until_stop, 1) == 0 ? INS1_E_CANCELED : INS1_OK;
}

static int32_t host_workers(void *host)
{
    return ((fake_host *)host)->threads;
}

typedef struct team {
    fake_host *host;
    void (*fn)(void *arg, int32_t index, int32_t worker);
    void *arg;
    int32_t n;
    atomic_int next, next_worker;
} team;

static void *work(void *arg)
{
    team *t = arg;
    int32_t worker = atomic_fetch_add(&t->next_worker, 1);

    for (;;) {
        int32_t i = atomic_fetch_add(&t->next, 1);
        if (i >= t->n)
            return NULL;
        atomic_fetch_add(&t->host->tasks, 1);
        t->fn(t->arg, i, worker);
    }
}

static int32_t host_parallel_for(void *host, void (*fn)(void *arg, int32_t index, int32_t worker),
                                 void *arg, int32_t n)
{
    fake_host *h = host;
    team t = { .host = h, .fn = fn, .arg = arg, .n = n };
    pthread_t threads[64];

    if (h->refuse_tasks)
        return INS1_E_CALLBACK;
    for (int32_t i = 1; i < h->threads; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &t), 0);
    work(&t);
    for (int32_t i = 1; i < h->threads; i++)
        pthread_join(threads[i], NULL);
    return INS1_OK;
}

void fake_host_init(fake_host *host, int32_t threads)
{
    *host = (fake_host){
        .api = {
            .struct_size = sizeof(ins1_host_api),
            .abi = INS1_BACKEND_ABI,
            .host = host,
            .alloc = host_alloc,
            .free = host_free,
            .log = host_log,
            .fail = host_fail,
            .stop_requested = host_stop_requested,
            .parallel_for = host_parallel_for,
            .workers = host_workers,
        },
        .threads = threads,
        .until_refusal = -1,
        .until_stop = -1,
    };
}

bool fake_device_open(fake_device *device, const char *level, int32_t threads)
{
    ins1_error error = INS1_INIT(ins1_error);

    fake_host_init(&device->host, threads);
    ins1_status status = s1_cpu_backend(&device->api, &device->host.api, level, &error);
    if (status == INS1_E_UNSUPPORTED) {
        printf("%s\n", error.text);
        return false;
    }
    ck_assert_msg(status == INS1_OK, "%s", error.text);
    ck_assert_int_eq(device->api.device_open(device->api.self, 0, &device->context), INS1_OK);
    ck_assert_int_eq(device->api.stream_new(device->context, &device->host, &device->stream),
                     INS1_OK);
    return true;
}

void fake_device_close(fake_device *device)
{
    device->api.stream_free(device->stream);
    device->api.device_close(device->context);
    device->api.shutdown(device->api.self);
    ck_assert_int_eq(atomic_load(&device->host.live), 0);
}

size_t fake_dtype_size(int32_t dtype)
{
    return s1_dtype_size(dtype);
}

ins1_tensor_desc fake_view(fake_device *device, void *memory, int32_t dtype, int32_t ndim,
                           const int64_t *dim)
{
    ins1_tensor_desc view = {
        .struct_size = sizeof(view),
        .dtype = dtype,
        .ndim = ndim,
    };
    int64_t stride = 1;

    for (int32_t i = ndim - 1; i >= 0; i--) {
        view.dim[i] = dim[i];
        view.stride[i] = stride;
        stride *= dim[i];
    }
    view.bytes = (uint64_t)stride * fake_dtype_size(dtype);
    ck_assert_int_eq(device->api.buffer_wrap(device->context, memory, view.bytes, &view.buffer),
                     INS1_OK);
    return view;
}

void fake_drop(fake_device *device, ins1_tensor_desc *views, int n)
{
    for (int i = 0; i < n; i++)
        if (views[i].dtype)
            device->api.buffer_free(device->context, views[i].buffer);
}

uint32_t fake_seed = 1;

uint32_t fake_bits(void)
{
    fake_seed ^= fake_seed << 13;
    fake_seed ^= fake_seed >> 17;
    fake_seed ^= fake_seed << 5;
    return fake_seed;
}

float fake_float(void)
{
    return (float)(int32_t)fake_bits() * 0x1p-31f;
}

float fake_widen(const void *from, int32_t dtype, size_t at)
{
    uint64_t one = 1;
    s1_tensor tensor =
        s1_tensor_dense(dtype, 1, &one, (const uint8_t *)from + at * fake_dtype_size(dtype));
    return s1_tensor_f32(&tensor, 0);
}

void fake_fill(void *out, float *exact, int32_t dtype, size_t n)
{
    uint8_t *to = out;

    for (size_t i = 0; i < n; i++) {
        float f = fake_float();
        uint16_t h = dtype == INS1_DTYPE_BF16 ? s1_to_bf16(f) : s1_to_f16(f);
        uint8_t b = (uint8_t)(fake_bits() >> 9);
        switch (dtype) {
        case INS1_DTYPE_F32:
            memcpy(to + 4 * i, &f, 4);
            break;
        case INS1_DTYPE_F8_E4M3:
            to[i] = (b & 0x7f) > 0x40 ? b & 0xbf : b;
            break;
        case INS1_DTYPE_I8:
            to[i] = b;
            break;
        default:
            memcpy(to + 2 * i, &h, 2);
            break;
        }
        if (exact)
            exact[i] = fake_widen(out, dtype, i);
    }
}
