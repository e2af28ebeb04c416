/* Between the host's memory and the device's, through two halves of page-locked memory. */

#include "backend/cuda/cuda.h"

#include <string.h>

enum { ALIGN = 256 };

static int32_t judge(const s1_cuda_stream *s, CUresult result, const char *what)
{
    return s1_cuda_judge(s->device->cuda, s->host, result, what);
}

/* Some bytes of the half in use; of the other one when that is full, once it is free. */
static int32_t reserve(s1_cuda_stream *s, size_t bytes, s1_cuda_half **out, size_t *at)
{
    size_t size = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    s1_cuda_half *half = &s->halves[s->half];

    if (half->used + size > S1_CUDA_STAGE) {
        CUresult result = s->driver->cuEventRecord(half->done, s->handle);
        if (result != S1_CU_SUCCESS)
            return judge(s, result, "recording an event");
        half->is_under_way = true;
        s->half = 1 - s->half;
        half = &s->halves[s->half];
        if (half->is_under_way) {
            int32_t status = s1_cuda_wait_for(s, half->done, true, INT64_MAX);
            if (status != INS1_OK)
                return status;
        }
        half->is_under_way = false;
        half->used = 0;
    }
    *out = half;
    *at = half->used;
    half->used += size;
    return INS1_OK;
}

static size_t next_part(uint64_t left)
{
    return left < S1_CUDA_STAGE ? (size_t)left : S1_CUDA_STAGE;
}

/* Through memory of ours: what the caller's is, and so when the driver has read it, is not known.
 */
static int32_t send(s1_cuda_stream *s, CUdeviceptr to, const unsigned char *from, uint64_t n)
{
    for (size_t part; n > 0; n -= part, from += part, to += part) {
        s1_cuda_half *half = NULL;
        size_t at = 0;
        part = next_part(n);
        int32_t status = reserve(s, part, &half, &at);
        if (status == INS1_OK)
            status = s1_cuda_begin_piece(s);
        if (status != INS1_OK)
            return status;
        memcpy(half->address + at, from, part);
        CUresult result = s->driver->cuMemcpyHtoDAsync_v2(to, half->address + at, part, s->handle);
        status = result == S1_CU_SUCCESS ? s1_cuda_count(s, 0)
                                         : judge(s, result, "writing to the device");
        if (status != INS1_OK)
            return status;
    }
    return INS1_OK;
}

static int32_t fetch(s1_cuda_stream *s, unsigned char *to, CUdeviceptr from, uint64_t n)
{
    int32_t status = s1_cuda_settle(s, true, INT64_MAX);

    for (size_t part; n > 0 && status == INS1_OK; n -= part, from += part, to += part) {
        part = next_part(n);
        unsigned char *address = s->halves[s->half].address;
        status = s1_cuda_begin_piece(s);
        if (status != INS1_OK)
            return status;
        CUresult result = s->driver->cuMemcpyDtoHAsync_v2(address, from, part, s->handle);
        if (result != S1_CU_SUCCESS)
            return judge(s, result, "reading from the device");
        status = s1_cuda_count(s, 0);
        if (status == INS1_OK)
            status = s1_cuda_settle(s, true, INT64_MAX);
        if (status == INS1_OK)
            memcpy(to, address, part);
    }
    return status;
}

int32_t s1_cuda_write(void *stream, uint64_t id, uint64_t at, const void *src, uint64_t n)
{
    s1_cuda_stream *s = stream;
    int32_t status = s1_cuda_enter(s->device, s->host);

    if (status != INS1_OK)
        return status;
    status = send(s, id + at, src, n);
    s1_cuda_leave(s->device);
    return status;
}

int32_t s1_cuda_read(void *stream, uint64_t id, uint64_t at, void *dst, uint64_t n)
{
    s1_cuda_stream *s = stream;
    int32_t status = s1_cuda_enter(s->device, s->host);

    if (status != INS1_OK)
        return status;
    status = fetch(s, dst, id + at, n);
    s1_cuda_leave(s->device);
    return status;
}

int32_t s1_cuda_copy(void *stream, uint64_t dst, uint64_t dst_at, uint64_t src, uint64_t src_at,
                     uint64_t n)
{
    s1_cuda_stream *s = stream;
    int32_t status = s1_cuda_enter(s->device, s->host);

    if (status != INS1_OK)
        return status;
    if (n)
        status = s1_cuda_begin_piece(s);
    if (status == INS1_OK && n) {
        CUresult result = s->driver->cuMemcpyDtoDAsync_v2(dst + dst_at, src + src_at, n, s->handle);
        status = result == S1_CU_SUCCESS ? s1_cuda_count(s, 0)
                                         : judge(s, result, "copying on the device");
    }
    s1_cuda_leave(s->device);
    return status;
}
