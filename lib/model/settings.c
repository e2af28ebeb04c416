#include "model/settings.h"

#include <math.h>
#include <stdio.h>

s1_json s1_settings_value(const s1_settings *s, const char *key)
{
    s1_json value = s1_json_get(s->object, key);
    return value.kind == S1_JSON_NULL ? (s1_json){ 0 } : value;
}

void s1_settings_refuse(s1_settings *s, ins1_status status, const char *key, const char *expected)
{
    if (s->status != INS1_OK)
        return;
    s1_json found = s1_json_get(s->object, key);
    if (!found.kind)
        s->status =
            s1_fail(s->error, status, "%s: %s is missing, %s is expected", s->where, key, expected);
    else
        s->status = s1_fail(s->error, status, "%s: %s is %.*s, %s is expected", s->where, key,
                            (int)(found.size < 60 ? found.size : 60), found.text, expected);
}

int32_t s1_settings_int(s1_settings *s, const char *key, int64_t fallback, int32_t low,
                        int32_t high)
{
    s1_json value = s1_settings_value(s, key);
    int64_t number;

    if (!value.kind && fallback != S1_REQUIRED)
        return (int32_t)fallback;
    if (s1_json_int(value, &number) && number >= low && number <= high)
        return (int32_t)number;
    char expected[64];
    snprintf(expected, sizeof(expected), "a whole number from %d to %d", low, high);
    s1_settings_refuse(s, INS1_E_FORMAT, key, expected);
    return fallback != S1_REQUIRED ? (int32_t)fallback : low;
}

double s1_settings_double(s1_settings *s, const char *key, double fallback, double low, double high)
{
    s1_json value = s1_settings_value(s, key);
    double number;

    if (!value.kind)
        return fallback;
    if (s1_json_double(value, &number) && number >= low && number <= high)
        return number;
    char expected[64];
    snprintf(expected, sizeof(expected), "a number from %g to %g", low, high);
    s1_settings_refuse(s, INS1_E_FORMAT, key, expected);
    return fallback;
}

void s1_settings_pair(s1_settings *s, const char *key, int64_t fallback, int32_t low, int32_t high,
                      int32_t out[2])
{
    s1_json value = s1_settings_value(s, key), none, element;
    char expected[80];
    int64_t number;
    size_t n = 0;

    if (value.kind != S1_JSON_ARRAY) {
        out[0] = out[1] = s1_settings_int(s, key, fallback, low, high);
        return;
    }
    out[0] = out[1] = low;
    s1_json_walk walk = s1_json_begin(value);
    while (s1_json_next(&walk, &none, &element)) {
        bool is_good = n < 2 && s1_json_int(element, &number) && number >= low && number <= high;
        if (is_good)
            out[n] = (int32_t)number;
        n = is_good ? n + 1 : 3;
    }
    snprintf(expected, sizeof(expected), "a whole number from %d to %d, or two", low, high);
    if (n != 2)
        s1_settings_refuse(s, INS1_E_FORMAT, key, expected);
}

bool s1_settings_bool(s1_settings *s, const char *key, bool fallback)
{
    s1_json value = s1_settings_value(s, key);
    bool found;

    if (!value.kind)
        return fallback;
    if (s1_json_bool(value, &found))
        return found;
    s1_settings_refuse(s, INS1_E_FORMAT, key, "true or false");
    return fallback;
}

void s1_settings_must_be(s1_settings *s, const char *key, const char *text)
{
    s1_json value = s1_settings_value(s, key);
    if (!value.kind || s1_json_is(value, text))
        return;
    char expected[64];
    snprintf(expected, sizeof(expected), "\"%s\"", text);
    s1_settings_refuse(s, INS1_E_UNSUPPORTED, key, expected);
}

bool s1_settings_ids(s1_settings *s, const char *key, int32_t *out, int32_t capacity, int32_t *n)
{
    s1_json value = s1_settings_value(s, key), none, element = value;
    const char *expected = "an id or a short list of ids";
    int64_t id;

    if (!value.kind)
        return false;
    *n = 0;
    s1_json_walk walk = s1_json_begin(value);
    while (value.kind != S1_JSON_ARRAY || s1_json_next(&walk, &none, &element)) {
        if (!s1_json_int(element, &id) || id < 0 || id > INT32_MAX || *n == capacity) {
            s1_settings_refuse(s, INS1_E_FORMAT, key, expected);
            return true;
        }
        out[(*n)++] = (int32_t)id;
        if (value.kind != S1_JSON_ARRAY)
            break;
    }
    return true;
}
