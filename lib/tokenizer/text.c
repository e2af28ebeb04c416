#include "tokenizer/text.h"

#include "base/struct.h"
#include "tokenizer/unicode.h"

#include <string.h>

enum { LOWER_BLOCK = 0x2581, POLL_EVERY = 1 << 16, WATCHED = 8 };

/* Three bytes for one is the most that normalisation adds, so the result fits 32 bits. */
#define MAX_SIZE UINT32_C(0x40000000)

static ins1_status no_memory(const s1_call *call, size_t size)
{
    return s1_fail(call->error, INS1_E_MEMORY, "no memory to normalise %zu bytes", size);
}

static ins1_status check_segment(const ins1_segment *segment, const s1_call *call)
{
    ins1_segment full;
    ins1_status status = s1_struct_import(&full, segment, sizeof(full), call->error);
    if (status != INS1_OK)
        return status;
    if (segment->struct_size < sizeof(full))
        return s1_fail(call->error, INS1_E_ARGUMENT,
                       "segment has struct_size %u, at least %zu expected", segment->struct_size,
                       sizeof(full));
    if (full.kind < INS1_SEGMENT_AUTO || full.kind > INS1_SEGMENT_XNA)
        return s1_fail(call->error, INS1_E_ARGUMENT, "segment kind is %d, expected 0 to %d",
                       full.kind, INS1_SEGMENT_XNA);
    if (full.flags & ~INS1_SEGMENT_SPECIAL || full.reserved0)
        return s1_fail(call->error, INS1_E_VERSION, "segment flags 0x%x, reserved %u are too new",
                       full.flags, full.reserved0);
    if (!full.text && full.size)
        return s1_fail(call->error, INS1_E_ARGUMENT, "a segment of %zu bytes has no text",
                       full.size);
    return INS1_OK;
}

static bool add_stretch(s1_text *text, uint32_t end, const ins1_segment *segment,
                        const ins1_allocator *memory)
{
    bool special = segment && segment->flags & INS1_SEGMENT_SPECIAL;
    int32_t kind = segment ? segment->kind : INS1_SEGMENT_AUTO;
    s1_stretch *last = text->n_stretches ? text->stretches + text->n_stretches - 1 : NULL;

    if (last && last->kind == kind && last->special == special) {
        last->end = end;
        return true;
    }
    if (!s1_scratch_grow(memory, (void **)&text->stretches, &text->stretches_capacity,
                         text->n_stretches + 1, sizeof(*text->stretches), INS1_MEM_SCRATCH))
        return false;
    text->stretches[text->n_stretches++] = (s1_stretch){ end, kind, special };
    return true;
}

/* One text from all segments, and its stretches, in bytes of the input. */
static ins1_status join(s1_text *text, const ins1_segment *segments, size_t n,
                        const ins1_allocator *memory, const s1_call *call)
{
    const char *at = (const char *)segments;
    size_t stride = n ? segments->struct_size : 0, size = 0;

    for (size_t i = 0; i < n; i++) {
        const ins1_segment *segment = (const ins1_segment *)(const void *)(at + i * stride);
        ins1_status status = check_segment(segment, call);
        if (status != INS1_OK)
            return status;
        if (segment->struct_size != stride)
            return s1_fail(call->error, INS1_E_ARGUMENT,
                           "segment %zu has struct_size %u, the first has %zu", i,
                           segment->struct_size, stride);
        if (segment->size > MAX_SIZE - size)
            return s1_fail(call->error, INS1_E_ARGUMENT, "text has more than %u bytes", MAX_SIZE);
        size += segment->size;
        if (segment->size && !add_stretch(text, (uint32_t)size, segment, memory))
            return no_memory(call, size);
    }
    text->size = (uint32_t)size;
    text->bytes = n ? (const uint8_t *)segments->text : NULL;
    if (!text->n_stretches && !add_stretch(text, 0, NULL, memory))
        return no_memory(call, size);
    if (n < 2 || !size)
        return INS1_OK;

    text->joined = s1_alloc(memory, size, INS1_MEM_SCRATCH);
    if (!text->joined)
        return no_memory(call, size);
    text->joined_capacity = size;
    text->bytes = text->joined;
    size_t to = 0;
    for (size_t i = 0; i < n; i++) {
        const ins1_segment *segment = (const ins1_segment *)(const void *)(at + i * stride);
        if (segment->size)
            memcpy(text->joined + to, segment->text, segment->size);
        to += segment->size;
    }
    return INS1_OK;
}

