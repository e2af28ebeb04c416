#ifndef SERVER_FIELDS_H
#define SERVER_FIELDS_H

#include "problem.h"

#include <jansson.h>
#include <stdint.h>

/* Fields of a JSON object. What is absent or null leaves `out` as it is; what is of another kind or
 * outside its range is refused by name. */
bool field_int(const json_t *object, const char *name, int64_t least, int64_t most, int64_t *out,
               problem *p);
bool field_real(const json_t *object, const char *name, double least, double most, float *out,
                problem *p);
bool field_bool(const json_t *object, const char *name, bool *out, problem *p);
bool field_text(const json_t *object, const char *name, const char **out, problem *p);

/* The member of that name; NULL when it is absent or null. */
const json_t *field(const json_t *object, const char *name);

/* "a string", "an array": what a value is, for messages. */
const char *kind_of(const json_t *value);

#endif
