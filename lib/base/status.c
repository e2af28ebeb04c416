#include "interns1/status.h"

const char *ins1_status_name(ins1_status status)
{
    static const char *const names[] = {
        "INS1_OK",         "INS1_E_ARGUMENT", "INS1_E_MEMORY",      "INS1_E_BUDGET",
        "INS1_E_IO",       "INS1_E_FORMAT",   "INS1_E_UNSUPPORTED", "INS1_E_VERSION",
        "INS1_E_BUFFER",   "INS1_E_CANCELED", "INS1_E_DEADLINE",    "INS1_E_DEVICE",
        "INS1_E_STATE",    "INS1_E_FULL",     "INS1_E_CALLBACK",    "INS1_E_BUSY",
        "INS1_E_INTERNAL",
    };
    const int32_t count = (int32_t)(sizeof(names) / sizeof(names[0]));

    return status <= 0 && status > -count ? names[-status] : "unknown status";
}
