/* Stop a long call from another thread and see what it kept:
 *     cancel MODEL
 */

#include <interns1/interns1.h>

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define N_IDS 4096

typedef struct opened {
    ins1_runtime *runtime;
    ins1_model *model;
    ins1_decoder *decoder;
    ins1_session *session;
} opened;

static ins1_status open_all(opened *o, const char *path, const ins1_call *call)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.path = path;

    ins1_status status = ins1_runtime_create(&o->runtime, NULL, call);
    if (status == INS1_OK)
        status = ins1_model_open(&o->model, o->runtime, &options, call);
    if (status == INS1_OK)
        status = ins1_decoder_create(&o->decoder, o->model, NULL, call);
    return status == INS1_OK ? ins1_session_create(&o->session, o->decoder, NULL, call) : status;
}

/* Any order is right: a child keeps its parent alive. */
static void close_all(opened *o)
{
    ins1_runtime_release(o->runtime);
    ins1_model_release(o->model);
    ins1_decoder_release(o->decoder);
    ins1_session_release(o->session);
}

/* A request is one atomic store: any thread, any signal handler. */
static void *stop_soon(void *cancel)
{
    const struct timespec soon = { .tv_nsec = 20 * 1000 * 1000 };

    nanosleep(&soon, NULL);
    ins1_cancel_request(cancel);
    return NULL;
}

int main(int argc, char **argv)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    ins1_span span = INS1_INIT(ins1_span);
    ins1_feed feed = INS1_INIT(ins1_feed);
    ins1_session_info info = INS1_INIT(ins1_session_info);
    static int32_t ids[N_IDS]; /* id 0 again and again: what it says does not matter here */
    pthread_t thread;
    size_t done = 0;
    opened o = { 0 };

    if (argc != 2)
        return fprintf(stderr, "usage: cancel MODEL\n"), 2;
    call.error = &error;
    ins1_status status = open_all(&o, argv[1], &call);
    if (status == INS1_OK)
        status = ins1_session_info_get(o.session, &info, &call);
    if (status == INS1_OK)
        status = ins1_cancel_create(&call.cancel, o.runtime, &call);
    if (status == INS1_OK && pthread_create(&thread, NULL, stop_soon, call.cancel) == 0) {
        span.ids = ids;
        span.n_ids = info.n_ctx < N_IDS ? (size_t)info.n_ctx : N_IDS;
        feed.spans = &span;
        feed.n_spans = 1;
        status = ins1_session_prefill(o.session, &feed, 1, &done, &call);
        pthread_join(thread, NULL);
        printf("%s: %zu of %zu tokens\n", ins1_status_name(status), done, span.n_ids);
        if (status == INS1_E_CANCELED)
            status = INS1_OK; /* as we asked */
    }
    if (status != INS1_OK)
        fprintf(stderr, "%s: %s\n", ins1_status_name(status), error.text);
    ins1_cancel_release(call.cancel);
    close_all(&o);
    return status != INS1_OK;
}
