/* Between the host's memory and buffers: by the host where it sees them, else through the staging
 * buffer. */

#include "backend/vulkan/vulkan.h"

#include <string.h>

static int32_t record_copy(s1_vk_stream *s, VkBuffer from, uint64_t from_at, VkBuffer to,
                           uint64_t to_at, uint64_t n)
{
    const VkBufferCopy region = { from_at, to_at, n };
    s1_vk_slot *slot;
    int32_t status = s1_vk_slot_open(s, &slot);

    if (status == INS1_OK)
        status = s1_vk_barrier(s);
    if (status != INS1_OK)
        return status;
    s->device->vkCmdCopyBuffer(slot->buffer, from, to, 1, &region);
    slot->n_dispatches++;
    slot->is_vague = true;
    return INS1_OK;
}

/* Everything is done when it returns. */
static int32_t settle(s1_vk_stream *s, int32_t status)
{
    if (status == INS1_OK)
        status = s1_vk_submit(s);
    if (status == INS1_OK)
        status = s1_vk_wait(s, true, INT64_MAX);
    if (status != INS1_OK)
        s1_vk_abandon(s);
    return status;
}

static uint64_t next_piece(const s1_vk_stream *s, uint64_t left)
{
    return left < s->staging.size ? left : s->staging.size;
}

int32_t s1_vk_write(void *stream, uint64_t id, uint64_t at, const void *src, uint64_t n)
{
    s1_vk_stream *s = stream;
    const s1_vk_buffer *buffer = (const s1_vk_buffer *)(uintptr_t)id;
    const unsigned char *from = src;
    int32_t status = settle(s, INS1_OK);

    s->listed.is_there = false;
    if (status == INS1_OK && n && buffer->block->address) {
        memcpy(buffer->block->address + buffer->at + at, from, n);
        return INS1_OK;
    }
    for (uint64_t piece; n > 0 && status == INS1_OK; n -= piece, from += piece, at += piece) {
        piece = next_piece(s, n);
        memcpy(s->staging.address, from, piece);
        status =
            record_copy(s, s->staging.buffer, 0, buffer->block->buffer, buffer->at + at, piece);
        status = settle(s, status);
    }
    return status;
}

int32_t s1_vk_read(void *stream, uint64_t id, uint64_t at, void *dst, uint64_t n)
{
    s1_vk_stream *s = stream;
    const s1_vk_buffer *buffer = (const s1_vk_buffer *)(uintptr_t)id;
    unsigned char *to = dst;
    int32_t status = settle(s, INS1_OK);

    if (status == INS1_OK && n && buffer->block->address) {
        memcpy(to, buffer->block->address + buffer->at + at, n);
        return INS1_OK;
    }
    for (uint64_t piece; n > 0 && status == INS1_OK; n -= piece, to += piece, at += piece) {
        piece = next_piece(s, n);
        status =
            record_copy(s, buffer->block->buffer, buffer->at + at, s->staging.buffer, 0, piece);
        status = settle(s, status);
        if (status == INS1_OK)
            memcpy(to, s->staging.address, piece);
    }
    return status;
}

int32_t s1_vk_copy(void *stream, uint64_t dst, uint64_t dst_at, uint64_t src, uint64_t src_at,
                   uint64_t n)
{
    s1_vk_stream *s = stream;
    const s1_vk_buffer *to = (const s1_vk_buffer *)(uintptr_t)dst;
    const s1_vk_buffer *from = (const s1_vk_buffer *)(uintptr_t)src;

    s->listed.is_there = false;
    if (!n)
        return INS1_OK;
    int32_t status = record_copy(s, from->block->buffer, from->at + src_at, to->block->buffer,
                                 to->at + dst_at, n);
    if (status != INS1_OK)
        s1_vk_abandon(s);
    return status;
}
