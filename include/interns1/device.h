#ifndef INTERNS1_DEVICE_H
#define INTERNS1_DEVICE_H

/**
 * @file
 * What can compute. Device 0 is always the CPU; further devices come from backends that the host
 * brings.
 */

#include "interns1/runtime.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ins1_backend_api; /* sys/backend.h */
struct ins1_host_api;    /* the same */

/* Types of elements, numbered after DLPack: its code << 16 | bits. */
enum {
    INS1_DTYPE_I8 = 0x00008,      /* signed integer */
    INS1_DTYPE_I32 = 0x00020,     /* signed integer */
    INS1_DTYPE_U8 = 0x10008,      /* unsigned integer */
    INS1_DTYPE_F16 = 0x20010,     /* IEEE 754 binary16 */
    INS1_DTYPE_F32 = 0x20020,     /* IEEE 754 binary32 */
    INS1_DTYPE_BF16 = 0x40010,    /* bfloat16: the upper half of a binary32 */
    INS1_DTYPE_F8_E4M3 = 0xA0008, /* e4m3fn: no infinities, NaN is 0x7f and 0xff */
};

enum {
    INS1_DEVICE_CPU = 1,         /* device 0 */
    INS1_DEVICE_GPU = 2,         /* memory of its own */
    INS1_DEVICE_IGPU = 3,        /* shares the host's memory */
    INS1_DEVICE_ACCELERATOR = 4, /* anything else; OpenBLAS is one */
    INS1_DEVICE_SOFTGPU = 5      /* a GPU in software, for tests; never chosen unasked */
};

/* What a device can do well. */
enum {
    INS1_CAP_F16 = 1u,      /* computes on binary16 */
    INS1_CAP_BF16 = 2u,     /* computes on bfloat16 */
    INS1_CAP_I8DOT = 4u,    /* dot products of 8-bit integers */
    INS1_CAP_HOST_MEM = 8u, /* uses the host's memory without a copy */
    INS1_CAP_ASYNC = 16u,   /* works while the host does something else */
    INS1_CAP_EXACT = 32u /* same bits for every batch and piece (rule 9); OpenBLAS never has it */
};

/* A device. Strings live as long as the runtime. */
typedef struct ins1_device_info {
    uint32_t struct_size; /* sizeof(ins1_device_info) */
    int32_t kind;         /* INS1_DEVICE_* */
    const char *backend;  /* "cpu", "vulkan", "openblas" */
    const char *name;     /* what ins1_device_find takes: "cpu", "vulkan:0", "openblas" */
    const char *hardware; /* for people */
    const char *level;  /* of the CPU the level in use, "avx512"; else the driver and its version */
    uint64_t mem_total; /* bytes; 0 is unknown */
    uint64_t mem_free;  /* bytes, when asked; 0 is unknown */
    uint64_t max_buffer; /* most bytes of one buffer; 0 is no limit */
    uint32_t caps;       /* INS1_CAP_* */
    int32_t score;       /* higher is faster */
} ins1_device_info;

/**
 * Add a backend that is linked into the program.
 *
 * @param entry  As a plugin's entry point, an ins1_backend_entry_fn of sys/backend.h; called once,
 * here. What it gives as `self` must live as long as the runtime.
 * @param call   Optional.
 *
 * @retval INS1_E_ARGUMENT  The table is too short or leaves a required call empty.
 * @retval INS1_E_VERSION   The table has another major version.
 * @retval INS1_E_STATE     A model was already opened, after which device indexes never move, or a
 *                          backend of that name is there already.
 * @retval INS1_E_DEVICE    The backend failed while its devices were counted.
 * @retval INS1_E_UNSUPPORTED  The runtime has as many devices as it can hold.
 *
 * Threads: one at a time, before the first model.
 */
INS1_API ins1_status ins1_backend_register(ins1_runtime *runtime,
                                           int32_t (*entry)(uint32_t abi,
                                                            const struct ins1_host_api *host,
                                                            struct ins1_backend_api *out),
                                           const ins1_call *call);

/**
 * Add the backend of a plugin. It is unloaded with the runtime.
 *
 * @param absolute_path  Nothing is searched for. What lies there is trusted like the program
 * itself.
 * @param call           Optional.
 *
 * @retval INS1_E_ARGUMENT     The path is not absolute, or as ins1_backend_register.
 * @retval INS1_E_IO           The dynamic linker refused; the text is its own.
 * @retval INS1_E_FORMAT       The file has no entry point.
 * @retval INS1_E_STATE        The runtime was made with INS1_RUNTIME_NO_DLOPEN, or as
 *                             ins1_backend_register.
 * @retval INS1_E_VERSION, INS1_E_DEVICE, INS1_E_UNSUPPORTED  As ins1_backend_register.
 *
 * Threads: one at a time, before the first model.
 */
INS1_API ins1_status ins1_backend_load(ins1_runtime *runtime, const char *absolute_path,
                                       const ins1_call *call);

/** How many devices there are; at least 1. Any thread. */
INS1_API int32_t ins1_device_count(const ins1_runtime *runtime);

/**
 * What a device is.
 *
 * @param index  0 .. ins1_device_count - 1.
 * @param out    At most `out->struct_size` bytes are written.
 *
 * @retval INS1_E_ARGUMENT  There is no such device.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_device_get(const ins1_runtime *runtime, int32_t index,
                                     ins1_device_info *out, const ins1_call *call);

/**
 * The index of a device by its name. The name of a backend alone is its first device.
 *
 * @param index  Receives the index.
 *
 * @retval INS1_E_UNSUPPORTED  There is no device of that name.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_device_find(const ins1_runtime *runtime, const char *name, int32_t *index,
                                      const ins1_call *call);

#ifdef __cplusplus
}
#endif

#endif
