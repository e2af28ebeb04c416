#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <interns1/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
} json_kind;

/* A value as a tree, each part with the source text that it was read from. */
typedef struct json {
    json_kind kind;
    const char *raw; /* borrowed from the parsed text */
    size_t raw_size;
    char *text; /* STRING: unescaped, with a NUL behind */
    size_t n;   /* STRING: bytes; ARRAY, OBJECT: items */
    struct json *items;
    struct json *keys; /* OBJECT: `n` strings */
} json;

/* INS1_E_FORMAT with the reason; lone surrogates and broken UTF-8 are refused. */
ins1_status json_parse(json *out, const char *text, size_t size, ins1_error *error);
void json_free(json *value);

/* The member of that name, the last of several; NULL when there is none or it is null. */
const json *json_get(const json *object, const char *name);

/* A member that is true or false; `*out` stays as it is where there is none or it is null. */
ins1_status json_flag(const json *object, const char *name, bool *out, ins1_error *error);

bool json_int(const json *value, int64_t *out);
bool json_real(const json *value, double *out);

/* An array of ids as an array of ours (never NULL), INS1_E_FORMAT when it is none. */
ins1_status json_ids(const json *value, int32_t **out, size_t *n, ins1_error *error);

/* Record why, as the library does it. */
ins1_status fail(ins1_error *error, ins1_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
