#include "series.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* NumPy's file of one array: a magic, a version, a Python dict as text, the items. One axis is
 * time; of two the first is time and the second the channels. */

enum { MAX_HEADER = 65536 };

typedef struct header {
    char kind;       /* b i u f */
    unsigned size;   /* bytes of an item */
    bool is_big;     /* big endian */
    bool is_fortran; /* the first axis is the dense one */
    int rank;
    uint64_t shape[2];
    const uint8_t *items;
    size_t left; /* bytes at `items` */
} header;

bool s1_io_npy_is(const s1_io_bytes *file)
{
    return file->size >= 6 && memcmp(file->data, "\x93NUMPY", 6) == 0;
}

/* The text behind a key of the dict, to the dict's end; NULL when the key is not there. */
static const char *value_of(const char *text, size_t size, const char *key, size_t *left)
{
    size_t n = strlen(key);
    for (size_t i = 0; i + n + 2 <= size; i++) {
        if ((text[i] != '\'' && text[i] != '"') || memcmp(text + i + 1, key, n) != 0 ||
            text[i + 1 + n] != text[i])
            continue;
        for (i += n + 2; i < size && (text[i] == ' ' || text[i] == ':');)
            i++;
        *left = size - i;
        return text + i;
    }
    return NULL;
}

static ins1_status read_type(header *h, const char *text, size_t size, const s1_io_job *job,
                             const char *name)
{
    size_t left;
    const char *at = value_of(text, size, "descr", &left);
    if (!at || left < 5 || (at[0] != '\'' && at[0] != '"'))
        return s1_io_fail(job->error, at ? INS1_E_UNSUPPORTED : INS1_E_FORMAT,
                          "%s: the items have no plain type", name);
    size_t n = 1;
    while (n < left && n < 12 && at[n] != at[0])
        n++;
    bool is_known =
        n == 4 && strchr("<>|=", at[1]) && strchr("biuf", at[2]) && at[3] >= '1' && at[3] <= '8';
    h->kind = at[2];
    h->size = (unsigned)(at[3] - '0');
    h->is_big = at[1] == '>';
    if (is_known && h->kind == 'b')
        is_known = h->size == 1;
    else if (is_known && h->kind == 'f')
        is_known = h->size == 2 || h->size == 4 || h->size == 8;
    else if (is_known)
        is_known = h->size == 1 || h->size == 2 || h->size == 4 || h->size == 8;
    if (!is_known)
        return s1_io_fail(job->error, INS1_E_UNSUPPORTED,
                          "%s: items of type %.*s, whole numbers or floats are expected", name,
                          (int)n - 1, at + 1);
    return INS1_OK;
}

static ins1_status read_shape(header *h, const char *text, size_t size, const s1_io_job *job,
                              const char *name)
{
    size_t left;
    const char *at = value_of(text, size, "shape", &left);
    size_t i = 1;

    if (!at || at[0] != '(')
        return s1_io_fail(job->error, INS1_E_FORMAT, "%s: the header has no shape", name);
    while (i < left && at[i] != ')') {
        uint64_t axis = 0;
        if (at[i] == ' ' || at[i] == ',') {
            i++;
            continue;
        }
        if (at[i] < '0' || at[i] > '9')
            return s1_io_fail(job->error, INS1_E_FORMAT, "%s: the shape is no tuple of numbers",
                              name);
        for (; i < left && at[i] >= '0' && at[i] <= '9'; i++) {
            if (axis > UINT64_MAX / 100)
                return s1_io_fail(job->error, INS1_E_FORMAT, "%s: an axis is too long", name);
            axis = axis * 10 + (uint64_t)(at[i] - '0');
        }
        if (h->rank == 2)
            return s1_io_fail(job->error, INS1_E_UNSUPPORTED,
                              "%s has more than 2 axes, samples and channels are expected", name);
        h->shape[h->rank++] = axis;
    }
    if (i >= left || h->rank == 0)
        return s1_io_fail(job->error, i >= left ? INS1_E_FORMAT : INS1_E_UNSUPPORTED,
                          "%s: the shape has %s", name, i >= left ? "no end" : "no axis");
    if (h->rank == 1)
        h->shape[1] = 1;
    return INS1_OK;
}

