#ifndef SERVER_REQUEST_H
#define SERVER_REQUEST_H

#include "client.h"
#include "job.h"
#include "served.h"

#include <jansson.h>

/* The body of a request, read into a job for the engine. */

typedef enum endpoint { ROUTE_CHAT, ROUTE_TEXT, ROUTE_EMBEDDINGS } endpoint;

/* What does not concern the engine. */
typedef struct wishes {
    endpoint route;
    bool is_stream, wants_usage, wants_logprobs, wants_base64, wants_echo;
} wishes;

/* Prompts of one request, other tokens that are told beside one. */
enum { MAX_WORKS = 256, MAX_TOP = 20 };

/* `body` must live as long as the job. NULL: `p` says why. */
job *request_read(served *s, client *who, endpoint route, const json_t *body, wishes *out,
                  problem *p);

/* --- parts of it --- */

bool parameters_read(served *s, const json_t *body, job *j, wishes *out, problem *p);

/* Messages to the prompt of the only work. */
bool chat_read(served *s, client *who, const json_t *body, job *j, problem *p);

/* "prompt" or "input": a text, ids, or an array of either. */
job *texts_read(served *s, const json_t *body, const char *name, problem *p);

#endif
