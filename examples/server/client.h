#ifndef SERVER_CLIENT_H
#define SERVER_CLIENT_H

#include "problem.h"

#include <interns1/interns1.h>

#include <pthread.h>

/* Who waits for the answer, for what takes long: is he still there, and how long may it take? */
typedef struct client {
    bool (*has_gone)(void *user);
    void *user;
    int64_t until_ns; /* of the monotonic clock */
} client;

/* A call that ends when nobody waits for it any more. */
ins1_call client_call(client *c, ins1_error *error);

/* Wait for a lock; false: the client has gone or its time is over. */
bool client_lock(client *c, pthread_mutex_t *lock, problem *p);

#endif
