#ifndef S1_FORMAT_FILES_H
#define S1_FORMAT_FILES_H

#include "base/call.h"
#include "interns1/model.h"

#include <stdbool.h>

/* The files of a checkpoint, wherever they lie: a folder, one file, memory, readers. Each is opened when
 * it is first asked for, stays until the set is closed, and is seen as bytes: mapped, or read whole
 * where it cannot be mapped. One thread at a time. */
typedef struct s1_files s1_files;

typedef struct s1_bytes {
    const uint8_t *data; /* aligned to 64 bytes unless it is the host's memory */
    size_t size;
} s1_bytes;

/* `options` was imported. `no_files`: a path is INS1_E_UNSUPPORTED. Takes ownership of the readers:
 * closes them when the set is closed, also when this call fails. */
ins1_status s1_files_open(s1_files **out, const ins1_allocator *memory,
                          const ins1_model_options *options, bool no_files, const s1_call *call);
void s1_files_close(s1_files *files);

/* Is there a file of that name? Never opens it. */
bool s1_files_has(const s1_files *files, const char *name);

/* Its bytes; INS1_E_IO naming it where it is missing. */
ins1_status s1_files_get(s1_files *files, const char *name, s1_bytes *out, const s1_call *call);

/* Bytes mapped (not allocated) so far. */
uint64_t s1_files_mapped(const s1_files *files);

#endif
