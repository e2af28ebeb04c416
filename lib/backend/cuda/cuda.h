#ifndef S1_BACKEND_CUDA_CUDA_H
#define S1_BACKEND_CUDA_CUDA_H

#include "backend/cuda/driver.h"
#include "backend/cuda/kernels.h"
#include "backend/gpu/gpu.h"

#include "interns1/sys/backend.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* A backend on NVIDIA's driver, which is opened where the plugin is loaded. Needs nothing of the
 * library but sys/backend.h, and links nothing of CUDA's. The id of a buffer is its address on the
 * device. */

enum {
    S1_CUDA_MOST_DEVICES = 16,
    S1_CUDA_PIECES = 2,           /* under way: see stream.c */
    S1_CUDA_STAGE = 1 << 20,      /* bytes of one half of the memory for transfers */
    S1_CUDA_TABLES = 4 << 20,     /* bytes of tables on the device */
    S1_CUDA_MOST_ALONG_Y = 65535, /* blocks of a grid */
};

/* The kernels of all architectures, and the version of CUDA that made them. */
extern const unsigned char s1_cuda_image[];
extern const int s1_cuda_image_version;

/* ---- devices ----------------------------------------------------------------------------------
 */

typedef struct s1_cuda_entry {
    CUdevice device;
    int32_t kind; /* INS1_DEVICE_* */
    int major, minor, processors;
    size_t memory;
    char hardware[160];
    char level[64];
} s1_cuda_entry;

typedef struct s1_cuda {
    const ins1_host_api *api;
    void *library;
    s1_cuda_driver driver;
    int32_t n_entries;
    s1_cuda_entry entries[S1_CUDA_MOST_DEVICES];
} s1_cuda;

/* Opens the driver and lists what can be used; the reasons against go to the log. */
void s1_cuda_open(s1_cuda *cuda);
void s1_cuda_close(s1_cuda *cuda);

typedef struct s1_cuda_device {
    s1_cuda *cuda;
    const s1_cuda_driver *driver;
    const s1_cuda_entry *entry;
    CUcontext context;
    CUmodule module;
    CUfunction kernels[S1_CUDA_N_KERNELS];
} s1_cuda_device;

int32_t s1_cuda_device_open(s1_cuda *cuda, const s1_cuda_entry *entry, s1_cuda_device **out);
void s1_cuda_device_close(s1_cuda_device *device);
/* Every call of the driver stands between these two; what fails does so alone. */
int32_t s1_cuda_enter(const s1_cuda_device *device, void *host);
void s1_cuda_leave(const s1_cuda_device *device);

/* What an answer of the driver means: INS1_OK, INS1_E_MEMORY or INS1_E_DEVICE, told to `host`. */
int32_t s1_cuda_judge(const s1_cuda *cuda, void *host, CUresult result, const char *what);

static inline void *s1_cuda_take(const s1_cuda *cuda, void *host, size_t size)
{
    return cuda->api->alloc(host, size, 64, INS1_MEM_OBJECT);
}

static inline void s1_cuda_give_back(const s1_cuda *cuda, void *host, void *memory, size_t size)
{
    if (memory)
        cuda->api->free(host, memory, size, 64, INS1_MEM_OBJECT);
}

/* ---- streams ----------------------------------------------------------------------------------
 */

/* Work that ends with an event. */
typedef struct s1_cuda_work {
    CUevent done;
    bool is_under_way;
    int32_t launches; /* since it was begun; 0: nothing is in it */
    double amount;    /* about how many multiplications */
    int64_t begun_ns;
} s1_cuda_work;

/* One half of the memory that transfers go through. */
typedef struct s1_cuda_half {
    CUevent done;
    bool is_under_way;
    unsigned char *address; /* the host's */
    size_t used;
} s1_cuda_half;

