#include "ring.h"

void ring_put(ring *r, float sample)
{
    size_t at = atomic_load_explicit(&r->written, memory_order_relaxed);

    if (at - atomic_load_explicit(&r->read, memory_order_acquire) == RING_SIZE) {
        atomic_fetch_add_explicit(&r->lost, 1, memory_order_relaxed);
        return;
    }
    r->samples[at % RING_SIZE] = sample;
    atomic_store_explicit(&r->written, at + 1, memory_order_release);
}

bool ring_take(ring *r, float *out, size_t n)
{
    size_t at = atomic_load_explicit(&r->read, memory_order_relaxed);

    if (atomic_load_explicit(&r->written, memory_order_acquire) - at < n)
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = r->samples[(at + i) % RING_SIZE];
    atomic_store_explicit(&r->read, at + n, memory_order_release);
    return true;
}
