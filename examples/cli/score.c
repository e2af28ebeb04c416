#include "commands.h"
#include "engine.h"
#include "lines.h"

#include <stdlib.h>

typedef struct task {
    engine e;
    settings s;
    bool gives_rewards;
    ins1_session *session;
} task;

/* A line: a prefix and what may follow it. */
typedef struct question {
    int32_t *prefix;
    size_t n_prefix;
    ins1_ids *candidates;
    size_t n;
} question;

static void question_free(question *q)
{
    for (size_t i = 0; i < q->n; i++)
        free((void *)(uintptr_t)q->candidates[i].ids);
    free(q->candidates);
    free(q->prefix);
}

static ins1_status read_question(question *q, const json *in, ins1_error *error)
{
    const json *candidates = json_get(in, "candidates");
    *q = (question){ 0 };
    if (!candidates || candidates->kind != JSON_ARRAY)
        return fail(error, INS1_E_FORMAT, "\"candidates\" is expected to be an array of arrays");
    ins1_status status = json_ids(json_get(in, "prefix"), &q->prefix, &q->n_prefix, error);
    q->candidates = allocate(candidates->n, sizeof(*q->candidates));
    for (size_t i = 0; i < candidates->n && status == INS1_OK; i++) {
        int32_t *ids;
        status = json_ids(&candidates->items[i], &ids, &q->candidates[i].n_ids, error);
        q->candidates[i].ids = ids;
        q->n += status == INS1_OK;
    }
    return status;
}

static ins1_status feed_prefix(task *t, const question *q)
{
    ins1_feed feed = INS1_INIT(ins1_feed);
    ins1_span span = INS1_INIT(ins1_span);
    ins1_status status = ins1_session_truncate(t->session, 0, 0, NULL, &t->e.call);
    if (status != INS1_OK || !q->n_prefix)
        return status;
    span.ids = q->prefix;
    span.n_ids = q->n_prefix;
    feed.spans = &span;
    feed.n_spans = 1;
    return ins1_session_prefill(t->session, &feed, 1, NULL, &t->e.call);
}

static ins1_status print_rewards(task *t, const question *q, buffer *out)
{
    float *rewards = allocate(q->n, sizeof(*rewards));
    ins1_status status =
        ins1_session_score_many(t->session, 0, q->candidates, q->n, rewards, &t->e.call);
    text_puts(out, "{\"rewards\": [");
    for (size_t i = 0; i < q->n; i++) {
        text_puts(out, i ? ", " : "");
        text_real(out, (double)rewards[i]);
    }
    text_puts(out, "]}");
    free(rewards);
    return status;
}

/* One candidate: its items go to `tokens`, their sum to `sums`. */
static ins1_status print_candidate(task *t, const ins1_ids *candidate, buffer *sums, buffer *tokens)
{
    float *logprobs = allocate(candidate->n_ids, sizeof(*logprobs));
    double sum = 0;
    ins1_status status =
        ins1_session_score(t->session, 0, candidate->ids, candidate->n_ids, logprobs, &t->e.call);
    text_puts(tokens, tokens->size ? ", [" : "[");
    for (size_t i = 0; i < candidate->n_ids; i++) {
        text_puts(tokens, i ? ", " : "");
        text_real(tokens, (double)logprobs[i]);
        sum += (double)logprobs[i];
    }
    text_puts(tokens, "]");
    text_puts(sums, sums->size ? ", " : "");
    text_real(sums, sum);
    free(logprobs);
    return status;
}

static ins1_status print_logprobs(task *t, const question *q, buffer *out)
{
    buffer sums = { 0 }, tokens = { 0 };
    ins1_status status = INS1_OK;
    for (size_t i = 0; i < q->n && status == INS1_OK; i++)
        status = print_candidate(t, &q->candidates[i], &sums, &tokens);
    text_puts(out, "{\"logprobs\": [");
    text_add(out, sums.at, sums.size);
    text_puts(out, "], \"tokens\": [");
    text_add(out, tokens.at, tokens.size);
    text_puts(out, "]}");
    text_free(&sums);
    text_free(&tokens);
    return status;
}

static ins1_status answer(task *t, const question *q, buffer *out)
{
    ins1_status status = feed_prefix(t, q);
    if (status != INS1_OK)
        return status;
    return t->gives_rewards ? print_rewards(t, q, out) : print_logprobs(t, q, out);
}

/* One more than the ids: room for the reward token. */
static size_t longest(const question *questions, size_t n)
{
    size_t most = 1;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < questions[i].n; k++) {
            size_t size = questions[i].n_prefix + questions[i].candidates[k].n_ids;
            most = size > most ? size : most;
        }
    return most;
}

static int run_lines(task *t)
{
    int exit_status = 0;
    inputs all;
    lines_read(&all);
    question *questions = allocate(all.n, sizeof(*questions));
    for (size_t i = 0; i < all.n; i++)
        if (all.at[i].error.status == INS1_OK)
            all.at[i].error.status =
                read_question(&questions[i], &all.at[i].value, &all.at[i].error);

    ins1_status made =
        engine_session(&t->e, &t->s, longest(questions, all.n) + t->gives_rewards, 1, &t->session);
    ins1_error why_not = t->e.error;
    for (size_t i = 0; i < all.n; i++) {
        ins1_error *error = &all.at[i].error;
        buffer out = { 0 };
        t->e.call.error = error;
        if (error->status == INS1_OK && made != INS1_OK)
            *error = why_not;
        else if (error->status == INS1_OK)
            error->status = answer(t, &questions[i], &out);
        exit_status |= line_print(&out, error);
        text_free(&out);
        question_free(&questions[i]);
    }
    free(questions);
    lines_free(&all);
    return exit_status;
}

static bool has_reward_head(task *t)
{
    const char *value = NULL;
    size_t size;
    ins1_model_meta(t->e.model, "config.json/reward_token_id", &value, &size, &t->e.call);
    return value != NULL;
}

static int run(int argc, char **argv)
{
    task t = { .s = { .is_computing = true, .precision = "f32" } };
    const char *model;
    int status = args_parse(&score_command, NULL, 0, &t.s, argc, argv, &model);
    if (status != ARGS_OK)
        return status;
    if (engine_open(&t.e, &t.s, model, INS1_PART_DECODER) != INS1_OK) {
        status = engine_failed(&t.e, &score_command);
    } else {
        t.gives_rewards = has_reward_head(&t);
        status = run_lines(&t);
    }
    ins1_session_release(t.session);
    engine_stop(&t.e);
    return status;
}

const command score_command = {
    .name = "score",
    .operands = "MODEL",
    .summary = "Log-probabilities of continuations, rewards of reward models",
    .about = "Reads {\"prefix\": [ids], \"candidates\": [[ids], ...]}, prints the log-probability "
             "of each id\n"
             "and the sum for each candidate.",
    .example = "echo '{\"prefix\": [1, 2], \"candidates\": [[3], [4, 5]]}' | ins1 score MODEL",
    .run = run,
};
