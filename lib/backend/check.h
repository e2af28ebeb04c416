#ifndef S1_BACKEND_CHECK_H
#define S1_BACKEND_CHECK_H

#include "backend/device.h"

/* Lists of expert matrices that were found right, so that hundreds of views are not compared again
 * for every token. A list is known by its address, its length, what its first and last entries say,
 * and the device's generation; one further entry is compared in full each time, in turn. */
typedef struct s1_seen {
    const ins1_tensor_desc *in;
    uint64_t generation;
    uint64_t digest;
    int32_t n_in;
    int32_t turn;
} s1_seen;

enum { S1_N_SEEN = 512 };

/* INS1_E_UNSUPPORTED for an operation that is not known, INS1_E_INTERNAL where one does not agree
 * with its definition. The caller holds the device's blocks. `seen` has S1_N_SEEN entries, or is
 * NULL. */
ins1_status s1_check_op(const s1_device *device, s1_seen *seen, const ins1_op *op,
                        ins1_error *error);

#endif
