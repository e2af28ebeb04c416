#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ALIGNMENT = 64 };

/* What a zero in the options stands for. io.h says the same. */
static const uint64_t default_bytes = (uint64_t)256 << 20;
static const uint64_t default_pixels = (uint64_t)64 << 20;
static const uint64_t default_samples = (uint64_t)64 << 20;

/* Most bytes asked of read and read_at at once. */
static const size_t step_size = (size_t)1 << 20;

ins1_error *s1_io_error_of(const ins1_call *call)
{
    if (!call || call->struct_size < offsetof(ins1_call, error) + sizeof(call->error))
        return NULL;
    return call->error;
}

/* Text of a file may have been cut or be no UTF-8 at all: what is no whole character goes. */
static void make_utf8(char *text)
{
    char *to = text;
    for (const char *at = text; *at;) {
        unsigned char first = (unsigned char)*at;
        int more = first < 0x80                    ? 0
                   : first >= 0xC2 && first < 0xE0 ? 1
                   : first >= 0xE0 && first < 0xF0 ? 2
                   : first >= 0xF0 && first < 0xF5 ? 3
                                                   : -1;
        int n = 0;
        while (n < more && ((unsigned char)at[1 + n] & 0xC0) == 0x80)
            n++;
        if (more < 0 || n < more) {
            *to++ = '?';
            at++;
            continue;
        }
        for (int i = 0; i <= more; i++)
            *to++ = *at++;
    }
    *to = 0;
}

static void record(ins1_error *error, ins1_status status, int code, const char *format,
                   va_list list)
{
    if (!error || error->struct_size < sizeof(*error))
        return;
    error->status = status;
    error->os_errno = code;
    error->backend_code = 0;
    if (vsnprintf(error->text, sizeof(error->text), format, list) < 0)
        error->text[0] = 0;
    make_utf8(error->text);
}

ins1_status s1_io_fail(ins1_error *error, ins1_status status, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    record(error, status, 0, format, list);
    va_end(list);
    return status;
}

ins1_status s1_io_fail_os(ins1_error *error, int code, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    record(error, INS1_E_IO, code, format, list);
    va_end(list);
    return INS1_E_IO;
}

void *s1_io_alloc(const ins1_allocator *from, size_t size, int32_t kind)
{
    void *memory = from->alloc(from->user, size, ALIGNMENT, kind);
    if (memory)
        memset(memory, 0, size);
    return memory;
}

void s1_io_free(const ins1_allocator *from, void *memory, size_t size, int32_t kind)
{
    if (memory)
        from->free(from->user, memory, size, ALIGNMENT, kind);
}

static uint32_t size_of(const void *given)
{
    uint32_t size;
    memcpy(&size, given, sizeof(size));
    return size;
}

/* What the caller does not know stays zero, what this library does not know must be zero. */
static ins1_status import(void *out, const void *given, size_t size, const char *what,
                          ins1_error *error)
{
    const unsigned char *raw = given;
    uint32_t given_size = size_of(given);

    memset(out, 0, size);
    if (given_size < 2 * sizeof(uint32_t))
        return s1_io_fail(error, INS1_E_ARGUMENT, "struct_size of %s is %" PRIu32 ", was it set?",
                          what, given_size);
    for (size_t i = size; i < given_size; i++)
        if (raw[i])
            return s1_io_fail(error, INS1_E_VERSION, "byte %zu of %s is too new", i, what);
    memcpy(out, given, given_size < size ? given_size : size);
    return INS1_OK;
}

