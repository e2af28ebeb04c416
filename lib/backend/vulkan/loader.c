/* The loader, the instance, and what can be used of the devices behind them. */

#include "backend/vulkan/vulkan.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static void say(const s1_vk *vk, int32_t level, const char *text)
{
    vk->api->log(vk->api->host, level, text);
}

/* What the validation layer says, where the program asked for it. */
static VKAPI_ATTR VkBool32 VKAPI_CALL pass_on(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                              VkDebugUtilsMessageTypeFlagsEXT types,
                                              const VkDebugUtilsMessengerCallbackDataEXT *data,
                                              void *user)
{
    bool is_error = severity & VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
    (void)types;
    say(user, is_error ? INS1_LOG_ERROR : INS1_LOG_WARN, data->pMessage);
    return VK_FALSE;
}

static bool find_global_calls(s1_vk *vk)
{
    void *symbol = dlsym(vk->library, "vkGetInstanceProcAddr");
    memcpy(&vk->vkGetInstanceProcAddr, &symbol, sizeof(symbol));
    if (!symbol)
        return false;
#define FIND(name) vk->name = (PFN_##name)vk->vkGetInstanceProcAddr(NULL, #name);
    S1_VK_GLOBAL_CALLS(FIND)
#undef FIND
    return vk->vkCreateInstance && vk->vkEnumerateInstanceVersion &&
           vk->vkEnumerateInstanceExtensionProperties;
}

static bool find_instance_calls(s1_vk *vk)
{
    bool has_all = true;
#define FIND(name)                                                         \
    vk->name = (PFN_##name)vk->vkGetInstanceProcAddr(vk->instance, #name); \
    has_all = has_all && vk->name;
    S1_VK_INSTANCE_CALLS(FIND)
#undef FIND
    return has_all;
}

enum { MOST_EXTENSIONS = 512 };

static bool is_among(const VkExtensionProperties *all, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(all[i].extensionName, name) == 0)
            return true;
    return false;
}

/* False also when there is no memory to look: nothing depends on it. */
static bool has_extension(const s1_vk *vk, VkPhysicalDevice physical, const char *name)
{
    uint32_t n = MOST_EXTENSIONS;
    VkExtensionProperties *all = s1_vk_take(vk, vk->api->host, n * sizeof(*all));
    if (!all)
        return false;
    VkResult result = physical ? vk->vkEnumerateDeviceExtensionProperties(physical, NULL, &n, all)
                               : vk->vkEnumerateInstanceExtensionProperties(NULL, &n, all);
    bool found = result >= 0 && is_among(all, n, name);
    s1_vk_give_back(vk, vk->api->host, all, MOST_EXTENSIONS * sizeof(*all));
    return found;
}

static void listen(s1_vk *vk)
{
    const VkDebugUtilsMessengerCreateInfoEXT info = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                           VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = pass_on,
        .pUserData = vk,
    };
    PFN_vkCreateDebugUtilsMessengerEXT create =
        (PFN_vkCreateDebugUtilsMessengerEXT)vk->vkGetInstanceProcAddr(
            vk->instance, "vkCreateDebugUtilsMessengerEXT");
    vk->vkDestroyDebugUtilsMessengerEXT =
        (PFN_vkDestroyDebugUtilsMessengerEXT)vk->vkGetInstanceProcAddr(
            vk->instance, "vkDestroyDebugUtilsMessengerEXT");
    if (create && vk->vkDestroyDebugUtilsMessengerEXT)
        create(vk->instance, &info, NULL, &vk->messenger);
}

