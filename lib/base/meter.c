#include "base/meter.h"

#include <inttypes.h>

static bool reserve(s1_meter *meter, uint64_t size)
{
    uint64_t limit = meter->budget ? meter->budget : UINT64_MAX;
    uint64_t now = atomic_load_explicit(&meter->now, memory_order_relaxed);
    do {
        if (now > limit || size > limit - now)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&meter->now, &now, now + size,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

static void give_back(s1_meter *meter, uint64_t size)
{
    atomic_fetch_sub_explicit(&meter->now, size, memory_order_relaxed);
}

static void note_peak(s1_meter *meter)
{
    uint64_t now = atomic_load_explicit(&meter->now, memory_order_relaxed);
    uint64_t peak = atomic_load_explicit(&meter->peak, memory_order_relaxed);
    while (peak < now && !atomic_compare_exchange_weak_explicit(
                             &meter->peak, &peak, now, memory_order_relaxed, memory_order_relaxed))
        continue;
}

static void *meter_alloc(void *user, size_t size, size_t align, int32_t kind)
{
    s1_meter *meter = user;
    if (!reserve(meter, size))
        return NULL;

    void *memory = meter->source.alloc(meter->source.user, size, align, kind);
    /* Kernels rely on the alignment; a source that does not keep it has no memory for us. */
    if (memory && (uintptr_t)memory % align != 0) {
        meter->source.free(meter->source.user, memory, size, align, kind);
        memory = NULL;
    }
    if (memory)
        note_peak(meter);
    else
        give_back(meter, size);
    return memory;
}

static void meter_free(void *user, void *memory, size_t size, size_t align, int32_t kind)
{
    s1_meter *meter = user;
    meter->source.free(meter->source.user, memory, size, align, kind);
    give_back(meter, size);
}

void s1_meter_init(s1_meter *meter, const ins1_allocator *source, uint64_t budget)
{
    meter->memory = (ins1_allocator){
        .struct_size = sizeof(meter->memory),
        .alloc = meter_alloc,
        .free = meter_free,
        .user = meter,
    };
    meter->source = *source;
    meter->budget = budget;
    atomic_init(&meter->now, 0);
    atomic_init(&meter->peak, 0);
}

bool s1_meter_fits(const ins1_allocator *from, uint64_t size)
{
    if (from->alloc != meter_alloc)
        return true;
    const s1_meter *meter = from->user;
    uint64_t now = atomic_load_explicit(&meter->now, memory_order_relaxed);
    return !meter->budget || (now <= meter->budget && size <= meter->budget - now);
}

ins1_status s1_out_of_memory(const ins1_allocator *from, uint64_t size, const char *what,
                             ins1_error *error)
{
    if (s1_meter_fits(from, size))
        return s1_fail(error, INS1_E_MEMORY, "no memory for %s, %" PRIu64 " bytes", what, size);
    const s1_meter *meter = from->user;
    return s1_fail(
        error, INS1_E_BUDGET,
        "%s needs %" PRIu64 " bytes; of the budget of %" PRIu64 ", %" PRIu64 " are in use", what,
        size, meter->budget, atomic_load_explicit(&meter->now, memory_order_relaxed));
}
