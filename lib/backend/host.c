/* What the library does for a backend, and what it makes of the backend's answers. */

#include "backend/host.h"

#include "base/meter.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    TOLD_NOTHING = 0,
    TELLING = 1,
    TOLD = 2,
};

void s1_log(const s1_host *host, int32_t level, const char *component, const char *format, ...)
{
    char text[512];
    va_list args;

    if (!host->log || level > host->log_level)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    host->log(host->log_user, level, component, text);
}

static void *door_alloc(void *user, size_t size, size_t align, int32_t kind)
{
    s1_door *door = user;
    const ins1_allocator *memory = door->host->memory;

    if (!size || !align || (align & (align - 1)) || kind < INS1_MEM_WEIGHTS || kind > INS1_MEM_IO)
        return NULL;
    void *got = memory->alloc(memory->user, size, align, kind);
    if (!got && !s1_meter_fits(memory, size))
        atomic_store(&door->over_budget, true);
    return got;
}

static void door_free(void *user, void *memory, size_t size, size_t align, int32_t kind)
{
    s1_door *door = user;
    if (memory)
        door->host->memory->free(door->host->memory->user, memory, size, align, kind);
}

static void door_log(void *user, int32_t level, const char *text)
{
    s1_door *door = user;
    if (text)
        s1_log(door->host, level, door->component, "%s", text);
}

static void door_fail(void *user, int32_t status, int32_t backend_code, const char *text)
{
    s1_door *door = user;
    int nothing = TOLD_NOTHING;

    (void)status; /* what the call answers counts */
    if (!atomic_compare_exchange_strong(&door->told, &nothing, TELLING))
        return;
    door->code = backend_code;
    snprintf(door->text, sizeof(door->text), "%s", text ? text : "");
    atomic_store(&door->told, TOLD);
}

static int32_t door_stop_requested(void *user)
{
    s1_door *door = user;
    return door->call ? s1_call_poll(door->call) : INS1_OK;
}

static int32_t door_parallel_for(void *user, void (*fn)(void *arg, int32_t index, int32_t worker),
                                 void *arg, int32_t n)
{
    s1_door *door = user;
    ins1_status status = s1_pool_run(door->host->pool, fn, arg, n);
    if (status != INS1_OK)
        atomic_store(&door->pool_status, status);
    return status;
}

static int32_t door_workers(void *user)
{
    s1_door *door = user;
    return s1_pool_workers(door->host->pool);
}

ins1_host_api s1_door_table(s1_door *door)
{
    return (ins1_host_api){
        .struct_size = sizeof(ins1_host_api),
        .abi = INS1_BACKEND_ABI,
        .host = door,
        .alloc = door_alloc,
        .free = door_free,
        .log = door_log,
        .fail = door_fail,
        .stop_requested = door_stop_requested,
        .parallel_for = door_parallel_for,
        .workers = door_workers,
    };
}

void s1_door_open(s1_door *door, const s1_call *call)
{
    door->call = call;
    door->code = 0;
    atomic_store_explicit(&door->told, TOLD_NOTHING, memory_order_relaxed);
    atomic_store_explicit(&door->pool_status, INS1_OK, memory_order_relaxed);
    atomic_store_explicit(&door->over_budget, false, memory_order_relaxed);
}

/* Threads that refused come before the answer: not all of the work was done, whatever it says. */
static ins1_status status_of(s1_door *door, int32_t answer)
{
    int pool_status = atomic_load(&door->pool_status);
    if (pool_status != INS1_OK)
        return pool_status;

    switch (answer) {
    case INS1_OK:
    case INS1_E_UNSUPPORTED:
    case INS1_E_CANCELED:
    case INS1_E_DEADLINE:
        return answer;
    case INS1_E_MEMORY:
        return atomic_load(&door->over_budget) ? INS1_E_BUDGET : INS1_E_MEMORY;
    default:
        return INS1_E_DEVICE;
    }
}

static ins1_status explain(s1_door *door, ins1_status status, int32_t answer, const char *who,
                           ins1_error *error)
{
    if (atomic_load(&door->told) == TOLD && door->text[0]) {
        s1_fail(error, status, "%s: %s", who, door->text);
        if (error && error->struct_size >= sizeof(*error))
            error->backend_code = door->code;
        return status;
    }

    switch (status) {
    case INS1_E_CALLBACK:
        return s1_fail(error, status, "the host's parallel-for did not run all tasks");
    case INS1_E_STATE:
        return s1_fail(error, status, "the threads of this runtime did not survive a fork");
    case INS1_E_CANCELED:
        return s1_fail(error, status, "the cancel token said stop");
    case INS1_E_DEADLINE:
        return s1_fail(error, status, "the time budget ran out");
    case INS1_E_BUDGET:
        return s1_fail(error, status, "%s: the byte budget of the host is used up", who);
    case INS1_E_MEMORY:
        return s1_fail(error, status, "%s: no memory", who);
    case INS1_E_UNSUPPORTED:
        return s1_fail(error, status, "%s cannot do this", who);
    default:
        return s1_fail(error, status, "device '%s' failed with %d", who, answer);
    }
}

ins1_status s1_door_judge(s1_door *door, int32_t answer, const char *who, ins1_error *error)
{
    ins1_status status = status_of(door, answer);

    door->call = NULL;
    return status == INS1_OK ? INS1_OK : explain(door, status, answer, who, error);
}
