#include "slots.h"

#include "spans.h"

#include <stdlib.h>
#include <string.h>

/* --- life --- */

bool slots_init(slots *all, served *s)
{
    *all = (slots){ .s = s, .n = s->n_slots };
    all->at = calloc(all->n, sizeof(*all->at));
    all->steps = calloc(all->n, sizeof(*all->steps));
    all->feeds = calloc(all->n, sizeof(*all->feeds));
    all->who = calloc(all->n, sizeof(*all->who));
    bool has_all = all->at && all->steps && all->feeds && all->who;
    for (size_t i = 0; has_all && i < all->n; i++) {
        all->at[i].held = calloc(s->n_ctx, sizeof(*all->at[i].held));
        has_all = all->at[i].held != NULL;
    }
    return has_all;
}

/* The sequence stays as it is, for a prompt that begins like it. */
static void release_slot(slot *t)
{
    ins1_stream_release(t->stream);
    ins1_sampler_release(t->sampler);
    job_release(t->job);
    *t = (slot){ .held = t->held, .n_held = t->n_held };
}

void slots_finish(slots *all)
{
    for (size_t i = 0; all->at && i < all->n; i++) {
        release_slot(&all->at[i]);
        free(all->at[i].held);
    }
    free(all->at);
    free(all->steps);
    free(all->feeds);
    free(all->who);
}

size_t slots_free(const slots *all)
{
    size_t n = 0;
    for (size_t i = 0; i < all->n; i++)
        n += all->at[i].state == SLOT_FREE;
    return n;
}

/* --- the end of a reply, of a job --- */

static void end_slot(slot *t)
{
    job *j = t->job;
    j->n_running--;
    if (!j->n_running && j->next_work == j->n_works)
        job_end(j, NULL);
    release_slot(t);
}

static void fail_job(slots *all, job *j, const problem *why)
{
    job_retain(j);
    j->next_work = j->n_works;
    job_end(j, why);
    for (size_t i = 0; i < all->n; i++)
        if (all->at[i].job == j) {
            j->n_running--;
            release_slot(&all->at[i]);
        }
    job_release(j);
}

static void fail_with(slots *all, job *j, const ins1_error *error)
{
    problem why = { 0 };
    refuse_status(&why, NULL, error);
    fail_job(all, j, &why);
}

void slots_fail_all(slots *all, const problem *why)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->at[i].job)
            fail_job(all, all->at[i].job, why);
}

/* Why a job is not to go on; false when it is. */
static bool is_lost(const slots *all, slot *t, problem *why)
{
    const settings *o = all->s->o;
    const int64_t now = now_ns();
    if (atomic_load(&t->job->is_gone))
        return !refuse(why, 499, "gone", NULL, "the client has gone");
    if (now > t->job->deadline_ns)
        return !refuse(why, 504, "timeout", NULL, "the request took more than %lld s",
                       (long long)o->time_limit);
    if (t->full_since_ns && now - t->full_since_ns > o->idle_limit * 1000000000)
        return !refuse(why, 408, "timeout", NULL, "the reply was not read for %lld s",
                       (long long)o->idle_limit);
    return false;
}

void slots_drop(slots *all)
{
    problem why = { 0 };
    for (size_t i = 0; i < all->n; i++)
        if (all->at[i].job && is_lost(all, &all->at[i], &why))
            fail_job(all, all->at[i].job, &why);
}

/* --- a prompt comes in --- */

/* The free slot that holds most of the prompt already. */
static slot *best_slot(slots *all, const work *w)
{
    slot *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < all->n; i++) {
        slot *t = &all->at[i];
        if (t->state != SLOT_FREE)
            continue;
        const size_t same = spans_alike(w->spans, w->n_spans, t->held, t->n_held);
        /* Of two that hold nothing of it the one that holds less that others may want. */
        if (!best || same > most || (same == most && t->n_held < best->n_held)) {
            best = t;
            most = same;
        }
    }
    return best;
}

