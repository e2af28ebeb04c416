/* MATMUL and MATMUL_EXPERTS: few rows of x by matvec.comp, many in tiles by matmul.comp. A product
 * is cut where its parts lie further apart than a shader sees, and so that a piece is short. */

#include "backend/vulkan/vulkan.h"

#include "interns1/model.h"

#include <string.h>

enum {
    FEW_ROWS = 8, /* of x that matvec.comp takes at once */
    LIFTED = 2,   /* rows of weights of its work group */
    SIDE = 8,     /* a tile is SIDE * HIGH by SIDE * WIDE */
    WIDE = 4,
    BLOCK = 128, /* of scales */
};

/* As the shaders have it. */
typedef struct push {
    uint32_t w_at, w_row, w_column, x_at, x_row, y_at, y_row;
    uint32_t scale_at, scale_row, scale_type, bias_at, bias_type;
    uint32_t t_end, n_begin, n_end, k_begin, k_end, t_begin, rounds, adds;
    uint32_t ids_at, each, group;
} push;

/* Rows of x, rows and columns of the weights. */
typedef struct part {
    int64_t t0, t1, n0, n1, k0, k1;
} part;

typedef struct product {
    const ins1_tensor_desc *w, *x, *scale, *bias, *y;
    bool adds, rounds, is_tiled;
    uint32_t high;
} product;

/* ---- one product ------------------------------------------------------------------------------
 */

/* Rows of weights begin and end with a word, so that words can be read. */
static uint32_t is_packed(const ins1_tensor_desc *w, uint32_t at, int64_t columns)
{
    int64_t a_word = 4 / s1_vk_size(w->dtype);
    return s1_gpu_stride(w, 1) <= 1 && at % a_word == 0 && s1_gpu_stride(w, 0) % a_word == 0 &&
           columns % a_word == 0;
}

static bool see_rows(const s1_vk_device *d, const ins1_tensor_desc *m, int64_t r0, int64_t r1,
                     int64_t c0, int64_t c1, s1_vk_use *use, uint32_t *at)
{
    int64_t row = s1_gpu_stride(m, 0), column = s1_gpu_stride(m, 1);
    return s1_vk_see(d, m, r0 * row + c0 * column, (r1 - 1) * row + (c1 - 1) * column, use, at);
}

/* What does not fit. */
enum { FITS = 0, W_IS_LARGE = 1, X_IS_LARGE = 2 };

static int see_product(const s1_vk_device *d, const product *p, const part *at, s1_vk_call *call,
                       push *v)
{
    int64_t k1 = at->k1 > at->k0 ? at->k1 : at->k0 + 1;

    if (at->k1 > at->k0 && !see_rows(d, p->w, at->n0, at->n1, at->k0, k1, &call->use[0], &v->w_at))
        return W_IS_LARGE;
    if (at->k1 > at->k0 && !see_rows(d, p->x, at->t0, at->t1, at->k0, k1, &call->use[2], &v->x_at))
        return X_IS_LARGE;
    if (!see_rows(d, p->y, at->t0, at->t1, at->n0, at->n1, &call->use[4], &v->y_at))
        return X_IS_LARGE;
    if (p->scale->dtype && at->k1 > at->k0 &&
        !see_rows(d, p->scale, at->n0 / BLOCK, s1_vk_ceil_div(at->n1, BLOCK), at->k0 / BLOCK,
                  s1_vk_ceil_div(k1, BLOCK), &call->use[1], &v->scale_at))
        return W_IS_LARGE;
    if (p->bias->dtype && !s1_vk_see(d, p->bias, at->n0, at->n1 - 1, &call->use[3], &v->bias_at))
        return W_IS_LARGE;
    if (!call->use[0].buffer)
        call->use[0] = call->use[4]; /* no columns */
    return FITS;
}

static push push_of(const product *p)
{
    return (push){
        .w_row = (uint32_t)s1_gpu_stride(p->w, 0),
        .w_column = p->w->dim[1] > 1 ? (uint32_t)s1_gpu_stride(p->w, 1) : 1,
        .x_row = (uint32_t)s1_gpu_stride(p->x, 0),
        .y_row = (uint32_t)s1_gpu_stride(p->y, 0),
        .scale_row = p->scale->dtype ? (uint32_t)s1_gpu_stride(p->scale, 0) : 0,
        .scale_type = s1_vk_type(p->scale->dtype),
        .bias_type = s1_vk_type(p->bias ? p->bias->dtype : 0),
        .rounds = p->rounds,
    };
}

