/* golden FOLDER LEVEL: every case of a folder against what the reference implementation computed,
 * at one CPU level. */

#include "golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIPPED = 77 };

/* What a run left, all positions of one line. */
typedef struct trace {
    size_t n, n_vocab, n_embd, n_layers, n_used;
    float *logits;   /* [n][n_vocab] */
    float *hidden;   /* [n_layers + 1][n][n_embd] */
    int32_t *chosen; /* [n_layers][n][n_used] */
    float *gates;
    int32_t moe_layers[64]; /* which layers have a router, in order */
    size_t n_moe;
} trace;

/* The number of a layer among those that have a router. */
static size_t moe_index(trace *t, int32_t layer)
{
    size_t i = 0;
    while (i < t->n_moe && t->moe_layers[i] != layer)
        i++;
    if (i == t->n_moe)
        t->moe_layers[t->n_moe++] = layer;
    return i;
}

static int32_t observe(void *user, const ins1_observation *seen)
{
    trace *traces = user;
    trace *t = &traces[seen->seq];
    for (size_t i = 0; i < seen->n_tokens && seen->first + i < t->n; i++) {
        size_t at = seen->first + i;
        const float *values = seen->values + i * seen->width;
        if (seen->what == INS1_OBSERVE_LOGITS) {
            memcpy(t->logits + at * t->n_vocab, values, t->n_vocab * sizeof(float));
        } else if (seen->what == INS1_OBSERVE_HIDDEN) {
            memcpy(t->hidden + ((size_t)seen->layer * t->n + at) * t->n_embd, values,
                   t->n_embd * sizeof(float));
        } else {
            size_t row = (moe_index(t, seen->layer) * t->n + at) * t->n_used;
            memcpy(t->chosen + row, seen->experts + i * seen->width, t->n_used * sizeof(int32_t));
            memcpy(t->gates + row, values, t->n_used * sizeof(float));
        }
    }
    return 0;
}

static double range_of(const float *values, size_t n)
{
    float low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        low = fminf(low, values[i]);
        high = fmaxf(high, values[i]);
    }
    return (double)high - low;
}

static double worst_of(const float *a, const float *b, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        double difference = fabs((double)a[i] - b[i]);
        if (!(difference <= worst))
            worst = difference;
    }
    return worst;
}

static int n_wrong, n_compared;

/* `worst` is what was the furthest so far, of the range. */
static void compare(const char *where, const char *what, const float *got, const float *expected,
                    size_t n, double tolerance, double *worst)
{
    double range = range_of(expected, n);
    double error = worst_of(got, expected, n) / (range > 0 ? range : 1);
    n_compared++;
    if (error > *worst)
        *worst = error;
    if (!(error <= tolerance)) {
        printf("%s: %s differs by %.3g of its range, %.3g allowed\n", where, what, error,
               tolerance);
        n_wrong++;
    }
}

static size_t arg_max(const float *values, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (values[i] > values[best])
            best = i;
    return best;
}

/* The arg-max must agree wherever the two best differ by more than twice the tolerance. */
static void compare_arg_max(const char *where, const trace *t, const float *expected,
                            double tolerance)
{
    double margin = 2 * tolerance * range_of(expected, t->n * t->n_vocab);
    for (size_t i = 0; i < t->n; i++) {
        const float *row = expected + i * t->n_vocab;
        size_t best = arg_max(row, t->n_vocab);
        float second = -INFINITY;
        for (size_t j = 0; j < t->n_vocab; j++)
            if (j != best)
                second = fmaxf(second, row[j]);
        if (row[best] - second > margin &&
            arg_max(t->logits + i * t->n_vocab, t->n_vocab) != best) {
            printf("%s: another token is the best at position %zu\n", where, i);
            n_wrong++;
        }
    }
}

static array expected_of(const char *folder, const options *o, size_t index, const char *what)
{
    char name[160];
    snprintf(name, sizeof(name), "%s/%zu.%s.npy", o->expect, index, what);
    return read_npy(folder, name);
}

