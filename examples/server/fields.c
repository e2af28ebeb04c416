#include "fields.h"

const json_t *field(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_null(value) ? NULL : value;
}

const char *kind_of(const json_t *value)
{
    if (!value)
        return "nothing";
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    default:
        return "null";
    }
}

bool field_int(const json_t *object, const char *name, int64_t least, int64_t most, int64_t *out,
               problem *p)
{
    const json_t *value = field(object, name);
    if (!value)
        return true;
    if (!json_is_integer(value))
        return refuse(p, 400, "invalid_type", name, "'%s' is %s, expected a whole number", name,
                      json_is_real(value) ? "no whole number" : kind_of(value));
    const int64_t number = json_integer_value(value);
    if (number < least || number > most)
        return refuse(p, 400, "invalid_value", name, "'%s' is %lld, expected %lld to %lld", name,
                      (long long)number, (long long)least, (long long)most);
    *out = number;
    return true;
}

bool field_real(const json_t *object, const char *name, double least, double most, float *out,
                problem *p)
{
    const json_t *value = field(object, name);
    if (!value)
        return true;
    if (!json_is_number(value))
        return refuse(p, 400, "invalid_type", name, "'%s' is %s, expected a number", name,
                      kind_of(value));
    const double number = json_number_value(value);
    if (!(number >= least && number <= most))
        return refuse(p, 400, "invalid_value", name, "'%s' is %g, expected %g to %g", name, number,
                      least, most);
    *out = (float)number;
    return true;
}

bool field_bool(const json_t *object, const char *name, bool *out, problem *p)
{
    const json_t *value = field(object, name);
    if (!value)
        return true;
    if (!json_is_boolean(value))
        return refuse(p, 400, "invalid_type", name, "'%s' is %s, expected true or false", name,
                      kind_of(value));
    *out = json_is_true(value);
    return true;
}

bool field_text(const json_t *object, const char *name, const char **out, problem *p)
{
    const json_t *value = field(object, name);
    if (!value)
        return true;
    if (!json_is_string(value))
        return refuse(p, 400, "invalid_type", name, "'%s' is %s, expected a string", name,
                      kind_of(value));
    *out = json_string_value(value);
    return true;
}
