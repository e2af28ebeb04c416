/* Keys and values in pages, and attention over them. Pools that are larger than a shader sees go by
 * ranges of pages, long lines by splits of their positions; what those leave is merged. */

#include "backend/vulkan/attend.h"

enum {
    MOST_SPLITS = 64,
    LONG_SPLIT = 256, /* positions of one where there are few queries */
    FEW_GROUPS = 64,  /* work groups that leave a device idle */
};

/* Elements from element 0 to the last of the axes behind the first. */
static int64_t reach(const ins1_tensor_desc *x, int32_t from)
{
    int64_t last = 0;
    for (int32_t i = from; i < x->ndim; i++)
        last += (x->dim[i] - 1) * s1_gpu_stride(x, i);
    return last;
}

/* Entries [begin, end) of the first axis. */
static bool see_part(const s1_vk_device *d, const ins1_tensor_desc *x, int64_t begin, int64_t end,
                     s1_vk_use *use, uint32_t *at)
{
    int64_t step = s1_gpu_stride(x, 0);
    return s1_vk_see(d, x, begin * step, (end - 1) * step + reach(x, 1), use, at);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How many pages of both pools are seen at once; 0: not even one. */
static int64_t pages_at_once(const s1_vk_device *d, const ins1_tensor_desc *k,
                             const ins1_tensor_desc *v)
{
    s1_vk_use use;
    uint32_t at;
    int64_t n = k->dim[0];

    if (s1_vk_see_all(d, k, &use, &at) && s1_vk_see_all(d, v, &use, &at))
        return n;
    for (const ins1_tensor_desc *pool = k;; pool = v) {
        int64_t room = (int64_t)d->entry->range - S1_VK_ALIGN;
        int64_t page = s1_gpu_stride(pool, 0) * s1_vk_size(pool->dtype);
        int64_t last = (reach(pool, 1) + 1) * s1_vk_size(pool->dtype);
        if (room < last)
            return 0;
        n = page ? least(n, (room - last) / page + 1) : n;
        if (pool == v)
            return n;
    }
}

typedef struct put_push {
    uint32_t k_at, k_stride[2], v_at, v_stride[2];
    uint32_t rows_at, rows_stride, pages_at, pages_stride;
    uint32_t k_pool_at, k_pool_stride[3], v_pool_at, v_pool_stride[3];
    uint32_t first_row, n_rows, groups, d;
    uint32_t page_length, page_begin, page_end;
} put_push;

static int32_t put_into(s1_vk_stream *s, const ins1_op *op, s1_vk_call *call, put_push *v)
{
    const ins1_tensor_desc *k_pool = &op->out[0], *v_pool = &op->out[1];
    int64_t n_pages = k_pool->dim[0], step = pages_at_once(s->device, k_pool, v_pool);

    if (!step)
        return INS1_E_UNSUPPORTED;
    for (int64_t page = 0; page < n_pages; page += step) {
        int64_t end = least(page + step, n_pages);
        v->page_begin = (uint32_t)page;
        v->page_end = (uint32_t)end;
        if (!see_part(s->device, k_pool, page, end, &call->use[4], &v->k_pool_at) ||
            !see_part(s->device, v_pool, page, end, &call->use[5], &v->v_pool_at))
            return INS1_E_UNSUPPORTED;
        int32_t status = s1_vk_dispatch(s, call);
        if (status != INS1_OK)
            return status;
    }
    return INS1_OK;
}

/* Rows [begin, end), by halves where they are too far apart. */
static int32_t put_rows(s1_vk_stream *s, const ins1_op *op, int64_t begin, int64_t end)
{
    const ins1_tensor_desc *k = &op->in[0], *value = &op->in[1], *pages = &op->in[3];
    const ins1_tensor_desc *k_pool = &op->out[0];
    put_push v = {
        .k_stride = { (uint32_t)s1_gpu_stride(k, 0), (uint32_t)s1_gpu_stride(k, 1) },
        .v_stride = { (uint32_t)s1_gpu_stride(value, 0), (uint32_t)s1_gpu_stride(value, 1) },
        .rows_stride = (uint32_t)s1_gpu_stride(&op->in[2], 0),
        .pages_stride = (uint32_t)s1_gpu_stride(pages, 0),
        .first_row = (uint32_t)begin,
        .n_rows = (uint32_t)(end - begin),
        .groups = (uint32_t)k->dim[1],
        .d = (uint32_t)k->dim[3],
        .page_length = (uint32_t)k_pool->dim[2],
    };
    s1_vk_call call = {
        .shader = S1_VK_KV_PUT,
        .constants = { s1_vk_type(k_pool->dtype), s1_vk_type(op->out[1].dtype) },
        .push = &v,
        .push_size = sizeof(v),
        .groups = { 1, 1, 1 },
        .work = (double)(end - begin) * (double)(k->dim[1] * k->dim[3]) * 8,
    };
    int64_t groups = s1_vk_ceil_div((end - begin) * k->dim[1] * k->dim[3], S1_VK_LANES);

    call.groups[0] = (uint32_t)groups;
    s1_vk_outer_strides(k_pool, v.k_pool_stride);
    s1_vk_outer_strides(&op->out[1], v.v_pool_stride);
    if (!s1_vk_see_all(s->device, pages, &call.use[3], &v.pages_at))
        return INS1_E_UNSUPPORTED;
    if (groups <= s->device->entry->most_groups &&
        see_part(s->device, k, begin, end, &call.use[0], &v.k_at) &&
        see_part(s->device, value, begin, end, &call.use[1], &v.v_at) &&
        see_part(s->device, &op->in[2], begin, end, &call.use[2], &v.rows_at))
        return put_into(s, op, &call, &v);
    if (end - begin < 2)
        return INS1_E_UNSUPPORTED;
    int64_t middle = begin + (end - begin) / 2;
    int32_t status = put_rows(s, op, begin, middle);
    return status == INS1_OK ? put_rows(s, op, middle, end) : status;
}

int32_t s1_vk_kv_put(s1_vk_stream *s, const ins1_op *op)
{
    const ins1_tensor_desc *k = &op->in[0];
    return k->dim[0] && k->dim[1] && k->dim[3] ? put_rows(s, op, 0, k->dim[0]) : INS1_OK;
}

/* ---- attention over pages ---------------------------------------------------------------------
 */

typedef struct paged {
    const ins1_tensor_desc *q, *k, *v, *rows, *pages, *y;
    s1_vk_tile tile;
    int64_t rows_a_tile, chunks; /* chunks: tiles that the heads of one row need */
    int64_t pages_at_once, positions, split;
    float factor;
} paged;

static double work_of(const paged *p, int64_t t, int64_t positions)
{
    return 2.0 * (double)(t * p->q->dim[1] * p->q->dim[2]) * (double)(p->q->dim[3] + 8) *
           (double)positions;
}

/* Positions of one split: so that few queries fill the device. By shape alone, because sums depend
 * on it. */
static int64_t split_of(const paged *p)
{
    int64_t groups = s1_vk_ceil_div(p->q->dim[0], p->rows_a_tile) * p->chunks * p->q->dim[1];
    int64_t length = groups < FEW_GROUPS ? least(p->positions, LONG_SPLIT) : p->positions;

    if (length < s1_vk_ceil_div(p->positions, MOST_SPLITS))
        length = s1_vk_ceil_div(p->positions, MOST_SPLITS);
    return s1_vk_ceil_div(length, p->tile.positions) * p->tile.positions;
}

static int32_t merge(s1_vk_stream *s, const paged *p, int64_t t0, int64_t t1, int64_t n_parts)
{
    struct {
        uint32_t y_at, y_stride[3], t_begin, n_rows, groups, heads, d, n_parts;
    } v = {
        .t_begin = (uint32_t)t0,
        .n_rows = (uint32_t)(t1 - t0),
        .groups = (uint32_t)p->q->dim[1],
        .heads = (uint32_t)p->q->dim[2],
        .d = (uint32_t)p->q->dim[3],
        .n_parts = (uint32_t)n_parts,
    };
    int64_t n = (t1 - t0) * p->q->dim[1] * p->q->dim[2] * p->q->dim[3];
    s1_vk_call call = {
        .shader = S1_VK_MERGE,
        .use = { s1_vk_use_of(s->scratch) },
        .push = &v,
        .push_size = sizeof(v),
        .groups = { (uint32_t)s1_vk_ceil_div(n, S1_VK_LANES), 1, 1 },
        .work = (double)n * (double)n_parts * 2,
    };

    s1_vk_outer_strides(p->y, v.y_stride);
    if (!see_part(s->device, p->y, t0, t1, &call.use[1], &v.y_at))
        return INS1_E_UNSUPPORTED;
    int32_t status = s1_vk_barrier(s);
    if (status == INS1_OK)
        status = s1_vk_dispatch(s, &call);
    return status == INS1_OK ? s1_vk_barrier(s) : status; /* the scratch is used again */
}

static s1_vk_attend_push paged_push(const paged *p, int64_t t0, int64_t t1)
{
    s1_vk_attend_push v = {
        .rows_stride = (uint32_t)s1_gpu_stride(p->rows, 0),
        .pages_stride = (uint32_t)s1_gpu_stride(p->pages, 0),
        .t_begin = (uint32_t)t0,
        .t_end = (uint32_t)t1,
        .heads = (uint32_t)p->q->dim[2],
        .page_length = (uint32_t)p->k->dim[2],
        .factor = p->factor,
        .width = (uint32_t)p->q->dim[3],
    };
    s1_vk_outer_strides(p->q, v.q_stride);
    s1_vk_outer_strides(p->y, v.y_stride);
    s1_vk_outer_strides(p->k, v.k_stride);
    s1_vk_outer_strides(p->v, v.v_stride);
    return v;
}

/* One split, by pieces that go on with what the one before left: a sum is what it is at once. */
static int32_t attend_slowly(s1_vk_stream *s, const paged *p, s1_vk_call *call,
                             s1_vk_attend_push *v)
{
    int64_t begin = v->from, end = least(begin + p->split, p->positions), n;
    double each = work_of(p, v->t_end - v->t_begin, p->tile.positions);
    int64_t step =
        p->tile.positions * (s->pace.budget > each ? (int64_t)(s->pace.budget / each) : 1);
    uint32_t flags = v->flags;
    int32_t status = INS1_OK;

    for (int64_t at = begin; at < end && status == INS1_OK; at += n) {
        n = least(step, end - at);
        v->from = (uint32_t)at;
        v->split = (uint32_t)n;
        v->flags =
            flags | (at > begin ? S1_VK_GOES_ON : 0) | (at + n < end ? S1_VK_WRITES_STATE : 0);
        call->work = each / p->tile.positions * (double)n;
        status = s1_vk_dispatch(s, call);
        if (status == INS1_OK)
            status = s1_vk_barrier(s);
    }
    v->split = (uint32_t)p->split;
    v->flags = flags;
    return status;
}

/* The pages that `v` says, all splits; each leaves a part of `part` numbers. */
static int32_t attend_pages(s1_vk_stream *s, const paged *p, s1_vk_call *call, s1_vk_attend_push *v,
                            int64_t n_splits, uint32_t part)
{
    double work = work_of(p, v->t_end - v->t_begin, p->split);
    bool has_state = call->use[6].buffer != VK_NULL_HANDLE;
    int32_t status = INS1_OK;

    for (int64_t z = 0, n; z < n_splits && status == INS1_OK; z += n) {
        n = work < s->pace.budget ? least((int64_t)(s->pace.budget / work), n_splits - z) : 1;
        v->from = (uint32_t)(z * p->split);
        call->groups[2] = (uint32_t)n;
        call->work = work * (double)n;
        bool is_long = has_state && work > s->pace.budget;
        status = is_long ? attend_slowly(s, p, call, v) : s1_vk_dispatch(s, call);
        v->state_at += part * (uint32_t)n;
    }
    return status;
}

static int32_t attend_rows(s1_vk_stream *s, const paged *p, int64_t t0, int64_t t1);

static int32_t attend_halves(s1_vk_stream *s, const paged *p, int64_t t0, int64_t t1)
{
    int64_t half = (t1 - t0) / 2;
    half = half > p->rows_a_tile ? half / p->rows_a_tile * p->rows_a_tile : half;
    if (!half)
        return INS1_E_UNSUPPORTED;
    int32_t status = attend_rows(s, p, t0, t0 + half);
    return status == INS1_OK ? attend_rows(s, p, t0 + half, t1) : status;
}

static int32_t attend_rows(s1_vk_stream *s, const paged *p, int64_t t0, int64_t t1)
{
    s1_vk_attend_push v = paged_push(p, t0, t1);
    s1_vk_call call = {
        .shader = S1_VK_ATTENTION,
        .constants = { s1_vk_room_for(p->q->dim[3]), p->tile.queries, p->tile.positions, 1,
                       s1_vk_type(p->k->dtype), s1_vk_type(p->v->dtype) },
        .push = &v,
        .push_size = sizeof(v),
        .is_vague = true,
    };
    int64_t t = t1 - t0, n_pages = p->k->dim[0];
    int64_t n_splits = s1_vk_ceil_div(p->positions, p->split);
    int64_t n_parts = n_splits * s1_vk_ceil_div(n_pages, p->pages_at_once);
    uint64_t part_bytes = (uint64_t)(t * p->q->dim[1] * p->q->dim[2] * (p->q->dim[3] + 2)) * 4;
    bool is_long = work_of(p, t, p->split) > s->pace.budget;
    bool has_state =
        n_parts > 1 || (is_long && part_bytes + S1_VK_ALIGN <= s->device->entry->range);
    uint64_t state_bytes = has_state ? part_bytes * (uint64_t)n_parts : 0;

    v.split = (uint32_t)p->split;
    call.groups[0] = (uint32_t)(s1_vk_ceil_div(t, p->rows_a_tile) * p->chunks);
    call.groups[1] = (uint32_t)p->q->dim[1];
    if ((t > p->rows_a_tile && work_of(p, t, p->positions) > s->pace.budget) ||
        state_bytes + S1_VK_ALIGN > s->device->entry->range ||
        call.groups[0] > s->device->entry->most_groups ||
        !see_part(s->device, p->q, t0, t1, &call.use[0], &v.q_at) ||
        !see_part(s->device, p->y, t0, t1, &call.use[5], &v.y_at))
        return attend_halves(s, p, t0, t1);
    if (!see_part(s->device, p->rows, t0, t1, &call.use[3], &v.rows_at) ||
        !s1_vk_see_all(s->device, p->pages, &call.use[4], &v.pages_at))
        return INS1_E_UNSUPPORTED;
    if (has_state) {
        int32_t status = s1_vk_scratch(s, state_bytes);
        if (status != INS1_OK)
            return status;
        s->listed.is_there = false;
        call.use[6] = s1_vk_use_of(s->scratch);
        v.flags = n_parts > 1 ? S1_VK_WRITES_STATE : 0;
    }
    for (int64_t page = 0; page < n_pages; page += p->pages_at_once) {
        int64_t end = least(page + p->pages_at_once, n_pages);
        v.page_begin = (uint32_t)page;
        v.page_end = (uint32_t)end;
        if (!see_part(s->device, p->k, page, end, &call.use[1], &v.k_at) ||
            !see_part(s->device, p->v, page, end, &call.use[2], &v.v_at))
            return INS1_E_UNSUPPORTED;
        int32_t status = attend_pages(s, p, &call, &v, n_splits, (uint32_t)(part_bytes / 4));
        if (status != INS1_OK)
            return status;
    }
    return n_parts > 1 ? merge(s, p, t0, t1, n_parts) : INS1_OK;
}

int32_t s1_vk_attention(s1_vk_stream *s, const ins1_op *op)
{
    paged p = {
        .q = &op->in[0],
        .k = &op->in[1],
        .v = &op->in[2],
        .rows = &op->in[3],
        .pages = &op->in[4],
        .y = &op->out[0],
        .factor = op->f[0],
        .positions = op->in[4].dim[1] * op->in[1].dim[2],
        .pages_at_once = pages_at_once(s->device, &op->in[1], &op->in[2]),
    };
    int64_t heads = p.q->dim[2];

    if (!p.q->dim[0] || !p.q->dim[1] || !heads || !p.q->dim[3])
        return INS1_OK;
    if (!s1_vk_tile_for(s->device, p.q->dim[3], &p.tile) || !p.pages_at_once)
        return INS1_E_UNSUPPORTED;
    p.rows_a_tile = heads < p.tile.queries ? p.tile.queries / heads : 1;
    p.chunks = s1_vk_ceil_div(heads, p.tile.queries);
    p.split = split_of(&p);
    return attend_rows(s, &p, 0, p.q->dim[0]);
}
