#ifndef SERVER_ANSWER_H
#define SERVER_ANSWER_H

#include "logprobs.h"

/* Events to the JSON of a response: one object, or a stream of server-sent events. It is written as
 * text at once; what cannot be for want of memory makes the whole response fail. */

/* One reply, as far as it has come. */
typedef struct reply {
    text content, reasoning;
    text calls;     /* elements of "tool_calls"; the last one is open: its arguments come */
    text arguments; /* of the last one */
    size_t n_calls;
    logprobs logprobs; /* of its tokens */
    size_t n_newlines; /* of the reasoning, held back: they count when more follows */
    size_t n_tokens, n_reasoning;
    size_t offset;      /* bytes of text before the next token, for completions */
    const char *finish; /* NULL while it goes on */
    bool has_text, has_reasoning;
} reply;

typedef struct answer {
    served *s;
    job *job;
    wishes wishes;
    char id[48];
    reply *replies;
    size_t n;
    text head;         /* how every object begins: "id" to "model" */
    text out;          /* what is to be sent */
    size_t n_held;     /* bytes that wait for the end */
    bool is_too_large; /* they are more than the server holds */
} answer;

bool answer_init(answer *a, served *s, job *j, const wishes *w);
void answer_free(answer *a);

/* What comes before any token. */
void answer_begin(answer *a);
void answer_take(answer *a, const job_event *event);

/* Of a stream: its end. Otherwise all of the response. The job is over. */
void answer_end(answer *a);

#endif
