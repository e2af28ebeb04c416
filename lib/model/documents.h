#ifndef S1_MODEL_DOCUMENTS_H
#define S1_MODEL_DOCUMENTS_H

#include "base/json.h"
#include "format/files.h"
#include "model/sampling.h"

enum { S1_MAX_DOCUMENTS = 10 };

/* The small JSON files of a checkpoint, checked once and then walked by any thread. */
typedef struct s1_documents {
    struct {
        const char *name; /* static */
        s1_json root;
    } list[S1_MAX_DOCUMENTS];
    int32_t n;
} s1_documents;

/* Reads those that are there. INS1_E_FORMAT names the file that is no JSON. */
ins1_status s1_documents_read(s1_documents *out, s1_files *files, const s1_call *call);

/* NONE where there is no such file. */
s1_json s1_documents_get(const s1_documents *documents, const char *name);

/* The value at "config.json/text_config/eos_token_id"; elements of arrays by their number. */
s1_json s1_documents_at(const s1_documents *documents, const char *path);

/* What generation_config.json says: how to sample, and the ids that end a reply where it names any.
 */
ins1_status s1_generation_read(s1_sampling *out, int32_t *end_ids, int32_t capacity, int32_t *n,
                               s1_json root, ins1_error *error);

/* The dialect of the checkpoint's chat template; `fallback` where there is none, NULL for one that
 * is not known. */
ins1_status s1_dialect_read(const char **out, const s1_documents *documents, s1_files *files,
                            const ins1_allocator *memory, const char *fallback,
                            const s1_call *call);

/* Which tokenizer the files make: "intern-s1-pro", "intern-s1", "byte-level-bpe", "sentencepiece",
 * or NULL for none. */
const char *s1_tokenizer_kind(const s1_documents *documents, const s1_files *files);

#endif
