#ifndef INSTRUMENT_CLOCK_H
#define INSTRUMENT_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_of(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Nanoseconds that passed. */
static inline int64_t clock_wall(void)
{
    return clock_of(CLOCK_MONOTONIC);
}

static inline void clock_sleep(int64_t ns)
{
    const struct timespec span = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

    nanosleep(&span, NULL);
}

#endif
