#ifndef TOKENIZER_TINY_H
#define TOKENIZER_TINY_H

/* A checkpoint's tokenizer files, made by hand: 256 bytes, a few merges, the tags, small domains.
 */

#include "tokenizer_support.h"

typedef struct writer {
    char *bytes;
    size_t size, capacity;
} writer;

static inline void put_bytes(writer *w, const void *bytes, size_t size)
{
    if (size >= w->capacity - w->size) {
        w->capacity = 2 * (w->size + size + 1);
        w->bytes = realloc(w->bytes, w->capacity);
        ck_assert_ptr_nonnull(w->bytes);
    }
    memcpy(w->bytes + w->size, bytes, size);
    w->size += size;
    w->bytes[w->size] = 0;
}

static inline void put_text(writer *w, const char *text)
{
    put_bytes(w, text, strlen(text));
}

/* The printable character that stands for a byte, as JSON text. */
static inline void put_byte_character(writer *w, unsigned byte)
{
    char text[16];
    unsigned code = byte;
    bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
    if (!printable)
        code = byte <= 0x20 ? 0x100 + byte : byte == 0xAD ? 0x143 : 0x121 + byte - 0x7F;
    if (code == '"' || code == '\\')
        snprintf(text, sizeof(text), "\\%c", (int)code);
    else if (code < 0x80)
        snprintf(text, sizeof(text), "%c", (int)code);
    else
        snprintf(text, sizeof(text), "%c%c", (int)(0xC0 | code >> 6), (int)(0x80 | (code & 0x3F)));
    put_text(w, text);
}

/* Merges of printable ASCII texts, "\xC4\xA0" for a space; merge i makes id 256 + i. */
static inline void put_vocab(writer *vocab, writer *text, const char *const *merges, size_t n)
{
    char number[64];
    put_text(vocab, "{");
    for (unsigned byte = 0; byte < 256; byte++) {
        put_text(vocab, byte ? ", \"" : "\"");
        put_byte_character(vocab, byte);
        snprintf(number, sizeof(number), "\": %u", byte);
        put_text(vocab, number);
    }
    put_text(text, "#version: 0.2\n");
    for (size_t i = 0; i < n; i++) {
        const char *space = strchr(merges[i], ' ');
        put_text(vocab, ", \"");
        put_bytes(vocab, merges[i], (size_t)(space - merges[i]));
        put_text(vocab, space + 1);
        snprintf(number, sizeof(number), "\": %zu", 256 + i);
        put_text(vocab, number);
        put_text(text, merges[i]);
        put_text(text, "\n");
    }
    put_text(vocab, "}");
}

/* One piece of a SentencePiece model. */
typedef struct piece {
    const char *text;
    float score;
    int type; /* 1 normal, 2 unknown, 3 control, 4 user-defined, 6 byte */
} piece;

static inline void put_message(writer *w, unsigned field, const writer *message)
{
    uint8_t head[6];
    size_t n = 0, size = message->size;
    head[n++] = (uint8_t)(field << 3 | 2);
    for (; size >= 0x80; size >>= 7)
        head[n++] = (uint8_t)(size | 0x80);
    head[n++] = (uint8_t)size;
    put_bytes(w, head, n);
    put_bytes(w, message->bytes, message->size);
}

static inline void put_flag(writer *w, unsigned field, unsigned value)
{
    uint8_t bytes[4];
    size_t n = 0;
    unsigned key = field << 3;
    for (; key >= 0x80; key >>= 7)
        bytes[n++] = (uint8_t)(key | 0x80);
    bytes[n++] = (uint8_t)key;
    bytes[n++] = (uint8_t)value;
    put_bytes(w, bytes, n);
}

static inline void put_piece(writer *w, const piece *p)
{
    writer message = { 0 };
    uint8_t head[2] = { 10, (uint8_t)strlen(p->text) }, score[5] = { 21 };
    uint32_t bits;
    memcpy(&bits, &p->score, sizeof(bits));
    for (int i = 0; i < 4; i++)
        score[1 + i] = (uint8_t)(bits >> 8 * i);
    put_bytes(&message, head, 2);
    put_text(&message, p->text);
    put_bytes(&message, score, 5);
    put_flag(&message, 3, (unsigned)p->type);
    put_message(w, 1, &message);
    free(message.bytes);
}

enum { MODEL_TYPE_UNIGRAM = 1, MODEL_TYPE_BPE = 2 };

typedef struct model_flags {
    unsigned type, byte_fallback, dummy_prefix, squeeze;
} model_flags;

