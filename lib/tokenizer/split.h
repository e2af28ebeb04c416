#ifndef S1_TOKENIZER_SPLIT_H
#define S1_TOKENIZER_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

/* The end of the pre-token that begins at `at` < `end`: the words that merges never cross. The
 * chunk is [.., end); what stands behind it is not looked at. `marks`: combining marks count as
 * letters. A byte that belongs to no character is a pre-token of its own. */
uint32_t s1_split_next(const uint8_t *text, uint32_t at, uint32_t end, bool marks);

#endif
