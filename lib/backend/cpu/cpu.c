#include "backend/cpu/cpu.h"

#include "backend/cpu/engine.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The table: device, buffers, streams. */

enum { ALIGN = 64 };

static void *take(const s1_cpu *cpu, void *host, size_t size, int32_t kind)
{
    void *memory = cpu->api->alloc(host, size, ALIGN, kind);
    if (memory)
        memset(memory, 0, size);
    return memory;
}

static void give_back(const s1_cpu *cpu, void *host, void *memory, size_t size, int32_t kind)
{
    if (memory)
        cpu->api->free(host, memory, size, ALIGN, kind);
}

static void shutdown_cpu(void *self)
{
    s1_cpu *cpu = self;
    give_back(cpu, cpu->api->host, cpu, sizeof(*cpu), INS1_MEM_OBJECT);
}

static int32_t device_count(void *self)
{
    (void)self;
    return 1;
}

static int32_t score_of(const s1_kernels *kernels)
{
    static const struct {
        const char *level;
        int32_t score;
    } scores[] = { { "avx512", 400 },    { "avx2", 200 },         { "neon_i8mm", 350 },
                   { "neon_bf16", 300 }, { "neon_dotprod", 250 }, { "neon", 200 } };

    for (size_t i = 0; i < sizeof(scores) / sizeof(scores[0]); i++)
        if (strcmp(scores[i].level, kernels->level) == 0)
            return scores[i].score;
    return 50;
}

