/* What the host brings: memory behind a budget, threads, a log; and the list of devices. */

#include "runtime/runtime.h"

#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "interns1/device.h"

#include <stdatomic.h>

enum { KNOWN_FLAGS = INS1_RUNTIME_NO_DLOPEN | INS1_RUNTIME_NO_FILES };

struct ins1_runtime {
    atomic_uint owners;
    uint32_t flags;
    s1_meter meter;
    s1_host host;
    s1_pool *pool;
    s1_registry *registry;
    atomic_bool is_frozen; /* no more backends */
    _Atomic uint64_t mapped;
    _Atomic uint64_t device;
};

static ins1_status read_allocator(ins1_allocator *out, const ins1_allocator *given,
                                  ins1_error *error)
{
    ins1_status status = s1_struct_import(out, given ? given : &s1_heap, sizeof(*out), error);
    if (status != INS1_OK)
        return status;
    if (out->flags)
        return s1_fail(error, INS1_E_VERSION, "allocator flags 0x%x are too new", out->flags);
    if (!out->alloc || !out->free)
        return s1_fail(error, INS1_E_ARGUMENT, "an allocator without alloc or free");
    return INS1_OK;
}

static ins1_status read_options(ins1_runtime_options *out, const ins1_runtime_options *given,
                                ins1_error *error)
{
    ins1_status status = s1_struct_import(out, given, sizeof(*out), error);
    if (status != INS1_OK)
        return status;
    if (out->flags & ~(uint32_t)KNOWN_FLAGS)
        return s1_fail(error, INS1_E_VERSION, "runtime flags 0x%x are too new", out->flags);
    if (out->reserved0)
        return s1_fail(error, INS1_E_VERSION, "a reserved runtime option is %d", out->reserved0);
    if (out->log_level < 0 || out->log_level > INS1_LOG_DEBUG)
        return s1_fail(error, INS1_E_ARGUMENT, "log level %d, 0 to %d expected", out->log_level,
                       INS1_LOG_DEBUG);
    return INS1_OK;
}

/* The object itself counts: it is the first thing that takes from the budget. */
static ins1_status allocate(ins1_runtime **out, const ins1_allocator *source, uint64_t budget,
                            ins1_error *error)
{
    s1_meter meter;
    s1_meter_init(&meter, source, budget);
    ins1_runtime *runtime = s1_alloc(&meter.memory, sizeof(*runtime), INS1_MEM_OBJECT);
    if (!runtime)
        return s1_out_of_memory(&meter.memory, sizeof(*runtime), "a runtime", error);

    s1_meter_init(&runtime->meter, source, budget);
    atomic_store(&runtime->meter.now, atomic_load(&meter.now));
    atomic_store(&runtime->meter.peak, atomic_load(&meter.peak));
    *out = runtime;
    return INS1_OK;
}

static void destroy(ins1_runtime *runtime)
{
    if (!runtime)
        return;
    const ins1_allocator source = runtime->meter.source;
    s1_registry_destroy(runtime->registry);
    s1_pool_destroy(runtime->pool);
    s1_free(&source, runtime, sizeof(*runtime), INS1_MEM_OBJECT);
}

static ins1_status make_pool(ins1_runtime *runtime, const ins1_threading *given, ins1_error *error)
{
    ins1_threading threading;
    ins1_status status = s1_struct_import(&threading, given, sizeof(threading), error);
    if (status == INS1_OK)
        status = s1_pool_create(&runtime->pool, &runtime->meter.memory, &threading, error);
    return status;
}

ins1_status ins1_runtime_create(ins1_runtime **out, const ins1_runtime_options *given,
                                const ins1_call *given_call)
{
    ins1_runtime_options options;
    ins1_allocator source;
    ins1_runtime *runtime = NULL;
    s1_call call;

    if (out)
        *out = NULL;
    ins1_status status = s1_call_begin(&call, given_call);
    if (status == INS1_OK && !out)
        status = s1_fail(call.error, INS1_E_ARGUMENT, "no place for a runtime");
    if (status == INS1_OK)
        status = read_options(&options, given, call.error);
    if (status == INS1_OK)
        status = read_allocator(&source, options.allocator, call.error);
    if (status == INS1_OK)
        status = allocate(&runtime, &source, options.host_budget, call.error);
    if (status != INS1_OK)
        goto done;

    atomic_init(&runtime->owners, 1);
    runtime->flags = options.flags;
    status = make_pool(runtime, options.threading, call.error);
    if (status != INS1_OK)
        goto done;
    runtime->host = (s1_host){
        .memory = &runtime->meter.memory,
        .pool = runtime->pool,
        .log = options.log,
        .log_user = options.log_user,
        .log_level = options.log_level ? options.log_level : INS1_LOG_WARN,
        .device_bytes = &runtime->device,
    };
    status = s1_registry_create(&runtime->registry, &runtime->host, options.cpu_level, call.error);
    if (status != INS1_OK)
        goto done;
    *out = runtime;
    runtime = NULL;

done:
    destroy(runtime);
    return status;
}

