#include "format/files_private.h"

#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "format/sort.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MAX_FILES = 1 << 16, /* a folder with more entries is no checkpoint */
    MAX_NAME = 255,
};

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
    /* NULL is the end, unless there is a reason why it is not. */
    while (errno = 0, entry = readdir(folder), entry) {
        if (entry->d_name[0] == '.' || !is_plain_name(entry->d_name))
            continue;
        if (++*n > MAX_FILES)
            return s1_fail(error, INS1_E_FORMAT, "'%s' has more than %d files", path, MAX_FILES);
        if (!files)
            continue;
        if (files->n == files->capacity)
            break; /* the folder grew meanwhile: what came later is not seen */
        s1_file *f = &files->list[files->n];
        f->name = copy_text(&files->memory, entry->d_name);
        f->path = join(&files->memory, path, entry->d_name);
        files->n++;
        if (!f->name || !f->path)
            return s1_out_of_memory(&files->memory, MAX_NAME, "the name of a file", error);
    }
    return entry || !errno ? INS1_OK : s1_files_refused("list", path, error);
}

static ins1_status open_folder(s1_files *files, const char *path, ins1_error *error)
{
    size_t n;
    DIR *folder;
    do {
        folder = opendir(path);
    } while (!folder && errno == EINTR);
    if (!folder)
        return s1_files_refused("open", path, error);

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
    s1_file *f = &files->list[files->n++];
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
        return s1_files_refused("find", options->path, error);
    return S_ISDIR(info.st_mode) ? open_folder(files, options->path, error)
                                 : open_one(files, options, error);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const s1_file *)a)->name, ((const s1_file *)b)->name);
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
