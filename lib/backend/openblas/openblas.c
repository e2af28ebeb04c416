/* A plugin that multiplies matrices with a serial OpenBLAS: an independent second opinion on
 * products, and the faster one where there is no tuned level for the CPU. Its order of additions is
 * its own, so it never claims INS1_CAP_EXACT. */

#include "backend/openblas/openblas.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ALIGN = 64 };

static void *take(const s1_blas *blas, void *host, size_t size, int32_t kind)
{
    return blas->api->alloc(host, size, ALIGN, kind);
}

static void give_back(const s1_blas *blas, void *host, void *memory, size_t size, int32_t kind)
{
    if (memory)
        blas->api->free(host, memory, size, ALIGN, kind);
}

/* ---- device -----------------------------------------------------------------------------------
 */

static void shutdown_blas(void *self)
{
    s1_blas *blas = self;
    give_back(blas, blas->api->host, blas, sizeof(*blas), INS1_MEM_OBJECT);
}

static int32_t device_count(void *self)
{
    const s1_blas *blas = self;
    return blas->usable ? 1 : 0;
}

static int32_t device_info(void *self, int32_t device, ins1_device_info *out)
{
    const s1_blas *blas = self;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    ins1_device_info info = {
        .struct_size = out->struct_size,
        .kind = INS1_DEVICE_CPU,
        .backend = "openblas",
        .name = "openblas",
        .hardware = blas->hardware,
        .level = blas->level,
        .mem_total = (uint64_t)sysconf(_SC_PHYS_PAGES) * page,
        .mem_free = (uint64_t)sysconf(_SC_AVPHYS_PAGES) * page,
        .max_buffer = PTRDIFF_MAX,
        .caps = INS1_CAP_HOST_MEM,
        .score = 40,
    };
    (void)device;
    memcpy(out, &info, out->struct_size < sizeof(info) ? out->struct_size : sizeof(info));
    return INS1_OK;
}

static int32_t device_open(void *self, int32_t device, void **context)
{
    (void)device;
    *context = self;
    return INS1_OK;
}

static void device_close(void *context)
{
    (void)context;
}

/* ---- buffers ----------------------------------------------------------------------------------
 */

static int32_t add_buffer(s1_blas *blas, s1_blas_buffer like, uint64_t *id)
{
    s1_blas_buffer *buffer = take(blas, blas->api->host, sizeof(*buffer), INS1_MEM_OBJECT);
    if (!buffer)
        return INS1_E_MEMORY;
    *buffer = like;
    *id = (uintptr_t)buffer;
    return INS1_OK;
}

static int32_t buffer_new(void *context, uint64_t bytes, int32_t kind, uint64_t *id,
                          void **host_address)
{
    s1_blas *blas = context;
    s1_blas_buffer buffer = { .bytes = bytes, .kind = kind, .owned = true };

    if (bytes > PTRDIFF_MAX)
        return INS1_E_MEMORY;
    buffer.memory = take(blas, blas->api->host, bytes ? bytes : 1, kind);
    if (!buffer.memory)
        return INS1_E_MEMORY;
    int32_t status = add_buffer(blas, buffer, id);
    if (status == INS1_OK)
        *host_address = buffer.memory;
    else
        give_back(blas, blas->api->host, buffer.memory, bytes ? bytes : 1, kind);
    return status;
}

static int32_t buffer_wrap(void *context, void *address, uint64_t bytes, uint64_t *id)
{
    return add_buffer(context, (s1_blas_buffer){ .memory = address, .bytes = bytes }, id);
}

static void buffer_free(void *context, uint64_t id)
{
    const s1_blas *blas = context;
    s1_blas_buffer *buffer = (s1_blas_buffer *)(uintptr_t)id;

    if (buffer->owned)
        give_back(blas, blas->api->host, buffer->memory, buffer->bytes ? buffer->bytes : 1,
                  buffer->kind);
    give_back(blas, blas->api->host, buffer, sizeof(*buffer), INS1_MEM_OBJECT);
}

static unsigned char *place(uint64_t id, uint64_t at)
{
    return ((s1_blas_buffer *)(uintptr_t)id)->memory + at;
}

