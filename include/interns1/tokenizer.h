#ifndef INTERNS1_TOKENIZER_H
#define INTERNS1_TOKENIZER_H

/**
 * @file
 * Text to token ids and back, molecules and sequences included.
 */

#include "interns1/model.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The tables of a checkpoint's tokenizer; immutable, shared between threads. */
typedef struct ins1_tokenizer ins1_tokenizer;

/* Ids that become text piece by piece; one thread at a time. */
typedef struct ins1_detokenizer ins1_detokenizer;

/* A stretch of UTF-8. Frozen. */
typedef struct ins1_text {
    const char *text; /* need not be NUL-terminated; NULL when size is 0 */
    size_t size;      /* bytes */
} ins1_text;

enum {
    INS1_TOKENIZER_RESET_AT_TURN = 1u, /* an unclosed tag ends with its turn; default: it runs on */
    INS1_TOKENIZER_NO_MARKERS = 2u     /* text that equals a detector's marker stays text */
};

/* Zero means the default in every field but struct_size. */
typedef struct ins1_tokenizer_options {
    uint32_t struct_size; /* sizeof(ins1_tokenizer_options) */
    uint32_t flags;       /* INS1_TOKENIZER_* */
    /* Does a detected candidate parse as SMILES? 1 yes, 0 no, negative INS1_E_CALLBACK. NULL: the
     * reference's own rules. Runs on every thread that encodes, several at once, and must give the
     * same answer every time. */
    int32_t (*smiles_valid)(void *user, const char *text, size_t size);
    void *user; /* handed to `smiles_valid` */
} ins1_tokenizer_options;

/* What a stretch of text is. */
enum {
    INS1_SEGMENT_AUTO = 0,    /* the model's own detectors decide */
    INS1_SEGMENT_TEXT = 1,    /* text; nothing is detected */
    INS1_SEGMENT_SMILES = 2,  /* a molecule */
    INS1_SEGMENT_SELFIES = 3, /* a molecule */
    INS1_SEGMENT_IUPAC = 4,   /* a molecule's name */
    INS1_SEGMENT_FASTA = 5,   /* a sequence */
    INS1_SEGMENT_PROTEIN = 6, /* a sequence of amino acids */
    INS1_SEGMENT_DNA = 7,     /* a sequence of nucleotides */
    INS1_SEGMENT_RNA = 8,     /* a sequence of nucleotides */
    INS1_SEGMENT_XNA = 9,     /* a sequence of nucleotides, either kind */
    INS1_SEGMENT_TOKEN = 10   /* only in results: an added token */
};

enum {
    INS1_SEGMENT_SPECIAL = 1u /* text of special tokens acts as tokens: never for untrusted text */
};

/* A stretch of the input. Segments are joined before anything is split: a border between two of one
 * kind changes no id. Only the permission INS1_SEGMENT_SPECIAL is the segment's own: a token counts
 * when all its bytes lie where it is given. A kind other than AUTO and TEXT acts as if its text had
 * been detected as that kind; no tags are added. */
typedef struct ins1_segment {
    uint32_t struct_size; /* sizeof(ins1_segment), which is also the array's stride */
    int32_t kind;         /* INS1_SEGMENT_* */
    uint32_t flags;       /* INS1_SEGMENT_SPECIAL */
    uint32_t reserved0;   /* 0 */
    const char *text;     /* UTF-8, need not be NUL-terminated; NULL when size is 0 */
    size_t size;          /* bytes */
} ins1_segment;

/* One token, or one stretch, and the bytes of the joined input it came from. Frozen. */
typedef struct ins1_piece {
    int32_t id;   /* -1 where there is no single token */
    int32_t kind; /* INS1_SEGMENT_* */
    size_t begin; /* its first byte */
    size_t end;   /* the byte after its last */
} ins1_piece;

enum {
    INS1_ENCODE_ADD_BOS = 1u /* begin with the begin-of-text id, where the checkpoint has one */
};

enum {
    INS1_DECODE_SKIP_SPECIAL = 1u, /* leave out the tokens that the reference leaves out */
    INS1_DECODE_SKIP_CONTROL = 2u  /* leave out every control token */
};

/* What a token is. */
enum {
    INS1_TOKEN_SPECIAL = 1u,     /* left out by INS1_DECODE_SKIP_SPECIAL */
    INS1_TOKEN_CONTROL = 2u,     /* stands for no text */
    INS1_TOKEN_PARTIAL = 4u,     /* its bytes are not whole UTF-8 */
    INS1_TOKEN_PADDING = 8u,     /* a row of the embedding without a token */
    INS1_TOKEN_END = 16u,        /* ends a reply */
    INS1_TOKEN_PLACEHOLDER = 32u /* stands where embeddings go */
};

/**
 * Read a checkpoint's tokenizer.
 *
 * @param out      Receives the tokenizer; the caller releases it.
 * @param model    Kept until the tokenizer's last release. Needs INS1_PART_TOKENIZER.
 * @param options  NULL for all defaults. Borrowed for the call.
 * @param call     Optional.
 *
 * @retval INS1_E_FORMAT       A tokenizer file breaks its format; the text names file and place.
 * @retval INS1_E_UNSUPPORTED  The checkpoint has no tokenizer, or one of a kind that is not known.
 *
 * Threads: any. The tokenizer is shared between threads.
 */
INS1_API ins1_status ins1_tokenizer_create(ins1_tokenizer **out, ins1_model *model,
                                           const ins1_tokenizer_options *options,
                                           const ins1_call *call);

