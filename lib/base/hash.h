#ifndef S1_BASE_HASH_H
#define S1_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* XXH64: notices damage, not malice. The numbers are the same on every machine. */
uint64_t s1_xxh64(const void *data, size_t size, uint64_t seed);

#endif
