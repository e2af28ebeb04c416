#ifndef S1_FORMAT_FILES_PRIVATE_H
#define S1_FORMAT_FILES_PRIVATE_H

#include "format/files.h"

/* What finding files and reading them share. */

typedef struct s1_file {
    char *name;
    char *path;       /* NULL for memory and readers */
    const void *data; /* the host's memory, `size` bytes */
    size_t size;
    ins1_reader reader;
    bool has_reader;

    bool is_open, is_mapped, is_owned;
    s1_bytes bytes;
} s1_file;

struct s1_files {
    ins1_allocator memory;
    s1_file *list; /* sorted by name */
    size_t n, capacity;
    int32_t load_mode;
    uint32_t flags;
    bool is_single;
    uint64_t mapped;
};

/* What the operating system refused, with its errno. */
ins1_status s1_files_refused(const char *what, const char *path, ins1_error *error);

#endif