static void compare_trace(const char *folder, const char *name, const options *o, size_t index,
                          const trace *t, double *worst)
{
    char where[256];
    snprintf(where, sizeof(where), "%s line %zu", name, index);

    array logits = expected_of(folder, o, index, "logits");
    if (logits.data) {
        compare(where, "logits", t->logits, logits.data, t->n * t->n_vocab, o->tolerance_logits,
                worst);
        compare_arg_max(where, t, logits.data, o->tolerance_logits);
    }
    array hidden = expected_of(folder, o, index, "hidden");
    for (size_t i = 0; o->layers && hidden.data && i <= t->n_layers; i++) {
        char layer[64];
        size_t at = i * t->n * t->n_embd;
        snprintf(layer, sizeof(layer), "hidden state %zu", i);
        compare(where, layer, t->hidden + at, (float *)hidden.data + at, t->n * t->n_embd,
                o->tolerance_hidden, worst);
    }
    array chosen = expected_of(folder, o, index, "experts");
    array gates = expected_of(folder, o, index, "gates");
    if (o->routers && chosen.data && t->n_moe) {
        size_t n = chosen.dim[0] * t->n * t->n_used;
        n_compared++;
        if (memcmp(chosen.data, t->chosen, n * sizeof(int32_t))) {
            printf("%s: other experts were chosen\n", where);
            n_wrong++;
        }
        compare(where, "gates", t->gates, gates.data, n, o->tolerance_gates, worst);
    }
    free_array(&logits);
    free_array(&hidden);
    free_array(&chosen);
    free_array(&gates);
}

/* --- running --- */

/* How the same computation is cut; the bits must not care. */
typedef struct manner {
    const char *name;
    int32_t threading, n_threads;
    size_t chunk; /* 0: all at once */
    bool together;
} manner;

typedef struct bench {
    ins1_runtime *runtime;
    ins1_model *model;
    ins1_decoder *decoder;
    ins1_session *session;
    bool is_int8; /* of which there is one precision */
    ins1_model_info info;
    ins1_error error;
    ins1_call call;
} bench;

static int32_t host_parallel_for(void *user, ins1_task_fn fn, void *arg, int32_t n)
{
    (void)user;
    for (int32_t i = n - 1; i >= 0; i--) /* any order will do */
        fn(arg, i, 0);
    return 0;
}

/* False when this machine or build lacks the level. */
static bool open_bench(bench *b, const char *folder, const char *level, const manner *m,
                       int32_t precision)
{
    ins1_threading threading = INS1_INIT(ins1_threading);
    ins1_model_options model = INS1_INIT(ins1_model_options);
    ins1_decoder_options decoder = INS1_INIT(ins1_decoder_options);

    ins1_placement placement = { 0 };
    int32_t device;

    *b = (bench){ .error = INS1_INIT(ins1_error),
                  .call = INS1_INIT(ins1_call),
                  .info = INS1_INIT(ins1_model_info) };
    b->call.error = &b->error;
    threading.mode = m->threading;
    threading.n_threads = m->n_threads;
    threading.parallel_for = m->threading == INS1_THREADS_HOST ? host_parallel_for : NULL;
    if (!open_place(&b->runtime, &device, level, &threading, &b->call))
        return false;
    model.path = folder;
    model.parts = INS1_PART_DECODER;
    must(ins1_model_open(&b->model, b->runtime, &model, &b->call), &b->error, folder);
    must(ins1_model_info_get(b->model, &b->info, &b->call), &b->error, "info");
    b->is_int8 = !strcmp(b->info.quant, "int8");
    decoder.precision = b->is_int8 ? INS1_PRECISION_INT8 : precision;
    placement.device = device;
    decoder.placements = &placement;
    decoder.n_placements = 1;
    must(ins1_decoder_create(&b->decoder, b->model, &decoder, &b->call), &b->error, "decoder");
    return true;
}

static void close_bench(bench *b)
{
    ins1_session_release(b->session);
    ins1_decoder_release(b->decoder);
    ins1_model_release(b->model);
    ins1_runtime_release(b->runtime);
}

