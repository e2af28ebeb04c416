/* Products: a warp for each row of weights where x has few rows, else tiles through shared memory.
 * Sums are in F32, in an order that hangs on the kernel alone. */

#include "common.cuh"

INLINE float scale_of(const s1_cuda_product &p, const void *scales, int64_t n, int64_t k)
{
    return p.scale_type == S1_CUDA_NONE
               ? 1.0f
               : scale_element(p.scale_type, scales, n / 128 * p.scale_row + k / 128);
}

INLINE void store(const s1_cuda_product &p, int64_t t, int64_t n, float sum)
{
    float *to = p.y + t * p.y_row + n;
    if (p.bias_type != S1_CUDA_NONE)
        sum += element(p.bias_type, p.bias, n);
    *to = p.adds ? *to + sum : sum;
}

/* ---- few rows ---------------------------------------------------------------------------------
 */

/* So many neighbours of a row of x, in fours where they lie so. */
template <int N>
INLINE void load_inputs(float *out, const float *from, bool is_aligned, bool rounds)
{
#pragma unroll
    for (int i = 0; i < N; i += 4) {
        if (is_aligned) {
            words four = *reinterpret_cast<const words *>(from + i);
            for (int j = 0; j < 4; j++)
                out[i + j] = float_of(four.word[j]);
        } else {
            for (int j = 0; j < 4; j++)
                out[i + j] = from[i + j];
        }
    }
    for (int i = 0; i < N && rounds; i++)
        out[i] = round_to_bf16(out[i]);
}

template <int TYPE, int ROWS> INLINE void matvec(const s1_cuda_product &p)
{
    typedef numbers<TYPE> type;
    const int EACH = type::EACH;
    int lane = threadIdx.x % 32;
    int64_t n = static_cast<int64_t>(blockIdx.x) * (S1_CUDA_MATVEC_THREADS / 32) + threadIdx.x / 32;
    int64_t t0 = block_y(p.piece) * ROWS, rows = least(ROWS, p.t - t0);
    const void *weights = p.w, *scales = p.scale;
    const float *x = p.x + t0 * p.x_row;
    float sum[ROWS] = { 0 };

    if (n >= p.n)
        return;
    if (p.experts) {
        const s1_cuda_expert *expert = p.experts + p.ids[t0];
        weights = expert->w;
        scales = expert->scale;
        x = p.x + t0 / p.each * p.x_row;
    }
    const typename type::raw *w = static_cast<const typename type::raw *>(weights) + n * p.w_row;
    bool in_fours = reinterpret_cast<uintptr_t>(x) % 16 == 0 && (p.x_row % 4 == 0 || rows == 1);
    int64_t k = 0;

    if (p.w_column == 1 && reinterpret_cast<uintptr_t>(w) % 16 == 0) {
        int64_t end = p.k / EACH * EACH;
        for (k = lane * EACH; k < end; k += 32 * EACH) {
            words many = *reinterpret_cast<const words *>(w + k);
            float scale = scale_of(p, scales, n, k); /* all in one block of scales */
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                float inputs[EACH];
                if (r >= rows)
                    continue;
                load_inputs<EACH>(inputs, x + r * p.x_row + k, in_fours, p.rounds);
#pragma unroll
                for (int i = 0; i < EACH; i++)
                    sum[r] += type::pick(many, i) * scale * inputs[i];
            }
        }
        k = end;
    }
    for (k += lane; k < p.k; k += 32) {
        float value = type::widen(w[k * p.w_column]) * scale_of(p, scales, n, k);
        for (int r = 0; r < rows; r++) {
            float input = x[r * p.x_row + k];
            sum[r] += value * (p.rounds ? round_to_bf16(input) : input);
        }
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        float all = sum_of_warp(sum[r]);
        if (lane == 0 && r < rows)
            store(p, t0 + r, n, all);
    }
}

/* ---- many rows --------------------------------------------------------------------------------
 */

