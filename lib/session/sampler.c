#include "session/sampler.h"

#include "base/guard.h"
#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "runtime/runtime.h"
#include "session/choose.h"

#include <math.h>
#include <string.h>

#define DEFAULT_HISTORY 4096

/* Made at the first pick, for `n` logits, in one block. What the options do not need is NULL. */
typedef struct scratch {
    void *block;
    size_t size;
    size_t n;
    s1_rank *ranks;    /* for drawing */
    float *work;       /* logits after bias and penalties */
    int32_t *counts;   /* of each token in the window of the penalties; zero between picks */
    uint32_t *real;    /* a bit for each row that is no padding */
    uint32_t *allowed; /* what the callback may clear */
} scratch;

struct ins1_sampler {
    _Atomic int32_t owners; /* the host, and streams that keep it */
    s1_guard guard;
    ins1_runtime *runtime; /* one of its owners */
    const ins1_allocator *memory;
    ins1_sampler_options options; /* `bias` is our copy; `tokenizer` is kept */
    uint64_t n_draws;

    /* The last accepted tokens end at history[end]; when the array is full, the half that counts
     * moves to the front. */
    int32_t *history; /* [2 * options.n_history] */
    size_t n_history, end;
    scratch scratch;
};

static bool has_penalties(const ins1_sampler_options *o)
{
    bool repeats = o->repeat_penalty != 0 && o->repeat_penalty != 1;
    return repeats || o->frequency_penalty != 0 || o->presence_penalty != 0;
}

static ins1_status check_numbers(const ins1_sampler_options *o, ins1_error *error)
{
    if (o->flags)
        return s1_fail(error, INS1_E_VERSION, "sampler flags 0x%x are too new", o->flags);
    if (!(o->temperature >= 0) || isinf(o->temperature))
        return s1_fail(error, INS1_E_ARGUMENT, "temperature is %g, expected 0 or more",
                       (double)o->temperature);
    if (!(o->top_p >= 0 && o->top_p <= 1))
        return s1_fail(error, INS1_E_ARGUMENT, "top_p is %g, expected 0 to 1", (double)o->top_p);
    if (!(o->min_p >= 0 && o->min_p <= 1))
        return s1_fail(error, INS1_E_ARGUMENT, "min_p is %g, expected 0 to 1", (double)o->min_p);
    if (!(o->repeat_penalty >= 0) || isinf(o->repeat_penalty))
        return s1_fail(error, INS1_E_ARGUMENT, "repeat_penalty is %g, expected 0 or more",
                       (double)o->repeat_penalty);
    if (!isfinite(o->frequency_penalty) || !isfinite(o->presence_penalty))
        return s1_fail(error, INS1_E_ARGUMENT,
                       "frequency_penalty %g, presence_penalty %g: not finite",
                       (double)o->frequency_penalty, (double)o->presence_penalty);
    if (o->top_k < 0 || o->repeat_last < 0 || o->n_history < 0)
        return s1_fail(error, INS1_E_ARGUMENT,
                       "top_k %d, repeat_last %d, n_history %d: one is negative", o->top_k,
                       o->repeat_last, o->n_history);
    return INS1_OK;
}

static ins1_status check_bias(const ins1_sampler_options *o, ins1_error *error)
{
    if (o->n_bias && !o->bias)
        return s1_fail(error, INS1_E_ARGUMENT, "%zu biases at NULL", o->n_bias);
    for (size_t i = 0; i < o->n_bias; i++) {
        if (o->bias[i].token < 0)
            return s1_fail(error, INS1_E_ARGUMENT, "bias %zu is for token %d", i, o->bias[i].token);
        if (isnan(o->bias[i].logprob))
            return s1_fail(error, INS1_E_ARGUMENT, "bias %zu, for token %d, is not a number", i,
                           o->bias[i].token);
    }
    return INS1_OK;
}

static ins1_status read_options(ins1_sampler_options *out, const ins1_sampler_options *given,
                                ins1_error *error)
{
    ins1_status status = s1_struct_import(out, given, sizeof(*out), error);
    if (status == INS1_OK)
        status = check_numbers(out, error);
    if (status == INS1_OK)
        status = check_bias(out, error);
    if (!out->n_history)
        out->n_history = DEFAULT_HISTORY;
    return status;
}

static void destroy(ins1_sampler *sampler, const ins1_allocator *memory)
{
    if (!sampler)
        return;
    const ins1_sampler_options *o = &sampler->options;
    s1_free(memory, sampler->scratch.block, sampler->scratch.size, INS1_MEM_SCRATCH);
    s1_free(memory, sampler->history, 2 * (size_t)o->n_history * sizeof(*sampler->history),
            INS1_MEM_OBJECT);
    s1_free(memory, (void *)(uintptr_t)o->bias, o->n_bias * sizeof(*o->bias), INS1_MEM_OBJECT);
    s1_free(memory, sampler, sizeof(*sampler), INS1_MEM_OBJECT);
}

