#ifndef S1_SESSION_STOP_H
#define S1_SESSION_STOP_H

#include "base/error.h"
#include "interns1/runtime.h"
#include "interns1/tokenizer.h"

#include <stdbool.h>

/* Text on its way past stop strings: what may become one waits. */
typedef struct s1_stop {
    const ins1_allocator *memory;
    ins1_text *stops; /* owned, the strings behind the array */
    size_t n_stops, stops_size;
    char *held; /* [0, n_held) was added and not taken */
    size_t n_held, capacity;
} s1_stop;

/* `stops` are copied. INS1_E_ARGUMENT for an empty one. */
ins1_status s1_stop_init(s1_stop *stop, const ins1_allocator *memory, const ins1_text *stops,
                         size_t n_stops, ins1_error *error);
void s1_stop_finish(s1_stop *stop);

/* Room for `size` more bytes at held + n_held. */
ins1_status s1_stop_reserve(s1_stop *stop, size_t size, ins1_error *error);

/* Bytes that may go on: all before the first stop string, and `*is_found` says that there is one;
 * else all but what may still become one, or really all when `is_last`. */
size_t s1_stop_free_bytes(const s1_stop *stop, bool is_last, bool *is_found);

/* The first `size` bytes went on. */
void s1_stop_take(s1_stop *stop, size_t size);

#endif
