/* Products: sixteen work items along each row of weights where x has few rows, else tiles through
 * local memory. Sums are in F32, in an order that depends on the kernel alone. */

/* Four neighbours of a row of weights, times their scale; 0 beyond the ends. */
float4 four_weights(const s1_cl_product *p, bytes w, bytes scale, long n, long k)
{
    float4 four = (float4)(0);
    long at = n * p->w_row + k * p->w_column;

    if (n >= p->n)
        return four;
    if (p->w_column == 1 && k + 4 <= p->k) {
        four = four_elements(p->type, w, at);
    } else {
        four.x = k < p->k ? element(p->type, w, at) : 0.0f;
        four.y = k + 1 < p->k ? element(p->type, w, at + p->w_column) : 0.0f;
        four.z = k + 2 < p->k ? element(p->type, w, at + 2 * p->w_column) : 0.0f;
        four.w = k + 3 < p->k ? element(p->type, w, at + 3 * p->w_column) : 0.0f;
    }
    if (p->scale_type != S1_CL_NONE)
        four *= element(p->scale_type, scale, n / 128 * p->scale_row + k / 128);
    return four;
}

float4 four_inputs(const s1_cl_product *p, global const float *x, long k)
{
    float4 four = (float4)(0);

    if (k + 4 <= p->k) {
        four = vload4(0, x + k);
    } else {
        four.x = k < p->k ? x[k] : 0.0f;
        four.y = k + 1 < p->k ? x[k + 1] : 0.0f;
        four.z = k + 2 < p->k ? x[k + 2] : 0.0f;
    }
    if (p->rounds)
        four = (float4)(round_to_bf16(four.x), round_to_bf16(four.y), round_to_bf16(four.z),
                        round_to_bf16(four.w));
    return four;
}

void put_result(const s1_cl_product *p, bytes bias, global uchar *y, long t, long n, float sum)
{
    global float *to = (global float *)(y + p->y_at) + t * p->y_row + n;
    if (p->bias_type != S1_CL_NONE)
        sum += element(p->bias_type, bias + p->bias_at, n);
    *to = p->adds ? *to + sum : sum;
}

/* ---- few rows ---------------------------------------------------------------------------------
 */

#define ALONG_ROW (S1_CL_ITEMS / S1_CL_MATVEC_ROWS)

void matvec(const s1_cl_product *p, bytes w, bytes scale, bytes x, bytes bias, global uchar *y,
            bytes ids, bytes table, local float *parts, const int rows)
{
    int item = get_local_id(0), lane = item % ALONG_ROW;
    long n = group_y(p->first) * S1_CL_MATVEC_ROWS + item / ALONG_ROW;
    long t0 = (long)get_group_id(0) * rows, w_at = p->w_at, scale_at = p->scale_at, k_end = p->k;
    float4 sum[S1_CL_FEW_ROWS];

    if (p->has_experts) {
        global const s1_cl_expert *expert = (global const s1_cl_expert *)(table + p->table_at) +
                                            ((global const int *)(ids + p->ids_at))[t0];
        w_at = expert->w_at;
        scale_at = expert->scale_at;
        if (expert->group != p->group)
            k_end = -1; /* another enqueueing's */
    }
    for (int r = 0; r < rows; r++)
        sum[r] = (float4)(0);
    for (long k = lane * 4; k < k_end; k += ALONG_ROW * 4) {
        float4 weights = four_weights(p, w + w_at, scale + scale_at, n, k);
        for (int r = 0; r < rows; r++) {
            long t = min(t0 + r, p->t - 1) / p->each;
            global const float *row = (global const float *)(x + p->x_at) + t * p->x_row;
            sum[r] += weights * four_inputs(p, row, k);
        }
    }
    for (int r = 0; r < rows; r++) {
        barrier(CLK_LOCAL_MEM_FENCE);
        parts[item] = (sum[r].x + sum[r].y) + (sum[r].z + sum[r].w);
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane == 0 && n < p->n && t0 + r < p->t && k_end >= 0) {
            float all = 0;
            for (int i = 0; i < ALONG_ROW; i++)
                all += parts[item + i];
            put_result(p, bias, y, t0 + r, n, all);
        }
    }
}

KERNEL matvec_1(const s1_cl_product p, bytes w, bytes scale, bytes x, bytes bias, global uchar *y,
                bytes ids, bytes table)
{
    local float parts[S1_CL_ITEMS];
    matvec(&p, w, scale, x, bias, y, ids, table, parts, 1);
}

KERNEL matvec_4(const s1_cl_product p, bytes w, bytes scale, bytes x, bytes bias, global uchar *y,
                bytes ids, bytes table)
{
    local float parts[S1_CL_ITEMS];
    matvec(&p, w, scale, x, bias, y, ids, table, parts, S1_CL_FEW_ROWS);
}

/* ---- many rows --------------------------------------------------------------------------------
 */

/* Eight work items along each side of a tile, each with 4 x 4 results. Local memory has columns
 * outermost, so that four rows are read at once. */
