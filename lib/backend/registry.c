#include "backend/cpu/cpu.h"
#include "backend/device.h"

#include "base/memory.h"
#include "base/meter.h"

#include <stdio.h>
#include <string.h>

struct s1_registry {
    const s1_host *host;
    s1_backend *backends; /* newest first */
    s1_device *devices[S1_MAX_DEVICES];
    int32_t n;
    pthread_mutex_t lock; /* devices are opened by whoever needs them first */
};

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

/* ---- backends ---------------------------------------------------------------------------------
 */

static ins1_status backend_create(s1_backend **out, s1_registry *registry, ins1_error *error)
{
    const s1_host *host = registry->host;
    s1_backend *backend = s1_alloc(host->memory, sizeof(*backend), INS1_MEM_OBJECT);

    *out = backend;
    if (!backend)
        return s1_out_of_memory(host->memory, sizeof(*backend), "a backend", error);
    backend->door = (s1_door){ .host = host, .component = "backend" };
    backend->host_api = s1_door_table(&backend->door);
    pthread_mutex_init(&backend->lock, NULL);
    return INS1_OK;
}

/* `shut_down`: the table is in use. */
static void backend_destroy(s1_backend *backend, const ins1_allocator *memory, bool shut_down)
{
    if (!backend)
        return;
    if (shut_down && backend->api.shutdown)
        backend->api.shutdown(backend->api.self);
    s1_plugin_close(backend);
    pthread_mutex_destroy(&backend->lock);
    s1_free(memory, backend, sizeof(*backend), INS1_MEM_OBJECT);
}

static bool has_backend(const s1_registry *registry, const char *name)
{
    for (const s1_backend *b = registry->backends; b; b = b->next)
        if (strcmp(b->api.name, name) == 0)
            return true;
    return false;
}

/* ---- devices ----------------------------------------------------------------------------------
 */

static ins1_status ask_for_info(s1_backend *backend, int32_t number, ins1_device_info *out,
                                ins1_error *error)
{
    /* A backend that is newer than this library knows a longer struct. */
    union {
        ins1_device_info info;
        unsigned char room[512];
    } given;

    memset(&given, 0, sizeof(given));
    given.info.struct_size = sizeof(given.info);
    s1_door_open(&backend->door, NULL);
    int32_t answer = backend->api.device_info(backend->api.self, number, &given.info);
    ins1_status status = s1_door_judge(&backend->door, answer, backend->api.name, error);
    *out = given.info;
    out->struct_size = sizeof(*out);
    out->hardware = text_or_empty(out->hardware);
    out->level = text_or_empty(out->level);
    return status;
}

static ins1_status add_device(s1_registry *registry, s1_backend *backend, int32_t number,
                              bool is_only, ins1_error *error)
{
    const ins1_allocator *memory = registry->host->memory;
    ins1_device_info info;

    ins1_status status = ask_for_info(backend, number, &info, error);
    if (status != INS1_OK || info.score <= 0)
        return status;
    if (registry->n == S1_MAX_DEVICES)
        return s1_fail(error, INS1_E_UNSUPPORTED, "more than %d devices", S1_MAX_DEVICES);

    s1_device *device = s1_alloc(memory, sizeof(*device), INS1_MEM_OBJECT);
    if (!device)
        return s1_out_of_memory(memory, sizeof(*device), "a device", error);
    device->host = registry->host;
    device->backend = backend;
    device->number = number;
    device->info = info;
    if (is_only)
        snprintf(device->name, sizeof(device->name), "%s", backend->api.name);
    else
        snprintf(device->name, sizeof(device->name), "%s:%d", backend->api.name, number);
    device->info.name = device->name;
    device->info.backend = backend->api.name;
    pthread_rwlock_init(&device->blocks_lock, NULL);
    registry->devices[registry->n++] = device;
    return INS1_OK;
}

static void device_destroy(s1_device *device)
{
    const ins1_allocator *memory = device->host->memory;

    if (device->is_open)
        device->backend->api.device_close(device->context);
    s1_blocks_finish(&device->blocks, memory);
    pthread_rwlock_destroy(&device->blocks_lock);
    s1_free(memory, device, sizeof(*device), INS1_MEM_OBJECT);
}

