#include "frames.h"

#include "json.h"
#include "media.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct names {
    char **at;
    size_t n;
} names;

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static ins1_status list_folder(engine *e, const char *folder, names *out)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    *out = (names){ 0 };
    if (!dir)
        return fail(e->call.error, INS1_E_IO, "%s: no folder of frames that can be read: %s",
                    folder, strerror(errno));
    while ((entry = readdir(dir))) {
        buffer path = { 0 };
        if (entry->d_name[0] == '.')
            continue;
        text_printf(&path, "%s/%s", folder, entry->d_name);
        out->at = reallocate(out->at, out->n + 1, sizeof(*out->at));
        out->at[out->n++] = path.at;
    }
    closedir(dir);
    if (!out->n)
        return fail(e->call.error, INS1_E_IO,
                    "%s: no frames in this folder, PNG or JPEG files are expected", folder);
    qsort(out->at, out->n, sizeof(*out->at), compare_names);
    return INS1_OK;
}

static void free_names(names *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->at[i]);
    free(list->at);
}

ins1_status frames_open(frames *out, ins1_video *view, engine *e, const char *folder, double fps)
{
    names list;

    *out = (frames){ 0 };
    *view = (ins1_video)INS1_INIT(ins1_video);
    ins1_status status = list_folder(e, folder, &list);
    if (status == INS1_OK) {
        out->files = allocate(list.n, sizeof(*out->files));
        out->views = allocate(list.n, sizeof(*out->views));
        out->n = list.n;
    }
    for (size_t i = 0; i < list.n && status == INS1_OK; i++)
        status = media_image_open(&out->files[i], &out->views[i], e, list.at[i]);
    free_names(&list);
    view->frames = out->views;
    view->n_frames = out->n;
    view->fps = fps;
    return status;
}

void frames_close(frames *f)
{
    for (size_t i = 0; i < f->n; i++)
        media_image_release(f->files[i]);
    free(f->files);
    free(f->views);
}
