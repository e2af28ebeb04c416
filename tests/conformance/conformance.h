#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include "interns1/sys/backend.h"

#include <stdbool.h>
#include <stddef.h>

/* Holds a backend to sys/backend.h, and speaks to it through nothing else. What operations mean is
 * spelled out here once more, in F64. */

/* What the library would be to the backend: memory that is counted and can run out, tasks that run
 * one after the other and in an odd order, a request to stop. Give its table to the backend's
 * entry. */
typedef struct conformance_host {
    ins1_host_api api;
    long long live;     /* bytes that are out */
    long until_refusal; /* allocations until one is refused; negative: never */
    long until_stop;    /* questions until one is answered with `stop`; negative: never */
    int32_t stop;       /* INS1_E_CANCELED, INS1_E_DEADLINE */
    bool refuses_tasks;
    bool is_in_haste;    /* no more is run than how the backend behaves */
    char said[240];      /* what the backend last told `fail` or `log` */
    const char *mistake; /* what the backend did wrong towards the host; NULL: nothing */
    size_t n_blocks;
} conformance_host;

void conformance_host_init(conformance_host *host);

/* One line of the report: an operation with one combination of types, over all its cases. */
typedef struct conformance_result {
    const char *op;
    const char *types;
    int cases;
    int failures;
    int unsupported; /* cases that `supports` declined */
    double worst;    /* the largest error in terms of its bound */
    double error;    /* that error, and the bound it was held to */
    double bound;
    char text[200]; /* about the first failure */
} conformance_result;

typedef void conformance_report_fn(void *user, const conformance_result *result);

/* `api` was made with the table of `host`. `computes` false: everything but the numbers. Gives the
 * number of failures. */
int conformance_run(const ins1_backend_api *api, conformance_host *host, int32_t device,
                    bool computes, conformance_report_fn *report, void *user);

#endif
