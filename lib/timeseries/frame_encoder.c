#include "timeseries/encoder.h"

#include <string.h>

/* Two convolutions, of which the second takes every other row, then a causal transformer. What
 * looks at one frame alone runs in stretches; only attention sees them all. */

static const float norm_eps = 1e-5f;

/* Frames `first` to `first + n`. */
typedef struct stretch {
    size_t first, n;
} stretch;

static bool next(stretch *s, const ins1_timeseries_encoder *e, size_t n_frames)
{
    s->first += s->n;
    size_t left = n_frames - s->first;
    s->n = left < e->sizes.n_stretch ? left : e->sizes.n_stretch;
    return left > 0;
}

static uint64_t row_bytes(int32_t width)
{
    return (uint64_t)width * sizeof(float);
}

/* Rows of something that is kept for the whole signal. */
static ins1_tensor_desc rows_of(const ins1_timeseries_encoder *e, uint64_t at, stretch s,
                                int32_t width)
{
    return s1_series_floats(e, at + s.first * row_bytes(width), s.n, width);
}

static void norm(ins1_timeseries_encoder *e, ins1_tensor_desc y, ins1_tensor_desc x,
                 const s1_placed_norm *w)
{
    s1_ops_layernorm(&e->ops, y, x, &w->weight, &w->bias, norm_eps);
}

/* --- convolutions and positions --- */

/* What the second convolution sees beyond the signal is zero. */
static ins1_status clear_row(ins1_timeseries_encoder *e, size_t row, const s1_call *call)
{
    const uint64_t size = row_bytes(e->config.n_embd);
    memset(e->staging, 0, size);
    return s1_stream_write(e->stream, &e->workspace, e->at.convolved + row * size, e->staging, size,
                           call);
}

/* Learned for the first frames, none after them. */
static void add_positions(ins1_timeseries_encoder *e, stretch s)
{
    const int32_t width = e->config.n_embd;
    const size_t there = (size_t)e->config.n_position;
    const int64_t n = (int64_t)(s.first < there ? there - s.first : 0);
    ins1_tensor_desc table = e->positions.view;

    if (!n)
        return;
    if (n < (int64_t)s.n)
        s.n = (size_t)n;
    const int64_t n_ids = (int64_t)s.n;
    const uint64_t skipped = s.first * (uint64_t)table.stride[0] * s1_dtype_size(table.dtype);
    table.dim[0] = n;
    table.offset += skipped;
    table.bytes -= skipped;
    ins1_tensor_desc hidden = rows_of(e, e->at.hidden, s, width);
    ins1_tensor_desc rows = s1_series_floats(e, e->at.normed, s.n, width);
    s1_ops_get_rows(&e->ops, rows, table,
                    s1_view(&e->workspace, e->at.ids, INS1_DTYPE_I32, 1, &n_ids));
    s1_ops_add(&e->ops, hidden, hidden, rows);
}

/* Frame t is made of rows 2t - 1, 2t and 2t + 1 of the first convolution, which are row 0 and on of
 * `convolved`. */
static ins1_status convolve(ins1_timeseries_encoder *e, stretch s, size_t n_pairs,
                            const s1_call *call)
{
    const int32_t mel = e->config.n_mel, width = e->config.n_embd;
    const size_t before = s.first == 0;            /* row -1 */
    const size_t first = 2 * s.first + before - 1; /* of those that are computed */
    size_t end = 2 * (s.first + s.n);
    const bool is_beyond = end > n_pairs;
    ins1_status status = INS1_OK;

    if (is_beyond)
        end = n_pairs;
    const size_t n = end - first;
    if (before)
        status = clear_row(e, 0, call);
    if (status == INS1_OK && is_beyond)
        status = clear_row(e, before + n, call);
    if (status != INS1_OK)
        return status;

    ins1_tensor_desc convolved =
        s1_series_floats(e, e->at.convolved + before * row_bytes(width), n, width);
    ins1_tensor_desc hidden = rows_of(e, e->at.hidden, s, width);
    s1_ops_matmul(&e->ops, convolved, &e->linears[S1_SERIES_CONV1],
                  s1_series_rows(e, e->at.mel + first * row_bytes(mel), n, 3 * mel, mel), 0);
    s1_ops_act(&e->ops, convolved, convolved, INS1_ACT_GELU);
    s1_ops_matmul(&e->ops, hidden, &e->linears[S1_SERIES_CONV2],
                  s1_series_rows(e, e->at.convolved, s.n, 3 * width, 2 * width), 0);
    s1_ops_act(&e->ops, hidden, hidden, INS1_ACT_GELU);
    add_positions(e, s);
    return s1_series_run_listed(e, call);
}

/* --- a layer --- */

