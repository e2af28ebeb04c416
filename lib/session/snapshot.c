/* Saving and restoring sequences: the public functions, and frames on their way to a writer and
 * from a reader. What a snapshot consists of is written down in snapshot.h. */

#include "session/snapshot.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/meter.h"
#include "base/struct.h"
#include "base/zstd.h"

#include <inttypes.h>
#include <string.h>

enum { FRAME_HEAD = 4, FRAME_TAIL = 8 };

/* What saving and restoring share. */
typedef struct transfer {
    const ins1_allocator *memory;
    const s1_call *call;
    s1_snapshot_header header;
    s1_mover mover;
    s1_zstd *zstd;  /* NULL: pieces are stored as they are */
    uint8_t *frame; /* owned: size, packed piece, checksum */
    size_t frame_size;
    uint64_t n_frames; /* moved so far */
} transfer;

static ins1_status transfer_init(transfer *t, ins1_session *session, int32_t seq, bool saves,
                                 const s1_call *call)
{
    ins1_status status = INS1_OK;

    t->memory = session->memory;
    t->call = call;
    if (t->header.encoding == S1_SNAPSHOT_ZSTD)
        status = s1_zstd_create(&t->zstd, t->memory, call->error);
    if (status == INS1_OK)
        status = s1_mover_init(&t->mover, session, seq, saves, call->error);
    if (status != INS1_OK)
        return status;
    t->frame_size = FRAME_HEAD + s1_zstd_bound(t->mover.bytes_size) + FRAME_TAIL;
    t->frame = s1_alloc(t->memory, t->frame_size, INS1_MEM_IO);
    return t->frame ? INS1_OK : s1_out_of_memory(t->memory, t->frame_size, "a frame", call->error);
}

static void transfer_finish(transfer *t)
{
    if (!t->memory)
        return;
    s1_free(t->memory, t->frame, t->frame_size, INS1_MEM_IO);
    s1_mover_finish(&t->mover);
    s1_zstd_destroy(t->zstd);
}

static uint64_t frame_checksum(const transfer *t, size_t packed)
{
    return s1_xxh64(t->frame, FRAME_HEAD + packed, t->header.checksum + t->n_frames);
}

/* --- saving --- */

/* Where bytes go: into a buffer as far as it reaches, or to a writer. */
typedef struct sink {
    uint8_t *out; /* NULL with a writer, or when only the size is asked for */
    size_t capacity;
    size_t count; /* bytes so far, those that did not fit included */
    const ins1_writer *writer;
} sink;

static ins1_status sink_put(sink *to, const void *bytes, size_t size, const s1_call *call)
{
    if (to->writer) {
        int32_t answer = to->writer->write(to->writer->user, bytes, size);
        if (answer)
            return s1_fail(call->error, INS1_E_CALLBACK, "the writer answered %d", answer);
    } else if (to->count < to->capacity) {
        size_t room = to->capacity - to->count;
        memcpy(to->out + to->count, bytes, size < room ? size : room);
    }
    to->count += size;
    return INS1_OK;
}

typedef struct saving {
    transfer transfer;
    sink *to;
} saving;

static ins1_status pack_piece(transfer *t, size_t size, size_t *packed)
{
    uint8_t *to = t->frame + FRAME_HEAD;
    if (t->zstd)
        return s1_zstd_pack(t->zstd, to, t->frame_size - FRAME_HEAD - FRAME_TAIL, packed,
                            t->mover.bytes, size, t->call->error);
    memcpy(to, t->mover.bytes, size);
    *packed = size;
    return INS1_OK;
}

static ins1_status save_piece(void *user, const s1_piece *piece)
{
    saving *s = user;
    transfer *t = &s->transfer;
    size_t packed;

    ins1_status status = s1_call_check(t->call);
    if (status == INS1_OK)
        status = s1_mover_move(&t->mover, piece, t->call);
    if (status == INS1_OK)
        status = pack_piece(t, s1_piece_size(piece), &packed);
    if (status != INS1_OK)
        return status;
    s1_snapshot_put(t->frame, packed, FRAME_HEAD);
    s1_snapshot_put(t->frame + FRAME_HEAD + packed, frame_checksum(t, packed), FRAME_TAIL);
    t->n_frames++;
    return sink_put(s->to, t->frame, FRAME_HEAD + packed + FRAME_TAIL, t->call);
}

static ins1_status save_sequence(ins1_session *session, int32_t seq, sink *to, const s1_call *call)
{
    saving s = { .to = to };
    uint8_t header[S1_SNAPSHOT_HEADER];

    s1_snapshot_describe(&s.transfer.header, session, seq);
    s1_snapshot_write_header(&s.transfer.header, header);
    ins1_status status = transfer_init(&s.transfer, session, seq, true, call);
    if (status == INS1_OK)
        status = sink_put(to, header, sizeof(header), call);
    if (status == INS1_OK)
        status = s1_snapshot_walk(&s.transfer.header, save_piece, &s);
    transfer_finish(&s.transfer);
    return status;
}

