/* The driver that fake.h tells about. */

#include "fake.h"

#include "emulate.h"
#include "kernels.h"

extern "C" {
#include "backend/cuda/driver.h"
}

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <vector>

enum {
    INVALID_VALUE = 1,
    INVALID_IMAGE = 200,
    INVALID_CONTEXT = 201,
    NOT_FOUND = 500,
    LAUNCH_FAILED = 719,
    MOST_DEVICES = 2,
    MOST_ALONG_Y = 65535,
};

static const size_t all_memory = 1u << 30;

/* Launches and copies, in the order of their stream. */
struct command {
    const emulated_kernel *kernel; /* NULL: a copy */
    emulated_index grid;
    std::vector<unsigned char> argument;
    void *to;
    const void *from;
    size_t bytes;
};

struct CUctx_st {
    int device, users;
    CUresult lost; /* what everything answers, or 0 */
    size_t used;
    std::map<void *, size_t> memory, host_memory;
    std::set<CUstream> streams;
    std::set<CUevent> events;
    std::set<CUmodule> modules;
};

struct CUmod_st {
    CUcontext context;
};

struct CUstream_st {
    CUcontext context;
    std::deque<command> queue;
    unsigned long long queued, done;
    long questions; /* until the next one is done */
};

struct CUevent_st {
    CUcontext context;
    CUstream stream; /* NULL: never recorded */
    unsigned long long at;
};

static std::mutex lock; /* recursive calls there are none */
static CUctx_st contexts[MOST_DEVICES];
static thread_local std::vector<CUcontext> current;
static long n_calls, n_launches, fail_at = -1, lose_at = -1, hang_at = -1, hang_questions;
static int fail_code, lose_code, n_devices = MOST_DEVICES, version = 13000;
static bool had_failures;

[[noreturn]] static void complain(const char *call, const char *what)
{
    fprintf(stderr, "the driver for tests: %s: %s\n", call, what);
    abort();
}

/* What every call begins with. */
#define CALL()                                   \
    std::lock_guard<std::mutex> guard(lock);     \
    n_calls++;                                   \
    if (fail_at >= 0 && fail_at-- == 0) {        \
        had_failures = true;                     \
        return static_cast<CUresult>(fail_code); \
    }

/* The same of those that need a context. */
#define CALL_IN_CONTEXT()                            \
    CALL()                                           \
    if (current.empty())                             \
        complain(__func__, "no context is current"); \
    CUcontext context = current.back();              \
    if (context->lost)                               \
        return context->lost;

static CUresult lose(CUcontext context, int code)
{
    context->lost = static_cast<CUresult>(code);
    had_failures = true;
    return context->lost;
}

/* ---- execution --------------------------------------------------------------------------------
 */

static CUresult execute(CUcontext context, const command &c)
{
    if (!c.kernel) {
        memcpy(c.to, c.from, c.bytes);
        return 0;
    }
    n_launches++;
    if (lose_at >= 0 && lose_at-- == 0)
        return lose(context, lose_code);
    const char *wrong = emulated_grid(c.kernel->run, c.argument.data(), c.grid, c.kernel->threads);
    if (!wrong)
        return 0;
    fprintf(stderr, "kernel %s: %s\n", c.kernel->name, wrong);
    return lose(context, LAUNCH_FAILED);
}

/* At most so many commands. */
static CUresult advance(CUstream s, unsigned long long to, int n)
{
    CUresult result = s->context->lost;

    while (!result && s->done < to && n-- > 0) {
        if (s->questions == 0 && s->queue.front().kernel && hang_at >= 0 && hang_at-- == 0)
            s->questions = hang_questions + 1;
        if (s->questions > 0 && --s->questions > 0)
            break;
        result = execute(s->context, s->queue.front());
        s->queue.pop_front();
        s->done++;
    }
    return result;
}

static CUresult enqueue(CUstream s, command c)
{
    s->queue.push_back(std::move(c));
    s->queued++;
    return 0;
}

static CUresult enqueue_copy(CUstream s, void *to, const void *from, size_t bytes)
{
    command c = {};
    c.to = to;
    c.from = from;
    c.bytes = bytes;
    return enqueue(s, std::move(c));
}

/* ---- devices and contexts ---------------------------------------------------------------------
 */

extern "C" {

CUresult cuInit(unsigned flags)
{
    CALL()
    return flags ? INVALID_VALUE : n_devices ? 0 : S1_CU_NO_DEVICE;
}

CUresult cuDriverGetVersion(int *out)
{
    CALL()
    *out = version;
    return 0;
}

CUresult cuGetErrorName(CUresult error, const char **name)
{
    CALL()
    *name = error == 0                     ? "CUDA_SUCCESS"
            : error == S1_CU_OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY"
            : error == 700                 ? "CUDA_ERROR_ILLEGAL_ADDRESS"
            : error == 702                 ? "CUDA_ERROR_LAUNCH_TIMEOUT"
                                           : NULL;
    return *name ? 0 : INVALID_VALUE;
}

CUresult cuDeviceGetCount(int *count)
{
    CALL()
    *count = n_devices;
    return 0;
}

CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
    CALL()
    if (ordinal < 0 || ordinal >= n_devices)
        complain(__func__, "there is no such device");
    *device = ordinal;
    return 0;
}

