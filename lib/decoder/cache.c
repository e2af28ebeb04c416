#include "decoder/cache.h"

#include "base/memory.h"
#include "base/meter.h"
#include "tensor/tensor.h"

/* A short context is one page, rounded so that rows of the last page stay aligned. */
int32_t s1_cache_page_length(int32_t n_ctx)
{
    enum { ROUND = 16 };
    int32_t rounded = n_ctx > INT32_MAX - ROUND ? n_ctx : (n_ctx + ROUND - 1) / ROUND * ROUND;
    return rounded < S1_PAGE_LENGTH ? rounded : S1_PAGE_LENGTH;
}

static int32_t pages_of(size_t n_tokens, int32_t page_length)
{
    return (int32_t)((n_tokens + (size_t)page_length - 1) / (size_t)page_length);
}

int64_t s1_cache_line_length(int32_t n_ctx)
{
    int32_t length = s1_cache_page_length(n_ctx);
    return (int64_t)pages_of((size_t)n_ctx, length) * length;
}

static uint64_t page_bytes(const s1_decoder_config *config, int32_t dtype, int32_t page_length)
{
    return (uint64_t)config->n_head_kv * (uint64_t)page_length * (uint64_t)config->head_dim *
           s1_dtype_size(dtype);
}

uint64_t s1_cache_bytes(const s1_decoder_config *config, int32_t dtype, int32_t n_ctx,
                        int32_t n_seq)
{
    int32_t length = s1_cache_page_length(n_ctx);
    uint64_t n_pages = (uint64_t)pages_of((size_t)n_ctx, length) * (uint64_t)n_seq;
    if (n_pages > INT32_MAX)
        return UINT64_MAX;
    return 2 * (uint64_t)config->n_layer * n_pages * page_bytes(config, dtype, length);
}

uint64_t s1_cache_page_bytes(const s1_cache *cache)
{
    return (uint64_t)cache->n_head_kv * (uint64_t)cache->page_length * (uint64_t)cache->head_dim *
           s1_dtype_size(cache->dtype);
}

static size_t table_size(const s1_cache *cache)
{
    return (size_t)cache->n_seq * (size_t)cache->pages_per_seq * sizeof(*cache->table);
}

static int32_t *line_of(const s1_cache *cache, int32_t seq)
{
    return cache->table + (size_t)seq * (size_t)cache->pages_per_seq;
}

static ins1_status create_pools(s1_cache *cache, ins1_error *error)
{
    uint64_t size = s1_cache_page_bytes(cache) * (uint64_t)cache->n_pages;
    ins1_status status = INS1_OK;
    for (int32_t i = 0; status == INS1_OK && i < cache->n_layer; i++) {
        s1_device *device = s1_decoder_home(cache->decoder, i)->device;
        status = s1_buffer_create(&cache->keys[i], device, size, INS1_MEM_KV, error);
        if (status == INS1_OK)
            status = s1_buffer_create(&cache->values[i], device, size, INS1_MEM_KV, error);
    }
    for (int32_t i = 0; status == INS1_OK && i < cache->decoder->n_homes; i++)
        status = s1_buffer_create(&cache->lanes[i].pages, cache->decoder->homes[i].device,
                                  table_size(cache), INS1_MEM_KV, error);
    return status;
}