/* At least the last token is computed, for its logits. */
static bool rewind_slot(slots *all, slot *t, work *w, bool is_reused)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    size_t same = is_reused ? spans_alike(w->spans, w->n_spans, t->held, t->n_held) : 0;

    call.error = &error;
    same = same < w->n_tokens ? same : w->n_tokens - 1;
    if (ins1_session_truncate(all->s->session, (int32_t)(t - all->at), same, &t->n_fed, &call) !=
        INS1_OK) {
        fail_with(all, t->job, &error);
        return false;
    }
    w->n_cached = t->n_fed;
    t->n_held = spans_copy(w->spans, w->n_spans, t->held, all->s->n_ctx);
    return true;
}

static void take_slot(slot *t, job *j, slot_state state, size_t number, int32_t choice)
{
    job_retain(j);
    j->n_running++;
    t->job = j;
    t->state = state;
    t->work = number;
    t->choice = choice;
}

void slots_begin(slots *all, job *j)
{
    const size_t number = j->next_work++;
    work *w = &j->works[number];
    slot *leader = best_slot(all, w);
    take_slot(leader, j, SLOT_FEEDING, number, 0);
    for (int32_t choice = 1; choice < j->n_choices; choice++) {
        slot *t = best_slot(all, w);
        take_slot(t, j, SLOT_HELD, number, choice);
        t->leader = (size_t)(leader - all->at);
    }
    rewind_slot(all, leader, w, !j->is_embedding);
}

/* --- the prompt is there --- */

static ins1_status open_reply(slots *all, slot *t, const ins1_call *call)
{
    const job *j = t->job;
    const work *w = &j->works[t->work];
    const size_t room = all->s->n_ctx - w->n_tokens;
    ins1_sampler_options sampling = j->sampling;
    ins1_stream_options options = INS1_INIT(ins1_stream_options);

    sampling.seed += (uint64_t)t->choice;
    options.reply_flags = j->reply_flags;
    options.flags = j->stream_flags;
    options.max_tokens = j->max_tokens < room ? j->max_tokens : room;
    options.stop = j->stop;
    options.n_stop = j->n_stop;
    options.n_top = j->n_top;
    ins1_status status = ins1_sampler_create(&t->sampler, all->s->runtime, &sampling, call);
    /* Of the prompt only the ids before the first medium count as said before. */
    const bool sees_prompt = sampling.repeat_penalty != 0 && sampling.repeat_penalty != 1;
    for (size_t i = 0; sees_prompt && i < t->n_held && status == INS1_OK; i++)
        status = ins1_sampler_accept(t->sampler, t->held[i], call);
    if (status == INS1_OK)
        status = ins1_stream_open(&t->stream, all->s->session, (int32_t)(t - all->at),
                                  all->s->tokenizer, t->sampler, &options, call);
    t->state = SLOT_TALKING;
    return status;
}

/* The others of the same prompt continue where the first one is. */
static ins1_status fork_slots(slots *all, const slot *leader, const ins1_call *call)
{
    ins1_status status = INS1_OK;
    for (size_t i = 0; i < all->n && status == INS1_OK; i++) {
        slot *t = &all->at[i];
        if (t->state != SLOT_HELD || t->leader != (size_t)(leader - all->at))
            continue;
        status = ins1_session_fork(all->s->session, (int32_t)t->leader, (int32_t)i, call);
        memcpy(t->held, leader->held, leader->n_held * sizeof(*t->held));
        t->n_held = leader->n_held;
        if (status == INS1_OK)
            status = open_reply(all, t, call);
    }
    return status;
}

static void prompt_is_fed(slots *all, slot *t)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    const size_t self = (size_t)(t - all->at);
    const int32_t pooling = strcmp(all->s->o->pooling, "mean") ? INS1_POOL_LAST : INS1_POOL_MEAN;
    ins1_status status;

    call.error = &error;
    if (t->job->is_embedding) {
        status = ins1_session_embeds(&t->job->works[t->work].vector, all->s->session, (int32_t)self,
                                     pooling, &call);
        if (status == INS1_OK) {
            end_slot(t);
            return;
        }
    } else {
        status = fork_slots(all, t, &call);
        if (status == INS1_OK)
            status = open_reply(all, t, &call);
    }
    if (status != INS1_OK)
        fail_with(all, t->job, &error);
}

