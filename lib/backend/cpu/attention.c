#include "backend/cpu/engine.h"

#include <math.h>
#include <string.h>

/* Keys and values in pages. Neighbouring rows of one line share what they read: the scores of a
 * stretch of positions are a product with the keys as weights, and the sums of values one with the
 * values as transposed weights, so a row is computed as it would be alone. Stretches depend on the
 * page length only, and what they give is merged in ascending order, by the same task or by a later
 * one. */

enum {
    MOST_ROWS = 64,            /* of q that share a pass over the keys */
    PARTIAL_BYTES = 256 << 10, /* of partials, for each worker */
    FEWEST_PARTIALS = 8, /* of each worker: then a task's stretches have two places at least */
    FEW_TASKS = 4,       /* for each worker: stretches are dealt out below */
};

/* Rows of one line, one after the other. */
typedef struct row_tile {
    int64_t first, count; /* of t */
    int64_t n;            /* positions that the longest of them sees */
} row_tile;

typedef struct attention_work {
    s1_cpu_stream *stream;
    const ins1_tensor_desc *q, *k, *v, *y;
    const int32_t *rows; /* [t][2] */
    int64_t rows_stride;
    const ins1_tensor_desc *pages;
    int64_t heads, groups, d; /* query heads of a group */
    int64_t stretch;
    float scale;
    row_tile *tiles;
    int64_t n_tiles;
    int64_t most_stretches;
    /* Where stretches are dealt out, a wave of them after the other. Place 0 has the sum of all
     * stretches so far. */
    float *partials;      /* [tile][group][place] */
    int64_t partial_size; /* floats of one */
    int64_t places;
    int64_t wave, n_wave; /* its first stretch, and how many it has */
} attention_work;

/* What a stretch, or all so far, gave. */
typedef struct partial {
    float *max, *sum; /* [rows] */
    float *acc;       /* [rows][d] */
} partial;

/* The scratch of a worker behind the product's part. */
typedef struct attention_scratch {
    void *product;
    uint8_t *q, *weights; /* panels */
    float *scores;        /* [rows][S1_STRETCH] */
    partial sum, next;
} attention_scratch;

static int64_t padded(int64_t n)
{
    return s1_panel_steps(S1_PANEL_F32, n) * s1_panel_columns(S1_PANEL_F32);
}

int64_t s1_cpu_attention_rows(int64_t d)
{
    int64_t floats = 2 * S1_STRETCH + padded(d) + 2 * (d + 2);
    int64_t rows = (S1_WORKER_SCRATCH - S1_PRODUCT_SCRATCH) / (floats * (int64_t)sizeof(float));
    return rows < MOST_ROWS ? rows : MOST_ROWS;
}

static partial partial_at(float *memory, int64_t rows)
{
    return (partial){ memory, memory + rows, memory + 2 * rows };
}

static attention_scratch scratch_at(uint8_t *memory, int64_t rows, int64_t d)
{
    float *at = (float *)(void *)(memory + S1_PRODUCT_SCRATCH);
    attention_scratch s = { .product = memory };

    s.q = (uint8_t *)at;
    at += rows * padded(d);
    s.weights = (uint8_t *)at;
    at += rows * S1_STRETCH;
    s.scores = at;
    at += rows * S1_STRETCH;
    s.sum = partial_at(at, rows);
    s.next = partial_at(at + rows * (d + 2), rows);
    return s;
}

static int64_t element_size(int32_t dtype)
{
    return dtype == INS1_DTYPE_F32 ? 4 : 2;
}

/* Where position `p` of a line lies for one key and value head. */
static uint8_t *position_at(const ins1_tensor_desc *pool, const int32_t *line, int64_t head,
                            int64_t p)
{
    int64_t length = pool->dim[2];
    int64_t at =
        line[p / length] * pool->stride[0] + head * pool->stride[1] + p % length * pool->stride[2];
    return s1_cpu_at(pool) + at * element_size(pool->dtype);
}

static const int32_t *line_of(const ins1_tensor_desc *pages, int32_t line)
{
    return (const int32_t *)(const void *)s1_cpu_at(pages) + line * pages->stride[0];
}

static float *head_of(const ins1_tensor_desc *tensor, int64_t t, int64_t g, int64_t r)
{
    return (float *)(void *)s1_cpu_at(tensor) + t * tensor->stride[0] + g * tensor->stride[1] +
           r * tensor->stride[2];
}

