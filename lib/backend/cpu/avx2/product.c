#include "internal.h"
#include "lines.h"

/* Rounding and laying out rows of x, and what both ways through a product share. */

enum {
    TILE = 32,
    PASS = 256,
    TOKENS = 6,
};

static void panel_fill_avx2(uint8_t *cells, int32_t kind, bool round, const float *const *x,
                            int64_t g, int64_t k)
{
    (void)kind;
    for (int64_t i = 0; i < g; i++) {
        float *to = (float *)(void *)cells + i * 4;
        for (int64_t at = 0; at < k; at += 8, to += 8 * g) {
            const uint8_t *from = (const uint8_t *)(x[i] + at);
            __m256 v = k - at >= 8 ? load_8(from, INS1_DTYPE_F32)
                                   : load_some(from, k - at, INS1_DTYPE_F32);
            if (round)
                v = round_bf16(v);
            _mm_storeu_ps(to, _mm256_castps256_ps128(v));
            if (k - at > 4)
                _mm_storeu_ps(to + 4 * g, _mm256_extractf128_ps(v, 1));
        }
    }
}

static void product_avx2(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead,
                         void *scratch)
{
    if (p->t <= FEW_TOKENS && !p->transposed)
        s1_stream_avx2(p, begin, end, ahead);
    else
        s1_tiles_avx2(p, begin, end, ahead, scratch);
}

void s1_product_init_avx2(s1_kernels *kernels)
{
    kernels->level = "avx2";
    kernels->most_tokens[S1_PANEL_F32] = TOKENS;
    kernels->most_tokens[S1_PANEL_BF16] = 0;
    kernels->tile = TILE;
    kernels->pass = PASS;
    kernels->task_products = 8000000;
    kernels->panel_fill = panel_fill_avx2;
    kernels->product = product_avx2;
}