static bool create_instance(s1_vk *vk)
{
    const char *debug = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
    const VkApplicationInfo application = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .pEngineName = "interns1",
        .apiVersion = VK_API_VERSION_1_2,
    };
    VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pApplicationInfo = &application,
        .ppEnabledExtensionNames = &debug,
        .enabledExtensionCount = has_extension(vk, NULL, debug),
    };
    char text[96];
    uint32_t version = 0;

    if (vk->vkEnumerateInstanceVersion(&version) != VK_SUCCESS || version < VK_API_VERSION_1_2) {
        say(vk, INS1_LOG_WARN, "no device: the Vulkan loader is older than 1.2");
        return false;
    }
    VkResult result = vk->vkCreateInstance(&info, NULL, &vk->instance);
    if (result != VK_SUCCESS) {
        snprintf(text, sizeof(text), "no device: vkCreateInstance gives %d", (int)result);
        say(vk, INS1_LOG_WARN, text);
        return false;
    }
    if (!find_instance_calls(vk)) {
        say(vk, INS1_LOG_WARN, "no device: the Vulkan loader lacks calls of version 1.2");
        return false;
    }
    if (info.enabledExtensionCount)
        listen(vk);
    return true;
}

/* ---- physical devices -------------------------------------------------------------------------
 */

static int32_t kind_of(VkPhysicalDeviceType type)
{
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
        return INS1_DEVICE_GPU;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
        return INS1_DEVICE_IGPU;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
        return INS1_DEVICE_SOFTGPU;
    default:
        return INS1_DEVICE_ACCELERATOR;
    }
}

static bool find_queue(const s1_vk *vk, s1_vk_entry *entry)
{
    VkQueueFamilyProperties families[32];
    uint32_t n = 32;

    vk->vkGetPhysicalDeviceQueueFamilyProperties(entry->physical, &n, families);
    for (uint32_t i = 0; i < n; i++) {
        if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) {
            entry->queue_family = i;
            return true;
        }
    }
    return false;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void read_limits(s1_vk_entry *entry, const VkPhysicalDeviceLimits *limits,
                        uint64_t most_allocation)
{
    entry->range = limits->maxStorageBufferRange;
    entry->most_buffer = most_allocation;
    entry->align = limits->minStorageBufferOffsetAlignment;
    entry->shared = limits->maxComputeSharedMemorySize;
    entry->most_groups = limits->maxComputeWorkGroupCount[0];
    for (int i = 1; i < 3; i++)
        if (limits->maxComputeWorkGroupCount[i] < entry->most_groups)
            entry->most_groups = limits->maxComputeWorkGroupCount[i];
}

/* Why the device is of no use, or NULL. */
static const char *wrong_with(const VkPhysicalDeviceProperties *p)
{
    if (p->apiVersion < VK_API_VERSION_1_2)
        return "its driver is older than Vulkan 1.2";
    if (p->limits.maxPerStageDescriptorStorageBuffers < S1_VK_BINDINGS)
        return "a shader sees too few buffers";
    if (p->limits.maxComputeWorkGroupInvocations < 64 || p->limits.maxComputeWorkGroupSize[0] < 64)
        return "its work groups are too small";
    if (p->limits.maxPushConstantsSize < 128 ||
        p->limits.minStorageBufferOffsetAlignment > S1_VK_ALIGN)
        return "its limits are below those of Vulkan";
    return NULL;
}

static bool look_at(s1_vk *vk, s1_vk_entry *entry)
{
    VkPhysicalDeviceSubgroupProperties subgroups = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES
    };
    VkPhysicalDeviceDriverProperties driver = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES, .pNext = &subgroups
    };
    VkPhysicalDeviceMaintenance3Properties sizes = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES, .pNext = &driver
    };
    VkPhysicalDeviceProperties2 p = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                      .pNext = &sizes };
    VkPhysicalDevice16BitStorageFeatures halves = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES
    };
    VkPhysicalDeviceFeatures2 features = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                           .pNext = &halves };
    const VkSubgroupFeatureFlags needed =
        VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_ARITHMETIC_BIT;
    char text[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE + 160];

    vk->vkGetPhysicalDeviceProperties2(entry->physical, &p);
    vk->vkGetPhysicalDeviceFeatures2(entry->physical, &features);
    snprintf(entry->hardware, sizeof(entry->hardware), "%s", p.properties.deviceName);
    snprintf(entry->level, sizeof(entry->level), "%s %s", driver.driverName, driver.driverInfo);
    entry->kind = kind_of(p.properties.deviceType);
    entry->has_halves = halves.storageBuffer16BitAccess;
    entry->has_subgroups = (subgroups.supportedOperations & needed) == needed &&
                           (subgroups.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT);
    read_limits(entry, &p.properties.limits, sizes.maxMemoryAllocationSize);
    entry->has_budget = has_extension(vk, entry->physical, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);

    const char *wrong = wrong_with(&p.properties);
    if (!wrong && !find_queue(vk, entry))
        wrong = "it has no queue for compute";
    if (!wrong)
        return true;
    snprintf(text, sizeof(text), "'%s' cannot be used: %s", entry->hardware, wrong);
    say(vk, INS1_LOG_INFO, text);
    return false;
}

