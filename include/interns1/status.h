#ifndef INTERNS1_STATUS_H
#define INTERNS1_STATUS_H

#include "interns1/version.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t ins1_status;
enum { /* part of the ABI: appended to, never renumbered */
       INS1_OK = 0,
       INS1_E_ARGUMENT = -1,    /* the caller broke a documented precondition */
       INS1_E_MEMORY = -2,      /* the allocator returned NULL */
       INS1_E_BUDGET = -3,      /* a byte budget would be exceeded; nothing was touched */
       INS1_E_IO = -4,          /* the operating system or a reader refused */
       INS1_E_FORMAT = -5,      /* the bytes are not what their format promises */
       INS1_E_UNSUPPORTED = -6, /* valid, but not in this build, checkpoint or device */
       INS1_E_VERSION = -7,     /* made for a newer library: an option, a pack, a plugin */
       INS1_E_BUFFER = -8,      /* the caller's buffer is too small; *count is what is needed */
       INS1_E_CANCELED = -9,    /* the cancel token or the progress callback said stop */
       INS1_E_DEADLINE = -10,   /* budget_ns ran out */
       INS1_E_DEVICE = -11,     /* the device failed; what lives on it is no longer usable */
       INS1_E_STATE = -12,      /* right call, wrong moment */
       INS1_E_FULL = -13,       /* the sequence's context is full */
       INS1_E_CALLBACK = -14,   /* a callback of the host reported failure */
       INS1_E_BUSY = -15,       /* a one-thread handle was entered by two threads */
       INS1_E_INTERNAL = -16    /* a mistake of the library, noticed */
};

typedef struct ins1_error { /* caller-owned, no allocation, no thread-local; left alone without its
                               size */
    uint32_t struct_size;
    ins1_status status;
    int32_t os_errno;
    int32_t backend_code; /* errno, VkResult, cl_int, cudaError_t; else 0 */
    char text[240];       /* always NUL-terminated, cut on a UTF-8 boundary */
} ins1_error;

INS1_API const char *
ins1_status_name(ins1_status status); /* [C] "INS1_E_FORMAT"; static, never NULL */

#ifdef __cplusplus
}
#endif

#endif
