#ifndef S1_BACKEND_CPU_CPU_H
#define S1_BACKEND_CPU_CPU_H

#include "base/error.h"
#include "interns1/sys/backend.h"

/* Bytes that each worker of a queue takes for its kernels, for plans. */
enum { S1_CPU_WORKER_BYTES = 640 << 10 };

/* The CPU backend's table. `level` is "scalar", "avx2", "neon", ... or NULL for the best this
 * machine and this build have; INS1_E_UNSUPPORTED for one they lack. `host` is kept. */
ins1_status s1_cpu_backend(ins1_backend_api *out, const ins1_host_api *host, const char *level,
                           ins1_error *error);

/* Memory of a stream for operations as large as these, or smaller in their rows: running them
 * allocates nothing. Of one operation alone only shapes and types are read. */
int32_t s1_cpu_reserve(void *stream, const ins1_op *ops, int32_t n);

#endif
