#include "commands.h"
#include "engine.h"
#include "lines.h"
#include "npy.h"
#include "record.h"
#include "spans.h"

#include <stdlib.h>
#include <string.h>

typedef struct task {
    engine e;
    settings s;
    const char *folder;
    bool wants_layers, wants_routers, is_together, ignores_eos;
    int32_t n_generate, chunk;
    int32_t *placeholders, *ends;
    size_t n_placeholders, n_ends;
} task;

/* One line of the input: what goes in, what came out. `error` says how it is doing. */
typedef struct job {
    ins1_error error;
    prompt p;
    record r;
    int32_t *greedy;
    size_t n_greedy, fed;
    bool is_done;
} job;

static bool is_end(const task *t, int32_t id)
{
    for (size_t i = 0; i < t->n_ends; i++)
        if (t->ends[i] == id)
            return true;
    return false;
}

/* --- one round: all of `jobs` are sequences of one session --- */

static ins1_status feed_pieces(task *t, ins1_session *session, job **jobs, size_t n)
{
    ins1_feed *feeds = allocate(n, sizeof(*feeds));
    piece *pieces = allocate(n, sizeof(*pieces));
    ins1_status status = INS1_OK;
    size_t n_feeds;

    do {
        n_feeds = 0;
        for (size_t i = 0; i < n; i++) {
            job *j = jobs[i];
            size_t left = j->p.n_tokens - j->fed;
            size_t count = t->chunk && (size_t)t->chunk < left ? (size_t)t->chunk : left;
            if (!count)
                continue;
            ins1_feed *feed = &feeds[n_feeds];
            *feed = (ins1_feed)INS1_INIT(ins1_feed);
            feed->seq = (int32_t)i;
            feed->spans = prompt_piece(&j->p, j->fed, count, &pieces[n_feeds++], &feed->n_spans);
            j->fed += count;
        }
        if (n_feeds)
            status = ins1_session_prefill(session, feeds, n_feeds, NULL, &t->e.call);
        for (size_t i = 0; i < n_feeds; i++)
            piece_free(&pieces[i]);
    } while (status == INS1_OK && n_feeds);
    free(pieces);
    free(feeds);
    return status;
}

static ins1_status best_token(task *t, ins1_session *session, int32_t seq, int32_t *out)
{
    const float *logits;
    size_t n;
    ins1_status status = ins1_session_logits(session, seq, &logits, &n, &t->e.call);
    *out = 0;
    for (size_t i = 1; status == INS1_OK && i < n; i++)
        if (logits[i] > logits[*out])
            *out = (int32_t)i;
    return status;
}

/* Take the next token of each sequence that goes on; `*n_steps` is how many do. */
static ins1_status pick_all(task *t, ins1_session *session, job **jobs, size_t n, ins1_step *steps,
                            size_t *n_steps)
{
    ins1_status status = INS1_OK;
    *n_steps = 0;
    for (size_t i = 0; i < n && status == INS1_OK; i++) {
        job *j = jobs[i];
        int32_t token;
        if (j->is_done || !j->p.n_tokens)
            continue;
        status = best_token(t, session, (int32_t)i, &token);
        if (status != INS1_OK)
            break;
        j->is_done = !t->ignores_eos && is_end(t, token);
        if (!j->is_done)
            j->greedy[j->n_greedy++] = token;
        j->is_done |= j->n_greedy == (size_t)t->n_generate;
        if (!j->is_done)
            steps[(*n_steps)++] = (ins1_step){ (int32_t)i, token };
    }
    return status;
}

static ins1_status generate(task *t, ins1_session *session, job **jobs, size_t n)
{
    ins1_step *steps = allocate(n, sizeof(*steps));
    size_t n_steps;
    ins1_status status;

    for (size_t i = 0; i < n; i++)
        jobs[i]->greedy = allocate((size_t)t->n_generate, sizeof(*jobs[i]->greedy));
    do {
        status = pick_all(t, session, jobs, n, steps, &n_steps);
        if (status == INS1_OK && n_steps)
            status = ins1_session_step(session, steps, n_steps, &t->e.call);
    } while (status == INS1_OK && n_steps);
    free(steps);
    return status;
}

