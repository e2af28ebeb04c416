#ifndef SERVER_TEXT_H
#define SERVER_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A growing stretch of bytes; {0} is the empty one. What cannot be added is remembered, and nothing
 * more is added then. */
typedef struct text {
    char *at;
    size_t size, capacity;
    bool has_failed;
} text;

void text_add(text *to, const void *bytes, size_t size);
void text_puts(text *to, const char *string);
void text_print(text *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The failure of `from` is one of `to`, too. */
void text_append(text *to, const text *from);

/* The JSON of a value, which is released. */
void text_json(text *to, json_t *value);
void text_free(text *from);

/* As a JSON string. Bytes that are no UTF-8 become U+FFFD. */
void text_string(text *to, const char *bytes, size_t size);

/* Bytes of base64, both alphabets, padding optional, white space skipped. False: it is none. */
bool base64_decode(text *to, const char *from, size_t size);
void base64_encode(text *to, const void *from, size_t size);

/* What %41 stands for. False: a % is not followed by two digits. */
bool percent_decode(text *to, const char *from, size_t size);

#endif