CUresult cuDeviceGetName(char *name, int length, CUdevice device)
{
    CALL()
    snprintf(name, static_cast<size_t>(length), "emulated device %d", device);
    return 0;
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice)
{
    CALL()
    *bytes = all_memory;
    return 0;
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice)
{
    CALL()
    switch (attribute) {
    case S1_CU_MULTIPROCESSORS:
        *value = 2;
        return 0;
    case S1_CU_INTEGRATED:
        *value = 0;
        return 0;
    case S1_CU_MAJOR:
        *value = 7;
        return 0;
    case S1_CU_MINOR:
        *value = 5;
        return 0;
    default:
        return INVALID_VALUE;
    }
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device)
{
    CALL()
    CUcontext c = &contexts[device];
    if (c->lost && c->users)
        return c->lost;
    c->device = device;
    c->users++;
    *context = c;
    return 0;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device)
{
    CALL()
    CUcontext c = &contexts[device];
    if (c->users < 1)
        complain(__func__, "nobody has the context");
    if (--c->users > 0)
        return 0;
    bool has_left = !c->memory.empty() || !c->host_memory.empty() || !c->streams.empty() ||
                    !c->events.empty() || !c->modules.empty();
    if (has_left && !had_failures)
        complain(__func__, "memory, streams, events or modules are left");
    for (auto &m : c->memory)
        free(m.first);
    for (auto &m : c->host_memory)
        free(m.first);
    for (CUstream s : c->streams)
        delete s;
    for (CUevent e : c->events)
        delete e;
    for (CUmodule m : c->modules)
        delete m;
    *c = CUctx_st();
    return 0;
}

CUresult cuCtxPushCurrent_v2(CUcontext context)
{
    CALL()
    if (context < contexts || context >= contexts + MOST_DEVICES || !context->users)
        complain(__func__, "no context");
    current.push_back(context);
    return 0;
}

CUresult cuCtxPopCurrent_v2(CUcontext *context)
{
    CALL()
    if (current.empty())
        complain(__func__, "no context is current");
    *context = current.back();
    current.pop_back();
    return 0;
}

/* ---- modules ----------------------------------------------------------------------------------
 */

CUresult cuModuleLoadData(CUmodule *module, const void *image)
{
    CALL_IN_CONTEXT()
    const unsigned char fatbin[] = { 0x50, 0xed, 0x55, 0xba };
    if (memcmp(image, fatbin, sizeof(fatbin)) && memcmp(image, "emulated", 8))
        return INVALID_IMAGE;
    *module = new CUmod_st{ context };
    context->modules.insert(*module);
    return 0;
}

CUresult cuModuleUnload(CUmodule module)
{
    CALL_IN_CONTEXT()
    if (!context->modules.erase(module))
        complain(__func__, "no module of this context");
    delete module;
    return 0;
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name)
{
    CALL_IN_CONTEXT()
    if (!context->modules.count(module))
        complain(__func__, "no module of this context");
    for (int i = 0; i < n_emulated_kernels; i++) {
        if (!strcmp(emulated_kernels[i].name, name)) {
            *function =
                reinterpret_cast<CUfunction>(const_cast<emulated_kernel *>(&emulated_kernels[i]));
            return 0;
        }
    }
    return NOT_FOUND;
}

/* ---- memory -----------------------------------------------------------------------------------
 */

CUresult cuMemGetInfo_v2(size_t *free, size_t *total)
{
    CALL_IN_CONTEXT()
    *free = all_memory - context->used;
    *total = all_memory;
    return 0;
}

CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes)
{
    CALL_IN_CONTEXT()
    void *memory;
    if (!bytes)
        return INVALID_VALUE;
    if (bytes > all_memory - context->used || posix_memalign(&memory, 256, bytes))
        return S1_CU_OUT_OF_MEMORY;
    memset(memory, 0xa5, bytes);
    context->memory[memory] = bytes;
    context->used += bytes;
    *address = reinterpret_cast<uintptr_t>(memory);
    return 0;
}

CUresult cuMemFree_v2(CUdeviceptr address)
{
    CALL_IN_CONTEXT()
    auto at = context->memory.find(reinterpret_cast<void *>(static_cast<uintptr_t>(address)));
    if (at == context->memory.end())
        complain(__func__, "no memory of this device");
    context->used -= at->second;
    free(at->first);
    context->memory.erase(at);
    return 0;
}

