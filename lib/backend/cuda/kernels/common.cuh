/* What all kernels share. They are compiled by nvcc, and by a C++ compiler for the tests, which
 * then brings what stands in for the device before it includes a kernel: see tests/cuda/emulate.h.
 * So everything here is plain C++ and what that header has: blocks, barriers, shuffles. */

#ifndef S1_BACKEND_CUDA_KERNELS_COMMON_CUH
#define S1_BACKEND_CUDA_KERNELS_COMMON_CUH

#include "../kernels.h"

#ifdef __CUDACC__
/* An array that the threads of a block share. */
#define SHARED(type, name, dims) __shared__ type name dims
#define KERNEL(name, argument, threads)                   \
    extern "C" __global__ void __launch_bounds__(threads) \
        s1_##name(const __grid_constant__ argument p)
#endif

#define INLINE static __device__ __forceinline__

static const unsigned ALL_LANES = 0xffffffffu;

/* Below every number that matters. */
static const float LOWEST = -3.4e38f;

/* ---- numbers ----------------------------------------------------------------------------------
 */

INLINE float float_of(uint32_t bits)
{
    union {
        uint32_t bits;
        float value;
    } as = { bits };
    return as.value;
}

INLINE uint32_t bits_of(float value)
{
    union {
        float value;
        uint32_t bits;
    } as = { value };
    return as.bits;
}

INLINE bool is_nan(float x)
{
    return (bits_of(x) & 0x7fffffffu) > 0x7f800000u;
}

INLINE bool is_finite(float x)
{
    return (bits_of(x) & 0x7f800000u) != 0x7f800000u;
}

INLINE float from_bf16(uint32_t bits)
{
    return float_of(bits << 16);
}

/* The bits in the places of a wider type are the number times a power of two, subnormal or not. */
INLINE float from_f16(uint32_t bits)
{
    uint32_t sign = (bits & 0x8000u) << 16, rest = (bits & 0x7fffu) << 13;
    if (rest >= 0x0f800000u) /* no number */
        return float_of(sign | rest | 0x7f800000u);
    return float_of(sign | bits_of(float_of(rest) * 0x1p112f));
}

/* e4m3fn: no infinities. */
INLINE float from_f8(uint32_t bits)
{
    uint32_t sign = (bits & 0x80u) << 24, rest = bits & 0x7fu;
    if (rest == 0x7fu)
        return float_of(0x7fc00000u);
    return float_of(sign | bits_of(float_of(rest << 20) * 0x1p120f));
}

/* The power of two of a U8 scale. */
INLINE float from_power(uint32_t bits)
{
    return float_of(bits == 0 ? 0x400000u : bits << 23);
}

/* To nearest even. */
INLINE uint32_t to_bf16(float x)
{
    uint32_t bits = bits_of(x);
    if (is_nan(x))
        return bits >> 16 | 0x40u;
    return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}

INLINE float round_to_bf16(float x)
{
    return from_bf16(to_bf16(x));
}

/* To nearest even. */
INLINE uint32_t to_f16(float x)
{
    uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000u;
    bits &= 0x7fffffffu;
    if (bits > 0x7f800000u)
        return sign | 0x7e00u;
    if (bits >= 0x47800000u)
        return sign | 0x7c00u;
    uint32_t dropped = 13, kept = bits - 0x38000000u; /* the exponent moved to its new bias */
    if (bits < 0x38800000u) {
        uint32_t shift = 126u - (bits >> 23); /* subnormal: the leading one becomes visible */
        if (shift > 24u)
            return sign;
        kept = (bits & 0x7fffffu) | 0x800000u;
        dropped = shift;
    }
    uint32_t half = 1u << (dropped - 1), odd = kept >> dropped & 1u;
    return sign | (kept + half - 1u + odd) >> dropped;
}

/* ---- types ------------------------------------------------------------------------------------
 */

/* Sixteen bytes that are loaded at once. */
struct alignas(16) words {
    uint32_t word[4];
};

/* How a type lies in memory, and how many of it are loaded at once. */
template <int TYPE> struct numbers;

template <> struct numbers<S1_CUDA_F32> {
    typedef float raw;
    enum { EACH = 4 };
    INLINE float widen(raw x)
    {
        return x;
    }
    INLINE float pick(const words &from, int i)
    {
        return float_of(from.word[i]);
    }
};

template <> struct numbers<S1_CUDA_F16> {
    typedef uint16_t raw;
    enum { EACH = 8 };
    INLINE float widen(raw x)
    {
        return from_f16(x);
    }
    INLINE float pick(const words &from, int i)
    {
        return from_f16(from.word[i / 2] >> i % 2 * 16 & 0xffffu);
    }
};

template <> struct numbers<S1_CUDA_BF16> {
    typedef uint16_t raw;
    enum { EACH = 8 };
    INLINE float widen(raw x)
    {
        return from_bf16(x);
    }
    INLINE float pick(const words &from, int i)
    {
        return from_bf16(from.word[i / 2] >> i % 2 * 16 & 0xffffu);
    }
};

template <> struct numbers<S1_CUDA_F8> {
    typedef uint8_t raw;
    enum { EACH = 16 };
    INLINE float widen(raw x)
    {
        return from_f8(x);
    }
    INLINE float pick(const words &from, int i)
    {
        return from_f8(from.word[i / 4] >> i % 4 * 8 & 0xffu);
    }
};

/* Element `i` of a type that is known late. */
INLINE float element(int type, const void *from, int64_t i)
{
    switch (type) {
    case S1_CUDA_F32:
        return static_cast<const float *>(from)[i];
    case S1_CUDA_F16:
        return from_f16(static_cast<const uint16_t *>(from)[i]);
    case S1_CUDA_BF16:
        return from_bf16(static_cast<const uint16_t *>(from)[i]);
    case S1_CUDA_F8:
        return from_f8(static_cast<const uint8_t *>(from)[i]);
    default:
        return from_power(static_cast<const uint8_t *>(from)[i]);
    }
}

/* The same of a scale. */
INLINE float scale_element(int type, const void *from, int64_t i)
{
    if (type == S1_CUDA_F32)
        return static_cast<const float *>(from)[i];
    return type == S1_CUDA_BF16 ? from_bf16(static_cast<const uint16_t *>(from)[i])
                                : from_power(static_cast<const uint8_t *>(from)[i]);
}

INLINE int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- threads ----------------------------------------------------------------------------------
 */

/* Which block along y, of all pieces of the grid. */
INLINE int64_t block_y(const s1_cuda_piece &piece)
{
    return static_cast<int64_t>(piece.first) + blockIdx.y;
}

INLINE float sum_of_warp(float x)
{
    for (int step = 16; step > 0; step /= 2)
        x += __shfl_xor_sync(ALL_LANES, x, step);
    return x;
}

INLINE float largest_of_warp(float x)
{
    for (int step = 16; step > 0; step /= 2)
        x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, step));
    return x;
}

/* Of a block of THREADS; `parts` has a place for each warp and may be used again at once. */
template <int THREADS> INLINE float sum_of_block(float x, float *parts)
{
    float sum = 0;
    x = sum_of_warp(x);
    __syncthreads();
    if (threadIdx.x % 32 == 0)
        parts[threadIdx.x / 32] = x;
    __syncthreads();
    for (int i = 0; i < THREADS / 32; i++)
        sum += parts[i];
    return sum;
}

#endif
