#ifndef S1_BACKEND_HOST_H
#define S1_BACKEND_HOST_H

#include "backend/backend.h"

#include <stdatomic.h>

/* Whom a backend talks to while it is called: the `host` of ins1_host_api. One for the calls of a
 * backend's devices, one for each stream. It knows the call that is running and remembers what the
 * backend said about it. */
typedef struct s1_door {
    const s1_host *host;
    const char *component; /* the backend's name, for the log */
    const s1_call *call;   /* NULL outside of calls that can be stopped */

    /* Tasks of one call may complain at the same time: the first is heard. */
    atomic_int told; /* one of the states in host.c */
    int32_t code;
    char text[200];
    atomic_int pool_status;  /* the threads refused */
    atomic_bool over_budget; /* memory was refused for the budget's sake */
} s1_door;

/* The table of functions for a backend; `door` stays where it is. */
ins1_host_api s1_door_table(s1_door *door);

/* Around every call of a backend. `call` may be NULL. */
void s1_door_open(s1_door *door, const s1_call *call);

/* What the answer of the backend means, with the sentence in the record. `who` is the device. A
 * number that is none of the agreed statuses means that the device failed. */
ins1_status s1_door_judge(s1_door *door, int32_t answer, const char *who, ins1_error *error);

#endif
