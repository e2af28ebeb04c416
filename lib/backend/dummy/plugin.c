/* The dummy as a plugin: the only symbol that leaves the file is the entry. */

#include "backend/dummy/dummy.h"

#include <string.h>

int32_t ins1_backend_entry(uint32_t abi, const ins1_host_api *host, ins1_backend_api *out);

static void shutdown_dummy(void *self)
{
    s1_dummy *dummy = self;
    dummy->api->free(dummy->api->host, dummy, sizeof(*dummy), 64, INS1_MEM_OBJECT);
}

__attribute__((visibility("default"))) int32_t
ins1_backend_entry(uint32_t abi, const ins1_host_api *host, ins1_backend_api *out)
{
    if (abi >> 16 != INS1_BACKEND_ABI_MAJOR)
        return INS1_E_VERSION;
    s1_dummy *dummy = host->alloc(host->host, sizeof(*dummy), 64, INS1_MEM_OBJECT);
    if (!dummy)
        return INS1_E_MEMORY;
    memset(dummy, 0, sizeof(*dummy));
    int32_t status = s1_dummy_backend(out, host, dummy);
    out->shutdown = shutdown_dummy;
    return status;
}