enum {
    SIDE = S1_CUDA_TILE_SIDE,
    COLUMNS = S1_CUDA_TILE_COLUMNS,
    WIDE = COLUMNS / SIDE,
    DEPTH = 32
};

/* Every thread has HIGH x WIDE numbers of a tile of SIDE * HIGH rows of x. */
template <int TYPE, int HIGH> INLINE void tiled(const s1_cuda_product &p)
{
    typedef numbers<TYPE> type;
    const int TALL = SIDE * HIGH;
    SHARED(float, xs, [DEPTH][TALL + 1]);
    SHARED(float, ws, [DEPTH][COLUMNS + 1]);
    SHARED(int64_t, results, [TALL]);
    SHARED(const float *, inputs, [TALL]);
    int thread = threadIdx.x, high = thread / SIDE, wide = thread % SIDE;
    int64_t n0 = static_cast<int64_t>(blockIdx.x) * COLUMNS, tile = block_y(p.piece);
    int64_t n_rows = least(TALL, p.t - tile * TALL), each = 1;
    const void *weights = p.w, *scales = p.scale;
    const int32_t *order = NULL;
    float sum[HIGH][WIDE] = { { 0 } };

    if (p.experts) {
        if (tile >= p.lists[0])
            return;
        const int32_t *entry = p.lists + 1 + tile * 3;
        weights = p.experts[entry[0]].w;
        scales = p.experts[entry[0]].scale;
        order = p.lists + entry[1];
        n_rows = entry[2];
        each = p.each;
    }
    const typename type::raw *w = static_cast<const typename type::raw *>(weights);
    if (thread < n_rows) {
        results[thread] = order ? order[thread] : tile * TALL + thread;
        inputs[thread] = p.x + results[thread] / each * p.x_row;
    }

    for (int64_t k0 = 0; k0 < p.k; k0 += DEPTH) {
        __syncthreads();
        for (int i = thread; i < TALL * DEPTH; i += S1_CUDA_TILE_THREADS) {
            int row = i / DEPTH, column = i % DEPTH;
            float value = 0;
            if (row < n_rows && k0 + column < p.k)
                value = inputs[row][k0 + column];
            xs[column][row] = p.rounds ? round_to_bf16(value) : value;
        }
        for (int i = thread; i < COLUMNS * DEPTH; i += S1_CUDA_TILE_THREADS) {
            /* Neighbours in memory by neighbours among the threads. */
            int row = p.w_column == 1 ? i / DEPTH : i % COLUMNS;
            int column = p.w_column == 1 ? i % DEPTH : i / COLUMNS;
            int64_t n = n0 + row, k = k0 + column;
            float value = 0;
            if (n < p.n && k < p.k)
                value = type::widen(w[n * p.w_row + k * p.w_column]) * scale_of(p, scales, n, k);
            ws[column][row] = value;
        }
        __syncthreads();
#pragma unroll 8
        for (int k = 0; k < DEPTH; k++) {
            float a[HIGH], b[WIDE];
#pragma unroll
            for (int i = 0; i < HIGH; i++)
                a[i] = xs[k][high + i * SIDE];
#pragma unroll
            for (int j = 0; j < WIDE; j++)
                b[j] = ws[k][wide + j * SIDE];
#pragma unroll
            for (int i = 0; i < HIGH; i++)
#pragma unroll
                for (int j = 0; j < WIDE; j++)
                    sum[i][j] += a[i] * b[j];
        }
    }
    __syncthreads(); /* of `results`, where there are no columns */
#pragma unroll
    for (int i = 0; i < HIGH; i++) {
#pragma unroll
        for (int j = 0; j < WIDE; j++) {
            int row = high + i * SIDE;
            int64_t n = n0 + wide + j * SIDE;
            if (row < n_rows && n < p.n)
                store(p, results[row], n, sum[i][j]);
        }
    }
}

