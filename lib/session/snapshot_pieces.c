#include "session/snapshot.h"

#include "base/memory.h"
#include "base/meter.h"

/* --- which pieces there are --- */

static size_t rows_of_piece(size_t width, size_t item_size)
{
    size_t rows = S1_SNAPSHOT_PIECE / (width * item_size);
    return rows ? rows : 1;
}

/* All pieces of one thing; `whole` says what it is and how many rows it has. */
static ins1_status walk_thing(s1_piece whole, s1_piece_fn *visit, void *user)
{
    size_t most = rows_of_piece(whole.width, whole.item_size);
    ins1_status status = INS1_OK;

    for (size_t at = 0; status == INS1_OK && at < whole.rows; at += most) {
        s1_piece piece = whole;
        piece.first = at;
        piece.rows = whole.rows - at < most ? whole.rows - at : most;
        status = visit(user, &piece);
    }
    return status;
}

static size_t kv_item_size(uint32_t kv_type)
{
    return kv_type == INS1_KV_F32 ? 4 : 2;
}

ins1_status s1_snapshot_walk(const s1_snapshot_header *header, s1_piece_fn *visit, void *user)
{
    const size_t number = sizeof(float);
    s1_piece logits = { S1_PIECE_LOGITS, 0, 0, header->n_outputs, 1, number };
    s1_piece last = { S1_PIECE_LAST_HIDDEN, 0, 0, header->n_embd, 1, number };
    s1_piece hidden = { S1_PIECE_HIDDEN, 0, 0, (size_t)header->length, header->n_embd, number };
    s1_piece kv = { .rows = (size_t)header->length,
                    .width = (size_t)header->n_head_kv * header->head_dim,
                    .item_size = kv_item_size(header->kv_type) };
    ins1_status status = INS1_OK;

    if (header->flags & S1_SNAPSHOT_HAS_LOGITS) {
        status = walk_thing(logits, visit, user);
        if (status == INS1_OK)
            status = walk_thing(last, visit, user);
    }
    for (kv.layer = 0; status == INS1_OK && kv.layer < (int32_t)header->n_layer; kv.layer++) {
        kv.kind = S1_PIECE_KEYS;
        status = walk_thing(kv, visit, user);
        kv.kind = S1_PIECE_VALUES;
        if (status == INS1_OK)
            status = walk_thing(kv, visit, user);
    }
    if (status == INS1_OK && header->flags & S1_SNAPSHOT_HAS_HIDDEN)
        status = walk_thing(hidden, visit, user);
    return status;
}

size_t s1_snapshot_piece_max(const ins1_session *session)
{
    const s1_decoder_config *config = s1_session_config(session);
    size_t kv_row = (size_t)config->n_head_kv * (size_t)config->head_dim *
                    kv_item_size((uint32_t)session->kv_type);
    size_t hidden_row = (size_t)config->n_embd * sizeof(float);
    size_t row = kv_row > hidden_row ? kv_row : hidden_row;
    return row > S1_SNAPSHOT_PIECE ? row : S1_SNAPSHOT_PIECE;
}

/* --- moving them --- */

ins1_status s1_mover_init(s1_mover *mover, ins1_session *session, int32_t seq, bool saves,
                          ins1_error *error)
{
    const s1_cache *cache = &session->forward.cache;
    *mover = (s1_mover){
        .session = session,
        .seq = seq,
        .saves = saves,
        .bytes_size = s1_snapshot_piece_max(session),
        .run_size = (size_t)(s1_cache_page_bytes(cache) / (uint64_t)cache->n_head_kv),
    };
    mover->bytes = s1_alloc(session->memory, mover->bytes_size, INS1_MEM_IO);
    mover->run = s1_alloc(session->memory, mover->run_size, INS1_MEM_IO);
    if (mover->bytes && mover->run)
        return INS1_OK;
    const size_t size = mover->bytes_size + mover->run_size;
    s1_mover_finish(mover);
    return s1_out_of_memory(session->memory, size, "a piece of a snapshot", error);
}

void s1_mover_finish(s1_mover *mover)
{
    if (!mover->session)
        return;
    s1_free(mover->session->memory, mover->bytes, mover->bytes_size, INS1_MEM_IO);
    s1_free(mover->session->memory, mover->run, mover->run_size, INS1_MEM_IO);
    mover->bytes = mover->run = NULL;
}

