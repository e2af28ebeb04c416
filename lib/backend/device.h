#ifndef S1_BACKEND_DEVICE_H
#define S1_BACKEND_DEVICE_H

#include "backend/backend.h"
#include "backend/host.h"

#include <pthread.h>
#include <stdatomic.h>

/* What the files of the front door share. */

enum {
    S1_MAX_DEVICES = 64,
    S1_DEVICE_NAME_SIZE = 48,
};

/* A backend that was added: its table, completed, and where it came from. */
typedef struct s1_backend {
    struct s1_backend *next;
    ins1_backend_api api;
    ins1_host_api host_api;
    s1_door door;         /* of the calls of devices; under `lock` */
    pthread_mutex_t lock; /* calls that make and drop contexts and buffers come one at a time */
    void *library;        /* of dlopen; NULL for a table of the host's */
    /* Ours alone: makes room on a stream for operations as large as these. NULL: nothing to do. */
    int32_t (*reserve)(void *stream, const ins1_op *ops, int32_t n);
} s1_backend;

/* A buffer that is alive. */
typedef struct s1_block {
    uint64_t id;
    uint64_t size;
    void *host;
    uint64_t twin; /* the same bytes as a buffer of the fallback device */
    bool used;
} s1_block;

/* The buffers of a device that are alive, by their id. */
typedef struct s1_blocks {
    s1_block *slots; /* `n_slots` entries, a power of two, or NULL */
    size_t n_slots;
    size_t n;
} s1_blocks;

struct s1_device {
    const s1_host *host;
    s1_backend *backend;
    int32_t number; /* the backend's own */
    char name[S1_DEVICE_NAME_SIZE];
    ins1_device_info info; /* `name` is ours */
    bool has_all;          /* every operation: the CPU */
    bool is_open;
    void *context;
    s1_device *fallback; /* runs what this device cannot, over the same memory; else NULL */
    atomic_bool lost;    /* it failed once: nothing on it is usable */

    pthread_rwlock_t blocks_lock;
    s1_blocks blocks;
    _Atomic uint64_t generation; /* changes when a buffer goes away */
};

/* From a backend's table to one of ours: cut to what this library knows, absent calls NULL. */
ins1_status s1_table_import(ins1_backend_api *out, const ins1_backend_api *given,
                            ins1_error *error);

/* Ask an entry for its table. `name` is whom the sentences are about. */
ins1_status s1_plugin_enter(s1_backend *backend, ins1_backend_entry_fn entry, const char *name,
                            ins1_error *error);

/* The same of a file; `backend->library` is set. */
ins1_status s1_plugin_open(s1_backend *backend, const char *path, ins1_error *error);
void s1_plugin_close(s1_backend *backend);

ins1_status s1_blocks_reserve(s1_blocks *blocks, const ins1_allocator *memory, ins1_error *error);
/* After a reserve. False when there is one of that id. */
bool s1_blocks_insert(s1_blocks *blocks, const s1_block *block);
const s1_block *s1_blocks_find(const s1_blocks *blocks, uint64_t id);
void s1_blocks_remove(s1_blocks *blocks, uint64_t id);
void s1_blocks_finish(s1_blocks *blocks, const ins1_allocator *memory);

/* INS1_E_DEVICE when the device failed before. */
ins1_status s1_device_alive(const s1_device *device, ins1_error *error);

/* s1_door_judge, and a device that failed is lost from then on. */
ins1_status s1_device_judge(s1_device *device, s1_door *door, int32_t answer, ins1_error *error);

#endif
