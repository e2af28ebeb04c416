/* The emulation itself: it computes what a device would, and finds what a device would not forgive. */

#include "emulate.h"

#include <cstdio>

static int n_wrong;

static void expect(const char *about, const char *got, const char *wanted)
{
    bool right = wanted ? got && strstr(got, wanted) : !got;
    printf("%s: %s\n", about, got ? got : "runs");
    if (!right) {
        printf("    wrong: '%s' expected\n", wanted ? wanted : "runs");
        n_wrong++;
    }
}

static const char *grid(void (*kernel)(const void *), const void *argument, unsigned blocks,
                        unsigned threads)
{
    return emulated_grid(kernel, argument, { blocks, 1, 1 }, threads);
}

/* Every block adds its numbers, over warps and shared memory. */
static void sum(const void *argument)
{
    int *out = *static_cast<int *const *>(argument);
    SHARED(int, parts, [4]);
    int x = static_cast<int>(blockIdx.x * 1000 + threadIdx.x);
    for (unsigned mask = 16; mask > 0; mask /= 2)
        x += __shfl_xor_sync(0xffffffffu, x, mask);
    if (threadIdx.x % 32 == 0)
        parts[threadIdx.x / 32] = x;
    __syncthreads();
    if (threadIdx.x == 0)
        out[blockIdx.x] = parts[0] + parts[1] + parts[2] + parts[3];
}

/* A neighbour's number, without waiting for it. */
static void without_barrier(const void *argument)
{
    float *out = *static_cast<float *const *>(argument);
    SHARED(float, numbers, [64]);
    numbers[threadIdx.x] = 1;
    out[blockIdx.x * 64 + threadIdx.x] = numbers[(threadIdx.x + 63) % 64];
}

static void leaves_early(const void *)
{
    if (threadIdx.x == 7)
        return;
    __syncthreads();
}

static void waits_apart(const void *)
{
    if (threadIdx.x < 32)
        __syncthreads();
    else
        __syncthreads();
}

static void shuffles_alone(const void *)
{
    if (threadIdx.x % 2)
        __shfl_sync(0xffffffffu, 1.0f, 0);
    __syncthreads();
}

static void shuffles_some(const void *)
{
    __shfl_sync(0x0000ffffu, 1.0f, 0);
}

static void shares_much(const void *)
{
    SHARED(char, much, [49 << 10]);
    much[threadIdx.x] = 1;
}

int main()
{
    int sums[5] = { 0 }, *to_sums = sums;
    float numbers[128], *to_numbers = numbers;
    int n_missed = 0;

    expect("sums", grid(sum, &to_sums, 5, 128), NULL);
    for (int i = 0; i < 5; i++) {
        if (sums[i] != 128 * 1000 * i + 127 * 64) {
            printf("block %d adds up to %d\n", i, sums[i]);
            n_wrong++;
        }
    }
    expect("no barrier", grid(without_barrier, &to_numbers, 2, 64), NULL);
    for (float number : numbers)
        n_missed += number != 1;
    if (!n_missed) {
        printf("a missing barrier does not show\n");
        n_wrong++;
    }
    expect("one thread leaves", grid(leaves_early, NULL, 1, 64), "a barrier that 63 of 64");
    expect("two barriers", grid(waits_apart, NULL, 1, 64), "a barrier that 32 of 64");
    expect("half a warp", grid(shuffles_alone, NULL, 1, 64), "a shuffle of 16 lanes");
    expect("a mask of some", grid(shuffles_some, NULL, 1, 32), "a shuffle of lanes 0xffff");
    expect("a short warp", grid(sum, &to_sums, 1, 16), "a shuffle of 16 lanes");
    expect("much shared memory", grid(shares_much, NULL, 1, 32), "bytes of shared memory");
    expect("sums once more", grid(sum, &to_sums, 5, 128), NULL);
    return n_wrong != 0;
}