static inline void put_model(writer *w, const piece *pieces, size_t n, model_flags flags)
{
    writer trainer = { 0 }, normaliser = { 0 };
    for (size_t i = 0; i < n; i++)
        put_piece(w, pieces + i);
    put_flag(&trainer, 3, flags.type);
    put_flag(&trainer, 35, flags.byte_fallback);
    put_message(w, 2, &trainer);
    put_flag(&normaliser, 3, flags.dummy_prefix);
    put_flag(&normaliser, 4, flags.squeeze);
    put_message(w, 3, &normaliser);
    free(trainer.bytes);
    free(normaliser.bytes);
}

/* A domain of these characters, then these pieces, in the order of merging. */
static inline void put_domain(writer *w, const char *alphabet, const char *const *pieces, size_t n)
{
    static const model_flags flags = { .type = MODEL_TYPE_BPE };
    piece all[128] = { { "<unk>", 0, 2 } };
    char letters[128][2] = { { 0 } };
    size_t count = 1;
    for (; *alphabet; alphabet++, count++) {
        letters[count][0] = *alphabet;
        all[count] = (piece){ letters[count], -(float)count, 1 };
    }
    for (size_t i = 0; i < n; i++, count++)
        all[count] = (piece){ pieces[i], -(float)count, 1 };
    put_model(w, all, count, flags);
}

/* Everything that a tiny tokenizer is made of. */
typedef struct tiny {
    writer vocab, merges, config, smiles, protein, xna, iupac, fasta;
    s1_tokenizer_source source;
} tiny;

static const char *const tiny_merges[] = { "l l",
                                           "h e",
                                           "he ll",
                                           "hell o",
                                           "a a",
                                           "aa aa",
                                           "\xC4\xA0 w",
                                           "\xC4\xA0w o",
                                           "o r",
                                           "\xC4\xA0 \xC4\xA0",
                                           "\xC3\x83 \xC2\xA9" };
enum { TINY_MERGES = sizeof(tiny_merges) / sizeof(tiny_merges[0]), TINY_ADDED = 300 };

static const char *const tiny_pro_tokens[] = { "<|endoftext|>", "<|im_start|>", "<|im_end|>",
                                               "<think>",       "<SMILES>",     "</SMILES>",
                                               "<protein>",     "</protein>",   "<dna>",
                                               "</dna>",        "<rna>",        "</rna>",
                                               "<|im_endless|>" };
static const char *const tiny_s1_tokens[] = { "<|endoftext|>", "<|im_start|>", "<|im_end|>" };

enum {
    TINY_END_OF_TEXT = TINY_ADDED,
    TINY_IM_START,
    TINY_IM_END,
    TINY_THINK,
    TINY_SMILES,
    TINY_SMILES_END,
    TINY_PROTEIN,
    TINY_PROTEIN_END,
    TINY_DNA,
    TINY_DNA_END,
    TINY_RNA,
    TINY_RNA_END,
    TINY_IM_ENDLESS,
    TINY_OFFSET_SMILES = 400,
    TINY_OFFSET_PROT = 450,
    TINY_OFFSET_XNA = 500,
    TINY_ROWS = 600
};

static inline void put_token(writer *w, unsigned id, const char *text, bool first)
{
    char entry[160];
    snprintf(entry, sizeof(entry), "%s\"%u\": {\"content\": \"%s\", \"special\": %s}",
             first ? "" : ", ", id, text, text[1] == '|' ? "true" : "false");
    put_text(w, entry);
}

static inline s1_tokenizer_file file_of(const writer *w)
{
    return (s1_tokenizer_file){ w->bytes, w->size };
}

static inline void tiny_base(tiny *t, const char *const *tokens, size_t n, const char *more)
{
    put_vocab(&t->vocab, &t->merges, tiny_merges, TINY_MERGES);
    put_text(&t->config, "{\"added_tokens_decoder\": {");
    for (size_t i = 0; i < n; i++)
        put_token(&t->config, TINY_ADDED + (unsigned)i, tokens[i], i == 0);
    put_text(&t->config, "}, \"eos_token\": \"<|im_end|>\", \"pad_token\": {\"content\": "
                         "\"<|endoftext|>\"}");
    put_text(&t->config, more);
    put_text(&t->config, "}");
    t->source.vocab_json = file_of(&t->vocab);
    t->source.merges_txt = file_of(&t->merges);
    t->source.tokenizer_config = file_of(&t->config);
    t->source.n_vocab = TINY_ROWS;
}

