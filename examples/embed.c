/* A vector for a text: the mean of its final hidden states, one number a line.
 *     embed MODEL '<SMILES>CCO</SMILES>'
 */

#include <interns1/interns1.h>

#include <stdio.h>
#include <string.h>

#define MAX_IDS 4096
#define MAX_DIM 16384

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

static ins1_status feed_text(opened *o, const char *text, const ins1_call *call)
{
    static int32_t ids[MAX_IDS];
    ins1_segment segment = INS1_INIT(ins1_segment);
    ins1_span span = INS1_INIT(ins1_span);
    ins1_feed feed = INS1_INIT(ins1_feed);

    segment.flags = INS1_SEGMENT_SPECIAL; /* the text is our own: its tags may act as tags */
    segment.text = text;
    segment.size = strlen(text);
    ins1_status status =
        ins1_tokenizer_encode(o->tokenizer, &segment, 1, 0, ids, NULL, MAX_IDS, &span.n_ids, call);
    span.ids = ids;
    feed.spans = &span;
    feed.n_spans = 1;
    return status == INS1_OK ? ins1_session_prefill(o->session, &feed, 1, NULL, call) : status;
}

int main(int argc, char **argv)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    ins1_session_options options = INS1_INIT(ins1_session_options);
    ins1_embeds *embeds = NULL;
    static float vector[MAX_DIM];
    size_t dim = 0;
    opened o = { 0 };

    if (argc != 3)
        return fprintf(stderr, "usage: embed MODEL TEXT\n"), 2;
    call.error = &error;
    options.flags = INS1_SESSION_KEEP_HIDDEN;
    ins1_status status = open_all(&o, argv[1], &options, &call);
    if (status == INS1_OK)
        status = feed_text(&o, argv[2], &call);
    if (status == INS1_OK)
        status = ins1_session_embeds(&embeds, o.session, 0, INS1_POOL_MEAN, &call);
    if (status == INS1_OK)
        status = ins1_embeds_read_f32(embeds, 0, 1, vector, MAX_DIM, &dim, &call);
    for (size_t i = 0; status == INS1_OK && i < dim; i++)
        printf("%.6g\n", vector[i]);
    if (status != INS1_OK)
        fprintf(stderr, "%s: %s\n", ins1_status_name(status), error.text);
    ins1_embeds_release(embeds);
    close_all(&o);
    return status != INS1_OK;
}
