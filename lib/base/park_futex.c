#include "base/park.h"

#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The numbers of the system call: its header is missing from some C libraries that have the call.
 */
enum {
    WAIT_PRIVATE = 0 | 128,
    WAKE_PRIVATE = 1 | 128,
};

void s1_park_init(s1_park *park)
{
    atomic_init(&park->value, 0);
}

void s1_park_finish(s1_park *park)
{
    (void)park;
}

void s1_park_wait(s1_park *park, uint32_t seen)
{
    syscall(SYS_futex, &park->value, WAIT_PRIVATE, seen, NULL, NULL, 0);
}

void s1_park_wake(s1_park *park, int32_t n)
{
    syscall(SYS_futex, &park->value, WAKE_PRIVATE, n, NULL, NULL, 0);
}
