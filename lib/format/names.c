#include "format/names.h"

#include "base/memory.h"

#include <string.h>

struct s1_name_slot {
    const char *name; /* NULL: free */
    uint32_t size;
    uint32_t value;
};

static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xD6E8FEB86659FD93);
    x ^= x >> 32;
    x *= UINT64_C(0xD6E8FEB86659FD93);
    return x ^ x >> 32;
}

static uint64_t hash(const s1_names *names, const char *name, size_t size)
{
    uint64_t h = names->seed ^ size, word;
    for (; size >= sizeof(word); size -= sizeof(word), name += sizeof(word)) {
        memcpy(&word, name, sizeof(word));
        h = mix(h ^ word);
    }
    word = 0;
    memcpy(&word, name, size);
    return mix(h ^ word);
}

bool s1_names_init(s1_names *names, const ins1_allocator *memory, size_t n)
{
    size_t n_slots = 16;
    while (n_slots / 2 < n)
        n_slots *= 2;
    *names = (s1_names){ .n_slots = n_slots };
    names->slots = s1_alloc_array(memory, n_slots, sizeof(*names->slots), INS1_MEM_OBJECT);
    /* Names come from strangers: the seed is one they do not know, so that they cannot prepare
     * names that all fall on one slot. */
    names->seed = mix((uint64_t)(uintptr_t)names->slots ^ (uint64_t)(uintptr_t)&names);
    return names->slots != NULL;
}

void s1_names_finish(s1_names *names, const ins1_allocator *memory)
{
    s1_free(memory, names->slots, names->n_slots * sizeof(*names->slots), INS1_MEM_OBJECT);
    *names = (s1_names){ 0 };
}

/* The slot of a name, or the free one where it belongs. */
static struct s1_name_slot *seek(const s1_names *names, const char *name, size_t size)
{
    size_t at = (size_t)hash(names, name, size) & (names->n_slots - 1);
    for (;;) {
        struct s1_name_slot *slot = &names->slots[at];
        if (!slot->name || (slot->size == size && !memcmp(slot->name, name, size)))
            return slot;
        at = (at + 1) & (names->n_slots - 1);
    }
}

bool s1_names_add(s1_names *names, const char *name, size_t size, uint32_t *value)
{
    struct s1_name_slot *slot = seek(names, name, size);
    if (slot->name) {
        *value = slot->value;
        return false;
    }
    *slot = (struct s1_name_slot){ name, (uint32_t)size, *value };
    return true;
}

bool s1_names_find(const s1_names *names, const char *name, size_t size, uint32_t *value)
{
    const struct s1_name_slot *slot = seek(names, name, size);
    *value = slot->value;
    return slot->name != NULL;
}

size_t s1_names_memory(const s1_names *names)
{
    return names->n_slots * sizeof(*names->slots);
}
