/* Buffers are pieces of blocks: drivers allow few allocations, and what one block holds a shader
 * sees with one binding. A buffer that is larger than a block has one of its own. */

#include "backend/vulkan/vulkan.h"

#include <stdio.h>

static const uint64_t most_block = UINT64_C(256) << 20;

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- allocations ------------------------------------------------------------------------------
 */

/* The first type that has `wanted`, of those allowed; where there is none, the first with `needed`.
 */
static bool find_memory(const s1_vk_device *d, uint32_t allowed, VkMemoryPropertyFlags wanted,
                        VkMemoryPropertyFlags needed, uint32_t *out)
{
    const VkMemoryPropertyFlags tries[] = { wanted, needed };
    for (int k = 0; k < 2; k++) {
        for (uint32_t i = 0; i < d->memory.memoryTypeCount; i++) {
            if ((allowed >> i & 1) &&
                (d->memory.memoryTypes[i].propertyFlags & tries[k]) == tries[k]) {
                *out = i;
                return true;
            }
        }
    }
    return false;
}

static VkResult allocate(const s1_vk_device *d, uint64_t size, VkMemoryPropertyFlags wanted,
                         VkMemoryPropertyFlags needed, VkBuffer *buffer, VkDeviceMemory *memory,
                         VkMemoryPropertyFlags *has)
{
    const VkBufferCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = size,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                 VK_BUFFER_USAGE_TRANSFER_DST_BIT,
        .sharingMode = VK_SHARING_MODE_EXCLUSIVE,
    };
    VkMemoryRequirements needs;
    VkMemoryAllocateInfo allocation = { .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO };

    *memory = VK_NULL_HANDLE;
    VkResult result = d->vkCreateBuffer(d->handle, &info, NULL, buffer);
    if (result != VK_SUCCESS) {
        *buffer = VK_NULL_HANDLE;
        return result;
    }
    d->vkGetBufferMemoryRequirements(d->handle, *buffer, &needs);
    allocation.allocationSize = needs.size;
    if (!find_memory(d, needs.memoryTypeBits, wanted, needed, &allocation.memoryTypeIndex))
        result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
    if (result == VK_SUCCESS)
        result = d->vkAllocateMemory(d->handle, &allocation, NULL, memory);
    if (result == VK_SUCCESS)
        result = d->vkBindBufferMemory(d->handle, *buffer, *memory, 0);
    *has = d->memory.memoryTypes[allocation.memoryTypeIndex].propertyFlags;
    if (result == VK_SUCCESS)
        return result;
    if (*memory)
        d->vkFreeMemory(d->handle, *memory, NULL);
    d->vkDestroyBuffer(d->handle, *buffer, NULL);
    *buffer = VK_NULL_HANDLE;
    *memory = VK_NULL_HANDLE;
    return result;
}

int32_t s1_vk_mapped_new(s1_vk_device *d, void *host, uint64_t size, s1_vk_mapped *out)
{
    const VkMemoryPropertyFlags needed =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    VkMemoryPropertyFlags has;
    void *address = NULL;

    VkResult result = allocate(d, size, needed | VK_MEMORY_PROPERTY_HOST_CACHED_BIT, needed,
                               &out->buffer, &out->memory, &has);
    if (result == VK_SUCCESS)
        result = d->vkMapMemory(d->handle, out->memory, 0, VK_WHOLE_SIZE, 0, &address);
    out->address = address;
    out->size = size;
    return result == VK_SUCCESS ? INS1_OK
                                : s1_vk_refused(d->vk, host, result, "memory for transfers");
}

void s1_vk_mapped_free(s1_vk_device *d, s1_vk_mapped *mapped)
{
    if (mapped->buffer)
        d->vkDestroyBuffer(d->handle, mapped->buffer, NULL);
    if (mapped->memory)
        d->vkFreeMemory(d->handle, mapped->memory, NULL);
}

/* ---- blocks -----------------------------------------------------------------------------------
 */

static void block_free(s1_vk_device *d, void *host, s1_vk_block *block)
{
    while (block->pieces) {
        s1_vk_buffer *piece = block->pieces;
        block->pieces = piece->next;
        s1_vk_give_back(d->vk, host, piece, sizeof(*piece));
    }
    if (block->buffer)
        d->vkDestroyBuffer(d->handle, block->buffer, NULL);
    if (block->memory)
        d->vkFreeMemory(d->handle, block->memory, NULL);
    s1_vk_give_back(d->vk, host, block, sizeof(*block));
}

