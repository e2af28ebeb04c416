#ifndef S1_TESTS_KERNELS_FAKE_HOST_H
#define S1_TESTS_KERNELS_FAKE_HOST_H

#include "backend/cpu/cpu.h"
#include "interns1/model.h"

#include <stdatomic.h>
#include <stdbool.h>

/* What the library would be to the CPU backend: an allocator that counts and can refuse, threads,
 * and a stop flag; and short ways to write operations. */
typedef struct fake_host {
    ins1_host_api api;
    int32_t threads;
    atomic_int live;          /* blocks that are out */
    atomic_int until_refusal; /* negative: never */
    atomic_int until_stop;    /* questions answered with no; negative: always no */
    atomic_int tasks;         /* that were run */
    bool refuse_tasks;
    int32_t failed; /* status that `fail` was last told */
} fake_host;

void fake_host_init(fake_host *host, int32_t threads);

/* A backend with one stream. */
typedef struct fake_device {
    fake_host host;
    ins1_backend_api api;
    void *context;
    void *stream;
} fake_device;

/* Fails the test unless the level can be had; false when this machine lacks it. */
bool fake_device_open(fake_device *device, const char *level, int32_t threads);
void fake_device_close(fake_device *device);

/* A dense view of memory that the test owns; axes outermost first, at most four. The buffer is
 * freed with `fake_drop`. */
ins1_tensor_desc fake_view(fake_device *device, void *memory, int32_t dtype, int32_t ndim,
                           const int64_t *dim);
void fake_drop(fake_device *device, ins1_tensor_desc *views, int n);

size_t fake_dtype_size(int32_t dtype);

/* Repeatable numbers. */
extern uint32_t fake_seed;
uint32_t fake_bits(void);
float fake_float(void); /* in [-1, 1) */

/* `n` floats of a type with values about in [-1, 1), and what they are. */
void fake_fill(void *out, float *exact, int32_t dtype, size_t n);
float fake_widen(const void *from, int32_t dtype, size_t at);

#endif
