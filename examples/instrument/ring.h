#ifndef INSTRUMENT_RING_H
#define INSTRUMENT_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define RING_SIZE 4096u /* samples; a power of two */

/* Samples between the thread that takes them and the one that reads them. Neither ever waits for
 * the other. Zeroed, it is empty. */
typedef struct ring {
    _Alignas(64) atomic_size_t written; /* samples ever put in */
    _Alignas(64) atomic_size_t read;    /* samples ever taken out */
    atomic_size_t lost;                 /* samples that came when it was full */
    float samples[RING_SIZE];
} ring;

/* One sample; lost when there is no room. The writing thread's alone. */
void ring_put(ring *r, float sample);

/* The next `n` samples, or false and nothing while there are fewer. The reading thread's alone. */
bool ring_take(ring *r, float *out, size_t n);

#endif
