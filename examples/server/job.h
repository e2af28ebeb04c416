#ifndef SERVER_JOB_H
#define SERVER_JOB_H

#include "problem.h"

#include <interns1/interns1.h>

#include <pthread.h>
#include <stdatomic.h>

/* One prompt of a job. */
typedef struct work {
    ins1_prompt *prompt; /* owned, of messages; NULL when `ids` are the prompt */
    int32_t *ids;        /* owned; NULL */
    ins1_span one;       /* of `ids` */
    const ins1_span *spans;
    size_t n_spans, n_tokens;
    ins1_span *cut;      /* owned, [n_spans]: what is fed next */
    size_t n_cached;     /* tokens that the engine had already */
    ins1_embeds *vector; /* owned, what a job for embeddings receives */
} work;

/* A copy of an event of a reply, or of its end. */
typedef struct job_event {
    struct job_event *next;
    int32_t kind; /* INS1_EVENT_* */
    int32_t end_reason, tool_index;
    size_t choice; /* number of the reply: work * n_choices + choice */
    const char *text;
    size_t size;
    const ins1_logprob *tokens; /* [n_tokens] */
    const ins1_logprob *top;    /* [n_tokens][n_top] */
    size_t n_tokens, n_top;
} job_event;

/* What a request wants of the engine, and the way back. The request's thread and the engine own it
 * together. */
typedef struct job {
    /* Constant once it was submitted, but for what the engine puts into `works`. */
    work *works;
    size_t n_works;
    bool is_embedding;
    int32_t n_choices;
    ins1_sampler_options sampling;
    ins1_logprob *bias; /* owned */
    size_t max_tokens;
    ins1_text *stop; /* owned; their texts belong to the request */
    size_t n_stop;
    int32_t n_top;
    uint32_t reply_flags, stream_flags;
    int64_t deadline_ns; /* of the monotonic clock */

    /* The engine's: the next work to begin, replies that are in the making. */
    size_t next_work, n_running;
    struct job *next;

    atomic_int owners;
    atomic_bool is_gone; /* nobody waits for it any more */

    pthread_mutex_t lock;
    pthread_cond_t more;
    job_event *first, *last; /* events that wait to be read */
    size_t n_waiting;
    bool is_over; /* no event comes any more */
    problem why;  /* of a job that failed */
} job;

int64_t now_ns(void);

job *job_create(size_t n_works);
void job_retain(job *j);
void job_release(job *j);

/* --- the engine's side --- */

/* Is there room for the events of a step? Who does not read them has none. */
bool job_has_room(job *j);
bool job_push(job *j, const ins1_event *event, size_t choice);
/* No event comes any more; a problem, if there is one, is remembered. */
void job_end(job *j, const problem *why);

/* --- the request's side --- */

/* The next event, NULL when none came until `until_ns` or the job is over. */
job_event *job_take(job *j, int64_t until_ns);
bool job_is_over(job *j);

/* The works' spans, once their prompts or ids are there. */
bool work_ready(work *w, problem *p);

#endif
