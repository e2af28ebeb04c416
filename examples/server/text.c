#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool grow(text *to, size_t size)
{
    if (to->has_failed || size <= to->capacity - to->size)
        return !to->has_failed;
    size_t capacity = to->capacity < 256 ? 256 : to->capacity;
    while (capacity - to->size < size && capacity <= SIZE_MAX / 2)
        capacity *= 2;
    char *moved = capacity - to->size < size ? NULL : realloc(to->at, capacity);
    if (!moved) {
        to->has_failed = true;
        return false;
    }
    to->at = moved;
    to->capacity = capacity;
    return true;
}

void text_add(text *to, const void *bytes, size_t size)
{
    if (!size || !grow(to, size))
        return;
    memcpy(to->at + to->size, bytes, size);
    to->size += size;
}

void text_puts(text *to, const char *string)
{
    text_add(to, string, strlen(string));
}

void text_append(text *to, const text *from)
{
    text_add(to, from->at, from->size);
    to->has_failed = to->has_failed || from->has_failed;
}

/* Short things: what is longer than this is cut. */
void text_print(text *to, const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    text_puts(to, line);
}

static int add_dumped(const char *bytes, size_t size, void *to)
{
    text_add(to, bytes, size);
    return 0;
}

void text_json(text *to, json_t *value)
{
    if (!value || json_dump_callback(value, add_dumped, to, JSON_COMPACT) != 0)
        to->has_failed = true;
    json_decref(value);
}

void text_free(text *from)
{
    free(from->at);
    *from = (text){ 0 };
}

/* --- characters --- */

/* Bytes of the UTF-8 character that begins here, 0 when there is none. */
static size_t character(const char *bytes, size_t left)
{
    const unsigned char *s = (const unsigned char *)bytes;
    const unsigned char c = s[0];
    size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    if (n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f) || (c == 0xf0 && s[1] < 0x90) ||
        (c == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

void text_string(text *to, const char *bytes, size_t size)
{
    text_puts(to, "\"");
    for (size_t i = 0, n; i < size; i += n ? n : 1) {
        n = character(bytes + i, size - i);
        if (!n)
            text_puts(to, "\xef\xbf\xbd");
        else if (bytes[i] == '"' || bytes[i] == '\\')
            text_print(to, "\\%c", bytes[i]);
        else if ((unsigned char)bytes[i] < 0x20)
            text_print(to, "\\u%04x", bytes[i]);
        else
            text_add(to, bytes + i, n);
    }
    text_puts(to, "\"");
}

/* --- base64 --- */

static int sextet(char c)
{
    return c >= 'A' && c <= 'Z'     ? c - 'A'
           : c >= 'a' && c <= 'z'   ? c - 'a' + 26
           : c >= '0' && c <= '9'   ? c - '0' + 52
           : (c == '+' || c == '-') ? 62
           : (c == '/' || c == '_') ? 63
                                    : -1;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

bool base64_decode(text *to, const char *from, size_t size)
{
    uint32_t bits = 0;
    unsigned n_bits = 0;
    size_t i = 0;

    for (; i < size && from[i] != '='; i++) {
        int value = sextet(from[i]);
        if (value < 0 && !is_space(from[i]))
            return false;
        if (value < 0)
            continue;
        bits = (bits << 6 | (uint32_t)value) & 0xffffff;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            const char byte = (char)(bits >> n_bits & 0xff);
            text_add(to, &byte, 1);
        }
    }
    for (; i < size; i++)
        if (from[i] != '=' && !is_space(from[i]))
            return false;
    return n_bits < 6;
}

void base64_encode(text *to, const void *from, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *s = from;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t bits = (uint32_t)s[i] << 16;
        bits |= i + 1 < size ? (uint32_t)s[i + 1] << 8 : 0;
        bits |= i + 2 < size ? (uint32_t)s[i + 2] : 0;
        const char four[] = { digits[bits >> 18], digits[bits >> 12 & 63],
                              i + 1 < size ? digits[bits >> 6 & 63] : '=',
                              i + 2 < size ? digits[bits & 63] : '=' };
        text_add(to, four, sizeof(four));
    }
}

/* --- percent signs --- */

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

bool percent_decode(text *to, const char *from, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char byte = from[i];
        if (byte == '%') {
            if (size - i < 3 || hex(from[i + 1]) < 0 || hex(from[i + 2]) < 0)
                return false;
            byte = (char)(hex(from[i + 1]) * 16 + hex(from[i + 2]));
            i += 2;
        }
        text_add(to, &byte, 1);
    }
    return true;
}
