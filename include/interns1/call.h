#ifndef INTERNS1_CALL_H
#define INTERNS1_CALL_H

/**
 * @file
 * The call block: error record, cancel token, time budget and progress of one call.
 */

#include "interns1/status.h"
#include "interns1/version.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the host brings: runtime.h. */
typedef struct ins1_runtime ins1_runtime;

/* A request to stop. Shared between threads; has its own owners, so that a signal handler's or
 * another thread's copy never dangles. */
typedef struct ins1_cancel ins1_cancel;

/* What a call is busy with when it reports progress, and what its `done` and `total` count. */
enum {
    INS1_PHASE_OPEN = 1,    /* files of a checkpoint */
    INS1_PHASE_VERIFY = 2,  /* bytes whose checksum is compared */
    INS1_PHASE_ENCODE = 3,  /* images, frames, or steps of the layers over series */
    INS1_PHASE_PREFILL = 4, /* tokens */
    INS1_PHASE_SCORE = 5    /* tokens */
};

/* The last parameter of every function that can fail. NULL means none of it. One block may serve
 * many calls, one at a time. */
typedef struct ins1_call {
    uint32_t struct_size; /* sizeof(ins1_call) */
    uint32_t flags;       /* 0 */
    ins1_error *error;    /* filled only on failure; may be NULL */
    ins1_cancel *cancel;  /* polled at least once a millisecond on the CPU; may be NULL */
    int64_t budget_ns;    /* from entry, on the monotonic clock; 0 is no limit */
    /* Called between tiles of work on the calling thread; may be NULL. Non-zero ends the call with
     * INS1_E_CANCELED. */
    int32_t (*progress)(void *user, int32_t phase, uint64_t done, uint64_t total);
    void *user; /* handed to `progress` */
} ins1_call;

/**
 * Make a cancel token, not requested.
 *
 * @param out      Receives the token; the caller releases it.
 * @param runtime  Kept until the token's last release.
 * @param call     Optional.
 *
 * @retval INS1_E_MEMORY  The allocator could not give enough.
 */
INS1_API ins1_status ins1_cancel_create(ins1_cancel **out, ins1_runtime *runtime,
                                        const ins1_call *call);

/**
 * Ask every call that carries this token to stop, now and until it is reset. One atomic store: any
 * thread and any signal handler may do it.
 */
INS1_API void ins1_cancel_request(ins1_cancel *cancel);

/**
 * Was a stop asked for? 1 or 0; NULL is 0. One atomic load, for what works beside the library, such
 * as readers: any thread and any signal handler.
 */
INS1_API int32_t ins1_cancel_is_requested(const ins1_cancel *cancel);

/**
 * Make the token usable again. No call that carries it may be running.
 */
INS1_API void ins1_cancel_reset(ins1_cancel *cancel);

/** Add an owner. Any thread. */
INS1_API void ins1_cancel_retain(ins1_cancel *cancel);

/** Take an owner away. NULL is allowed. Any thread, but no signal handler. */
INS1_API void ins1_cancel_release(ins1_cancel *cancel);

#ifdef __cplusplus
}
#endif

#endif