static bool is_ascii8(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, 8);
    return !(word & UINT64_C(0x8080808080808080));
}

/* The first character that may have to change, or the size. */
static uint32_t first_change(const s1_text *text, unsigned flags)
{
    const uint8_t *bytes = text->bytes;
    uint32_t at = 0, c;

    while (at < text->size) {
        while (text->size - at >= 8 && is_ascii8(bytes + at))
            at += 8;
        if (at == text->size)
            break;
        uint32_t n = (uint32_t)s1_utf8_item(bytes + at, text->size - at, &c);
        if (c < 0x110000 && ((flags & S1_TEXT_NFC && s1_unicode_nibble(c) & WATCHED) ||
                             (flags & S1_TEXT_UNESCAPE && c == LOWER_BLOCK)))
            return at;
        at += n;
    }
    return text->size;
}

/* State of one normalisation. */
typedef struct normaliser {
    s1_text *text;
    const uint8_t *in;
    uint32_t in_size;
    unsigned flags;
    const ins1_allocator *memory;
    s1_nfc nfc;
} normaliser;

static bool put(normaliser *n, const uint8_t *bytes, size_t size)
{
    s1_text *text = n->text;
    if (!size)
        return true;
    if (!s1_scratch_grow(n->memory, (void **)&text->changed, &text->changed_capacity,
                         text->changed_size + size, 1, INS1_MEM_SCRATCH))
        return false;
    memcpy(text->changed + text->changed_size, bytes, size);
    text->changed_size += size;
    return true;
}

/* What was put since `begin` stands for [from, to) of the input. */
static bool note_edit(normaliser *n, size_t begin, uint32_t from, uint32_t to)
{
    s1_text *text = n->text;
    size_t size = text->changed_size - begin;
    if (size == to - from && (!size || !memcmp(text->changed + begin, n->in + from, size)))
        return true;
    if (!s1_scratch_grow(n->memory, (void **)&text->edits, &text->edits_capacity, text->n_edits + 1,
                         sizeof(*text->edits), INS1_MEM_SCRATCH))
        return false;
    text->edits[text->n_edits++] =
        (s1_edit){ (uint32_t)begin, (uint32_t)text->changed_size, from, to };
    return true;
}

/* Write out the characters of n->nfc, noting an edit for each group whose bytes can be told apart.
 */
static bool put_nfc(normaliser *n, uint32_t from)
{
    size_t begin = n->text->changed_size;
    uint32_t to = from;

    for (size_t i = 0; i < n->nfc.n; i++) {
        const s1_nfc_char *c = n->nfc.chars + i;
        uint8_t bytes[4];
        if (c->begin >= to) {
            if (!note_edit(n, begin, from, to))
                return false;
            begin = n->text->changed_size;
            from = to;
        }
        bool space = n->flags & S1_TEXT_UNESCAPE && c->c == LOWER_BLOCK;
        if (!put(n, bytes, s1_utf8_write(bytes, space ? ' ' : c->c)))
            return false;
        if (c->end > to)
            to = c->end;
    }
    return note_edit(n, begin, from, to);
}

/* A mark that begins what nobody vouches for must not change the end of a token that the host
 * wrote: U+0338 after '>' would. */
