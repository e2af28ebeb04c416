#ifndef S1_BASE_CALL_H
#define S1_BASE_CALL_H

#include "base/error.h"
#include "interns1/call.h"

#include <stdatomic.h>
#include <stdbool.h>

/* What those who poll a token see of it. The owner of the token, runtime/cancel.c, begins its own
 * struct with this one. */
struct ins1_cancel {
    atomic_int requested;
};

/* The call block of a running call, read once at entry: what an old caller's block does not have is
 * zero, and the time budget has become a point in time. */
typedef struct s1_call {
    ins1_error *error;
    ins1_cancel *cancel;
    int64_t deadline_ns; /* monotonic; INT64_MAX when there is none */
    int32_t (*progress)(void *user, int32_t phase, uint64_t done, uint64_t total);
    void *user;
} s1_call;

/* `given` may be NULL. INS1_E_ARGUMENT, INS1_E_VERSION as s1_struct_import. */
ins1_status s1_call_begin(s1_call *out, const ins1_call *given);

/* INS1_OK, INS1_E_CANCELED or INS1_E_DEADLINE. Cheap, any thread, fills no record. */
ins1_status s1_call_poll(const s1_call *call);

/* The same on the calling thread, with the sentence in the record. */
ins1_status s1_call_check(const s1_call *call);

/* Report progress (phase INS1_PHASE_*): INS1_E_CANCELED when the callback says stop. */
ins1_status s1_call_progress(const s1_call *call, int32_t phase, uint64_t done, uint64_t total);

/* The block for a call that this one consists of: what is left of the time, and everything else. */
ins1_call s1_call_rest(const s1_call *call);

/* Nanoseconds on the monotonic clock. */
int64_t s1_now_ns(void);

#endif
