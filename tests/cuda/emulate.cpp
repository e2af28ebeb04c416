/* Coroutines for the threads of a block. */

#include "emulate.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifndef __x86_64__
#include <ucontext.h>
#endif

emulated_index threadIdx, blockIdx, blockDim, gridDim;

namespace
{

const unsigned MOST_THREADS = 1024, WARP = 32;
const size_t STACK = 128 << 10, MOST_SHARED = 48 << 10;

enum state { READY, AT_BARRIER, IN_SHUFFLE, DONE };

struct fiber {
    void *pointer; /* where its stack stands */
#ifndef __x86_64__
    ucontext_t context;
#endif
    char *stack;
    void *fake; /* AddressSanitizer's */
    state now;
    const char *file;
    int line;
    unsigned n_shared, turn;
    uint32_t given[2]; /* to shuffles, in turns */
};

struct array {
    void *memory;
    size_t size;
};

fiber fibers[MOST_THREADS], *running;
std::vector<array> shared; /* of the block */
#ifdef __x86_64__
void *scheduler;
#else
ucontext_t scheduler_context;
#endif
void (*kernel_now)(const void *);
const void *argument_now;
char wrong[256];
#ifdef HAS_ASAN
void *scheduler_fake;
const void *scheduler_stack;
size_t scheduler_size;
#endif

#define COMPLAIN(...)                                    \
    do {                                                 \
        if (!wrong[0])                                   \
            snprintf(wrong, sizeof(wrong), __VA_ARGS__); \
    } while (0)

} // namespace

#ifdef __x86_64__
/* Stores where the stack stands and goes on with another. */
extern "C" void emulated_switch(void **from, void *to);
__asm__(".text\n"
        ".globl emulated_switch\n"
        ".hidden emulated_switch\n"
        ".type emulated_switch, @function\n"
        "emulated_switch:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size emulated_switch, . - emulated_switch\n");
#endif

namespace
{

/* Back to the scheduler. */
void leave(fiber *f)
{
#ifdef HAS_ASAN
    __sanitizer_start_switch_fiber(f->now == DONE ? NULL : &f->fake, scheduler_stack,
                                   scheduler_size);
#endif
#ifdef __x86_64__
    emulated_switch(&f->pointer, scheduler);
#else
    swapcontext(&f->context, &scheduler_context);
#endif
#ifdef HAS_ASAN
    __sanitizer_finish_switch_fiber(f->fake, &scheduler_stack, &scheduler_size);
#endif
}

void live()
{
#ifdef HAS_ASAN
    __sanitizer_finish_switch_fiber(NULL, &scheduler_stack, &scheduler_size);
#endif
    kernel_now(argument_now);
    running->now = DONE;
    leave(running);
}

void resume(fiber *f, unsigned thread)
{
    running = f;
    threadIdx = { thread, 0, 0 };
#ifdef HAS_ASAN
    __sanitizer_start_switch_fiber(&scheduler_fake, f->stack, STACK);
#endif
#ifdef __x86_64__
    emulated_switch(&scheduler, f->pointer);
#else
    swapcontext(&scheduler_context, &f->context);
#endif
#ifdef HAS_ASAN
    __sanitizer_finish_switch_fiber(scheduler_fake, NULL, NULL);
#endif
}

void begin(fiber *f)
{
    if (!f->stack)
        f->stack = static_cast<char *>(malloc(STACK));
#ifdef HAS_ASAN
    __asan_unpoison_memory_region(f->stack, STACK);
#endif
    f->now = READY;
    f->n_shared = f->turn = 0;
    f->fake = NULL;
#ifdef __x86_64__
    uintptr_t top = (reinterpret_cast<uintptr_t>(f->stack) + STACK) / 16 * 16;
    void **at = reinterpret_cast<void **>(top);
    *--at = NULL; /* nobody to return to */
    *--at = reinterpret_cast<void *>(live);
    for (int i = 0; i < 6; i++)
        *--at = NULL;
    f->pointer = at;
#else
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = f->stack;
    f->context.uc_stack.ss_size = STACK;
    f->context.uc_link = NULL;
    makecontext(&f->context, live, 0);
#endif
}

bool same_place(const fiber *a, const fiber *b)
{
    return a->now == b->now && a->line == b->line && !strcmp(a->file, b->file);
}

/* Warps whose lanes all stand in the same shuffle go on; none may wait for lanes that do not come.
 */
bool release_warps(unsigned threads)
{
    bool released = false;

    for (unsigned first = 0; first < threads; first += WARP) {
        unsigned n = threads - first < WARP ? threads - first : WARP, waiting = 0;
        const fiber *one = NULL;
        for (unsigned i = first; i < first + n; i++) {
            if (fibers[i].now == IN_SHUFFLE) {
                one = one ? one : &fibers[i];
                waiting += same_place(one, &fibers[i]);
            }
        }
        if (!one)
            continue;
        if (waiting != WARP) {
            COMPLAIN("%s:%d: a shuffle of %u lanes, 32 expected", one->file, one->line, waiting);
            return false;
        }
        for (unsigned i = first; i < first + n; i++)
            fibers[i].now = READY;
        released = true;
    }
    return released;
}

bool release_barrier(unsigned threads)
{
    unsigned waiting = 0;
    const fiber *one = NULL;

    for (unsigned i = 0; i < threads; i++) {
        if (fibers[i].now == AT_BARRIER) {
            one = one ? one : &fibers[i];
            waiting += same_place(one, &fibers[i]);
        }
    }
    if (!one)
        return false;
    if (waiting != threads) {
        COMPLAIN("%s:%d: a barrier that %u of %u threads reach", one->file, one->line, waiting,
                 threads);
        return false;
    }
    for (unsigned i = 0; i < threads; i++)
        fibers[i].now = READY;
    return true;
}

void run_block(unsigned threads, bool backwards)
{
    for (unsigned i = 0; i < threads; i++)
        begin(&fibers[i]);
    do {
        for (unsigned i = 0; i < threads; i++) {
            unsigned thread = backwards ? threads - 1 - i : i;
            if (fibers[thread].now == READY)
                resume(&fibers[thread], thread);
        }
    } while (!wrong[0] && (release_warps(threads) || (!wrong[0] && release_barrier(threads))));

    size_t bytes = 0;
    for (const array &a : shared) {
        bytes += a.size;
        free(a.memory);
    }
    shared.clear();
    if (bytes > MOST_SHARED)
        COMPLAIN("%zu bytes of shared memory, at most %zu expected", bytes, MOST_SHARED);
}

} // namespace

