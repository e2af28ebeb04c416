/* MATMUL_EXPERTS: with few results for each, every result looks its expert up; else the results are
 * sorted by expert on the device and done in tiles. */

#include "backend/vulkan/product.h"

#include "interns1/model.h"

#include <string.h>

/* Experts that are seen together, with the scales of theirs. */
typedef struct group {
    s1_vk_use w, scale;
} group;

typedef struct entry {
    uint32_t group, w_at, scale_at, unused;
} entry;

typedef struct experts {
    s1_vk_product product;        /* its w and scale are those of the first */
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
            e->is_packed && s1_vk_is_packed(&e->list[i], e->entries[i].w_at, e->list[i].dim[1]);
    }
    return status;
}

static int32_t dispatch_group(s1_vk_stream *s, const experts *e, s1_vk_call *call, s1_vk_push *v,
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
static int32_t run_experts(s1_vk_stream *s, const experts *e, s1_vk_call *call, s1_vk_push *v,
                           int64_t count, uint32_t width)
{
    int64_t most = s->device->entry->most_groups;
    int64_t n = e->product.w->dim[0], k = e->product.w->dim[1];
    uint32_t columns = (uint32_t)s1_vk_ceil_div(n, width);
    double rows = e->product.is_tiled ? S1_VK_SIDE * e->product.high : 1;
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
    int64_t n = e->ids.dim[0], tiles = n / (S1_VK_SIDE * e->product.high) + e->n_experts;
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

static int32_t run_tiles(s1_vk_stream *s, const experts *e, s1_vk_call *call, s1_vk_push *v)
{
    uint32_t high = e->product.high, tile = S1_VK_SIDE * high;
    int64_t n = e->ids.dim[0];

    int32_t status = list_results(s, e, tile, &v->ids_at);
    if (status != INS1_OK)
        return status;
    call->shader = S1_VK_MATMUL;
    call->constants[1] = high;
    call->constants[2] = S1_VK_WIDE;
    call->use[5] = s1_vk_use_of(s->scratch);
    call->is_vague = true; /* some tiles are none */
    return run_experts(s, e, call, v, n / tile + (e->n_experts < n ? e->n_experts : n),
                       S1_VK_SIDE * S1_VK_WIDE);
}

static int32_t run_single(s1_vk_stream *s, const experts *e, s1_vk_call *call, s1_vk_push *v)
{
    if (!s1_vk_see_all(s->device, &e->ids, &call->use[5], &v->ids_at))
        return INS1_E_UNSUPPORTED;
    call->shader = S1_VK_MATVEC;
    call->constants[1] = 1;
    call->constants[2] = e->is_packed;
    return run_experts(s, e, call, v, e->ids.dim[0], S1_VK_LIFTED);
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
    s1_vk_push v = s1_vk_push_of(&e->product);
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
