/* MATMUL: few rows of x by matvec.comp, many in tiles by matmul.comp. A product is cut where its
 * parts lie further apart than a shader sees, and so that a piece is short. */

#include "backend/vulkan/product.h"

#include "interns1/model.h"

enum { BLOCK = 128 }; /* of scales */

/* Rows of x, rows and columns of the weights. */
typedef struct part {
    int64_t t0, t1, n0, n1, k0, k1;
} part;

uint32_t s1_vk_is_packed(const ins1_tensor_desc *w, uint32_t at, int64_t columns)
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

static int see_product(const s1_vk_device *d, const s1_vk_product *p, const part *at,
                       s1_vk_call *call, s1_vk_push *v)
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

s1_vk_push s1_vk_push_of(const s1_vk_product *p)
{
    return (s1_vk_push){
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

static void fill_call(const s1_vk_product *p, const part *at, s1_vk_call *call, s1_vk_push *v)
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
        call->constants[2] = S1_VK_WIDE;
        call->groups[0] = (uint32_t)s1_vk_ceil_div(n, S1_VK_SIDE * S1_VK_WIDE);
        call->groups[1] = (uint32_t)s1_vk_ceil_div(t, S1_VK_SIDE * p->high);
        return;
    }
    while (rows < t && rows < S1_VK_FEW_ROWS)
        rows *= 2;
    call->shader = S1_VK_MATVEC;
    call->constants[1] = rows;
    call->constants[2] = s1_vk_is_packed(p->w, v->w_at, at->k1) && at->k0 % 4 == 0;
    call->groups[0] = (uint32_t)s1_vk_ceil_div(n, S1_VK_LIFTED);
    call->groups[1] = (uint32_t)s1_vk_ceil_div(t, rows);
}

static double work_of(const part *at)
{
    return (double)(at->t1 - at->t0) * (double)(at->n1 - at->n0) * (double)(at->k1 - at->k0 + 16);
}

static int32_t run_part(s1_vk_stream *s, const s1_vk_product *p, part at);

/* The halves of one axis, cut at a multiple of `unit`. */
static int32_t run_halves(s1_vk_stream *s, const s1_vk_product *p, const part *at, char axis,
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

static int32_t run_part(s1_vk_stream *s, const s1_vk_product *p, part at)
{
    s1_vk_call call = { 0 };
    s1_vk_push v = s1_vk_push_of(p);
    int64_t t = at.t1 - at.t0, n = at.n1 - at.n0, k = at.k1 - at.k0;
    int64_t most = s->device->entry->most_groups;
    int64_t t_unit = p->is_tiled ? S1_VK_SIDE * p->high : S1_VK_FEW_ROWS,
            n_unit = S1_VK_SIDE * S1_VK_WIDE;

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
    const s1_vk_product p = {
        .w = &op->in[0],
        .x = &op->in[1],
        .scale = &op->in[2],
        .bias = &op->in[3],
        .y = &op->out[0],
        .adds = op->flags & INS1_OP_ACCUMULATE,
        .rounds = op->i[0] == INS1_PRECISION_BF16,
        .is_tiled = op->in[1].dim[0] > S1_VK_FEW_ROWS,
        .high = op->in[1].dim[0] <= 16 ? 2 : 4,
    };
    part all = { 0, p.x->dim[0], 0, p.w->dim[0], 0, p.w->dim[1] };

    if (!all.t1 || !all.n1)
        return s->api->stop_requested(s->host);
    return run_part(s, &p, all);
}
