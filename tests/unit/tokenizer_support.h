#ifndef TOKENIZER_SUPPORT_H
#define TOKENIZER_SUPPORT_H

/* What the tests of the tokenizer share: files, a source that counts, one-segment calls. */

#include "base/memory.h"
#include "tokenizer/tokenizer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A source that refuses the n-th request. */
typedef struct meter {
    size_t live, peak;
    int until_refusal; /* negative: never */
} meter;

static void *meter_alloc(void *user, size_t size, size_t align, int32_t kind)
{
    meter *m = user;
    (void)kind;
    if (m->until_refusal >= 0 && m->until_refusal-- == 0)
        return NULL;
    m->live += size;
    if (m->live > m->peak)
        m->peak = m->live;
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static void meter_free(void *user, void *memory, size_t size, size_t align, int32_t kind)
{
    meter *m = user;
    (void)align;
    (void)kind;
    m->live -= size;
    free(memory);
}

static inline ins1_allocator meter_source(meter *m)
{
    m->until_refusal = -1;
    return (ins1_allocator){
        .struct_size = sizeof(ins1_allocator), .alloc = meter_alloc, .free = meter_free, .user = m
    };
}

/* The whole file, NULL when it is not there; the caller frees it. */
static inline char *file_read(const char *folder, const char *name, size_t *size)
{
    char path[1024];
    *size = 0;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
    bytes[*size] = 0;
    fclose(file);
    return bytes;
}

/* The tokenizer of a folder, NULL when there is none. */
static inline ins1_tokenizer *tokenizer_open(const char *folder,
                                             const ins1_tokenizer_options *options)
{
    s1_tokenizer_source source = { 0 };
    ins1_error error = INS1_INIT(ins1_error);
    ins1_tokenizer *tokenizer = NULL;
    const struct {
        const char *name;
        s1_tokenizer_file *file;
    } files[] = {
        { "vocab.json", &source.vocab_json },
        { "merges.txt", &source.merges_txt },
        { "tokenizer_config.json", &source.tokenizer_config },
        { "added_tokens.json", &source.added_tokens },
        { "special_tokens_map.json", &source.special_tokens_map },
        { "tokenizer.json", &source.tokenizer_json },
        { "tokenizer.model", &source.tokenizer_model },
        { "tokenizer_SMILES.model", &source.smiles_model },
        { "tokenizer_PROT.model", &source.protein_model },
        { "tokenizer_XNA.model", &source.xna_model },
        { "tokenizer_IUPAC.model", &source.iupac_model },
        { "tokenizer_FASTA.model", &source.fasta_model },
    };
    enum { N_FILES = sizeof(files) / sizeof(files[0]) };
    bool any = false;

    for (size_t i = 0; i < N_FILES; i++) {
        files[i].file->data = file_read(folder, files[i].name, &files[i].file->size);
        any = any || files[i].file->data;
    }
    if (any)
        ck_assert_msg(s1_tokenizer_create(&tokenizer, &s1_heap, &source, options, &error) ==
                          INS1_OK,
                      "%s: %s", folder, error.text);
    for (size_t i = 0; i < N_FILES; i++)
        free((void *)files[i].file->data);
    return tokenizer;
}

static inline ins1_segment segment_of(const char *text, size_t size, int32_t kind, uint32_t flags)
{
    return (ins1_segment){ .struct_size = sizeof(ins1_segment),
                           .kind = kind,
                           .flags = flags,
                           .text = text,
                           .size = size };
}

/* All ids of one trusted text; the caller frees them. `pieces` may be NULL. */
static inline int32_t *encode_all(const ins1_tokenizer *tokenizer, const char *text, size_t size,
                                  int32_t kind, size_t *n, ins1_piece **pieces)
{
    const ins1_segment segment = segment_of(text, size, kind, INS1_SEGMENT_SPECIAL);
    size_t room = size + 16, count;
    int32_t *ids = malloc(room * sizeof(*ids));
    if (pieces)
        *pieces = malloc(room * sizeof(**pieces));
    ins1_status status = ins1_tokenizer_encode(tokenizer, &segment, 1, 0, ids,
                                               pieces ? *pieces : NULL, room, &count, NULL);
    if (status == INS1_E_BUFFER) {
        ids = realloc(ids, count * sizeof(*ids));
        if (pieces)
            *pieces = realloc(*pieces, count * sizeof(**pieces));
        status = ins1_tokenizer_encode(tokenizer, &segment, 1, 0, ids, pieces ? *pieces : NULL,
                                       count, &count, NULL);
    }
    ck_assert_int_eq(status, INS1_OK);
    *n = count;
    return ids;
}

/* The decoded text, NUL-terminated; the caller frees it. */
static inline char *decode_all(const ins1_tokenizer *tokenizer, const int32_t *ids, size_t n,
                               uint32_t flags, size_t *size)
{
    ins1_status status = ins1_tokenizer_decode(tokenizer, ids, n, flags, NULL, 0, size, NULL);
    ck_assert(status == INS1_OK || status == INS1_E_BUFFER);
    char *text = malloc(*size + 1);
    ck_assert_int_eq(ins1_tokenizer_decode(tokenizer, ids, n, flags, text, *size, size, NULL),
                     INS1_OK);
    text[*size] = 0;
    return text;
}

#endif