/* Feeds that fail together are tried alone, so that nobody ends for another's fault. */
static void feed(slots *all, const size_t *who, const ins1_feed *feeds, size_t n)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);

    call.error = &error;
    if (n == 1 && !all->at[who[0]].job)
        return; /* its job ended while others of it were tried */
    ins1_status status = ins1_session_prefill(all->s->session, feeds, n, NULL, &call);
    if (status != INS1_OK && n > 1) {
        for (size_t i = 0; i < n; i++)
            feed(all, &who[i], &feeds[i], 1);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        slot *t = &all->at[who[i]];
        const size_t wanted = t->job ? t->job->works[t->work].n_tokens : 0;
        if (status != INS1_OK && t->job) {
            t->n_held = 0;
            fail_with(all, t->job, &error);
        } else if (t->job && t->n_fed == wanted) {
            prompt_is_fed(all, t);
        }
    }
}

void slots_feed(slots *all, size_t chunk)
{
    size_t n = 0;
    for (size_t i = 0; i < all->n && chunk; i++) {
        slot *t = &all->at[i];
        if (t->state != SLOT_FEEDING)
            continue;
        work *w = &t->job->works[t->work];
        const size_t left = w->n_tokens - t->n_fed, count = left < chunk ? left : chunk;
        ins1_feed *f = &all->feeds[n];
        *f = (ins1_feed)INS1_INIT(ins1_feed);
        f->seq = (int32_t)i;
        f->spans = w->cut;
        f->n_spans = spans_cut(w->spans, w->n_spans, t->n_fed, count, w->cut);
        all->who[n++] = i;
        t->n_fed += count;
        chunk -= count;
    }
    if (n)
        feed(all, all->who, all->feeds, n);
}

/* --- replies --- */

/* Pick a token and tell what it says. True when the reply goes on. */
static bool say(slots *all, slot *t, int32_t seq, int32_t *token)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    ins1_event event = INS1_INIT(ins1_event);
    const size_t reply = t->work * (size_t)t->job->n_choices + (size_t)t->choice;
    const float *logits;
    size_t n;
    ins1_logprob picked = { 0 };

    call.error = &error;
    ins1_status status = ins1_session_logits(all->s->session, seq, &logits, &n, &call);
    if (status == INS1_OK)
        status = ins1_sampler_pick(t->sampler, logits, n, &picked, &call);
    if (status == INS1_OK)
        status = ins1_stream_accept(t->stream, picked.token, &event, &call);
    while (status == INS1_OK && event.kind != INS1_EVENT_NONE) {
        if (!job_push(t->job, &event, reply)) {
            error.status = status = INS1_E_MEMORY;
            strcpy(error.text, "no memory for an event of the reply");
        } else if (event.kind == INS1_EVENT_END) {
            end_slot(t);
            return false;
        } else {
            status = ins1_stream_accept(t->stream, -1, &event, &call);
        }
    }
    if (status != INS1_OK) {
        fail_with(all, t->job, &error);
        return false;
    }
    *token = picked.token;
    return true;
}

static void step(slots *all, const ins1_step *steps, size_t n)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);

    call.error = &error;
    ins1_status status = ins1_session_step(all->s->session, steps, n, &call);
    if (status != INS1_OK && n > 1) {
        for (size_t i = 0; i < n; i++)
            step(all, &steps[i], 1);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        slot *t = &all->at[steps[i].seq];
        size_t length = 0;
        if (status != INS1_OK && t->job) {
            t->n_held = 0;
            fail_with(all, t->job, &error);
        } else if (ins1_session_length(all->s->session, steps[i].seq, &length, NULL) == INS1_OK &&
                   t->n_held + 1 == length) {
            t->held[t->n_held++] = steps[i].token;
        }
    }
    all->n_steps++;
}

bool slots_step(slots *all)
{
    size_t n = 0;
    bool was_busy = false;
    for (size_t i = 0; i < all->n; i++) {
        slot *t = &all->at[i];
        if (t->state != SLOT_TALKING)
            continue;
        if (!job_has_room(t->job)) {
            t->full_since_ns = t->full_since_ns ? t->full_since_ns : now_ns();
            continue;
        }
        t->full_since_ns = 0;
        was_busy = true;
        all->n_tokens++;
        all->steps[n].seq = (int32_t)i;
        n += say(all, t, (int32_t)i, &all->steps[n].token);
    }
    if (n)
        step(all, all->steps, n);
    return was_busy;
}
