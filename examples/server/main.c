#include "http.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Serves a checkpoint in OpenAI's HTTP interface. See README.md. */

static sigset_t block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return set;
}

/* Beside its name first, so that who finds the file finds all of it. */
static bool write_port(const settings *o, int port)
{
    char beside[4096];
    if (!o->port_file)
        return true;
    if (snprintf(beside, sizeof(beside), "%s.new", o->port_file) >= (int)sizeof(beside))
        return false;
    FILE *file = fopen(beside, "we");
    bool is_written = file && fprintf(file, "%d\n", port) > 0;
    is_written = file && fclose(file) == 0 && is_written;
    return is_written && rename(beside, o->port_file) == 0;
}

/* Running requests finish, unless it takes too long or somebody asks again. */
static void drain(http *h, engine *e, const settings *o, const sigset_t *set)
{
    const int64_t until_ns = now_ns() + o->grace * 1000000000;
    const struct timespec now = { 0 };
    while (!engine_drain(e, 100000000) && now_ns() < until_ns) {
        http_sweep(h);
        if (sigtimedwait(set, NULL, &now) > 0)
            return;
    }
}

static int serve(served *s, const settings *o, const sigset_t *set)
{
    problem why = { 0 };
    const struct timespec second = { .tv_sec = 1 };
    engine *e = engine_create(s);
    http *h = e ? http_start(s, e, &why) : NULL;
    if (!h || !write_port(o, http_port(h))) {
        fprintf(stderr, "ins1-server: %s\n",
                why.http ? why.text
                : !e     ? "no memory for the engine"
                         : "the port cannot be written down");
        http_destroy(h);
        engine_destroy(e);
        return 1;
    }
    fprintf(stderr, "ins1-server: '%s' at http://%s:%d/, %zu slots of %zu tokens\n", s->name,
            o->host, http_port(h), s->n_slots, s->n_ctx);
    while (sigtimedwait(set, NULL, &second) < 0)
        http_sweep(h);
    fprintf(stderr, "ins1-server: finishing what runs\n");
    http_close(h);
    drain(h, e, o, set);
    engine_stop(e);
    /* What was ended is told to its clients before their connections are closed. */
    engine_drain(e, 2000000000);
    http_destroy(h);
    engine_destroy(e);
    return 0;
}

int main(int argc, char **argv)
{
    settings o;
    served s;
    ins1_error error = INS1_INIT(ins1_error);
    int exit_status = 0;

    if (!options_read(&o, argc, argv, &exit_status))
        return exit_status;
    const sigset_t set = block_signals();
    if (served_open(&s, &o, &error) == INS1_OK) {
        exit_status = serve(&s, &o, &set);
    } else {
        fprintf(stderr, "ins1-server: %s (%s)\n", error.text, ins1_status_name(error.status));
        exit_status = 1;
    }
    served_close(&s);
    return exit_status;
}
