#include "tokenizer/encode.h"

#include "tokenizer/unicode.h"

static ins1_status push(s1_encoder *e, int32_t kind)
{
    if (!s1_scratch_grow(&e->tokenizer->memory, (void **)&e->stack, &e->stack_capacity,
                         e->n_stack + 1, 1, INS1_MEM_SCRATCH))
        return s1_fail(e->call.error, INS1_E_MEMORY, "no memory for %zu open tags", e->n_stack + 1);
    e->stack[e->n_stack++] = (uint8_t)kind;
    return INS1_OK;
}

static void pop(s1_encoder *e)
{
    if (e->n_stack)
        e->n_stack--;
}

ins1_status s1_part_add(s1_encoder *e, s1_part_list *list, uint32_t begin, uint32_t end,
                        unsigned what, int32_t kind, bool plain)
{
    if (!s1_scratch_grow(&e->tokenizer->memory, (void **)&list->parts, &list->capacity, list->n + 1,
                         sizeof(*list->parts), INS1_MEM_SCRATCH))
        return s1_fail(e->call.error, INS1_E_MEMORY, "no memory for %zu parts of a text",
                       list->n + 1);
    list->parts[list->n++] = (s1_part){ begin, end, (uint8_t)what, (uint8_t)kind, plain };
    return INS1_OK;
}

/* The parts of a chunk as its segments say: stretches of a domain between markers, and plain text,
 * in which a border between AUTO and TEXT matters to the detectors alone. */
static ins1_status list_parts(s1_encoder *e, size_t stretch, uint32_t begin, uint32_t end)
{
    bool detect = e->tokenizer->rules != S1_RULES_NONE && !e->depth;
    ins1_status status = INS1_OK;

    e->parts.n = 0;
    while (status == INS1_OK && begin < end) {
        stretch = s1_stretch_at(e, stretch, begin);
        int32_t kind = e->text.stretches[stretch].kind;
        uint32_t next = e->text.stretches[stretch].end;
        while (next < end && stretch + 1 < e->text.n_stretches &&
               e->text.stretches[stretch + 1].kind == kind)
            next = e->text.stretches[++stretch].end;
        if (next > end || next <= begin)
            next = end;
        if (kind > INS1_SEGMENT_TEXT) {
            status = s1_part_add(e, &e->parts, begin, begin, S1_PART_BEGIN, kind, true);
            if (status == INS1_OK)
                status = s1_part_add(e, &e->parts, begin, next, S1_PART_TEXT, 0, true);
            if (status == INS1_OK)
                status = s1_part_add(e, &e->parts, next, next, S1_PART_END, kind, true);
        } else {
            bool plain = kind == INS1_SEGMENT_TEXT || !detect;
            status = s1_part_add(e, &e->parts, begin, next, S1_PART_TEXT, 0, plain);
        }
        begin = next;
    }
    return status;
}

/* Text between two added tokens. */
static ins1_status encode_chunk(s1_encoder *e, size_t stretch, uint32_t begin, uint32_t end)
{
    ins1_status status = list_parts(e, stretch, begin, end);
    if (status == INS1_OK && e->tokenizer->rules != S1_RULES_NONE && !e->depth)
        status = s1_detect(e);

    for (size_t i = 0; status == INS1_OK && i < e->parts.n; i++) {
        s1_part part = e->parts.parts[i];
        unsigned what = part.what;
        int32_t kind = part.kind;
        /* Neighbouring texts are one text: only detection told them apart. */
        while (what == S1_PART_TEXT && i + 1 < e->parts.n &&
               e->parts.parts[i + 1].what == S1_PART_TEXT)
            part.end = e->parts.parts[++i].end;
        if (what == S1_PART_TEXT && s1_detect_marker(e, part.begin, part.end, &what, &kind) &&
            e->sink.stretches)
            s1_emit_stretch(&e->sink, -1, INS1_SEGMENT_TEXT, part.begin, part.end);
        if (what == S1_PART_TEXT)
            status = s1_emit_text(e, stretch, part.begin, part.end);
        else if (what == S1_PART_BEGIN)
            status = push(e, kind);
        else
            pop(e);
    }
    return status;
}

