#ifndef S1_NN_ROPE_H
#define S1_NN_ROPE_H

#include "base/error.h"
#include "interns1/runtime.h"
#include "tensor/tensor.h"

#include <stdbool.h>

/* Tables of cosines and sines for INS1_OP_ROPE: plain, linear, dynamic NTK, YaRN and FoPE. */

typedef enum s1_rope_kind {
    S1_ROPE_PLAIN,
    S1_ROPE_LINEAR,  /* positions divided by factor */
    S1_ROPE_DYNAMIC, /* NTK base from the context length of the session */
    S1_ROPE_YARN,
} s1_rope_kind;

typedef struct s1_rope_config {
    s1_rope_kind kind;
    double theta;
    double factor;
    int32_t max_position;      /* max_position_embeddings */
    int32_t original_position; /* yarn: original_max_position_embeddings, or max_position */
    double beta_fast, beta_slow, attention_factor; /* yarn; attention_factor 0: from factor */
    bool truncate;                                 /* yarn: bounds are rounded to whole pairs */
    /* FoPE: [n_head_kv][F][F] or [F][F] float, or dtype 0. Axes: head, input, output frequency. */
    s1_tensor fope_cos, fope_sin;
} s1_rope_config;

typedef struct s1_rope {
    int32_t half;               /* pairs of a head */
    int32_t n_heads;            /* tables per position: 1, or one for each KV head */
    int32_t n_fope;             /* input and output frequencies of FoPE; 0 without it */
    float scale;                /* of both tables: YaRN's attention factor, else 1 */
    float *inverse_frequency;   /* owned, [half] */
    float *fope_cos, *fope_sin; /* owned, [n_heads][n_fope][n_fope], or NULL */
    float *turn;                /* owned, [2][n_fope]: cosines and sines of one position */
    const ins1_allocator *memory;
} s1_rope;

/* `n_ctx` fixes the base of dynamic NTK. INS1_E_MEMORY. */
ins1_status s1_rope_init(s1_rope *rope, const s1_rope_config *config, int32_t head_dim,
                         int32_t n_ctx, const ins1_allocator *memory, ins1_error *error);
void s1_rope_finish(s1_rope *rope);

/* The tables of one position, [n_heads][half] each. */
void s1_rope_table(s1_rope *rope, int32_t position, float *cosines, float *sines);

#endif
