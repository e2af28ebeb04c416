#include "backend/dummy/dummy.h"

#include <string.h>

enum { ALIGN = 64 };

/* A word that only a live object has. */
enum { BUFFER_MARK = 0x0b0f, STREAM_MARK = 0x57a3 };

typedef struct buffer {
    uint32_t mark;
    uint32_t owned;
    int32_t kind;
    uint64_t bytes;
    unsigned char *memory;
} buffer;

typedef struct stream {
    uint32_t mark;
    s1_dummy *dummy;
    void *host;
    atomic_flag inside;
} stream;

/* The answer to give, counted; INS1_OK unless this is where it lies. */
static int32_t answer(s1_dummy *dummy, void *host, int32_t call)
{
    int32_t n = atomic_fetch_add(&dummy->calls[call], 1);
    if (!dummy->lies || dummy->lie_call != call || n < dummy->lie_from)
        return INS1_OK;
    if (dummy->lie_text)
        dummy->api->fail(host, dummy->lie_answer, 77, dummy->lie_text);
    return dummy->lie_answer;
}

static int32_t complain(s1_dummy *dummy, void *host, const char *text)
{
    atomic_fetch_add(&dummy->complaints, 1);
    dummy->api->log(host, INS1_LOG_ERROR, text);
    dummy->api->fail(host, INS1_E_DEVICE, 0, text);
    return INS1_E_DEVICE;
}

/* ---- device -----------------------------------------------------------------------------------
 */

static int32_t device_count(void *self)
{
    s1_dummy *dummy = self;
    int32_t lie = answer(dummy, dummy->api->host, S1_DUMMY_DEVICE_COUNT);
    return lie ? lie : dummy->n_devices ? dummy->n_devices : 1;
}

static int32_t device_info(void *self, int32_t device, ins1_device_info *out)
{
    s1_dummy *dummy = self;
    ins1_device_info info = {
        .struct_size = out->struct_size,
        .kind = INS1_DEVICE_ACCELERATOR,
        .hardware = "nothing",
        .level = "none",
        .mem_total = UINT64_C(1) << 30,
        .mem_free = UINT64_C(1) << 30,
        .max_buffer = UINT64_C(1) << 30,
        .caps = dummy->has_device_memory ? 0 : INS1_CAP_HOST_MEM,
        .score = 1,
    };
    (void)device;
    memcpy(out, &info, out->struct_size < sizeof(info) ? out->struct_size : sizeof(info));
    return answer(dummy, dummy->api->host, S1_DUMMY_DEVICE_INFO);
}

static int32_t device_open(void *self, int32_t device, void **context)
{
    s1_dummy *dummy = self;
    int32_t lie = answer(dummy, dummy->api->host, S1_DUMMY_DEVICE_OPEN);
    (void)device;
    if (lie)
        return lie;
    atomic_fetch_add(&dummy->live, 1);
    *context = dummy;
    return INS1_OK;
}

static void device_close(void *context)
{
    s1_dummy *dummy = context;
    atomic_fetch_sub(&dummy->live, 1);
}

/* ---- buffers ----------------------------------------------------------------------------------
 */

static buffer *buffer_of(uint64_t id)
{
    buffer *b = (buffer *)(uintptr_t)id;
    return b && b->mark == BUFFER_MARK ? b : NULL;
}

static buffer *add_buffer(s1_dummy *dummy, uint64_t bytes, int32_t kind)
{
    buffer *b = dummy->api->alloc(dummy->api->host, sizeof(*b), ALIGN, INS1_MEM_OBJECT);
    if (!b)
        return NULL;
    *b = (buffer){ .mark = BUFFER_MARK, .bytes = bytes, .kind = kind };
    atomic_fetch_add(&dummy->live, 1);
    return b;
}

static void buffer_free(void *context, uint64_t id)
{
    s1_dummy *dummy = context;
    buffer *b = buffer_of(id);

    if (!b) {
        complain(dummy, dummy->api->host, "a buffer that is none is freed");
        return;
    }
    b->mark = 0;
    if (b->owned)
        dummy->api->free(dummy->api->host, b->memory, b->bytes, ALIGN, b->kind);
    dummy->api->free(dummy->api->host, b, sizeof(*b), ALIGN, INS1_MEM_OBJECT);
    atomic_fetch_sub(&dummy->live, 1);
}