/* Both ways to save, once their arguments are known to be good. */
static ins1_status save(ins1_session *session, int32_t seq, sink *to, const s1_call *call)
{
    s1_sequence *sequence;
    ins1_status status = s1_session_sequence(session, seq, &sequence, call);
    return status == INS1_OK ? save_sequence(session, seq, to, call) : status;
}

ins1_status ins1_session_save(ins1_session *session, int32_t seq, void *out, size_t capacity,
                              size_t *count, const ins1_call *given)
{
    sink to = { .out = out, .capacity = capacity };
    s1_call call;

    if (count)
        *count = 0;
    ins1_status status = s1_session_enter(session, &call, given);
    if (status != INS1_OK)
        return status;
    if (!count || (capacity && !out))
        status = s1_fail(call.error, INS1_E_ARGUMENT, "no place for a snapshot or its size");
    else
        status = save(session, seq, &to, &call);
    s1_session_leave(session);
    if (status != INS1_OK)
        return status;
    *count = to.count;
    if (to.count > capacity)
        return s1_fail(call.error, INS1_E_BUFFER,
                       "the snapshot is %zu bytes, there is room for %zu", to.count, capacity);
    return INS1_OK;
}

static ins1_status read_writer(ins1_writer *out, const ins1_writer *given, const s1_call *call)
{
    ins1_status status = s1_struct_import(out, given, sizeof(*out), call->error);
    if (status == INS1_OK && out->flags)
        status = s1_fail(call->error, INS1_E_VERSION, "writer flags 0x%x are too new", out->flags);
    if (status == INS1_OK && !out->write)
        status = s1_fail(call->error, INS1_E_ARGUMENT, "the writer has no write");
    return status;
}

ins1_status ins1_session_save_to(ins1_session *session, int32_t seq, const ins1_writer *given,
                                 const ins1_call *given_call)
{
    ins1_writer writer;
    sink to = { .writer = &writer };
    s1_call call;

    ins1_status status = s1_session_enter(session, &call, given_call);
    if (status != INS1_OK)
        return status;
    status = read_writer(&writer, given, &call);
    if (status == INS1_OK)
        status = save(session, seq, &to, &call);
    s1_session_leave(session);
    return status;
}

/* --- restoring --- */

/* Where bytes come from: memory or a reader. */
typedef struct source {
    const uint8_t *data; /* NULL with a reader */
    const ins1_reader *reader;
    uint64_t size, at;
} source;

static ins1_status source_get(source *from, void *out, size_t size, const s1_call *call)
{
    if (size > from->size - from->at)
        return s1_fail(call->error, INS1_E_FORMAT,
                       "the snapshot ends at byte %" PRIu64 ", %zu more are expected from %" PRIu64,
                       from->size, size, from->at);
    if (from->reader) {
        int64_t n = from->reader->read_at(from->reader->user, from->at, out, size);
        if (n < 0 || (uint64_t)n != size)
            return s1_fail(call->error, INS1_E_IO,
                           "the reader answered %" PRId64 " to %zu bytes at %" PRIu64, n, size,
                           from->at);
    } else {
        memcpy(out, from->data + from->at, size);
    }
    from->at += size;
    return INS1_OK;
}

static ins1_status read_header(s1_snapshot_header *out, source *from, const s1_call *call)
{
    enum { BEGIN = 16 };
    uint8_t bytes[S1_SNAPSHOT_HEADER_MAX];
    size_t size;

    ins1_status status = source_get(from, bytes, BEGIN, call);
    if (status == INS1_OK)
        status = s1_snapshot_header_size(&size, bytes, call->error);
    if (status == INS1_OK)
        status = source_get(from, bytes + BEGIN, size - BEGIN, call);
    if (status == INS1_OK)
        status = s1_snapshot_read_header(out, bytes, size, call->error);
    return status;
}

typedef struct restoring {
    transfer transfer;
    source *from;
} restoring;

static ins1_status read_frame(restoring *r, size_t size, size_t *packed)
{
    transfer *t = &r->transfer;
    size_t most = t->zstd ? s1_zstd_bound(size) : size;

    ins1_status status = source_get(r->from, t->frame, FRAME_HEAD, t->call);
    if (status != INS1_OK)
        return status;
    *packed = (size_t)s1_snapshot_get(t->frame, FRAME_HEAD);
    if (*packed > most || (!t->zstd && *packed != size))
        return s1_fail(t->call->error, INS1_E_FORMAT, "frame %" PRIu64 " claims %zu bytes for %zu",
                       t->n_frames, *packed, size);
    status = source_get(r->from, t->frame + FRAME_HEAD, *packed + FRAME_TAIL, t->call);
    if (status != INS1_OK)
        return status;
    if (s1_snapshot_get(t->frame + FRAME_HEAD + *packed, FRAME_TAIL) != frame_checksum(t, *packed))
        return s1_fail(t->call->error, INS1_E_FORMAT,
                       "frame %" PRIu64 " of the snapshot is damaged", t->n_frames);
    t->n_frames++;
    return INS1_OK;
}

