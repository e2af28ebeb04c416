/* What all kernels share: groups of 64 work items, numbers of every type. OpenCL C 1.2, nothing
 * optional; half precision is decoded from its bits, because devices may flush what is small. */

#define KERNEL __attribute__((reqd_work_group_size(S1_CL_ITEMS, 1, 1))) kernel void

/* Below every number that matters. */
#define LOWEST -3.4e38f

typedef global const uchar *bytes;

float from_f16(uint bits)
{
    uint exponent = bits >> 10 & 31u, mantissa = bits & 1023u, sign = (bits & 0x8000u) << 16;
    if (exponent == 0)
        return as_float(as_uint(mantissa * 0x1p-24f) | sign);
    uint wide = exponent == 31u ? 255u : exponent + 112u;
    return as_float(sign | wide << 23 | mantissa << 13);
}

float from_bf16(uint bits)
{
    return as_float(bits << 16);
}

/* e4m3fn: no infinities. */
float from_f8(uint bits)
{
    uint exponent = bits >> 3 & 15u, mantissa = bits & 7u, sign = (bits & 0x80u) << 24;
    if (exponent == 0)
        return as_float(as_uint(mantissa * 0x1p-9f) | sign);
    if ((bits & 0x7fu) == 0x7fu)
        return as_float(0x7fc00000u);
    return as_float(sign | (exponent + 120u) << 23 | mantissa << 20);
}

/* The power of two of a U8 scale. */
float from_power(uint bits)
{
    return as_float(bits == 0 ? 0x400000u : bits << 23);
}

/* No NaN and no infinity. */
bool is_finite(float x)
{
    return (as_uint(x) & 0x7f800000u) != 0x7f800000u;
}

/* To nearest even. */
uint to_bf16(float x)
{
    uint bits = as_uint(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return bits >> 16 | 0x40u;
    return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}

float round_to_bf16(float x)
{
    return from_bf16(to_bf16(x));
}

/* To nearest even. */
uint to_f16(float x)
{
    uint bits = as_uint(x), sign = bits >> 16 & 0x8000u;
    bits &= 0x7fffffffu;
    if (bits > 0x7f800000u)
        return sign | 0x7e00u;
    if (bits >= 0x47800000u)
        return sign | 0x7c00u;
    uint dropped = 13, kept = bits - 0x38000000u; /* the exponent moved to its new bias */
    if (bits < 0x38800000u) {
        uint shift = 126u - (bits >> 23); /* subnormal: the leading one becomes visible */
        if (shift > 24u)
            return sign;
        kept = (bits & 0x7fffffu) | 0x800000u;
        dropped = shift;
    }
    uint half_way = 1u << (dropped - 1), odd = kept >> dropped & 1u;
    return sign | (kept + half_way - 1u + odd) >> dropped;
}

/* Element `i`. */
float element(int type, bytes from, long i)
{
    switch (type) {
    case S1_CL_F32:
        return ((global const float *)from)[i];
    case S1_CL_F16:
        return from_f16(((global const ushort *)from)[i]);
    case S1_CL_BF16:
        return from_bf16(((global const ushort *)from)[i]);
    case S1_CL_F8:
        return from_f8(from[i]);
    default:
        return from_power(from[i]);
    }
}

/* Elements `i` to i + 3. */
float4 four_elements(int type, bytes from, long i)
{
    switch (type) {
    case S1_CL_F32:
        return vload4(0, (global const float *)from + i);
    case S1_CL_BF16:
        return as_float4(convert_uint4(vload4(0, (global const ushort *)from + i)) << 16);
    default:
        return (float4)(element(type, from, i), element(type, from, i + 1),
                        element(type, from, i + 2), element(type, from, i + 3));
    }
}

/* Which group along y, of all pieces. */
long group_y(long first)
{
    return first + (long)get_group_id(1);
}

/* Of all work items of the group; `parts` has 64 places and may be used again at once. */
float sum_of_group(float x, local float *parts)
{
    int item = get_local_id(0);
    float sum = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    parts[item] = x;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (item < 8) {
        for (int i = 0; i < 8; i++)
            sum += parts[item * 8 + i];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (item < 8)
        parts[item] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    sum = 0;
    for (int i = 0; i < 8; i++)
        sum += parts[i];
    return sum;
}