static int32_t buffer_new(void *context, uint64_t bytes, int32_t kind, uint64_t *id,
                          void **host_address)
{
    s1_dummy *dummy = context;
    int32_t lie = answer(dummy, dummy->api->host, S1_DUMMY_BUFFER_NEW);

    if (lie)
        return lie;
    if (!bytes || kind < INS1_MEM_WEIGHTS || kind > INS1_MEM_IO)
        return complain(dummy, dummy->api->host, "a buffer without size or kind");
    if (dummy->same_id_twice) {
        *id = 12345;
        *host_address = NULL;
        return INS1_OK;
    }
    buffer *b = add_buffer(dummy, bytes, kind);
    if (!b)
        return INS1_E_MEMORY;
    b->memory = dummy->api->alloc(dummy->api->host, bytes, ALIGN, kind);
    b->owned = b->memory != NULL;
    if (!b->memory) {
        buffer_free(dummy, (uintptr_t)b);
        return INS1_E_MEMORY;
    }
    *id = (uintptr_t)b;
    *host_address = dummy->has_device_memory ? NULL : b->memory;
    return INS1_OK;
}

static int32_t buffer_wrap(void *context, void *address, uint64_t bytes, uint64_t *id)
{
    s1_dummy *dummy = context;
    int32_t lie = answer(dummy, dummy->api->host, S1_DUMMY_BUFFER_WRAP);

    if (lie)
        return lie;
    if (dummy->has_device_memory)
        return INS1_E_UNSUPPORTED;
    if (!address || !bytes)
        return complain(dummy, dummy->api->host, "nothing is wrapped");
    buffer *b = add_buffer(dummy, bytes, 0);
    if (!b)
        return INS1_E_MEMORY;
    b->memory = address;
    *id = (uintptr_t)b;
    return INS1_OK;
}

/* ---- streams ----------------------------------------------------------------------------------
 */

static int32_t stream_new(void *context, void *host, void **out)
{
    s1_dummy *dummy = context;
    int32_t lie = answer(dummy, host, S1_DUMMY_STREAM_NEW);
    if (lie)
        return lie;
    stream *s = dummy->api->alloc(host, sizeof(*s), ALIGN, INS1_MEM_OBJECT);
    if (!s)
        return INS1_E_MEMORY;
    *s = (stream){ .mark = STREAM_MARK, .dummy = dummy, .host = host };
    atomic_flag_clear(&s->inside);
    atomic_fetch_add(&dummy->live, 1);
    *out = s;
    return INS1_OK;
}

static void stream_free(void *handle)
{
    stream *s = handle;
    s1_dummy *dummy = s->dummy;
    s->mark = 0;
    dummy->api->free(s->host, s, sizeof(*s), ALIGN, INS1_MEM_OBJECT);
    atomic_fetch_sub(&dummy->live, 1);
}

static bool is_inside(uint64_t id, uint64_t at, uint64_t n)
{
    const buffer *b = buffer_of(id);
    return b && at <= b->bytes && n <= b->bytes - at;
}

static int32_t write_buffer(void *handle, uint64_t id, uint64_t at, const void *src, uint64_t n)
{
    stream *s = handle;
    int32_t lie = answer(s->dummy, s->host, S1_DUMMY_WRITE);
    if (lie)
        return lie;
    if (!src || !is_inside(id, at, n))
        return complain(s->dummy, s->host, "a write outside of its buffer");
    memcpy(buffer_of(id)->memory + at, src, n);
    return INS1_OK;
}

static int32_t read_buffer(void *handle, uint64_t id, uint64_t at, void *dst, uint64_t n)
{
    stream *s = handle;
    int32_t lie = answer(s->dummy, s->host, S1_DUMMY_READ);
    if (lie)
        return lie;
    if (!dst || !is_inside(id, at, n))
        return complain(s->dummy, s->host, "a read outside of its buffer");
    memcpy(dst, buffer_of(id)->memory + at, n);
    return INS1_OK;
}

static int32_t copy_buffer(void *handle, uint64_t dst, uint64_t dst_at, uint64_t src,
                           uint64_t src_at, uint64_t n)
{
    stream *s = handle;
    int32_t lie = answer(s->dummy, s->host, S1_DUMMY_COPY);
    if (lie)
        return lie;
    if (!is_inside(dst, dst_at, n) || !is_inside(src, src_at, n))
        return complain(s->dummy, s->host, "a copy outside of its buffers");
    memmove(buffer_of(dst)->memory + dst_at, buffer_of(src)->memory + src_at, n);
    return INS1_OK;
}

/* ---- operations -------------------------------------------------------------------------------
 */

static uint64_t element_size(int32_t dtype)
{
    switch (dtype) {
    case INS1_DTYPE_F32:
    case INS1_DTYPE_I32:
        return 4;
    case INS1_DTYPE_F16:
    case INS1_DTYPE_BF16:
        return 2;
    case INS1_DTYPE_U8:
    case INS1_DTYPE_I8:
    case INS1_DTYPE_F8_E4M3:
        return 1;
    default:
        return 0;
    }
}

