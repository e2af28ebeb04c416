#ifndef S1_BASE_PARK_H
#define S1_BASE_PARK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/* A number that threads can sleep on. One of two files implements it, chosen by the build: futex
 * where the system has it, else a condition variable. */
typedef struct s1_park {
    _Atomic uint32_t value;
    pthread_mutex_t mutex; /* of the condition variable only */
    pthread_cond_t condition;
} s1_park;

void s1_park_init(s1_park *park);
void s1_park_finish(s1_park *park);

/* Sleeps while the value is `seen`. May return early. */
void s1_park_wait(s1_park *park, uint32_t seen);

/* Wakes at most `n` sleepers. The caller has changed the value before. */
void s1_park_wake(s1_park *park, int32_t n);

#endif