ins1_status s1_io_struct_export(void *out, const void *full, size_t size, ins1_error *error)
{
    uint32_t room = size_of(out);
    if (room < 2 * sizeof(uint32_t))
        return s1_io_fail(error, INS1_E_ARGUMENT, "struct_size is %" PRIu32 ", was it set?", room);
    memset(out, 0, room);
    memcpy(out, full, room < size ? room : size);
    memcpy(out, &room, sizeof(room));
    return INS1_OK;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

ins1_status s1_io_job_check(const s1_io_job *job)
{
    if (ins1_cancel_is_requested(job->cancel))
        return s1_io_fail(job->error, INS1_E_CANCELED, "reading was canceled");
    if (job->deadline_ns != INT64_MAX && now_ns() >= job->deadline_ns)
        return s1_io_fail(job->error, INS1_E_DEADLINE, "the time budget ran out while reading");
    return INS1_OK;
}

ins1_status s1_io_job_init(s1_io_job *job, ins1_runtime *runtime, const ins1_io_options *options,
                           const ins1_call *call)
{
    ins1_call known;
    ins1_status status;

    *job = (s1_io_job){
        .memory = ins1_runtime_allocator(runtime),
        .error = s1_io_error_of(call),
        .deadline_ns = INT64_MAX,
    };
    if (call) {
        status = import(&known, call, sizeof(known), "the call block", job->error);
        if (status != INS1_OK)
            return status;
        if (known.flags)
            return s1_io_fail(job->error, INS1_E_VERSION, "call flags 0x%" PRIx32 " are too new",
                              known.flags);
        job->cancel = known.cancel;
        int64_t now = known.budget_ns > 0 ? now_ns() : 0;
        if (known.budget_ns > 0 && known.budget_ns < INT64_MAX - now)
            job->deadline_ns = now + known.budget_ns;
    }
    if (options) {
        status = import(&job->limits, options, sizeof(job->limits), "the options", job->error);
        if (status != INS1_OK)
            return status;
    }
    if (job->limits.flags)
        return s1_io_fail(job->error, INS1_E_VERSION, "option flags 0x%" PRIx32 " are too new",
                          job->limits.flags);
    if (!job->limits.max_bytes)
        job->limits.max_bytes = default_bytes;
    if (!job->limits.max_pixels)
        job->limits.max_pixels = default_pixels;
    if (!job->limits.max_samples)
        job->limits.max_samples = default_samples;
    return INS1_OK;
}

/* Room for a file of this many bytes, which is compared with the limit first. */
static ins1_status make_room(s1_io_bytes *out, const s1_io_job *job, uint64_t size)
{
    if (size > job->limits.max_bytes || size > SIZE_MAX)
        return s1_io_fail(job->error, INS1_E_BUDGET, "%s: %" PRIu64 " bytes, the limit is %" PRIu64,
                          out->name, size, job->limits.max_bytes);
    out->size = (size_t)size;
    if (!size)
        return INS1_OK;
    out->owned = s1_io_alloc(job->memory, out->size, INS1_MEM_IO);
    out->data = out->owned;
    return out->owned ? INS1_OK
                      : s1_io_fail(job->error, INS1_E_MEMORY, "no memory for %zu bytes of %s",
                                   out->size, out->name);
}

static ins1_status read_descriptor(s1_io_bytes *out, const s1_io_job *job, int file)
{
    struct stat about;

    if (fstat(file, &about) != 0)
        return s1_io_fail_os(job->error, errno, "cannot look at '%s' (errno %d)", out->name, errno);
    if (!S_ISREG(about.st_mode))
        return s1_io_fail(job->error, INS1_E_IO, "%s is not a regular file", out->name);
    ins1_status status = make_room(out, job, (uint64_t)about.st_size);
    for (size_t at = 0; status == INS1_OK && at < out->size;) {
        size_t left = out->size - at;
        status = s1_io_job_check(job);
        if (status != INS1_OK)
            return status;
        ssize_t n = read(file, out->owned + at, left < step_size ? left : step_size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return s1_io_fail_os(job->error, errno, "cannot read '%s' (errno %d)", out->name,
                                 errno);
        if (n == 0)
            return s1_io_fail(job->error, INS1_E_IO, "%s ended after %zu of %zu bytes", out->name,
                              at, out->size);
        at += (size_t)n;
    }
    return status;
}

static ins1_status read_path(s1_io_bytes *out, const s1_io_job *job, const char *path)
{
    /* O_NONBLOCK: a pipe must not make the call wait before it is recognised as one. */
    int file;
    do {
        file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    } while (file < 0 && errno == EINTR);
    if (file < 0)
        return s1_io_fail_os(job->error, errno, "cannot open '%s' (errno %d)", path, errno);
    ins1_status status = read_descriptor(out, job, file);
    close(file);
    return status;
}

static ins1_status read_reader(s1_io_bytes *out, const s1_io_job *job, const ins1_reader *reader)
{
    if (reader->struct_size < sizeof(*reader) || !reader->read_at)
        return s1_io_fail(job->error, INS1_E_ARGUMENT, "%s: the reader has no read_at", out->name);
    ins1_status status = make_room(out, job, reader->size);
    for (size_t at = 0; status == INS1_OK && at < out->size;) {
        size_t n = out->size - at < step_size ? out->size - at : step_size;
        status = s1_io_job_check(job);
        if (status != INS1_OK)
            return status;
        int64_t got = reader->read_at(reader->user, at, out->owned + at, n);
        if (got < 0 || (uint64_t)got != n)
            return s1_io_fail(job->error, INS1_E_IO,
                              "%s: the reader gave %" PRId64 " of %zu bytes at %zu", out->name, got,
                              n, at);
        at += n;
    }
    return status;
}

ins1_status s1_io_bytes_open(s1_io_bytes *out, const s1_io_job *job, const ins1_file *file)
{
    ins1_file known;
    ins1_status status = import(&known, file, sizeof(known), "a file", job->error);

    *out = (s1_io_bytes){ .name = "the file" };
    if (status != INS1_OK)
        return status;
    if (known.flags)
        return s1_io_fail(job->error, INS1_E_VERSION, "file flags 0x%" PRIx32 " are too new",
                          known.flags);
    if (!!known.path + !!known.data + !!known.reader != 1)
        return s1_io_fail(job->error, INS1_E_ARGUMENT,
                          "a file has %d of path, data and reader, exactly one is expected",
                          !!known.path + !!known.data + !!known.reader);
    if (known.name && known.name[0])
        out->name = known.name;
    else if (known.path)
        out->name = known.path;

    if (known.path)
        status = read_path(out, job, known.path);
    else if (known.reader)
        status = read_reader(out, job, known.reader);
    else if (known.size > job->limits.max_bytes)
        status = s1_io_fail(job->error, INS1_E_BUDGET, "%s: %zu bytes, the limit is %" PRIu64,
                            out->name, known.size, job->limits.max_bytes);
    else {
        out->data = known.data;
        out->size = known.size;
    }
    if (status == INS1_OK)
        status = s1_io_job_check(job);
    if (status == INS1_OK && !out->size)
        status = s1_io_fail(job->error, INS1_E_FORMAT, "%s is empty", out->name);
    if (status != INS1_OK)
        s1_io_bytes_close(out, job);
    return status;
}

void s1_io_close_readers(const ins1_file *files, size_t n_files)
{
    const char *at = (const char *)files;
    for (size_t i = 0; files && i < n_files; i++, at += files->struct_size) {
        ins1_file known;
        if (import(&known, at, sizeof(known), "a file", NULL) != INS1_OK)
            return;
        if (known.reader && known.reader->struct_size >= sizeof(*known.reader) &&
            known.reader->close)
            known.reader->close(known.reader->user);
    }
}

void s1_io_bytes_close(s1_io_bytes *bytes, const s1_io_job *job)
{
    s1_io_free(job->memory, bytes->owned, bytes->size, INS1_MEM_IO);
    bytes->owned = NULL;
    bytes->data = NULL;
    bytes->size = 0;
}

bool s1_io_ends_with(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    if (m > n)
        return false;
    for (size_t i = 0; i < m; i++) {
        char c = name[n - m + i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != ending[i])
            return false;
    }
    return true;
}