static trace trace_of(const bench *b, size_t n)
{
    trace t = { .n = n,
                .n_vocab = (size_t)b->info.n_vocab,
                .n_embd = (size_t)b->info.n_embd,
                .n_layers = (size_t)b->info.n_layer,
                .n_used = (size_t)b->info.n_expert_used };
    t.logits = calloc(n * t.n_vocab, sizeof(float));
    t.hidden = calloc((t.n_layers + 1) * n * t.n_embd, sizeof(float));
    t.chosen = calloc(t.n_layers * n * t.n_used + 1, sizeof(int32_t));
    t.gates = calloc(t.n_layers * n * t.n_used + 1, sizeof(float));
    return t;
}

static void free_trace(trace *t)
{
    free(t->logits);
    free(t->hidden);
    free(t->chosen);
    free(t->gates);
}

/* Is `id` among the numbers of a JSON array? */
static bool is_listed(const bench *b, const char *key, int32_t id)
{
    const char *list;
    size_t size;
    s1_json root, name, number;
    int64_t value;
    if (ins1_model_meta(b->model, key, &list, &size, NULL) != INS1_OK || !list ||
        s1_json_parse(&root, list, size, NULL) != INS1_OK)
        return false;
    s1_json_walk walk = s1_json_begin(root);
    while (s1_json_next(&walk, &name, &number))
        if (s1_json_int(number, &value) && value == id)
            return true;
    return false;
}

/* A line as spans: ids, with rows of the embeddings where placeholders stand. */
static size_t spans_of(bench *b, const line *l, ins1_embeds *embeds, ins1_span *spans)
{
    size_t n = 0, row = 0;
    for (size_t i = 0; i < l->n; i++) {
        ins1_span span = INS1_INIT(ins1_span);
        if (embeds && is_listed(b, "ins1/placeholder_ids", l->ids[i])) {
            span.embeds = embeds;
            span.first = row++;
            span.count = 1;
        } else {
            span.ids = &l->ids[i];
            span.n_ids = 1;
        }
        spans[n++] = span;
    }
    if (row != l->n_rows)
        fail("%zu placeholders for %zu rows", row, l->n_rows);
    return n;
}

static ins1_embeds *embeds_of(bench *b, const line *l)
{
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    ins1_embeds *embeds = NULL;
    if (!l->embeds)
        return NULL;
    info.dtype = INS1_DTYPE_F32;
    info.n_tokens = l->n_rows;
    info.dim = l->dim;
    info.modality = INS1_MODALITY_IMAGE;
    must(ins1_embeds_from_f32(&embeds, b->runtime, &info, l->embeds, &b->call), &b->error,
         "embeds");
    return embeds;
}

static void feed_chunks(bench *b, const ins1_span *spans, size_t n, int32_t seq, size_t chunk)
{
    for (size_t at = 0; at < n; at += chunk) {
        ins1_feed feed = INS1_INIT(ins1_feed);
        size_t done = 0;
        feed.seq = seq;
        feed.spans = spans + at;
        feed.n_spans = n - at < chunk ? n - at : chunk;
        if (chunk == 1 && spans[at].ids) {
            const ins1_step step = { seq, *spans[at].ids };
            must(ins1_session_step(b->session, &step, 1, &b->call), &b->error, "step");
            continue;
        }
        must(ins1_session_prefill(b->session, &feed, 1, &done, &b->call), &b->error, "prefill");
        if (done != feed.n_spans)
            fail("%zu of %zu tokens were fed", done, feed.n_spans);
    }
}

/* All lines through one session of as many sequences; what was seen goes into `traces`. */
static void run_lines(bench *b, const line *lines, size_t n, const manner *m, trace *traces)
{
    ins1_span **spans = calloc(n, sizeof(*spans));
    ins1_embeds **embeds = calloc(n, sizeof(*embeds));
    ins1_feed *feeds = calloc(n, sizeof(*feeds));

    must(ins1_session_observe(b->session,
                              INS1_OBSERVE_HIDDEN | INS1_OBSERVE_ROUTER | INS1_OBSERVE_LOGITS,
                              observe, traces, &b->call),
         &b->error, "observe");
    for (size_t i = 0; i < n; i++) {
        spans[i] = calloc(lines[i].n, sizeof(**spans));
        embeds[i] = embeds_of(b, &lines[i]);
        spans_of(b, &lines[i], embeds[i], spans[i]);
        feeds[i] = (ins1_feed){ .struct_size = sizeof(feeds[i]),
                                .seq = (int32_t)i,
                                .spans = spans[i],
                                .n_spans = lines[i].n };
    }
    if (m->together)
        must(ins1_session_prefill(b->session, feeds, n, NULL, &b->call), &b->error, "prefill");
    for (size_t i = 0; !m->together && i < n; i++)
        feed_chunks(b, spans[i], lines[i].n, (int32_t)i, m->chunk ? m->chunk : lines[i].n);
    must(ins1_session_observe(b->session, 0, NULL, NULL, &b->call), &b->error, "observe");
    for (size_t i = 0; i < n; i++) {
        ins1_embeds_release(embeds[i]);
        free(spans[i]);
    }
    free(spans);
    free(embeds);
    free(feeds);
}

