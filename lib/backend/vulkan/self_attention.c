/* Attention inside of segments, and what both kinds of attention have in common. */

#include "backend/vulkan/attend.h"

#include "interns1/model.h"

enum {
    MOST_QUERIES = 16,
    MOST_POSITIONS = 32,
    MOST_WIDTH = 1024, /* of a head */
    MOST_SUMS = 64, /* that an invocation keeps: queries times the head in parts of S1_VK_LANES */
};

/* ---- tiles ------------------------------------------------------------------------------------
 */

void s1_vk_outer_strides(const ins1_tensor_desc *x, uint32_t stride[3])
{
    for (int32_t i = 0; i < 3; i++)
        stride[i] = (uint32_t)s1_gpu_stride(x, i);
}

uint32_t s1_vk_room_for(int64_t width)
{
    return (uint32_t)(s1_vk_ceil_div(width, S1_VK_LANES) * S1_VK_LANES);
}

static uint64_t shared_of(s1_vk_tile t, int64_t width)
{
    uint64_t row = (uint64_t)s1_vk_room_for(width) + 1;
    return 4 * ((t.queries + t.positions) * row + t.queries * (t.positions + 5) + 3 * t.positions);
}

bool s1_vk_tile_for(const s1_vk_device *d, int64_t width, s1_vk_tile *out)
{
    s1_vk_tile t = { MOST_QUERIES, MOST_POSITIONS };
    while (width <= MOST_WIDTH && t.queries * s1_vk_room_for(width) > MOST_SUMS * S1_VK_LANES)
        t.queries /= 2;
    while (width <= MOST_WIDTH && shared_of(t, width) > d->entry->shared) {
        if (t.queries == 1 && t.positions == 1)
            return false;
        if (t.positions > t.queries || t.queries == 1)
            t.positions /= 2;
        else
            t.queries /= 2;
    }
    *out = t;
    return width <= MOST_WIDTH;
}

bool s1_vk_head_fits(const s1_vk_device *device, int64_t width)
{
    s1_vk_tile t;
    return s1_vk_tile_for(device, width, &t);
}

/* ---- segments ---------------------------------------------------------------------------------
 */

typedef struct segments {
    const ins1_op *op;
    s1_vk_tile tile;
} segments;

/* Segments, rows and heads. */
typedef struct part {
    int64_t s0, s1, t0, t1, h0, h1;
} part;

static int32_t attend_part(s1_vk_stream *s, const segments *p, part at);

static int32_t attend_both(s1_vk_stream *s, const segments *p, part first, part second)
{
    int32_t status = attend_part(s, p, first);
    return status == INS1_OK ? attend_part(s, p, second) : status;
}

/* By segments, by heads, by rows. */
static int32_t cut_part(s1_vk_stream *s, const segments *p, const part *at)
{
    part a = *at, b = *at;

    if (at->s1 - at->s0 > 1)
        a.s1 = b.s0 = at->s0 + (at->s1 - at->s0) / 2;
    else if (at->h1 - at->h0 > 1)
        a.h1 = b.h0 = at->h0 + (at->h1 - at->h0) / 2;
    else
        a.t1 = b.t0 =
            at->t0 + s1_vk_ceil_div((at->t1 - at->t0) / 2, p->tile.queries) * p->tile.queries;
    return attend_both(s, p, a, b);
}

/* Segments, all rows, heads [h0, h1): `at` is moved to the first of them. */
static bool see_segments(const s1_vk_device *d, const ins1_tensor_desc *x, const part *of,
                         s1_vk_use *use, uint32_t *at)
{
    int64_t origin = of->s0 * s1_gpu_stride(x, 0) + of->h0 * s1_gpu_stride(x, 2);
    int64_t last = (of->s1 - 1) * s1_gpu_stride(x, 0) + (x->dim[1] - 1) * s1_gpu_stride(x, 1) +
                   (of->h1 - 1) * s1_gpu_stride(x, 2) + x->dim[3] - 1;
    if (!s1_vk_see(d, x, origin, last, use, at))
        return false;
    *at += (uint32_t)origin;
    return true;
}

static int32_t attend_part(s1_vk_stream *s, const segments *p, part at)
{
    const ins1_op *op = p->op;
    const ins1_tensor_desc *q = &op->in[0], *y = &op->out[0];
    int64_t n_segments = at.s1 - at.s0, t = at.t1 - at.t0, n_heads = at.h1 - at.h0;
    s1_vk_attend_push v = {
        .t_begin = (uint32_t)at.t0,
        .t_end = (uint32_t)at.t1,
        .heads = 1,
        .page_length = (uint32_t)q->dim[1],
        .flags = (op->i[0] == INS1_PRECISION_BF16 ? S1_VK_ROUNDS : 0) |
                 (op->flags & INS1_OP_CAUSAL ? S1_VK_CAUSAL : 0),
        .factor = op->f[0],
        .width = (uint32_t)q->dim[3],
    };
    s1_vk_call call = {
        .shader = S1_VK_ATTENTION,
        .constants = { s1_vk_room_for(q->dim[3]), p->tile.queries, p->tile.positions, 0, S1_VK_F32,
                       S1_VK_F32 },
        .push = &v,
        .push_size = sizeof(v),
        .groups = { (uint32_t)s1_vk_ceil_div(t, p->tile.queries), (uint32_t)n_heads,
                    (uint32_t)n_segments },
        .work = 2.0 * (double)(n_segments * t * n_heads) * (double)(q->dim[1] * (q->dim[3] + 8)),
    };
    int64_t most = s->device->entry->most_groups;
    bool can_cut = n_segments > 1 || n_heads > 1 || t > p->tile.queries;

    s1_vk_outer_strides(q, v.q_stride);
    s1_vk_outer_strides(&op->in[1], v.k_stride);
    s1_vk_outer_strides(&op->in[2], v.v_stride);
    s1_vk_outer_strides(y, v.y_stride);
    bool fits = n_segments <= most && n_heads <= most && call.groups[0] <= most &&
                see_segments(s->device, q, &at, &call.use[0], &v.q_at) &&
                see_segments(s->device, &op->in[1], &at, &call.use[1], &v.k_at) &&
                see_segments(s->device, &op->in[2], &at, &call.use[2], &v.v_at) &&
                see_segments(s->device, y, &at, &call.use[5], &v.y_at);
    if (can_cut && (!fits || call.work > s->pace.budget))
        return cut_part(s, p, &at);
    return fits ? s1_vk_dispatch(s, &call) : INS1_E_UNSUPPORTED;
}

int32_t s1_vk_self_attention(s1_vk_stream *s, const ins1_op *op)
{
    const ins1_tensor_desc *q = &op->in[0];
    segments p = { .op = op };

    if (!q->dim[0] || !q->dim[1] || !q->dim[2] || !q->dim[3])
        return INS1_OK;
    if (!s1_vk_tile_for(s->device, q->dim[3], &p.tile))
        return INS1_E_UNSUPPORTED;
    return attend_part(s, &p, (part){ 0, q->dim[0], 0, q->dim[1], 0, q->dim[2] });
}
