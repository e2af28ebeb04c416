#include "base/pool.h"

#include "base/memory.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_TASKS = 5000, MAX_WORKERS = 64 };

/* What happened to each task, and who is inside. */
typedef struct tally {
    int32_t workers;
    atomic_int runs[MAX_TASKS];
    atomic_int inside[MAX_WORKERS];
    atomic_int clashes;
    s1_pool *nested;
} tally;

static void count_task(void *arg, int32_t index, int32_t worker)
{
    tally *t = arg;
    if (worker < 0 || worker >= t->workers || atomic_fetch_add(&t->inside[worker], 1) != 0)
        atomic_fetch_add(&t->clashes, 1);
    atomic_fetch_add(&t->runs[index], 1);
    atomic_fetch_sub(&t->inside[worker], 1);
}

static void check_all_ran_once(s1_pool *pool, int32_t n)
{
    tally *t = calloc(1, sizeof(*t));
    t->workers = s1_pool_workers(pool);
    ck_assert_int_eq(s1_pool_run(pool, count_task, t, n), INS1_OK);
    for (int32_t i = 0; i < n; i++)
        ck_assert_int_eq(atomic_load(&t->runs[i]), 1);
    ck_assert_int_eq(atomic_load(&t->clashes), 0);
    free(t);
}

static s1_pool *pool_of(int32_t n_threads)
{
    ins1_threading threading = INS1_INIT(ins1_threading);
    s1_pool *pool;
    threading.mode = INS1_THREADS_OWN;
    threading.n_threads = n_threads;
    ck_assert_int_eq(s1_pool_create(&pool, &s1_heap, &threading, NULL), INS1_OK);
    ck_assert_int_eq(s1_pool_workers(pool), n_threads);
    return pool;
}

static const int32_t thread_counts[] = { 1, 2, 3, 8 };

START_TEST(every_task_runs_once_for_any_number_of_threads)
{
    static const int32_t tasks[] = { 0, 1, 2, 3, 7, 64, 127, 128, 129, 1000, MAX_TASKS };
    s1_pool *pool = pool_of(thread_counts[_i]);
    for (int round = 0; round < 20; round++)
        for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++)
            check_all_ran_once(pool, tasks[i]);
    s1_pool_destroy(pool);
}
END_TEST

/* Pauses longer than the workers spin, so that both the spinning and the sleeping path are taken.
 */
START_TEST(sleeping_workers_wake_for_the_next_region)
{
    s1_pool *pool = pool_of(3);
    for (int round = 0; round < 50; round++) {
        usleep((useconds_t)(round % 5) * 50);
        check_all_ran_once(pool, 40);
    }
    s1_pool_destroy(pool);
}
END_TEST

START_TEST(the_caller_alone_is_the_default)
{
    s1_pool *pool;
    ck_assert_int_eq(s1_pool_create(&pool, &s1_heap, NULL, NULL), INS1_OK);
    ck_assert_int_eq(s1_pool_workers(pool), 1);
    check_all_ran_once(pool, 100);
    s1_pool_destroy(pool);
}
END_TEST

static void *run_many(void *arg)
{
    for (int i = 0; i < 50; i++)
        check_all_ran_once(arg, 100);
    return NULL;
}

START_TEST(several_callers_share_one_pool)
{
    s1_pool *pool = pool_of(3);
    pthread_t others[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&others[i], NULL, run_many, pool);
    run_many(pool);
    for (int i = 0; i < 3; i++)
        pthread_join(others[i], NULL);
    s1_pool_destroy(pool);
}
END_TEST

static void nested_task(void *arg, int32_t index, int32_t worker)
{
    tally *t = arg;
    (void)worker;
    atomic_fetch_add(&t->runs[index], 1);
    check_all_ran_once(t->nested, 10);
}

START_TEST(a_task_may_run_tasks)
{
    static tally t;
    t.nested = pool_of(2);
    ck_assert_int_eq(s1_pool_run(t.nested, nested_task, &t, 20), INS1_OK);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(atomic_load(&t.runs[i]), 1);
    s1_pool_destroy(t.nested);
}
END_TEST

typedef struct hooks {
    atomic_int started, stopped, strange;
    pthread_t caller;
} hooks;

static void on_start(void *user, int32_t worker)
{
    hooks *h = user;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    if (worker < 1 || worker > 2 || pthread_equal(pthread_self(), h->caller) ||
        !sigismember(&mask, SIGINT) || !sigismember(&mask, SIGALRM))
        atomic_fetch_add(&h->strange, 1);
    atomic_fetch_add(&h->started, 1);
}

static void on_stop(void *user, int32_t worker)
{
    hooks *h = user;
    (void)worker;
    atomic_fetch_add(&h->stopped, 1);
}

START_TEST(hooks_run_on_every_thread_with_signals_blocked)
{
    hooks h = { .caller = pthread_self() };
    ins1_threading threading = INS1_INIT(ins1_threading);
    s1_pool *pool;
    threading.mode = INS1_THREADS_OWN;
    threading.n_threads = 3;
    threading.thread_start = on_start;
    threading.thread_stop = on_stop;
    threading.user = &h;
    ck_assert_int_eq(s1_pool_create(&pool, &s1_heap, &threading, NULL), INS1_OK);
    check_all_ran_once(pool, 100);
    s1_pool_destroy(pool);
    ck_assert_int_eq(atomic_load(&h.started), 2);
    ck_assert_int_eq(atomic_load(&h.stopped), 2);
    ck_assert_int_eq(atomic_load(&h.strange), 0);
}
END_TEST

