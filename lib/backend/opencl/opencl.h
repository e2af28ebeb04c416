#ifndef S1_BACKEND_OPENCL_OPENCL_H
#define S1_BACKEND_OPENCL_OPENCL_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include "backend/gpu/gpu.h"
#include "backend/opencl/kernels.h"

#include "interns1/sys/backend.h"

#include <stdbool.h>
#include <stddef.h>

/* A backend on OpenCL 1.2, whose loader is opened where the plugin is loaded. Needs nothing of the
 * library but sys/backend.h. The id of a buffer is its cl_mem. */

#define S1_CL_CALLS(X)             \
    X(clGetPlatformIDs)            \
    X(clGetPlatformInfo)           \
    X(clGetDeviceIDs)              \
    X(clGetDeviceInfo)             \
    X(clCreateContext)             \
    X(clReleaseContext)            \
    X(clCreateCommandQueue)        \
    X(clReleaseCommandQueue)       \
    X(clCreateBuffer)              \
    X(clReleaseMemObject)          \
    X(clCreateProgramWithSource)   \
    X(clBuildProgram)              \
    X(clGetProgramBuildInfo)       \
    X(clReleaseProgram)            \
    X(clCreateKernel)              \
    X(clReleaseKernel)             \
    X(clSetKernelArg)              \
    X(clEnqueueNDRangeKernel)      \
    X(clEnqueueWriteBuffer)        \
    X(clEnqueueReadBuffer)         \
    X(clEnqueueCopyBuffer)         \
    X(clEnqueueMarkerWithWaitList) \
    X(clGetEventInfo)              \
    X(clReleaseEvent)              \
    X(clFlush)                     \
    X(clFinish)

enum {
    S1_CL_MOST_PLATFORMS = 16,
    S1_CL_MOST_DEVICES = 16,
    S1_CL_PIECES = 2,       /* under way: see stream.c */
    S1_CL_TABLES = 4 << 20, /* bytes of tables that one stream has on the device */
    S1_CL_MOST_BUFFERS = 8, /* of a kernel */
    S1_CL_MOST_LOCALS = 3,
};

/* ---- devices ----------------------------------------------------------------------------------
 */

typedef struct s1_cl_entry {
    cl_platform_id platform;
    cl_device_id device;
    int32_t kind; /* INS1_DEVICE_* */
    cl_uint units;
    cl_ulong memory, most_buffer, local;
    char hardware[160];
    char level[160];
} s1_cl_entry;

typedef struct s1_cl {
    const ins1_host_api *api;
    void *library;
#define S1_CL_MEMBER(name) __typeof__(&(name)) name;
    S1_CL_CALLS(S1_CL_MEMBER)
#undef S1_CL_MEMBER
    int32_t n_entries;
    s1_cl_entry entries[S1_CL_MOST_DEVICES];
} s1_cl;

/* Opens the loader and lists what can be used; the reasons against go to the log. */
void s1_cl_open(s1_cl *cl);
void s1_cl_close(s1_cl *cl);

typedef struct s1_cl_device {
    s1_cl *cl;
    const s1_cl_entry *entry;
    cl_context context;
    cl_program program;
} s1_cl_device;

int32_t s1_cl_device_open(s1_cl *cl, const s1_cl_entry *entry, s1_cl_device **out);
void s1_cl_device_close(s1_cl_device *device);

/* What an answer of the driver means: INS1_OK, INS1_E_MEMORY or INS1_E_DEVICE, told to `host`. */
int32_t s1_cl_judge(const s1_cl *cl, void *host, cl_int result, const char *what);

static inline void *s1_cl_take(const s1_cl *cl, void *host, size_t size)
{
    return cl->api->alloc(host, size, 64, INS1_MEM_OBJECT);
}

static inline void s1_cl_give_back(const s1_cl *cl, void *host, void *memory, size_t size)
{
    if (memory)
        cl->api->free(host, memory, size, 64, INS1_MEM_OBJECT);
}

/* ---- streams ----------------------------------------------------------------------------------
 */

enum {
    S1_CL_MATVEC_1,
    S1_CL_MATVEC_4,
    S1_CL_TILED,
    S1_CL_SORT_EXPERTS,
    S1_CL_NORM,
    S1_CL_ROPE,
    S1_CL_ROUTE,
    S1_CL_ROWS,
    S1_CL_KV_PUT,
    S1_CL_ATTENTION,
    S1_CL_ATTENTION_MERGE,
    S1_CL_N_KERNELS,
};