static int32_t line_number(const attention_work *work, int64_t t)
{
    return work->rows[t * work->rows_stride];
}

/* Positions that row t sees: 0 .. its own. */
static int64_t positions_of(const attention_work *work, int64_t t)
{
    return work->rows[t * work->rows_stride + 1] + (int64_t)1;
}

static int64_t stretch_of(int64_t page_length)
{
    return page_length < S1_STRETCH ? page_length : S1_STRETCH;
}

/* Stretches end with their page. */
static int64_t stretches_a_page(const attention_work *work)
{
    return s1_ceil_div(work->k->dim[2], work->stretch);
}

static int64_t stretch_begin(const attention_work *work, int64_t index)
{
    int64_t a_page = stretches_a_page(work);
    return index / a_page * work->k->dim[2] + index % a_page * work->stretch;
}

/* Of n > 0 positions in pages of that length. */
static int64_t stretches_of(int64_t n, int64_t length)
{
    int64_t last = n - 1, stretch = stretch_of(length);
    return last / length * s1_ceil_div(length, stretch) + last % length / stretch + 1;
}

static int64_t count_stretches(const attention_work *work, int64_t n)
{
    return stretches_of(n, work->k->dim[2]);
}

/* --- one stretch --- */

static void fill_panel(const s1_kernels *kernels, uint8_t *cells, const float *const *rows,
                       int64_t n_rows, int64_t n_groups, int64_t k)
{
    for (int64_t group = 0; group < n_groups; group++) {
        int64_t begin = s1_group_begin(n_rows, n_groups, group);
        int64_t end = s1_group_begin(n_rows, n_groups, group + 1);
        kernels->panel_fill(cells + begin * s1_panel_steps(S1_PANEL_F32, k) * S1_CELL, S1_PANEL_F32,
                            false, rows + begin, end - begin, k);
    }
}

/* q as the rows of x of the first product. */
static void fill_queries(const attention_work *work, const row_tile *tile, int64_t g,
                         uint8_t *cells)
{
    const s1_kernels *kernels = work->stream->kernels;
    int64_t n_rows = tile->count * work->heads;
    const float *rows[MOST_ROWS];

    for (int64_t i = 0; i < n_rows; i++)
        rows[i] = head_of(work->q, tile->first + i / work->heads, g, i % work->heads);
    fill_panel(kernels, cells, rows, n_rows,
               s1_ceil_div(n_rows, kernels->most_tokens[S1_PANEL_F32]), work->d);
}

static bool all_finite(const float *x, int64_t n)
{
    bool finite = true;
    for (int64_t i = 0; i < n; i++)
        finite = finite && isfinite(x[i]);
    return finite;
}

/* Zero times a NaN or an infinity is a NaN: where a value is one, rows that do not see all `n`
 * positions are summed once more over those that they see, each as it would be alone. A value
 * reaches all rows of a product, so one of them tells. `p` is the product that made them, of
 * `weights`. */
static void sum_again(const attention_work *work, const row_tile *tile, int64_t begin, int64_t n,
                      s1_product p, const float *const *weights, const attention_scratch *scratch,
                      partial out)
{
    const s1_kernels *kernels = work->stream->kernels;

    for (int64_t i = 0; i < p.t; i++) {
        int64_t seen = positions_of(work, tile->first + i / work->heads) - begin;
        s1_product alone = p;
        if (seen <= 0 || seen >= n)
            continue;
        if (all_finite(out.acc + i * work->d, work->d))
            return;
        alone.k = seen;
        alone.t = 1;
        alone.n_groups = 1;
        alone.y = out.acc + i * work->d;
        fill_panel(kernels, scratch->weights, &weights[i], 1, 1, seen);
        kernels->product(&alone, 0, alone.n, (s1_ahead){ 0 }, scratch->product);
    }
}

