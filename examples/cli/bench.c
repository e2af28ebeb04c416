#include "commands.h"
#include "engine.h"
#include "lines.h"
#include "probe.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_REPEATS = 100 };

typedef struct task {
    engine e;
    settings s;
    flag_counts prompts, depths, batches;
    int32_t n_generate, n_repeats;
    bool wants_table;

    ins1_session *session;
    ins1_session_info info;
    prober *prober;
    probes *probed; /* one after each repeat of each test */
    size_t n_probed;
    uint64_t random;
} task;

/* One line of the output. */
typedef struct test {
    bool is_prefill;
    int32_t tokens, depth, batch;
    double seconds[MAX_REPEATS];
} test;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, size_t n)
{
    double *sorted = allocate(n + 1, sizeof(*sorted));
    memcpy(sorted, values, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), by_size);
    double middle = n % 2 ? sorted[n / 2] : n ? (sorted[n / 2 - 1] + sorted[n / 2]) / 2 : 0;
    free(sorted);
    return middle;
}

static int32_t most_of(const flag_counts *counts)
{
    int32_t most = 0;
    for (size_t i = 0; i < counts->n; i++)
        most = counts->at[i] > most ? counts->at[i] : most;
    return most;
}

static int32_t random_id(task *t)
{
    t->random ^= t->random << 13;
    t->random ^= t->random >> 7;
    t->random ^= t->random << 17;
    return (int32_t)(t->random % (uint64_t)t->e.info.n_vocab);
}

/* --- what is measured --- */

/* Append n random tokens to each of the first `batch` sequences from `first` on, in one call. */
static ins1_status prefill(task *t, int32_t first, int32_t batch, int32_t n)
{
    size_t total = (size_t)batch * (size_t)n;
    int32_t *ids = allocate(total, sizeof(*ids));
    ins1_span *spans = allocate((size_t)batch, sizeof(*spans));
    ins1_feed *feeds = allocate((size_t)batch, sizeof(*feeds));
    for (size_t i = 0; i < total; i++)
        ids[i] = random_id(t);
    for (int32_t i = 0; i < batch; i++) {
        spans[i] = (ins1_span)INS1_INIT(ins1_span);
        spans[i].ids = ids + (size_t)i * (size_t)n;
        spans[i].n_ids = (size_t)n;
        feeds[i] = (ins1_feed)INS1_INIT(ins1_feed);
        feeds[i].seq = first + i;
        feeds[i].spans = &spans[i];
        feeds[i].n_spans = 1;
    }
    ins1_status status = ins1_session_prefill(t->session, feeds, (size_t)batch, NULL, &t->e.call);
    free(feeds);
    free(spans);
    free(ids);
    return status;
}

static ins1_status decode(task *t, int32_t batch, int32_t n)
{
    ins1_step *steps = allocate((size_t)batch, sizeof(*steps));
    ins1_status status = INS1_OK;
    for (int32_t i = 0; i < n && status == INS1_OK; i++) {
        for (int32_t k = 0; k < batch; k++)
            steps[k] = (ins1_step){ k, random_id(t) };
        status = ins1_session_step(t->session, steps, (size_t)batch, &t->e.call);
    }
    free(steps);
    return status;
}

static ins1_status cut_back(task *t, int32_t batch, int32_t depth)
{
    ins1_status status = INS1_OK;
    for (int32_t i = 0; i < batch && status == INS1_OK; i++)
        status = ins1_session_truncate(t->session, i, (size_t)depth, NULL, &t->e.call);
    return status;
}

/* Sequence `to` becomes like sequence 0, with memory of its own: a fork would share it, and reading
 * the same keys for several sequences would look faster than it is. */
static ins1_status copy_first(task *t, int32_t to, const buffer *snapshot)
{
    return ins1_session_restore(t->session, to, snapshot->at, snapshot->size, &t->e.call);
}

static ins1_status save_first(task *t, buffer *snapshot)
{
    size_t size = 0;
    ins1_status status = ins1_session_save(t->session, 0, NULL, 0, &size, &t->e.call);
    if (status == INS1_E_BUFFER)
        status =
            ins1_session_save(t->session, 0, text_room(snapshot, size), size, &size, &t->e.call);
    snapshot->size = status == INS1_OK ? size : 0;
    return status;
}

static ins1_status fill_to_depth(task *t, int32_t batch, int32_t depth)
{
    buffer snapshot = { 0 };
    ins1_status status = cut_back(t, batch, 0);
    if (status != INS1_OK || !depth)
        return status;
    status = prefill(t, 0, 1, depth);
    if (status == INS1_OK && batch > 1)
        status = save_first(t, &snapshot);
    for (int32_t i = 1; i < batch && status == INS1_OK; i++)
        status = copy_first(t, i, &snapshot);
    text_free(&snapshot);
    return status;
}