/* GPUs are numbered even when there is only one: "vulkan:0". */
static bool stands_alone(s1_backend *backend, int32_t count)
{
    ins1_device_info info;
    return count == 1 && ask_for_info(backend, 0, &info, NULL) == INS1_OK &&
           info.kind != INS1_DEVICE_GPU && info.kind != INS1_DEVICE_IGPU &&
           info.kind != INS1_DEVICE_SOFTGPU;
}

/* Takes the backend on success; on failure neither it nor a device of it is left. */
static ins1_status add_backend(s1_registry *registry, s1_backend *backend, ins1_error *error)
{
    const ins1_backend_api *api = &backend->api;
    int32_t before = registry->n;

    if (has_backend(registry, api->name))
        return s1_fail(error, INS1_E_STATE, "backend '%s' is there already", api->name);
    backend->door.component = api->name;
    int32_t count = api->device_count(api->self);
    if (count < 0 || count > S1_MAX_DEVICES)
        return s1_fail(error, INS1_E_DEVICE, "backend '%s' has %d devices, 0 to %d expected",
                       api->name, count, S1_MAX_DEVICES);

    bool is_only = stands_alone(backend, count);
    ins1_status status = INS1_OK;
    for (int32_t i = 0; i < count && status == INS1_OK; i++)
        status = add_device(registry, backend, i, is_only, error);
    if (status != INS1_OK) {
        while (registry->n > before)
            device_destroy(registry->devices[--registry->n]);
        return status;
    }
    if (registry->n == before)
        s1_log(registry->host, INS1_LOG_WARN, api->name, "no device can run here");
    backend->next = registry->backends;
    registry->backends = backend;
    return INS1_OK;
}

static ins1_status add_cpu(s1_registry *registry, const char *level, ins1_error *error)
{
    s1_backend *backend = NULL;
    ins1_backend_api api = { 0 };
    bool made = false;

    ins1_status status = backend_create(&backend, registry, error);
    if (status != INS1_OK)
        goto done;
    s1_door_open(&backend->door, NULL);
    status = s1_cpu_backend(&api, &backend->host_api, level, error);
    if (status == INS1_E_MEMORY)
        status = s1_door_judge(&backend->door, INS1_E_MEMORY, "the CPU", error);
    if (status != INS1_OK)
        goto done;
    made = true;
    backend->reserve = s1_cpu_reserve;
    status = s1_table_import(&backend->api, &api, error);
    if (status == INS1_OK)
        status = add_backend(registry, backend, error);
    if (status != INS1_OK)
        goto done;
    backend = NULL; /* the registry's */
    if (registry->n == 0)
        status = s1_fail(error, INS1_E_INTERNAL, "the CPU is not among the devices");
    else
        registry->devices[0]->has_all = true;

done:
    backend_destroy(backend, registry->host->memory, made);
    return status;
}

/* ---- the registry -----------------------------------------------------------------------------
 */

ins1_status s1_registry_create(s1_registry **out, const s1_host *host, const char *cpu_level,
                               ins1_error *error)
{
    s1_registry *registry = s1_alloc(host->memory, sizeof(*registry), INS1_MEM_OBJECT);

    *out = NULL;
    if (!registry)
        return s1_out_of_memory(host->memory, sizeof(*registry), "the list of devices", error);
    registry->host = host;
    pthread_mutex_init(&registry->lock, NULL);
    ins1_status status = add_cpu(registry, cpu_level, error);
    if (status == INS1_OK)
        *out = registry;
    else
        s1_registry_destroy(registry);
    return status;
}

/* The CPU goes last: others run on it what they cannot. */
void s1_registry_destroy(s1_registry *registry)
{
    if (!registry)
        return;
    const ins1_allocator *memory = registry->host->memory;

    while (registry->n > 0)
        device_destroy(registry->devices[--registry->n]);
    while (registry->backends) {
        s1_backend *backend = registry->backends;
        registry->backends = backend->next;
        backend_destroy(backend, memory, true);
    }
    pthread_mutex_destroy(&registry->lock);
    s1_free(memory, registry, sizeof(*registry), INS1_MEM_OBJECT);
}

