#include "decoder/forward.h"

#include "base/memory.h"
#include "base/meter.h"

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
uint64_t s1_staging_bytes(const s1_decoder_config *c, const s1_forward_sizes *sizes)
{
    uint64_t b = (uint64_t)sizes->n_batch;
    uint64_t in = b * (3 + (uint64_t)rope_tables(c) * (uint64_t)c->head_dim);
    uint64_t out = b * (uint64_t)c->n_embd, router = 2 * b * (uint64_t)c->n_expert_used;
    uint64_t most = in > out ? in : out;
    return (most > router ? most : router) * sizeof(float);
}

uint64_t s1_workspace_bytes(const s1_decoder_config *config, const s1_forward_sizes *sizes)
{
    return layout_of(config, sizes).size;
}

/* --- what comes before the layers and behind them --- */

static void list_embedding(s1_forward *f, int64_t t)
{
    s1_ops_get_rows(&f->ops, s1_forward_floats(f, f->at.hidden, t, f->decoder->config.n_embd),
                    f->decoder->embed.view,
                    s1_view(&f->here->workspace, f->at.tokens, INS1_DTYPE_I32, 1, &t));
}

/* `here` is where the last layer is. */
static void list_head(s1_forward *f, int64_t t, bool with_logits)
{
    const s1_decoder_config *c = &f->decoder->config;
    ins1_tensor_desc picked = s1_forward_floats(f, f->at.picked, t, c->n_embd);

    s1_ops_get_rows(&f->ops, picked,
                    s1_forward_floats(f, f->at.hidden, f->sizes.n_batch, c->n_embd),
                    s1_view(&f->here->workspace, f->at.picks, INS1_DTYPE_I32, 1, &t));
    s1_ops_rmsnorm(&f->ops, picked, picked, &f->decoder->norm, c->norm_eps);
    if (with_logits)
        s1_ops_matmul(&f->ops,
                      s1_forward_floats(f, f->at.logits, t, f->decoder->head.weight.view.dim[0]),
                      &f->decoder->head, picked, 0);
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

static ins1_status open_lanes(s1_forward *forward, ins1_error *error)
{
    const ins1_decoder *decoder = forward->decoder;
    const s1_host *host = s1_runtime_host(decoder->runtime);
    ins1_status status = INS1_OK;

    forward->lanes = s1_alloc_array(forward->memory, (size_t)decoder->n_homes,
                                    sizeof(*forward->lanes), INS1_MEM_OBJECT);
    if (!forward->lanes)
        return s1_out_of_memory(forward->memory,
                                (uint64_t)decoder->n_homes * sizeof(*forward->lanes),
                                "the devices of a session", error);
    for (int32_t i = 0; status == INS1_OK && i < decoder->n_homes; i++) {
        s1_lane *lane = &forward->lanes[i];
        s1_device *device = decoder->homes[i].device;
        status = s1_stream_create(&lane->stream, device, host, error);
        if (status == INS1_OK)
            status = s1_buffer_create(&lane->workspace, device, forward->at.size, INS1_MEM_SCRATCH,
                                      error);
    }
    return status;
}

static void close_lanes(s1_forward *forward)
{
    size_t n = (size_t)forward->decoder->n_homes;
    if (!forward->lanes)
        return;
    for (size_t i = 0; i < n; i++) {
        s1_buffer_destroy(&forward->lanes[i].workspace);
        s1_stream_destroy(forward->lanes[i].stream);
    }
    s1_free(forward->memory, forward->lanes, n * sizeof(*forward->lanes), INS1_MEM_OBJECT);
}

/* Room on every queue for a whole batch and for a token alone, whose products may run together, so
 * that nothing is allocated when they come. */
static ins1_status reserve(s1_forward *f, ins1_error *error)
{
    const int32_t n_layer = f->decoder->config.n_layer;
    const int32_t batches[] = { 1, f->sizes.n_batch };
    const int32_t heads[] = { 1, S1_HEAD_ROWS };
    ins1_status status = INS1_OK;

    s1_ops_reset(&f->ops, f->decoder->precision);
    for (int k = 0; status == INS1_OK && k < 2; k++) {
        f->here = f->lanes;
        list_embedding(f, batches[k]);
        status = s1_ops_reserve(&f->ops, f->here->stream, error);
        for (int32_t i = 0; status == INS1_OK && i < n_layer; i++) {
            f->here = &f->lanes[f->decoder->layers[i].home];
            s1_forward_list(f, i, batches[k]);
            status = s1_ops_reserve(&f->ops, f->here->stream, error);
        }
        if (status == INS1_OK) {
            list_head(f, heads[k], true);
            status = s1_ops_reserve(&f->ops, f->here->stream, error);
        }
    }
    f->here = f->lanes;
    return status;
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
        .staging_size = (size_t)s1_staging_bytes(config, sizes),
    };
    forward->staging = s1_alloc(memory, forward->staging_size, INS1_MEM_SCRATCH);
    if (!forward->staging) {
        status = s1_out_of_memory(memory, forward->staging_size, "staging", error);
        goto done;
    }
    status = open_lanes(forward, error);
    if (status == INS1_OK)
        status = s1_rope_init(&forward->rope, &config->rope, config->head_dim, sizes->n_ctx, memory,
                              error);
    if (status == INS1_OK)
        status = s1_cache_init(&forward->cache, decoder, forward->lanes, sizes->kv_dtype,
                               sizes->n_ctx, sizes->n_seq, error);
    if (status == INS1_OK && s1_decoder_is_moe(config))
        status = list_experts(forward, call);
    if (status == INS1_OK)
        status = reserve(forward, error);

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
    s1_cache_finish(&forward->cache);
    if (forward->rope.memory)
        s1_rope_finish(&forward->rope);
    close_lanes(forward);
    s1_free(forward->memory, forward->staging, forward->staging_size, INS1_MEM_SCRATCH);
    *forward = (s1_forward){ 0 };
}

