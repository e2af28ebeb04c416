/* The buffers of a device by their id: open addressing, as full as three quarters. */

#include "backend/device.h"
#include "base/memory.h"
#include "base/meter.h"

enum { FIRST_SLOTS = 64 };

static size_t home_of(const s1_blocks *blocks, uint64_t id)
{
    return (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (blocks->n_slots - 1);
}

/* The slot of that id, or the free one where it would go. */
static s1_block *slot_of(const s1_blocks *blocks, uint64_t id)
{
    size_t at = home_of(blocks, id);
    while (blocks->slots[at].used && blocks->slots[at].id != id)
        at = (at + 1) & (blocks->n_slots - 1);
    return &blocks->slots[at];
}

ins1_status s1_blocks_reserve(s1_blocks *blocks, const ins1_allocator *memory, ins1_error *error)
{
    if (blocks->slots && blocks->n < blocks->n_slots / 4 * 3)
        return INS1_OK;

    s1_blocks bigger = { .n_slots = blocks->slots ? blocks->n_slots * 2 : FIRST_SLOTS };
    bigger.slots = s1_alloc_array(memory, bigger.n_slots, sizeof(s1_block), INS1_MEM_OBJECT);
    if (!bigger.slots)
        return s1_out_of_memory(memory, bigger.n_slots * sizeof(s1_block), "a list of buffers",
                                error);
    for (size_t i = 0; i < blocks->n_slots; i++)
        if (blocks->slots[i].used)
            s1_blocks_insert(&bigger, &blocks->slots[i]);
    s1_blocks_finish(blocks, memory);
    *blocks = bigger;
    return INS1_OK;
}

bool s1_blocks_insert(s1_blocks *blocks, const s1_block *block)
{
    s1_block *slot = slot_of(blocks, block->id);
    if (slot->used)
        return false;
    *slot = *block;
    slot->used = true;
    blocks->n++;
    return true;
}

const s1_block *s1_blocks_find(const s1_blocks *blocks, uint64_t id)
{
    if (!blocks->slots)
        return NULL;
    const s1_block *slot = slot_of(blocks, id);
    return slot->used ? slot : NULL;
}

/* Everything after the hole moves up if its home lies before it, so that no search ends too early.
 */
void s1_blocks_remove(s1_blocks *blocks, uint64_t id)
{
    s1_block *slot = blocks->slots ? slot_of(blocks, id) : NULL;
    if (!slot || !slot->used)
        return;

    size_t mask = blocks->n_slots - 1;
    size_t hole = (size_t)(slot - blocks->slots);
    for (size_t at = (hole + 1) & mask; blocks->slots[at].used; at = (at + 1) & mask) {
        size_t home = home_of(blocks, blocks->slots[at].id);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            blocks->slots[hole] = blocks->slots[at];
            hole = at;
        }
    }
    blocks->slots[hole].used = false;
    blocks->n--;
}

void s1_blocks_finish(s1_blocks *blocks, const ins1_allocator *memory)
{
    if (blocks->slots)
        s1_free(memory, blocks->slots, blocks->n_slots * sizeof(s1_block), INS1_MEM_OBJECT);
    *blocks = (s1_blocks){ 0 };
}
