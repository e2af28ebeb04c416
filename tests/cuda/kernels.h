#ifndef TESTS_CUDA_KERNELS_H
#define TESTS_CUDA_KERNELS_H

#include <stddef.h>

struct emulated_kernel {
    const char *name;
    size_t argument_size;
    unsigned threads;
    void (*run)(const void *argument);
};

extern const emulated_kernel emulated_kernels[];
extern const int n_emulated_kernels;

#endif
