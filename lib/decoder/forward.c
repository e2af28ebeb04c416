#include "decoder/forward.h"

#include "base/memory.h"
#include "base/meter.h"

#include <math.h>
#include <string.h>

enum { ALIGN = 64 };

/* --- sizes --- */

static int32_t rope_tables(const s1_decoder_config *config)
{
    return config->rope.fope_cos.rank == 3 ? config->n_head_kv : 1;
}

static uint64_t take(uint64_t *size, uint64_t count)
{
    uint64_t at = *size;
    *size += (count * sizeof(float) + ALIGN - 1) / ALIGN * ALIGN;
    return at;
}

static s1_layout layout_of(const s1_decoder_config *c, const s1_forward_sizes *sizes)
{
    uint64_t b = (uint64_t)sizes->n_batch, k = (uint64_t)c->n_expert_used;
    uint64_t wide = b * (uint64_t)c->n_ff, wide_experts = b * k * (uint64_t)c->n_ff_exp;
    uint64_t heads = (uint64_t)c->n_head, groups = (uint64_t)c->n_head_kv;
    uint64_t head_dim = (uint64_t)c->head_dim, n_embd = (uint64_t)c->n_embd;
    uint64_t table = b * (uint64_t)rope_tables(c) * head_dim / 2;
    s1_layout at = { 0 };

    if (wide < wide_experts)
        wide = wide_experts;
    at.hidden = take(&at.size, b * n_embd);
    at.normed = take(&at.size, b * n_embd);
    at.qkv = take(&at.size, b * (heads + 2 * groups) * head_dim);
    at.attended = take(&at.size, b * heads * head_dim);
    at.gate = take(&at.size, wide);
    at.up = take(&at.size, wide);
    at.expert_out = take(&at.size, b * k * n_embd);
    at.router_logits = take(&at.size, b * (uint64_t)c->n_expert);
    at.chosen = take(&at.size, b * k);
    at.gates = take(&at.size, b * k);
    at.tokens = take(&at.size, b);
    at.rows = take(&at.size, b * 2);
    at.cosines = take(&at.size, table);
    at.sines = take(&at.size, table);
    at.picks = take(&at.size, S1_HEAD_ROWS);
    at.picked = take(&at.size, (uint64_t)S1_HEAD_ROWS * n_embd);
    at.logits = take(&at.size, (uint64_t)S1_HEAD_ROWS * (uint64_t)c->n_vocab);
    return at;
}

/* Tokens, rows and tables go in together; hidden states or the router's choice come out. */
static uint64_t staging_bytes(const s1_decoder_config *c, const s1_forward_sizes *sizes)
{
    uint64_t b = (uint64_t)sizes->n_batch;
    uint64_t in = b * (3 + (uint64_t)rope_tables(c) * (uint64_t)c->head_dim);
    uint64_t out = b * (uint64_t)c->n_embd, router = 2 * b * (uint64_t)c->n_expert_used;
    uint64_t most = in > out ? in : out;
    return (most > router ? most : router) * sizeof(float);
}

uint64_t s1_forward_bytes(const s1_decoder_config *config, const s1_forward_sizes *sizes)
{
    return layout_of(config, sizes).size + staging_bytes(config, sizes);
}

/* --- life --- */

static size_t experts_size(const s1_decoder_config *config)
{
    return (2 + 2 * (size_t)config->n_expert) * sizeof(ins1_tensor_desc);
}

static size_t n_expert_lists(const s1_forward *forward)
{
    return 3 * (size_t)forward->decoder->config.n_layer;
}

