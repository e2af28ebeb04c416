/* The modules, and pipelines of them, made when they are first asked for. */

#include "backend/vulkan/vulkan.h"

#include <string.h>

#include "backend/vulkan/modules.inc"

typedef struct module {
    const uint32_t *code;
    size_t size;
} module;

#define MODULE(name)       \
    {                      \
        name, sizeof(name) \
    }

/* What is there of a shader: without anything, with 16-bit storage, with subgroups, with both. */
static const module modules[S1_VK_N_SHADERS][4] = {
    [S1_VK_ATTENTION] = { MODULE(attention_plain), MODULE(attention_halves) },
    [S1_VK_EXPERTS] = { MODULE(experts_plain) },
    [S1_VK_KV_PUT] = { MODULE(kv_put_plain), MODULE(kv_put_halves) },
    [S1_VK_MATMUL] = { MODULE(matmul_plain), MODULE(matmul_halves) },
    [S1_VK_MATVEC] = { MODULE(matvec_plain), MODULE(matvec_halves), MODULE(matvec_subgroups),
                       MODULE(matvec_both) },
    [S1_VK_MERGE] = { MODULE(merge_plain) },
    [S1_VK_NORM] = { MODULE(norm_plain), { NULL, 0 }, MODULE(norm_subgroups) },
    [S1_VK_ROPE] = { MODULE(rope_plain) },
    [S1_VK_ROUTE] = { MODULE(route_plain) },
    [S1_VK_ROWS] = { MODULE(rows_plain) },
};

static module module_of(const s1_vk_entry *entry, int32_t shader)
{
    const module *of = modules[shader];
    int halves = entry->has_halves ? 1 : 0, subgroups = entry->has_subgroups ? 2 : 0;

    if (of[halves | subgroups].code)
        return of[halves | subgroups];
    if (subgroups && of[subgroups].code)
        return of[subgroups];
    return halves && of[halves].code ? of[halves] : of[0];
}

struct s1_vk_pipeline {
    s1_vk_pipeline *next;
    int32_t shader;
    uint32_t constants[S1_VK_CONSTANTS];
    VkPipeline handle;
};

static VkResult make(const s1_vk_device *d, int32_t shader, const uint32_t *constants,
                     VkPipeline *out)
{
    module code = module_of(d->entry, shader);
    VkSpecializationMapEntry entries[S1_VK_CONSTANTS];
    for (uint32_t i = 0; i < S1_VK_CONSTANTS; i++)
        entries[i] = (VkSpecializationMapEntry){ i, 4 * i, 4 };
    const VkSpecializationInfo special = { S1_VK_CONSTANTS, entries,
                                           S1_VK_CONSTANTS * sizeof(*constants), constants };
    const VkShaderModuleCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = code.size,
        .pCode = code.code,
    };
    VkShaderModule made;

    VkResult result = d->vkCreateShaderModule(d->handle, &info, NULL, &made);
    if (result != VK_SUCCESS)
        return result;
    const VkComputePipelineCreateInfo pipeline = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = { .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                   .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                   .module = made,
                   .pName = "main",
                   .pSpecializationInfo = &special },
        .layout = d->layout,
    };
    result = d->vkCreateComputePipelines(d->handle, VK_NULL_HANDLE, 1, &pipeline, NULL, out);
    d->vkDestroyShaderModule(d->handle, made, NULL);
    return result;
}

static s1_vk_pipeline *find(const s1_vk_device *d, int32_t shader, const uint32_t *constants)
{
    s1_vk_pipeline *p = d->pipelines;
    while (p && (p->shader != shader || memcmp(p->constants, constants, sizeof(p->constants)) != 0))
        p = p->next;
    return p;
}

static int32_t add(s1_vk_device *d, void *host, int32_t shader, const uint32_t *constants,
                   s1_vk_pipeline **out)
{
    s1_vk_pipeline *p = s1_vk_take(d->vk, host, sizeof(*p));
    if (!p)
        return INS1_E_MEMORY;
    *p = (s1_vk_pipeline){ .next = d->pipelines, .shader = shader };
    memcpy(p->constants, constants, sizeof(p->constants));
    VkResult result = make(d, shader, constants, &p->handle);
    if (result != VK_SUCCESS) {
        s1_vk_give_back(d->vk, host, p, sizeof(*p));
        return s1_vk_refused(d->vk, host, result, "making a pipeline");
    }
    d->pipelines = p;
    *out = p;
    return INS1_OK;
}

int32_t s1_vk_pipeline_of(s1_vk_device *d, void *host, int32_t shader, const uint32_t *constants,
                          VkPipeline *out)
{
    int32_t status = INS1_OK;

    pthread_mutex_lock(&d->pipeline_lock);
    s1_vk_pipeline *p = find(d, shader, constants);
    if (!p)
        status = add(d, host, shader, constants, &p);
    if (status == INS1_OK)
        *out = p->handle;
    pthread_mutex_unlock(&d->pipeline_lock);
    return status;
}

void s1_vk_pipelines_finish(s1_vk_device *d)
{
    while (d->pipelines) {
        s1_vk_pipeline *p = d->pipelines;
        d->pipelines = p->next;
        d->vkDestroyPipeline(d->handle, p->handle, NULL);
        s1_vk_give_back(d->vk, d->vk->api->host, p, sizeof(*p));
    }
}