static void attend_stretch(const attention_work *work, const row_tile *tile, int64_t g,
                           int64_t index, const attention_scratch *scratch, partial out)
{
    const s1_kernels *kernels = work->stream->kernels;
    const int32_t *line = line_of(work->pages, line_number(work, tile->first));
    int64_t n_rows = tile->count * work->heads;
    int64_t begin = stretch_begin(work, index);
    int64_t next = stretch_begin(work, index + 1);
    int64_t n = (next < tile->n ? next : tile->n) - begin;
    const float *rows[MOST_ROWS];
    s1_product p = {
        .w = position_at(work->k, line, g, begin),
        .dtype = work->k->dtype,
        .panel_kind = S1_PANEL_F32,
        .stride = work->k->stride[2],
        .n = n,
        .k = work->d,
        .panel = scratch->q,
        .t = n_rows,
        .n_groups = s1_ceil_div(n_rows, kernels->most_tokens[S1_PANEL_F32]),
        .y = scratch->scores,
        .y_stride = S1_STRETCH,
    };

    kernels->product(&p, 0, n, (s1_ahead){ 0 }, scratch->product);
    for (int64_t i = 0; i < n_rows; i++) {
        int64_t seen = positions_of(work, tile->first + i / work->heads) - begin;
        float *scores = scratch->scores + i * S1_STRETCH;
        rows[i] = scores;
        if (seen > 0)
            kernels->soften(scores, seen < n ? seen : n, n, work->scale, &out.max[i], &out.sum[i]);
        else
            memset(scores, 0, (size_t)n * sizeof(*scores));
    }
    fill_panel(kernels, scratch->weights, rows, n_rows, p.n_groups, n);

    p.w = position_at(work->v, line, g, begin);
    p.dtype = work->v->dtype;
    p.transposed = true;
    p.stride = work->v->stride[2];
    p.n = work->d;
    p.k = n;
    p.panel = scratch->weights;
    p.y = out.acc;
    p.y_stride = work->d;
    kernels->product(&p, 0, p.n, (s1_ahead){ 0 }, scratch->product);
    sum_again(work, tile, begin, n, p, rows, scratch, out);
}

/* A later stretch, for the rows that see some of it. */
static void merge_stretch(const attention_work *work, const row_tile *tile, int64_t index,
                          partial sum, partial next)
{
    int64_t d = work->d;

    for (int64_t i = 0; i < tile->count * work->heads; i++)
        if (positions_of(work, tile->first + i / work->heads) > stretch_begin(work, index))
            work->stream->kernels->merge(sum.acc + i * d, &sum.max[i], &sum.sum[i],
                                         next.acc + i * d, next.max[i], next.sum[i], d);
}

static void finish_rows(const attention_work *work, const row_tile *tile, int64_t g, partial sum)
{
    for (int64_t i = 0; i < tile->count * work->heads; i++)
        work->stream->kernels->divide(
            head_of(work->y, tile->first + i / work->heads, g, i % work->heads),
            sum.acc + i * work->d, sum.sum[i], work->d);
}

/* --- tasks --- */

static void whole_task(void *arg, int32_t index, int32_t worker)
{
    const attention_work *work = arg;
    const row_tile *tile = &work->tiles[index / work->groups];
    int64_t g = index % work->groups;
    int64_t n = count_stretches(work, tile->n);
    attention_scratch scratch =
        scratch_at(s1_worker_scratch(work->stream, worker), tile->count * work->heads, work->d);

    for (int64_t i = 0; i < n; i++) {
        if (s1_cpu_stopped(work->stream))
            return;
        if (i == 0)
            fill_queries(work, tile, g, scratch.q);
        attend_stretch(work, tile, g, i, &scratch, i == 0 ? scratch.sum : scratch.next);
        if (i > 0)
            merge_stretch(work, tile, i, scratch.sum, scratch.next);
    }
    finish_rows(work, tile, g, scratch.sum);
}

static partial stored_partial(const attention_work *work, int64_t tile_and_group, int64_t place)
{
    int64_t at = tile_and_group * work->places + place;
    return partial_at(work->partials + at * work->partial_size,
                      work->tiles[tile_and_group / work->groups].count * work->heads);
}

/* The sum lies before the stretches of every wave but the first, whose first it begins with. */
static int64_t place_of(const attention_work *work, int64_t stretch)
{
    return stretch - work->wave + (work->wave > 0);
}

