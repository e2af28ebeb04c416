#include "media.h"

#include "json.h"

ins1_status media_image_open(ins1_io_image **out, ins1_image *view, engine *e, const char *path)
{
    *out = NULL;
    *view = (ins1_image)INS1_INIT(ins1_image);
    return fail(e->call.error, INS1_E_UNSUPPORTED,
                "%s: this program was built without libinterns1_io, which reads images", path);
}

void media_image_release(ins1_io_image *image)
{
    (void)image; /* none was ever opened */
}

ins1_status media_series_open(ins1_io_series **out, ins1_timeseries *view, engine *e,
                              const char *path, double rate)
{
    (void)rate;
    *out = NULL;
    *view = (ins1_timeseries)INS1_INIT(ins1_timeseries);
    return fail(e->call.error, INS1_E_UNSUPPORTED,
                "%s: this program was built without libinterns1_io, which reads signals", path);
}

void media_series_release(ins1_io_series *series)
{
    (void)series; /* none was ever opened */
}
