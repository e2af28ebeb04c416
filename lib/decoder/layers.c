#include "decoder/forward.h"

#include <math.h>

/* A layer as a list of operations on the device where it is. */

/* --- views of the workspace --- */

static ins1_tensor_desc matrix(const s1_forward *f, uint64_t at, int32_t dtype, int64_t rows,
                               int64_t columns)
{
    const int64_t dim[] = { rows, columns };
    return s1_view(&f->here->workspace, at, dtype, 2, dim);
}

ins1_tensor_desc s1_forward_floats(const s1_forward *f, uint64_t at, int64_t rows, int64_t columns)
{
    return matrix(f, at, INS1_DTYPE_F32, rows, columns);
}

static ins1_tensor_desc with_strides(ins1_tensor_desc view, const int64_t *stride)
{
    int64_t last = 0;
    bool is_empty = false;
    for (int32_t i = 0; i < view.ndim; i++) {
        view.stride[i] = stride[i];
        last += (view.dim[i] - 1) * stride[i];
        is_empty |= view.dim[i] == 0;
    }
    view.bytes = is_empty ? 0 : (uint64_t)(last + 1) * sizeof(float);
    return view;
}

/* Queries, keys and values of a row lie side by side: all queries, all keys, all values, or, where
 * one matrix made them, group by group. */
typedef struct heads {
    ins1_tensor_desc q, k, v;                     /* [t][n_head_kv][heads of a group][head_dim] */
    ins1_tensor_desc q_flat, k_flat, v_flat, all; /* what the products write */
} heads;

static ins1_tensor_desc head_view(const s1_forward *f, int64_t at, int64_t t, int64_t per_group,
                                  int64_t group_stride)
{
    const s1_decoder_config *c = &f->decoder->config;
    int64_t width = (c->n_head + 2 * c->n_head_kv) * (int64_t)c->head_dim;
    const int64_t dim[] = { t, c->n_head_kv, per_group, c->head_dim };
    const int64_t stride[] = { width, group_stride, c->head_dim, 1 };
    uint64_t offset = f->at.qkv + (uint64_t)at * sizeof(float);
    return with_strides(s1_view(&f->here->workspace, offset, INS1_DTYPE_F32, 4, dim), stride);
}

static ins1_tensor_desc flat_view(const s1_forward *f, int64_t at, int64_t t, int64_t columns)
{
    const s1_decoder_config *c = &f->decoder->config;
    const int64_t stride[] = { (c->n_head + 2 * c->n_head_kv) * (int64_t)c->head_dim, 1 };
    return with_strides(s1_forward_floats(f, f->at.qkv + (uint64_t)at * sizeof(float), t, columns),
                        stride);
}

static heads heads_of(const s1_forward *f, int64_t t, bool is_fused)
{
    const s1_decoder_config *c = &f->decoder->config;
    int64_t d = c->head_dim, per_group = c->n_head / c->n_head_kv;
    int64_t n_q = c->n_head * d, n_kv = c->n_head_kv * d;

    if (is_fused) {
        int64_t group = (per_group + 2) * d;
        return (heads){
            .q = head_view(f, 0, t, per_group, group),
            .k = head_view(f, per_group * d, t, 1, group),
            .v = head_view(f, (per_group + 1) * d, t, 1, group),
            .all = flat_view(f, 0, t, n_q + 2 * n_kv),
        };
    }
    return (heads){
        .q = head_view(f, 0, t, per_group, per_group * d),
        .k = head_view(f, n_q, t, 1, d),
        .v = head_view(f, n_q + n_kv, t, 1, d),
        .q_flat = flat_view(f, 0, t, n_q),
        .k_flat = flat_view(f, n_q, t, n_kv),
        .v_flat = flat_view(f, n_q + n_kv, t, n_kv),
    };
}

/* --- layers --- */

