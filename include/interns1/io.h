#ifndef INTERNS1_IO_H
#define INTERNS1_IO_H

#include "interns1/model.h"
#include "interns1/timeseries.h"
#include "interns1/vision.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ins1_io_image ins1_io_image;
typedef struct ins1_io_series ins1_io_series;
/* 0 = the stated default; a file over a limit is INS1_E_BUDGET. */
typedef struct ins1_io_options {
    uint32_t struct_size;
    uint32_t flags;
    uint64_t max_bytes, max_pixels, max_samples;
} ins1_io_options;
/* [C] The format comes from the content, the name's ending settles a doubt. Memory comes from
 * ins1_runtime_allocator. PNG, JPEG. */
INS1_API ins1_status ins1_io_image_open(ins1_io_image **out, ins1_runtime *runtime,
                                        const ins1_file *file, const ins1_io_options *options,
                                        const ins1_call *call);
INS1_API ins1_status ins1_io_image_get(const ins1_io_image *image, ins1_image *out,
                                       const ins1_call *call); /* [C] borrowed pixels */
INS1_API void ins1_io_image_release(ins1_io_image *image);
/* [C] NPY, CSV, WAV, EDF, BDF, WFDB (header and data: two files), miniSEED 2. Rate, scale and
 * offset come from the file. */
INS1_API ins1_status ins1_io_series_open(ins1_io_series **out, ins1_runtime *runtime,
                                         const ins1_file *files, size_t n_files,
                                         const ins1_io_options *options, const ins1_call *call);
/* [C] Both borrow from the series. */
INS1_API ins1_status ins1_io_series_get(const ins1_io_series *series, ins1_timeseries *out,
                                        const ins1_call *call);
INS1_API ins1_status ins1_io_series_channel(const ins1_io_series *series, size_t channel,
                                            const char **name, const char **unit,
                                            const ins1_call *call);
INS1_API void ins1_io_series_release(ins1_io_series *series);

#ifdef __cplusplus
}
#endif

#endif
