#ifndef INSTRUMENT_EMBEDDED_H
#define INSTRUMENT_EMBEDDED_H

#include <stddef.h>

/* A file whose bytes are part of the program; a NUL follows them. embed.sh writes the table. */
typedef struct embedded {
    const char *name;
    const unsigned char *begin, *end;
} embedded;

extern const embedded embedded_files[];
extern const size_t embedded_n_files;

#endif
