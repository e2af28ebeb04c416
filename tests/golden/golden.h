#ifndef TESTS_GOLDEN_GOLDEN_H
#define TESTS_GOLDEN_GOLDEN_H

#include "base/json.h"
#include "interns1/inspect.h"
#include "interns1/interns1.h"

#include <stdbool.h>

/* Reading the case folders that tests/reference makes, for the programs that compare with them. */

/* A whole file; ends the program with a sentence when it cannot be read. */
typedef struct text {
    char *bytes;
    size_t size;
} text;
text read_text(const char *folder, const char *name);
bool file_exists(const char *folder, const char *name);

/* An .npy file of float32 or int32. `data` is NULL when there is no such file. */
typedef struct array {
    void *data;
    int rank;
    size_t dim[4];
    bool is_float;
} array;
array read_npy(const char *folder, const char *name);
void free_array(array *a);

/* One line of the input: ids, and the embeddings that replace placeholders. */
typedef struct line {
    int32_t *ids;
    size_t n;
    float *embeds; /* [n_rows][dim], or NULL */
    size_t n_rows, dim;
} line;
size_t read_lines(const char *folder, const char *name, line **out);
void free_lines(line *lines, size_t n);

/* What a case asks for. */
typedef struct options {
    bool layers, routers, together, ignore_eos;
    size_t generate, chunk; /* 0: none, all at once */
    int32_t n_ctx;          /* 0: what the longest line needs */
    double tolerance_logits, tolerance_hidden, tolerance_gates;
    char lines[64], expect[64];
} options;
options read_case(const char *folder, const char *name);

/* Where a program computes: a CPU level, or PLUGIN@NAME for a device of a plugin, which need not
 * give the same bits for every cut. */
bool is_level(const char *where);
extern int n_warnings; /* of the runtimes that open_place made: errors and warnings in the log */

/* Its runtime and the index of its device; false when this machine or build lacks it. */
bool open_place(ins1_runtime **out, int32_t *device, const char *where,
                const ins1_threading *threading, const ins1_call *call);

/* Ends the program with status 1 and the library's sentence. */
void must(ins1_status status, const ins1_error *error, const char *what);
void fail(const char *format, ...);

#endif
