#include "tokenizer/bpe.h"

#include <string.h>

ins1_status s1_bpe_init(s1_bpe *bpe, size_t n, const ins1_allocator *memory, ins1_error *error)
{
    size_t slots = 16;
    while (slots / 2 < n + n / 8)
        slots *= 2;
    bpe->max_merges = n ? n : 1;
    bpe->made = s1_alloc_array(memory, bpe->max_merges, sizeof(*bpe->made), INS1_MEM_OBJECT);
    bpe->slots = s1_alloc_array(memory, slots, sizeof(*bpe->slots), INS1_MEM_OBJECT);
    if (!bpe->made || !bpe->slots) {
        s1_free(memory, bpe->slots, slots * sizeof(*bpe->slots), INS1_MEM_OBJECT);
        bpe->slots = NULL;
        return s1_fail(error, INS1_E_MEMORY, "no memory for %zu merges", n);
    }
    bpe->n_slots = slots;
    memset(bpe->slots, 0xFF, slots * sizeof(*bpe->slots));
    return INS1_OK;
}

static inline size_t home(const s1_bpe *bpe, uint32_t left, uint32_t right)
{
    uint64_t h = ((uint64_t)left << 32 | right) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(h ^ h >> 32) & (bpe->n_slots - 1);
}

ins1_status s1_bpe_add(s1_bpe *bpe, uint32_t left, uint32_t right, uint32_t made, ins1_error *error)
{
    size_t at = home(bpe, left, right);
    for (int probes = 0; probes < S1_MAX_PROBES; probes++, at = (at + 1) & (bpe->n_slots - 1)) {
        s1_bpe_slot *slot = bpe->slots + at;
        if (slot->rank != S1_NO_RANK && (slot->left != left || slot->right != right))
            continue;
        *slot = (s1_bpe_slot){ left, right, (uint32_t)bpe->n_merges };
        bpe->made[bpe->n_merges++] = made;
        return INS1_OK;
    }
    return s1_fail(error, INS1_E_FORMAT, "too many merges share a hash with %u + %u", left, right);
}

void s1_bpe_skip(s1_bpe *bpe)
{
    bpe->n_merges++;
}

static uint32_t rank_of(const void *vocabulary, const s1_symbol *left, const s1_symbol *right,
                        uint32_t *made)
{
    const s1_bpe *bpe = vocabulary;
    size_t at = home(bpe, left->id, right->id);
    for (int probes = 0; probes < S1_MAX_PROBES; probes++, at = (at + 1) & (bpe->n_slots - 1)) {
        const s1_bpe_slot *slot = bpe->slots + at;
        if (slot->rank == S1_NO_RANK)
            break;
        if (slot->left == left->id && slot->right == right->id) {
            *made = bpe->made[slot->rank];
            return slot->rank;
        }
    }
    return S1_NO_RANK;
}

ins1_status s1_bpe_encode(const s1_bpe *bpe, s1_merge *merge, const uint8_t *text, uint32_t at,
                          uint32_t size, const ins1_allocator *memory, const s1_call *call)
{
    ins1_status status = s1_merge_reserve(merge, size, memory, call->error);
    if (status != INS1_OK)
        return status;
    for (uint32_t i = 0; i < size; i++) {
        merge->symbols[i].id = bpe->byte_ids[text[i]];
        merge->symbols[i].begin = at + i;
        merge->symbols[i].end = at + i + 1;
    }
    merge->n = size;
    return s1_merge_run(merge, rank_of, bpe, memory, call);
}

void s1_bpe_finish(s1_bpe *bpe, const ins1_allocator *memory)
{
    s1_free(memory, bpe->slots, bpe->n_slots * sizeof(*bpe->slots), INS1_MEM_OBJECT);
    s1_free(memory, bpe->made, bpe->max_merges * sizeof(*bpe->made), INS1_MEM_OBJECT);
    *bpe = (s1_bpe){ 0 };
}
