/* The door of the time-series encoder: signals in, embeddings out. */

#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "interns1/inspect.h"
#include "runtime/embeds.h"
#include "timeseries/encoder.h"

#include <inttypes.h>

static ins1_status enter(ins1_timeseries_encoder *encoder, s1_call *call, const ins1_call *given)
{
    ins1_status status = s1_call_begin(call, given);
    if (status != INS1_OK)
        return status;
    if (!encoder)
        return s1_fail(call->error, INS1_E_ARGUMENT, "no time-series encoder");
    return s1_guard_enter(&encoder->guard, call->error);
}

/* --- a signal on its way in --- */

/* Patches of the signal that the checkpoint has places for. */
static ins1_status cut(s1_patches *out, const ins1_timeseries_encoder *encoder, const char *what,
                       size_t n_samples, double rate_hz, ins1_error *error)
{
    ins1_status status = s1_patches_cut(out, what, n_samples, rate_hz, encoder->max_samples, error);
    if (status == INS1_OK && out->length > (size_t)encoder->config.n_place)
        return s1_fail(error, INS1_E_UNSUPPORTED,
                       "%s: patches of %zu samples at this rate, the checkpoint has places for %d",
                       what, out->length, encoder->config.n_place);
    return status;
}

/* One signal of an encode call. */
typedef struct task {
    s1_samples samples;
    s1_patches cut;
} task;

/* Everything about a signal is checked here. `normalises`: as the reference's processor; without,
 * the samples are what that made of them. Finished by task_finish, also after a failure. */
static ins1_status task_init(task *t, const ins1_timeseries_encoder *encoder,
                             const ins1_timeseries *given, size_t index, bool normalises,
                             const s1_call *call)
{
    ins1_timeseries series;

    *t = (task){ 0 };
    ins1_status status = s1_struct_import(&series, given, sizeof(series), call->error);
    if (status == INS1_OK)
        status = s1_samples_init(&t->samples, &series, index, encoder->memory, call->error);
    if (status == INS1_OK)
        status = cut(&t->cut, encoder, t->samples.what, series.n_samples, series.sample_rate_hz,
                     call->error);
    if (status == INS1_OK)
        status = s1_samples_check(&t->samples, normalises, encoder->is_unbiased, call);
    return status;
}

static void task_finish(task *t)
{
    s1_samples_finish(&t->samples);
}

static ins1_status encode_task(ins1_embeds **out, ins1_timeseries_encoder *encoder, task *t,
                               bool only_tower, s1_series_progress *progress, const s1_call *call)
{
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    float *values = NULL;

    info.n_tokens = t->cut.n_tokens;
    info.dim = (size_t)(only_tower ? encoder->config.n_tower : encoder->config.n_out);
    info.modality = INS1_MODALITY_TIMESERIES;
    ins1_status status = s1_embeds_make_values(&values, encoder->runtime, &info, call->error);
    if (status != INS1_OK)
        return status;
    status = s1_series_encode(encoder, &t->samples, &t->cut, only_tower, values, progress, call);
    if (status == INS1_OK)
        return s1_embeds_finish_values(out, encoder->runtime, &info, values, call->error);
    s1_free(encoder->memory, values, info.n_tokens * info.dim * sizeof(float), INS1_MEM_OBJECT);
    return status;
}

/* --- the public calls --- */

ins1_status ins1_timeseries_encoder_tokens(const ins1_timeseries_encoder *encoder, size_t n_samples,
                                           size_t n_channels, double sample_rate_hz,
                                           size_t *n_tokens, const ins1_call *given)
{
    s1_patches patches;
    s1_call call;

    if (n_tokens)
        *n_tokens = 0;
    ins1_status status = s1_call_begin(&call, given);
    if (status != INS1_OK)
        return status;
    if (!encoder || !n_tokens)
        return s1_fail(call.error, INS1_E_ARGUMENT,
                       "no time-series encoder, or nowhere to write to");
    if (!n_channels)
        return s1_fail(call.error, INS1_E_ARGUMENT, "a signal of 0 channels");
    status = cut(&patches, encoder, "a signal", n_samples, sample_rate_hz, call.error);
    if (status == INS1_OK)
        *n_tokens = patches.n_tokens;
    return status;
}

/* All signals are checked before the first one is encoded. */
static ins1_status encode_all(ins1_embeds **out, ins1_timeseries_encoder *encoder, task *tasks,
                              const ins1_timeseries *series, size_t n, const s1_call *call)
{
    s1_series_progress progress = { 0 };
    ins1_status status = INS1_OK;

    for (size_t i = 0; i < n && status == INS1_OK; i++) {
        status = task_init(&tasks[i], encoder, s1_struct_at(series, i), i, true, call);
        progress.total += s1_series_steps(&encoder->config, &tasks[i].cut);
    }
    for (size_t i = 0; i < n && status == INS1_OK; i++)
        status = encode_task(&out[i], encoder, &tasks[i], false, &progress, call);
    for (size_t i = 0; i < n; i++) {
        task_finish(&tasks[i]);
        if (status != INS1_OK) {
            ins1_embeds_release(out[i]);
            out[i] = NULL;
        }
    }
    return status;
}

