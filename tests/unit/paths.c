/* paths MODEL SHARDS IMAGE PLUGIN FOLDER [STRIDE]: what a program opens by path, again and again:
 * each time another system call fails, is interrupted, or gives less than there was. A failure is a
 * status and a sentence that names the file, nothing is kept, and where nothing fails the answer is
 * always the same. This program's own functions are found before the C library's: so the libraries
 * call them. STRIDE tries only every so manieth call, to be quick. */

#include <interns1/interns1.h>
#include <interns1/io.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- what fails --- */

enum {
    FAILS = 1,       /* EIO */
    INTERRUPTED = 2, /* EINTR, which is to be tried again */
    ENDS = 4,        /* a file that is shorter than it said */
    IS_SHORT = 8,    /* part of what was asked for, which is no failure */
    NEVER = -1
};
enum { PATH_SIZE = 1000 };

static struct {
    bool is_on;
    int how;     /* one of the above */
    int count;   /* calls so far that can do so */
    int refused; /* the number of the one that does, or NEVER */
    const char *call;
    char path[PATH_SIZE]; /* of the file that it was about */
} kernel;

/* Is it this call's turn? `hows` is what may become of it. */
static bool strikes(const char *call, int hows, const char *path)
{
    if (!kernel.is_on || !(hows & kernel.how) || kernel.count++ != kernel.refused)
        return false;
    kernel.call = call;
    snprintf(kernel.path, sizeof(kernel.path), "%s", path);
    errno = kernel.how == INTERRUPTED ? EINTR : EIO;
    return true;
}

static bool strikes_at(const char *call, int hows, int fd)
{
    char link[50], path[PATH_SIZE] = "";
    if (!kernel.is_on)
        return false;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, path, sizeof(path) - 1);
    path[n < 0 ? 0 : n] = 0;
    return strikes(call, hows, path);
}

/* The C library's own; with 64 is what offsets of 64 bits make of the name. */
static void next(void *function, const char *name)
{
    char with_64[50];
    snprintf(with_64, sizeof(with_64), "%s64", name);
    void *found = dlsym(RTLD_NEXT, with_64);
    found = found ? found : dlsym(RTLD_NEXT, name);
    memcpy(function, &found, sizeof(found));
}

int stat(const char *path, struct stat *out)
{
    static int (*real)(const char *, struct stat *);
    if (!real)
        next(&real, "stat");
    return strikes("stat", FAILS, path) ? -1 : real(path, out);
}

int fstat(int fd, struct stat *out)
{
    static int (*real)(int, struct stat *);
    if (!real)
        next(&real, "fstat");
    return strikes_at("fstat", FAILS, fd) ? -1 : real(fd, out);
}

int open(const char *path, int flags, ...)
{
    static int (*real)(const char *, int, ...);
    va_list args;
    va_start(args, flags);
    const unsigned mode = flags & O_CREAT ? va_arg(args, unsigned) : 0;
    va_end(args);
    if (!real)
        next(&real, "open");
    return strikes("open", FAILS | INTERRUPTED, path) ? -1 : real(path, flags, mode);
}

/* What becomes of a read of `size` bytes, if anything: else -2. */
static ssize_t spoiled(const char *call, int fd, size_t *size)
{
    if (!strikes_at(call, FAILS | INTERRUPTED | ENDS | (*size > 1 ? IS_SHORT : 0), fd))
        return -2;
    *size = kernel.how == IS_SHORT ? *size / 2 : *size;
    return kernel.how == IS_SHORT ? -2 : kernel.how == ENDS ? 0 : -1;
}

ssize_t read(int fd, void *to, size_t size)
{
    static ssize_t (*real)(int, void *, size_t);
    if (!real)
        next(&real, "read");
    const ssize_t n = spoiled("read", fd, &size);
    return n != -2 ? n : real(fd, to, size);
}

ssize_t pread(int fd, void *to, size_t size, off_t at)
{
    static ssize_t (*real)(int, void *, size_t, off_t);
    if (!real)
        next(&real, "pread");
    const ssize_t n = spoiled("pread", fd, &size);
    return n != -2 ? n : real(fd, to, size, at);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    static void *(*real)(void *, size_t, int, int, int, off_t);
    if (!real)
        next(&real, "mmap");
    return fd >= 0 && strikes_at("mmap", FAILS, fd) ? MAP_FAILED
                                                    : real(at, size, protection, flags, fd, offset);
}