static bool breaks_token(const normaliser *n, uint32_t at)
{
    const s1_text *text = n->text;
    if (n->in[at - 1] != '>')
        return false;
    size_t low = 0, high = text->n_stretches;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (text->stretches[middle].end < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low + 1 < text->n_stretches && text->stretches[low].end == at &&
           text->stretches[low].special && !text->stretches[low + 1].special;
}

/* The end of the characters from `at` on that normalisation has to look at together. */
static uint32_t watched_end(const normaliser *n, uint32_t at)
{
    uint32_t c;
    while (at < n->in_size) {
        uint32_t size = (uint32_t)s1_utf8_item(n->in + at, n->in_size - at, &c);
        if (c >= 0x110000 || !(s1_unicode_nibble(c) & WATCHED))
            break;
        at += size;
    }
    return at;
}

static ins1_status normalise(normaliser *n, uint32_t at, const s1_call *call)
{
    s1_text *text = n->text;
    uint32_t starter = at, polled = at; /* the last character that marks can join */
    size_t starter_out = 0;

    /* Back to the character before the first change, which may be part of it. */
    while (starter && starter + 4 > at && (n->in[--starter] & 0xC0) == 0x80)
        ;
    at = starter;
    if (!put(n, n->in, at))
        return no_memory(call, n->in_size);
    starter_out = text->changed_size;

    while (at < n->in_size) {
        uint32_t c, size = (uint32_t)s1_utf8_item(n->in + at, n->in_size - at, &c);
        if (at - polled > POLL_EVERY) {
            ins1_status status = s1_call_check(call);
            if (status != INS1_OK)
                return status;
            polled = at;
        }
        if (c < 0x110000 && n->flags & S1_TEXT_NFC && s1_unicode_nibble(c) & WATCHED) {
            uint32_t end = watched_end(n, at);
            if (starter < at && breaks_token(n, at)) {
                starter = at;
                starter_out = text->changed_size;
            }
            text->changed_size = starter_out;
            while (text->n_edits && text->edits[text->n_edits - 1].begin >= starter_out)
                text->n_edits--;
            if (!s1_nfc_run(&n->nfc, n->in, starter, end, n->memory) || !put_nfc(n, starter))
                return no_memory(call, n->in_size);
            at = starter = end;
            starter_out = text->changed_size;
            continue;
        }
        /* Nothing joins a byte that belongs to no character. */
        starter = c < 0x110000 ? at : at + size;
        starter_out = text->changed_size;
        bool space = c == LOWER_BLOCK && n->flags & S1_TEXT_UNESCAPE;
        if (!(space ? put(n, (const uint8_t *)" ", 1) : put(n, n->in + at, size)) ||
            !note_edit(n, starter_out, at, at + size))
            return no_memory(call, n->in_size);
        if (c >= 0x110000)
            starter_out = text->changed_size;
        at += size;
    }
    text->bytes = text->changed;
    text->size = (uint32_t)text->changed_size;
    return INS1_OK;
}

/* The ends of the stretches, so far in bytes of the input, in bytes of the result. What was made of
 * characters on both sides of a border belongs to the first. */
static void move_stretches(s1_text *text)
{
    size_t edit = 0;
    int64_t shift = 0;
    for (size_t i = 0; i < text->n_stretches; i++) {
        uint32_t end = text->stretches[i].end;
        while (edit < text->n_edits && text->edits[edit].from < end) {
            shift = (int64_t)text->edits[edit].end - text->edits[edit].to;
            if (text->edits[edit].to > end)
                end = text->edits[edit].to;
            edit++;
        }
        if (edit && text->edits[edit - 1].to > end)
            end = text->edits[edit - 1].to;
        text->stretches[i].end = (uint32_t)(end + shift);
    }
}

ins1_status s1_text_read(s1_text *text, const ins1_segment *segments, size_t n, unsigned flags,
                         const ins1_allocator *memory, const s1_call *call)
{
    ins1_status status = join(text, segments, n, memory, call);
    if (status != INS1_OK)
        return status;
    uint32_t at = first_change(text, flags);
    if (at == text->size)
        return INS1_OK;

    normaliser state = { text, text->bytes, text->size, flags, memory, { 0 } };
    status = normalise(&state, at, call);
    s1_nfc_finish(&state.nfc, memory);
    if (status == INS1_OK)
        move_stretches(text);
    return status;
}

void s1_text_finish(s1_text *text, const ins1_allocator *memory)
{
    s1_scratch_free(memory, text->edits, text->edits_capacity, sizeof(*text->edits),
                    INS1_MEM_SCRATCH);
    s1_scratch_free(memory, text->stretches, text->stretches_capacity, sizeof(*text->stretches),
                    INS1_MEM_SCRATCH);
    s1_scratch_free(memory, text->joined, text->joined_capacity, 1, INS1_MEM_SCRATCH);
    s1_scratch_free(memory, text->changed, text->changed_capacity, 1, INS1_MEM_SCRATCH);
    *text = (s1_text){ 0 };
}

uint32_t s1_text_origin(s1_text_map *map, uint32_t at)
{
    const s1_text *text = map->text;
    while (map->edit < text->n_edits && text->edits[map->edit].end <= at)
        map->edit++;
    int64_t shift = 0;
    if (map->edit) {
        const s1_edit *last = text->edits + map->edit - 1;
        shift = (int64_t)last->to - last->end;
    }
    if (map->edit < text->n_edits && text->edits[map->edit].begin < at) {
        /* Inside a change there is no exact answer; this one keeps the order. */
        const s1_edit *edit = text->edits + map->edit;
        uint32_t inside = at - edit->begin, size = edit->to - edit->from;
        return edit->from + (inside < size ? inside : size);
    }
    return (uint32_t)(at + shift);
}
