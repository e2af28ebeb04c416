#ifndef INTERNS1_CALL_H
#define INTERNS1_CALL_H

#include "interns1/status.h"
#include "interns1/version.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ins1_runtime ins1_runtime;
typedef struct ins1_cancel ins1_cancel;
enum {
    INS1_PHASE_OPEN = 1,
    INS1_PHASE_VERIFY = 2,
    INS1_PHASE_ENCODE = 3,
    INS1_PHASE_PREFILL = 4,
    INS1_PHASE_SCORE = 5
};
typedef struct ins1_call { /* NULL = none of it; one block may serve many calls, one at a time */
    uint32_t struct_size;
    uint32_t flags;
    ins1_error *error;   /* filled on failure */
    ins1_cancel *cancel; /* polled at every tile boundary: CPU <= 1 ms, GPU <= 1 submission */
    int64_t budget_ns;   /* 0 = none; else at most this long (monotonic) from entry */
    int32_t (*progress)(void *user, int32_t phase, uint64_t done,
                        uint64_t total); /* nonzero = cancel */
    void *user;
} ins1_call;
INS1_API ins1_status ins1_cancel_create(ins1_cancel **out, ins1_runtime *runtime,
                                        const ins1_call *call); /* [C] */
INS1_API void ins1_cancel_request(ins1_cancel *cancel);         /* [A] sticky until reset */
INS1_API void ins1_cancel_reset(ins1_cancel *cancel);           /* [S] with no call in flight */
INS1_API void ins1_cancel_retain(ins1_cancel *cancel);          /* [C] */
INS1_API void ins1_cancel_release(ins1_cancel *cancel);         /* [C] */

#ifdef __cplusplus
}
#endif

#endif
