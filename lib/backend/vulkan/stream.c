/* Recording, sending off in short pieces, waiting. Two submissions are under way at most: while one
 * runs the next is recorded, and whoever asks to stop waits for two of them. Where even the least
 * piece takes long it is one. */

#include "backend/vulkan/vulkan.h"

#include <string.h>

enum { STAGING = 1 << 20, TABLES = 128 << 10 };

static const int64_t slice_ns = 1000000; /* between two questions whether to stop */

static int32_t refused(const s1_vk_stream *s, VkResult result, const char *what)
{
    return s1_vk_refused(s->device->vk, s->host, result, what);
}

/* ---- life -------------------------------------------------------------------------------------
 */

static VkResult slot_new(const s1_vk_device *d, s1_vk_slot *slot)
{
    const VkCommandPoolCreateInfo commands = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT,
        .queueFamilyIndex = d->entry->queue_family,
    };
    const VkDescriptorPoolSize size = { VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                        S1_VK_DISPATCHES * S1_VK_BINDINGS };
    const VkDescriptorPoolCreateInfo sets = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .maxSets = S1_VK_DISPATCHES,
        .poolSizeCount = 1,
        .pPoolSizes = &size,
    };
    const VkFenceCreateInfo fence = { .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO };

    VkResult result = d->vkCreateCommandPool(d->handle, &commands, NULL, &slot->commands);
    if (result == VK_SUCCESS) {
        const VkCommandBufferAllocateInfo buffer = {
            .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
            .commandPool = slot->commands,
            .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
            .commandBufferCount = 1,
        };
        result = d->vkAllocateCommandBuffers(d->handle, &buffer, &slot->buffer);
    }
    if (result == VK_SUCCESS)
        result = d->vkCreateDescriptorPool(d->handle, &sets, NULL, &slot->sets);
    if (result == VK_SUCCESS)
        result = d->vkCreateFence(d->handle, &fence, NULL, &slot->fence);
    return result;
}

int32_t s1_vk_stream_new(s1_vk_device *d, void *host, s1_vk_stream **out)
{
    s1_vk_stream *s = s1_vk_take(d->vk, host, sizeof(*s));
    VkResult result = VK_SUCCESS;

    if (!s)
        return INS1_E_MEMORY;
    *s = (s1_vk_stream){ .device = d, .api = d->vk->api, .host = host };
    s->pace = s1_pace_begin(d->entry->kind == INS1_DEVICE_SOFTGPU ? 4 : 64);
    for (int i = 0; i < S1_VK_SLOTS && result == VK_SUCCESS; i++)
        result = slot_new(d, &s->slots[i]);
    int32_t status = result == VK_SUCCESS ? INS1_OK : refused(s, result, "a command buffer");
    if (status == INS1_OK)
        status = s1_vk_mapped_new(d, host, STAGING, &s->staging);
    if (status == INS1_OK)
        status = s1_vk_mapped_new(d, host, S1_VK_SLOTS * TABLES, &s->tables);
    if (status == INS1_OK)
        *out = s;
    else
        s1_vk_stream_free(s);
    return status;
}

void s1_vk_stream_free(s1_vk_stream *s)
{
    s1_vk_device *d = s->device;

    s1_vk_wait(s, false, INT64_MAX);
    for (int i = 0; i < S1_VK_SLOTS; i++) {
        if (s->slots[i].fence)
            d->vkDestroyFence(d->handle, s->slots[i].fence, NULL);
        if (s->slots[i].sets)
            d->vkDestroyDescriptorPool(d->handle, s->slots[i].sets, NULL);
        if (s->slots[i].commands)
            d->vkDestroyCommandPool(d->handle, s->slots[i].commands, NULL);
    }
    s1_vk_mapped_free(d, &s->staging);
    s1_vk_mapped_free(d, &s->tables);
    if (s->scratch)
        s1_vk_buffer_free(d, s->host, s->scratch);
    s1_vk_give_back(d->vk, s->host, s->lists, s->lists_size);
    s1_vk_give_back(d->vk, s->host, s, sizeof(*s));
}

/* ---- waiting ----------------------------------------------------------------------------------
 */

/* One that was found done may have been done long before. */
static void learn(s1_vk_stream *s, const s1_vk_slot *slot, bool was_waited_for)
{
    const s1_pace_piece piece = { slot->work, slot->submitted_ns, was_waited_for, !slot->is_vague };
    s1_pace_learn(&s->pace, &piece);
}