static void fill_call(const product *p, const part *at, s1_vk_call *call, push *v)
{
    int64_t t = at->t1 - at->t0, n = at->n1 - at->n0;
    uint32_t rows = 1;

    v->t_begin = (uint32_t)at->t0;
    v->t_end = (uint32_t)at->t1;
    v->n_begin = (uint32_t)at->n0;
    v->n_end = (uint32_t)at->n1;
    v->k_begin = (uint32_t)at->k0;
    v->k_end = (uint32_t)at->k1;
    v->adds = p->adds || at->k0 > 0;
    if (at->k0 > 0)
        v->bias_type = S1_VK_NONE;
    call->constants[0] = s1_vk_type(p->w->dtype);
    call->push = v;
    call->push_size = sizeof(*v);
    call->groups[2] = 1;
    if (p->is_tiled) {
        call->shader = S1_VK_MATMUL;
        call->constants[1] = p->high;
        call->constants[2] = WIDE;
        call->groups[0] = (uint32_t)s1_vk_ceil_div(n, SIDE * WIDE);
        call->groups[1] = (uint32_t)s1_vk_ceil_div(t, SIDE * p->high);
        return;
    }
    while (rows < t && rows < FEW_ROWS)
        rows *= 2;
    call->shader = S1_VK_MATVEC;
    call->constants[1] = rows;
    call->constants[2] = is_packed(p->w, v->w_at, at->k1) && at->k0 % 4 == 0;
    call->groups[0] = (uint32_t)s1_vk_ceil_div(n, LIFTED);
    call->groups[1] = (uint32_t)s1_vk_ceil_div(t, rows);
}

static double work_of(const part *at)
{
    return (double)(at->t1 - at->t0) * (double)(at->n1 - at->n0) * (double)(at->k1 - at->k0 + 16);
}

static int32_t run_part(s1_vk_stream *s, const product *p, part at);

/* The halves of one axis, cut at a multiple of `unit`. */
static int32_t run_halves(s1_vk_stream *s, const product *p, const part *at, char axis,
                          int64_t unit)
{
    part a = *at, b = *at;
    int64_t *end = axis == 't' ? &a.t1 : axis == 'n' ? &a.n1 : &a.k1;
    int64_t *begin = axis == 't' ? &b.t0 : axis == 'n' ? &b.n0 : &b.k0;
    int64_t half = (*end - *begin) / 2 / unit * unit;

    half = half ? half : unit;
    *end = *begin = *begin + half;
    int32_t status = run_part(s, p, a);
    /* The second half of a sum adds to the first. */
    if (status == INS1_OK && axis == 'k')
        status = s1_vk_barrier(s);
    return status == INS1_OK ? run_part(s, p, b) : status;
}

static int32_t run_part(s1_vk_stream *s, const product *p, part at)
{
    s1_vk_call call = { 0 };
    push v = push_of(p);
    int64_t t = at.t1 - at.t0, n = at.n1 - at.n0, k = at.k1 - at.k0;
    int64_t most = s->device->entry->most_groups;
    int64_t t_unit = p->is_tiled ? SIDE * p->high : FEW_ROWS, n_unit = SIDE * WIDE;

    int fits = see_product(s->device, p, &at, &call, &v);
    if (fits == X_IS_LARGE && t > 1)
        return run_halves(s, p, &at, 't', t > t_unit ? t_unit : 1);
    if (fits == W_IS_LARGE && n > 1 && s1_gpu_stride(p->w, 1) <= 1)
        return run_halves(s, p, &at, 'n', n > BLOCK ? BLOCK : 1);
    if (fits != FITS && k > 1)
        return run_halves(s, p, &at, 'k', k > BLOCK ? BLOCK : 1);
    if (fits != FITS && n > 1)
        return run_halves(s, p, &at, 'n', n > BLOCK ? BLOCK : 1);
    if (fits != FITS)
        return INS1_E_UNSUPPORTED;

    fill_call(p, &at, &call, &v);
    call.work = work_of(&at);
    if ((call.work > s->pace.budget || call.groups[1] > most) && t > t_unit)
        return run_halves(s, p, &at, 't', t_unit);
    if ((call.work > s->pace.budget || call.groups[0] > most) && n > n_unit)
        return run_halves(s, p, &at, 'n', n_unit);
    return s1_vk_dispatch(s, &call);
}