/* Intern-S1-Pro in small. */
static inline void tiny_pro(tiny *t)
{
    static const char *const smiles[] = { "CC", "=O", "CCCC" };
    static const char *const protein[] = { "MK", "MKT" };
    static const char *const xna[] = { "AC", "GT", "ACGT" };
    *t = (tiny){ 0 };
    tiny_base(t, tiny_pro_tokens, sizeof(tiny_pro_tokens) / sizeof(*tiny_pro_tokens),
              ", \"offset_SMILES\": 400, \"offset_PROT\": 450, \"offset_XNA\": 500");
    put_domain(&t->smiles, "CNO()=1[]cM#-", smiles, 3);
    put_domain(&t->protein, "ACDEFGHIKLMNPQRSTVWY", protein, 2);
    put_domain(&t->xna, "ACGTU", xna, 3);
    t->source.smiles_model = file_of(&t->smiles);
    t->source.protein_model = file_of(&t->protein);
    t->source.xna_model = file_of(&t->xna);
}

/* Intern-S1 in small: pieces and tags follow each other, no number says where. */
static inline void tiny_s1(tiny *t)
{
    static const char *const smiles[] = { "CC", "=O" };
    static const char *const fasta[] = { "MK", "MKT" };
    *t = (tiny){ 0 };
    /* <unk>, 12 characters and 2 pieces: 400 to 414. */
    tiny_base(t, tiny_s1_tokens, sizeof(tiny_s1_tokens) / sizeof(*tiny_s1_tokens), "");
    t->config.size -= 1;
    t->config.bytes[t->config.size] = 0;
    char *at = strstr(t->config.bytes, "\"300\"");
    writer config = { 0 };
    put_bytes(&config, t->config.bytes, (size_t)(at - t->config.bytes));
    put_text(&config,
             "\"415\": {\"content\": \"<SMILES>\"}, \"416\": {\"content\": \"</SMILES>\"}, "
             "\"417\": {\"content\": \"<SELFIES>\"}, \"418\": {\"content\": "
             "\"</SELFIES>\"}, \"422\": {\"content\": \"<IUPAC>\"}, \"423\": "
             "{\"content\": \"</IUPAC>\"}, ");
    put_text(&config, at);
    put_text(&config, "}");
    free(t->config.bytes);
    t->config = config;
    put_domain(&t->smiles, "CNO()=1[]c#-", smiles, 2);
    put_domain(&t->iupac, "me", NULL, 0);
    put_domain(&t->fasta, "ACDEFGHIKLMNPQRSTVWY", fasta, 2);
    t->source.tokenizer_config = file_of(&t->config);
    t->source.smiles_model = file_of(&t->smiles);
    t->source.iupac_model = file_of(&t->iupac);
    t->source.fasta_model = file_of(&t->fasta);
}

/* InternLM2 in small. */
static inline void tiny_pieces(tiny *t, model_flags flags)
{
    piece pieces[512] = { { "<unk>", 0, 2 }, { "<s>", 0, 3 }, { "</s>", 0, 3 } };
    char names[256][8];
    size_t n = 3;
    static const piece more[] = {
        { "\xE2\x96\x81", -9, 1 },
        { "a", -10, 1 },
        { "b", -11, 1 },
        { "ab", -1, 1 },
        { "\xE2\x96\x81"
          "ab",
          -2, 1 },
        { "aa", -3, 1 },
        { "bb", -3, 1 },
        { "\xEF\xBC\xA1", 0, 4 },
        { "[UNUSED_TOKEN_145]", 0, 4 },
        { "[UNUSED_TOKEN_146]", 0, 4 },
    };
    *t = (tiny){ 0 };
    for (unsigned byte = 0; byte < 256; byte++, n++) {
        snprintf(names[byte], sizeof(names[byte]), "<0x%02X>", byte);
        pieces[n] = (piece){ names[byte], 0, 6 };
    }
    for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++)
        pieces[n++] = more[i];
    put_model(&t->smiles, pieces, n, flags);
    t->source.tokenizer_model = file_of(&t->smiles);
}

enum {
    TINY_SPACE = 259,
    TINY_A,
    TINY_B,
    TINY_AB,
    TINY_SPACE_AB,
    TINY_AA,
    TINY_BB,
    TINY_WIDE_A,
    TINY_CHAT_END,
    TINY_CHAT_START
};

static inline void tiny_free(tiny *t)
{
    writer *all[] = { &t->vocab,   &t->merges, &t->config, &t->smiles,
                      &t->protein, &t->xna,    &t->iupac,  &t->fasta };
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        free(all[i]->bytes);
    *t = (tiny){ 0 };
}

static inline ins1_tokenizer *tiny_open(const tiny *t, const ins1_tokenizer_options *options)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_tokenizer *tokenizer = NULL;
    ck_assert_msg(s1_tokenizer_create(&tokenizer, &s1_heap, &t->source, options, &error) == INS1_OK,
                  "%s", error.text);
    return tokenizer;
}

#endif
