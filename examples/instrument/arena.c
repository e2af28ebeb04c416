#include "arena.h"

#include <pthread.h>

#ifndef ARENA_SIZE
#define ARENA_SIZE (24u << 20)
#endif
#define LINE      64u /* every block begins at a multiple of it, and is one in size */
#define STEPS     8u  /* sizes are rounded up to one part in four to eight */
#define N_CLASSES (64u * STEPS)

typedef struct block {
    struct block *next;
} block;

static _Alignas(4096) uint8_t memory[ARENA_SIZE];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static block *returned[N_CLASSES];
static arena_counts counts = { .size = ARENA_SIZE };
static bool is_sealed;

/* The class of a size, and the size of its blocks: a few between a power of two and the next. */
static size_t class_of(size_t size, size_t *rounded)
{
    size_t lines = size / LINE + (size % LINE != 0), power = 0;

    while (lines >> power > STEPS)
        power++;
    size_t step = (size_t)1 << power, whole = (lines + step - 1) / step;
    *rounded = whole * step * LINE;
    return power * STEPS + whole - 1;
}

static block *take(size_t size)
{
    size_t rounded, class = class_of(size, &rounded);
    block *found = returned[class];

    if (found) {
        returned[class] = found->next;
        counts.again++;
    } else if (!is_sealed && rounded <= ARENA_SIZE - counts.cut) {
        found = (block *)(memory + counts.cut);
        counts.cut += rounded;
    }
    if (found)
        counts.given++;
    else
        counts.refused++;
    return found;
}

static void *arena_alloc(void *user, size_t size, size_t align, int32_t kind)
{
    block *found = NULL;

    (void)user;
    (void)kind;
    pthread_mutex_lock(&lock);
    if (align <= LINE && size > 0 && size <= ARENA_SIZE)
        found = take(size);
    else
        counts.refused++;
    pthread_mutex_unlock(&lock);
    return found;
}

static void arena_free(void *user, void *given, size_t size, size_t align, int32_t kind)
{
    size_t rounded, class = class_of(size, &rounded);
    block *back = given;

    (void)user;
    (void)align;
    (void)kind;
    pthread_mutex_lock(&lock);
    back->next = returned[class];
    returned[class] = back;
    pthread_mutex_unlock(&lock);
}

ins1_allocator arena_allocator(void)
{
    ins1_allocator out = INS1_INIT(ins1_allocator);

    out.alloc = arena_alloc;
    out.free = arena_free;
    return out;
}

void arena_seal(void)
{
    pthread_mutex_lock(&lock);
    is_sealed = true;
    pthread_mutex_unlock(&lock);
}

arena_counts arena_count(void)
{
    pthread_mutex_lock(&lock);
    arena_counts out = counts;
    pthread_mutex_unlock(&lock);
    return out;
}