/* Where the host sees the memory as fast as its own, transfers are copies. */
static VkResult map_block(const s1_vk_device *d, s1_vk_block *block, VkMemoryPropertyFlags has)
{
    const VkMemoryPropertyFlags shared = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                         VK_MEMORY_PROPERTY_HOST_COHERENT_BIT |
                                         VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    void *address = NULL;

    if ((has & shared) != shared || d->entry->way.is_staged)
        return VK_SUCCESS;
    VkResult result = d->vkMapMemory(d->handle, block->memory, 0, VK_WHOLE_SIZE, 0, &address);
    block->address = address;
    return result;
}

/* `result` is the driver's answer where that is why it fails. */
static int32_t block_new(s1_vk_device *d, void *host, uint64_t size, s1_vk_block **out,
                         VkResult *result)
{
    s1_vk_block *block = s1_vk_take(d->vk, host, sizeof(*block));
    s1_vk_buffer *piece = s1_vk_take(d->vk, host, sizeof(*piece));
    VkMemoryPropertyFlags has;

    *result = VK_SUCCESS;
    if (!block || !piece) {
        s1_vk_give_back(d->vk, host, block, sizeof(*block));
        s1_vk_give_back(d->vk, host, piece, sizeof(*piece));
        return INS1_E_MEMORY;
    }
    *piece = (s1_vk_buffer){ .block = block, .size = size };
    *block = (s1_vk_block){ .size = size, .unused = size, .pieces = piece };
    *result = allocate(d, size, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0, &block->buffer,
                       &block->memory, &has);
    if (*result == VK_SUCCESS)
        *result = map_block(d, block, has);
    if (*result != VK_SUCCESS) {
        block_free(d, host, block);
        return INS1_E_MEMORY;
    }
    block->next = d->blocks;
    d->blocks = block;
    *out = block;
    return INS1_OK;
}

void s1_vk_blocks_finish(s1_vk_device *d)
{
    while (d->blocks) {
        s1_vk_block *block = d->blocks;
        d->blocks = block->next;
        block_free(d, d->vk->api->host, block);
    }
}

static s1_vk_buffer *find_piece(const s1_vk_device *d, uint64_t size)
{
    for (s1_vk_block *block = d->blocks; block; block = block->next) {
        if (block->unused < size)
            continue;
        for (s1_vk_buffer *piece = block->pieces; piece; piece = piece->next)
            if (!piece->used && piece->size >= size)
                return piece;
    }
    return NULL;
}

/* A block that has room for `size`: of the usual size where that is enough and there is as much. */
static int32_t grow(s1_vk_device *d, void *host, uint64_t size, s1_vk_block **out)
{
    uint64_t usual = size <= d->next_block ? d->next_block : size;
    VkResult result;

    int32_t status = block_new(d, host, usual, out, &result);
    if (result != VK_SUCCESS && size < usual)
        status = block_new(d, host, size, out, &result);
    if (result != VK_SUCCESS)
        return s1_vk_refused(d->vk, host, result, "memory of the device");
    if (status == INS1_OK && size < usual && !d->entry->way.most_range)
        d->next_block = least(least(4 * usual, most_block), d->entry->range);
    return status;
}

static int32_t take_piece(s1_vk_device *d, void *host, uint64_t size, s1_vk_buffer **out)
{
    s1_vk_block *block;
    s1_vk_buffer *rest = NULL, *piece = find_piece(d, size);

    if (!piece) {
        int32_t status = grow(d, host, size, &block);
        if (status != INS1_OK)
            return status;
        piece = block->pieces;
    }
    if (piece->size > size) {
        rest = s1_vk_take(d->vk, host, sizeof(*rest));
        if (!rest)
            return INS1_E_MEMORY;
        *rest = (s1_vk_buffer){
            .block = piece->block,
            .at = piece->at + size,
            .size = piece->size - size,
            .next = piece->next,
        };
        piece->next = rest;
        piece->size = size;
    }
    piece->used = true;
    piece->block->unused -= size;
    *out = piece;
    return INS1_OK;
}