/* --- what goes in --- */

static ins1_status write(s1_forward *f, uint64_t at, const void *from, size_t n,
                         const s1_call *call)
{
    return s1_stream_write(f->here->stream, &f->here->workspace, at, from, n * sizeof(float), call);
}

static ins1_status read(s1_forward *f, uint64_t at, void *to, size_t n, const s1_call *call)
{
    return s1_stream_read(f->here->stream, &f->here->workspace, at, to, n * sizeof(float), call);
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
    ins1_status status = s1_cache_flush(&f->cache, call);
    if (status == INS1_OK)
        status = write(f, f->at.tokens, tokens, count, call);
    for (int32_t i = 0; status == INS1_OK && i < f->decoder->n_homes; i++) {
        f->here = &f->lanes[i];
        status = write(f, f->at.rows, places, 2 * count, call);
        if (status == INS1_OK)
            status = write(f, f->at.cosines, cosines, count * table, call);
        if (status == INS1_OK)
            status = write(f, f->at.sines, sines, count * table, call);
    }
    f->here = f->lanes;
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

/* The first layer's device is the first in the list. */
static ins1_status embed(s1_forward *f, const s1_row *rows, int32_t n, const s1_call *call)
{
    f->here = f->lanes;
    ins1_status status = write_rows(f, rows, n, call);
    if (status != INS1_OK)
        return status;
    list_embedding(f, n);
    status = s1_ops_run(&f->ops, f->here->stream, call);
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
    ins1_status status = read(f, f->at.hidden, f->staging, (size_t)n * width, call);
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
    ins1_status status = read(f, f->at.chosen, chosen, count, call);
    if (status == INS1_OK)
        status = read(f, f->at.gates, gates, count, call);
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

/* The residual stream goes on where `layer` is. */
static ins1_status go_to(s1_forward *f, int32_t layer, int32_t n, const s1_call *call)
{
    size_t count = (size_t)n * (size_t)f->decoder->config.n_embd;
    s1_lane *there = &f->lanes[f->decoder->layers[layer].home];

    if (there == f->here)
        return INS1_OK;
    ins1_status status = read(f, f->at.hidden, f->staging, count, call);
    f->here = there;
    return status == INS1_OK ? write(f, f->at.hidden, f->staging, count, call) : status;
}

ins1_status s1_forward_run(s1_forward *f, const s1_row *rows, int32_t n,
                           const s1_observer *observer, const s1_call *call)
{
    s1_ops_reset(&f->ops, f->decoder->precision);
    ins1_status status = embed(f, rows, n, call);
    if (status == INS1_OK)
        status = observe_hidden(f, rows, n, 0, observer, call);
    for (int32_t i = 0; status == INS1_OK && i < f->decoder->config.n_layer; i++) {
        status = go_to(f, i, n, call);
        if (status != INS1_OK)
            break;
        s1_forward_list(f, i, n);
        status = s1_ops_run(&f->ops, f->here->stream, call);
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
    f->here = &f->lanes[f->decoder->layers[c->n_layer - 1].home];
    size_t width = (size_t)f->decoder->head.weight.view.dim[0];

    ins1_status status = write(f, f->at.picks, picks, (size_t)n, call);
    if (status != INS1_OK)
        return status;
    s1_ops_reset(&f->ops, f->decoder->precision);
    list_head(f, n, logits != NULL);
    status = s1_ops_run(&f->ops, f->here->stream, call);
    if (status == INS1_OK && hidden)
        status = read(f, f->at.picked, hidden, (size_t)n * (size_t)c->n_embd, call);
    if (status == INS1_OK && logits)
        status = read(f, f->at.logits, logits, (size_t)n * width, call);
    return status;
}
