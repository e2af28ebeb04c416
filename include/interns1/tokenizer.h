#ifndef INTERNS1_TOKENIZER_H
#define INTERNS1_TOKENIZER_H

#include "interns1/model.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ins1_tokenizer ins1_tokenizer;
typedef struct ins1_detokenizer ins1_detokenizer;
typedef struct ins1_text {
    const char *text;
    size_t size;
} ins1_text; /* frozen */
enum {
    INS1_TOKENIZER_RESET_AT_TURN =
        1u /* an unclosed tag ends with its turn; the reference lets it run on */,
    INS1_TOKENIZER_NO_MARKERS = 2u /* text that equals a detector's marker stays text */
};
typedef struct ins1_tokenizer_options {
    uint32_t struct_size;
    uint32_t flags;
    /* Does a detected candidate parse as SMILES? 1 yes, 0 no, < 0 = INS1_E_CALLBACK. NULL = the
     * reference's own rules. Runs on every thread that encodes, so it must be thread-safe, and must
     * give the same answer every time. */
    int32_t (*smiles_valid)(void *user, const char *text, size_t size);
    void *user;
} ins1_tokenizer_options;
enum {
    INS1_SEGMENT_AUTO = 0 /* the model's own detectors */,
    INS1_SEGMENT_TEXT = 1 /* no detection */,
    INS1_SEGMENT_SMILES = 2,
    INS1_SEGMENT_SELFIES = 3,
    INS1_SEGMENT_IUPAC = 4,
    INS1_SEGMENT_FASTA = 5,
    INS1_SEGMENT_PROTEIN = 6,
    INS1_SEGMENT_DNA = 7,
    INS1_SEGMENT_RNA = 8,
    INS1_SEGMENT_XNA = 9,
    INS1_SEGMENT_TOKEN = 10 /* only in results: an added token */
};
enum {
    INS1_SEGMENT_SPECIAL =
        1u /* its special-token text acts as tokens; never set for untrusted text */
};
/* Segments are concatenated before anything is split: a border inside one kind changes no id. Only
 * the permission INS1_SEGMENT_SPECIAL is per segment: a token counts when all its bytes lie where
 * it is given. A kind other than AUTO and TEXT acts as if its text had been detected as that kind
 * (no tags are added); INS1_E_UNSUPPORTED where the checkpoint does not know the kind. */
typedef struct ins1_segment {
    uint32_t struct_size;
    int32_t kind;
    uint32_t flags, reserved0;
    const char *text;
    size_t size;
} ins1_segment;
typedef struct ins1_piece {
    int32_t id, kind;
    size_t begin, end;
} ins1_piece; /* frozen; bytes of the concatenated input */
enum { INS1_ENCODE_ADD_BOS = 1u };
enum {
    INS1_DECODE_SKIP_SPECIAL = 1u /* the tokens the reference skips */,
    INS1_DECODE_SKIP_CONTROL = 2u /* all control tokens */
};
enum {
    INS1_TOKEN_SPECIAL = 1u,
    INS1_TOKEN_CONTROL = 2u,
    INS1_TOKEN_PARTIAL = 4u /* not whole UTF-8 */,
    INS1_TOKEN_PADDING = 8u,
    INS1_TOKEN_END = 16u /* ends a reply */,
    INS1_TOKEN_PLACEHOLDER = 32u
};
INS1_API ins1_status ins1_tokenizer_create(ins1_tokenizer **out, ins1_model *model,
                                           const ins1_tokenizer_options *options,
                                           const ins1_call *call); /* [C] */
/* [C] ids and pieces (may be NULL) both have `capacity` entries. Bytes that are not UTF-8 are
 * encoded one by one, never refused. */
INS1_API ins1_status ins1_tokenizer_encode(const ins1_tokenizer *tokenizer,
                                           const ins1_segment *segments, size_t n_segments,
                                           uint32_t flags, int32_t *ids, ins1_piece *pieces,
                                           size_t capacity, size_t *count, const ins1_call *call);
/* [C] What encode does with these segments: their stretches, kind by kind, without gaps; id is -1
 * but for TOKEN. */
INS1_API ins1_status ins1_tokenizer_segments(const ins1_tokenizer *tokenizer,
                                             const ins1_segment *segments, size_t n_segments,
                                             ins1_piece *out, size_t capacity, size_t *count,
                                             const ins1_call *call);
/* [C] Not NUL-terminated; broken UTF-8 becomes U+FFFD. Padding rows decode to nothing; ids outside
 * the vocabulary are INS1_E_ARGUMENT. */
INS1_API ins1_status ins1_tokenizer_decode(const ins1_tokenizer *tokenizer, const int32_t *ids,
                                           size_t n_ids, uint32_t flags, char *out, size_t capacity,
                                           size_t *count, const ins1_call *call);
/* [C] The bytes of one token, borrowed from the tokenizer, and its INS1_TOKEN_* attributes. Any
 * output may be NULL. */
INS1_API ins1_status ins1_tokenizer_piece(const ins1_tokenizer *tokenizer, int32_t id,
                                          const char **bytes, size_t *size, uint32_t *attributes,
                                          const ins1_call *call);
INS1_API void ins1_tokenizer_retain(ins1_tokenizer *tokenizer);  /* [C] */
INS1_API void ins1_tokenizer_release(ins1_tokenizer *tokenizer); /* [C] */
/* [S] Streaming decode: whole characters only; pieces joined give what ins1_tokenizer_decode gives.
 * flags: INS1_DECODE_*. */
INS1_API ins1_status ins1_detokenizer_create(ins1_detokenizer **out, ins1_tokenizer *tokenizer,
                                             uint32_t flags, const ins1_call *call);
/* [S] On INS1_E_BUFFER nothing was taken in: push the same ids again with more room. */
INS1_API ins1_status ins1_detokenizer_push(ins1_detokenizer *detokenizer, const int32_t *ids,
                                           size_t n_ids, char *out, size_t capacity, size_t *count,
                                           const ins1_call *call);
/* [S] What was held back, ended with U+FFFD where it is half a character; then ready for a new
 * text. */
INS1_API ins1_status ins1_detokenizer_flush(ins1_detokenizer *detokenizer, char *out,
                                            size_t capacity, size_t *count, const ins1_call *call);
INS1_API void ins1_detokenizer_release(ins1_detokenizer *detokenizer);

#ifdef __cplusplus
}
#endif

#endif
