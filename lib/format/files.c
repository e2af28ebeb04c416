#include "format/files.h"

#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "format/sort.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_FILES = 1 << 16, /* a folder with more entries is no checkpoint */
    MAX_NAME = 255,
    READ_STEP = 1 << 23, /* between two looks at the cancel token */
};

typedef struct file {
    char *name;
    char *path;       /* NULL for memory and readers */
    const void *data; /* the host's memory, `size` bytes */
    size_t size;
    ins1_reader reader;
    bool has_reader;

    bool is_open, is_mapped, is_owned;
    s1_bytes bytes;
} file;

struct s1_files {
    ins1_allocator memory;
    file *list; /* sorted by name */
    size_t n, capacity;
    int32_t load_mode;
    uint32_t flags;
    bool is_single;
    uint64_t mapped;
};

static void give_back_text(const ins1_allocator *memory, char *text)
{
    if (text)
        s1_free(memory, text, strlen(text) + 1, INS1_MEM_OBJECT);
}

static char *copy_text(const ins1_allocator *memory, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = s1_alloc(memory, size, INS1_MEM_OBJECT);
    return copy ? memcpy(copy, text, size) : NULL;
}

static char *join(const ins1_allocator *memory, const char *folder, const char *name)
{
    size_t head = strlen(folder), tail = strlen(name);
    char *text = s1_alloc(memory, head + tail + 2, INS1_MEM_OBJECT);
    if (!text)
        return NULL;
    memcpy(text, folder, head);
    text[head] = '/';
    memcpy(text + head + 1, name, tail);
    return text;
}

static void forget(const s1_files *files, file *f)
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

static ins1_status io_fail(ins1_error *error, const char *what, const char *path)
{
    int reason = errno;
    ins1_status status = s1_fail(error, INS1_E_IO, "cannot %s '%s' (errno %d)", what, path, reason);
    if (error && error->struct_size >= sizeof(*error))
        error->os_errno = reason;
    return status;
}

/* One component of a path and nothing else: names come from strangers' index files too. */
static bool is_plain_name(const char *name)
{
    size_t size = strlen(name);
    return size && size <= MAX_NAME && !strchr(name, '/') && !strchr(name, '\\') &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static ins1_status reserve(s1_files *files, size_t n, ins1_error *error)
{
    if (!n)
        return INS1_OK;
    files->list = s1_alloc_array(&files->memory, n, sizeof(*files->list), INS1_MEM_OBJECT);
    if (!files->list)
        return s1_out_of_memory(&files->memory, n * sizeof(*files->list), "a list of files", error);
    files->capacity = n;
    return INS1_OK;
}

/* How many entries of a folder may be files of a checkpoint; adds them when `files` is given. */
static ins1_status scan(DIR *folder, const char *path, s1_files *files, size_t *n,
                        ins1_error *error)
{
    const struct dirent *entry;

    *n = 0;
    rewinddir(folder);
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.' || !is_plain_name(entry->d_name))
            continue;
        if (++*n > MAX_FILES)
            return s1_fail(error, INS1_E_FORMAT, "'%s' has more than %d files", path, MAX_FILES);
        if (!files)
            continue;
        if (files->n == files->capacity)
            break; /* the folder grew meanwhile: what came later is not seen */
        file *f = &files->list[files->n];
        f->name = copy_text(&files->memory, entry->d_name);
        f->path = join(&files->memory, path, entry->d_name);
        files->n++;
        if (!f->name || !f->path)
            return s1_out_of_memory(&files->memory, MAX_NAME, "the name of a file", error);
    }
    return INS1_OK;
}

static ins1_status open_folder(s1_files *files, const char *path, ins1_error *error)
{
    size_t n;
    DIR *folder = opendir(path);
    if (!folder)
        return io_fail(error, "open", path);

    ins1_status status = scan(folder, path, NULL, &n, error);
    if (status == INS1_OK)
        status = reserve(files, n, error);
    if (status == INS1_OK && n)
        status = scan(folder, path, files, &n, error);
    closedir(folder);
    return status;
}