static void stretch_task(void *arg, int32_t index, int32_t worker)
{
    const attention_work *work = arg;
    int64_t tile_and_group = index / work->n_wave;
    int64_t stretch = work->wave + index % work->n_wave;
    const row_tile *tile = &work->tiles[tile_and_group / work->groups];
    int64_t g = tile_and_group % work->groups;

    if (stretch >= count_stretches(work, tile->n) || s1_cpu_stopped(work->stream))
        return;
    attention_scratch scratch =
        scratch_at(s1_worker_scratch(work->stream, worker), tile->count * work->heads, work->d);
    fill_queries(work, tile, g, scratch.q);
    attend_stretch(work, tile, g, stretch, &scratch,
                   stored_partial(work, tile_and_group, place_of(work, stretch)));
}

static void merge_task(void *arg, int32_t index, int32_t worker)
{
    const attention_work *work = arg;
    const row_tile *tile = &work->tiles[index / work->groups];
    partial sum = stored_partial(work, index, 0);
    int64_t n = count_stretches(work, tile->n);
    (void)worker;

    if (s1_cpu_stopped(work->stream))
        return;
    for (int64_t i = work->wave; i < work->wave + work->n_wave && i < n; i++)
        if (place_of(work, i) > 0)
            merge_stretch(work, tile, i, sum, stored_partial(work, index, place_of(work, i)));
    if (n > work->wave && n <= work->wave + work->n_wave)
        finish_rows(work, tile, index % work->groups, sum);
}

/* Neighbouring rows of t that share a pass, at most. */
static int64_t rows_a_tile(const s1_kernels *kernels, int64_t heads, int64_t d)
{
    int64_t most = s1_cpu_attention_rows(d) / heads;
    int64_t pass = kernels->pass / heads;

    most = most < pass ? most : pass;
    return most > 1 ? most : 1;
}

/* Neighbouring rows of one line, as many as share a pass. */
static void cut_tiles(attention_work *work, int64_t t)
{
    int64_t most = rows_a_tile(work->stream->kernels, work->heads, work->d);

    for (int64_t i = 0; i < t; i++) {
        row_tile *last = &work->tiles[work->n_tiles - 1];
        int64_t n = positions_of(work, i);
        if (i > 0 && last->count < most && line_number(work, i) == line_number(work, last->first)) {
            last->count++;
            last->n = n > last->n ? n : last->n;
        } else {
            work->tiles[work->n_tiles++] = (row_tile){ .first = i, .count = 1, .n = n };
        }
    }
}

/* Bytes for the stretches of n tasks: all of them, or as many as a wave has. */
static int64_t partial_bytes(int64_t n, int64_t stretches, int64_t partial_size, int64_t workers)
{
    int64_t one = partial_size * (int64_t)sizeof(float);
    int64_t each = one * FEWEST_PARTIALS > PARTIAL_BYTES ? one * FEWEST_PARTIALS : PARTIAL_BYTES;
    return n * stretches < each * workers / one ? n * stretches * one : each * workers;
}

/* With few rows and many positions, the stretches are dealt out as well. */
static int32_t run_stretches(attention_work *work)
{
    s1_cpu_stream *stream = work->stream;
    int64_t n = work->n_tiles * work->groups;
    int32_t status = INS1_OK;

    work->partial_size = 0;
    for (int64_t i = 0; i < work->n_tiles; i++) {
        int64_t size = work->tiles[i].count * work->heads * (work->d + 2);
        work->partial_size = size > work->partial_size ? size : work->partial_size;
    }
    int64_t bytes = partial_bytes(n, work->most_stretches, work->partial_size, stream->workers);
    work->partials = s1_scratch_get(stream, &stream->partials, (size_t)bytes);
    if (!work->partials)
        return INS1_E_MEMORY;
    work->places = bytes / (n * work->partial_size * (int64_t)sizeof(float));
    for (work->wave = 0; work->wave < work->most_stretches; work->wave += work->n_wave) {
        int64_t left = work->most_stretches - work->wave;
        int64_t room = work->places - (work->wave > 0);
        work->n_wave = left < room ? left : room;
        status = s1_cpu_region(stream, stretch_task, work, n * work->n_wave);
        if (status == INS1_OK)
            status = s1_cpu_region(stream, merge_task, work, n);
        if (status != INS1_OK)
            return status;
    }
    return INS1_OK;
}

