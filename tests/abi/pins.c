/* Compiling this file is the test: the assertions are about what the compiler lays out. */

#include <interns1/inspect.h>
#include <interns1/interns1.h>
#include <interns1/io.h>
#include <interns1/sys/backend.h>

#if UINTPTR_MAX == UINT64_MAX
#include "pins.h"
#endif

_Static_assert(INS1_VERSION_NUMBER == BUILD_VERSION_NUMBER, "version.h and meson.build agree");
_Static_assert(sizeof(ins1_status) == 4, "a status is 32 bits wide");

int main(void)
{
    return 0;
}
