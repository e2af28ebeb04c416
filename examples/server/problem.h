#ifndef SERVER_PROBLEM_H
#define SERVER_PROBLEM_H

#include <interns1/status.h>

#include <stdbool.h>

/* Why a request is refused, in the words of OpenAI's interface. */
typedef struct problem {
    int http;         /* status of the response; 0: there is no problem */
    const char *code; /* a static string */
    char param[64];   /* the field that is wrong; "" is none */
    char text[400];   /* UTF-8 */
} problem;

/* Record why; always false, so that refusing is one expression. `param` may be NULL. */
bool refuse(problem *p, int http, const char *code, const char *param, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The same of what the library said. */
bool refuse_status(problem *p, const char *param, const ins1_error *error);

/* {"error": {...}}; the caller frees it. NULL when memory runs out. */
char *problem_json(const problem *p);

#endif
