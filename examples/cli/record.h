#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include <interns1/inspect.h>

#include <stdbool.h>

/* What an observer saw of one sequence, for NumPy files. */
typedef struct layer_record {
    float *values;
    int32_t *experts; /* routers only */
} layer_record;
typedef struct record {
    size_t n_tokens, n_experts;
    bool wants_layers, wants_routers;
    size_t n_vocab, n_hidden; /* widths, known when the first were seen */
    float *logits;            /* [n_tokens][n_vocab] */
    layer_record *layers;     /* [n_layers][n_tokens][n_hidden] */
    layer_record *routers;    /* one for each layer that has a router, NULL values for others */
    size_t n_layers, n_routers;
} record;

void record_init(record *r, size_t n_tokens, size_t n_experts, bool wants_layers,
                 bool wants_routers);
ins1_status record_add(record *r, const ins1_observation *seen, ins1_error *error);

/* <stem>.logits.npy and so on; after a failure none of them is left. */
ins1_status record_write(const record *r, const char *stem, const ins1_model_info *info,
                         ins1_error *error);
void record_free(record *r);

#endif
