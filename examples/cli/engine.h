#ifndef CLI_ENGINE_H
#define CLI_ENGINE_H

#include "args.h"

#include <interns1/interns1.h>

/* What a command works with: the handles that its settings and its model ask for. */
typedef struct engine {
    ins1_runtime *runtime;
    ins1_model *model;                     /* NULL until engine_open */
    ins1_model_info info;                  /* of the model */
    ins1_tokenizer *tokenizer;             /* with INS1_PART_TOKENIZER */
    ins1_decoder *decoder;                 /* with INS1_PART_DECODER */
    struct host_pool *pool;                /* with --pool host */
    ins1_placement placements[MAX_LISTED]; /* of --device */
    size_t n_placements;
    int32_t device; /* of the encoders: the first of them, or the CPU */
    int32_t threads;
    ins1_error error; /* of the last call that failed */
    ins1_call call;   /* writes to `error`; every call may use it */
} engine;

/* The runtime with its devices, nothing opened. */
ins1_status engine_start(engine *e, const settings *s);

/* The model and, of `parts`, tokenizer and decoder; 0 opens every part and makes nothing of it.
 * Takes what engine_start began. */
ins1_status engine_open(engine *e, const settings *s, const char *model, uint32_t parts);

/* Tokenizer and decoder of a model that is open. */
ins1_status engine_make(engine *e, const settings *s, uint32_t parts);

/* --ctx counts where it is given, else `n_ctx`. */
ins1_status engine_session(engine *e, const settings *s, size_t n_ctx, size_t n_seq,
                           ins1_session **out);

/* A JSON array of ids under one of the "ins1/" keys; *n 0 when there is none. To be freed. */
ins1_status engine_ids(engine *e, const char *key, int32_t **out, size_t *n);

/* Can a device be lost, other than the CPU? */
bool engine_uses_devices(const engine *e);

/* Say on stderr what the last call says of the device that is lost. */
void engine_say_lost(const engine *e);

/* Then say so, and have the decoder anew, all of it on the CPU, where new encoders go too. Sessions
 * of the old one are released before. */
ins1_status engine_leave_devices(engine *e, const settings *s);

/* INS1_PRECISION_* of the decoder, as --precision says. */
int32_t engine_precision(const settings *s);

/* The same of an encoder, which never has weights in I8: int8 leaves the choice to it. */
int32_t engine_encoder_precision(const settings *s);

void engine_stop(engine *e);

/* Print the sentence of the last failure; gives exit status 1. */
int engine_failed(const engine *e, const command *c);

#endif
