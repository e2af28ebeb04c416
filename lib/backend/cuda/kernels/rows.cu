/* Operations that work row by row. */

#include "common.cuh"

/* ---- norms ------------------------------------------------------------------------------------
 */

/* A thread reads what it writes and nobody else does, so y may be x. */
KERNEL(norm, s1_cuda_norm, S1_CUDA_ROW_THREADS)
{
    SHARED(float, parts, [S1_CUDA_ROW_THREADS / 32]);
    int64_t row = block_y(p.piece);
    int64_t c = row % p.dim[1], b = row / p.dim[1] % p.dim[0], a = row / p.dim[1] / p.dim[0];
    const float *x = p.x + a * p.x_stride[0] + b * p.x_stride[1] + c * p.x_stride[2];
    float *y = p.y + a * p.y_stride[0] + b * p.y_stride[1] + c * p.y_stride[2];
    float mean = 0, mine = 0, n = static_cast<float>(p.n);

    if (p.is_centered) {
        for (int64_t i = threadIdx.x; i < p.n; i += S1_CUDA_ROW_THREADS)
            mine += x[i];
        mean = sum_of_block<S1_CUDA_ROW_THREADS>(mine, parts) / n;
        mine = 0;
    }
    for (int64_t i = threadIdx.x; i < p.n; i += S1_CUDA_ROW_THREADS)
        mine += (x[i] - mean) * (x[i] - mean);
    float factor = 1.0f / sqrtf(sum_of_block<S1_CUDA_ROW_THREADS>(mine, parts) / n + p.epsilon);
    for (int64_t i = threadIdx.x; i < p.n; i += S1_CUDA_ROW_THREADS) {
        float value = (x[i] - mean) * factor * element(p.weight_type, p.weight, i);
        if (p.bias_type != S1_CUDA_NONE)
            value += element(p.bias_type, p.bias, i);
        y[i] = value;
    }
}

/* ---- rope -------------------------------------------------------------------------------------
 */

KERNEL(rope, s1_cuda_rope, S1_CUDA_ROW_THREADS)
{
    int64_t t = block_y(p.piece);

    for (int64_t i = threadIdx.x; i < p.groups * p.heads * p.half; i += S1_CUDA_ROW_THREADS) {
        int64_t j = i % p.half, head = i / p.half % p.heads, g = i / p.half / p.heads;
        const float *x = p.x + t * p.x_stride[0] + g * p.x_stride[1] + head * p.x_stride[2] + j;
        float *y = p.y + t * p.y_stride[0] + g * p.y_stride[1] + head * p.y_stride[2] + j;
        float cosine = p.cosine[t * p.cosine_stride[0] + g * p.cosine_stride[1] + j];
        float sine = p.sine[t * p.sine_stride[0] + g * p.sine_stride[1] + j];
        float a = x[0], b = x[p.half];
        y[0] = a * cosine - b * sine;
        y[p.half] = b * cosine + a * sine;
    }
}

/* ---- route ------------------------------------------------------------------------------------
 */

/* An expert is chosen when fewer than k / groups of its group are better; the order among the
 * chosen is that of their numbers. */
KERNEL(route, s1_cuda_route, S1_CUDA_ROW_THREADS)
{
    SHARED(float, logit, [S1_CUDA_MOST_EXPERTS]);
    SHARED(uint8_t, chosen, [S1_CUDA_MOST_EXPERTS]);
    SHARED(float, parts, [S1_CUDA_ROW_THREADS / 32]);
    int64_t row = block_y(p.piece);
    const float *logits = p.logits + row * p.logits_row;
    int group = p.n / p.groups;
    float top = LOWEST, sum = 0, kept = 0;

    for (int i = threadIdx.x; i < p.n; i += S1_CUDA_ROW_THREADS)
        logit[i] = is_nan(logits[i]) ? LOWEST : logits[i];
    __syncthreads();
    for (int i = 0; i < p.n; i++)
        top = fmaxf(top, logit[i]);
    for (int i = threadIdx.x; i < p.n; i += S1_CUDA_ROW_THREADS) {
        int rank = 0, first = i / group * group;
        for (int j = first; j < first + group; j++)
            rank += logit[j] > logit[i] || (logit[j] == logit[i] && j < i);
        chosen[i] = rank < p.k / p.groups;
        sum += expf(logit[i] - top);
        kept += chosen[i] ? expf(logit[i] - top) : 0.0f;
    }
    sum = sum_of_block<S1_CUDA_ROW_THREADS>(sum, parts);
    kept = sum_of_block<S1_CUDA_ROW_THREADS>(kept, parts) / sum;
    for (int i = threadIdx.x; i < p.n; i += S1_CUDA_ROW_THREADS) {
        int place = 0;
        if (!chosen[i])
            continue;
        for (int j = 0; j < i; j++)
            place += chosen[j];
        float gate = expf(logit[i] - top) / sum;
        p.ids[row * p.ids_row + place] = i;
        p.gates[row * p.gates_row + place] = p.normalizes ? gate / (kept + 1e-20f) : gate;
    }
}

/* ---- a thread for each number -----------------------------------------------------------------
 */

