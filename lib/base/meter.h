#ifndef S1_BASE_METER_H
#define S1_BASE_METER_H

#include "base/error.h"
#include "interns1/runtime.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A source of memory behind a byte budget: counts what is out, and refuses what would exceed the
 * budget before the source is asked. Any thread. */
typedef struct s1_meter {
    ins1_allocator memory; /* what users take from */
    ins1_allocator source;
    uint64_t budget; /* 0: no limit */
    _Atomic uint64_t now;
    _Atomic uint64_t peak;
} s1_meter;

/* `meter` stays where it is: `memory` points to it. */
void s1_meter_init(s1_meter *meter, const ins1_allocator *source, uint64_t budget);

/* False when `from` is a meter's and `size` more bytes would exceed its budget. */
bool s1_meter_fits(const ins1_allocator *from, uint64_t size);

/* Why `from` just gave NULL, as a status with its sentence: INS1_E_BUDGET or INS1_E_MEMORY. `what`
 * completes "no memory for". */
ins1_status s1_out_of_memory(const ins1_allocator *from, uint64_t size, const char *what,
                             ins1_error *error);

#endif