static ins1_status unpack_piece(transfer *t, size_t size, size_t packed)
{
    const uint8_t *from = t->frame + FRAME_HEAD;
    if (t->zstd)
        return s1_zstd_unpack(t->zstd, t->mover.bytes, size, from, packed, t->call->error);
    memcpy(t->mover.bytes, from, size);
    return INS1_OK;
}

static ins1_status restore_piece(void *user, const s1_piece *piece)
{
    restoring *r = user;
    transfer *t = &r->transfer;
    size_t packed, size = s1_piece_size(piece);

    ins1_status status = s1_call_check(t->call);
    if (status == INS1_OK)
        status = read_frame(r, size, &packed);
    if (status == INS1_OK)
        status = unpack_piece(t, size, packed);
    if (status == INS1_OK)
        status = s1_mover_move(&t->mover, piece, t->call);
    return status;
}

static ins1_status restore_frames(restoring *r, ins1_session *session, int32_t seq,
                                  const s1_call *call)
{
    const s1_snapshot_header *header = &r->transfer.header;
    s1_sequence *sequence = &session->sequences[seq];

    ins1_status status =
        s1_cache_reserve(&session->forward.cache, seq, 0, (size_t)header->length, call);
    if (status == INS1_OK)
        status = s1_snapshot_walk(header, restore_piece, r);
    if (status == INS1_OK && r->from->at != r->from->size)
        status = s1_fail(call->error, INS1_E_FORMAT,
                         "the snapshot is %" PRIu64 " bytes, its parts end at %" PRIu64,
                         r->from->size, r->from->at);
    if (status != INS1_OK)
        return status;
    sequence->length = (size_t)header->length;
    sequence->has_logits = header->flags & S1_SNAPSHOT_HAS_LOGITS;
    return INS1_OK;
}

static ins1_status restore(ins1_session *session, int32_t seq, source *from, const s1_call *call)
{
    s1_sequence *sequence;
    restoring r = { .from = from };

    ins1_status status = s1_session_sequence(session, seq, &sequence, call);
    if (status != INS1_OK)
        return status;
    s1_session_clear(session, seq);
    if (!from->data && !from->reader)
        return s1_fail(call->error, INS1_E_ARGUMENT, "there is no snapshot");
    status = s1_call_check(call);
    if (status == INS1_OK)
        status = read_header(&r.transfer.header, from, call);
    if (status == INS1_OK)
        status = s1_snapshot_fits(&r.transfer.header, session, call->error);
    if (status == INS1_OK)
        status = transfer_init(&r.transfer, session, seq, false, call);
    if (status == INS1_OK)
        status = restore_frames(&r, session, seq, call);
    transfer_finish(&r.transfer);
    if (status != INS1_OK)
        s1_session_clear(session, seq);
    return status;
}

ins1_status ins1_session_restore(ins1_session *session, int32_t seq, const void *data, size_t size,
                                 const ins1_call *given)
{
    source from = { .data = data, .size = size };
    s1_call call;

    ins1_status status = s1_session_enter(session, &call, given);
    if (status != INS1_OK)
        return status;
    status = restore(session, seq, &from, &call);
    s1_session_leave(session);
    return status;
}

static ins1_status read_reader(ins1_reader *out, const ins1_reader *given, const s1_call *call)
{
    ins1_status status = s1_struct_import(out, given, sizeof(*out), call->error);
    if (status == INS1_OK && out->flags)
        status = s1_fail(call->error, INS1_E_VERSION, "reader flags 0x%x are too new", out->flags);
    if (status == INS1_OK && !out->read_at)
        status = s1_fail(call->error, INS1_E_ARGUMENT, "the reader has no read_at");
    return status;
}

/* Whatever else is wrong with a reader: if it has a `close` that we know the place of, it is
 * called. */
static void close_reader(const ins1_reader *given)
{
    ins1_reader reader = { 0 };
    uint32_t size = given ? given->struct_size : 0;
    memcpy(&reader, given ? given : &reader, size < sizeof(reader) ? size : sizeof(reader));
    if (reader.close)
        reader.close(reader.user);
}

ins1_status ins1_session_restore_from(ins1_session *session, int32_t seq, const ins1_reader *given,
                                      const ins1_call *given_call)
{
    ins1_reader reader;
    source from = { .reader = &reader };
    s1_call call;

    ins1_status status = s1_session_enter(session, &call, given_call);
    if (status == INS1_OK) {
        status = read_reader(&reader, given, &call);
        from.size = reader.size;
        if (status == INS1_OK)
            status = restore(session, seq, &from, &call);
        s1_session_leave(session);
    }
    close_reader(given);
    return status;
}