/* Work that ends with an event. */
typedef struct s1_cl_work {
    cl_event done;    /* NULL: not under way */
    int32_t launches; /* since it was begun; 0: nothing is in it */
    double amount;    /* about how many multiplications */
    int64_t begun_ns;
} s1_cl_work;

typedef struct s1_cl_stream {
    s1_cl_device *device;
    const s1_cl *cl;
    void *host;
    cl_command_queue queue;             /* in order */
    cl_kernel kernels[S1_CL_N_KERNELS]; /* of its own: their arguments are set by one thread */
    s1_cl_work work[S1_CL_PIECES];
    int32_t now; /* the piece that is being queued */
    s1_pace pace;
    s1_tables tables;
    cl_mem device_tables;
    cl_mem scratch;
    size_t scratch_size;
} s1_cl_stream;

int32_t s1_cl_stream_new(s1_cl_device *device, void *host, s1_cl_stream **out);
void s1_cl_stream_free(s1_cl_stream *stream);
int32_t s1_cl_write(void *stream, uint64_t id, uint64_t at, const void *src, uint64_t n);
int32_t s1_cl_read(void *stream, uint64_t id, uint64_t at, void *dst, uint64_t n);
int32_t s1_cl_copy(void *stream, uint64_t dst, uint64_t dst_at, uint64_t src, uint64_t src_at,
                   uint64_t n);
int32_t s1_cl_sync(void *stream, int64_t timeout_ns);

/* One kernel over groups of S1_CL_ITEMS. Its arguments are the structure, which begins with `first`
 * and is filled in there, the buffers, and as many bytes of local memory as `local` says. */
typedef struct s1_cl_launch {
    int32_t kernel; /* S1_CL_MATVEC_1, ... */
    void *argument;
    size_t argument_size;
    int32_t n_buffers, n_locals;
    cl_mem buffers[S1_CL_MOST_BUFFERS]; /* NULL: of something absent */
    size_t local[S1_CL_MOST_LOCALS];
    int64_t x, y, z; /* groups; none: nothing is done */
    double amount;   /* of all of it */
} s1_cl_launch;

int32_t s1_cl_queue(s1_cl_stream *stream, const s1_cl_launch *launch);
/* `bytes` for the host to fill before the next call; at most S1_CL_TABLES. */
int32_t s1_cl_table(s1_cl_stream *stream, size_t bytes, void **out);
/* Where in `device_tables` kernels find what was filled in, which is sent when it is not there yet.
 */
int32_t s1_cl_send_table(s1_cl_stream *stream, size_t bytes, int64_t *out);
/* At least `bytes` of memory for one operation; waits when it has to grow. */
int32_t s1_cl_scratch(s1_cl_stream *stream, size_t bytes);

/* ---- operations -------------------------------------------------------------------------------
 */

int32_t s1_cl_type(int32_t dtype);
/* NULL: absent. */
static inline cl_mem s1_cl_buffer(const ins1_tensor_desc *tensor)
{
    return tensor->dtype ? (cl_mem)(uintptr_t)tensor->buffer : NULL;
}
static inline int64_t s1_cl_ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

int32_t s1_cl_supports(void *context, const ins1_op *op);
int32_t s1_cl_run(void *stream, const ins1_op *ops, int32_t n);
int32_t s1_cl_matmul(s1_cl_stream *stream, const ins1_op *op);
int32_t s1_cl_matmul_experts(s1_cl_stream *stream, const ins1_op *op);
int32_t s1_cl_norm_op(s1_cl_stream *stream, const ins1_op *op);
int32_t s1_cl_rope_op(s1_cl_stream *stream, const ins1_op *op);
int32_t s1_cl_route_op(s1_cl_stream *stream, const ins1_op *op);
int32_t s1_cl_rows_op(s1_cl_stream *stream, const ins1_op *op);
int32_t s1_cl_kv_put_op(s1_cl_stream *stream, const ins1_op *op);
int32_t s1_cl_attention_op(s1_cl_stream *stream, const ins1_op *op);
int32_t s1_cl_self_attention_op(s1_cl_stream *stream, const ins1_op *op);
/* Whether local memory has room for heads of that width. */
bool s1_cl_head_fits(const s1_cl_device *device, int64_t width);

#endif
