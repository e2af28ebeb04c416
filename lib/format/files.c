#include "format/files_private.h"

#include "base/memory.h"
#include "base/meter.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_STEP = 1 << 23 }; /* between two looks at the cancel token */

static void give_back_text(const ins1_allocator *memory, char *text)
{
    if (text)
        s1_free(memory, text, strlen(text) + 1, INS1_MEM_OBJECT);
}

static void forget(const s1_files *files, s1_file *f)
{
    const ins1_allocator *memory = &files->memory;
    void *bytes = (void *)(uintptr_t)f->bytes.data;

    if (f->is_mapped)
        munmap(bytes, f->bytes.size);
    if (f->is_owned)
        s1_free(memory, bytes, f->bytes.size, INS1_MEM_WEIGHTS);
    if (f->has_reader && f->reader.close && !(files->flags & S1_FILES_KEEP_READERS))
        f->reader.close(f->reader.user);
    give_back_text(memory, f->name);
    give_back_text(memory, f->path);
}

void s1_files_close(s1_files *files)
{
    if (!files)
        return;
    ins1_allocator memory = files->memory;
    for (size_t i = 0; i < files->n; i++)
        forget(files, &files->list[i]);
    s1_free(&memory, files->list, files->capacity * sizeof(*files->list), INS1_MEM_OBJECT);
    s1_free(&memory, files, sizeof(*files), INS1_MEM_OBJECT);
}

ins1_status s1_files_refused(const char *what, const char *path, ins1_error *error)
{
    int reason = errno;
    ins1_status status = s1_fail(error, INS1_E_IO, "cannot %s '%s' (errno %d)", what, path, reason);
    if (error && error->struct_size >= sizeof(*error))
        error->os_errno = reason;
    return status;
}

const char *s1_files_name(const s1_files *files, size_t at)
{
    return at < files->n ? files->list[at].name : NULL;
}

const char *s1_files_single(const s1_files *files)
{
    return files->is_single ? files->list[0].name : NULL;
}