static void compare_greedy(bench *b, const char *folder, const char *name, const options *o,
                           size_t index)
{
    array expected = expected_of(folder, o, index, "greedy");
    if (!o->generate || !expected.data)
        return;
    n_compared++;
    for (size_t i = 0; i < o->generate; i++) {
        const float *logits;
        size_t n_vocab;
        must(ins1_session_logits(b->session, (int32_t)index, &logits, &n_vocab, &b->call),
             &b->error, "logits");
        ins1_step step = { (int32_t)index, (int32_t)arg_max(logits, n_vocab) };
        bool ends = !o->ignore_eos && is_listed(b, "ins1/end_ids", step.token);
        if (ends != (i >= expected.dim[0]) ||
            (!ends && step.token != ((int32_t *)expected.data)[i])) {
            printf("%s line %zu: the greedy text differs at place %zu: %d\n", name, index, i,
                   step.token);
            n_wrong++;
            break;
        }
        if (ends)
            break;
        must(ins1_session_step(b->session, &step, 1, &b->call), &b->error, "step");
    }
    free_array(&expected);
}

static void open_session(bench *b, const options *o, const line *lines, size_t n)
{
    ins1_session_options session = INS1_INIT(ins1_session_options);
    size_t longest = 0;
    for (size_t i = 0; i < n; i++)
        longest = lines[i].n > longest ? lines[i].n : longest;
    session.n_ctx = o->n_ctx ? o->n_ctx : (int32_t)(longest + o->generate);
    session.n_seq = (int32_t)n;
    session.kv_type = b->is_int8 ? INS1_KV_F32 : INS1_KV_DEFAULT; /* as the reference keeps them */
    must(ins1_session_create(&b->session, b->decoder, &session, &b->call), &b->error, "session");
}

/* The bits of every cut equal those of the first. */
static void compare_manner(const char *folder, const char *level, const char *name,
                           const options *o, const line *lines, size_t n, const trace *first)
{
    static const manner manners[] = {
        { "2 threads", INS1_THREADS_OWN, 2, 0, false },
        { "3 threads, pieces of 3", INS1_THREADS_OWN, 3, 3, false },
        { "8 threads, together", INS1_THREADS_OWN, 8, 0, true },
        { "host's parallel-for", INS1_THREADS_HOST, 2, 0, true },
        { "step by step", INS1_THREADS_CALLER, 0, 1, false },
    };
    for (size_t k = 0; k < sizeof(manners) / sizeof(manners[0]); k++) {
        bench b;
        trace *traces = calloc(n, sizeof(*traces));
        open_bench(&b, folder, level, &manners[k], INS1_PRECISION_F32);
        open_session(&b, o, lines, n);
        for (size_t i = 0; i < n; i++)
            traces[i] = trace_of(&b, lines[i].n);
        run_lines(&b, lines, n, &manners[k], traces);
        n_compared++;
        for (size_t i = 0; i < n; i++) {
            if (memcmp(traces[i].logits, first[i].logits,
                       first[i].n * first[i].n_vocab * sizeof(float))) {
                printf("%s line %zu: other bits with %s\n", name, i, manners[k].name);
                n_wrong++;
            }
            free_trace(&traces[i]);
        }
        free(traces);
        close_bench(&b);
    }
}

/* `bf16` activations may be no farther from the F32 reference (rms) than the reference's own BF16
 * run, over all lines. */
