#include "spans.h"

static size_t tokens_of(const ins1_span *span)
{
    ins1_embeds_info info = INS1_INIT(ins1_embeds_info);
    if (!span->embeds)
        return span->n_ids;
    if (span->count || ins1_embeds_info_get(span->embeds, &info, NULL) != INS1_OK)
        return span->count;
    return info.n_tokens - span->first;
}

size_t spans_cut(const ins1_span *spans, size_t n_spans, size_t first, size_t count, ins1_span *out)
{
    size_t at = 0, n_out = 0;
    for (size_t i = 0; i < n_spans && count; i++) {
        const size_t n = tokens_of(&spans[i]), skip = first > at ? first - at : 0;
        at += n;
        if (skip >= n)
            continue;
        const size_t taken = n - skip < count ? n - skip : count;
        ins1_span *span = &out[n_out++];
        *span = spans[i];
        if (span->embeds) {
            span->first += skip;
            span->count = taken;
        } else {
            span->ids += skip;
            span->n_ids = taken;
        }
        first += taken;
        count -= taken;
    }
    return n_out;
}

size_t spans_alike(const ins1_span *spans, size_t n_spans, const int32_t *ids, size_t n_ids)
{
    size_t at = 0;
    for (size_t i = 0; i < n_spans && !spans[i].embeds; i++)
        for (size_t k = 0; k < spans[i].n_ids; k++, at++)
            if (at == n_ids || spans[i].ids[k] != ids[at])
                return at;
    return at;
}

size_t spans_copy(const ins1_span *spans, size_t n_spans, int32_t *ids, size_t capacity)
{
    size_t at = 0;
    for (size_t i = 0; i < n_spans && !spans[i].embeds; i++)
        for (size_t k = 0; k < spans[i].n_ids && at < capacity; k++)
            ids[at++] = spans[i].ids[k];
    return at;
}
