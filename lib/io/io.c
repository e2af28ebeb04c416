/* The readers of libinterns1_io. None is in this version, and every call says so. This library uses
 * the public interface alone. */

#include "interns1/io.h"

#include <stdio.h>

static ins1_status absent(const char *what, const ins1_call *call)
{
    ins1_error *error = call ? call->error : NULL;

    if (error && error->struct_size >= sizeof(*error)) {
        error->status = INS1_E_UNSUPPORTED;
        error->os_errno = 0;
        error->backend_code = 0;
        snprintf(error->text, sizeof(error->text), "this version of the library reads no %s", what);
    }
    return INS1_E_UNSUPPORTED;
}

ins1_status ins1_io_image_open(ins1_io_image **out, ins1_runtime *runtime, const ins1_file *file,
                               const ins1_io_options *options, const ins1_call *call)
{
    (void)runtime;
    (void)file;
    (void)options;
    *out = NULL;
    return absent("image files", call);
}

ins1_status ins1_io_image_get(const ins1_io_image *image, ins1_image *out, const ins1_call *call)
{
    (void)image;
    (void)out;
    return absent("image files", call);
}

void ins1_io_image_release(ins1_io_image *image)
{
    (void)image; /* none was ever made */
}

ins1_status ins1_io_series_open(ins1_io_series **out, ins1_runtime *runtime, const ins1_file *files,
                                size_t n_files, const ins1_io_options *options,
                                const ins1_call *call)
{
    (void)runtime;
    (void)files;
    (void)n_files;
    (void)options;
    *out = NULL;
    return absent("files of signals", call);
}

ins1_status ins1_io_series_get(const ins1_io_series *series, ins1_timeseries *out,
                               const ins1_call *call)
{
    (void)series;
    (void)out;
    return absent("files of signals", call);
}

ins1_status ins1_io_series_channel(const ins1_io_series *series, size_t channel, const char **name,
                                   const char **unit, const ins1_call *call)
{
    (void)series;
    (void)channel;
    *name = NULL;
    *unit = NULL;
    return absent("files of signals", call);
}

void ins1_io_series_release(ins1_io_series *series)
{
    (void)series; /* none was ever made */
}