DIR *opendir(const char *path)
{
    static DIR *(*real)(const char *);
    if (!real)
        next(&real, "opendir");
    return strikes("opendir", FAILS | INTERRUPTED, path) ? NULL : real(path);
}

struct dirent *readdir(DIR *folder)
{
    static struct dirent *(*real)(DIR *);
    if (!real)
        next(&real, "readdir");
    return strikes_at("readdir", FAILS, dirfd(folder)) ? NULL : real(folder);
}

/* What the dynamic linker says is its own, so it refuses something else. */
void *dlopen(const char *path, int flags)
{
    static void *(*real)(const char *, int);
    if (!real)
        next(&real, "dlopen");
    return real(path && strikes("dlopen", FAILS, path) ? "libnowhere.so.7" : path, flags);
}

/* --- memory and what else is held --- */

static size_t live;

static void *take(void *user, size_t size, size_t align, int32_t kind)
{
    (void)user;
    (void)kind;
    live += size;
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static void give_back(void *user, void *block, size_t size, size_t align, int32_t kind)
{
    (void)user;
    (void)align;
    (void)kind;
    live -= size;
    free(block);
}

static int count_descriptors(void)
{
    int n = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        n++;
    if (folder)
        closedir(folder);
    return n;
}

/* Mappings of files whose path has `part` in it. */
static int count_mappings(const char *part)
{
    char line[2 * PATH_SIZE];
    int n = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof(line), maps))
        n += strstr(line, part) != NULL;
    if (maps)
        fclose(maps);
    return n;
}

/* --- what a program does with paths --- */

static const char *demo, *shards, *picture, *plugin;
static char header[PATH_SIZE], samples[PATH_SIZE], table[PATH_SIZE];

typedef struct program {
    ins1_error error;
    ins1_call call;
    ins1_runtime *runtime, *other;
    ins1_model *model;
    ins1_tokenizer *tokenizer;
    ins1_decoder *decoder;
    ins1_session *session;
    ins1_io_image *image;
    ins1_io_series *series;
    uint64_t answer;
} program;

static void mix(program *p, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++)
        p->answer = (p->answer ^ at[i]) * UINT64_C(1099511628211);
}

static ins1_status create_runtime(program *p, ins1_runtime **out)
{
    ins1_allocator allocator = { sizeof(allocator), 0, take, give_back, NULL };
    ins1_threading threading = INS1_INIT(ins1_threading);
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    threading.mode = INS1_THREADS_CALLER;
    options.allocator = &allocator;
    options.threading = &threading;
    return ins1_runtime_create(out, &options, &p->call);
}

static ins1_status load_plugin(program *p)
{
    ins1_status status = create_runtime(p, &p->other);
    return status == INS1_OK ? ins1_backend_load(p->other, plugin, &p->call) : status;
}

static void close_model(program *p)
{
    ins1_session_release(p->session);
    ins1_decoder_release(p->decoder);
    ins1_tokenizer_release(p->tokenizer);
    ins1_model_release(p->model);
    p->session = NULL;
    p->decoder = NULL;
    p->tokenizer = NULL;
    p->model = NULL;
}

/* Every weight is looked at. */
static ins1_status decode(program *p)
{
    static const int32_t ids[] = { 5, 9, 40 };
    ins1_session_options options = INS1_INIT(ins1_session_options);
    ins1_span span = INS1_INIT(ins1_span);
    ins1_feed feed = INS1_INIT(ins1_feed);
    const float *logits;
    size_t n;

    options.n_ctx = 8;
    span.ids = ids;
    span.n_ids = 3;
    feed.spans = &span;
    feed.n_spans = 1;
    ins1_status status = ins1_decoder_create(&p->decoder, p->model, NULL, &p->call);
    if (status == INS1_OK)
        status = ins1_session_create(&p->session, p->decoder, &options, &p->call);
    if (status == INS1_OK)
        status = ins1_session_prefill(p->session, &feed, 1, NULL, &p->call);
    if (status == INS1_OK)
        status = ins1_session_logits(p->session, 0, &logits, &n, &p->call);
    if (status == INS1_OK)
        mix(p, logits, n * sizeof(*logits));
    return status;
}

/* What a checkpoint has is part of the answer: a file that goes missing must not go unnoticed. */
static ins1_status tokenize(program *p)
{
    static const char text[] = "water is <SMILES>O</SMILES>, ether <SMILES>CCOCC</SMILES>";
    ins1_segment segment = INS1_INIT(ins1_segment);
    int32_t ids[100];
    size_t n;

    segment.text = text;
    segment.size = sizeof(text) - 1;
    ins1_status status = ins1_tokenizer_create(&p->tokenizer, p->model, NULL, &p->call);
    if (status == INS1_OK)
        status = ins1_tokenizer_encode(p->tokenizer, &segment, 1, 0, ids, NULL, 100, &n, &p->call);
    if (status == INS1_OK)
        mix(p, ids, n * sizeof(*ids));
    return status;
}

