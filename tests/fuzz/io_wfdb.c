#include "io_fuzz.h"

/* Two files in one: the header ends with a zero byte, the samples follow. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n = 0;
    while (n < size && data[n])
        n++;
    if (n == 0 || n + 1 >= size)
        return 0;
    const ins1_file files[] = {
        { .struct_size = sizeof(ins1_file), .name = "r.hea", .data = data, .size = n },
        { .struct_size = sizeof(ins1_file),
          .name = "r.dat",
          .data = data + n + 1,
          .size = size - n - 1 },
    };
    return fuzz_series(files, 2);
}
