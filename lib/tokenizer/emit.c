/* From stretches of one kind to tokens. */
#include "tokenizer/encode.h"
#include "tokenizer/split.h"

enum { POLL_EVERY = 1 << 14 };

ins1_status s1_encoder_poll(s1_encoder *e, uint32_t at)
{
    if (at - e->polled < POLL_EVERY)
        return INS1_OK;
    e->polled = at;
    return s1_call_check(&e->call);
}

void s1_emit_token(s1_sink *sink, int32_t id, int32_t kind, uint32_t begin, uint32_t end)
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

void s1_emit_end(s1_sink *sink)
{
    if (sink->has_open)
        s1_emit_token(sink, sink->open.id, sink->open.kind, (uint32_t)sink->open.begin,
                      (uint32_t)sink->open.end);
    sink->has_open = false;
}

void s1_emit_stretch(s1_sink *sink, int32_t id, int32_t kind, uint32_t begin, uint32_t end)
{
    if (begin == end)
        return;
    if (sink->has_open && kind != INS1_SEGMENT_TOKEN && sink->open.kind == kind) {
        sink->open.end = end;
        return;
    }
    s1_emit_end(sink);
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
        ins1_status status = s1_encoder_poll(e, begin);
        if (status == INS1_OK)
            status = s1_bpe_encode(&t->bpe, &e->merge, e->text.bytes + begin, begin, next - begin,
                                   &t->memory, &e->call);
        if (status != INS1_OK)
            return status;
        for (size_t i = 0; i < e->merge.n; i++) {
            const s1_symbol *symbol = e->merge.symbols + i;
            s1_emit_token(&e->sink, id_in(domain, symbol->id), kind, symbol->begin, symbol->end);
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
            s1_emit_token(&e->sink, (int32_t)(domain->offset + symbol->id), kind, symbol->begin,
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
            s1_emit_token(&e->sink, (int32_t)symbol->id, INS1_SEGMENT_TEXT, symbol->begin,
                          symbol->end);
        else if (!pieces->byte_fallback)
            s1_emit_token(&e->sink, (int32_t)pieces->unknown, INS1_SEGMENT_TEXT, symbol->begin,
                          symbol->end);
        else
            for (uint32_t at = symbol->begin; at < symbol->end; at++)
                s1_emit_token(&e->sink, (int32_t)pieces->bytes[e->text.bytes[at]],
                              INS1_SEGMENT_TEXT, at, at + 1);
    }
    return status;
}

/* The stretch of the caller's segments that `at` lies in; `from` is a hint from an earlier answer.
 */
size_t s1_stretch_at(const s1_encoder *e, size_t from, uint32_t at)
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
        stretch = s1_stretch_at(e, stretch, begin);
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

ins1_status s1_emit_text(s1_encoder *e, size_t stretch, uint32_t begin, uint32_t end)
{
    const s1_domain *domain = domain_on_top(e);
    int32_t kind = domain ? e->stack[e->n_stack - 1] : INS1_SEGMENT_TEXT;
    ins1_status status = INS1_OK;

    if (begin == end)
        return INS1_OK;
    if (e->sink.stretches)
        s1_emit_stretch(&e->sink, -1, kind, begin, end);
    else if (domain)
        status = encode_domain(e, domain, kind, begin, end);
    else
        status = encode_base(e, stretch, begin, end);
    e->first = false;
    return status;
}

/* A tag that is text: the base vocabulary cuts it even inside a domain. */
ins1_status s1_emit_tag_text(s1_encoder *e, uint32_t begin, uint32_t end)
{
    if (!e->sink.stretches)
        return encode_bytes(e, domain_on_top(e), INS1_SEGMENT_TEXT, begin, end);
    s1_emit_stretch(&e->sink, -1, INS1_SEGMENT_TEXT, begin, end);
    return INS1_OK;
}
