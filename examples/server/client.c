#include "client.h"

#include "job.h"

#include <time.h>

static int32_t stop(void *user, int32_t phase, uint64_t done, uint64_t total)
{
    const client *c = user;
    (void)phase;
    (void)done;
    (void)total;
    return c->has_gone(c->user);
}

ins1_call client_call(client *c, ins1_error *error)
{
    const int64_t left = c->until_ns - now_ns();
    ins1_call call = INS1_INIT(ins1_call);
    call.error = error;
    call.budget_ns = left > 0 ? left : 1;
    call.progress = stop;
    call.user = c;
    return call;
}

bool client_lock(client *c, pthread_mutex_t *lock, problem *p)
{
    struct timespec until;
    for (;;) {
        if (c->has_gone(c->user))
            return refuse(p, 499, "gone", NULL, "the client has gone");
        if (now_ns() > c->until_ns)
            return refuse(p, 504, "timeout", NULL, "the request waited too long for an encoder");
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 100000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (pthread_mutex_timedlock(lock, &until) == 0)
            return true;
    }
}
