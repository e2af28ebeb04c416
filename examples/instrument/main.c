/* An instrument that reads a heart rate: no files, no heap, memory and threads of its own. Samples
 * come in at 50 Hz (played faster, as the first argument says), answers go out; at the end its own
 * counters are printed and checked. instrument [SPEED [THREADS [RATE]]]
 */

#include "arena.h"
#include "clock.h"
#include "embedded.h"
#include "heap_watch.h"
#include "meter.h"
#include "ring.h"
#include "scheduler.h"

#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define N_WINDOWS    4
#define N_CANCELS    16
#define TOO_SHORT_NS 100000
#define DEADLINE_NS  INT64_C(10000000000) /* a window is ten seconds: later is too late */

/* The signal that the instrument is pointed at: one window, again and again. */
typedef struct source {
    ring *to;
    const float *signal;
    int64_t period_ns;
} source;

/* Who stops a measurement: another thread, after `after_ns`. What it saw when it asked is for the
 * worker to read. */
typedef struct stopper {
    sem_t go, asked;
    ins1_cancel *cancel;
    clockid_t worker; /* CPU time of the thread that measures */
    int64_t after_ns; /* negative: end */
    int64_t wall, cpu;
} stopper;

/* What the instrument noticed of itself. Times are nanoseconds. */
typedef struct report {
    double rates[N_WINDOWS]; /* beats per minute, of windows that were answered in time */
    int n_rates;
    int64_t longest, shortest; /* measurement */
    size_t lost;               /* samples */
    ins1_status late;          /* of a measurement whose deadline cannot be met */
    int64_t late_took;
    int n_stopped;
    int64_t stop_wall, stop_cpu; /* worst, from the request until the call was back */
    arena_counts before, after;
    long heap;   /* calls */
    long faults; /* pages that had to be fetched */
    bool is_locked;
} report;

static void *play(void *arg)
{
    const source *s = arg;
    const int64_t begin = clock_wall();

    for (int i = 0; i < N_WINDOWS * METER_SAMPLES; i++) {
        const int64_t due = begin + i * s->period_ns, now = clock_wall();
        if (due > now)
            clock_sleep(due - now);
        ring_put(s->to, s->signal[i % METER_SAMPLES]);
    }
    return NULL;
}

static void *stop_when_told(void *arg)
{
    stopper *s = arg;

    for (;;) {
        while (sem_wait(&s->go) != 0)
            ;
        if (s->after_ns < 0)
            return NULL;
        clock_sleep(s->after_ns);
        s->cpu = clock_of(s->worker);
        s->wall = clock_wall();
        ins1_cancel_request(s->cancel);
        sem_post(&s->asked);
    }
}

/* The recorded heartbeat: one number a line. */
static int read_signal(float *out)
{
    int n = 0;

    for (size_t i = 0; i < embedded_n_files; i++) {
        if (strcmp(embedded_files[i].name, "heartbeat.csv") != 0)
            continue;
        const char *at = (const char *)embedded_files[i].begin;
        char *end;
        for (float v; n < METER_SAMPLES && (v = strtof(at, &end), end != at); at = end)
            out[n++] = v;
    }
    return n;
}

/* Windows as they come, one answer each. */
static ins1_status measure(meter *m, ring *samples, report *r)
{
    float window[METER_SAMPLES];

    r->shortest = INT64_MAX;
    for (int i = 0; i < N_WINDOWS; i++) {
        while (!ring_take(samples, window, METER_SAMPLES))
            clock_sleep(200000);
        const int64_t begin = clock_wall();
        const ins1_status status = meter_measure(m, window, NULL, DEADLINE_NS);
        const int64_t took = clock_wall() - begin;
        if (status != INS1_OK && status != INS1_E_DEADLINE)
            return status;
        r->longest = took > r->longest ? took : r->longest;
        if (status != INS1_OK) {
            printf("window %d: too late\n", i + 1);
            continue;
        }
        r->shortest = took < r->shortest ? took : r->shortest;
        r->rates[r->n_rates++] = atof(m->text);
        printf("window %d: %s beats per minute\n", i + 1, m->text);
    }
    r->lost = samples->lost;
    return r->n_rates ? INS1_OK : INS1_E_DEADLINE;
}

/* Measurements that another thread stops, at one moment after another of their course. */
static ins1_status stop_some(meter *m, const float *window, stopper *s, report *r)
{
    for (int i = 0; i < N_CANCELS; i++) {
        s->after_ns = r->shortest * i / N_CANCELS;
        sem_post(&s->go);
        const ins1_status status = meter_measure(m, window, s->cancel, 0);
        const int64_t wall = clock_wall(), cpu = clock_of(CLOCK_THREAD_CPUTIME_ID);
        while (sem_wait(&s->asked) != 0)
            ;
        ins1_cancel_reset(s->cancel);
        if (status != INS1_OK && status != INS1_E_CANCELED)
            return status;
        if (status == INS1_OK)
            continue; /* it was done before */
        r->n_stopped++;
        r->stop_wall = wall - s->wall > r->stop_wall ? wall - s->wall : r->stop_wall;
        r->stop_cpu = cpu - s->cpu > r->stop_cpu ? cpu - s->cpu : r->stop_cpu;
    }
    return INS1_OK;
}

static long count_faults(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_minflt + usage.ru_majflt : 0;
}

