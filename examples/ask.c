/* Ask a checkpoint a question and print the answer as it comes:
 *     ask MODEL 'What is the molecular formula of <SMILES>CCO</SMILES>?'
 */

#include <interns1/interns1.h>

#include <stdio.h>
#include <string.h>

typedef struct parts {
    ins1_runtime *runtime;
    ins1_model *model;
    ins1_tokenizer *tokenizer;
    ins1_decoder *decoder;
    ins1_session *session;
    ins1_sampler *sampler;
    ins1_prompt *prompt;
    ins1_stream *stream;
} parts;

static ins1_status open_all(parts *p, const char *path, const ins1_call *call)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.path = path;

    ins1_status status = ins1_runtime_create(&p->runtime, NULL, call);
    if (status == INS1_OK)
        status = ins1_model_open(&p->model, p->runtime, &options, call);
    if (status == INS1_OK)
        status = ins1_tokenizer_create(&p->tokenizer, p->model, NULL, call);
    if (status == INS1_OK)
        status = ins1_decoder_create(&p->decoder, p->model, NULL, call);
    if (status == INS1_OK)
        status = ins1_session_create(&p->session, p->decoder, NULL, call);
    return status == INS1_OK ? ins1_sampler_create(&p->sampler, p->runtime, NULL, call) : status;
}

/* Messages become a prompt, the prompt goes into the session, and a stream takes over. */
static ins1_status begin(parts *p, const char *question, const ins1_call *call)
{
    ins1_part part = INS1_INIT(ins1_part);
    ins1_message message = INS1_INIT(ins1_message);
    ins1_prompt_info info = INS1_INIT(ins1_prompt_info);
    ins1_stream_options options = INS1_INIT(ins1_stream_options);
    ins1_feed feed = INS1_INIT(ins1_feed);

    part.kind = INS1_MODALITY_TEXT;
    part.text = question;
    part.size = strlen(question);
    message.role = "user";
    message.parts = &part;
    message.n_parts = 1;

    ins1_status status = ins1_prompt_create(&p->prompt, p->tokenizer, &message, 1, NULL, call);
    if (status == INS1_OK)
        status = ins1_prompt_info_get(p->prompt, &info, call);
    if (status == INS1_OK)
        status = ins1_prompt_spans(p->prompt, &feed.spans, &feed.n_spans, call);
    if (status == INS1_OK)
        status = ins1_session_prefill(p->session, &feed, 1, NULL, call);
    options.reply_flags = info.reply_flags;
    if (status == INS1_OK)
        status =
            ins1_stream_open(&p->stream, p->session, 0, p->tokenizer, p->sampler, &options, call);
    return status;
}

int main(int argc, char **argv)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    ins1_event event = INS1_INIT(ins1_event);
    parts p = { 0 };

    if (argc != 3)
        return fprintf(stderr, "usage: ask MODEL QUESTION\n"), 2;
    call.error = &error;
    ins1_status status = open_all(&p, argv[1], &call);
    if (status == INS1_OK)
        status = begin(&p, argv[2], &call);
    while (status == INS1_OK && event.kind != INS1_EVENT_END) {
        status = ins1_stream_next(p.stream, &event, &call);
        if (status == INS1_OK && event.kind == INS1_EVENT_TEXT)
            printf("%.*s", (int)event.size, event.text);
    }
    putchar('\n');
    if (status != INS1_OK)
        fprintf(stderr, "%s: %s\n", ins1_status_name(status), error.text);

    ins1_stream_release(p.stream);
    ins1_prompt_release(p.prompt);
    ins1_sampler_release(p.sampler);
    ins1_session_release(p.session);
    ins1_decoder_release(p.decoder);
    ins1_tokenizer_release(p.tokenizer);
    ins1_model_release(p.model);
    ins1_runtime_release(p.runtime);
    return status != INS1_OK;
}