/* As sys/backend.h numbers them. */
enum { SILU = 1, GELU = 2, GELU_TANH = 3 };

INLINE float apply(int act, float x)
{
    switch (act) {
    case SILU:
        return x / (1.0f + expf(-x));
    case GELU:
        return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
    case GELU_TANH: {
        float u = 0.7978845608028654f * (x + 0.044715f * x * x * x);
        return x / (1.0f + expf(-2.0f * u));
    }
    default:
        return is_nan(x) ? x : fmaxf(x, 0.0f);
    }
}

INLINE int64_t column()
{
    return static_cast<int64_t>(blockIdx.x) * S1_CUDA_ROW_THREADS + threadIdx.x;
}

INLINE const float *row_of(const void *m, int64_t at, int64_t stride)
{
    return static_cast<const float *>(m) + at * stride;
}

KERNEL(combine, s1_cuda_rows, S1_CUDA_ROW_THREADS)
{
    int64_t i = column(), t = block_y(p.piece);
    if (i >= p.n)
        return;
    float *y = p.y + t * p.y_row + i, sum = *y;
    for (int64_t j = 0; j < p.count; j++)
        sum += row_of(p.b, t, p.b_row)[j] * row_of(p.a, t * p.count + j, p.a_row)[i];
    *y = sum;
}

KERNEL(act_mul, s1_cuda_rows, S1_CUDA_ROW_THREADS)
{
    int64_t i = column(), t = block_y(p.piece);
    if (i < p.n)
        p.y[t * p.y_row + i] =
            apply(p.act, row_of(p.a, t, p.a_row)[i]) * row_of(p.b, t, p.b_row)[i];
}

KERNEL(add, s1_cuda_rows, S1_CUDA_ROW_THREADS)
{
    int64_t i = column(), t = block_y(p.piece);
    if (i < p.n)
        p.y[t * p.y_row + i] = row_of(p.a, t, p.a_row)[i] + row_of(p.b, t % p.count, p.b_row)[i];
}

KERNEL(scale_by, s1_cuda_rows, S1_CUDA_ROW_THREADS)
{
    int64_t i = column(), t = block_y(p.piece);
    if (i < p.n)
        p.y[t * p.y_row + i] = row_of(p.a, t, p.a_row)[i] * p.factor;
}

KERNEL(get_rows, s1_cuda_rows, S1_CUDA_ROW_THREADS)
{
    int64_t i = column(), t = block_y(p.piece);
    if (i < p.n)
        p.y[t * p.y_row + i] =
            element(p.type, p.a, static_cast<const int32_t *>(p.b)[t] * p.a_row + i);
}

KERNEL(activate, s1_cuda_rows, S1_CUDA_ROW_THREADS)
{
    int64_t i = column(), t = block_y(p.piece);
    if (i < p.n)
        p.y[t * p.y_row + i] = apply(p.act, row_of(p.a, t, p.a_row)[i]);
}

KERNEL(add_scaled, s1_cuda_rows, S1_CUDA_ROW_THREADS)
{
    int64_t i = column(), t = block_y(p.piece);
    if (i < p.n)
        p.y[t * p.y_row + i] += row_of(p.a, t, p.a_row)[i] * element(p.type, p.b, i);
}

KERNEL(mean, s1_cuda_rows, S1_CUDA_ROW_THREADS)
{
    int64_t i = column(), s = block_y(p.piece);
    float sum = 0;
    if (i >= p.n)
        return;
    for (int64_t j = 0; j < p.count; j++)
        sum += static_cast<const float *>(p.a)[s * p.a_segment + j * p.a_row + i];
    p.y[s * p.y_row + i] = sum / static_cast<float>(p.count);
}

/* ---- keys and values into their pages ---------------------------------------------------------
 */

INLINE void put(int type, void *pool, int64_t at, float value)
{
    if (type == S1_CUDA_F32)
        static_cast<float *>(pool)[at] = value;
    else
        static_cast<uint16_t *>(pool)[at] =
            static_cast<uint16_t>(type == S1_CUDA_F16 ? to_f16(value) : to_bf16(value));
}

KERNEL(kv_put, s1_cuda_put, S1_CUDA_ROW_THREADS)
{
    int64_t t = block_y(p.piece);
    int64_t line = p.rows[t * p.rows_row], position = p.rows[t * p.rows_row + 1];
    int64_t page = p.pages[line * p.pages_row + position / p.page_length];
    position %= p.page_length;

    for (int64_t i = threadIdx.x; i < p.groups * p.width; i += S1_CUDA_ROW_THREADS) {
        int64_t g = i / p.width, j = i % p.width;
        put(p.k_type, p.k_pool,
            page * p.k_pool_stride[0] + g * p.k_pool_stride[1] + position * p.k_pool_stride[2] + j,
            p.k[t * p.k_stride[0] + g * p.k_stride[1] + j]);
        put(p.v_type, p.v_pool,
            page * p.v_pool_stride[0] + g * p.v_pool_stride[1] + position * p.v_pool_stride[2] + j,
            p.v[t * p.v_stride[0] + g * p.v_stride[1] + j]);
    }
}
