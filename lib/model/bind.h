#ifndef S1_MODEL_BIND_H
#define S1_MODEL_BIND_H

#include "model/weights.h"

/* Finding tensors under their names and comparing them with what the config promises. */

enum {
    S1_MAX_BASE = 100,
    S1_MAX_NAME = 200,
    S1_MISSING_NAMED = 10, /* in the log */
    S1_MISSING_SIZE = 160, /* bytes of a sentence for the first of them */
};

/* One binding under way. The first failure ends it; missing tensors are counted to the end. */
typedef struct s1_binder {
    s1_tally *tally;
    s1_bound *out; /* the decoder's; NULL while another part is bound */
    const s1_config *config;
    s1_checkpoint *checkpoint;
    const s1_host *host; /* whose log is told what is missing */
    ins1_error *error;
    ins1_status status;
    const char *prefix;
    uint64_t n_missing;
    uint64_t n_shown;              /* of them, the first ones, whose names are in `missing` */
    char missing[S1_MISSING_SIZE]; /* whole names */
} s1_binder;

/* One more tensor is missing. The first ten are named in the log, one by one: names are long, and
 * the sentence of an error is short. */
void s1_bind_miss(s1_binder *b, const char *name);

/* The tensor of that name; dtype 0 where there is none, or nothing goes any more. */
s1_tensor s1_bind_get(s1_binder *b, const char *name);

/* The tensor is not what is expected: ends the binding. */
void s1_bind_refuse(s1_binder *b, const char *name, const s1_tensor *found, const char *expected);

/* Sizes of what decides the numbers; of `n_all` equal parts `n_used` work on a token, 0 of 0: all.
 * Of matrices also their type. */
void s1_bind_count(s1_binder *b, const s1_tensor *tensor, uint64_t n_used, uint64_t n_all);
void s1_bind_count_matrix(s1_binder *b, const s1_tensor *weight, uint64_t n_used, uint64_t n_all);

/* The linear layer `name` (without ".weight"), with its scales and its bias. */
void s1_bind_linear_of(s1_binder *b, s1_linear *out, const char *name, int32_t rows,
                       int32_t columns, bool has_bias, int32_t n_used, int32_t n_all);

/* The same called `base` and `name`, working on every token. */
void s1_bind_linear(s1_binder *b, s1_linear *out, const char *base, const char *name, int32_t rows,
                    int32_t columns, bool has_bias);

/* The vector of that name, which must be there. */
s1_tensor s1_bind_vector(s1_binder *b, const char *name, int32_t n);

/* The vector `base` and `name` and ".weight". */
s1_tensor s1_bind_norm(s1_binder *b, const char *base, const char *name, int32_t n);

/* The end of a binding: INS1_E_FORMAT when tensors are missing. */
ins1_status s1_bind_end(s1_binder *b);

/* Is the shape that of the first `rank` numbers? */
bool s1_has_shape(const s1_tensor *tensor, int32_t rank, uint64_t a, uint64_t b, uint64_t c);

/* A float that needs no scales. */
bool s1_is_plain_float(const s1_tensor *tensor);

#endif
