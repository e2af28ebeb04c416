#include "tokenizer/merge.h"

#include <string.h>

enum { SHORT = 32, POLL_EVERY = 4096 };

ins1_status s1_merge_reserve(s1_merge *merge, size_t n, const ins1_allocator *memory,
                             ins1_error *error)
{
    if (!s1_scratch_grow(memory, (void **)&merge->symbols, &merge->capacity, n,
                         sizeof(*merge->symbols), INS1_MEM_SCRATCH))
        return s1_fail(error, INS1_E_MEMORY, "no memory to merge %zu symbols", n);
    return INS1_OK;
}

/* Few symbols: look at all of them each time, there is nothing to keep up. */
static void merge_short(s1_merge *merge, s1_rank_fn *rank, const void *vocabulary)
{
    s1_symbol *symbols = merge->symbols;

    for (size_t i = 0; i + 1 < merge->n; i++)
        symbols[i].rank = rank(vocabulary, symbols + i, symbols + i + 1, &symbols[i].made);
    while (merge->n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < merge->n; i++)
            if (symbols[i].rank < symbols[best].rank)
                best = i;
        if (symbols[best].rank == S1_NO_RANK)
            return;
        symbols[best].id = symbols[best].made;
        symbols[best].end = symbols[best + 1].end;
        memmove(symbols + best + 1, symbols + best + 2, (merge->n - best - 2) * sizeof(*symbols));
        merge->n--;
        if (best + 1 < merge->n)
            symbols[best].rank =
                rank(vocabulary, symbols + best, symbols + best + 1, &symbols[best].made);
        if (best)
            symbols[best - 1].rank =
                rank(vocabulary, symbols + best - 1, symbols + best, &symbols[best - 1].made);
    }
}

static void sift_up(uint64_t *heap, size_t at)
{
    uint64_t moved = heap[at];
    for (; at && heap[(at - 1) / 2] > moved; at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = moved;
}

static void sift_down(uint64_t *heap, size_t n, size_t at)
{
    uint64_t moved = heap[at];
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= moved)
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

/* The pair that begins at symbol `i` has a new rank. Entries of its former rank stay and are known
 * by that. */
static void offer(s1_merge *merge, uint32_t i, s1_rank_fn *rank, const void *vocabulary)
{
    s1_symbol *left = merge->symbols + i;

    left->rank = S1_NO_RANK;
    if (left->next == S1_NO_ID)
        return;
    left->rank = rank(vocabulary, left, merge->symbols + left->next, &left->made);
    if (left->rank == S1_NO_RANK)
        return;
    merge->heap[merge->n_heap++] = (uint64_t)left->rank << 32 | i;
}

static void join(s1_merge *merge, uint32_t i, s1_rank_fn *rank, const void *vocabulary)
{
    s1_symbol *left = merge->symbols + i, *right = merge->symbols + left->next;

    left->id = left->made;
    left->end = right->end;
    left->next = right->next;
    right->rank = S1_NO_RANK;
    if (left->next != S1_NO_ID)
        merge->symbols[left->next].last = i;

    size_t before = merge->n_heap;
    offer(merge, i, rank, vocabulary);
    if (merge->n_heap > before)
        sift_up(merge->heap, before);
    before = merge->n_heap;
    if (left->last != S1_NO_ID)
        offer(merge, left->last, rank, vocabulary);
    if (merge->n_heap > before)
        sift_up(merge->heap, before);
}

static void compact(s1_merge *merge)
{
    size_t n = 0;
    for (uint32_t i = 0; i != S1_NO_ID;) {
        uint32_t next = merge->symbols[i].next;
        merge->symbols[n++] = merge->symbols[i];
        i = next;
    }
    merge->n = n;
}

static ins1_status merge_long(s1_merge *merge, s1_rank_fn *rank, const void *vocabulary,
                              const ins1_allocator *memory, const s1_call *call)
{
    uint32_t n = (uint32_t)merge->n;

    /* A merge takes one entry and adds at most two, and there are fewer than n. */
    if (!s1_scratch_grow(memory, (void **)&merge->heap, &merge->heap_capacity, 2 * (size_t)n,
                         sizeof(*merge->heap), INS1_MEM_SCRATCH))
        return s1_fail(call->error, INS1_E_MEMORY, "no memory to merge %u symbols", n);
    merge->n_heap = 0;
    for (uint32_t i = 0; i < n; i++) {
        merge->symbols[i].next = i + 1 < n ? i + 1 : S1_NO_ID;
        merge->symbols[i].last = i ? i - 1 : S1_NO_ID;
    }
    for (uint32_t i = 0; i < n; i++)
        offer(merge, i, rank, vocabulary);
    for (size_t i = merge->n_heap / 2; i-- > 0;)
        sift_down(merge->heap, merge->n_heap, i);

    for (uint32_t steps = 0; merge->n_heap; steps++) {
        if (steps % POLL_EVERY == 0) {
            ins1_status status = s1_call_check(call);
            if (status != INS1_OK)
                return status;
        }
        uint64_t top = merge->heap[0];
        merge->heap[0] = merge->heap[--merge->n_heap];
        if (merge->n_heap)
            sift_down(merge->heap, merge->n_heap, 0);
        uint32_t i = (uint32_t)top;
        if (merge->symbols[i].rank == top >> 32)
            join(merge, i, rank, vocabulary);
    }
    compact(merge);
    return INS1_OK;
}

ins1_status s1_merge_run(s1_merge *merge, s1_rank_fn *rank, const void *vocabulary,
                         const ins1_allocator *memory, const s1_call *call)
{
    if (merge->n > SHORT)
        return merge_long(merge, rank, vocabulary, memory, call);
    merge_short(merge, rank, vocabulary);
    return INS1_OK;
}

void s1_merge_finish(s1_merge *merge, const ins1_allocator *memory)
{
    s1_scratch_free(memory, merge->symbols, merge->capacity, sizeof(*merge->symbols),
                    INS1_MEM_SCRATCH);
    s1_scratch_free(memory, merge->heap, merge->heap_capacity, sizeof(*merge->heap),
                    INS1_MEM_SCRATCH);
    *merge = (s1_merge){ 0 };
}
