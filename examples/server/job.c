#include "job.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Events that may wait to be read. A step makes a few of them. */
#define ROOM 256

int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

job *job_create(size_t n_works)
{
    job *j = calloc(1, sizeof(*j));
    work *works = calloc(n_works ? n_works : 1, sizeof(*works));
    if (!j || !works) {
        free(j);
        free(works);
        return NULL;
    }
    j->works = works;
    j->n_works = n_works;
    j->n_choices = 1;
    atomic_init(&j->owners, 1);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->more, &clock);
    pthread_condattr_destroy(&clock);
    return j;
}

void job_retain(job *j)
{
    atomic_fetch_add(&j->owners, 1);
}

static void finish_work(work *w)
{
    ins1_prompt_release(w->prompt);
    ins1_embeds_release(w->vector);
    free(w->ids);
    free(w->cut);
}

void job_release(job *j)
{
    if (!j || atomic_fetch_sub(&j->owners, 1) != 1)
        return;
    for (size_t i = 0; i < j->n_works; i++)
        finish_work(&j->works[i]);
    for (job_event *e = j->first, *next; e; e = next) {
        next = e->next;
        free(e);
    }
    pthread_cond_destroy(&j->more);
    pthread_mutex_destroy(&j->lock);
    free(j->works);
    free(j->bias);
    free(j->stop);
    free(j);
}

bool job_has_room(job *j)
{
    pthread_mutex_lock(&j->lock);
    const bool has_room = j->n_waiting < ROOM;
    pthread_mutex_unlock(&j->lock);
    return has_room;
}

/* In one piece of memory: the event, its log-probabilities, its text. */
static job_event *copy_event(const ins1_event *event, size_t choice)
{
    const size_t n_top = event->top ? event->n_top : 0;
    const size_t n_pairs = event->n_tokens * (1 + n_top);
    job_event *copy = malloc(sizeof(*copy) + n_pairs * sizeof(ins1_logprob) + event->size + 1);
    if (!copy)
        return NULL;
    *copy = (job_event){
        .kind = event->kind,
        .end_reason = event->end_reason,
        .tool_index = event->tool_index,
        .choice = choice,
        .size = event->size,
        .n_tokens = event->n_tokens,
        .n_top = n_top,
    };
    ins1_logprob *pairs = (ins1_logprob *)(void *)(copy + 1);
    char *text = (char *)(pairs + n_pairs);
    if (event->n_tokens)
        memcpy(pairs, event->tokens, event->n_tokens * sizeof(*pairs));
    if (n_top)
        memcpy(pairs + event->n_tokens, event->top, event->n_tokens * n_top * sizeof(*pairs));
    if (event->size)
        memcpy(text, event->text, event->size);
    copy->tokens = pairs;
    copy->top = pairs + event->n_tokens;
    copy->text = text;
    return copy;
}

bool job_push(job *j, const ins1_event *event, size_t choice)
{
    job_event *copy = copy_event(event, choice);
    if (!copy)
        return false;
    pthread_mutex_lock(&j->lock);
    if (j->last)
        j->last->next = copy;
    else
        j->first = copy;
    j->last = copy;
    j->n_waiting++;
    pthread_cond_signal(&j->more);
    pthread_mutex_unlock(&j->lock);
    return true;
}

void job_end(job *j, const problem *why)
{
    pthread_mutex_lock(&j->lock);
    if (!j->is_over && why)
        j->why = *why;
    j->is_over = true;
    pthread_cond_signal(&j->more);
    pthread_mutex_unlock(&j->lock);
}

job_event *job_take(job *j, int64_t until_ns)
{
    const struct timespec until = { until_ns / 1000000000, until_ns % 1000000000 };
    int timed_out = 0;
    pthread_mutex_lock(&j->lock);
    while (!j->first && !j->is_over && !timed_out)
        timed_out = pthread_cond_timedwait(&j->more, &j->lock, &until);
    job_event *event = j->first;
    if (event) {
        j->first = event->next;
        j->last = j->first ? j->last : NULL;
        j->n_waiting--;
    }
    pthread_mutex_unlock(&j->lock);
    return event;
}

bool job_is_over(job *j)
{
    pthread_mutex_lock(&j->lock);
    const bool is_over = j->is_over && !j->first;
    pthread_mutex_unlock(&j->lock);
    return is_over;
}

bool work_ready(work *w, problem *p)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    ins1_prompt_info info = INS1_INIT(ins1_prompt_info);

    call.error = &error;
    if (w->prompt) {
        ins1_status status = ins1_prompt_info_get(w->prompt, &info, &call);
        if (status == INS1_OK)
            status = ins1_prompt_spans(w->prompt, &w->spans, &w->n_spans, &call);
        if (status != INS1_OK)
            return refuse_status(p, "messages", &error);
        w->n_tokens = info.n_tokens;
    } else {
        w->one.struct_size = sizeof(w->one);
        w->one.ids = w->ids;
        w->one.n_ids = w->n_tokens;
        w->spans = &w->one;
        w->n_spans = 1;
    }
    w->cut = calloc(w->n_spans ? w->n_spans : 1, sizeof(*w->cut));
    return w->cut ? true : refuse(p, 503, "out_of_memory", NULL, "no memory for the prompt");
}