/* Ways in which a host's parallel-for can be right or wrong. */
static int32_t backwards(void *user, ins1_task_fn fn, void *arg, int32_t n)
{
    (void)user;
    for (int32_t i = n - 1; i >= 0; i--)
        fn(arg, i, i % 4);
    return 0;
}

static int32_t refuses(void *user, ins1_task_fn fn, void *arg, int32_t n)
{
    (void)user;
    for (int32_t i = 0; i < n / 2; i++)
        fn(arg, i, 0);
    return 1;
}

static int32_t skips_one(void *user, ins1_task_fn fn, void *arg, int32_t n)
{
    (void)user;
    for (int32_t i = 1; i < n; i++)
        fn(arg, i, 0);
    return 0;
}

static int32_t invents_one(void *user, ins1_task_fn fn, void *arg, int32_t n)
{
    (void)user;
    for (int32_t i = 0; i <= n; i++)
        fn(arg, i, 0);
    return 0;
}

static int32_t has_too_many_workers(void *user, ins1_task_fn fn, void *arg, int32_t n)
{
    (void)user;
    for (int32_t i = 0; i < n; i++)
        fn(arg, i, i == 3 ? 4 : 0);
    return 0;
}

static const struct {
    const char *what;
    int32_t (*parallel_for)(void *user, ins1_task_fn fn, void *arg, int32_t n);
    ins1_status status;
} host_loops[] = {
    { "backwards", backwards, INS1_OK },
    { "refuses", refuses, INS1_E_CALLBACK },
    { "skips one", skips_one, INS1_E_CALLBACK },
    { "invents one", invents_one, INS1_E_CALLBACK },
    { "has too many workers", has_too_many_workers, INS1_E_CALLBACK },
};

START_TEST(the_host_is_told_what_its_parallel_for_got_wrong)
{
    ins1_threading threading = INS1_INIT(ins1_threading);
    static tally t;
    s1_pool *pool;
    memset(&t, 0, sizeof(t));
    t.workers = 4;
    threading.mode = INS1_THREADS_HOST;
    threading.n_threads = 4;
    threading.parallel_for = host_loops[_i].parallel_for;
    ck_assert_int_eq(s1_pool_create(&pool, &s1_heap, &threading, NULL), INS1_OK);
    ck_assert_int_eq(s1_pool_workers(pool), 4);
    ins1_status status = s1_pool_run(pool, count_task, &t, 10);
    ck_assert_msg(status == host_loops[_i].status, "%s: %d", host_loops[_i].what, status);
    ck_assert_int_eq(s1_pool_run(pool, count_task, &t, 0), INS1_OK);
    ck_assert_int_eq(atomic_load(&t.clashes), 0);
    s1_pool_destroy(pool);
}
END_TEST

static const struct {
    const char *what;
    ins1_threading threading;
    ins1_status status;
} refused[] = {
    { "mode", { .mode = 3 }, INS1_E_ARGUMENT },
    { "negative", { .mode = INS1_THREADS_OWN, .n_threads = -1 }, INS1_E_ARGUMENT },
    { "too many", { .mode = INS1_THREADS_OWN, .n_threads = 1 << 20 }, INS1_E_ARGUMENT },
    { "no loop", { .mode = INS1_THREADS_HOST, .n_threads = 2 }, INS1_E_ARGUMENT },
    { "no workers", { .mode = INS1_THREADS_HOST, .parallel_for = backwards }, INS1_E_ARGUMENT },
    { "flags", { .flags = 1 }, INS1_E_VERSION },
};

START_TEST(create_says_what_is_wrong_with_the_options)
{
    ins1_error error = INS1_INIT(ins1_error);
    s1_pool *pool;
    ck_assert_int_eq(s1_pool_create(&pool, &s1_heap, &refused[_i].threading, &error),
                     refused[_i].status);
    ck_assert_ptr_null(pool);
    ck_assert_str_ne(error.text, "");
}
END_TEST

/* Sanitizers with threads of their own do not survive a fork; the child only asks and leaves. */
START_TEST(a_forked_child_is_refused_and_not_stuck)
{
    s1_pool *pool = pool_of(2);
    static tally t;
    t.workers = 2;
    pid_t child = fork();
    if (child == 0) {
        bool refusal = s1_pool_run(pool, count_task, &t, 10) == INS1_E_STATE;
        s1_pool_destroy(pool);
        _exit(refusal ? 0 : 1);
    }
    int answer = -1;
    waitpid(child, &answer, 0);
    ck_assert_int_eq(answer, 0);
    check_all_ran_once(pool, 10);
    s1_pool_destroy(pool);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool");
    TCase *pool = tcase_create("pool");
    tcase_set_timeout(pool, 120);
    tcase_add_loop_test(pool, every_task_runs_once_for_any_number_of_threads, 0, 4);
    tcase_add_test(pool, sleeping_workers_wake_for_the_next_region);
    tcase_add_test(pool, the_caller_alone_is_the_default);
    tcase_add_test(pool, several_callers_share_one_pool);
    tcase_add_test(pool, a_task_may_run_tasks);
    tcase_add_test(pool, hooks_run_on_every_thread_with_signals_blocked);
    tcase_add_loop_test(pool, the_host_is_told_what_its_parallel_for_got_wrong, 0,
                        sizeof(host_loops) / sizeof(host_loops[0]));
    tcase_add_loop_test(pool, create_says_what_is_wrong_with_the_options, 0,
                        sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(pool, a_forked_child_is_refused_and_not_stuck);
    suite_add_tcase(suite, pool);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
