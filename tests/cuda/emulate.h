#ifndef TESTS_CUDA_EMULATE_H
#define TESTS_CUDA_EMULATE_H

/* What stands in for a device, so that kernels are compiled by a C++ compiler and executed on the
 * CPU: the threads of a block are coroutines that take turns at barriers and shuffles, forwards in
 * one block and backwards in the next, so that a missing barrier shows. Shared memory is fresh for
 * each block, NaN at first, and every array is an allocation of its own, so that AddressSanitizer
 * sees its ends. Barriers that not all threads reach together, and shuffles without all lanes of a
 * warp, end the grid with a sentence. */

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

struct emulated_index {
    unsigned x, y, z;
};
extern emulated_index threadIdx, blockIdx, blockDim, gridDim;

#define __device__
#define __forceinline__ inline

/* Of the running thread. */
void *emulated_shared(size_t bytes);
void emulated_barrier(const char *file, int line);
uint32_t emulated_shuffle(const char *file, int line, unsigned lanes, uint32_t mine, unsigned from);

template <typename T>
inline T emulated_exchange(const char *file, int line, unsigned lanes, T mine, unsigned from)
{
    static_assert(sizeof(T) == sizeof(uint32_t), "a shuffle moves 32 bits");
    uint32_t bits;
    memcpy(&bits, &mine, sizeof(bits));
    bits = emulated_shuffle(file, line, lanes, bits, from);
    memcpy(&mine, &bits, sizeof(bits));
    return mine;
}

#define __syncthreads()             emulated_barrier(__FILE__, __LINE__)
#define __shfl_sync(lanes, x, from) emulated_exchange(__FILE__, __LINE__, lanes, x, from)
#define __shfl_xor_sync(lanes, x, mask) \
    emulated_exchange(__FILE__, __LINE__, lanes, x, threadIdx.x % 32 ^ (mask))

#define SHARED(type, name, dims)        \
    typedef type name##_as_shared dims; \
    name##_as_shared &name =            \
        *static_cast<name##_as_shared *>(emulated_shared(sizeof(name##_as_shared)))
#define KERNEL(name, argument, threads) extern "C" void s1_##name(const argument &p)

/* All blocks of a grid; NULL, or what was wrong (valid until the next grid). One grid at a time. */
const char *emulated_grid(void (*kernel)(const void *argument), const void *argument,
                          emulated_index grid, unsigned threads);

#endif
