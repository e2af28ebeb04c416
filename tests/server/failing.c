/* Preloaded: the memory of a program whose n-th allocation fails. The file that FAILING names holds
 * one number, which every allocation counts down; the one that comes to zero fails, and is reported
 * by -1. What libc and libmicrohttpd do with failures at their start is not what is tested: 0
 * counts nothing. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t align, size_t size);

static _Atomic(int64_t) *left;

__attribute__((constructor)) static void begin(void)
{
    const char *name = getenv("FAILING");
    const int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    left = page == MAP_FAILED ? NULL : page;
}

static int fails(void)
{
    if (!left || atomic_load(left) <= 0)
        return 0;
    if (atomic_fetch_sub(left, 1) != 1)
        return 0;
    atomic_store(left, -1);
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size)
{
    return fails() ? NULL : __libc_realloc(memory, size);
}

void *aligned_alloc(size_t align, size_t size)
{
    return fails() ? NULL : __libc_memalign(align, size);
}

void *memalign(size_t align, size_t size)
{
    return fails() ? NULL : __libc_memalign(align, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
    void *memory = fails() ? NULL : __libc_memalign(align, size);
    if (!memory)
        return ENOMEM;
    *out = memory;
    return 0;
}
