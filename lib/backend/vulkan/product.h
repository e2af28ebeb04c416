#ifndef S1_BACKEND_VULKAN_PRODUCT_H
#define S1_BACKEND_VULKAN_PRODUCT_H

#include "backend/vulkan/vulkan.h"

/* What one product and the products of experts tell matvec.comp and matmul.comp. */

enum {
    S1_VK_FEW_ROWS = 8, /* of x that matvec.comp takes at once */
    S1_VK_LIFTED = 2,   /* rows of weights of its work group */
    S1_VK_SIDE = 8,     /* a tile is S1_VK_SIDE * HIGH by S1_VK_SIDE * S1_VK_WIDE */
    S1_VK_WIDE = 4,
};

/* As the shaders have it. */
typedef struct s1_vk_push {
    uint32_t w_at, w_row, w_column, x_at, x_row, y_at, y_row;
    uint32_t scale_at, scale_row, scale_type, bias_at, bias_type;
    uint32_t t_end, n_begin, n_end, k_begin, k_end, t_begin, rounds, adds;
    uint32_t ids_at, each, group;
} s1_vk_push;

typedef struct s1_vk_product {
    const ins1_tensor_desc *w, *x, *scale, *bias, *y;
    bool adds, rounds, is_tiled;
    uint32_t high;
} s1_vk_product;

s1_vk_push s1_vk_push_of(const s1_vk_product *product);

/* Rows of weights begin and end with a word, so that words can be read; `at` is where they begin.
 */
uint32_t s1_vk_is_packed(const ins1_tensor_desc *w, uint32_t at, int64_t columns);

#endif
