/* Tables of functions from strangers: from a file, or from the host program. */

#include "backend/device.h"

#include <dlfcn.h>
#include <string.h>

/* The smallest table this library accepts: all of version 1. */
#define SIZE_V1 (offsetof(ins1_backend_api, event_wait) + sizeof(int32_t(*)(void *, uint64_t)))

static bool is_name(const char *name)
{
    size_t n = name ? strlen(name) : 0;
    return n > 0 && n < 32 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == n;
}

ins1_status s1_table_import(ins1_backend_api *out, const ins1_backend_api *given, ins1_error *error)
{
    uint32_t major = given->abi >> 16;

    if (given->struct_size < SIZE_V1)
        return s1_fail(error, INS1_E_ARGUMENT,
                       "a backend's table is %u bytes, at least %zu expected", given->struct_size,
                       (size_t)SIZE_V1);
    if (major != INS1_BACKEND_ABI_MAJOR || given->abi > INS1_BACKEND_ABI)
        return s1_fail(error, INS1_E_VERSION, "a backend for version %u.%u, at most %d.%d expected",
                       major, given->abi & 0xffff, INS1_BACKEND_ABI_MAJOR, INS1_BACKEND_ABI_MINOR);

    /* An older table leaves the tail NULL, a newer one is cut to what we know. */
    memset(out, 0, sizeof(*out));
    memcpy(out, given, given->struct_size < sizeof(*out) ? given->struct_size : sizeof(*out));
    out->struct_size = sizeof(*out);

    if (!is_name(out->name))
        return s1_fail(error, INS1_E_ARGUMENT, "a backend's name is letters a-z, digits and '_'");
    if (!out->device_count || !out->device_info || !out->device_open || !out->device_close ||
        !out->buffer_new || !out->buffer_free || !out->stream_new || !out->stream_free ||
        !out->write || !out->read || !out->copy || !out->supports || !out->run)
        return s1_fail(error, INS1_E_ARGUMENT, "backend '%s' leaves a required call empty",
                       out->name);
    return INS1_OK;
}

/* A plugin that is newer than this library writes a longer table. */
typedef union any_table {
    ins1_backend_api api;
    unsigned char room[4096];
} any_table;

ins1_status s1_plugin_enter(s1_backend *backend, ins1_backend_entry_fn entry, const char *name,
                            ins1_error *error)
{
    any_table table;

    memset(&table, 0, sizeof(table));
    s1_door_open(&backend->door, NULL);
    int32_t answer = entry(INS1_BACKEND_ABI, &backend->host_api, &table.api);
    if (answer == INS1_E_VERSION)
        return s1_fail(error, INS1_E_VERSION, "%s is made for another version than %d.%d", name,
                       INS1_BACKEND_ABI_MAJOR, INS1_BACKEND_ABI_MINOR);
    ins1_status status = s1_door_judge(&backend->door, answer, name, error);
    if (status != INS1_OK)
        return status;
    if (table.api.struct_size > sizeof(table))
        return s1_fail(error, INS1_E_FORMAT, "%s claims a table of %u bytes", name,
                       table.api.struct_size);
    return s1_table_import(&backend->api, &table.api, error);
}

ins1_status s1_plugin_open(s1_backend *backend, const char *path, ins1_error *error)
{
    if (path[0] != '/')
        return s1_fail(error, INS1_E_ARGUMENT, "'%s' is not an absolute path", path);
    backend->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!backend->library) {
        const char *why = dlerror();
        /* The linker may speak of another library alone, one that this one needs. */
        if (why && strstr(why, path))
            return s1_fail(error, INS1_E_IO, "%s", why);
        return s1_fail(error, INS1_E_IO, "cannot load '%s': %s", path,
                       why ? why : "no reason given");
    }
    void *symbol = dlsym(backend->library, INS1_BACKEND_ENTRY);
    if (!symbol)
        return s1_fail(error, INS1_E_FORMAT, "'%s' has no symbol %s", path, INS1_BACKEND_ENTRY);
    ins1_backend_entry_fn entry;
    memcpy(&entry, &symbol, sizeof(entry)); /* ISO C has no cast from an object to a function */
    return s1_plugin_enter(backend, entry, path, error);
}

void s1_plugin_close(s1_backend *backend)
{
    if (backend->library)
        dlclose(backend->library);
    backend->library = NULL;
}