static ins1_status encode_token(s1_encoder *e, const s1_added_token *token, uint32_t at)
{
    uint32_t end = at + token->size;
    ins1_status status = INS1_OK;

    if (token->id < 0)
        status = s1_emit_tag_text(e, at, end);
    else if (e->sink.stretches)
        s1_emit_stretch(&e->sink, token->id, INS1_SEGMENT_TOKEN, at, end);
    else
        s1_emit_token(&e->sink, token->id, INS1_SEGMENT_TOKEN, at, end);
    e->first = false;

    switch (token->tag) {
    case S1_TAG_BEGIN:
        e->depth++;
        return status == INS1_OK ? push(e, token->kind) : status;
    case S1_TAG_END:
        pop(e);
        e->depth -= e->depth > 0;
        return status;
    case S1_TAG_PROTECT_BEGIN:
        e->depth++;
        return status;
    case S1_TAG_PROTECT_END:
        e->depth -= e->depth > 0;
        return status;
    case S1_TAG_TURN_END:
        if (e->tokenizer->flags & INS1_TOKENIZER_RESET_AT_TURN)
            e->depth = e->n_stack = 0;
        return status;
    default:
        return status;
    }
}

/* Science tags count everywhere, other tokens where all their bytes may. */
static bool is_permitted(const s1_encoder *e, const s1_added_token *token, size_t stretch,
                         uint32_t at)
{
    if (token->tag != S1_TAG_NONE && token->tag != S1_TAG_TURN_END)
        return true;
    stretch = s1_stretch_at(e, stretch, at);
    if (!e->text.stretches[stretch].special)
        return false;
    uint32_t end = at + token->size;
    while (e->text.stretches[stretch].end < end && stretch + 1 < e->text.n_stretches)
        if (!e->text.stretches[++stretch].special &&
            e->text.stretches[stretch].end > e->text.stretches[stretch - 1].end)
            return false;
    return true;
}

/* The longest token that counts at `at`, or NULL. */
static const s1_added_token *token_at(const s1_encoder *e, size_t stretch, uint32_t at)
{
    const s1_added_token *found = NULL, *next;
    s1_added_walk walk = { 0 };

    while (
        (next = s1_added_next(&e->tokenizer->added, &walk, e->text.bytes + at, e->text.size - at)))
        if (is_permitted(e, next, stretch, at))
            found = next;
    return found;
}

static uint32_t skip_space(const s1_encoder *e, uint32_t at)
{
    uint32_t c;
    while (at < e->text.size) {
        uint32_t n = (uint32_t)s1_utf8_item(e->text.bytes + at, e->text.size - at, &c);
        if (c >= 0x110000 || s1_char_class(c) != S1_CHAR_SPACE)
            break;
        at += n;
    }
    return at;
}

/* Without the white space at the end of text[begin, end). */
static uint32_t strip_end(const s1_encoder *e, uint32_t begin, uint32_t end)
{
    while (begin < end) {
        uint32_t at = end - 1, c;
        while (at > begin && end - at < 4 && (e->text.bytes[at] & 0xC0) == 0x80)
            at--;
        if (at + s1_utf8_item(e->text.bytes + at, end - at, &c) != end || c >= 0x110000 ||
            s1_char_class(c) != S1_CHAR_SPACE)
            break;
        end = at;
    }
    return end;
}

static ins1_status encode_all(s1_encoder *e)
{
    uint32_t begin = 0, at = 0;
    size_t chunk_stretch = 0, stretch = 0;
    ins1_status status = INS1_OK;

    while (status == INS1_OK && at < e->text.size) {
        if (!e->tokenizer->added.firsts[e->text.bytes[at]]) {
            at++;
            continue;
        }
        status = s1_encoder_poll(e, at);
        stretch = s1_stretch_at(e, stretch, at);
        const s1_added_token *token = token_at(e, stretch, at);
        if (!token) {
            at++;
            continue;
        }
        uint32_t end = token->lstrip ? strip_end(e, begin, at) : at;
        if (status == INS1_OK)
            status = encode_chunk(e, chunk_stretch, begin, end);
        if (status == INS1_OK && e->sink.stretches)
            s1_emit_stretch(&e->sink, -1, INS1_SEGMENT_TEXT, end, at);
        if (status == INS1_OK)
            status = encode_token(e, token, at);
        at += token->size;
        begin = token->rstrip ? skip_space(e, at) : at;
        if (status == INS1_OK && e->sink.stretches)
            s1_emit_stretch(&e->sink, -1, INS1_SEGMENT_TEXT, at, begin);
        at = begin;
        chunk_stretch = stretch;
    }
    if (status == INS1_OK)
        status = encode_chunk(e, chunk_stretch, begin, e->text.size);
    s1_emit_end(&e->sink);
    return status;
}

