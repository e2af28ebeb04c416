#ifndef S1_TENSOR_WIDEN_H
#define S1_TENSOR_WIDEN_H

#include <stdint.h>
#include <string.h>

/* The definitions of the 16- and 8-bit floats: exact widening, and rounding to nearest even. */

static inline float s1_from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

static inline uint32_t s1_to_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof(bits));
    return bits;
}

static inline float s1_from_bf16(uint16_t h)
{
    return s1_from_bits((uint32_t)h << 16);
}

/* A NaN stays a NaN: its quiet bit is set, so that cutting the mantissa cannot make it infinite. */
static inline uint16_t s1_to_bf16(float f)
{
    uint32_t bits = s1_to_bits(f);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float s1_from_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t magnitude = h & 0x7fff;
    if (magnitude >= 0x7c00)
        return s1_from_bits(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
    if (magnitude >= 0x400)
        return s1_from_bits(sign | ((magnitude << 13) + (112u << 23)));
    float small = (float)magnitude * 0x1p-24f;
    return sign ? -small : small;
}

static inline uint16_t s1_to_f16(float f)
{
    uint32_t bits = s1_to_bits(f);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x477ff000)
        return (uint16_t)(sign | 0x7c00);
    if (magnitude >= 0x38800000) {
        uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
        return (uint16_t)(sign | ((rounded >> 13) - (112u << 10)));
    }
    /* Adding one half puts the bits of a subnormal where they belong, rounded by the addition. */
    return (uint16_t)(sign | (s1_to_bits(s1_from_bits(magnitude) + 0.5f) - 0x3f000000));
}

/* e4m3fn: sign, 4 exponent bits (bias 7), 3 mantissa bits; NaN is 0x7f and 0xff. */
static inline float s1_from_f8_e4m3(uint8_t b)
{
    uint32_t sign = (uint32_t)(b & 0x80) << 24;
    uint32_t magnitude = b & 0x7f;
    if (magnitude == 0x7f)
        return s1_from_bits(sign | 0x7fc00000);
    if (magnitude >= 8)
        return s1_from_bits(sign | ((magnitude << 20) + (120u << 23)));
    float small = (float)magnitude * 0x1p-9f;
    return sign ? -small : small;
}

#endif
