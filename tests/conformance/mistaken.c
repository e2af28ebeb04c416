/* The Vulkan plugin with a mistake in it, so that the silence of the validation layer is known to
 * mean something: barriers name the stage of transfers for what shaders write, which the driver of
 * these tests forgives. The plugin's own sources find the driver's calls through this file. */

#undef dlsym

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#include <dlfcn.h>
#include <string.h>

void *mistaken_dlsym(void *library, const char *name);

static PFN_vkGetInstanceProcAddr instance_call;
static PFN_vkGetDeviceProcAddr device_call;
static PFN_vkCmdPipelineBarrier barrier;

static VKAPI_ATTR void VKAPI_CALL wrong_barrier(
    VkCommandBuffer buffer, VkPipelineStageFlags before, VkPipelineStageFlags behind,
    VkDependencyFlags flags, uint32_t n, const VkMemoryBarrier *memory, uint32_t n_buffers,
    const VkBufferMemoryBarrier *buffers, uint32_t n_images, const VkImageMemoryBarrier *images)
{
    (void)before;
    barrier(buffer, VK_PIPELINE_STAGE_TRANSFER_BIT, behind, flags, n, memory, n_buffers, buffers,
            n_images, images);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL find_device_call(VkDevice device, const char *name)
{
    PFN_vkVoidFunction found = device_call(device, name);
    if (!found || strcmp(name, "vkCmdPipelineBarrier") != 0)
        return found;
    barrier = (PFN_vkCmdPipelineBarrier)found;
    return (PFN_vkVoidFunction)wrong_barrier;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL find_instance_call(VkInstance instance,
                                                                   const char *name)
{
    PFN_vkVoidFunction found = instance_call(instance, name);
    if (!found || strcmp(name, "vkGetDeviceProcAddr") != 0)
        return found;
    device_call = (PFN_vkGetDeviceProcAddr)found;
    return (PFN_vkVoidFunction)find_device_call;
}

void *mistaken_dlsym(void *library, const char *name)
{
    PFN_vkGetInstanceProcAddr mine = find_instance_call;
    void *symbol = dlsym(library, name);

    if (!symbol || strcmp(name, "vkGetInstanceProcAddr") != 0)
        return symbol;
    memcpy(&instance_call, &symbol, sizeof(symbol));
    memcpy(&symbol, &mine, sizeof(mine));
    return symbol;
}