/* Replace the borrowed bias by a copy of our own, NULL for none. */
static ins1_status copy_bias(ins1_sampler_options *options, const ins1_allocator *memory,
                             ins1_error *error)
{
    const ins1_logprob *given = options->bias;
    options->bias = NULL;
    if (!options->n_bias)
        return INS1_OK;

    ins1_logprob *copy = s1_alloc_array(memory, options->n_bias, sizeof(*copy), INS1_MEM_OBJECT);
    if (!copy)
        return s1_out_of_memory(memory, options->n_bias * sizeof(*copy), "biases", error);
    memcpy(copy, given, options->n_bias * sizeof(*copy));
    options->bias = copy;
    return INS1_OK;
}

ins1_status ins1_sampler_create(ins1_sampler **out, ins1_runtime *runtime,
                                const ins1_sampler_options *given, const ins1_call *call)
{
    const ins1_allocator *memory;
    ins1_error *error = s1_error_of(call);
    ins1_sampler_options options;
    ins1_sampler *sampler = NULL;
    ins1_status status;

    if (out)
        *out = NULL;
    if (!out || !runtime)
        return s1_fail(error, INS1_E_ARGUMENT, "no place for a sampler, or no runtime");
    memory = s1_runtime_memory(runtime);
    status = read_options(&options, given, error);
    if (status != INS1_OK)
        goto done;

    sampler = s1_alloc(memory, sizeof(*sampler), INS1_MEM_OBJECT);
    if (!sampler) {
        status = s1_out_of_memory(memory, sizeof(*sampler), "a sampler", error);
        goto done;
    }
    sampler->owners = 1;
    sampler->memory = memory;
    sampler->options = options;
    s1_guard_leave(&sampler->guard);
    status = copy_bias(&sampler->options, memory, error);
    if (status != INS1_OK)
        goto done;
    sampler->history = s1_alloc_array(memory, (size_t)options.n_history,
                                      2 * sizeof(*sampler->history), INS1_MEM_OBJECT);
    if (!sampler->history) {
        status = s1_out_of_memory(memory, 8 * (uint64_t)options.n_history, "a history", error);
        goto done;
    }

    ins1_runtime_retain(runtime);
    sampler->runtime = runtime;
    if (options.tokenizer)
        ins1_tokenizer_retain(options.tokenizer);
    *out = sampler;
    sampler = NULL;

done:
    destroy(sampler, memory);
    return status;
}

void s1_sampler_retain(ins1_sampler *sampler)
{
    atomic_fetch_add_explicit(&sampler->owners, 1, memory_order_relaxed);
}

void ins1_sampler_release(ins1_sampler *sampler)
{
    if (!sampler || atomic_fetch_sub_explicit(&sampler->owners, 1, memory_order_acq_rel) != 1)
        return;
    ins1_runtime *runtime = sampler->runtime;
    ins1_tokenizer *tokenizer = sampler->options.tokenizer;
    destroy(sampler, sampler->memory);
    ins1_tokenizer_release(tokenizer);
    ins1_runtime_release(runtime);
}

static const int32_t *history_of(const ins1_sampler *sampler)
{
    return sampler->history + (sampler->end - sampler->n_history);
}

/* --- picking --- */

/* Rows beyond the tokenizer's vocabulary are padding, like those it calls so. */
static ins1_status find_real_rows(uint32_t *real, size_t n, const ins1_tokenizer *tokenizer,
                                  ins1_error *error)
{
    size_t n_real = 0;
    for (size_t id = 0; id < n; id++) {
        uint32_t attributes = 0;
        ins1_status status =
            ins1_tokenizer_piece(tokenizer, (int32_t)id, NULL, NULL, &attributes, NULL);
        if (status != INS1_OK || attributes & INS1_TOKEN_PADDING)
            continue;
        real[id / 32] |= UINT32_C(1) << id % 32;
        n_real++;
    }
    if (!n_real)
        return s1_fail(error, INS1_E_ARGUMENT, "all %zu rows are padding", n);
    return INS1_OK;
}

/* Cut `size` bytes from the block, or nothing. All sizes are multiples of 4 and the widest come
 * first. */
static void *take(char **at, bool is_needed, size_t size)
{
    void *taken = is_needed ? *at : NULL;
    *at += is_needed ? size : 0;
    return taken;
}

