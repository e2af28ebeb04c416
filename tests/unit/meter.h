#ifndef S1_TESTS_UNIT_METER_H
#define S1_TESTS_UNIT_METER_H

#include "interns1/runtime.h"

#include <stdatomic.h>
#include <stdlib.h>

/* A source that counts what is out and refuses the n-th request. */
typedef struct meter {
    atomic_llong live;
    atomic_int until_refusal; /* negative: never refuse */
} meter;

static inline void *meter_alloc(void *user, size_t size, size_t align, int32_t kind)
{
    meter *m = user;
    (void)kind;
    if (atomic_fetch_sub(&m->until_refusal, 1) == 0)
        return NULL;
    atomic_fetch_add(&m->live, (long long)size);
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static inline void meter_free(void *user, void *memory, size_t size, size_t align, int32_t kind)
{
    meter *m = user;
    (void)align;
    (void)kind;
    atomic_fetch_sub(&m->live, (long long)size);
    free(memory);
}

static inline ins1_allocator meter_source(meter *m)
{
    atomic_init(&m->live, 0);
    atomic_init(&m->until_refusal, -1);
    return (ins1_allocator){
        .struct_size = sizeof(ins1_allocator),
        .alloc = meter_alloc,
        .free = meter_free,
        .user = m,
    };
}

#endif
