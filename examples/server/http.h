#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include "engine.h"

/* The network: a thread for each connection reads a request, prepares it and writes the answer. */
typedef struct http http;

/* NULL: `error` says why. */
http *http_start(served *s, engine *e, problem *why);
int http_port(const http *h);

/* Cut off who dribbles: headers slower than --idle-limit, a request that lasts longer than
 * --time-limit and --idle-limit together. Called about once a second. */
void http_sweep(http *h);

/* No new connections; those that are open go on. */
void http_close(http *h);
void http_destroy(http *h);

#endif
