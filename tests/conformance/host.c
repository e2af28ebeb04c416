#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 3 };

/* In front of every block, so that what comes back can be compared with what went out. */
typedef struct head {
    size_t size, align;
    int32_t kind;
    uint32_t mark;
} head;

enum { MARK = 0xb10c };

static void *host_alloc(void *user, size_t size, size_t align, int32_t kind)
{
    conformance_host *host = user;

    if (!size || !align || (align & (align - 1)) || kind < INS1_MEM_WEIGHTS || kind > INS1_MEM_IO) {
        host->mistake = "asks for memory without size, alignment or kind";
        return NULL;
    }
    if (host->until_refusal >= 0 && host->until_refusal-- == 0)
        return NULL;
    size_t before = (sizeof(head) + align - 1) / align * align;
    if (size > SIZE_MAX / 2 - before - align)
        return NULL;
    unsigned char *raw = aligned_alloc(align, (before + size + align - 1) / align * align);
    if (!raw)
        return NULL;
    memset(raw + before, 0xa5, size); /* memory is not zeroed */
    head h = { size, align, kind, MARK };
    memcpy(raw + before - sizeof(h), &h, sizeof(h));
    host->live += (long long)size;
    host->n_blocks++;
    return raw + before;
}

static void host_free(void *user, void *memory, size_t size, size_t align, int32_t kind)
{
    conformance_host *host = user;
    head h;

    if (!memory) {
        host->mistake = "gives back NULL";
        return;
    }
    unsigned char *at = memory;
    memcpy(&h, at - sizeof(h), sizeof(h));
    if (h.mark != MARK || h.size != size || h.align != align || h.kind != kind)
        host->mistake = "gives back another size, alignment or kind than it took";
    if (h.mark != MARK)
        return;
    host->live -= (long long)h.size;
    host->n_blocks--;
    free(at - (sizeof(head) + h.align - 1) / h.align * h.align);
}

static void host_log(void *user, int32_t level, const char *text)
{
    conformance_host *host = user;
    (void)level;
    snprintf(host->said, sizeof(host->said), "%s", text ? text : "");
}

static void host_fail(void *user, int32_t status, int32_t backend_code, const char *text)
{
    conformance_host *host = user;
    snprintf(host->said, sizeof(host->said), "%s (%d, %d)", text ? text : "", status, backend_code);
}

static int32_t host_stop_requested(void *user)
{
    conformance_host *host = user;
    if (host->until_stop > 0)
        host->until_stop--;
    return host->until_stop == 0 ? host->stop : INS1_OK;
}

/* Backwards and with changing workers: tasks may not care. */
static int32_t host_parallel_for(void *user, void (*fn)(void *arg, int32_t index, int32_t worker),
                                 void *arg, int32_t n)
{
    conformance_host *host = user;

    if (n < 0)
        host->mistake = "wants a negative number of tasks";
    if (host->refuses_tasks)
        return INS1_E_CALLBACK;
    for (int32_t i = n - 1; i >= 0; i--)
        fn(arg, i, i % WORKERS);
    return INS1_OK;
}

static int32_t host_workers(void *user)
{
    (void)user;
    return WORKERS;
}

void conformance_host_init(conformance_host *host)
{
    *host = (conformance_host){
        .api = {
            .struct_size = sizeof(ins1_host_api),
            .abi = INS1_BACKEND_ABI,
            .host = host,
            .alloc = host_alloc,
            .free = host_free,
            .log = host_log,
            .fail = host_fail,
            .stop_requested = host_stop_requested,
            .parallel_for = host_parallel_for,
            .workers = host_workers,
        },
        .until_refusal = -1,
        .until_stop = -1,
    };
}