ins1_status s1_cache_init(s1_cache *cache, const ins1_decoder *decoder, s1_lane *lanes,
                          int32_t dtype, int32_t n_ctx, int32_t n_seq, ins1_error *error)
{
    const s1_decoder_config *config = &decoder->config;
    const ins1_allocator *memory = decoder->memory;

    *cache = (s1_cache){
        .decoder = decoder,
        .lanes = lanes,
        .memory = memory,
        .n_layer = config->n_layer,
        .n_head_kv = config->n_head_kv,
        .head_dim = config->head_dim,
        .dtype = dtype,
        .page_length = s1_cache_page_length(n_ctx),
        .n_seq = n_seq,
        .is_stale = true,
    };
    cache->pages_per_seq = pages_of((size_t)n_ctx, cache->page_length);
    if (cache->pages_per_seq > INT32_MAX / n_seq)
        return s1_fail(error, INS1_E_ARGUMENT, "%d sequences of %d tokens are too many", n_seq,
                       n_ctx);
    cache->n_pages = cache->pages_per_seq * n_seq;

    size_t n_layer = (size_t)cache->n_layer, n_pages = (size_t)cache->n_pages;
    cache->keys = s1_alloc_array(memory, n_layer, sizeof(*cache->keys), INS1_MEM_OBJECT);
    cache->values = s1_alloc_array(memory, n_layer, sizeof(*cache->values), INS1_MEM_OBJECT);
    cache->table = s1_alloc(memory, table_size(cache), INS1_MEM_OBJECT);
    cache->staging = s1_alloc(memory, table_size(cache), INS1_MEM_OBJECT);
    cache->owners = s1_alloc_array(memory, n_pages, sizeof(*cache->owners), INS1_MEM_OBJECT);
    cache->unused = s1_alloc_array(memory, n_pages, sizeof(*cache->unused), INS1_MEM_OBJECT);
    ins1_status status = INS1_OK;
    if (!cache->keys || !cache->values || !cache->table || !cache->staging || !cache->owners ||
        !cache->unused)
        status = s1_out_of_memory(memory, table_size(cache), "a table of pages", error);
    if (status == INS1_OK)
        status = create_pools(cache, error);
    if (status != INS1_OK) {
        s1_cache_finish(cache);
        return status;
    }

    for (size_t i = 0; i < table_size(cache) / sizeof(*cache->table); i++)
        cache->table[i] = -1;
    while (cache->n_unused < cache->n_pages) {
        /* The lowest page lies on top. */
        cache->unused[cache->n_unused] = cache->n_pages - 1 - cache->n_unused;
        cache->n_unused++;
    }
    return INS1_OK;
}

void s1_cache_finish(s1_cache *cache)
{
    const ins1_allocator *memory = cache->memory;
    size_t n_layer = (size_t)cache->n_layer, n_pages = (size_t)cache->n_pages;

    for (size_t i = 0; i < n_layer; i++) {
        if (cache->keys)
            s1_buffer_destroy(&cache->keys[i]);
        if (cache->values)
            s1_buffer_destroy(&cache->values[i]);
    }
    for (int32_t i = 0; cache->decoder && i < cache->decoder->n_homes; i++)
        s1_buffer_destroy(&cache->lanes[i].pages);
    s1_free(memory, cache->keys, n_layer * sizeof(*cache->keys), INS1_MEM_OBJECT);
    s1_free(memory, cache->values, n_layer * sizeof(*cache->values), INS1_MEM_OBJECT);
    s1_free(memory, cache->table, table_size(cache), INS1_MEM_OBJECT);
    s1_free(memory, cache->staging, table_size(cache), INS1_MEM_OBJECT);
    s1_free(memory, cache->owners, n_pages * sizeof(*cache->owners), INS1_MEM_OBJECT);
    s1_free(memory, cache->unused, n_pages * sizeof(*cache->unused), INS1_MEM_OBJECT);
    *cache = (s1_cache){ 0 };
}

static void drop_page(s1_cache *cache, int32_t *place)
{
    if (*place >= 0 && --cache->owners[*place] == 0)
        cache->unused[cache->n_unused++] = *place;
    *place = -1;
    cache->is_stale = true;
}

/* There are as many pages as all lines can hold, so one that lacks a page finds one. */
static int32_t take_page(s1_cache *cache)
{
    int32_t page = cache->unused[--cache->n_unused];
    cache->owners[page] = 1;
    cache->is_stale = true;
    return page;
}