typedef struct s1_cuda_stream {
    s1_cuda_device *device;
    const s1_cuda_driver *driver;
    void *host;
    CUstream handle;
    s1_cuda_work work[S1_CUDA_PIECES];
    int32_t now; /* the piece that is being queued */
    s1_pace pace;
    s1_cuda_half halves[2];
    int32_t half; /* which of them is in use */
    s1_tables tables;
    CUdeviceptr device_tables;
    CUdeviceptr scratch;
    size_t scratch_size;
} s1_cuda_stream;

int32_t s1_cuda_stream_new(s1_cuda_device *device, void *host, s1_cuda_stream **out);
void s1_cuda_stream_free(s1_cuda_stream *stream);
int32_t s1_cuda_write(void *stream, uint64_t id, uint64_t at, const void *src, uint64_t n);
int32_t s1_cuda_read(void *stream, uint64_t id, uint64_t at, void *dst, uint64_t n);
int32_t s1_cuda_copy(void *stream, uint64_t dst, uint64_t dst_at, uint64_t src, uint64_t src_at,
                     uint64_t n);
int32_t s1_cuda_sync(void *stream, int64_t timeout_ns);

/* One grid. Its argument begins with an s1_cuda_piece, which is filled in. */
typedef struct s1_cuda_launch {
    int32_t kernel; /* S1_CUDA_* of kernels.h */
    void *argument;
    int64_t x, y, z; /* blocks; none: nothing is done */
    double amount;   /* of all of it */
} s1_cuda_launch;

int32_t s1_cuda_queue(s1_cuda_stream *stream, const s1_cuda_launch *launch);
/* Before something is queued, and after: it is in the piece. */
int32_t s1_cuda_begin_piece(s1_cuda_stream *stream);
int32_t s1_cuda_count(s1_cuda_stream *stream, double amount);
/* Waits for an event, or for everything that was queued; with `asks` not longer than the host
 * wants.
 */
int32_t s1_cuda_wait_for(const s1_cuda_stream *stream, CUevent event, bool asks, int64_t until_ns);
int32_t s1_cuda_settle(s1_cuda_stream *stream, bool asks, int64_t timeout_ns);
/* `bytes` for the host to fill before the next call; at most S1_CUDA_TABLES. */
int32_t s1_cuda_table(s1_cuda_stream *stream, size_t bytes, void **out);
/* Where kernels find what was filled in, which is sent when it is not there yet. */
int32_t s1_cuda_send_table(s1_cuda_stream *stream, size_t bytes, CUdeviceptr *out);
/* At least `bytes` of memory for one operation; waits when it has to grow. */
int32_t s1_cuda_scratch(s1_cuda_stream *stream, size_t bytes);

/* ---- operations -------------------------------------------------------------------------------
 */

int32_t s1_cuda_type(int32_t dtype);
/* Where element 0 lies; NULL: absent. */
void *s1_cuda_address(const ins1_tensor_desc *tensor);
static inline int64_t s1_cuda_ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

int32_t s1_cuda_supports(void *context, const ins1_op *op);
int32_t s1_cuda_run(void *stream, const ins1_op *ops, int32_t n);
int32_t s1_cuda_matmul(s1_cuda_stream *stream, const ins1_op *op);
int32_t s1_cuda_matmul_experts(s1_cuda_stream *stream, const ins1_op *op);
int32_t s1_cuda_norm_op(s1_cuda_stream *stream, const ins1_op *op);
int32_t s1_cuda_rope_op(s1_cuda_stream *stream, const ins1_op *op);
int32_t s1_cuda_route_op(s1_cuda_stream *stream, const ins1_op *op);
int32_t s1_cuda_rows_op(s1_cuda_stream *stream, const ins1_op *op);
int32_t s1_cuda_kv_put_op(s1_cuda_stream *stream, const ins1_op *op);
int32_t s1_cuda_attention_op(s1_cuda_stream *stream, const ins1_op *op);
int32_t s1_cuda_self_attention_op(s1_cuda_stream *stream, const ins1_op *op);

#endif
