#include "internal.h"
#include "lines.h"

/* Rounding and laying out rows of x, and what both ways through a product share. */

enum { TILE = 32, PASS = 256 };

/* 16 floats from column `at` on, zeros behind the end, rounded to BF16. */
S1_INLINE __m256i load_bf16(const float *x, int64_t at, int64_t k)
{
    __mmask16 mask = k - at >= 16 ? 0xffff : (__mmask16)((1u << (k - at)) - 1);
    return (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, x + at));
}

static void fill_bf16(uint8_t *cells, const float *const *x, int64_t g, int64_t k)
{
    for (int64_t i = 0; i < g; i++) {
        uint8_t *to = cells + i * S1_CELL;
        for (int64_t at = 0; at < k; at += 16, to += 2 * g * S1_CELL) {
            __m256i h = load_bf16(x[i], at, k);
            _mm_storeu_si128((__m128i *)(void *)to, _mm256_castsi256_si128(h));
            if (k - at > 8)
                _mm_storeu_si128((__m128i *)(void *)(to + g * S1_CELL),
                                 _mm256_extracti128_si256(h, 1));
        }
    }
}

static void fill_f32(uint8_t *cells, bool round, const float *const *x, int64_t g, int64_t k)
{
    for (int64_t i = 0; i < g; i++) {
        uint8_t *to = cells + i * S1_CELL;
        for (int64_t at = 0; at < k; at += 4, to += g * S1_CELL) {
            __mmask8 mask = k - at >= 4 ? 0xf : (__mmask8)((1u << (k - at)) - 1);
            __m128 v = _mm_maskz_loadu_ps(mask, x[i] + at);
            if (round) {
                __m128i h = (__m128i)_mm_cvtneps_pbh(v);
                v = _mm_castsi128_ps(_mm_slli_epi32(_mm_cvtepu16_epi32(h), 16));
            }
            _mm_storeu_ps((float *)(void *)to, v);
        }
    }
}

static void panel_fill_avx512(uint8_t *cells, int32_t kind, bool round, const float *const *x,
                              int64_t g, int64_t k)
{
    if (kind == S1_PANEL_BF16)
        fill_bf16(cells, x, g, k);
    else
        fill_f32(cells, round, x, g, k);
}

static void product_avx512(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead,
                           void *scratch)
{
    if (p->t <= FEW_TOKENS && !p->transposed)
        s1_stream_avx512(p, begin, end, ahead);
    else
        s1_tiles_avx512(p, begin, end, ahead, scratch);
}

void s1_product_init_avx512(s1_kernels *kernels)
{
    kernels->level = "avx512";
    kernels->most_tokens[S1_PANEL_F32] = 6;
    kernels->most_tokens[S1_PANEL_BF16] = 6;
    kernels->tile = TILE;
    kernels->pass = PASS;
    kernels->task_products = 20000000;
    kernels->panel_fill = panel_fill_avx512;
    kernels->product = product_avx512;
}
