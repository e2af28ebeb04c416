#ifndef SERVER_EXCHANGE_H
#define SERVER_EXCHANGE_H

#include "answer.h"
#include "engine.h"

#include <microhttpd.h>
#include <stdatomic.h>

typedef enum page {
    PAGE_NONE,
    PAGE_ROOT,   /* the web page */
    PAGE_HEALTH, /* is it alive, and how busy */
    PAGE_MODELS,
    PAGE_MODEL,
    PAGE_ASK, /* something for the engine */
} page;

/* One request and its response. */
typedef struct exchange {
    served *s;
    engine *e;
    struct MHD_Connection *connection;
    page page;
    endpoint route;
    const char *tail;     /* of the path: the name of a model */
    problem why;          /* refused already; the body is read and forgotten */
    atomic_llong *booked; /* bytes of all bodies, and of what they become */
    text body;
    uint64_t n_body; /* bytes that came */
    size_t n_booked; /* of them, by this one */
    client client;
    bool has_place; /* in the engine's queue */
    json_t *json;   /* the body; the job borrows from it */
    job *job;
    bool is_submitted;
    answer answer;
    size_t n_sent; /* of answer.out */
    bool is_done;  /* everything that will be sent is in answer.out */
} exchange;

/* Before anything else of this file, once. */
void exchange_watch_json(void);

/* Take room for what the request needs; false: there is none. */
bool exchange_book(exchange *x, size_t size);

/* The whole body came: queue a response. */
enum MHD_Result exchange_answer(exchange *x);
enum MHD_Result exchange_refuse(exchange *x);
void exchange_free(exchange *x);

/* Has the client hung up? For `client.has_gone`. */
bool exchange_has_gone(void *user);

#endif