static int32_t device_info(void *self, int32_t device, ins1_device_info *out)
{
    const s1_cpu *cpu = self;
    (void)device;

    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    ins1_device_info info = {
        .struct_size = out->struct_size,
        .kind = INS1_DEVICE_CPU,
        .backend = "cpu",
        .name = "cpu",
        .hardware = cpu->hardware,
        .level = cpu->kernels.level,
        .mem_total = (uint64_t)sysconf(_SC_PHYS_PAGES) * page,
        .mem_free = (uint64_t)sysconf(_SC_AVPHYS_PAGES) * page,
        .max_buffer = PTRDIFF_MAX,
        .caps = INS1_CAP_F16 | INS1_CAP_BF16 | INS1_CAP_HOST_MEM | INS1_CAP_EXACT |
                (cpu->kernels.has_i8_dot ? INS1_CAP_I8DOT : 0),
        .score = score_of(&cpu->kernels),
    };
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

static s1_cpu_buffer *add_buffer(s1_cpu *cpu, uint64_t bytes, int32_t kind)
{
    s1_cpu_buffer *buffer = take(cpu, cpu->api->host, sizeof(*buffer), INS1_MEM_OBJECT);
    if (buffer)
        *buffer = (s1_cpu_buffer){ .cpu = cpu, .bytes = bytes, .kind = kind };
    return buffer;
}

static void buffer_free(void *context, uint64_t id)
{
    s1_cpu *cpu = context;
    s1_cpu_buffer *buffer = (s1_cpu_buffer *)(uintptr_t)id;

    if (!buffer)
        return;
    if (buffer->owned)
        give_back(cpu, cpu->api->host, buffer->address, buffer->bytes, buffer->kind);
    give_back(cpu, cpu->api->host, buffer, sizeof(*buffer), INS1_MEM_OBJECT);
}

static int32_t buffer_new(void *context, uint64_t bytes, int32_t kind, uint64_t *id,
                          void **host_address)
{
    s1_cpu *cpu = context;
    s1_cpu_buffer *buffer = add_buffer(cpu, bytes, kind);

    if (!buffer)
        return INS1_E_MEMORY;
    if (bytes > 0) {
        buffer->address = bytes < PTRDIFF_MAX ? take(cpu, cpu->api->host, bytes, kind) : NULL;
        buffer->owned = buffer->address != NULL;
        if (!buffer->owned) {
            buffer_free(cpu, (uintptr_t)buffer);
            return INS1_E_MEMORY;
        }
    }
    *id = (uintptr_t)buffer;
    *host_address = buffer->address;
    return INS1_OK;
}

static int32_t buffer_wrap(void *context, void *address, uint64_t bytes, uint64_t *id)
{
    s1_cpu_buffer *buffer = add_buffer(context, bytes, 0);

    if (!buffer)
        return INS1_E_MEMORY;
    buffer->address = address;
    *id = (uintptr_t)buffer;
    return INS1_OK;
}

static void stream_free(void *stream)
{
    s1_cpu_stream *s = stream;
    s1_scratch *scratch[] = { &s->panel, &s->plan, &s->partials };

    for (size_t i = 0; i < sizeof(scratch) / sizeof(scratch[0]); i++)
        give_back(s->cpu, s->host, scratch[i]->memory, scratch[i]->size, INS1_MEM_SCRATCH);
    give_back(s->cpu, s->host, s->worker_scratch, (size_t)s->workers * S1_WORKER_SCRATCH,
              INS1_MEM_SCRATCH);
    give_back(s->cpu, s->host, s->shares, (size_t)s->workers * sizeof(*s->shares), INS1_MEM_OBJECT);
    give_back(s->cpu, s->host, s, sizeof(*s), INS1_MEM_OBJECT);
}

static int32_t stream_new(void *context, void *host, void **stream)
{
    s1_cpu *cpu = context;
    s1_cpu_stream *s = take(cpu, host, sizeof(*s), INS1_MEM_OBJECT);

    if (!s)
        return INS1_E_MEMORY;
    s->cpu = cpu;
    s->api = cpu->api;
    s->host = host;
    s->kernels = &cpu->kernels;
    s->workers = cpu->api->workers(host);
    atomic_init(&s->stop, 0);
    s->worker_scratch = take(cpu, host, (size_t)s->workers * S1_WORKER_SCRATCH, INS1_MEM_SCRATCH);
    s->shares = take(cpu, host, (size_t)s->workers * sizeof(*s->shares), INS1_MEM_OBJECT);
    if (!s->worker_scratch || !s->shares) {
        stream_free(s);
        return INS1_E_MEMORY;
    }
    *stream = s;
    return INS1_OK;
}

void *s1_scratch_get(s1_cpu_stream *stream, s1_scratch *scratch, size_t size)
{
    if (size <= scratch->size)
        return scratch->memory;

    give_back(stream->cpu, stream->host, scratch->memory, scratch->size, INS1_MEM_SCRATCH);
    *scratch =
        (s1_scratch){ .memory = stream->api->alloc(stream->host, size, ALIGN, INS1_MEM_SCRATCH) };
    if (scratch->memory) {
        scratch->size = size;
    } else {
        char text[80];
        snprintf(text, sizeof(text), "no memory for %zu bytes of scratch", size);
        stream->api->fail(stream->host, INS1_E_MEMORY, 0, text);
    }
    return scratch->memory;
}

static uint8_t *address_of(uint64_t id, uint64_t at)
{
    return ((s1_cpu_buffer *)(uintptr_t)id)->address + at;
}

static int32_t write_buffer(void *stream, uint64_t id, uint64_t at, const void *src, uint64_t n)
{
    (void)stream;
    if (n > 0)
        memcpy(address_of(id, at), src, n);
    return INS1_OK;
}

static int32_t read_buffer(void *stream, uint64_t id, uint64_t at, void *dst, uint64_t n)
{
    (void)stream;
    if (n > 0)
        memcpy(dst, address_of(id, at), n);
    return INS1_OK;
}

static int32_t copy_buffer(void *stream, uint64_t dst, uint64_t dst_at, uint64_t src,
                           uint64_t src_at, uint64_t n)
{
    (void)stream;
    if (n > 0)
        memmove(address_of(dst, dst_at), address_of(src, src_at), n);
    return INS1_OK;
}

ins1_status s1_cpu_backend(ins1_backend_api *out, const ins1_host_api *host, const char *level,
                           ins1_error *error)
{
    s1_kernels kernels;
    ins1_status status = s1_kernels_choose(&kernels, level, error);
    if (status != INS1_OK)
        return status;

    s1_cpu *cpu = host->alloc(host->host, sizeof(*cpu), ALIGN, INS1_MEM_OBJECT);
    if (!cpu)
        return s1_fail(error, INS1_E_MEMORY, "no memory for %zu bytes of the CPU backend",
                       sizeof(*cpu));
    *cpu = (s1_cpu){ .api = host, .kernels = kernels };
    s1_cpu_hardware(cpu->hardware, sizeof(cpu->hardware));

    *out = (ins1_backend_api){
        .struct_size = sizeof(*out),
        .abi = INS1_BACKEND_ABI,
        .name = "cpu",
        .version = "1",
        .self = cpu,
        .shutdown = shutdown_cpu,
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
        .supports = s1_cpu_supports,
        .run = s1_cpu_run,
    };
    return INS1_OK;
}
