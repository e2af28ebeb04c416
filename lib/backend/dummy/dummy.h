#ifndef S1_BACKEND_DUMMY_DUMMY_H
#define S1_BACKEND_DUMMY_DUMMY_H

#include "interns1/sys/backend.h"

#include <stdatomic.h>
#include <stdbool.h>

/* A backend that computes nothing and checks everything it is told, the smallest complete example
 * of one. Tests tell it where to lie. It needs nothing of the library but sys/backend.h. */

/* The calls that answer. */
enum {
    S1_DUMMY_DEVICE_COUNT,
    S1_DUMMY_DEVICE_INFO,
    S1_DUMMY_DEVICE_OPEN,
    S1_DUMMY_BUFFER_NEW,
    S1_DUMMY_BUFFER_WRAP,
    S1_DUMMY_STREAM_NEW,
    S1_DUMMY_WRITE,
    S1_DUMMY_READ,
    S1_DUMMY_COPY,
    S1_DUMMY_RUN,
    S1_DUMMY_SYNC,
    S1_DUMMY_N_CALLS,
};

/* What it shall do, and what it saw. The owner keeps it alive and may change it between calls. */
typedef struct s1_dummy {
    const ins1_host_api *api; /* filled by the entry */

    int32_t n_devices;      /* 0 is 1; negative is what device_count answers */
    bool has_device_memory; /* buffers without a host address, no wrapping */
    uint64_t supported;     /* bit i: operation i; 0 is all */
    bool same_id_twice;     /* every buffer gets the same id */

    /* A lie: call `lie_call` answers `lie_answer` from its `lie_from`-th time on (0 is the first).
     */
    bool lies;
    int32_t lie_call;
    int32_t lie_from;
    int32_t lie_answer;
    const char *lie_text; /* told to `fail` before it; may be NULL */

    void (*during_run)(void *user); /* once in every operation; may be NULL */
    void *user;

    atomic_int calls[S1_DUMMY_N_CALLS];
    atomic_int live;       /* buffers, streams and contexts */
    atomic_int complaints; /* what it was told was against the contract */
    atomic_int ops;        /* operations that it was given */
} s1_dummy;

/* Fills the table; `host` is kept. */
int32_t s1_dummy_backend(ins1_backend_api *out, const ins1_host_api *host, s1_dummy *dummy);

#endif
