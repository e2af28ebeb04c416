/* The declarations of backend/cuda/driver.h are those of the driver's own header: where they
 * differ, this does not compile. */

#include <cuda.h>

#define S1_CUDA_HAS_HEADER
#include "backend/cuda/driver.h"

_Static_assert((int)S1_CU_SUCCESS == (int)CUDA_SUCCESS, "");
_Static_assert((int)S1_CU_OUT_OF_MEMORY == (int)CUDA_ERROR_OUT_OF_MEMORY, "");
_Static_assert((int)S1_CU_NO_DEVICE == (int)CUDA_ERROR_NO_DEVICE, "");
_Static_assert((int)S1_CU_NOT_READY == (int)CUDA_ERROR_NOT_READY, "");
_Static_assert((int)S1_CU_MULTIPROCESSORS == (int)CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, "");
_Static_assert((int)S1_CU_INTEGRATED == (int)CU_DEVICE_ATTRIBUTE_INTEGRATED, "");
_Static_assert((int)S1_CU_MAJOR == (int)CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, "");
_Static_assert((int)S1_CU_MINOR == (int)CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, "");
_Static_assert((int)S1_CU_STREAM_NON_BLOCKING == (int)CU_STREAM_NON_BLOCKING, "");
_Static_assert((int)S1_CU_EVENT_DISABLE_TIMING == (int)CU_EVENT_DISABLE_TIMING, "");

#define COMPARE(name, parameters)               \
    extern s1_##name##_fn *const agrees_##name; \
    s1_##name##_fn *const agrees_##name = name;
S1_CUDA_CALLS(COMPARE)
