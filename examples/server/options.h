#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* What the command line says. */
typedef struct settings {
    const char *model;
    const char *name; /* of the model, for clients; NULL: the folder's */
    const char *host;
    const char *port_file; /* receives the port that was taken */
    const char *key;       /* NULL: everybody may ask */
    const char *key_file;
    const char *files; /* file: URLs may name what lies below; NULL: none */
    const char *level, *precision, *pooling;
    int64_t port;
    int64_t threads;
    int64_t ctx;                  /* tokens of a sequence */
    int64_t slots;                /* sequences that share steps */
    int64_t queue;                /* requests that may wait */
    int64_t chunk;                /* tokens of prompts between two steps */
    int64_t connections;          /* open at once */
    int64_t max_tokens;           /* of a reply */
    int64_t max_body, max_bodies; /* bytes of one request, of all together */
    int64_t max_response;         /* bytes of an answer that is no stream */
    int64_t max_media, max_pixels, max_samples;
    int64_t time_limit; /* seconds of a request, waiting included */
    int64_t idle_limit; /* seconds that a client may neither send nor read */
    int64_t grace;      /* seconds that running requests get at the end */
} settings;

/* False: a message was printed, `*exit_status` says how to end. */
bool options_read(settings *out, int argc, char **argv, int *exit_status);

#endif
