#include "embed.h"
#include "media.h"
#include "text.h"

#include <interns1/inspect.h>
#include <stdlib.h>

/* The tower takes what the reference's processor makes of a signal. */
static ins1_status run_tower(embed_task *t, ins1_timeseries_encoder *encoder,
                             const ins1_timeseries *series, ins1_embeds **out)
{
    size_t n = series->n_samples;
    if (t->max_samples && n > t->max_samples)
        n = (size_t)t->max_samples;
    n *= series->n_channels;
    float *samples = allocate(n, sizeof(*samples));
    ins1_status status =
        ins1_timeseries_encoder_preprocess(encoder, series, samples, n, &n, &t->e.call);
    if (status == INS1_OK)
        status =
            ins1_timeseries_encoder_tower(out, encoder, samples, n / series->n_channels,
                                          series->n_channels, series->sample_rate_hz, &t->e.call);
    free(samples);
    return status;
}

ins1_status embed_series(embed_task *t, const char *file, ins1_embeds **out)
{
    ins1_timeseries_encoder_options options = INS1_INIT(ins1_timeseries_encoder_options);
    ins1_timeseries_encoder *encoder = NULL;
    ins1_io_series *opened = NULL;
    ins1_timeseries series;

    options.device = t->e.device;
    options.precision = engine_encoder_precision(&t->s);
    options.max_samples = t->max_samples;
    options.flags = t->is_unbiased ? INS1_TIMESERIES_ENCODER_UNBIASED : 0;
    ins1_status status = media_series_open(&opened, &series, &t->e, file, t->rate);
    if (status == INS1_OK)
        status = ins1_timeseries_encoder_create(&encoder, t->e.model, &options, &t->e.call);
    if (status == INS1_OK && t->wants_tower)
        status = run_tower(t, encoder, &series, out);
    else if (status == INS1_OK)
        status = ins1_timeseries_encoder_encode(out, encoder, &series, 1, &t->e.call);
    ins1_timeseries_encoder_release(encoder);
    media_series_release(opened);
    return status;
}
