#include "timeseries/encoder.h"

#include "base/checked.h"
#include "base/memory.h"
#include "base/meter.h"

#include <string.h>

/* One convolution and one transformer layer over the samples of a patch, which all look at each
 * other; their mean stands for the patch. */

static const float norm_eps = 1e-5f;

/* Where one pass over a signal is. A patch of several channels is as many sequences. */
typedef struct pass {
    ins1_timeseries_encoder *e;
    s1_samples *samples;
    const s1_patches *cut;
    size_t n_channels;
    size_t n_patches; /* an odd last one is not computed */
    float *window;    /* owned: [length][n_channels], the samples of patch `patch` */
    size_t window_size;
    size_t patch, sequence; /* the next sequence to go in; each patch has n_channels */
    size_t n_summed;        /* sequences of the current patch that are in `sum` */
    float *sum;             /* in the pairs of the staging: the patch under way */
    float *pairs;           /* [n_stretch][2 n_patch] */
    size_t n_halves;        /* patches that are complete in `pairs` */
    size_t n_pairs;         /* that became rows of `mel` */
} pass;

static ins1_status pass_init(pass *p, ins1_timeseries_encoder *e, s1_samples *samples,
                             const s1_patches *cut, ins1_error *error)
{
    uint64_t size = 0;

    *p = (pass){
        .e = e,
        .samples = samples,
        .cut = cut,
        .n_channels = samples->signal.n_channels,
        .n_patches = 2 * cut->n_pairs,
        .pairs = e->staging,
    };
    if (s1_mul(cut->length * sizeof(float), p->n_channels, &size) && size <= PTRDIFF_MAX)
        p->window = s1_alloc(e->memory, (size_t)size, INS1_MEM_SCRATCH);
    if (!p->window)
        return s1_out_of_memory(e->memory, size, "a patch of a series", error);
    p->window_size = (size_t)size;
    return INS1_OK;
}

static void pass_finish(pass *p)
{
    if (p->window)
        s1_free(p->e->memory, p->window, p->window_size, INS1_MEM_SCRATCH);
}

/* --- samples in --- */

/* Samples that are beyond the signal are zero. */
static void read_samples(pass *p, size_t first, size_t n, float *out)
{
    size_t there = first < p->cut->n_samples ? p->cut->n_samples - first : 0;
    if (there > n)
        there = n;
    if (there)
        s1_samples_read(p->samples, first, there, p->n_channels, out);
    memset(out + there * p->n_channels, 0, (n - there) * p->n_channels * sizeof(*out));
}

/* Neighbours share half of their samples. */
static void load_patch(pass *p)
{
    const size_t stride = p->cut->stride, half = stride * p->n_channels;

    if (!p->patch) {
        read_samples(p, 0, p->cut->length, p->window);
        return;
    }
    memmove(p->window, p->window + half, half * sizeof(*p->window));
    read_samples(p, (p->patch + 1) * stride, stride, p->window + half);
}

/* The samples that the convolution sees around each sample of a sequence. The sequences of a patch
 * are not its channels but stretches of its interleaved samples: so the models were trained. */
static void write_taps(const pass *p, float *out)
{
    enum { SIDE = S1_SERIES_TAPS / 2 };
    const size_t n = p->cut->length;
    const float *sequence = p->window + p->sequence * n;

    for (size_t t = 0; t < n; t++)
        for (size_t k = 0; k < S1_SERIES_TAPS; k++) {
            size_t at = t + k; /* SIDE too large */
            *out++ = at >= SIDE && at - SIDE < n ? sequence[at - SIDE] : 0;
        }
}

/* As many sequences as fit; gives their number. */
static size_t fill(pass *p, float *taps, size_t most)
{
    size_t n = 0;

    for (; n < most && p->patch < p->n_patches; n++) {
        if (!p->sequence)
            load_patch(p);
        write_taps(p, taps + n * p->cut->length * S1_SERIES_TAPS);
        if (++p->sequence == p->n_channels) {
            p->sequence = 0;
            p->patch++;
        }
    }
    return n;
}

/* --- the layer --- */

static void list_layer(ins1_timeseries_encoder *e, size_t n, size_t length)
{
    const s1_series_config *c = &e->config;
    const int32_t width = c->n_patch;
    const size_t rows = n * length;
    const s1_placed_linear *w = e->linears;
    const s1_placed_norm *first = &e->norms[S1_SERIES_PATCH_NORM_1];
    const s1_placed_norm *second = &e->norms[S1_SERIES_PATCH_NORM_2];
    ins1_tensor_desc x = s1_series_floats(e, e->at.x, rows, width);
    ins1_tensor_desc ff = s1_series_floats(e, e->at.ff, rows, c->n_patch_ff);
    const int64_t dim[] = { (int64_t)n, (int64_t)length, width };
    s1_ops *ops = &e->ops;

    s1_ops_matmul(ops, x, &w[S1_SERIES_CONV], s1_series_floats(e, e->at.taps, rows, S1_SERIES_TAPS),
                  0);
    s1_ops_act(ops, x, x, INS1_ACT_RELU);
    s1_ops_add(ops, x, x, s1_series_floats(e, e->at.places, length, width));
    s1_ops_matmul(ops, s1_series_floats(e, e->at.qkv, rows, 3 * width), &w[S1_SERIES_PATCH_QKV], x,
                  0);
    s1_series_attend(e, e->at.attended, e->at.qkv, n, length, width, S1_SERIES_HEADS, 0);
    s1_ops_matmul(ops, x, &w[S1_SERIES_PATCH_OUT], s1_series_floats(e, e->at.attended, rows, width),
                  INS1_OP_ACCUMULATE);
    s1_ops_layernorm(ops, x, x, &first->weight, &first->bias, norm_eps);
    s1_ops_matmul(ops, ff, &w[S1_SERIES_PATCH_UP], x, 0);
    s1_ops_act(ops, ff, ff, INS1_ACT_RELU);
    s1_ops_matmul(ops, x, &w[S1_SERIES_PATCH_DOWN], ff, INS1_OP_ACCUMULATE);
    s1_ops_layernorm(ops, x, x, &second->weight, &second->bias, norm_eps);
    s1_ops_mean(ops, s1_series_floats(e, e->at.means, n, width),
                s1_view(&e->workspace, e->at.x, INS1_DTYPE_F32, 3, dim));
}

