#include "format/sort.h"

static void swap(unsigned char *a, unsigned char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = a[i];
        a[i] = b[i];
        b[i] = byte;
    }
}

/* Let item `at` of the first `n` sink until no child is greater. */
static void sink(unsigned char *items, size_t at, size_t n, size_t size,
                 int (*compare)(const void *, const void *))
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= n)
            return;
        if (child + 1 < n && compare(items + child * size, items + (child + 1) * size) < 0)
            child++;
        if (compare(items + at * size, items + child * size) >= 0)
            return;
        swap(items + at * size, items + child * size, size);
        at = child;
    }
}

void s1_sort(void *items, size_t n, size_t item_size, int (*compare)(const void *, const void *))
{
    unsigned char *bytes = items;

    for (size_t at = n / 2; at-- > 0;)
        sink(bytes, at, n, item_size, compare);
    for (size_t left = n; left-- > 1;) {
        swap(bytes, bytes + left * item_size, item_size);
        sink(bytes, 0, left, item_size, compare);
    }
}