static ins1_status list_experts(s1_forward *forward, const s1_call *call)
{
    const ins1_decoder *decoder = forward->decoder;
    size_t n = (size_t)decoder->config.n_expert;

    forward->experts = s1_alloc_array(forward->memory, n_expert_lists(forward),
                                      sizeof(*forward->experts), INS1_MEM_OBJECT);
    if (!forward->experts)
        return s1_out_of_memory(forward->memory, n_expert_lists(forward), "lists of experts",
                                call->error);
    for (size_t i = 0; i < n_expert_lists(forward); i++) {
        const s1_placed_linear *experts = decoder->layers[i / 3].experts;
        s1_expert_list *list = &forward->experts[i];
        if (!experts)
            continue;
        list->n_experts = (int32_t)n;
        list->in = s1_alloc(forward->memory, experts_size(&decoder->config), INS1_MEM_OBJECT);
        if (!list->in)
            return s1_out_of_memory(forward->memory, experts_size(&decoder->config),
                                    "a list of experts", call->error);
        for (size_t e = 0; e < n; e++) {
            list->in[2 + e] = experts[i % 3 * n + e].weight.view;
            list->in[2 + n + e] = experts[i % 3 * n + e].scale.view;
        }
    }
    return INS1_OK;
}

ins1_status s1_forward_init(s1_forward *forward, const ins1_decoder *decoder,
                            const s1_forward_sizes *sizes, const s1_call *call)
{
    const s1_decoder_config *config = &decoder->config;
    const ins1_allocator *memory = decoder->memory;
    ins1_error *error = call->error;
    ins1_status status;

    *forward = (s1_forward){
        .decoder = decoder,
        .memory = memory,
        .sizes = *sizes,
        .at = layout_of(config, sizes),
        .staging_size = (size_t)staging_bytes(config, sizes),
    };
    forward->staging = s1_alloc(memory, forward->staging_size, INS1_MEM_SCRATCH);
    if (!forward->staging) {
        status = s1_out_of_memory(memory, forward->staging_size, "staging", error);
        goto done;
    }
    status = s1_stream_create(&forward->stream, decoder->device, s1_runtime_host(decoder->runtime),
                              error);
    if (status == INS1_OK)
        status = s1_rope_init(&forward->rope, &config->rope, config->head_dim, sizes->n_ctx, memory,
                              error);
    if (status == INS1_OK)
        status = s1_cache_init(&forward->cache, decoder->device, memory, config, sizes->kv_dtype,
                               sizes->n_ctx, sizes->n_seq, error);
    if (status == INS1_OK)
        status = s1_buffer_create(&forward->workspace, decoder->device, forward->at.size,
                                  INS1_MEM_SCRATCH, error);
    if (status == INS1_OK && s1_decoder_is_moe(config))
        status = list_experts(forward, call);

done:
    if (status != INS1_OK)
        s1_forward_finish(forward);
    return status;
}

void s1_forward_finish(s1_forward *forward)
{
    if (!forward->decoder)
        return;
    if (forward->experts) {
        size_t size = experts_size(&forward->decoder->config);
        for (size_t i = 0; i < n_expert_lists(forward); i++)
            s1_free(forward->memory, forward->experts[i].in, size, INS1_MEM_OBJECT);
        s1_free(forward->memory, forward->experts,
                n_expert_lists(forward) * sizeof(*forward->experts), INS1_MEM_OBJECT);
    }
    s1_buffer_destroy(&forward->workspace);
    s1_cache_finish(&forward->cache);
    if (forward->rope.memory)
        s1_rope_finish(&forward->rope);
    s1_stream_destroy(forward->stream);
    s1_free(forward->memory, forward->staging, forward->staging_size, INS1_MEM_SCRATCH);
    *forward = (s1_forward){ 0 };
}

/* --- views of the workspace --- */

static ins1_tensor_desc matrix(const s1_forward *f, uint64_t at, int32_t dtype, int64_t rows,
                               int64_t columns)
{
    const int64_t dim[] = { rows, columns };
    return s1_view(&f->workspace, at, dtype, 2, dim);
}

static ins1_tensor_desc floats(const s1_forward *f, uint64_t at, int64_t rows, int64_t columns)
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
    return with_strides(s1_view(&f->workspace, offset, INS1_DTYPE_F32, 4, dim), stride);
}