static ins1_status observe(void *user, const ins1_observation *seen)
{
    job **jobs = user;
    return record_add(&jobs[seen->seq]->r, seen, &jobs[seen->seq]->error) == INS1_OK ? 0 : 1;
}

static ins1_status run_round(task *t, ins1_session *session, job **jobs, size_t n)
{
    uint32_t mask = INS1_OBSERVE_LOGITS | (t->wants_layers ? INS1_OBSERVE_HIDDEN : 0) |
                    (t->wants_routers ? INS1_OBSERVE_ROUTER : 0);
    ins1_status status = INS1_OK;

    for (size_t i = 0; i < n && status == INS1_OK; i++)
        status = ins1_session_truncate(session, (int32_t)i, 0, NULL, &t->e.call);
    if (status == INS1_OK)
        status = ins1_session_observe(session, mask, observe, jobs, &t->e.call);
    if (status == INS1_OK)
        status = feed_pieces(t, session, jobs, n);
    if (status == INS1_OK)
        status = ins1_session_observe(session, 0, NULL, NULL, &t->e.call);
    if (status == INS1_OK && t->n_generate)
        status = generate(t, session, jobs, n);
    for (size_t i = 0; i < n && status != INS1_OK; i++)
        if (jobs[i]->error.status == INS1_OK)
            jobs[i]->error = t->e.error;
    return status;
}

/* --- reading, writing, printing --- */

static ins1_status read_job(task *t, const input *in, job *j)
{
    const json *ids = in->value.kind == JSON_OBJECT ? json_get(&in->value, "ids") : &in->value;
    const json *embeds = json_get(&in->value, "embeds");
    const size_t n_experts = (size_t)t->e.info.n_expert_used;

    j->error = in->error;
    if (j->error.status != INS1_OK)
        return j->error.status;
    t->e.call.error = &j->error;
    ins1_status status = prompt_read(&j->p, t->e.runtime, ids, embeds, t->placeholders,
                                     t->n_placeholders, &t->e.call);
    for (size_t i = 0; i < j->p.n_tokens && status == INS1_OK; i++)
        if (j->p.ids[i] < 0 || j->p.ids[i] >= t->e.info.n_vocab)
            status = fail(&j->error, INS1_E_ARGUMENT, "id %zu is %d, the vocabulary has 0 to %d", i,
                          j->p.ids[i], t->e.info.n_vocab - 1);
    t->e.call.error = &t->e.error;
    j->error.status = status;
    if (status == INS1_OK)
        record_init(&j->r, j->p.n_tokens, n_experts, t->wants_layers, t->wants_routers);
    return status;
}

static ins1_status write_job(const task *t, job *j, size_t number)
{
    buffer stem = { 0 };
    text_printf(&stem, "%s/%zu", t->folder, number);
    ins1_status status = record_write(&j->r, stem.at, &t->e.info, &j->error);
    if (status == INS1_OK && t->n_generate) {
        buffer path = { 0 };
        text_printf(&path, "%s.greedy.npy", stem.at);
        status = npy_write(path.at, "<i4", &j->n_greedy, 1, j->greedy, &j->error);
        text_free(&path);
    }
    text_free(&stem);
    return status;
}

static int print_job(const task *t, job *j, size_t number)
{
    buffer out = { 0 };
    if (j->error.status == INS1_OK)
        j->error.status = write_job(t, j, number);
    text_printf(&out, "{\"tokens\": %zu}", j->p.n_tokens);
    int exit_status = line_print(&out, &j->error);
    text_free(&out);
    record_free(&j->r);
    return exit_status;
}