int32_t s1_vk_buffer_new(s1_vk_device *d, void *host, uint64_t bytes, s1_vk_buffer **out)
{
    char text[128];

    if (bytes > d->entry->most_buffer - S1_VK_ALIGN) {
        snprintf(text, sizeof(text), "a buffer of %llu bytes, %llu are the most of the device",
                 (unsigned long long)bytes, (unsigned long long)d->entry->most_buffer);
        d->vk->api->fail(host, INS1_E_MEMORY, 0, text);
        return INS1_E_MEMORY;
    }
    uint64_t size = (bytes + !bytes + S1_VK_ALIGN - 1) / S1_VK_ALIGN * S1_VK_ALIGN;
    pthread_mutex_lock(&d->memory_lock);
    int32_t status = take_piece(d, host, size, out);
    pthread_mutex_unlock(&d->memory_lock);
    return status;
}

/* The piece and the unused ones beside it become one. */
static void merge(s1_vk_device *d, void *host, s1_vk_block *block)
{
    for (s1_vk_buffer *piece = block->pieces; piece;) {
        s1_vk_buffer *next = piece->next;
        if (next && !piece->used && !next->used) {
            piece->size += next->size;
            piece->next = next->next;
            s1_vk_give_back(d->vk, host, next, sizeof(*next));
        } else {
            piece = next;
        }
    }
}

/* Blocks of their own go with their buffer; of the others one that is empty is kept. */
static void drop_if_empty(s1_vk_device *d, void *host, s1_vk_block *block)
{
    bool has_other = false;
    s1_vk_block **link = &d->blocks;

    if (block->unused != block->size)
        return;
    for (const s1_vk_block *other = d->blocks; other; other = other->next)
        has_other = has_other || (other != block && other->unused == other->size);
    if (block->size <= d->next_block && !has_other)
        return;
    while (*link != block)
        link = &(*link)->next;
    *link = block->next;
    block_free(d, host, block);
}

void s1_vk_buffer_free(s1_vk_device *d, void *host, s1_vk_buffer *buffer)
{
    s1_vk_block *block = buffer->block;

    pthread_mutex_lock(&d->memory_lock);
    buffer->used = false;
    block->unused += buffer->size;
    merge(d, host, block);
    drop_if_empty(d, host, block);
    pthread_mutex_unlock(&d->memory_lock);
}

/* ---- views ------------------------------------------------------------------------------------
 */

static bool see(const s1_vk_device *d, const s1_vk_buffer *buffer, uint64_t begin, uint64_t end,
                s1_vk_use *use)
{
    const s1_vk_block *block = buffer->block;

    use->buffer = block->buffer;
    use->base = 0;
    use->range = block->size;
    if (block->size <= d->entry->range)
        return true;
    use->base = begin / d->entry->align * d->entry->align;
    use->range = least(d->entry->range / 4 * 4, block->size - use->base);
    return end - use->base <= use->range;
}

bool s1_vk_see(const s1_vk_device *d, const ins1_tensor_desc *tensor, int64_t first, int64_t last,
               s1_vk_use *use, uint32_t *at)
{
    const s1_vk_buffer *buffer = (const s1_vk_buffer *)(uintptr_t)tensor->buffer;
    int64_t size = s1_vk_size(tensor->dtype);
    int64_t origin = (int64_t)(buffer->at + tensor->offset);
    uint64_t begin = (uint64_t)(origin + first * size);
    uint64_t end = (uint64_t)(origin + (last + 1) * size);

    /* Words are read whole. */
    if (!see(d, buffer, begin, (end + 3) / 4 * 4, use))
        return false;
    *at = (uint32_t)(uint64_t)((origin - (int64_t)use->base) / size);
    return true;
}

bool s1_vk_see_all(const s1_vk_device *d, const ins1_tensor_desc *tensor, s1_vk_use *use,
                   uint32_t *at)
{
    int64_t last = 0;
    for (int32_t i = 0; i < tensor->ndim; i++)
        last += tensor->dim[i] > 0 ? (tensor->dim[i] - 1) * s1_gpu_stride(tensor, i) : 0;
    return s1_vk_see(d, tensor, 0, last, use, at);
}