static ins1_status open_with(program *p, const ins1_model_options *options)
{
    ins1_model_info info = INS1_INIT(ins1_model_info);
    ins1_plan plan = INS1_INIT(ins1_plan);

    ins1_status status = ins1_model_plan(p->runtime, options, NULL, NULL, &plan, &p->call);
    if (status == INS1_OK)
        status = ins1_model_open(&p->model, p->runtime, options, &p->call);
    if (status == INS1_OK)
        status = ins1_model_info_get(p->model, &info, &p->call);
    if (status == INS1_OK)
        mix(p, &info.parts, sizeof(info.parts));
    return status;
}

static ins1_status open_folder(program *p)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.path = demo;
    ins1_status status = create_runtime(p, &p->runtime);
    if (status == INS1_OK)
        status = open_with(p, &options);
    if (status == INS1_OK)
        status = tokenize(p);
    if (status == INS1_OK)
        status = decode(p);
    close_model(p);
    return status;
}

static ins1_status read_shards(program *p)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.path = shards;
    options.load_mode = INS1_LOAD_READ;
    ins1_status status = open_with(p, &options);
    if (status == INS1_OK)
        status = decode(p);
    close_model(p);
    return status;
}

/* Files that lie wherever they lie. */
static ins1_status open_list(program *p)
{
    static const char *const names[] = { "config.json",          "tokenizer_config.json",
                                         "vocab.json",           "merges.txt",
                                         "added_tokens.json",    "special_tokens_map.json",
                                         "tokenizer_PROT.model", "tokenizer_SMILES.model",
                                         "tokenizer_XNA.model" };
    enum { N = sizeof(names) / sizeof(names[0]) };
    ins1_model_options options = INS1_INIT(ins1_model_options);
    ins1_file files[N];
    char paths[N][PATH_SIZE];

    for (size_t i = 0; i < N; i++) {
        snprintf(paths[i], PATH_SIZE, "%s/%s", demo, names[i]);
        files[i] = (ins1_file)INS1_INIT(ins1_file);
        files[i].name = names[i];
        files[i].path = paths[i];
    }
    options.files = files;
    options.n_files = N;
    ins1_status status = open_with(p, &options);
    if (status == INS1_OK)
        status = tokenize(p);
    close_model(p);
    return status;
}

/* One file is no checkpoint yet: what it is, is read nevertheless. */
static ins1_status open_single(program *p)
{
    char path[PATH_SIZE];
    ins1_model_options options = INS1_INIT(ins1_model_options);
    snprintf(path, sizeof(path), "%s/model.safetensors", demo);
    options.path = path;
    ins1_status status = ins1_model_open(&p->model, p->runtime, &options, &p->call);
    return status == INS1_E_UNSUPPORTED ? INS1_OK : status;
}

static ins1_status see(program *p)
{
    ins1_file file = INS1_INIT(ins1_file);
    ins1_image image = INS1_INIT(ins1_image);
    file.path = picture;
    ins1_status status = ins1_io_image_open(&p->image, p->runtime, &file, NULL, &p->call);
    if (status == INS1_OK)
        status = ins1_io_image_get(p->image, &image, &p->call);
    if (status == INS1_OK)
        mix(p, image.pixels, (size_t)image.width * 3);
    return status;
}

static ins1_status hear(program *p, const char *first, const char *second)
{
    ins1_file files[2] = { INS1_INIT(ins1_file), INS1_INIT(ins1_file) };
    ins1_timeseries series = INS1_INIT(ins1_timeseries);
    files[0].path = first;
    files[1].path = second;
    ins1_io_series_release(p->series);
    ins1_status status =
        ins1_io_series_open(&p->series, p->runtime, files, second ? 2 : 1, NULL, &p->call);
    if (status == INS1_OK)
        status = ins1_io_series_get(p->series, &series, &p->call);
    if (status == INS1_OK)
        mix(p, &series.n_samples, sizeof(series.n_samples));
    return status;
}

static ins1_status hear_table(program *p)
{
    return hear(p, table, NULL);
}

static ins1_status hear_record(program *p)
{
    return hear(p, header, samples);
}

