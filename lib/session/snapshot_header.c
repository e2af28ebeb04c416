#include "session/snapshot.h"

#include "base/hash.h"
#include "base/zstd.h"

#include <inttypes.h>
#include <string.h>

static const char magic[8] = { 'i', 'n', 's', '1', 's', 'n', 'a', 'p' };

enum { VERSION_AT = 8, SIZE_AT = 12, CHECKSUM_SIZE = 8 };

/* Where each number of a header lies, for writing and reading. */
typedef struct field {
    uint32_t at, size;
    size_t member; /* of s1_snapshot_header */
} field;

#define FIELD(at, size, name)                        \
    {                                                \
        at, size, offsetof(s1_snapshot_header, name) \
    }

static const field fields[] = {
    FIELD(16, 8, fingerprint), FIELD(24, 8, length),   FIELD(32, 4, n_layer),
    FIELD(36, 4, n_head_kv),   FIELD(40, 4, head_dim), FIELD(44, 4, n_embd),
    FIELD(48, 4, n_outputs),   FIELD(52, 4, kv_type),  FIELD(56, 4, rope_n_ctx),
    FIELD(60, 4, flags),       FIELD(64, 4, encoding),
};

enum { N_FIELDS = sizeof(fields) / sizeof(fields[0]) };

void s1_snapshot_put(uint8_t *out, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

uint64_t s1_snapshot_get(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

/* Up to the trained length, dynamic NTK is plain and every context is the same. */
static uint32_t rope_context(const ins1_session *session)
{
    const s1_rope_config *rope = &s1_session_config(session)->rope;
    int32_t n_ctx = session->forward.sizes.n_ctx;
    return rope->kind == S1_ROPE_DYNAMIC && n_ctx > rope->max_position ? (uint32_t)n_ctx : 0;
}

void s1_snapshot_describe(s1_snapshot_header *out, const ins1_session *session, int32_t seq)
{
    const s1_decoder_config *config = s1_session_config(session);
    const s1_sequence *sequence = &session->sequences[seq];
    bool keeps = session->flags & INS1_SESSION_KEEP_HIDDEN && sequence->length;

    *out = (s1_snapshot_header){
        .fingerprint = session->decoder->fingerprint,
        .length = sequence->length,
        .n_layer = (uint32_t)config->n_layer,
        .n_head_kv = (uint32_t)config->n_head_kv,
        .head_dim = (uint32_t)config->head_dim,
        .n_embd = (uint32_t)config->n_embd,
        .n_outputs = (uint32_t)session->n_outputs,
        .kv_type = (uint32_t)session->kv_type,
        .rope_n_ctx = rope_context(session),
        .flags = (sequence->has_logits ? S1_SNAPSHOT_HAS_LOGITS : 0) |
                 (keeps ? S1_SNAPSHOT_HAS_HIDDEN : 0),
        .encoding = s1_zstd_is_built() ? S1_SNAPSHOT_ZSTD : S1_SNAPSHOT_STORED,
    };
}

void s1_snapshot_write_header(s1_snapshot_header *header, uint8_t *out)
{
    enum { CHECKSUM_AT = S1_SNAPSHOT_HEADER - CHECKSUM_SIZE };

    memset(out, 0, S1_SNAPSHOT_HEADER);
    memcpy(out, magic, sizeof(magic));
    s1_snapshot_put(out + VERSION_AT, S1_SNAPSHOT_MAJOR << 16 | S1_SNAPSHOT_MINOR, 4);
    s1_snapshot_put(out + SIZE_AT, S1_SNAPSHOT_HEADER, 4);
    for (int i = 0; i < N_FIELDS; i++) {
        const uint8_t *member = (const uint8_t *)header + fields[i].member;
        uint64_t wide = 0;
        uint32_t narrow = 0;
        if (fields[i].size == sizeof(wide))
            memcpy(&wide, member, sizeof(wide));
        else
            memcpy(&narrow, member, sizeof(narrow));
        s1_snapshot_put(out + fields[i].at, wide | narrow, fields[i].size);
    }
    header->checksum = s1_xxh64(out, CHECKSUM_AT, 0);
    s1_snapshot_put(out + CHECKSUM_AT, header->checksum, CHECKSUM_SIZE);
}

ins1_status s1_snapshot_header_size(size_t *out, const uint8_t *bytes, ins1_error *error)
{
    if (memcmp(bytes, magic, sizeof(magic)) != 0)
        return s1_fail(error, INS1_E_FORMAT, "the bytes are no snapshot, they begin otherwise");
    *out = (size_t)s1_snapshot_get(bytes + SIZE_AT, 4);
    if (*out < SIZE_AT + 4 + CHECKSUM_SIZE || *out > S1_SNAPSHOT_HEADER_MAX)
        return s1_fail(error, INS1_E_FORMAT, "the snapshot's header claims %zu bytes", *out);
    return INS1_OK;
}

static void read_fields(s1_snapshot_header *out, const uint8_t *bytes)
{
    for (int i = 0; i < N_FIELDS; i++) {
        uint8_t *member = (uint8_t *)out + fields[i].member;
        uint64_t wide = s1_snapshot_get(bytes + fields[i].at, fields[i].size);
        uint32_t narrow = (uint32_t)wide;
        if (fields[i].size == sizeof(wide))
            memcpy(member, &wide, sizeof(wide));
        else
            memcpy(member, &narrow, sizeof(narrow));
    }
}

ins1_status s1_snapshot_read_header(s1_snapshot_header *out, const uint8_t *bytes, size_t size,
                                    ins1_error *error)
{
    uint32_t version = (uint32_t)s1_snapshot_get(bytes + VERSION_AT, 4), major = version >> 16;

    *out = (s1_snapshot_header){ .checksum =
                                     s1_snapshot_get(bytes + size - CHECKSUM_SIZE, CHECKSUM_SIZE) };
    if (s1_xxh64(bytes, size - CHECKSUM_SIZE, 0) != out->checksum)
        return s1_fail(error, INS1_E_FORMAT, "the snapshot's header is damaged");
    if (major > S1_SNAPSHOT_MAJOR)
        return s1_fail(error, INS1_E_VERSION, "a snapshot of version %u.%u, known is %d.%d", major,
                       version & 0xffff, S1_SNAPSHOT_MAJOR, S1_SNAPSHOT_MINOR);
    if (major < S1_SNAPSHOT_MAJOR || size < S1_SNAPSHOT_HEADER)
        return s1_fail(error, INS1_E_FORMAT,
                       "a snapshot of version %u.%u with a header of %zu bytes", major,
                       version & 0xffff, size);
    read_fields(out, bytes);
    if (out->flags & ~(uint32_t)(S1_SNAPSHOT_HAS_LOGITS | S1_SNAPSHOT_HAS_HIDDEN))
        return s1_fail(error, INS1_E_VERSION, "snapshot flags 0x%x are too new", out->flags);
    if (out->encoding > S1_SNAPSHOT_ZSTD)
        return s1_fail(error, INS1_E_VERSION, "snapshot encoding %u is too new", out->encoding);
    if (out->flags && !out->length)
        return s1_fail(error, INS1_E_FORMAT, "an empty snapshot with flags 0x%x", out->flags);
    return INS1_OK;
}

/* Numbers that can only differ where the fingerprint does are compared too: memory depends on
 * them. */
static bool is_same_model(const s1_snapshot_header *a, const s1_snapshot_header *b)
{
    return a->fingerprint == b->fingerprint && a->n_layer == b->n_layer &&
           a->n_head_kv == b->n_head_kv && a->head_dim == b->head_dim && a->n_embd == b->n_embd &&
           a->n_outputs == b->n_outputs;
}

ins1_status s1_snapshot_fits(const s1_snapshot_header *header, const ins1_session *session,
                             ins1_error *error)
{
    int32_t n_ctx = session->forward.sizes.n_ctx;
    s1_snapshot_header own;

    s1_snapshot_describe(&own, session, 0);
    if (!is_same_model(header, &own))
        return s1_fail(error, INS1_E_STATE,
                       "the snapshot is of checkpoint %016" PRIx64 ", this is %016" PRIx64,
                       header->fingerprint, own.fingerprint);
    if (header->kv_type != own.kv_type)
        return s1_fail(error, INS1_E_STATE, "the snapshot is of kv_type %u, this session's is %u",
                       header->kv_type, own.kv_type);
    if (header->rope_n_ctx != own.rope_n_ctx)
        return s1_fail(error, INS1_E_STATE,
                       "the snapshot's rotary base is that of n_ctx %u, this session's of %u",
                       header->rope_n_ctx, own.rope_n_ctx);
    if (header->length > (uint64_t)n_ctx)
        return s1_fail(error, INS1_E_FULL, "a snapshot of %" PRIu64 " tokens, n_ctx is %d",
                       header->length, n_ctx);
    if (header->length && session->flags & INS1_SESSION_KEEP_HIDDEN &&
        !(header->flags & S1_SNAPSHOT_HAS_HIDDEN))
        return s1_fail(error, INS1_E_STATE,
                       "the snapshot has no hidden states, this session keeps them");
    return INS1_OK;
}
