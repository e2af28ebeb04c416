#ifndef S1_DECODER_FORWARD_H
#define S1_DECODER_FORWARD_H

#include "decoder/cache.h"
#include "decoder/decoder.h"
#include "interns1/inspect.h"
#include "nn/rope.h"

/* The forward pass: rows in, residual stream and logits out. All memory is sized when it is made.
 */

/* One token of one sequence in a batch. */
typedef struct s1_row {
    int32_t seq, position;
    int32_t token;          /* used when `embedding` is NULL */
    const float *embedding; /* [n_embd], or NULL */
} s1_row;

/* Who wants to see insides; mask 0: nobody. */
typedef struct s1_observer {
    uint32_t mask; /* INS1_OBSERVE_* */
    ins1_observe_fn callback;
    void *user;
} s1_observer;

typedef struct s1_forward_sizes {
    int32_t n_ctx, n_seq, n_batch;
    int32_t kv_dtype; /* INS1_DTYPE_* */
} s1_forward_sizes;

/* Where everything lies in a workspace, in bytes from its start. */
typedef struct s1_layout {
    uint64_t hidden;         /* [n_batch][n_embd], the residual stream */
    uint64_t normed;         /* [n_batch][n_embd] */
    uint64_t qkv;            /* [n_batch][(n_head + 2 n_head_kv) * head_dim] */
    uint64_t attended;       /* [n_batch][n_head * head_dim] */
    uint64_t gate, up;       /* [rows][width] of the widest layer */
    uint64_t expert_out;     /* [n_batch * n_expert_used][n_embd] */
    uint64_t router_logits;  /* [n_batch][n_expert] */
    uint64_t chosen, gates;  /* [n_batch][n_expert_used] I32, F32 */
    uint64_t tokens, rows;   /* [n_batch], [n_batch][2] I32 */
    uint64_t cosines, sines; /* [n_batch][tables][head_dim / 2] */
    uint64_t picks;          /* [S1_HEAD_ROWS] I32 */
    uint64_t picked;         /* [S1_HEAD_ROWS][n_embd] */
    uint64_t logits;         /* [S1_HEAD_ROWS][n_vocab] */
    uint64_t size;
} s1_layout;

/* Rows whose logits are computed at once. */
enum { S1_HEAD_ROWS = 16 };

typedef struct s1_forward {
    const ins1_decoder *decoder; /* borrowed */
    const ins1_allocator *memory;
    s1_forward_sizes sizes;
    s1_lane *lanes; /* owned, [n_homes of the decoder] */
    s1_lane *here;  /* where the residual stream is */
    s1_rope rope;
    s1_cache cache;
    s1_layout at;
    uint8_t *staging; /* owned: tokens, rows, cosines and sines on their way to a device, observed
                         values on their way back, the residual stream between devices */
    size_t staging_size;
    s1_expert_list *experts; /* owned, [n_layer][3], or NULL */
    s1_ops ops;
} s1_forward;

/* The workspace on each device, for plans, and the staging of them all. */
uint64_t s1_workspace_bytes(const s1_decoder_config *config, const s1_forward_sizes *sizes);
uint64_t s1_staging_bytes(const s1_decoder_config *config, const s1_forward_sizes *sizes);

ins1_status s1_forward_init(s1_forward *forward, const ins1_decoder *decoder,
                            const s1_forward_sizes *sizes, const s1_call *call);
void s1_forward_finish(s1_forward *forward);

/* Append layer `index` over `t` rows to `ops`; `here` is where it is. */
void s1_forward_list(s1_forward *forward, int32_t index, int64_t t);

/* [rows][columns] F32 of the workspace there, from byte `at` on. */
ins1_tensor_desc s1_forward_floats(const s1_forward *forward, uint64_t at, int64_t rows,
                                   int64_t columns);

/* At most n_batch rows, each position's pages reserved before. Leaves the residual stream of row i
 * in line i. */
ins1_status s1_forward_run(s1_forward *forward, const s1_row *rows, int32_t n,
                           const s1_observer *observer, const s1_call *call);

/* Of lines `picks` (at most S1_HEAD_ROWS) of the last run: final hidden states after the norm,
 * [n][n_embd], and logits, [n][n_vocab]; each may be NULL. */
ins1_status s1_forward_head(s1_forward *forward, const int32_t *picks, int32_t n, float *hidden,
                            float *logits, const s1_call *call);

#endif
