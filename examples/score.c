/* Which continuation is more probable? Prints the log-probability of each:
 *     score MODEL 'How many rings does <SMILES>c1ccccc1</SMILES> have?' ' 1' ' 2'
 */

#include <interns1/interns1.h>

#include <stdio.h>
#include <string.h>

#define MAX_IDS 4096

typedef struct opened {
    ins1_runtime *runtime;
    ins1_model *model;
    ins1_tokenizer *tokenizer;
    ins1_decoder *decoder;
    ins1_session *session;
} opened;

static ins1_status open_all(opened *o, const char *path, const ins1_session_options *session,
                            const ins1_call *call)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.path = path;

    ins1_status status = ins1_runtime_create(&o->runtime, NULL, call);
    if (status == INS1_OK)
        status = ins1_model_open(&o->model, o->runtime, &options, call);
    if (status == INS1_OK)
        status = ins1_tokenizer_create(&o->tokenizer, o->model, NULL, call);
    if (status == INS1_OK)
        status = ins1_decoder_create(&o->decoder, o->model, NULL, call);
    return status == INS1_OK ? ins1_session_create(&o->session, o->decoder, session, call) : status;
}

/* Any order is right: a child keeps its parent alive. */
static void close_all(opened *o)
{
    ins1_runtime_release(o->runtime);
    ins1_model_release(o->model);
    ins1_tokenizer_release(o->tokenizer);
    ins1_decoder_release(o->decoder);
    ins1_session_release(o->session);
}

static ins1_status encode(const opened *o, const char *text, int32_t *ids, size_t *n_ids,
                          const ins1_call *call)
{
    ins1_segment segment = INS1_INIT(ins1_segment);

    segment.flags = INS1_SEGMENT_SPECIAL; /* the text is our own: its tags may act as tags */
    segment.text = text;
    segment.size = strlen(text);
    return ins1_tokenizer_encode(o->tokenizer, &segment, 1, 0, ids, NULL, MAX_IDS, n_ids, call);
}

int main(int argc, char **argv)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    ins1_span span = INS1_INIT(ins1_span);
    ins1_feed feed = INS1_INIT(ins1_feed);
    static int32_t ids[MAX_IDS];
    opened o = { 0 };

    if (argc < 4)
        return fprintf(stderr, "usage: score MODEL PREFIX CONTINUATION...\n"), 2;
    call.error = &error;
    ins1_status status = open_all(&o, argv[1], NULL, &call);
    if (status == INS1_OK)
        status = encode(&o, argv[2], ids, &span.n_ids, &call);
    span.ids = ids;
    feed.spans = &span;
    feed.n_spans = 1;
    if (status == INS1_OK)
        status = ins1_session_prefill(o.session, &feed, 1, NULL, &call);

    for (int i = 3; status == INS1_OK && i < argc; i++) {
        ins1_ids candidate = { ids, 0 };
        float logprob;
        status = encode(&o, argv[i], ids, &candidate.n_ids, &call);
        if (status == INS1_OK)
            status = ins1_session_score_many(o.session, 0, &candidate, 1, &logprob, &call);
        if (status == INS1_OK)
            printf("%.4f\t%s\n", logprob, argv[i]);
    }
    if (status != INS1_OK)
        fprintf(stderr, "%s: %s\n", ins1_status_name(status), error.text);
    close_all(&o);
    return status != INS1_OK;
}