int32_t s1_vk_matmul(s1_vk_stream *s, const ins1_op *op)
{
    const product p = {
        .w = &op->in[0],
        .x = &op->in[1],
        .scale = &op->in[2],
        .bias = &op->in[3],
        .y = &op->out[0],
        .adds = op->flags & INS1_OP_ACCUMULATE,
        .rounds = op->i[0] == INS1_PRECISION_BF16,
        .is_tiled = op->in[1].dim[0] > FEW_ROWS,
        .high = op->in[1].dim[0] <= 16 ? 2 : 4,
    };
    part all = { 0, p.x->dim[0], 0, p.w->dim[0], 0, p.w->dim[1] };

    if (!all.t1 || !all.n1)
        return s->api->stop_requested(s->host);
    return run_part(s, &p, all);
}

/* ---- experts ----------------------------------------------------------------------------------
 */

/* Experts that are seen together, with the scales of theirs. */
typedef struct group {
    s1_vk_use w, scale;
} group;

typedef struct entry {
    uint32_t group, w_at, scale_at, unused;
} entry;

typedef struct experts {
    product product;              /* its w and scale are those of the first */
    const ins1_tensor_desc *list; /* of weights, then of scales */
    ins1_tensor_desc x, ids, y;   /* of the rows that are done now */
    int64_t n_experts, each;
    group *groups;
    entry *entries;
    uint32_t n_groups;
    bool is_packed;
} experts;

static int32_t make_lists(s1_vk_stream *s, experts *e)
{
    size_t n = (size_t)e->n_experts, size = n * (sizeof(group) + sizeof(entry));

    if (s->lists_size < size) {
        s1_vk_give_back(s->device->vk, s->host, s->lists, s->lists_size);
        s->lists_size = 0;
        s->lists = s1_vk_take(s->device->vk, s->host, size);
        if (!s->lists)
            return INS1_E_MEMORY;
        s->lists_size = size;
    }
    e->groups = s->lists;
    e->entries = (entry *)(void *)(e->groups + n);
    return INS1_OK;
}

/* Where an element lies that is `at` elements into a view, for a view that begins elsewhere. */
static bool lies_in(const s1_vk_use *view, const s1_vk_use *own, int64_t bytes, int64_t size,
                    uint32_t *at)
{
    uint64_t begin = own->base + (uint64_t)*at * (uint64_t)size;
    if (view->buffer != own->buffer || begin < view->base ||
        begin + (uint64_t)(bytes + 3) > view->base + view->range)
        return false;
    *at = (uint32_t)((begin - view->base) / (uint64_t)size);
    return true;
}

static int64_t bytes_of(const ins1_tensor_desc *m)
{
    return ((m->dim[0] - 1) * s1_gpu_stride(m, 0) + (m->dim[1] - 1) * s1_gpu_stride(m, 1) + 1) *
           s1_vk_size(m->dtype);
}

static bool sort_in(const s1_vk_device *d, experts *e, int64_t i)
{
    const ins1_tensor_desc *w = &e->list[i], *scale = &e->list[e->n_experts + i];
    entry *mine = &e->entries[i];
    group own = { 0 };

    memset(mine, 0, sizeof(*mine));
    if (!s1_vk_see_all(d, w, &own.w, &mine->w_at) ||
        (scale->dtype && !s1_vk_see_all(d, scale, &own.scale, &mine->scale_at)))
        return false;
    for (uint32_t g = 0; g < e->n_groups; g++) {
        entry moved = *mine;
        if (lies_in(&e->groups[g].w, &own.w, bytes_of(w), s1_vk_size(w->dtype), &moved.w_at) &&
            (!scale->dtype || lies_in(&e->groups[g].scale, &own.scale, bytes_of(scale),
                                      s1_vk_size(scale->dtype), &moved.scale_at))) {
            *mine = moved;
            mine->group = g;
            return true;
        }
    }
    mine->group = e->n_groups;
    e->groups[e->n_groups++] = own;
    return true;
}

