#ifndef S1_MODEL_SETTINGS_H
#define S1_MODEL_SETTINGS_H

#include "base/error.h"
#include "base/json.h"

/* Reads the members of one JSON object as numbers that have a range. A member that is missing or
 * null gives the fallback. The first thing that is wrong is recorded, with the key, what was found
 * and what is expected; after that every read gives its fallback, so that a caller asks once at the
 * end. */
typedef struct s1_settings {
    s1_json object;
    const char *where; /* "config.json/text_config", for the message */
    ins1_error *error;
    ins1_status status;
} s1_settings;

/* As a fallback: the member must be there. */
#define S1_REQUIRED INT64_MIN

/* The value, NONE for null. */
s1_json s1_settings_value(const s1_settings *s, const char *key);

int32_t s1_settings_int(s1_settings *s, const char *key, int64_t fallback, int32_t low,
                        int32_t high);
double s1_settings_double(s1_settings *s, const char *key, double fallback, double low,
                          double high);
/* A number, which then counts for both, or a list of two. */
void s1_settings_pair(s1_settings *s, const char *key, int64_t fallback, int32_t low, int32_t high,
                      int32_t out[2]);
bool s1_settings_bool(s1_settings *s, const char *key, bool fallback);

/* Is the member missing, null, or this text? Anything else is INS1_E_UNSUPPORTED. */
void s1_settings_must_be(s1_settings *s, const char *key, const char *text);

/* Record that `key` has a value of which `expected` is true instead. */
void s1_settings_refuse(s1_settings *s, ins1_status status, const char *key, const char *expected);

/* A member that is an id or a list of ids; false where it is missing. */
bool s1_settings_ids(s1_settings *s, const char *key, int32_t *out, int32_t capacity, int32_t *n);

#endif
