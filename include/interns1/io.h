#ifndef INTERNS1_IO_H
#define INTERNS1_IO_H

/**
 * @file
 * Files to pixels and samples. Belongs to a library of its own, libinterns1_io, which uses the
 * public interface alone. In this version every function answers INS1_E_UNSUPPORTED.
 */

#include "interns1/model.h"
#include "interns1/timeseries.h"
#include "interns1/vision.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A decoded image; immutable, shared between threads. */
typedef struct ins1_io_image ins1_io_image;

/* Decoded signals; immutable, shared between threads. */
typedef struct ins1_io_series ins1_io_series;

/* Limits; 0 is the default. A file beyond a limit is INS1_E_BUDGET. */
typedef struct ins1_io_options {
    uint32_t struct_size; /* sizeof(ins1_io_options) */
    uint32_t flags;       /* 0 */
    uint64_t max_bytes;   /* of a file */
    uint64_t max_pixels;  /* width * height */
    uint64_t max_samples; /* n_samples * n_channels */
} ins1_io_options;

/**
 * Read an image: PNG or JPEG. The format comes from the content; the ending of the name settles a
 * doubt.
 *
 * @param out      Receives the image; the caller releases it.
 * @param runtime  Kept until the image is released; memory comes from ins1_runtime_allocator.
 * @param file     Borrowed for the call.
 * @param options  NULL for all defaults.
 * @param call     Optional.
 *
 * @retval INS1_E_IO           The file could not be read.
 * @retval INS1_E_FORMAT       The file breaks its format.
 * @retval INS1_E_BUDGET       The image is larger than a limit.
 * @retval INS1_E_UNSUPPORTED  The format is not known.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_io_image_open(ins1_io_image **out, ins1_runtime *runtime,
                                        const ins1_file *file, const ins1_io_options *options,
                                        const ins1_call *call);

/**
 * The image as the vision encoder takes it.
 *
 * @param out   At most `out->struct_size` bytes are written; the pixels live as long as the image.
 * @param call  Optional.
 *
 * @retval INS1_E_UNSUPPORTED  The library reads no images.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_io_image_get(const ins1_io_image *image, ins1_image *out,
                                       const ins1_call *call);

/** End the image. NULL is allowed. */
INS1_API void ins1_io_image_release(ins1_io_image *image);

/**
 * Read signals: NPY, CSV, WAV, EDF, BDF, WFDB (two files, header and data), miniSEED 2. Rate, scale
 * and offset come from the file.
 *
 * @param out      Receives the signals; the caller releases them.
 * @param runtime  Kept until they are released; memory comes from ins1_runtime_allocator.
 * @param files    Borrowed for the call.
 * @param options  NULL for all defaults.
 * @param call     Optional.
 *
 * @retval INS1_E_IO, INS1_E_FORMAT, INS1_E_BUDGET, INS1_E_UNSUPPORTED  As ins1_io_image_open.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_io_series_open(ins1_io_series **out, ins1_runtime *runtime,
                                         const ins1_file *files, size_t n_files,
                                         const ins1_io_options *options, const ins1_call *call);

/**
 * The signals as the time-series encoder takes them.
 *
 * @param out   At most `out->struct_size` bytes are written; the samples live as long as the
 * series.
 * @param call  Optional.
 *
 * @retval INS1_E_UNSUPPORTED  The library reads no signals.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_io_series_get(const ins1_io_series *series, ins1_timeseries *out,
                                        const ins1_call *call);

/**
 * Name and unit of a channel. Both live as long as the series and are "" where the file says
 * nothing.
 *
 * @param name  Receives the name, NUL-terminated.
 * @param unit  Receives the unit, NUL-terminated.
 * @param call  Optional.
 *
 * @retval INS1_E_ARGUMENT     There is no such channel.
 * @retval INS1_E_UNSUPPORTED  The library reads no signals.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_io_series_channel(const ins1_io_series *series, size_t channel,
                                            const char **name, const char **unit,
                                            const ins1_call *call);

/** End the signals. NULL is allowed. */
INS1_API void ins1_io_series_release(ins1_io_series *series);

#ifdef __cplusplus
}
#endif

#endif
