#include "base/hash.h"

/* Odd numbers with evenly spread bits, as the definition of XXH64 gives them. */
#define PRIME_1 UINT64_C(0x9E3779B185EBCA87)
#define PRIME_2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define PRIME_3 UINT64_C(0x165667B19E3779F9)
#define PRIME_4 UINT64_C(0x85EBCA77C2B2AE63)
#define PRIME_5 UINT64_C(0x27D4EB2F165667C5)

enum { LANES = 4, BLOCK = 32 };

static uint64_t turn(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static uint64_t word(const uint8_t *at, int size)
{
    uint64_t x = 0;
    for (int i = 0; i < size; i++)
        x |= (uint64_t)at[i] << 8 * i;
    return x;
}

static uint64_t mix(uint64_t lane, uint64_t input)
{
    return turn(lane + input * PRIME_2, 31) * PRIME_1;
}

static uint64_t hash_blocks(const uint8_t *at, size_t n_blocks, uint64_t seed)
{
    static const int turns[LANES] = { 1, 7, 12, 18 };
    uint64_t lane[LANES] = { seed + PRIME_1 + PRIME_2, seed + PRIME_2, seed, seed - PRIME_1 };
    uint64_t hash = 0;

    for (size_t i = 0; i < n_blocks; i++, at += BLOCK)
        for (int k = 0; k < LANES; k++)
            lane[k] = mix(lane[k], word(at + 8 * k, 8));
    for (int k = 0; k < LANES; k++)
        hash += turn(lane[k], turns[k]);
    for (int k = 0; k < LANES; k++)
        hash = (hash ^ mix(0, lane[k])) * PRIME_1 + PRIME_4;
    return hash;
}

static uint64_t hash_rest(uint64_t hash, const uint8_t *at, size_t size)
{
    for (; size >= 8; size -= 8, at += 8)
        hash = turn(hash ^ mix(0, word(at, 8)), 27) * PRIME_1 + PRIME_4;
    for (; size >= 4; size -= 4, at += 4)
        hash = turn(hash ^ word(at, 4) * PRIME_1, 23) * PRIME_2 + PRIME_3;
    for (; size; size--, at++)
        hash = turn(hash ^ *at * PRIME_5, 11) * PRIME_1;
    return hash;
}

uint64_t s1_xxh64(const void *data, size_t size, uint64_t seed)
{
    size_t n_blocks = size / BLOCK;
    uint64_t hash = n_blocks ? hash_blocks(data, n_blocks, seed) : seed + PRIME_5;

    hash = hash_rest(hash + size, (const uint8_t *)data + n_blocks * BLOCK, size % BLOCK);
    hash = (hash ^ hash >> 33) * PRIME_2;
    hash = (hash ^ hash >> 29) * PRIME_3;
    return hash ^ hash >> 32;
}
