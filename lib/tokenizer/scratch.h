#ifndef S1_TOKENIZER_SCRATCH_H
#define S1_TOKENIZER_SCRATCH_H

#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Make room for `need` items of `item` bytes in the array at `*data` (NULL to begin with), at least
 * doubling it. What is there stays. False without memory, and then nothing has changed. */
bool s1_scratch_grow(const ins1_allocator *memory, void **data, size_t *capacity, size_t need,
                     size_t item, int32_t kind);
void s1_scratch_free(const ins1_allocator *memory, void *data, size_t capacity, size_t item,
                     int32_t kind);

/* Ascending, in place, O(n log n) for every input. */
void s1_sort_u64(uint64_t *keys, size_t n);

#endif