void s1_cpu_need_attention(s1_cpu_needs *needs, const s1_kernels *kernels, int32_t workers,
                           const s1_cpu_attention_size *a)
{
    int64_t stretches = a->positions ? stretches_of(a->positions, a->page_length) : 0;
    int64_t tiles = (FEW_TASKS * (int64_t)workers - 1) / a->groups;
    int64_t rows = rows_a_tile(kernels, a->heads, a->d);

    s1_cpu_need(&needs->plan, a->t * (int64_t)sizeof(row_tile));
    if (workers < 2 || stretches < 2)
        return;
    tiles = tiles < a->t ? tiles : a->t;
    rows = rows < a->t ? rows : a->t;
    s1_cpu_need(&needs->partials,
                partial_bytes(tiles * a->groups, stretches, rows * a->heads * (a->d + 2), workers));
}

void s1_cpu_attention_needs(s1_cpu_needs *needs, const s1_cpu_stream *stream, const ins1_op *op)
{
    const ins1_tensor_desc *q = &op->in[0];
    const s1_cpu_attention_size a = {
        .t = q->dim[0],
        .groups = q->dim[1],
        .heads = q->dim[2],
        .d = q->dim[3],
        .page_length = op->in[1].dim[2],
        .positions = op->in[4].dim[1] * op->in[1].dim[2],
    };
    s1_cpu_need_attention(needs, stream->kernels, stream->workers, &a);
}

int32_t s1_cpu_attention(s1_cpu_stream *stream, const ins1_op *op)
{
    const ins1_tensor_desc *q = &op->in[0];
    attention_work work = {
        .stream = stream,
        .q = q,
        .k = &op->in[1],
        .v = &op->in[2],
        .y = &op->out[0],
        .rows = (const int32_t *)(const void *)s1_cpu_at(&op->in[3]),
        .rows_stride = op->in[3].stride[0],
        .pages = &op->in[4],
        .groups = q->dim[1],
        .heads = q->dim[2],
        .d = q->dim[3],
        .scale = op->f[0],
    };

    if (q->dim[0] == 0)
        return INS1_OK;
    work.stretch = stretch_of(work.k->dim[2]);
    work.tiles = s1_scratch_get(stream, &stream->plan, (size_t)q->dim[0] * sizeof(row_tile));
    if (!work.tiles)
        return INS1_E_MEMORY;
    cut_tiles(&work, q->dim[0]);
    for (int64_t i = 0; i < work.n_tiles; i++) {
        int64_t n = count_stretches(&work, work.tiles[i].n);
        work.most_stretches = n > work.most_stretches ? n : work.most_stretches;
    }
    int64_t tasks = work.n_tiles * work.groups;
    if (stream->workers > 1 && work.most_stretches > 1 &&
        tasks < FEW_TASKS * (int64_t)stream->workers)
        return run_stretches(&work);
    return s1_cpu_region(stream, whole_task, &work, tasks);
}

/* --- filling the pages --- */

typedef struct put_work {
    s1_cpu_stream *stream;
    const ins1_op *op;
    int64_t rows_a_task;
} put_work;

static void put_row(const put_work *work, int64_t t)
{
    const ins1_op *op = work->op;
    const ins1_tensor_desc *rows = &op->in[2];
    const int32_t *row = (const int32_t *)(const void *)s1_cpu_at(rows) + t * rows->stride[0];
    const int32_t *line = line_of(&op->in[3], row[0]);

    for (int64_t g = 0; g < op->in[0].dim[1]; g++)
        for (int i = 0; i < 2; i++)
            work->stream->kernels->narrow(position_at(&op->out[i], line, g, row[1]),
                                          head_of(&op->in[i], t, g, 0), op->out[i].dtype,
                                          op->in[i].dim[3]);
}

static void put_task(void *arg, int32_t index, int32_t worker)
{
    const put_work *work = arg;
    int64_t begin = index * work->rows_a_task;
    (void)worker;

    if (s1_cpu_stopped(work->stream))
        return;
    for (int64_t t = begin; t < begin + work->rows_a_task && t < work->op->in[0].dim[0]; t++)
        put_row(work, t);
}

int32_t s1_cpu_kv_put(s1_cpu_stream *stream, const ins1_op *op)
{
    enum { TASK = 16384 }; /* elements */
    put_work work = { .stream = stream, .op = op };
    int64_t a_row = 2 * op->in[0].dim[1] * op->in[0].dim[3];

    work.rows_a_task = TASK / (a_row + 1) + 1;
    return s1_cpu_region(stream, put_task, &work, s1_ceil_div(op->in[0].dim[0], work.rows_a_task));
}
