#include "json.h"

#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 100

typedef struct reader {
    const char *begin, *at, *end;
    int depth;
    ins1_error *error;
} reader;

ins1_status fail(ins1_error *error, ins1_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error->status = status;
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return status;
}

static ins1_status wrong(reader *r, const char *what)
{
    return fail(r->error, INS1_E_FORMAT, "JSON: %s at byte %td", what, r->at - r->begin);
}

static ins1_status read_value(reader *r, json *out);

static void skip_space(reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static bool take(reader *r, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(r->end - r->at) < size || memcmp(r->at, word, size) != 0)
        return false;
    r->at += size;
    return true;
}

static bool read_hex(reader *r, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        if (r->at == r->end)
            return false;
        char c = *r->at;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return false;
        *out = *out << 4 | (uint32_t)digit;
    }
    return true;
}

static void add_code_point(buffer *to, uint32_t c)
{
    char bytes[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = n; i-- > 1; c >>= 6)
        bytes[i] = (char)(0x80 | (c & 0x3f));
    bytes[0] = (char)(lead[n] | c);
    text_add(to, bytes, n);
}

static ins1_status read_unicode(reader *r, buffer *to)
{
    uint32_t c, low;
    if (!read_hex(r, &c))
        return wrong(r, "four hexadecimal digits expected");
    if (c >= 0xdc00 && c < 0xe000)
        return wrong(r, "lone surrogate");
    if (c >= 0xd800 && c < 0xdc00) {
        if (!take(r, "\\u") || !read_hex(r, &low) || low < 0xdc00 || low > 0xdfff)
            return wrong(r, "lone surrogate");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    add_code_point(to, c);
    return INS1_OK;
}

static ins1_status read_escape(reader *r, buffer *to)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    r->at++;
    if (r->at == r->end)
        return wrong(r, "unfinished string");
    if (*r->at == 'u') {
        r->at++;
        return read_unicode(r, to);
    }
    const char *name = *r->at ? strchr(names, *r->at) : NULL;
    if (!name)
        return wrong(r, "unknown escape");
    text_add(to, values + (name - names), 1);
    r->at++;
    return INS1_OK;
}

static ins1_status read_string(reader *r, json *out)
{
    buffer s = { 0 };
    ins1_status status = INS1_OK;

    out->kind = JSON_STRING;
    r->at++;
    while (status == INS1_OK && r->at < r->end && *r->at != '"') {
        const char *from = r->at;
        while (r->at < r->end && *r->at != '"' && *r->at != '\\' && (unsigned char)*r->at >= 0x20)
            r->at++;
        text_add(&s, from, (size_t)(r->at - from));
        if (r->at < r->end && *r->at == '\\')
            status = read_escape(r, &s);
        else if (r->at < r->end && *r->at != '"')
            status = wrong(r, "control character in a string");
    }
    if (status == INS1_OK && r->at == r->end)
        status = wrong(r, "unfinished string");
    r->at += status == INS1_OK;
    *text_room(&s, 1) = '\0';
    out->text = s.at;
    out->n = s.size;
    return status;
}

static size_t digits(reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return (size_t)(r->at - from);
}

static ins1_status read_number(reader *r, json *out)
{
    out->kind = JSON_NUMBER;
    take(r, "-");
    bool is_zero = r->at < r->end && *r->at == '0';
    size_t n = digits(r);
    if (!n || (is_zero && n > 1))
        return wrong(r, "value expected");
    if (take(r, ".") && !digits(r))
        return wrong(r, "digit expected");
    if (take(r, "e") || take(r, "E")) {
        if (!take(r, "+"))
            take(r, "-");
        if (!digits(r))
            return wrong(r, "digit expected");
    }
    return INS1_OK;
}

/* Room for one more item, and key. */
static void grow(json *out)
{
    if (out->n & (out->n - 1))
        return;
    size_t capacity = out->n ? 2 * out->n : 1;
    out->items = reallocate(out->items, capacity, sizeof(*out->items));
    if (out->kind == JSON_OBJECT)
        out->keys = reallocate(out->keys, capacity, sizeof(*out->keys));
}

static ins1_status read_item(reader *r, json *out)
{
    ins1_status status;
    grow(out);
    out->items[out->n] = (json){ 0 };
    if (out->kind == JSON_OBJECT)
        out->keys[out->n] = (json){ 0 };
    size_t at = out->n++;
    if (out->kind == JSON_ARRAY)
        return read_value(r, &out->items[at]);

    skip_space(r);
    if (r->at == r->end || *r->at != '"')
        return wrong(r, "key expected");
    status = read_string(r, &out->keys[at]);
    if (status != INS1_OK)
        return status;
    skip_space(r);
    if (!take(r, ":"))
        return wrong(r, "':' expected");
    return read_value(r, &out->items[at]);
}

