#include "base/zstd.h"

#include "base/memory.h"

#include <string.h>

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

struct s1_zstd {
    const ins1_allocator *memory;
    ZSTD_CCtx *packer;   /* made when first needed */
    ZSTD_DCtx *unpacker; /* the same */
};

/* The fast end of the scale: the disk or network that takes the result is slower still. */
enum { LEVEL = 1 };

/* zstd gives memory back without its size, so the size lies in front of what it gets. */
enum { PREFIX = 64 };

static void *give(void *user, size_t size)
{
    if (size > SIZE_MAX - PREFIX)
        return NULL;
    uint8_t *block = s1_alloc(user, size + PREFIX, INS1_MEM_IO);
    if (!block)
        return NULL;
    memcpy(block, &size, sizeof(size));
    return block + PREFIX;
}

static void take_back(void *user, void *memory)
{
    size_t size;
    if (!memory)
        return;
    uint8_t *block = (uint8_t *)memory - PREFIX;
    memcpy(&size, block, sizeof(size));
    s1_free(user, block, size + PREFIX, INS1_MEM_IO);
}

/* zstd hands the allocator back to us as it got it, and we only read it. */
static ZSTD_customMem memory_of(const s1_zstd *zstd)
{
    return (ZSTD_customMem){ give, take_back, (void *)zstd->memory };
}

static ins1_status no_memory(ins1_error *error)
{
    return s1_fail(error, INS1_E_MEMORY, "no memory for zstd");
}

bool s1_zstd_is_built(void)
{
    return true;
}

ins1_status s1_zstd_create(s1_zstd **out, const ins1_allocator *memory, ins1_error *error)
{
    *out = s1_alloc(memory, sizeof(**out), INS1_MEM_OBJECT);
    if (!*out)
        return no_memory(error);
    (*out)->memory = memory;
    return INS1_OK;
}

void s1_zstd_destroy(s1_zstd *zstd)
{
    if (!zstd)
        return;
    ZSTD_freeCCtx(zstd->packer);
    ZSTD_freeDCtx(zstd->unpacker);
    s1_free(zstd->memory, zstd, sizeof(*zstd), INS1_MEM_OBJECT);
}

size_t s1_zstd_bound(size_t size)
{
    return ZSTD_compressBound(size);
}

static ins1_status prepare_packer(s1_zstd *zstd, ins1_error *error)
{
    if (zstd->packer)
        return INS1_OK;
    zstd->packer = ZSTD_createCCtx_advanced(memory_of(zstd));
    if (!zstd->packer)
        return no_memory(error);
    if (ZSTD_isError(ZSTD_CCtx_setParameter(zstd->packer, ZSTD_c_compressionLevel, LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(zstd->packer, ZSTD_c_checksumFlag, 1)))
        return s1_fail(error, INS1_E_INTERNAL, "zstd refuses level %d or a checksum", LEVEL);
    return INS1_OK;
}

ins1_status s1_zstd_pack(s1_zstd *zstd, void *out, size_t capacity, size_t *packed,
                         const void *data, size_t size, ins1_error *error)
{
    *packed = 0;
    ins1_status status = prepare_packer(zstd, error);
    if (status != INS1_OK)
        return status;
    size_t answer = ZSTD_compress2(zstd->packer, out, capacity, data, size);
    if (!ZSTD_isError(answer)) {
        *packed = answer;
        return INS1_OK;
    }
    if (ZSTD_getErrorCode(answer) == ZSTD_error_memory_allocation)
        return no_memory(error);
    return s1_fail(error, INS1_E_INTERNAL, "zstd: %s", ZSTD_getErrorName(answer));
}

/* Frames of zstd's first versions are read by code that takes memory elsewhere, and what follows a
 * frame would be read as the next one: both are kept out. */
static bool is_one_frame(const void *data, size_t packed, size_t size)
{
    static const uint8_t magic[] = { 0x28, 0xB5, 0x2F, 0xFD };
    return packed >= sizeof(magic) && memcmp(data, magic, sizeof(magic)) == 0 &&
           ZSTD_findFrameCompressedSize(data, packed) == packed &&
           ZSTD_getFrameContentSize(data, packed) == size;
}

ins1_status s1_zstd_unpack(s1_zstd *zstd, void *out, size_t size, const void *data, size_t packed,
                           ins1_error *error)
{
    if (!is_one_frame(data, packed, size))
        return s1_fail(error, INS1_E_FORMAT, "%zu bytes are no zstd frame of %zu bytes", packed,
                       size);
    if (!zstd->unpacker)
        zstd->unpacker = ZSTD_createDCtx_advanced(memory_of(zstd));
    if (!zstd->unpacker)
        return no_memory(error);
    size_t answer = ZSTD_decompressDCtx(zstd->unpacker, out, size, data, packed);
    if (ZSTD_isError(answer) && ZSTD_getErrorCode(answer) == ZSTD_error_memory_allocation)
        return no_memory(error);
    if (ZSTD_isError(answer))
        return s1_fail(error, INS1_E_FORMAT, "zstd: %s", ZSTD_getErrorName(answer));
    return answer == size ? INS1_OK
                          : s1_fail(error, INS1_E_FORMAT, "a zstd frame of %zu bytes, expected %zu",
                                    answer, size);
}