/* The last component of a path. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static ins1_status refuse_path(const char *path, ins1_error *error)
{
    return s1_fail(error, INS1_E_UNSUPPORTED, "this runtime opens no files, '%s' is a path", path);
}

static ins1_status add(s1_files *files, const char *name, const ins1_file *given, ins1_error *error)
{
    file *f = &files->list[files->n++];
    int sources = !!given->path + !!given->data + !!given->reader;

    if (sources != 1)
        return s1_fail(error, INS1_E_ARGUMENT,
                       "file '%s' has %d sources, exactly one of path, data and reader is expected",
                       name, sources);
    if (given->path && files->flags & S1_FILES_NO_PATHS)
        return refuse_path(given->path, error);
    if (given->reader) {
        ins1_status status = s1_struct_import(&f->reader, given->reader, sizeof(f->reader), error);
        if (status != INS1_OK)
            return status;
        if (!f->reader.read_at)
            return s1_fail(error, INS1_E_ARGUMENT, "the reader of '%s' has no read_at", name);
        f->has_reader = true;
    }
    f->name = copy_text(&files->memory, name);
    f->path = given->path ? copy_text(&files->memory, given->path) : NULL;
    if (!f->name || (given->path && !f->path))
        return s1_out_of_memory(&files->memory, MAX_NAME, "the name of a file", error);
    f->data = given->data;
    f->size = given->size;
    return INS1_OK;
}

static ins1_status open_one(s1_files *files, const ins1_model_options *options, ins1_error *error)
{
    const ins1_file given = {
        .path = options->path,
        .data = options->data,
        .size = options->size,
        .reader = options->reader,
    };

    ins1_status status = reserve(files, 1, error);
    if (status != INS1_OK)
        return status;
    files->is_single = true;
    return add(files, given.path ? base_name(given.path) : "", &given, error);
}

/* Entry `at` of the host's array, whose stride is the first entry's struct_size. */
static ins1_status given_file(ins1_file *out, const ins1_model_options *options, size_t at,
                              ins1_error *error)
{
    const unsigned char *first = (const unsigned char *)options->files;
    return s1_struct_import(out, first + at * options->files->struct_size, sizeof(*out), error);
}

static ins1_status open_list(s1_files *files, const ins1_model_options *options, ins1_error *error)
{
    if (options->n_files > MAX_FILES)
        return s1_fail(error, INS1_E_ARGUMENT, "%zu files, at most %d are taken", options->n_files,
                       MAX_FILES);
    ins1_status status = reserve(files, options->n_files, error);
    for (size_t i = 0; i < options->n_files && status == INS1_OK; i++) {
        ins1_file given;
        status = given_file(&given, options, i, error);
        if (status != INS1_OK)
            return status;
        if (!given.name || !is_plain_name(given.name))
            return s1_fail(error, INS1_E_ARGUMENT, "'%s' is no name of a file inside a folder",
                           given.name ? given.name : "");
        status = add(files, given.name, &given, error);
    }
    return status;
}

static ins1_status open_path(s1_files *files, const ins1_model_options *options, ins1_error *error)
{
    struct stat info;

    if (files->flags & S1_FILES_NO_PATHS)
        return refuse_path(options->path, error);
    if (stat(options->path, &info) != 0)
        return io_fail(error, "find", options->path);
    return S_ISDIR(info.st_mode) ? open_folder(files, options->path, error)
                                 : open_one(files, options, error);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const file *)a)->name, ((const file *)b)->name);
}

static ins1_status open_sources(s1_files *files, const ins1_model_options *options,
                                ins1_error *error)
{
    int sources = !!options->path + !!options->data + !!options->reader + !!options->files;
    ins1_status status;

    if (sources != 1)
        return s1_fail(error, INS1_E_ARGUMENT,
                       "%d sources, exactly one of path, data, reader and files is expected",
                       sources);
    if (options->path)
        status = open_path(files, options, error);
    else if (options->files)
        status = open_list(files, options, error);
    else
        status = open_one(files, options, error);
    if (status != INS1_OK)
        return status;

    s1_sort(files->list, files->n, sizeof(*files->list), by_name);
    for (size_t i = 1; i < files->n; i++)
        if (!by_name(&files->list[i - 1], &files->list[i]))
            return s1_fail(error, INS1_E_ARGUMENT, "two files are called '%s'",
                           files->list[i].name);
    return INS1_OK;
}

static void close_reader(const ins1_reader *given)
{
    ins1_reader reader;
    if (given && s1_struct_import(&reader, given, sizeof(reader), NULL) == INS1_OK && reader.close)
        reader.close(reader.user);
}

