#include "tokenizer/scratch.h"

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

static void sift(uint64_t *keys, size_t at, size_t n)
{
    uint64_t moved = keys[at];
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && keys[child + 1] > keys[child])
            child++;
        if (keys[child] <= moved)
            break;
        keys[at] = keys[child];
    }
    keys[at] = moved;
}

void s1_sort_u64(uint64_t *keys, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(keys, i, n);
    for (size_t end = n; end-- > 1;) {
        uint64_t largest = keys[0];
        keys[0] = keys[end];
        keys[end] = largest;
        sift(keys, 0, end);
    }
}
