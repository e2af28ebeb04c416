#include "tokenizer/scratch.h"

#include <stdint.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 };

bool s1_scratch_grow(const ins1_allocator *memory, void **data, size_t *capacity, size_t need,
                     size_t item, int32_t kind)
{
    if (need <= *capacity)
        return true;
    size_t wider = *capacity ? *capacity : FIRST_CAPACITY;
    while (wider < need)
        wider = wider > SIZE_MAX / 2 ? need : wider * 2;
    void *grown = s1_alloc_array(memory, wider, item, kind);
    if (!grown)
        return false;
    if (*data)
        memcpy(grown, *data, *capacity * item);
    s1_scratch_free(memory, *data, *capacity, item, kind);
    *data = grown;
    *capacity = wider;
    return true;
}

void s1_scratch_free(const ins1_allocator *memory, void *data, size_t capacity, size_t item,
                     int32_t kind)
{
    s1_free(memory, data, capacity * item, kind);
}