KERNEL tiled(const s1_cl_product p, bytes w, bytes scale, bytes x, bytes bias, global uchar *y,
             bytes ids, bytes table, global const int *lists)
{
    local float inputs[S1_CL_TILE * S1_CL_TILE], weights[S1_CL_TILE * S1_CL_TILE];
    local long results[S1_CL_TILE];
    int item = get_local_id(0), high = item / 8, wide = item % 8;
    long tile = get_group_id(0), n0 = group_y(p.first) * S1_CL_TILE;
    long w_at = p.w_at, scale_at = p.scale_at, k_end = p.k, order = -1;
    int n_rows = (int)min((long)S1_CL_TILE, p.t - tile * S1_CL_TILE);
    float4 sum[4] = { (float4)(0), (float4)(0), (float4)(0), (float4)(0) };

    if (p.has_experts) {
        n_rows = 0;
        if (tile < lists[0]) {
            global const int *entry = lists + 1 + tile * 3;
            global const s1_cl_expert *expert =
                (global const s1_cl_expert *)(table + p.table_at) + entry[0];
            w_at = expert->w_at;
            scale_at = expert->scale_at;
            order = entry[1];
            n_rows = expert->group == p.group ? entry[2] : 0; /* else another enqueueing's */
        }
    }
    if (n_rows == 0)
        k_end = 0;
    if (item < n_rows)
        results[item] = order < 0 ? tile * S1_CL_TILE + item : lists[order + item];
    for (long k0 = 0; k0 < k_end; k0 += S1_CL_TILE) {
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int i = item; i < S1_CL_TILE * S1_CL_TILE / 4; i += S1_CL_ITEMS) {
            int row = i / (S1_CL_TILE / 4), column = i % (S1_CL_TILE / 4) * 4;
            float4 a = (float4)(0), b = four_weights(&p, w + w_at, scale + scale_at, n0 + row, k0 + column);
            if (row < n_rows)
                a = four_inputs(&p, (global const float *)(x + p.x_at) + results[row] / p.each * p.x_row, k0 + column);
            local float *to = inputs + column * S1_CL_TILE + row;
            to[0] = a.x;
            to[S1_CL_TILE] = a.y;
            to[2 * S1_CL_TILE] = a.z;
            to[3 * S1_CL_TILE] = a.w;
            to = weights + column * S1_CL_TILE + row;
            to[0] = b.x;
            to[S1_CL_TILE] = b.y;
            to[2 * S1_CL_TILE] = b.z;
            to[3 * S1_CL_TILE] = b.w;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int k = 0; k < S1_CL_TILE; k++) {
            float4 a = vload4(high, inputs + k * S1_CL_TILE), b = vload4(wide, weights + k * S1_CL_TILE);
            sum[0] += a.x * b;
            sum[1] += a.y * b;
            sum[2] += a.z * b;
            sum[3] += a.w * b;
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE); /* of `results`, where there are no columns */
    for (int i = 0; i < 4; i++) {
        int row = high * 4 + i;
        long n = n0 + wide * 4;
        float four[4] = { sum[i].x, sum[i].y, sum[i].z, sum[i].w };
        for (int j = 0; j < 4; j++)
            if (row < n_rows && n + j < p.n)
                put_result(&p, bias, y, results[row], n + j, four[j]);
    }
}

/* ---- experts ----------------------------------------------------------------------------------
 */

/* A work item for each expert, or several, walks over all results: no atomics, so the lists are the
 * same every time. */
KERNEL sort_experts(const s1_cl_sort p, bytes from, global int *lists)
{
    global const int *ids = (global const int *)(from + p.ids_at);
    global int *count = lists + p.counts, *begin = count + p.experts, *tiles = begin + p.experts;
    int item = get_local_id(0);

    for (long e = item; e < p.experts; e += S1_CL_ITEMS) {
        int n = 0;
        for (long i = 0; i < p.results; i++)
            n += ids[i] == e;
        count[e] = n;
    }
    barrier(CLK_GLOBAL_MEM_FENCE);
    if (item == 0) {
        int at = 0, tile = 0;
        for (long e = 0; e < p.experts; e++) {
            begin[e] = at;
            tiles[e] = tile;
            at += count[e];
            tile += (count[e] + S1_CL_TILE - 1) / S1_CL_TILE;
        }
        lists[0] = tile;
    }
    barrier(CLK_GLOBAL_MEM_FENCE);
    for (long e = item; e < p.experts; e += S1_CL_ITEMS) {
        long to = p.order + begin[e];
        for (int i = 0; i < count[e]; i += S1_CL_TILE) {
            global int *entry = lists + 1 + (tiles[e] + i / S1_CL_TILE) * 3;
            entry[0] = (int)e;
            entry[1] = (int)to + i;
            entry[2] = min(S1_CL_TILE, count[e] - i);
        }
        for (long i = 0; i < p.results; i++)
            if (ids[i] == e)
                lists[to++] = (int)i;
    }
}
