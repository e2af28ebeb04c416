#ifndef S1_BACKEND_VULKAN_ATTEND_H
#define S1_BACKEND_VULKAN_ATTEND_H

#include "backend/vulkan/vulkan.h"

/* attention.comp, which does both kinds of attention. */

enum { S1_VK_LANES = 64 };

/* As the shader has it. */
enum { S1_VK_WRITES_STATE = 1, S1_VK_ROUNDS = 2, S1_VK_CAUSAL = 4, S1_VK_GOES_ON = 8 };
typedef struct s1_vk_attend_push {
    uint32_t q_at, q_stride[3], y_at, y_stride[3], k_at, k_stride[3], v_at, v_stride[3];
    uint32_t rows_at, rows_stride, pages_at, pages_stride;
    uint32_t t_begin, t_end, heads, page_length, page_begin, page_end;
    uint32_t from, split, state_at, flags;
    float factor;
    uint32_t width;
} s1_vk_attend_push;

/* What a work group does at once. */
typedef struct s1_vk_tile {
    uint32_t queries, positions;
} s1_vk_tile;

/* The largest that fits; false when none does. */
bool s1_vk_tile_for(const s1_vk_device *device, int64_t width, s1_vk_tile *out);
/* What a head takes of shared memory, in numbers. */
uint32_t s1_vk_room_for(int64_t width);
void s1_vk_outer_strides(const ins1_tensor_desc *x, uint32_t stride[3]);

#endif
