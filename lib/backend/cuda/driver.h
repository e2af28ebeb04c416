#ifndef S1_BACKEND_CUDA_DRIVER_H
#define S1_BACKEND_CUDA_DRIVER_H

/* What is used of the driver's API, spelled as its own header spells it. The types are declared
 * here so that a build needs no CUDA; where its header is, tests/cuda/agrees.c compares the two. */

#include <stddef.h>

#ifndef S1_CUDA_HAS_HEADER
typedef int CUresult;
typedef int CUdevice;
typedef int CUdevice_attribute;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
#endif

/* The numbers of it that are used. */
enum {
    S1_CU_SUCCESS = 0,
    S1_CU_OUT_OF_MEMORY = 2,
    S1_CU_NO_DEVICE = 100,
    S1_CU_NOT_READY = 600,
    S1_CU_MULTIPROCESSORS = 16, /* attributes of a device */
    S1_CU_INTEGRATED = 18,
    S1_CU_MAJOR = 75,
    S1_CU_MINOR = 76,
    S1_CU_STREAM_NON_BLOCKING = 1,
    S1_CU_EVENT_DISABLE_TIMING = 2,
};

/* X(name, parameters) */
#define S1_CUDA_CALLS(X)                                                                       \
    X(cuInit, (unsigned flags))                                                                \
    X(cuDriverGetVersion, (int *version))                                                      \
    X(cuGetErrorName, (CUresult error, const char **name))                                     \
    X(cuDeviceGetCount, (int *count))                                                          \
    X(cuDeviceGet, (CUdevice * device, int ordinal))                                           \
    X(cuDeviceGetName, (char *name, int length, CUdevice device))                              \
    X(cuDeviceTotalMem_v2, (size_t * bytes, CUdevice device))                                  \
    X(cuDeviceGetAttribute, (int *value, CUdevice_attribute attribute, CUdevice device))       \
    X(cuDevicePrimaryCtxRetain, (CUcontext * context, CUdevice device))                        \
    X(cuDevicePrimaryCtxRelease_v2, (CUdevice device))                                         \
    X(cuCtxPushCurrent_v2, (CUcontext context))                                                \
    X(cuCtxPopCurrent_v2, (CUcontext * context))                                               \
    X(cuMemGetInfo_v2, (size_t * free, size_t * total))                                        \
    X(cuModuleLoadData, (CUmodule * module, const void *image))                                \
    X(cuModuleUnload, (CUmodule module))                                                       \
    X(cuModuleGetFunction, (CUfunction * function, CUmodule module, const char *name))         \
    X(cuMemAlloc_v2, (CUdeviceptr * address, size_t bytes))                                    \
    X(cuMemFree_v2, (CUdeviceptr address))                                                     \
    X(cuMemAllocHost_v2, (void **address, size_t bytes))                                       \
    X(cuMemFreeHost, (void *address))                                                          \
    X(cuMemcpyHtoDAsync_v2, (CUdeviceptr to, const void *from, size_t bytes, CUstream stream)) \
    X(cuMemcpyDtoHAsync_v2, (void *to, CUdeviceptr from, size_t bytes, CUstream stream))       \
    X(cuMemcpyDtoDAsync_v2, (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream)) \
    X(cuStreamCreate, (CUstream * stream, unsigned flags))                                     \
    X(cuStreamDestroy_v2, (CUstream stream))                                                   \
    X(cuEventCreate, (CUevent * event, unsigned flags))                                        \
    X(cuEventDestroy_v2, (CUevent event))                                                      \
    X(cuEventRecord, (CUevent event, CUstream stream))                                         \
    X(cuEventQuery, (CUevent event))                                                           \
    X(cuLaunchKernel, (CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, \
                       unsigned block_x, unsigned block_y, unsigned block_z,                   \
                       unsigned shared_bytes, CUstream stream, void **parameters, void **extra))

#define S1_CUDA_TYPE_OF_CALL(name, parameters) typedef CUresult s1_##name##_fn parameters;
S1_CUDA_CALLS(S1_CUDA_TYPE_OF_CALL)

#define S1_CUDA_MEMBER_FOR_CALL(name, parameters) s1_##name##_fn *name;
typedef struct s1_cuda_driver {
    S1_CUDA_CALLS(S1_CUDA_MEMBER_FOR_CALL)
} s1_cuda_driver;

#endif
