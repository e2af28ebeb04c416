#include "scheduler.h"
#include "clock.h"

#include <string.h>

static void note(scheduler *s, int64_t took)
{
    int64_t longest = atomic_load(&s->longest_ns);

    while (took > longest && !atomic_compare_exchange_weak(&s->longest_ns, &longest, took))
        ;
    atomic_fetch_add(&s->n_tasks, 1);
}

/* Tasks do not wait for each other: whoever is free takes the next. */
static void run(scheduler *s, int32_t worker)
{
    for (int32_t i; (i = atomic_fetch_add(&s->next, 1)) < s->n;) {
        int64_t begin = clock_wall();
        s->fn(s->arg, i, worker);
        note(s, clock_wall() - begin);
    }
}

static void wait(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        ; /* a signal came */
}

static void *thread_main(void *arg)
{
    struct scheduler_thread *self = arg;

    for (;;) {
        wait(&self->go);
        if (atomic_load(&self->of->is_over))
            return NULL;
        run(self->of, self->index);
        sem_post(&self->of->done);
    }
}

static int32_t parallel_for(void *user, ins1_task_fn fn, void *arg, int32_t n)
{
    scheduler *s = user;
    int32_t helpers = n < s->n_threads ? n - 1 : s->n_threads - 1;

    s->fn = fn;
    s->arg = arg;
    s->n = n;
    atomic_store(&s->next, 0);
    for (int32_t i = 1; i <= helpers; i++)
        sem_post(&s->threads[i].go);
    run(s, 0);
    for (int32_t i = 1; i <= helpers; i++)
        wait(&s->done);
    return 0;
}

bool scheduler_start(scheduler *s, int32_t n_threads)
{
    memset(s, 0, sizeof(*s));
    sem_init(&s->done, 0, 0);
    s->n_threads = 1;
    for (int32_t i = 1; i < n_threads && i < SCHEDULER_MOST; i++) {
        struct scheduler_thread *t = &s->threads[i];
        t->of = s;
        t->index = i;
        sem_init(&t->go, 0, 0);
        if (pthread_create(&t->thread, NULL, thread_main, t) != 0) {
            scheduler_stop(s);
            return false;
        }
        s->n_threads++;
    }
    return true;
}

void scheduler_stop(scheduler *s)
{
    atomic_store(&s->is_over, true);
    for (int32_t i = 1; i < s->n_threads; i++) {
        sem_post(&s->threads[i].go);
        pthread_join(s->threads[i].thread, NULL);
        sem_destroy(&s->threads[i].go);
    }
    sem_destroy(&s->done);
}

ins1_threading scheduler_threading(scheduler *s)
{
    ins1_threading out = INS1_INIT(ins1_threading);

    out.mode = INS1_THREADS_HOST;
    out.n_threads = s->n_threads;
    out.parallel_for = parallel_for;
    out.user = s;
    return out;
}