/* ---- streams ----------------------------------------------------------------------------------
 */

static void stream_free(void *stream)
{
    s1_blas_stream *s = stream;
    give_back(s->blas, s->host, s->tile, S1_BLAS_TILE * sizeof(float), INS1_MEM_SCRATCH);
    give_back(s->blas, s->host, s->rows, S1_BLAS_TILE * sizeof(float), INS1_MEM_SCRATCH);
    give_back(s->blas, s->host, s, sizeof(*s), INS1_MEM_OBJECT);
}

static int32_t stream_new(void *context, void *host, void **stream)
{
    s1_blas *blas = context;
    s1_blas_stream *s = take(blas, host, sizeof(*s), INS1_MEM_OBJECT);

    if (!s)
        return INS1_E_MEMORY;
    *s = (s1_blas_stream){ .blas = blas, .host = host };
    s->tile = take(blas, host, S1_BLAS_TILE * sizeof(float), INS1_MEM_SCRATCH);
    if (s->tile)
        s->rows = take(blas, host, S1_BLAS_TILE * sizeof(float), INS1_MEM_SCRATCH);
    if (!s->rows) {
        stream_free(s);
        return INS1_E_MEMORY;
    }
    *stream = s;
    return INS1_OK;
}

static int32_t write_buffer(void *stream, uint64_t id, uint64_t at, const void *src, uint64_t n)
{
    (void)stream;
    if (n)
        memcpy(place(id, at), src, n);
    return INS1_OK;
}

static int32_t read_buffer(void *stream, uint64_t id, uint64_t at, void *dst, uint64_t n)
{
    (void)stream;
    if (n)
        memcpy(dst, place(id, at), n);
    return INS1_OK;
}

static int32_t copy_buffer(void *stream, uint64_t dst, uint64_t dst_at, uint64_t src,
                           uint64_t src_at, uint64_t n)
{
    (void)stream;
    if (n)
        memmove(place(dst, dst_at), place(src, src_at), n);
    return INS1_OK;
}

static int32_t supports(void *context, const ins1_op *op)
{
    (void)context;
    return s1_blas_can(op);
}

static int32_t run(void *stream, const ins1_op *ops, int32_t n)
{
    int32_t status = INS1_OK;
    for (int32_t i = 0; i < n && status == INS1_OK; i++)
        status = s1_blas_can(&ops[i]) ? s1_blas_matmul(stream, &ops[i]) : INS1_E_UNSUPPORTED;
    return status;
}

/* ---- entry ------------------------------------------------------------------------------------
 */

/* Other flavours start threads when they are loaded and would be in the way of the host's. One that
 * the process had before under the same name is the one that is found here. */
static void look_at_openblas(s1_blas *blas)
{
    char text[160];

    snprintf(blas->hardware, sizeof(blas->hardware), "%s", openblas_get_corename());
    snprintf(blas->level, sizeof(blas->level), "%s", openblas_get_config());
    blas->usable = openblas_get_parallel() == 0;
    if (blas->usable)
        return;
    snprintf(text, sizeof(text), "no device: the OpenBLAS that is loaded has threads (%s)",
             blas->level);
    blas->api->log(blas->api->host, INS1_LOG_WARN, text);
}

int32_t ins1_backend_entry(uint32_t abi, const ins1_host_api *host, ins1_backend_api *out);

__attribute__((visibility("default"))) int32_t
ins1_backend_entry(uint32_t abi, const ins1_host_api *host, ins1_backend_api *out)
{
    if (abi >> 16 != INS1_BACKEND_ABI_MAJOR)
        return INS1_E_VERSION;
    s1_blas *blas = host->alloc(host->host, sizeof(*blas), ALIGN, INS1_MEM_OBJECT);
    if (!blas)
        return INS1_E_MEMORY;
    *blas = (s1_blas){ .api = host };
    look_at_openblas(blas);

    *out = (ins1_backend_api){
        .struct_size = sizeof(*out),
        .abi = abi < INS1_BACKEND_ABI ? abi : INS1_BACKEND_ABI,
        .name = "openblas",
        .version = "1",
        .self = blas,
        .shutdown = shutdown_blas,
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
    };
    return INS1_OK;
}
