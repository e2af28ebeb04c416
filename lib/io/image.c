#include "frame.h"

#include <inttypes.h>
#include <string.h>

/* The one file that knows stb_image. It asks for memory without saying for whom, so for the time of
 * a call the arena stands in a variable of the thread. */

struct ins1_io_image {
    ins1_runtime *runtime; /* one of its owners */
    ins1_image view;
    struct block *pixels; /* owned */
};

/* What stb_image asked for; the bytes follow. */
typedef struct block {
    struct block *next, **link;
    size_t size; /* with this header */
} block;

enum { HEADER_SIZE = 64 }; /* keeps what follows aligned */
_Static_assert(sizeof(block) <= HEADER_SIZE, "the header fits");

static void give_back(const ins1_allocator *memory, block *b)
{
    if (b)
        s1_io_free(memory, b, b->size, INS1_MEM_IO);
}

#if S1_IO_HAVE_STB

/* All blocks of one call, and how many bytes they may have together: more than an image of its size
 * can need is an attempt on the host's memory. */
typedef struct arena {
    const ins1_allocator *memory;
    block *first;
    uint64_t now, most;
    bool is_over, is_out;
} arena;

static _Thread_local arena *current;

static void *arena_take(size_t size)
{
    arena *a = current;
    if (size > a->most - a->now) {
        a->is_over = true;
        return NULL;
    }
    block *b = s1_io_alloc(a->memory, size + HEADER_SIZE, INS1_MEM_IO);
    if (!b) {
        a->is_out = true;
        return NULL;
    }
    a->now += size;
    *b = (block){ .next = a->first, .link = &a->first, .size = size + HEADER_SIZE };
    if (b->next)
        b->next->link = &b->next;
    a->first = b;
    return (char *)b + HEADER_SIZE;
}

static block *unlink_block(void *memory)
{
    block *b = (block *)(void *)((char *)memory - HEADER_SIZE);
    *b->link = b->next;
    if (b->next)
        b->next->link = b->link;
    current->now -= b->size - HEADER_SIZE;
    return b;
}

static void arena_drop(void *memory)
{
    if (memory)
        give_back(current->memory, unlink_block(memory));
}

static void *arena_resize(void *memory, size_t old_size, size_t new_size)
{
    void *bigger = arena_take(new_size);
    if (bigger && memory) {
        memcpy(bigger, memory, old_size < new_size ? old_size : new_size);
        arena_drop(memory);
    }
    return bigger;
}

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_ASSERT(x)                       ((void)0)
#define STBI_MALLOC(size)                    arena_take(size)
#define STBI_REALLOC_SIZED(memory, old, new) arena_resize(memory, old, new)
#define STBI_FREE(memory)                    arena_drop(memory)
/* It declares functions that it then leaves out; compilers say so at the end of this file. */
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <stb/stb_image.h>

/* Decode to RGB, without alpha, 16 bits cut to their upper 8. */
static ins1_status decode(ins1_io_image *image, const s1_io_job *job, const s1_io_bytes *file,
                          const s1_io_frame *frame)
{
    /* JPEG pads to whole blocks and keeps coefficients, PNG keeps compressed and raw bytes, and
     * buffers double: 48 bytes for a padded pixel are more than any of it. */
    arena a = { .memory = job->memory,
                .most = ((uint64_t)frame->width + 64) * ((uint64_t)frame->height + 64) * 48 +
                        (uint64_t)file->size * 8 + ((uint64_t)1 << 20) };
    int width = 0, height = 0, n_components = 0;

    if (file->size > INT32_MAX)
        return s1_io_fail(job->error, INS1_E_UNSUPPORTED, "%s: an image of %zu bytes", file->name,
                          file->size);
    current = &a;
    void *pixels =
        stbi_load_from_memory(file->data, (int)file->size, &width, &height, &n_components, 3);
    if (pixels && (uint32_t)width == frame->width && (uint32_t)height == frame->height)
        image->pixels = unlink_block(pixels);
    while (a.first) /* what the decoder forgot on its way out */
        arena_drop((char *)a.first + HEADER_SIZE);
    current = NULL;
    if (image->pixels)
        return INS1_OK;
    if (a.is_out)
        return s1_io_fail(job->error, INS1_E_MEMORY,
                          "no memory to decode %" PRIu32 " x %" PRIu32 " pixels of %s",
                          frame->width, frame->height, file->name);
    const char *why = a.is_over ? "it unpacks to more than its size" : stbi_failure_reason();
    return s1_io_fail(job->error, INS1_E_FORMAT, "%s cannot be decoded: %s", file->name,
                      why ? why : "no reason is known");
}

#else