static int32_t wait_for(s1_vk_stream *s, s1_vk_slot *slot, bool asks, int64_t until_ns)
{
    const s1_vk_device *d = s->device;

    for (int64_t wait_ns = 0; slot->is_under_way; wait_ns = slice_ns) {
        VkResult result =
            d->vkWaitForFences(d->handle, 1, &slot->fence, VK_TRUE, (uint64_t)wait_ns);
        if (result == VK_SUCCESS) {
            slot->is_under_way = false;
            learn(s, slot, wait_ns > 0);
            return INS1_OK;
        }
        if (result != VK_TIMEOUT) {
            slot->is_under_way = false;
            return refused(s, result, "waiting for the device");
        }
        int32_t stop = asks ? s->api->stop_requested(s->host) : INS1_OK;
        if (stop)
            return stop;
        if (s1_pace_now_ns() >= until_ns)
            return INS1_E_DEADLINE;
    }
    return INS1_OK;
}

int32_t s1_vk_wait(s1_vk_stream *s, bool asks, int64_t timeout_ns)
{
    int64_t until = s1_pace_until_ns(timeout_ns);
    int32_t status = INS1_OK;

    /* The slot that comes next was sent off first. */
    for (int32_t i = 0; i < S1_VK_SLOTS && status == INS1_OK; i++)
        status = wait_for(s, &s->slots[(s->now + i) % S1_VK_SLOTS], asks, until);
    return status;
}

int32_t s1_vk_sync(void *stream, int64_t timeout_ns)
{
    s1_vk_stream *s = stream;
    int32_t status = s1_vk_submit(s);
    int32_t waited = s1_vk_wait(s, timeout_ns != INT64_MAX, timeout_ns);
    return status ? status : waited;
}

/* ---- recording --------------------------------------------------------------------------------
 */

static void order(const s1_vk_device *d, VkCommandBuffer buffer)
{
    const VkMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                         VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
    };
    const VkPipelineStageFlags stages =
        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
    d->vkCmdPipelineBarrier(buffer, stages, stages, 0, 1, &barrier, 0, NULL, 0, NULL);
}

int32_t s1_vk_slot_open(s1_vk_stream *s, s1_vk_slot **out)
{
    const s1_vk_device *d = s->device;
    s1_vk_slot *slot = &s->slots[s->now];
    const VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
    };

    *out = slot;
    if (slot->is_open)
        return INS1_OK;
    int32_t status = wait_for(s, slot, true, INT64_MAX);
    if (status == INS1_OK && s1_pace_is_slow(&s->pace))
        status = s1_vk_wait(s, true, INT64_MAX);
    if (status != INS1_OK)
        return status;
    VkResult result = d->vkResetCommandPool(d->handle, slot->commands, 0);
    if (result == VK_SUCCESS)
        result = d->vkResetDescriptorPool(d->handle, slot->sets, 0);
    if (result == VK_SUCCESS)
        result = d->vkBeginCommandBuffer(slot->buffer, &begin);
    if (result != VK_SUCCESS)
        return refused(s, result, "recording");
    slot->is_open = true;
    slot->is_vague = false;
    slot->n_dispatches = 0;
    slot->work = 0;
    slot->table_used = 0;
    order(d, slot->buffer);
    return INS1_OK;
}

int32_t s1_vk_submit(s1_vk_stream *s)
{
    s1_vk_device *d = s->device;
    s1_vk_slot *slot = &s->slots[s->now];
    const VkMemoryBarrier to_host = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_HOST_READ_BIT,
    };
    const VkSubmitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .commandBufferCount = 1,
        .pCommandBuffers = &slot->buffer,
    };

    if (!slot->is_open)
        return INS1_OK;
    d->vkCmdPipelineBarrier(slot->buffer,
                            VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
                            VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &to_host, 0, NULL, 0, NULL);
    slot->is_open = false;
    VkResult result = d->vkEndCommandBuffer(slot->buffer);
    if (result == VK_SUCCESS)
        result = d->vkResetFences(d->handle, 1, &slot->fence);
    slot->submitted_ns = s1_pace_now_ns();
    if (result == VK_SUCCESS) {
        pthread_mutex_lock(&d->queue_lock);
        result = d->vkQueueSubmit(d->queue, 1, &info, slot->fence);
        pthread_mutex_unlock(&d->queue_lock);
    }
    if (result != VK_SUCCESS)
        return refused(s, result, "submitting");
    slot->is_under_way = true;
    s->now = (s->now + 1) % S1_VK_SLOTS;
    return INS1_OK;
}

