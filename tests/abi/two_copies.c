/* Two copies of the library in one process, each in a namespace of its own: nothing in it is
 * global. two_copies LIBRARY
 */

#include <interns1/interns1.h>

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef ins1_status create_fn(ins1_runtime **out, const ins1_runtime_options *options,
                              const ins1_call *call);
typedef int32_t count_fn(const ins1_runtime *runtime);
typedef void release_fn(ins1_runtime *runtime);

typedef struct copy {
    create_fn *create;
    count_fn *count;
    release_fn *release;
    ins1_runtime *runtime;
} copy;

/* A function pointer from a data pointer, which C has no cast for. */
static int find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof(symbol));
    return symbol != NULL;
}

static int open_copy(copy *out, Lmid_t where, const char *path)
{
    ins1_threading threading = INS1_INIT(ins1_threading);
    ins1_runtime_options options = INS1_INIT(ins1_runtime_options);
    void *library = dlmopen(where, path, RTLD_NOW | RTLD_LOCAL);

    if (!library || !find(library, "ins1_runtime_create", &out->create) ||
        !find(library, "ins1_device_count", &out->count) ||
        !find(library, "ins1_runtime_release", &out->release)) {
        fprintf(stderr, "%s\n", dlerror());
        return 0;
    }
    threading.mode = INS1_THREADS_OWN;
    threading.n_threads = 2;
    options.threading = &threading;
    return out->create(&out->runtime, &options, NULL) == INS1_OK;
}

int main(int argc, char **argv)
{
    copy first, second;

    if (argc != 2)
        return 2;
    if (!open_copy(&first, LM_ID_BASE, argv[1]) || !open_copy(&second, LM_ID_NEWLM, argv[1]))
        return 1;
    if (first.create == second.create || first.count(first.runtime) != 1 ||
        second.count(second.runtime) != 1)
        return 1;
    first.release(first.runtime);
    second.release(second.runtime);
    return 0;
}
