#include "base/zstd.h"

/* A build without zstd: nothing is ever created, so nothing is ever packed. */

static ins1_status refuse(ins1_error *error)
{
    return s1_fail(error, INS1_E_UNSUPPORTED, "this library was built without zstd");
}

bool s1_zstd_is_built(void)
{
    return false;
}

ins1_status s1_zstd_create(s1_zstd **out, const ins1_allocator *memory, ins1_error *error)
{
    (void)memory;
    *out = NULL;
    return refuse(error);
}

void s1_zstd_destroy(s1_zstd *zstd)
{
    (void)zstd;
}

size_t s1_zstd_bound(size_t size)
{
    return size;
}

ins1_status s1_zstd_pack(s1_zstd *zstd, void *out, size_t capacity, size_t *packed,
                         const void *data, size_t size, ins1_error *error)
{
    (void)zstd, (void)out, (void)capacity, (void)data, (void)size;
    *packed = 0;
    return refuse(error);
}

ins1_status s1_zstd_unpack(s1_zstd *zstd, void *out, size_t size, const void *data, size_t packed,
                           ins1_error *error)
{
    (void)zstd, (void)out, (void)size, (void)data, (void)packed;
    return refuse(error);
}