CUresult cuMemAllocHost_v2(void **address, size_t bytes)
{
    CALL_IN_CONTEXT()
    if (posix_memalign(address, 256, bytes))
        return S1_CU_OUT_OF_MEMORY;
    context->host_memory[*address] = bytes;
    return 0;
}

CUresult cuMemFreeHost(void *address)
{
    CALL_IN_CONTEXT()
    if (!context->host_memory.erase(address))
        complain(__func__, "no memory of this context");
    free(address);
    return 0;
}

/* ---- streams ----------------------------------------------------------------------------------
 */

CUresult cuStreamCreate(CUstream *stream, unsigned)
{
    CALL_IN_CONTEXT()
    *stream = new CUstream_st();
    (*stream)->context = context;
    context->streams.insert(*stream);
    return 0;
}

CUresult cuStreamDestroy_v2(CUstream stream)
{
    CALL_IN_CONTEXT()
    if (!context->streams.erase(stream))
        complain(__func__, "no stream of this context");
    if (!stream->queue.empty() && !had_failures)
        complain(__func__, "work is under way");
    delete stream;
    return 0;
}

CUresult cuEventCreate(CUevent *event, unsigned)
{
    CALL_IN_CONTEXT()
    *event = new CUevent_st();
    (*event)->context = context;
    context->events.insert(*event);
    return 0;
}

CUresult cuEventDestroy_v2(CUevent event)
{
    CALL_IN_CONTEXT()
    if (!context->events.erase(event))
        complain(__func__, "no event of this context");
    delete event;
    return 0;
}

CUresult cuEventRecord(CUevent event, CUstream stream)
{
    CALL_IN_CONTEXT()
    if (!context->events.count(event) || !context->streams.count(stream))
        complain(__func__, "no event or stream of this context");
    event->stream = stream;
    event->at = stream->queued;
    return 0;
}

CUresult cuEventQuery(CUevent event)
{
    CALL_IN_CONTEXT()
    if (!context->events.count(event))
        complain(__func__, "no event of this context");
    if (!event->stream || event->stream->done >= event->at)
        return 0;
    CUresult result = advance(event->stream, event->at, 8);
    if (result)
        return result;
    return event->stream->done >= event->at ? 0 : S1_CU_NOT_READY;
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream)
{
    CALL_IN_CONTEXT()
    if (!context->streams.count(stream))
        complain(__func__, "no stream of this context");
    return enqueue_copy(stream, reinterpret_cast<void *>(static_cast<uintptr_t>(to)), from, bytes);
}

CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream)
{
    CALL_IN_CONTEXT()
    if (!context->streams.count(stream))
        complain(__func__, "no stream of this context");
    return enqueue_copy(stream, to, reinterpret_cast<void *>(static_cast<uintptr_t>(from)), bytes);
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream)
{
    CALL_IN_CONTEXT()
    if (!context->streams.count(stream))
        complain(__func__, "no stream of this context");
    return enqueue_copy(stream, reinterpret_cast<void *>(static_cast<uintptr_t>(to)),
                        reinterpret_cast<void *>(static_cast<uintptr_t>(from)), bytes);
}

CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                        unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                        CUstream stream, void **parameters, void **extra)
{
    CALL_IN_CONTEXT()
    const emulated_kernel *kernel = reinterpret_cast<const emulated_kernel *>(function);
    command c = {};
    if (!context->streams.count(stream))
        complain(__func__, "no stream of this context");
    if (!grid_x || grid_x > 0x7fffffffu || !grid_y || grid_y > MOST_ALONG_Y || !grid_z ||
        grid_z > MOST_ALONG_Y || block_x != kernel->threads || block_y != 1 || block_z != 1 ||
        shared_bytes || extra)
        complain(kernel->name, "a grid that no device takes");
    c.kernel = kernel;
    c.grid = { grid_x, grid_y, grid_z };
    const unsigned char *argument = static_cast<const unsigned char *>(parameters[0]);
    c.argument.assign(argument, argument + kernel->argument_size);
    return enqueue(stream, std::move(c));
}

/* ---- for tests --------------------------------------------------------------------------------
 */

long fake_cuda_calls(void)
{
    std::lock_guard<std::mutex> guard(lock);
    return n_calls;
}

long fake_cuda_launches(void)
{
    std::lock_guard<std::mutex> guard(lock);
    return n_launches;
}

void fake_cuda_fail_at(long n, int code)
{
    std::lock_guard<std::mutex> guard(lock);
    fail_at = n;
    fail_code = code;
}

void fake_cuda_lose_at(long n, int code)
{
    std::lock_guard<std::mutex> guard(lock);
    lose_at = n;
    lose_code = code;
}

void fake_cuda_hang_at(long n, long questions)
{
    std::lock_guard<std::mutex> guard(lock);
    hang_at = n;
    hang_questions = questions;
}

void fake_cuda_pretend(int devices, int cuda_version)
{
    std::lock_guard<std::mutex> guard(lock);
    n_devices = devices;
    version = cuda_version;
}

} // extern "C"
