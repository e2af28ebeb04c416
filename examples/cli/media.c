#include "media.h"

ins1_status media_image_open(ins1_io_image **out, ins1_image *view, engine *e, const char *path)
{
    ins1_file file = INS1_INIT(ins1_file);

    file.name = path;
    file.path = path;
    *view = (ins1_image)INS1_INIT(ins1_image);
    ins1_status status = ins1_io_image_open(out, e->runtime, &file, NULL, &e->call);
    return status == INS1_OK ? ins1_io_image_get(*out, view, &e->call) : status;
}

void media_image_release(ins1_io_image *image)
{
    ins1_io_image_release(image);
}
