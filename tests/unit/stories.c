/* A real trained model end to end: 200 greedy ids from the id 1 decode to the text that was
 * published with it.
 *
 *     stories FOLDER EXPECTED_TEXT_FILE
 */

#include "interns1/interns1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_IDS = 200, MAX_TEXT = 4096 };

typedef struct story {
    ins1_error error;
    ins1_call call;
    ins1_runtime *runtime;
    ins1_model *model;
    ins1_decoder *decoder;
    ins1_tokenizer *tokenizer;
    ins1_session *session;
    int32_t ids[N_IDS];
    char text[MAX_TEXT];
    size_t size;
} story;

static ins1_status open_all(story *s, const char *folder)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    ins1_session_options sizes = INS1_INIT(ins1_session_options);
    options.path = folder;
    sizes.n_ctx = N_IDS;
    ins1_status status = ins1_runtime_create(&s->runtime, NULL, &s->call);
    if (status == INS1_OK)
        status = ins1_model_open(&s->model, s->runtime, &options, &s->call);
    if (status == INS1_OK)
        status = ins1_decoder_create(&s->decoder, s->model, NULL, &s->call);
    if (status == INS1_OK)
        status = ins1_tokenizer_create(&s->tokenizer, s->model, NULL, &s->call);
    if (status == INS1_OK)
        status = ins1_session_create(&s->session, s->decoder, &sizes, &s->call);
    return status;
}

static void close_all(story *s)
{
    ins1_session_release(s->session);
    ins1_tokenizer_release(s->tokenizer);
    ins1_decoder_release(s->decoder);
    ins1_model_release(s->model);
    ins1_runtime_release(s->runtime);
}

static ins1_status write_story(story *s)
{
    int32_t token = 1;
    for (int i = 0; i < N_IDS; i++) {
        const ins1_step step = { 0, token };
        ins1_logprob best;
        size_t count;
        ins1_status status = ins1_session_step(s->session, &step, 1, &s->call);
        if (status == INS1_OK)
            status = ins1_session_logprobs(s->session, 0, 1, &best, 1, &count, &s->call);
        if (status != INS1_OK)
            return status;
        s->ids[i] = token = best.token;
    }
    return ins1_tokenizer_decode(s->tokenizer, s->ids, N_IDS, 0, s->text, MAX_TEXT, &s->size,
                                 &s->call);
}

static size_t read_file(const char *path, char *out, size_t capacity)
{
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(out, 1, capacity, file) : 0;
    if (file)
        (void)fclose(file);
    return size;
}

int main(int argc, char **argv)
{
    static story s = { .error = INS1_INIT(ins1_error), .call = INS1_INIT(ins1_call) };
    static char expected[MAX_TEXT];
    int answer = EXIT_FAILURE;

    if (argc != 3)
        return EXIT_FAILURE;
    s.call.error = &s.error;
    size_t size = read_file(argv[2], expected, sizeof(expected));
    ins1_status status = open_all(&s, argv[1]);
    if (status == INS1_OK)
        status = write_story(&s);
    if (status != INS1_OK)
        printf("%s: %s\n", ins1_status_name(status), s.error.text);
    else if (!size || s.size != size || memcmp(s.text, expected, size) != 0)
        printf("%zu bytes, %zu expected:\n%.*s\n", s.size, size, (int)s.size, s.text);
    else
        answer = EXIT_SUCCESS;
    close_all(&s);
    return answer;
}