/* --- printing --- */

static const char *precision_name(int32_t precision)
{
    static const char *const names[] = { "default", "f32", "bf16", "int8" };
    return precision >= 0 && precision < 4 ? names[precision] : "unknown";
}

static void print_test(const task *t, const test *one)
{
    size_t n = (size_t)t->n_repeats;
    double rate = (double)one->tokens * one->batch / median(one->seconds, n);
    buffer out = { 0 };
    if (t->wants_table) {
        printf("%-8s %7d %7d %6d %12.2f\n", one->is_prefill ? "prefill" : "decode", one->tokens,
               one->depth, one->batch, rate);
        fflush(stdout);
        return;
    }
    text_printf(&out,
                "{\"test\": \"%s\", \"tokens\": %d, \"depth\": %d, \"batch\": %d, \"threads\": %d, "
                "\"precision\": \"%s\", \"seconds\": [",
                one->is_prefill ? "prefill" : "decode", one->tokens, one->depth, one->batch,
                t->e.threads, precision_name(t->info.precision));
    for (size_t i = 0; i < n; i++)
        text_printf(&out, "%s%.6f", i ? ", " : "", one->seconds[i]);
    text_printf(&out, "], \"tokens_per_s\": %.3f}", rate);
    line_print(&out, NULL);
    text_free(&out);
}

/* The median of one probe over all times that it was run. */
static double probed(const task *t, size_t offset)
{
    double *values = allocate(t->n_probed + 1, sizeof(*values));
    for (size_t i = 0; i < t->n_probed; i++)
        memcpy(&values[i], (const char *)&t->probed[i] + offset, sizeof(*values));
    double value = median(values, t->n_probed);
    free(values);
    return value;
}

static void add_probe(buffer *out, const char *name, double value)
{
    text_printf(out, ", \"%s\": ", name);
    if (value > 0)
        text_printf(out, "%.2f", value);
    else
        text_puts(out, "null");
}

static void print_probes(const task *t)
{
    double read = probed(t, offsetof(probes, read_GBps));
    double bf16 = probed(t, offsetof(probes, bf16_GFLOPs));
    double int8 = probed(t, offsetof(probes, int8_Gops));
    double fp32 = probed(t, offsetof(probes, fp32_GFLOPs));
    buffer out = { 0 };
    if (t->wants_table) {
        printf("\nprobes, %d threads: read %.1f GB/s, bf16 %.0f, int8 %.0f, fp32 %.0f billion "
               "operations/s\n",
               t->e.threads, read, bf16, int8, fp32);
        return;
    }
    text_puts(&out, "{\"test\": \"probe\"");
    add_probe(&out, "read_GBps", read);
    add_probe(&out, "bf16_GFLOPs", bf16);
    add_probe(&out, "int8_Gops", int8);
    add_probe(&out, "fp32_GFLOPs", fp32);
    text_puts(&out, "}");
    line_print(&out, NULL);
    text_free(&out);
}