/* `n` numbers at `items`, which are those from number `at` on of the piece: byte by byte into the
 * piece's planes, or back. */
static void move_items(const s1_mover *mover, const s1_piece *piece, size_t at, uint8_t *items,
                       size_t n)
{
    size_t size = piece->item_size, plane_size = piece->rows * piece->width;
    for (size_t b = 0; b < size; b++) {
        uint8_t *plane = mover->bytes + b * plane_size + at;
        if (mover->saves)
            for (size_t i = 0; i < n; i++)
                plane[i] = items[i * size + b];
        else
            for (size_t i = 0; i < n; i++)
                items[i * size + b] = plane[i];
    }
}

/* Positions [begin, end) of one head, which lie on one page. */
typedef struct stretch {
    size_t begin, end;
    int32_t head;
} stretch;

static void move_heads(const s1_mover *mover, const s1_piece *piece, const stretch *where)
{
    size_t head_dim = (size_t)mover->session->forward.cache.head_dim;
    for (size_t p = where->begin; p < where->end; p++)
        move_items(mover, piece, (p - piece->first) * piece->width + (size_t)where->head * head_dim,
                   mover->run + (p - where->begin) * head_dim * piece->item_size, head_dim);
}

static ins1_status move_stretch(const s1_mover *mover, const s1_piece *piece, const stretch *where,
                                const s1_call *call)
{
    const s1_cache *cache = &mover->session->forward.cache;
    s1_stream *stream = s1_cache_stream(cache, piece->layer);
    const s1_buffer *pools = piece->kind == S1_PIECE_KEYS ? cache->keys : cache->values;
    const s1_buffer *pool = &pools[piece->layer];
    size_t page_length = (size_t)cache->page_length;
    size_t row_size = (size_t)cache->head_dim * piece->item_size;
    size_t size = (where->end - where->begin) * row_size;
    const int32_t *line = cache->table + (size_t)mover->seq * (size_t)cache->pages_per_seq;
    uint64_t page = (uint64_t)line[where->begin / page_length];
    uint64_t row = (page * (uint64_t)cache->n_head_kv + (uint64_t)where->head) * page_length +
                   where->begin % page_length;
    ins1_status status = INS1_OK;

    if (mover->saves)
        status = s1_stream_read(stream, pool, row * row_size, mover->run, size, call);
    if (status == INS1_OK)
        move_heads(mover, piece, where);
    if (status == INS1_OK && !mover->saves)
        status = s1_stream_write(stream, pool, row * row_size, mover->run, size, call);
    return status;
}

static ins1_status move_kv(const s1_mover *mover, const s1_piece *piece, const s1_call *call)
{
    const s1_cache *cache = &mover->session->forward.cache;
    size_t page_length = (size_t)cache->page_length, end = piece->first + piece->rows;
    stretch where = { .begin = piece->first };
    ins1_status status = INS1_OK;

    for (; status == INS1_OK && where.begin < end; where.begin = where.end) {
        where.end = (where.begin / page_length + 1) * page_length;
        if (where.end > end)
            where.end = end;
        for (where.head = 0; status == INS1_OK && where.head < cache->n_head_kv; where.head++)
            status = move_stretch(mover, piece, &where, call);
    }
    return status;
}

ins1_status s1_mover_move(s1_mover *mover, const s1_piece *piece, const s1_call *call)
{
    s1_sequence *sequence = &mover->session->sequences[mover->seq];
    float *values = NULL;

    switch (piece->kind) {
    case S1_PIECE_KEYS:
    case S1_PIECE_VALUES:
        return move_kv(mover, piece, call);
    case S1_PIECE_LOGITS:
        values = sequence->logits;
        break;
    case S1_PIECE_LAST_HIDDEN:
        values = sequence->last_hidden;
        break;
    case S1_PIECE_HIDDEN:
        values = sequence->all_hidden; /* NULL where a snapshot has more than the session keeps */
        break;
    }
    if (values)
        move_items(mover, piece, 0, (uint8_t *)(values + piece->first * piece->width),
                   piece->rows * piece->width);
    return INS1_OK;
}
