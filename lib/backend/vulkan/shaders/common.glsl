/* What the shaders share. Two things are decided when a module is made, because a module says what
 * it needs: HALVES reads and writes 16-bit numbers as such, SUBGROUPS adds across a subgroup without
 * shared memory. Without either everything is done with 32-bit words. */

#extension GL_EXT_control_flow_attributes : enable
#ifdef HALVES
#extension GL_EXT_shader_16bit_storage : require
#endif
#ifdef SUBGROUPS
#extension GL_KHR_shader_subgroup_arithmetic : require
#endif

/* As the host numbers them. */
const uint F32 = 0, F16 = 1, BF16 = 2, F8 = 3, U8 = 4, NONE = 5;

/* Below every number that matters; drivers need not know infinity. */
const float LOWEST = -3.4e38;

/* One buffer in three views. */
#ifdef HALVES
#define BUFFER(at, name)                                                                           \
    layout(std430, set = 0, binding = at) buffer name##_as_words { uint name##_word[]; };          \
    layout(std430, set = 0, binding = at) buffer name##_as_floats { float name##_float[]; };       \
    layout(std430, set = 0, binding = at) buffer name##_as_halves { uint16_t name##_h[]; };        \
    uint name##_half(uint i) { return uint(name##_h[i]); }
#else
#define BUFFER(at, name)                                                                           \
    layout(std430, set = 0, binding = at) buffer name##_as_words { uint name##_word[]; };          \
    layout(std430, set = 0, binding = at) buffer name##_as_floats { float name##_float[]; };       \
    uint name##_half(uint i) { return name##_word[i >> 1] >> (i & 1u) * 16u & 0xffffu; }
#endif

/* Element `i` of a buffer, of a type that may be known early. */
#define ELEMENTS(name)                                                                             \
    uint name##_byte(uint i) { return name##_word[i >> 2] >> (i & 3u) * 8u & 0xffu; }              \
    float name##_element(uint type, uint i)                                                        \
    {                                                                                              \
        if (type == F32)                                                                           \
            return name##_float[i];                                                                \
        if (type == F16)                                                                           \
            return from_f16(name##_half(i));                                                       \
        if (type == BF16)                                                                          \
            return from_bf16(name##_half(i));                                                      \
        if (type == F8)                                                                            \
            return from_f8(name##_byte(i));                                                        \
        return from_power(name##_byte(i));                                                         \
    }

float from_bf16(uint bits)
{
    return uintBitsToFloat(bits << 16);
}

/* By hand: what unpackHalf2x16 makes of subnormal numbers is the driver's choice. */
float from_f16(uint bits)
{
    uint exponent = bits >> 10 & 31u, mantissa = bits & 1023u;
    uint sign = (bits & 0x8000u) << 16;
    if (exponent == 0)
        return uintBitsToFloat(floatBitsToUint(float(mantissa) * 5.9604644775390625e-8) | sign);
    uint wide = exponent == 31u ? 255u : exponent + 112u;
    return uintBitsToFloat(sign | wide << 23 | mantissa << 13);
}

/* e4m3fn: no infinities. */
float from_f8(uint bits)
{
    uint exponent = bits >> 3 & 15u, mantissa = bits & 7u;
    uint sign = (bits & 0x80u) << 24;
    if (exponent == 0)
        return uintBitsToFloat(floatBitsToUint(float(mantissa) * 0.001953125) | sign);
    if ((bits & 0x7fu) == 0x7fu)
        return uintBitsToFloat(0x7fc00000u);
    return uintBitsToFloat(sign | exponent + 120u << 23 | mantissa << 20);
}

/* The power of two of a U8 scale; its smallest is subnormal and may count as zero. */
float from_power(uint bits)
{
    return uintBitsToFloat(bits == 0 ? 0x400000u : bits << 23);
}

bool is_nan(float x)
{
    return (floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u;
}

/* No NaN and no infinity. */
bool is_finite(float x)
{
    return (floatBitsToUint(x) & 0x7f800000u) != 0x7f800000u;
}

/* To nearest even. */
uint to_bf16(float x)
{
    uint bits = floatBitsToUint(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return bits >> 16 | 0x40u;
    return bits + 0x7fffu + (bits >> 16 & 1u) >> 16;
}

float round_to_bf16(float x)
{
    return from_bf16(to_bf16(x));
}

/* To nearest even; by hand, because packHalf2x16 may round as it likes. */
uint to_f16(float x)
{
    uint bits = floatBitsToUint(x), sign = bits >> 16 & 0x8000u;
    bits &= 0x7fffffffu;
    if (bits > 0x7f800000u)
        return sign | 0x7e00u;
    if (bits >= 0x47800000u)
        return sign | 0x7c00u;
    uint dropped = 13u, kept = bits - 0x38000000u; /* the exponent moved to its new bias */
    if (bits < 0x38800000u) {
        uint shift = 126u - (bits >> 23); /* subnormal: the leading one becomes visible */
        if (shift > 24u)
            return sign;
        kept = bits & 0x7fffffu | 0x800000u;
        dropped = shift;
    }
    uint rest = kept & (1u << dropped) - 1u, half_way = 1u << dropped - 1u;
    kept >>= dropped;
    if (rest > half_way || (rest == half_way && (kept & 1u) != 0))
        kept++;
    return sign | kept;
}