static ins1_status read_header(header *h, const s1_io_job *job, const s1_io_bytes *file)
{
    size_t start, left;
    uint32_t length;
    int version = file->size >= 12 ? file->data[6] : 0;

    if (version < 1 || version > 3)
        return s1_io_fail(job->error, version ? INS1_E_UNSUPPORTED : INS1_E_FORMAT,
                          "%s: version %d of NPY, 1 to 3 are read", file->name, version);
    start = version == 1 ? 10 : 12;
    length = version == 1 ? s1_io_u16le(file->data + 8) : s1_io_u32le(file->data + 8);
    if (length > file->size - start || length > MAX_HEADER)
        return s1_io_fail(job->error, INS1_E_FORMAT,
                          "%s: header of %" PRIu32 " bytes, %zu are left and %d the most",
                          file->name, length, file->size - start, MAX_HEADER);
    const char *text = (const char *)file->data + start;
    h->items = file->data + start + length;
    h->left = file->size - start - length;
    ins1_status status = read_type(h, text, length, job, file->name);
    if (status != INS1_OK)
        return status;
    const char *order = value_of(text, length, "fortran_order", &left);
    if (!order || left < 5 || (memcmp(order, "True", 4) != 0 && memcmp(order, "False", 5) != 0))
        return s1_io_fail(job->error, INS1_E_FORMAT, "%s: the header has no fortran_order",
                          file->name);
    h->is_fortran = order[0] == 'T';
    return read_shape(h, text, length, job, file->name);
}

/* A half-precision number, widened exactly. */
static float from_half(uint32_t bits)
{
    int exponent = (int)(bits >> 10 & 31);
    int mantissa = (int)(bits & 1023);
    float value = exponent == 31  ? (mantissa ? (float)NAN : (float)INFINITY)
                  : exponent == 0 ? ldexpf((float)mantissa, -24)
                                  : ldexpf((float)(mantissa + 1024), exponent - 25);
    return bits & 0x8000 ? -value : value;
}

/* Which of the interface's types holds every item; 64-bit whole numbers are rounded to F64. */
static int32_t holder(const header *h)
{
    if (h->kind == 'f')
        return h->size == 8 ? INS1_SAMPLE_F64 : INS1_SAMPLE_F32;
    if (h->size == 1 || (h->size == 2 && h->kind == 'i'))
        return INS1_SAMPLE_I16;
    if (h->size == 2 || (h->size == 4 && h->kind == 'i'))
        return INS1_SAMPLE_I32;
    return INS1_SAMPLE_F64;
}

static uint64_t bits_at(const header *h, size_t i)
{
    const uint8_t *at = h->items + i * h->size;
    uint64_t bits = 0;
    for (unsigned k = 0; k < h->size; k++)
        bits = bits << 8 | at[h->is_big ? k : h->size - 1 - k];
    return bits;
}

/* A whole number of the item's own width. */
static int64_t whole(const header *h, uint64_t bits)
{
    unsigned n = 64 - 8 * h->size;
    if (h->kind != 'i' || !(bits >> (8 * h->size - 1)))
        return (int64_t)bits; /* unsigned 64-bit numbers do not come here */
    return n == 0 && bits == (uint64_t)1 << 63 ? INT64_MIN : -(int64_t)((~bits << n >> n) + 1);
}

static void copy_item(const header *h, void *samples, size_t i)
{
    uint64_t bits = bits_at(h, i);

    if (h->kind == 'f') {
        uint32_t low = (uint32_t)bits;
        float half = h->size == 2 ? from_half(low) : 0.0f;
        if (h->size == 8)
            memcpy((double *)samples + i, &bits, 8);
        else
            memcpy((float *)samples + i, h->size == 2 ? (const void *)&half : &low, 4);
        return;
    }
    switch (holder(h)) {
    case INS1_SAMPLE_I16:
        ((int16_t *)samples)[i] = (int16_t)whole(h, bits);
        break;
    case INS1_SAMPLE_I32:
        ((int32_t *)samples)[i] = (int32_t)whole(h, bits);
        break;
    default:
        ((double *)samples)[i] = h->kind == 'i' ? (double)whole(h, bits) : (double)bits;
    }
}

ins1_status s1_io_npy_read(ins1_io_series *series, const s1_io_job *job, const s1_io_bytes *file)
{
    header h = { 0 };
    uint64_t n, size;

    ins1_status status = read_header(&h, job, file);
    if (status != INS1_OK)
        return status;
    if (!s1_io_mul(h.shape[0], h.shape[1], &n) || !s1_io_mul(n, h.size, &size))
        return s1_io_fail(job->error, INS1_E_FORMAT, "%s: the shape overflows", file->name);
    if (size != h.left && n <= job->limits.max_samples)
        return s1_io_fail(job->error, INS1_E_FORMAT,
                          "%s: the shape needs %" PRIu64 " bytes, %zu are there", file->name, size,
                          h.left);
    status = s1_io_series_shape(series, job, file->name, holder(&h), h.shape[0], h.shape[1],
                                h.is_fortran);
    for (size_t i = 0; status == INS1_OK && i < n; i++) {
        if (i % S1_IO_LOOK == 0)
            status = s1_io_job_check(job);
        copy_item(&h, series->samples, i);
    }
    return status;
}