static ins1_status copy_page(s1_cache *cache, int32_t from, int32_t to, const s1_call *call)
{
    uint64_t size = s1_cache_page_bytes(cache);
    for (int32_t i = 0; i < cache->n_layer; i++) {
        const s1_buffer *pools[] = { &cache->keys[i], &cache->values[i] };
        for (int k = 0; k < 2; k++) {
            ins1_status status =
                s1_stream_copy(s1_cache_stream(cache, i), pools[k], (uint64_t)to * size, pools[k],
                               (uint64_t)from * size, size, call);
            if (status != INS1_OK)
                return status;
        }
    }
    return INS1_OK;
}

ins1_status s1_cache_reserve(s1_cache *cache, int32_t seq, size_t begin, size_t end,
                             const s1_call *call)
{
    int32_t *line = line_of(cache, seq);
    int32_t first = (int32_t)(begin / (size_t)cache->page_length);
    int32_t last = pages_of(end, cache->page_length);

    for (int32_t i = first; i < last; i++) {
        if (line[i] >= 0 && cache->owners[line[i]] == 1)
            continue;
        int32_t page = take_page(cache);
        if (line[i] >= 0) {
            ins1_status status = copy_page(cache, line[i], page, call);
            if (status != INS1_OK) {
                drop_page(cache, &page);
                return status;
            }
            drop_page(cache, &line[i]);
        }
        line[i] = page;
    }
    return INS1_OK;
}

void s1_cache_truncate(s1_cache *cache, int32_t seq, size_t keep)
{
    int32_t *line = line_of(cache, seq);
    for (int32_t i = pages_of(keep, cache->page_length); i < cache->pages_per_seq; i++)
        if (line[i] >= 0)
            drop_page(cache, &line[i]);
}

void s1_cache_fork(s1_cache *cache, int32_t from, int32_t to)
{
    if (from == to)
        return;
    s1_cache_truncate(cache, to, 0);
    const int32_t *source = line_of(cache, from);
    int32_t *line = line_of(cache, to);
    for (int32_t i = 0; i < cache->pages_per_seq && source[i] >= 0; i++) {
        line[i] = source[i];
        cache->owners[line[i]]++;
    }
    cache->is_stale = true;
}

ins1_status s1_cache_flush(s1_cache *cache, const s1_call *call)
{
    ins1_status status = INS1_OK;
    if (!cache->is_stale)
        return INS1_OK;
    size_t n = table_size(cache) / sizeof(*cache->table);
    for (size_t i = 0; i < n; i++)
        cache->staging[i] = cache->table[i] < 0 ? 0 : cache->table[i];
    for (int32_t i = 0; status == INS1_OK && i < cache->decoder->n_homes; i++)
        status = s1_stream_write(cache->lanes[i].stream, &cache->lanes[i].pages, 0, cache->staging,
                                 table_size(cache), call);
    cache->is_stale = status != INS1_OK;
    return status;
}

s1_stream *s1_cache_stream(const s1_cache *cache, int32_t layer)
{
    return cache->lanes[cache->decoder->layers[layer].home].stream;
}

static ins1_tensor_desc pool_view(const s1_cache *cache, const s1_buffer *pool)
{
    const int64_t dim[] = { cache->n_pages, cache->n_head_kv, cache->page_length, cache->head_dim };
    return s1_view(pool, 0, cache->dtype, 4, dim);
}

ins1_tensor_desc s1_cache_keys(const s1_cache *cache, int32_t layer)
{
    return pool_view(cache, &cache->keys[layer]);
}

ins1_tensor_desc s1_cache_values(const s1_cache *cache, int32_t layer)
{
    return pool_view(cache, &cache->values[layer]);
}

ins1_tensor_desc s1_cache_table(const s1_cache *cache, const s1_lane *lane)
{
    const int64_t dim[] = { cache->n_seq, cache->pages_per_seq };
    return s1_view(&lane->pages, 0, INS1_DTYPE_I32, 2, dim);
}
