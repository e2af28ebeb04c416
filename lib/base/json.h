#ifndef S1_BASE_JSON_H
#define S1_BASE_JSON_H

#include "interns1/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* JSON (RFC 8259) read in place: no tree, no allocation. `s1_json_parse` checks the whole text
 * once; after that a value is a stretch of checked text, and walking it cannot fail on syntax. */

enum { S1_JSON_MAX_DEPTH = 64 };

typedef enum s1_json_kind {
    S1_JSON_NONE = 0, /* no such value; every reader below accepts it and finds nothing */
    S1_JSON_NULL,
    S1_JSON_FALSE,
    S1_JSON_TRUE,
    S1_JSON_NUMBER,
    S1_JSON_STRING,
    S1_JSON_ARRAY,
    S1_JSON_OBJECT,
} s1_json_kind;

/* The text of one value, without white space around it; strings with their quotes. Borrowed. */
typedef struct s1_json {
    s1_json_kind kind;
    const char *text;
    size_t size;
} s1_json;

/* A walk over the members of an object or the elements of an array. */
typedef struct s1_json_walk {
    const char *at;
    const char *end;
    bool is_object;
} s1_json_walk;

/* Check `size` bytes of UTF-8 text and give its only value. INS1_E_FORMAT names the byte. */
ins1_status s1_json_parse(s1_json *out, const char *text, size_t size, ins1_error *error);

/* Of a value that is no array and no object there is nothing to walk. */
s1_json_walk s1_json_begin(s1_json value);

/* The next element, and of an object its key (a STRING value; NONE for arrays). False at the end.
 */
bool s1_json_next(s1_json_walk *walk, s1_json *key, s1_json *value);

/* The member of that name, NONE when there is none. Of duplicates the last, as Python reads them.
 */
s1_json s1_json_get(s1_json object, const char *name);

/* Number of elements or members. */
size_t s1_json_count(s1_json value);

/* Is it the string `text`? */
bool s1_json_is(s1_json value, const char *text);

/* Unescape a string. `*size` is what the whole needs; at most `capacity` bytes are written and no
 * NUL. False when it is no string or names a lone surrogate. */
bool s1_json_string(s1_json value, char *out, size_t capacity, size_t *size);

/* False when it is no number, or not representable (integers: no fraction or exponent, `1.0` and
 * `1e3` included where the value is whole). */
bool s1_json_int(s1_json value, int64_t *out);
bool s1_json_double(s1_json value, double *out);

/* False when it is neither true nor false. */
bool s1_json_bool(s1_json value, bool *out);

#endif