static s1_file *find(const s1_files *files, const char *name)
{
    size_t low = 0, high = files->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, files->list[middle].name);
        if (!order)
            return &files->list[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool s1_files_has(const s1_files *files, const char *name)
{
    return find(files, name) != NULL;
}

bool s1_files_find(const s1_files *files, const char *name, size_t *at)
{
    const s1_file *f = find(files, name);
    *at = f ? (size_t)(f - files->list) : 0;
    return f != NULL;
}

static ins1_status find_or_fail(const s1_files *files, const char *name, s1_file **out,
                                ins1_error *error)
{
    *out = find(files, name);
    return *out ? INS1_OK : s1_fail(error, INS1_E_IO, "there is no file '%s'", name);
}

/* A descriptor of a regular file and its size. A pipe in its place must not block. */
static ins1_status open_descriptor(const s1_file *f, int *descriptor, uint64_t *size,
                                   ins1_error *error)
{
    struct stat info;
    int fd;

    *descriptor = -1;
    do {
        fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return s1_files_refused("open", f->path, error);
    if (fstat(fd, &info) != 0) {
        ins1_status status = s1_files_refused("examine", f->path, error);
        close(fd);
        return status;
    }
    if (!S_ISREG(info.st_mode) || info.st_size < 0) {
        close(fd);
        return s1_fail(error, INS1_E_IO, "'%s' is not a regular file", f->path);
    }
    *descriptor = fd;
    *size = (uint64_t)info.st_size;
    return INS1_OK;
}

static ins1_status measure(const s1_file *f, uint64_t *size, ins1_error *error)
{
    if (f->is_open || f->data) {
        *size = f->is_open ? f->bytes.size : f->size;
        return INS1_OK;
    }
    if (f->has_reader) {
        *size = f->reader.size;
        return INS1_OK;
    }
    int fd;
    ins1_status status = open_descriptor(f, &fd, size, error);
    if (status == INS1_OK)
        close(fd);
    return status;
}

/* Some bytes from `at`, at most `step`: how many, 0 at the end, negative for a refusal. */
static int64_t read_some(const s1_file *f, int fd, uint64_t at, void *out, size_t step)
{
    if (f->has_reader)
        return f->reader.read_at(f->reader.user, at, out, step);
    for (;;) {
        ssize_t n = pread(fd, out, step, (off_t)at);
        if (n >= 0 || errno != EINTR)
            return n;
    }
}

static ins1_status read_all(const s1_file *f, int fd, uint64_t at, void *out, size_t size,
                            const s1_call *call)
{
    uint8_t *to = out;
    size_t done = 0;

    while (done < size) {
        ins1_status status = s1_call_check(call);
        if (status != INS1_OK)
            return status;
        size_t step = size - done < READ_STEP ? size - done : READ_STEP;
        int64_t n = read_some(f, fd, at + done, to + done, step);
        if (n < 0 && !f->has_reader)
            return s1_files_refused("read", f->path, call->error);
        /* A file may give less at a time, a reader may not. */
        if (n <= 0 || (uint64_t)n > step || (f->has_reader && (uint64_t)n < step))
            return s1_fail(call->error, INS1_E_IO,
                           "'%s' answers %" PRId64 " at byte %" PRIu64 ", %zu are expected",
                           f->name, n, at + done, step);
        done += (size_t)n;
    }
    return INS1_OK;
}

static ins1_status map(s1_files *files, s1_file *f, int fd, size_t size)
{
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return INS1_E_UNSUPPORTED;
    f->is_mapped = true;
    f->bytes = (s1_bytes){ bytes, size };
    files->mapped += size;
    return INS1_OK;
}

static ins1_status load(s1_files *files, s1_file *f, int fd, size_t size, const s1_call *call)
{
    uint8_t *bytes = s1_alloc(&files->memory, size, INS1_MEM_WEIGHTS);
    if (!bytes)
        return s1_files_blame(
            f->name, s1_out_of_memory(&files->memory, size, "the bytes of a file", call->error),
            call->error);
    ins1_status status = read_all(f, fd, 0, bytes, size, call);
    if (status != INS1_OK) {
        s1_free(&files->memory, bytes, size, INS1_MEM_WEIGHTS);
        return status;
    }
    f->is_owned = true;
    f->bytes = (s1_bytes){ bytes, size };
    return INS1_OK;
}

/* Map or read what is not in memory yet. */
static ins1_status fetch(s1_files *files, s1_file *f, const s1_call *call)
{
    uint64_t size = f->reader.size;
    ins1_status status = INS1_OK;
    int fd = -1;

    if (!f->has_reader)
        status = open_descriptor(f, &fd, &size, call->error);
    if (status != INS1_OK)
        return status;
    if (size > SIZE_MAX / 2) {
        status = s1_fail(call->error, INS1_E_IO, "'%s' has %" PRIu64 " bytes", f->name, size);
    } else if (!size) {
        f->bytes = (s1_bytes){ (const uint8_t *)"", 0 };
    } else if (f->has_reader || files->load_mode == INS1_LOAD_READ ||
               map(files, f, fd, (size_t)size) != INS1_OK) {
        status = load(files, f, fd, (size_t)size, call);
    }
    if (fd >= 0)
        close(fd);
    return status;
}

ins1_status s1_files_get(s1_files *files, const char *name, s1_bytes *out, const s1_call *call)
{
    s1_file *f;

    *out = (s1_bytes){ 0 };
    ins1_status status = find_or_fail(files, name, &f, call->error);
    if (status == INS1_OK && !f->is_open) {
        if (f->data)
            f->bytes = (s1_bytes){ f->data, f->size };
        else
            status = fetch(files, f, call);
        f->is_open = status == INS1_OK;
    }
    if (status == INS1_OK)
        *out = f->bytes;
    return status;
}

ins1_status s1_files_size(s1_files *files, const char *name, uint64_t *size, const s1_call *call)
{
    s1_file *f;

    *size = 0;
    ins1_status status = find_or_fail(files, name, &f, call->error);
    return status == INS1_OK ? measure(f, size, call->error) : status;
}

ins1_status s1_files_read(s1_files *files, const char *name, uint64_t at, void *out, size_t size,
                          const s1_call *call)
{
    uint64_t whole;
    s1_file *f;
    int fd = -1;

    ins1_status status = find_or_fail(files, name, &f, call->error);
    if (status != INS1_OK)
        return status;
    status = measure(f, &whole, call->error);
    if (status != INS1_OK)
        return status;
    if (at > whole || size > whole - at)
        return s1_fail(call->error, INS1_E_FORMAT,
                       "'%s' has %" PRIu64 " bytes, %zu from byte %" PRIu64 " are expected", name,
                       whole, size, at);
    if (f->is_open || f->data) {
        memcpy(out, (f->is_open ? f->bytes.data : (const uint8_t *)f->data) + at, size);
        return INS1_OK;
    }
    if (!f->has_reader)
        status = open_descriptor(f, &fd, &whole, call->error);
    if (status == INS1_OK)
        status = read_all(f, fd, at, out, size, call);
    if (fd >= 0)
        close(fd);
    return status;
}

size_t s1_files_skew(const s1_files *files, const char *name, size_t align)
{
    const s1_file *f = find(files, name);
    return f && f->data ? (size_t)((uintptr_t)f->data % align) : 0;
}

ins1_status s1_files_blame(const char *name, ins1_status status, ins1_error *error)
{
    if (!error || error->struct_size < sizeof(*error) || error->status != status)
        return status;
    char text[sizeof(error->text)];
    memcpy(text, error->text, sizeof(text));
    return s1_fail(error, status, "%s: %s", name, text);
}

uint64_t s1_files_mapped(const s1_files *files)
{
    return files->mapped;
}