static ins1_tensor_desc flat_view(const s1_forward *f, int64_t at, int64_t t, int64_t columns)
{
    const s1_decoder_config *c = &f->decoder->config;
    const int64_t stride[] = { (c->n_head + 2 * c->n_head_kv) * (int64_t)c->head_dim, 1 };
    return with_strides(floats(f, f->at.qkv + (uint64_t)at * sizeof(float), t, columns), stride);
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
    ins1_tensor_desc hidden = floats(f, f->at.hidden, t, c->n_embd);
    ins1_tensor_desc normed = floats(f, f->at.normed, t, c->n_embd);
    ins1_tensor_desc rows = matrix(f, f->at.rows, INS1_DTYPE_I32, t, 2);
    ins1_tensor_desc pages = s1_cache_table(&f->cache);
    const int64_t table_dim[] = { t, f->rope.n_heads, f->rope.half };
    ins1_tensor_desc cosines = s1_view(&f->workspace, f->at.cosines, INS1_DTYPE_F32, 3, table_dim);
    ins1_tensor_desc sines = s1_view(&f->workspace, f->at.sines, INS1_DTYPE_F32, 3, table_dim);
    const int64_t out_dim[] = { t, c->n_head_kv, c->n_head / c->n_head_kv, c->head_dim };
    ins1_tensor_desc attended = s1_view(&f->workspace, f->at.attended, INS1_DTYPE_F32, 4, out_dim);
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
                  floats(f, f->at.attended, t, (int64_t)c->n_head * c->head_dim),
                  INS1_OP_ACCUMULATE);
}

