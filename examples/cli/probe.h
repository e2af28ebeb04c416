#ifndef CLI_PROBE_H
#define CLI_PROBE_H

#include <stddef.h>
#include <stdint.h>

/* What the machine can do at best, measured where and when the library is measured. */

typedef struct probes {
    double read_GBps;                           /* one ascending stream per thread */
    double bf16_GFLOPs, int8_Gops, fp32_GFLOPs; /* 0: no instruction for it that the probe knows */
} probes;

typedef struct prober prober;

prober *prober_create(int32_t n_threads); /* NULL when it cannot */
probes prober_run(prober *p);
void prober_destroy(prober *p);

/* Work of one thread: passes over `n` bytes (a multiple of 4096), and `rounds` rounds of arithmetic
 * whose operations are counted in `per_round`. All give a value so that nothing is optimised away.
 */
typedef struct probe_kernels {
    uint64_t (*read)(const void *bytes, size_t n);
    uint64_t (*bf16)(uint64_t rounds);
    uint64_t (*int8)(uint64_t rounds);
    uint64_t (*fp32)(uint64_t rounds);
    double bf16_per_round, int8_per_round, fp32_per_round;
} probe_kernels;

/* Each overwrites what it does better; the files are compiled for their instruction sets. */
void probe_use_avx2(probe_kernels *k);
void probe_use_avx512(probe_kernels *k);
void probe_use_avx512_dot(probe_kernels *k);

#endif
