#ifndef S1_BACKEND_VULKAN_VULKAN_H
#define S1_BACKEND_VULKAN_VULKAN_H

#include "backend/gpu/gpu.h"
#include "interns1/sys/backend.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

/* A backend on compute shaders of Vulkan 1.2. Needs nothing of the library but sys/backend.h. */

#define S1_VK_GLOBAL_CALLS(X)     \
    X(vkCreateInstance)           \
    X(vkEnumerateInstanceVersion) \
    X(vkEnumerateInstanceExtensionProperties)

#define S1_VK_INSTANCE_CALLS(X)                 \
    X(vkDestroyInstance)                        \
    X(vkEnumeratePhysicalDevices)               \
    X(vkEnumerateDeviceExtensionProperties)     \
    X(vkGetPhysicalDeviceProperties2)           \
    X(vkGetPhysicalDeviceFeatures2)             \
    X(vkGetPhysicalDeviceMemoryProperties2)     \
    X(vkGetPhysicalDeviceQueueFamilyProperties) \
    X(vkGetDeviceProcAddr)                      \
    X(vkCreateDevice)

#define S1_VK_DEVICE_CALLS(X)        \
    X(vkDestroyDevice)               \
    X(vkDeviceWaitIdle)              \
    X(vkGetDeviceQueue)              \
    X(vkAllocateMemory)              \
    X(vkFreeMemory)                  \
    X(vkMapMemory)                   \
    X(vkCreateBuffer)                \
    X(vkDestroyBuffer)               \
    X(vkBindBufferMemory)            \
    X(vkGetBufferMemoryRequirements) \
    X(vkCreateCommandPool)           \
    X(vkDestroyCommandPool)          \
    X(vkResetCommandPool)            \
    X(vkAllocateCommandBuffers)      \
    X(vkBeginCommandBuffer)          \
    X(vkEndCommandBuffer)            \
    X(vkCreateFence)                 \
    X(vkDestroyFence)                \
    X(vkResetFences)                 \
    X(vkWaitForFences)               \
    X(vkQueueSubmit)                 \
    X(vkCreateDescriptorSetLayout)   \
    X(vkDestroyDescriptorSetLayout)  \
    X(vkCreateDescriptorPool)        \
    X(vkDestroyDescriptorPool)       \
    X(vkResetDescriptorPool)         \
    X(vkAllocateDescriptorSets)      \
    X(vkUpdateDescriptorSets)        \
    X(vkCreatePipelineLayout)        \
    X(vkDestroyPipelineLayout)       \
    X(vkCreateShaderModule)          \
    X(vkDestroyShaderModule)         \
    X(vkCreateComputePipelines)      \
    X(vkDestroyPipeline)             \
    X(vkCmdBindPipeline)             \
    X(vkCmdBindDescriptorSets)       \
    X(vkCmdPushConstants)            \
    X(vkCmdDispatch)                 \
    X(vkCmdPipelineBarrier)          \
    X(vkCmdCopyBuffer)

#define S1_VK_MEMBER(name) PFN_##name name;

enum {
    S1_VK_MOST_DEVICES = 16,
    S1_VK_BINDINGS = 7,
    S1_VK_CONSTANTS = 6,
    S1_VK_SLOTS = 2,       /* submissions under way */
    S1_VK_DISPATCHES = 96, /* of a submission */
    S1_VK_ALIGN = 256,     /* of a buffer */
};

/* ---- devices ----------------------------------------------------------------------------------
 */

/* What of a device is used. A software device is listed once for each way, so that all are tested
 * where there is no other. */
typedef struct s1_vk_way {
    const char *name; /* NULL: as the device is */
    bool without_subgroups, without_halves;
    bool is_staged;      /* transfers as if the host did not see the memory */
    uint64_t most_range; /* 0: as the device is */
} s1_vk_way;

/* A physical device, or one way to use it. */
typedef struct s1_vk_entry {
    VkPhysicalDevice physical;
    s1_vk_way way;
    int32_t kind; /* INS1_DEVICE_* */
    char hardware[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE + 64];
    char level[2 * VK_MAX_DRIVER_NAME_SIZE];
    uint32_t queue_family;
    bool has_budget, has_halves, has_subgroups;
    uint64_t range, most_buffer, align;
    uint32_t most_groups, shared;
} s1_vk_entry;

typedef struct s1_vk {
    const ins1_host_api *api;
    void *library;
    VkInstance instance;
    VkDebugUtilsMessengerEXT messenger;
    PFN_vkGetInstanceProcAddr vkGetInstanceProcAddr;
    PFN_vkDestroyDebugUtilsMessengerEXT vkDestroyDebugUtilsMessengerEXT;
    S1_VK_GLOBAL_CALLS(S1_VK_MEMBER)
    S1_VK_INSTANCE_CALLS(S1_VK_MEMBER)
    int32_t n_entries;
    s1_vk_entry entries[S1_VK_MOST_DEVICES];
} s1_vk;