static ins1_status make_scratch(ins1_sampler *sampler, size_t n, ins1_error *error)
{
    const ins1_sampler_options *o = &sampler->options;
    const size_t words = (n + 31) / 32;
    const bool draws = o->temperature > 0;
    const bool counts = has_penalties(o);
    scratch s = { .n = n };

    s.size = draws * n * sizeof(*s.ranks) + (o->n_bias || counts) * n * sizeof(*s.work) +
             counts * n * sizeof(*s.counts) + !!o->tokenizer * words * sizeof(*s.real) +
             !!o->mask * words * sizeof(*s.allowed);
    if (s.size)
        s.block = s1_alloc(sampler->memory, s.size, INS1_MEM_SCRATCH);
    if (s.size && !s.block)
        return s1_out_of_memory(sampler->memory, s.size, "the choice among logits", error);

    char *at = s.block;
    s.ranks = take(&at, draws, n * sizeof(*s.ranks));
    s.work = take(&at, o->n_bias || counts, n * sizeof(*s.work));
    s.counts = take(&at, counts, n * sizeof(*s.counts));
    s.real = take(&at, o->tokenizer, words * sizeof(*s.real));
    s.allowed = take(&at, o->mask, words * sizeof(*s.allowed));
    ins1_status status = o->tokenizer ? find_real_rows(s.real, n, o->tokenizer, error) : INS1_OK;
    if (status != INS1_OK)
        s1_free(sampler->memory, s.block, s.size, INS1_MEM_SCRATCH);
    else
        sampler->scratch = s;
    return status;
}

static ins1_status check_logits(const float *logits, size_t n, ins1_error *error)
{
    size_t n_nan = 0;
    for (size_t i = 0; i < n; i++)
        n_nan += logits[i] != logits[i];
    if (n_nan)
        return s1_fail(error, INS1_E_ARGUMENT, "%zu of %zu logits are not numbers", n_nan, n);
    return INS1_OK;
}

static ins1_status add_bias(const ins1_sampler *sampler, ins1_error *error)
{
    const ins1_sampler_options *o = &sampler->options;
    for (size_t i = 0; i < o->n_bias; i++) {
        size_t token = (size_t)o->bias[i].token;
        if (token >= sampler->scratch.n)
            return s1_fail(error, INS1_E_ARGUMENT, "bias %zu is for token %zu of %zu", i, token,
                           sampler->scratch.n);
        float biased = sampler->scratch.work[token] + o->bias[i].logprob;
        if (isnan(biased))
            return s1_fail(error, INS1_E_ARGUMENT, "token %zu: a logit and its bias are infinite",
                           token);
        sampler->scratch.work[token] = biased;
    }
    return INS1_OK;
}

static float penalized(float logit, int32_t count, const ins1_sampler_options *o)
{
    if (o->repeat_penalty != 0)
        logit = logit > 0 ? logit / o->repeat_penalty : logit * o->repeat_penalty;
    return logit - (float)count * o->frequency_penalty - o->presence_penalty;
}

static void add_penalties(const ins1_sampler *sampler)
{
    const ins1_sampler_options *o = &sampler->options;
    const scratch *s = &sampler->scratch;
    size_t n = sampler->n_history;
    if (o->repeat_last && (size_t)o->repeat_last < n)
        n = (size_t)o->repeat_last;
    const int32_t *window = sampler->history + (sampler->end - n);

    for (size_t i = 0; i < n; i++)
        if ((size_t)window[i] < s->n)
            s->counts[window[i]]++;
    for (size_t i = 0; i < n; i++) {
        size_t token = (size_t)window[i];
        if (token >= s->n || !s->counts[token])
            continue;
        s->work[token] = penalized(s->work[token], s->counts[token], o);
        s->counts[token] = 0;
    }
}

/* `*out` becomes the logits after bias and penalties. */
static ins1_status adjust(const ins1_sampler *sampler, const float *logits, const float **out,
                          ins1_error *error)
{
    const scratch *s = &sampler->scratch;
    *out = logits;
    if (!s->work)
        return INS1_OK;
    memcpy(s->work, logits, s->n * sizeof(*logits));
    *out = s->work;
    ins1_status status = add_bias(sampler, error);
    if (status == INS1_OK && s->counts)
        add_penalties(sampler);
    return status;
}