#define PRODUCTS_OF(name, TYPE)                                        \
    KERNEL(matvec_##name##_1, s1_cuda_product, S1_CUDA_MATVEC_THREADS) \
    {                                                                  \
        matvec<TYPE, 1>(p);                                            \
    }                                                                  \
    KERNEL(matvec_##name##_2, s1_cuda_product, S1_CUDA_MATVEC_THREADS) \
    {                                                                  \
        matvec<TYPE, 2>(p);                                            \
    }                                                                  \
    KERNEL(matvec_##name##_4, s1_cuda_product, S1_CUDA_MATVEC_THREADS) \
    {                                                                  \
        matvec<TYPE, 4>(p);                                            \
    }                                                                  \
    KERNEL(matvec_##name##_8, s1_cuda_product, S1_CUDA_MATVEC_THREADS) \
    {                                                                  \
        matvec<TYPE, 8>(p);                                            \
    }                                                                  \
    KERNEL(tiled_##name##_16, s1_cuda_product, S1_CUDA_TILE_THREADS)   \
    {                                                                  \
        tiled<TYPE, 1>(p);                                             \
    }                                                                  \
    KERNEL(tiled_##name##_64, s1_cuda_product, S1_CUDA_TILE_THREADS)   \
    {                                                                  \
        tiled<TYPE, 4>(p);                                             \
    }

PRODUCTS_OF(f32, S1_CUDA_F32)
PRODUCTS_OF(f16, S1_CUDA_F16)
PRODUCTS_OF(bf16, S1_CUDA_BF16)
PRODUCTS_OF(f8, S1_CUDA_F8)

/* ---- experts ----------------------------------------------------------------------------------
 */

/* A thread for each expert, or several, walks over all results: no atomics, so the lists are the
 * same every time. */
KERNEL(sort_experts, s1_cuda_sort, S1_CUDA_SORT_THREADS)
{
    SHARED(int32_t, some, [S1_CUDA_SORT_THREADS]);
    int thread = threadIdx.x;
    int32_t *count = p.counts, *begin = p.counts + p.experts, *tiles = p.counts + 2 * p.experts;

    for (int64_t e0 = 0; e0 < p.experts; e0 += S1_CUDA_SORT_THREADS) {
        int64_t e = e0 + thread;
        int32_t n = 0;
        for (int64_t first = 0; first < p.results; first += S1_CUDA_SORT_THREADS) {
            int64_t here = least(S1_CUDA_SORT_THREADS, p.results - first);
            __syncthreads();
            if (thread < here)
                some[thread] = p.ids[first + thread];
            __syncthreads();
            for (int64_t i = 0; i < here; i++)
                n += some[i] == e;
        }
        if (e < p.experts)
            count[e] = n;
    }
    __syncthreads();
    if (thread == 0) {
        int32_t at = 0, tile = 0;
        for (int64_t e = 0; e < p.experts; e++) {
            begin[e] = at;
            tiles[e] = tile;
            at += count[e];
            tile += static_cast<int32_t>((count[e] + p.tile - 1) / p.tile);
        }
        p.lists[0] = tile;
    }
    __syncthreads();
    for (int64_t e0 = 0; e0 < p.experts; e0 += S1_CUDA_SORT_THREADS) {
        int64_t e = e0 + thread;
        int64_t to = p.order + (e < p.experts ? begin[e] : 0);
        for (int64_t i = 0; e < p.experts && i < count[e]; i += p.tile) {
            int32_t *entry = p.lists + 1 + (tiles[e] + i / p.tile) * 3;
            entry[0] = static_cast<int32_t>(e);
            entry[1] = static_cast<int32_t>(to + i);
            entry[2] = static_cast<int32_t>(least(p.tile, count[e] - i));
        }
        for (int64_t first = 0; first < p.results; first += S1_CUDA_SORT_THREADS) {
            int64_t here = least(S1_CUDA_SORT_THREADS, p.results - first);
            __syncthreads();
            if (thread < here)
                some[thread] = p.ids[first + thread];
            __syncthreads();
            for (int64_t i = 0; i < here; i++)
                if (some[i] == e)
                    p.lists[to++] = static_cast<int32_t>(first + i);
        }
    }
}
