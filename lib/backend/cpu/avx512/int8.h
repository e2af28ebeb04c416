#ifndef S1_BACKEND_CPU_AVX512_INT8_H
#define S1_BACKEND_CPU_AVX512_INT8_H

#include "lines.h"

/* Products of I8 with the dot product of bytes, whose first factor has no sign: weights get 128
 * more, and 128 times the sum of x is taken away in the end. */

enum {
    PLUS = 0x80,
    S1_I8_TOKENS = 12, /* of a group */
    FEW_TOKENS = S1_I8_TOKENS,
};

/* At most FEW_TOKENS tokens: each line of weights is read once and used at once. */
void s1_i8_stream_avx512(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead);

/* Any number: tiles of weights are laid out in scratch, tokens run past them. */
void s1_i8_tiles_avx512(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead,
                        void *scratch);

S1_INLINE __m512i plus_128(__m512i weights)
{
    return _mm512_xor_si512(weights, _mm512_set1_epi8((char)PLUS));
}

/* Of 16 rows of w, or fewer before `end`. */
static inline __m512 load_scales(const s1_product *p, int64_t row, int64_t end)
{
    const int64_t size = element_size(p->scale_dtype);
    float scales[16] = { 0 };

    if (p->scale_stride == 1)
        return load_16(p->scale + row * size,
                       end - row >= 16 ? 0xffff : (__mmask16)((1u << (end - row)) - 1),
                       p->scale_dtype);
    for (int64_t i = 0; i < 16 && row + i < end; i++)
        scales[i] = _mm512_cvtss_f32(
            load_16(p->scale + (row + i) * p->scale_stride * size, 1, p->scale_dtype));
    return _mm512_loadu_ps(scales);
}

/* `cell` is the last one of the token. */
S1_INLINE void store_products(const s1_product *p, int64_t row, int64_t end, int64_t token,
                              __m512i sums, __m512 scales, const uint8_t *cell)
{
    s1_i8_row x;

    memcpy(&x, cell, sizeof(x));
    sums = _mm512_sub_epi32(sums, _mm512_set1_epi32(PLUS * x.sum));
    store_sums(
        p, row, end, token,
        _mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_mul_ps(_mm512_set1_ps(x.scale), scales)));
}

#endif
