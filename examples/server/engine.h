#ifndef SERVER_ENGINE_H
#define SERVER_ENGINE_H

#include "job.h"
#include "served.h"

/* One thread that computes for all: prompts in chunks, then one step for every reply at once. The
 * library promises each sequence the bits that it would have alone. */
typedef struct engine engine;

typedef struct engine_load {
    size_t n_slots, n_busy, n_requests; /* slots, those in use, places that are taken */
    uint64_t n_tokens, n_steps;         /* made since the start, in so many steps */
} engine_load;

engine *engine_create(served *s);

/* A place in the queue, before a request costs anything: 429 when all are taken, 503 at the end. A
 * place is given back when its request is answered. */
bool engine_reserve(engine *e, problem *p);
void engine_give_back(engine *e);

/* Takes an owner of its own. */
void engine_submit(engine *e, job *j);
engine_load engine_load_get(engine *e);

/* No more places; true when all that were taken are given back within the time. */
bool engine_drain(engine *e, int64_t timeout_ns);

/* What still runs is ended, and so is what is submitted from now on. */
void engine_stop(engine *e);

/* Nobody may use it any more. */
void engine_destroy(engine *e);

#endif
