#include "tokenizer/encode.h"

#include "tokenizer/split.h"
#include "tokenizer/unicode.h"

#include <string.h>

enum { POLL_EVERY = 1 << 14 };

static ins1_status poll(s1_encoder *e, uint32_t at)
{
    if (at - e->polled < POLL_EVERY)
        return INS1_OK;
    e->polled = at;
    return s1_call_check(&e->call);
}

static void put_piece(s1_sink *sink, int32_t id, int32_t kind, uint32_t begin, uint32_t end)
{
    if (sink->count < sink->capacity) {
        if (sink->ids)
            sink->ids[sink->count] = id;
        if (sink->pieces) {
            size_t from = s1_text_origin(&sink->map, begin);
            sink->pieces[sink->count] =
                (ins1_piece){ id, kind, from, s1_text_origin(&sink->map, end) };
        }
    }
    sink->count++;
}

static void close_stretch(s1_sink *sink)
{
    if (sink->has_open)
        put_piece(sink, sink->open.id, sink->open.kind, (uint32_t)sink->open.begin,
                  (uint32_t)sink->open.end);
    sink->has_open = false;
}

static void put_stretch(s1_sink *sink, int32_t id, int32_t kind, uint32_t begin, uint32_t end)
{
    if (begin == end)
        return;
    if (sink->has_open && kind != INS1_SEGMENT_TOKEN && sink->open.kind == kind) {
        sink->open.end = end;
        return;
    }
    close_stretch(sink);
    sink->open = (ins1_piece){ id, kind, begin, end };
    sink->has_open = true;
}

static const s1_domain *domain_on_top(const s1_encoder *e)
{
    if (!e->n_stack)
        return NULL;
    return e->tokenizer->domains + e->tokenizer->domain_of[e->stack[e->n_stack - 1]];
}

/* The id of a base token inside a domain: that of the piece of the same text, if there is one. */
static int32_t id_in(const s1_domain *domain, uint32_t id)
{
    size_t low = 0, high = domain ? domain->n_shared : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (domain->shared[middle] >> 32 == id)
            return (int32_t)(domain->offset + (uint32_t)domain->shared[middle]);
        if (domain->shared[middle] >> 32 < id)
            low = middle + 1;
        else
            high = middle;
    }
    return (int32_t)id;
}

static ins1_status encode_bytes(s1_encoder *e, const s1_domain *domain, int32_t kind,
                                uint32_t begin, uint32_t end)
{
    const ins1_tokenizer *t = e->tokenizer;

    while (begin < end) {
        uint32_t next = s1_split_next(e->text.bytes, begin, end, t->marks_are_letters);
        ins1_status status = poll(e, begin);
        if (status == INS1_OK)
            status = s1_bpe_encode(&t->bpe, &e->merge, e->text.bytes + begin, begin, next - begin,
                                   &t->memory, &e->call);
        if (status != INS1_OK)
            return status;
        for (size_t i = 0; i < e->merge.n; i++) {
            const s1_symbol *symbol = e->merge.symbols + i;
            put_piece(&e->sink, id_in(domain, symbol->id), kind, symbol->begin, symbol->end);
        }
        begin = next;
    }
    return INS1_OK;
}

/* With a domain's pieces. What has none goes through the base vocabulary, run by run. */
static ins1_status encode_domain(s1_encoder *e, const s1_domain *domain, int32_t kind,
                                 uint32_t begin, uint32_t end)
{
    const ins1_tokenizer *t = e->tokenizer;
    ins1_status status = s1_pieces_encode(&domain->pieces, &e->pieces, &e->merge, e->text.bytes,
                                          begin, end, 0, &t->memory, &e->call);
    if (status != INS1_OK)
        return status;

    /* The merging of unknown runs needs the scratch that holds the result. */
    s1_merge outer = e->merge;
    e->merge = (s1_merge){ 0 };
    for (size_t i = 0; status == INS1_OK && i < outer.n; i++) {
        const s1_symbol *symbol = outer.symbols + i;
        if (symbol->id == S1_NO_ID)
            status = encode_bytes(e, domain, kind, symbol->begin, symbol->end);
        else
            put_piece(&e->sink, (int32_t)(domain->offset + symbol->id), kind, symbol->begin,
                      symbol->end);
    }
    s1_merge_finish(&e->merge, &t->memory);
    e->merge = outer;
    return status;
}