/* A table that was given by an entry is shut down even when it cannot be used. */
static ins1_status add_entered(s1_registry *registry, const char *path, ins1_backend_entry_fn entry,
                               ins1_error *error)
{
    s1_backend *backend = NULL;

    ins1_status status = backend_create(&backend, registry, error);
    if (status != INS1_OK)
        return status;
    status = path ? s1_plugin_open(backend, path, error)
                  : s1_plugin_enter(backend, entry, "a backend that is linked in", error);
    bool has_table = status == INS1_OK;
    if (has_table)
        status = add_backend(registry, backend, error);
    if (status != INS1_OK)
        backend_destroy(backend, registry->host->memory, has_table);
    return status;
}

ins1_status s1_registry_load(s1_registry *registry, const char *absolute_path, ins1_error *error)
{
    return add_entered(registry, absolute_path, NULL, error);
}

ins1_status s1_registry_enter(s1_registry *registry, ins1_backend_entry_fn entry, ins1_error *error)
{
    return add_entered(registry, NULL, entry, error);
}

int32_t s1_registry_count(const s1_registry *registry)
{
    return registry->n;
}

static ins1_status check_index(const s1_registry *registry, int32_t index, ins1_error *error)
{
    if (index < 0 || index >= registry->n)
        return s1_fail(error, INS1_E_ARGUMENT, "device %d of %d", index, registry->n);
    return INS1_OK;
}

/* What is free changes; the rest is what it was when the backend came. */
ins1_status s1_registry_info(const s1_registry *registry, int32_t index, ins1_device_info *out,
                             ins1_error *error)
{
    ins1_status status = check_index(registry, index, error);
    if (status != INS1_OK)
        return status;

    s1_device *device = registry->devices[index];
    ins1_device_info now;
    *out = device->info;
    pthread_mutex_lock(&device->backend->lock);
    if (ask_for_info(device->backend, device->number, &now, NULL) == INS1_OK)
        out->mem_free = now.mem_free;
    pthread_mutex_unlock(&device->backend->lock);
    return INS1_OK;
}

/* "vulkan" alone is its first device, and "cpu:0" is "cpu". */
static bool is_called(const s1_device *device, const char *name)
{
    const char *backend = device->backend->api.name;
    char numbered[S1_DEVICE_NAME_SIZE];

    if (strcmp(name, device->name) == 0 || strcmp(name, backend) == 0)
        return true;
    snprintf(numbered, sizeof(numbered), "%s:%d", backend, device->number);
    return strcmp(name, numbered) == 0;
}

ins1_status s1_registry_find(const s1_registry *registry, const char *name, int32_t *index,
                             ins1_error *error)
{
    *index = 0;
    for (int32_t i = 0; i < registry->n; i++) {
        if (is_called(registry->devices[i], name)) {
            *index = i;
            return INS1_OK;
        }
    }
    return s1_fail(error, INS1_E_UNSUPPORTED, "no device is called '%s'", name);
}

static ins1_status open_device(s1_device *device, ins1_error *error)
{
    s1_backend *backend = device->backend;
    void *context = NULL;

    if (device->is_open)
        return INS1_OK;
    pthread_mutex_lock(&backend->lock);
    s1_door_open(&backend->door, NULL);
    int32_t answer = backend->api.device_open(backend->api.self, device->number, &context);
    ins1_status status = s1_door_judge(&backend->door, answer, device->name, error);
    pthread_mutex_unlock(&backend->lock);
    if (status == INS1_OK) {
        device->context = context;
        device->is_open = true;
    }
    return status;
}

/* Where the device works in host memory, the CPU can take over what it lacks. */
static ins1_status open_with_help(s1_registry *registry, s1_device *device, ins1_error *error)
{
    s1_device *cpu = registry->devices[0];

    if (device != cpu && (device->info.caps & INS1_CAP_HOST_MEM) && cpu->backend->api.buffer_wrap) {
        ins1_status status = open_device(cpu, error);
        if (status != INS1_OK)
            return status;
        device->fallback = cpu;
    }
    return open_device(device, error);
}

ins1_status s1_registry_device(s1_registry *registry, int32_t index, s1_device **out,
                               ins1_error *error)
{
    *out = NULL;
    ins1_status status = check_index(registry, index, error);
    if (status != INS1_OK)
        return status;

    pthread_mutex_lock(&registry->lock);
    status = open_with_help(registry, registry->devices[index], error);
    pthread_mutex_unlock(&registry->lock);
    if (status == INS1_OK)
        *out = registry->devices[index];
    return status;
}