static void list_dense(s1_forward *f, const s1_layer *layer, int64_t t)
{
    const s1_decoder_config *c = &f->decoder->config;
    ins1_tensor_desc hidden = floats(f, f->at.hidden, t, c->n_embd);
    ins1_tensor_desc normed = floats(f, f->at.normed, t, c->n_embd);
    ins1_tensor_desc gate = floats(f, f->at.gate, t, c->n_ff);
    ins1_tensor_desc up = floats(f, f->at.up, t, c->n_ff);

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
    ins1_tensor_desc hidden = floats(f, f->at.hidden, t, c->n_embd);
    ins1_tensor_desc normed = floats(f, f->at.normed, t, c->n_embd);
    ins1_tensor_desc logits = floats(f, f->at.router_logits, t, c->n_expert);
    ins1_tensor_desc chosen = matrix(f, f->at.chosen, INS1_DTYPE_I32, t, k);
    ins1_tensor_desc gates = floats(f, f->at.gates, t, k);
    const int64_t n_pairs = t * k;
    ins1_tensor_desc pairs = s1_view(&f->workspace, f->at.chosen, INS1_DTYPE_I32, 1, &n_pairs);
    ins1_tensor_desc gate = floats(f, f->at.gate, n_pairs, c->n_ff_exp);
    ins1_tensor_desc up = floats(f, f->at.up, n_pairs, c->n_ff_exp);
    ins1_tensor_desc out = floats(f, f->at.expert_out, n_pairs, c->n_embd);
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

static void list_layer(s1_forward *f, int32_t index, int64_t t)
{
    const s1_decoder_config *c = &f->decoder->config;
    const s1_layer *layer = &f->decoder->layers[index];

    list_attention(f, index, t);
    s1_ops_rmsnorm(&f->ops, floats(f, f->at.normed, t, c->n_embd),
                   floats(f, f->at.hidden, t, c->n_embd), &layer->ffn_norm, c->norm_eps);
    if (layer->experts)
        list_experts_ops(f, index, t);
    else
        list_dense(f, layer, t);
}

/* --- what goes in --- */

static ins1_status write(s1_forward *f, uint64_t at, const void *from, size_t n,
                         const s1_call *call)
{
    return s1_stream_write(f->stream, &f->workspace, at, from, n * sizeof(float), call);
}

static ins1_status write_rows(s1_forward *f, const s1_row *rows, int32_t n, const s1_call *call)
{
    size_t count = (size_t)n;
    size_t table = (size_t)f->rope.n_heads * (size_t)f->rope.half;
    int32_t *tokens = (int32_t *)(void *)f->staging;
    int32_t *places = tokens + count;
    float *cosines = (float *)(void *)(places + 2 * count);
    float *sines = cosines + count * table;

    for (size_t i = 0; i < count; i++) {
        tokens[i] = rows[i].embedding ? 0 : rows[i].token;
        places[2 * i] = rows[i].seq;
        places[2 * i + 1] = rows[i].position;
        s1_rope_table(&f->rope, rows[i].position, cosines + i * table, sines + i * table);
    }
    ins1_status status = s1_cache_flush(&f->cache, f->stream, call);
    if (status == INS1_OK)
        status = write(f, f->at.tokens, tokens, count, call);
    if (status == INS1_OK)
        status = write(f, f->at.rows, places, 2 * count, call);
    if (status == INS1_OK)
        status = write(f, f->at.cosines, cosines, count * table, call);
    if (status == INS1_OK)
        status = write(f, f->at.sines, sines, count * table, call);
    return status;
}

static ins1_status write_embeddings(s1_forward *f, const s1_row *rows, int32_t n,
                                    const s1_call *call)
{
    size_t width = (size_t)f->decoder->config.n_embd;
    for (int32_t i = 0; i < n; i++) {
        if (!rows[i].embedding)
            continue;
        uint64_t at = f->at.hidden + (uint64_t)i * width * sizeof(float);
        ins1_status status = write(f, at, rows[i].embedding, width, call);
        if (status != INS1_OK)
            return status;
    }
    return INS1_OK;
}

static ins1_status embed(s1_forward *f, const s1_row *rows, int32_t n, const s1_call *call)
{
    const int64_t t = n;
    ins1_status status = write_rows(f, rows, n, call);
    if (status != INS1_OK)
        return status;
    s1_ops_get_rows(&f->ops, floats(f, f->at.hidden, n, f->decoder->config.n_embd),
                    f->decoder->embed.view,
                    s1_view(&f->workspace, f->at.tokens, INS1_DTYPE_I32, 1, &t));
    status = s1_ops_run(&f->ops, f->stream, call);
    if (status == INS1_OK)
        status = write_embeddings(f, rows, n, call);
    return status;
}

/* --- what is observed --- */

/* One observation for each stretch of rows that follow each other in one sequence. */
static ins1_status report(const s1_row *rows, int32_t n, const s1_observer *observer,
                          ins1_observation seen, const s1_call *call)
{
    const float *values = seen.values;
    const int32_t *experts = seen.experts;
    for (int32_t begin = 0, end; begin < n; begin = end) {
        for (end = begin + 1; end < n && rows[end].seq == rows[begin].seq; end++)
            ;
        seen.seq = rows[begin].seq;
        seen.first = (size_t)rows[begin].position;
        seen.n_tokens = (size_t)(end - begin);
        seen.values = values + (size_t)begin * seen.width;
        seen.experts = experts ? experts + (size_t)begin * seen.width : NULL;
        int32_t answer = observer->callback(observer->user, &seen);
        if (answer)
            return s1_fail(call->error, INS1_E_CALLBACK, "the observer answered %d", answer);
    }
    return INS1_OK;
}

static ins1_status observe_hidden(s1_forward *f, const s1_row *rows, int32_t n, int32_t layer,
                                  const s1_observer *observer, const s1_call *call)
{
    size_t width = (size_t)f->decoder->config.n_embd;
    if (!(observer->mask & INS1_OBSERVE_HIDDEN))
        return INS1_OK;
    ins1_status status = s1_stream_read(f->stream, &f->workspace, f->at.hidden, f->staging,
                                        (size_t)n * width * sizeof(float), call);
    if (status != INS1_OK)
        return status;
    const ins1_observation seen = {
        .struct_size = sizeof(seen),
        .what = INS1_OBSERVE_HIDDEN,
        .layer = layer,
        .width = width,
        .values = (const float *)(const void *)f->staging,
    };
    return report(rows, n, observer, seen, call);
}

static ins1_status observe_router(s1_forward *f, const s1_row *rows, int32_t n, int32_t layer,
                                  const s1_observer *observer, const s1_call *call)
{
    size_t width = (size_t)f->decoder->config.n_expert_used, count = (size_t)n * width;
    if (!(observer->mask & INS1_OBSERVE_ROUTER) || !f->decoder->layers[layer].experts)
        return INS1_OK;
    int32_t *chosen = (int32_t *)(void *)f->staging;
    float *gates = (float *)(void *)(chosen + count);
    ins1_status status = s1_stream_read(f->stream, &f->workspace, f->at.chosen, chosen,
                                        count * sizeof(*chosen), call);
    if (status == INS1_OK)
        status = s1_stream_read(f->stream, &f->workspace, f->at.gates, gates,
                                count * sizeof(*gates), call);
    if (status != INS1_OK)
        return status;
    const ins1_observation seen = {
        .struct_size = sizeof(seen),
        .what = INS1_OBSERVE_ROUTER,
        .layer = layer,
        .width = width,
        .values = gates,
        .experts = chosen,
    };
    return report(rows, n, observer, seen, call);
}

/* --- the pass --- */

ins1_status s1_forward_run(s1_forward *f, const s1_row *rows, int32_t n,
                           const s1_observer *observer, const s1_call *call)
{
    s1_ops_reset(&f->ops, f->decoder->precision);
    ins1_status status = embed(f, rows, n, call);
    if (status == INS1_OK)
        status = observe_hidden(f, rows, n, 0, observer, call);
    for (int32_t i = 0; status == INS1_OK && i < f->decoder->config.n_layer; i++) {
        list_layer(f, i, n);
        status = s1_ops_run(&f->ops, f->stream, call);
        if (status == INS1_OK)
            status = observe_hidden(f, rows, n, i + 1, observer, call);
        if (status == INS1_OK)
            status = observe_router(f, rows, n, i, observer, call);
    }
    return status;
}

ins1_status s1_forward_head(s1_forward *f, const int32_t *picks, int32_t n, float *hidden,
                            float *logits, const s1_call *call)
{
    const s1_decoder_config *c = &f->decoder->config;
    const int64_t t = n;
    ins1_tensor_desc picked = floats(f, f->at.picked, n, c->n_embd);
    size_t width = (size_t)f->decoder->head.weight.view.dim[0];

    ins1_status status = write(f, f->at.picks, picks, (size_t)n, call);
    if (status != INS1_OK)
        return status;
    s1_ops_reset(&f->ops, f->decoder->precision);
    s1_ops_get_rows(&f->ops, picked, floats(f, f->at.hidden, f->sizes.n_batch, c->n_embd),
                    s1_view(&f->workspace, f->at.picks, INS1_DTYPE_I32, 1, &t));
    s1_ops_rmsnorm(&f->ops, picked, picked, &f->decoder->norm, c->norm_eps);
    if (logits)
        s1_ops_matmul(&f->ops, floats(f, f->at.logits, n, (int64_t)width), &f->decoder->head,
                      picked, 0);
    status = s1_ops_run(&f->ops, f->stream, call);
    if (status == INS1_OK && hidden)
        status = s1_stream_read(f->stream, &f->workspace, f->at.picked, hidden,
                                (size_t)n * (size_t)c->n_embd * sizeof(float), call);
    if (status == INS1_OK && logits)
        status = s1_stream_read(f->stream, &f->workspace, f->at.logits, logits,
                                (size_t)n * width * sizeof(float), call);
    return status;
}