static ins1_status project_qkv(ins1_timeseries_encoder *e, const s1_series_layer *layer, stretch s,
                               const s1_call *call)
{
    static const int roles[] = { S1_SERIES_Q, S1_SERIES_K, S1_SERIES_V };
    const int32_t width = e->config.n_embd;
    ins1_tensor_desc normed = s1_series_floats(e, e->at.normed, s.n, width);

    norm(e, normed, rows_of(e, e->at.hidden, s, width), &layer->norms[S1_SERIES_ATTENTION_NORM]);
    for (int i = 0; i < 3; i++) {
        uint64_t at = e->at.frame_qkv + (3 * s.first + (size_t)i) * row_bytes(width);
        s1_ops_matmul(&e->ops, s1_series_rows(e, at, s.n, width, 3 * width),
                      &layer->linears[roles[i]], normed, 0);
    }
    return s1_series_run_listed(e, call);
}

static ins1_status finish_layer(ins1_timeseries_encoder *e, const s1_series_layer *layer, stretch s,
                                const s1_call *call)
{
    const int32_t width = e->config.n_embd;
    ins1_tensor_desc hidden = rows_of(e, e->at.hidden, s, width);
    ins1_tensor_desc normed = s1_series_floats(e, e->at.normed, s.n, width);
    ins1_tensor_desc ff = s1_series_floats(e, e->at.frame_ff, s.n, e->config.n_ff);

    s1_ops_matmul(&e->ops, hidden, &layer->linears[S1_SERIES_O],
                  rows_of(e, e->at.frame_attended, s, width), INS1_OP_ACCUMULATE);
    norm(e, normed, hidden, &layer->norms[S1_SERIES_FFN_NORM]);
    s1_ops_matmul(&e->ops, ff, &layer->linears[S1_SERIES_UP], normed, 0);
    s1_ops_act(&e->ops, ff, ff, INS1_ACT_GELU);
    s1_ops_matmul(&e->ops, hidden, &layer->linears[S1_SERIES_DOWN], ff, INS1_OP_ACCUMULATE);
    return s1_series_run_listed(e, call);
}

static ins1_status run_layer(ins1_timeseries_encoder *e, const s1_series_layer *layer,
                             size_t n_frames, s1_series_progress *progress, const s1_call *call)
{
    ins1_status status = INS1_OK;

    for (stretch s = { 0 }; status == INS1_OK && next(&s, e, n_frames);)
        status = project_qkv(e, layer, s, call);
    if (status != INS1_OK)
        return status;
    s1_series_attend(e, e->at.frame_attended, e->at.frame_qkv, 1, n_frames, e->config.n_embd,
                     e->config.n_head, INS1_OP_CAUSAL);
    status = s1_series_run_listed(e, call);
    for (stretch s = { 0 }; status == INS1_OK && next(&s, e, n_frames);) {
        status = finish_layer(e, layer, s, call);
        if (status == INS1_OK)
            status = s1_series_advance(progress, s.n, call);
    }
    return status;
}

/* --- what comes out --- */

static ins1_status project(ins1_timeseries_encoder *e, stretch s, bool only_tower, float *out,
                           const s1_call *call)
{
    const s1_series_config *c = &e->config;
    ins1_tensor_desc normed = s1_series_floats(e, e->at.normed, s.n, c->n_embd);
    ins1_tensor_desc tower = s1_series_floats(e, e->at.tower, s.n, c->n_tower);
    ins1_tensor_desc projected = s1_series_floats(e, e->at.projected, s.n, c->n_out);
    ins1_tensor_desc last = s1_series_floats(e, e->at.out, s.n, c->n_out);
    const uint64_t from = only_tower ? e->at.tower : e->at.out;
    const size_t width = (size_t)(only_tower ? c->n_tower : c->n_out);
    s1_ops *ops = &e->ops;

    norm(e, normed, rows_of(e, e->at.hidden, s, c->n_embd), &e->norms[S1_SERIES_LAST_NORM]);
    s1_ops_matmul(ops, tower, &e->linears[S1_SERIES_ADAPT_OUT], normed, 0);
    if (!only_tower) {
        norm(e, tower, tower, &e->norms[S1_SERIES_PROJECT_NORM]);
        s1_ops_matmul(ops, projected, &e->linears[S1_SERIES_PROJECT_1], tower, 0);
        s1_ops_act(ops, projected, projected, INS1_ACT_GELU);
        s1_ops_matmul(ops, last, &e->linears[S1_SERIES_PROJECT_2], projected, 0);
    }
    ins1_status status = s1_series_run_listed(e, call);
    if (status == INS1_OK && !e->asks)
        status = s1_stream_read(e->stream, &e->workspace, from, out + s.first * width,
                                s.n * width * sizeof(float), call);
    return status;
}

ins1_status s1_series_run_frames(ins1_timeseries_encoder *e, const s1_patches *cut, bool only_tower,
                                 float *out, s1_series_progress *progress, const s1_call *call)
{
    const size_t n = cut->n_tokens;
    ins1_status status = INS1_OK;

    for (stretch s = { 0 }; status == INS1_OK && next(&s, e, n);)
        status = convolve(e, s, cut->n_pairs, call);
    for (int32_t i = 0; status == INS1_OK && i < e->config.n_layer; i++)
        status = run_layer(e, &e->layers[i], n, progress, call);
    for (stretch s = { 0 }; status == INS1_OK && next(&s, e, n);) {
        status = project(e, s, only_tower, out, call);
        if (status == INS1_OK)
            status = s1_series_advance(progress, s.n, call);
    }
    return status;
}
