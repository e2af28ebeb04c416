#ifndef S1_FORMAT_SORT_H
#define S1_FORMAT_SORT_H

#include <stddef.h>

/* Sort in place. Unlike qsort it never allocates and no input makes it slow; the order of equal
 * items is not kept. `compare` as of qsort. */
void s1_sort(void *items, size_t n, size_t item_size, int (*compare)(const void *, const void *));

#endif
