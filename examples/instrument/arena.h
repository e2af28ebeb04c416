#ifndef INSTRUMENT_ARENA_H
#define INSTRUMENT_ARENA_H

#include <interns1/runtime.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All memory that the library gets: one array, sized when the program is built. A block is cut off
 * its front, comes back to the list of its size class, and is given out again from there: both in
 * constant time. Once sealed, nothing is cut off any more. */
typedef struct arena_counts {
    uint64_t cut;     /* bytes cut off the array so far */
    uint64_t given;   /* blocks given out */
    uint64_t again;   /* of those, blocks that had come back before */
    uint64_t refused; /* requests that nothing was there for */
    uint64_t size;    /* bytes of the array */
} arena_counts;

/* Fill an allocator in; there is one arena in the program. Any thread may use it. */
ins1_allocator arena_allocator(void);

/* From now on only what came back is given out. */
void arena_seal(void);

arena_counts arena_count(void);

#endif
