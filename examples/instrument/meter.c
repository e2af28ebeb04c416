#include "meter.h"
#include "clock.h"
#include "embedded.h"

#include <stdbool.h>
#include <string.h>

#define MOST_FILES  32
#define MOST_TOKENS 16

static const char question[] = "What is the heart rate?";

/* The whole folder from memory: no path is ever opened. */
static ins1_status open_model(meter *m, const ins1_call *call)
{
    ins1_file files[MOST_FILES];
    ins1_model_options options = INS1_INIT(ins1_model_options);
    size_t n = 0;

    for (size_t i = 0; i < embedded_n_files && n < MOST_FILES; i++) {
        const embedded *e = &embedded_files[i];
        files[n] = (ins1_file)INS1_INIT(ins1_file);
        files[n].name = e->name;
        files[n].data = e->begin;
        files[n++].size = (size_t)(e->end - e->begin);
    }
    options.parts = INS1_PART_TOKENIZER | INS1_PART_TIMESERIES | INS1_PART_DECODER;
    options.files = files;
    options.n_files = n;
    return ins1_model_open(&m->model, m->runtime, &options, call);
}

static ins1_status open_parts(meter *m, const ins1_call *call)
{
    ins1_session_options options = INS1_INIT(ins1_session_options);

    options.n_ctx = 128;
    ins1_status status = ins1_tokenizer_create(&m->tokenizer, m->model, NULL, call);
    if (status == INS1_OK)
        status = ins1_timeseries_encoder_create(&m->encoder, m->model, NULL, call);
    if (status == INS1_OK)
        status = ins1_decoder_create(&m->decoder, m->model, NULL, call);
    if (status == INS1_OK)
        status = ins1_session_create(&m->session, m->decoder, &options, call);
    return status == INS1_OK ? ins1_sampler_create(&m->sampler, m->runtime, NULL, call) : status;
}

static ins1_status encode(meter *m, const float *window, ins1_embeds **out, const ins1_call *call)
{
    ins1_timeseries series = INS1_INIT(ins1_timeseries);

    series.dtype = INS1_SAMPLE_F32;
    series.data = window;
    series.n_samples = METER_SAMPLES;
    series.n_channels = 1;
    series.sample_rate_hz = METER_RATE_HZ;
    return ins1_timeseries_encoder_encode(out, m->encoder, &series, 1, call);
}

/* The question is put into words once: a window is as many tokens as any other. */
static ins1_status make_prompt(meter *m, const ins1_call *call)
{
    static const float silence[METER_SAMPLES];
    ins1_part parts[2] = { INS1_INIT(ins1_part), INS1_INIT(ins1_part) };
    ins1_message message = INS1_INIT(ins1_message);
    ins1_chat_options options = INS1_INIT(ins1_chat_options);
    const ins1_span *spans;

    ins1_status status = encode(m, silence, &parts[0].embeds, call);
    parts[0].kind = INS1_MODALITY_TIMESERIES;
    parts[1].kind = INS1_MODALITY_TEXT;
    parts[1].text = question;
    parts[1].size = sizeof(question) - 1;
    message.role = "user";
    message.parts = parts;
    message.n_parts = 2;
    options.thinking = INS1_CHAT_OFF;
    if (status == INS1_OK)
        status = ins1_prompt_create(&m->prompt, m->tokenizer, &message, 1, &options, call);
    if (status == INS1_OK)
        status = ins1_prompt_spans(m->prompt, &spans, &m->n_spans, call);
    if (status == INS1_OK && m->n_spans > sizeof(m->spans) / sizeof(*m->spans))
        status = INS1_E_UNSUPPORTED;
    if (status == INS1_OK)
        memcpy(m->spans, spans, m->n_spans * sizeof(*spans));
    ins1_embeds_release(parts[0].embeds);
    return status;
}

ins1_status meter_open(meter *m, const ins1_allocator *allocator, const ins1_threading *threading)
{
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_call call = INS1_INIT(ins1_call);

    *m = (meter){ .error = INS1_INIT(ins1_error) };
    call.error = &m->error;
    options.flags = INS1_RUNTIME_NO_FILES | INS1_RUNTIME_NO_DLOPEN;
    options.allocator = allocator;
    options.threading = threading;
    ins1_status status = ins1_runtime_create(&m->runtime, &options, &call);
    if (status == INS1_OK)
        status = open_model(m, &call);
    if (status == INS1_OK)
        status = open_parts(m, &call);
    return status == INS1_OK ? make_prompt(m, &call) : status;
}

/* The question with this window in it. */
static ins1_status feed(meter *m, ins1_embeds *embeds, const ins1_call *call)
{
    ins1_feed all = INS1_INIT(ins1_feed);
    size_t kept;

    for (size_t i = 0; i < m->n_spans; i++)
        if (m->spans[i].embeds)
            m->spans[i].embeds = embeds;
    all.spans = m->spans;
    all.n_spans = m->n_spans;
    ins1_status status = ins1_session_truncate(m->session, 0, 0, &kept, call);
    return status == INS1_OK ? ins1_session_prefill(m->session, &all, 1, NULL, call) : status;
}

/* One more token of the answer. */
static ins1_status step(meter *m, bool *is_end, const ins1_call *call)
{
    const float *logits;
    const char *bytes;
    size_t n, size, have = strlen(m->text);
    uint32_t what;
    ins1_logprob picked;

    ins1_status status = ins1_session_logits(m->session, 0, &logits, &n, call);
    if (status == INS1_OK)
        status = ins1_sampler_pick(m->sampler, logits, n, &picked, call);
    if (status == INS1_OK)
        status = ins1_tokenizer_piece(m->tokenizer, picked.token, &bytes, &size, &what, call);
    if (status != INS1_OK)
        return status;
    *is_end = (what & INS1_TOKEN_END) != 0 || have + size >= sizeof(m->text);
    if (*is_end)
        return INS1_OK;
    if (!(what & INS1_TOKEN_CONTROL))
        memcpy(m->text + have, bytes, size); /* the rest is zero */
    const ins1_step one = { .token = picked.token };
    return ins1_session_step(m->session, &one, 1, call);
}

ins1_status meter_measure(meter *m, const float *window, ins1_cancel *cancel, int64_t deadline_ns)
{
    ins1_call call = INS1_INIT(ins1_call);
    ins1_embeds *embeds = NULL;
    const int64_t until = clock_wall() + deadline_ns;
    bool is_end = false;

    call.error = &m->error;
    call.cancel = cancel;
    call.budget_ns = deadline_ns;
    memset(m->text, 0, sizeof(m->text));
    ins1_status status = encode(m, window, &embeds, &call);
    for (int i = 0; status == INS1_OK && !is_end && i < MOST_TOKENS; i++) {
        if (deadline_ns) {
            const int64_t left = until - clock_wall();
            call.budget_ns = left > 0 ? left : 1;
        }
        status = i == 0 ? feed(m, embeds, &call) : INS1_OK;
        if (status == INS1_OK)
            status = step(m, &is_end, &call);
    }
    ins1_embeds_release(embeds);
    return status;
}

void meter_close(meter *m)
{
    ins1_prompt_release(m->prompt);
    ins1_sampler_release(m->sampler);
    ins1_session_release(m->session);
    ins1_decoder_release(m->decoder);
    ins1_timeseries_encoder_release(m->encoder);
    ins1_tokenizer_release(m->tokenizer);
    ins1_model_release(m->model);
    ins1_runtime_release(m->runtime);
}
