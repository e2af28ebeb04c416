#include "io_fuzz.h"

#include <string.h>

/* A checksum per chunk would keep every mutation of a PNG from the decoder: put the right ones in.
 */
static void mend(uint8_t *data, size_t size)
{
    if (size < 8 || memcmp(data, "\x89PNG", 4) != 0)
        return;
    for (size_t at = 8; size - at >= 12;) {
        uint32_t n = (uint32_t)data[at] << 24 | (uint32_t)data[at + 1] << 16 |
                     (uint32_t)data[at + 2] << 8 | data[at + 3];
        uint32_t crc = 0xFFFFFFFF;
        if (n > size - at - 12)
            return;
        for (size_t i = at + 4; i < at + 8 + n; i++) {
            crc ^= data[i];
            for (int k = 0; k < 8; k++)
                crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
        }
        for (int k = 0; k < 4; k++)
            data[at + 8 + n + (size_t)k] = (uint8_t)(~crc >> (24 - 8 * k));
        at += 12 + (size_t)n;
    }
}

static void open_image(ins1_runtime *runtime, const uint8_t *data, size_t size)
{
    const ins1_file file = { .struct_size = sizeof(file), .data = data, .size = size };
    const ins1_io_options options = fuzz_options();
    ins1_image view = INS1_INIT(ins1_image);
    ins1_io_image *image;

    if (ins1_io_image_open(&image, runtime, &file, &options, NULL) != INS1_OK)
        return;
    if (ins1_io_image_get(image, &view, NULL) != INS1_OK ||
        (uint64_t)view.width * (uint64_t)view.height > options.max_pixels)
        abort();
    fuzz_touch(view.pixels, (size_t)view.height, view.row_stride, (size_t)view.width,
               view.pixel_stride, 3);
    ins1_io_image_release(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = size ? malloc(size) : NULL;
    ins1_runtime *runtime;

    if (copy && ins1_runtime_create(&runtime, NULL, NULL) == INS1_OK) {
        memcpy(copy, data, size);
        mend(copy, size);
        open_image(runtime, copy, size);
        ins1_runtime_release(runtime);
    }
    free(copy);
    return 0;
}
