#ifndef S1_SESSION_CHOOSE_H
#define S1_SESSION_CHOOSE_H

#include <stddef.h>
#include <stdint.h>

/* The arithmetic of sampling, without memory, history or callbacks. Logits have no NaN; infinities
 * are allowed. `allowed` has a bit for each id (id % 32 of word id / 32), at least one of them set;
 * NULL means all. */

typedef struct s1_cuts { /* 0 = off for each of them */
    float temperature, top_p, min_p;
    int32_t top_k;
} s1_cuts;

typedef struct s1_rank {
    float logit;
    int32_t id;
} s1_rank;

/* The highest logit, ties to the lower id. */
int32_t s1_choose_best(const float *logits, size_t n, const uint32_t *allowed);

/* Temperature (not 0), top-k, top-p and min-p, then the first token, from the most probable down,
 * whose running sum of probabilities exceeds `draw` (0 <= draw < 1). top-p keeps the fewest best
 * tokens that reach its share of what top-k left; min-p drops what is less than its share of the
 * best. `ranks` is scratch for n entries. Worst case n log n, usual case n. */
int32_t s1_choose_drawn(const float *logits, size_t n, const uint32_t *allowed, const s1_cuts *cuts,
                        double draw, s1_rank *ranks);

/* log-softmax of logits[id] among all n. */
float s1_log_softmax(const float *logits, size_t n, int32_t id);

/* Upper 53 bits of output number `index` (from 1) of SplitMix64 for `seed`, over 2^53. */
double s1_draw(uint64_t seed, uint64_t index);

#endif
