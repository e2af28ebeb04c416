/* A device that is open. */

#include "backend/vulkan/vulkan.h"

#include <stdio.h>
#include <string.h>

enum { FIRST_BLOCK = 4 << 20 };

int32_t s1_vk_refused(const s1_vk *vk, void *host, VkResult result, const char *what)
{
    bool is_memory = result == VK_ERROR_OUT_OF_HOST_MEMORY ||
                     result == VK_ERROR_OUT_OF_DEVICE_MEMORY ||
                     result == VK_ERROR_OUT_OF_POOL_MEMORY || result == VK_ERROR_TOO_MANY_OBJECTS;
    int32_t status = is_memory ? INS1_E_MEMORY : INS1_E_DEVICE;
    char text[128];

    snprintf(text, sizeof(text), "%s gives %d%s", what, (int)result,
             result == VK_ERROR_DEVICE_LOST ? ", the device is lost"
             : is_memory                    ? ", out of memory"
                                            : "");
    vk->api->fail(host, status, (int32_t)result, text);
    return status;
}

static bool find_calls(s1_vk_device *d)
{
    bool has_all = true;
#define FIND(name)                                                      \
    d->name = (PFN_##name)d->vk->vkGetDeviceProcAddr(d->handle, #name); \
    has_all = has_all && d->name;
    S1_VK_DEVICE_CALLS(FIND)
#undef FIND
    return has_all;
}

static VkResult create_handle(s1_vk_device *d)
{
    const float priority = 0.5f;
    const VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueFamilyIndex = d->entry->queue_family,
        .queueCount = 1,
        .pQueuePriorities = &priority,
    };
    VkPhysicalDevice16BitStorageFeatures halves = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES,
        .storageBuffer16BitAccess = VK_TRUE,
    };
    const VkDeviceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = d->entry->has_halves ? &halves : NULL,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
    };
    return d->vk->vkCreateDevice(d->entry->physical, &info, NULL, &d->handle);
}

/* All shaders have the same: some storage buffers, and as many constants as every device takes. */
static VkResult create_layouts(s1_vk_device *d)
{
    VkDescriptorSetLayoutBinding bindings[S1_VK_BINDINGS];
    for (uint32_t i = 0; i < S1_VK_BINDINGS; i++)
        bindings[i] = (VkDescriptorSetLayoutBinding){
            .binding = i,
            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .descriptorCount = 1,
            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        };
    const VkDescriptorSetLayoutCreateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = S1_VK_BINDINGS,
        .pBindings = bindings,
    };
    const VkPushConstantRange range = { VK_SHADER_STAGE_COMPUTE_BIT, 0, 128 };
    const VkPipelineLayoutCreateInfo layout = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1,
        .pSetLayouts = &d->set_layout,
        .pushConstantRangeCount = 1,
        .pPushConstantRanges = &range,
    };
    VkResult result = d->vkCreateDescriptorSetLayout(d->handle, &set, NULL, &d->set_layout);
    if (result == VK_SUCCESS)
        result = d->vkCreatePipelineLayout(d->handle, &layout, NULL, &d->layout);
    return result;
}

int32_t s1_vk_device_open(s1_vk *vk, const s1_vk_entry *entry, s1_vk_device **out)
{
    void *host = vk->api->host;
    s1_vk_device *d = s1_vk_take(vk, host, sizeof(*d));

    if (!d)
        return INS1_E_MEMORY;
    memset(d, 0, sizeof(*d));
    d->vk = vk;
    d->entry = entry;
    d->next_block = FIRST_BLOCK;
    /* Where little is seen at once, blocks are larger than that, so that views move inside them. */
    if (entry->way.most_range)
        d->next_block = 4 * entry->range;
    pthread_mutex_init(&d->queue_lock, NULL);
    pthread_mutex_init(&d->memory_lock, NULL);
    pthread_mutex_init(&d->pipeline_lock, NULL);

    VkPhysicalDeviceMemoryProperties2 memory = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2
    };
    vk->vkGetPhysicalDeviceMemoryProperties2(entry->physical, &memory);
    d->memory = memory.memoryProperties;

    VkResult result = create_handle(d);
    if (result == VK_SUCCESS && !find_calls(d))
        result = VK_ERROR_INITIALIZATION_FAILED;
    if (result == VK_SUCCESS) {
        d->vkGetDeviceQueue(d->handle, entry->queue_family, 0, &d->queue);
        result = create_layouts(d);
    }
    if (result == VK_SUCCESS) {
        *out = d;
        return INS1_OK;
    }
    int32_t status = s1_vk_refused(vk, host, result, "opening the device");
    s1_vk_device_close(d);
    return status;
}

void s1_vk_device_close(s1_vk_device *d)
{
    if (d->handle && d->vkDestroyDevice) {
        if (d->vkDeviceWaitIdle)
            d->vkDeviceWaitIdle(d->handle);
        s1_vk_pipelines_finish(d);
        s1_vk_blocks_finish(d);
        if (d->layout)
            d->vkDestroyPipelineLayout(d->handle, d->layout, NULL);
        if (d->set_layout)
            d->vkDestroyDescriptorSetLayout(d->handle, d->set_layout, NULL);
        d->vkDestroyDevice(d->handle, NULL);
    }
    pthread_mutex_destroy(&d->queue_lock);
    pthread_mutex_destroy(&d->memory_lock);
    pthread_mutex_destroy(&d->pipeline_lock);
    s1_vk_give_back(d->vk, d->vk->api->host, d, sizeof(*d));
}
