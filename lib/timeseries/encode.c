#include "timeseries/encoder.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

uint64_t s1_series_steps(const s1_series_config *config, const s1_patches *cut)
{
    return 2 * cut->n_pairs + cut->n_tokens * ((uint64_t)config->n_layer + 1);
}

ins1_status s1_series_advance(s1_series_progress *progress, uint64_t steps, const s1_call *call)
{
    progress->done += steps;
    return s1_call_progress(call, INS1_PHASE_ENCODE, progress->done, progress->total);
}

ins1_status s1_series_run_listed(ins1_timeseries_encoder *e, const s1_call *call)
{
    if (!e->asks)
        return s1_ops_run(&e->ops, e->stream, call);
    return s1_ops_can(&e->ops, e->stream) ? INS1_OK : INS1_E_UNSUPPORTED;
}

void s1_series_attend(ins1_timeseries_encoder *e, uint64_t attended, uint64_t qkv, size_t n,
                      size_t rows, int32_t width, int32_t n_head, uint32_t flags)
{
    const int64_t head = width / n_head;
    const int64_t dim[] = { (int64_t)n, (int64_t)rows, n_head, head };
    ins1_tensor_desc in[3];

    for (int i = 0; i < 3; i++) {
        uint64_t at = qkv + (uint64_t)i * (uint64_t)width * sizeof(float);
        in[i] = s1_view(&e->workspace, at, INS1_DTYPE_F32, 4, dim);
        in[i].stride[0] = (int64_t)rows * 3 * width;
        in[i].stride[1] = 3 * (int64_t)width;
        in[i].bytes = (uint64_t)((int64_t)(n * rows - 1) * 3 * width + width) * sizeof(float);
    }
    s1_ops_self_attention(&e->ops, s1_view(&e->workspace, attended, INS1_DTYPE_F32, 4, dim), in[0],
                          in[1], in[2], (float)(1 / sqrt((double)head)), flags);
}

/* The numbers of all rows, 0, 1, 2, ..., and what is added to each sample of a patch. */
static ins1_status begin(ins1_timeseries_encoder *e, const s1_patches *cut, const s1_call *call)
{
    const size_t longest = (size_t)s1_series_longest(&e->config);
    const size_t n_ids = longest > e->sizes.n_stretch ? longest : e->sizes.n_stretch;
    const int64_t n_places = (int64_t)cut->length;
    int32_t *ids = (int32_t *)(void *)e->staging;

    for (size_t i = 0; i < n_ids; i++)
        ids[i] = (int32_t)i;
    ins1_status status =
        s1_stream_write(e->stream, &e->workspace, e->at.ids, ids, n_ids * sizeof(*ids), call);
    if (status != INS1_OK)
        return status;
    s1_ops_reset(&e->ops, e->precision);
    s1_ops_get_rows(&e->ops, s1_series_floats(e, e->at.places, cut->length, e->config.n_patch),
                    e->places.view,
                    s1_view(&e->workspace, e->at.ids, INS1_DTYPE_I32, 1, &n_places));
    return s1_series_run_listed(e, call);
}

static ins1_status run(ins1_timeseries_encoder *e, s1_samples *samples, const s1_patches *cut,
                       bool only_tower, float *out, s1_series_progress *progress,
                       const s1_call *call)
{
    ins1_status status = begin(e, cut, call);
    if (status == INS1_OK)
        status = s1_series_run_patches(e, samples, cut, progress, call);
    if (status == INS1_OK)
        status = s1_series_run_frames(e, cut, only_tower, out, progress, call);
    return status;
}

/* More frames than the workspace was made for pass through one of their own. */
static ins1_status run_long(ins1_timeseries_encoder *e, s1_samples *samples, const s1_patches *cut,
                            bool only_tower, float *out, s1_series_progress *progress,
                            const s1_call *call)
{
    const s1_series_sizes usual_sizes = e->sizes;
    const s1_series_layout usual_layout = e->at;
    const s1_buffer usual = e->workspace;
    s1_buffer wide = { 0 };
    s1_series_sizes sizes = e->sizes;

    sizes.n_frames = cut->n_tokens;
    const uint64_t size = s1_series_scratch_bytes(&e->config, &sizes) + usual.size;
    if (e->scratch_budget && size > e->scratch_budget)
        return s1_fail(call->error, INS1_E_BUDGET,
                       "%s: %zu tokens need %" PRIu64
                       " bytes of scratch, scratch_budget allows %" PRIu64,
                       samples->what, cut->n_tokens, size, e->scratch_budget);
    const s1_series_layout layout = s1_series_lay_out(&e->config, &sizes);
    ins1_status status =
        s1_buffer_create(&wide, e->device, layout.size, INS1_MEM_SCRATCH, call->error);
    if (status != INS1_OK)
        return status;
    e->sizes = sizes;
    e->at = layout;
    e->workspace = wide;
    status = run(e, samples, cut, only_tower, out, progress, call);
    e->sizes = usual_sizes;
    e->at = usual_layout;
    e->workspace = usual;
    s1_buffer_destroy(&wide);
    return status;
}

ins1_status s1_series_encode(ins1_timeseries_encoder *encoder, s1_samples *samples,
                             const s1_patches *cut, bool only_tower, float *out,
                             s1_series_progress *progress, const s1_call *call)
{
    if (cut->n_tokens > encoder->sizes.n_frames)
        return run_long(encoder, samples, cut, only_tower, out, progress, call);
    return run(encoder, samples, cut, only_tower, out, progress, call);
}

ins1_status s1_series_ask(ins1_timeseries_encoder *encoder, const s1_call *call)
{
    enum { N = 20 }; /* a few patches at one sample a second */
    static const float silence[N];
    const ins1_timeseries signal = {
        .struct_size = sizeof(signal),
        .dtype = INS1_SAMPLE_F32,
        .data = silence,
        .n_samples = N,
        .n_channels = 1,
        .sample_rate_hz = 1,
    };
    const s1_call quiet = { .error = call->error, .deadline_ns = INT64_MAX };
    s1_series_progress progress = { 0 };
    s1_samples samples;
    s1_patches cut;

    ins1_status status = s1_samples_init(&samples, &signal, 0, encoder->memory, call->error);
    if (status != INS1_OK)
        return status;
    status = s1_patches_cut(&cut, samples.what, N, signal.sample_rate_hz, 0, call->error);
    encoder->asks = true;
    if (status == INS1_OK)
        status = s1_series_encode(encoder, &samples, &cut, false, NULL, &progress, &quiet);
    encoder->asks = false;
    s1_samples_finish(&samples);
    return status;
}