/* The first is the device as it is. */
static const s1_vk_way ways[] = {
    { .name = NULL },
    { .name = "without subgroups, staged", .without_subgroups = true, .is_staged = true },
    { .name = "without 16-bit storage", .without_halves = true },
    { .name = "plain, 256 KiB at once",
      .without_subgroups = true,
      .without_halves = true,
      .most_range = 256 << 10 },
};

static void add_ways(s1_vk *vk, const s1_vk_entry *like)
{
    size_t n = like->kind == INS1_DEVICE_SOFTGPU ? sizeof(ways) / sizeof(ways[0]) : 1;

    for (size_t i = 0; i < n && vk->n_entries < S1_VK_MOST_DEVICES; i++) {
        s1_vk_entry *entry = &vk->entries[vk->n_entries++];
        *entry = *like;
        entry->way = ways[i];
        if (!ways[i].name)
            continue;
        size_t length = strlen(entry->hardware);
        snprintf(entry->hardware + length, sizeof(entry->hardware) - length, ", %s", ways[i].name);
        entry->has_halves = entry->has_halves && !ways[i].without_halves;
        entry->has_subgroups = entry->has_subgroups && !ways[i].without_subgroups;
        if (ways[i].most_range)
            entry->range = least(entry->range, ways[i].most_range);
    }
}

static void list_devices(s1_vk *vk)
{
    VkPhysicalDevice physical[S1_VK_MOST_DEVICES];
    uint32_t n = S1_VK_MOST_DEVICES;
    VkResult result = vk->vkEnumeratePhysicalDevices(vk->instance, &n, physical);

    for (uint32_t i = 0; result >= 0 && i < n; i++) {
        s1_vk_entry entry = { .physical = physical[i] };
        if (look_at(vk, &entry))
            add_ways(vk, &entry);
    }
    if (!vk->n_entries)
        say(vk, INS1_LOG_WARN, "no device: no driver for Vulkan 1.2 is installed");
}

void s1_vk_memory_of(const s1_vk *vk, const s1_vk_entry *entry, uint64_t *total, uint64_t *free)
{
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT
    };
    VkPhysicalDeviceMemoryProperties2 memory = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2,
        .pNext = entry->has_budget ? &budget : NULL,
    };

    *total = *free = 0;
    vk->vkGetPhysicalDeviceMemoryProperties2(entry->physical, &memory);
    for (uint32_t i = 0; i < memory.memoryProperties.memoryHeapCount; i++) {
        const VkMemoryHeap *heap = &memory.memoryProperties.memoryHeaps[i];
        if (!(heap->flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT))
            continue;
        *total += heap->size;
        if (entry->has_budget && budget.heapBudget[i] > budget.heapUsage[i])
            *free += budget.heapBudget[i] - budget.heapUsage[i];
    }
}

void s1_vk_open(s1_vk *vk)
{
    vk->library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!vk->library) {
        say(vk, INS1_LOG_WARN, "no device: there is no libvulkan.so.1");
        return;
    }
    if (!find_global_calls(vk))
        say(vk, INS1_LOG_WARN, "no device: libvulkan.so.1 is older than Vulkan 1.1");
    else if (create_instance(vk))
        list_devices(vk);
}

void s1_vk_close(s1_vk *vk)
{
    if (vk->messenger)
        vk->vkDestroyDebugUtilsMessengerEXT(vk->instance, vk->messenger, NULL);
    if (vk->instance && vk->vkDestroyInstance)
        vk->vkDestroyInstance(vk->instance, NULL);
    if (vk->library)
        dlclose(vk->library);
}