static ins1_status read_items(reader *r, json *out, json_kind kind, const char *close)
{
    out->kind = kind;
    if (r->depth == MAX_DEPTH)
        return wrong(r, "nested too deeply");
    r->depth++;
    r->at++;
    skip_space(r);
    if (take(r, close)) {
        r->depth--;
        return INS1_OK;
    }
    do {
        ins1_status status = read_item(r, out);
        if (status != INS1_OK)
            return status;
        skip_space(r);
    } while (take(r, ","));
    r->depth--;
    return take(r, close) ? INS1_OK
                          : wrong(r, kind == JSON_ARRAY ? "']' expected" : "'}' expected");
}

static ins1_status read_any(reader *r, json *out)
{
    if (r->at == r->end)
        return wrong(r, "value expected");
    switch (*r->at) {
    case '{':
        return read_items(r, out, JSON_OBJECT, "}");
    case '[':
        return read_items(r, out, JSON_ARRAY, "]");
    case '"':
        return read_string(r, out);
    default:
        break;
    }
    out->kind = JSON_TRUE;
    if (take(r, "true"))
        return INS1_OK;
    out->kind = JSON_FALSE;
    if (take(r, "false"))
        return INS1_OK;
    out->kind = JSON_NULL;
    return take(r, "null") ? INS1_OK : read_number(r, out);
}

static ins1_status read_value(reader *r, json *out)
{
    skip_space(r);
    out->raw = r->at;
    ins1_status status = read_any(r, out);
    out->raw_size = (size_t)(r->at - out->raw);
    return status;
}

static ins1_status check_utf8(reader *r)
{
    for (r->at = r->begin; r->at < r->end;) {
        size_t n = text_character(r->at, (size_t)(r->end - r->at));
        if (!n)
            return wrong(r, "no UTF-8");
        r->at += n;
    }
    r->at = r->begin;
    return INS1_OK;
}

ins1_status json_parse(json *out, const char *text, size_t size, ins1_error *error)
{
    reader r = { .begin = text, .at = text, .end = text + size, .error = error };
    *out = (json){ 0 };
    ins1_status status = check_utf8(&r);
    if (status == INS1_OK)
        status = read_value(&r, out);
    skip_space(&r);
    if (status == INS1_OK && r.at != r.end)
        status = wrong(&r, "end expected");
    if (status != INS1_OK)
        json_free(out);
    return status;
}

void json_free(json *value)
{
    for (size_t i = 0; i < value->n && value->items; i++)
        json_free(&value->items[i]);
    for (size_t i = 0; i < value->n && value->keys; i++)
        json_free(&value->keys[i]);
    free(value->items);
    free(value->keys);
    free(value->text);
    *value = (json){ 0 };
}

const json *json_get(const json *object, const char *name)
{
    if (!object || object->kind != JSON_OBJECT)
        return NULL;
    for (size_t i = object->n; i-- > 0;)
        if (strlen(name) == object->keys[i].n &&
            !memcmp(object->keys[i].text, name, object->keys[i].n))
            return object->items[i].kind == JSON_NULL ? NULL : &object->items[i];
    return NULL;
}

ins1_status json_flag(const json *object, const char *name, bool *out, ins1_error *error)
{
    const json *value = json_get(object, name);
    if (value && value->kind != JSON_TRUE && value->kind != JSON_FALSE)
        return fail(error, INS1_E_FORMAT, "\"%s\" is %.*s, true or false is expected", name,
                    value->raw_size < 40 ? (int)value->raw_size : 40, value->raw);
    if (value)
        *out = value->kind == JSON_TRUE;
    return INS1_OK;
}

bool json_int(const json *value, int64_t *out)
{
    char digits_only[32] = { 0 }, *end;
    if (!value || value->kind != JSON_NUMBER || value->raw_size >= sizeof(digits_only))
        return false;
    memcpy(digits_only, value->raw, value->raw_size);
    errno = 0;
    *out = strtoll(digits_only, &end, 10);
    return !*end && !errno;
}

bool json_real(const json *value, double *out)
{
    if (!value || value->kind != JSON_NUMBER)
        return false;
    buffer copy = { 0 };
    text_add(&copy, value->raw, value->raw_size);
    text_add(&copy, "", 1);
    *out = strtod(copy.at, NULL);
    text_free(&copy);
    return true;
}

ins1_status json_ids(const json *value, int32_t **out, size_t *n, ins1_error *error)
{
    *out = NULL;
    *n = 0;
    if (!value || value->kind != JSON_ARRAY)
        return fail(error, INS1_E_FORMAT, "an array of token ids is expected");
    int32_t *ids = allocate(value->n, sizeof(*ids));
    for (size_t i = 0; i < value->n; i++) {
        int64_t id;
        if (!json_int(&value->items[i], &id)) {
            free(ids);
            return fail(error, INS1_E_FORMAT, "id %zu is no whole number", i);
        }
        if (id < INT32_MIN || id > INT32_MAX) {
            free(ids);
            return fail(error, INS1_E_ARGUMENT, "id %zu is %lld, outside every vocabulary", i,
                        (long long)id);
        }
        ids[i] = (int32_t)id;
    }
    *out = ids;
    *n = value->n;
    return INS1_OK;
}