void s1_vk_abandon(s1_vk_stream *s)
{
    s1_vk_slot *slot = &s->slots[s->now];
    if (slot->is_open)
        s->device->vkEndCommandBuffer(slot->buffer);
    slot->is_open = false;
    s->listed.is_there = false;
}

int32_t s1_vk_barrier(s1_vk_stream *s)
{
    const s1_vk_slot *slot = &s->slots[s->now];
    if (slot->is_open && slot->n_dispatches)
        order(s->device, slot->buffer);
    return INS1_OK;
}

static int32_t bind(const s1_vk_stream *s, const s1_vk_slot *slot, const s1_vk_call *call)
{
    const s1_vk_device *d = s->device;
    VkDescriptorBufferInfo buffers[S1_VK_BINDINGS];
    VkWriteDescriptorSet write = {
        .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
        .descriptorCount = S1_VK_BINDINGS,
        .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
        .pBufferInfo = buffers,
    };
    const VkDescriptorSetAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = slot->sets,
        .descriptorSetCount = 1,
        .pSetLayouts = &d->set_layout,
    };

    for (int i = 0; i < S1_VK_BINDINGS; i++) {
        const s1_vk_use *use = call->use[i].buffer ? &call->use[i] : &call->use[0];
        buffers[i] = (VkDescriptorBufferInfo){ use->buffer, use->base, use->range };
    }
    VkResult result = d->vkAllocateDescriptorSets(d->handle, &info, &write.dstSet);
    if (result != VK_SUCCESS)
        return refused(s, result, "a descriptor set");
    d->vkUpdateDescriptorSets(d->handle, 1, &write, 0, NULL);
    d->vkCmdBindDescriptorSets(slot->buffer, VK_PIPELINE_BIND_POINT_COMPUTE, d->layout, 0, 1,
                               &write.dstSet, 0, NULL);
    return INS1_OK;
}

int32_t s1_vk_dispatch(s1_vk_stream *s, const s1_vk_call *call)
{
    s1_vk_device *d = s->device;
    s1_vk_slot *slot;
    VkPipeline pipeline;

    if (!call->groups[0] || !call->groups[1] || !call->groups[2])
        return INS1_OK;
    int32_t status = s->api->stop_requested(s->host);
    if (status == INS1_OK)
        status = s1_vk_pipeline_of(d, s->host, call->shader, call->constants, &pipeline);
    if (status == INS1_OK)
        status = s1_vk_slot_open(s, &slot);
    if (status == INS1_OK)
        status = bind(s, slot, call);
    if (status != INS1_OK)
        return status;
    d->vkCmdBindPipeline(slot->buffer, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    d->vkCmdPushConstants(slot->buffer, d->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, call->push_size,
                          call->push);
    d->vkCmdDispatch(slot->buffer, call->groups[0], call->groups[1], call->groups[2]);
    slot->n_dispatches++;
    slot->work += call->work;
    slot->is_vague = slot->is_vague || call->is_vague;
    if (slot->work >= s->pace.budget || slot->n_dispatches == S1_VK_DISPATCHES)
        status = s1_vk_submit(s);
    return status;
}

int32_t s1_vk_table(s1_vk_stream *s, uint64_t bytes, uint32_t **out, s1_vk_use *use)
{
    s1_vk_slot *slot;
    uint64_t size = (bytes + S1_VK_ALIGN - 1) / S1_VK_ALIGN * S1_VK_ALIGN;
    int32_t status = s1_vk_slot_open(s, &slot);

    if (status == INS1_OK && slot->table_used + size > TABLES) {
        status = s1_vk_submit(s);
        if (status == INS1_OK)
            status = s1_vk_slot_open(s, &slot);
    }
    if (status != INS1_OK)
        return status;
    if (size > TABLES)
        return INS1_E_UNSUPPORTED;
    use->buffer = s->tables.buffer;
    use->base = (uint64_t)s->now * TABLES + slot->table_used;
    use->range = size;
    *out = (uint32_t *)(void *)(s->tables.address + use->base);
    slot->table_used += size;
    return INS1_OK;
}

int32_t s1_vk_scratch(s1_vk_stream *s, uint64_t bytes)
{
    if (s->scratch && s->scratch->size >= bytes)
        return INS1_OK;
    int32_t status = s1_vk_submit(s);
    if (status == INS1_OK)
        status = s1_vk_wait(s, true, INT64_MAX);
    if (status != INS1_OK)
        return status;
    if (s->scratch)
        s1_vk_buffer_free(s->device, s->host, s->scratch);
    s->scratch = NULL;
    s->listed.is_there = false;
    return s1_vk_buffer_new(s->device, s->host, bytes, &s->scratch);
}
