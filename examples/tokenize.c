/* Show the tokens of a text, one a line: id, bytes begin..end, text.
 *     tokenize MODEL 'Aspirin is <SMILES>CC(=O)Oc1ccccc1C(=O)O</SMILES>.'
 * A folder with the tokenizer files alone is enough.
 */

#include <interns1/interns1.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* First ask how many, then for all of them. */
static ins1_status print_tokens(const ins1_tokenizer *tokenizer, const char *text,
                                const ins1_call *call)
{
    ins1_segment segment = INS1_INIT(ins1_segment);
    size_t count;

    segment.text = text;
    segment.size = strlen(text);
    segment.flags = INS1_SEGMENT_SPECIAL; /* the text is our own: its tags may act as tags */
    ins1_status status =
        ins1_tokenizer_encode(tokenizer, &segment, 1, 0, NULL, NULL, 0, &count, call);
    if (status != INS1_E_BUFFER)
        return status; /* an empty text, or a failure */

    int32_t *ids = calloc(count, sizeof(*ids));
    ins1_piece *pieces = calloc(count, sizeof(*pieces));
    if (!ids || !pieces)
        status = INS1_E_MEMORY;
    else
        status = ins1_tokenizer_encode(tokenizer, &segment, 1, 0, ids, pieces, count, &count, call);
    for (size_t i = 0; status == INS1_OK && i < count; i++)
        printf("%d\t%zu..%zu\t%.*s\n", ids[i], pieces[i].begin, pieces[i].end,
               (int)(pieces[i].end - pieces[i].begin), text + pieces[i].begin);
    free(ids);
    free(pieces);
    return status;
}

int main(int argc, char **argv)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    ins1_model_options options = INS1_INIT(ins1_model_options);
    ins1_runtime *runtime = NULL;
    ins1_model *model = NULL;
    ins1_tokenizer *tokenizer = NULL;

    if (argc != 3)
        return fprintf(stderr, "usage: tokenize MODEL TEXT\n"), 2;
    call.error = &error;
    options.path = argv[1];
    options.parts = INS1_PART_TOKENIZER;

    ins1_status status = ins1_runtime_create(&runtime, NULL, &call);
    if (status == INS1_OK)
        status = ins1_model_open(&model, runtime, &options, &call);
    if (status == INS1_OK)
        status = ins1_tokenizer_create(&tokenizer, model, NULL, &call);
    if (status == INS1_OK)
        status = print_tokens(tokenizer, argv[2], &call);
    if (status != INS1_OK)
        fprintf(stderr, "%s: %s\n", ins1_status_name(status), error.text);

    ins1_tokenizer_release(tokenizer);
    ins1_model_release(model);
    ins1_runtime_release(runtime);
    return status != INS1_OK;
}
