/* Operations that work row by row. */

/* ---- norms ------------------------------------------------------------------------------------
 */

/* A work item reads what it writes and nobody else does, so y may be x. */
KERNEL norm(const s1_cl_norm p, bytes x_bytes, bytes weight, bytes bias, global uchar *y_bytes)
{
    local float parts[S1_CL_ITEMS];
    long row = group_y(p.first), item = get_local_id(0);
    long c = row % p.dim[1], b = row / p.dim[1] % p.dim[0], a = row / p.dim[1] / p.dim[0];
    global const float *x = (global const float *)(x_bytes + p.x_at) + a * p.x_stride[0] +
                            b * p.x_stride[1] + c * p.x_stride[2];
    global float *y = (global float *)(y_bytes + p.y_at) + a * p.y_stride[0] + b * p.y_stride[1] +
                      c * p.y_stride[2];
    float mean = 0, mine = 0, n = (float)p.n;

    if (p.is_centered) {
        for (long i = item; i < p.n; i += S1_CL_ITEMS)
            mine += x[i];
        mean = sum_of_group(mine, parts) / n;
        mine = 0;
    }
    for (long i = item; i < p.n; i += S1_CL_ITEMS)
        mine += (x[i] - mean) * (x[i] - mean);
    float factor = 1.0f / sqrt(sum_of_group(mine, parts) / n + p.epsilon);
    for (long i = item; i < p.n; i += S1_CL_ITEMS) {
        float value = (x[i] - mean) * factor * element(p.weight_type, weight + p.weight_at, i);
        if (p.bias_type != S1_CL_NONE)
            value += element(p.bias_type, bias + p.bias_at, i);
        y[i] = value;
    }
}

/* ---- rope -------------------------------------------------------------------------------------
 */

KERNEL rope(const s1_cl_rope p, bytes x_bytes, bytes cosine_bytes, bytes sine_bytes, global uchar *y_bytes)
{
    long t = group_y(p.first);

    for (long i = get_local_id(0); i < p.groups * p.heads * p.half_width; i += S1_CL_ITEMS) {
        long j = i % p.half_width, head = i / p.half_width % p.heads, g = i / p.half_width / p.heads;
        global const float *x = (global const float *)(x_bytes + p.x_at) + t * p.x_stride[0] +
                                g * p.x_stride[1] + head * p.x_stride[2] + j;
        global float *y = (global float *)(y_bytes + p.y_at) + t * p.y_stride[0] +
                          g * p.y_stride[1] + head * p.y_stride[2] + j;
        float cosine = ((global const float *)(cosine_bytes + p.cosine_at))[t * p.cosine_stride[0] + g * p.cosine_stride[1] + j];
        float sine = ((global const float *)(sine_bytes + p.sine_at))[t * p.sine_stride[0] + g * p.sine_stride[1] + j];
        float a = x[0], b = x[p.half_width];
        y[0] = a * cosine - b * sine;
        y[p.half_width] = b * cosine + a * sine;
    }
}

/* ---- route ------------------------------------------------------------------------------------
 */

/* An expert is chosen when fewer than k / groups of its group are better; the order among the
 * chosen is that of their numbers. */
KERNEL route(const s1_cl_route p, bytes logits_bytes, global uchar *ids_bytes, global uchar *gates_bytes)
{
    local float logit[S1_CL_MOST_EXPERTS];
    local uchar chosen[S1_CL_MOST_EXPERTS];
    local float parts[S1_CL_ITEMS];
    long row = group_y(p.first);
    global const float *logits = (global const float *)(logits_bytes + p.logits_at) + row * p.logits_row;
    global int *ids = (global int *)(ids_bytes + p.ids_at) + row * p.ids_row;
    global float *gates = (global float *)(gates_bytes + p.gates_at) + row * p.gates_row;
    int item = get_local_id(0), group = p.n / p.groups;
    float top = LOWEST, sum = 0, kept = 0;

    for (int i = item; i < p.n; i += S1_CL_ITEMS)
        logit[i] = isnan(logits[i]) ? LOWEST : logits[i];
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = 0; i < p.n; i++)
        top = max(top, logit[i]);
    for (int i = item; i < p.n; i += S1_CL_ITEMS) {
        int rank = 0, first = i / group * group;
        for (int j = first; j < first + group; j++)
            rank += logit[j] > logit[i] || (logit[j] == logit[i] && j < i) ? 1 : 0;
        chosen[i] = rank < p.k / p.groups ? 1 : 0;
        float weight = exp(logit[i] - top);
        sum += weight;
        kept += chosen[i] ? weight : 0.0f;
    }
    sum = sum_of_group(sum, parts);
    kept = sum_of_group(kept, parts) / sum;
    for (int i = item; i < p.n; i += S1_CL_ITEMS) {
        int at = 0;
        if (!chosen[i])
            continue;
        for (int j = 0; j < i; j++)
            at += chosen[j];
        float gate = exp(logit[i] - top) / sum;
        ids[at] = i;
        gates[at] = p.normalizes ? gate / (kept + 1e-20f) : gate;
    }
}

