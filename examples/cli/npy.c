#include "npy.h"

#include "json.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAGIC_SIZE = 10, ITEM_SIZE = 4, MAX_HEADER = 4096 };

static ins1_status failed(const char *path, const char *what, ins1_error *error)
{
    return fail(error, INS1_E_IO, "%s: %s: %s", path, what, errno ? strerror(errno) : "too short");
}

static size_t count(const size_t *dim, size_t n_dim)
{
    size_t n = 1;
    for (size_t i = 0; i < n_dim; i++)
        n *= dim[i];
    return n;
}

ins1_status npy_create(FILE **out, const char *path, const char *type, const size_t *dim,
                       size_t n_dim, ins1_error *error)
{
    buffer header = { 0 };

    text_add(&header, "\x93NUMPY\x01\x00\x00\x00", MAGIC_SIZE);
    text_printf(&header, "{'descr': '%s', 'fortran_order': False, 'shape': (", type);
    for (size_t i = 0; i < n_dim; i++)
        text_printf(&header, "%zu%s", dim[i], i + 1 < n_dim ? ", " : n_dim == 1 ? "," : "");
    text_puts(&header, "), }");
    while ((header.size + 1) % 64)
        text_puts(&header, " ");
    text_puts(&header, "\n");
    header.at[8] = (char)((header.size - MAGIC_SIZE) & 0xff);
    header.at[9] = (char)((header.size - MAGIC_SIZE) >> 8);

    errno = 0;
    *out = fopen(path, "wb");
    if (*out)
        fwrite(header.at, 1, header.size, *out);
    text_free(&header);
    return *out ? INS1_OK : failed(path, "cannot be written", error);
}

ins1_status npy_close(FILE *file, const char *path, ins1_error *error)
{
    errno = 0;
    int is_bad = ferror(file);
    is_bad |= fclose(file);
    return is_bad ? failed(path, "cannot be written", error) : INS1_OK;
}

ins1_status npy_write(const char *path, const char *type, const size_t *dim, size_t n_dim,
                      const void *items, ins1_error *error)
{
    FILE *file;
    ins1_status status = npy_create(&file, path, type, dim, n_dim, error);
    if (status != INS1_OK)
        return status;
    fwrite(items, ITEM_SIZE, count(dim, n_dim), file);
    return npy_close(file, path, error);
}

/* The shape of "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }". */
static ins1_status read_header(FILE *file, size_t *dim, size_t *n_dim, const char *path,
                               ins1_error *error)
{
    unsigned char magic[MAGIC_SIZE];
    char header[MAX_HEADER + 1] = { 0 };

    if (fread(magic, 1, MAGIC_SIZE, file) != MAGIC_SIZE || memcmp(magic, "\x93NUMPY\x01", 7) != 0)
        return fail(error, INS1_E_FORMAT, "%s is no NumPy file of format 1", path);
    size_t size = magic[8] | (size_t)magic[9] << 8;
    if (size > MAX_HEADER || fread(header, 1, size, file) != size)
        return fail(error, INS1_E_FORMAT, "%s: the header of %zu bytes cannot be read", path, size);
    if (!strstr(header, "'<f4'") || !strstr(header, "'fortran_order': False"))
        return fail(error, INS1_E_FORMAT, "%s is no float32 array in C order", path);
    char *at = strstr(header, "'shape': (");
    if (!at)
        return fail(error, INS1_E_FORMAT, "%s has no shape", path);

    size_t items = 1;
    *n_dim = 0;
    for (at += strlen("'shape': ("); *at && *at != ')' && *n_dim < NPY_MAX_DIM;) {
        unsigned long long n = strtoull(at, &at, 10);
        if ((*at != ',' && *at != ')') || (n && items > SIZE_MAX / 64 / n))
            return fail(error, INS1_E_FORMAT, "%s: its shape cannot be read", path);
        items *= (size_t)n;
        dim[(*n_dim)++] = (size_t)n;
        at += strspn(at, ", ");
    }
    return *at == ')' ? INS1_OK : fail(error, INS1_E_FORMAT, "%s: its shape cannot be read", path);
}

ins1_status npy_read_f32(float **out, size_t dim[NPY_MAX_DIM], size_t *n_dim, const char *path,
                         ins1_error *error)
{
    *out = NULL;
    errno = 0;
    FILE *file = fopen(path, "rb");
    if (!file)
        return failed(path, "cannot be read", error);

    ins1_status status = read_header(file, dim, n_dim, path, error);
    if (status == INS1_OK) {
        /* Read before it is believed: a short file with a large shape costs nothing. */
        size_t wanted = count(dim, *n_dim), have = 0, got;
        buffer items = { 0 };
        do {
            size_t next = wanted - have < 65536 ? wanted - have : 65536;
            got = fread(text_room(&items, next * ITEM_SIZE), ITEM_SIZE, next, file);
            items.size += got * ITEM_SIZE;
            have += got;
        } while (got && have < wanted);
        *out = (float *)(void *)items.at;
        if (have < wanted) {
            text_free(&items);
            *out = NULL;
            status = fail(error, INS1_E_FORMAT, "%s holds %zu values of %zu", path, have, wanted);
        }
    }
    fclose(file);
    return status;
}
