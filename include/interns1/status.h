#ifndef INTERNS1_STATUS_H
#define INTERNS1_STATUS_H

/**
 * @file
 * What a call answers, and where it leaves its explanation.
 *
 * Common statuses, which functions with a call block do not list one by one:
 * - INS1_E_ARGUMENT, INS1_E_VERSION: `struct_size` of a struct that was passed is not set, or an
 * option, a flag or the call block itself asks for something that this library is too old for;
 * - INS1_E_MEMORY, INS1_E_BUDGET: on any function that creates, opens or computes;
 * - INS1_E_CANCELED, INS1_E_DEADLINE: as the call block asked;
 * - INS1_E_BUSY: on a handle that belongs to one thread at a time;
 * - INS1_E_STATE: in a forked child of a process whose runtime has threads of its own;
 * - INS1_E_CALLBACK: the host's parallel-for or another callback of the host reported failure;
 * - INS1_E_DEVICE: on any function that computes;
 * - INS1_E_INTERNAL: always worth a report.
 *
 * They are listed only where there is more to say about them. Any other status that a function does
 * not list is not returned.
 */

#include "interns1/version.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An int32_t and not an enum type, so that its size is the same for every
 * compiler and every binding. 0 is success, failures are negative. */
typedef int32_t ins1_status;

/* Values are part of the ABI: they are appended to, never renumbered. */
enum {
    INS1_OK = 0,             /* what was asked for was done */
    INS1_E_ARGUMENT = -1,    /* the caller broke a documented precondition */
    INS1_E_MEMORY = -2,      /* the allocator returned NULL */
    INS1_E_BUDGET = -3,      /* a byte budget would be exceeded; nothing was touched */
    INS1_E_IO = -4,          /* the operating system or a reader refused */
    INS1_E_FORMAT = -5,      /* the bytes are not what their format promises */
    INS1_E_UNSUPPORTED = -6, /* valid, but not in this build, checkpoint or device */
    INS1_E_VERSION = -7,     /* made for a newer library: an option, a pack, a plugin */
    INS1_E_BUFFER = -8,      /* the caller's buffer is too small; `*count` says what is needed */
    INS1_E_CANCELED = -9,    /* the cancel token or the progress callback said stop */
    INS1_E_DEADLINE = -10,   /* the call's time budget ran out */
    INS1_E_DEVICE = -11,     /* the device failed; what lives on it is no longer usable */
    INS1_E_STATE = -12,      /* the right call at the wrong moment */
    INS1_E_FULL = -13,       /* the sequence's context is full */
    INS1_E_CALLBACK = -14,   /* a callback of the host reported failure */
    INS1_E_BUSY = -15,       /* a one-thread handle was entered by two threads */
    INS1_E_INTERNAL = -16    /* a mistake of ours, noticed */
};

/* Where a failing call leaves its explanation. The caller owns the record and may keep it on the
 * stack; the library never stores a pointer to it. A record whose struct_size is not set is left
 * alone. */
typedef struct ins1_error {
    uint32_t struct_size; /* sizeof(ins1_error) */
    ins1_status status;   /* what the call returned */
    int32_t os_errno;     /* errno of the failed system call, else 0 */
    int32_t backend_code; /* VkResult, cl_int, cudaError_t, else 0 */
    char text[240];       /* UTF-8, always NUL-terminated, cut between two characters */
} ins1_error;

/**
 * The name of a status, "INS1_E_FORMAT". A static string; "unknown status" for other numbers, never
 * NULL. Any thread.
 */
INS1_API const char *ins1_status_name(ins1_status status);

#ifdef __cplusplus
}
#endif

#endif
