#ifndef INTERNS1_IO_H
#define INTERNS1_IO_H

/**
 * @file
 * Files to pixels and samples. Belongs to a library of its own, libinterns1_io, which uses the
 * public interface alone. A reader is closed before the call that was given it returns. Of a call
 * block the error record, the cancel token and the time budget are used.
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
    uint64_t max_bytes;   /* of a file; 0 is 256 MiB */
    uint64_t max_pixels;  /* width * height; 0 is 2^26 */
    uint64_t max_samples; /* n_samples * n_channels; 0 is 2^26 */
} ins1_io_options;

/**
 * Read an image: PNG or JPEG, as the content says. It comes out as INS1_PIXEL_RGB8 with the
 * orientation of EXIF applied: alpha is dropped, of 16 bits the upper 8 are kept, CMYK is converted
 * where the file says which it is. Checksums of PNG are compared; a file without its end is
 * refused.
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
 * @retval INS1_E_UNSUPPORTED  The format is not known, or the library was built without images.
 * @retval INS1_E_CANCELED, INS1_E_DEADLINE  As `call` asked.
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
 *              Strides are set and may be negative.
 * @param call  Optional.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_io_image_get(const ins1_io_image *image, ins1_image *out,
                                       const ins1_call *call);

/** End the image. NULL is allowed. */
INS1_API void ins1_io_image_release(ins1_io_image *image);

/**
 * Read signals: NPY, CSV, WAV, FLAC, Ogg, EDF, BDF, WFDB (the header, whose name ends in ".hea",
 * and the files it names), miniSEED 2. The format comes from the content, the rate from the file; 0
 * where it says none. Raw numbers stay, with scale and offset, where all channels share them;
 * otherwise values are computed in F64. Channels of one rate without gaps in time are read; single
 * samples that are marked as missing, and empty cells of a CSV, are NaN and set
 * INS1_TIMESERIES_FILL_GAPS.
 *
 * - NPY, versions 1 to 3: [samples] or [samples][channels], bool, whole numbers and floats.
 * - CSV: tabs, semicolons (then a comma is a decimal point) or commas; a first line that is not all
 *   numbers names the columns, "name (unit)"; a first column called time gives the rate.
 * - WAV: PCM of 8, 16, 24 and 32 bits, floats; full scale is 1.
 * - FLAC and Ogg (Vorbis, Opus), where the library was built with libsndfile, whose own memory does
 *   not come from the runtime's allocator: full scale is 1.
 * - EDF and BDF: without annotations; not the discontinuous ones. WFDB: formats 16, 24, 32, 80,
 * 212.
 * - miniSEED 2: 16 and 32 bits, floats, Steim 1 and 2.
 *
 * @param out      Receives the signals; the caller releases them.
 * @param runtime  Kept until they are released; memory comes from ins1_runtime_allocator.
 * @param files    Borrowed for the call.
 * @param options  NULL for all defaults.
 * @param call     Optional.
 *
 * @retval INS1_E_ARGUMENT  More files than the format has, or one that a header names is missing;
 * the text names it.
 * @retval INS1_E_IO, INS1_E_FORMAT, INS1_E_BUDGET, INS1_E_UNSUPPORTED, INS1_E_CANCELED,
 * INS1_E_DEADLINE  As ins1_io_image_open.
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
