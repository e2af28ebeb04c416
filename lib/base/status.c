#include "interns1/status.h"

static const char *const names[] = {
    "INS1_OK",         "INS1_E_ARGUMENT",    "INS1_E_MEMORY",  "INS1_E_BUDGET", "INS1_E_IO",
    "INS1_E_FORMAT",   "INS1_E_UNSUPPORTED", "INS1_E_VERSION", "INS1_E_BUFFER", "INS1_E_CANCELED",
    "INS1_E_DEADLINE", "INS1_E_DEVICE",      "INS1_E_STATE",   "INS1_E_FULL",   "INS1_E_CALLBACK",
    "INS1_E_BUSY",     "INS1_E_INTERNAL",
};

enum { N_NAMES = sizeof(names) / sizeof(names[0]) };

_Static_assert(N_NAMES == 1 - INS1_E_INTERNAL, "a status without a name");

const char *ins1_status_name(ins1_status status)
{
    return status <= 0 && status > -N_NAMES ? names[-status] : "unknown status";
}