static void compare_bf16(const char *folder, const char *level, const options *o, const line *lines,
                         size_t n)
{
    const manner plain = { "plain", INS1_THREADS_CALLER, 0, 0, false };
    text t = read_text(folder, "bf16.json");
    s1_json root, key, entry;
    double theirs = 0, ours = 0;
    size_t i = 0;
    bench b;

    if (s1_json_parse(&root, t.bytes, t.size, NULL) != INS1_OK)
        fail("%s/bf16.json is no JSON", folder);
    open_bench(&b, folder, level, &plain, INS1_PRECISION_BF16);
    open_session(&b, o, lines, n);
    trace *traces = calloc(n, sizeof(*traces));
    for (size_t k = 0; k < n; k++)
        traces[k] = trace_of(&b, lines[k].n);
    run_lines(&b, lines, n, &plain, traces);
    s1_json_walk walk = s1_json_begin(root);
    for (; s1_json_next(&walk, &key, &entry) && i < n; i++) {
        array logits = expected_of(folder, o, i, "logits");
        double rms = 0, sum = 0;
        if (logits.data && s1_json_double(s1_json_get(entry, "logits_rms"), &rms)) {
            size_t count = lines[i].n * traces[i].n_vocab;
            for (size_t j = 0; j < count; j++) {
                double d = (double)traces[i].logits[j] - ((float *)logits.data)[j];
                sum += d * d;
            }
            theirs += rms * rms * (double)count;
            ours += sum;
        }
        free_array(&logits);
    }
    n_compared++;
    printf("%s: bf16 activations at %.2f of the reference's own distance\n", folder,
           theirs > 0 ? sqrt(ours / theirs) : 0);
    if (!(ours <= theirs)) {
        printf("%s: bf16 activations are farther from F32 than the reference's BF16\n", folder);
        n_wrong++;
    }
    for (size_t k = 0; k < n; k++)
        free_trace(&traces[k]);
    free(traces);
    free(t.bytes);
    close_bench(&b);
}

static void check_case(const char *folder, const char *level, const char *name)
{
    const manner plain = { "plain", INS1_THREADS_CALLER, 0, 0, false };
    options o = read_case(folder, name);
    line *lines;
    size_t n = read_lines(folder, o.lines, &lines);
    double worst = 0;
    bench b;

    open_bench(&b, folder, level, &plain, INS1_PRECISION_F32);
    open_session(&b, &o, lines, n);
    trace *traces = calloc(n, sizeof(*traces));
    for (size_t i = 0; i < n; i++)
        traces[i] = trace_of(&b, lines[i].n);
    manner m = plain;
    m.chunk = o.chunk;
    m.together = o.together;
    run_lines(&b, lines, n, &m, traces);
    for (size_t i = 0; i < n; i++) {
        compare_trace(folder, name, &o, i, &traces[i], &worst);
        compare_greedy(&b, folder, name, &o, i);
    }
    close_bench(&b);
    if (!strcmp(name, "case.json")) {
        if (is_level(level))
            compare_manner(folder, level, name, &o, lines, n, traces);
        if (file_exists(folder, "bf16.json"))
            compare_bf16(folder, level, &o, lines, n);
    }
    printf("%s/%s: at most %.2g of the range away\n", folder, name, worst);
    for (size_t i = 0; i < n; i++)
        free_trace(&traces[i]);
    free(traces);
    free_lines(lines, n);
}

int main(int argc, char **argv)
{
    static const char *const cases[] = {
        "case.json",      "case-chunk.json", "case-ignore-eos.json",
        "case-long.json", "case-step.json",  "case-together.json",
    };
    const manner plain = { "plain", INS1_THREADS_CALLER, 0, 0, false };
    bench b;

    if (argc != 3)
        fail("golden FOLDER LEVEL");
    if (!open_bench(&b, argv[1], argv[2], &plain, INS1_PRECISION_F32)) {
        printf("skipped: level %s is not on this machine or not in this build\n", argv[2]);
        return SKIPPED;
    }
    close_bench(&b);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (file_exists(argv[1], cases[i]))
            check_case(argv[1], argv[2], cases[i]);
    printf("%d comparisons, %d wrong\n", n_compared, n_wrong);
    return n_wrong || n_warnings || !n_compared ? 1 : 0;
}
