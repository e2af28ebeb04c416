#ifndef S1_TOKENIZER_ENCODE_H
#define S1_TOKENIZER_ENCODE_H

#include "tokenizer/inside.h"
#include "tokenizer/text.h"

/* One run over a text; what comes out goes to `sink`. */

typedef struct s1_sink {
    int32_t *ids;
    ins1_piece *pieces;
    size_t capacity, count;
    bool stretches; /* collect stretches instead of tokens */
    s1_text_map map;
    ins1_piece open; /* the stretch that may still grow; positions of the normalised text */
    bool has_open;
} s1_sink;

/* Text between two added tokens, or a part of it. */
enum { S1_PART_TEXT, S1_PART_BEGIN, S1_PART_END };

typedef struct s1_part {
    uint32_t begin, end;
    uint8_t what; /* S1_PART_* */
    uint8_t kind; /* of a BEGIN */
    bool plain;   /* not to be looked at by detectors */
} s1_part;

typedef struct s1_part_list {
    s1_part *parts;
    size_t n, capacity;
} s1_part_list;

typedef struct s1_encoder {
    const ins1_tokenizer *tokenizer;
    s1_call call;
    s1_text text;
    s1_sink sink;
    s1_merge merge;
    s1_pieces_work pieces;
    s1_part_list parts, spare;
    uint32_t *closes; /* where the brackets of a chunk close, for the SMILES detector */
    size_t closes_capacity;
    uint8_t *stack; /* kinds of the open tags and markers */
    size_t n_stack, stack_capacity;
    size_t depth; /* begin tags without an end: nothing is detected */
    uint32_t polled;
    bool first; /* nothing was encoded yet */
} s1_encoder;

/* Now and then, look whether the call should stop. `at` never goes back. */
ins1_status s1_encoder_poll(s1_encoder *e, uint32_t at);

/* The stretch of the caller's segments that `at` lies in; `from` is an earlier answer, or 0. */
size_t s1_stretch_at(const s1_encoder *e, size_t from, uint32_t at);

/* One token of text[begin, end). */
void s1_emit_token(s1_sink *sink, int32_t id, int32_t kind, uint32_t begin, uint32_t end);

/* When stretches are collected: one more; those of one kind become one. Then the last. */
void s1_emit_stretch(s1_sink *sink, int32_t id, int32_t kind, uint32_t begin, uint32_t end);
void s1_emit_end(s1_sink *sink);

/* Text of the kind on top of the stack, as tokens or as a stretch. */
ins1_status s1_emit_text(s1_encoder *e, size_t stretch, uint32_t begin, uint32_t end);

/* A tag without an id of its own. */
ins1_status s1_emit_tag_text(s1_encoder *e, uint32_t begin, uint32_t end);

/* Append a part; INS1_E_MEMORY. */
ins1_status s1_part_add(s1_encoder *e, s1_part_list *list, uint32_t begin, uint32_t end,
                        unsigned what, int32_t kind, bool plain);

/* Find molecules and sequences in the parts of e->parts that are neither plain nor inside markers.
 */
ins1_status s1_detect(s1_encoder *e);

/* Does text[begin, end) read as a marker? Then what it does and for which kind. */
bool s1_detect_marker(const s1_encoder *e, uint32_t begin, uint32_t end, unsigned *what,
                      int32_t *kind);

/* Does a two-letter element symbol stand here? */
bool s1_smiles_is_element(const uint8_t *at, size_t left);

/* By the reference's rules, is this candidate SMILES? */
bool s1_smiles_is_legitimate(const uint8_t *text, uint32_t size);

#endif