static ins1_status run(program *p)
{
    ins1_status (*const steps[])(program *) = {
        load_plugin, open_folder, read_shards, open_list, open_single, see, hear_table, hear_record
    };
    ins1_status status = INS1_OK;

    *p = (program){ .error = INS1_INIT(ins1_error), .call = INS1_INIT(ins1_call), .answer = 1 };
    p->call.error = &p->error;
    kernel.count = 0;
    kernel.call = NULL;
    kernel.is_on = true;
    for (size_t i = 0; status == INS1_OK && i < sizeof(steps) / sizeof(steps[0]); i++)
        status = steps[i](p);
    kernel.is_on = false;
    ins1_io_series_release(p->series);
    ins1_io_image_release(p->image);
    ins1_model_release(p->model);
    ins1_runtime_release(p->runtime);
    ins1_runtime_release(p->other);
    return status;
}

/* --- again and again --- */

static int n_failures, n_descriptors;

static void complain(const program *p, const char *what)
{
    printf("call %d, %s of '%s': %s (%s: %s)\n", kernel.refused, kernel.call ? kernel.call : "none",
           kernel.path, what, ins1_status_name(p->error.status), p->error.text);
    n_failures++;
}

static void nothing_is_kept(const program *p)
{
    if (live)
        complain(p, "memory is kept");
    if (count_descriptors() != n_descriptors)
        complain(p, "a descriptor is kept");
    if (count_mappings(demo) || count_mappings(shards))
        complain(p, "a mapping is kept");
    live = 0;
    n_descriptors = count_descriptors();
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void judge(const program *p, ins1_status status, uint64_t expected)
{
    /* What cannot be mapped is read; what was interrupted or came in part is asked for again. */
    const bool goes_on = kernel.how == INTERRUPTED || kernel.how == IS_SHORT ||
                         (kernel.call && strcmp(kernel.call, "mmap") == 0);
    if (!kernel.call)
        complain(p, "there was no such call this time");
    else if (goes_on && (status != INS1_OK || p->answer != expected))
        complain(p, status == INS1_OK ? "the answer is another one" : "it is a failure");
    else if (!goes_on && status != INS1_E_IO)
        complain(p, "the status is not INS1_E_IO");
    else if (!goes_on &&
             (p->error.status != status || !strstr(p->error.text, base_of(kernel.path))))
        complain(p, "the file is not named");
    else if (kernel.how == FAILS && !goes_on && strcmp(kernel.call, "dlopen") != 0 &&
             p->error.os_errno != EIO)
        complain(p, "the system's reason is lost");
}

static void fail_each(const char *name, int how, int stride, uint64_t expected)
{
    program p;
    kernel.how = how;
    kernel.refused = NEVER;
    run(&p);
    const int n = kernel.count;
    int tried = 0;
    for (int i = 0; i < n; i += stride, tried++) {
        kernel.refused = i;
        ins1_status status = run(&p);
        judge(&p, status, expected);
        nothing_is_kept(&p);
    }
    printf("%s: %d of %d calls, each once\n", name, tried, n);
    n_failures += n == 0;
}

static void write_file(char *path, const char *folder, const char *name, const char *text, size_t n)
{
    snprintf(path, PATH_SIZE, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(text, 1, n, f) != n || fclose(f) != 0) {
        printf("%s cannot be written\n", path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    static const char record[] = "paths 1 100 4\npaths.dat 16 200 16 0\n", csv[] = "1\n2\n4\n3\n";
    program p;

    const int stride = argc > 6 ? atoi(argv[6]) : 1;
    if (argc < 6 || stride < 1)
        return 2;
    demo = argv[1];
    shards = argv[2];
    picture = argv[3];
    plugin = argv[4];
    write_file(header, argv[5], "paths.hea", record, sizeof(record) - 1);
    write_file(samples, argv[5], "paths.dat", "\1\0\2\0\3\0\4\0", 8);
    write_file(table, argv[5], "paths.csv", csv, sizeof(csv) - 1);

    kernel.refused = NEVER;
    if (run(&p) != INS1_OK) {
        printf("nothing fails: %s\n", p.error.text);
        return 1;
    }
    n_descriptors = count_descriptors();
    nothing_is_kept(&p);
    const uint64_t expected = p.answer;
    fail_each("fails", FAILS, stride, expected);
    fail_each("is interrupted", INTERRUPTED, stride, expected);
    fail_each("ends early", ENDS, stride, expected);
    fail_each("comes in part", IS_SHORT, stride, expected);
    return n_failures != 0;
}