/* With the base vocabulary, where that is a SentencePiece model. */
static ins1_status encode_pieces(s1_encoder *e, unsigned flags, uint32_t begin, uint32_t end)
{
    const ins1_tokenizer *t = e->tokenizer;
    const s1_pieces *pieces = &t->pieces;
    ins1_status status =
        s1_pieces_encode(pieces, &e->pieces, &e->merge, e->text.bytes, begin, end,
                         flags | (e->first ? S1_PIECES_FIRST : 0u), &t->memory, &e->call);

    for (size_t i = 0; status == INS1_OK && i < e->merge.n; i++) {
        const s1_symbol *symbol = e->merge.symbols + i;
        if (symbol->id != S1_NO_ID)
            put_piece(&e->sink, (int32_t)symbol->id, INS1_SEGMENT_TEXT, symbol->begin, symbol->end);
        else if (!pieces->byte_fallback)
            put_piece(&e->sink, (int32_t)pieces->unknown, INS1_SEGMENT_TEXT, symbol->begin,
                      symbol->end);
        else
            for (uint32_t at = symbol->begin; at < symbol->end; at++)
                put_piece(&e->sink, (int32_t)pieces->bytes[e->text.bytes[at]], INS1_SEGMENT_TEXT,
                          at, at + 1);
    }
    return status;
}

/* The stretch of the caller's segments that `at` lies in; `from` is a hint from an earlier answer.
 */
static size_t stretch_at(const s1_encoder *e, size_t from, uint32_t at)
{
    while (from + 1 < e->text.n_stretches && e->text.stretches[from].end <= at)
        from++;
    return from;
}

/* A SentencePiece text is cut where the permission changes, for its user-defined pieces. */
static ins1_status encode_base(s1_encoder *e, size_t stretch, uint32_t begin, uint32_t end)
{
    ins1_status status = INS1_OK;

    if (!e->tokenizer->is_sentencepiece)
        return encode_bytes(e, NULL, INS1_SEGMENT_TEXT, begin, end);
    if (!e->tokenizer->pieces.user_defined.n)
        return encode_pieces(e, 0, begin, end);
    while (status == INS1_OK && begin < end) {
        stretch = stretch_at(e, stretch, begin);
        bool special = e->text.stretches[stretch].special;
        uint32_t next = e->text.stretches[stretch].end;
        while (next < end && stretch + 1 < e->text.n_stretches &&
               e->text.stretches[stretch + 1].special == special)
            next = e->text.stretches[++stretch].end;
        if (next > end || next <= begin)
            next = end;
        status = encode_pieces(e, special ? S1_PIECES_TRUSTED : 0u, begin, next);
        e->first = false;
        begin = next;
    }
    return status;
}

static ins1_status encode_text(s1_encoder *e, size_t stretch, uint32_t begin, uint32_t end)
{
    const s1_domain *domain = domain_on_top(e);
    int32_t kind = domain ? e->stack[e->n_stack - 1] : INS1_SEGMENT_TEXT;
    ins1_status status = INS1_OK;

    if (begin == end)
        return INS1_OK;
    if (e->sink.stretches)
        put_stretch(&e->sink, -1, kind, begin, end);
    else if (domain)
        status = encode_domain(e, domain, kind, begin, end);
    else
        status = encode_base(e, stretch, begin, end);
    e->first = false;
    return status;
}

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
        stretch = stretch_at(e, stretch, begin);
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
            put_stretch(&e->sink, -1, INS1_SEGMENT_TEXT, part.begin, part.end);
        if (what == S1_PART_TEXT)
            status = encode_text(e, stretch, part.begin, part.end);
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

    if (token->id < 0 && e->sink.stretches)
        put_stretch(&e->sink, -1, INS1_SEGMENT_TEXT, at, end);
    else if (token->id < 0)
        status = encode_bytes(e, domain_on_top(e), INS1_SEGMENT_TEXT, at, end);
    else if (e->sink.stretches)
        put_stretch(&e->sink, token->id, INS1_SEGMENT_TOKEN, at, end);
    else
        put_piece(&e->sink, token->id, INS1_SEGMENT_TOKEN, at, end);
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
    stretch = stretch_at(e, stretch, at);
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
        status = poll(e, at);
        stretch = stretch_at(e, stretch, at);
        const s1_added_token *token = token_at(e, stretch, at);
        if (!token) {
            at++;
            continue;
        }
        uint32_t end = token->lstrip ? strip_end(e, begin, at) : at;
        if (status == INS1_OK)
            status = encode_chunk(e, chunk_stretch, begin, end);
        if (status == INS1_OK && e->sink.stretches)
            put_stretch(&e->sink, -1, INS1_SEGMENT_TEXT, end, at);
        if (status == INS1_OK)
            status = encode_token(e, token, at);
        at += token->size;
        begin = token->rstrip ? skip_space(e, at) : at;
        if (status == INS1_OK && e->sink.stretches)
            put_stretch(&e->sink, -1, INS1_SEGMENT_TEXT, at, begin);
        at = begin;
        chunk_stretch = stretch;
    }
    if (status == INS1_OK)
        status = encode_chunk(e, chunk_stretch, begin, e->text.size);
    close_stretch(&e->sink);
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

    *count = 0;
    status = s1_call_begin(&e->call, call);
    if (status != INS1_OK)
        return status;
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
        put_piece(&e->sink, tokenizer->bos, INS1_SEGMENT_TOKEN, 0, 0);
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