void *emulated_shared(size_t bytes)
{
    unsigned i = running->n_shared++;
    if (i == shared.size()) {
        array a = { malloc(bytes), bytes };
        memset(a.memory, 0xff, bytes);
        shared.push_back(a);
    }
    if (shared[i].size != bytes)
        COMPLAIN("threads differ in their shared memory");
    return shared[i].memory;
}

void emulated_barrier(const char *file, int line)
{
    fiber *f = running;
    f->now = AT_BARRIER;
    f->file = file;
    f->line = line;
    leave(f);
}

uint32_t emulated_shuffle(const char *file, int line, unsigned lanes, uint32_t mine, unsigned from)
{
    fiber *f = running;
    unsigned turn = f->turn++ % 2, first = threadIdx.x / WARP * WARP;

    if (lanes != 0xffffffffu)
        COMPLAIN("%s:%d: a shuffle of lanes 0x%x, all expected", file, line, lanes);
    f->given[turn] = mine;
    f->now = IN_SHUFFLE;
    f->file = file;
    f->line = line;
    leave(f);
    /* Nobody is more than one shuffle ahead, so what was given last stands. */
    return fibers[first + from % WARP].given[turn];
}

const char *emulated_grid(void (*kernel)(const void *argument), const void *argument,
                          emulated_index grid, unsigned threads)
{
    static unsigned n_grids, n_blocks;
    unsigned long long all = 1ull * grid.x * grid.y * grid.z;
    bool backwards = n_grids++ % 2;

    kernel_now = kernel;
    argument_now = argument;
    gridDim = grid;
    blockDim = { threads, 1, 1 };
    wrong[0] = 0;
    if (!threads || threads > MOST_THREADS)
        COMPLAIN("%u threads in a block, 1 to %u expected", threads, MOST_THREADS);
    for (unsigned long long i = 0; i < all && !wrong[0]; i++) {
        unsigned long long at = backwards ? all - 1 - i : i;
        blockIdx = { static_cast<unsigned>(at % grid.x),
                     static_cast<unsigned>(at / grid.x % grid.y),
                     static_cast<unsigned>(at / grid.x / grid.y) };
        run_block(threads, n_blocks++ % 2);
    }
    return wrong[0] ? wrong : NULL;
}