static int32_t sort_experts(s1_vk_stream *s, experts *e)
{
    int32_t status = make_lists(s, e);

    e->is_packed = true;
    for (int64_t i = 0; i < e->n_experts && status == INS1_OK; i++) {
        if (!sort_in(s->device, e, i))
            return INS1_E_UNSUPPORTED;
        e->is_packed =
            e->is_packed && is_packed(&e->list[i], e->entries[i].w_at, e->list[i].dim[1]);
    }
    return status;
}

static int32_t dispatch_group(s1_vk_stream *s, const experts *e, s1_vk_call *call, push *v,
                              uint32_t g)
{
    size_t size = (size_t)e->n_experts * sizeof(entry);
    uint32_t *table;

    v->group = g;
    call->use[0] = e->groups[g].w;
    call->use[1] = e->groups[g].scale;
    int32_t status = s1_vk_table(s, size, &table, &call->use[6]);
    if (status != INS1_OK)
        return status;
    memcpy(table, e->entries, size);
    return s1_vk_dispatch(s, call);
}

/* `count` tiles or results, as many as fit into the budget at once; `width` columns of y for each
 * work group. */
static int32_t run_experts(s1_vk_stream *s, const experts *e, s1_vk_call *call, push *v,
                           int64_t count, uint32_t width)
{
    int64_t most = s->device->entry->most_groups;
    int64_t n = e->product.w->dim[0], k = e->product.w->dim[1];
    uint32_t columns = (uint32_t)s1_vk_ceil_div(n, width);
    double rows = e->product.is_tiled ? SIDE * e->product.high : 1;
    double share = rows * (double)n * (double)(k + 16) / e->n_groups;

    for (uint32_t g = 0; g < e->n_groups; g++) {
        for (int64_t first = 0; first < count;) {
            int64_t now = (int64_t)(s->pace.budget / share) + 1;
            now = now > count - first ? count - first : now;
            v->t_begin = (uint32_t)first;
            call->groups[1] = (uint32_t)(now > most ? most : now);
            /* Where a single one is too long, it is cut along n. */
            uint32_t pieces = (uint32_t)(share * call->groups[1] / s->pace.budget) + 1;
            uint32_t step = (uint32_t)s1_vk_ceil_div(columns, pieces);
            step = step > most ? (uint32_t)most : step;
            for (uint32_t c = 0; c < columns; c += step) {
                call->groups[0] = columns - c < step ? columns - c : step;
                v->n_begin = c * width;
                call->work = share * call->groups[1] * call->groups[0] / columns;
                int32_t status = dispatch_group(s, e, call, v, g);
                if (status != INS1_OK)
                    return status;
            }
            first += call->groups[1];
        }
    }
    return INS1_OK;
}

static uint64_t lists_bytes(const experts *e)
{
    int64_t n = e->ids.dim[0], tiles = n / (SIDE * e->product.high) + e->n_experts;
    return (uint64_t)(1 + e->n_experts + n + 3 * tiles) * 4;
}

/* Which results belong to which expert; the next matrix of a layer asks the same again. */
static int32_t list_results(s1_vk_stream *s, const experts *e, uint32_t tile, uint32_t *tiles_at)
{
    int64_t n = e->ids.dim[0], words = 1 + e->n_experts + n;
    struct {
        uint32_t ids_at, n_results, n_experts, tile;
    } v = { 0, (uint32_t)n, (uint32_t)e->n_experts, tile };
    s1_vk_call call = {
        .shader = S1_VK_EXPERTS,
        .push = &v,
        .push_size = sizeof(v),
        .groups = { 1, 1, 1 },
        .work = (double)n * 16,
    };
    const s1_vk_listed now = { true, tile, e->n_experts, e->ids };

    *tiles_at = (uint32_t)words;
    int32_t status = s1_vk_scratch(s, lists_bytes(e));
    if (status != INS1_OK || memcmp(&s->listed, &now, sizeof(now)) == 0)
        return status;
    s->listed.is_there = false;
    if (!s1_vk_see_all(s->device, &e->ids, &call.use[0], &v.ids_at))
        return INS1_E_UNSUPPORTED;
    call.use[1] = s1_vk_use_of(s->scratch);
    status = s1_vk_dispatch(s, &call);
    if (status == INS1_OK)
        status = s1_vk_barrier(s);
    if (status == INS1_OK)
        s->listed = now;
    return status;
}

