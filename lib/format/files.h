#ifndef S1_FORMAT_FILES_H
#define S1_FORMAT_FILES_H

#include "base/call.h"
#include "interns1/model.h"

#include <stdbool.h>

/* The files of a checkpoint, wherever they lie: a folder, one file, memory, readers. Each is opened
 * when it is first asked for, stays until the set is closed, and is seen as bytes: mapped, or read
 * whole where it cannot be mapped. One thread at a time. */
typedef struct s1_files s1_files;

typedef struct s1_bytes {
    const uint8_t *data; /* aligned to 64 bytes unless it is the host's memory */
    size_t size;
} s1_bytes;

enum {
    S1_FILES_NO_PATHS = 1u,     /* a path is INS1_E_UNSUPPORTED */
    S1_FILES_KEEP_READERS = 2u, /* the readers stay the host's: nothing closes them */
};

/* `options` was imported. Takes ownership of the readers unless told otherwise: closes them when
 * the set is closed, also when this call fails. */
ins1_status s1_files_open(s1_files **out, const ins1_allocator *memory,
                          const ins1_model_options *options, uint32_t flags, const s1_call *call);
void s1_files_close(s1_files *files);

/* Close the readers of options that s1_files_open never saw. */
void s1_files_refuse(const ins1_model_options *options);

/* Their names, sorted; NULL past the end. A folder's are those of the moment it was opened. */
const char *s1_files_name(const s1_files *files, size_t at);

/* Is there a file of that name? Never opens it. */
bool s1_files_has(const s1_files *files, const char *name);

/* Its place among the names; false where it is missing. */
bool s1_files_find(const s1_files *files, const char *name, size_t *at);

/* Was one file given alone, instead of a folder's? Then its name, which may be empty; else NULL. */
const char *s1_files_single(const s1_files *files);

/* Its bytes; INS1_E_IO naming it where it is missing. */
ins1_status s1_files_get(s1_files *files, const char *name, s1_bytes *out, const s1_call *call);

/* Its size without reading it, and a stretch of it without keeping it. */
ins1_status s1_files_size(s1_files *files, const char *name, uint64_t *size, const s1_call *call);
ins1_status s1_files_read(s1_files *files, const char *name, uint64_t at, void *out, size_t size,
                          const s1_call *call);

/* The address of its bytes modulo `align` when s1_files_get has made them; host memory may lie
 * anywhere. */
size_t s1_files_skew(const s1_files *files, const char *name, size_t align);

/* Put the name of the file in front of the reason; hands the status back. */
ins1_status s1_files_blame(const char *name, ins1_status status, ins1_error *error);

/* Bytes mapped (not allocated) so far. */
uint64_t s1_files_mapped(const s1_files *files);

#endif
