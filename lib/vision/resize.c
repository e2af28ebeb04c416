/* Two passes, across and then down, each a weighted sum of 8-bit values with 16-bit weights, and 8
 * bits between them. Bands of rows are tasks of their own. */

#include "vision/resize.h"

#include "base/checked.h"
#include "base/memory.h"
#include "base/meter.h"
#include "base/pool.h"

#include <math.h>
#include <string.h>

enum {
    CHANNELS = 3,
    LANES = 64,            /* values of a row that are summed together */
    BAND_ROWS = 64,        /* of the result */
    BAND_BYTES = 1 << 22,  /* of rows between the passes, where that is more than one row */
    MAX_SCRATCH = 1 << 26, /* of all workers; else one works alone */
};

/* --- weights --- */

/* How one axis is resized: `out[o]` is the sum of `n` values from `first` on, times `weights`. */
typedef struct span {
    int32_t first, n;
} span;

typedef struct axis {
    int32_t n_in, n_out;
    int32_t bits;     /* behind the point of a weight */
    size_t most;      /* weights of an output, at most */
    span *spans;      /* owned, [n_out]; NULL where the size stays */
    int16_t *weights; /* owned, [n_out][most] */
} axis;

/* The cubic of Keys with a = -0.5. */
static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

typedef struct filter {
    double scale, inverse, support;
} filter;

static filter filter_of(const axis *a)
{
    double scale = (double)a->n_in / a->n_out;
    double stretch = scale > 1 ? scale : 1;
    return (filter){ .scale = scale, .inverse = 1 / stretch, .support = 2 * stretch };
}

static span span_of(const axis *a, const filter *f, int32_t o)
{
    double centre = f->scale * (o + 0.5);
    double low = trunc(centre - f->support + 0.5), high = trunc(centre + f->support + 0.5);
    int32_t first = low > 0 ? (int32_t)low : 0;
    int32_t end = high < a->n_in ? (int32_t)high : a->n_in;
    return (span){ .first = first, .n = end - first };
}

static double weight(const filter *f, int32_t o, int32_t j)
{
    return cubic((j - f->scale * (o + 0.5) + 0.5) * f->inverse);
}

static double sum_of_weights(const filter *f, int32_t o, span s)
{
    double sum = 0;
    for (int32_t j = 0; j < s.n; j++)
        sum += weight(f, o, s.first + j);
    return sum;
}

/* The most bits with which the largest weight of all stays below 2^15. */
static int32_t bits_for(double largest)
{
    int32_t bits = 0;
    while (bits < 22 && trunc(0.5 + largest * (double)(1 << (bits + 1))) < (1 << 15))
        bits++;
    return bits;
}

static void fill_axis(axis *a, const filter *f)
{
    double largest = 0;

    for (int32_t o = 0; o < a->n_out; o++) {
        span s = a->spans[o] = span_of(a, f, o);
        double sum = sum_of_weights(f, o, s);
        for (int32_t j = 0; j < s.n; j++)
            largest = fmax(largest, weight(f, o, s.first + j) / sum);
    }
    a->bits = bits_for(largest);
    for (int32_t o = 0; o < a->n_out; o++) {
        span s = a->spans[o];
        double sum = sum_of_weights(f, o, s);
        for (int32_t j = 0; j < s.n; j++) {
            double w = weight(f, o, s.first + j) / sum * (double)(1 << a->bits);
            a->weights[(size_t)o * a->most + (size_t)j] = (int16_t)trunc(w < 0 ? w - 0.5 : w + 0.5);
        }
    }
}

static void finish_axis(axis *a, const ins1_allocator *memory)
{
    s1_free(memory, a->spans, (size_t)a->n_out * sizeof(*a->spans), INS1_MEM_SCRATCH);
    s1_free(memory, a->weights, (size_t)a->n_out * a->most * sizeof(*a->weights), INS1_MEM_SCRATCH);
}

static ins1_status init_axis(axis *out, int32_t n_in, int32_t n_out, const ins1_allocator *memory,
                             ins1_error *error)
{
    *out = (axis){ .n_in = n_in, .n_out = n_out };
    if (n_in == n_out)
        return INS1_OK;
    filter f = filter_of(out);
    out->most = (size_t)ceil(f.support) * 2 + 1;
    out->spans = s1_alloc_array(memory, (size_t)n_out, sizeof(*out->spans), INS1_MEM_SCRATCH);
    if (out->spans)
        out->weights = s1_alloc_array(memory, (size_t)n_out, out->most * sizeof(*out->weights),
                                      INS1_MEM_SCRATCH);
    if (!out->spans || !out->weights)
        return s1_out_of_memory(memory, (uint64_t)n_out * out->most * sizeof(*out->weights),
                                "the weights of a resize", error);
    fill_axis(out, &f);
    return INS1_OK;
}

