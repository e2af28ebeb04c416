/* Rows through a tower: embedding, layers, projector or merger. Where rows do not see each other,
 * they are worked on a chunk at a time, so that the workspace stays small; no bit depends on it. */

#include "vision/pass.h"

#include <math.h>
#include <string.h>

/* --- views --- */

ins1_tensor_desc s1_pass_matrix(const s1_tower *t, uint64_t at, int32_t dtype, int64_t rows,
                                int64_t columns)
{
    const int64_t dim[] = { rows, columns };
    return s1_view(&t->workspace, at, dtype, 2, dim);
}

ins1_tensor_desc s1_pass_rows(const s1_tower *t, uint64_t at, int64_t first, int64_t rows,
                              int64_t columns)
{
    uint64_t skip = (uint64_t)first * (uint64_t)columns * sizeof(float);
    return s1_pass_matrix(t, at + skip, INS1_DTYPE_F32, rows, columns);
}

/* Columns `which` * width and on of [rows][3 * width], seen along other axes. */
static ins1_tensor_desc part(const s1_tower *t, int64_t first, int32_t which, int32_t ndim,
                             const int64_t *dim, const int64_t *stride)
{
    const int64_t width = t->config->width;
    const uint64_t at = (uint64_t)(first * 3 * width + which * width) * sizeof(float);
    ins1_tensor_desc view = s1_view(&t->workspace, t->at.qkv + at, INS1_DTYPE_F32, ndim, dim);
    int64_t last = 0;

    for (int32_t i = 0; i < ndim; i++) {
        view.stride[i] = stride[i];
        last += (dim[i] - 1) * stride[i];
    }
    view.bytes = (uint64_t)(last + 1) * sizeof(float);
    return view;
}

