#include "scorer.h"

ins1_status scorer_open(scorer *s, const char *path, int32_t n_threads)
{
    ins1_threading threading = INS1_INIT(ins1_threading);
    ins1_runtime_options host = INS1_INIT(ins1_runtime_options);
    ins1_model_options options = INS1_INIT(ins1_model_options);
    ins1_call call = INS1_INIT(ins1_call);

    *s = (scorer){ .error = INS1_INIT(ins1_error) };
    call.error = &s->error;
    threading.mode = INS1_THREADS_OWN;
    threading.n_threads = n_threads;
    host.threading = &threading;
    options.path = path;
    options.parts = INS1_PART_TOKENIZER | INS1_PART_DECODER;

    ins1_status status = ins1_runtime_create(&s->runtime, &host, &call);
    if (status == INS1_OK)
        status = ins1_model_open(&s->model, s->runtime, &options, &call);
    if (status == INS1_OK)
        status = ins1_tokenizer_create(&s->tokenizer, s->model, NULL, &call);
    if (status == INS1_OK)
        status = ins1_decoder_create(&s->decoder, s->model, NULL, &call);
    return status == INS1_OK ? ins1_session_create(&s->session, s->decoder, NULL, &call) : status;
}

static ins1_status feed_question(scorer *s, ins1_text question, const ins1_call *call)
{
    ins1_part part = INS1_INIT(ins1_part);
    ins1_message message = INS1_INIT(ins1_message);
    ins1_chat_options options = INS1_INIT(ins1_chat_options);
    ins1_feed feed = INS1_INIT(ins1_feed);
    ins1_prompt *prompt = NULL;
    size_t kept;

    part.kind = INS1_MODALITY_TEXT;
    part.text = question.text;
    part.size = question.size;
    message.role = "user";
    message.parts = &part;
    message.n_parts = 1;
    options.thinking = INS1_CHAT_OFF;
    ins1_status status = ins1_prompt_create(&prompt, s->tokenizer, &message, 1, &options, call);
    if (status == INS1_OK)
        status = ins1_prompt_spans(prompt, &feed.spans, &feed.n_spans, call);
    if (status == INS1_OK)
        status = ins1_session_truncate(s->session, 0, 0, &kept, call);
    if (status == INS1_OK)
        status = ins1_session_prefill(s->session, &feed, 1, NULL, call);
    ins1_prompt_release(prompt);
    return status;
}

ins1_status scorer_score(scorer *s, ins1_text question, ins1_text answer, float *out)
{
    ins1_segment segment = INS1_INIT(ins1_segment);
    ins1_call call = INS1_INIT(ins1_call);
    ins1_ids candidate = { s->ids, 0 };

    call.error = &s->error;
    segment.text = answer.text;
    segment.size = answer.size;
    ins1_status status = feed_question(s, question, &call);
    if (status == INS1_OK)
        status = ins1_tokenizer_encode(s->tokenizer, &segment, 1, 0, s->ids, NULL, SCORER_MOST_IDS,
                                       &candidate.n_ids, &call);
    if (status == INS1_OK)
        status = ins1_session_score_many(s->session, 0, &candidate, 1, out, &call);
    return status;
}

void scorer_close(scorer *s)
{
    ins1_session_release(s->session);
    ins1_decoder_release(s->decoder);
    ins1_tokenizer_release(s->tokenizer);
    ins1_model_release(s->model);
    ins1_runtime_release(s->runtime);
}