/* Loads the loader and lists what can be used; the reasons against go to the log. */
void s1_vk_open(s1_vk *vk);
void s1_vk_close(s1_vk *vk);
/* 0 where the driver does not say. */
void s1_vk_memory_of(const s1_vk *vk, const s1_vk_entry *entry, uint64_t *total, uint64_t *free);

typedef struct s1_vk_block s1_vk_block;
typedef struct s1_vk_pipeline s1_vk_pipeline;

typedef struct s1_vk_device {
    s1_vk *vk;
    const s1_vk_entry *entry;
    VkDevice handle;
    VkQueue queue;
    S1_VK_DEVICE_CALLS(S1_VK_MEMBER)
    VkPhysicalDeviceMemoryProperties memory;
    VkDescriptorSetLayout set_layout;
    VkPipelineLayout layout;
    pthread_mutex_t queue_lock, memory_lock, pipeline_lock;
    s1_vk_block *blocks;
    s1_vk_pipeline *pipelines;
    uint64_t next_block; /* bytes of the next one */
} s1_vk_device;

int32_t s1_vk_device_open(s1_vk *vk, const s1_vk_entry *entry, s1_vk_device **out);
void s1_vk_device_close(s1_vk_device *device);

/* What a call of the driver means: INS1_E_MEMORY or INS1_E_DEVICE, told to `host`. */
int32_t s1_vk_refused(const s1_vk *vk, void *host, VkResult result, const char *what);

static inline void *s1_vk_take(const s1_vk *vk, void *host, size_t size)
{
    return vk->api->alloc(host, size, 64, INS1_MEM_OBJECT);
}

static inline void s1_vk_give_back(const s1_vk *vk, void *host, void *memory, size_t size)
{
    if (memory)
        vk->api->free(host, memory, size, 64, INS1_MEM_OBJECT);
}

/* ---- memory -----------------------------------------------------------------------------------
 */

/* A piece of a block; its address is the id of a buffer. */
typedef struct s1_vk_buffer {
    s1_vk_block *block;
    uint64_t at, size;
    bool used;
    struct s1_vk_buffer *next; /* the piece behind it */
} s1_vk_buffer;

/* One allocation of the driver's. */
struct s1_vk_block {
    s1_vk_block *next;
    VkBuffer buffer;
    VkDeviceMemory memory;
    unsigned char *address; /* for the host; NULL where it has to be copied through others */
    uint64_t size, unused;
    s1_vk_buffer *pieces; /* all of it, in order */
};

int32_t s1_vk_buffer_new(s1_vk_device *device, void *host, uint64_t bytes, s1_vk_buffer **out);
void s1_vk_buffer_free(s1_vk_device *device, void *host, s1_vk_buffer *buffer);
void s1_vk_blocks_finish(s1_vk_device *device);

/* Memory that the host sees, for transfers and tables. */
typedef struct s1_vk_mapped {
    VkBuffer buffer;
    VkDeviceMemory memory;
    unsigned char *address;
    uint64_t size;
} s1_vk_mapped;

int32_t s1_vk_mapped_new(s1_vk_device *device, void *host, uint64_t size, s1_vk_mapped *out);
void s1_vk_mapped_free(s1_vk_device *device, s1_vk_mapped *mapped);

/* What a shader sees of a buffer: no more than the device lets it see at once. */
typedef struct s1_vk_use {
    VkBuffer buffer;
    uint64_t base, range;
} s1_vk_use;

/* A view that holds the elements [first, last] of a tensor, counted from its element 0 as they lie;
 * `at` is where element 0 would be in it, modulo 2^32. False: they are too far apart. */
bool s1_vk_see(const s1_vk_device *device, const ins1_tensor_desc *tensor, int64_t first,
               int64_t last, s1_vk_use *use, uint32_t *at);
/* The same of all of it. */
bool s1_vk_see_all(const s1_vk_device *device, const ins1_tensor_desc *tensor, s1_vk_use *use,
                   uint32_t *at);
static inline s1_vk_use s1_vk_use_of(const s1_vk_buffer *buffer)
{
    return (s1_vk_use){ buffer->block->buffer, buffer->at, buffer->size };
}

/* ---- streams ----------------------------------------------------------------------------------
 */

/* One submission: being recorded, or under way. */
typedef struct s1_vk_slot {
    VkCommandPool commands;
    VkCommandBuffer buffer;
    VkDescriptorPool sets;
    VkFence fence;
    bool is_open, is_under_way;
    bool is_vague; /* its work is an upper bound */
    int32_t n_dispatches;
    double work;
    int64_t submitted_ns;
    uint64_t table_used; /* bytes of its part of `tables` */
} s1_vk_slot;

/* What the lists of experts in the scratch were made of. */
typedef struct s1_vk_listed {
    uint64_t is_there;
    uint64_t tile;
    int64_t n_experts;
    ins1_tensor_desc ids;
} s1_vk_listed;

