#ifndef TEST_MADE_H
#define TEST_MADE_H

/* Hand-made checkpoints in memory: what a folder would hold, as blocks of exactly the right size,
 * so that a read of one byte too many is a report of the sanitizer. */

#include "interns1/model.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MADE_MAX = 16 };

typedef struct made {
    ins1_file files[MADE_MAX];
    size_t n;
} made;

static inline void made_bytes(made *m, const char *name, const void *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    m->files[m->n++] =
        (ins1_file){ .struct_size = sizeof(ins1_file), .name = name, .data = copy, .size = size };
}

static inline void made_text(made *m, const char *name, const char *text)
{
    made_bytes(m, name, text, strlen(text));
}

/* A safetensors file of that header and `data_size` bytes 0, 1, 2, ... */
static inline void made_tensors(made *m, const char *name, const char *header, size_t data_size)
{
    const size_t header_size = strlen(header), size = 8 + header_size + data_size;
    uint8_t *bytes = malloc(size);
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)header_size >> 8 * i);
    memcpy(bytes + 8, header, header_size);
    for (size_t i = 0; i < data_size; i++)
        bytes[8 + header_size + i] = (uint8_t)i;
    made_bytes(m, name, bytes, size);
    free(bytes);
}

static inline ins1_model_options made_options(const made *m)
{
    ins1_model_options options = INS1_INIT(ins1_model_options);
    options.files = m->files;
    options.n_files = m->n;
    return options;
}

static inline void made_free(made *m)
{
    for (size_t i = 0; i < m->n; i++)
        free((void *)(uintptr_t)m->files[i].data);
    m->n = 0;
}

#endif