/* `*out` becomes the bits of what may come, NULL for all. */
static ins1_status ask_mask(const ins1_sampler *sampler, const uint32_t **out, ins1_error *error)
{
    const scratch *s = &sampler->scratch;
    const size_t words = (s->n + 31) / 32;

    *out = s->real;
    if (!s->allowed)
        return INS1_OK;
    memset(s->allowed, 0xff, words * sizeof(*s->allowed));
    int32_t answer = sampler->options.mask(sampler->options.mask_user, history_of(sampler),
                                           sampler->n_history, s->allowed, s->n);
    if (answer)
        return s1_fail(error, INS1_E_CALLBACK, "the mask callback returned %d", answer);

    if (s->n % 32)
        s->allowed[words - 1] &= (UINT32_C(1) << s->n % 32) - 1;
    uint32_t any = 0;
    for (size_t i = 0; i < words; i++) {
        s->allowed[i] &= s->real ? s->real[i] : UINT32_MAX;
        any |= s->allowed[i];
    }
    if (!any)
        return s1_fail(error, INS1_E_CALLBACK, "the mask callback left no token");
    *out = s->allowed;
    return INS1_OK;
}

static int32_t choose(ins1_sampler *sampler, const float *logits, const uint32_t *allowed)
{
    const ins1_sampler_options *o = &sampler->options;
    if (o->temperature == 0)
        return s1_choose_best(logits, sampler->scratch.n, allowed);

    const s1_cuts cuts = { o->temperature, o->top_p, o->min_p, o->top_k };
    double draw = s1_draw(o->seed, ++sampler->n_draws);
    return s1_choose_drawn(logits, sampler->scratch.n, allowed, &cuts, draw,
                           sampler->scratch.ranks);
}

static ins1_status pick(ins1_sampler *sampler, const float *logits, size_t n, ins1_logprob *out,
                        ins1_error *error)
{
    const float *adjusted;
    const uint32_t *allowed;
    ins1_status status;

    if (!sampler->scratch.n) {
        status = make_scratch(sampler, n, error);
        if (status != INS1_OK)
            return status;
    }
    if (n != sampler->scratch.n)
        return s1_fail(error, INS1_E_ARGUMENT, "%zu logits, the first pick had %zu", n,
                       sampler->scratch.n);
    status = check_logits(logits, n, error);
    if (status != INS1_OK)
        return status;
    status = adjust(sampler, logits, &adjusted, error);
    if (status != INS1_OK)
        return status;
    status = ask_mask(sampler, &allowed, error);
    if (status != INS1_OK)
        return status;

    out->token = choose(sampler, adjusted, allowed);
    out->logprob = s1_log_softmax(logits, n, out->token);
    return INS1_OK;
}

ins1_status ins1_sampler_pick(ins1_sampler *sampler, const float *logits, size_t n_logits,
                              ins1_logprob *out, const ins1_call *call)
{
    ins1_error *error = s1_error_of(call);

    if (out)
        *out = (ins1_logprob){ .token = -1 };
    if (!sampler || !logits || !out)
        return s1_fail(error, INS1_E_ARGUMENT, "no sampler, no logits, or no place for a token");
    if (!n_logits || n_logits > INT32_MAX)
        return s1_fail(error, INS1_E_ARGUMENT, "%zu logits, expected 1 to %d", n_logits, INT32_MAX);
    ins1_status status = s1_guard_enter(&sampler->guard, error);
    if (status != INS1_OK)
        return status;
    status = pick(sampler, logits, n_logits, out, error);
    s1_guard_leave(&sampler->guard);
    return status;
}

ins1_status ins1_sampler_accept(ins1_sampler *sampler, int32_t token, const ins1_call *call)
{
    ins1_error *error = s1_error_of(call);

    if (!sampler)
        return s1_fail(error, INS1_E_ARGUMENT, "the sampler is NULL");
    if (token < 0)
        return s1_fail(error, INS1_E_ARGUMENT, "token is %d, expected 0 or more", token);
    ins1_status status = s1_guard_enter(&sampler->guard, error);
    if (status != INS1_OK)
        return status;

    const size_t capacity = (size_t)sampler->options.n_history;

    if (sampler->end == 2 * capacity) {
        memcpy(sampler->history, sampler->history + capacity, capacity * sizeof(token));
        sampler->end = capacity;
    }
    sampler->history[sampler->end++] = token;
    if (sampler->n_history < capacity)
        sampler->n_history++;

    s1_guard_leave(&sampler->guard);
    return INS1_OK;
}

ins1_status ins1_sampler_reset(ins1_sampler *sampler, uint64_t seed, const ins1_call *call)
{
    ins1_error *error = s1_error_of(call);
    if (!sampler)
        return s1_fail(error, INS1_E_ARGUMENT, "the sampler is NULL");
    ins1_status status = s1_guard_enter(&sampler->guard, error);
    if (status != INS1_OK)
        return status;
    sampler->options.seed = seed;
    sampler->n_draws = 0;
    sampler->n_history = sampler->end = 0;
    s1_guard_leave(&sampler->guard);
    return INS1_OK;
}
