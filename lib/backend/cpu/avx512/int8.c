#include "int8.h"

#include <math.h>

/* Rounding and laying out rows of x. */

/* As integers, sizes of floats have their order, infinity and NaN behind all others. */
static float scale_of(const float *x, int64_t k)
{
    const __m512i size = _mm512_set1_epi32(INT32_MAX);
    __m512i most = _mm512_setzero_si512();
    float largest;

    for (int64_t at = 0; at < k; at += 16) {
        __mmask16 mask = k - at >= 16 ? 0xffff : (__mmask16)((1u << (k - at)) - 1);
        __m512i bits = _mm512_maskz_loadu_epi32(mask, x + at);
        most = _mm512_max_epi32(most, _mm512_and_si512(bits, size));
    }
    int32_t bits = _mm512_reduce_max_epi32(most);
    memcpy(&largest, &bits, sizeof(largest));
    return isfinite(largest) ? largest / 127.5f : NAN;
}

static void fill_row(uint8_t *to, int64_t step_size, const float *x, int64_t k)
{
    const s1_i8_row none = { .scale = scale_of(x, k) };
    const __m512 scale = _mm512_set1_ps(none.scale);
    const __mmask16 any = none.scale > 0 ? 0xffff : 0;
    __m128i sums = _mm_setzero_si128();
    s1_i8_row row = none;

    for (int64_t at = 0; at < k; at += 16, to += step_size) {
        __mmask16 mask = k - at >= 16 ? any : any & (__mmask16)((1u << (k - at)) - 1);
        __m512 ratio = _mm512_maskz_div_ps(mask, _mm512_maskz_loadu_ps(mask, x + at), scale);
        __m128i q = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(ratio));
        _mm_storeu_si128((__m128i *)(void *)to, q);
        sums = _mm_dpbusd_epi32(sums, _mm_set1_epi8(1), q);
    }
    sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, 0x4e));
    row.sum = _mm_cvtsi128_si32(sums) + _mm_extract_epi32(sums, 1);
    memcpy(to, &row, sizeof(row));
}

static void fill_i8(uint8_t *cells, const float *const *x, int64_t g, int64_t k)
{
    for (int64_t i = 0; i < g; i++)
        fill_row(cells + i * S1_CELL, g * S1_CELL, x[i], k);
}

static void product_i8(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead,
                       void *scratch)
{
    if (p->t <= FEW_TOKENS)
        s1_i8_stream_avx512(p, begin, end, ahead);
    else
        s1_i8_tiles_avx512(p, begin, end, ahead, scratch);
}

void s1_i8_init_avx512(s1_kernels *kernels)
{
    kernels->most_tokens[S1_PANEL_I8] = S1_I8_TOKENS;
    kernels->has_i8_dot = true;
    kernels->fill_i8 = fill_i8;
    kernels->product_i8 = product_i8;
}