/* All that happens after the start, between two readings of the counters. Pages stay in memory
 * where that is allowed. */
static ins1_status run(meter *m, ring *samples, const float *signal, stopper *stop, report *r)
{
    arena_seal();
    r->is_locked = mlockall(MCL_CURRENT) == 0;
    r->before = arena_count();
    const long heap = heap_watch_count(), faults = count_faults();

    ins1_status status = measure(m, samples, r);
    if (status == INS1_OK)
        status = stop_some(m, signal, stop, r);
    const int64_t begin = clock_wall();
    r->late = meter_measure(m, signal, NULL, TOO_SHORT_NS);
    r->late_took = clock_wall() - begin;

    r->faults = count_faults() - faults;
    r->heap = heap_watch_count() - heap;
    r->after = arena_count();
    return status;
}

/* The start: threads, the token, and one measurement, which needs every block of memory that will
 * ever be needed. */
static ins1_status work(meter *m, const float *signal, int64_t period_ns, report *r)
{
    static ring samples;
    source from = { .to = &samples, .signal = signal, .period_ns = period_ns };
    stopper stop = { .after_ns = -1 };
    ins1_call call = INS1_INIT(ins1_call);
    pthread_t player, watch;

    call.error = &m->error;
    sem_init(&stop.go, 0, 0);
    sem_init(&stop.asked, 0, 0);
    ins1_status status = ins1_cancel_create(&stop.cancel, m->runtime, &call);
    if (status == INS1_OK)
        status = meter_measure(m, signal, NULL, 0);
    if (status == INS1_OK && (pthread_getcpuclockid(pthread_self(), &stop.worker) != 0 ||
                              pthread_create(&watch, NULL, stop_when_told, &stop) != 0))
        status = INS1_E_INTERNAL;
    if (status == INS1_OK) {
        if (pthread_create(&player, NULL, play, &from) == 0) {
            status = run(m, &samples, signal, &stop, r);
            pthread_join(player, NULL);
        } else {
            status = INS1_E_INTERNAL;
        }
        stop.after_ns = -1;
        sem_post(&stop.go);
        pthread_join(watch, NULL);
    }
    ins1_cancel_release(stop.cancel);
    return status;
}

static void print(const report *r, const scheduler *s)
{
    const double ms = 1e6, mb = 1048576;
    const arena_counts *a = &r->after;

    printf("measurement: longest %.1f ms for ten seconds of signal, %zu samples lost\n",
           (double)r->longest / ms, r->lost);
    printf("deadline of %.1f ms: %s after %.2f ms\n", TOO_SHORT_NS / ms, ins1_status_name(r->late),
           (double)r->late_took / ms);
    printf("stop: %d of %d heard in time, worst %.2f ms of the worker's CPU, %.2f ms on the wall "
           "clock\n",
           r->n_stopped, N_CANCELS, (double)r->stop_cpu / ms, (double)r->stop_wall / ms);
    printf("tasks: %llu on %d threads, the longest %.2f ms\n", (unsigned long long)s->n_tasks,
           s->n_threads, (double)s->longest_ns / ms);
    printf("arena: %.1f of %.1f MB cut off at the start, %llu bytes since; %llu blocks given "
           "again, %llu refused\n",
           (double)r->before.cut / mb, (double)a->size / mb,
           (unsigned long long)(a->cut - r->before.cut),
           (unsigned long long)(a->again - r->before.again), (unsigned long long)a->refused);
    printf("pages: %s, %ld faults since the start\n", r->is_locked ? "locked" : "not locked",
           r->faults);
    if (heap_watch_count() < 0)
        printf("C heap: not watched in this build\n");
    else
        printf("C heap: %ld calls since the start\n", r->heap);
}

/* Were the promises kept? Times are printed and not judged: the machine may be busy. */
static bool is_good(const report *r, double expected)
{
    bool good = r->late == INS1_E_DEADLINE && r->n_stopped > 0 && r->after.cut == r->before.cut &&
                r->after.refused == 0 && r->heap == 0;

    for (int i = 0; i < r->n_rates; i++)
        good = good && r->rates[i] == r->rates[0];
    return good && (expected == 0 || fabs(r->rates[0] - expected) <= 3);
}

int main(int argc, char **argv)
{
    static float signal[METER_SAMPLES];
    static char output[8192];
    static scheduler sched;
    static meter m;
    const double speed = argc > 1 ? atof(argv[1]) : 1;
    const ins1_allocator memory = arena_allocator();
    report r = { 0 };

    setvbuf(stdout, output, _IOFBF, sizeof(output));
    if (speed <= 0 || read_signal(signal) != METER_SAMPLES ||
        !scheduler_start(&sched, argc > 2 ? atoi(argv[2]) : 1))
        return fprintf(stderr, "usage: instrument [SPEED [THREADS [RATE]]]\n"), 2;
    const ins1_threading threading = scheduler_threading(&sched);
    ins1_status status = meter_open(&m, &memory, &threading);
    if (status == INS1_OK)
        status = work(&m, signal, (int64_t)(1e9 / METER_RATE_HZ / speed), &r);
    if (status == INS1_OK)
        print(&r, &sched);
    else
        fprintf(stderr, "%s: %s\n", ins1_status_name(status), m.error.text);
    meter_close(&m);
    scheduler_stop(&sched);
    return !(status == INS1_OK && is_good(&r, argc > 3 ? atof(argv[3]) : 0));
}