/* Small enough not to overflow: the front door bounds every range by a buffer. */
static const char *wrong_with(const ins1_tensor_desc *view)
{
    uint64_t last = 0;

    if (!view->dtype)
        return NULL; /* absent */
    if (view->struct_size != sizeof(*view))
        return "a view of another size";
    if (!element_size(view->dtype))
        return "a view of no type";
    if (view->layout != INS1_LAYOUT_STRIDED)
        return "a layout that was never made here";
    if (view->ndim < 0 || view->ndim > 4)
        return "a view of too many axes";
    for (int32_t i = 0; i < view->ndim; i++)
        if (view->dim[i] < 0 || (view->dim[i] > 1 && view->stride[i] < 1))
            return "a dimension or stride that is negative";
    for (int32_t i = 0; i < view->ndim; i++) {
        if (view->dim[i] == 0)
            return NULL;
        last += (uint64_t)(view->dim[i] - 1) * (uint64_t)view->stride[i];
    }
    if ((last + 1) * element_size(view->dtype) > view->bytes)
        return "a view whose shape is longer than its bytes";
    return is_inside(view->buffer, view->offset, view->bytes) ? NULL : "a view outside its buffer";
}

static const char *wrong_with_op(const ins1_op *op)
{
    const char *wrong = op->struct_size == sizeof(*op) ? NULL : "an operation of another size";

    for (int32_t i = 0; i < op->n_in && !wrong; i++)
        wrong = wrong_with(&op->in[i]);
    for (int32_t i = 0; i < op->n_out && !wrong; i++)
        wrong = op->out[i].dtype ? wrong_with(&op->out[i]) : "an output that is absent";
    return wrong;
}

static int32_t supports(void *context, const ins1_op *op)
{
    const s1_dummy *dummy = context;
    if (op->op < INS1_OP_MATMUL || op->op > INS1_OP_MEAN)
        return 0;
    return !dummy->supported || (dummy->supported >> op->op & 1);
}

static void no_work(void *arg, int32_t index, int32_t worker)
{
    s1_dummy *dummy = arg;
    (void)index;
    (void)worker;
    if (dummy->during_run)
        dummy->during_run(dummy->user);
}

static int32_t run_op(stream *s, const ins1_op *op)
{
    const char *wrong = wrong_with_op(op);

    atomic_fetch_add(&s->dummy->ops, 1);
    if (!supports(s->dummy, op))
        return INS1_E_UNSUPPORTED;
    if (wrong)
        return complain(s->dummy, s->host, wrong);
    int32_t status = s->dummy->api->stop_requested(s->host);
    if (!status)
        status = s->dummy->api->parallel_for(s->host, no_work, s->dummy, 1);
    return status ? status : s->dummy->api->stop_requested(s->host);
}

static int32_t run(void *handle, const ins1_op *ops, int32_t n)
{
    stream *s = handle;
    int32_t status = answer(s->dummy, s->host, S1_DUMMY_RUN);

    if (s->mark != STREAM_MARK || n < 1 || !ops || atomic_flag_test_and_set(&s->inside))
        return complain(s->dummy, s->host, "a stream that is gone or taken, or nothing to run");
    for (int32_t i = 0; i < n && !status; i++)
        status = run_op(s, &ops[i]);
    atomic_flag_clear(&s->inside);
    return status;
}

static int32_t sync(void *handle, int64_t timeout_ns)
{
    stream *s = handle;
    if (timeout_ns < 0)
        return complain(s->dummy, s->host, "a wait of less than nothing");
    return answer(s->dummy, s->host, S1_DUMMY_SYNC);
}

int32_t s1_dummy_backend(ins1_backend_api *out, const ins1_host_api *host, s1_dummy *dummy)
{
    dummy->api = host;
    *out = (ins1_backend_api){
        .struct_size = sizeof(*out),
        .abi = host->abi < INS1_BACKEND_ABI ? host->abi : INS1_BACKEND_ABI,
        .name = "dummy",
        .version = "1",
        .self = dummy,
        .device_count = device_count,
        .device_info = device_info,
        .device_open = device_open,
        .device_close = device_close,
        .buffer_new = buffer_new,
        .buffer_wrap = buffer_wrap,
        .buffer_free = buffer_free,
        .stream_new = stream_new,
        .stream_free = stream_free,
        .write = write_buffer,
        .read = read_buffer,
        .copy = copy_buffer,
        .supports = supports,
        .run = run,
        .sync = sync,
    };
    return INS1_OK;
}
