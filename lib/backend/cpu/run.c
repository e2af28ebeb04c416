#include "backend/cpu/engine.h"

/* Lists of operations in order, what is supported, and regions of tasks. */

enum {
    FEWEST_ROWS = 8,      /* of self-attention that fit the scratch of a worker */
    MOST_EXPERTS = 16384, /* a row of the router and its marks fit the scratch of a worker */
    MOST_NORM = 32768,    /* the same for weights and bias of a norm */
};

bool s1_cpu_stopped(s1_cpu_stream *stream)
{
    if (atomic_load_explicit(&stream->stop, memory_order_relaxed))
        return true;
    int32_t asked = stream->api->stop_requested(stream->host);
    if (asked)
        atomic_store_explicit(&stream->stop, asked, memory_order_relaxed);
    return asked != 0;
}

int32_t s1_cpu_region(s1_cpu_stream *stream, void (*fn)(void *arg, int32_t index, int32_t worker),
                      void *arg, int64_t n)
{
    if (n == 0)
        return INS1_OK;
    if (n > INT32_MAX)
        return INS1_E_UNSUPPORTED;
    if (n == 1) {
        fn(arg, 0, 0);
    } else {
        int32_t status = stream->api->parallel_for(stream->host, fn, arg, (int32_t)n);
        if (status != INS1_OK)
            return status;
    }
    return atomic_load_explicit(&stream->stop, memory_order_relaxed);
}

static bool is_float(int32_t dtype)
{
    return dtype == INS1_DTYPE_F32 || dtype == INS1_DTYPE_F16 || dtype == INS1_DTYPE_BF16 ||
           dtype == INS1_DTYPE_F8_E4M3;
}

static bool is_pool(const ins1_tensor_desc *tensor)
{
    return tensor->dtype == INS1_DTYPE_F32 || tensor->dtype == INS1_DTYPE_F16 ||
           tensor->dtype == INS1_DTYPE_BF16;
}

static bool is_scale(const ins1_tensor_desc *tensor)
{
    return tensor->dtype == 0 || tensor->dtype == INS1_DTYPE_F32 ||
           tensor->dtype == INS1_DTYPE_BF16 || tensor->dtype == INS1_DTYPE_U8;
}

static bool is_precision(int32_t precision)
{
    return precision == INS1_PRECISION_F32 || precision == INS1_PRECISION_BF16;
}

/* Matrix `w` with the scales `scale`, which may be behind all inputs: absent. */
static bool supports_matrix(const ins1_op *op, int32_t w, int32_t scale)
{
    const int32_t type = op->in[w].dtype;
    const bool is_scaled = scale < op->n_in && op->in[scale].dtype;

    if (type == INS1_DTYPE_I8)
        return op->i[0] == INS1_PRECISION_INT8 && is_scaled &&
               op->in[scale].dtype != INS1_DTYPE_U8 && is_scale(&op->in[scale]);
    return is_precision(op->i[0]) && is_float(type) && (!is_scaled || is_scale(&op->in[scale]));
}

static bool supports_experts(const ins1_op *op)
{
    int32_t e = op->i[2];

    if (e < 1 || op->n_in < 2 + e)
        return false;
    for (int32_t i = 2; i < 2 + e; i++)
        if (op->in[i].dtype != op->in[2].dtype || !supports_matrix(op, i, i + e))
            return false;
    return true;
}

static bool supports_attention(const ins1_op *op)
{
    return is_pool(&op->in[1]) && is_pool(&op->in[2]) && op->in[1].stride[3] == 1 &&
           op->in[2].stride[3] == 1 && op->in[0].dim[2] <= s1_cpu_attention_rows(op->in[0].dim[3]);
}

