#ifndef SERVER_ANSWER_H
#define SERVER_ANSWER_H

#include "request.h"
#include "text.h"

/* Events to the JSON of a response: one object, or a stream of server-sent events. */

/* One reply, as far as it has come. */
typedef struct reply {
    text content, reasoning, arguments;
    json_t *calls;     /* an array; the last one is open while its arguments come */
    json_t *logprobs;  /* what the response says of them; NULL */
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
    int64_t created;
    reply *replies;
    size_t n;
    text out; /* what is to be sent */
} answer;

bool answer_init(answer *a, served *s, job *j, const wishes *w);
void answer_free(answer *a);

/* What comes before any token. */
void answer_begin(answer *a);
void answer_take(answer *a, const job_event *event);

/* Of a stream: its end. Otherwise all of the response. The job is over. */
void answer_end(answer *a);

#endif
