#ifndef S1_DECODER_CACHE_H
#define S1_DECODER_CACHE_H

#include "backend/backend.h"
#include "decoder/decoder.h"

/* Keys and values of several sequences in pages of fixed length. A sequence is a line of the page
 * table; sequences that were forked share pages until one of them writes. One thread at a time. */

enum { S1_PAGE_LENGTH = 256 }; /* positions; also the unit in which attention is summed */

/* What a session has on one device. */
typedef struct s1_lane {
    s1_stream *stream;   /* owned */
    s1_buffer workspace; /* of a forward pass */
    s1_buffer pages;     /* the cache's: its table as this device reads it, 0 for no page */
} s1_lane;

typedef struct s1_cache {
    const ins1_decoder *decoder; /* borrowed, as are its lanes */
    s1_lane *lanes;
    const ins1_allocator *memory;
    int32_t n_layer, n_head_kv, head_dim, dtype;
    int32_t page_length; /* S1_PAGE_LENGTH, less where a whole context is shorter */
    int32_t n_seq, pages_per_seq, n_pages;
    s1_buffer *keys, *values; /* owned, [n_layer]: [n_pages][n_head_kv][page_length][head_dim] */
    int32_t *table;           /* owned, [n_seq][pages_per_seq]; -1: no page */
    int32_t *owners;          /* owned, [n_pages]: lines that use it */
    int32_t *unused;          /* owned, a stack of free pages */
    int32_t n_unused;
    int32_t *staging; /* owned, the table as devices read it */
    bool is_stale;    /* theirs is older than ours */
} s1_cache;

/* Bytes of the pools for these numbers; also what a plan says. UINT64_MAX: more pages than can be
 * counted. */
uint64_t s1_cache_bytes(const s1_decoder_config *config, int32_t dtype, int32_t n_ctx,
                        int32_t n_seq);

/* Positions of a page, and of all pages of a line. */
int32_t s1_cache_page_length(int32_t n_ctx);
int64_t s1_cache_line_length(int32_t n_ctx);

/* A lane for each home of the decoder, with its stream. */
ins1_status s1_cache_init(s1_cache *cache, const ins1_decoder *decoder, s1_lane *lanes,
                          int32_t dtype, int32_t n_ctx, int32_t n_seq, ins1_error *error);
void s1_cache_finish(s1_cache *cache);

/* Make positions [begin, end) of a line writable: its own pages, copied where they were shared. */
ins1_status s1_cache_reserve(s1_cache *cache, int32_t seq, size_t begin, size_t end,
                             const s1_call *call);

/* Give back the pages that hold no position below `keep`. */
void s1_cache_truncate(s1_cache *cache, int32_t seq, size_t keep);

/* `to` shares the pages of `from`; what it held is gone. */
void s1_cache_fork(s1_cache *cache, int32_t from, int32_t to);

/* Bring the tables of all devices up to date. */
ins1_status s1_cache_flush(s1_cache *cache, const s1_call *call);

/* The queue of the device that has a layer. */
s1_stream *s1_cache_stream(const s1_cache *cache, int32_t layer);

ins1_tensor_desc s1_cache_keys(const s1_cache *cache, int32_t layer);
ins1_tensor_desc s1_cache_values(const s1_cache *cache, int32_t layer);
ins1_tensor_desc s1_cache_table(const s1_cache *cache, const s1_lane *lane);

/* Bytes of one page of one layer's keys, which is also that of its values. */
uint64_t s1_cache_page_bytes(const s1_cache *cache);

#endif
