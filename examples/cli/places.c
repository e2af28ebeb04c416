#include "places.h"

#include "json.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A device that no built-in backend has may come from the plugin of its name. */
static ins1_status find_device(engine *e, const settings *s, const char *name, int32_t *out)
{
    ins1_status status = ins1_device_find(e->runtime, name, out, &e->call);
    if (status != INS1_E_UNSUPPORTED || s->plugin || strchr(name, '/'))
        return status;

    buffer path = { 0 };
    ins1_error unknown = e->error;
    text_printf(&path, "%s/ins1_%.*s.so", INS1_PLUGIN_DIR, (int)strcspn(name, ":"), name);
    if (access(path.at, R_OK) == 0) {
        status = ins1_backend_load(e->runtime, path.at, &e->call);
        if (status == INS1_OK)
            status = ins1_device_find(e->runtime, name, out, &e->call);
    } else {
        e->error = unknown;
    }
    text_free(&path);
    return status;
}

/* 1500, 64K, 300M, 2G or 1T, in powers of 1024. */
static bool read_bytes(const char *value, uint64_t *out)
{
    static const char units[] = "KMGT";
    char *end;

    errno = 0;
    *out = *value >= '0' && *value <= '9' ? strtoull(value, &end, 10) : 0;
    if (!*out || errno)
        return false;
    const char *unit = *end ? strchr(units, *end) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    if (*out > UINT64_MAX >> shift)
        return false;
    *out <<= shift;
    return !end[unit != NULL];
}

static bool read_layers(const char *value, int32_t *out)
{
    char *end;
    errno = 0;
    long n = *value >= '0' && *value <= '9' ? strtol(value, &end, 10) : 0;
    *out = (int32_t)n;
    return n > 0 && n <= INT32_MAX && !errno && !*end;
}

static ins1_status read_place(engine *e, const settings *s, const char *given, ins1_placement *out)
{
    buffer text = { 0 };
    char *rest = NULL;
    ins1_status status = INS1_OK;

    *out = (ins1_placement){ .first_layer = -1 };
    text_add(&text, given, strlen(given) + 1);
    const char *name = strtok_r(text.at, ",", &rest);
    if (!name)
        status = fail(&e->error, INS1_E_ARGUMENT, "--device is '%s', a name is expected", given);
    for (char *key; status == INS1_OK && (key = strtok_r(NULL, ",", &rest)) != NULL;) {
        bool is_known = (!strncmp(key, "layers=", 7) && read_layers(key + 7, &out->n_layers)) ||
                        (!strncmp(key, "bytes=", 6) && read_bytes(key + 6, &out->budget));
        if (!is_known)
            status = fail(&e->error, INS1_E_ARGUMENT,
                          "'%s' in --device %s, expected layers=N or bytes=SIZE", key, given);
    }
    if (status == INS1_OK)
        status = find_device(e, s, name, &out->device);
    text_free(&text);
    return status;
}

ins1_status places_find(engine *e, const settings *s)
{
    ins1_status status = INS1_OK;
    for (size_t i = 0; status == INS1_OK && i < s->devices.n; i++)
        status = read_place(e, s, s->devices.at[i], &e->placements[i]);
    if (status != INS1_OK)
        return status;
    e->n_placements = s->devices.n;
    e->device = s->devices.n ? e->placements[0].device : 0;
    return INS1_OK;
}

void places_print(const engine *e)
{
    ins1_placement runs[2 * MAX_LISTED + 1];
    size_t n = 0;

    if (ins1_decoder_placements(e->decoder, runs, sizeof(runs) / sizeof(runs[0]), &n, NULL) !=
        INS1_OK)
        return;
    for (size_t i = 0; i < n; i++) {
        ins1_device_info info = INS1_INIT(ins1_device_info);
        ins1_device_get(e->runtime, runs[i].device, &info, NULL);
        fprintf(stderr, "%slayers %d to %d: %s, %.1f MB", i ? "; " : "", runs[i].first_layer,
                runs[i].first_layer + runs[i].n_layers - 1, info.name,
                (double)runs[i].budget * 1e-6);
    }
    fputc('\n', stderr);
}
