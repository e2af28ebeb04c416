#include "backend/cpu/engine.h"

#include <string.h>

/* Matrix products: rows of x are rounded and laid out once (panels), then tasks of weight rows run
 * over all matrices of the group at once. With experts there is one panel for each, of the tokens
 * that chose it. */

enum {
    MOST_TOGETHER = 8,
    SERIAL_CELLS = 4096,    /* panels of fewer cells are filled by the caller alone */
    FILL_CELLS = 16384,     /* cells of one task */
    TASK_BYTES = 256 << 10, /* of weights: long enough for a stream, short enough to share out */
};

/* Tokens that meet the same matrices. */
typedef struct panel {
    uint8_t *cells;
    const int32_t *pairs; /* which rows of y; NULL: from `first` on */
    int64_t first;
    int64_t t, n_groups;
    int64_t group_before; /* groups of the panels before */
    int32_t expert;
} panel;

typedef struct plan {
    s1_cpu_stream *stream;
    const ins1_tensor_desc *x;
    int32_t kind;
    bool round;
    int64_t k;
    int64_t per_row; /* results for each row of x */
    int64_t n_panels;
    int64_t n_groups;
    int64_t groups_a_task;
    panel *panels;
    int64_t n_products;
    s1_product *products;
    int64_t *task_before; /* [n_products + 1] */
    int64_t *task_rows;   /* [n_products] */
} plan;

static const ins1_tensor_desc *optional_input(const ins1_op *op, int32_t at)
{
    return at < op->n_in && op->in[at].dtype ? &op->in[at] : NULL;
}

static int32_t first_weight(const ins1_op *op)
{
    return op->op == INS1_OP_MATMUL ? 0 : 2;
}

static const ins1_tensor_desc *x_of(const ins1_op *op)
{
    return &op->in[op->op == INS1_OP_MATMUL ? 1 : 0];
}

static bool is_transposed(const ins1_tensor_desc *w)
{
    return w->stride[1] != 1 && w->dim[1] > 1;
}

int32_t s1_cpu_panel_kind(const s1_kernels *kernels, int32_t dtype, int32_t precision,
                          bool is_transposed)
{
    bool halves = dtype == INS1_DTYPE_BF16 || dtype == INS1_DTYPE_F8_E4M3;
    if (dtype == INS1_DTYPE_I8)
        return S1_PANEL_I8;
    return halves && precision == INS1_PRECISION_BF16 && !is_transposed &&
                   kernels->most_tokens[S1_PANEL_BF16]
               ? S1_PANEL_BF16
               : S1_PANEL_F32;
}

static int32_t count_experts(const ins1_op *op)
{
    return op->op == INS1_OP_MATMUL ? 1 : op->i[2];
}

static int32_t panel_kind(const s1_kernels *kernels, const ins1_op *op)
{
    bool any_transposed = false;

    for (int32_t i = 0; i < count_experts(op); i++)
        any_transposed = any_transposed || is_transposed(&op->in[first_weight(op) + i]);
    return s1_cpu_panel_kind(kernels, op->in[first_weight(op)].dtype, op->i[0], any_transposed);
}

/* --- what may run together --- */

static bool same_view(const ins1_tensor_desc *a, const ins1_tensor_desc *b)
{
    return a->dtype == b->dtype && a->buffer == b->buffer && a->offset == b->offset &&
           a->dim[0] == b->dim[0] && a->dim[1] == b->dim[1] && a->stride[0] == b->stride[0];
}

static bool overlap(const ins1_tensor_desc *a, const ins1_tensor_desc *b)
{
    if (!a->dtype || !b->dtype)
        return false;
    const uint8_t *a_at = s1_cpu_at(a);
    const uint8_t *b_at = s1_cpu_at(b);
    return a_at < b_at + b->bytes && b_at < a_at + a->bytes;
}

static bool independent(const ins1_op *earlier, const ins1_op *later)
{
    for (int32_t i = 0; i < later->n_in; i++)
        if (overlap(&earlier->out[0], &later->in[i]))
            return false;
    for (int32_t i = 0; i < earlier->n_in; i++)
        if (overlap(&later->out[0], &earlier->in[i]))
            return false;
    return !overlap(&earlier->out[0], &later->out[0]);
}

