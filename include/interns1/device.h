#ifndef INTERNS1_DEVICE_H
#define INTERNS1_DEVICE_H

#include "interns1/runtime.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ins1_backend_api; /* sys/backend.h */

/* Element types, numbered as DLPack does: its code << 16 | bits. */
enum {
    INS1_DTYPE_I32 = 0x00020,
    INS1_DTYPE_U8 = 0x10008,
    INS1_DTYPE_F16 = 0x20010,
    INS1_DTYPE_F32 = 0x20020,
    INS1_DTYPE_BF16 = 0x40010,
    INS1_DTYPE_F8_E4M3 = 0xA0008, /* e4m3fn: no infinities, NaN is 0x7f and 0xff */
};

enum {
    INS1_DEVICE_CPU = 1,
    INS1_DEVICE_GPU = 2,
    INS1_DEVICE_IGPU = 3,
    INS1_DEVICE_ACCELERATOR = 4,
    INS1_DEVICE_SOFTGPU = 5
};
enum {
    INS1_CAP_F16 = 1u,
    INS1_CAP_BF16 = 2u,
    INS1_CAP_I8DOT = 4u,
    INS1_CAP_HOST_MEM = 8u,
    INS1_CAP_ASYNC = 16u,
    INS1_CAP_EXACT = 32u /* rule 8 holds; OpenBLAS never has it */
};
typedef struct ins1_device_info { /* strings live as long as the runtime */
    uint32_t struct_size;
    int32_t kind;
    const char *backend;  /* "cpu", "vulkan", "openblas" */
    const char *name;     /* what ins1_device_find takes: "cpu", "vulkan:0", "openblas" */
    const char *hardware; /* for people */
    const char *level;    /* CPU: the level in use ("avx512"); else the driver and its version */
    uint64_t mem_total, mem_free, max_buffer;
    uint32_t caps;
    int32_t score; /* higher = faster */
} ins1_device_info;
/* [S] Both only before the first model of this runtime is opened, else INS1_E_STATE: device indexes
 * never move. */
INS1_API ins1_status ins1_backend_register(ins1_runtime *runtime,
                                           const struct ins1_backend_api *api,
                                           const ins1_call *call);
INS1_API ins1_status ins1_backend_load(ins1_runtime *runtime, const char *absolute_path,
                                       const ins1_call *call);
INS1_API int32_t ins1_device_count(const ins1_runtime *runtime); /* [C] */
INS1_API ins1_status ins1_device_get(const ins1_runtime *runtime, int32_t index,
                                     ins1_device_info *out, const ins1_call *call); /* [C] */
/* [C] "vulkan" alone is its first device; INS1_E_UNSUPPORTED when there is none of that name. */
INS1_API ins1_status ins1_device_find(const ins1_runtime *runtime, const char *name, int32_t *index,
                                      const ins1_call *call);

#ifdef __cplusplus
}
#endif

#endif