static ins1_status decode(ins1_io_image *image, const s1_io_job *job, const s1_io_bytes *file,
                          const s1_io_frame *frame)
{
    (void)image;
    (void)frame;
    return s1_io_fail(job->error, INS1_E_UNSUPPORTED, "%s: this build decodes no images",
                      file->name);
}

#endif

/* Point at the pixel that EXIF puts on top on the left, and walk from there. */
static void orient(ins1_image *view, const uint8_t *pixels, const s1_io_frame *frame)
{
    ptrdiff_t x = 3, y = x * (ptrdiff_t)frame->width;
    bool is_swapped = frame->orientation >= 5;
    int turn = frame->orientation;
    bool from_right = turn == 2 || turn == 3 || turn == 7 || turn == 8;
    bool from_below = turn == 3 || turn == 4 || turn == 6 || turn == 7;

    if (from_right) {
        pixels += ((ptrdiff_t)frame->width - 1) * x;
        x = -x;
    }
    if (from_below) {
        pixels += ((ptrdiff_t)frame->height - 1) * y;
        y = -y;
    }
    *view = (ins1_image){
        .struct_size = sizeof(*view),
        .format = INS1_PIXEL_RGB8,
        .width = (int32_t)(is_swapped ? frame->height : frame->width),
        .height = (int32_t)(is_swapped ? frame->width : frame->height),
        .pixels = pixels,
        .pixel_stride = is_swapped ? y : x,
        .row_stride = is_swapped ? x : y,
    };
}

static ins1_status read_image(ins1_io_image *image, const s1_io_job *job, const s1_io_bytes *file)
{
    s1_io_frame frame;
    ins1_status status;

    if (s1_io_is_png(file))
        status = s1_io_frame_png(&frame, job, file);
    else if (s1_io_is_jpeg(file))
        status = s1_io_frame_jpeg(&frame, job, file);
    else
        status =
            s1_io_fail(job->error, INS1_E_UNSUPPORTED, "%s is neither PNG nor JPEG", file->name);
    if (status != INS1_OK)
        return status;
    if (frame.width == 0 || frame.height == 0 || frame.width > INT32_MAX ||
        frame.height > INT32_MAX)
        return s1_io_fail(job->error, INS1_E_FORMAT, "%s: %" PRIu32 " x %" PRIu32 " pixels",
                          file->name, frame.width, frame.height);
    if ((uint64_t)frame.width * frame.height > job->limits.max_pixels)
        return s1_io_fail(job->error, INS1_E_BUDGET,
                          "%s: %" PRIu32 " x %" PRIu32 " pixels, the limit is %" PRIu64, file->name,
                          frame.width, frame.height, job->limits.max_pixels);
    status = decode(image, job, file, &frame);
    if (status == INS1_OK)
        orient(&image->view, (const uint8_t *)image->pixels + HEADER_SIZE, &frame);
    return status;
}

static void destroy(ins1_io_image *image, const ins1_allocator *memory)
{
    if (!image)
        return;
    give_back(memory, image->pixels);
    s1_io_free(memory, image, sizeof(*image), INS1_MEM_OBJECT);
}

ins1_status ins1_io_image_open(ins1_io_image **out, ins1_runtime *runtime, const ins1_file *file,
                               const ins1_io_options *options, const ins1_call *call)
{
    s1_io_bytes bytes = { 0 };
    ins1_io_image *image = NULL;
    s1_io_job job;

    *out = NULL;
    ins1_status status = s1_io_job_init(&job, runtime, options, call);
    if (status != INS1_OK)
        goto done;
    image = s1_io_alloc(job.memory, sizeof(*image), INS1_MEM_OBJECT);
    if (!image) {
        status = s1_io_fail(job.error, INS1_E_MEMORY, "no memory for an image");
        goto done;
    }
    status = s1_io_bytes_open(&bytes, &job, file);
    if (status != INS1_OK)
        goto done;
    status = read_image(image, &job, &bytes);
    if (status != INS1_OK)
        goto done;
    ins1_runtime_retain(runtime);
    image->runtime = runtime;
    *out = image;
    image = NULL;

done:
    s1_io_bytes_close(&bytes, &job);
    s1_io_close_readers(file, 1);
    destroy(image, job.memory);
    return status;
}

ins1_status ins1_io_image_get(const ins1_io_image *image, ins1_image *out, const ins1_call *call)
{
    return s1_io_struct_export(out, &image->view, sizeof(image->view), s1_io_error_of(call));
}

void ins1_io_image_release(ins1_io_image *image)
{
    if (!image)
        return;
    ins1_runtime *runtime = image->runtime;
    destroy(image, ins1_runtime_allocator(runtime));
    ins1_runtime_release(runtime);
}
