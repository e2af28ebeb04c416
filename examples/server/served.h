#ifndef SERVER_SERVED_H
#define SERVER_SERVED_H

#include "options.h"
#include "problem.h"

#include <interns1/interns1.h>

#include <pthread.h>

/* The checkpoint that is served, and how it is to be sampled unless a request says otherwise. */
typedef struct served {
    const settings *o;
    const char *name;
    int64_t created; /* seconds since 1970 */
    ins1_runtime *runtime;
    ins1_model *model;
    ins1_model_info info;
    ins1_tokenizer *tokenizer;
    ins1_decoder *decoder;
    ins1_session *session; /* the engine's alone */
    size_t n_ctx, n_slots;
    ins1_sampler_options sampling;
    bool begins_texts;               /* bare texts begin with the begin-of-text id */
    pthread_mutex_t encoding;        /* one thread at a time reads and encodes media */
    ins1_vision_encoder *vision;     /* NULL: the model sees nothing */
    ins1_timeseries_encoder *series; /* NULL: it hears nothing */
} served;

/* `error` says why not; served_close in any case. */
ins1_status served_open(served *s, const settings *o, ins1_error *error);
void served_close(served *s);

#endif
