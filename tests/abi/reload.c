/* The library comes and goes a thousand times in one process, each time with a runtime and a
 * checkpoint, and leaves nothing: no mapping, no file, no thread, no memory. reload LIBRARY
 * CHECKPOINT
 */

#include <interns1/interns1.h>

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum { TIMES = 1000, WARM_UP = 50, SLACK_KB = 1024 };

typedef struct library {
    void *handle;
    ins1_status (*create)(ins1_runtime **out, const ins1_runtime_options *options,
                          const ins1_call *call);
    ins1_status (*open)(ins1_model **out, ins1_runtime *runtime, const ins1_model_options *options,
                        const ins1_call *call);
    void (*release_model)(ins1_model *model);
    void (*release)(ins1_runtime *runtime);
} library;

/* A function pointer from a data pointer, which C has no cast for. */
static int find(const library *l, const char *name, void *function)
{
    void *symbol = dlsym(l->handle, name);
    memcpy(function, &symbol, sizeof(symbol));
    return symbol != NULL;
}

static int load(library *l, const char *path)
{
    l->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    return l->handle && find(l, "ins1_runtime_create", &l->create) &&
           find(l, "ins1_model_open", &l->open) &&
           find(l, "ins1_model_release", &l->release_model) &&
           find(l, "ins1_runtime_release", &l->release);
}

static int use(const library *l, const char *checkpoint)
{
    ins1_threading threading = INS1_INIT(ins1_threading);
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    ins1_model_options model_options = INS1_INIT(ins1_model_options);
    ins1_runtime *runtime = NULL;
    ins1_model *model = NULL;

    threading.mode = INS1_THREADS_OWN;
    threading.n_threads = 2;
    options.threading = &threading;
    model_options.path = checkpoint;
    int ok = l->create(&runtime, &options, NULL) == INS1_OK &&
             l->open(&model, runtime, &model_options, NULL) == INS1_OK;
    l->release_model(model);
    l->release(runtime);
    return ok;
}

static int entries(const char *folder)
{
    int n = 0;
    DIR *dir = opendir(folder);
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n;
}

/* A number of /proc/self/status, in kB. */
static long status_of(const char *key)
{
    char line[256];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof(line), file))
        if (!strncmp(line, key, strlen(key)))
            sscanf(line + strlen(key), ": %ld", &value);
    if (file)
        fclose(file);
    return value;
}

static int is_mapped(const char *name)
{
    char line[1024];
    int found = 0;
    FILE *file = fopen("/proc/self/maps", "r");
    while (file && fgets(line, sizeof(line), file))
        found |= strstr(line, name) != NULL;
    if (file)
        fclose(file);
    return found;
}

int main(int argc, char **argv)
{
    long resident = 0;
    int files = 0;

    if (argc != 3)
        return 2;
    for (int i = 0; i < TIMES; i++) {
        library l;
        if (!load(&l, argv[1])) {
            fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
        if (!use(&l, argv[2])) {
            fprintf(stderr, "round %d: the checkpoint does not open\n", i);
            return 1;
        }
        dlclose(l.handle);
        if (is_mapped("libinterns1.so") || is_mapped(".safetensors")) {
            fprintf(stderr, "round %d: still mapped\n", i);
            return 1;
        }
        if (i == WARM_UP) {
            resident = status_of("VmRSS");
            files = entries("/proc/self/fd");
        }
    }
    long grown = status_of("VmRSS") - resident;
    printf("%d rounds, %ld kB more than after %d\n", TIMES, grown, WARM_UP);
    if (grown > SLACK_KB || entries("/proc/self/fd") != files || status_of("Threads") != 1) {
        fprintf(stderr, "%ld kB, %d files, %ld threads are left\n", grown,
                entries("/proc/self/fd") - files, status_of("Threads"));
        return 1;
    }
    return 0;
}
