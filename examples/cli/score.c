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

/* What ins1_polar_request has by default, and what stands around and between its texts. */
enum { POLAR_TOKENS = 16384, POLAR_EXTRA = 5 };

/* A line: a prefix and what may follow it, or a prompt with a reference and candidates as text. */
typedef struct question {
    int32_t *prefix;
    size_t n_prefix;
    ins1_ids *candidates;
    size_t n;
    bool is_text;
    ins1_polar_request request;
    ins1_text *answers; /* owned; the texts lie in the line */
} question;

static void question_free(question *q)
{
    for (size_t i = 0; i < q->n && q->candidates; i++)
        free((void *)(uintptr_t)q->candidates[i].ids);
    free(q->candidates);
    free(q->prefix);
    free(q->answers);
}

static ins1_status read_text(const json *in, const char *name, ins1_text *out, ins1_error *error)
{
    const json *value = json_get(in, name);
    if (!value || value->kind != JSON_STRING)
        return fail(error, INS1_E_FORMAT, "\"%s\" is expected to be a string", name);
    *out = (ins1_text){ value->text, value->n };
    return INS1_OK;
}

static ins1_status read_number(const json *in, const char *name, int32_t *out, ins1_error *error)
{
    const json *value = json_get(in, name);
    int64_t number = 0;
    if (value && (!json_int(value, &number) || number < 1 || number > INT32_MAX))
        return fail(error, INS1_E_FORMAT, "\"%s\" is expected to be a number of tokens", name);
    *out = (int32_t)number;
    return INS1_OK;
}

static ins1_status read_flag(const json *in, const char *name, uint32_t bit, uint32_t *flags,
                             ins1_error *error)
{
    bool is_set = false;
    ins1_status status = json_flag(in, name, &is_set, error);
    *flags |= is_set ? bit : 0;
    return status;
}

/* For POLAR checkpoints. */
static ins1_status read_request(question *q, const json *in, ins1_error *error)
{
    const json *candidates = json_get(in, "candidates");
    q->is_text = true;
    q->request = (ins1_polar_request)INS1_INIT(ins1_polar_request);
    ins1_status status = read_text(in, "prompt", &q->request.prompt, error);
    if (status == INS1_OK)
        status = read_flag(in, "pretrain", INS1_POLAR_PRETRAIN, &q->request.flags, error);
    if (status == INS1_OK)
        status = read_flag(in, "keep_tail", INS1_POLAR_KEEP_TAIL, &q->request.flags, error);
    if (status == INS1_OK)
        status = read_text(in, "reference", &q->request.reference, error);
    if (status == INS1_OK)
        status = read_number(in, "max_tokens", &q->request.max_tokens, error);
    if (status == INS1_OK)
        status = read_number(in, "max_answer", &q->request.max_answer, error);
    q->answers = allocate(candidates->n, sizeof(*q->answers));
    for (size_t i = 0; i < candidates->n && status == INS1_OK; i++) {
        const json *one = &candidates->items[i];
        if (one->kind != JSON_STRING)
            status = fail(error, INS1_E_FORMAT, "candidate %zu is expected to be a string", i);
        q->answers[i] = (ins1_text){ one->text, one->n };
    }
    q->n = candidates->n;
    q->request.candidates = q->answers;
    q->request.n_candidates = q->n;
    return status;
}

static ins1_status read_question(question *q, const json *in, ins1_error *error)
{
    const json *candidates = json_get(in, "candidates");
    *q = (question){ 0 };
    if (!candidates || candidates->kind != JSON_ARRAY)
        return fail(error, INS1_E_FORMAT, "\"candidates\" is expected to be an array of arrays");
    if (json_get(in, "prompt") || json_get(in, "reference"))
        return read_request(q, in, error);
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
        q->is_text
            ? ins1_polar_score(t->session, 0, t->e.tokenizer, &q->request, rewards, &t->e.call)
            : ins1_session_score_many(t->session, 0, q->candidates, q->n, rewards, &t->e.call);
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
    if (status == INS1_OK && q->is_text && !t->gives_rewards)
        status = fail(t->e.call.error, INS1_E_UNSUPPORTED,
                      "prompt and reference are for reward checkpoints, this one has no rewards");
    if (status == INS1_OK && !q->is_text && !t->gives_rewards && !q->n_prefix)
        status = fail(t->e.call.error, INS1_E_STATE,
                      "\"prefix\" is empty, at least one id is expected before a continuation");
    if (status != INS1_OK)
        return status;
    return t->gives_rewards ? print_rewards(t, q, out) : print_logprobs(t, q, out);
}

/* Ids of a candidate with what stands before it. Of text at most as many as it has bytes, and as
 * the request allows. */
static size_t size_of(const question *q, size_t i)
{
    if (!q->is_text)
        return q->n_prefix + q->candidates[i].n_ids;
    const ins1_polar_request *r = &q->request;
    size_t most = r->max_tokens ? (size_t)r->max_tokens : POLAR_TOKENS;
    size_t size = 2 * r->prompt.size + r->reference.size + q->answers[i].size + POLAR_EXTRA;
    return size < most ? size : most;
}

static size_t longest(const question *questions, size_t n)
{
    size_t most = 1;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < questions[i].n; k++)
            most = size_of(&questions[i], k) > most ? size_of(&questions[i], k) : most;
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

    /* One more for the reward token. */
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
    task t = { .s = { .is_computing = true, .is_exact = true } };
    const char *model;
    int status = args_parse(&score_command, NULL, 0, &t.s, argc, argv, &model);
    if (status != ARGS_OK)
        return status;
    if (engine_open(&t.e, &t.s, model, 0) != INS1_OK ||
        engine_make(&t.e, &t.s, INS1_PART_DECODER | (t.e.info.parts & INS1_PART_TOKENIZER)) !=
            INS1_OK) {
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
    .about =
        "Reads {\"prefix\": [ids], \"candidates\": [[ids], ...]}, prints the log-probability "
        "of each id\n"
        "and the sum for each candidate. Of reward checkpoints it prints the rewards, and takes\n"
        "{\"prompt\": text, \"reference\": text, \"candidates\": [text, ...]} too, as POLAR "
        "does, with\n"
        "\"max_tokens\", \"max_answer\", \"pretrain\" and \"keep_tail\".",
    .example = "echo '{\"prefix\": [1, 2], \"candidates\": [[3], [4, 5]]}' | ins1 score MODEL",
    .run = run,
};
