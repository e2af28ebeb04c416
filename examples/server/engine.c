#include "engine.h"

#include "slots.h"

#include <stdlib.h>
#include <time.h>

struct engine {
    served *s;
    slots slots; /* the thread's alone */
    pthread_t thread;

    pthread_mutex_t lock;
    pthread_cond_t wake; /* something was submitted, given back, or it is the end */
    pthread_cond_t idle; /* a place was given back */
    job *first, *last;   /* jobs with works that did not begin */
    size_t n_places, n_taken;
    bool is_draining, is_ending, is_joined;
    engine_load load;
};

/* --- the thread --- */

static void unlink_first(engine *e)
{
    job *j = e->first;
    e->first = j->next;
    e->last = e->first ? e->last : NULL;
    job_release(j);
}

/* The first job whose next work fits; nobody overtakes it. */
static void begin_works(engine *e)
{
    for (;;) {
        pthread_mutex_lock(&e->lock);
        while (e->first && e->first->next_work == e->first->n_works)
            unlink_first(e);
        job *j = e->first;
        pthread_mutex_unlock(&e->lock);
        if (!j || slots_free(&e->slots) < (size_t)j->n_choices)
            return;
        slots_begin(&e->slots, j);
    }
}

/* What waits and need not any more: its client has gone, or its time is over. */
static void drop_waiting(engine *e)
{
    problem why = { 0 };
    refuse(&why, 504, "timeout", NULL, "the request waited for more than %lld s",
           (long long)e->s->o->time_limit);
    pthread_mutex_lock(&e->lock);
    for (job *j = e->first; j; j = j->next) {
        const bool is_late = now_ns() > j->deadline_ns;
        if (!is_late && !atomic_load(&j->is_gone))
            continue;
        if (!j->n_running)
            job_end(j, &why);
        j->next_work = j->n_works;
    }
    pthread_mutex_unlock(&e->lock);
}

static bool has_work(engine *e)
{
    return e->first || slots_free(&e->slots) < e->slots.n;
}

static void tell_load(engine *e)
{
    e->load.n_slots = e->slots.n;
    e->load.n_busy = e->slots.n - slots_free(&e->slots);
    e->load.n_tokens = e->slots.n_tokens;
    e->load.n_steps = e->slots.n_steps;
}

/* False at the end. */
static bool wait_for_work(engine *e)
{
    pthread_mutex_lock(&e->lock);
    tell_load(e);
    while (!e->is_ending && !has_work(e))
        pthread_cond_wait(&e->wake, &e->lock);
    const bool goes_on = !e->is_ending;
    pthread_mutex_unlock(&e->lock);
    return goes_on;
}

static bool is_feeding(const engine *e)
{
    for (size_t i = 0; i < e->slots.n; i++)
        if (e->slots.at[i].state == SLOT_FEEDING)
            return true;
    return false;
}

static void *run(void *user)
{
    engine *e = user;
    const struct timespec pause = { .tv_nsec = 2000000 };
    problem why = { 0 };

    while (wait_for_work(e)) {
        drop_waiting(e);
        slots_drop(&e->slots);
        begin_works(e);
        const bool was_feeding = is_feeding(e);
        slots_feed(&e->slots, (size_t)e->s->o->chunk);
        /* Nobody reads: there is nothing to do but wait. */
        if (!slots_step(&e->slots) && !was_feeding)
            nanosleep(&pause, NULL);
    }
    refuse(&why, 503, "shutting_down", NULL, "the server is being stopped");
    slots_fail_all(&e->slots, &why);
    pthread_mutex_lock(&e->lock);
    for (; e->first; unlink_first(e))
        job_end(e->first, &why);
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

/* --- from outside --- */

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &clock);
    pthread_condattr_destroy(&clock);
}

engine *engine_create(served *s)
{
    engine *e = calloc(1, sizeof(*e));
    if (!e)
        return NULL;
    e->s = s;
    e->n_places = s->n_slots + (size_t)s->o->queue;
    pthread_mutex_init(&e->lock, NULL);
    init_condition(&e->wake);
    init_condition(&e->idle);
    if (slots_init(&e->slots, s) && pthread_create(&e->thread, NULL, run, e) == 0)
        return e;
    slots_finish(&e->slots);
    free(e);
    return NULL;
}

bool engine_reserve(engine *e, problem *p)
{
    pthread_mutex_lock(&e->lock);
    const bool is_draining = e->is_draining, has_place = e->n_taken < e->n_places;
    e->n_taken += !is_draining && has_place;
    pthread_mutex_unlock(&e->lock);
    if (is_draining)
        return refuse(p, 503, "shutting_down", NULL, "the server is being stopped");
    if (!has_place)
        return refuse(p, 429, "queue_full", NULL,
                      "%zu requests are running or waiting, expected less; try again later",
                      e->n_places);
    return true;
}

void engine_give_back(engine *e)
{
    pthread_mutex_lock(&e->lock);
    e->n_taken--;
    pthread_cond_broadcast(&e->idle);
    pthread_mutex_unlock(&e->lock);
}

void engine_submit(engine *e, job *j)
{
    problem why = { 0 };
    refuse(&why, 503, "shutting_down", NULL, "the server is being stopped");
    pthread_mutex_lock(&e->lock);
    if (e->is_ending) {
        pthread_mutex_unlock(&e->lock);
        job_end(j, &why);
        return;
    }
    job_retain(j);
    if (e->last)
        e->last->next = j;
    else
        e->first = j;
    e->last = j;
    pthread_cond_signal(&e->wake);
    pthread_mutex_unlock(&e->lock);
}

engine_load engine_load_get(engine *e)
{
    pthread_mutex_lock(&e->lock);
    engine_load load = e->load;
    load.n_requests = e->n_taken;
    pthread_mutex_unlock(&e->lock);
    return load;
}

bool engine_drain(engine *e, int64_t timeout_ns)
{
    const int64_t until_ns = now_ns() + timeout_ns;
    const struct timespec until = { until_ns / 1000000000, until_ns % 1000000000 };
    int timed_out = 0;
    pthread_mutex_lock(&e->lock);
    e->is_draining = true;
    while (e->n_taken && !timed_out)
        timed_out = pthread_cond_timedwait(&e->idle, &e->lock, &until);
    const bool is_idle = !e->n_taken;
    pthread_mutex_unlock(&e->lock);
    return is_idle;
}

void engine_stop(engine *e)
{
    pthread_mutex_lock(&e->lock);
    e->is_draining = e->is_ending = true;
    pthread_cond_signal(&e->wake);
    pthread_mutex_unlock(&e->lock);
    if (!e->is_joined)
        pthread_join(e->thread, NULL);
    e->is_joined = true;
}

void engine_destroy(engine *e)
{
    if (!e)
        return;
    engine_stop(e);
    slots_finish(&e->slots);
    pthread_cond_destroy(&e->wake);
    pthread_cond_destroy(&e->idle);
    pthread_mutex_destroy(&e->lock);
    free(e);
}
