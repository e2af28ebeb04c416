/* A backend for libinterns1 in one file, built against the installed headers alone:
 *
 *     cc -std=c11 -O2 -shared -fPIC backend.c $(pkg-config --cflags interns1) -o example.so
 *
 * It has one device in the memory of the host and one operation, MATMUL, for weights in F32 and
 * BF16; what it does not support runs on the CPU. A backend for other hardware has the same shape:
 * buffers that are no host memory leave `host_address` alone, and `run` queues what `sync` waits
 * for. */

#include <interns1/model.h>
#include <interns1/sys/backend.h>

#include <stdbool.h>
#include <string.h>

enum { ALIGN = 64, ROWS_OF_A_TASK = 64 };

typedef struct buffer {
    unsigned char *memory;
    uint64_t bytes;
    int32_t kind;
    bool is_owned; /* false: the host's own memory, used where it lies */
} buffer;

/* The backend, and its only device. */
typedef struct backend {
    const ins1_host_api *api;
} backend;

typedef struct stream {
    const backend *backend;
    void *host; /* for the calls of this stream */
} stream;

/* --- the device --- */

static void shut_down(void *self)
{
    backend *b = self;
    b->api->free(b->api->host, b, sizeof(*b), ALIGN, INS1_MEM_OBJECT);
}

static int32_t count_devices(void *self)
{
    (void)self;
    return 1;
}

static int32_t describe(void *self, int32_t device, ins1_device_info *out)
{
    const ins1_device_info info = {
        .struct_size = out->struct_size,
        .kind = INS1_DEVICE_CPU,
        .backend = "example",
        .name = "example",
        .hardware = "the host's own cores",
        .level = "plain C",
        .caps = INS1_CAP_HOST_MEM | INS1_CAP_EXACT,
        .score = 1,
    };
    (void)self;
    (void)device;
    memcpy(out, &info, out->struct_size < sizeof(info) ? out->struct_size : sizeof(info));
    return INS1_OK;
}

static int32_t open_device(void *self, int32_t device, void **context)
{
    (void)device;
    *context = self;
    return INS1_OK;
}

static void close_device(void *context)
{
    (void)context;
}

/* --- buffers: their id is the address of their description --- */

static int32_t make_buffer(const backend *b, buffer like, uint64_t *id)
{
    buffer *made = b->api->alloc(b->api->host, sizeof(*made), ALIGN, INS1_MEM_OBJECT);
    if (!made)
        return INS1_E_MEMORY;
    *made = like;
    *id = (uintptr_t)made;
    return INS1_OK;
}

static int32_t new_buffer(void *context, uint64_t bytes, int32_t kind, uint64_t *id,
                          void **host_address)
{
    const backend *b = context;
    const uint64_t size = bytes ? bytes : 1;
    buffer like = { .bytes = size, .kind = kind, .is_owned = true };

    if (bytes > PTRDIFF_MAX)
        return INS1_E_MEMORY;
    like.memory = b->api->alloc(b->api->host, (size_t)size, ALIGN, kind);
    if (!like.memory)
        return INS1_E_MEMORY;
    int32_t status = make_buffer(b, like, id);
    if (status == INS1_OK)
        *host_address = like.memory;
    else
        b->api->free(b->api->host, like.memory, (size_t)size, ALIGN, kind);
    return status;
}

static int32_t wrap_buffer(void *context, void *address, uint64_t bytes, uint64_t *id)
{
    return make_buffer(context, (buffer){ .memory = address, .bytes = bytes }, id);
}

static void free_buffer(void *context, uint64_t id)
{
    const backend *b = context;
    buffer *gone = (buffer *)(uintptr_t)id;
    if (gone->is_owned)
        b->api->free(b->api->host, gone->memory, (size_t)gone->bytes, ALIGN, gone->kind);
    b->api->free(b->api->host, gone, sizeof(*gone), ALIGN, INS1_MEM_OBJECT);
}

static unsigned char *place(uint64_t id, uint64_t at)
{
    return ((buffer *)(uintptr_t)id)->memory + at;
}

/* --- streams: everything is done at once, so there is no `sync` --- */

static int32_t new_stream(void *context, void *host, void **out)
{
    const backend *b = context;
    stream *s = b->api->alloc(host, sizeof(*s), ALIGN, INS1_MEM_OBJECT);
    if (!s)
        return INS1_E_MEMORY;
    *s = (stream){ .backend = b, .host = host };
    *out = s;
    return INS1_OK;
}

static void free_stream(void *given)
{
    stream *s = given;
    s->backend->api->free(s->host, s, sizeof(*s), ALIGN, INS1_MEM_OBJECT);
}

static int32_t write_bytes(void *given, uint64_t id, uint64_t at, const void *src, uint64_t n)
{
    (void)given;
    if (n)
        memcpy(place(id, at), src, (size_t)n);
    return INS1_OK;
}

static int32_t read_bytes(void *given, uint64_t id, uint64_t at, void *dst, uint64_t n)
{
    (void)given;
    if (n)
        memcpy(dst, place(id, at), (size_t)n);
    return INS1_OK;
}

