#ifndef CLI_NPY_H
#define CLI_NPY_H

#include <interns1/status.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* NumPy's array files: format 1.0, little endian, C order. */

enum { NPY_MAX_DIM = 4 };

/* Begin a file of `type` ("<f4", "<i4"); the caller writes the items and closes. */
ins1_status npy_create(FILE **out, const char *path, const char *type, const size_t *dim,
                       size_t n_dim, ins1_error *error);

/* Close what npy_create gave; INS1_E_IO when something was not written. */
ins1_status npy_close(FILE *file, const char *path, ins1_error *error);

ins1_status npy_write(const char *path, const char *type, const size_t *dim, size_t n_dim,
                      const void *items, ins1_error *error);

/* Read a whole float32 array, `*out` to be freed. */
ins1_status npy_read_f32(float **out, size_t dim[NPY_MAX_DIM], size_t *n_dim, const char *path,
                         ins1_error *error);

#endif
