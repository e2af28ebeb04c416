#ifndef S1_TESTS_FUZZ_IO_FUZZ_H
#define S1_TESTS_FUZZ_IO_FUZZ_H

/* What the targets of libinterns1_io share: open from memory within small limits, then read every
 * sample and every pixel, so that a claim that was believed too soon is noticed. */

#include "interns1/io.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline size_t fuzz_sample_size(int32_t dtype)
{
    return dtype == INS1_SAMPLE_I16 ? 2 : dtype == INS1_SAMPLE_F64 ? 8 : 4;
}

static inline void fuzz_touch(const void *first, size_t n, ptrdiff_t step, size_t m, ptrdiff_t side,
                              size_t size)
{
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++) {
            const uint8_t *at = (const uint8_t *)first + (ptrdiff_t)i * step + (ptrdiff_t)k * side;
            for (size_t b = 0; b < size; b++)
                sum = (uint8_t)(sum + at[b]);
        }
}

static inline ins1_io_options fuzz_options(void)
{
    return (ins1_io_options){ .struct_size = sizeof(ins1_io_options),
                              .max_pixels = 1 << 16,
                              .max_samples = 1 << 18 };
}

static inline int fuzz_series(const ins1_file *files, size_t n_files)
{
    const ins1_io_options options = fuzz_options();
    ins1_timeseries view = INS1_INIT(ins1_timeseries);
    ins1_io_series *series;
    ins1_runtime *runtime;

    if (ins1_runtime_create(&runtime, NULL, NULL) != INS1_OK)
        return 0;
    if (ins1_io_series_open(&series, runtime, files, n_files, &options, NULL) == INS1_OK) {
        if (ins1_io_series_get(series, &view, NULL) != INS1_OK ||
            view.n_samples > options.max_samples / view.n_channels)
            abort();
        fuzz_touch(view.data, view.n_samples, view.sample_stride, view.n_channels,
                   view.channel_stride, fuzz_sample_size(view.dtype));
        ins1_io_series_release(series);
    }
    ins1_runtime_release(runtime);
    return 0;
}

static inline int fuzz_one_series(const uint8_t *data, size_t size)
{
    const ins1_file file = { .struct_size = sizeof(file), .data = data, .size = size };
    return data ? fuzz_series(&file, 1) : 0;
}

#endif
