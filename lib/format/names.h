#ifndef S1_FORMAT_NAMES_H
#define S1_FORMAT_NAMES_H

#include "interns1/runtime.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A map from names to numbers, sized once. Names are borrowed. */
typedef struct s1_names {
    struct s1_name_slot *slots;
    size_t n_slots; /* a power of two */
    uint64_t seed;
} s1_names;

/* Room for `n` names; false when there is no memory. */
bool s1_names_init(s1_names *names, const ins1_allocator *memory, size_t n);
void s1_names_finish(s1_names *names, const ins1_allocator *memory);

/* False, with `*value` set to what it has, when the name is there already. */
bool s1_names_add(s1_names *names, const char *name, size_t size, uint32_t *value);

bool s1_names_find(const s1_names *names, const char *name, size_t size, uint32_t *value);

/* Bytes that it takes. */
size_t s1_names_memory(const s1_names *names);

#endif
