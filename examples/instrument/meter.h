#ifndef INSTRUMENT_METER_H
#define INSTRUMENT_METER_H

#include <interns1/interns1.h>

#include <stddef.h>
#include <stdint.h>

#define METER_SAMPLES   500 /* of a window: ten seconds */
#define METER_RATE_HZ   50.0
#define METER_MOST_TEXT 32

/* A checkpoint that reads a heart rate off a window of samples. Everything it needs is there after
 * meter_open, but for the embeddings of a window, which live as long as its measurement. */
typedef struct meter {
    ins1_runtime *runtime;
    ins1_model *model;
    ins1_tokenizer *tokenizer;
    ins1_timeseries_encoder *encoder;
    ins1_decoder *decoder;
    ins1_session *session;
    ins1_sampler *sampler;
    ins1_prompt *prompt; /* of the question, with a window in it that is replaced */
    ins1_span spans[8];
    size_t n_spans;
    char text[METER_MOST_TEXT]; /* the last answer */
    ins1_error error;
} meter;

/* Handles for a checkpoint in memory, on what the instrument brings. On failure meter_close all the
 * same. */
ins1_status meter_open(meter *m, const ins1_allocator *allocator, const ins1_threading *threading);

/* One answer. With a `cancel` that is requested or after `deadline_ns` from now it ends with
 * INS1_E_CANCELED or INS1_E_DEADLINE, and the next measurement begins anew. `deadline_ns` 0 is
 * none. */
ins1_status meter_measure(meter *m, const float *window, ins1_cancel *cancel, int64_t deadline_ns);

void meter_close(meter *m);

#endif
