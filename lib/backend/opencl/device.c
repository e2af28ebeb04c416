/* A device that is open: a context, and the kernels compiled for it. */

#include "backend/opencl/opencl.h"

#include <stdio.h>
#include <string.h>

#include "opencl_kernels.inc"

int32_t s1_cl_judge(const s1_cl *cl, void *host, cl_int result, const char *what)
{
    char text[256];

    if (result == CL_SUCCESS)
        return INS1_OK;
    bool is_memory = result == CL_MEM_OBJECT_ALLOCATION_FAILURE || result == CL_OUT_OF_RESOURCES ||
                     result == CL_OUT_OF_HOST_MEMORY;
    int32_t status = is_memory ? INS1_E_MEMORY : INS1_E_DEVICE;
    snprintf(text, sizeof(text), "%s gives %d%s", what, (int)result,
             is_memory ? ", out of memory" : "");
    cl->api->fail(host, status, result, text);
    return status;
}

enum { LOG_ROOM = 16 << 10 };

/* What the compiler said: all of it to the log, its beginning into the error. */
static int32_t tell_build_log(const s1_cl_device *d, cl_int result)
{
    const s1_cl *cl = d->cl;
    void *host = cl->api->host;
    char text[400];
    char *said = s1_cl_take(cl, host, LOG_ROOM);

    if (!said)
        return INS1_E_MEMORY;
    memset(said, 0, LOG_ROOM);
    cl->clGetProgramBuildInfo(d->program, d->entry->device, CL_PROGRAM_BUILD_LOG, LOG_ROOM - 1,
                              said, NULL);
    if (said[0])
        cl->api->log(host, INS1_LOG_ERROR, said);
    snprintf(text, sizeof(text), "compiling the kernels for '%s' gives %d: %.200s",
             d->entry->hardware, (int)result, said[0] ? said : "the driver does not say why");
    s1_cl_give_back(cl, host, said, LOG_ROOM);
    cl->api->fail(host, INS1_E_DEVICE, result, text);
    return INS1_E_DEVICE;
}

static int32_t build(s1_cl_device *d)
{
    enum { N = sizeof(sources) / sizeof(sources[0]) };
    const s1_cl *cl = d->cl;
    const char *texts[N];
    size_t sizes[N];
    cl_int result;

    for (int i = 0; i < N; i++) {
        texts[i] = (const char *)sources[i].text;
        sizes[i] = sources[i].size;
    }
    d->program = cl->clCreateProgramWithSource(d->context, N, texts, sizes, &result);
    if (result != CL_SUCCESS) {
        d->program = NULL;
        return s1_cl_judge(cl, cl->api->host, result, "making the program");
    }
    result = cl->clBuildProgram(d->program, 1, &d->entry->device, "-cl-std=CL1.2", NULL, NULL);
    if (result == CL_OUT_OF_HOST_MEMORY)
        return s1_cl_judge(cl, cl->api->host, result, "compiling the kernels");
    return result == CL_SUCCESS ? INS1_OK : tell_build_log(d, result);
}

int32_t s1_cl_device_open(s1_cl *cl, const s1_cl_entry *entry, s1_cl_device **out)
{
    const cl_context_properties properties[] = { CL_CONTEXT_PLATFORM,
                                                 (cl_context_properties)entry->platform, 0 };
    s1_cl_device *d = s1_cl_take(cl, cl->api->host, sizeof(*d));
    cl_int result;

    if (!d)
        return INS1_E_MEMORY;
    *d = (s1_cl_device){ .cl = cl, .entry = entry };
    d->context = cl->clCreateContext(properties, 1, &entry->device, NULL, NULL, &result);
    if (result != CL_SUCCESS)
        d->context = NULL;
    int32_t status = s1_cl_judge(cl, cl->api->host, result, "opening the device");
    if (status == INS1_OK)
        status = build(d);
    if (status == INS1_OK)
        *out = d;
    else
        s1_cl_device_close(d);
    return status;
}

void s1_cl_device_close(s1_cl_device *d)
{
    const s1_cl *cl = d->cl;

    if (d->program)
        cl->clReleaseProgram(d->program);
    if (d->context)
        cl->clReleaseContext(d->context);
    s1_cl_give_back(cl, cl->api->host, d, sizeof(*d));
}