static bool shares_input(const s1_kernels *kernels, const ins1_op *a, const ins1_op *b)
{
    if (a->op != b->op || a->i[0] != b->i[0] || !same_view(x_of(a), x_of(b)) ||
        panel_kind(kernels, a) != panel_kind(kernels, b))
        return false;
    return a->op == INS1_OP_MATMUL ||
           (a->i[1] == b->i[1] && a->i[2] == b->i[2] && same_view(&a->in[1], &b->in[1]));
}

int32_t s1_cpu_products_together(const s1_cpu *cpu, const ins1_op *ops, int32_t n)
{
    int32_t together = 1;

    while (together < n && together < MOST_TOGETHER) {
        const ins1_op *next = &ops[together];
        if (!shares_input(&cpu->kernels, &ops[0], next))
            break;
        for (int32_t i = 0; i < together; i++)
            if (!independent(&ops[i], next))
                return together;
        together++;
    }
    return together;
}

/* --- room --- */

static int64_t most_panels(const s1_kernels *kernels, int64_t results, int64_t experts)
{
    int64_t used = experts < results ? experts : results;
    return used + results / kernels->pass + 1;
}

void s1_cpu_need_product(s1_cpu_needs *needs, const s1_kernels *kernels,
                         const s1_cpu_product_size *p)
{
    int64_t n_panels = most_panels(kernels, p->results, p->experts);
    int64_t n_products = n_panels * p->together;

    s1_cpu_need(&needs->panel,
                p->results * s1_panel_steps(p->panel_kind, p->columns) * S1_CELL + 1);
    s1_cpu_need(&needs->plan, n_panels * (int64_t)sizeof(panel) +
                                  n_products * (int64_t)sizeof(s1_product) +
                                  (2 * n_products + 1) * (int64_t)sizeof(int64_t) +
                                  (p->results + p->experts + 1) * (int64_t)sizeof(int32_t));
}

void s1_cpu_products_need(s1_cpu_needs *needs, const s1_cpu_stream *stream, const ins1_op *ops,
                          int32_t n)
{
    const s1_cpu_product_size p = {
        .panel_kind = panel_kind(stream->kernels, &ops[0]),
        .results = ops[0].out[0].dim[0],
        .columns = x_of(&ops[0])->dim[1],
        .experts = count_experts(&ops[0]),
        .together = n,
    };
    s1_cpu_need_product(needs, stream->kernels, &p);
}

/* --- panels --- */