static void list_attention(s1_forward *f, int32_t index, int64_t t)
{
    const s1_decoder_config *c = &f->decoder->config;
    const s1_layer *layer = &f->decoder->layers[index];
    bool is_fused = layer->qkv.weight.view.dtype != 0;
    heads h = heads_of(f, t, is_fused);
    ins1_tensor_desc hidden = s1_forward_floats(f, f->at.hidden, t, c->n_embd);
    ins1_tensor_desc normed = s1_forward_floats(f, f->at.normed, t, c->n_embd);
    ins1_tensor_desc rows = matrix(f, f->at.rows, INS1_DTYPE_I32, t, 2);
    ins1_tensor_desc pages = s1_cache_table(&f->cache, f->here);
    const int64_t table_dim[] = { t, f->rope.n_heads, f->rope.half };
    ins1_tensor_desc cosines =
        s1_view(&f->here->workspace, f->at.cosines, INS1_DTYPE_F32, 3, table_dim);
    ins1_tensor_desc sines =
        s1_view(&f->here->workspace, f->at.sines, INS1_DTYPE_F32, 3, table_dim);
    const int64_t out_dim[] = { t, c->n_head_kv, c->n_head / c->n_head_kv, c->head_dim };
    ins1_tensor_desc attended =
        s1_view(&f->here->workspace, f->at.attended, INS1_DTYPE_F32, 4, out_dim);
    s1_ops *ops = &f->ops;

    s1_ops_rmsnorm(ops, normed, hidden, &layer->attention_norm, c->norm_eps);
    if (is_fused) {
        s1_ops_matmul(ops, h.all, &layer->qkv, normed, 0);
    } else {
        s1_ops_matmul(ops, h.q_flat, &layer->q, normed, 0);
        s1_ops_matmul(ops, h.k_flat, &layer->k, normed, 0);
        s1_ops_matmul(ops, h.v_flat, &layer->v, normed, 0);
    }
    if (layer->q_norm.view.dtype) {
        s1_ops_rmsnorm(ops, h.q, h.q, &layer->q_norm, c->norm_eps);
        s1_ops_rmsnorm(ops, h.k, h.k, &layer->k_norm, c->norm_eps);
    }
    s1_ops_rope(ops, h.q, cosines, sines);
    s1_ops_rope(ops, h.k, cosines, sines);
    s1_ops_kv_put(ops, s1_cache_keys(&f->cache, index), s1_cache_values(&f->cache, index), h.k, h.v,
                  rows, pages);
    s1_ops_attention(ops, attended, h.q, s1_cache_keys(&f->cache, index),
                     s1_cache_values(&f->cache, index), rows, pages,
                     (float)(1 / sqrt((double)c->head_dim)));
    s1_ops_matmul(ops, hidden, &layer->o,
                  s1_forward_floats(f, f->at.attended, t, (int64_t)c->n_head * c->head_dim),
                  INS1_OP_ACCUMULATE);
}

static void list_dense(s1_forward *f, const s1_layer *layer, int64_t t)
{
    const s1_decoder_config *c = &f->decoder->config;
    ins1_tensor_desc hidden = s1_forward_floats(f, f->at.hidden, t, c->n_embd);
    ins1_tensor_desc normed = s1_forward_floats(f, f->at.normed, t, c->n_embd);
    ins1_tensor_desc gate = s1_forward_floats(f, f->at.gate, t, c->n_ff);
    ins1_tensor_desc up = s1_forward_floats(f, f->at.up, t, c->n_ff);

    s1_ops_matmul(&f->ops, gate, &layer->gate, normed, 0);
    s1_ops_matmul(&f->ops, up, &layer->up, normed, 0);
    s1_ops_act_mul(&f->ops, gate, gate, up, INS1_ACT_SILU);
    s1_ops_matmul(&f->ops, hidden, &layer->down, gate, INS1_OP_ACCUMULATE);
}

static void list_experts_ops(s1_forward *f, int32_t index, int64_t t)
{
    const s1_decoder_config *c = &f->decoder->config;
    const s1_layer *layer = &f->decoder->layers[index];
    const s1_expert_list *lists = &f->experts[3 * index];
    int32_t k = c->n_expert_used;
    ins1_tensor_desc hidden = s1_forward_floats(f, f->at.hidden, t, c->n_embd);
    ins1_tensor_desc normed = s1_forward_floats(f, f->at.normed, t, c->n_embd);
    ins1_tensor_desc logits = s1_forward_floats(f, f->at.router_logits, t, c->n_expert);
    ins1_tensor_desc chosen = matrix(f, f->at.chosen, INS1_DTYPE_I32, t, k);
    ins1_tensor_desc gates = s1_forward_floats(f, f->at.gates, t, k);
    const int64_t n_pairs = t * k;
    ins1_tensor_desc pairs =
        s1_view(&f->here->workspace, f->at.chosen, INS1_DTYPE_I32, 1, &n_pairs);
    ins1_tensor_desc gate = s1_forward_floats(f, f->at.gate, n_pairs, c->n_ff_exp);
    ins1_tensor_desc up = s1_forward_floats(f, f->at.up, n_pairs, c->n_ff_exp);
    ins1_tensor_desc out = s1_forward_floats(f, f->at.expert_out, n_pairs, c->n_embd);
    s1_ops *ops = &f->ops;

    s1_ops_matmul(ops, logits, &layer->router, normed, 0);
    ops->op[ops->n - 1].i[0] = INS1_PRECISION_F32; /* the choice of experts is never rounded */
    s1_ops_route(ops, chosen, gates, logits, c->n_groups,
                 c->normalize_gates ? INS1_OP_NORMALIZE : 0);
    s1_ops_experts(ops, gate, &lists[0], normed, pairs, k);
    s1_ops_experts(ops, up, &lists[1], normed, pairs, k);
    s1_ops_act_mul(ops, gate, gate, up, INS1_ACT_SILU);
    s1_ops_experts(ops, out, &lists[2], gate, pairs, 1);
    s1_ops_combine(ops, hidden, out, gates);
}

void s1_forward_list(s1_forward *f, int32_t index, int64_t t)
{
    const s1_decoder_config *c = &f->decoder->config;
    const s1_layer *layer = &f->decoder->layers[index];

    list_attention(f, index, t);
    s1_ops_rmsnorm(&f->ops, s1_forward_floats(f, f->at.normed, t, c->n_embd),
                   s1_forward_floats(f, f->at.hidden, t, c->n_embd), &layer->ffn_norm, c->norm_eps);
    if (layer->experts)
        list_experts_ops(f, index, t);
    else
        list_dense(f, layer, t);
}