/**
 * Turn text into token ids.
 *
 * Segments are joined before anything is split. Stretches that read as a molecule or a sequence are
 * split by their own vocabularies; everything else goes through byte-pair merges. Bytes that are
 * not UTF-8 are encoded one by one, never refused. Time is linear in the size of the text, but for
 * a logarithm.
 *
 * @param flags     INS1_ENCODE_*.
 * @param ids       Receives at most `capacity` ids. May be NULL when `capacity` is 0, which asks
 * for the count alone.
 * @param pieces    NULL, or as many entries as `ids`.
 * @param count     Receives the number of ids that the whole text needs.
 * @param call      Optional.
 *
 * @retval INS1_E_ARGUMENT     A kind is none, or the whole text is longer than 1 GiB.
 * @retval INS1_E_BUFFER       `*count > capacity`; the first `capacity` ids are valid.
 * @retval INS1_E_UNSUPPORTED  A segment's kind is unknown to this checkpoint.
 * @retval INS1_E_CALLBACK     The SMILES validator reported failure.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_tokenizer_encode(const ins1_tokenizer *tokenizer,
                                           const ins1_segment *segments, size_t n_segments,
                                           uint32_t flags, int32_t *ids, ins1_piece *pieces,
                                           size_t capacity, size_t *count, const ins1_call *call);

/**
 * What ins1_tokenizer_encode makes of these segments before it splits them: stretches kind by kind,
 * in order and without gaps. Their id is -1 but for INS1_SEGMENT_TOKEN.
 *
 * @param out    Receives at most `capacity` stretches.
 * @param count  Receives the number of all stretches.
 * @param call   Optional.
 *
 * @retval INS1_E_ARGUMENT, INS1_E_BUFFER, INS1_E_UNSUPPORTED, INS1_E_CALLBACK
 *         As ins1_tokenizer_encode.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_tokenizer_segments(const ins1_tokenizer *tokenizer,
                                             const ins1_segment *segments, size_t n_segments,
                                             ins1_piece *out, size_t capacity, size_t *count,
                                             const ins1_call *call);

/**
 * Turn ids into text. Broken UTF-8 becomes U+FFFD; padding rows become nothing.
 *
 * @param flags  INS1_DECODE_*.
 * @param out    Receives at most `capacity` bytes, not NUL-terminated.
 * @param count  Receives the number of bytes of the whole text.
 * @param call   Optional.
 *
 * @retval INS1_E_ARGUMENT  An id is outside the vocabulary.
 * @retval INS1_E_BUFFER    `*count > capacity`; the first `capacity` bytes are valid.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_tokenizer_decode(const ins1_tokenizer *tokenizer, const int32_t *ids,
                                           size_t n_ids, uint32_t flags, char *out, size_t capacity,
                                           size_t *count, const ins1_call *call);

/**
 * The bytes of one token and what it is. Each output may be NULL.
 *
 * @param bytes       Receives a pointer into the tokenizer, which lives as long as it does.
 * @param size        Receives the number of bytes.
 * @param attributes  Receives INS1_TOKEN_*.
 * @param call        Optional.
 *
 * @retval INS1_E_ARGUMENT  The id is outside the vocabulary.
 *
 * Threads: any.
 */
INS1_API ins1_status ins1_tokenizer_piece(const ins1_tokenizer *tokenizer, int32_t id,
                                          const char **bytes, size_t *size, uint32_t *attributes,
                                          const ins1_call *call);

/** Add an owner. Any thread. */
INS1_API void ins1_tokenizer_retain(ins1_tokenizer *tokenizer);

/** Take an owner away. NULL is allowed. Any thread. */
INS1_API void ins1_tokenizer_release(ins1_tokenizer *tokenizer);

/**
 * Begin a text that comes id by id. Only whole characters are given out; all pieces joined are what
 * ins1_tokenizer_decode gives for all ids.
 *
 * @param out        Receives the detokenizer; the caller releases it.
 * @param tokenizer  Kept until the detokenizer is released.
 * @param flags      INS1_DECODE_*.
 * @param call       Optional.
 *
 * Threads: a detokenizer belongs to one thread at a time.
 */
INS1_API ins1_status ins1_detokenizer_create(ins1_detokenizer **out, ins1_tokenizer *tokenizer,
                                             uint32_t flags, const ins1_call *call);

/**
 * Take in further ids and give out the characters that became whole.
 *
 * @param out    Receives at most `capacity` bytes, not NUL-terminated.
 * @param count  Receives the number of bytes; 0 when nothing is whole yet.
 * @param call   Optional.
 *
 * @retval INS1_E_ARGUMENT  An id is outside the vocabulary; nothing was taken in.
 * @retval INS1_E_BUFFER    Nothing was taken in: push the same ids again with `*count` bytes of
 * room.
 */
INS1_API ins1_status ins1_detokenizer_push(ins1_detokenizer *detokenizer, const int32_t *ids,
                                           size_t n_ids, char *out, size_t capacity, size_t *count,
                                           const ins1_call *call);

/**
 * End the text: give out what was held back, half a character as U+FFFD. Then a new text may begin.
 *
 * @param out    Receives at most `capacity` bytes, not NUL-terminated.
 * @param count  Receives the number of bytes.
 * @param call   Optional.
 *
 * @retval INS1_E_BUFFER  Nothing was given out: ask again with `*count` bytes of room.
 */
INS1_API ins1_status ins1_detokenizer_flush(ins1_detokenizer *detokenizer, char *out,
                                            size_t capacity, size_t *count, const ins1_call *call);

/** End the handle. NULL is allowed. */
INS1_API void ins1_detokenizer_release(ins1_detokenizer *detokenizer);

#ifdef __cplusplus
}
#endif

#endif
