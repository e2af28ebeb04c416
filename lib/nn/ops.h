#ifndef S1_NN_OPS_H
#define S1_NN_OPS_H

#include "backend/backend.h"
#include "interns1/model.h"
#include "nn/linear.h"

/* Layers are lists of operations. A list is built, handed to the front door in one call, and
 * emptied; it has room for the longest layer there is and allocates nothing. */

enum { S1_OPS_MAX = 32, S1_OPS_MAX_DESCS = 160 };

typedef struct s1_ops {
    int32_t precision; /* INS1_PRECISION_*, as s1_product_precision takes it */
    int32_t n, n_descs;
    ins1_op op[S1_OPS_MAX];
    ins1_tensor_desc desc[S1_OPS_MAX_DESCS];
} s1_ops;

/* A tensor placed on a device. */
typedef struct s1_placed {
    s1_buffer buffer;
    ins1_tensor_desc view; /* dtype 0: there is none */
} s1_placed;

typedef struct s1_placed_linear {
    s1_placed weight, scale, bias;
} s1_placed_linear;

/* The matrices of all experts of a layer for one role, as descriptors: first two free places for
 * the activations and the choice, then the weights, then the scales. Owned by whoever runs the
 * layer. */
typedef struct s1_expert_list {
    int32_t n_experts;
    ins1_tensor_desc *in; /* [2 + 2 * n_experts] */
} s1_expert_list;

/* Of a tensor with dtype 0 nothing is placed. `kind` is INS1_MEM_WEIGHTS mostly. */
ins1_status s1_place(s1_placed *out, s1_device *device, const s1_tensor *tensor, ins1_error *error);
void s1_unplace(s1_placed *placed);

/* Weight, scale and bias; what was placed before a failure is the caller's to unplace. */
ins1_status s1_place_linear(s1_placed_linear *out, s1_device *device, const s1_linear *linear,
                            ins1_error *error);
void s1_unplace_linear(s1_placed_linear *placed);

/* How activations enter a product with weights of that type. INT8 is for I8 and for nothing else:
 * the other matrices of such a checkpoint get BF16. */
static inline int32_t s1_product_precision(int32_t dtype, int32_t precision)
{
    return precision == INS1_PRECISION_INT8 && dtype != INS1_DTYPE_I8 ? INS1_PRECISION_BF16
                                                                      : precision;
}

void s1_ops_reset(s1_ops *ops, int32_t precision);

/* Run what was listed and empty the list. */
ins1_status s1_ops_run(s1_ops *ops, s1_stream *stream, const s1_call *call);

/* Empty the list without running it: make room for it, as s1_stream_reserve does. */
ins1_status s1_ops_reserve(s1_ops *ops, s1_stream *stream, ins1_error *error);

/* Empty the list without running it: would the stream find somebody for all of it? */
bool s1_ops_can(s1_ops *ops, const s1_stream *stream);

/* One function an operation; the shapes are those of sys/backend.h. `flags` are INS1_OP_*. */
void s1_ops_matmul(s1_ops *ops, ins1_tensor_desc y, const s1_placed_linear *w, ins1_tensor_desc x,
                   uint32_t flags);
void s1_ops_experts(s1_ops *ops, ins1_tensor_desc y, const s1_expert_list *experts,
                    ins1_tensor_desc x, ins1_tensor_desc ids, int32_t results_per_row);
void s1_ops_rmsnorm(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc x, const s1_placed *weight,
                    float eps);
void s1_ops_rope(s1_ops *ops, ins1_tensor_desc x, ins1_tensor_desc cosines, ins1_tensor_desc sines);
void s1_ops_kv_put(s1_ops *ops, ins1_tensor_desc k_pool, ins1_tensor_desc v_pool,
                   ins1_tensor_desc k, ins1_tensor_desc v, ins1_tensor_desc rows,
                   ins1_tensor_desc pages);
void s1_ops_attention(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc q, ins1_tensor_desc k_pool,
                      ins1_tensor_desc v_pool, ins1_tensor_desc rows, ins1_tensor_desc pages,
                      float scale);
void s1_ops_route(s1_ops *ops, ins1_tensor_desc ids, ins1_tensor_desc gates,
                  ins1_tensor_desc logits, int32_t n_groups, uint32_t flags);
void s1_ops_combine(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc x, ins1_tensor_desc gates);
void s1_ops_act_mul(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc a, ins1_tensor_desc b,
                    int32_t act);
void s1_ops_get_rows(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc table, ins1_tensor_desc ids);
void s1_ops_add(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc a, ins1_tensor_desc b);
void s1_ops_layernorm(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc x, const s1_placed *weight,
                      const s1_placed *bias, float eps);
void s1_ops_act(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc x, int32_t act);
void s1_ops_add_scaled(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc x, const s1_placed *scale);
void s1_ops_self_attention(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc q, ins1_tensor_desc k,
                           ins1_tensor_desc v, float scale, uint32_t flags);
void s1_ops_mean(s1_ops *ops, ins1_tensor_desc y, ins1_tensor_desc x);

#endif