static size_t longest(const task *t, const job *jobs, size_t n)
{
    size_t most = 1;
    for (size_t i = 0; i < n; i++)
        if (jobs[i].error.status == INS1_OK && jobs[i].p.n_tokens > most)
            most = jobs[i].p.n_tokens;
    /* The last token of a continuation is not fed. */
    return most + (t->n_generate > 1 ? (size_t)t->n_generate - 1 : 0);
}

static int run_jobs(task *t, job *jobs, size_t n)
{
    job **good = allocate(n, sizeof(*good));
    ins1_session *session = NULL;
    size_t n_good = 0;
    int exit_status = 0;

    for (size_t i = 0; i < n; i++)
        if (jobs[i].error.status == INS1_OK)
            good[n_good++] = &jobs[i];
    ins1_status status = engine_session(&t->e, &t->s, longest(t, jobs, n),
                                        t->is_together && n_good ? n_good : 1, &session);
    if (status == INS1_OK && t->is_together && n_good)
        run_round(t, session, good, n_good);
    for (size_t i = 0; i < n; i++) {
        job *one = &jobs[i];
        if (one->error.status == INS1_OK && status != INS1_OK)
            one->error = t->e.error;
        if (one->error.status == INS1_OK && !t->is_together)
            run_round(t, session, &one, 1);
        exit_status |= print_job(t, one, i);
    }
    ins1_session_release(session);
    free(good);
    return exit_status;
}

static int run_lines(task *t)
{
    inputs all;
    lines_read(&all);
    job *jobs = allocate(all.n, sizeof(*jobs));
    for (size_t i = 0; i < all.n; i++)
        read_job(t, &all.at[i], &jobs[i]);
    int exit_status = run_jobs(t, jobs, all.n);
    for (size_t i = 0; i < all.n; i++) {
        prompt_free(&jobs[i].p);
        free(jobs[i].greedy);
    }
    free(jobs);
    lines_free(&all);
    return exit_status;
}

static int run(int argc, char **argv)
{
    task t = { .s = { .is_computing = true, .is_exact = true } };
    const char *operands[2];
    const flag flags[] = {
        { "--layers", FLAG_SET, &t.wants_layers, NULL, "write the hidden states of every layer" },
        { "--routers", FLAG_SET, &t.wants_routers, NULL,
          "write the chosen experts and their gates" },
        { "--generate", FLAG_INT, &t.n_generate, "N", "write a greedy continuation of N ids" },
        { "--ignore-eos", FLAG_SET, &t.ignores_eos, NULL, "do not end at an end-of-text id" },
        { "--chunk", FLAG_INT, &t.chunk, "N", "feed N tokens at a time" },
        { "--together", FLAG_SET, &t.is_together, NULL, "all lines as sequences of one session" },
    };
    int status = args_parse(&logits_command, flags, sizeof(flags) / sizeof(*flags), &t.s, argc,
                            argv, operands);
    if (status != ARGS_OK)
        return status;
    t.folder = operands[1];
    if (engine_open(&t.e, &t.s, operands[0], INS1_PART_DECODER) != INS1_OK ||
        engine_ids(&t.e, "ins1/placeholder_ids", &t.placeholders, &t.n_placeholders) != INS1_OK ||
        engine_ids(&t.e, "ins1/end_ids", &t.ends, &t.n_ends) != INS1_OK)
        status = engine_failed(&t.e, &logits_command);
    else
        status = run_lines(&t);
    free(t.ends);
    free(t.placeholders);
    engine_stop(&t.e);
    return status;
}

const command logits_command = {
    .name = "logits",
    .operands = "MODEL OUTDIR",
    .summary = "Write the logits of token ids as NumPy files",
    .about = "Reads [id, ...] or {\"ids\": [id, ...], \"embeds\": [\"rows.npy\", ...]}; the rows "
             "replace the\n"
             "placeholder ids. Writes OUTDIR/<line>.logits.npy.",
    .example = "echo '[1, 2, 3]' | ins1 logits MODEL /tmp --layers",
    .run = run,
};