int32_t s1_cpu_supports(void *context, const ins1_op *op)
{
    (void)context;
    for (int32_t i = 0; i < op->n_in; i++)
        if (op->in[i].layout != INS1_LAYOUT_STRIDED)
            return 0;

    switch (op->op) {
    case INS1_OP_MATMUL:
        return supports_matrix(op, 0, 2) &&
               (op->n_in < 4 || op->in[3].dtype == 0 || is_float(op->in[3].dtype));
    case INS1_OP_MATMUL_EXPERTS:
        return supports_experts(op);
    case INS1_OP_RMSNORM:
        return is_float(op->in[1].dtype) && op->in[0].dim[op->in[0].ndim - 1] <= MOST_NORM;
    case INS1_OP_LAYERNORM:
        return is_float(op->in[1].dtype) && (!op->in[2].dtype || is_float(op->in[2].dtype)) &&
               op->in[0].dim[op->in[0].ndim - 1] <= MOST_NORM;
    case INS1_OP_ADD_SCALED:
        return is_float(op->in[1].dtype) && op->in[0].dim[1] <= MOST_NORM;
    case INS1_OP_SELF_ATTENTION:
        return is_precision(op->i[0]) && s1_attend_rows(op->in[0].dim[3]) >= FEWEST_ROWS;
    case INS1_OP_KV_PUT:
        return is_pool(&op->out[0]) && is_pool(&op->out[1]);
    case INS1_OP_ATTENTION:
        return supports_attention(op);
    case INS1_OP_ROUTE:
        return op->in[0].dim[1] <= MOST_EXPERTS;
    case INS1_OP_ACT_MUL:
    case INS1_OP_ACT:
        return op->i[0] >= INS1_ACT_SILU && op->i[0] <= INS1_ACT_RELU;
    case INS1_OP_GET_ROWS:
        return is_float(op->in[0].dtype);
    case INS1_OP_ROPE:
    case INS1_OP_COMBINE:
    case INS1_OP_ADD:
    case INS1_OP_SCALE:
    case INS1_OP_MEAN:
        return 1;
    default:
        return 0;
    }
}

static int32_t run_one(s1_cpu_stream *stream, const ins1_op *op)
{
    switch (op->op) {
    case INS1_OP_KV_PUT:
        return s1_cpu_kv_put(stream, op);
    case INS1_OP_ATTENTION:
        return s1_cpu_attention(stream, op);
    case INS1_OP_SELF_ATTENTION:
        return s1_cpu_self_attention(stream, op);
    case INS1_OP_MEAN:
        return s1_cpu_mean(stream, op);
    case INS1_OP_ROUTE:
        return s1_cpu_route(stream, op);
    default:
        return s1_cpu_rows(stream, op);
    }
}

int32_t s1_cpu_reserve(void *stream, const ins1_op *ops, int32_t n)
{
    s1_cpu_stream *s = stream;
    s1_cpu_needs needs = { 0 };

    for (int32_t i = 0, together = 1; i < n; i += together, together = 1) {
        if (ops[i].op == INS1_OP_MATMUL || ops[i].op == INS1_OP_MATMUL_EXPERTS) {
            together = s1_cpu_products_together(s->cpu, &ops[i], n - i);
            s1_cpu_products_need(&needs, s, &ops[i], together);
        } else if (ops[i].op == INS1_OP_ATTENTION) {
            s1_cpu_attention_needs(&needs, s, &ops[i]);
        }
    }
    struct {
        s1_scratch *scratch;
        uint64_t size;
    } parts[] = {
        { &s->panel, needs.panel },
        { &s->plan, needs.plan },
        { &s->partials, needs.partials },
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (parts[i].size && !s1_scratch_get(s, parts[i].scratch, (size_t)parts[i].size))
            return INS1_E_MEMORY;
    return INS1_OK;
}

int32_t s1_cpu_run(void *stream, const ins1_op *ops, int32_t n)
{
    s1_cpu_stream *s = stream;

    atomic_store_explicit(&s->stop, 0, memory_order_relaxed);
    for (int32_t i = 0; i < n;) {
        int32_t together = 1;
        int32_t status;

        if (!s1_cpu_supports(s->cpu, &ops[i]))
            return INS1_E_UNSUPPORTED;
        if (ops[i].op == INS1_OP_MATMUL || ops[i].op == INS1_OP_MATMUL_EXPERTS) {
            together = s1_cpu_products_together(s->cpu, &ops[i], n - i);
            status = s1_cpu_products(s, &ops[i], together);
        } else {
            status = run_one(s, &ops[i]);
        }
        if (status != INS1_OK)
            return status;
        i += together;
    }
    return INS1_OK;
}