static ins1_tensor_desc flat_part(const s1_tower *t, int64_t first, int64_t rows, int32_t which)
{
    const int64_t dim[] = { rows, t->config->width },
                  stride[] = { 3 * (int64_t)t->config->width, 1 };
    return part(t, first, which, 2, dim, stride);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t all_rows(const s1_pass *pass)
{
    return pass->n_units * pass->n_rows;
}

/* Run what was listed; or, of a tower that only asks, see whether the device could. */
static ins1_status run_listed(s1_tower *t, const s1_call *call)
{
    if (!t->asks)
        return s1_ops_run(&t->ops, t->stream, call);
    return s1_ops_can(&t->ops, t->stream) ? INS1_OK : INS1_E_UNSUPPORTED;
}

/* --- what goes in --- */

static ins1_status write_floats(s1_tower *t, uint64_t at, int64_t skip, const float *from,
                                int64_t n, const s1_call *call)
{
    return s1_stream_write(t->stream, &t->workspace, at + (uint64_t)skip * sizeof(float), from,
                           (uint64_t)n * sizeof(float), call);
}

/* What every unit begins with, made once for a grid. */
static ins1_status write_table(s1_tower *t, const s1_pass *pass, const s1_call *call)
{
    const int64_t width = t->config->width;
    float *rows = (float *)(void *)t->staging;
    ins1_status status = INS1_OK;

    if (t->table_grid[0] == pass->grid[0] && t->table_grid[1] == pass->grid[1])
        return INS1_OK;
    t->table_grid[0] = t->table_grid[1] = 0;
    for (int64_t at = 0; at < pass->n_rows && status == INS1_OK; at += pass->chunk) {
        const int64_t n = least(pass->chunk, pass->n_rows - at);
        s1_positions_tiles(rows, t->weights, pass->grid, at, n);
        status = write_floats(t, t->at.table, at * width, rows, n * width, call);
        if (status == INS1_OK)
            status = s1_call_check(call);
    }
    if (status == INS1_OK)
        memcpy(t->table_grid, pass->grid, sizeof(t->table_grid));
    return status;
}

/* Patches `first` and on of a tile, [3][height][width], as rows. */
static void unfold(float *out, const s1_vision_config *c, const s1_pass *pass, const float *tile,
                   int64_t first, int64_t n)
{
    const int64_t height = pass->grid[0] * c->patch[0], width = pass->grid[1] * c->patch[1];

    for (int64_t i = first; i < first + n; i++) {
        const float *corner =
            tile + i / pass->grid[1] * c->patch[0] * width + i % pass->grid[1] * c->patch[1];
        for (int64_t line = 0; line < (int64_t)c->channels * c->patch[0]; line++) {
            const float *from =
                corner + line / c->patch[0] * height * width + line % c->patch[0] * width;
            memcpy(out, from, (size_t)c->patch[1] * sizeof(*out));
            out += c->patch[1];
        }
    }
}

static ins1_status embed_tile(s1_tower *t, const s1_pass *pass, int64_t unit, const float *tile,
                              const s1_call *call)
{
    const int64_t width = t->config->width, values = t->patch.weight.view.dim[1];
    const int64_t row = unit * pass->n_rows;
    const uint64_t size = (uint64_t)(pass->n_rows * width) * sizeof(float);
    float *staging = (float *)(void *)t->staging;

    ins1_status status =
        s1_stream_copy(t->stream, &t->workspace, t->at.hidden + (uint64_t)unit * size,
                       &t->workspace, t->at.table, size, call);
    for (int64_t at = 0; at < pass->n_patches && status == INS1_OK; at += pass->chunk) {
        const int64_t n = least(pass->chunk, pass->n_patches - at);
        unfold(staging, t->config, pass, tile, at, n);
        status = write_floats(t, t->at.wide, 0, staging, n * values, call);
        s1_ops_matmul(&t->ops, s1_pass_rows(t, t->at.hidden, row + 1 + at, n, width), &t->patch,
                      s1_pass_rows(t, t->at.wide, 0, n, values), INS1_OP_ACCUMULATE);
        if (status == INS1_OK)
            status = run_listed(t, call);
    }
    return status;
}

/* Rows in the order of tokens: the patches of a token are neighbours, row by row. */
static ins1_status write_ids(s1_tower *t, const s1_pass *pass, const s1_call *call)
{
    int32_t *ids = (int32_t *)(void *)t->staging;
    const int64_t n_all = pass->n_units * pass->n_patches;
    ins1_status status = INS1_OK;

    for (int64_t at = 0; at < n_all && status == INS1_OK; at += pass->chunk) {
        const int64_t n = least(pass->chunk, n_all - at);
        for (int64_t i = 0; i < n; i++) {
            const int64_t unit = (at + i) / pass->n_patches;
            int64_t place[2];
            s1_positions_place(t->config, pass->grid, (at + i) % pass->n_patches, place);
            ids[i] = (int32_t)(unit * pass->n_rows + 1 + place[0] * pass->grid[1] + place[1]);
        }
        status = s1_stream_write(t->stream, &t->workspace, t->at.ids + (uint64_t)at * sizeof(*ids),
                                 ids, (uint64_t)n * sizeof(*ids), call);
    }
    return status;
}

static ins1_status write_angles(s1_tower *t, const s1_pass *pass, const s1_call *call)
{
    const int64_t half = t->config->head_dim / 2;
    float *rows = (float *)(void *)t->staging;
    ins1_status status = INS1_OK;

    for (int64_t at = 0; at < pass->n_patches && status == INS1_OK; at += pass->chunk) {
        const int64_t n = least(pass->chunk, pass->n_patches - at);
        s1_positions_angles(rows, t->config, pass->grid, at, n, false);
        status = write_floats(t, t->at.cosines, at * half, rows, n * half, call);
        s1_positions_angles(rows, t->config, pass->grid, at, n, true);
        if (status == INS1_OK)
            status = write_floats(t, t->at.sines, at * half, rows, n * half, call);
        if (status == INS1_OK)
            status = s1_call_check(call);
    }
    return status;
}

/* All units have the same positions: each chunk of them is made once. */
static ins1_status embed_patches(s1_tower *t, const s1_pass *pass, const float *pixels,
                                 const s1_call *call)
{
    const int64_t width = t->config->width, values = t->patch.weight.view.dim[1];
    float *staging = (float *)(void *)t->staging;
    ins1_status status = INS1_OK;

    for (int64_t at = 0; at < pass->n_patches && status == INS1_OK; at += pass->chunk) {
        const int64_t n = least(pass->chunk, pass->n_patches - at);
        s1_positions_patches(staging, t->weights, pass->grid, at, n);
        for (int64_t unit = 0; unit < pass->n_units && status == INS1_OK; unit++) {
            const int64_t row = unit * pass->n_patches + at;
            status = write_floats(t, t->at.hidden, row * width, staging, n * width, call);
            if (status == INS1_OK)
                status = write_floats(t, t->at.wide, 0, pixels + row * values, n * values, call);
            s1_ops_matmul(&t->ops, s1_pass_rows(t, t->at.hidden, row, n, width), &t->patch,
                          s1_pass_rows(t, t->at.wide, 0, n, values), INS1_OP_ACCUMULATE);
            if (status == INS1_OK)
                status = run_listed(t, call);
        }
    }
    return status;
}

ins1_status s1_pass_embed(s1_tower *t, const s1_pass *pass, const float *pixels,
                          const s1_call *call)
{
    const int64_t values = t->patch.weight.view.dim[1];
    ins1_status status;

    if (t->config->kind == S1_VISION_PATCHES) {
        status = write_angles(t, pass, call);
        return status == INS1_OK ? embed_patches(t, pass, pixels, call) : status;
    }
    status = write_table(t, pass, call);
    if (status == INS1_OK)
        status = write_ids(t, pass, call);
    for (int64_t i = 0; i < pass->n_units && status == INS1_OK; i++)
        status = embed_tile(t, pass, i, pixels + i * pass->n_patches * values, call);
    return status;
}

/* --- a layer --- */

static void list_norm(s1_tower *t, ins1_tensor_desc y, ins1_tensor_desc x,
                      const s1_placed_norm *norm)
{
    if (t->config->uses_rms)
        s1_ops_rmsnorm(&t->ops, y, x, &norm->weight, t->config->norm_eps);
    else
        s1_ops_layernorm(&t->ops, y, x, &norm->weight, &norm->bias, t->config->norm_eps);
}

static void list_projections(s1_tower *t, const s1_tower_layer *layer, int64_t first, int64_t n)
{
    const int64_t width = t->config->width;
    ins1_tensor_desc q = flat_part(t, first, n, 0), k = flat_part(t, first, n, 1);
    ins1_tensor_desc normed = s1_pass_rows(t, t->at.normed, 0, n, width);
    s1_ops *ops = &t->ops;

    list_norm(t, normed, s1_pass_rows(t, t->at.hidden, first, n, width), &layer->attention_norm);
    if (layer->qkv.weight.view.dtype) {
        s1_ops_matmul(ops, s1_pass_rows(t, t->at.qkv, first, n, 3 * width), &layer->qkv, normed, 0);
    } else {
        s1_ops_matmul(ops, q, &layer->q, normed, 0);
        s1_ops_matmul(ops, k, &layer->k, normed, 0);
        s1_ops_matmul(ops, flat_part(t, first, n, 2), &layer->v, normed, 0);
    }
    if (layer->q_norm.view.dtype) {
        s1_ops_rmsnorm(ops, q, q, &layer->q_norm, t->config->qk_norm_eps);
        s1_ops_rmsnorm(ops, k, k, &layer->k_norm, t->config->qk_norm_eps);
    }
}

/* Queries and keys of a unit turned by where their patches are. */
static void list_turns(s1_tower *t, const s1_pass *pass, int64_t unit)
{
    const s1_vision_config *c = t->config;
    const int64_t dim[] = { pass->n_patches, c->n_head, 1, c->head_dim };
    const int64_t stride[] = { 3 * (int64_t)c->width, c->head_dim, c->head_dim, 1 };
    const int64_t table[] = { pass->n_patches, 1, c->head_dim / 2 };
    ins1_tensor_desc cosines = s1_view(&t->workspace, t->at.cosines, INS1_DTYPE_F32, 3, table);
    ins1_tensor_desc sines = s1_view(&t->workspace, t->at.sines, INS1_DTYPE_F32, 3, table);

    for (int32_t which = 0; which < 2; which++)
        s1_ops_rope(&t->ops, part(t, unit * pass->n_rows, which, 4, dim, stride), cosines, sines);
}

static void list_attention(s1_tower *t, const s1_pass *pass)
{
    const s1_vision_config *c = t->config;
    const int64_t width = c->width;
    const int64_t dim[] = { pass->n_units, pass->n_rows, c->n_head, c->head_dim };
    const int64_t stride[] = { pass->n_rows * 3 * width, 3 * width, c->head_dim, 1 };
    ins1_tensor_desc attended = s1_view(&t->workspace, t->at.attended, INS1_DTYPE_F32, 4, dim);

    s1_ops_self_attention(&t->ops, attended, part(t, 0, 0, 4, dim, stride),
                          part(t, 0, 1, 4, dim, stride), part(t, 0, 2, 4, dim, stride),
                          (float)(1 / sqrt((double)c->head_dim)), 0);
}

/* hidden += scale * (linear of x), over rows whose normed neighbours are no longer needed. */
static void list_addition(s1_tower *t, ins1_tensor_desc hidden, const s1_placed_linear *linear,
                          const s1_placed *scale, ins1_tensor_desc x)
{
    ins1_tensor_desc between = s1_pass_rows(t, t->at.normed, 0, hidden.dim[0], hidden.dim[1]);

    if (!scale->view.dtype) {
        s1_ops_matmul(&t->ops, hidden, linear, x, INS1_OP_ACCUMULATE);
        return;
    }
    s1_ops_matmul(&t->ops, between, linear, x, 0);
    s1_ops_add_scaled(&t->ops, hidden, between, scale);
}

static void list_rest(s1_tower *t, const s1_tower_layer *layer, int64_t first, int64_t n)
{
    const s1_vision_config *c = t->config;
    ins1_tensor_desc hidden = s1_pass_rows(t, t->at.hidden, first, n, c->width);
    ins1_tensor_desc normed = s1_pass_rows(t, t->at.normed, 0, n, c->width);
    ins1_tensor_desc wide = s1_pass_rows(t, t->at.wide, 0, n, c->n_ff);

    list_addition(t, hidden, &layer->out, &layer->attention_scale,
                  s1_pass_rows(t, t->at.attended, first, n, c->width));
    list_norm(t, normed, hidden, &layer->mlp_norm);
    s1_ops_matmul(&t->ops, wide, &layer->up, normed, 0);
    s1_ops_act(&t->ops, wide, wide, c->act);
    list_addition(t, hidden, &layer->down, &layer->mlp_scale, wide);
}

ins1_status s1_pass_layer(s1_tower *t, const s1_pass *pass, const s1_tower_layer *layer,
                          const s1_call *call)
{
    const int64_t n_rows = all_rows(pass);
    const bool turns = t->config->kind == S1_VISION_PATCHES;
    ins1_status status = INS1_OK;

    for (int64_t at = 0; at < n_rows && status == INS1_OK; at += pass->chunk) {
        list_projections(t, layer, at, least(pass->chunk, n_rows - at));
        status = run_listed(t, call);
    }
    for (int64_t i = 0; i < pass->n_units && status == INS1_OK && turns; i++) {
        list_turns(t, pass, i);
        status = run_listed(t, call);
    }
    if (status == INS1_OK) {
        list_attention(t, pass);
        status = run_listed(t, call);
    }
    for (int64_t at = 0; at < n_rows && status == INS1_OK; at += pass->chunk) {
        list_rest(t, layer, at, least(pass->chunk, n_rows - at));
        status = run_listed(t, call);
    }
    return status;
}

/* --- what comes out --- */

/* `n` patches in the order of tokens, normed, [n / patches of a token][patches of a token * width].
 */
static ins1_tensor_desc list_tokens(s1_tower *t, const s1_pass *pass, int64_t first, int64_t n)
{
    const s1_vision_config *c = t->config;
    const int64_t merge2 = s1_tower_merge2(t);
    ins1_tensor_desc normed = s1_pass_rows(t, t->at.normed, 0, n, c->width);
    ins1_tensor_desc tokens = s1_pass_rows(t, t->at.normed, 0, n / merge2, merge2 * c->width);
    const uint64_t skip = (uint64_t)first * sizeof(int32_t);

    if (c->kind == S1_VISION_PATCHES) {
        s1_ops_layernorm(&t->ops, normed, s1_pass_rows(t, t->at.hidden, first, n, c->width),
                         &t->merger_norm.weight, &t->merger_norm.bias, c->merger_eps);
        return tokens;
    }
    const ins1_tensor_desc ids = s1_view(&t->workspace, t->at.ids + skip, INS1_DTYPE_I32, 1, &n);
    s1_ops_get_rows(&t->ops, normed, s1_pass_rows(t, t->at.hidden, 0, all_rows(pass), c->width),
                    ids);
    s1_ops_layernorm(&t->ops, tokens, tokens, &t->merger_norm.weight, &t->merger_norm.bias,
                     c->merger_eps);
    return tokens;
}

ins1_status s1_pass_merge(s1_tower *t, const s1_pass *pass, float *out, const s1_call *call)
{
    const s1_vision_config *c = t->config;
    const int64_t n_patches = pass->n_units * pass->n_patches, merge2 = s1_tower_merge2(t);
    ins1_status status = INS1_OK;

    for (int64_t at = 0; at < n_patches && status == INS1_OK; at += pass->chunk) {
        const int64_t n = least(pass->chunk, n_patches - at), n_tokens = n / merge2;
        ins1_tensor_desc tokens = list_tokens(t, pass, at, n);
        ins1_tensor_desc wide = s1_pass_rows(t, t->at.wide, 0, n_tokens, c->merger_width);
        s1_ops_matmul(&t->ops, wide, &t->merger_up, tokens, 0);
        s1_ops_act(&t->ops, wide, wide, c->merger_act);
        s1_ops_matmul(&t->ops, s1_pass_rows(t, t->at.merged, 0, n_tokens, c->n_out),
                      &t->merger_down, wide, 0);
        status = run_listed(t, call);
        if (status == INS1_OK && !t->asks)
            status =
                s1_stream_read(t->stream, &t->workspace, t->at.merged, out + at / merge2 * c->n_out,
                               (uint64_t)(n_tokens * c->n_out) * sizeof(float), call);
    }
    return status;
}
