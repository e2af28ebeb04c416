#include "attached.h"

typedef struct source {
    const char *list, *name, *hertz; /* keys; no name: entries are the names themselves */
    int32_t modality;
} source;
static const source sources[] = {
    { "images", NULL, NULL, INS1_MODALITY_IMAGE },
    { "videos", "folder", "fps", INS1_MODALITY_VIDEO },
    { "series", "file", "rate", INS1_MODALITY_TIMESERIES },
};

static ins1_status encode(encoders *all, int32_t modality, const char *path, double hertz,
                          ins1_embeds **out)
{
    if (modality == INS1_MODALITY_IMAGE)
        return encoders_image(all, path, out);
    if (modality == INS1_MODALITY_VIDEO)
        return encoders_video(all, path, hertz, out);
    return encoders_series(all, path, hertz, out);
}

static ins1_status refuse_entry(const source *from, ins1_error *error)
{
    if (!from->name)
        return fail(error, INS1_E_FORMAT, "an entry of \"%s\" is expected to be the name of a file",
                    from->list);
    return fail(error, INS1_E_FORMAT,
                "an entry of \"%s\" is expected to be {\"%s\": name, \"%s\": hertz}", from->list,
                from->name, from->hertz);
}

static ins1_status read_list(attached *out, encoders *all, const source *from, const json *list,
                             ins1_error *error)
{
    if (list->kind != JSON_ARRAY || list->n > MAX_ATTACHED)
        return fail(error, INS1_E_FORMAT, "\"%s\" is expected to be an array of at most %d",
                    from->list, MAX_ATTACHED);
    for (size_t i = 0; i < list->n; i++) {
        const json *entry = &list->items[i];
        const json *name = from->name ? json_get(entry, from->name) : entry;
        const json *number = from->name ? json_get(entry, from->hertz) : NULL;
        double hertz = 0;
        if (!name || name->kind != JSON_STRING || (number && !json_real(number, &hertz)))
            return refuse_entry(from, error);
        ins1_status status =
            encode(all, from->modality, name->text, hertz, &out->at[out->n].embeds);
        if (status != INS1_OK)
            return status;
        out->at[out->n++].kind = from->modality;
    }
    return INS1_OK;
}

ins1_status attached_read(attached *out, encoders *all, const json *line, ins1_error *error)
{
    ins1_error *usual = all->e->call.error;
    ins1_status status = INS1_OK;

    all->e->call.error = error;
    for (size_t i = 0; i < sizeof(sources) / sizeof(*sources) && status == INS1_OK; i++) {
        const json *list = json_get(line, sources[i].list);
        if (list)
            status = read_list(out, all, &sources[i], list, error);
    }
    all->e->call.error = usual;
    return status;
}

void attached_release(attached *a)
{
    for (size_t i = 0; i < a->n; i++)
        ins1_embeds_release(a->at[i].embeds);
}
