#ifndef S1_IO_COMMON_H
#define S1_IO_COMMON_H

/* What the readers of libinterns1_io share. Nothing of the core but its public headers is seen
 * here, so the few lines on errors, memory and structs stand a second time. */

#include "interns1/io.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    S1_IO_NAME_SIZE = 64,       /* bytes of a channel's name, NUL included */
    S1_IO_UNIT_SIZE = 32,       /* bytes of its unit, NUL included */
    S1_IO_MAX_CHANNELS = 65536, /* of one file */
};

/* One file, whole. */
typedef struct s1_io_bytes {
    const uint8_t *data;
    size_t size;
    uint8_t *owned;   /* NULL when `data` is the caller's */
    const char *name; /* for messages and endings; never NULL */
} s1_io_bytes;

/* One call: where memory comes from, what is too much, where the explanation goes. */
typedef struct s1_io_job {
    const ins1_allocator *memory;
    ins1_error *error;
    ins1_io_options limits; /* no zeros */
    const ins1_cancel *cancel;
    int64_t deadline_ns; /* on the monotonic clock; INT64_MAX: none */
} s1_io_job;

typedef struct s1_io_label {
    char name[S1_IO_NAME_SIZE];
    char unit[S1_IO_UNIT_SIZE];
} s1_io_label;

struct ins1_io_series {
    ins1_runtime *runtime; /* one of its owners */
    ins1_timeseries view;  /* strides are set, never 0 */
    void *samples;         /* owned, `samples_size` bytes */
    size_t samples_size;
    s1_io_label *labels; /* owned, one for each of `n_labels` channels, or NULL */
    size_t n_labels;
};

#if defined(__GNUC__)
#define S1_IO_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define S1_IO_PRINTF(f, a)
#endif

/* Record why, and hand the status back. */
ins1_status s1_io_fail(ins1_error *error, ins1_status status, const char *format, ...)
    S1_IO_PRINTF(3, 4);

/* The same with the number of the system's error. */
ins1_status s1_io_fail_os(ins1_error *error, int code, const char *format, ...) S1_IO_PRINTF(3, 4);

/* Zeroed memory, or NULL. `size` is non-zero and comes back unchanged to s1_io_free, which takes
 * NULL too. */
void *s1_io_alloc(const ins1_allocator *from, size_t size, int32_t kind);
void s1_io_free(const ins1_allocator *from, void *memory, size_t size, int32_t kind);

/* Check the call block, read the options and fill in the defaults. */
ins1_status s1_io_job_init(s1_io_job *job, ins1_runtime *runtime, const ins1_io_options *options,
                           const ins1_call *call);

/* INS1_OK, INS1_E_CANCELED or INS1_E_DEADLINE, as the call block asks. Asked between pieces of a
 * file, and every so many lines, records or samples. */
ins1_status s1_io_job_check(const s1_io_job *job);

/* Samples between two such questions: a fraction of a millisecond. */
enum { S1_IO_LOOK = 1 << 15 };

/* `out` is written at most `out->struct_size` bytes far; the rest of it becomes zero. */
ins1_status s1_io_struct_export(void *out, const void *full, size_t size, ins1_error *error);

/* NULL, or the record that a call block carries. */
ins1_error *s1_io_error_of(const ins1_call *call);

/* The bytes of a file, no more than the limit. */
ins1_status s1_io_bytes_open(s1_io_bytes *out, const s1_io_job *job, const ins1_file *file);
void s1_io_bytes_close(s1_io_bytes *bytes, const s1_io_job *job);

/* Readers are no longer needed when a call ends, however it does. */
void s1_io_close_readers(const ins1_file *files, size_t n_files);

/* Does the name end so, whatever the case? */
bool s1_io_ends_with(const char *name, const char *ending);

/* True, with `*out` set, when the product is representable. */
static inline bool s1_io_mul(uint64_t a, uint64_t b, uint64_t *out)
{
    *out = a * b;
    return a == 0 || *out / a == b;
}

/* Numbers out of bytes, in the order that the name says. */
static inline uint32_t s1_io_u16le(const uint8_t *b)
{
    return (uint32_t)b[0] | (uint32_t)b[1] << 8;
}

static inline uint32_t s1_io_u16be(const uint8_t *b)
{
    return (uint32_t)b[1] | (uint32_t)b[0] << 8;
}

static inline uint32_t s1_io_u32le(const uint8_t *b)
{
    return s1_io_u16le(b) | s1_io_u16le(b + 2) << 16;
}

static inline uint32_t s1_io_u32be(const uint8_t *b)
{
    return s1_io_u16be(b + 2) | s1_io_u16be(b) << 16;
}

/* The low `bits` of a word as a number in two's complement. */
static inline int32_t s1_io_signed(uint32_t word, int bits)
{
    uint32_t sign = (uint32_t)1 << (bits - 1);
    uint32_t low = word & (sign | (sign - 1));
    int64_t value = (int64_t)low - ((low & sign) ? (int64_t)sign * 2 : 0);
    return (int32_t)value;
}

#endif
