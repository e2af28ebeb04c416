#include "tokenizer/pieces.h"

#include "tokenizer/unicode.h"

#include <string.h>

/* A user-defined piece, as the id of a symbol: never merged. */
#define FROZEN UINT32_C(0x80000000)

enum { LOWER_BLOCK_SIZE = 3 };

static const uint8_t lower_block[LOWER_BLOCK_SIZE] = { 0xE2, 0x96, 0x81 };

typedef struct lookup {
    const s1_pieces *pieces;
    const uint8_t *text;
} lookup;

static uint32_t rank_of(const void *vocabulary, const s1_symbol *left, const s1_symbol *right,
                        uint32_t *made)
{
    const lookup *in = vocabulary;
    uint32_t size = right->end - left->begin;

    if (size > in->pieces->max_size || (left->id != S1_NO_ID && left->id & FROZEN) ||
        (right->id != S1_NO_ID && right->id & FROZEN))
        return S1_NO_RANK;
    uint32_t piece = s1_strings_find(&in->pieces->texts, in->text + left->begin, size);
    if (piece == S1_NO_STRING)
        return S1_NO_RANK;
    *made = piece;
    return in->pieces->ranks[piece];
}

/* The text as it is matched, in the work's buffers. */
typedef struct escaper {
    s1_pieces_work *work;
    uint32_t size;
} escaper;

static void put(escaper *to, const uint8_t *bytes, uint32_t size, uint32_t origin)
{
    for (uint32_t i = 0; i < size; i++) {
        to->work->escaped[to->size] = bytes[i];
        to->work->origins[to->size++] = origin;
    }
}

static void put_space(escaper *to, const s1_pieces *pieces, uint32_t origin)
{
    if (pieces->escape)
        put(to, lower_block, LOWER_BLOCK_SIZE, origin);
    else
        put(to, (const uint8_t *)" ", 1, origin);
}

static ins1_status escape(const s1_pieces *pieces, s1_pieces_work *work, const uint8_t *text,
                          uint32_t begin, uint32_t end, unsigned flags, uint32_t *size,
                          const ins1_allocator *memory, const s1_call *call)
{
    size_t spaces = 1;
    for (uint32_t i = begin; i < end; i++)
        spaces += text[i] == ' ';
    size_t need = end - begin + spaces * LOWER_BLOCK_SIZE;
    if (!s1_scratch_grow(memory, (void **)&work->escaped, &work->escaped_capacity, need, 1,
                         INS1_MEM_SCRATCH) ||
        !s1_scratch_grow(memory, (void **)&work->origins, &work->origins_capacity, need + 1,
                         sizeof(*work->origins), INS1_MEM_SCRATCH))
        return s1_fail(call->error, INS1_E_MEMORY, "no memory to escape %u bytes", end - begin);

    escaper to = { work, 0 };
    if (pieces->squeeze) {
        while (begin < end && text[begin] == ' ' && flags & S1_PIECES_FIRST)
            begin++;
        while (begin < end && text[end - 1] == ' ')
            end--;
    }
    if (begin < end && flags & S1_PIECES_FIRST && pieces->dummy_prefix)
        put_space(&to, pieces, begin);
    for (uint32_t i = begin; i < end; i++) {
        if (text[i] != ' ')
            put(&to, text + i, 1, i);
        else if (!pieces->squeeze || i == begin || text[i - 1] != ' ')
            put_space(&to, pieces, i);
    }
    work->origins[to.size] = end;
    *size = to.size;
    return INS1_OK;
}

/* The longest user-defined piece at the beginning of `text`, or NULL. */
static const s1_added_token *user_defined(const s1_pieces *pieces, const uint8_t *text, size_t left,
                                          unsigned flags)
{
    const s1_added_token *found = NULL, *next;
    s1_added_walk walk = { 0 };
    uint32_t c;

    if (!pieces->user_defined.firsts[*text])
        return NULL;
    size_t character = s1_utf8_item(text, left, &c);
    while ((next = s1_added_next(&pieces->user_defined, &walk, text, left)))
        if (next->size == character || flags & S1_PIECES_TRUSTED)
            found = next;
    return found;
}

static void cut(const s1_pieces *pieces, s1_merge *merge, const uint8_t *text, uint32_t size,
                unsigned flags)
{
    merge->n = 0;
    for (uint32_t at = 0; at < size;) {
        s1_symbol *symbol = merge->symbols + merge->n++;
        const s1_added_token *user = user_defined(pieces, text + at, size - at, flags);
        uint32_t c, n;
        if (user) {
            n = user->size;
            symbol->id = (uint32_t)user->id | FROZEN;
        } else {
            n = (uint32_t)s1_utf8_item(text + at, size - at, &c);
            symbol->id = s1_strings_find(&pieces->texts, text + at, n);
        }
        symbol->begin = at;
        symbol->end = at += n;
    }
}

/* Positions of the given text, and neighbouring characters of no piece as one. */
static void give_back(s1_merge *merge, const uint32_t *origins, uint32_t shift)
{
    size_t n = 0;
    for (size_t i = 0; i < merge->n; i++) {
        s1_symbol symbol = merge->symbols[i];
        symbol.begin = origins ? origins[symbol.begin] : symbol.begin + shift;
        symbol.end = origins ? origins[symbol.end] : symbol.end + shift;
        if (symbol.id != S1_NO_ID)
            symbol.id &= ~FROZEN;
        else if (n && merge->symbols[n - 1].id == S1_NO_ID) {
            merge->symbols[n - 1].end = symbol.end;
            continue;
        }
        merge->symbols[n++] = symbol;
    }
    merge->n = n;
}

ins1_status s1_pieces_encode(const s1_pieces *pieces, s1_pieces_work *work, s1_merge *merge,
                             const uint8_t *text, uint32_t begin, uint32_t end, unsigned flags,
                             const ins1_allocator *memory, const s1_call *call)
{
    bool as_is = begin < end && !(flags & S1_PIECES_FIRST && pieces->dummy_prefix) &&
                 !memchr(text + begin, ' ', end - begin);
    lookup in = { pieces, text + begin };
    uint32_t size = end - begin;
    ins1_status status = INS1_OK;

    merge->n = 0;
    if (begin == end)
        return INS1_OK;
    if (!as_is) {
        status = escape(pieces, work, text, begin, end, flags, &size, memory, call);
        in.text = work->escaped;
    }
    if (status == INS1_OK)
        status = s1_merge_reserve(merge, size, memory, call->error);
    if (status != INS1_OK)
        return status;
    cut(pieces, merge, in.text, size, flags);
    status = s1_merge_run(merge, rank_of, &in, memory, call);
    if (status == INS1_OK)
        give_back(merge, as_is ? NULL : work->origins, begin);
    return status;
}

void s1_pieces_work_finish(s1_pieces_work *work, const ins1_allocator *memory)
{
    s1_scratch_free(memory, work->escaped, work->escaped_capacity, 1, INS1_MEM_SCRATCH);
    s1_scratch_free(memory, work->origins, work->origins_capacity, sizeof(*work->origins),
                    INS1_MEM_SCRATCH);
    *work = (s1_pieces_work){ 0 };
}
