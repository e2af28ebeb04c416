#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* A growing stretch of bytes; {0} is the empty one. Where memory runs out, the program ends. */
typedef struct buffer {
    char *at;
    size_t size, capacity;
} buffer;

void text_add(buffer *to, const void *bytes, size_t size);
void text_puts(buffer *to, const char *string);
void text_printf(buffer *to, const char *format, ...)
    __attribute__((nonnull, format(printf, 2, 3)));

/* Bytes of the UTF-8 character that begins here, 0 when there is none; left is at least 1. */
size_t text_character(const char *bytes, size_t left);

/* A JSON string, quotes included. Bytes that are no UTF-8 become U+FFFD. */
void text_json(buffer *to, const char *bytes, size_t size);

/* A JSON number, null for what JSON cannot say. */
void text_real(buffer *to, double value);

/* A JSON array. */
void text_ids(buffer *to, const int32_t *ids, size_t n);

/* Room for `size` more bytes, to be counted in by the caller. */
char *text_room(buffer *to, size_t size);
void text_free(buffer *from);

/* malloc, calloc and realloc that end the program instead of failing. */
void *allocate(size_t count, size_t item_size);
void *reallocate(void *memory, size_t count, size_t item_size);

#endif