/* --- the two passes --- */

static uint8_t round_off(int32_t sum, int32_t bits)
{
    sum >>= bits;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

/* Rows that go across together: beside each other in memory, so that a weight meets all of them at
 * once. */
enum { ROWS = 16, GROUP = CHANNELS * ROWS };

/* Row `row` of the group, [n_in][3] to its place in [n_in][3][ROWS]. */
static void interleave(uint8_t *group, const uint8_t *line, size_t n, size_t row)
{
    group += row;
    for (size_t i = 0; i < n * CHANNELS; i++, group += ROWS)
        *group = line[i];
}

/* A group, [n_in][3][ROWS], to the first `n` rows of `out`, each [n_out][3]. */
static void pass_across(const axis *a, const uint8_t *group, uint8_t *out, size_t n)
{
    const size_t width = (size_t)a->n_out * CHANNELS;

    for (int32_t o = 0; o < a->n_out; o++, out += CHANNELS) {
        const int16_t *w = a->weights + (size_t)o * a->most;
        const uint8_t *p = group + (size_t)a->spans[o].first * GROUP;
        int32_t sum[GROUP];
        for (int i = 0; i < GROUP; i++)
            sum[i] = 1 << (a->bits - 1);
        for (int32_t j = 0; j < a->spans[o].n; j++, p += GROUP)
            for (int i = 0; i < GROUP; i++)
                sum[i] += w[j] * p[i];
        for (size_t row = 0; row < n; row++)
            for (size_t c = 0; c < CHANNELS; c++)
                out[row * width + c] = round_off(sum[c * ROWS + row], a->bits);
    }
}

/* Rows `in`, each `width` values, to one row. */
static void pass_down(const axis *a, int32_t o, const uint8_t *in, size_t width, uint8_t *out)
{
    const int16_t *w = a->weights + (size_t)o * a->most;
    const int32_t n = a->spans[o].n;
    size_t at = 0;

    for (; width - at >= LANES; at += LANES) {
        int32_t sum[LANES];
        for (int i = 0; i < LANES; i++)
            sum[i] = 1 << (a->bits - 1);
        for (int32_t j = 0; j < n; j++) {
            const uint8_t *p = in + (size_t)j * width + at;
            for (int i = 0; i < LANES; i++)
                sum[i] += w[j] * p[i];
        }
        for (int i = 0; i < LANES; i++)
            out[at + (size_t)i] = round_off(sum[i], a->bits);
    }
    for (; at < width; at++) {
        int32_t sum = 1 << (a->bits - 1);
        for (int32_t j = 0; j < n; j++)
            sum += w[j] * in[(size_t)j * width + at];
        out[at] = round_off(sum, a->bits);
    }
}

/* --- bands --- */

typedef struct resize {
    const s1_picture *picture;
    axis across, down;
    uint8_t *out;
    int32_t band_rows, n_bands;
    /* Of one worker: a row as it is read, a group of rows, the rows between the passes. */
    size_t line_size, group_size, scratch_size;
    uint8_t *scratch; /* owned, [n_workers][scratch_size] */
    int32_t n_workers;
    const s1_call *call;
} resize;

/* The rows of the picture that a band looks at. */
static span rows_of(const resize *r, int32_t from, int32_t to)
{
    if (!r->down.spans)
        return (span){ from, to - from };
    span last = r->down.spans[to - 1];
    int32_t first = r->down.spans[from].first;
    return (span){ first, last.first + last.n - first };
}

/* Rows `rows` of the picture across, to `out`. False when the call is to stop. */
static bool read_across(const resize *r, span rows, uint8_t *scratch, uint8_t *out)
{
    const size_t width = (size_t)r->across.n_out * CHANNELS;
    uint8_t *group = scratch + r->line_size;

    for (int32_t at = 0; at < rows.n; at += ROWS, out += ROWS * width) {
        const int32_t n = rows.n - at < ROWS ? rows.n - at : ROWS;
        if (s1_call_poll(r->call) != INS1_OK)
            return false;
        for (int32_t i = 0; i < n; i++) {
            uint8_t *to = r->across.spans ? scratch : out + (size_t)i * width;
            s1_picture_row(r->picture, rows.first + at + i, to);
            if (r->across.spans)
                interleave(group, to, (size_t)r->across.n_in, (size_t)i);
        }
        if (r->across.spans)
            pass_across(&r->across, group, out, (size_t)n);
    }
    return true;
}

static void run_band(void *arg, int32_t index, int32_t worker)
{
    const resize *r = arg;
    int32_t from = index * r->band_rows;
    int32_t to = r->down.n_out - from > r->band_rows ? from + r->band_rows : r->down.n_out;
    span rows = rows_of(r, from, to);
    size_t width = (size_t)r->across.n_out * CHANNELS;
    uint8_t *scratch = r->scratch + (size_t)worker * r->scratch_size;
    uint8_t *out = r->out + (size_t)from * width;
    uint8_t *between = r->down.spans ? scratch + r->line_size + r->group_size : out;

    if (!read_across(r, rows, scratch, between))
        return;
    for (int32_t o = from; r->down.spans && o < to; o++, out += width) {
        if (o % ROWS == 0 && s1_call_poll(r->call) != INS1_OK)
            return;
        pass_down(&r->down, o, between + (size_t)(r->down.spans[o].first - rows.first) * width,
                  width, out);
    }
}

/* Bands as high as their rows between the passes allow, and one worker's memory for each. */
static ins1_status make_scratch(resize *r, const s1_host *host, ins1_error *error)
{
    uint64_t width = (uint64_t)r->across.n_out * CHANNELS, between = 0, size;
    double rows_per_row = (double)r->down.n_in / r->down.n_out;

    r->band_rows = BAND_ROWS;
    while (r->band_rows > 1 && r->band_rows * rows_per_row * (double)width > BAND_BYTES)
        r->band_rows /= 2;
    r->n_bands = (r->down.n_out - 1) / r->band_rows + 1;
    for (int32_t i = 0; r->down.spans && i < r->n_bands; i++) {
        int32_t from = i * r->band_rows, rest = r->down.n_out - from;
        span rows = rows_of(r, from, from + (rest < r->band_rows ? rest : r->band_rows));
        if ((uint64_t)rows.n > between)
            between = (uint64_t)rows.n;
    }
    uint64_t line = r->across.spans ? (uint64_t)r->across.n_in * CHANNELS : 0;
    r->line_size = (size_t)line;
    r->group_size = (size_t)line * ROWS;
    if (!s1_mul(between, width, &size) || !s1_add(size, line * (ROWS + 1), &size) ||
        size > PTRDIFF_MAX)
        return s1_fail(error, INS1_E_MEMORY, "no memory for %llu rows of %llu bytes",
                       (unsigned long long)between, (unsigned long long)width);
    r->scratch_size = (size_t)size;
    r->n_workers = s1_pool_workers(host->pool);
    if (r->scratch_size > MAX_SCRATCH / (size_t)r->n_workers)
        r->n_workers = 1;
    if (!r->scratch_size)
        return INS1_OK;
    r->scratch =
        s1_alloc_array(host->memory, (size_t)r->n_workers, r->scratch_size, INS1_MEM_SCRATCH);
    if (!r->scratch)
        return s1_out_of_memory(host->memory, (uint64_t)r->n_workers * r->scratch_size,
                                "the rows of a resize", error);
    return INS1_OK;
}

ins1_status s1_resize(uint8_t *out, int32_t width, int32_t height, const s1_picture *picture,
                      const s1_host *host, const s1_call *call)
{
    resize r = { .picture = picture, .out = out, .call = call };

    ins1_status status = init_axis(&r.across, picture->width, width, host->memory, call->error);
    if (status == INS1_OK)
        status = init_axis(&r.down, picture->height, height, host->memory, call->error);
    if (status == INS1_OK)
        status = make_scratch(&r, host, call->error);
    if (status != INS1_OK)
        goto done;

    if (r.n_workers > 1)
        status = s1_pool_run(host->pool, run_band, &r, r.n_bands);
    for (int32_t i = 0; r.n_workers == 1 && i < r.n_bands; i++)
        run_band(&r, i, 0);
    if (status != INS1_OK)
        status = s1_fail(call->error, status, "the threads refused the rows of a resize");
    else
        status = s1_call_check(call);

done:
    s1_free(host->memory, r.scratch, (size_t)r.n_workers * r.scratch_size, INS1_MEM_SCRATCH);
    finish_axis(&r.across, host->memory);
    finish_axis(&r.down, host->memory);
    return status;
}