static int32_t copy_bytes(void *given, uint64_t dst, uint64_t dst_at, uint64_t src, uint64_t src_at,
                          uint64_t n)
{
    (void)given;
    if (n)
        memmove(place(dst, dst_at), place(src, src_at), (size_t)n);
    return INS1_OK;
}

/* --- the operation --- */

static float widen(uint16_t bf16)
{
    const uint32_t bits = (uint32_t)bf16 << 16;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* One product under way: y[t][n] = w[n][k] * x[t][k] (+ bias[n]) (+ y[t][n]). */
typedef struct product {
    const ins1_op *op;
    const unsigned char *w, *x, *bias;
    unsigned char *y;
} product;

static float weight_at(const product *p, int64_t n, int64_t k)
{
    const ins1_tensor_desc *w = &p->op->in[0];
    const int64_t at = n * w->stride[0] + k * w->stride[1];
    if (w->dtype == INS1_DTYPE_BF16)
        return widen(((const uint16_t *)(const void *)p->w)[at]);
    return ((const float *)(const void *)p->w)[at];
}

static float dot(const product *p, int64_t t, int64_t n)
{
    const ins1_tensor_desc *x = &p->op->in[1];
    const float *row = (const float *)(const void *)p->x + t * x->stride[0];
    float sum = 0;
    for (int64_t k = 0; k < x->dim[1]; k++)
        sum += weight_at(p, n, k) * row[k];
    return sum;
}

/* Rows of the weights, so that no sum is ever cut: the bits are the same for every number of
 * workers. */
static void multiply_rows(void *arg, int32_t index, int32_t worker)
{
    const product *p = arg;
    const ins1_tensor_desc *y = &p->op->out[0];
    const int64_t begin = (int64_t)index * ROWS_OF_A_TASK, end = begin + ROWS_OF_A_TASK;

    (void)worker;
    for (int64_t t = 0; t < y->dim[0]; t++) {
        float *row = (float *)(void *)p->y + t * y->stride[0];
        for (int64_t n = begin; n < end && n < y->dim[1]; n++) {
            float value = dot(p, t, n);
            if (p->bias)
                value += ((const float *)(const void *)p->bias)[n];
            row[n] = p->op->flags & INS1_OP_ACCUMULATE ? row[n] + value : value;
        }
    }
}

static int32_t supports(void *context, const ins1_op *op)
{
    (void)context;
    if (op->op != INS1_OP_MATMUL || op->i[0] != INS1_PRECISION_F32 || op->in[2].dtype != 0)
        return 0;
    if (op->in[3].dtype != 0 && op->in[3].dtype != INS1_DTYPE_F32)
        return 0;
    return op->in[0].dtype == INS1_DTYPE_F32 || op->in[0].dtype == INS1_DTYPE_BF16;
}

static int32_t run(void *given, const ins1_op *ops, int32_t n)
{
    const stream *s = given;
    const ins1_host_api *api = s->backend->api;

    for (int32_t i = 0; i < n; i++) {
        if (!supports(NULL, &ops[i]))
            return INS1_E_UNSUPPORTED;
        const ins1_tensor_desc *in = ops[i].in, *out = ops[i].out;
        product p = {
            .op = &ops[i],
            .w = place(in[0].buffer, in[0].offset),
            .x = place(in[1].buffer, in[1].offset),
            .bias = in[3].dtype ? place(in[3].buffer, in[3].offset) : NULL,
            .y = place(out[0].buffer, out[0].offset),
        };
        int32_t stop = api->stop_requested(s->host);
        if (stop)
            return stop;
        int64_t n_tasks = (out[0].dim[1] + ROWS_OF_A_TASK - 1) / ROWS_OF_A_TASK;
        stop = api->parallel_for(s->host, multiply_rows, &p, (int32_t)n_tasks);
        if (stop)
            return stop;
    }
    return INS1_OK;
}

int32_t ins1_backend_entry(uint32_t abi, const ins1_host_api *host, ins1_backend_api *out);

int32_t ins1_backend_entry(uint32_t abi, const ins1_host_api *host, ins1_backend_api *out)
{
    if (abi >> 16 != INS1_BACKEND_ABI_MAJOR)
        return INS1_E_VERSION;
    backend *b = host->alloc(host->host, sizeof(*b), ALIGN, INS1_MEM_OBJECT);
    if (!b)
        return INS1_E_MEMORY;
    b->api = host;
    *out = (ins1_backend_api){
        .struct_size = sizeof(*out),
        .abi = abi < INS1_BACKEND_ABI ? abi : INS1_BACKEND_ABI,
        .name = "example",
        .version = "1",
        .self = b,
        .shutdown = shut_down,
        .device_count = count_devices,
        .device_info = describe,
        .device_open = open_device,
        .device_close = close_device,
        .buffer_new = new_buffer,
        .buffer_wrap = wrap_buffer,
        .buffer_free = free_buffer,
        .stream_new = new_stream,
        .stream_free = free_stream,
        .write = write_bytes,
        .read = read_bytes,
        .copy = copy_bytes,
        .supports = supports,
        .run = run,
    };
    return INS1_OK;
}
