#ifndef S1_BASE_ZSTD_H
#define S1_BASE_ZSTD_H

#include "base/error.h"
#include "interns1/runtime.h"

#include <stdbool.h>

/* The one place that knows zstd: whole blocks to frames with a content checksum and back. All
 * memory is the given allocator's. One thread at a time. */
typedef struct s1_zstd s1_zstd;

bool s1_zstd_is_built(void);

/* INS1_E_UNSUPPORTED in a build without zstd. `memory` is kept. */
ins1_status s1_zstd_create(s1_zstd **out, const ins1_allocator *memory, ins1_error *error);
void s1_zstd_destroy(s1_zstd *zstd);

/* The most that `size` bytes become. */
size_t s1_zstd_bound(size_t size);

/* One frame; `capacity` is at least s1_zstd_bound(size). The same bytes give the same frame. */
ins1_status s1_zstd_pack(s1_zstd *zstd, void *out, size_t capacity, size_t *packed,
                         const void *data, size_t size, ins1_error *error);

/* `packed` bytes that are one frame of exactly `size` bytes; anything else is INS1_E_FORMAT. */
ins1_status s1_zstd_unpack(s1_zstd *zstd, void *out, size_t size, const void *data, size_t packed,
                           ins1_error *error);

#endif