typedef struct s1_vk_stream {
    s1_vk_device *device;
    const ins1_host_api *api;
    void *host;
    s1_vk_slot slots[S1_VK_SLOTS];
    int32_t now; /* the slot that is recorded next */
    s1_pace pace;
    s1_vk_mapped staging, tables;
    s1_vk_buffer *scratch; /* lists of experts, parts of attention */
    s1_vk_listed listed;
    void *lists; /* groups of experts */
    size_t lists_size;
} s1_vk_stream;

int32_t s1_vk_stream_new(s1_vk_device *device, void *host, s1_vk_stream **out);
void s1_vk_stream_free(s1_vk_stream *stream);
int32_t s1_vk_write(void *stream, uint64_t id, uint64_t at, const void *src, uint64_t n);
int32_t s1_vk_read(void *stream, uint64_t id, uint64_t at, void *dst, uint64_t n);
int32_t s1_vk_copy(void *stream, uint64_t dst, uint64_t dst_at, uint64_t src, uint64_t src_at,
                   uint64_t n);
int32_t s1_vk_sync(void *stream, int64_t timeout_ns);
/* The slot that is recorded, opened when it is not yet. */
int32_t s1_vk_slot_open(s1_vk_stream *stream, s1_vk_slot **out);
/* Ends what is recorded and sends it off. */
int32_t s1_vk_submit(s1_vk_stream *stream);
/* Waits for everything; with `asks` not longer than the host wants. */
int32_t s1_vk_wait(s1_vk_stream *stream, bool asks, int64_t timeout_ns);
/* Forgets what is recorded and not sent off. */
void s1_vk_abandon(s1_vk_stream *stream);
/* What is recorded from here on sees what was recorded before. */
int32_t s1_vk_barrier(s1_vk_stream *stream);
/* At least `bytes` of memory for one operation; waits when it has to grow. */
int32_t s1_vk_scratch(s1_vk_stream *stream, uint64_t bytes);
/* `bytes` for the host to fill, for the next dispatch alone; `use` says where. */
int32_t s1_vk_table(s1_vk_stream *stream, uint64_t bytes, uint32_t **out, s1_vk_use *use);

/* ---- shaders ----------------------------------------------------------------------------------
 */

enum {
    S1_VK_ATTENTION,
    S1_VK_EXPERTS,
    S1_VK_KV_PUT,
    S1_VK_MATMUL,
    S1_VK_MATVEC,
    S1_VK_MERGE,
    S1_VK_NORM,
    S1_VK_ROPE,
    S1_VK_ROUTE,
    S1_VK_ROWS,
    S1_VK_N_SHADERS,
};

/* Types as shaders number them. */
enum {
    S1_VK_F32 = 0,
    S1_VK_F16 = 1,
    S1_VK_BF16 = 2,
    S1_VK_F8 = 3,
    S1_VK_U8 = 4,
    S1_VK_NONE = 5,
};

/* One dispatch. Bindings without a buffer see what the first one sees. */
typedef struct s1_vk_call {
    int32_t shader;
    uint32_t constants[S1_VK_CONSTANTS];
    s1_vk_use use[S1_VK_BINDINGS];
    const void *push;
    uint32_t push_size;
    uint32_t groups[3];
    double work; /* about how many multiplications */
    bool is_vague;
} s1_vk_call;

int32_t s1_vk_dispatch(s1_vk_stream *stream, const s1_vk_call *call);
/* Made when it is first asked for. */
int32_t s1_vk_pipeline_of(s1_vk_device *device, void *host, int32_t shader,
                          const uint32_t *constants, VkPipeline *out);
void s1_vk_pipelines_finish(s1_vk_device *device);

/* ---- operations -------------------------------------------------------------------------------
 */

uint32_t s1_vk_type(int32_t dtype);
int64_t s1_vk_size(int32_t dtype);
static inline int64_t s1_vk_ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

int32_t s1_vk_supports(void *context, const ins1_op *op);
int32_t s1_vk_run(void *stream, const ins1_op *ops, int32_t n);
int32_t s1_vk_matmul(s1_vk_stream *stream, const ins1_op *op);
int32_t s1_vk_matmul_experts(s1_vk_stream *stream, const ins1_op *op);
int32_t s1_vk_norm(s1_vk_stream *stream, const ins1_op *op);
int32_t s1_vk_rope(s1_vk_stream *stream, const ins1_op *op);
int32_t s1_vk_route(s1_vk_stream *stream, const ins1_op *op);
int32_t s1_vk_rows(s1_vk_stream *stream, const ins1_op *op);
int32_t s1_vk_kv_put(s1_vk_stream *stream, const ins1_op *op);
int32_t s1_vk_attention(s1_vk_stream *stream, const ins1_op *op);
int32_t s1_vk_self_attention(s1_vk_stream *stream, const ins1_op *op);
/* The widest head, and the most experts that ROUTE chooses from. */
bool s1_vk_head_fits(const s1_vk_device *device, int64_t width);
bool s1_vk_route_fits(const s1_vk_device *device, int64_t n_experts);

#endif
