/* The backend of examples/backend, which is lost after as many runs as FRAIL_RUNS says. */

#define ins1_backend_entry enter_example
#include "backend.c"
#undef ins1_backend_entry

#include <stdlib.h>

static long runs_left;

static int32_t run_while_there(void *given, const ins1_op *ops, int32_t n)
{
    const stream *s = given;
    if (runs_left > 0) {
        runs_left--;
        return run(given, ops, n);
    }
    s->backend->api->fail(s->host, INS1_E_DEVICE, 1, "the frail device is gone");
    return INS1_E_DEVICE;
}

int32_t ins1_backend_entry(uint32_t abi, const ins1_host_api *host, ins1_backend_api *out);

int32_t ins1_backend_entry(uint32_t abi, const ins1_host_api *host, ins1_backend_api *out)
{
    const char *runs = getenv("FRAIL_RUNS");
    runs_left = runs ? strtol(runs, NULL, 10) : 0;
    int32_t status = enter_example(abi, host, out);
    out->run = run_while_there;
    return status;
}