/* ---- a work item for each number --------------------------------------------------------------
 */

/* As sys/backend.h numbers them. */
enum { COMBINE = 8, ACT_MUL = 9, ADD = 10, SCALE = 11, GET_ROWS = 12, ACT = 14, ADD_SCALED = 15 };
enum { SILU = 1, GELU = 2, GELU_TANH = 3 };

float activate(int act, float x)
{
    float u = 0.7978845608028654f * (x + 0.044715f * x * x * x);
    switch (act) {
    case SILU:
        return x / (1.0f + exp(-x));
    case GELU:
        return 0.5f * x * (1.0f + erf(x * 0.70710678118654752f));
    case GELU_TANH:
        return x / (1.0f + exp(-2.0f * u));
    default:
        return x < 0.0f ? 0.0f : x;
    }
}

KERNEL rows(const s1_cl_rows p, bytes a_bytes, bytes b_bytes, global uchar *y_bytes)
{
    long i = get_global_id(0), t = group_y(p.first);
    global const float *a = (global const float *)(a_bytes + p.a_at);
    global const float *b = (global const float *)(b_bytes + p.b_at);
    global float *y = (global float *)(y_bytes + p.y_at) + t * p.y_row + i;
    float sum = 0;

    if (i >= p.n)
        return;
    switch (p.op) {
    case COMBINE:
        sum = *y;
        for (long j = 0; j < p.count; j++)
            sum += b[t * p.b_row + j] * a[(t * p.count + j) * p.a_row + i];
        *y = sum;
        break;
    case ACT_MUL:
        *y = activate(p.act, a[t * p.a_row + i]) * b[t * p.b_row + i];
        break;
    case ADD:
        *y = a[t * p.a_row + i] + b[t % p.count * p.b_row + i];
        break;
    case SCALE:
        *y = a[t * p.a_row + i] * p.factor;
        break;
    case GET_ROWS:
        *y = element(p.type, a_bytes + p.a_at, ((global const int *)(b_bytes + p.b_at))[t] * p.a_row + i);
        break;
    case ACT:
        *y = activate(p.act, a[t * p.a_row + i]);
        break;
    case ADD_SCALED:
        *y += a[t * p.a_row + i] * element(p.type, b_bytes + p.b_at, i);
        break;
    default: /* MEAN */
        for (long j = 0; j < p.count; j++)
            sum += a[t * p.a_segment + j * p.a_row + i];
        *y = sum / (float)p.count;
    }
}

/* ---- keys and values into their pages ---------------------------------------------------------
 */

void put(int type, global uchar *pool, long at, float value)
{
    if (type == S1_CL_F32)
        ((global float *)pool)[at] = value;
    else
        ((global ushort *)pool)[at] = (ushort)(type == S1_CL_F16 ? to_f16(value) : to_bf16(value));
}

KERNEL kv_put(const s1_cl_put p, bytes k, bytes v, bytes row_bytes, bytes page_bytes,
              global uchar *k_pool, global uchar *v_pool)
{
    long t = group_y(p.first);
    global const int *row = (global const int *)(row_bytes + p.rows_at) + t * p.rows_row;
    long page = ((global const int *)(page_bytes + p.pages_at))[row[0] * p.pages_row + row[1] / p.page_length];
    long position = row[1] % p.page_length;

    for (long i = get_local_id(0); i < p.groups * p.width; i += S1_CL_ITEMS) {
        long g = i / p.width, j = i % p.width;
        put(p.k_type, k_pool + p.k_pool_at,
            page * p.k_pool_stride[0] + g * p.k_pool_stride[1] + position * p.k_pool_stride[2] + j,
            ((global const float *)(k + p.k_at))[t * p.k_stride[0] + g * p.k_stride[1] + j]);
        put(p.v_type, v_pool + p.v_pool_at,
            page * p.v_pool_stride[0] + g * p.v_pool_stride[1] + position * p.v_pool_stride[2] + j,
            ((global const float *)(v + p.v_at))[t * p.v_stride[0] + g * p.v_stride[1] + j]);
    }
}
