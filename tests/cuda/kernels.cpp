/* The kernels as the CPU executes them. */

#include "emulate.h"

#include "backend/cuda/kernels/all.cu"

#include "kernels.h"

#define KERNEL_ENTRY(name, argument, threads) \
    { "s1_" #name, sizeof(argument), threads, \
      [](const void *p) { s1_##name(*static_cast<const argument *>(p)); } },
const emulated_kernel emulated_kernels[] = { S1_CUDA_KERNELS(KERNEL_ENTRY) };
const int n_emulated_kernels = S1_CUDA_N_KERNELS;