void s1_files_refuse(const ins1_model_options *options)
{
    close_reader(options->reader);
    for (size_t i = 0; options->files && i < options->n_files; i++) {
        ins1_file given;
        if (given_file(&given, options, i, NULL) != INS1_OK)
            return;
        close_reader(given.reader);
    }
}

ins1_status s1_files_open(s1_files **out, const ins1_allocator *memory,
                          const ins1_model_options *options, uint32_t flags, const s1_call *call)
{
    ins1_error *error = call->error;
    ins1_status status;

    *out = NULL;
    s1_files *files = s1_alloc(memory, sizeof(*files), INS1_MEM_OBJECT);
    if (!files) {
        status = s1_out_of_memory(memory, sizeof(*files), "a set of files", error);
        goto done;
    }
    files->memory = *memory;
    files->load_mode = options->load_mode;
    /* Until all is well the readers are the options'. */
    files->flags = flags | S1_FILES_KEEP_READERS;
    status = open_sources(files, options, error);
    if (status != INS1_OK)
        goto done;
    files->flags = flags;
    *out = files;
    files = NULL;

done:
    s1_files_close(files);
    if (status != INS1_OK && !(flags & S1_FILES_KEEP_READERS))
        s1_files_refuse(options);
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

static file *find(const s1_files *files, const char *name)
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
    const file *f = find(files, name);
    *at = f ? (size_t)(f - files->list) : 0;
    return f != NULL;
}

static ins1_status find_or_fail(const s1_files *files, const char *name, file **out,
                                ins1_error *error)
{
    *out = find(files, name);
    return *out ? INS1_OK : s1_fail(error, INS1_E_IO, "there is no file '%s'", name);
}

/* A descriptor of a regular file and its size. A pipe in its place must not block. */
static ins1_status open_descriptor(const file *f, int *descriptor, uint64_t *size,
                                   ins1_error *error)
{
    struct stat info;
    int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    *descriptor = -1;
    if (fd < 0)
        return io_fail(error, "open", f->path);
    if (fstat(fd, &info) != 0) {
        ins1_status status = io_fail(error, "examine", f->path);
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

static ins1_status measure(const file *f, uint64_t *size, ins1_error *error)
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

/* Some bytes from `at`, at most `size`: how many, 0 at the end, negative for a refusal. */
static int64_t read_some(const file *f, int fd, uint64_t at, void *out, size_t size)
{
    size_t step = size < READ_STEP ? size : READ_STEP;
    if (f->has_reader)
        return f->reader.read_at(f->reader.user, at, out, step);
    for (;;) {
        ssize_t n = pread(fd, out, step, (off_t)at);
        if (n >= 0 || errno != EINTR)
            return n;
    }
}

static ins1_status read_all(const file *f, int fd, uint64_t at, void *out, size_t size,
                            const s1_call *call)
{
    uint8_t *to = out;
    size_t done = 0;

    while (done < size) {
        ins1_status status = s1_call_check(call);
        if (status != INS1_OK)
            return status;
        int64_t n = read_some(f, fd, at + done, to + done, size - done);
        if (n < 0 && !f->has_reader)
            return io_fail(call->error, "read", f->path);
        if (n <= 0 || (uint64_t)n > size - done)
            return s1_fail(call->error, INS1_E_IO,
                           "'%s' answers %" PRId64 " at byte %" PRIu64 ", %zu more are expected",
                           f->name, n, at + done, size - done);
        done += (size_t)n;
    }
    return INS1_OK;
}

static ins1_status map(s1_files *files, file *f, int fd, size_t size)
{
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return INS1_E_UNSUPPORTED;
    f->is_mapped = true;
    f->bytes = (s1_bytes){ bytes, size };
    files->mapped += size;
    return INS1_OK;
}

static ins1_status load(s1_files *files, file *f, int fd, size_t size, const s1_call *call)
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
static ins1_status fetch(s1_files *files, file *f, const s1_call *call)
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
    file *f;

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
    file *f;

    *size = 0;
    ins1_status status = find_or_fail(files, name, &f, call->error);
    return status == INS1_OK ? measure(f, size, call->error) : status;
}

ins1_status s1_files_read(s1_files *files, const char *name, uint64_t at, void *out, size_t size,
                          const s1_call *call)
{
    uint64_t whole;
    file *f;
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
    const file *f = find(files, name);
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