static int32_t run_tiles(s1_vk_stream *s, const experts *e, s1_vk_call *call, push *v)
{
    uint32_t high = e->product.high, tile = SIDE * high;
    int64_t n = e->ids.dim[0];

    int32_t status = list_results(s, e, tile, &v->ids_at);
    if (status != INS1_OK)
        return status;
    call->shader = S1_VK_MATMUL;
    call->constants[1] = high;
    call->constants[2] = WIDE;
    call->use[5] = s1_vk_use_of(s->scratch);
    call->is_vague = true; /* some tiles are none */
    return run_experts(s, e, call, v, n / tile + (e->n_experts < n ? e->n_experts : n),
                       SIDE * WIDE);
}

static int32_t run_single(s1_vk_stream *s, const experts *e, s1_vk_call *call, push *v)
{
    if (!s1_vk_see_all(s->device, &e->ids, &call->use[5], &v->ids_at))
        return INS1_E_UNSUPPORTED;
    call->shader = S1_VK_MATVEC;
    call->constants[1] = 1;
    call->constants[2] = e->is_packed;
    return run_experts(s, e, call, v, e->ids.dim[0], LIFTED);
}

static ins1_tensor_desc rows_of(const ins1_tensor_desc *m, int64_t begin, int64_t n)
{
    ins1_tensor_desc rows = *m;
    rows.dim[0] = n;
    rows.offset += (uint64_t)(begin * m->stride[0] * s1_vk_size(m->dtype));
    return rows;
}

/* Rows of x and results too far apart for one view are done half by half. */
static int32_t run_expert_rows(s1_vk_stream *s, experts *e)
{
    push v = push_of(&e->product);
    s1_vk_call call = {
        .constants = { s1_vk_type(e->product.w->dtype), 0, 0, 1 },
        .push = &v,
        .push_size = sizeof(v),
        .groups = { 1, 1, 1 },
    };
    int64_t t = e->x.dim[0], half = t / 2;

    v.t_end = UINT32_MAX;
    v.n_end = (uint32_t)e->product.w->dim[0];
    v.k_end = (uint32_t)e->product.w->dim[1];
    v.each = (uint32_t)e->each;
    if (s1_vk_see_all(s->device, &e->x, &call.use[2], &v.x_at) &&
        s1_vk_see_all(s->device, &e->y, &call.use[4], &v.y_at) &&
        (!e->product.is_tiled || lists_bytes(e) + S1_VK_ALIGN <= s->device->entry->range))
        return e->product.is_tiled ? run_tiles(s, e, &call, &v) : run_single(s, e, &call, &v);
    if (!half)
        return INS1_E_UNSUPPORTED;

    experts first = *e, second = *e;
    first.x = rows_of(&e->x, 0, half);
    first.ids = rows_of(&e->ids, 0, half * e->each);
    first.y = rows_of(&e->y, 0, half * e->each);
    second.x = rows_of(&e->x, half, t - half);
    second.ids = rows_of(&e->ids, half * e->each, (t - half) * e->each);
    second.y = rows_of(&e->y, half * e->each, (t - half) * e->each);
    int32_t status = run_expert_rows(s, &first);
    if (status == INS1_OK)
        status = s1_vk_barrier(s); /* the lists are made anew */
    return status == INS1_OK ? run_expert_rows(s, &second) : status;
}

int32_t s1_vk_matmul_experts(s1_vk_stream *s, const ins1_op *op)
{
    static const ins1_tensor_desc none = { .struct_size = sizeof(none) };
    experts e = {
        .list = &op->in[2],
        .x = op->in[0],
        .ids = op->in[1],
        .y = op->out[0],
        .n_experts = op->i[2],
        .each = op->i[1],
        .product = {
            .x = &op->in[0],
            .w = &op->in[2],
            .scale = &op->in[2 + op->i[2]],
            .bias = &none,
            .y = &op->out[0],
            .rounds = op->i[0] == INS1_PRECISION_BF16,
        },
    };

    if (!e.ids.dim[0] || !e.y.dim[1])
        return s->api->stop_requested(s->host);
    /* Tiles pay where an expert gets a few rows. */
    int64_t rows = e.ids.dim[0] / e.n_experts;
    e.product.is_tiled = rows >= 2;
    e.product.high = rows < 16 ? 1 : rows < 32 ? 2 : 4;
    int32_t status = sort_experts(s, &e);
    return status == INS1_OK ? run_expert_rows(s, &e) : status;
}