static uint64_t resident_bytes(void)
{
    uint64_t size, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file)
        return 0;
    if (fscanf(file, "%" SCNu64 " %" SCNu64, &size, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void print_memory(task *t, uint64_t resident)
{
    ins1_mem_stats stats = INS1_INIT(ins1_mem_stats);
    ins1_runtime_mem(t->e.runtime, &stats, &t->e.call);
    if (t->wants_table)
        printf("memory: %.1f MB resident, %.1f MB mapped\n", (double)resident * 1e-6,
               (double)stats.mapped * 1e-6);
    else
        printf("{\"test\": \"memory\", \"resident\": %" PRIu64 ", \"mapped\": %" PRIu64 "}\n",
               resident, stats.mapped);
}

/* --- the loop --- */

static ins1_status run_test(task *t, test *one)
{
    ins1_status status = INS1_OK;
    for (int32_t i = 0; i < t->n_repeats && status == INS1_OK; i++) {
        status = cut_back(t, one->batch, one->depth);
        if (status != INS1_OK)
            break;
        double begin = now();
        status = one->is_prefill ? prefill(t, 0, one->batch, one->tokens)
                                 : decode(t, one->batch, one->tokens);
        one->seconds[i] = now() - begin;
        t->probed = reallocate(t->probed, t->n_probed + 1, sizeof(*t->probed));
        t->probed[t->n_probed++] = prober_run(t->prober);
    }
    if (status == INS1_OK)
        print_test(t, one);
    return status;
}

static ins1_status run_tests(task *t, int32_t depth, int32_t batch)
{
    ins1_status status = fill_to_depth(t, batch, depth);
    for (size_t i = 0; i < t->prompts.n && status == INS1_OK; i++) {
        test one = {
            .is_prefill = true, .tokens = t->prompts.at[i], .depth = depth, .batch = batch
        };
        if (one.tokens)
            status = run_test(t, &one);
    }
    if (status == INS1_OK && t->n_generate) {
        test one = { .tokens = t->n_generate, .depth = depth, .batch = batch };
        status = run_test(t, &one);
    }
    return status;
}

static ins1_status bench(task *t, const char *model)
{
    int32_t longest = most_of(&t->prompts);
    longest = longest > t->n_generate ? longest : t->n_generate;
    ins1_status status = engine_open(&t->e, &t->s, model, INS1_PART_DECODER);
    if (status == INS1_OK)
        status = engine_session(&t->e, &t->s, (size_t)most_of(&t->depths) + (size_t)longest,
                                (size_t)most_of(&t->batches), &t->session);
    if (status != INS1_OK)
        return status;
    t->info = (ins1_session_info)INS1_INIT(ins1_session_info);
    status = ins1_session_info_get(t->session, &t->info, &t->e.call);
    if (status != INS1_OK)
        return status;

    /* Counted without the memory of the probes. */
    uint64_t before = resident_bytes();
    t->prober = prober_create(t->e.threads);
    if (!t->prober)
        return fail(&t->e.error, INS1_E_MEMORY, "no memory for the probes");
    uint64_t probing = resident_bytes() - before;
    if (t->wants_table)
        printf("%-8s %7s %7s %6s %12s\n", "test", "tokens", "depth", "batch", "tokens/s");
    for (size_t d = 0; d < t->depths.n && status == INS1_OK; d++)
        for (size_t b = 0; b < t->batches.n && status == INS1_OK; b++)
            status = run_tests(t, t->depths.at[d], t->batches.at[b]);
    if (status != INS1_OK)
        return status;
    print_probes(t);
    print_memory(t, resident_bytes() - probing);
    return INS1_OK;
}

static int run(int argc, char **argv)
{
    task t = { .s = { .is_computing = true },
               .prompts = { { 128, 512 }, 2 },
               .depths = { { 0, 4096 }, 2 },
               .batches = { { 1, 8 }, 2 },
               .n_generate = 32,
               .n_repeats = 3,
               .random = 88172645463325252 };
    const char *model;
    const flag flags[] = {
        { "--prompt", FLAG_COUNTS, &t.prompts, "N,...", "tokens to prefill (default: 128,512)" },
        { "--generate", FLAG_INT, &t.n_generate, "N", "tokens to decode (default: 32)" },
        { "--depth", FLAG_COUNTS, &t.depths, "N,...", "tokens before them (default: 0,4096)" },
        { "--batch", FLAG_COUNTS, &t.batches, "N,...", "sequences at once (default: 1,8)" },
        { "--repeat", FLAG_INT, &t.n_repeats, "N", "times to measure (default: 3)" },
        { "--table", FLAG_SET, &t.wants_table, NULL, "for people" },
    };
    int status =
        args_parse(&bench_command, flags, sizeof(flags) / sizeof(*flags), &t.s, argc, argv, &model);
    if (status != ARGS_OK)
        return status;
    if (t.n_repeats < 1 || t.n_repeats > MAX_REPEATS)
        return usage_error(&bench_command, "--repeat is %d, expected 1 to %d", t.n_repeats,
                           MAX_REPEATS);
    for (size_t i = 0; i < t.batches.n; i++)
        if (!t.batches.at[i])
            return usage_error(&bench_command, "--batch is 0, at least 1 is expected");

    status = bench(&t, model) == INS1_OK ? 0 : engine_failed(&t.e, &bench_command);
    prober_destroy(t.prober);
    free(t.probed);
    ins1_session_release(t.session);
    engine_stop(&t.e);
    return status;
}

const command bench_command = {
    .name = "bench",
    .operands = "MODEL",
    .summary = "Measure how fast a model is on this machine",
    .about =
        "Feeds random ids. Between the repeats it measures what the machine can do at best: "
        "reading\n"
        "memory, and products of each type. Compare tokens with those, not with another day's.",
    .example = "ins1 bench MODEL --prompt 128,512 --depth 0 --batch 1 --threads 2 --table",
    .run = run,
};