ins1_status ins1_timeseries_encoder_encode(ins1_embeds **out, ins1_timeseries_encoder *encoder,
                                           const ins1_timeseries *series, size_t n_series,
                                           const ins1_call *given)
{
    s1_call call;

    for (size_t i = 0; out && i < n_series; i++)
        out[i] = NULL;
    ins1_status status = enter(encoder, &call, given);
    if (status != INS1_OK)
        return status;
    if (n_series && (!out || !series)) {
        status = s1_fail(call.error, INS1_E_ARGUMENT, "%zu series at NULL, or nowhere to write to",
                         n_series);
        goto done;
    }
    if (!n_series)
        goto done;
    task *tasks = s1_alloc_array(encoder->memory, n_series, sizeof(*tasks), INS1_MEM_SCRATCH);
    if (!tasks) {
        status = s1_out_of_memory(encoder->memory, (uint64_t)n_series * sizeof(*tasks),
                                  "a list of series", call.error);
        goto done;
    }
    status = encode_all(out, encoder, tasks, series, n_series, &call);
    s1_free(encoder->memory, tasks, n_series * sizeof(*tasks), INS1_MEM_SCRATCH);

done:
    s1_guard_leave(&encoder->guard);
    return status;
}

/* --- insides --- */

static ins1_status preprocess(ins1_timeseries_encoder *encoder, const ins1_timeseries *series,
                              float *out, size_t capacity, size_t *count, const s1_call *call)
{
    task t;

    ins1_status status = task_init(&t, encoder, series, 0, true, call);
    if (status != INS1_OK)
        goto done;
    const size_t width = t.samples.signal.n_channels;
    *count = t.cut.n_samples * width;
    const size_t n_fit = *count < capacity ? t.cut.n_samples : capacity / width;
    s1_samples_read(&t.samples, 0, n_fit, width, out);
    if (*count > capacity)
        s1_samples_read(&t.samples, n_fit, 1, capacity % width, out + n_fit * width);
    if (*count > capacity)
        status = s1_fail(call->error, INS1_E_BUFFER, "room for %zu numbers, %zu needed", capacity,
                         *count);

done:
    task_finish(&t);
    return status;
}

ins1_status ins1_timeseries_encoder_preprocess(ins1_timeseries_encoder *encoder,
                                               const ins1_timeseries *series, float *out,
                                               size_t capacity, size_t *count,
                                               const ins1_call *given)
{
    s1_call call;

    if (count)
        *count = 0;
    ins1_status status = enter(encoder, &call, given);
    if (status != INS1_OK)
        return status;
    if (!series || !count || (capacity && !out))
        status = s1_fail(call.error, INS1_E_ARGUMENT,
                         "no series, or no place for numbers or how many they are");
    else
        status = preprocess(encoder, series, out, capacity, count, &call);
    s1_guard_leave(&encoder->guard);
    return status;
}

/* Samples that the reference's processor made. */
static ins1_status encode_samples(ins1_embeds **out, ins1_timeseries_encoder *encoder,
                                  const float *samples, size_t n_samples, size_t n_channels,
                                  double rate_hz, bool only_tower, const ins1_call *given)
{
    ins1_timeseries series = INS1_INIT(ins1_timeseries);
    s1_series_progress progress = { 0 };
    s1_call call;
    task t;

    if (out)
        *out = NULL;
    ins1_status status = enter(encoder, &call, given);
    if (status != INS1_OK)
        return status;
    series.dtype = INS1_SAMPLE_F32;
    series.data = samples;
    series.n_samples = n_samples;
    series.n_channels = n_channels;
    series.sample_rate_hz = rate_hz;
    t = (task){ 0 };
    if (!out)
        status = s1_fail(call.error, INS1_E_ARGUMENT, "nowhere to write embeddings to");
    if (status == INS1_OK)
        status = task_init(&t, encoder, &series, 0, false, &call);
    progress.total = s1_series_steps(&encoder->config, &t.cut);
    if (status == INS1_OK)
        status = encode_task(out, encoder, &t, only_tower, &progress, &call);
    task_finish(&t);
    s1_guard_leave(&encoder->guard);
    return status;
}

ins1_status ins1_timeseries_encoder_encode_samples(ins1_embeds **out,
                                                   ins1_timeseries_encoder *encoder,
                                                   const float *samples, size_t n_samples,
                                                   size_t n_channels, double sample_rate_hz,
                                                   const ins1_call *call)
{
    return encode_samples(out, encoder, samples, n_samples, n_channels, sample_rate_hz, false,
                          call);
}

ins1_status ins1_timeseries_encoder_tower(ins1_embeds **out, ins1_timeseries_encoder *encoder,
                                          const float *samples, size_t n_samples, size_t n_channels,
                                          double sample_rate_hz, const ins1_call *call)
{
    return encode_samples(out, encoder, samples, n_samples, n_channels, sample_rate_hz, true, call);
}
