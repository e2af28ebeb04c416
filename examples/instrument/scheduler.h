#ifndef INSTRUMENT_SCHEDULER_H
#define INSTRUMENT_SCHEDULER_H

#include <interns1/runtime.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SCHEDULER_MOST 8 /* threads, the caller included */

/* The instrument's own threads, lent to the library task by task. All of it is here: nothing is
 * allocated. */
typedef struct scheduler {
    struct scheduler_thread {
        struct scheduler *of;
        int32_t index;
        pthread_t thread;
        sem_t go;
    } threads[SCHEDULER_MOST];
    int32_t n_threads;
    sem_t done;
    ins1_task_fn fn;
    void *arg;
    int32_t n;
    atomic_int next;
    atomic_bool is_over;
    _Atomic uint64_t n_tasks;   /* that ran */
    _Atomic int64_t longest_ns; /* the longest of them, on the wall clock */
} scheduler;

/* Starts all threads but the caller's. False: a thread could not be started. */
bool scheduler_start(scheduler *s, int32_t n_threads);
void scheduler_stop(scheduler *s);

/* What the runtime is given. It refers to `s`. */
ins1_threading scheduler_threading(scheduler *s);

#endif
