#include "internal.h"
#include "lines.h"

/* Rounding and laying out rows of x, and what both ways through a product share. */

enum {
    TILE = 32,
    PASS = 256,
    TOKENS = 6,
};

void s1_panel_fill_neon(uint8_t *cells, int32_t kind, bool round, const float *const *x, int64_t g,
                        int64_t k)
{
    (void)kind;
    for (int64_t i = 0; i < g; i++) {
        float *to = (float *)(void *)cells + i * 4;
        for (int64_t at = 0; at < k; at += 4, to += 4 * g) {
            float rest[4] = { 0 };
            const float *from = x[i] + at;
            if (k - at < 4)
                from = memcpy(rest, from, (size_t)(k - at) * sizeof(*from));
            float32x4_t v = vld1q_f32(from);
            vst1q_f32(to, round ? round_bf16(v) : v);
        }
    }
}

void s1_product_neon(const s1_product *p, int64_t begin, int64_t end, s1_ahead ahead, void *scratch)
{
    if (p->t <= FEW_TOKENS && !p->transposed)
        s1_stream_neon(p, begin, end, ahead);
    else
        s1_tiles_neon(p, begin, end, ahead, scratch);
}

void s1_product_init_neon(s1_kernels *kernels)
{
    kernels->level = "neon";
    kernels->most_tokens[S1_PANEL_F32] = TOKENS;
    kernels->most_tokens[S1_PANEL_BF16] = 0;
    kernels->tile = TILE;
    kernels->pass = PASS;
    kernels->task_products = 4000000;
    kernels->panel_fill = s1_panel_fill_neon;
    kernels->product = s1_product_neon;
}
