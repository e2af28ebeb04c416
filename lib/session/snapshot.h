#ifndef S1_SESSION_SNAPSHOT_H
#define S1_SESSION_SNAPSHOT_H

#include "session/session.h"

/* A sequence as bytes, the same for every device and every length of page. All numbers are little
 * endian.
 *
 *   header   magic, version, its own size, what the snapshot belongs to, a checksum (below)
 *   frames   u32 size, that many bytes, u64 XXH64 of both, seeded with the header's checksum plus
 *            the number of the frame, so that frames of other snapshots or places are noticed
 *
 * A frame holds a piece of what a sequence consists of, in this order: logits and the last hidden
 * state where there are logits; for each layer its keys, then its values, [length][n_head_kv]
 * [head_dim]; hidden states of all positions where they are kept. Each of these is cut into pieces
 * of whole rows, as many as fit S1_SNAPSHOT_PIECE bytes but at least one. A piece lists the lowest
 * byte of all its numbers first, then the next byte of all and so on, because exponents compress
 * and mantissas do not; then it is one zstd frame, or itself in a build without zstd.
 *
 * Magic, version, size and the checksum at the end of the header stay what they are in all
 * versions. A newer minor version may append to the header. */

enum {
    S1_SNAPSHOT_MAJOR = 1,
    S1_SNAPSHOT_MINOR = 0,
    S1_SNAPSHOT_HEADER = 80,       /* bytes of a header of this version */
    S1_SNAPSHOT_HEADER_MAX = 1024, /* bytes that no later one will exceed */
    S1_SNAPSHOT_PIECE = 128 << 10,
};

enum {
    S1_SNAPSHOT_HAS_LOGITS = 1u, /* logits and the last hidden state */
    S1_SNAPSHOT_HAS_HIDDEN = 2u, /* hidden states of all positions */
};

enum { S1_SNAPSHOT_STORED = 0, S1_SNAPSHOT_ZSTD = 1 };

typedef struct s1_snapshot_header {
    uint64_t fingerprint;
    uint64_t length;
    uint32_t n_layer, n_head_kv, head_dim, n_embd, n_outputs;
    uint32_t kv_type;
    uint32_t rope_n_ctx; /* the context that made the base of dynamic NTK; 0: none did */
    uint32_t flags;      /* S1_SNAPSHOT_HAS_* */
    uint32_t encoding;   /* of frames */
    uint64_t checksum;   /* set by writing and by reading */
} s1_snapshot_header;

/* A number of `size` bytes, little endian. */
void s1_snapshot_put(uint8_t *out, uint64_t value, size_t size);
uint64_t s1_snapshot_get(const uint8_t *bytes, size_t size);

/* What the sequence's snapshot would say. */
void s1_snapshot_describe(s1_snapshot_header *out, const ins1_session *session, int32_t seq);

/* Writes S1_SNAPSHOT_HEADER bytes. */
void s1_snapshot_write_header(s1_snapshot_header *header, uint8_t *out);

/* The size that the first 16 bytes of a header claim: INS1_E_FORMAT when these are not its first
 * bytes. */
ins1_status s1_snapshot_header_size(size_t *out, const uint8_t *bytes, ins1_error *error);

/* The whole header, of that size. */
ins1_status s1_snapshot_read_header(s1_snapshot_header *out, const uint8_t *bytes, size_t size,
                                    ins1_error *error);

/* May the session become what the snapshot says? INS1_E_STATE, INS1_E_FULL. */
ins1_status s1_snapshot_fits(const s1_snapshot_header *header, const ins1_session *session,
                             ins1_error *error);

typedef enum s1_piece_kind {
    S1_PIECE_LOGITS,
    S1_PIECE_LAST_HIDDEN,
    S1_PIECE_KEYS,
    S1_PIECE_VALUES,
    S1_PIECE_HIDDEN,
} s1_piece_kind;

/* Rows [first, first + rows) of one of the things above. */
typedef struct s1_piece {
    s1_piece_kind kind;
    int32_t layer;
    size_t first, rows, width, item_size;
} s1_piece;

static inline size_t s1_piece_size(const s1_piece *piece)
{
    return piece->rows * piece->width * piece->item_size;
}

/* Visit all pieces in order, until one visit fails. */
typedef ins1_status s1_piece_fn(void *user, const s1_piece *piece);
ins1_status s1_snapshot_walk(const s1_snapshot_header *header, s1_piece_fn *visit, void *user);

/* No piece of a header that fits the session is larger. */
size_t s1_snapshot_piece_max(const ins1_session *session);

/* Moves pieces between a sequence and `bytes`. */
typedef struct s1_mover {
    ins1_session *session;
    int32_t seq;
    bool saves;     /* from the sequence to the bytes; else back */
    uint8_t *bytes; /* owned, a piece as the format has it */
    uint8_t *run;   /* owned, one head's rows of a page */
    size_t bytes_size, run_size;
} s1_mover;

ins1_status s1_mover_init(s1_mover *mover, ins1_session *session, int32_t seq, bool saves,
                          ins1_error *error);
void s1_mover_finish(s1_mover *mover);

/* Pages of the positions were reserved when bytes become keys and values. */
ins1_status s1_mover_move(s1_mover *mover, const s1_piece *piece, const s1_call *call);

#endif