/* --- means out --- */

/* The pairs that are complete become rows of `mel`. */
static ins1_status flush_pairs(pass *p, const s1_call *call)
{
    ins1_timeseries_encoder *e = p->e;
    const s1_series_config *c = &e->config;
    const size_t n = p->n_halves / 2;
    const uint64_t row = (uint64_t)c->n_mel * sizeof(float);

    ins1_status status = s1_stream_write(e->stream, &e->workspace, e->at.pairs, p->pairs,
                                         n * 2 * (uint64_t)c->n_patch * sizeof(float), call);
    if (status != INS1_OK)
        return status;
    s1_ops_matmul(&e->ops, s1_series_floats(e, e->at.mel + (1 + p->n_pairs) * row, n, c->n_mel),
                  &e->linears[S1_SERIES_ADAPT_IN],
                  s1_series_floats(e, e->at.pairs, n, 2 * c->n_patch), 0);
    status = s1_series_run_listed(e, call);
    p->n_pairs += n;
    p->n_halves = 0;
    return status;
}

/* A patch is the mean of its sequences. */
static ins1_status collect(pass *p, const float *means, size_t n, const s1_call *call)
{
    const size_t width = (size_t)p->e->config.n_patch;
    ins1_status status = INS1_OK;

    for (size_t i = 0; i < n && status == INS1_OK; i++, means += width) {
        float *sum = p->pairs + p->n_halves * width;
        for (size_t j = 0; j < width; j++)
            sum[j] = p->n_summed ? sum[j] + means[j] : means[j];
        if (++p->n_summed < p->n_channels)
            continue;
        for (size_t j = 0; j < width; j++)
            sum[j] /= (float)p->n_channels;
        p->n_summed = 0;
        p->n_halves++;
        if (p->n_halves == 2 * p->e->sizes.n_stretch)
            status = flush_pairs(p, call);
    }
    return status;
}

static ins1_status run(pass *p, s1_series_progress *progress, const s1_call *call)
{
    ins1_timeseries_encoder *e = p->e;
    const size_t length = p->cut->length, most = e->sizes.n_rows / length;
    float *room = p->pairs + e->sizes.n_stretch * 2 * (size_t)e->config.n_patch;

    while (p->patch < p->n_patches) {
        size_t before = p->patch, n = fill(p, room, most);
        ins1_status status = s1_stream_write(e->stream, &e->workspace, e->at.taps, room,
                                             n * length * S1_SERIES_TAPS * sizeof(float), call);
        list_layer(e, n, length);
        if (status == INS1_OK)
            status = s1_series_run_listed(e, call);
        if (status == INS1_OK)
            status = s1_stream_read(e->stream, &e->workspace, e->at.means, room,
                                    n * (size_t)e->config.n_patch * sizeof(float), call);
        if (status == INS1_OK)
            status = collect(p, room, n, call);
        if (status == INS1_OK)
            status = s1_series_advance(progress, p->patch - before, call);
        if (status != INS1_OK)
            return status;
    }
    return p->n_halves ? flush_pairs(p, call) : INS1_OK;
}

/* The convolution over `mel` sees zeros before the first row and after the last. */
static ins1_status surround(pass *p, const s1_call *call)
{
    ins1_timeseries_encoder *e = p->e;
    const uint64_t row = (uint64_t)e->config.n_mel * sizeof(float);
    const uint64_t ends[] = { e->at.mel, e->at.mel + (1 + p->cut->n_pairs) * row };
    ins1_status status = INS1_OK;

    memset(e->staging, 0, row);
    for (int i = 0; i < 2 && status == INS1_OK; i++)
        status = s1_stream_write(e->stream, &e->workspace, ends[i], e->staging, row, call);
    return status;
}

ins1_status s1_series_run_patches(ins1_timeseries_encoder *encoder, s1_samples *samples,
                                  const s1_patches *cut, s1_series_progress *progress,
                                  const s1_call *call)
{
    pass p;

    ins1_status status = pass_init(&p, encoder, samples, cut, call->error);
    if (status == INS1_OK)
        status = surround(&p, call);
    if (status == INS1_OK)
        status = run(&p, progress, call);
    pass_finish(&p);
    return status;
}