void ins1_runtime_retain(ins1_runtime *runtime)
{
    if (runtime)
        atomic_fetch_add_explicit(&runtime->owners, 1, memory_order_relaxed);
}

void ins1_runtime_release(ins1_runtime *runtime)
{
    if (runtime && atomic_fetch_sub_explicit(&runtime->owners, 1, memory_order_acq_rel) == 1)
        destroy(runtime);
}

ins1_status ins1_runtime_mem(const ins1_runtime *runtime, ins1_mem_stats *out,
                             const ins1_call *call)
{
    ins1_error *error = s1_error_of(call);
    if (!runtime || !out)
        return s1_fail(error, INS1_E_ARGUMENT, "no runtime, or no place for its numbers");
    const ins1_mem_stats stats = {
        .struct_size = sizeof(stats),
        .now = atomic_load(&runtime->meter.now),
        .peak = atomic_load(&runtime->meter.peak),
        .budget = runtime->meter.budget,
        .mapped = atomic_load(&runtime->mapped),
        .device = atomic_load(&runtime->device),
    };
    return s1_struct_export(out, &stats, sizeof(stats), error);
}

const ins1_allocator *ins1_runtime_allocator(const ins1_runtime *runtime)
{
    return !runtime ? NULL : &runtime->meter.memory;
}

const ins1_allocator *s1_runtime_memory(const ins1_runtime *runtime)
{
    return &runtime->meter.memory;
}

const s1_host *s1_runtime_host(const ins1_runtime *runtime)
{
    return &runtime->host;
}

s1_registry *s1_runtime_registry(ins1_runtime *runtime)
{
    return runtime->registry;
}

uint32_t s1_runtime_flags(const ins1_runtime *runtime)
{
    return runtime->flags;
}

void s1_runtime_freeze_devices(ins1_runtime *runtime)
{
    atomic_store(&runtime->is_frozen, true);
}

void s1_runtime_count_mapped(ins1_runtime *runtime, int64_t bytes)
{
    atomic_fetch_add(&runtime->mapped, (uint64_t)bytes);
}

/* ---- device.h ---------------------------------------------------------------------------------
 */

static ins1_status may_add(const ins1_runtime *runtime, ins1_error *error)
{
    if (atomic_load(&runtime->is_frozen))
        return s1_fail(error, INS1_E_STATE,
                       "a model was opened; backends come before the first model");
    return INS1_OK;
}

ins1_status ins1_backend_register(ins1_runtime *runtime, ins1_backend_entry_fn entry,
                                  const ins1_call *call)
{
    ins1_error *error = s1_error_of(call);
    if (!runtime || !entry)
        return s1_fail(error, INS1_E_ARGUMENT, "no runtime, or no entry of a backend");
    ins1_status status = may_add(runtime, error);
    return status == INS1_OK ? s1_registry_enter(runtime->registry, entry, error) : status;
}

ins1_status ins1_backend_load(ins1_runtime *runtime, const char *absolute_path,
                              const ins1_call *call)
{
    ins1_error *error = s1_error_of(call);
    if (!runtime)
        return s1_fail(error, INS1_E_ARGUMENT, "the runtime is NULL");
    ins1_status status = may_add(runtime, error);
    if (status != INS1_OK)
        return status;
    if (runtime->flags & INS1_RUNTIME_NO_DLOPEN)
        return s1_fail(error, INS1_E_STATE, "this runtime was made with INS1_RUNTIME_NO_DLOPEN");
    if (!absolute_path)
        return s1_fail(error, INS1_E_ARGUMENT, "no path to a plugin");
    return s1_registry_load(runtime->registry, absolute_path, error);
}

int32_t ins1_device_count(const ins1_runtime *runtime)
{
    return runtime ? s1_registry_count(runtime->registry) : 0;
}

ins1_status ins1_device_get(const ins1_runtime *runtime, int32_t index, ins1_device_info *out,
                            const ins1_call *call)
{
    ins1_error *error = s1_error_of(call);
    ins1_device_info info;
    if (!runtime || !out)
        return s1_fail(error, INS1_E_ARGUMENT, "no runtime, or no place for a device's info");
    ins1_status status = s1_registry_info(runtime->registry, index, &info, error);
    return status == INS1_OK ? s1_struct_export(out, &info, sizeof(info), error) : status;
}

ins1_status ins1_device_find(const ins1_runtime *runtime, const char *name, int32_t *index,
                             const ins1_call *call)
{
    if (!runtime || !name || !index)
        return s1_fail(s1_error_of(call), INS1_E_ARGUMENT,
                       "no runtime, no name of a device, or no place for its index");
    return s1_registry_find(runtime->registry, name, index, s1_error_of(call));
}