static ins1_status check_kinds(const s1_encoder *e)
{
    for (size_t i = 0; i < e->text.n_stretches; i++) {
        int32_t kind = e->text.stretches[i].kind;
        if (kind > INS1_SEGMENT_TEXT && e->tokenizer->domain_of[kind] == S1_NO_DOMAIN)
            return s1_fail(e->call.error, INS1_E_UNSUPPORTED,
                           "this checkpoint has no vocabulary for segments of kind %d", kind);
    }
    return INS1_OK;
}

static void encoder_finish(s1_encoder *e)
{
    const ins1_allocator *memory = &e->tokenizer->memory;
    s1_text_finish(&e->text, memory);
    s1_merge_finish(&e->merge, memory);
    s1_pieces_work_finish(&e->pieces, memory);
    s1_scratch_free(memory, e->parts.parts, e->parts.capacity, sizeof(s1_part), INS1_MEM_SCRATCH);
    s1_scratch_free(memory, e->spare.parts, e->spare.capacity, sizeof(s1_part), INS1_MEM_SCRATCH);
    s1_scratch_free(memory, e->closes, e->closes_capacity, sizeof(*e->closes), INS1_MEM_SCRATCH);
    s1_scratch_free(memory, e->stack, e->stack_capacity, 1, INS1_MEM_SCRATCH);
}

static ins1_status run(s1_encoder *e, const ins1_tokenizer *tokenizer, const ins1_segment *segments,
                       size_t n_segments, bool bos, size_t *count, const ins1_call *call)
{
    ins1_status status;

    if (count)
        *count = 0;
    status = s1_call_begin(&e->call, call);
    if (status != INS1_OK)
        return status;
    if (!tokenizer || !count)
        return s1_fail(e->call.error, INS1_E_ARGUMENT, "no tokenizer, or no place for a number");
    e->tokenizer = tokenizer;
    e->first = true;
    e->sink.map.text = &e->text;
    if (n_segments && !segments)
        return s1_fail(e->call.error, INS1_E_ARGUMENT, "%zu segments at no address", n_segments);
    status = s1_text_read(&e->text, segments, n_segments,
                          (tokenizer->nfc ? S1_TEXT_NFC : 0u) |
                              (tokenizer->rules != S1_RULES_NONE ? S1_TEXT_UNESCAPE : 0u),
                          &tokenizer->memory, &e->call);
    if (status == INS1_OK)
        status = check_kinds(e);
    if (status == INS1_OK && bos && tokenizer->bos >= 0)
        s1_emit_token(&e->sink, tokenizer->bos, INS1_SEGMENT_TOKEN, 0, 0);
    if (status == INS1_OK)
        status = encode_all(e);
    if (status == INS1_OK)
        *count = e->sink.count;
    if (status == INS1_OK && e->sink.count > e->sink.capacity)
        status = s1_fail(e->call.error, INS1_E_BUFFER, "%zu entries do not fit in %zu",
                         e->sink.count, e->sink.capacity);
    encoder_finish(e);
    return status;
}

ins1_status ins1_tokenizer_encode(const ins1_tokenizer *tokenizer, const ins1_segment *segments,
                                  size_t n_segments, uint32_t flags, int32_t *ids,
                                  ins1_piece *pieces, size_t capacity, size_t *count,
                                  const ins1_call *call)
{
    s1_encoder e = { .sink = { .ids = ids, .pieces = pieces, .capacity = capacity } };
    if (count)
        *count = 0;
    if (flags & ~INS1_ENCODE_ADD_BOS)
        return s1_fail(s1_error_of(call), INS1_E_VERSION, "encode flags 0x%x are too new", flags);
    return run(&e, tokenizer, segments, n_segments, flags & INS1_ENCODE_ADD_BOS, count, call);
}

ins1_status ins1_tokenizer_segments(const ins1_tokenizer *tokenizer, const ins1_segment *segments,
                                    size_t n_segments, ins1_piece *out, size_t capacity,
                                    size_t *count, const ins1_call *call)
{
    s1_encoder e = { .sink = { .pieces = out, .capacity = capacity, .stretches = true } };
    return run(&e, tokenizer, segments, n_segments, false, count, call);
}
