/* What nvcc made of kernels/all.cu, as bytes. */

#include "backend/cuda/cuda.h"

__asm__(".section .rodata\n"
        ".balign 16\n"
        ".globl s1_cuda_image\n"
        ".hidden s1_cuda_image\n"
        ".type s1_cuda_image, %object\n"
        "s1_cuda_image:\n"
        ".incbin \"" S1_CUDA_IMAGE "\"\n"
        ".byte 0\n"
        ".size s1_cuda_image, . - s1_cuda_image\n"
        ".previous\n");

const int s1_cuda_image_version = S1_CUDA_IMAGE_VERSION;