/* The last entry of ascending `before` that is <= at. */
static int64_t find_last(const int64_t *before, size_t stride, int64_t n, int64_t at)
{
    int64_t low = 0;
    int64_t high = n;

    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (*(const int64_t *)(const void *)((const uint8_t *)before + (size_t)middle * stride) <=
            at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void fill_group(const plan *p, int64_t group)
{
    const panel *in =
        &p->panels[find_last(&p->panels[0].group_before, sizeof(panel), p->n_panels, group)];
    int64_t local = group - in->group_before;
    int64_t begin = s1_group_begin(in->t, in->n_groups, local);
    int64_t end = s1_group_begin(in->t, in->n_groups, local + 1);
    const float *x = (const float *)(const void *)s1_cpu_at(p->x);
    const float *rows[S1_MOST_TOKENS];

    for (int64_t i = begin; i < end; i++) {
        int64_t pair = in->pairs ? in->pairs[i] : in->first + i;
        rows[i - begin] = x + pair / p->per_row * p->x->stride[0];
    }
    uint8_t *cells = in->cells + begin * s1_panel_steps(p->kind, p->k) * S1_CELL;
    if (p->kind == S1_PANEL_I8)
        p->stream->kernels->fill_i8(cells, rows, end - begin, p->k);
    else
        p->stream->kernels->panel_fill(cells, p->kind, p->round, rows, end - begin, p->k);
}

static void fill_task(void *arg, int32_t index, int32_t worker)
{
    const plan *p = arg;
    int64_t begin = index * p->groups_a_task;
    int64_t end = begin + p->groups_a_task;
    (void)worker;

    if (s1_cpu_stopped(p->stream))
        return;
    for (int64_t group = begin; group < end && group < p->n_groups; group++)
        fill_group(p, group);
}

static int32_t fill_panels(plan *p, int64_t tokens)
{
    int64_t cells = s1_panel_steps(p->kind, p->k);

    if (tokens * cells <= SERIAL_CELLS) {
        for (int64_t group = 0; group < p->n_groups; group++)
            fill_group(p, group);
        return INS1_OK;
    }
    int64_t cells_a_group = tokens * cells / p->n_groups + 1;
    p->groups_a_task = FILL_CELLS / cells_a_group + 1;
    return s1_cpu_region(p->stream, fill_task, p, s1_ceil_div(p->n_groups, p->groups_a_task));
}

static void add_panels(plan *p, int32_t expert, const int32_t *pairs, int64_t t, uint8_t **cells)
{
    const s1_kernels *kernels = p->stream->kernels;

    for (int64_t at = 0; at < t; at += kernels->pass) {
        panel *out = &p->panels[p->n_panels++];
        *out = (panel){
            .cells = *cells,
            .pairs = pairs ? pairs + at : NULL,
            .first = at,
            .t = t - at < kernels->pass ? t - at : kernels->pass,
            .group_before = p->n_groups,
            .expert = expert,
        };
        out->n_groups = s1_ceil_div(out->t, kernels->most_tokens[p->kind]);
        p->n_groups += out->n_groups;
        *cells += out->t * s1_panel_steps(p->kind, p->k) * S1_CELL;
    }
}

/* Pairs in the order of their experts, each expert's in their own order. `begins` has experts + 1
 * entries. */
static void sort_pairs(int32_t *order, int32_t *begins, const int32_t *ids, int64_t n,
                       int32_t experts)
{
    memset(begins, 0, ((size_t)experts + 1) * sizeof(*begins));
    for (int64_t i = 0; i < n; i++)
        begins[ids[i] + 1]++;
    for (int32_t e = 0; e < experts; e++)
        begins[e + 1] += begins[e];
    for (int64_t i = 0; i < n; i++)
        order[begins[ids[i]]++] = (int32_t)i;
    memmove(begins + 1, begins, (size_t)experts * sizeof(*begins));
    begins[0] = 0;
}

/* --- products --- */

static s1_product describe(const plan *p, const ins1_op *op, const panel *in)
{
    bool dense = op->op == INS1_OP_MATMUL;
    const ins1_tensor_desc *w = &op->in[first_weight(op) + in->expert];
    const ins1_tensor_desc *scale = optional_input(op, dense ? 2 : 2 + op->i[2] + in->expert);
    const ins1_tensor_desc *bias = dense ? optional_input(op, 3) : NULL;
    const ins1_tensor_desc *y = &op->out[0];
    bool transposed = is_transposed(w);

    return (s1_product){
        .w = s1_cpu_at(w),
        .dtype = w->dtype,
        .transposed = transposed,
        .accumulate = (op->flags & INS1_OP_ACCUMULATE) != 0,
        .panel_kind = p->kind,
        .stride = w->stride[transposed ? 1 : 0],
        .n = w->dim[0],
        .k = w->dim[1],
        .scale = scale ? s1_cpu_at(scale) : NULL,
        .scale_dtype = scale ? scale->dtype : 0,
        .scale_stride = scale ? scale->stride[0] : 0,
        .bias = bias ? s1_cpu_at(bias) : NULL,
        .bias_dtype = bias ? bias->dtype : 0,
        .panel = in->cells,
        .t = in->t,
        .n_groups = in->n_groups,
        .rows = in->pairs,
        .y = (float *)(void *)s1_cpu_at(y) + (in->pairs ? 0 : in->first * y->stride[0]),
        .y_stride = y->stride[0],
    };
}

static int64_t element_size(int32_t dtype)
{
    return dtype == INS1_DTYPE_F32                                 ? 4
           : dtype == INS1_DTYPE_F8_E4M3 || dtype == INS1_DTYPE_I8 ? 1
                                                                   : 2;
}

static int64_t rows_a_task(const s1_kernels *kernels, const s1_product *p)
{
    int64_t by_bytes = TASK_BYTES / (p->k * element_size(p->dtype) + 1);
    int64_t at_once = p->panel_kind == S1_PANEL_I8 ? 2 * kernels->task_products /* twice as fast */
                                                   : kernels->task_products;
    int64_t by_work = at_once / (p->k * p->t + 1);
    int64_t rows = by_bytes < by_work ? by_bytes : by_work;
    return (rows / kernels->tile + 1) * kernels->tile;
}

static void add_products(plan *p, const ins1_op *op)
{
    for (int64_t i = 0; i < p->n_panels; i++) {
        s1_product *out = &p->products[p->n_products];
        *out = describe(p, op, &p->panels[i]);
        int64_t rows = rows_a_task(p->stream->kernels, out);
        p->task_rows[p->n_products] = rows;
        p->task_before[p->n_products + 1] =
            p->task_before[p->n_products] + s1_ceil_div(out->n, rows);
        p->n_products++;
    }
}

/* The rows of w that a task is about. */
static const s1_product *task_at(const plan *p, int64_t task, int64_t *begin, int64_t *end)
{
    int64_t at = find_last(p->task_before, sizeof(*p->task_before), p->n_products, task);
    const s1_product *product = &p->products[at];

    *begin = (task - p->task_before[at]) * p->task_rows[at];
    *end = *begin + p->task_rows[at] < product->n ? *begin + p->task_rows[at] : product->n;
    return product;
}

static void product_task(void *arg, int64_t task, int64_t next, int32_t worker)
{
    const plan *p = arg;
    s1_ahead ahead = { 0 };
    int64_t begin, end;

    if (next >= 0) {
        const s1_product *product = task_at(p, next, &begin, &end);
        int64_t row_size = product->stride * element_size(product->dtype);
        if (!product->transposed)
            ahead = (s1_ahead){ product->w + begin * row_size, (end - begin) * row_size, row_size };
    }
    const s1_product *product = task_at(p, task, &begin, &end);
    const s1_kernels *kernels = p->stream->kernels;
    s1_product_fn *run = p->kind == S1_PANEL_I8 ? kernels->product_i8 : kernels->product;
    run(product, begin, end, ahead, s1_worker_scratch(p->stream, worker));
}

/* All lists of a plan, in one block. */
static void lay_out(plan *p, uint8_t *at, int64_t pairs, int64_t experts, int32_t n_ops,
                    int32_t **order, int32_t **begins)
{
    int64_t n_panels = most_panels(p->stream->kernels, pairs, experts);
    int64_t n_products = n_panels * n_ops;

    p->panels = (void *)at;
    at += (size_t)n_panels * sizeof(panel);
    p->products = (void *)at;
    at += (size_t)n_products * sizeof(s1_product);
    p->task_before = (void *)at;
    p->task_before[0] = 0;
    p->task_rows = p->task_before + n_products + 1;
    *order = (void *)(p->task_rows + n_products);
    *begins = *order + pairs;
}

int32_t s1_cpu_products(s1_cpu_stream *stream, const ins1_op *ops, int32_t n)
{
    const ins1_op *op = &ops[0];
    bool dense = op->op == INS1_OP_MATMUL;
    int64_t pairs = op->out[0].dim[0];
    int32_t experts = count_experts(op);
    s1_cpu_needs needs = { 0 };
    plan p = {
        .stream = stream,
        .x = x_of(op),
        .kind = panel_kind(stream->kernels, op),
        .round = op->i[0] == INS1_PRECISION_BF16,
        .k = x_of(op)->dim[1],
        .per_row = dense ? 1 : op->i[1],
    };
    int32_t *order, *begins;

    if (pairs == 0)
        return INS1_OK;
    s1_cpu_products_need(&needs, stream, ops, n);
    uint8_t *lists = s1_scratch_get(stream, &stream->plan, needs.plan);
    uint8_t *at = lists ? s1_scratch_get(stream, &stream->panel, needs.panel) : NULL;
    if (!at)
        return INS1_E_MEMORY;

    lay_out(&p, lists, pairs, experts, n, &order, &begins);
    if (dense) {
        add_panels(&p, 0, NULL, pairs, &at);
    } else {
        sort_pairs(order, begins, (const int32_t *)(const void *)s1_cpu_at(&op->in[1]), pairs,
                   experts);
        for (int32_t e = 0; e < experts; e++)
            add_panels(&p, e, order + begins[e], begins[e + 1] - begins[e], &at);
    }
    for (int32_t i = 0; i < n; i++)
        add_products(&p, &ops[i]);

    int32_t status = fill_panels(&p, pairs);
    if (status != INS1_OK)
        return status;
    return s1_cpu_stretches(stream, product_task, &p, p.task_before[p.n_products]);
}
